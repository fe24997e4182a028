"""What an entry of the op table is, and the checks that it passes before it may enter."""

from __future__ import annotations

import ast
import keyword
import math
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..errors import OpError
from .formula import GENERATED, PRIMITIVES, RESULT, Formula, checked, may_name, parse

Interval = tuple[float, float]
CONSTANT = "constant"
"""Stands in place of a slope: this input is always a plain number and takes no gradient."""


class Input(NamedTuple):
    """One input of an op.

    Attributes:
        name: what formulas call it.
        many: whether it takes any number of values, as a list.
        default: its number where none is given; None if one must be given.
        constant: whether it is always a plain number: it takes no gradient.
    """

    name: str
    many: bool = False
    default: float | None = None
    constant: bool = False

    def __str__(self) -> str:
        return f"{'*' * self.many}{self.name}" + ("" if self.default is None else f"={self.default!r}")


class Reduction(NamedTuple):
    """The result of an op with `many` inputs: the sum of `term` over their elements, begun with the input `start`."""

    term: Formula
    start: str | None


class Op(NamedTuple):
    """One op. Made by the table, or by `glassgrad.define_op`.

    Attributes:
        name: what it is called in Python.
        symbol: what a drawing writes into the box.
        inputs: its inputs, in order.
        forward: the formula of the result.
        slopes: for each input the formula of ∂result/∂input; None for a constant.
        let: shorthands that forward and slopes share: names and formulas, in order.
        total: how the result adds up, if some input takes any number of values; else None.
        domain: for each input the interval it is tested on, away from kinks.
        kinks: formulas; where one is zero the slope jumps (the value used there is a convention).
        analytic: whether the complex-step derivative may be taken through it.
        needs: what the inputs must satisfy, for the error message: `"{a} > 0"`.
        words: what the result is, in words over the inputs' names.
        names: the names of the inputs.
        many: the names of those that take any number of values.
    """

    name: str
    symbol: str
    inputs: tuple[Input, ...]
    forward: Formula
    slopes: tuple[Formula | None, ...]
    let: tuple[tuple[str, Formula], ...] = ()
    total: Reduction | None = None
    domain: tuple[Interval, ...] = ()
    kinks: tuple[Formula, ...] = ()
    analytic: bool = True
    needs: str = ""
    words: str = ""
    names: tuple[str, ...] = ()
    many: tuple[str, ...] = ()

    def __hash__(self) -> int:
        return object.__hash__(self)  # an entry is itself and no other: what is derived from it is kept by it

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def __repr__(self) -> str:
        return f"Op({self.rule})"

    @property
    def variadic(self) -> bool:
        """Whether some input takes any number of values."""
        return bool(self.many)

    @property
    def unary(self) -> bool:
        """Whether one Value is enough: `v.tanh()`, `v.leaky_relu()`."""
        return not self.many and all(one.default is not None for one in self.inputs[1:])

    @property
    def rule(self) -> str:
        """The op in one line: `mul(a, b) = a * b`."""
        return f"{self.name}({', '.join(map(str, self.inputs))}) = {self.forward}"

    def formulas(self) -> Iterator[Formula]:
        """Every formula of the op."""
        yield self.forward
        yield from filter(None, self.slopes)
        yield from (formula for _, formula in self.let)
        yield from self.kinks

    def place(self, index: int, count: int) -> tuple[int, int | None]:
        """Which input operand `index` of `count` is, and which element of it (None if not variadic).

        >>> from glassgrad import OPS
        >>> OPS["dot"].place(3, 5)  # w w x x b
        (1, 1)
        """
        if not self.many:
            return index, None
        length = count // len(self.many)
        together = length * len(self.many)
        return (index // length, index % length) if index < together else (len(self.many), None)

    def elements(self, inputs: Sequence[Any], element: int | None) -> dict[str, Any]:
        """The operands by input name, of a `many` input only number `element` (all of them if None)."""
        if not self.many:
            return dict(zip(self.names, inputs))
        length = len(inputs) // len(self.many)
        groups = [inputs[i * length : (i + 1) * length] for i in range(len(self.many))]
        chosen = groups if element is None else [group[element] if group else None for group in groups]
        return dict(zip(self.names, [*chosen, *inputs[length * len(self.many) :]]))


def make_op(
    name: str,
    symbol: str,
    inputs: str,
    forward: str,
    slopes: str,
    *,
    let: str = "",
    domain: Interval | tuple[Interval, ...] = (-2.0, 2.0),
    kinks: str = "",
    analytic: bool = True,
    needs: str = "",
    words: str = "",
    functions: frozenset[str] = PRIMITIVES,
) -> Op:
    """Check the texts of one entry and make the `Op`; lists in a text are separated by `;`."""
    texts = [text.strip() for text in slopes.split(";")]
    operands = [_input(name, text) for text in inputs.split()]
    plain = [operand.name for operand in operands]
    if (
        name in GENERATED - {"pow"}
        or not name.isidentifier()
        or keyword.iskeyword(name)
        or not plain
        or len(set(plain)) < len(plain)
    ):
        raise OpError(f"op {name!r}: the name and the inputs {inputs!r} must be identifiers, each input once")
    if len(texts) != len(plain):
        raise OpError(f"op {name!r} has {len(plain)} inputs ({inputs}) but {len(texts)} slopes ({slopes})")
    if all(text == CONSTANT for text in texts):
        raise OpError(f"op {name!r}: every input is a constant, so that no gradient could flow; give a slope")
    shorthands: list[tuple[str, Formula]] = []
    known = set(plain)
    for line in filter(None, map(str.strip, let.split(";"))):
        short, equals, text = (part.strip() for part in _as_python(line).partition("="))
        if not equals or not may_name(short) or short in known:
            raise OpError(f"op {name!r}: let={line!r} must be 'name = formula', with a name of its own")
        shorthands.append((short, _known(name, parse(text, functions), known)))
        known.add(short)
    intervals = domain if isinstance(domain[0], tuple) else (domain,) * len(plain)
    if len(intervals) != len(plain):
        raise OpError(f"op {name!r} has {len(plain)} inputs ({inputs}) but {len(intervals)} test intervals")
    many = any(operand.many for operand in operands)
    total = parse(forward, functions | {"sum"}) if many else parse(forward, functions)
    op = Op(
        name=name,
        symbol=symbol,
        inputs=tuple(one._replace(constant=text == CONSTANT) for one, text in zip(operands, texts)),
        forward=_known(name, total, known),
        slopes=tuple(
            None if text == CONSTANT else _known(name, parse(text, functions), known | {RESULT}) for text in texts
        ),
        let=tuple(shorthands),
        total=_reduction(name, total, functions) if many else None,
        domain=tuple((float(low), float(high)) for low, high in intervals),
        kinks=tuple(_known(name, parse(text, functions), known) for text in kinks.split(";") if text.strip()),
        analytic=analytic,
        needs=needs,
        words=words or f"{name} of " + " and ".join(f"{{{n}}}" for n in plain),
        names=tuple(plain),
        many=tuple(one.name for one in operands if one.many),
    )
    mixed = known & set[str]().union(*(formula.calls for formula in op.formulas()))
    if mixed:
        raise OpError(f"op {name!r}: {', '.join(sorted(mixed))} names an input and is called as a function; rename it")
    try:
        for text in (op.words, needs):
            text.format(**dict.fromkeys(plain, ""))
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise OpError(f"op {name!r}: {text!r} cannot be filled in with {', '.join(plain)}: {error}") from None
    return op


def _input(op: str, text: str) -> Input:
    name, equals, default = _as_python(text).lstrip("*").partition("=")
    if name == RESULT:
        raise OpError(f"op {op!r}: 'y' stands for the result, so it cannot name an input")
    if not name.isidentifier():
        raise OpError(f"op {op!r}: the name and the inputs ({text}) must be identifiers, each input once")
    if not may_name(name):
        raise OpError(f"op {op!r}: {name!r} is a word of Python, a function or a name that generated code uses; rename")
    try:
        number = float(default) if equals else 0.0
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise OpError(f"op {op!r}: the default of {name} must be a finite number, got {default!r}")
    return Input(name, text.startswith("*"), number if equals else None)


def _as_python(text: str) -> str:
    """As Python reads names: `ａ` and `a` are one."""
    return unicodedata.normalize("NFKC", text)


def _reduction(op: str, forward: Formula, functions: frozenset[str]) -> Reduction:
    """`sum(term)` or `sum(term, start)`, taken apart."""
    tree = forward.tree
    if isinstance(tree, ast.Call) and "sum" in forward.calls and len(tree.args) in (1, 2):
        term, *start = tree.args
        if not start or isinstance(start[0], ast.Name):
            return Reduction(
                checked(term, ast.unparse(term), functions),
                start[0].id if start and isinstance(start[0], ast.Name) else None,
            )
    raise OpError(
        f"op {op!r}: with inputs of any number the result must be sum(term) or sum(term, input), got {forward}"
    )


def _known(op: str, formula: Formula, known: set[str]) -> Formula:
    unknown = formula.names - known
    if unknown:
        raise OpError(
            f"op {op!r}: formula {formula.text!r} reads {', '.join(sorted(unknown))} "
            f"(known: {', '.join(sorted(known))})"
        )
    return formula
