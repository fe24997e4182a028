"""Small graphs as straight-line Python on floats: where a NumPy call would cost more than the arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable
from struct import Struct
from typing import Any

from ..core.undefined import UNDEFINED
from ..rules.derive import called_ops
from ..rules.floats import FLOATS, FUNCTIONS, float_function, saturating_exp
from ..rules.ops import OPS, Op
from .naming import code_of
from .trace import Floats, Trace


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
        except UNDEFINED:
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
        given, code = [names[i] for i in ids], code_of(op)
        if op.total is not None:
            places = [op.place(k, len(ids)) for k in range(len(ids))]
            length = 1 + max((e for _, e in places if e is not None), default=-1)
            terms = [code.source(op.total.term, op.elements(given, e)) for e in range(length)]
            terms[:0] = [given[k] for k, (_, element) in enumerate(places) if element is None]
            forward.append(f"{names[slot]} = {' + '.join(terms) or '0.0'}")
        else:
            inner = _named(op, given, slot, forward)
            forward.append(f"{names[slot]} = {code.source(op.forward, inner)}")
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
            inner = {short: f"k{slot}_{short}" for short, _ in op.let} | op.elements(given, element)
            inner["y"] = names[slot]
            slope = code_of(op).source(formula, inner)
            factor = FLOATS.part(slope)
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
        "    except UNDEFINED:",
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
        inner[short], source = f"k{slot}_{short}", code_of(op).source(formula, inner)
        lines.append(f"{inner[short]} = {source}")
    return inner


def straight(
    t: Trace, source: str, params: Floats, grads: Floats, fault: Callable[[Any], Exception]
) -> Callable[..., tuple[float, Floats]]:
    """The function, bound to its parameter and gradient vectors."""
    packed = Struct(f"{t.params}d")

    def confirm(value: float, gradient: tuple[float, ...], inputs: Any) -> None:
        if not math.isfinite(value) or not all(map(math.isfinite, gradient)):
            raise fault(inputs)

    names: dict[str, Any] = dict(FUNCTIONS)
    for op in t.ops:
        names |= {f"op_{called}": float_function(OPS[called]) for called in called_ops(OPS[op])}
    names |= {"exp": saturating_exp, "params": params, "grads": grads, "read": packed.unpack, "write": packed.pack_into}
    names |= {"fault": fault, "confirm": confirm, "UNDEFINED": UNDEFINED}
    exec(compile(source, "<glassgrad program>", "exec"), names)  # noqa: S102  # made of whitelisted formulas and our own names
    return names["value_and_grad"]  # type: ignore[no-any-return]  # exec is untyped
