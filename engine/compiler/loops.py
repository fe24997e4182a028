"""The program as plain loops, for numba: the same steps, compiled to machine code (`backend="numba"`).

The innermost loop runs over the examples (or, where nothing varies, over the last axis), so that it becomes
vector instructions. Products are unrolled by four terms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ..formula import PRIMITIVES, Formula, floats_source
from ..ops import OPS
from .errors import CompileError
from .flow import Flow, is_square_sum, plan, receiving
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
    Step,
    Sum,
    Term,
    View,
)
from .trace import Floats

UNROLL = 4
_MATH = ["exp", "log", "log1p", "sqrt", "sin", "cos", "tan", "tanh", "pow"]


def loops(program: MatrixProgram, root: View | None, mean: bool) -> tuple[str, list[Any]]:
    """Source of `forward(n, arrays…)` and `backward(n, arrays…)`, and the arrays of numbers that they read."""
    return _Loops(program, root, mean).source()


def _called(ops: Iterable[str]) -> list[str]:
    """The ops that formulas of these ops call, those called by others first."""
    found: list[str] = []
    for name in sorted(ops):
        op = OPS[name]
        formulas = [op.forward, *filter(None, op.slopes), *(formula for _, formula in op.let)]
        for called in sorted(frozenset[str]().union(*(formula.calls for formula in formulas)) - PRIMITIVES):
            found += [inner for inner in [*_called([called]), called] if inner not in found]
    return found


def _function(name: str) -> list[str]:
    """An op's forward formula as the source of a function."""
    op = OPS[name]
    lets = [f"    {short} = {floats_source(formula, {})}" for short, formula in op.let]
    return [f"def {name}({', '.join(op.names)}):", *lets, f"    return {floats_source(op.forward, {})}"]


def bind_loops(source: str, program: MatrixProgram, numbers: Sequence[Any]) -> Callable[..., Any]:
    """A function that makes the arrays for n examples and returns what the NumPy program's `bind` returns."""
    try:
        import numba
    except ImportError:
        raise CompileError('backend="numba" needs numba: pip install "glassgrad[jit]"') from None
    names: dict[str, Any] = {name: getattr(math, name) for name in _MATH} | {"abs": abs, "inf": math.inf}
    for called in _called({step.op for step in program.steps if isinstance(step, Elementwise)}):
        text = "\n".join(_function(called))
        exec(compile(text, f"<glassgrad op {called}>", "exec"), names)  # noqa: S102  # whitelisted formulas only
        names[called] = numba.njit(names[called], error_model="numpy")
    exec(compile(source, "<glassgrad loops>", "exec"), names)  # noqa: S102  # made of whitelisted formulas and our own names
    fast = {"reassoc", "contract", "arcp", "nsz"}  # NaN and infinity keep their meaning
    forward, backward = (numba.njit(names[f], fastmath=fast, error_model="numpy") for f in ("forward", "backward"))

    def bind(n: int, params: Floats, grads: Floats, _: Any) -> Any:
        arrays, inputs, results = [], [], []
        for buffer in program.buffers:
            shape = (buffer.cells + buffer.ones, n) if buffer.varies else (buffer.cells + buffer.ones,)
            arrays.append(params if buffer.role == "params" else np.ones(shape))
            inputs += [arrays[-1]] if buffer.role == "inputs" else []
        for i, buffer in enumerate(program.buffers):
            shape = (buffer.cells, n) if buffer.varies else (buffer.cells,)
            arrays.append(grads if buffer.role == "params" else np.zeros(shape) if buffer.active else arrays[i])
        for step in program.steps:
            if isinstance(step, Gather):
                into, values = step.constants
                target = arrays[step.out.buffer]
                target[into] = values[:, None] if target.ndim == 2 else values
        for output in program.outputs:
            at = output.cells().ravel() if isinstance(output, View) else None
            found = np.array([output.values]) if isinstance(output, Constant) else arrays[output.buffer]
            results.append(found if at is None else found[int(at[0]) : int(at[0]) + 1])
        given = (n, tuple(arrays), tuple(numbers))
        return lambda: forward(*given), lambda: backward(*given), inputs, results

    return bind


