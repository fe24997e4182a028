"""From an op's entry to Python functions, the way `dataclasses` derives methods: source is put together from the
entry's checked formulas and run once. The source can be read: by `inspect.getsource`, in tracebacks, by a debugger.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import OpError
from .dialect import Code
from .formula import PRIMITIVES
from .op import Op


def function_source(op: Op, part: int | None, code: Code, total: str = "") -> str:
    """The source of an op's forward function, or of a slope.

    Args:
        op: the op.
        part: None for the forward function, called with the inputs; i for ∂y/∂(input i), called with the inputs and
            `y`. The `many` inputs are lists in forward, single elements in slopes.
        code: the language.
        total: how it adds up terms: a template over {term}, {each} (a `for` clause) and {start}.

    Raises:
        OpError: if the input is a constant and has no slope.

    >>> from glassgrad import OPS
    >>> from glassgrad.engine.rules.floats import FLOATS
    >>> print(function_source(OPS["tanh"], 0, FLOATS))
    def tanh(a, y=None):
        return 1.0 - y * y
    """
    formula = op.forward if part is None else op.slopes[part]
    if formula is None:
        raise OpError(f"op {op.name!r}: input {op.names[part or 0]!r} is a constant and has no slope")
    if part is None and op.total is not None:
        each = f"for {', '.join(op.many)}{',' * (len(op.many) == 1)} in zip({', '.join(op.many)})"
        body = total.format(term=code.source(op.total.term), each=each, start=op.total.start or "0.0")
    else:
        body = code.source(formula)
    given = ", ".join(f"{one.name}=0.0" if op.many and not one.many else one.name for one in op.inputs)
    lets = [f"    {short} = {code.source(text)}" for short, text in op.let]
    return "\n".join([f"def {op.name}({given}, y=None):", *lets, f"    return {body}"])


def called_ops(op: Op) -> set[str]:
    """The ops that formulas of `op` call."""
    return set[str]().union(*(formula.calls for formula in op.formulas())) - PRIMITIVES - {"sum"}


def define(source: str, title: str, names: Mapping[str, Any]) -> Callable[..., Any]:
    """Run source that defines one function, and return it.

    Args:
        source: made of checked formulas and our own names, never of a user's text.
        title: what tracebacks and debuggers call the place; they find the source under it.
        names: everything that the function reads.
    """
    file = f"<glassgrad op {title}>"
    made: dict[str, Any] = {}
    exec(compile(source, file, "exec"), dict(names), made)  # noqa: S102  # of whitelisted formulas
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    (function,) = made.values()
    return function  # type: ignore[no-any-return]  # exec is untyped
