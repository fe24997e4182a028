"""Neuron, Perceptron, Layer and MLP, with micrograd's positional arguments.

A neuron is one `dot` node (Σ wᵢ·xᵢ + b) and its activation; `expand=True` records every product and sum instead.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from numbers import Real
from typing import Any, Protocol, TypeGuard

from ..engine.choices import one_of, whole
from ..engine.core.apply import apply
from ..engine.core.record import is_recording, recorder
from ..engine.core.value import CONST, Value, constant, no_grad
from ..engine.number import number
from ..engine.rules.ops import OPS, Op
from ..engine.shown import described
from ..engine.story.scope import Call, mark_call
from .module import Module

LINEAR = "linear"
LIMITS: dict[str, Callable[[int, int], float]] = {
    "uniform": lambda nin, nout: 1.0,
    "xavier": lambda nin, nout: math.sqrt(6 / (nin + nout)),
    "he": lambda nin, nout: math.sqrt(6 / nin),
}
"""Weights are drawn evenly from ±limit: micrograd's ±1, or by fan-in and fan-out as in Glorot & Bengio
(2010), eq. 16, and He et al. (2015), section 2.2 (the uniform law with their variance 2/nin)."""

MOST, BYTES = 10_000_000, 250
"""The greatest number of parameters of a network, and what each takes as a Value with its name, about."""

_dot: Callable[..., Value] = recorder(OPS["dot"], "dot")
_mul: Callable[..., Value] = recorder(OPS["mul"], "__mul__")


class Rng(Protocol):
    """Where random weights come from: `random.Random`, the module `random`, or a NumPy generator."""

    def uniform(self, a: float, b: float, /) -> float:
        """A number between `a` and `b`."""


class Neuron(Module):
    """One neuron: activation(Σ wᵢ·xᵢ + b).

    Args:
        nin: number of inputs.
        nonlin: micrograd's switch: relu, or no activation.
        activation: any op of one input by name (`"tanh"`, `"sigmoid"`, …) or `"linear"`; overrides `nonlin`.
        init: law of the weights, `"uniform"` (±1, as micrograd), `"xavier"` or `"he"`; the bias starts at 0.
        seed: the weights are a function of it. Without it they are drawn from Python's `random`, as in micrograd:
            `random.seed(1337)` before makes them the same each time.
        rng: draw from this generator instead.
        expand: record each product and each sum as a node of its own. The numbers are the same.
        nout: how many neurons its layer has, for `"xavier"`.

    Raises:
        ValueError: for an unknown activation or initialisation, or both `seed` and `rng`.

    >>> n = Neuron(2, activation="tanh")
    >>> n
    TanhNeuron(2)
    >>> n.w[0].data, n.w[1].data, n.b.data = 2.0, -3.0, 1.0
    >>> n([1.0, 0.5]).data == math.tanh(1.5)
    True
    """

    own_parts = ("w", "b")

    def __init__(
        self,
        nin: int,
        nonlin: bool = True,
        *,
        activation: str | None = None,
        init: str = "uniform",
        seed: int | None = None,
        rng: Rng | None = None,
        expand: bool = False,
        nout: int = 1,
    ) -> None:
        _check_sizes([nin, 1])
        draw, limit = generator(seed, rng), _limit(init, nin, nout)
        self.w = [Value(draw.uniform(-limit, limit)) for _ in range(nin)]
        self.b = Value(0.0)
        self.activation = activation or ("relu" if nonlin else LINEAR)
        self.expand = expand
        self.name_parts()

    @property
    def activation(self) -> str:
        """The name of its activation; it can be changed."""
        return self._activation

    @activation.setter
    def activation(self, name: str) -> None:
        self._activate, self._activation = _activation(name), name

    @property
    def nonlin(self) -> bool:
        """micrograd's switch: whether there is an activation; True makes it relu."""
        return self._activate is not None

    @nonlin.setter
    def nonlin(self, wanted: bool) -> None:
        self.activation = "relu" if wanted else LINEAR

    def __call__(self, x: Any) -> Value:
        """The output for one example `x`, a list of `nin` numbers or Values."""
        values = as_inputs(x, len(self.w), self)
        return self.output(values, tuple(values))

    def output(self, x: list[Value], wires: tuple[Value, ...]) -> Value:
        """`__call__` without the checks, for the layer that made them; `wires` is `x` as a tuple."""
        y = _expanded(self.w, x, self.b) if self.expand else _dot(self.w, x, self.b)
        if self._activate is not None:
            y = self._activate(y)
        if is_recording():
            mark_call((y,), Call(self.name or "Neuron", "Neuron", wires))
        return y

    def __repr__(self) -> str:
        return f"{'ReLU' if self.activation == 'relu' else self.activation.capitalize()}Neuron({len(self.w)})"


