"""Who is told when a number leaves the graph, to be compared or read: the compiler, while it traces a function."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final, Protocol


class Watcher(Protocol):
    """What `watched(…)` in `value.py` takes; asked only while `STATE.watched` says that somebody traces somewhere."""

    def compared(self, outcome: bool, *values: Any, nodes: bool) -> bool:
        """Two numbers were compared, or two Values, whether they are one of the `nodes`; returns the outcome to go on
        with."""

    def read(self, value: Any, how: str) -> None:
        """The number of a Value, or one that follows from it, is handed to the code that called; `value` is None
        where a number is about to be computed without a graph."""


WATCHER: Final[ContextVar[Watcher | None]] = ContextVar("who watches this thread or task", default=None)


def compared(outcome: bool, *values: Any, nodes: bool = False) -> bool:
    """Tell the watcher of this thread, if there is one, of a comparison."""
    watcher = WATCHER.get()
    return outcome if watcher is None else watcher.compared(outcome, *values, nodes=nodes)


def read(value: Any, how: str) -> None:
    """Tell the watcher of this thread, if there is one, that a number is handed out."""
    watcher = WATCHER.get()
    if watcher is not None:
        watcher.read(value, how)
