"""The ops of the table as functions: `gg.tanh(x)`, `gg.max(a, b)`, `gg.dot(weights, inputs, bias)`.

They take Values and numbers; with numbers only they return a float. Any op of the table, a user's own
included, is found here under its name.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final

from ..errors import OpError
from ..number import number
from ..rules.derive import called_ops, define
from ..rules.ops import OPS, Interval, Op, add_op
from ..shown import described
from .apply import apply
from .operators import Operators, methods_of
from .origin import retire
from .record import listed, recorder
from .value import Value

_OWN: Final = frozenset(OPS)


@cache
def function(op: Op) -> Callable[..., Any]:
    """The op as a function of Values and numbers: `gg.tanh`."""
    if op.many:
        return recorder(op, op.name)
    given = ", ".join(one.name for one in op.inputs)
    slopes = ", ".join(f"{formula} for {one.name}" for one, formula in zip(op.inputs, op.slopes) if formula is not None)
    source = f"""\
def {op.name}({", ".join(map(str, op.inputs))}):
    \"\"\"{op.rule}, of Values or numbers. Slopes: {slopes}.\"\"\"
    return apply({op.name!r}, {given})
"""
    return define(source, f"{op.name} of anything", {"apply": apply})


def define_op(
    name: str,
    symbol: str,
    inputs: str,
    forward: str,
    slopes: str,
    *,
    let: str = "",
    domain: Interval | tuple[Interval, ...] = (-2.0, 2.0),
    kinks: str = "",
    analytic: bool = True,
    needs: str = "",
    words: str = "",
) -> Op:
    """Add an op to the table: everything else (methods, explanation, compiled line, tests) follows from it.

    Args:
        name: what it is called; `gg.<name>(...)` and, with one input, `value.<name>()`.
        symbol: what a drawing writes into its box.
        inputs: names of the inputs, separated by blanks; `k=0.5` gives a default.
        forward: formula of the result over the inputs' names and those of `let`.
        slopes: for each input the formula of ∂result/∂input, separated by `;`, over the same names and `y`,
            the result; `constant` for an input that is always a plain number.
        let: shorthands, `name = formula`, separated by `;`.
        domain: interval on which it is tested, or one for each input.
        kinks: formulas that are zero where the slope jumps, separated by `;`.
        analytic: whether the complex-step derivative may be taken through it.
        needs: what the inputs must satisfy, for the error message: `"{a} > 0"`.
        words: what the result is, in words: `"{a} times {b}"`.

    Raises:
        OpError: if the name is taken, or a formula is malformed or reads an unknown name.

    >>> import glassgrad as gg
    >>> op = gg.define_op("cube", "³", "a", "a**3", "3 * a**2")
    >>> x = gg.Value(2.0)
    >>> y = x.cube()
    >>> y.backward(); y.data, x.grad
    (8.0, 12.0)
    >>> gg.engine.remove_op("cube")
    """
    texts = {"name": name, "symbol": symbol, "inputs": inputs, "forward": forward, "slopes": slopes, "let": let}
    for what, given in texts.items():
        if not isinstance(given, str):
            raise OpError(f"define_op takes {what} as text, such as '3 * a**2', got {described(given)}")
    if "*" in inputs:
        raise OpError(f"op {name!r}: an input that takes any number of values ({inputs}) cannot be defined; use gg.sum")
    if name in OPS.keys() - _OWN:
        raise OpError(
            f"op {name!r} is one of yours already: gg.engine.remove_op({name!r}) takes it out, to define it anew"
        )
    if name in getattr(sys.modules.get("glassgrad"), "__all__", ()):
        raise OpError(f"op {name!r}: glassgrad has something of that name already; choose another")
    if hasattr(Value, name):
        raise OpError(f"op {name!r}: Value has something of that name already; choose another")
    op = add_op(
        name,
        symbol,
        inputs,
        forward,
        slopes,
        let=let,
        domain=domain,
        kinks=kinks,
        analytic=analytic,
        needs=needs,
        words=words,
    )
    for method, function in methods_of(op).items():
        function.__set_name__(Operators, method)
        setattr(Operators, method, function)
    return op


def logsumexp(values: Iterable[Any]) -> Any:
    """log Σ exp(vᵢ) of Values and numbers, written as m + log Σ exp(vᵢ − m) with m the greatest: it cannot overflow.

    Its slopes are the `softmax` of the values.

    Args:
        values: at least one Value or number.

    Raises:
        ValueError: if there are none.

    >>> logsumexp([1000.0, 1000.0]), logsumexp([Value(-10000.0), -20000.0]).data
    (1000.6931471805599, -10000.0)
    """
    given, top = _beside_greatest(values, "logsumexp")
    return top + apply("log", apply("sum", [apply("exp", v - top) for v in given]))


def softmax(values: Iterable[Any]) -> list[Any]:
    """exp(vᵢ) / Σ exp(vⱼ) of Values and numbers: positive, and 1 together. Exact for numbers of any size.

    Args:
        values: at least one Value or number.

    Returns:
        As many Values (floats, if all are numbers).

    Raises:
        ValueError: if there are none.

    >>> softmax([0.0, 10000.0]), [p.data for p in softmax([Value(2.0), 2.0])]
    ([0.0, 1.0], [0.5, 0.5])
    """
    given, top = _beside_greatest(values, "softmax")
    powers = [apply("exp", v - top) for v in given]
    total = apply("sum", powers)
    return [power / total for power in powers]


def _beside_greatest(values: Iterable[Any], name: str) -> tuple[list[Any], Any]:
    given = list(listed(values, name, "values"))
    if not given:
        raise ValueError(f"{name} needs at least one Value or number, got none")
    given = [v if isinstance(v, Value) else number(v, name) for v in given]
    greatest = given
    while len(greatest) > 1:  # pair by pair, so that the graph is as flat as it can be
        odd = greatest[len(greatest) & ~1 :]
        greatest = [apply("max", a, b) for a, b in zip(greatest[::2], greatest[1::2])] + odd
    return given, greatest[0]


def remove_op(name: str) -> None:
    """Take a user's op out of the table again; graphs that use it can no longer be explained.

    Raises:
        OpError: if there is no such op, or it is one of glassgrad's own.
    """
    if name in _OWN or name not in OPS:
        raise OpError(f"{name!r} cannot be removed (ops added by define_op: {', '.join(OPS.keys() - _OWN) or 'none'})")
    users = [op.name for op in OPS.values() if name in called_ops(op)]
    if users:
        raise OpError(f"{name!r} cannot be removed: the formulas of {', '.join(users)} call it; remove those first")
    retire(name)
    for method in methods_of(OPS.pop(name)):
        delattr(Operators, method)
