"""What a class of Values is asked: small programs, right or wrong by glassgrad's own numbers, and why each matters.

The order matters: a check comes after those that it builds on, so that a fault is reported once, where it is.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..core.value import Value
from ..rules.ops import OPS

BASICS: Final = "basics"
FUNCTIONS: Final = "functions"
FINER: Final = "finer points"


@dataclass(frozen=True)
class Trial:
    """A program on the class `V`, and what is asked after it.

    Attributes:
        code: statements, by "; ".
        asks: expressions; the first one whose answer is wrong is reported.
        expected: the right answers, where they are not those of glassgrad's own Value.
        shown_by: wrong answers that show this fault, if others show another.
        deep: whether it is left out where the chain rule is not right, which is reported by itself.
    """

    code: str
    asks: tuple[str, ...]
    expected: tuple[Any, ...] | None = None
    shown_by: tuple[float, ...] = ()
    deep: bool = False


@dataclass(frozen=True)
class Check:
    """One thing that is asked of a class.

    Attributes:
        name: what it is about.
        why: what is right, and why it matters: true whatever the wrong answer is.
        trials: from the smallest program on; the first one that fails is reported.
        group: BASICS, FUNCTIONS or FINER.
        needs: attributes that the class must have, else this is "not there".
        after: checks that this one builds on: where one of them is not right, a wrong answer here shows nothing new.
        quiet: whether it is left out where it is not there, instead of being listed.
        refusing: whether an exception before backward() is a refusal, and one trial that is not refused is enough; if
            each is refused: "not there".
        raises: whether an exception is the right answer.
        choices: other answers that are no fault, and what to say of them: "a choice".
    """

    name: str
    why: str
    trials: tuple[Trial, ...]
    group: str = BASICS
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    quiet: bool = False
    refusing: bool = False
    raises: bool = False
    choices: Mapping[Any, str] = field(default_factory=dict)


ROOT: Final = "backward() begins with 1"
CHAIN: Final = "the chain rule"
ORDER: Final = "order: all users first"
RANDOM: Final = "random graphs"
EVERYDAY: Final = ("a + b", "a * b", "a - b", "a.tanh()", "a.relu()")
"""What random graphs are made of, as far as it is right."""
LISTED: Final = ("relu", "tanh", "exp", "log", "sigmoid")
"""Methods that are listed where they are missing; those with other names of the op table are tried where they are."""
AN_ERROR: Final = "an error"
_BACK: Final = "order: from the result back"
_FORKS: Final = ("reuse: a + a", "reuse: a * a")
_BUILT: Final = ("a + b", "a * b", _BACK, CHAIN, *_FORKS, ORDER)
"""What an op builds on that a class may have made of others."""
_PAIRS: Final = ({"a": 2.0, "b": 3.0}, {"a": 0.5, "b": -4.0})
_RULE = "whatever lies behind this op gets its gradient from this rule"
_FORK = "a node that is used twice gets a gradient from each use; they add up (+=), they do not replace each other (=)"
_FRESH = "each backward() began afresh here: that is a choice, but the gradients of two losses do not add up in it"
_STALE = "each backward() passes on its own gradients: what an earlier one left in the nodes in between is not counted"


def checks() -> tuple[Check, ...]:
    """All checks, but for random graphs."""
    return (*_rules(), *_graphs(), *_arithmetic(), *_functions(), *_again(), *_powers(), *_nodes())


def basics() -> int:
    """How many things the basics are: its checks, random graphs, and the functions together."""
    return sum(check.group == BASICS for check in checks()) + 2


# -- basics --------------------------------------------------------------------------------------------------


def _rules() -> Iterator[Check]:
    yield Check("a number", "nothing else can begin", (Trial("a = V(3.0)", ("a.data",)),))
    said = {None: "None stands for 'not computed' here, as in PyTorch"}
    why = "the first += needs something to add to"
    yield Check("a gradient begins at 0", why, (Trial("a = V(2.0)", ("a.grad",), (0.0,)),), choices=said)
    trials = tuple(Trial(f"a = V(2.0); b = V(3.0); c = a {op} b; c.backward()", ("c.grad",)) for op in "+*")
    why = "∂c/∂c = 1: there the chain rule starts"
    yield Check(ROOT, why, trials, needs=("backward", "__add__"), refusing=True)  # an op's error is reported with it
    yield _rule("a + b", _PAIRS[:1], ("__add__",), ())
    yield _rule("a * b", _PAIRS, ("__mul__",), ())


def _graphs() -> Iterator[Check]:
    sums = "a = V(2.0); b = V(3.0); c = V(7.0); d = (a + b) * c; d.backward()"
    products = "a = V(2.0); b = V(3.0); c = V(7.0); d = (a * b) * c; d.backward()"
    why = (
        "the gradients go from the result back to the leaves: a node passes on what it has got, so its users come first"
    )
    trials = tuple(Trial(code, ("a.grad", "b.grad"), shown_by=(0.0,)) for code in (sums, products))
    needs, ops = ("backward", "__add__", "__mul__"), ("a + b", "a * b")
    yield Check(_BACK, why, trials, needs=needs, after=(ROOT, *ops))
    why = "a slope is multiplied by the gradient of the op's result, or the chain rule ends there"
    yield _graph(CHAIN, why, (sums, "a.grad b.grad"), (products, "a.grad b.grad"), after=(_BACK,))
    yield _graph(_FORKS[0], _FORK, ("a = V(3.0); b = a + a; b.backward()", "a.grad"), after=())
    yield _graph(_FORKS[1], _FORK, ("a = V(3.0); b = a * a; b.backward()", "a.grad"), after=_FORKS[:1])
    yield _graph(
        "reuse: near and far",
        _FORK,
        ("a = V(2.0); b = V(3.0); c = a * b; d = a + c; d.backward()", "a.grad b.grad"),
        after=(_BACK, CHAIN, *_FORKS),
    )
    yield _graph(
        "equal numbers",
        "two nodes with the same number are two nodes: an __eq__ that compares numbers merges them in sets",
        ("a = V(2.0); b = V(2.0); c = a * a; d = b * b; e = c + d; e.backward()", "a.grad b.grad"),
        after=(_BACK, CHAIN, *_FORKS),
    )
    yield _graph(
        ORDER,
        "a node may pass its gradient on only when all its own users have added theirs: that is topological order",
        ("a = V(3.0); b = a + a; c = b + b; c.backward()", "a.grad b.grad"),
        ("a = V(3.0); b = a * a; c = b * b; d = b + c; d.backward()", "a.grad b.grad"),
        ("a = V(3.0); b = a * a; c = b * b; d = c + b; d.backward()", "a.grad b.grad"),
        ("a = V(2.0); b = a + a; c = b * a; d = c * b; e = d + c; e.backward()", "a.grad b.grad"),
        after=(_BACK, CHAIN, *_FORKS, "reuse: near and far", "equal numbers"),
    )
    yield _graph(
        "two losses on one leaf",
        "gradients of two losses add up on what they share, as over a batch",
        ("a = V(3.0); b = a * a; b.backward(); c = a + a; c.backward()", "a.grad"),
        after=_FORKS,
        choices={2.0: _FRESH},
    )


def _arithmetic() -> Iterator[Check]:
    """Ops that are often made of others: what those get wrong is not said again."""
    yield _rule("-a", [{"a": 2.0}], ("__neg__",))
    yield _rule("a - b", _PAIRS, ("__sub__",), (*_BUILT, "-a"))
    for power in ("2", "3", "-1", "0.5"):
        yield _rule(f"a ** {power}", [{"a": 2.0}, {"a": 4.0}], ("__pow__",), (*_BUILT, "a ** 2"))
    yield _rule("a / b", _PAIRS, ("__truediv__",), (*_BUILT, "a ** -1"))
    why = "formulas have plain numbers in them, on either side"
    texts = {
        "a + 1": ("__add__", "a + b"),
        "1 + a": ("__radd__", "a + 1"),
        "a * 3": ("__mul__", "a * b"),
        "3 * a": ("__rmul__", "a * 3"),
        "a - 1": ("__sub__", "a - b"),
        "2 - a": ("__rsub__", "a - b"),
        "a / 4": ("__truediv__", "a / b"),
        "1 / a": ("__rtruediv__", "a / b"),
    }
    for text, (name, before) in texts.items():
        trial = Trial(f"a = V(2.0); y = {text}; y.backward()", ("y.data", "a.grad"))
        yield Check(text, why, (trial,), needs=("backward", name), after=(ROOT, *_BUILT, before), refusing=True)
    program = ("a = V(2.0); b = V(3.0); c = sum([a, b, a]); c.backward()", "c.data a.grad b.grad")
    why = "a loss is a sum, and Python's sum() begins with 0 + a"
    yield _graph("sum([a, b, a])", why, program, needs=["__radd__"], after=(*_BUILT, "1 + a"), refusing=True)


def _functions() -> Iterator[Check]:
    for name, op in OPS.items():
        if op.unary and hasattr(Value, name):
            low, high = op.domain[0]
            points = [{"a": x} for x in (2.0, 0.5, -0.5, -1.5) if low <= x <= high]
            yield _rule(f"a.{name}()", points, (name,), group=FUNCTIONS, quiet=name not in LISTED)


def _rule(
    text: str,
    points: Sequence[Mapping[str, float]],
    needs: tuple[str, ...],
    after: tuple[str, ...] = _BUILT,
    **more: Any,
) -> Check:
    """A check of a rule, by itself at some points, and with another gradient than 1 at its result."""
    begins = ["; ".join(f"{name} = V({x})" for name, x in point.items()) for point in points]
    grads = tuple(f"{name}.grad" for name in points[0])
    trials = [Trial(f"{begin}; y = {text}; y.backward()", ("y.data", *grads)) for begin in begins]
    if after:
        trials.append(Trial(f"{begins[0]}; c = V(7.0); y = {text}; z = y * c; z.backward()", grads, deep=True))
    before = (ROOT, *(one for one in after if one != text))
    return Check(text, _RULE, tuple(trials), needs=("backward", *needs), after=before, **more)


def _graph(name: str, why: str, *programs: tuple[str, str], after: tuple[str, ...], **more: Any) -> Check:
    """A check of programs and of what is asked after each; the ops that they need are read from them."""
    code = "".join(program for program, _ in programs)
    ops = [(sign, f"__{op}__", f"a {sign} b") for sign, op in (("+", "add"), ("*", "mul")) if f" {sign} " in code]
    needs = ("backward", *more.pop("needs", [op for _, op, _ in ops]))
    before = (ROOT, *(text for *_, text in ops), *after)
    trials = tuple(Trial(program, tuple(asks.split())) for program, asks in programs)
    return Check(name, why, trials, needs=needs, after=before, **more)


# -- finer points --------------------------------------------------------------------------------------------


def _again() -> Iterator[Check]:
    yield _graph(
        "a chain of 1000",
        "a sum over a data set is such a chain; recursion over the graph ends at Python's limit of 1000 calls",
        ("a = V(1.0); b = sum([a] * 1000, a); b.backward()", "a.grad"),
        group=FINER,
        needs=["__add__"],
        after=("a + b", *_BUILT),
    )
    second = "a = V(3.0); b = (a * a) * a; b.backward(); {}b.backward()"
    for name, between, choices in (
        ("a second backward()", "", {27.0: _FRESH}),
        ("a second backward(), the leaf zeroed", "a.grad = 0.0; ", {}),
    ):
        program = (second.format(between), "a.grad")
        yield _graph(name, _STALE, program, group=FINER, after=_BUILT, choices=choices)
    yield _graph(
        "two losses on one result",
        _STALE,
        ("a = V(2.0); b = a * a; c = b * a; d = b + a; c.backward(); d.backward()", "a.grad"),
        group=FINER,
        after=(*_BUILT, "two losses on one leaf"),
        choices={5.0: _FRESH},
    )
    yield _graph(
        "a changed number",
        "the slopes of a graph belong to the numbers that it was computed with, not to later ones",
        ("a = V(2.0); b = a * a; a.data = 5.0; b.backward()", "a.grad"),
        group=FINER,
        after=_FORKS,
        raises=True,  # a number that cannot be changed is as good
    )
    why = "a leaf is a result, too, if the smallest: ∂a/∂a = 1"
    yield _graph("backward() of a leaf", why, ("a = V(2.0); a.backward()", "a.grad"), group=FINER, after=())
    why = "after b = a, b += a must not change a: += makes a new node"
    program = ("a = V(2.0); b = a; b += a; b *= a; b.backward()", "a.data b.data a.grad")
    yield _graph("b += a", why, program, group=FINER, needs=["__add__", "__mul__"], after=("a + b", "a * b", *_BUILT))


def _powers() -> Iterator[Check]:
    asks = ("y.data", "a.grad")

    def power(name: str, why: str, code: str, before: str = "a ** 2", **more: Any) -> Check:
        trial = more.pop("trial", Trial(f"{code}; y.backward()", asks))
        needs = more.pop("needs", ("backward", "__pow__"))
        return Check(name, why, (trial,), FINER, needs, (ROOT, *_BUILT, before), **more)

    why = "a Value as exponent has a gradient, too: y · log(a)"
    trial = Trial("a = V(2.0); b = V(3.0); y = a ** b; y.backward()", (*asks, "b.grad"))
    yield power("a ** b", why, "", trial=trial, refusing=True)
    yield power("2 ** a", why, "a = V(2.0); y = 2 ** a", needs=("backward", "__rpow__"))
    yield power("a ** 2 at 0", "x² of a difference that is 0 stands in every squared error", "a = V(0.0); y = a ** 2")
    why = "a ** 0 is the constant 1, whose slope is 0; c · a**(c − 1) would divide by zero here"
    yield power("a ** 0 at 0", why, "a = V(0.0); y = a ** 0")
    yield power("a ** 3 below 0", "a whole power of a negative number is real", "a = V(-2.0); y = a ** 3", "a ** 3")
    why = "Python's (-2.0) ** 0.5 is a complex number, and goes on unseen until something else breaks"
    said: dict[Any, str] = {math.nan: "NaN says that there is no real result, too, but not where it comes from"}
    trial = Trial("a = V(-2.0); y = a ** 0.5", ("y.data",), expected=(AN_ERROR,))
    yield power("a ** 0.5 below 0", why, "", trial=trial, raises=True, choices=said)
    said = dict.fromkeys((0.5, 1.0), "relu has a kink at 0: any slope from 0 to 1 is a convention, and most take 0")
    why = "relu has a kink at 0; the usual convention is the slope 0"
    needs = ("backward", "relu")
    yield power("relu at 0", why, "a = V(0.0); y = a.relu()", "a.relu()", needs=needs, choices=said)


def _nodes() -> Iterator[Check]:
    why = "a set keeps x once: a drawing of x * x shows one edge, and which operand of a − b is which is lost"
    names = ("inputs", "children", "_children", "parents", "_prev")
    trials = tuple(Trial("a = V(3.0); b = a * a", (f"len(b.{name})",), expected=(2,)) for name in names)
    yield Check("x * x has two operands", why, trials, FINER, ("__mul__",), ("a number", "a * b"), refusing=True)
    why = "whoever prints a Value wants to see its number"
    trial = Trial("a = V(3.5); assert '3.5' in repr(a)", ("'3.5' in repr(a)",), expected=(True,))
    yield Check("repr shows the number", why, (trial,), FINER, refusing=True)


def random_programs(ops: Sequence[str], count: int = 20, seed: int = 0) -> Check:
    """Random graphs, from small to large.

    Args:
        ops: texts of the ops to use, of `a` and `b`, such as "a * b" and "a.tanh()".
    """
    rng, trials = random.Random(seed), []  # noqa: S311  # no secret
    for size in range(count):
        names, lines = ["a", "b"], ["a = V(0.75)", "b = V(-0.5)"]
        for k in range(2 + size // 4):
            one, other = rng.choice(names[-3:]), rng.choice(names)
            text = rng.choice(ops).replace("a.", f"{one}.").replace("a ", f"{one} ").replace(" b", f" {other}")
            lines.append(f"v{k} = {text}")
            names.append(f"v{k}")
        code = "; ".join([*lines, f"y = {names[-1]} + {names[-2]}", "y.backward()"])
        trials.append(Trial(code, ("y.data", "a.grad", "b.grad")))
    return Check(RANDOM, "all of it together", tuple(trials), needs=("backward", "__add__"), after=(ROOT, *_BUILT))
