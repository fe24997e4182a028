"""The arrays of generated code: buffers, views of them, scratch, matrices; each made once and named."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np

from ..rules.ops import OPS
from .flow import Flow, plan
from .formulas import Atom, Scratch
from .ir import (
    Buffer,
    Constant,
    Elementwise,
    Linear,
    MatrixProgram,
    Operand,
    Product,
    Shape,
    View,
    packed,
)
from .trace import Floats, Ints


class Arrays:
    """Names for everything that generated code reads and writes; `setup` holds the lines that make it."""

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

    def buffer(self, i: int, buffer: Buffer) -> None:
        """Make the array of a buffer, and that of its gradient."""
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
        """The array of a buffer or of its gradient, by name."""
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
        """Numbers that the program carries, as source."""
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
        contiguous = operand.strides == packed(operand.shape) and buffer.role != "inputs" and not fold
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
        """A scratch array of a shape; another for every `number`."""
        dims = ", ".join(map(str, shape)) + (", n" if varies else "")
        return self.bound(
            "t" if kind == "float" else "m", f"empty(({dims},){', dtype=bool' if kind == 'bool' else ''})", number
        )

    def scratch(self, shape: Shape, varies: bool) -> Scratch:
        """Scratch arrays of a shape, for formulas."""
        return Scratch(lambda kind, number: self.temporary(shape, varies, kind, number))

    def whole_output(self, x: Operand) -> str:
        """A result as source."""
        if isinstance(x, Constant):
            return f"array([{x.values!r}])"
        return self.view(x)

    def varies(self, *given: Operand | None) -> bool:
        """Whether any of the operands has an axis for the examples."""
        return any(isinstance(x, View) and self.program.buffers[x.buffer].varies for x in given)

    def names(self, step: Elementwise, varies: bool) -> dict[str, Atom]:
        """The names that an op's formula reads, with the arrays or numbers behind them."""
        found: dict[str, Atom] = {}
        for name, x in zip(OPS[step.op].names, step.inputs):
            found[name] = x.values if isinstance(x, Constant) and isinstance(x.values, float) else self.view(x, varies)
        return found

    def cut(self, index: Any) -> str:
        """Cells as a slice where they are one."""
        if np.array_equal(index, np.arange(index[0], index[0] + len(index))):
            return f"{index[0]}:{index[-1] + 1}"
        return self.bound("i", self.number(index))

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
        """Whether the last axis and the examples lie side by side in memory."""
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

    def result(self, step: Linear, varies: bool, fold: bool, temporary: str | None, grad: bool = False) -> str:
        """The result of a product (or a temporary for it) as a matrix."""
        if temporary is None:
            return self.matrix(step.out, varies, fold, grad)
        count, m, n = step.out.shape
        shape = f"({m}, {n}{' * n' if fold else ''}" if count == 1 else f"({count}, {m}, {n}{' * n' if fold else ''}"
        if varies and not fold:
            one = f"{temporary}[0]" if count == 1 else temporary
            return self.bound(temporary, f"moveaxis({one}, -1, 0)")
        return self.bound(temporary, f"{temporary}.reshape{shape})")
