"""What a class of Values is asked: small programs, right or wrong by glassgrad's own numbers, and why each matters."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

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
        quiet: whether it is left out where it is not there, instead of being listed.
        refusing: whether an exception before backward() is a refusal: "not there".
        raises: whether an exception is the right answer.
        choices: other answers that are no fault, and what to say of them: "cannot tell".
    """

    name: str
    why: str
    trials: tuple[Trial, ...]
    needs: tuple[str, ...] = ()
    quiet: bool = False
    refusing: bool = False
    raises: bool = False
    choices: Mapping[Any, str] = field(default_factory=dict)


CHILDREN: Final = ("_prev", "_children", "children", "inputs", "parents", "_parents", "prev")
"""What classes in the style of micrograd call the operands of a node."""
LISTED: Final = ("relu", "tanh", "exp", "log", "sigmoid")
"""Methods that are listed where they are missing; those with other names of the op table are tried where they are."""
AN_ERROR: Final = "an error"
_UPSTREAM = "the slope of the op is not multiplied by the gradient of its result: the chain rule ends there"
_RULE = "every gradient behind this op is wrong by what its rule gets wrong"


def checks(children: str) -> tuple[Check, ...]:
    """All checks.

    Args:
        children: what the class calls a node's operands; "" if that is not known.
    """
    return (
        Check("a number", "nothing else can begin", (Trial("a = V(3.0)", ("a.data",)),)),
        *_rules(),
        *_operands(),
        *_powers(),
        *_REUSE,
        *_ORDER,
        *_TWICE,
        *_STATE,
        _edges(children),
    )


# -- rules ---------------------------------------------------------------------------------------------------


def _rules() -> Iterator[Check]:
    binary = [("+", "add"), ("*", "mul"), ("-", "sub"), ("/", "truediv")]
    for sign, name in binary:
        yield _rule(f"a {sign} b", [{"a": 2.0, "b": 3.0}, {"a": 0.5, "b": -4.0}], (f"__{name}__",))
    yield _rule("-a", [{"a": 2.0}], ("__neg__",))
    for power in ("2", "3", "-1", "0.5"):
        yield _rule(f"a ** {power}", [{"a": 2.0}, {"a": 4.0}], ("__pow__",))
    for name, op in OPS.items():
        if op.unary and not op.many and name not in ("neg", "pow_const"):
            (low, high) = op.domain[0]
            points = [{"a": x} for x in (2.0, 0.5, -0.5, -1.5) if low <= x <= high]
            yield _rule(f"a.{name}()", points, (name,), quiet=name not in LISTED)
    yield _rule("abs(a)", [{"a": 2.0}, {"a": -2.0}], ("__abs__",), quiet=True)


def _rule(text: str, points: Sequence[Mapping[str, float]], needs: tuple[str, ...], *, quiet: bool = False) -> Check:
    trials = []
    for point in points:
        begin = "; ".join(f"{name} = V({x})" for name, x in point.items())
        asks = ("y.data", *(f"{name}.grad" for name in point))
        trials.append(Trial(f"{begin}; y = {text}; y.backward()", asks))
    begin = "; ".join(f"{name} = V({x})" for name, x in points[0].items())
    over = f"{begin}; c = V(5.0); y = {text}; z = y * c; z.backward()"
    trials.append(Trial(over, tuple(f"{name}.grad" for name in points[0]), _UPSTREAM))
    return Check(text, _RULE, tuple(trials), ("backward", *needs), quiet)


