"""`grad`: derivatives as numbers, or as Values to be differentiated again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Any, Final, overload

from ..rules.derive import called_ops, define, function_source
from ..rules.dialect import Code
from ..rules.formula import PRIMITIVES
from ..rules.op import Op
from ..rules.ops import OPS
from ..shown import described
from .apply import apply
from .backward import differentiable_order
from .chain import chain_rule, edges
from .origin import STATE, number_used, refuse_retired, same
from .own import OWN
from .value import CONST, DETACHED, Value, constant
from .watch import read

VALUES: Final = Code(power="{0} ** {1}", choice_="{yes} if {test} else {no}")
"""Formulas on Values: as they are written in the table."""


@overload
def grad(y: Value, xs: Value, create_graph: bool = ...) -> Any: ...
@overload
def grad(y: Value, xs: Sequence[Value], create_graph: bool = ...) -> list[Any]: ...
def grad(y: Value, xs: Value | Sequence[Value], create_graph: bool = False) -> Any:
    """∂y/∂x for each x in `xs`, touching no `.grad`.

    Args:
        y: the result to differentiate.
        xs: a Value, or several.
        create_graph: give the derivatives as Values with a graph of their own, to be differentiated again.

    Returns:
        A float (or Value) for one x, a list for several. 0 where y does not depend on x.

    Raises:
        ValueError: if `y` was made under `no_grad()` or by `detach()`, as nothing was recorded behind it; with
            `create_graph`, if a number below `y` was changed after `y` was computed, or a node has a rule of your own.

    >>> from glassgrad import Value
    >>> x = Value(3.0)
    >>> dy = grad(x**3, x, create_graph=True)
    >>> dy.data, grad(dy, x)
    (27.0, 18.0)
    """
    if not isinstance(y, Value):
        raise TypeError(f"grad takes the result, a Value, first, got {described(y)}")
    if y.op == DETACHED and y is not xs:
        raise ValueError(
            f"grad() of {y!r}: nothing was recorded behind it (it was made under no_grad() or by detach()), "
            "so its derivatives are not known"
        )
    if STATE.watched and not create_graph:
        read(y, "gg.grad(…)")
    wanted = [xs] if isinstance(xs, Value) else list(xs)
    totals: dict[Value, Any] = {y: 1.0}
    watched = _edges_as_values if create_graph else edges
    order = differentiable_order(y)
    if create_graph:
        refuse_retired(order)
    for _ in chain_rule(order, watched, totals, None if create_graph else 0.0):
        pass
    found = [totals.get(x, 0.0) for x in wanted]
    if create_graph:
        found = [constant(g) if g.__class__ is float else g for g in found]
    return found[0] if isinstance(xs, Value) else found


def _edges_as_values(node: Value) -> Iterator[tuple[int, Value, Any]]:
    """`edges`, each slope computed once more from its formula as a Value (or a float where it is constant)."""
    inputs = node.inputs
    for index, (v, stored) in enumerate(zip(inputs, node.slopes)):
        if node._kind == OWN:
            raise ValueError(
                f"grad(create_graph=True): the rule of {node!r} is a closure, which cannot be differentiated: "
                "make it an op with gg.define_op"
            )
        if stored is None:
            continue
        op = OPS[node.op]
        part, element = op.place(index, len(inputs))
        formula = op.slopes[part]
        assert formula is not None  # a constant has no stored slope either
        given = op.elements(inputs, element or 0)  # the slope of a plain input reads no element of the lists
        for name, u in given.items():
            if u is not None and (op.let or name in formula.names) and not same(number_used(u, node), u.data):
                raise ValueError(
                    f"grad(create_graph=True): the numbers below {node!r} were changed after it was computed "
                    f"({u!r} was {number_used(u, node)!r} then); compute y again first"
                )
        operands = {name: u.data if u is not None and u.op == CONST else u for name, u in given.items()}
        yield index, v, _slope_of_values(op, part)(**operands, y=node)


@cache
def _slope_of_values(op: Op, part: int) -> Callable[..., Any]:
    names = {name: partial(apply, name) for name in PRIMITIVES | called_ops(op)}
    return define(function_source(op, part, VALUES), f"{op.name} on Values, slope {part}", names)
