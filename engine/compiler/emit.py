"""Stage 6: the program as a short NumPy function, forward and backward, with every array made beforehand.

`bind(n, params, grads, numbers)` makes the arrays for n examples and returns `forward` and `backward`, which
only fill them. Arrays hold one cell per row and one example per column.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from ..ops import OPS
from .flow import Flow, is_square_sum, numbered, plan, receiving
from .formulas import Atom, Lowering, Scratch
from .ir import (
    Buffer,
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
)
from .trace import Floats, Ints

NUMPY = (
    "absolute add copyto cos divide equal exp greater greater_equal less less_equal log log1p matmul maximum minimum "
    "multiply negative not_equal power sin sqrt subtract take tan tanh"
)


_EXTREME = {"max": "maximum", "min": "minimum"}


def cells(array: Floats, offset: int, shape: Shape, strides: Shape, fold: bool = False) -> Floats:
    """Cells of a buffer as an array of any shape, without a copy; `fold` merges the last axis with the examples'."""
    step, rest = array.strides[0], array.strides[1:]
    sizes = array.shape[1:]
    if fold:
        sizes, shape, strides = (shape[-1] * sizes[0],), shape[:-1], strides[:-1]
    return np.lib.stride_tricks.as_strided(array[offset:], (*shape, *sizes), (*(s * step for s in strides), *rest))


def totals(values: Floats, order: Any, starts: Any) -> Floats:
    """Rows of `values` in `order`, added up between the `starts`."""
    summed: Floats = np.add.reduceat(values[order], starts, axis=0)
    return summed


def winners(values: Floats, best: Floats) -> Floats:
    """The slopes of max(max(a, b), c)…: 1 where a value is the best; a tie halves at every max it passes.

    >>> winners(np.array([[1.0, 5.0], [3.0, 5.0], [2.0, 5.0]]), np.array([3.0, 5.0])).tolist()
    [[0.0, 0.25], [1.0, 0.25], [0.0, 0.5]]
    """
    tied = values == best
    later = np.cumsum(tied[::-1], axis=0)[::-1]
    slopes = np.where(tied, 0.5**later, 0.0)
    slopes[tied & (later == later[0])] *= 2.0  # the first has met nobody before it
    return slopes


def emit(program: MatrixProgram, root: View | None, mean: bool = True) -> tuple[str, list[Any]]:
    """The source of `bind`, and the arrays of numbers that it reads.

    Args:
        program: the steps.
        root: the scalar to differentiate; None for a program that is only run forward.
        mean: whether the gradient is that of the mean over the examples, not of the sum.
    """
    return _Emitter(program, root, mean).source()


