"""The program as plain loops: the same steps, for numba to turn into machine code.

The innermost loop runs over the examples (or, where nothing varies, over the last axis), so that it becomes
vector instructions. Products are unrolled by four terms.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..rules.ops import OPS
from .flow import Flow, plan
from .ir import (
    Constant,
    Dots,
    Elementwise,
    Extreme,
    Gather,
    Linear,
    MatrixProgram,
    Operand,
    Product,
    Shape,
    Sum,
    Term,
    View,
    packed,
)
from .naming import code_of

UNROLL = 4


class Loops:
    """Writes loop nests line by line; `forward` is here, `backward` in `loops_backward`."""

    def __init__(self, program: MatrixProgram, root: View | None, mean: bool) -> None:
        self.program, self.root, self.mean = program, root, mean
        self.flow = plan(program, root) if root is not None else Flow({}, {})
        self.numbers: list[Any] = []
        self.lines: list[str] = []
        self.depth = 1
        self.count = 0

    # -- text ---------------------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        """Add a line at the present depth."""
        self.lines.append("    " * self.depth + text)

    def fresh(self, stem: str) -> str:
        """A name that was not used before."""
        self.count += 1
        return f"{stem}_{self.count}"

    def nest(self, shape: Shape) -> list[str]:
        """Open a loop for each axis; the names of their counters, `"0"` for axes of one element."""
        counters = []
        for n in shape:
            name = self.fresh("i") if n > 1 else "0"
            if n > 1:
                self.line(f"for {name} in range({n}):")
                self.depth += 1
            counters.append(name)
        return counters

    def number(self, values: Any) -> str:
        """Numbers that the program carries, as source."""
        self.numbers.append(np.ascontiguousarray(values))
        return f"c{len(self.numbers) - 1}"

    def blocks(self, size: int) -> Iterator[tuple[list[str], bool]]:
        """Open a loop over blocks of four indices, then give the rest; with each whether it is surely the first."""
        depth, full = self.depth, size // UNROLL
        if full > 1:
            base = self.fresh("k")
            self.line(f"for {base} in range(0, {full * UNROLL}, {UNROLL}):")
            self.depth += 1
            yield [f"({base} + {q})" for q in range(UNROLL)], False
            self.depth = depth
        elif full:
            yield [str(q) for q in range(UNROLL)], True
            self.depth = depth
        if size % UNROLL:
            yield [str(q) for q in range(full * UNROLL, size)], full == 0
            self.depth = depth

    def varies(self, *given: Operand | None) -> bool:
        """Whether any of the operands has an axis for the examples."""
        return any(isinstance(x, View) and self.program.buffers[x.buffer].varies for x in given)

    def row(self, x: Operand, counters: Sequence[str], varies: bool, grad: bool = False) -> str:
        """Make an operand's innermost row at these outer counters; how its element number e is written.

        If nothing varies, the last axis is the innermost and `counters` are those of the axes before it.
        """
        if isinstance(x, Constant):
            if isinstance(x.values, float):
                return repr(x.values) if math.isfinite(x.values) else f"({'-' if x.values < 0 else ''}inf)"
            name = self.number(x.values)
            shape = x.values.shape
            return f"{name}[{', '.join([*counters, *([] if varies else ['e'])][: len(shape)])}]"
        name = f"{'g' if grad else 'b'}{x.buffer}"
        terms = [f"{c} * {s}" for c, s in zip(counters, x.strides) if s and c != "0"]
        base = " + ".join([str(x.offset), *terms])
        if varies:
            if not self.program.buffers[x.buffer].varies:
                return self._scalar(name, base, grad)
            row = self.fresh("r")
            self.line(f"{row} = {name}[{base}]")
            return f"{row}[e]"
        n, stride = x.shape[-1], x.strides[-1]
        if n == 1 or stride == 0:
            return self._scalar(name, base, grad)
        row = self.fresh("r")
        step = f":{stride}" if stride > 1 else ""
        if stride > 0:
            self.line(f"{row} = {name}[{base}:{base} + {(n - 1) * stride + 1}{step}]")
        else:
            self.line(f"{row} = {name}[{base} - {(n - 1) * -stride}:{base} + 1:{-stride}][::-1]")
        return f"{row}[e]"

    def _scalar(self, name: str, base: str, grad: bool) -> str:
        if grad:
            return f"{name}[{base}]"
        scalar = self.fresh("s")
        self.line(f"{scalar} = {name}[{base}]")
        return scalar

    def inner(self, varies: bool, size: int) -> None:
        """Open the innermost loop, over e."""
        self.line(f"for e in range({'n' if varies else size}):")
        self.depth += 1

    def clear(self, view: View) -> None:
        """Zero the gradient of a view's cells."""
        kept = [(n, s) for n, s in zip(view.shape, view.strides) if s]
        depth = self.depth
        counters = self.nest(tuple(n for n, _ in kept))
        base = " + ".join([str(view.offset), *(f"{c} * {s}" for c, (_, s) in zip(counters, kept) if c != "0")])
        self.line(f"g{view.buffer}[{base}]{'[:]' if self.varies(view) else ''} = 0.0")
        self.depth = depth

    # -- forward ------------------------------------------------------------------------------------------

    def forward(self) -> None:
        """All steps in order."""
        for step in self.program.steps:
            self.depth = 1
            if isinstance(step, Gather):
                self.gather(step)
            elif isinstance(step, Elementwise):
                self.elementwise(step)
            elif isinstance(step, Extreme):
                self.extreme(step)
            else:
                for number, part in enumerate(step.parts):
                    self.depth = 1
                    self.part(step, part, first=number == 0)

    def open(self, shape: Shape, varies: bool) -> list[str]:
        """The loops around the innermost one."""
        return self.nest(shape if varies else shape[:-1])

    def elementwise(self, step: Elementwise) -> None:
        """One op."""
        varies, op = self.varies(step.out), OPS[step.op]
        counters = self.open(step.out.shape, varies)
        names = {name: self.row(x, counters, varies) for name, x in zip(op.names, step.inputs)}
        out = self.row_out(step.out, counters, varies)
        self.inner(varies, step.out.shape[-1])
        self.shorthands(step.op, names)
        self.line(f"{out} = {code_of(op).source(op.forward, names)}")

    def shorthands(self, op: str, names: dict[str, str]) -> None:
        """Compute the shorthands of an op's formulas into names of their own."""
        for short, formula in OPS[op].let:
            value = self.fresh("k")
            self.line(f"{value} = {code_of(OPS[op]).source(formula, names)}")
            names[short] = value

    def row_out(self, out: View, counters: Sequence[str], varies: bool) -> str:
        """How element e of a result's row is written."""
        found = self.row(out._replace(strides=packed(out.shape)), counters, varies)
        if "[" not in found:  # a single cell
            self.lines.pop()
            terms = [f"{c} * {s}" for c, s in zip(counters, packed(out.shape)) if s and c != "0"]
            return f"b{out.buffer}[{' + '.join(['0', *terms])}]"
        return found

    def gather(self, step: Gather) -> None:
        """Copy cells."""
        varies = self.varies(step.out)
        for into, source, taken in step.parts:
            self.depth = 1
            a, b = self.number(into), self.number(taken)
            self.line(f"for i in range({len(into)}):")
            self.depth += 1
            self.line(f"b{step.out.buffer}[{a}[i]]{'[:]' if varies else ''} = b{source}[{b}[i]]")

    def extreme(self, step: Extreme) -> None:
        """The largest or smallest along the first axis."""
        varies = self.varies(step.out)
        counters = self.open(step.out.shape, varies)
        out = self.row_out(step.out, counters, varies)
        self.inner(varies, step.out.shape[-1])
        self.line(f"{out} = {'-inf' if step.op == 'max' else 'inf'}")
        self.depth -= 1
        (k,) = self.nest(step.a.shape[:1] if isinstance(step.a, View) else np.shape(step.a.values)[:1])
        a = self.row(step.a, [k, *counters], varies)
        self.inner(varies, step.out.shape[-1])
        self.line(f"x = {a}")
        self.line(f"{out} = x if x {'>' if step.op == 'max' else '<'} {out} or x != x else {out}")

    def part(self, step: Linear, part: Any, first: bool) -> None:
        """One part of a form: set the result, or add to it."""
        varies, shape = self.varies(step.out), step.out.shape
        sign = "=" if first else "+="
        if isinstance(part, Product):
            self.product(step, part, first)
            return
        counters = self.open(shape, varies)
        out = self.row_out(step.out, counters, varies)
        if isinstance(part, Term):
            a = self.row(part.a, counters, varies)
            b = None if part.b is None else self.row(part.b, counters, varies)
            self.inner(varies, shape[-1])
            self.line(f"{out} {sign} {'-' if part.sign < 0 else ''}{a}{'' if b is None else f' * {b}'}")
            return
        if first:
            self.inner(varies, shape[-1])
            self.line(f"{out} = 0.0")
            self.depth -= 1
        (k,) = self.nest((terms_of(part),))
        a = self.row(part.a, [k, *counters], varies)
        b = self.row(part.b, [k, *counters], varies) if isinstance(part, Dots) else None
        self.inner(varies, shape[-1])
        self.line(f"{out} += {a}{'' if b is None else f' * {b}'}")

    def product(self, step: Linear, part: Product, first: bool) -> None:
        """Rows of the result, four terms at a time."""
        varies = self.varies(step.out)
        count, m, columns = step.out.shape
        terms = shape_of_factor(part.a)[2]
        c, i = self.nest((count, m))
        (j,) = self.nest((columns,)) if varies else ("",)
        outer = self.depth
        out = self.row_out(step.out, [c, i, j] if varies else [c, i], varies)
        if first and terms >= 2 * UNROLL:
            self.inner(varies, columns)
            self.line(f"{out} = 0.0")
            self.depth = outer
        for block, alone in self.blocks(terms):
            products = []
            for at in block:
                a = self.element(part.a, [c, i, at], varies)
                b = self.row(part.b, [c, at, j] if varies else [c, at], varies)
                products.append(f"{a} * {b}")
            self.inner(varies, columns)
            self.line(f"{out} {'=' if first and alone else '+='} {' + '.join(products)}")

    def element(self, x: Operand, counters: Sequence[str], varies: bool) -> str:
        """One element (a row of examples if it varies) of a left factor."""
        if isinstance(x, View) and not self.varies(x):
            terms = [f"{c} * {s}" for c, s in zip(counters, x.strides) if s and c != "0"]
            return self._scalar(f"b{x.buffer}", " + ".join([str(x.offset), *terms]), False)
        if isinstance(x, Constant):
            return self.row(x, counters, True)
        return self.row(x, counters, varies)


def shape_of_factor(x: Operand) -> Shape:
    """The shape of a factor, constant or not."""
    return x.shape if isinstance(x, View) else np.shape(x.values)


def terms_of(part: Sum | Dots) -> int:
    """How many terms are summed."""
    return next(shape_of_factor(x)[0] for x in part if isinstance(x, (View, Constant)) and len(shape_of_factor(x)))
