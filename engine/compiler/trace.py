"""Stage 1: the recorded `Value`s as columns of integers, one row per scalar node.

Slots are numbered parameters first, then inputs, then computed nodes in topological order, then the
distinct constants, the first of which are always 0, 1, -1, -inf and inf.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.backward import WALKING, differentiable_order
from ..core.origin import origin, refuse_retired
from ..core.own import OWN
from ..core.record import recorder, recording
from ..core.value import CONST, DETACHED, LEAF, Value, constant
from ..rules.ops import OPS
from .errors import CompileError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_CONSTANTS = 1 << 40  # where constants are numbered until their place behind the nodes is known


class Trace(NamedTuple):
    """The scalar graph as columns.

    Attributes:
        params: how many slots at the front are parameters.
        inputs: how many slots after them are inputs.
        ops: the names of the ops that occur.
        code: for each slot before the constants its index into `ops`, -1 for parameters and inputs.
        start: `operands[start[i]:start[i + 1]]` are the slots that slot i reads.
        operands: slots read, in order.
        constants: the numbers behind the last slots.
        outputs: the slots that are the result.
        labels: label of each slot that has one, for messages.
    """

    params: int
    inputs: int
    ops: tuple[str, ...]
    code: Ints
    start: Ints
    operands: Ints
    constants: Floats
    outputs: Ints
    labels: dict[int, str]

    @property
    def first_node(self) -> int:
        """The first computed slot."""
        return self.params + self.inputs

    @property
    def first_constant(self) -> int:
        """The slot of the constant 0; 1, -1, -inf and inf follow."""
        return len(self.code)

    def same_as(self, other: Trace) -> bool:
        """Whether both are the same program, constants included."""
        return self.same_structure(other) and np.array_equal(self.constants, other.constants, equal_nan=True)

    def same_structure(self, other: Trace) -> bool:
        """Whether both apply the same ops to the same slots."""
        return (
            self.ops == other.ops
            and np.array_equal(self.code, other.code)
            and np.array_equal(self.operands, other.operands)
            and np.array_equal(self.start, other.start)
            and np.array_equal(self.outputs, other.outputs)
        )


def trace(
    outputs: Sequence[Value | float], params: Sequence[Value], inputs: Sequence[Value], since: int = 0
) -> tuple[Trace, list[Value], list[Value]]:
    """Read the graph behind `outputs`.

    Args:
        outputs: the results.
        params: leaves that are parameters, in the order of the parameter vector.
        inputs: leaves that are bound at run time.
        since: from when on a node is not old.

    Returns:
        The columns; the leaves that are neither parameters nor inputs, whose numbers became constants; and the results
        that are old.

    Raises:
        CompileError: if a parameter or input is not a leaf, or is given twice.
    """
    for role, values in (("parameter", params), ("input", inputs)):
        for i, v in enumerate(values):
            if not isinstance(v, Value) or v._a is not None:
                raise CompileError(f"{role} {i} must be a Value that was not computed from others, got {v!r}")
    if len({id(v) for v in (*params, *inputs)}) < len(params) + len(inputs):
        raise CompileError("a Value is given twice among the parameters and inputs; give each once")
    with WALKING:
        return _trace(outputs, params, inputs, since)


def _trace(
    outputs: Sequence[Value | float], params: Sequence[Value], inputs: Sequence[Value], since: int
) -> tuple[Trace, list[Value], list[Value]]:
    roots = [v if isinstance(v, Value) else constant(v) for v in outputs]
    with recording():
        order = differentiable_order(recorder(OPS["sum"], "sum")(roots))
    order.pop()
    refuse_retired(order)
    labels: dict[int, str] = {}
    for slot, v in enumerate((*params, *inputs)):
        v._mark = ~slot  # below zero, so that no later walk takes it for its own mark
        if v._label:
            labels[slot] = v._label
    ops: dict[str, int] = {}
    code = [-1] * (len(params) + len(inputs))
    start = [0] * len(code)
    operands: list[int] = []
    numbers = {x: _CONSTANTS + i for i, x in enumerate((0.0, 1.0, -1.0, -math.inf, math.inf))}
    others: list[Value] = []
    older: list[Value] = []
    push = operands.append
    for node in order:
        a = node._a
        if a is None:
            if node._mark > 0:
                if node._kind == LEAF:
                    others.append(node)
                node._mark = ~numbers.setdefault(node._data, _CONSTANTS + len(numbers))
            continue
        if (node._origin if node._origin.__class__ is int else origin(node).made) < since:
            older.append(node)
        node._mark = ~len(code)
        if node._label:
            labels[len(code)] = node._label
        start.append(len(operands))
        code.append(ops.setdefault(node._kind, len(ops)))
        if a.__class__ is tuple:
            operands.extend([~v._mark for v in a])
            continue
        if node._slope_a is None:
            x = a if a.__class__ is float else a._data
            push(numbers.setdefault(x, _CONSTANTS + len(numbers)))
        else:
            push(~a._mark)
        b = node._b
        if b is not None:
            if node._slope_b is None:
                x = b if b.__class__ is float else b._data
                push(numbers.setdefault(x, _CONSTANTS + len(numbers)))
            else:
                push(~b._mark)
    if OWN in ops:
        raise CompileError(
            "a node has a rule of its own, a closure, which cannot be compiled: make it an op with gg.define_op"
        )
    read = np.array(operands, dtype=np.int64)
    found = np.array([~v._mark for v in roots], dtype=np.int64)
    for slots in (read, found):
        slots[slots >= _CONSTANTS] += len(code) - _CONSTANTS
    begins = np.array([*start[len(params) + len(inputs) :], len(operands)], dtype=np.int64)
    columns = Trace(
        params=len(params),
        inputs=len(inputs),
        ops=tuple(ops),
        code=np.array(code, dtype=np.int64),
        start=np.concatenate([np.zeros(len(params) + len(inputs), dtype=np.int64), begins]),
        operands=read,
        constants=np.array(list(numbers)),
        outputs=found,
        labels=labels,
    )
    return columns, others, older


__all__ = ["CONST", "DETACHED", "Floats", "Ints", "Trace", "trace"]
