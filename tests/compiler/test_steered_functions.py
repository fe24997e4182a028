"""Functions that data steer, as people write them: none may become a program that does something else.

Each is called with one example; `POINTS` are on both sides of what it asks for.
"""

from __future__ import annotations

import bisect
import contextlib
import contextvars
import copy
import enum
import functools
import heapq
import itertools
import math
import operator
import pickle
import random
import re
import secrets
import statistics
import time
import warnings
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import DomainError, Value, nn

W, B = Value(0.7, "w"), Value(-0.4, "b")
PARAMS = [W, B]
ROWS = [[1.0, 2.0], [3.0, -1.0], [0.5, 0.25]]
PRICES = {0.0: 1.0, 1.0: 5.0, 2.0: -3.0}
X, XY, XS = (1.0,), (1.0, 2.0), ([1.0, 2.0, 3.0],)


class Case(NamedTuple):
    """A function and its example."""

    function: Callable[..., Any]
    example: tuple[Any, ...]

    @property
    def name(self) -> str:
        """What it is called."""
        return getattr(self.function, "__name__", type(self.function).__name__)


CASES: list[Case] = []


def steered(*example: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        CASES.append(Case(function, example))
        return function

    return enter


# -- comparisons ----------------------------------------------------------------------------------------------


@steered(*X)
def sign_by_if(x):
    if x > 0:
        return W * x
    return B * x


@steered(*X)
def far_threshold(x):
    if x > 1000:
        return W * x * x
    return W * x


@steered(*X)
def beyond_nine_checks(x):
    total = W * x
    for limit in (-9e6, -8e6, -7e6, -6e6, -5e6, -4e6, -3e6, -2e6, -1e6):
        assert x > limit
    if x > 1000:
        total = total * 2
    return total


@steered(*XY)
def one_of_two_large(x, y):
    if x > 1000 or y > 1000:
        return W * (x + y)
    return W * x


@steered(*XY)
def both_below(x, y):
    if x < 1000 or y < 1000:
        return W * x
    return W * y


@steered(*XS)
def majority(xs):
    if sum(v > 0 for v in xs) >= 2:
        return W * xs[0]
    return B * xs[1]


@steered(*XS)
def votes_of_a_line(xs):
    if (xs[0] > -500) + (xs[1] > -500) + (xs[2] > -500) >= 2:
        return W * xs[0]
    return B * xs[1]


@steered(*X)
def root_behind_a_threshold(x):
    if x < 5:
        return W * x
    return W * (x - 5).sqrt()


@steered(*X)
def truth_as_a_number(x):
    return W * (x > 500) + B * x


@steered(*X)
def truth_of_a_value(x):
    return W * x if x - 1.0 else B


@steered(*X)
def negated(x):
    return W * x if not x else B * x


@steered(*X)
def conditional_expression(x):
    return W * x if -2e6 < x < 2e6 else B


@steered(*X)
def while_halving(x):
    steps = W * x
    while x > 1.5:
        x = x * 0.5
        steps = steps + B
    return steps


@steered(*X)
def newton_until_small(x):
    a = x * x + 2.0
    root = a
    while abs(root * root - a) > 1e-9:
        root = (root + a / root) * 0.5
    return W * root


@steered(*X)
def break_out_of_for(x):
    total = W * x
    for k in range(10):
        if total > 5 + k:
            break
        total = total * 1.5
    return total


@steered(*X)
def parameter_decides(x):
    return W * x if W > 0 else B * x


@steered(*X)
def parameter_far_away(x):
    return W * x if W < 100 else B * x


@steered(*XY)
def clipped_by_max(x, y):
    return W * max(x, y)


@steered(*XS)
def least_of_list(xs):
    return W * min(xs) + B * xs[0]


@steered(*XS)
def sorted_values(xs):
    low, middle, high = sorted(xs)
    return W * low + B * middle - high


@steered(*XS)
def sorted_by_distance(xs):
    near = sorted(xs, key=lambda v: abs(v - 2.5))
    return W * near[0] + B * near[-1]


@steered(*XS)
def filtered(xs):
    kept = [v for v in xs if v > -100]
    return W * gg.sum(kept) + B


@steered(*XS)
def any_negative(xs):
    return W * xs[0] if any(v < -50 for v in xs) else B * xs[1]


@steered(*XS)
def largest_by_heap(xs):
    return W * heapq.nlargest(1, xs)[0]


@steered(*X)
def bin_by_bisect(x):
    return W * x * [1.0, 2.0, 3.0][bisect.bisect([0.0, 2.0], x)]


@steered(*XS)
def median_of_values(xs):
    return W * statistics.median(xs)


@steered(*XS)
def takewhile_positive(xs):
    return W * gg.sum([*itertools.takewhile(lambda v: v > -20, xs), 0.0]) + B


# -- equality -------------------------------------------------------------------------------------------------


@steered(*X)
def class_by_equality(x):
    if x == 1:
        return W * x
    return B * x


@steered(*X)
def class_by_inequality(x):
    return W * x if x != 3 else B * x


@steered(2.0)
def rare_class(y):
    weight = 10.0 if y == 1 else 1.0
    return weight * (W - y) ** 2


@steered(*X)
def member_of_a_tuple(x):
    return W * x if x in (1.0, 2.0) else B * x


@steered(*X)
def member_of_a_list(x):
    return W * x if x not in [5.0, 7.0] else B * x


@steered(*XS)
def counted(xs):
    return W * xs.count(1) + B * xs[1]


@steered(*XS)
def position_of_a_number(xs):
    return W * xs.index(2.0) + B * xs[0]


@steered(*X)
def equal_by_operator(x):
    return W * x if operator.eq(x, 1.0) else B


@steered(*X)
def close_to_one(x):
    return W * x if math.isclose(x, 1.0) else B * x


@steered(1.0)
def matched(y):
    match y:
        case 0:
            return W * 2.0
        case 1:
            return W * 3.0
        case _:
            return B * y


@steered(1.0)
def matched_by_guard(y):
    match y:
        case v if v > 40:
            return W * v
        case v:
            return B * v


# -- keys, indices, numbers -----------------------------------------------------------------------------------


@steered(*X)
def price_table(x):
    return W * PRICES.get(x, 2.0)


@steered(*X)
def price_or_key_error(x):
    return W * PRICES[x]


@steered(*X)
def member_of_a_set(x):
    return W * x if x in {1.0, 2.0} else B * x


@steered(*XS)
def distinct_values(xs):
    return W * len(set(xs)) + B * xs[0]


@steered(*XS)
def most_common(xs):
    return W * Counter(xs).most_common(1)[0][1] + B * xs[0]


@functools.cache
def slow_square(x):
    return x * x


@steered(*X)
def cached(x):
    return W * slow_square(x)


class Colour(enum.Enum):
    """Classes by number."""

    RED = 0.0
    GREEN = 1.0


@steered(*X)
def by_enum(x):
    return W * (3.0 if Colour(x) is Colour.GREEN else 4.0)


@steered(*X)
def embedding_row(x):
    return W * ROWS[x][0]


@steered(*X)
def embedding_row_by_int(x):
    return W * ROWS[int(x)][0]


@steered(*X)
def repeated(x):
    total = B
    for _ in range(int(x)):
        total = total + W
    return total


@steered(*X)
def rounded(x):
    return W * round(x)


@steered(*X)
def logarithm_of_math(x):
    return W * math.log(x + 2.0)


@steered(*X)
def floor_of_math(x):
    return W * math.floor(x)


@steered(*X)
def as_float(x):
    return W * float(x)


@steered(*X)
def number_read(x):
    return W * x.data


@steered(*X)
def number_read_to_decide(x):
    if x.data > 1000:
        return W * x
    return B * x


@steered(*XY)
def number_read_by_getattr(x, y):
    return W * x if getattr(x, "data", x) == 1 else W * y


@steered(*X)
def weight_read_to_decide(x):
    return W * x if W.data < 30 else B * x


@steered(*X)
def detached(x):
    return W * x.detach() + B


@steered(*X)
def detached_to_decide(x):
    scale = (x * x).detach() if isinstance(x, Value) else x * x
    return W * x if scale < 1e6 else B


@steered(*X)
def without_graph(x):
    with gg.no_grad():
        far = gg.relu(x - 1000.0)
    return W * x + B * far


@steered(*X)
def gradient_as_a_number(x):
    x = x if isinstance(x, Value) else Value(x)
    y = (x * x * x) * W
    return y * gg.grad(y, x)


@steered(*X)
def gradient_decides(x):
    x = x if isinstance(x, Value) else Value(x)
    y = gg.relu(x - 300.0)
    y.backward()
    return W * x if x.grad == 0 else B * x


@steered(*X)
def slope_of_relu_again(x):
    x = x if isinstance(x, Value) else Value(x)
    slope = gg.grad(gg.relu(x - 300.0), x, create_graph=True)
    return W * x + slope * B


@steered(*X)
def text_decides(x):
    return W * x if f"{x:.0f}" == "1" else B * x


@steered(*X)
def repr_decides(x):
    return W * x if "e" in repr(x * 1e5) else B * x


@steered(*X)
def printed_digits(x):
    return W * len(str(x))


# -- NumPy ----------------------------------------------------------------------------------------------------


@steered(*XS)
def numpy_argmax(xs):
    return W * ROWS[int(np.argmax(xs))][0] + B * xs[0]


@steered(*XS)
def numpy_sort(xs):
    low, *_ = np.sort(np.array(xs, dtype=object))
    return W * low


@steered(*XS)
def numpy_where(xs):
    chosen = np.where(np.array([v > -60 for v in xs]), np.array(xs, dtype=object), 0.0)
    return W * chosen.sum()


@steered(*XS)
def numpy_maximum(xs):
    return W * np.max(np.array(xs, dtype=object))


@steered(*XS)
def numpy_mask(xs):
    array = np.array(xs, dtype=object)
    return W * array[array > -70].sum() + B


@steered(*XS)
def numpy_float_array(xs):
    return W * float(np.array(xs, dtype=float).sum())


@steered(*XY)
def numpy_isclose(x, y):
    return W * x if np.isclose(float(x), 1.0) else B * y


# -- state outside ----------------------------------------------------------------------------------------------

STATE = {"calls": 0, "seen": []}


@steered(*X)
def every_other_call(x):
    STATE["calls"] += 1
    return W * x if STATE["calls"] % 2 else B * x


@steered(*X)
def grows(x):
    STATE["seen"].append(1.0)
    return W * x * len(STATE["seen"])


@steered(*X)
def noise(x):
    return W * x + random.gauss(0.0, 1.0)


@steered(*X)
def rare_dropout(x):
    return W * x if random.random() < 0.999 else B * x


GENERATOR = np.random.default_rng(3)


@steered(*X)
def numpy_noise(x):
    return W * x if GENERATOR.random() < 0.9999 else B


@steered(*X)
def global_numpy_noise(x):
    return W * x if np.random.rand() < 0.9999 else B  # as people write it


@steered(*X)
def by_the_clock(x):
    return W * x * (time.time() % 7.0)


@steered(*X)
def clock_decides(x):
    return W * x if time.time() > 1e6 else B


@steered(*X)
def date_decides(x):
    return W * x if datetime.now().year > 2000 else B  # as people write it


QUEUE = [3.0, 2.0, 1.0]


@steered(*X)
def uses_up_a_list(x):
    return W * x if QUEUE and QUEUE.pop() else B


NUMBERS = iter([1.0])


@steered(*X)
def next_of_an_iterator(x):
    return W * x * next(NUMBERS)


@steered(*XS)
def in_a_thread(xs):
    with ThreadPoolExecutor(1) as pool:
        return W * gg.sum(list(pool.map(lambda v: v if v < 2000 else v * 2, xs)))


@steered(*X)
def copied(x):
    return W * x if copy.deepcopy(x) < 800 else B * x


@steered(*X)
def copied_flat(x):
    return W * x if copy.copy(x) < 800 else B * x


@steered(*X)
def pickled(x):
    return W * pickle.loads(pickle.dumps(x)) + B


@steered(*X)
def weight_set_inside(x):
    W.data = 0.7
    return W * x + B


@steered(*X)
def argument_set_inside(x):
    x = x if isinstance(x, Value) else Value(x)
    x.data = 2.0
    return W * x


def alternating():
    last = [False]

    def toggled(x):
        last[0] = not last[0]
        return W * x if last[0] else B * x

    return toggled


steered(*X)(alternating())


class Momentum:
    """Remembers the example before."""

    def __init__(self):
        self.before = 0.0

    def __call__(self, x):
        result = W * x + self.before
        self.before = result
        return result


steered(*X)(Momentum())


# -- errors -----------------------------------------------------------------------------------------------------


@steered(*X)
def log_or_zero(x):
    try:
        return W * gg.log(x + 1000.0)
    except ValueError:
        return B * x


@steered(*X)
def root_or_zero(x):
    try:
        y = (x + 2000.0) ** 0.5
    except (DomainError, ArithmeticError):
        y = x * 0.0
    return W * y


@steered(*X)
def quotient_or_one(x):
    with contextlib.suppress(ZeroDivisionError, ArithmeticError):
        return W * (1.0 / (x - 700.0))
    return B * x


def _safely(function, x):
    try:
        return function(x)
    except Exception:
        return x


@steered(*X)
def safe_helper(x):
    return W * _safely(lambda v: gg.log(v + 5000.0), x)


@steered(-1.0)
def fails_here_already(x):
    try:
        return W * gg.log(x)
    except ValueError:
        return B * x


@steered(*X)
def number_or_not(x):
    try:
        return W * float(x)
    except TypeError:
        return B * x


@steered(*X)
def row_or_first(x):
    try:
        row = ROWS[int(x)]
    except (TypeError, IndexError):
        row = ROWS[0]
    return W * row[0]


# -- classes ------------------------------------------------------------------------------------------------------


class Gate:
    """A layer with a switch."""

    def __init__(self, threshold):
        self.threshold = threshold

    def __call__(self, x):
        return self.opened(x) if x > self.threshold else self.closed(x)

    def opened(self, x):
        return W * x

    def closed(self, x):
        return B * x


steered(*X)(Gate(250.0))
steered(*X)(Gate(0.5).__call__)


class Clamp(nn.Module):
    """A module of one's own."""

    def __call__(self, x):
        if x < -1e4:
            return x * 0.01
        return W * x


steered(*X)(Clamp())


@steered(*XY)
def label_weights(score, y):
    weights = {0: 1.0, 1: 20.0}
    return weights[y] * (W * score - y) ** 2


@steered(*XY)
def focal(score, y):
    p = gg.sigmoid(W * score)
    return -gg.log(p) if y == 1 else -gg.log(1 - p)


@steered(*XY)
def huber(score, y):
    error = abs(W * score - y)
    return 0.5 * error**2 if error < 10 else 10 * (error - 5)


@steered(*X)
def recursion(x, depth=0):
    return W * x if x < 40 or depth > 3 else recursion(x * 0.5, depth + 1) + B


@steered(*X)
def compose(x):
    return functools.reduce(lambda v, f: f(v), [lambda v: v * W, lambda v: v if v > -35 else -v], x)


# -- ways out of the trace --------------------------------------------------------------------------------------


@steered(1.5)
def graph_decides(x):
    return x * 7 if gg.Graph(x * x).root.data > 500 else x


@steered(1.5)
def steps_decide(x):
    return x * 7 if "2.25" in str(gg.steps(x * x).table()) else x


@steered(1.5)
def explanation_decides(x):
    return x * 7 if "2.25" in str(gg.explain(x * x, x)) else x


@steered(1.5)
def drawing_decides(x):
    return x * 7 if "2.25" in gg.viz.draw(x * x).svg else x


@steered(1.5)
def gradcheck_decides(x):
    return x * 7 if gg.gradcheck(lambda v: v * x, [1.0]).rows[0].analytic > 500 else x


@steered(1.5)
def slopes_decide(x):
    return x * 7 if (x * x).slopes[0] > 500 else x


POOL = ThreadPoolExecutor(1)
POOL.submit(int).result()  # its thread runs before anything is traced


@steered(1.5)
def pool_reads(x):
    return POOL.submit(lambda: x * 7 if x.data > 1000 else x).result()


@steered(1.5)
def pool_compares(x):
    return POOL.submit(lambda: x * 7 if x * 2 > 1000 else x).result()


@steered(1.5)
def context_of_its_own(x):
    return contextvars.Context().run(lambda: x * 7 if x > 1000 else x)


@steered(1.5)
def reads_in_a_context_of_its_own(x):
    return contextvars.Context().run(lambda: x * 7 if (x * 3).data > 1000 else x)


@steered(1.5)
def within_another_compile(x):
    def inner(t):
        return t * 7 if x > 1000 else t

    with contextlib.suppress(gg.CompileError):
        return x * gg.compile(inner, example=(1.0,)).steps
    return x


@steered(*X)
def a_secret_decides(x):
    return W * x if secrets.randbelow(10**9) else B * x


# -- many comparisons -------------------------------------------------------------------------------------------


@steered([1.0, 2.0, 3.0, 4.0])
def exactly_three(xs):
    return xs[0] * 7 if sum(x > 1000 for x in xs) == 3 else xs[0]


@steered([1.0, 2.0, 3.0, 4.0])
def two_or_three(xs):
    n = sum(x > 1000 for x in xs)
    return xs[0] * 7 if 2 <= n <= 3 else xs[0]


@steered([1.0, 2.0, 3.0, 4.0])
def only_one_left(xs):
    return xs[0] * 7 if sum(x > -1000 for x in xs) == 1 else xs[0]


@steered([1.0, 2.0, 3.0, 4.0])
def all_but_one_on_lines_of_their_own(xs):
    n = xs[0] > 1000
    n += xs[1] > 1000
    n += xs[2] > 1000
    n += xs[3] > 1000
    return xs[0] * 7 if n == 3 else xs[0]


@steered([-1.0, 2.0, -3.0, 4.0])
def the_first_and_the_third(xs):
    first, second, third, fourth = (x > 100 for x in xs)
    return xs[0] * 7 if first and third and not second and not fourth else xs[0]


@steered([1.0, 2.0])
def one_of_two(xs):
    first, second = xs[0] > 100, xs[1] > 100
    return xs[0] * 7 if first & second else xs[0]


@steered([-5.0, -5.0])
def inside_a_square(xs):
    a, b, c, d = xs[0] > 0, xs[0] < 1, xs[1] > 0, xs[1] < 1
    return xs[0] * 50 if a & b & c & d else xs[0]


@steered(*XS)
def only_the_last_comparison_matters(xs):
    a, b, z = xs
    seen = [a > 1]
    seen += [b > 1]
    seen += [a > 40]
    seen += [b > 40]
    seen += [z > 40]
    seen += [a > 300]
    seen += [b > 300]
    seen += [a > 1000]
    seen += [b > 1000]
    seen += [a * b > 1000]
    return z * 7 if z > 1000 else z


# -- guards that another number would pass --------------------------------------------------------------------------


@steered(*X)
def an_error_told_anew(x):
    if x > 5:
        try:
            return B * gg.log(x - 5)
        except DomainError as error:
            raise ValueError("bad x") from error
    return W * x


def _positive(v):
    if v <= 0:
        raise ValueError
    return v


@steered(*X)
def one_guard_used_twice(x):
    _positive(x + 10)
    if x > 5:
        return B * _positive(x - 5).sqrt()
    return W * x


def _below(x, threshold):
    return x < threshold


@steered(*X)
def guarded_by_a_helper(x):
    if not _below(x, 1000):
        if _below(x, 500):
            raise ValueError
        return B * x
    return W * x


@steered(*X)
def three_guards_beyond_a_branch(x):
    if x > 100:
        for threshold in (10, 20, 30):
            assert not _below(x, threshold)
        return B * x
    return W * x


@steered(*X)
def leaves_the_program(x):
    if x > 1000:
        raise SystemExit("too much")
    return W * x if x < 500 else B * x


# -- what a `try` surrounds beside its first op -----------------------------------------------------------------


@steered(*X)
def second_op_of_a_try(x):
    scale = W
    with contextlib.suppress(ArithmeticError):
        y = x + 3.0
        scale = B
        y.log()
        scale = W
    return scale * x


@steered(*X)
def asked_in_a_pool(x):
    return W * x if POOL.submit(lambda: gg.log(x + 3)).exception() is None else B * x


@steered(*X)
def parameters_read_in_a_pool(x):
    return x * 7 if POOL.submit(lambda: W.data > 1000).result() else W * x


# -- generators of random numbers in odd places -------------------------------------------------------------------

KEPT = {"rng": np.random.default_rng(5), "nets": [Gate(3.0)]}
KEPT["nets"][0].rng = np.random.default_rng(6)
DRAW = np.random.default_rng(7).random


@steered(*X)
def drawn_from_a_table(x):
    return W * x if KEPT["rng"].random() < 0.99 else B * x


@steered(*X)
def drawn_from_a_network(x):
    return W * x if KEPT["nets"][0].rng.random() < 0.99 else B * x


@steered(*X)
def drawn_by_a_method(x):
    return W * x if DRAW() < 0.99 else B * x


@steered(*X)
def drawn_from_a_default(x, rng=KEPT["rng"]):
    return W * x if rng.random() < 0.99 else B * x


# -- what was computed before -------------------------------------------------------------------------------------

TWICE = W * 2


@steered(*X)
def computed_before(x):
    return TWICE * x


def verdict(case: Case) -> tuple[str, str]:
    """What becomes of a function: `refused`, `agrees`, `wrong` or `raised`, and the words to it."""
    STATE.update(calls=0, seen=[])
    try:
        program = gg.compile(case.function, example=case.example, params=PARAMS)
    except gg.CompileError as error:
        return "refused", str(error)
    except Exception as error:  # whatever it is, it is not what was asked for
        return "raised", f"{type(error).__name__}: {error}"
    for arguments in points(case.example):
        for wrapped in (True, False):
            try:
                result = case.function(*(_values(a, wrapped) for a in arguments))
            except Exception as error:
                eager = None if isinstance(error, TypeError) else math.nan
            else:
                eager = getattr(result, "data", result)
            try:
                (compiled,) = program.run(*(np.array([a]) for a in arguments))
            except DomainError:
                compiled = math.nan
            same = eager is None or (math.isnan(eager) and math.isnan(compiled))
            if not same and not math.isclose(eager, compiled, rel_tol=1e-9, abs_tol=1e-9):
                return "wrong", f"{compiled} instead of {eager} at {arguments}"
    return "agrees", ""


def points(example: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """Arguments on both sides of everything that the functions ask for."""
    rng = random.Random(1)
    steps = [
        0.0,
        1.0,
        2.0,
        3.0,
        5.0,
        7.0,
        -1.0,
        0.25,
        -40.0,
        45.0,
        300.5,
        -600.0,
        1500.0,
        -3000.0,
        -1e4,
        1e5,
        3e6,
        -3e6,
    ]
    found = [tuple(_filled(a, lambda s=s: s) for a in example) for s in steps]
    return found + [tuple(_filled(a, lambda: rng.choice(steps)) for a in example) for _ in range(60)]


def _filled(like: Any, number: Callable[[], float]) -> Any:
    return [number() for _ in like] if isinstance(like, list) else number()


def _values(given: Any, wrapped: bool) -> Any:
    if isinstance(given, list):
        return [_values(g, wrapped) for g in given]
    return Value(given) if wrapped else given


SOURCE = Path(__file__).read_text().splitlines()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_steered_function_becomes_a_wrong_program(case):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's on numbers this large
        found, words = verdict(case)
    assert found in ("refused", "agrees"), words
    if found == "refused":
        first, *cure = words.splitlines()
        place = re.search(r"(at|in) test_steered_functions\.py:(\d+): (.+)$", first)
        assert place, words
        assert place[3].rstrip("…") in SOURCE[int(place[2]) - 1]
        assert cure


def test_there_are_enough_of_them():
    assert len(CASES) >= 100
