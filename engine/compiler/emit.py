"""Stage 6: the program as a short NumPy function, forward and backward, with every array made beforehand.

`bind(n, params, grads, numbers)` makes the arrays for n examples and returns `forward` and `backward`, which
only fill them. Arrays hold one cell per row and one example per column.
"""

from __future__ import annotations

import re
from typing import Any

from ..rules.arrays import NUMPY_NAMES
from ..rules.formula import PRIMITIVES
from ..rules.ops import OPS
from .adjoint import Backward
from .formulas import Lowering
from .ir import (
    Constant,
    Dots,
    Elementwise,
    Extreme,
    Gather,
    Linear,
    MatrixProgram,
    Product,
    Sum,
    Term,
    View,
)

NUMPY = sorted(
    {NUMPY_NAMES.get(name, name) for name in PRIMITIVES}
    | {"add", "subtract", "multiply", "divide", "power", "negative", "matmul", "take", "copyto"}
    | {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"}
)
"""The NumPy functions that generated code calls."""
_EXTREME = {"max": "maximum", "min": "minimum"}


def emit(program: MatrixProgram, root: View | None, mean: bool = True) -> tuple[str, list[Any]]:
    """The source of `bind`, and the arrays of numbers that it reads.

    Args:
        program: the steps.
        root: the scalar to differentiate; None for a program that is only run forward.
        mean: whether the gradient is that of the mean over the examples, not of the sum.
    """
    return _Emitter(program, root, mean).source()


class _Emitter(Backward):
    """The lines of `forward`, and all of `bind`."""

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

    def product(self, step: Linear, part: Product, varies: bool, temporary: str | None, lines: list[str]) -> None:
        fold = varies and self.folded(part)
        a, b = self.matrix(part.a, varies, fold), self.matrix(part.b, varies, fold)
        out = self.result(step, varies, fold, temporary)
        lines.append(f"matmul({a}, {b}, out={out})")


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


def _first(part: Dots) -> int:
    return next(x.shape[0] for x in part if isinstance(x, View))
