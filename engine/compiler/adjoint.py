"""The backward half of the generated code: each step's contributions to the gradients of what it reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..rules.ops import OPS
from .arrays import Arrays
from .flow import is_square_sum, numbered, receiving
from .formulas import Lowering
from .ir import (
    Constant,
    Elementwise,
    Extreme,
    Gather,
    Linear,
    Product,
    Shape,
    Sum,
    Term,
    View,
)


class Backward(Arrays):
    """The lines of `backward`."""

    def backward(self) -> list[str]:
        """All steps in reverse order, each handing its gradient on."""
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
        """Zero the gradients that come together from parts which overlap."""
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
                    slope = lowering.atom(formula.tree, known, truth=True)
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


def _segments(taken: Any) -> tuple[Any, Any, Any]:
    order = np.argsort(taken, kind="stable")
    unique, starts = np.unique(taken[order], return_index=True)
    return unique, order, starts
