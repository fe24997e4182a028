"""Functions that no data steer, as people write them: each compiles, and gives the eager numbers and gradients."""

from __future__ import annotations

import contextlib
import enum
import functools
import itertools
import math
import operator
import random
import time
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import Value, nn
from glassgrad.engine.core.origin import STATE

rng = random.Random(3)


def drawn(*shape: int) -> Any:
    return [drawn(*shape[1:]) for _ in range(shape[0])] if shape else Value(rng.uniform(-1, 1), "p")


W, B, V = drawn(4, 3), drawn(4), drawn(4)
DECAY = Value(0.3, "decay")
PARAMS = [*itertools.chain(*W), *B, *V, DECAY]
SHAPE, SCALE, NAMES = (4, 3), 0.5, ["tanh", "relu", "sigmoid"]
TABLE = {"a": 1.0, "b": 2.0, "c": -1.5}
CASES: list[tuple[str, Callable[..., Any], list[Value]]] = []


def ordinary(function: Callable[..., Any], params: list[Value] | None = None, name: str = "") -> Callable[..., Any]:
    CASES.append((name or getattr(function, "__name__", type(function).__name__), function, params or PARAMS))
    return function


# -- loops and helpers ----------------------------------------------------------------------------------------


@ordinary
def nested_loops(x):
    total = 0.0
    for i in range(SHAPE[0]):
        z = B[i]
        for j in range(SHAPE[1]):
            z = z + W[i][j] * x[j]
        total = total + V[i] * z.tanh()
    return total


@ordinary
def comprehensions(x):
    hidden = [sum((w * v for w, v in zip(row, x)), b).relu() for row, b in zip(W, B)]
    return sum(v * h for v, h in zip(V, hidden))


@ordinary
def while_with_a_counter(x):
    k, total = 0, x[0]
    while k < 4:
        total = total * V[k] + x[k % 3]
        k += 1
    return total


@ordinary
def enumerated(x):
    return gg.sum([(k + 1) * w * x[k % 3] for k, w in enumerate(V) if k != 2])


@ordinary
def by_plain_order(x):
    order = sorted(range(3), key=lambda i: [2.0, -1.0, 0.5][i])
    return gg.sum([V[k] * x[i] for k, i in enumerate(order)])


@ordinary
def helper_of_helpers(x):
    return _twice(_affine, x)


def _affine(row, x):
    return gg.dot(row, x, B[0])


def _twice(function, x):
    return function(W[0], [function(row, x).tanh() for row in W[:3]])


def _tree(x, low, high):
    if high - low == 1:
        return x[low % 3] * V[low]
    middle = (low + high) // 2
    return (_tree(x, low, middle) * _tree(x, middle, high) + DECAY).tanh()


@ordinary
def recursion_over_halves(x):
    return _tree(x, 0, 4)


@ordinary
def generator_function(x):
    def products():
        for w, v in zip(V, itertools.cycle(x)):
            yield w * v

    return gg.sum([p.sin() for p in products()])


@ordinary
def default_arguments(x, power=2, *, scale=SCALE):
    return scale * sum((w * v) ** power for w, v in zip(V, x))


@ordinary
def unpacked(x):
    first, *rest = x
    return gg.dot([V[0], *V[1:3]], [first, *rest])


@ordinary
def reduced(x):
    return functools.reduce(lambda state, v: (state * DECAY + v * V[0]).tanh(), x, V[1])


@ordinary
def accumulated(x):
    return gg.sum([*itertools.accumulate([w * v for w, v in zip(V, x)], operator.add)]).exp()


@ordinary
def pairwise_products(x):
    return gg.sum([V[i] * a * b for i, (a, b) in enumerate(itertools.combinations(x, 2))])


@ordinary
def window_by_deque(x):
    window, total = deque(maxlen=2), DECAY
    for v in x:
        window.append(v)
        total = total + gg.sum(list(window)) * V[2]
    return total


