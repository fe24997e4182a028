"""Programs as people write them, of random sizes: every back end gives the eager numbers and gradients."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import CompileError, Value

SEEDS = range(4)
NUMBA = pytest.mark.skipif(find_spec("numba") is None, reason="needs the extra jit")
ACTIVATIONS = ["tanh", "sigmoid", "relu", "softplus", "gelu", "silu", "elu", "sin", "atan"]


class Program(NamedTuple):
    """A function of one example, the shapes of its arguments, and its parameters."""

    function: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...]
    params: list[Value]


MAKERS: dict[str, Callable[[random.Random], Program]] = {}


def family(make: Callable[[random.Random], Program]) -> Callable[[random.Random], Program]:
    MAKERS[make.__name__] = make
    return make


def weights(rng: random.Random, *shape: int) -> Any:
    if shape:
        return [weights(rng, *shape[1:]) for _ in range(shape[0])]
    return Value(rng.uniform(-1.0, 1.0), rng.choice(["", "w", "kernel[0]"]))


def leaves(*nested: Any) -> list[Value]:
    found: list[Value] = []
    for part in nested:
        found += [part] if isinstance(part, Value) else leaves(*part)
    return found


def weighted(rng: random.Random, ws: Sequence[Any], xs: Sequence[Any], b: Any) -> Any:
    """Σ w·x + b in one of the ways in which it is written."""
    way = rng.randrange(4)
    if way == 0:
        return gg.dot(ws, xs, b)
    if way == 1:
        return sum((w * x for w, x in zip(ws, xs)), b)
    if way == 2:
        return gg.sum([x * w for w, x in zip(ws, xs)]) + b
    total = 0.0
    for w, x in zip(ws, xs):
        total = total + x * w
    return b + total


def written(rng: random.Random) -> Callable[..., Any]:
    """One way for a whole program."""
    seed = rng.random()
    return lambda ws, xs, b=0.0: weighted(random.Random(seed), ws, xs, b)


# -- families -------------------------------------------------------------------------------------------------


@family
def perceptron(rng):
    sizes = [rng.randint(1, 4) for _ in range(rng.randint(2, 4))]
    layers = [(weights(rng, n, m), weights(rng, n)) for m, n in zip(sizes, sizes[1:])]
    name, dot = rng.choice(ACTIVATIONS), written(rng)

    def function(x, y):
        for rows, bias in layers:
            x = [getattr(dot(row, x, b), name)() for row, b in zip(rows, bias)]
        return gg.sum([(v - t) ** 2 for v, t in zip(x, y)])

    return Program(function, ((sizes[0],), (sizes[-1],)), leaves(layers))


@family
def convolution(rng):
    width, kernel, channels = rng.randint(5, 8), rng.randint(2, 3), rng.randint(1, 3)
    kernels, bias, out = weights(rng, channels, kernel), weights(rng, channels), weights(rng, channels)
    name, pooled, dot = rng.choice(ACTIVATIONS), rng.choice(["mean", "max"]), written(rng)

    def function(x):
        found = []
        for k, b in zip(kernels, bias):
            row = [getattr(dot(k, x[i : i + kernel], b), name)() for i in range(width - kernel + 1)]
            top = row[0]
            for v in row[1:]:
                top = gg.max(top, v)
            found.append(top if pooled == "max" else gg.sum(row) / len(row))
        return dot(out, found) ** 2

    return Program(function, ((width,),), leaves(kernels, bias, out))


@family
def convolution_of_images(rng):
    height, width, k = rng.randint(3, 4), rng.randint(3, 5), 2
    kernel, out = weights(rng, k, k), weights(rng, height - k + 1, width - k + 1)

    def function(image):
        total = 0.0
        for i in range(height - k + 1):
            for j in range(width - k + 1):
                z = sum(kernel[p][q] * image[i + p][j + q] for p in range(k) for q in range(k))
                total = total + out[i][j] * z.relu()
        return total.tanh()

    return Program(function, ((height, width),), leaves(kernel, out))


@family
def recurrent(rng):
    steps, hidden = rng.randint(2, 5), rng.randint(1, 3)
    inward, back, bias, out = (weights(rng, *s) for s in ((hidden,), (hidden, hidden), (hidden,), (hidden,)))
    dot = written(rng)

    def function(xs, y):
        state: list[Any] = [0.0] * hidden
        for x in xs:
            state = [(w * x + dot(row, state, b)).tanh() for w, row, b in zip(inward, back, bias)]
        return (dot(out, state) - y) ** 2

    return Program(function, ((steps,), ()), leaves(inward, back, bias, out))


@family
def lstm(rng):
    steps, size, hidden = rng.randint(1, 4), rng.randint(1, 2), rng.randint(1, 3)
    gates = {name: (weights(rng, hidden, size + hidden), weights(rng, hidden)) for name in ("i", "f", "o", "g")}
    out, dot = weights(rng, hidden), written(rng)

    def function(xs):
        h: list[Any] = [0.0] * hidden
        c: list[Any] = [0.0] * hidden
        for x in xs:
            z = {n: [dot(row, [*x, *h], b) for row, b in zip(rows, bias)] for n, (rows, bias) in gates.items()}
            c = [f.sigmoid() * old + i.sigmoid() * g.tanh() for f, old, i, g in zip(z["f"], c, z["i"], z["g"])]
            h = [o.sigmoid() * v.tanh() for o, v in zip(z["o"], c)]
        return dot(out, h)

    return Program(function, ((steps, size),), leaves(*gates.values(), out))


@family
def attention(rng):
    length, size, causal = rng.randint(2, 4), rng.randint(1, 3), rng.random() < 0.5
    q, k, v = (weights(rng, size, size) for _ in range(3))
    dot = written(rng)

    def function(tokens):
        queries, keys, values = ([[dot(row, t) for row in m] for t in tokens] for m in (q, k, v))
        total = 0.0
        for i, query in enumerate(queries):
            seen = range(i + 1 if causal else length)
            scores = gg.softmax([dot(query, keys[j]) * size**-0.5 for j in seen])
            for d in range(size):
                total = total + gg.sum([s * values[j][d] for s, j in zip(scores, seen)]) ** 2
        return total

    return Program(function, ((length, size),), leaves(q, k, v))


@family
def ragged_sums(rng):
    lengths = [rng.randint(1, 6) for _ in range(rng.randint(2, 5))]
    groups = [weights(rng, n) for n in lengths]
    dot, name = written(rng), rng.choice(ACTIVATIONS)

    def function(x):
        parts = [getattr(dot(ws, x[: len(ws)], 0.5 * k), name)() for k, ws in enumerate(groups)]
        return gg.sum([p * p for p in parts]) + gg.sum([w * w for ws in groups for w in ws])

    return Program(function, ((6,),), leaves(groups))


@family
def several_terms_of_constants(rng):
    ws = weights(rng, 4)
    numbers = [rng.choice([1.0, -1.0, 2.0, 3.0, 0.5]) for _ in range(12)]

    def function(x):
        a, b, c, d = ws
        p, q, r, s, *rest = numbers
        first = (p * a + q * b).tanh() + (r * c - s * d).tanh()
        second = (rest[0] + a * rest[1]) ** 2 + (rest[2] + b * rest[3]) ** 2 + (rest[4] - c * rest[5]) ** 2
        return first * x + second + (rest[6] * x + rest[7] * d)

    return Program(function, ((),), ws)


@family
def factorisation(rng):
    rows, columns, rank = rng.randint(2, 3), rng.randint(2, 4), rng.randint(1, 2)
    left, right = weights(rng, rows, rank), weights(rng, columns, rank)
    known = [(i, j) for i in range(rows) for j in range(columns) if rng.random() < 0.7] or [(0, 0)]

    def function(ratings):
        errors = [gg.dot(left[i], right[j]) - ratings[i][j] for i, j in known]
        return gg.sum([e * e for e in errors]) + 0.1 * gg.sum([u * u for u in leaves(left, right)])

    return Program(function, ((rows, columns),), leaves(left, right))


@family
def tied_weights(rng):
    size, hidden = rng.randint(2, 4), rng.randint(1, 3)
    w, bias = weights(rng, hidden, size), weights(rng, hidden)
    name = rng.choice(ACTIVATIONS)

    def function(x):
        code = [getattr(gg.dot(row, x, b), name)() for row, b in zip(w, bias)]
        back = [gg.sum([w[k][i] * code[k] for k in range(hidden)]) for i in range(size)]
        return gg.sum([(a - b) ** 2 for a, b in zip(back, x)]) / size

    return Program(function, ((size,),), leaves(w, bias))


@family
def layer_norm(rng):
    size = rng.randint(2, 5)
    gain, shift, row = (weights(rng, size) for _ in range(3))

    def function(x):
        mean = gg.sum(x) / size
        spread = (gg.sum([(v - mean) ** 2 for v in x]) / size + 1e-3) ** -0.5
        normed = [g * (v - mean) * spread + s for g, v, s in zip(gain, x, shift)]
        return gg.dot(row, [n.gelu() for n in normed])

    return Program(function, ((size,),), leaves(gain, shift, row))


@family
def mixture(rng):
    experts, size = rng.randint(2, 4), rng.randint(1, 3)
    gate, rows = weights(rng, experts, size), weights(rng, experts, size)
    dot = written(rng)

    def function(x, y):
        shares = gg.softmax([dot(g, x) for g in gate])
        errors = [-((dot(r, x) - y) ** 2) for r in rows]
        return -gg.logsumexp([s.log() + e for s, e in zip(shares, errors)])

    return Program(function, ((size,), ()), leaves(gate, rows))


@family
def choices(rng):
    ws = weights(rng, 5)
    limit = rng.uniform(-1, 1)

    def function(x):
        a, b = ws[0] * x[0] + ws[1], ws[2] * x[1] - ws[3]
        kept = gg.where(x[2] - limit, a, b)
        return gg.max(kept, ws[4]) + gg.min(a, gg.min(b, x[2])) + abs(a - b) + gg.relu(a) * b

    return Program(function, ((3,),), ws)


@family
def residual(rng):
    size, depth = rng.randint(1, 3), rng.randint(1, 4)
    blocks = [(weights(rng, size, size), weights(rng, size)) for _ in range(depth)]
    step, dot = rng.choice([1.0, 0.5]), written(rng)

    def function(x):
        for rows, bias in blocks:
            x = [v + step * dot(row, x, b).tanh() for v, row, b in zip(x, rows, bias)]
        return gg.sum([v * v for v in x])

    return Program(function, ((size,),), leaves(blocks))


@family
def equation_of_a_function(rng):
    hidden = rng.randint(1, 4)
    w, b, v = (weights(rng, hidden) for _ in range(3))

    def function(t):
        t = t * 1.0
        y = gg.dot(v, [(wi * t + bi).tanh() for wi, bi in zip(w, b)])
        return (gg.grad(y, t, create_graph=True) + y - t) ** 2

    return Program(function, ((),), leaves(w, b, v))


@family
def distances(rng):
    centres, size = rng.randint(2, 4), rng.randint(1, 3)
    points, widths = weights(rng, centres, size), weights(rng, centres)

    def function(x):
        bumps = [(-gg.sum([(p - v) ** 2 for p, v in zip(c, x)]) * (w * w + 0.1)).exp() for c, w in zip(points, widths)]
        return gg.sum(bumps) / centres

    return Program(function, ((size,),), leaves(points, widths))


# -- what must hold -------------------------------------------------------------------------------------------


def draw(shapes: Sequence[tuple[int, ...]], n: int, seed: int) -> list[np.ndarray]:
    numbers = np.random.default_rng(seed)
    return [numbers.uniform(-1.5, 1.5, size=(n, *shape)) for shape in shapes]


def values(array: Any) -> Any:
    return [values(row) for row in array] if np.ndim(array) else Value(float(array))


def close(found: Any, expected: Any) -> None:
    expected = np.asarray(expected)
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    assert np.abs(np.asarray(found) - expected).max(initial=0.0) <= 1e-10 * scale


def check_function(made: Program, backend: Any, sizes: Sequence[int], seed: int) -> None:
    example = tuple(a[0].tolist() for a in draw(made.shapes, 1, seed))
    program = gg.compile(made.function, example=example, params=made.params, backend=backend)
    for n in sizes:
        arrays = draw(made.shapes, n, seed + n)
        if n == 0:
            with pytest.raises(CompileError, match="holds no example"):
                program.run(*arrays)
            continue
        losses = [made.function(*(values(a[i]) for a in arrays)) for i in range(n)]
        mean = gg.sum(losses) / n
        close(program.run(*arrays), [v.data for v in losses])
        value, gradient = program.value_and_grad(*arrays)
        close(value, mean.data)
        close(gradient, gg.grad(mean, made.params))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", MAKERS)
def test_a_function_on_batches(name: str, seed: int) -> None:
    made = MAKERS[name](random.Random(seed))
    check_function(made, "auto", (0, 1, 2, 100) if seed == 0 else (1, 2, 5), seed)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("backend", ["numpy", "python"])
def test_a_recorded_graph(name: str, backend: Any, seed: int) -> None:
    """The loss of several examples as one graph, their numbers as inputs or as constants."""
    made = MAKERS[name](random.Random(10 + seed))
    n = 1 + seed % 3
    arrays = draw(made.shapes, n, seed)
    arguments = [[values(a[i]) for a in arrays] for i in range(n)]
    root = gg.sum([made.function(*given) for given in arguments]) / n
    inputs = leaves(*(part for given in arguments for part in given)) if seed % 2 else []
    program = gg.compile(root, params=made.params, inputs=inputs, backend=backend)
    given = [np.array([v.data for v in inputs])] if inputs else []
    value, gradient = program.value_and_grad(*given)
    close(value, root.data)
    close(gradient, gg.grad(root, made.params))
    close(program.run(*given), root.data)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", MAKERS)
def test_several_results(name: str, seed: int) -> None:
    made = MAKERS[name](random.Random(20 + seed))

    def function(*given: Any) -> list[Any]:
        first = made.function(*given)
        return [first, made.params[0], first * 2.0 - made.params[-1], given[0] if isinstance(given[0], Value) else 1.0]

    example = tuple(a[0].tolist() for a in draw(made.shapes, 1, seed))
    program = gg.compile(function, example=example, params=made.params)
    for n in (1, 3):
        arrays = draw(made.shapes, n, seed + n)
        expected = [[getattr(v, "data", v) for v in function(*(values(a[i]) for a in arrays))] for i in range(n)]
        close(program.run(*arrays), expected)


OF_EACH_KIND = ("convolution", "attention", "ragged_sums", "choices", "several_terms_of_constants", "tied_weights")
"""Machine code takes seconds to make: these have every kind of step. A nightly run makes that of all families."""


@NUMBA
@pytest.mark.parametrize("name", MAKERS if os.environ.get("GLASSGRAD_SEED") else OF_EACH_KIND)
def test_as_machine_code(name: str) -> None:
    check_function(MAKERS[name](random.Random(1)), "numba", (1, 5), 1)


def test_fresh_programs(fresh_seed: int) -> None:
    for name in MAKERS:
        test_a_function_on_batches(name, 1000 + fresh_seed)
        test_a_recorded_graph(name, "numpy", 1000 + fresh_seed)
        test_a_recorded_graph(name, "python", 1000 + fresh_seed)


@pytest.mark.parametrize("backend", ["auto", "numpy", "python", pytest.param("numba", marks=NUMBA)])
def test_forms_with_numbers_of_their_own(backend: Any) -> None:
    a, b, c, d = (Value(x) for x in (0.3, -0.5, 0.7, 1.1))
    for root in (
        (2 * a + b).tanh() + (3 * c - d).tanh(),
        (3.0 + a * 2.0) ** 2 + (5.0 + b * 7.0) ** 2,
        (a * 2.0 - 1.0).exp() * (b * 2.0 + 1.0).exp() - (c - 1.0).exp(),
    ):
        program = gg.compile(root, params=[a, b, c, d], backend=backend)
        value, gradient = program.value_and_grad()
        close(value, root.data)
        close(gradient, gg.grad(root, [a, b, c, d]))
