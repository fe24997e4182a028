"""Copies of graphs for `pickle` and `copy.deepcopy`: a graph is gone through flat, so that neither recurses."""

from __future__ import annotations

import threading
from copy import deepcopy
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any

from .backward import differentiable_order
from .origin import STATE, Origin
from .own import OWN
from .record import NOT_COMPUTED

if TYPE_CHECKING:
    from .value import Value

SLOTS = ("_data", "_grad", "_kind", "_a", "_b", "_slope_a", "_slope_b")
_OURS = {*SLOTS, "_mark", "_origin"}


class _Listed(threading.local):
    """The nodes of graphs that are being listed just now: each of them is taken apart alone."""

    def __init__(self) -> None:
        self.nodes: set[Value] = set()


_listed = _Listed()


class _End:
    """Stands behind the list of a graph's nodes: when its turn comes, or pickling has failed, all are done."""

    def __init__(self, nodes: list[Value]) -> None:
        self.nodes, self.listed = nodes, _listed.nodes
        self.listed.update(nodes)

    def __reduce__(self) -> Any:
        self.__del__()
        return int, ()

    def __del__(self) -> None:
        self.listed.difference_update(self.nodes)


def reduced(node: Value) -> Any:
    """What `__reduce_ex__` gives: a leaf by itself, a result as the last of the list of all nodes behind it.

    Raises:
        TypeError: for a node whose rule is a closure.
    """
    if node._a is not None and node not in _listed.nodes:
        order = differentiable_order(node)
        return _last, (order, _End(order))
    if node._kind == OWN:
        raise closure_error(node)
    slots = {slot: getattr(node, slot) for slot in SLOTS}
    if node._grad is NOT_COMPUTED:
        del slots["_grad"]
    return _new, (node.__class__,), (slots, _shifted(node._origin, -STATE.clock), attributes(node))


def deep_copied(node: Value, memo: dict[int, Any]) -> Any:
    """What `__deepcopy__` gives: the copies of all nodes behind a node are made, and only then filled.

    Raises:
        TypeError: for a node whose rule is a closure.
    """
    new = [v for v in differentiable_order(node) if id(v) not in memo]
    for v in new:
        if v._kind == OWN:
            raise closure_error(v)
        memo[id(v)] = object.__new__(v.__class__)
    for v in new:
        slots = {slot: getattr(v, slot) for slot in SLOTS}
        for operand in ("_a", "_b"):  # nodes that are copied already, and constants
            slots[operand] = deepcopy(slots[operand], memo)
        _fill(memo[id(v)], slots, v._origin, {name: deepcopy(x, memo) for name, x in attributes(v).items()})
    return memo[id(node)]


def closure_error(node: Value) -> TypeError:
    """Why a node whose rule is a closure is not copied: it knows the nodes it was made for, and no copy of them."""
    return TypeError(
        f"{node!r} has a rule of its own, which is not pickled or copied: copy the leaves and compute again, "
        "or make the rule an op with gg.define_op"
    )


def attributes(node: Value) -> dict[str, Any]:
    """What a user has set on a node, in the slots of a subclass, too."""
    slots = [n for kind in type(node).__mro__ for n, d in vars(kind).items() if isinstance(d, MemberDescriptorType)]
    own = {name: getattr(node, name) for name in slots if name not in _OURS and hasattr(node, name)}
    return {**node.__dict__, **own}


def add_attributes(node: Value, given: dict[str, Any]) -> None:
    """Set them on another node."""
    for name, x in given.items():
        object.__setattr__(node, name, x)


def restore(node: Value, state: tuple[dict[str, Any], int | Origin, dict[str, Any]]) -> None:
    """Fill a node that `_new` made; `state` is the third part of what `reduced` gave."""
    slots, made, given = state
    _fill(node, slots, _shifted(made, STATE.clock), given)


def _fill(node: Value, slots: dict[str, Any], made: int | Origin, given: dict[str, Any]) -> None:
    node._mark, node._grad, node._origin = 0, NOT_COMPUTED, made
    for slot, x in slots.items():
        setattr(node, slot, x)
    add_attributes(node, given)


def _new(kind: type[Value]) -> Value:
    return object.__new__(kind)


def _last(nodes: list[Value], _: object) -> Value:
    return nodes[-1]


def _shifted(made: int | Origin, ticks: int) -> int | Origin:
    """A time told from now instead of from the start of this process, or the other way round."""
    if isinstance(made, int):
        return made + ticks
    past = tuple((until + ticks, x) for until, x in made.past)
    return made._replace(made=made.made + ticks, past=past, since=made.since + ticks)