@ordinary
def dictionary_of_parts(x):
    parts = {"left": V[0] * x[0], "right": V[1] * x[1]}
    parts["both"] = parts["left"] * parts["right"]
    return sum(parts.values()) + TABLE["a"] * DECAY


@ordinary
def grouped_by_name(x):
    groups = defaultdict(list)
    for name, v in zip("aba", x):
        groups[name].append(v)
    return gg.sum([TABLE[name] * gg.sum(found) * V[0] for name, found in sorted(groups.items())])


@ordinary
def plain_numbers_decide(x, limit=3.0):
    total = DECAY * 1.0
    for name, weight in TABLE.items():
        if weight > 0 and weight < limit and name in ("a", "b", "c"):
            total = total + weight * V[0] * x[0]
        elif weight == -1.5:
            total = total - x[1]
    return total


@ordinary
def settings_decide(x):
    settings = {"activation": "tanh", "bias": True, "layers": 2}
    for _ in range(settings["layers"]):
        x = [gg.dot(row, x, B[0] if settings["bias"] else 0.0) for row in W[:3]]
        x = [v.tanh() if settings["activation"] == "tanh" else v.relu() for v in x]
    return gg.sum(x)


@ordinary
def matched_names(x):
    total = DECAY
    for name, w in zip(NAMES, V):
        match name:
            case "tanh":
                total = total + gg.tanh(w * x[0])
            case "relu":
                total = total + gg.relu(w * x[1])
            case _:
                total = total + gg.sigmoid(w * x[2])
    return total


@ordinary
def activations_by_name(x):
    return gg.sum([getattr(w * v, name)() for name, w, v in zip(NAMES, V, x)])


class Kind(enum.Enum):
    """Which penalty."""

    RIDGE = "ridge"
    LASSO = "lasso"


@ordinary
def by_enum(x, kind=Kind.RIDGE):
    penalty = gg.sum([w * w for w in V]) if kind is Kind.RIDGE else gg.sum([abs(w) for w in V])
    return gg.dot(V[:3], x) ** 2 + 0.1 * penalty


@ordinary
def what_it_is(x):
    total = DECAY
    for v in (*x, 2.0, V[0]):
        total = total + (v * 3.0 if isinstance(v, Value) else v) + (0.0 if hasattr(v, "backward") else 1.0)
    return total if type(total) is Value else Value(0.0)


@ordinary
def shapes_are_checked(x):
    assert len(x) == 3, f"three inputs, not {len(x)}"
    if not isinstance(x, list):
        raise TypeError("a list")
    return gg.dot(W[0], x)


@ordinary
def data_are_guarded(x):
    for v in x:
        assert v > -1e9, "too far"
    if x[0] > 1e12:
        raise ValueError("too large")
    return gg.dot(W[1], x).tanh()


HITS: list[bool] = []


@ordinary
def counts_hits_outside(x):
    score = gg.dot(W[0], x, B[0])
    HITS.append(score > 0)
    return score**2


@ordinary
def cleans_up(x):
    trail = []
    try:
        trail.append("in")
        return gg.dot(W[2], x).sin()
    finally:
        trail.append("out")


@ordinary
def within_a_context(x):
    with contextlib.nullcontext(V[0]) as w:
        return (w * x[0]).exp()


@ordinary
def falls_back_on_attributes(x):
    try:
        return x.shape[0] * V[0]
    except AttributeError:
        return gg.dot(V[:3], x)


@ordinary
def imports_what_there_is(x):
    try:
        import a_module_that_is_not_there as extra  # type: ignore[import-not-found]  # that is the point
    except ImportError:
        extra = math
    return extra.pi * V[0] * x[0]


def timed(function):
    spent = []

    @functools.wraps(function)
    def wrapper(*given):
        start = time.perf_counter()
        try:
            return function(*given)
        finally:
            spent.append(time.perf_counter() - start)

    return wrapper


@ordinary
@timed
def measured(x):
    return gg.dot(W[3], x) * DECAY


