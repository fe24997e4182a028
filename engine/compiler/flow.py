"""Stage 5: the backward pass as a plan: who writes whose gradient, and whether it sets or adds.

The first contribution to a cell sets it, later ones add; only where contributions overlap in part must a
gradient be zeroed first. Cells that nobody reaches stay 0 for good.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .ir import Elementwise, Extreme, Gather, Linear, MatrixProgram, Operand, Product, Step, View
from .trace import Ints


class Contribution(NamedTuple):
    """A flow of gradient into cells of a buffer, from operand `operand` of step `step`; step -1 is the seed."""

    step: int
    operand: int
    buffer: int
    cells: Ints


class Flow(NamedTuple):
    """For each (step, operand) whether its contribution sets or adds, and which buffers to zero before which step."""

    sets: dict[tuple[int, int], bool]
    zeroed: dict[int, list[int]]


def plan(program: MatrixProgram, root: View) -> Flow:
    """Decide for every contribution to a gradient whether it sets or adds."""
    written = {i: np.zeros(b.cells, dtype=bool) for i, b in enumerate(program.buffers) if b.active}
    found = list(_contributions(program, root))
    partly: dict[int, int] = {}
    for c in found:
        mask = written[c.buffer]
        done = mask[c.cells]
        if done.any() and not done.all():
            partly[c.buffer] = c.step
        mask[c.cells] = True
    sets: dict[tuple[int, int], bool] = {}
    zeroed: dict[int, list[int]] = {}
    for mask in written.values():
        mask[:] = False
    for c in found:
        mask = written[c.buffer]
        if c.buffer in partly and not mask.any():
            zeroed.setdefault(c.step, []).append(c.buffer)
            mask[:] = True
        sets[c.step, c.operand] = not mask[c.cells].any()
        mask[c.cells] = True
    return Flow(sets, zeroed)


def _contributions(program: MatrixProgram, root: View) -> Iterator[Contribution]:
    if program.buffers[root.buffer].active:
        yield Contribution(-1, 0, root.buffer, root.cells().ravel())
    for i in reversed(range(len(program.steps))):
        step = program.steps[i]
        if not program.buffers[step.out.buffer].active:
            continue
        if isinstance(step, Gather):
            for k, (_, source, cells) in enumerate(step.parts):
                if program.buffers[source].active:
                    yield Contribution(i, k, source, cells)
        else:
            for k, operand in receiving(program, step):
                yield Contribution(i, k, operand.buffer, operand.cells().ravel())


def receiving(program: MatrixProgram, step: Step) -> Iterator[tuple[int, View]]:
    """The operands of a step that a gradient flows into, each with its number."""
    for k, operand in enumerate(numbered(step)):
        if k % 2 and is_square_sum(step, k):
            continue  # both factors are the same: the first takes the gradient twice
        if isinstance(operand, View) and program.buffers[operand.buffer].active:
            yield k, operand


def is_square_sum(step: Step, k: int) -> bool:
    """Whether operand k belongs to a single Σ p², the usual penalty on parameters."""
    if (
        not isinstance(step, Linear)
        or not isinstance(part := step.parts[k // 2], Product)
        or step.out.shape != (1, 1, 1)
    ):
        return False
    a, b = part.a, part.b
    return (
        isinstance(a, View)
        and isinstance(b, View)
        and a.shape == (1, 1, b.shape[1])
        and (a[0], a[1], a[3][2]) == (b[0], b[1], b[3][1])
    )


def numbered(step: Step) -> list[Operand | None]:
    """The operands of a step in order, two for each part of a form; a bias's product without its row of ones."""
    if isinstance(step, Elementwise):
        return list(step.inputs)
    if isinstance(step, Extreme):
        return [step.a]
    assert isinstance(step, Linear)
    found: list[Operand | None] = []
    for part in step.parts:
        right = getattr(part, "b", None)
        if isinstance(part, Product) and part.ones and isinstance(right, View):
            right = without_ones(right)
        found += [part.a, right]
    return found


def without_ones(right: View) -> View:
    """The right factor of a product without the row of ones that its bias is multiplied with."""
    count, rows, columns = right.shape
    return right._replace(shape=(count, rows - 1, columns))
