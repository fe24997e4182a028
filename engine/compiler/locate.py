"""Where a number stopped being finite: the program once more, scalar by scalar."""

from __future__ import annotations

import math

from ..core.undefined import UNDEFINED
from ..errors import DomainError
from ..rules.floats import float_function
from ..rules.ops import OPS
from .trace import Floats, Trace


def locate(t: Trace, params: Floats, inputs: Floats, where: str) -> DomainError:
    """The error that names the first scalar op whose result, or slope, is not finite.

    Args:
        t: the columns of the graph.
        params: the parameter vector.
        inputs: the inputs of the example at fault.
        where: which example that is, for the message.
    """
    data: list[float] = [*params.tolist(), *inputs.tolist()]
    for slot, x in enumerate(data):
        if not math.isfinite(x):
            kind = f"parameter {slot}" if slot < t.params else f"input {slot - t.params}"
            return DomainError(f"{t.labels.get(slot, kind)} is {x!r}{where}; parameters and inputs must be finite")
    data += [0.0] * (t.first_constant - len(data)) + t.constants.tolist()
    for slot in range(t.first_node, t.first_constant):
        name = t.ops[t.code[slot]]
        op, ids = OPS[name], t.operands[t.start[slot] : t.start[slot + 1]].tolist()
        operands = [data[i] for i in ids]
        names = [t.labels.get(i, n) for i, n in zip(ids, _argument_names(name, len(ids)))]
        shown = ", ".join(f"{n} = {x!r}" for n, x in zip(names, operands))
        needs = f" (it needs {op.needs.format(**dict(zip(op.names, names)))})" if op.needs else ""
        fault = f"{name} has no finite ", f" at {shown}{where}{needs}"
        try:
            y = float_function(op)(*op.elements(operands, None).values())
        except UNDEFINED:
            return DomainError("value".join(fault))
        if not math.isfinite(y):
            return DomainError("value".join(fault))
        data[slot] = y
        try:
            for k in range(len(ids)):
                part, element = op.place(k, len(ids))
                if op.slopes[part] is not None and ids[k] < t.first_constant:
                    slope = float_function(op, part)(**op.elements(operands, element), y=y)
                    if not math.isfinite(slope):
                        return DomainError("slope".join(fault))
        except UNDEFINED:
            return DomainError("slope".join(fault))
    return DomainError(
        f"a gradient overflowed{where}: no single op is at fault; smaller parameters or inputs are needed"
    )


def _argument_names(name: str, count: int) -> list[str]:
    op = OPS[name]
    places = (op.place(k, count) for k in range(count))
    return [op.names[part] if element is None else f"{op.names[part]}[{element}]" for part, element in places]
