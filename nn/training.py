"""`fit`: train a network on examples, epoch by epoch, and tell what happened."""

from __future__ import annotations

import math
import sys
import threading
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ..engine.choices import whole
from ..engine.core.record import recording
from ..engine.errors import DomainError
from .data import batches, split_indices
from .history import Epoch, History
from .losses import Coding, loss_named
from .module import PARAMETERS, write
from .optimizers import Optimizer, optimizer_named
from .prediction import class_numbers, dead_relus, encoded, outputs, share_right, table
from .update import EagerStep, Task, birthplace, choose_step, differs, losses_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import ArrayLike, NDArray

    from .module import Module
    from .schedules import Schedule
    from .update import Step

    Array = NDArray[np.float64]


class TrainingError(ArithmeticError):
    """The loss, its gradient or a parameter stopped being finite; the model keeps its parameters from before."""


def fit(
    model: Module,
    inputs: ArrayLike,
    targets: ArrayLike,
    loss: str | Callable[[Any, Any], Any] | None = None,
    *,
    optimizer: str | Optimizer = "adam",
    learning_rate: float | Schedule | None = None,
    epochs: int = 100,
    batch_size: int | None = None,
    l1: float = 0.0,
    l2: float = 0.0,
    validation: float | Iterable[ArrayLike] | None = None,
    patience: int | None = None,
    min_improvement: float = 1e-4,
    callbacks: Iterable[Callable[[Epoch], Any]] = (),
    compiled: bool = True,
    seed: int = 0,
    progress: bool | None = None,
) -> History:
    """Train `model` in place. Ctrl-C ends the training early and keeps what was learnt.

    Args:
        model: an `MLP`, or any Module that is called with one example, a list of numbers.
        inputs: shape (n, features).
        targets: for a classification loss class numbers 0, 1, … (or ±1, or one-hot rows), shape (n,); for another
            loss numbers, shape (n,) or (n, outputs).
        loss: a name out of `LOSSES`, one of its functions, or your own function of the outputs and target of one
            example; the mean over the batch is taken here. Targets that are whole numbers reach it as such.
        optimizer: `"sgd"`, `"rmsprop"`, `"adam"`, `"adamw"`, or an `Optimizer`.
        learning_rate: for an optimiser given by name; 0.01 unless given.
        epochs: passes over the data, at most.
        batch_size: examples for one update; all of them unless given.
        l1: adds l1·Σ|p| over all parameters to the loss.
        l2: adds l2·Σp² over all parameters to the loss.
        validation: a share of the examples to hold out, or a pair (inputs, targets), such as a `Dataset`.
        patience: stop when the loss (that of the validation data, if there are any) has not fallen by more than
            `min_improvement` for so many epochs; with validation data the best epoch's parameters are put back.
        callbacks: called after every epoch with its `Epoch`, the model up to date; one that returns True stops. What
            they write into the parameters stays; one that changes the model or the loss ends the compiled engine.
        compiled: use the compiled program; the numbers are the same to about 1e-9. What the compiler refuses trains
            with the eager engine, and a warning says why.
        seed: for the order of the mini-batches and the choice of held-out examples.
        progress: show a progress bar; by default if standard error is a terminal.

    Raises:
        ValueError: for arguments that do not fit together.
        TrainingError: when something stops being finite; names epoch, batch and the node where it was born. Also
            while another thread trains the same network, or with the same optimizer.

    >>> from glassgrad import nn
    >>> X, y = nn.moons(60, seed=1)
    >>> history = fit(model := nn.MLP(2, [8, 1], seed=1), X, y, loss="hinge", learning_rate=0.1, epochs=40)
    >>> bool(history.loss[-1] < history.loss[0]), nn.accuracy(model, X, y) > 0.9
    (True, True)
    """
    chosen = loss_named(loss)
    rows = table(inputs)
    try:
        with np.errstate(all="ignore"):  # training itself tells where a number is not finite
            count = outputs(model, rows[:1]).shape[1]
    except DomainError as error:
        raise TrainingError(f"before the first epoch: the network has no output for example 0: {error}") from None
    wanted = encoded(targets, chosen.coding, count, len(rows))
    whole(epochs, "epochs")
    whole(1 if patience is None else patience, "patience")
    held_out = None
    if isinstance(validation, (int, float, np.floating)):
        labels = None if chosen.coding == "numbers" else class_numbers(wanted)
        kept, held = split_indices(labels, len(rows), validation, seed)
        held_out = rows[held], wanted[held]
        rows, wanted = rows[kept], wanted[kept]
    elif validation is not None:
        validation_inputs, validation_targets = validation
        other = table(validation_inputs, "validation inputs")
        held_out = other, encoded(validation_targets, chosen.coding, count, len(other))
    if not (l1 >= 0 and l2 >= 0):
        raise ValueError(f"l1 and l2 must be numbers from 0 up, got {l1!r} and {l2!r}")
    run = _Run(model, chosen.function, rows, wanted, chosen.coding, held_out, l1, l2)
    rule = optimizer_named(optimizer, learning_rate)
    with recording(), _alone(rule, *run.parameters), _progress_bar(epochs, progress) as show:
        step, engine = choose_step(run, compiled)
        why = engine.removeprefix("eager: ")
        if why != engine:
            warnings.warn(f"fit uses the slower, eager engine: {why}", RuntimeWarning, stacklevel=2)
        return run.train(step, engine, rule, epochs, batch_size, patience, min_improvement, [*callbacks], seed, show)


