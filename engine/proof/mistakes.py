"""Which mistake gives a wrong slope: a kind and a sentence, and only where the numbers say so."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations_with_replacement
from typing import Any, Final, NamedTuple

from ..rules.floats import float_function
from ..rules.op import Op
from ..rules.ops import OPS
from .slope_witness import UNDEFINED, witness

SAME: Final = 1e-9
_PROBES: Final = 7
"""At so many points of its domain a rule of the table is tried, once it is known to be wrong at one."""
_CONSTANTS: Final = ((math.log(2.0), "log(2)"), (math.log(10.0), "log(10)"), (math.pi, "π"), (3.0, "3"))
_INVERSE: Final = "1/"
NO_KNOWN: Final = "no known mistake gives this number"


class Sample(NamedTuple):
    """A slope at one point.

    Attributes:
        numbers: the operands by input name, of a list the element that counts.
        y: the result.
        expected: what the slope should be.
        found: what it is.
    """

    numbers: Mapping[str, float]
    y: float
    expected: float
    found: float


class Mistake(NamedTuple):
    """A kind of mistake, such as `"sign"`, and what it is, in words."""

    kind: str
    sentence: str


def samples(op: Op, part: int, recorded: Sequence[Sample]) -> list[Sample]:
    """The recorded points, and others in the op's domain if it is the rule of the table that is wrong."""
    rule = float_function(op, part)
    if not all(same(_value(partial(rule, y=s.y), *s.numbers.values()), s.found) for s in recorded):
        return list(recorded)
    draw = random.Random(0)  # noqa: S311  # no secret
    found = list(recorded)
    for _ in range(_PROBES):
        numbers = {n: draw.uniform(low, high) for n, (low, high) in zip(op.names, op.domain)}
        operands = list(numbers.values())
        given = [[x] if n in op.many else x for n, x in numbers.items()]
        try:
            y = float_function(op)(*given)
            slope = witness(op, operands, part)
            if slope.known and not slope.kink:
                found.append(Sample(numbers, y, slope.left, rule(**numbers, y=y)))
        except UNDEFINED:
            continue
    return found


def mistakes(op: Op, part: int, recorded: Sequence[Sample], names: Mapping[str, str]) -> list[Mistake]:
    """The mistakes that give what was found, at every point, the likeliest first.

    Args:
        op: the op whose rule is wrong.
        part: the input whose slope it is.
        recorded: where it was seen.
        names: what to call the inputs, and the result `y`.
    """
    points = samples(op, part, recorded)
    kinds: dict[str, Mistake] = {}
    for mistake in _candidates(op, part, points, names):
        kinds.setdefault(mistake.kind, mistake)
    return list(kinds.values())


def plain_mistake(expected: float, found: float) -> Mistake | None:
    """A mistake that two numbers tell by themselves."""
    if found == 0.0 and expected != 0.0:
        return Mistake("lost", "no gradient is passed on")
    ratio = found / expected if expected else math.nan
    for factor, kind, sentence in (
        (-1.0, "sign", "its sign is turned round"),
        (2.0, "factor", "it is twice as large as it should be"),
        (0.5, "factor", "it is half as large as it should be"),
        (-2.0, "factor", "its sign is turned round, and it is twice as large as it should be"),
    ):
        if same(ratio, factor):
            return Mistake(kind, sentence)
    return None


def same(a: float, b: float) -> bool:
    """Whether two numbers are one, to rounding."""
    return a == b or math.isclose(a, b, rel_tol=SAME)


def _value(function: Callable[..., float], *operands: Any) -> float:
    """NaN where it is undefined."""
    try:
        return function(*operands)
    except UNDEFINED:
        return math.nan


def _candidates(op: Op, part: int, points: Sequence[Sample], names: Mapping[str, str]) -> Iterator[Mistake]:
    points = [s for s in points if s.expected or s.found]
    plain = [plain_mistake(s.expected, s.found) for s in points]
    if plain and plain[0] and all(one and one.sentence == plain[0].sentence for one in plain):
        yield plain[0]
    ratios = [s.expected / s.found if s.found else math.nan for s in points]
    steady = all(same(r, ratios[0]) for r in ratios)
    if steady and (len(points) > 1 or abs(ratios[0] - 1.0) < 0.01):
        yield from _constant_factor(ratios[0])
    yield from _exchanged(op, part, points, names)
    if all(same(s.found, s.y) for s in points):
        yield Mistake("another function", f"it is {op.name} itself, not its slope")
    if all(s.found == 1.0 for s in points):
        yield Mistake("missing factor", "the upstream gradient is passed on as it is, without the op's own slope")
    products = _products(op, points, names)
    sought = products if not steady or len(points) == 1 else []
    yield from _missing(points, [p for p in sought if p[0].count(" · ") < 2])
    yield from _of_another(op, part, points)
    yield from _missing(points, sought)


