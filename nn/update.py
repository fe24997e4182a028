"""One training step: the loss of a batch and its gradient, by the compiled program or by the eager engine."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..engine.compiler import CompileError, compile
from ..engine.core.apply import apply
from ..engine.core.chain import topological_order
from ..engine.core.origin import origin
from ..engine.core.value import Value, constant
from ..engine.errors import DomainError
from .module import write

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Indices = NDArray[np.int_]


PROBES = 16
"""On how many examples the compiled program is compared with the eager engine before it is trusted, and on how many
with targets that differ."""


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
        self.inputs = inputs
        self.rows: dict[int, list[Value]] = {}
        self.targets = targets.tolist()
        self.engine = "eager"

    def __call__(self, vector: Array, batch: Indices) -> tuple[float, Array]:
        """Loss and gradient."""
        write(vector.tolist(), self.parameters)
        losses = [self.loss(self.model(self._row(i)), self.targets[i]) for i in batch.tolist()]
        total = apply("sum", losses) / len(losses)
        for p in self.parameters:
            p.grad = 0.0
        total.backward()
        gradient = np.array([p._grad for p in self.parameters])
        for p in self.parameters:
            p.grad = None
        return total.data, gradient

    def _row(self, i: int) -> list[Value]:
        """Example `i` as constants, made when it is first needed."""
        if i not in self.rows:
            self.rows[i] = [constant(x) for x in self.inputs[i].tolist()]
        return self.rows[i]


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
        self.inputs, self.targets = inputs, targets.astype(float)
        self.program = compile(
            lambda x, y: loss(model(x), y), example=(inputs[0].tolist(), self.targets[0].tolist()), params=parameters
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
    vector, n = np.array([p.data for p in parameters]), len(inputs)
    first_of_each = np.unique(targets, axis=0, return_index=True)[1]
    probes = sorted({*np.linspace(0, n - 1, min(PROBES, n)).astype(int).tolist(), *first_of_each[:PROBES].tolist()})
    try:  # first, so that what the user's own code raises is not taken for a word of the compiler's
        wanted = [eager(vector, np.array([i])) for i in probes]
    except DomainError:
        wanted = [(math.nan, vector)]
    if not all(math.isfinite(value) for value, _ in wanted):
        return eager  # the training tells where
    try:
        step = CompiledStep(model, loss, parameters, inputs, targets)
        with np.errstate(all="ignore"):  # what is not finite does not agree
            wrong = [i for i, one in zip(probes, wanted) if not _agree(one, step(vector, np.array([i])))]
    except (CompileError, DomainError) as error:
        eager.engine = f"eager: {str(error).splitlines()[0]}"
    except Exception as error:  # of a traced number a loss may ask what only a plain one can do
        told = " ".join(f"{type(error).__name__}: {error}".split())
        eager.engine = f"eager: the compiler cannot trace the loss or the model, {told}"
    else:
        if not wrong:
            return step
        told = f"the compiled program gives other numbers on example {wrong[0]}, does an `if` look at data?"
        eager.engine = f"eager: {told}"
    return eager


def _agree(a: tuple[float, Array], b: tuple[float, Array]) -> bool:
    """Whether two steps gave the same loss and gradient, up to rounding."""
    scale = 1e-9 * max(1.0, float(np.abs(a[1]).max()), abs(a[0]))
    return abs(a[0] - b[0]) <= scale and bool(np.all(np.abs(a[1] - b[1]) <= scale))


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
            place = "".join(f" in {call.name}" for call in origin(bad).calls)
            what = f"node {bad.label or bad.op!r}{place} became {bad.data} from ({operands}{more})"
            return f"example {i} of the batch: {what}"
        for _, p in named:
            p.grad = 0.0
        root.backward()
        name = next((path for path, p in named if not math.isfinite(p.grad)), None)
        if name is not None:
            return f"example {i} of the batch: the gradient of {name} is not finite"
    return "each example alone is finite: their sum overflows"
