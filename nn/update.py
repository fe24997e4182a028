"""One training step: the loss of a batch and its gradient, by the compiled program or by the eager engine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.compiler import CompileError, compile
from ..engine.core.apply import apply
from ..engine.core.chain import topological_order
from ..engine.core.origin import origin
from ..engine.core.value import CONST, DETACHED, Value, constant, no_grad
from ..engine.errors import DomainError
from ..engine.number import number
from .losses import LOSSES
from .module import write
from .prediction import outputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from .module import Module

    Array = NDArray[np.float64]
    Indices = NDArray[np.int_]
    Step = Callable[[Array, Indices], tuple[float, Array]]
    """From the parameters and the examples of a batch to their mean loss and its gradient."""


FIXED = (CONST, DETACHED)
PROBES, TARGETS = 16, 1000
"""On so many examples, and targets of a loss that is not in `LOSSES`, the compiled program is compared at first."""


@dataclass
class Task:
    """What is to be learnt: parameters for which the mean of loss(model(x), target) over the examples is small."""

    model: Module
    loss: Callable[[Any, Any], Any]
    inputs: Array
    targets: Array

    def __post_init__(self) -> None:
        self.parameters = self.model.parameters()
        if not self.parameters:
            raise ValueError(f"{self.model!r} has no parameters to train")


def term(loss: Callable[[Any, Any], Any], outputs: Any, target: Any) -> Value:
    """The loss of one example; a plain number, such as 0.0 for one that is masked, is a constant."""
    outputs = outputs[0] if isinstance(outputs, list) and len(outputs) == 1 else outputs
    found = loss(outputs, target)
    return found if isinstance(found, Value) else constant(number(found, "the loss"))


class EagerStep:
    """Forward and backward on the recorded graph, example by example."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.targets: list[Any] = task.targets.tolist()
        self.rows: dict[int, list[Value]] = {}
        self.checked = False

    def __call__(self, vector: Array, batch: Indices) -> tuple[float, Array]:
        """Loss and gradient."""
        parameters = self.task.parameters
        write(vector.tolist(), parameters)
        losses = [self._term(i) for i in batch.tolist()]
        if not self.checked and all(one.op in FIXED for one in losses):
            if all(self._term(i).op in FIXED for i in range(len(self.targets))):
                raise ValueError("the loss is a plain number for every example: compute it from the network's outputs")
            self.checked = True
        total = apply("sum", losses) / len(losses)
        for p in parameters:
            p.grad = 0.0
        total.backward()
        gradient = np.array([p._grad for p in parameters])
        for p in parameters:
            p.grad = None
        return total.data, gradient

    def _term(self, i: int) -> Value:
        if i not in self.rows:
            self.rows[i] = [constant(x) for x in self.task.inputs[i].tolist()]
        return term(self.task.loss, self.task.model(self.rows[i]), self.targets[i])


def compiled_step(task: Task) -> Step:
    """The same through `glassgrad.compile`: scalar code in, NumPy matrix program out."""
    inputs, targets = task.inputs, task.targets.astype(float)
    example = inputs[0].tolist(), targets[0].tolist()
    program = compile(lambda x, y: term(task.loss, task.model(x), y), example=example, params=task.parameters)

    def step(vector: Array, batch: Indices) -> tuple[float, Array]:
        program.params[:] = vector
        value, gradient = program.value_and_grad(inputs[batch], targets[batch])
        return float(value), np.array(gradient)

    return step