_busy: set[int] = set()


@contextmanager
def _alone(*trained: object) -> Iterator[None]:
    """Refuse to train what is being trained already, by another thread or in a callback."""
    ids = set(map(id, trained))
    with PARAMETERS:
        if ids & _busy:
            raise TrainingError("this network or optimizer is being trained by another call of fit: give each its own")
        _busy.update(ids)
    try:
        yield
    finally:
        _busy.difference_update(ids)


@dataclass
class _Run(Task):
    """What stays the same during one call of `fit`."""

    coding: Coding
    held_out: tuple[Array, Array] | None
    l1: float
    l2: float
    moved: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.vector = np.array([p.data for p in self.parameters])

    def train(
        self,
        step: Step,
        engine: str,
        optimizer: Optimizer,
        epochs: int,
        batch_size: int | None,
        patience: int | None,
        min_improvement: float,
        callbacks: list[Callable[[Epoch], Any]],
        seed: int,
        show: Callable[[Epoch], None],
    ) -> History:
        history, rng = History(engine=engine), np.random.default_rng(seed)
        best, best_vector = math.inf, self.vector
        reference, falling, told = math.inf, 0, False
        started = time.perf_counter()
        try:
            for number in range(1, epochs + 1):
                loss, rate = self._epoch(number, step, optimizer, batches(len(self.inputs), batch_size, rng))
                try:
                    epoch = self._measured(number, loss, rate, started)
                except DomainError as error:
                    raise TrainingError(f"epoch {number}, after its updates: {error}") from None
                history.epochs.append(epoch)
                show(epoch)
                if not told and self.moved <= self.targets[0].size and dead_relus(self.model, self.inputs):
                    told = True
                    warnings.warn(
                        f"all relus next to the outputs give 0 on every example since epoch {number} at the latest: "
                        "what is below them learns no more. Take another seed, or a smaller learning rate",
                        RuntimeWarning,
                        stacklevel=3,
                    )
                watched = epoch.loss if self.held_out is None else epoch.validation_loss
                if watched < reference - min_improvement:
                    reference, falling = watched, number
                if watched < best:
                    best, best_vector, history.best_epoch = watched, self.vector, number
                answers = [callback(epoch) for callback in callbacks]
                if callbacks:
                    step = self._as_changed(step, history)
                if any(isinstance(answer, (bool, np.bool_)) and answer for answer in answers):
                    history.stopped = "a callback said so"
                    break
                if patience is not None and number - falling >= patience:
                    history.stopped = "the error stopped falling"
                    break
        except KeyboardInterrupt:
            history.stopped = "interrupted"
        finally:
            if patience is not None and self.held_out is not None and history.epochs:
                self.vector = best_vector
            write(self.vector.tolist(), self.parameters)
            for p in self.parameters:  # Ctrl-C may have left half of a backward pass
                p.grad = None
        return history

    def _epoch(
        self, number: int, step: Step, optimizer: Optimizer, parts: list[NDArray[np.int_]]
    ) -> tuple[float, float]:
        losses, rate = [], 0.0
        for i, batch in enumerate(parts, start=1):
            where = f"epoch {number}, batch {i} of {len(parts)}"
            with np.errstate(all="ignore"):  # what is not finite is found and told just below
                try:
                    value, gradient = step(self.vector, batch)
                except DomainError:
                    value, gradient = math.nan, self.vector
                if not (math.isfinite(value) and np.isfinite(gradient).all()):
                    write(self.vector.tolist(), self.parameters)
                    what = "the gradient is not finite" if math.isfinite(value) else f"the loss is {value}"
                    cure = "Try a smaller learning rate, or standardised inputs."
                    raise TrainingError(f"{where}: {what}; {birthplace(self, batch)}. {cure}")
                self.moved = int(np.count_nonzero(gradient))
                penalty, push = penalties(self.vector, self.l1, self.l2)
                rate = optimizer.learning_rate
                new = optimizer.update(self.vector, gradient + push)
            bad = np.flatnonzero(~np.isfinite(new))
            if len(bad):
                names = {p: path for path, p in self.model.named_parameters()}
                name = names.get(self.parameters[bad[0]], f"parameter {bad[0]}")
                how = "try a smaller learning rate, or clip=1.0 on the optimizer"
                raise TrainingError(f"{where}: the update made {name} {new[bad[0]]}; {how}")
            losses.append((value + penalty) * len(batch))
            self.vector = new
        return math.fsum(losses) / len(self.inputs), rate

    def _as_changed(self, step: Step, history: History) -> Step:
        """Take over what callbacks did to the parameters; where they changed the model or the loss, go on eagerly."""
        found, number = self.model.parameters(), len(history)
        if len(found) != len(self.parameters):
            change = f"from {len(self.parameters)} to {len(found)}"
            raise TrainingError(f"epoch {number}: a callback changed the number of parameters {change}: call fit anew")
        same = all(a is b for a, b in zip(found, self.parameters))
        self.parameters[:], self.vector = found, np.array([p.data for p in found])
        if history.engine != "compiled" or (same and not differs(self, step, self.vector, number)):
            return step
        why = f"a callback changed the model or the loss after epoch {number}"
        history.engine = f"eager: {why}"
        warnings.warn(f"fit goes on with the slower, eager engine: {why}", RuntimeWarning, stacklevel=4)
        return EagerStep(self)

    def _measured(self, number: int, loss: float, rate: float, started: float) -> Epoch:
        write(self.vector.tolist(), self.parameters)
        accuracy = validation_loss = validation_accuracy = math.nan
        if self.coding != "numbers":
            accuracy = share_right(outputs(self.model, self.inputs), self.targets)
        if self.held_out is not None:
            rows, wanted = self.held_out
            found = outputs(self.model, rows)
            validation_loss = math.fsum(losses_of(self.loss, found, wanted)) / len(rows)
            if self.coding != "numbers":
                validation_accuracy = share_right(found, wanted)
        return Epoch(number, loss, accuracy, validation_loss, validation_accuracy, rate, time.perf_counter() - started)


