"""Where a node comes from: when it was made, by which module calls, and what number it had before it was changed."""

from __future__ import annotations

import threading
from typing import Any, Final, NamedTuple

from ..errors import GraphError


class State:
    """What every recording function looks at: `paused`, how many `no_grad()` blocks are open, in whatever thread or
    task, and `clock`, how often the number of some node has been changed."""

    __slots__ = ("clock", "paused")

    def __init__(self) -> None:
        self.clock = self.paused = 0


STATE: Final = State()
LOCK: Final = threading.Lock()
"""Held while `STATE` is changed."""


class Origin(NamedTuple):
    """What `_origin` holds where a tick of the clock, the time when the node was made, is not all there is to say.

    Attributes:
        made: when the node was made.
        calls: the module calls that made it, inner ones first.
        before: the number that it had before its last change, from the tick `since` of the clock until `until`.
    """

    made: int
    calls: tuple[Any, ...] = ()
    before: float = 0.0
    since: int = -1
    until: int = -1


def origin(node: Any) -> Origin:
    """Where a node comes from."""
    return Origin(node._origin) if node._origin.__class__ is int else node._origin


def change(node: Any, x: float) -> None:
    """Give a node another number; what was computed with the old one can still be told."""
    if x == node._data:
        return
    with LOCK:
        STATE.clock = now = STATE.clock + 1
    made = node._origin
    if made.__class__ is int:
        node._origin = Origin(made, (), node._data, made, now)
    else:
        node._origin = Origin(made.made, made.calls, node._data, max(made.made, made.until), now)
    node._data = x


def number_used(node: Any, user: Any) -> float:
    """The number that `node` had when `user` was computed from it.

    Raises:
        GraphError: if it has been changed more than once since, so that nobody knows any more.
    """
    past, time = origin(node), origin(user).made
    if time >= past.until:
        return float(node._data)
    if time >= past.since:
        return past.before
    raise GraphError(
        f"{node!r} has been changed more than once since {user!r} was computed from it: compute the result again"
    )