def choose_step(task: Task, compiled: bool) -> tuple[Step, str]:
    """The compiled step if that is wanted and the model can be traced, else the eager one; and which, and why."""
    eager = EagerStep(task)
    if not compiled:
        return eager, "eager"
    vector, n = np.array([p.data for p in task.parameters]), len(task.inputs)
    probes = np.linspace(0, n - 1, min(PROBES, n)).astype(int).tolist()
    try:  # first, so that what the user's own code raises is not taken for a word of the compiler's
        wanted = [eager(vector, np.array([i])) for i in probes]
    except DomainError:
        wanted = [(math.nan, vector)]
    if not all(math.isfinite(value) for value, _ in wanted):
        return eager, "eager"  # the training tells where
    try:
        step = compiled_step(task)
        with np.errstate(all="ignore"):  # what is not finite does not agree
            wrong = [i for i, one in zip(probes, wanted) if not _agree(one, step(vector, np.array([i])))]
            if not (wrong or any(task.loss is entry.function for entry in LOSSES.values())):
                every = np.unique(task.targets, axis=0, return_index=True)[1]
                every = every[:: -(-len(every) // TARGETS)]
                values = losses_of(task.loss, outputs(task.model, task.inputs[every]), task.targets[every])
                pairs = [(a, step(vector, np.array([i]))[0]) for a, i in zip(values, every)]
                wrong = [i for i, (a, b) in zip(every, pairs) if not abs(a - b) <= 1e-9 * max(1.0, abs(a))]
    except (CompileError, DomainError) as error:
        why = str(error).splitlines()[0]
    except Exception as error:  # of a traced number a loss may ask what only a plain one can do
        why = " ".join(f"the compiler cannot trace the loss or the model, {type(error).__name__}: {error}".split())
    else:
        if not wrong:
            return step, "compiled"
        why = f"the compiled program gives other numbers on example {wrong[0]}, does an `if` look at data?"
    return eager, f"eager: {why}"


def differs(task: Task, step: Step, vector: Array, start: int) -> bool:
    """Whether `step` gives other numbers than the eager engine on one of a few examples, from `start` on."""
    eager, n = EagerStep(task), len(task.inputs)
    few = min(n, max(2, min(PROBES // 2, 10_000 // len(vector))))  # cheap beside the epoch
    rare = np.unique(task.targets, axis=0, return_index=True)[1][:few]
    probes = [np.array([i]) for i in {*rare.tolist(), *((start + int(i)) % n for i in np.linspace(0, n - 1, few))}]
    try:
        with np.errstate(all="ignore"):
            return not all(_agree(eager(vector, i), step(vector, i)) for i in probes)
    except DomainError:
        return True


def losses_of(loss: Callable[[Any, Any], Any], found: Array, targets: Array) -> list[float]:
    """The loss of each example from its outputs, recording no graph."""
    with no_grad():
        rows = [[Value(x) for x in row] for row in found.tolist()]
        return [term(loss, row, t).data for row, t in zip(rows, targets.tolist())]


def _agree(a: tuple[float, Array], b: tuple[float, Array]) -> bool:
    """Whether two steps gave the same loss and gradient, up to rounding."""
    scale = 1e-9 * max(1.0, float(np.abs(a[1]).max()), abs(a[0]))
    return abs(a[0] - b[0]) <= scale and bool(np.all(np.abs(a[1] - b[1]) <= scale))


def birthplace(task: Task, batch: Indices) -> str:
    """Where a loss or gradient that is not finite comes from: an eager re-run over the examples, until one shows it."""
    for i, (x, t) in enumerate(zip(task.inputs[batch].tolist(), task.targets[batch].tolist())):
        try:
            root = term(task.loss, task.model(x), t)
        except DomainError as error:
            return f"example {i} of the batch: {error}"
        bad = next((node for node in topological_order(root) if not math.isfinite(node.data)), None)
        if bad is not None:
            operands = ", ".join(f"{v.label or v.op or 'input'}={v.data:g}" for v in bad.inputs[:6])
            more = ", …" if len(bad.inputs) > 6 else ""
            place = "".join(f" in {call.name}" for call in origin(bad).calls)
            what = f"node {bad.label or bad.op!r}{place} became {bad.data} from ({operands}{more})"
            return f"example {i} of the batch: {what}"
        for p in task.parameters:
            p.grad = 0.0
        if root.op not in FIXED:
            root.backward()
        name = next((path for path, p in task.model.named_parameters() if not math.isfinite(p.grad)), None)
        if name is not None:
            return f"example {i} of the batch: the gradient of {name} is not finite"
    return "each example alone is finite: their sum overflows"
