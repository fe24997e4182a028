"""What follows from an op's entry: its forward function and slopes on floats, arrays and `Value`s.

Functions are derived the way `dataclasses` derives methods: source is put together from the entry's
checked formulas and executed once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any, Literal

from ..errors import OpError
from .formula import PRIMITIVES, arrays_source, floats_source, values_source
from .ops import OPS, Op

Kind = Literal["float", "array", "complex", "value"]
FUNCTION = "function_"  # what derived source calls itself: `pow` must still find math.pow
_SPELL = {"float": floats_source, "array": arrays_source, "complex": arrays_source, "value": values_source}


def fold(terms: Iterable[Any], start: Any = 0.0) -> Any:
    """Sum from left to right. Python's own `sum` rounds differently from one version to the next."""
    for term in terms:
        start = start + term
    return start


def saturating_exp(x: float) -> float:
    """`exp`, infinite where it overflows: 1 / (1 + exp(-a)) is then right for every a."""
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


@cache
def primitives(kind: Kind) -> dict[str, Any]:
    """What the function names of a formula mean on floats, on NumPy arrays (real or complex), on `Value`s."""
    if kind == "value":
        from ..core.record import apply  # which in turn needs the float functions of this module

        return {name: partial(apply, name) for name in OPS}
    if kind == "float":
        names = {name: getattr(math, name) for name in ["log", "log1p", "sqrt", "sin", "cos", "tan", "tanh", "pow"]}
        return names | {"exp": saturating_exp, "abs": abs, "fold": fold}
    import numpy as np

    names = {
        name: getattr(np, name)
        for name in ["exp", "log", "log1p", "sqrt", "sin", "cos", "tan", "tanh", "abs", "maximum", "minimum", "where"]
    }
    names["sum"] = lambda terms, start=0.0: start + np.sum(terms, axis=0)
    if kind == "complex":  # the analytic continuation of each branch, for the complex-step derivative
        names["abs"] = lambda z: np.where(np.real(z) < 0, -z, z)
    return names


@cache
def derived(name: str, part: int | None, kind: Kind) -> Callable[..., Any]:
    """The forward function of op `name`, or its slope for one input, on operands of one kind.

    Args:
        name: the op.
        part: None for the forward function, called with the inputs; i for ∂y/∂(input i), called with the
            inputs and `y`.
        kind: `"float"`, `"array"` (NumPy), `"complex"` (NumPy, for the complex step) or `"value"`.

    The `*` inputs of n-ary ops are lists in forward (arrays: stacked on axis 0), single elements in slopes.

    >>> derived("tanh", None, "float")(0.0), derived("tanh", 0, "float")(0.0, y=0.0)
    (0.0, 1.0)
    """
    op, spell = OPS[name], _SPELL[kind]
    formula = op.forward if part is None else op.slopes[part]
    if formula is None:
        raise OpError(f"op {name!r}: input {op.names[part or 0]!r} is a constant and has no slope")
    lets = [f"    {short} = {spell(text, {})}" for short, text in op.let]
    body = spell(formula, {})
    if op.variadic and kind == "float" and part is None:
        terms, start = terms_and_start(op)
        body = f"fold(({terms} {each_element(op)}), {start})"
    source = "\n".join([f"def {FUNCTION}({', '.join(signature(op))}, y=None):", *lets, f"    return {body}"])
    return execute(source, name, bindings(op, kind))


def bindings(op: Op, kind: Kind) -> dict[str, Any]:
    """What every function name in the formulas of `op` means on one kind of operand."""
    known = primitives(kind)
    formulas = [op.forward, *filter(None, op.slopes), *(short for _, short in op.let)]
    calls = frozenset[str]().union(*(formula.calls for formula in formulas)) - PRIMITIVES
    names = known | {called: derived(called, None, kind) for called in calls}
    if kind == "float" and op.name == "exp":
        names["exp"] = math.exp  # exp itself says that it overflows
    return names


def signature(op: Op) -> list[str]:
    """The parameters of a function derived from `op`, defaults included."""
    return [
        f"{name}=0.0" if op.variadic and not raw.startswith("*") else raw.lstrip("*")
        for raw, name in zip(op.inputs, op.names)
    ]


def each_element(op: Op) -> str:
    """The `for` clause that walks the `*` inputs together, under their own names."""
    starred = [name for raw, name in zip(op.inputs, op.names) if raw.startswith("*")]
    return f"for {', '.join(starred)}, in zip({', '.join(starred)})"


def terms_and_start(op: Op) -> tuple[str, str]:
    """The two arguments of an n-ary op's `sum(terms, start)`, as source on floats."""
    terms, _, start = floats_source(op.forward, {}).removeprefix("sum(").removesuffix(")").partition(", ")
    return terms, start or "0.0"


def execute(source: str, name: str, names: dict[str, Any]) -> Callable[..., Any]:
    """Run source, made of whitelisted formulas only, that defines `FUNCTION`; return that under its own name."""
    namespace = dict(names)
    exec(compile(source, f"<glassgrad op {name}>", "exec"), namespace)  # noqa: S102  # of whitelisted formulas
    function: Callable[..., Any] = namespace[FUNCTION]
    function.__name__ = function.__qualname__ = name
    return function
