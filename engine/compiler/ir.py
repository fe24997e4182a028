"""The matrix program as data: buffers, strided views of them, and steps. Immutable, printable, checked.

A buffer is a column of cells, one per scalar node (and, if it varies with the example, one row per cell).
A view names cells by offset, shape and strides, so transposes, slices and broadcasts cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .errors import BrokenProgramError
from .trace import Floats, Ints

Shape = tuple[int, ...]


class Buffer(NamedTuple):
    """Storage for one group.

    Attributes:
        name: its name in the generated code.
        role: `"params"`, `"inputs"`, `"computed"`, or `"gathered"` (copies of other cells).
        cells: how many scalars.
        ones: how many cells of 1.0 follow them (the 1 that a bias is multiplied with).
        varies: whether it has an axis for the examples.
        active: whether a gradient flows through it.
        holes: cells that are computed but stand for no node.
    """

    name: str
    role: str
    cells: int
    ones: int
    varies: bool
    active: bool
    holes: int = 0


class View(NamedTuple):
    """Cells of a buffer: element (i, j, …) is cell offset + i·strides[0] + j·strides[1] + …."""

    buffer: int
    offset: int
    shape: Shape
    strides: Shape

    def cells(self) -> Ints:
        """The cell behind every element."""
        index = np.full(self.shape, self.offset)
        for axis, (n, stride) in enumerate(zip(self.shape, self.strides)):
            index += np.arange(n).reshape([n if k == axis else 1 for k in range(len(self.shape))]) * stride
        return index

    @property
    def bijective(self) -> bool:
        """Whether no cell occurs twice."""
        return not any(stride == 0 and n > 1 for n, stride in zip(self.shape, self.strides))


def packed(shape: Shape) -> Shape:
    """The strides of cells that lie side by side, 0 for axes of one element.

    >>> packed((2, 1, 3))
    (3, 0, 1)
    """
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step if n > 1 else 0)
        step *= n
    return tuple(reversed(strides))


class Constant(NamedTuple):
    """Numbers that the program carries: one for all elements (a float), or one for each."""

    values: float | Floats


Operand = View | Constant


class Product(NamedTuple):
    """Matrix products: a (count, rows, K) @ b (count, K, columns). With `ones`, the last row of b is 1: a bias."""

    a: Operand
    b: Operand
    ones: bool = False


class Sum(NamedTuple):
    """Σ over the first axis of a."""

    a: Operand


class Dots(NamedTuple):
    """Σ over the first axis of a · b."""

    a: Operand
    b: Operand


class Term(NamedTuple):
    """a · b, element by element; only ±a if b is None."""

    a: Operand
    b: Operand | None
    sign: int = 1


Part = Product | Sum | Dots | Term


class Linear(NamedTuple):
    """out = the sum of the parts."""

    out: View
    parts: tuple[Part, ...]
    nodes: int


class Elementwise(NamedTuple):
    """out = op(inputs), element by element."""

    out: View
    op: str
    inputs: tuple[Operand, ...]
    nodes: int


class Gather(NamedTuple):
    """Cells of several buffers copied into one: parts are (cells of out, source buffer, its cells)."""

    out: View
    parts: tuple[tuple[Ints, int, Ints], ...]
    constants: tuple[Ints, Floats]
    nodes: int = 0


class Extreme(NamedTuple):
    """out = the largest (or smallest) along the first axis of a; op is `"max"` or `"min"`."""

    out: View
    op: str
    a: Operand
    nodes: int


Step = Linear | Elementwise | Gather | Extreme


class MatrixProgram(NamedTuple):
    """Buffers and the steps that fill them, in order; `outputs` are the results."""

    buffers: tuple[Buffer, ...]
    steps: tuple[Step, ...]
    outputs: tuple[Operand, ...]
    nodes: int


def operands(step: Step) -> Iterator[Operand]:
    """Everything a step reads, a gather's sources apart."""
    if isinstance(step, Elementwise):
        yield from step.inputs
    elif isinstance(step, Extreme):
        yield step.a
    elif isinstance(step, Linear):
        for part in step.parts:
            yield from (x for x in part if isinstance(x, (View, Constant)))


def check(program: MatrixProgram) -> MatrixProgram:
    """Pass the program on if every cell is written once, before it is read, and all shapes agree.

    Raises:
        BrokenProgramError: otherwise.
    """
    written = [np.full(b.cells + b.ones, b.role in ("params", "inputs")) for b in program.buffers]
    for buffer, cells in zip(program.buffers, written):
        cells[buffer.cells :] = True

    def read(step: int, view: Operand) -> None:
        if isinstance(view, View):
            cells = view.cells()
            if cells.size and (cells.min() < 0 or cells.max() >= len(written[view.buffer])):
                raise BrokenProgramError(f"step {step} reads outside {program.buffers[view.buffer].name}")
            if not written[view.buffer][cells].all():
                raise BrokenProgramError(
                    f"step {step} reads cells of {program.buffers[view.buffer].name} that no step has written"
                )

    for i, step in enumerate(program.steps):
        if isinstance(step, Gather):
            for cells, source, taken in step.parts:
                if len(cells) != len(taken) or not written[source][taken].all():
                    raise BrokenProgramError(
                        f"step {i} gathers cells of {program.buffers[source].name} that no step has written"
                    )
        for operand in operands(step):
            read(i, operand)
        for shape in _shapes(step):
            if shape != step.out.shape:
                raise BrokenProgramError(f"step {i} computes shape {shape} for {step.out.shape}")
        out = step.out.cells()
        if written[step.out.buffer][out].any() or len(np.unique(out)) < out.size:
            raise BrokenProgramError(f"step {i} writes a cell of {program.buffers[step.out.buffer].name} a second time")
        written[step.out.buffer][out] = True
        if step.out.buffer in {x.buffer for x in operands(step) if isinstance(x, View)}:
            raise BrokenProgramError(f"step {i} reads what it writes")
    for output in program.outputs:
        read(len(program.steps), output)
    for buffer, cells in zip(program.buffers, written):
        if not cells.all():
            raise BrokenProgramError(f"no step fills {buffer.name}")
    return program


def shape_of(x: Operand, like: Shape) -> Shape:
    """The shape of an operand; a single number takes the shape it is used in."""
    if isinstance(x, View):
        return x.shape
    return like if isinstance(x.values, float) else x.values.shape


def _shapes(step: Step) -> Iterator[Shape]:
    """Every result shape that the operands of a step imply."""
    shape = step.out.shape
    if isinstance(step, Elementwise):
        yield from (shape_of(x, shape) for x in step.inputs)
    elif isinstance(step, Extreme):
        yield shape_of(step.a, (1, *shape))[1:]
    elif isinstance(step, Linear):
        for part in step.parts:
            if isinstance(part, Product):
                a, b = shape_of(part.a, shape), shape_of(part.b, shape)
                if a[2] != b[1]:
                    raise BrokenProgramError(f"a product of {a} and {b}")
                yield (a[0], a[1], b[2])
            elif isinstance(part, Term):
                yield from (shape_of(x, shape) for x in (part.a, part.b) if x is not None)
            else:
                summed = {shape_of(x, (1, *shape)) for x in part if isinstance(x, (View, Constant))}
                yield from (s[1:] for s in summed)