def penalties(vector: Array, l1: float, l2: float) -> tuple[float, Array]:
    """l1·Σ|p| + l2·Σp² and its gradient; |p| has slope 0 at 0."""
    value = (l1 and l1 * float(np.abs(vector).sum())) + (l2 and l2 * float(vector @ vector))
    return value, l1 * np.sign(vector) + 2 * l2 * vector


@contextmanager
def _progress_bar(epochs: int, wanted: bool | None) -> Iterator[Callable[[Epoch], None]]:
    console = Console(stderr=True, force_terminal=wanted or None)
    if not (console.is_terminal or console.is_jupyter if wanted is None else wanted):
        yield lambda epoch: None
    elif console.is_jupyter:
        yield _notebook_bar(epochs)
    else:
        texts = map(TextColumn, ("epoch {task.completed}/{task.total}", "{task.description}"))
        columns = next(texts), BarColumn(), next(texts), TimeRemainingColumn()
        # With several threads the bars would lose each other's way back; what goes to a file is left alone.
        alone = threading.current_thread() is threading.main_thread()
        moved: dict[str, Any] = {"redirect_stdout": alone and sys.stdout.isatty(), "redirect_stderr": alone}
        with Progress(*columns, console=console, transient=True, **moved) as bar:
            task = bar.add_task("looking for the matrices", total=epochs)
            yield lambda epoch: bar.update(task, completed=epoch.number, description=_told(epoch))


def _notebook_bar(epochs: int) -> Callable[[Epoch], None]:
    """One line of a notebook that is written over: rich's own bar there needs ipywidgets."""

    def bundle(done: int, words: str) -> dict[str, str]:
        text = f"epoch {done}/{epochs}  {words}"
        return {"text/plain": text, "text/html": f'<progress value="{done}" max="{epochs}"></progress> {text}'}

    line = import_module("IPython.display").display(bundle(0, "looking for the matrices"), raw=True, display_id=True)
    next_time = 0.0

    def show(epoch: Epoch) -> None:
        nonlocal next_time
        if epoch.seconds >= next_time or epoch.number == epochs:
            next_time = epoch.seconds + 0.1
            line.update(bundle(epoch.number, _told(epoch)), raw=True)

    return show


def _told(epoch: Epoch) -> str:
    parts = f"loss {epoch.loss:.4g}", f"accuracy {epoch.accuracy:.1%}", f"validation loss {epoch.validation_loss:.4g}"
    return "  ".join(part for part in parts if "nan" not in part)