class _Loops:
    def __init__(self, program: MatrixProgram, root: View | None, mean: bool) -> None:
        self.program, self.root, self.mean = program, root, mean
        self.flow = plan(program, root) if root is not None else Flow({}, {})
        self.numbers: list[Any] = []
        self.lines: list[str] = []
        self.depth = 1
        self.count = 0

    def source(self) -> tuple[str, list[Any]]:
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

    # -- text ---------------------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def fresh(self, stem: str) -> str:
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
        varies, op = self.varies(step.out), OPS[step.op]
        counters = self.open(step.out.shape, varies)
        names = {name: self.row(x, counters, varies) for name, x in zip(op.names, step.inputs)}
        out = self.row_out(step.out, counters, varies)
        self.inner(varies, step.out.shape[-1])
        self.shorthands(step.op, names)
        self.line(f"{out} = {floats_source(op.forward, names)}")

    def shorthands(self, op: str, names: dict[str, str]) -> None:
        for short, formula in OPS[op].let:
            value = self.fresh("k")
            self.line(f"{value} = {floats_source(formula, names)}")
            names[short] = value

    def row_out(self, out: View, counters: Sequence[str], varies: bool) -> str:
        found = self.row(out._replace(strides=_packed(out.shape)), counters, varies)
        if "[" not in found:  # a single cell
            self.lines.pop()
            terms = [f"{c} * {s}" for c, s in zip(counters, _packed(out.shape)) if s and c != "0"]
            return f"b{out.buffer}[{' + '.join(['0', *terms])}]"
        return found

    def gather(self, step: Gather) -> None:
        varies = self.varies(step.out)
        for into, source, taken in step.parts:
            self.depth = 1
            a, b = self.number(into), self.number(taken)
            self.line(f"for i in range({len(into)}):")
            self.depth += 1
            self.line(f"b{step.out.buffer}[{a}[i]]{'[:]' if varies else ''} = b{source}[{b}[i]]")

    def extreme(self, step: Extreme) -> None:
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
        (k,) = self.nest((_length(part),))
        a = self.row(part.a, [k, *counters], varies)
        b = self.row(part.b, [k, *counters], varies) if isinstance(part, Dots) else None
        self.inner(varies, shape[-1])
        self.line(f"{out} += {a}{'' if b is None else f' * {b}'}")

    def product(self, step: Linear, part: Product, first: bool) -> None:
        """Rows of the result, four terms at a time."""
        varies = self.varies(step.out)
        count, m, columns = step.out.shape
        terms = _shape(part.a)[2]
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

    # -- backward -----------------------------------------------------------------------------------------

    def backward(self) -> None:
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
        return self.program.buffers[buffer].varies

    def slopes(self, i: int, step: Elementwise) -> None:
        op, varies, shape = OPS[step.op], self.varies(step.out), step.out.shape
        found = list(receiving(self.program, step))
        signs = [self.target(i, k, operand, varies) for k, operand in found]
        counters = self.open(shape, varies)
        names = {name: self.row(x, counters, varies) for name, x in zip(op.names, step.inputs)}
        out = step.out._replace(strides=_packed(shape))
        names["y"] = self.row(out, counters, varies)
        upstream = self.row(out, counters, varies, grad=True)
        targets = [self.row(operand, counters, varies, grad=True) for _, operand in found]
        self.inner(varies, shape[-1])
        self.shorthands(step.op, names)
        for (k, _), sign, target in zip(found, signs, targets):
            formula = op.slopes[k]
            assert isinstance(formula, Formula)
            self.line(f"{target} {sign} {upstream} * ({floats_source(formula, names)})")

    def spread_extreme(self, i: int, step: Extreme) -> None:
        """Each best element gets the upstream gradient; a tie halves it at every max that it passes."""
        varies, shape = self.varies(step.out), step.out.shape
        for k, operand in receiving(self.program, step):
            sign = self.target(i, k, operand, varies)
            counters = self.open(shape, varies)
            out = step.out._replace(strides=_packed(shape))
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
        varies, shape = self.varies(step.out), step.out.shape
        out = step.out._replace(strides=_packed(shape))
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
                counters = [*self.nest((_length(part),)), *counters]
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
        out = step.out._replace(strides=_packed(step.out.shape))
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


def _shape(x: Operand) -> Shape:
    return x.shape if isinstance(x, View) else np.shape(x.values)


def _length(part: Sum | Dots) -> int:
    return next(_shape(x)[0] for x in part if isinstance(x, (View, Constant)) and len(_shape(x)))


def _packed(shape: Shape) -> Shape:
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step if n > 1 else 0)
        step *= n
    return tuple(reversed(strides))


__all__ = ["Step", "bind_loops", "loops"]
