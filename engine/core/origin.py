"""Where a node comes from: when it was made, by which module calls, and what number it had before it was changed."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from ..errors import GraphError

LEAF, CONST, DETACHED = "", "const", "detached"
"""What a node is that no op made: given, a plain number beside a Value, or made where nothing was recorded."""


def is_value(thing: object) -> bool:
    """Whether it is a node of a graph."""
    return hasattr(thing, "_slope_a")


class State:
    """What every recording function looks at: `paused`, how many `no_grad()` blocks are open, in whatever thread or
    task, and `clock`, how often the number of some node has been changed. Also `watched`, how many traces are on,
    `subclassed`, whether there are Values of other classes, and `ruled`, whether there are nodes made by hand."""

    __slots__ = ("clock", "paused", "ruled", "subclassed", "watched")

    def __init__(self) -> None:
        self.clock = self.paused = self.watched = 0
        self.subclassed = self.ruled = False


STATE: Final = State()
LOCK: Final = threading.RLock()
"""Held while `STATE` is changed; by one thread twice where a signal handler changes it in the midst of that."""
MOVING: Final = threading.RLock()
"""Held while numbers of a user's Values are moved and put back (a gradient check), and by whoever reads or writes many
of them at once: none of these sees them moved, or puts back what another has changed."""


RETIRED: Final[dict[str, int]] = {}
"""Ops that were taken out of the table, each with the tick of the clock when it was: older nodes are not of an op that
may have the name now."""
REMEMBERED: Final = 8
"""How many changes of its number a node keeps in mind: enough to nudge it to and fro, and to put it back."""


class Origin(NamedTuple):
    """What `_origin` holds where a tick of the clock, the time when the node was made, is not all there is to say.

    Attributes:
        made: when the node was made.
        calls: the module calls that made it, inner ones first.
        past: the numbers it had before its last changes, each with the tick of the clock until which it had it.
        since: from when on these are known.
    """

    made: int
    calls: tuple[Any, ...] = ()
    past: tuple[tuple[int, float], ...] = ()
    since: int = -1


def retire(op: str) -> None:
    """Note that an op has been taken out of the table."""
    with LOCK:
        STATE.clock = RETIRED[op] = STATE.clock + 1


def refuse_retired(nodes: Iterable[Any]) -> None:
    """Refuse to look behind nodes of an op that is not in the table any more, though another may have its name.

    Raises:
        GraphError: if there is one.
    """
    if RETIRED:
        for node in nodes:
            if origin(node).made < RETIRED.get(node._kind, 0):
                raise GraphError(
                    f"{node!r} was computed by the op {node._kind!r}, which has been removed since: compute the result "
                    "again with the op that is in the table now"
                )


def origin(node: Any) -> Origin:
    """Where a node comes from."""
    return Origin(node._origin) if node._origin.__class__ is int else node._origin


def same(a: float, b: float) -> bool:
    """Whether two numbers are equal; NaN is equal to itself here."""
    return a == b or (a != a and b != b)


def tick() -> int:
    """The time from now on: whatever was made before is older."""
    with LOCK:
        STATE.clock += 1
        return STATE.clock


def change(node: Any, x: float) -> None:
    """Give a node another number; what was computed with the old one can still be told."""
    if same(x, node._data):
        node._data = x  # perhaps -0.0 for 0.0
        return
    with LOCK:
        STATE.clock = now = STATE.clock + 1
        old = origin(node)
        past, since = (*old.past, (now, node._data)), old.since
        if len(past) > REMEMBERED:
            (since, _), *rest = past
            past = tuple(rest)
        node._origin = Origin(old.made, old.calls, past, since)
        node._data = x


def number_used(node: Any, user: Any) -> float:
    """The number that `node` had when `user` was computed from it.

    Raises:
        GraphError: if it has been changed so often since that nobody knows any more.
    """
    known, time = origin(node), origin(user).made
    if time < known.since:
        raise GraphError(
            f"{node!r} has been changed more than {REMEMBERED} times since {user!r} was computed from it: compute the "
            "result again"
        )
    return next((x for until, x in known.past if time < until), float(node._data))