def _operands() -> Iterator[Check]:
    why = "formulas have plain numbers in them, on either side"
    texts = {
        "a + 1": "__add__",
        "1 + a": "__radd__",
        "a * 3": "__mul__",
        "3 * a": "__rmul__",
        "a - 1": "__sub__",
        "2 - a": "__rsub__",
        "a / 4": "__truediv__",
        "1 / a": "__rtruediv__",
        "2 ** a": "__rpow__",
    }
    for text, name in texts.items():
        code = f"a = V(2.0); y = {text}; y.backward()"
        yield Check(text, why, (Trial(code, ("y.data", "a.grad")),), ("backward", name))
    trial = Trial("a = V(2.0); b = V(3.0); y = sum([a, b, a]); y.backward()", ("y.data", "a.grad", "b.grad"))
    yield Check("sum([a, b, a])", "a loss is a sum, and Python's sum() begins with 0 + a", (trial,), ("__radd__",))
    code = "a = V(2.0); b = a; b += a; b *= a; b.backward()"
    why = "after b = a, b += a must not change a: += makes a new node"
    yield Check("b += a", why, (Trial(code, ("a.data", "b.data", "a.grad")),), ("__add__", "__mul__"))


def _powers() -> Iterator[Check]:
    code = "a = V(2.0); b = V(3.0); y = a ** b; y.backward()"
    why = "a Value as exponent has a gradient, too: y · log(a)"
    trial = Trial(code, ("y.data", "a.grad", "b.grad"))
    yield Check("a ** b", why, (trial,), ("__pow__",), refusing=True)
    why = "x² of a difference that is 0 stands in every squared error"
    yield Check(
        "a ** 2 at 0", why, (Trial("a = V(0.0); y = a ** 2; y.backward()", ("y.data", "a.grad")),), ("__pow__",)
    )
    why = "c · a**(c − 1) divides by zero here, and the slope of a constant is 0"
    yield Check(
        "a ** 0 at 0", why, (Trial("a = V(0.0); y = a ** 0; y.backward()", ("y.data", "a.grad")),), ("__pow__",)
    )
    trial = Trial("a = V(-2.0); y = a ** 3; y.backward()", ("y.data", "a.grad"))
    yield Check("a ** 3 below 0", "a whole power of a negative number is real", (trial,), ("__pow__",))
    trial = Trial("a = V(-2.0); y = a ** 0.5", ("y.data",), expected=(AN_ERROR,))
    why = "Python's (-2.0) ** 0.5 is a complex number, and goes on unseen until something else breaks"
    said = {math.nan: "NaN says that there is no real result, too, but not where it comes from"}
    yield Check("a ** 0.5 below 0", why, (trial,), ("__pow__",), raises=True, choices=said)
    code, asks = "a = V(0.0); y = a.relu(); y.backward()", ("y.data", "a.grad")
    said = dict.fromkeys((0.5, 1.0), "relu has a kink at 0: any slope from 0 to 1 is a convention, and most take 0")
    why = "relu has a kink at 0; the usual convention is the slope 0"
    yield Check("relu at 0", why, (Trial(code, asks),), ("relu",), quiet=True, choices=said)


# -- graphs --------------------------------------------------------------------------------------------------

