"""What happened while training: a row for every epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..engine.shown import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Epoch(NamedTuple):
    """One pass over the training data.

    Attributes:
        number: from 1.
        loss: mean over the batches, each before its update, penalties included.
        accuracy: share of training examples classified rightly after the epoch; NaN for a regression.
        validation_loss: mean over the validation data after the epoch, without penalties; NaN without such data.
        validation_accuracy: likewise.
        learning_rate: of the last update.
        seconds: since the start.
    """

    number: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    seconds: float


class _Column:
    """One number of every epoch, shape (epochs,)."""

    def __set_name__(self, owner: type[History], name: str) -> None:
        self.name = name

    def __get__(self, history: History | None, owner: type[History]) -> NDArray[np.float64]:
        return np.array([getattr(epoch, self.name) for epoch in (history.epochs if history else [])], dtype=float)


@dataclass
class History:
    """The rows, and each column as an array: `history.loss`, `history.accuracy`, …

    Attributes:
        epochs: one row each.
        stopped: why training ended: `"all epochs done"`, `"the error stopped falling"`, `"interrupted"` or
            `"a callback said so"`.
        engine: what computed the gradients: `"compiled"`, or `"eager"` and why.
        best_epoch: number of the epoch with the lowest watched loss (validation if there is any).
    """

    epochs: list[Epoch] = field(default_factory=list)
    stopped: str = "all epochs done"
    engine: str = ""
    best_epoch: int = 0

    loss = _Column()
    accuracy = _Column()
    validation_loss = _Column()
    validation_accuracy = _Column()
    learning_rate = _Column()
    seconds = _Column()

    def __len__(self) -> int:
        return len(self.epochs)

    def __repr__(self) -> str:
        if not self.epochs:
            return f"History(no epochs, {self.stopped})"
        last = self.epochs[-1]
        accuracy = f", accuracy={last.accuracy:.1%}" if last.accuracy == last.accuracy else ""
        return f"History({counted(len(self), 'epoch')}, loss={last.loss:.6g}{accuracy}, {self.stopped}, {self.engine})"
