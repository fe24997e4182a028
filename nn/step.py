"""One training step: the loss of a batch and its gradient, by the compiled program or by the eager engine."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..engine.backward import topological_order
from ..engine.eager import apply
from ..engine.errors import DomainError
from ..engine.value import Value, constant

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Indices = NDArray[np.int_]


class Step(Protocol):
    """The loss at parameters `vector`, mean over the examples `batch`, and its gradient."""

    engine: str

    def __call__(self, vector: Array, batch: Indices) -> tuple[float, Array]:
        """Loss and gradient, shape (parameters,)."""


class EagerStep:
    """Forward and backward on the recorded graph, example by example."""

    def __init__(
        self,
        model: Callable[[Any], Any],
        loss: Callable[[Any, Any], Any],
        parameters: list[Value],
        inputs: Array,
        targets: Array,
    ) -> None:
        self.model, self.loss, self.parameters = model, loss, parameters
        self.rows = [[constant(x) for x in row] for row in inputs.tolist()]
        self.targets = targets.tolist()
        self.engine = "eager"

    def __call__(self, vector: Array, batch: Indices) -> tuple[float, Array]:
        """Loss and gradient."""
        write(vector, self.parameters)
        losses = [self.loss(self.model(self.rows[i]), self.targets[i]) for i in batch.tolist()]
        total = apply("sum", losses) / len(losses)
        for p in self.parameters:
            p.grad = 0.0
        total.backward()
        gradient = np.array([p._grad for p in self.parameters])
        for p in self.parameters:
            p.grad = None
        return total.data, gradient


class CompiledStep:
    """The same through `glassgrad.compile`: scalar code in, NumPy matrix program out."""

    def __init__(
        self,
        model: Callable[[Any], Any],
        loss: Callable[[Any, Any], Any],
        parameters: list[Value],
        inputs: Array,
        targets: Array,
    ) -> None:
        from ..engine.compiler import compile

        self.inputs, self.targets = inputs, targets
        self.program = compile(
            lambda x, y: loss(model(x), y), example=(inputs[0].tolist(), targets[0].tolist()), params=parameters
        )
        self.engine = "compiled"

    def __call__(self, vector: Array, batch: Indices) -> tuple[float, Array]:
        """Loss and gradient."""
        self.program.params[:] = vector
        value, gradient = self.program.value_and_grad(self.inputs[batch], self.targets[batch])
        return float(value), np.array(gradient)


def choose_step(
    model: Callable[[Any], Any],
    loss: Callable[[Any, Any], Any],
    parameters: list[Value],
    inputs: Array,
    targets: Array,
    compiled: bool,
) -> Step:
    """The compiled step if that is wanted and the model can be traced, else the eager one, which says why."""
    eager = EagerStep(model, loss, parameters, inputs, targets)
    if not compiled:
        return eager
    try:
        from ..engine.compiler import CompileError
    except ImportError:
        eager.engine = "eager: this installation has no compiler"
        return eager
    try:
        return CompiledStep(model, loss, parameters, inputs, targets)
    except CompileError as error:
        eager.engine = f"eager: {str(error).splitlines()[0]}"
        return eager


def write(vector: Array, parameters: list[Value]) -> None:
    """Put the numbers of `vector` into the parameters."""
    for p, x in zip(parameters, vector.tolist()):
        p._data = x


def birthplace(
    model: Callable[[Any], Any],
    loss: Callable[[Any, Any], Any],
    named: list[tuple[str, Value]],
    inputs: Array,
    targets: Array,
) -> str:
    """Where a loss or gradient that is not finite comes from: an eager re-run over the examples, until one shows it."""
    for i, (x, t) in enumerate(zip(inputs.tolist(), targets.tolist())):
        try:
            root = loss(model(x), t)
        except DomainError as error:
            return f"example {i} of the batch: {error}"
        bad = next((node for node in topological_order(root) if not math.isfinite(node.data)), None)
        if bad is not None:
            operands = ", ".join(f"{v.label or v.op or 'input'}={v.data:g}" for v in bad.inputs[:6])
            more = ", …" if len(bad.inputs) > 6 else ""
            place = " in " + " in ".join(call.name for call in bad._scope) if bad._scope else ""
            what = f"node {bad.label or bad.op!r}{place} became {bad.data} from ({operands}{more})"
            return f"example {i} of the batch: {what}"
        for _, p in named:
            p.grad = 0.0
        root.backward()
        name = next((path for path, p in named if not math.isfinite(p.grad)), None)
        if name is not None:
            return f"example {i} of the batch: the gradient of {name} is not finite"
    return "each example alone is finite: their sum overflows"
