"""The op table: every rule of glassgrad, written once.

An entry holds the forward formula, the slope (local derivative) for each input, and where to test them.
The eager function, the array function, higher derivatives, the explanation, the compiled line and the
tests are all derived from it, so none of them can drift. Formulas read the inputs by name, `y` for the
result, and the names of `let`, shorthands that forward and slopes share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import OpError
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
        None if text.strip() == CONSTANT else _checked(name, text, known | {"y"}, functions) for text in slopes.split(";")
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
        raise OpError(f"op {op!r}: formula {text.strip()!r} reads {', '.join(sorted(unknown))} (known: {', '.join(sorted(known))})")
    return formula


OPS: dict[str, Op] = {}


def add_op(name: str, *texts: str, **options: object) -> Op:
    """Make an op and enter it into the table; formulas may call every op entered before it."""
    if name in OPS:
        raise OpError(f"op {name!r} is in the table already")
    OPS[name] = make_op(name, *texts, functions=PRIMITIVES | OPS.keys(), **options)  # type: ignore[arg-type]  # passed on as given
    return OPS[name]


_POSITIVE = (0.2, 3.0)
_APART = ((-2.0, 2.0), _POSITIVE)

# fmt: off
#       name          symbol    inputs    forward                    slopes, one per input
add_op("add",        "+",      "a b",    "a + b",                   "1 ; 1", words="{a} plus {b}")
add_op("sub",        "-",      "a b",    "a - b",                   "1 ; -1", words="{a} minus {b}")
add_op("mul",        "*",      "a b",    "a * b",                   "b ; a", words="{a} times {b}")
add_op("div",        "/",      "a b",    "a / b",                   "1 / b ; -y / b",            domain=_APART, needs="b != 0", words="{a} divided by {b}")
add_op("neg",        "neg",    "a",      "-a",                      "-1", words="minus {a}")
add_op("pow",        "**",     "a b",    "a ** b",                  "b * a**(b - 1) ; y * log(a)", domain=(_POSITIVE, (-2.0, 2.0)), needs="a > 0", words="{a} to the power {b}")
add_op("pow_const",  "**",     "a c",    "a ** c",                  "c * a**(c - 1) if c != 0 else 0 ; constant", domain=(_POSITIVE, (-3.0, 3.0)), needs="a > 0, or a whole c (and c >= 1 where a = 0)", words="{a} to the power {c}")
add_op("exp",        "exp",    "a",      "exp(a)",                  "y",                         needs="a < 709.78")
add_op("log",        "log",    "a",      "log(a)",                  "1 / a",                     domain=_POSITIVE, needs="a > 0")
add_op("sqrt",       "sqrt",   "a",      "sqrt(a)",                 "1 / (2 * y)",               domain=_POSITIVE, needs="a > 0 (at 0 the slope is infinite)")
add_op("sin",        "sin",    "a",      "sin(a)",                  "cos(a)")
add_op("cos",        "cos",    "a",      "cos(a)",                  "-sin(a)")
add_op("tan",        "tan",    "a",      "tan(a)",                  "1 + y**2",                  domain=(-1.2, 1.2))
add_op("tanh",       "tanh",   "a",      "tanh(a)",                 "1 - y**2")
add_op("sigmoid",    "σ",      "a",      "1 / (1 + exp(-a))",       "y * (1 - y)")
add_op("relu",       "ReLU",   "a",      "max(a, 0)",               "1 if a > 0 else 0",         kinks="a")
add_op("leaky_relu", "LReLU",  "a k=0.01", "a if a > 0 else k * a",   "1 if a > 0 else k ; constant", domain=((-2.0, 2.0), (0.01, 0.3)), kinks="a", words="leaky_relu of {a}")
add_op("softplus",   "softplus", "a",    "max(a, 0) + log1p(exp(-abs(a)))", "sigmoid(a)")
add_op("silu",       "SiLU",   "a",      "a * s",                   "s * (1 + a * (1 - s))",     let="s = sigmoid(a)")
add_op("gelu",       "GELU",   "a",      "a * s",                   "s * (1 + a * (1 - s) * (k + 3 * k * 0.044715 * a**2))",
       let="k = 1.5957691216057308 ; s = sigmoid(k * (a + 0.044715 * a**3))")
add_op("abs",        "abs",    "a",      "abs(a)",                  "1 if a > 0 else (-1 if a < 0 else 0)", kinks="a", words="the absolute value of {a}")
add_op("max",        "max",    "a b",    "max(a, b)",               "1 if a > b else (0 if a < b else 0.5) ; 1 if b > a else (0 if b < a else 0.5)", kinks="a - b", words="the larger of {a} and {b}")
add_op("min",        "min",    "a b",    "min(a, b)",               "1 if a < b else (0 if a > b else 0.5) ; 1 if b < a else (0 if b > a else 0.5)", kinks="a - b", words="the smaller of {a} and {b}")
add_op("sum",        "Σ",      "*a",     "sum(a)",                  "1", words="the sum")
add_op("dot",        "Σwx+b",  "*w *x b", "sum(w * x, b)",          "x ; w ; 1", words="the weighted sum")
# fmt: on
