"""Nodes whose rule is a closure of the learner's own, as in micrograd: `Value(data, children, op)` with a `_backward`.

`backward()` runs the closure as it is. Whoever needs local slopes (`grad`, steps, drawings, the gradient check)
measures them: a rule adds upstream × slope to each child's gradient, so run on known gradients it tells the slopes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from ..errors import GraphError
from ..shown import described
from .origin import DETACHED, LEAF, STATE, is_value, number_used, same

if TYPE_CHECKING:
    from .value import Value

OWN: Final = "own"
"""The kind of such a node; as the name of its op, what the rule is called follows: `own tanh`."""
WRITTEN: Final[ContextVar[list[tuple[Any, float]] | None]] = ContextVar(
    "gradients set by a rule of one's own", default=None
)
"""While such a rule runs: the nodes whose `grad` it set, each with the gradient before."""
_PROPORTIONAL: Final = 1e-9
"""How far, relatively, a rule may be from upstream × slope: the rounding of a long closure, nothing more."""


def own_name(op: str) -> str | None:
    """What the op of a node with a rule of one's own is called; None for any other op.

    >>> own_name("own tanh"), own_name("own"), own_name("tanh")
    ('tanh', 'own', None)
    """
    return op[len(OWN) + 1 :] or OWN if op == OWN or op.startswith(f"{OWN} ") else None


def become_own(node: Value, children: Iterable[Value], symbol: str, recording: bool) -> None:
    """Make `node` one whose rule is a closure, computed from `children`; without history where nothing is recorded.

    Raises:
        TypeError: if a child is no Value.
        ValueError: if `node` is one of its own ancestors.
    """
    if isinstance(children, (str, bytes)) or not isinstance(children, Iterable):
        raise TypeError(f"the children of a Value are Values, in a tuple; got {described(children)}")
    inputs = tuple(dict.fromkeys(children))
    for child in inputs:
        if not is_value(child):
            raise TypeError(f"the children of a Value are Values, got {described(child)}: wrap a number in Value(...)")
    refuse_cycle(node, inputs)
    kept = inputs if recording else ()
    STATE.ruled = True
    node._a, node._b, node._slope_a, node._slope_b = kept or None, None, None, None
    node._kind = OWN if kept else DETACHED if inputs else LEAF
    if symbol:
        node.__dict__["_symbol"] = symbol


def assign_rule(node: Value, rule: Callable[[], None]) -> None:
    """Make `rule` the rule of `node`.

    Raises:
        TypeError: if it cannot be called.
        ValueError: if nothing lies behind the node that a gradient could be handed to.
    """
    if not callable(rule):
        raise TypeError(f"_backward takes a function without arguments, got {described(rule)}")
    if node.inputs:
        become_own(node, node._prev, node._op, recording=True)
    elif node._kind != DETACHED and not _does_nothing(rule):
        raise ValueError(
            f"{node!r} has no children to which a rule could hand its gradient: make it with Value(data, children, op)"
        )
    node.__dict__["_rule"] = rule


def _does_nothing(rule: Any) -> bool:
    code = getattr(rule, "__code__", None)
    return code is not None and code.co_code == (lambda: None).__code__.co_code and code.co_consts in ((None,), ())


def refuse_cycle(node: Value, inputs: tuple[Value, ...]) -> None:
    """Refuse that `node` is computed from `inputs` if it is behind them itself."""
    came_from: dict[Value, Value] = dict.fromkeys(inputs, node)
    stack = list(came_from)
    while stack:
        v = stack.pop()
        if v is node:
            around = [v]
            while (v := came_from[v]) is not node:
                around.append(v)
            names = " ← ".join(_called(one) for one in [node, *reversed(around)])
            raise ValueError(f"a Value cannot be computed from itself, and this one would be: {names}")
        for u in v.inputs:
            if u not in came_from:
                came_from[u] = v
                stack.append(u)


def refuse_without_rule(nodes: Iterable[Value]) -> None:
    """Refuse to go back through nodes that were made by hand and have no rule.

    Raises:
        GraphError: if there is one.
    """
    for node in nodes:
        if node._kind == OWN and node.__dict__.get("_rule") is None:
            raise GraphError(
                f"{_called(node)} was made from {_all(node.inputs)} by hand and has no rule: assign its _backward, "
                "a function that adds to the gradient of each"
            )


def run(node: Value, written: list[tuple[Any, float]]) -> None:
    """Let the rule of `node` hand its gradient to its children; `written` gets who was given what before.

    Raises:
        GraphError: if it has no rule, or the rule sets the gradient of a result that is not among the children: what
            lies behind that would miss it.
    """
    refuse_without_rule([node])
    rule = node.__dict__["_rule"]
    token = WRITTEN.set(written)
    try:
        rule()
    finally:
        WRITTEN.reset(token)
    for v, _ in written:
        if v._a is not None and v not in node.inputs and v is not node:
            raise _stranger(node, v)


def _stranger(node: Value, v: Value) -> GraphError:
    return GraphError(
        f"the rule of {_called(node)} sets the gradient of {_called(v)}, which is not among its children "
        f"({_all(node.inputs)}): pass it, too, in Value(data, children, op)"
    )


def slopes(node: Value) -> tuple[float, ...]:
    """∂node/∂child for each child: what the rule adds to its gradient where that of `node` is 1.

    Every gradient is as before afterwards.

    Raises:
        GraphError: if there is no rule, if it does not add upstream × slope, or if a child was changed since.
    """
    inputs = node.inputs
    for v in inputs:
        if not same(number_used(v, node), v._data):
            raise GraphError(
                f"{_called(v)} was changed after {_called(node)} was computed from it, and the rule of "
                f"{_called(node)} may read the new number: compute the result again"
            )
    once, again = (_added(node, inputs, upstream, begun) for upstream, begun in ((1.0, 0.0), (-2.0, 1.0)))
    for v, slope, twice in zip(inputs, once, again):
        if not abs(twice + 2.0 * slope) > _PROPORTIONAL * abs(slope) + 1e-15:  # NaN and infinity are seen elsewhere
            continue
        if not abs(twice + 1.0 + 2.0 * slope) > _PROPORTIONAL * (1.0 + abs(slope)):
            problem = f"overwrites the gradient of {_called(v)}: it must add to it, with +="
        elif abs(twice - slope) <= _PROPORTIONAL * (1.0 + abs(slope)):
            problem = (
                f"does not add upstream × slope to the gradient of {_called(v)}: it adds {slope!r} whatever its own "
                "gradient is, which must be a factor of it (the chain rule)"
            )
        else:
            problem = (
                f"does not add upstream × slope to the gradient of {_called(v)}: for an upstream gradient of 1 it adds "
                f"{slope!r}, for -2 it adds {twice!r}; backward() runs it as it is"
            )
        raise GraphError(f"the rule of {_called(node)} {problem}")
    return tuple(once)


def _added(node: Value, inputs: tuple[Value, ...], upstream: float, begun: float) -> list[float]:
    """What the rule adds to the gradients of the children, begun at `begun`."""
    before = [(v, v._grad) for v in (*inputs, node)]
    written: list[tuple[Any, float]] = []
    try:
        for v in inputs:
            v._grad = begun
        node._grad = upstream
        run(node, written)
        for v, _ in written:
            if v not in inputs:
                raise _stranger(node, v)
        return [v._grad - begun for v in inputs]
    finally:
        for v, old in [*reversed(written), *before]:
            v._grad = old


def _called(node: Value) -> str:
    return node._label or (f"{node._op} = {node._data!r}" if node._op else repr(node._data))


def _all(nodes: tuple[Value, ...]) -> str:
    return ", ".join(map(_called, nodes))
