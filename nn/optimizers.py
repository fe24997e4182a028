"""Optimisers: from parameters and gradient, as vectors, to the next parameters.

Use one by hand (`optimizer = Adam(model.parameters())`, then `optimizer.step()` after `loss.backward()`), or give
it to `fit`, which calls `update`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from ..engine.choices import one_of
from ..nn import schedules
from .module import write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..engine.core.value import Value

    Vector = NDArray[np.float64]


class Optimizer(ABC):
    """What every optimiser has. A subclass defines `direction`, the vector that is scaled by −(learning rate).

    Args:
        parameters: what `step` changes; not needed for `fit`.
        learning_rate: a number, or a schedule (`glassgrad.nn.schedules`).
        weight_decay: λ; the parameters themselves are taken as a gradient, λ·w.
        clip: scale the gradient down to this Euclidean norm where it is longer.

    Attributes:
        updates: how many updates were made.
    """

    decoupled = False  # whether the weight decay goes past `direction`

    def __init__(
        self,
        parameters: Sequence[Value] | None = None,
        learning_rate: float | schedules.Schedule = 0.01,
        *,
        weight_decay: float = 0.0,
        clip: float | None = None,
    ) -> None:
        if parameters is not None and not isinstance(parameters, (list, tuple)):
            got = type(parameters).__name__
            raise TypeError(f"parameters is a list, such as model.parameters(), got {got}; a rate is learning_rate=…")
        if not callable(learning_rate) and not learning_rate > 0:
            raise ValueError(f"learning_rate must be greater than 0, got {learning_rate!r}")
        if clip is not None and not clip > 0:
            raise ValueError(f"clip must be greater than 0, got {clip!r}")
        self.parameters = parameters
        self.schedule = learning_rate if callable(learning_rate) else schedules.constant(float(learning_rate))
        self.weight_decay, self.clip, self.updates = weight_decay, clip, 0
        self._memory: dict[str, Vector] = {}

    @property
    def learning_rate(self) -> float:
        """The rate of the next update."""
        return self.schedule(self.updates)

    def step(self) -> None:
        """Update the parameters from their gradients; a gradient not computed counts as 0.

        Raises:
            ValueError: without parameters, or if none of them has a gradient.
        """
        if not self.parameters:
            raise ValueError(f"step() needs parameters: {type(self).__name__}(model.parameters(), …)")
        if not any(p.has_grad for p in self.parameters):
            raise ValueError("no parameter has a gradient: call loss.backward() before step()")
        vector = np.array([p.data for p in self.parameters])
        gradient = np.array([float(p.grad) for p in self.parameters])
        write(self.update(vector, gradient).tolist(), self.parameters)

    def update(self, vector: Vector, gradient: Vector) -> Vector:
        """The next parameters; `vector` and `gradient` are left as they are.

        Args:
            vector: shape (n,).
            gradient: shape (n,).

        Raises:
            ValueError: if earlier updates were of another size.
        """
        if any(memory.shape != gradient.shape for memory in self._memory.values()):
            raise ValueError(f"this {type(self).__name__} remembers another network's gradients: make one for each")
        if self.clip is not None:
            gradient = clipped(gradient, self.clip)
        rate, decay = self.learning_rate, self.weight_decay
        if decay and not self.decoupled:
            gradient = gradient + decay * vector
        self.updates += 1
        kept = vector - rate * decay * vector if self.decoupled else vector
        return kept - rate * self.direction(gradient)

    @abstractmethod
    def direction(self, gradient: Vector) -> Vector:
        """The step for learning rate 1, with its sign turned round."""

    def _remember(self, name: str, gradient: Vector) -> Vector:
        return self._memory.setdefault(name, np.zeros_like(gradient))


class SGD(Optimizer):
    """Gradient descent, with momentum μ if given: v ← μ·v + g; w ← w − η·v, or with Nesterov w ← w − η·(g + μ·v).

    Source: Sutskever et al. (2013), eqs. 1–4, with η taken out of v as PyTorch does.

    >>> from glassgrad import Value
    >>> w = Value(1.0)
    >>> optimizer = SGD([w], learning_rate=0.25)
    >>> (w**2).backward(); optimizer.step(); w.data
    0.5
    """

    def __init__(
        self,
        parameters: Sequence[Value] | None = None,
        learning_rate: float | schedules.Schedule = 0.01,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        clip: float | None = None,
    ) -> None:
        super().__init__(parameters, learning_rate, weight_decay=weight_decay, clip=clip)
        if not 0 <= momentum < 1 or (nesterov and not momentum):
            raise ValueError(f"momentum must be from 0 to below 1, and above 0 for nesterov; got {momentum!r}")
        self.momentum, self.nesterov = momentum, nesterov

    def direction(self, gradient: Vector) -> Vector:
        """v, or g + μ·v."""
        if not self.momentum:
            return gradient
        velocity = self._memory["velocity"] = self.momentum * self._remember("velocity", gradient) + gradient
        return gradient + self.momentum * velocity if self.nesterov else velocity


class RMSProp(Optimizer):
    """v ← ρ·v + (1 − ρ)·g²; w ← w − η·g / (√v + ε).

    Source: Hinton, Srivastava & Swersky, "Neural networks for machine learning", lecture 6e (2012).
    """

    def __init__(
        self,
        parameters: Sequence[Value] | None = None,
        learning_rate: float | schedules.Schedule = 0.01,
        *,
        rho: float = 0.9,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        clip: float | None = None,
    ) -> None:
        super().__init__(parameters, learning_rate, weight_decay=weight_decay, clip=clip)
        self.rho, self.epsilon = rho, epsilon

    def direction(self, gradient: Vector) -> Vector:
        """g / (√v + ε)."""
        square = self._memory["square"] = self.rho * self._remember("square", gradient) + (1 - self.rho) * gradient**2
        return gradient / (np.sqrt(square) + self.epsilon)


class Adam(Optimizer):
    """m ← β₁·m + (1 − β₁)·g; v ← β₂·v + (1 − β₂)·g²; w ← w − η·m̂ / (√v̂ + ε), m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ).

    Source: Kingma & Ba (2015), algorithm 1.
    """

    def __init__(
        self,
        parameters: Sequence[Value] | None = None,
        learning_rate: float | schedules.Schedule = 0.01,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        clip: float | None = None,
    ) -> None:
        super().__init__(parameters, learning_rate, weight_decay=weight_decay, clip=clip)
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas must be from 0 to below 1, got {betas!r}")
        self.betas, self.epsilon = betas, epsilon

    def direction(self, gradient: Vector) -> Vector:
        """m̂ / (√v̂ + ε)."""
        b1, b2 = self.betas
        m = self._memory["mean"] = b1 * self._remember("mean", gradient) + (1 - b1) * gradient
        v = self._memory["square"] = b2 * self._remember("square", gradient) + (1 - b2) * gradient**2
        return (m / (1 - b1**self.updates)) / (np.sqrt(v / (1 - b2**self.updates)) + self.epsilon)


class AdamW(Adam):
    """Adam whose weight decay goes past the moments: w ← w − η·λ·w, then Adam's update with the plain gradient.

    Source: Loshchilov & Hutter (2019), algorithm 2, with the schedule multiplier taken as η.
    """

    decoupled = True


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "rmsprop": RMSProp, "adam": Adam, "adamw": AdamW}


def clipped(gradient: Vector, limit: float) -> Vector:
    """`gradient`, scaled down to Euclidean norm `limit` if it is longer. Source: Pascanu et al. (2013), algorithm 1.

    >>> clipped(np.array([3.0, 4.0]), 2.5).tolist()
    [1.5, 2.0]
    """
    norm = math.sqrt(float(gradient @ gradient))
    return gradient * (limit / norm) if norm > limit else gradient


def clip_gradient(parameters: Sequence[Value], limit: float) -> float:
    """Scale the gradients of `parameters` so that together they are not longer than `limit`; the norm before."""
    gradient = np.array([float(p.grad) for p in parameters])
    for p, g in zip(parameters, clipped(gradient, limit).tolist()):
        p.grad = g
    return math.sqrt(float(gradient @ gradient))


def optimizer_named(optimizer: str | Optimizer, learning_rate: float | schedules.Schedule | None = None) -> Optimizer:
    """An optimiser by name (`"sgd"`, `"rmsprop"`, `"adam"`, `"adamw"`), or the one that was given.

    Raises:
        ValueError: for an unknown name, or a `learning_rate` beside an optimiser that has its own.
    """
    if isinstance(optimizer, Optimizer):
        if learning_rate is not None:
            raise ValueError("give the learning rate to the optimizer itself: SGD(learning_rate=…)")
        return optimizer
    one_of(OPTIMIZERS, "optimizer", optimizer, "or an Optimizer, such as Adam()")
    kind = OPTIMIZERS[optimizer]
    return kind() if learning_rate is None else kind(learning_rate=learning_rate)