class Perceptron(Module):
    """The linear unit that learns by the LMS rule, of which backpropagation is the generalisation.

    Args:
        nin: number of inputs.
        nout: number of units; each learns for itself.
        init, seed, rng: as for `Neuron`.

    >>> unit = Perceptron(1)
    >>> for _ in range(200):
    ...     for x in (-1.0, 0.0, 1.0):
    ...         error = unit.learn([x], 3 * x - 2, learning_rate=0.1)
    >>> round(unit.units[0].w[0].data, 6), round(unit.units[0].b.data, 6)
    (3.0, -2.0)
    """

    own_parts = ("units",)

    def __init__(
        self, nin: int, nout: int = 1, *, init: str = "uniform", seed: int | None = None, rng: Rng | None = None
    ) -> None:
        _check_sizes([nin, nout])
        draw = generator(seed, rng)
        self.units = [Neuron(nin, False, init=init, rng=draw, nout=nout) for _ in range(nout)]
        self.name_parts()

    def __call__(self, x: Any) -> Any:
        """The outputs for one example; a single one is unwrapped."""
        return _unwrapped(_outputs(self.units, as_inputs(x, len(self.units[0].w), self), self))

    def learn(self, x: Any, target: Any, learning_rate: float) -> float:
        """One step of the LMS rule: w ← w + η·(y − y')·x and b ← b + η·(y − y').

        Source: B. Widrow and M. E. Hoff, "Adaptive switching circuits", 1960. It is one step of gradient descent
        on E = ½‖y − y'‖², as ∂E/∂w = (y' − y)·x.

        Args:
            x: `nin` numbers.
            target: y, the wanted output; a list if there are several units.
            learning_rate: η.

        Returns:
            E before the step.
        """
        with no_grad():
            inputs = as_inputs(x, len(self.units[0].w), self)
            wanted = [number(t, "Perceptron.learn") for t in (target if isinstance(target, Iterable) else [target])]
            if len(wanted) != len(self.units):
                raise ValueError(f"Perceptron has {len(self.units)} outputs, got {len(wanted)} targets")
            misses = [y - unit.output(inputs, ()).data for y, unit in zip(wanted, self.units)]
            for miss, unit in zip(misses, self.units):
                for w, v in zip(unit.w, inputs):
                    w.data += learning_rate * miss * v.data
                unit.b.data += learning_rate * miss
        return 0.5 * math.fsum(miss * miss for miss in misses)

    def __repr__(self) -> str:
        return f"Perceptron({len(self.units[0].w)}, {len(self.units)})"


