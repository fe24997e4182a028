"""Recording nodes: for each op of the table, the function that computes now and remembers its local slopes.

The source is made from the op's formulas, for each mix of Values and numbers that it meets.
To read it: `print(kernel_source(OPS["mul"], "VV"))`.
"""

from __future__ import annotations

import operator
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..errors import DomainError
from ..number import number
from ..rules.derive import FUNCTION, bindings, derived, execute, terms_and_start
from ..rules.formula import floats_source
from ..rules.ops import OPS, Op

if TYPE_CHECKING:
    from .value import Value

ARITHMETIC_ERRORS = (ValueError, ZeroDivisionError, OverflowError)


class Recording(threading.local):
    """Whether ops record the graph, and who is told of comparisons; every thread has its own switches."""

    on = True
    compared: Callable[[bool], bool] | None = None  # gets each outcome, returns the one to go on with


class NotComputed(float):
    """The gradient of a node that no backward pass has reached: counts as 0.0 and says so when printed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "0.0 (not computed)"


RECORDING = Recording()
NOT_COMPUTED = NotComputed(0.0)

# The hottest lines of the engine. Slots are filled in place, as a call of __init__ would cost half as much
# again. One or two operands lie flat in `_a` and `_b`, a plain number without a slope; three and more lie in
# tuples in `_a` and `_slope_a`, numbers wrapped as constants.
_KERNEL = """\
    {reads}
    try:
        {lets}
        {forward}
        if not RECORDING.on:
            return detached(y)
        {slopes}
    except ARITHMETIC_ERRORS as error:
        raise domain_error({name!r}, {operands}, error) from None
    node = new(Value)
    node._data = y; node._grad = NOT_COMPUTED; node._kind = {name!r}
    node._label = ''; node._scope = None; node._mark = 0
    node._a = {a}; node._b = {b}; node._slope_a = {slope_a}; node._slope_b = {slope_b}
    return node"""


def kernel_source(op: Op, mask: str) -> str:
    """The body that applies `op` and records a node.

    Args:
        op: the op.
        mask: for each input `V` (a Value, held in `node_<input>`) or `n` (a number, held under its own name).
            Every operand of an op with three inputs or more is a Value, constants included.
    """
    lets = "; ".join(f"{short} = {floats_source(text, {})}" for short, text in op.let) or "pass"
    if op.variadic:
        return _nary_source(op, mask)
    held = [f"node_{name}" if kind == "V" else name for name, kind in zip(op.names, mask)]
    slopes = {i: floats_source(f, {}) for i, f in enumerate(op.slopes) if f and mask[i] == "V"}
    edges = {"a": "None", "b": "None", "slope_a": "None", "slope_b": "None"}
    if len(held) <= 2:
        edges |= dict(zip("ab", held)) | {f"slope_{'ab'[i]}": f"s{i}" for i in slopes}
    else:
        edges |= {
            "a": f"({', '.join(held)})",
            "slope_a": f"({', '.join(f's{i}' if i in slopes else '0.0' for i in range(len(held)))})",
        }
    return _filled(
        reads="; ".join(f"{name} = {value}._data" for name, value in zip(op.names, held) if name != value),
        lets=lets,
        forward=f"y = {floats_source(op.forward, {})}",
        slopes="; ".join(f"s{i} = {slope}" for i, slope in slopes.items()),
        name=op.name,
        operands=f"({', '.join(held)},)",
        **edges,
    )


def _nary_source(op: Op, mask: str) -> str:
    """`kernel_source` of an op with `*` inputs: their data in lists `all_<input>`, one loop from left to right."""
    terms, start = terms_and_start(op)
    starred = [name for raw, name in zip(op.inputs, op.names) if raw.startswith("*")]
    present = [name for name, kind in zip(op.names, mask) if kind == "V"]
    slopes = []
    for name, formula in zip(op.names, op.slopes):
        text = floats_source(formula, {}) if formula else "0.0"
        if name not in starred:
            slopes.append(text)
        else:  # a slope of `sum` or `dot` is the other factor, or a constant
            slopes.append(f"*all_{text}" if text in starred else f"*[{text}] * len(all_{name})")
    each = (
        f"for {', '.join(starred)} in zip({', '.join(f'all_{n}' for n in starred)})"
        if len(starred) > 1
        else f"for {starred[0]} in all_{starred[0]}"
    )
    held = ", ".join(f"node_{n}" for n in present)
    reads = [f"if node_{n}.__class__ is not tuple: node_{n} = tuple_of(node_{n}, {op.name!r}, {n!r})" for n in starred]
    if len(mask) == len(op.names) > len(starred):
        reads.append(f"if node_{present[-1]} is None: return without_tail({', '.join(f'node_{n}' for n in starred)})")
    reads.append(
        "try: "
        + "; ".join(
            f"all_{n} = [v._data for v in node_{n}]" if n in starred else f"{n} = node_{n}._data" for n in present
        )
    )
    reads.append(f"except AttributeError: return with_numbers({op.name!r}, {held})")
    if len(starred) > 1:
        reads.append(f"if len(all_{starred[0]}) != len(all_{starred[1]}): return with_numbers({op.name!r}, {held})")
    return _filled(
        reads="\n    ".join(reads),
        lets=f"y = {start if start in present else '0.0'}",
        forward=_sum_source(each, terms, starred),
        slopes=f"slopes = ({', '.join(slopes[: len(present)])},)",
        name=op.name,
        operands=f"({', '.join(f'*node_{n}' if n in starred else f'node_{n}' for n in present)},)",
        a=f"({', '.join(f'*node_{n}' if n in starred else f'node_{n}' for n in present)},)",
        b="None",
        slope_a="slopes",
        slope_b="None",
    )


def _sum_source(each: str, terms: str, starred: list[str]) -> str:
    """The loop that adds up `terms` from left to right; before Python 3.12 the same additions, done by `sum`."""
    if sys.version_info < (3, 12) and terms == " * ".join(starred):
        lists = ", ".join(f"all_{n}" for n in starred)
        return f"y = sum(map(multiply, {lists}), y)" if len(starred) == 2 else f"y = sum({lists}, y)"
    return f"{each}: y += {terms}"


def _filled(**parts: str) -> str:
    return "\n".join(line for line in _KERNEL.format(**parts).splitlines() if line.strip() not in ("pass", ""))


# Names that kernels read; `value.py` adds Value and detached() when they exist.
NAMES: dict[str, Any] = {
    "ARITHMETIC_ERRORS": ARITHMETIC_ERRORS,
    "NOT_COMPUTED": NOT_COMPUTED,
    "RECORDING": RECORDING,
    "multiply": operator.mul,
    "new": object.__new__,
}


def _compile(
    op: Op, name: str, parameters: str, body: str, extra: Mapping[str, Any] = MappingProxyType({})
) -> Callable[..., Any]:
    function = execute(f"def {FUNCTION}({parameters}):\n{body}", name, {**bindings(op, "float"), **NAMES, **extra})
    function.__doc__ = f"{op.name}: y = {op.forward}; slopes: {', '.join(str(f) for f in op.slopes if f)}."
    return function


@cache
def kernel(name: str, mask: str) -> Callable[..., Value]:
    """The compiled `kernel_source`, called with the operands in order."""
    op = OPS[name]
    parameters = [f"node_{n}" if kind == "V" else n for n, kind in zip(op.names, mask)]
    extra = {}
    if op.variadic and not op.inputs[len(mask) - 1].startswith("*"):
        parameters[-1] += "=None"
        extra["without_tail"] = kernel(name, mask[:-1])
    return _compile(op, name, ", ".join(parameters), kernel_source(op, mask), extra)


def method(name: str, with_number: str | None = None, reflected: bool = False) -> Callable[..., Any]:
    """A method of `Value`: unary, or binary with a Value or a number on the other side.

    Args:
        name: the op for two Values.
        with_number: the op for a number on the right, if it is another one (`pow_const`).
        reflected: make `number <op> value` instead.
    """
    op = OPS[name]
    if len(op.inputs) == 1:
        return _compile(op, name, f"node_{op.names[0]}", kernel_source(op, "V"))
    a, b = op.names
    if reflected:
        body = f"    {a} = operand({a}, {name!r})\n    if {a} is NotImplemented: return {a}\n{kernel_source(op, 'nV')}"
        return _compile(op, f"r{name}", f"node_{b}, {a}", body)
    mixed = OPS[with_number or name]
    number_name = mixed.names[1]
    inner = "\n".join("    " + line for line in kernel_source(op, "VV").splitlines())
    body = (
        f"    if node_{b}.__class__ is Value:\n{inner}\n"
        f"    {number_name} = operand(node_{b}, {name!r})\n"
        f"    if {number_name} is NotImplemented: return {number_name}\n"
        f"{kernel_source(mixed, 'Vn')}"
    )
    return _compile(op, name, f"node_{a}, node_{b}", body)


def operand(given: object, name: str) -> Any:
    """The other side of a binary op as a float; NotImplemented for what may know Values itself (arrays)."""
    if given.__class__ is float:
        return given
    if getattr(given, "shape", ()):  # a NumPy array: it goes on element by element
        return NotImplemented
    return number(given, f"{name} of a Value")


def apply(name: str, *operands: Any) -> Any:
    """Apply op `name` to Values and numbers; with numbers only it returns a float.

    Raises:
        DomainError: where the op, or a slope of it, is undefined.
        TypeError: for operands that are neither Values nor real numbers, or too few of them.
    """
    op = OPS[name]
    value_class = NAMES["Value"]
    if op.variadic:
        return kernel(name, "V" * len(op.names))(*operands)
    values = _complete(op, operands)
    mask = "".join("V" if v.__class__ is value_class else "n" for v in values)
    held = [v if kind == "V" else number(v, name) for v, kind in zip(values, mask)]
    if "V" not in mask:
        try:
            return derived(name, None, "float")(*held)
        except ARITHMETIC_ERRORS as error:
            raise domain_error(name, tuple(held), error) from None
    if len(held) > 2:
        held, mask = [v if kind == "V" else NAMES["constant"](v) for v, kind in zip(held, mask)], "V" * len(held)
    elif any(formula is None and kind == "V" for formula, kind in zip(op.slopes, mask)):
        constant_inputs = ", ".join(n for n, f in zip(op.names, op.slopes) if f is None)
        raise TypeError(
            f"{name} takes a plain number for {constant_inputs}, got a Value: no gradient could flow into it"
        )
    return kernel(name, mask)(*held)


def _complete(op: Op, operands: Sequence[Any]) -> list[Any]:
    defaults = [text.partition("=")[2] for text in op.inputs]
    missing = defaults[len(operands) :]
    if len(operands) > len(defaults) or not all(missing):
        count = f"{len(defaults)} operand" + "s" * (len(defaults) > 1)
        raise TypeError(f"{op.name} takes {count} ({', '.join(op.inputs)}), got {len(operands)}")
    return [*operands, *map(float, missing)]


def tuple_of(group: Any, name: str, parameter: str) -> tuple[Any, ...]:
    """The operands of one `*` input as a tuple."""
    if isinstance(group, (str, bytes, NAMES["Value"])) or not isinstance(group, Iterable):
        raise TypeError(
            f"{name} takes a list of Values and numbers for {parameter}, got {type(group).__name__} {group!r}"
        )
    return tuple(group)


def with_numbers(name: str, *groups: Any) -> Any:
    """Apply an n-ary op where some operands are numbers: they become constants of the graph."""
    op = OPS[name]
    value_class, constant = NAMES["Value"], NAMES["constant"]
    lists = [group for group in groups if group.__class__ is tuple]
    if len({len(group) for group in lists}) > 1:
        lengths = " and ".join(f"{len(group)} for {n}" for n, group in zip(op.names, lists))
        raise ValueError(f"{name} pairs its lists element by element, so they must be equally long; got {lengths}")
    operands = [*lists, *groups[len(lists) :]]
    if any(v.__class__ is value_class for group in lists for v in group) or groups[-1].__class__ is value_class:
        held = [tuple(v if v.__class__ is value_class else constant(number(v, name)) for v in group) for group in lists]
        tail = [v if v.__class__ is value_class else constant(number(v, name)) for v in operands[len(lists) :]]
        return kernel(name, "V" * len(groups))(*held, *tail)
    return derived(name, None, "float")(
        *([number(v, name) for v in group] for group in lists), *(number(v, name) for v in operands[len(lists) :])
    )


def domain_error(name: str, operands: tuple[Any, ...], error: Exception) -> DomainError:
    """The error for an op that failed on `operands` with `error`, in terms of the user's own labels."""
    op = OPS[name]
    value_class = NAMES["Value"]
    numbers = [v._data if v.__class__ is value_class else v for v in operands]
    labels = [getattr(v, "_label", "") or n for v, n in zip(operands, op.names)]
    where = ", ".join(f"{label}={x!r}" for label, x in zip(labels, numbers))
    call = f"{name}({', '.join(map(str, labels))})"
    try:
        derived(name, None, "float")(*numbers)
        what = f"the slope of {call} is infinite"
    except OverflowError:
        return DomainError(f"{call} overflows at {where}: the result is larger than 1.8e308, the largest float")
    except ARITHMETIC_ERRORS:
        what = f"{call} is undefined"
    return DomainError(f"{what} at {where}" + (f" (it needs {op.needs})" if op.needs else f" ({error})"))


NAMES |= {"domain_error": domain_error, "operand": operand, "tuple_of": tuple_of, "with_numbers": with_numbers}