_FORK = "a node that is used twice gets a gradient from each use; they add up (+=), they do not replace each other (=)"
_REUSE: Final = (
    Check(
        "reuse: a + a",
        _FORK,
        (Trial("a = V(3.0); b = a + a; b.backward()", ("a.grad",)),),
        ("__add__", "backward"),
    ),
    Check(
        "reuse: a * a",
        _FORK,
        (Trial("a = V(3.0); b = a * a; b.backward()", ("a.grad",)),),
        ("__mul__", "backward"),
    ),
    Check(
        "reuse: a diamond",
        _FORK,
        (
            Trial("a = V(3.0); b = a + a; c = b + b; c.backward()", ("a.grad", "b.grad")),
            Trial("a = V(2.0); b = V(3.0); c = a * b; d = a + c; d.backward()", ("a.grad", "b.grad")),
        ),
        ("__add__", "__mul__", "backward"),
    ),
    Check(
        "equal numbers",
        "two nodes with the same number are two nodes: an __eq__ that compares numbers merges them in sets",
        (Trial("a = V(2.0); b = V(2.0); c = a * a; d = b * b; e = c + d; e.backward()", ("a.grad", "b.grad")),),
        ("__add__", "__mul__", "backward"),
    ),
)
_LATE = "a node may pass its gradient on only when all its own users have added theirs: that is topological order"
_ORDER: Final = (
    Check(
        "order",
        _LATE,
        (
            Trial("a = V(3.0); b = a * a; c = b * b; d = b + c; d.backward()", ("a.grad", "b.grad")),
            Trial("a = V(3.0); b = a * a; c = b * b; d = c + b; d.backward()", ("a.grad", "b.grad")),
            Trial("a = V(2.0); b = a + a; c = b * a; d = c * b; e = d + c; e.backward()", ("a.grad", "b.grad")),
        ),
        ("__add__", "__mul__", "backward"),
    ),
    Check(
        "a chain of 1000",
        "a sum over a data set is such a chain; recursion over the graph ends at Python's limit of 1000 calls",
        (Trial("a = V(1.0); b = sum([a] * 1000, a); b.backward()", ("a.grad",)),),
        ("__add__", "backward"),
    ),
)
_FRESH = "each backward() began afresh here: that is a choice, but the gradients of two losses do not add up in it"
_STALE = "what an earlier backward() left in the nodes in between was passed on once more"
_TWICE: Final = (
    Check(
        "a second backward()",
        _STALE,
        (Trial("a = V(3.0); b = (a * a) * a; b.backward(); b.backward()", ("a.grad",)),),
        ("__mul__", "backward"),
        choices={27.0: _FRESH},
    ),
    Check(
        "a second backward(), the leaf zeroed",
        f"{_STALE}; zeroing the parameters alone does not help",
        (Trial("a = V(3.0); b = (a * a) * a; b.backward(); a.grad = 0.0; b.backward()", ("a.grad",)),),
        ("__mul__", "backward"),
    ),
    Check(
        "two losses on one leaf",
        "gradients of two losses add up on what they share, as over a batch",
        (Trial("a = V(3.0); b = a * a; b.backward(); c = a + a; c.backward()", ("a.grad",)),),
        ("__mul__", "backward"),
        choices={2.0: _FRESH},
    ),
    Check(
        "two losses on one result",
        _STALE,
        (Trial("a = V(2.0); b = a * a; c = b * a; d = b + a; c.backward(); d.backward()", ("a.grad",)),),
        ("__add__", "__mul__", "backward"),
        choices={5.0: _FRESH},
    ),
)
_STATE: Final = (
    Check(
        "a changed number",
        "the slopes of a graph belong to the numbers that it was computed with, not to later ones",
        (Trial("a = V(2.0); b = a * a; a.data = 5.0; b.backward()", ("a.grad",)),),
        ("__mul__", "backward"),
        raises=True,  # a number that cannot be changed is as good
    ),
    Check(
        "a gradient begins at 0",
        "the first += needs something to add to",
        (Trial("a = V(2.0)", ("a.grad",), expected=(0.0,)),),
        choices={None: "None stands for 'not computed' here, as in PyTorch"},
    ),
    Check(
        "the root's gradient is 1",
        "∂y/∂y = 1 is where the chain rule starts",
        (
            Trial("a = V(2.0); b = a * a; b.backward()", ("b.grad",)),
            Trial("a = V(2.0); a.backward()", ("a.grad",)),
        ),
        ("__mul__", "backward"),
    ),
    Check(
        "repr shows the number",
        "whoever prints a Value wants to see its number",
        (Trial("a = V(3.5); assert '3.5' in repr(a)", ("'3.5' in repr(a)",), expected=(True,)),),
        refusing=True,
    ),
)


def _edges(children: str) -> Check:
    why = "a set keeps x once: a drawing of x * x shows one edge, and which operand of a − b is which is lost"
    asks = (f"len(b.{children})",)
    trial = Trial("a = V(3.0); b = a * a", asks, expected=(2,))
    return Check("x * x has two operands", why, (trial,), ("__mul__",) if children else ("a list of operands",))


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