class _Emitter:
    def __init__(self, program: MatrixProgram, root: View | None, mean: bool) -> None:
        self.mean = mean
        self.program = program
        self.root = root
        self.flow: Flow | None = plan(program, root) if root is not None else None
        self.numbers: list[Any] = []
        self.setup: list[str] = []
        self.known: dict[Any, str] = {}
        self.views: Counter[str] = Counter()
        self.weights: list[View] = []
        self.taken: set[str] = {b.name for b in program.buffers}

    # -- arrays -------------------------------------------------------------------------------------------

    def source(self) -> tuple[str, list[Any]]:
        for i, buffer in enumerate(self.program.buffers):
            self.buffer(i, buffer)
        forward = self.forward()
        backward = self.backward() if self.root is not None else []
        results = [self.whole_output(x) for x in self.program.outputs]
        inputs = [b.name for b in self.program.buffers if b.role == "inputs"]
        lines = [
            "def bind(n, params, grads, numbers):",
            *self.setup,
            "",
            "    def forward():",
            *(f"        {line}" for line in forward or ["pass"]),
            "",
            "    def backward():",
            *(f"        {line}" for line in backward or ["pass"]),
            "",
            f"    return forward, backward, [{', '.join(inputs)}], [{', '.join(results)}]",
        ]
        return "\n".join(_without_unused(lines)) + "\n", self.numbers

    def buffer(self, i: int, buffer: Buffer) -> None:
        name, rows = buffer.name, buffer.cells + buffer.ones
        if buffer.role == "inputs":
            self.setup.append(f"    {name} = ones((n, {rows})).T" if buffer.varies else f"    {name} = ones({rows})")
        elif buffer.role != "params":
            make = "ones" if buffer.ones else "zeros" if buffer.holes else "empty"
            self.setup.append(f"    {name} = {make}({f'({rows}, n)' if buffer.varies else rows})")
        if self.flow and buffer.active:
            if buffer.role == "params":
                self.known["grad", i] = "grads"
            else:
                self.setup.append(f"    g_{name} = zeros({f'({buffer.cells}, n)' if buffer.varies else buffer.cells})")
                self.known["grad", i] = f"g_{name}"

    def array(self, buffer: int, grad: bool) -> str:
        return self.known["grad", buffer] if grad else self.program.buffers[buffer].name

    def bound(self, stem: str, expression: str, number: int = 0, name: str = "") -> str:
        """A name for an expression that is evaluated once, before the first run; another for every `number`.

        Called `name` if that is free, else by its stem and a number.
        """
        if expression.isidentifier():
            return expression
        key = (expression, number)
        if key not in self.known:
            if not name or name in self.taken:
                self.views[stem] += 1
                name = f"{stem}_{self.views[stem]}"
            self.taken.add(name)
            self.known[key] = name
            self.setup.append(f"    {name} = {expression}")
        return self.known[key]

    def number(self, values: Floats | Ints) -> str:
        self.numbers.append(np.ascontiguousarray(values))
        return f"numbers[{len(self.numbers) - 1}]"

    def view(
        self, operand: Operand, varies: bool = False, grad: bool = False, fold: bool = False, name: str = ""
    ) -> str:
        """The name of an operand's array, with an axis for the examples if the step has one."""
        if isinstance(operand, Constant):
            if isinstance(operand.values, float):
                return repr(operand.values) if math.isfinite(operand.values) else f"float('{operand.values}')"
            key = ("constant", id(operand), varies)
            if key not in self.known:
                self.known[key] = self.bound("c", self.number(operand.values) + ("[..., None]" if varies else ""))
            return self.known[key]
        buffer = self.program.buffers[operand.buffer]
        array = self.array(operand.buffer, grad)
        rows = buffer.cells + (0 if grad else buffer.ones)
        if operand.shape == (rows,) and (operand.strides == (1,) or rows == 1) and (buffer.varies or not varies):
            return array
        size = math.prod(operand.shape)
        contiguous = operand.strides == _packed(operand.shape) and buffer.role != "inputs" and not fold
        if contiguous:
            part = (
                array if (operand.offset, size) == (0, rows) else f"{array}[{operand.offset}:{operand.offset + size}]"
            )
            tail = ", n" if buffer.varies else ", 1" if varies else ""
            text = (
                part
                if len(operand.shape) == 1 and tail != ", 1"
                else f"{part}.reshape({', '.join(map(str, operand.shape))}{tail})"
            )
        else:
            text = (
                f"cells({array}, {operand.offset}, {operand.shape}, {operand.strides}{', fold=True' if fold else ''})"
            )
            if varies and not buffer.varies:
                text += "[..., None]"
        return self.bound(array, text, name=name)

    def temporary(self, shape: Shape, varies: bool, kind: str = "float", number: int = 0) -> str:
        dims = ", ".join(map(str, shape)) + (", n" if varies else "")
        return self.bound(
            "t" if kind == "float" else "m", f"empty(({dims},){', dtype=bool' if kind == 'bool' else ''})", number
        )

    def scratch(self, shape: Shape, varies: bool) -> Scratch:
        return Scratch(lambda kind, number: self.temporary(shape, varies, kind, number))

    def whole_output(self, x: Operand) -> str:
        if isinstance(x, Constant):
            return f"array([{x.values!r}])"
        return self.view(x)

    def varies(self, *given: Operand | None) -> bool:
        return any(isinstance(x, View) and self.program.buffers[x.buffer].varies for x in given)

    # -- forward ------------------------------------------------------------------------------------------

    def forward(self) -> list[str]:
        lines: list[str] = []
        for step in self.program.steps:
            varies = self.varies(step.out)
            if isinstance(step, Gather):
                self.gather(step, lines)
            elif isinstance(step, Elementwise):
                lowering = Lowering(lines, self.scratch(step.out.shape, varies))
                names = self.names(step, varies)
                with lowering.named(OPS[step.op], names) as known:
                    lowering.into(OPS[step.op].forward, known, self.view(step.out, varies))
            elif isinstance(step, Extreme):
                a, out = self.view(step.a, varies), self.view(step.out, varies)
                lines.append(f"{_EXTREME[step.op]}.reduce({a}, axis=0, out={out})")
            else:
                self.linear(step, varies, lines)
        return lines

    def names(self, step: Elementwise, varies: bool) -> dict[str, Atom]:
        found: dict[str, Atom] = {}
        for name, x in zip(OPS[step.op].names, step.inputs):
            found[name] = x.values if isinstance(x, Constant) and isinstance(x.values, float) else self.view(x, varies)
        return found

    def gather(self, step: Gather, lines: list[str]) -> None:
        out = self.program.buffers[step.out.buffer]
        if len(step.constants[0]):
            at = self.bound("i", self.number(step.constants[0]))
            values = self.number(step.constants[1]) + ("[:, None]" if out.varies else "")
            self.setup.append(f"    {out.name}[{at}] = {values}")
        for into, source, taken in step.parts:
            array = self.program.buffers[source].name
            index = self.bound("i", self.number(taken))
            tail = "[:, None]" if out.varies and not self.program.buffers[source].varies else ""
            if len(into) == out.cells and not tail:
                lines.append(f"take({array}, {index}, 0, {out.name}, 'clip')")
            else:
                lines.append(f"{out.name}[{self.cut(into)}] = {array}[{index}]{tail}")

    def cut(self, index: Any) -> str:
        """Cells as a slice where they are one."""
        if np.array_equal(index, np.arange(index[0], index[0] + len(index))):
            return f"{index[0]}:{index[-1] + 1}"
        return self.bound("i", self.number(index))

    def linear(self, step: Linear, varies: bool, lines: list[str]) -> None:
        shape, out = step.out.shape, self.view(step.out, varies)
        for i, part in enumerate(step.parts):
            part_varies = self.varies(*(x for x in part if isinstance(x, (View, Constant))))
            target = out if i == 0 and part_varies == varies else None
            if isinstance(part, Term):
                a = self.view(part.a, varies)
                if part.b is None and i:
                    lines.append(f"{'add' if part.sign > 0 else 'subtract'}({out}, {a}, out={out})")
                    continue
                target = out if i == 0 else self.temporary(shape, varies)
                if part.b is None:
                    lines.append(f"copyto({out}, {a})" if part.sign > 0 else f"negative({a}, out={out})")
                else:
                    lines.append(f"multiply({a}, {self.view(part.b, varies)}, out={target})")
                if i:
                    lines.append(f"add({out}, {target}, out={out})")
                continue
            target = target or self.temporary(shape, part_varies)
            if isinstance(part, Product):
                self.product(step, part, part_varies, target if target != out else None, lines)
            elif isinstance(part, Sum):
                lines.append(f"add.reduce({self.view(part.a, part_varies)}, axis=0, out={target})")
            else:
                product = self.temporary((_first(part), *shape), part_varies)
                lines.append(
                    f"multiply({self.view(part.a, part_varies)}, {self.view(part.b, part_varies)}, out={product})"
                )
                lines.append(f"add.reduce({product}, axis=0, out={target})")
            if target != out:
                lines.append(f"add({out}, {target}, out={out})" if i else f"copyto({out}, {target}[..., None])")

    # -- products -----------------------------------------------------------------------------------------

    def folded(self, part: Product) -> bool:
        """Whether the examples can be columns of the right factor: then the whole batch is one product."""
        return (
            not self.varies(part.a)
            and isinstance(part.b, View)
            and (part.b.shape[2] == 1 or part.b.strides[2] == 1)
            and self.fits(part.b)
        )

    def fits(self, b: View) -> bool:
        return b.shape[2] == 1 or self.program.buffers[b.buffer].role != "inputs"

    def matrix(self, x: Operand, varies: bool, fold: bool, grad: bool = False) -> str:
        """A factor or result of a product as a matrix, or a stack of them; `fold` makes the examples columns."""
        one = (x.shape if isinstance(x, View) else np.shape(x.values))[0] == 1
        if isinstance(x, View) and one:
            x = x._replace(shape=x.shape[1:], strides=x.strides[1:])
        if isinstance(x, Constant):
            assert not isinstance(x.values, float)
            key = ("matrix", id(x))
            if key not in self.known:
                self.known[key] = self.bound("c", self.number(x.values[0] if one else x.values))
            return self.known[key]
        if not self.program.buffers[x.buffer].varies:
            whole = x.shape[-1] >= self.program.buffers[x.buffer].cells
            weights = self.program.buffers[x.buffer].role == "params" and one and not whole
            return self.weight(x, grad) if weights else self.view(x, grad=grad)
        if fold:
            if x.shape[-1] == 1 and (x.strides[-2] == 1 or x.shape[-2] == 1) and len(x.shape) == 2 and not x.offset:
                rows = self.program.buffers[x.buffer].cells + (0 if grad else self.program.buffers[x.buffer].ones)
                array = self.array(x.buffer, grad)
                return array if rows == x.shape[0] else self.bound(array, f"{array}[:{x.shape[0]}]")
            return self.view(x, fold=True, grad=grad)
        return self.bound(self.array(x.buffer, grad), f"moveaxis({self.view(x, True, grad)}, -1, 0)")

    def weight(self, x: View, grad: bool) -> str:
        """A matrix of parameters, or its gradient: W1, W2, … in order."""
        if x not in self.weights:
            self.weights.append(x)
        return self.view(x, grad=grad, name=f"{'g_' if grad else ''}W{self.weights.index(x) + 1}")

    def product(self, step: Linear, part: Product, varies: bool, temporary: str | None, lines: list[str]) -> None:
        fold = varies and self.folded(part)
        a, b = self.matrix(part.a, varies, fold), self.matrix(part.b, varies, fold)
        out = self.result(step, varies, fold, temporary)
        lines.append(f"matmul({a}, {b}, out={out})")

    def result(self, step: Linear, varies: bool, fold: bool, temporary: str | None, grad: bool = False) -> str:
        if temporary is None:
            return self.matrix(step.out, varies, fold, grad)
        count, m, n = step.out.shape
        shape = f"({m}, {n}{' * n' if fold else ''}" if count == 1 else f"({count}, {m}, {n}{' * n' if fold else ''}"
        if varies and not fold:
            one = f"{temporary}[0]" if count == 1 else temporary
            return self.bound(temporary, f"moveaxis({one}, -1, 0)")
        return self.bound(temporary, f"{temporary}.reshape{shape})")

    # -- backward -----------------------------------------------------------------------------------------

    def backward(self) -> list[str]:
        assert self.flow is not None
        assert self.root is not None
        lines: list[str] = []
        self.zero(-1, lines)
        root = self.root
        if self.program.buffers[root.buffer].active:
            seed = "1.0 / n" if self.varies(root) and self.mean else "1.0"
            lines.append(f"{self.view(root, grad=True)}[...] = {seed}")
        for i in reversed(range(len(self.program.steps))):
            step = self.program.steps[i]
            if not self.program.buffers[step.out.buffer].active:
                continue
            self.zero(i, lines)
            if isinstance(step, Gather):
                self.scatter(i, step, lines)
            elif isinstance(step, Elementwise):
                self.slopes(i, step, lines)
            elif isinstance(step, Extreme):
                varies = self.varies(step.out)
                y, upstream = self.view(step.out, varies), self.view(step.out, varies, grad=True)
                for k, operand in receiving(self.program, step):
                    text = f"multiply({upstream}, winners({self.view(operand, varies)}, {y}), out="
                    self.contribute(i, k, operand, varies, _writes(lines, text), lines)
            else:
                self.spread(i, step, lines)
        return lines

    def zero(self, step: int, lines: list[str]) -> None:
        assert self.flow is not None
        lines.extend(f"{self.known['grad', buffer]}[...] = 0.0" for buffer in self.flow.zeroed.get(step, []))

    def scatter(self, i: int, step: Gather, lines: list[str]) -> None:
        """Gradients of copies go back to where the copies came from."""
        assert self.flow is not None
        out = self.program.buffers[step.out.buffer]
        for k, (into, source, taken) in enumerate(step.parts):
            if not self.program.buffers[source].active:
                continue
            grad, target = f"g_{out.name}", self.known["grad", source]
            part = grad if len(into) == out.cells else f"{grad}[{self.cut(into)}]"
            if out.varies and not self.program.buffers[source].varies:
                part = f"{part}.sum(axis=1)"
            unique, order, starts = _segments(taken)
            if len(unique) < len(taken):
                part = f"totals({part}, {self.bound('i', self.number(order))}, {self.bound('i', self.number(starts))})"
                index = unique
            else:
                index = taken
            lines.append(f"{target}[{self.cut(index)}] {'=' if self.flow.sets[i, k] else '+='} {part}")

    def contribute(
        self, i: int, k: int, operand: View, varies: bool, make: Callable[[str], None] | str, lines: list[str]
    ) -> None:
        """Add a contribution of the step's shape to an operand's gradient, summed where the operand was spread out."""
        assert self.flow is not None
        sets = self.flow.sets[i, k]
        operand_varies = self.program.buffers[operand.buffer].varies
        spread = [axis for axis, (n, s) in enumerate(zip(operand.shape, operand.strides)) if n > 1 and s == 0]
        summed = [*spread, *([len(operand.shape)] if varies and not operand_varies else [])]
        kept = operand._replace(
            shape=tuple(n for axis, n in enumerate(operand.shape) if axis not in spread) or (1,),
            strides=tuple(s for axis, s in enumerate(operand.strides) if axis not in spread) or (0,),
        )
        if not summed:
            target = self.view(operand, varies, grad=True)
            if sets:
                self._made(make, target, lines)
            else:
                value = self._value(make, operand.shape, varies, lines)
                lines.append(f"add({target}, {value}, out={target})")
            return
        value = self._value(make, operand.shape, varies, lines)
        target = self.view(kept, grad=True)
        if len(spread) == len(operand.shape):
            shape = ", ".join(["1"] + (["n"] if operand_varies else []))
            target = self.bound(target, f"{target}.reshape({'n' if operand_varies else '()'})") if shape else target
        axes = tuple(summed) if len(summed) > 1 else summed[0]
        if sets:
            lines.append(f"add.reduce({value}, axis={axes}, out={target})")
        else:
            lines.append(f"add({target}, add.reduce({value}, axis={axes}), out={target})")

    def _value(self, make: Callable[[str], None] | str, shape: Shape, varies: bool, lines: list[str]) -> str:
        if isinstance(make, str):
            return make
        target = self.temporary(shape, varies, number=9)
        make(target)
        return target

    def _made(self, make: Callable[[str], None] | str, target: str, lines: list[str]) -> None:
        if isinstance(make, str):
            lines.append(f"copyto({target}, {make})")
        else:
            make(target)

    def slopes(self, i: int, step: Elementwise, lines: list[str]) -> None:
        """Upstream gradient times slope, for each operand of an op."""
        op, varies, shape = OPS[step.op], self.varies(step.out), step.out.shape
        lowering = Lowering(lines, self.scratch(shape, varies))
        upstream = self.view(step.out, varies, grad=True)
        names = self.names(step, varies) | {"y": self.view(step.out, varies)}
        for k, operand in receiving(self.program, step):
            formula = op.slopes[k]
            assert formula is not None

            def make(target: str, formula: Any = formula) -> None:
                with lowering.named(op, names) as known:
                    slope = lowering.atom(formula.tree, known)
                    if slope == -1.0:
                        lines.append(f"negative({upstream}, out={target})")
                    else:
                        lowering.call("multiply", upstream, slope, out=target)

            self.contribute(i, k, operand, varies, upstream if formula.text == "1" else make, lines)

    def spread(self, i: int, step: Linear, lines: list[str]) -> None:
        """The parts of a form: a·b gives b to a and a to b."""
        varies = self.varies(step.out)
        upstream = self.view(step.out, varies, grad=True)
        for k, operand in receiving(self.program, step):
            part = step.parts[k // 2]
            other = numbered(step)[k ^ 1] if not isinstance(part, Product) else (part.b, part.a)[k % 2]
            if is_square_sum(step, k):
                assert isinstance(part, Product)
                varies_inside = self.varies(part.a)
                seed = upstream
                if varies and not varies_inside:
                    seed = self.temporary((1, 1, 1), False)
                    lines.append(f"add.reduce({upstream}, axis=3, out={seed})")
                double = self.temporary((1, 1, 1), varies_inside, number=1)
                lines.append(f"multiply({seed}, 2.0, out={double})")
                text = f"multiply({double}, {self.view(operand, varies_inside)}, out="
                self.contribute(i, k, operand, varies_inside, _writes(lines, text), lines)
            elif isinstance(part, Product):
                self.product_gradient(i, k, step, part, operand, lines)
            elif isinstance(part, Term):
                if part.b is None:
                    if part.sign > 0:
                        self.contribute(i, k, operand, varies, upstream, lines)
                    else:
                        self.contribute(
                            i,
                            k,
                            operand,
                            varies,
                            _writes(lines, f"negative({upstream}, out="),
                            lines,
                        )
                else:
                    assert other is not None
                    text = f"multiply({upstream}, {self.view(other, varies)}, out="
                    self.contribute(i, k, operand, varies, _writes(lines, text), lines)
            elif isinstance(part, Sum):
                self.contribute(
                    i, k, operand, varies, lambda target: lines.append(f"copyto({target}, {upstream})"), lines
                )
            else:
                assert isinstance(other, (View, Constant))
                text = f"multiply({upstream}, {self.view(other, varies)}, out="
                self.contribute(i, k, operand, varies, _writes(lines, text), lines)

    def product_gradient(self, i: int, k: int, step: Linear, part: Product, operand: View, lines: list[str]) -> None:
        """Of C = A @ B: ∂A = ∂C @ Bᵀ, ∂B = Aᵀ @ ∂C."""
        varies = self.varies(part.a, part.b)
        fold = varies and self.folded(part)
        count = step.out.shape[0]
        transposed = ".T" if count == 1 and (fold or not varies) else ".swapaxes(-1, -2)"
        outer_varies = self.varies(step.out)
        if outer_varies and not varies:  # a part that is the same for all examples
            total = self.temporary(step.out.shape, False)
            lines.append(f"add.reduce({self.view(step.out, True, grad=True)}, axis={len(step.out.shape)}, out={total})")
            upstream = self.bound(
                total, f"{total}.reshape({', '.join(map(str, step.out.shape[1:] if count == 1 else step.out.shape))})"
            )
        else:
            upstream = self.matrix(step.out, varies, fold, grad=True)
        if k % 2 == 0:
            b = self.matrix(part.b, varies, fold)
            left, right = upstream, self.bound("v", b + transposed, name=f"{b}_T")
        else:
            a = self.matrix(part.a, varies, fold)
            if part.ones:
                a = f"{a}[..., :-1]"
            left, right = self.bound("v", a + transposed, name=f"{a.partition('[')[0]}_T"), upstream
        operand_varies = self.program.buffers[operand.buffer].varies
        text = f"matmul({left}, {right}, out="
        direct = operand.bijective and (operand_varies == varies or (k % 2 == 0 and fold))
        assert self.flow is not None
        if direct:
            target = self.matrix(operand, operand_varies, fold and operand_varies, grad=True)
            if self.flow.sets[i, k]:
                lines.append(f"{text}{target})")
            else:
                lines.append(f"add({target}, matmul({left}, {right}), out={target})")
            return
        summed = varies and not operand_varies and not (k % 2 == 0 and fold)
        value = f"matmul({left}, {right})"
        if summed:
            value = f"{value}.sum(axis=0)"
        elif operand_varies and not fold:
            value = f"moveaxis({value}, 0, -1)"
        elif operand_varies:
            value = f"{value}.reshape({', '.join(map(str, operand.shape))}, n)"
        if count == 1 and not (operand_varies and fold):
            value = f"{value}[None]"
        self.contribute(i, k, operand, operand_varies, value, lines)


def _writes(lines: list[str], text: str) -> Callable[[str], None]:
    """A function that completes the call `text` with its target and adds it to the lines."""

    def write(target: str) -> None:
        lines.append(f"{text}{target})")

    return write


def _without_unused(lines: list[str]) -> list[str]:
    """Source lines without names that are made and never read."""
    kept: list[str] = []
    used: set[str] = set()
    for line in reversed(lines):
        name, equals, expression = line.strip().partition(" = ")
        if (
            line.startswith("    ")
            and not line.startswith("     ")
            and equals
            and name.isidentifier()
            and name not in used
        ):
            continue
        kept.append(line)
        used.update(
            re.findall(
                r"[A-Za-z_]\w*",
                line if not equals else f"{expression} {name if '[' in name or line.startswith('     ') else ''}",
            )
        )
    return kept[::-1]


def _packed(shape: Shape) -> Shape:
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step if n > 1 else 0)
        step *= n
    return tuple(reversed(strides))


def _first(part: Dots) -> int:
    return next(x.shape[0] for x in part if isinstance(x, View))


def _segments(taken: Any) -> tuple[Any, Any, Any]:
    order = np.argsort(taken, kind="stable")
    unique, starts = np.unique(taken[order], return_index=True)
    return unique, order, starts