@functools.cache
def binomial(n, k):
    return 1 if k in (0, n) else binomial(n - 1, k - 1) + binomial(n - 1, k)


@ordinary
def cached_coefficients(x):
    return gg.sum([binomial(3, k) * V[k] * x[0] ** k for k in range(4)])


@ordinary
def fixed_projection(x):
    numbers = random.Random(7)
    return gg.dot(V[:3], [v * numbers.uniform(-1, 1) for v in x])


@ordinary
def each_parameter_once(x):
    seen, penalty = set(), DECAY
    for p in (*V, *V, *W[0]):
        if p not in seen:
            seen.add(p)
            penalty = penalty + p * p
    return penalty * x[0]


@ordinary
def mask_of_parameters(x):
    frozen = [V[0], V[2]]
    return gg.sum([w * x[0] for w in V if not any(w is f for f in frozen)])


# -- closures and classes -------------------------------------------------------------------------------------


def polynomial(coefficients):
    def evaluate(x):
        total = 0.0
        for c in reversed(coefficients):
            total = total * x[0] + c
        return total

    return evaluate


ordinary(polynomial(V), name="closure_over_parameters")
ordinary(lambda x: math.sqrt(2.0) * V[0] * x[0] + max(3, 2) * V[1] + round(2.6) * x[1], name="closure_over_constants")
ordinary(functools.partial(default_arguments, power=3), name="partial")


class Affine:
    """A layer of one's own."""

    def __init__(self, rows, bias):
        self.rows, self.bias = rows, bias

    def __call__(self, x):
        self.last = [gg.dot(row, x, b) for row, b in zip(self.rows, self.bias)]
        return self.last


class Stack:
    """Layers one after the other, by name."""

    def __init__(self, **layers):
        self.layers = OrderedDict(layers)

    def __call__(self, x):
        for name, layer in self.layers.items():
            x = layer(x)
            if not name.startswith("last"):
                x = [v.tanh() for v in x]
        return gg.sum(x)


ordinary(Stack(first=Affine(W[:3], B), last=Affine(W, B)))


class Base:
    """A template with a hook."""

    def __call__(self, x):
        return self.inner(x) ** 2 + self.penalty()

    def penalty(self):
        return 0.0


class Ridge(Base):
    """Overrides both."""

    strength = 0.1

    def inner(self, x):
        return gg.dot(V[:3], x)

    def penalty(self):
        return self.strength * gg.sum([v * v for v in V]) + super().penalty()


ordinary(Ridge())


@dataclass
class Cell:
    """A recurrent cell as data."""

    inward: list[Value]
    back: list[Value]
    trace: list[Any] = field(default_factory=list)

    def run(self, x):
        state = 0.0
        self.trace.clear()
        for v in x:
            state = (self.inward[0] * v + self.back[0] * state + self.back[1]).tanh()
            self.trace.append(state)
        return state


ordinary(Cell(V[:2], V[2:]).run, name="bound_method_of_a_dataclass")


class Vector:
    """Operators of one's own over Values."""

    def __init__(self, items):
        self.items = list(items)

    def __matmul__(self, other):
        return gg.dot(self.items, other.items)

    def __add__(self, other):
        return Vector(a + b for a, b in zip(self.items, other.items))

    def __rmul__(self, factor):
        return Vector(factor * a for a in self.items)


ordinary(lambda x: (2.0 * Vector(V[:3]) + Vector(B[:3])) @ Vector(x), name="operators_of_ones_own")

MODEL = nn.MLP(3, [4, 4, 1], activation="tanh", seed=2)
ordinary(lambda x: (MODEL(x) - 0.5) ** 2, MODEL.parameters(), name="network")
CLASSIFIER = nn.MLP(3, [5, 3], activation="gelu", seed=3)
ordinary(
    lambda x: nn.LOSSES["cross_entropy"].function(CLASSIFIER(x), [0.0, 1.0, 0.0]),
    CLASSIFIER.parameters(),
    name="classifier",
)
NEURONS = [nn.Neuron(3, activation=name, seed=k) for k, name in enumerate(NAMES)]
ordinary(lambda x: gg.sum([n(x) for n in NEURONS]), [p for n in NEURONS for p in n.parameters()], name="neurons")