class Layer(Module):
    """Neurons side by side on the same inputs.

    Args:
        nin: number of inputs.
        nout: number of neurons.
        nonlin, activation, init, seed, rng, expand: as for `Neuron`.

    >>> Layer(2, 3)
    Layer of [ReLUNeuron(2), ReLUNeuron(2), ReLUNeuron(2)]
    """

    own_parts = ("neurons",)

    def __init__(
        self,
        nin: int,
        nout: int,
        *,
        nonlin: bool = True,
        activation: str | None = None,
        init: str = "uniform",
        seed: int | None = None,
        rng: Rng | None = None,
        expand: bool = False,
    ) -> None:
        _check_sizes([nin, nout])
        draw = generator(seed, rng)
        self.neurons = [
            Neuron(nin, nonlin, activation=activation, init=init, rng=draw, expand=expand, nout=nout)
            for _ in range(nout)
        ]
        self.name_parts()

    def __call__(self, x: Any) -> Any:
        """The outputs for one example, a list of Values; a single one is unwrapped."""
        if _keeps(self, "outputs") and not as_written([self]):
            return _unwrapped([neuron(x) for neuron in self.neurons])
        return _unwrapped(self.outputs(as_inputs(x, len(self.neurons[0].w), self)))

    def outputs(self, x: list[Value]) -> list[Value]:
        """`__call__` without the checks, always a list."""
        if not _keeps(self, "outputs") and not all(_keeps(neuron, "output") for neuron in self.neurons):
            return [neuron(x) for neuron in self.neurons]  # a subclass asks for what they give
        return _outputs(self.neurons, x, self)

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(str, self.neurons))}]"


class MLP(Module):
    """A multilayer perceptron: layers one after the other.

    Args:
        nin: number of inputs.
        nouts: number of neurons of each layer; the last is the output. A number alone is that of a single layer.
        activation: of the hidden layers (the output stays linear, as in micrograd), or a list with one for each layer.
        init, seed, rng, expand: as for `Neuron`.

    Raises:
        ValueError: for a list of activations that is not as long as `nouts`, or what `Neuron` refuses.

    >>> model = MLP(3, [4, 4, 1])
    >>> len(model.parameters()), model.parameters()[0].label
    (41, 'layers[0].neurons[0].w[0]')
    >>> model([1.0, 2.0])
    Traceback (most recent call last):
        ...
    ValueError: MLP takes 3 inputs, got 2
    """

    own_parts = ("layers",)

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int] | int,
        *,
        activation: str | Sequence[str] = "relu",
        init: str = "uniform",
        seed: int | None = None,
        rng: Rng | None = None,
        expand: bool = False,
    ) -> None:
        nouts = nouts if isinstance(nouts, Iterable) else [nouts]
        sizes = [nin, *nouts]
        _check_sizes(sizes)
        names = [activation] * (len(nouts) - 1) + [LINEAR] if isinstance(activation, str) else list(activation)
        for name in (activation, *names) if isinstance(activation, str) else names:
            _activation(name)
        if len(names) != len(nouts):
            raise ValueError(f"MLP has {len(nouts)} layers, got {len(names)} activations")
        draw = generator(seed, rng)
        self.layers = [
            Layer(before, after, activation=name, init=init, rng=draw, expand=expand)
            for before, after, name in zip(sizes, sizes[1:], names)
        ]
        self.name_parts()

    def __call__(self, x: Any) -> Any:
        """The outputs for one example `x` of `nin` numbers or Values: a list of Values; a single one is unwrapped."""
        if not as_written(self.layers):
            for layer in self.layers:
                x = layer(x)
            return x
        values = as_inputs(x, len(self.layers[0].neurons[0].w), self)
        wires = tuple(values)
        for layer in self.layers:
            if len(values) != (nin := len(layer.neurons[0].w)):
                raise ValueError(f"{layer.name} takes {nin} inputs, got {len(values)} from the layer before")
            values = layer.outputs(values)
        if is_recording():
            mark_call(values, Call(self.name or "MLP", "MLP", wires))
        return _unwrapped(values)

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"


_OURS = {"outputs": (Layer.__call__, Layer.outputs), "output": (Neuron.__call__, Neuron.output)}


def as_written(layers: Iterable[Any]) -> bool:
    """Whether these layers and their neurons compute as the classes here do, with no method of a learner's own."""
    return all(_keeps(v, "outputs") and all(_keeps(neuron, "output") for neuron in v.neurons) for v in layers)


def is_plain(model: Any, call: Any = MLP.__call__) -> TypeGuard[MLP]:
    """Whether it is an MLP that computes as the class here does."""
    return type(model) is MLP and MLP.__call__ is call and as_written(model.layers)


