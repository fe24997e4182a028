"""All exercises: the solution passes, each wrong answer fails with the hint meant for it, the start fails."""

from __future__ import annotations

import pytest

from glassgrad.engine.lab.check import check
from glassgrad.engine.lab.exercise import exercises

EXERCISES = {exercise.name: exercise for exercise in exercises()}
WRONG = [
    pytest.param(exercise, one, id=f"{exercise.name}-{i}")
    for exercise in exercises()
    for i, one in enumerate(exercise.misconceptions, 1)
]


def failed(exercise, code):
    return [result for result in check(exercise.tests, code, exercise.file) if not result.passed]


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_the_solution_passes_and_the_start_fails(exercise):
    assert failed(exercise, exercise.solution) == []
    assert len(check(exercise.tests, exercise.solution)) >= 1
    assert failed(exercise, exercise.begin())


@pytest.mark.parametrize(
    ("name", "text", "number"),
    [
        ("slope_of_a_product", "a = 3 and b = −4, so y = {}", 3 * -4),
        ("slope_of_a_product", "With a = 3.001 the product is {}.", 3.001 * -4),
        ("chain_by_hand", "at x = 1. So u = {}", 2 * 1 + 1),
        ("chain_by_hand", "and y = {}", 3 * 3),
        ("local_and_total", "so e = {}", 3 * -2),
        ("local_and_total", "so d = {}", -6 + 10),
        ("local_and_total", "so L = {}", 4 * 0.5),
        ("learning_rate", "E = 2·w² has the slope {}·w", 2 * 2),
    ],
)
def test_the_numbers_of_a_statement_are_right(name, text, number):
    exercise = EXERCISES[name]
    assert text.format(f"{number:g}".replace("-", "−")) in "\n".join([exercise.statement, *exercise.hints])


def test_ten_groups_in_order_numbered_without_a_gap():
    every = list(EXERCISES.values())
    assert [exercise.number for exercise in every] == list(range(1, len(every) + 1))
    assert sorted({exercise.group for exercise in every}) == list(range(1, 11))
    assert [exercise.group for exercise in every] == sorted(exercise.group for exercise in every)
    assert len({(exercise.group, exercise.topic) for exercise in every}) == 10


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_its_texts_fit_a_terminal_and_hints_do_not_give_the_answer(exercise):
    assert all(len(line) <= 79 for line in exercise.begin().split("\n"))
    answer = [line.strip() for line in exercise.solution.split("\n") if line.strip() not in exercise.start]
    assert not any(line in hint for line in answer for hint in exercise.hints if len(line) > 12)


@pytest.mark.parametrize(("exercise", "wrong"), WRONG)
def test_a_wrong_answer_fails_with_the_hint_meant_for_it(exercise, wrong):
    messages = [result.message for result in failed(exercise, wrong.code)]
    assert any(wrong.says in message for message in messages), messages
    others = [one.says for one in exercise.misconceptions if one.says != wrong.says]
    assert not any(says in messages[0] for says in others), messages[0]  # what is read first is no other's hint


ALSO_RIGHT = {
    "nudge": "def slope(f, x, h=1e-4):\n    a, b = f(x - h), f(x + h)\n    return 0.5 * (b - a) / h",
    "several_variables": "import numpy as np\ndef gradient(f, point, h=1e-4):\n"
    "    p, steps = np.array(point), h * np.eye(len(point))\n"
    "    return np.array([(f(p + s) - f(p - s)) / (2 * h) for s in steps])",
    "rule_of_mul": "import glassgrad as gg\ndef mul(a, b):\n    out = gg.Value(a.data * b.data, (a, b), '*')\n"
    "    def _backward():\n        for one, other in ((a, b), (b, a)):\n            one.grad += out.grad * other.data\n"
    "    out._backward = _backward\n    return out",
    "order": "class Node:\n    def __init__(self, name, children=()):\n"
    "        self.name, self.children = name, children\n"
    "def order(root):\n    done = {}\n    stack = [root]\n    while stack:\n"
    "        waiting = [c for c in stack[-1].children if c not in done]\n"
    "        if waiting:\n            stack += waiting\n        else:\n            done[stack.pop()] = True\n"
    "    yield from done",
    "error": "import numpy as np\ndef error(targets, outputs):\n"
    "    return np.mean(np.sum((np.array(targets) - np.array(outputs)) ** 2, axis=1)) / 2",
    "least_mean_squares": "import numpy as np\ndef adjusted(w, b, x, target, rate):\n    x = np.array(x)\n"
    "    e = target - (w @ x if hasattr(w, 'shape') else np.dot(w, x)) - b\n    return w + rate * e * x, b + rate * e",
    "xor": "def xor(x1, x2):\n    return int(x1 != x2)",
    "neuron": "import glassgrad as gg\nclass Neuron:\n    def __init__(self, weights, bias):\n"
    "        self.w, self.b = list(map(gg.Value, weights)), gg.Value(bias)\n"
    "    def __call__(self, x):\n        return gg.tanh(gg.dot(self.w, x, self.b))",
    "step": "def step(parameters, rate):\n    for p in parameters:\n        p.data = p.data - p.grad * rate",
    "relu": "import glassgrad as gg\ndef relu(x):\n    out = gg.Value(x.data * (x.data > 0), (x,), 'relu')\n"
    "    def rule():\n        if out.data > 0:\n            x.grad += out.grad\n"
    "    out._backward = rule\n    return out",
    "outer_product": "import numpy as np\ndef weight_gradient(x, g):\n    return np.outer(g, x).tolist()",
    "softmax": "import math\ndef softmax(z):\n    top = max(z)\n    log = math.log(sum(math.exp(s - top) for s in z))\n"
    "    return tuple(math.exp(s - top - log) for s in z)",
    "your_own_engine": (
        "class Value:\n    __slots__ = ('data', 'grad', '_prev')\n"
        "    def __init__(self, data, _prev=()):\n        self.data, self.grad, self._prev = data, 0.0, _prev\n"
        "    def __add__(self, other):\n        other = lift(other)\n"
        "        return Value(self.data + other.data, ((self, 1.0), (other, 1.0)))\n"
        "    def __mul__(self, other):\n        other = lift(other)\n"
        "        return Value(self.data * other.data, ((self, other.data), (other, self.data)))\n"
        "    __radd__, __rmul__ = __add__, __mul__\n"
        "    def __neg__(self): return -1 * self\n    def __sub__(self, other): return self + -1 * lift(other)\n"
        "    def __rsub__(self, other): return lift(other) - self\n"
        "    def backward(self):\n        order, done, stack = [], set(), [self]\n        while stack:\n"
        "            v = stack[-1]\n            todo = [u for u, _ in v._prev if u not in done]\n"
        "            if todo: stack += todo[:1]\n            else:\n                stack.pop()\n"
        "                if v not in done: done.add(v); order.append(v)\n"
        "        totals = dict.fromkeys(order, 0.0)\n        totals[self] = 1.0\n        for v in reversed(order):\n"
        "            for u, slope in v._prev: totals[u] += slope * totals[v]\n"
        "        for v in order: v.grad = totals[v] + (0.0 if v._prev else v.grad)\n"
        "def lift(x): return x if isinstance(x, Value) else Value(x)\n"
    ),
}


@pytest.mark.parametrize("name", ALSO_RIGHT)
def test_what_is_right_in_another_way_passes(name):
    assert failed(EXERCISES[name], ALSO_RIGHT[name]) == []
