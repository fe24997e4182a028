"""Small graphs as straight-line Python on floats: where a NumPy call would cost more than the arithmetic."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from struct import Struct
from typing import Any

from ..core.record import ARITHMETIC_ERRORS
from ..rules.derive import bindings, saturating_exp
from ..rules.formula import PRIMITIVES, Formula, floats_source, parse
from ..rules.ops import OPS, Op
from .trace import Floats, Trace

_SQUARE = re.compile(r"pow\((\w+), 2\.0\)")


def straight_source(t: Trace) -> str:
    """A Python function that computes the value and writes the gradient.

    >>> from glassgrad import Value
    >>> from .trace import trace
    >>> w, x = Value(2.0), Value(3.0)
    >>> print(straight_source(trace([w * x], [w, x], [])[0]))
    def value_and_grad(inputs=()):
        p0, p1, = read(params)
        try:
            v2 = p0 * p1
            g0 = p1
            g1 = p0
        except ARITHMETIC_ERRORS:
            raise fault(inputs) from None
        check = v2 + g0 + g1
        if check - check != 0.0:
            confirm(v2, (g0, g1,), inputs)
        write(grads, 0, g0, g1)
        return v2, grads
    <BLANKLINE>
    """
    names = [f"p{i}" for i in range(t.params)] + [f"x{i}" for i in range(t.inputs)]
    names += [f"v{i}" for i in range(t.first_node, t.first_constant)]
    names += [repr(x) if math.isfinite(x) else f"float('{x}')" for x in t.constants.tolist()]
    names = [f"({name})" if name.startswith("-") else name for name in names]
    forward, backward = [], []
    active = [i < t.params for i in range(len(names))]
    reads = [t.operands[t.start[i] : t.start[i + 1]].tolist() for i in range(t.first_constant)]
    for slot in range(t.first_node, t.first_constant):
        op, ids = OPS[t.ops[t.code[slot]]], reads[slot]
        active[slot] = any(active[i] for i in ids)
        given = [names[i] for i in ids]
        if op.variadic:
            starred = {k for k, raw in enumerate(op.inputs) if raw.startswith("*")}
            term = op.forward.text.removeprefix("sum(").removesuffix(")").partition(", ")[0]
            places = [op.place(k, len(ids)) for k in range(len(ids))]
            length = 1 + max((e for _, e in places if e is not None), default=-1)
            terms = [_spelled(term, op.elements(given, e)) for e in range(length)]
            terms += [given[k] for k, (part, _) in enumerate(places) if part not in starred]
            forward.append(f"{names[slot]} = {' + '.join(terms) or '0.0'}")
        else:
            inner = _named(op, given, slot, forward)
            forward.append(f"{names[slot]} = {_source(op.forward, inner)}")
    root = int(t.outputs[0])
    set_already = [False] * len(names)
    grads = {root: "1.0"}
    for slot in range(t.first_constant - 1, t.first_node - 1, -1):
        if not active[slot] or (slot != root and not set_already[slot]):
            continue
        op, ids = OPS[t.ops[t.code[slot]]], reads[slot]
        given = [names[i] for i in ids]
        upstream = grads.get(slot, f"g{slot}")
        for k, i in enumerate(ids):
            part, element = op.place(k, len(ids))
            formula = op.slopes[part]
            if not active[i] or formula is None:
                continue
            inner = {short: f"{short}{slot}" for short, _ in op.let} | op.elements(given, element) | {"y": names[slot]}
            slope = _source(formula, inner)
            factor = slope if slope.isidentifier() else f"({slope})"
            text = (
                slope
                if upstream == "1.0"
                else upstream
                if slope == "1.0"
                else f"-{upstream}"
                if slope == "-1.0"
                else f"{upstream} * {factor}"
            )
            backward.append(f"g{i} {'+=' if set_already[i] else '='} {text}")
            set_already[i] = True
    results = [("1.0" if root == i else f"g{i}") if set_already[i] or root == i else "0.0" for i in range(t.params)]
    inputs = [f"    {', '.join(names[t.params : t.first_node])}, = inputs"] if t.inputs else []
    reading = [f"    {', '.join(names[: t.params])}, = read(params)"] if t.params else []
    body = forward + backward
    lines = [
        "def value_and_grad(inputs=()):",
        *reading,
        *inputs,
        "    try:",
        *(f"        {line}" for line in body or ["pass"]),
        "    except ARITHMETIC_ERRORS:",
        "        raise fault(inputs) from None",
        f"    check = {' + '.join([names[root], *results])}",
        "    if check - check != 0.0:",
        f"        confirm({names[root]}, ({''.join(f'{r}, ' for r in results).rstrip()}), inputs)",
        f"    write(grads, 0, {', '.join(results)})",
        f"    return {names[root]}, grads",
    ]
    return "\n".join(lines) + "\n"


def _named(op: Op, given: list[str], slot: int, lines: list[str]) -> dict[str, str]:
    """Names of an op's operands; its shorthands are computed into names of their own."""
    inner = dict(zip(op.names, given))
    for short, formula in op.let:
        lines.append(f"{short}{slot} = {_source(formula, inner)}")
        inner[short] = f"{short}{slot}"
    return inner


@cache
def _template(text: str) -> str:
    return floats_source(parse(text, PRIMITIVES | OPS.keys()), {})


def _source(formula: Formula, names: Mapping[str, str]) -> str:
    """`floats_source` with names put in afterwards, so that each formula is spelled once; squares as products."""
    text = _spelled(_template(formula.text), names)
    return _SQUARE.sub(r"\1 * \1", text) if _SQUARE.fullmatch(text) else _SQUARE.sub(r"(\1 * \1)", text)


def _spelled(text: str, names: Mapping[str, str]) -> str:
    return re.sub(r"\b[A-Za-z_]\w*\b", lambda m: names.get(m[0], m[0]), text)


def straight(
    t: Trace, source: str, params: Floats, grads: Floats, fault: Callable[[Any], Exception]
) -> Callable[..., tuple[float, Floats]]:
    """The function, bound to its parameter and gradient vectors."""
    packed = Struct(f"{t.params}d")

    def confirm(value: float, gradient: tuple[float, ...], inputs: Any) -> None:
        if not math.isfinite(value) or not all(map(math.isfinite, gradient)):
            raise fault(inputs)

    names: dict[str, Any] = {}
    for op in t.ops:
        names |= bindings(OPS[op], "float")
    names |= {"exp": saturating_exp, "params": params, "grads": grads, "read": packed.unpack, "write": packed.pack_into}
    names |= {"fault": fault, "confirm": confirm, "ARITHMETIC_ERRORS": ARITHMETIC_ERRORS}
    exec(compile(source, "<glassgrad program>", "exec"), names)  # noqa: S102  # made of whitelisted formulas and our own names
    return names["value_and_grad"]  # type: ignore[no-any-return]  # exec is untyped