def _constant_factor(missing: float) -> Iterator[Mistake]:
    """What is to be said where the same number is missing as a factor everywhere."""
    for value, name in _CONSTANTS:
        for number, text in ((value, name), (1.0 / value, f"1/{name}")):
            if same(abs(missing), number):
                sign = "−" if missing < 0 else ""
                yield Mistake("missing factor", f"the factor {sign}{text} = {missing:.6g} is missing")
                return
    size = 1.0 / missing
    if not same(abs(size), 1.0):
        share = size - 1.0
        percent = f", {abs(share) * 100:.3g} % too {'large' if share > 0 else 'small'}" if abs(share) < 0.5 else ""
        yield Mistake("factor", f"it is {size:.6g} times what it should be{percent}")


def _exchanged(op: Op, part: int, points: Sequence[Sample], names: Mapping[str, str]) -> Iterator[Mistake]:
    """The slope of another operand, or its own with the operands exchanged."""
    if len(op.names) < 2:
        return
    for other in range(len(op.names)):
        for turned in (False, True):
            if (other == part and not turned) or op.inputs[other].constant or (turned and len(op.names) != 2):
                continue
            if all(same(_slope_at(op, other, s.numbers, turned), s.found) for s in points):
                yield Mistake(
                    "operands swapped",
                    f"{names[op.names[0]]} and {names[op.names[1]]} are exchanged in it"
                    if turned
                    else f"it is the slope of the other operand, {names[op.names[other]]}",
                )
                return


def _slope_at(op: Op, part: int, numbers: Mapping[str, float], turned: bool) -> float:
    at = list(numbers.values())
    slope = witness(op, at[::-1] if turned else at, part)
    return slope.left if slope.known else math.nan


def _products(op: Op, points: Sequence[Sample], names: Mapping[str, str]) -> list[tuple[str, list[float]]]:
    """Small products of what slopes are made of: text, and number at each point."""
    a, y = op.names[0], names["y"]
    text = names[a]
    atoms: list[tuple[str, list[float]]] = []

    def add(text: str, value: Callable[[Sample], float]) -> None:
        at = [_value(value, s) for s in points]
        atoms.extend([(text, at), (_INVERSE + text, [1.0 / x if x else math.nan for x in at])])

    for name in op.names:
        add(names[name], _operand(name))
    add(y, lambda s: s.y)
    if len(op.names) == 1 or op.inputs[1].constant:
        add(f"(1 + {text})", lambda s: 1 + s.numbers[a])
        add(f"(1 − {text})", lambda s: 1 - s.numbers[a])
        add(f"(1 + {text}²)", lambda s: 1 + s.numbers[a] ** 2)
        add(f"√(1 + {text})", lambda s: math.sqrt(1 + s.numbers[a]))
    else:
        add(f"log({text})", lambda s: math.log(s.numbers[a]))
    found = {_size([1.0] * len(points)): ("1", [1.0] * len(points))}
    for count in (1, 2, 3):
        for some in combinations_with_replacement(atoms, count):
            at = [math.prod(xs) for xs in zip(*(numbers for _, numbers in some))]
            if all(map(math.isfinite, at)):  # what is a shorter one, written otherwise, says nothing
                found.setdefault(_size(at), (" · ".join(text for text, _ in some), at))
    return list(found.values())


def _size(numbers: Sequence[float]) -> tuple[str, ...]:
    return tuple(f"{abs(x):.9e}" for x in numbers)


def _operand(name: str) -> Callable[[Sample], float]:
    return lambda s: s.numbers[name]


def _missing(points: Sequence[Sample], products: Sequence[tuple[str, list[float]]]) -> Iterator[Mistake]:
    """A factor, or a term, that would make it right: a product of atoms, times a number that is the same everywhere."""
    factors = [s.expected / s.found if s.found else math.nan for s in points]
    terms = [s.expected - s.found for s in points]
    for kind, wanted, word in (("missing factor", factors, "factor"), ("missing term", terms, "term")):
        for text, at in products:
            if kind == "missing factor" and text == "1":
                continue
            numbers = [w / x if x else math.nan for w, x in zip(wanted, at)]
            one = numbers[0]
            if (
                one
                and all(same(x, one) for x in numbers)
                and (same(12 * one, round(12 * one)) if len(points) > 2 else abs(one) in (0.5, 1.0, 2.0))
            ):
                yield Mistake(kind, f"the {word} {_times(one, text)} is missing")
                break


def _times(number: float, text: str) -> str:
    sign = "−" if number < 0 else ""
    size = f"{abs(number):.6g}"
    return sign + (size if text == "1" else text if same(abs(number), 1.0) else f"{size} · {text}")


def _of_another(op: Op, part: int, points: Sequence[Sample]) -> Iterator[Mistake]:
    """The slope, or the value, of another function of the table."""
    for name, other in OPS.items():
        if other.many or len(other.names) != len(op.names) or other is op:
            continue
        if all(same(_value(float_function(other), *s.numbers.values()), s.found) for s in points):
            yield Mistake("another function", f"it is {name} itself, not a slope")
        if other.slopes[part] is not None and all(same(_slope_of(other, part, s), s.found) for s in points):
            yield Mistake("another function", f"it is the slope of {name}")


def _slope_of(op: Op, part: int, at: Sample) -> float:
    y = _value(float_function(op), *at.numbers.values())
    return _value(partial(float_function(op, part), y=y), *at.numbers.values())
