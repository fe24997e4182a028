"""Equations that hold to the digits they show: plug the shown numbers in, and the shown result comes out.

Every number begins with four significant digits. Where the equation, calculated with the numbers as they are written,
does not round to the result as it is written, its operands get more digits until it does: so `1 − (−0.999988)²` and
never `1 − (−1)² = 2.458e−05`. The result always has four. All views write an equation with the same digits.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from ..rules.floats import FUNCTIONS, float_function
from ..rules.notation import (
    FEWEST_DIGITS,
    MOST_DIGITS,
    NO_DIGITS,
    Digits,
    call,
    number,
    short,
    spelled,
)
from ..rules.ops import OPS

SHOWN_TERMS: Final = 6
"""A sum of more terms than this is written with its first two and its last, and what the others add up to."""
_SINGLY: Final = 24
"""Up to this many different numbers get their digits one by one, beyond that all get the same."""
_NOTHING: Final[Mapping[str, float]] = MappingProxyType({})
_COMPARISONS: Final[Mapping[type[ast.cmpop], Callable[[float, float], bool]]] = {
    ast.Lt: lambda p, q: p < q,
    ast.LtE: lambda p, q: p <= q,
    ast.Gt: lambda p, q: p > q,
    ast.GtE: lambda p, q: p >= q,
    ast.Eq: lambda p, q: p == q,
    ast.NotEq: lambda p, q: p != q,
}


Claim = tuple[ast.expr, float]
"""A tree, and the number that it is equal to."""


def digits_for(claims: Sequence[Claim], values: Mapping[str, float] = _NOTHING) -> Digits | None:
    """The digits with which every claim holds.

    Args:
        claims: what is shown together: one number has the same digits in all of them.
        values: the exact numbers of the names in them.

    Returns:
        Digits by number, few as they can be; None if the claims do not hold with all digits.

    >>> from glassgrad.engine.rules.notation import plus
    >>> dict(digits_for([(ast.parse("1 - y * 0.5", mode="eval").body, 1.0)], {"y": 0.0}))
    {}
    >>> digits_for([(plus(number(0.12344), number(0.12344)), 0.24688)])[0.12344]
    5
    """
    numbers = list(dict.fromkeys(x for tree, _ in claims for x in _numbers(tree)))
    wanted = [short(result) for _, result in claims]

    def holds(digits: Digits) -> bool:
        rounded = {x: read(spelled(x, digits.get(x, FEWEST_DIGITS))) for x in numbers}
        return all(short(attempt(tree, rounded, values)) == text for (tree, _), text in zip(claims, wanted))

    if holds(NO_DIGITS):
        return NO_DIGITS
    for most in range(FEWEST_DIGITS + 1, MOST_DIGITS + 1):
        digits = dict.fromkeys(numbers, most)
        if holds(digits):
            break
    else:
        return None
    for x in numbers if len(numbers) <= _SINGLY else ():
        for fewer in range(FEWEST_DIGITS, most):
            if spelled(x, fewer) == spelled(x, most) or holds({**digits, x: fewer}):
                digits[x] = fewer
                break
    return digits


class Sum(NamedTuple):
    """A sum as it is shown, and its digits; `digits` is None if it does not come to what it should."""

    tree: ast.expr
    digits: Digits | None


def shown_sum(
    terms: Sequence[ast.expr], result: float, start: ast.expr | None = None, left_out: float | None = None
) -> Sum:
    """A sum as people write it, so that it holds.

    A long one is written without its middle, of which is said what it adds up to; where adding up in another order
    would give another result, it is written out in full, and in the order in which it was added.

    Args:
        terms: what is added up.
        result: what came out, adding from left to right.
        start: what the sum was begun with; it is written last, as in Σwx + b.
        left_out: what the middle adds up to, if that is known.

    >>> from glassgrad.engine.rules.dialect import write
    >>> from glassgrad.engine.rules.notation import Text
    >>> x = number(0.5)
    >>> write(shown_sum([x] * 9, 4.5).tree, Text())[0]
    '0.5 + 0.5 + … 6 more: 3 … + 0.5'
    """
    for parts in _orders(terms, [] if start is None else [start], left_out):
        tree = call("sum", *parts) if parts else number(0.0)
        digits = digits_for([(tree, result)])
        if digits is not None:
            break
    return Sum(tree, digits)


def _orders(terms: Sequence[ast.expr], tail: list[ast.expr], left_out: float | None) -> Iterator[list[ast.expr]]:
    if len(terms) > SHOWN_TERMS:
        if left_out is None:
            left_out = calculate(call("sum", number(0.0), *terms[2:-1]))
        yield without_middle(terms, tail, left_out)
    yield [*terms, *tail]
    yield [*tail, *terms]


def without_middle(terms: Sequence[ast.expr], tail: Sequence[ast.expr], left_out: float | None) -> list[ast.expr]:
    """The terms of a sum, of a long one the ends; `left_out` is what the others add up to, if that is said."""
    if len(terms) <= SHOWN_TERMS:
        return [*terms, *tail]
    total = [] if left_out is None else [number(left_out)]
    count = ast.Name(str(len(terms) - 3))  # a word: it is never rounded
    return [*terms[:2], call("more", count, *total), terms[-1], *tail]


def read(text: str) -> float:
    """The number that a text shows."""
    return float(text.replace("−", "-"))


def calculate(
    tree: ast.expr, rounded: Mapping[float, float] = MappingProxyType({}), values: Mapping[str, float] = _NOTHING
) -> float:
    """What a tree comes to.

    Args:
        tree: see `rules/notation.py`.
        rounded: what to calculate with in place of a number.
        values: the numbers of the names.
    """
    if isinstance(tree, ast.Constant):
        x = tree.value
        assert isinstance(x, (int, float))  # a formula holds no other
        return rounded.get(x, float(x))
    if isinstance(tree, ast.Name):
        return values[tree.id]
    if isinstance(tree, ast.BinOp):
        left, right = calculate(tree.left, rounded, values), calculate(tree.right, rounded, values)
        return _BINARY[type(tree.op)](left, right)
    if isinstance(tree, ast.UnaryOp):
        return -calculate(tree.operand, rounded, values)
    if isinstance(tree, ast.IfExp):
        test = tree.test
        assert isinstance(test, ast.Compare)  # as every choice in a formula
        sides = [calculate(side, rounded, values) for side in (test.left, test.comparators[0])]
        return calculate(tree.body if _COMPARISONS[type(test.ops[0])](*sides) else tree.orelse, rounded, values)
    assert isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name)  # there is nothing else
    if tree.func.id == "more":
        return calculate(tree.args[-1], rounded, values)
    arguments = [calculate(argument, rounded, values) for argument in tree.args]
    if tree.func.id == "sum":
        total = arguments[0]
        for x in arguments[1:]:
            total += x
        return total
    return _function(tree.func.id)(*arguments)


_BINARY: Final[Mapping[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: lambda p, q: p + q,
    ast.Sub: lambda p, q: p - q,
    ast.Mult: lambda p, q: p * q,
    ast.Div: lambda p, q: p / q,
    ast.Pow: math.pow,
}


def _function(name: str) -> Callable[..., float]:
    found: Callable[..., float] = FUNCTIONS[name] if name in FUNCTIONS else float_function(OPS[name])
    return found


def attempt(
    tree: ast.expr, rounded: Mapping[float, float] = MappingProxyType({}), values: Mapping[str, float] = _NOTHING
) -> float:
    """`calculate`, NaN where the numbers leave the domain: those do not give the result."""
    try:
        return calculate(tree, rounded, values)
    except (ArithmeticError, ValueError):
        return math.nan


def _numbers(tree: ast.expr) -> Iterator[float]:
    """The numbers written in a tree."""
    if isinstance(tree, ast.Constant):
        assert isinstance(tree.value, (int, float))  # a formula holds no other
        yield float(tree.value)
    else:
        for child in ast.iter_child_nodes(tree):
            if isinstance(child, ast.expr):
                yield from _numbers(child)
