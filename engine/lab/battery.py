"""What a class of Values is asked: small programs, right or wrong by glassgrad's own numbers, and why each matters."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..core.value import Value
from ..rules.ops import OPS


@dataclass(frozen=True)
class Trial:
    """A program on the class `V`, and what is asked after it.

    Attributes:
        code: statements, by "; ".
        asks: expressions; the first one whose answer is wrong is reported.
        why: why it matters, if that differs from the check's.
        expected: the right answers, where they are not those of glassgrad's own Value.
    """

    code: str
    asks: tuple[str, ...]
    why: str = ""
    expected: tuple[Any, ...] | None = None


@dataclass(frozen=True)
class Check:
    """One thing that is asked of a class.

    Attributes:
        name: what it is about.
        why: why it matters.
        trials: from the smallest program on; the first one that fails is reported.
        needs: attributes that the class must have, else this is "not there".
        after: checks of which none may be wrong, else this one would only say it once more.
        quiet: whether it is left out where it is not there, instead of being listed.
        refusing: whether an exception before backward() is a refusal; if it is, and each trial is refused: "not there".
        raises: whether an exception is the right answer.
        choices: other answers that are no fault, and what to say of them: "cannot tell".
    """

    name: str
    why: str
    trials: tuple[Trial, ...]
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    quiet: bool = False
    refusing: bool = False
    raises: bool = False
    choices: Mapping[Any, str] = field(default_factory=dict)


LISTED: Final = ("relu", "tanh", "exp", "log", "sigmoid")
"""Methods that are listed where they are missing; those with other names of the op table are tried where they are."""
AN_ERROR: Final = "an error"
_UPSTREAM = "the slope of the op is not multiplied by the gradient of its result: the chain rule ends there"
_PAIRS: Final = ({"a": 2.0, "b": 3.0}, {"a": 0.5, "b": -4.0})
_RULE = "every gradient behind this op is wrong by what its rule gets wrong"


def checks() -> tuple[Check, ...]:
    """All checks, but for random graphs."""
    return (
        Check("a number", "nothing else can begin", (Trial("a = V(3.0)", ("a.data",)),)),
        *_rules(),
        *_graphs(),
        *_others(),
        *_operands(),
        *_powers(),
        *_nodes(),
    )


# -- rules ---------------------------------------------------------------------------------------------------


def _rules() -> Iterator[Check]:
    code, asks = "a = V(2.0); b = V(3.0); y = a + b; y.backward()", ("y.data", "a.grad", "b.grad")
    yield Check("a + b", _RULE, (Trial(code, asks),), ("backward", "__add__"))
    yield _rule("a * b", _PAIRS, ("__mul__",))
    code = "a = V(2.0); b = V(3.0); c = V(7.0); y = (a + b) * c; y.backward()"
    yield Check("(a + b) * c", _UPSTREAM, (Trial(code, asks),), ("backward", "__add__", "__mul__"), ("a + b", "a * b"))


def _others() -> Iterator[Check]:
    """Rules that are often made of others: what those get wrong is not said again."""
    yield _rule("-a", [{"a": 2.0}], ("__neg__",), ("a * b",))
    yield _rule("a - b", _PAIRS, ("__sub__",), ("-a", "a + b"))
    for power in ("2", "3", "-1", "0.5"):
        yield _rule(f"a ** {power}", [{"a": 2.0}, {"a": 4.0}], ("__pow__",), ("a ** 2",))
    yield _rule("a / b", _PAIRS, ("__truediv__",), ("a ** -1", "a * b"))
    for name, op in OPS.items():
        if op.unary and hasattr(Value, name):
            low, high = op.domain[0]
            points = [{"a": x} for x in (2.0, 0.5, -0.5, -1.5) if low <= x <= high]
            yield _rule(f"a.{name}()", points, (name,), quiet=name not in LISTED)


def _rule(
    text: str,
    points: Sequence[Mapping[str, float]],
    needs: tuple[str, ...],
    after: tuple[str, ...] = (),
    *,
    quiet: bool = False,
) -> Check:
    trials = []
    for point in points:
        begin = "; ".join(f"{name} = V({x})" for name, x in point.items())
        asks = ("y.data", *(f"{name}.grad" for name in point))
        trials.append(Trial(f"{begin}; y = {text}; y.backward()", asks))
    begin = "; ".join(f"{name} = V({x})" for name, x in points[0].items())
    over = f"{begin}; c = V(7.0); y = {text}; z = y * c; z.backward()"
    trials.append(Trial(over, tuple(f"{name}.grad" for name in points[0]), _UPSTREAM))
    return Check(text, _RULE, tuple(trials), ("backward", *needs), tuple(one for one in after if one != text), quiet)


def _operands() -> Iterator[Check]:
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
        "2 ** a": ("__rpow__", "a ** 2"),
    }
    for text, (name, before) in texts.items():
        trial = Trial(f"a = V(2.0); y = {text}; y.backward()", ("y.data", "a.grad"))
        yield Check(text, why, (trial,), ("backward", name), (before,))
    trial = Trial("a = V(2.0); b = V(3.0); y = sum([a, b, a]); y.backward()", ("y.data", "a.grad", "b.grad"))
    why = "a loss is a sum, and Python's sum() begins with 0 + a"
    yield Check("sum([a, b, a])", why, (trial,), ("backward", "__radd__"), ("1 + a", _FORKS[0]))
    trial = Trial("a = V(2.0); b = a; b += a; b *= a; b.backward()", ("a.data", "b.data", "a.grad"))
    why = "after b = a, b += a must not change a: += makes a new node"
    yield Check("b += a", why, (trial,), ("backward", "__add__", "__mul__"), ("a + b", "a * b", *_FORKS))


def _powers() -> Iterator[Check]:
    code, asks, needs = "a = V({}); y = a ** {}; y.backward()", ("y.data", "a.grad"), ("backward", "__pow__")
    trial = Trial("a = V(2.0); b = V(3.0); y = a ** b; y.backward()", (*asks, "b.grad"))
    yield Check("a ** b", "a Value as exponent has a gradient, too: y · log(a)", (trial,), needs, refusing=True)
    why = "x² of a difference that is 0 stands in every squared error"
    yield Check("a ** 2 at 0", why, (Trial(code.format("0.0", "2"), asks),), needs, ("a ** 2",))
    why = "c · a**(c − 1) divides by zero here, and the slope of a constant is 0"
    yield Check("a ** 0 at 0", why, (Trial(code.format("0.0", "0"), asks),), needs, ("a ** 2",))
    why = "a whole power of a negative number is real"
    yield Check("a ** 3 below 0", why, (Trial(code.format("-2.0", "3"), asks),), needs, ("a ** 3",))
    why = "Python's (-2.0) ** 0.5 is a complex number, and goes on unseen until something else breaks"
    said: dict[Any, str] = {math.nan: "NaN says that there is no real result, too, but not where it comes from"}
    trial = Trial("a = V(-2.0); y = a ** 0.5", ("y.data",), expected=(AN_ERROR,))
    yield Check("a ** 0.5 below 0", why, (trial,), needs, raises=True, choices=said)
    said = dict.fromkeys((0.5, 1.0), "relu has a kink at 0: any slope from 0 to 1 is a convention, and most take 0")
    why = "relu has a kink at 0; the usual convention is the slope 0"
    trial = Trial("a = V(0.0); y = a.relu(); y.backward()", asks)
    yield Check("relu at 0", why, (trial,), ("backward", "relu"), ("a.relu()",), quiet=True, choices=said)


# -- graphs --------------------------------------------------------------------------------------------------

_FORK = "a node that is used twice gets a gradient from each use; they add up (+=), they do not replace each other (=)"
_LATE = "a node may pass its gradient on only when all its own users have added theirs: that is topological order"
_FRESH = "each backward() began afresh here: that is a choice, but the gradients of two losses do not add up in it"
_STALE = "what an earlier backward() left in the nodes in between was passed on once more"
_FORKS = ("reuse: a + a", "reuse: a * a")


def _graphs() -> Iterator[Check]:
    yield _graph(_FORKS[0], _FORK, ("a = V(3.0); b = a + a; b.backward()", "a.grad"))
    yield _graph(_FORKS[1], _FORK, ("a = V(3.0); b = a * a; b.backward()", "a.grad"))
    yield _graph(
        "reuse: a diamond",
        _FORK,
        ("a = V(3.0); b = a + a; c = b + b; c.backward()", "a.grad b.grad"),
        ("a = V(2.0); b = V(3.0); c = a * b; d = a + c; d.backward()", "a.grad b.grad"),
        after=_FORKS,
    )
    yield _graph(
        "equal numbers",
        "two nodes with the same number are two nodes: an __eq__ that compares numbers merges them in sets",
        ("a = V(2.0); b = V(2.0); c = a * a; d = b * b; e = c + d; e.backward()", "a.grad b.grad"),
        after=_FORKS,
    )
    yield _graph(
        "order",
        _LATE,
        ("a = V(3.0); b = a * a; c = b * b; d = b + c; d.backward()", "a.grad b.grad"),
        ("a = V(3.0); b = a * a; c = b * b; d = c + b; d.backward()", "a.grad b.grad"),
        ("a = V(2.0); b = a + a; c = b * a; d = c * b; e = d + c; e.backward()", "a.grad b.grad"),
        after=("reuse: a diamond", "equal numbers"),
    )
    yield _graph(
        "a chain of 1000",
        "a sum over a data set is such a chain; recursion over the graph ends at Python's limit of 1000 calls",
        ("a = V(1.0); b = sum([a] * 1000, a); b.backward()", "a.grad"),
        after=_FORKS[:1],
        needs=("__add__",),
    )
    yield _graph(
        "a second backward()",
        _STALE,
        ("a = V(3.0); b = (a * a) * a; b.backward(); b.backward()", "a.grad"),
        after=(*_FORKS, "order"),
        choices={27.0: _FRESH},
    )
    yield _graph(
        "a second backward(), the leaf zeroed",
        f"{_STALE}; zeroing the parameters alone does not help",
        ("a = V(3.0); b = (a * a) * a; b.backward(); a.grad = 0.0; b.backward()", "a.grad"),
        after=(*_FORKS, "order"),
    )
    yield _graph(
        "two losses on one leaf",
        "gradients of two losses add up on what they share, as over a batch",
        ("a = V(3.0); b = a * a; b.backward(); c = a + a; c.backward()", "a.grad"),
        after=_FORKS,
        choices={2.0: _FRESH},
    )
    yield _graph(
        "two losses on one result",
        _STALE,
        ("a = V(2.0); b = a * a; c = b * a; d = b + a; c.backward(); d.backward()", "a.grad"),
        after=(*_FORKS, "order", "two losses on one leaf"),
        choices={5.0: _FRESH},
    )
    yield _graph(
        "a changed number",
        "the slopes of a graph belong to the numbers that it was computed with, not to later ones",
        ("a = V(2.0); b = a * a; a.data = 5.0; b.backward()", "a.grad"),
        after=_FORKS,
        raises=True,  # a number that cannot be changed is as good
    )
    yield _graph(
        "the root's gradient is 1",
        "∂y/∂y = 1 is where the chain rule starts",
        ("a = V(2.0); b = a * a; b.backward()", "b.grad"),
        ("a = V(2.0); a.backward()", "a.grad"),
    )


def _graph(name: str, why: str, *programs: tuple[str, str], **more: Any) -> Check:
    """A check of programs and of what is asked after each; the ops that they need are read from them."""
    code = "".join(program for program, _ in programs)
    ops = [(sign, f"__{op}__", f"a {sign} b") for sign, op in (("+", "add"), ("*", "mul")) if f" {sign} " in code]
    needs = ("backward", *more.pop("needs", [op for _, op, _ in ops]))
    after = (*(text for _, op, text in ops if op in needs), "(a + b) * c", *more.pop("after", ()))
    trials = tuple(Trial(program, tuple(asks.split())) for program, asks in programs)
    return Check(name, why, trials, needs, after=after, **more)


def _nodes() -> Iterator[Check]:
    said = {None: "None stands for 'not computed' here, as in PyTorch"}
    trial = Trial("a = V(2.0)", ("a.grad",), expected=(0.0,))
    yield Check("a gradient begins at 0", "the first += needs something to add to", (trial,), choices=said)
    why = "a set keeps x once: a drawing of x * x shows one edge, and which operand of a − b is which is lost"
    names = ("inputs", "children", "_children", "parents", "_prev")
    trials = tuple(Trial("a = V(3.0); b = a * a", (f"len(b.{name})",), expected=(2,)) for name in names)
    yield Check("x * x has two operands", why, trials, ("__mul__",), refusing=True)
    why = "whoever prints a Value wants to see its number"
    trial = Trial("a = V(3.5); assert '3.5' in repr(a)", ("'3.5' in repr(a)",), expected=(True,))
    yield Check("repr shows the number", why, (trial,), refusing=True)


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
    return Check("random graphs", "all of it together", tuple(trials), ("backward",))
