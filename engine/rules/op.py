"""What an entry of the op table is, and the checks that it passes before it may enter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import OpError
from .formula import PRIMITIVES, Formula, parse

Interval = tuple[float, float]
CONSTANT = "constant"
"""Stands in place of a slope: this input is always a plain number and takes no gradient."""


@dataclass(frozen=True)
class Op:
    """One op. Made by the table below, or by `glassgrad.define_op`.

    Attributes:
        name: what it is called in Python.
        symbol: what a drawing writes into the box.
        inputs: names of its inputs; a leading `*` marks one that takes any number of values, `k=0.01` a default.
        forward: the formula of the result.
        slopes: for each input the formula of ∂result/∂input; None for a constant.
        let: shorthands, in order.
        domain: for each input the interval it is tested on, away from kinks.
        kinks: formulas; where one is zero the slope jumps (the value used there is a convention).
        analytic: whether the complex-step derivative may be taken through it.
        needs: what the inputs must satisfy, for the error message.
        words: what the result is, in words over the inputs' names.
    """

    name: str
    symbol: str
    inputs: tuple[str, ...]
    forward: Formula
    slopes: tuple[Formula | None, ...]
    let: tuple[tuple[str, Formula], ...] = ()
    domain: tuple[Interval, ...] = ()
    kinks: tuple[Formula, ...] = ()
    analytic: bool = True
    needs: str = ""
    words: str = ""
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(name.lstrip("*").partition("=")[0] for name in self.inputs))

    @property
    def variadic(self) -> bool:
        """Whether some input takes any number of values."""
        return any(name.startswith("*") for name in self.inputs)

    def place(self, index: int, count: int) -> tuple[int, int | None]:
        """Which input operand `index` of `count` is, and which element of it (None if not variadic).

        >>> from glassgrad import OPS
        >>> OPS["dot"].place(3, 5)  # w w x x b
        (1, 1)
        """
        if not self.variadic:
            return index, None
        stars = sum(name.startswith("*") for name in self.inputs)
        length = count // stars
        return (index // length, index % length) if index < stars * length else (stars, None)

    def elements(self, inputs: Sequence[Any], element: int | None) -> dict[str, Any]:
        """The operands by input name, of a `*` input only number `element` (all of them if None)."""
        if not self.variadic:
            return dict(zip(self.names, inputs))
        stars = sum(name.startswith("*") for name in self.inputs)
        length = len(inputs) // stars
        groups = [inputs[i * length : (i + 1) * length] for i in range(stars)]
        chosen = groups if element is None else [group[element] if group else None for group in groups]
        return dict(zip(self.names, [*chosen, *inputs[stars * length :]]))


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
    operands = tuple(inputs.split())
    plain = [operand.lstrip("*").partition("=")[0] for operand in operands]
    if not name.isidentifier() or not all(map(str.isidentifier, plain)) or not plain or len(set(plain)) < len(plain):
        raise OpError(f"op {name!r}: the name and the inputs {inputs!r} must be identifiers, each input once")
    if "y" in plain:
        raise OpError(f"op {name!r}: 'y' stands for the result, so it cannot name an input")
    shorthands: list[tuple[str, Formula]] = []
    known = set(plain)
    for line in filter(None, map(str.strip, let.split(";"))):
        short, _, text = line.partition("=")
        shorthands.append((short.strip(), _checked(name, text, known, functions)))
        known.add(short.strip())
    rules = tuple(
        None if text.strip() == CONSTANT else _checked(name, text, known | {"y"}, functions)
        for text in slopes.split(";")
    )
    if len(rules) != len(plain):
        raise OpError(f"op {name!r} has {len(plain)} inputs ({inputs}) but {len(rules)} slopes ({slopes})")
    intervals = domain if isinstance(domain[0], tuple) else (domain,) * len(plain)
    if len(intervals) != len(plain):
        raise OpError(f"op {name!r} has {len(plain)} inputs ({inputs}) but {len(intervals)} test intervals")
    return Op(
        name=name,
        symbol=symbol,
        inputs=operands,
        forward=_checked(name, forward, known, functions),
        slopes=rules,
        let=tuple(shorthands),
        domain=tuple((float(low), float(high)) for low, high in intervals),
        kinks=tuple(_checked(name, text, known, functions) for text in kinks.split(";") if text.strip()),
        analytic=analytic,
        needs=needs,
        words=words or f"{name} of " + " and ".join(f"{{{n}}}" for n in plain),
    )


def _checked(op: str, text: str, known: set[str], functions: frozenset[str]) -> Formula:
    formula = parse(text, functions)
    unknown = formula.names - known
    if unknown:
        raise OpError(
            f"op {op!r}: formula {text.strip()!r} reads {', '.join(sorted(unknown))} "
            f"(known: {', '.join(sorted(known))})"
        )
    return formula
