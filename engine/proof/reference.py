"""The NumPy reference: a recorded graph evaluated again by the ops' array functions, on arrays of perturbed inputs.

It shares no code with the eager path or `backward()`; only the formulas of the op table are the same. A rule
of the learner's own is taken at its word here; differences of the function itself prove it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..core.chain import own_slopes
from ..core.value import Value
from ..rules.arrays import array_function, kink_function
from ..rules.ops import OPS


def evaluate(order: Sequence[Value], given: Mapping[Value, Any], complex_step: bool = False) -> dict[Value, Any]:
    """Every node's value as an array.

    Args:
        order: the nodes in topological order.
        given: arrays to use for some leaves, all of one shape; the other leaves keep their numbers.
        complex_step: continue every branch analytically to complex numbers.
    """
    values: dict[Value, Any] = {}
    with np.errstate(all="ignore"):  # an infinite or undefined result shows in the comparison
        for node in order:
            if node in given:
                values[node] = given[node]
            elif node.op in OPS:
                values[node] = _apply(node, [values[v] for v in node.inputs], complex_step)
            elif node.inputs:  # a rule of the learner's own: as it says itself, along its slopes
                values[node] = node.data + sum(s * (values[v] - v.data) for v, s in zip(node.inputs, own_slopes(node)))
            else:
                values[node] = node.data
    return values


def _apply(node: Value, operands: list[Any], complex_step: bool) -> Any:
    op = OPS[node.op]
    groups = op.elements(operands, None)
    if op.variadic:
        shape = np.broadcast_shapes(*map(np.shape, operands))  # one for all lists: weights may move while inputs stay
        groups = {
            name: np.stack([np.broadcast_to(v, shape) for v in x]) if isinstance(x, list) else x
            for name, x in groups.items()
        }
        if len(groups) < len(op.names):
            groups[op.names[-1]] = 0.0
    return array_function(op, None, complex_step)(**groups)


def kink_signs(order: Sequence[Value], values: Mapping[Value, Any]) -> dict[Value, list[Any]]:
    """For each node whose op has kinks, the sign of each kink formula: where it changes, a branch was crossed."""
    signs: dict[Value, list[Any]] = {}
    for node in order:
        if node.op in OPS and OPS[node.op].kinks:
            op = OPS[node.op]
            operands = dict(zip(op.names, (values[v] for v in node.inputs)))
            signs[node] = [np.sign(kink_function(op, i)(**operands)) for i in range(len(op.kinks))]
    return signs