class Residual(nn.Module):
    """A module of one's own."""

    def __init__(self):
        self.inner = nn.Layer(3, 3, activation="silu", seed=4)
        self.gain = Value(0.5, "gain")

    def __call__(self, x):
        return gg.sum([self.gain * v + h for v, h in zip(x, self.inner(x))])


RESIDUAL = Residual()
ordinary(RESIDUAL, RESIDUAL.parameters())

# -- NumPy ----------------------------------------------------------------------------------------------------


@ordinary
def object_matrix(x):
    return (np.array(V, dtype=object) @ (np.array(W, dtype=object) @ np.array(x, dtype=object) + np.array(B))).tanh()


@ordinary
def constants_of_numpy(x):
    basis = np.linspace(-1.0, 1.0, 4)
    return gg.sum([v * c * np.float64(2.0) * x[0] for v, c in zip(V, basis) if c != basis.max()])


@ordinary
def mask_of_numbers(x):
    mask = np.array([1, 0, 1])
    return gg.sum([v * w for v, w, m in zip(x, V, mask) if m]) + np.where(mask > 0, 1.0, 0.0).sum() * DECAY


@ordinary
def transposed_object_array(x):
    array = np.array(W, dtype=object).T.reshape(2, 6)
    return gg.sum(list(array.sum(axis=0))) * x[0] + array[0, 1:3].prod()


# -- what the messages name -------------------------------------------------------------------------------------


@ordinary
def chosen_by_where(x):
    return gg.where(x[0] - 0.5, V[0] * x[1], V[1] * x[2])


@ordinary
def largest_by_max(x):
    return functools.reduce(gg.max, x) * V[0] + gg.min(x[0], x[1]) * V[1] + gg.abs(x[2])


@ordinary
def attention_by_softmax(x):
    weights = gg.softmax([v * w for v, w in zip(x, V)])
    return gg.dot(weights, x) * V[3] + gg.logsumexp([*x, V[0], 0.5])


@ordinary
def derivative_inside(x):
    z = DECAY * x[0]
    y = (V[0] * z).tanh() * V[1]
    return gg.grad(y, z, create_graph=True) ** 2 + y


@ordinary
def several_results(x):
    return gg.sum([h * h for h in [gg.dot(row, x) for row in W]]) + DECAY.exp()


@ordinary
def plain_text(x):
    names = [f"w{k}" for k in range(3)]
    return gg.sum([w * v for _, w, v in sorted(zip(names, V, x), key=lambda row: row[0], reverse=True)])


@ordinary
def result_without_parameters(x):
    return x[0] * x[1] - x[2]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
@pytest.mark.parametrize("backend", ["auto", "numpy"])
def test_an_ordinary_function_compiles_and_agrees(case, backend):
    _, function, params = case
    program = gg.compile(function, example=([0.3, -0.8, 1.1],), params=params, backend=backend)
    numbers = np.random.default_rng(5)
    for rows in (numbers.normal(size=(1, 3)), numbers.normal(size=(7, 3)) * 3.0):
        losses = [function([Value(v) for v in row]) for row in rows]
        assert program.run(rows) == pytest.approx([v.data for v in losses], rel=1e-11, abs=1e-12)
        value, gradient = program.value_and_grad(rows)
        mean = gg.sum(losses) / len(losses)
        expected = np.array(gg.grad(mean, params))
        assert value == pytest.approx(mean.data, rel=1e-11, abs=1e-12)
        assert np.abs(gradient - expected).max() <= 1e-11 * max(1.0, np.abs(expected).max())
    assert STATE.watched == 0


def test_there_are_enough_of_them():
    assert len(CASES) >= 50
