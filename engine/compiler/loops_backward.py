"""The backward half of the loops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..rules.formula import Formula
from ..rules.ops import OPS
from .flow import is_square_sum, receiving
from .ir import (
    Elementwise,
    Extreme,
    Gather,
    Linear,
    Product,
    Sum,
    Term,
    View,
    packed,
)
from .loops import UNROLL, Loops, terms_of
from .naming import code_of


class BackwardLoops(Loops):
    """`backward`, and the source of both."""

    def source(self) -> tuple[str, list[Any]]:
        """Both functions, and the numbers that they read."""
        parts = []
        for name, make in (("forward", self.forward), ("backward", self.backward)):
            self.lines = []
            make()
            used = [i for i in range(len(self.program.buffers)) if any(f"b{i}" in line for line in self.lines)]
            heads = [f"    b{i} = arrays[{i}]" for i in used]
            heads += [
                f"    g{i} = arrays[{len(self.program.buffers) + i}]"
                for i, b in enumerate(self.program.buffers)
                if b.active
            ]
            heads += [
                f"    c{k} = numbers[{k}]" for k in range(len(self.numbers)) if any(f"c{k}[" in x for x in self.lines)
            ]
            parts.append("\n".join([f"def {name}(n, arrays, numbers):", *heads, *self.lines, "    return 0"]))
        return "\n\n\n".join(parts) + "\n", self.numbers

    def backward(self) -> None:
        """All steps in reverse order, each handing its gradient on."""
        if self.root is None:
            return
        buffers = self.program.buffers
        self.depth = 1
        self.zero(-1)
        if buffers[self.root.buffer].active:
            seed = "1.0 / n" if self.varies(self.root) and self.mean else "1.0"
            self.line(f"g{self.root.buffer}[{self.root.offset}]{'[:]' if self.varies(self.root) else ''} = {seed}")
        for i in reversed(range(len(self.program.steps))):
            step = self.program.steps[i]
            self.depth = 1
            if not buffers[step.out.buffer].active:
                continue
            self.zero(i)
            if isinstance(step, Gather):
                self.scatter(i, step)
            elif isinstance(step, Elementwise):
                self.slopes(i, step)
            elif isinstance(step, Extreme):
                self.spread_extreme(i, step)
            else:
                self.spread(i, step)

    def zero(self, step: int) -> None:
        """Zero the gradients that come together from parts which overlap."""
        for buffer in self.flow.zeroed.get(step, []):
            self.line(f"g{buffer}[:] = 0.0")

    def target(self, i: int, k: int, view: View, varies: bool) -> str:
        """How a contribution enters: `"="`, or `"+="`; cells whose first contribution comes in parts are zeroed."""
        if not self.flow.sets[i, k]:
            return "+="
        summed = not view.bijective or (varies and not self.varies(view))
        if summed:
            self.clear(view)
        return "+=" if summed else "="

    def scatter(self, i: int, step: Gather) -> None:
        """Gradients of copies go back to where the copies came from."""
        varies = self.varies(step.out)
        for k, (into, source, taken) in enumerate(step.parts):
            if not self.program.buffers[source].active:
                continue
            self.depth = 1
            a, b = self.number(into), self.number(taken)
            row = "[:]" if self.varies_buffer(source) else ""
            if self.flow.sets[i, k]:
                self.line(f"for i in range({len(into)}):")
                self.line(f"    g{source}[{b}[i]]{row} = 0.0")
            self.line(f"for i in range({len(into)}):")
            self.depth += 1
            if varies:
                self.line("for e in range(n):")
                self.line(f"    g{source}[{b}[i]{', e' if row else ''}] += g{step.out.buffer}[{a}[i], e]")
            else:
                self.line(f"g{source}[{b}[i]] += g{step.out.buffer}[{a}[i]]")

    def varies_buffer(self, buffer: int) -> bool:
        """Whether a buffer has an axis for the examples."""
        return self.program.buffers[buffer].varies

    def slopes(self, i: int, step: Elementwise) -> None:
        """Upstream gradient times slope, for each operand of an op."""
        op, varies, shape = OPS[step.op], self.varies(step.out), step.out.shape
        found = list(receiving(self.program, step))
        signs = [self.target(i, k, operand, varies) for k, operand in found]
        counters = self.open(shape, varies)
        names = {name: self.row(x, counters, varies) for name, x in zip(op.names, step.inputs)}
        out = step.out._replace(strides=packed(shape))
        names["y"] = self.row(out, counters, varies)
        upstream = self.row(out, counters, varies, grad=True)
        targets = [self.row(operand, counters, varies, grad=True) for _, operand in found]
        self.inner(varies, shape[-1])
        self.shorthands(step.op, names)
        for (k, _), sign, target in zip(found, signs, targets):
            formula = op.slopes[k]
            assert isinstance(formula, Formula)
            self.line(f"{target} {sign} {upstream} * ({code_of(op).source(formula, names)})")

    def spread_extreme(self, i: int, step: Extreme) -> None:
        """Each best element gets the upstream gradient; a tie halves it at every max that it passes."""
        varies, shape = self.varies(step.out), step.out.shape
        for k, operand in receiving(self.program, step):
            sign = self.target(i, k, operand, varies)
            counters = self.open(shape, varies)
            out = step.out._replace(strides=packed(shape))
            y, upstream = self.row(out, counters, varies), self.row(out, counters, varies, grad=True)
            self.inner(varies, shape[-1])
            self.line(f"left = {upstream}")
            for at in reversed(range(operand.shape[0])):
                a = self.cell(operand, [str(at), *counters], varies, False)
                earlier = [self.cell(operand, [str(q), *counters], varies, False) for q in range(at)]
                target = self.cell(operand, [str(at), *counters], varies, True)
                whole = f"left * 0.5 if {_any_equal(earlier, y)} else left" if earlier else "left"
                self.line(f"share = 0.0 if {a} != {y} else {whole}")
                self.line(f"{target} {sign} share")
                self.line("left -= share")

    def cell(self, view: View, counters: Sequence[str], varies: bool, grad: bool) -> str:
        """A single element inside the innermost loop."""
        every = [*counters, *([] if varies else ["e"])]
        base = " + ".join([str(view.offset), *(f"{c} * {s}" for c, s in zip(every, view.strides) if s and c != "0")])
        return f"{'g' if grad else 'b'}{view.buffer}[{base}{', e' if varies and self.varies(view) else ''}]"

    def spread(self, i: int, step: Linear) -> None:
        """The parts of a form: a·b gives b to a and a to b."""
        varies, shape = self.varies(step.out), step.out.shape
        out = step.out._replace(strides=packed(shape))
        for k, operand in receiving(self.program, step):
            self.depth = 1
            part = step.parts[k // 2]
            factor = " * 2.0" if is_square_sum(step, k) else ""
            if isinstance(part, Product):
                self.product_gradient(i, k, step, part, operand, factor)
                continue
            sign = self.target(i, k, operand, varies)
            counters = self.open(shape, varies)
            upstream = self.row(out, counters, varies, grad=True)
            if not isinstance(part, Term):
                counters = [*self.nest((terms_of(part),)), *counters]
            other = None if isinstance(part, Sum) else (part.b, part.a)[k % 2]
            target = self.row(operand, counters, varies, grad=True)
            text = "" if other is None else f" * {self.row(other, counters, varies)}"
            self.inner(varies, shape[-1])
            minus = "-" if isinstance(part, Term) and part.sign < 0 else ""
            self.line(f"{target} {sign} {minus}{upstream}{text}")

    def product_gradient(self, i: int, k: int, step: Linear, part: Product, operand: View, factor: str) -> None:
        """∂A = ∂C Bᵀ as sums over rows, ∂B = Aᵀ ∂C four rows at a time."""
        varies = self.varies(step.out)
        count, m, columns = step.out.shape
        out = step.out._replace(strides=packed(step.out.shape))
        if k % 2 == 0:
            sign = self.target(i, k, operand, varies and self.varies(operand))
            row_wise = self.varies(operand)
            if row_wise and self.flow.sets[i, k] and columns > 1:
                self.clear(operand)
                sign = "+="
            c, r = self.nest((count, m))
            for block, _ in self.blocks(operand.shape[2]):
                outer = self.depth
                totals = [self.fresh("t") for _ in block]
                if not row_wise:
                    for total in totals:
                        self.line(f"{total} = 0.0")
                (j,) = self.nest((columns,)) if varies else ("",)
                upstream = self.row(out, [c, r, j] if varies else [c, r], varies, grad=True)
                rows = [self.row(part.b, [c, q, j] if varies else [c, q], varies) for q in block]
                targets = [self.row(operand, [c, r, q], True, grad=True) for q in block] if row_wise else []
                self.inner(varies, columns)
                for n, row in enumerate(rows):
                    self.line(
                        f"{targets[n]} {sign} {upstream} * {row}" if row_wise else f"{totals[n]} += {upstream} * {row}"
                    )
                self.depth = outer
                for q, total in zip(block, totals):
                    if not row_wise:
                        terms = [f"{x} * {s}" for x, s in zip((c, r, q), operand.strides) if s and x != "0"]
                        self.line(
                            f"g{operand.buffer}[{' + '.join([str(operand.offset), *terms])}] {sign} {total}{factor}"
                        )
            return
        reduced = varies and not self.varies(operand)
        first = self.flow.sets[i, k]
        if first and (reduced or not operand.bijective):
            self.clear(operand)
            first = False
        c, r = self.nest((count, operand.shape[1]))
        (j,) = self.nest((columns,)) if varies else ("",)
        outer = self.depth
        target = self.row(operand, [c, r, j] if varies else [c, r], varies, grad=True)
        if first and m >= 2 * UNROLL:
            self.inner(varies, columns)
            self.line(f"{target} = 0.0")
            self.depth = outer
        for block, alone in self.blocks(m):
            products = []
            for q in block:
                a = self.element(part.a, [c, q, r], varies)
                upstream = self.row(out, [c, q, j] if varies else [c, q], varies, grad=True)
                products.append(f"{a} * {upstream}")
            self.inner(varies, columns)
            self.line(f"{target} {'=' if first and alone else '+='} {' + '.join(products)}")


def _any_equal(cells: Sequence[str], y: str) -> str:
    return " or ".join(f"{cell} == {y}" for cell in cells)
