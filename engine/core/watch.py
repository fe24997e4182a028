"""Who is told when a number leaves the graph, to be compared or read: the compiler, while it traces a function."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, get_ident
from typing import Any, Final, Protocol


class Watcher(Protocol):
    """What `told(…)` takes; asked only while `STATE.watched` says, by `watched()` in `habits.py`, that somebody traces
    somewhere."""

    def compared(self, outcome: bool, *values: Any, nodes: bool) -> bool:
        """Two numbers were compared, or two Values, whether they are one of the `nodes`; returns the outcome to go on
        with."""

    def read(self, value: Any, how: str) -> None:
        """The number of a Value, or one that follows from it, is handed to the code that called; `value` is None
        where a number is about to be computed without a graph."""

    def owns(self, value: Any) -> bool:
        """Whether a Value depends on what nobody but the traced function has."""


class _Traces:
    now: tuple[tuple[Watcher, int], ...] = ()
    """Who watches, the last one to begin first, and in which thread: a context of its own is no way out."""


_traces: Final = _Traces()
_lock: Final = Lock()


@contextmanager
def told(watcher: Watcher) -> Iterator[None]:
    """Inside, `watcher` is told what this thread compares and reads, and what other threads do with what it owns."""
    with _lock:
        _traces.now = ((watcher, get_ident()), *_traces.now)
    try:
        yield
    finally:
        with _lock:
            _traces.now = tuple(one for one in _traces.now if one[0] is not watcher)


def compared(outcome: bool, *values: Any, nodes: bool = False) -> bool:
    """Tell of a comparison those whom it concerns."""
    here = get_ident()
    for watcher, thread in _traces.now:
        if thread == here or any(map(watcher.owns, values)):
            outcome = watcher.compared(outcome, *values, nodes=nodes)
    return outcome


def read(value: Any, how: str) -> None:
    """Tell those whom it concerns that a number is handed out."""
    here = get_ident()
    for watcher, thread in _traces.now:
        if thread == here or watcher.owns(value):
            watcher.read(value, how)