def _keeps(part: Any, method: str) -> bool:
    own = getattr(part, method, None)  # of the class, or set on the part itself
    return (part.__class__.__call__, getattr(own, "__func__", None)) == _OURS[method]


def generator(seed: int | None, rng: Rng | None) -> Rng:
    """`rng`, a generator made from `seed`, or without both Python's `random`, as micrograd: `random.seed` rules it."""
    if seed is not None and rng is not None:
        raise ValueError("give seed or rng, not both: rng is a generator that has its seed already")
    if rng is not None:
        return rng
    return random if seed is None else random.Random(seed)  # noqa: S311  # weights are no secret


def as_inputs(given: Any, count: int, module: Module) -> list[Value]:
    """One example as a list of `count` Values; plain numbers become constants, wrapped once for all neurons.

    Raises:
        ValueError: for another length.
        TypeError: if it is no sequence of numbers and Values.
    """
    name = module.name or type(module).__name__
    if isinstance(given, (Value, Real)):
        given = [given]
    elif isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise TypeError(f"{name} takes a list of {count} numbers or Values, got {described(given)}")
    values = list(given)
    if len(values) != count:
        raise ValueError(f"{name} takes {count} inputs, got {len(values)}")
    return [v if isinstance(v, Value) else _labelled(constant(number(v, name)), i) for i, v in enumerate(values)]


def _labelled(v: Value, i: int) -> Value:
    v._label = f"x[{i}]"
    return v


def _outputs(neurons: list[Neuron], x: list[Value], module: Module) -> list[Value]:
    wires = tuple(x)
    outputs = [neuron.output(x, wires) for neuron in neurons]
    if is_recording():
        kind = type(module).__name__
        mark_call(outputs, Call(module.name or kind, kind, wires))
    return outputs


def _unwrapped(outputs: list[Value]) -> Value | list[Value]:
    return outputs[0] if len(outputs) == 1 else outputs


def _expanded(weights: list[Value], inputs: list[Value], bias: Value) -> Value:
    """`dot` node by node, in its order, so that both give the same bits."""
    total = bias
    for w, x in zip(weights, inputs):
        product = _mul(w, x)
        if x._kind == CONST:
            product._slope_b = None  # one box for the input, and no gradient into a plain number
        total = total + product
    return total


def _activation(name: str) -> Callable[[Value], Value] | None:
    if name == LINEAR:
        return None
    usable = [op.name for op in OPS.values() if op.unary]
    one_of([LINEAR, *usable], "activation", name)
    return recorder(OPS[name], name) if len(OPS[name].inputs) <= 2 else partial(apply, name)


def op_of(neuron: Neuron) -> Op:
    """The op of its activation, if that is still the one it was made with."""
    op = OPS.get(neuron.activation)
    if op is None or not (isinstance(neuron._activate, partial) or neuron._activate is recorder(op, op.name)):
        whose = f"the op {neuron.activation!r} of {neuron.name or 'a neuron'} was removed or defined anew"
        raise ValueError(f"{whose}: define it if it is gone, then set the neuron's activation again")
    return op


def _limit(init: str, nin: int, nout: int) -> float:
    one_of(LIMITS, "init", init)
    return LIMITS[init](nin, nout)


def _check_sizes(sizes: list[int]) -> None:
    """Refuse what is no number of inputs and then of neurons of each layer, or would fill the memory."""
    if len(sizes) < 2:
        raise ValueError("MLP needs at least one layer: nouts is empty")
    for i, size in enumerate(sizes):
        whole(size, "nout" if i else "nin")
    count = sum((before + 1) * after for before, after in zip(sizes, sizes[1:]))
    if count > MOST:
        raise ValueError(
            f"{'-'.join(map(str, sizes))} has {count:,} parameters, which take about {count * BYTES // 10**9:,} GB; "
            f"a network may have {MOST:,}"
        )
