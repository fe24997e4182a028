"""The source of the functions that record: they compute a result and its slopes, and remember both in a new node.

Put together from an op's formulas, and meant to be read (`inspect.getsource(Value.__mul__)`); `core/record.py` runs it.
"""

from __future__ import annotations

import sys

from .floats import FLOATS
from .op import Op, Reduction


def recording_source(op: Op, name: str) -> str:
    """The function called `name` that applies `op` to a Value `self` and, if there is a second operand, to a Value or
    number; an op of three operands and more to Values alone."""
    if len(op.inputs) > 2:
        return nodes_source(op, name)
    a = op.names[0]
    slopes = [f"slope_{a} = {_slope(op, 0)}"]
    read = [f"    {a} = self._data"]
    if len(op.inputs) == 1:
        head, b, slope_b = "self", "None", "None"
    elif op.inputs[1].constant:
        head, b, slope_b = f"self, {op.inputs[1]}", op.names[1], "None"
        read += _plain(b, b, op) if name.startswith("__") else [f"    {b} = only_number({b}, {op.name!r})"]
    else:
        default = op.inputs[1].default
        head = "self, other" if default is None else f"self, other={default!r}"
        b, slope_b = "other", f"slope_{op.names[1]}"
        read += [
            "    if is_value := other.__class__ is self.__class__:",
            f"        {op.names[1]} = other._data",
            "    else:",
            f"        {op.names[1]} = plain_number(other, {op.name!r})",
            f"        if {op.names[1]} is NotImplemented:",
            f"            return of_two_classes({op.name!r}, self, other)",
            f"        other = {op.names[1]}",
        ]
        slopes += [f"{slope_b} = {FLOATS.part(_slope(op, 1))} if is_value else None"]
    operands = "self" if b == "None" else f"self, {b}"
    lines = [
        *read,
        *_apply(op, "self.__class__", operands, slopes),
        *_node(op, "self.__class__", "self", b, f"slope_{a}", slope_b),
    ]
    return _function(op, name, head, lines)


def reflected_source(op: Op, name: str) -> str:
    """The function called `name` that applies `op` to a number `other` and, as second operand, a Value: `2 - v`."""
    a, b = op.names
    lines = [
        f"    {b} = self._data",
        *_plain(f"{a} = other", "other", op),
        *_apply(op, "self.__class__", "other, self", [f"slope_{b} = {_slope(op, 1)}"]),
        *_node(op, "self.__class__", "other", "self", "None", f"slope_{b}"),
    ]
    return _function(op, name, "self, other", lines)


def nodes_source(op: Op, name: str) -> str:
    """The function called `name` that applies `op`, of plain inputs, to Values alone, of whatever classes."""
    nodes = [f"node_{one.name}" for one in op.inputs]
    kind = f"class_of({', '.join(nodes)})"
    slopes = [f"slope_{one.name} = {'0.0' if one.constant else _slope(op, i)}" for i, one in enumerate(op.inputs)]
    lines = [
        *(f"    {one.name} = {node}._data" for one, node in zip(op.inputs, nodes)),
        *_apply(op, kind, ", ".join(nodes), slopes),
        *_node(
            op,
            f"class_of({', '.join(nodes)})",
            _tuple(nodes),
            "None",
            _tuple([f"slope_{one.name}" for one in op.inputs]),
            "None",
        ),
    ]
    return _function(op, name, ", ".join(nodes), lines)


def sum_source(op: Op, total: Reduction, started: bool) -> str:
    """The function that sums over lists of Values: their numbers first, then the additions from left to right.

    `started` says whether the sum begins with an operand of its own; without one, the function calls `without_start`.
    """
    lists, start = op.many, total.start if started else None
    given = ", ".join([*lists, start] if start else lists)
    fallback = f"        return with_constants({op.name!r}, {given})"
    lines = []
    for name in lists:
        lines += [f"    if {name}.__class__ is not tuple:", f"        {name} = listed({name}, {op.name!r}, {name!r})"]
    if start:
        lines += [f"    if {start} is None:", f"        return without_start({', '.join(lists)})"]
    else:
        lines += [f"    if not {lists[0]}:", fallback]
    lines += [
        "    try:",
        *(f"        {name}_data = [v._data for v in {name}]" for name in lists),
        f"        y = {start}._data" if start else "        y = 0.0",
        "    except AttributeError:",
        fallback,
    ]
    if len(lists) > 1:
        lines += [f"    if len({lists[0]}) != len({lists[1]}):", fallback]
    numbers = ", ".join(f"{name}_data" for name in lists)
    if sys.version_info < (3, 12) and FLOATS.source(total.term) == " * ".join(lists):  # later, `sum` rounds otherwise
        lines += [f"    y = add_up({f'map(multiply, {numbers})' if len(lists) > 1 else numbers}, y)"]
    else:
        each = {name: f"{name}_i" for name in lists}
        lines += [f"    for {', '.join(each.values())} in {f'zip({numbers})' if len(lists) > 1 else numbers}:"]
        lines += [f"        y = y + {FLOATS.source(total.term, each)}"]
    first = start or f"{lists[0]}[0]"
    nodes, slopes = [f"*{name}" for name in lists], [_slopes_of_list(op, i) for i in range(len(lists))]
    if start:
        nodes, slopes = [*nodes, start], [*slopes, "1.0"]
    kind = f"class_of({', '.join(nodes)}) if STATE.subclassed else {first}.__class__"
    lines += [
        "    if STATE.paused and is_paused():",
        f"        return detached({kind}, y)",
        *_node(op, kind, _tuple(nodes), "None", _tuple(slopes), "None"),
    ]
    return _function(op, op.name, f"{given}=None" if start else given, lines)


def _slopes_of_list(op: Op, index: int) -> str:
    """The slopes for the elements of a list: those of the other list, or the same constant for all."""
    slope = _slope(op, index)
    return f"*{slope}_data" if slope in op.many else f"*[{slope}] * len({op.names[index]})"


def _slope(op: Op, index: int) -> str:
    formula = op.slopes[index]
    assert formula is not None  # asked of operands that take a gradient
    return FLOATS.source(formula)


def _tuple(parts: list[str]) -> str:
    return f"({', '.join(parts)}{',' * (len(parts) == 1)})"


def _function(op: Op, name: str, head: str, lines: list[str]) -> str:
    slopes = [f"{f} for {one.name}" for one, f in zip(op.inputs, op.slopes) if f is not None]
    document = f'    """Record y = {op.forward}. Slopes: {", ".join(slopes)}."""'
    return "\n".join([f"def {name}({head}):", document, *lines]) + "\n"


def _apply(op: Op, kind: str, operands: str, slopes: list[str]) -> list[str]:
    """The lines that compute the result and its slopes."""
    lets = [f"        {short} = {FLOATS.source(formula)}" for short, formula in op.let]
    return [
        "    try:",
        *lets,
        f"        y = {FLOATS.source(op.forward)}",
        "        if STATE.paused and is_paused():",
        f"            return detached({kind}, y)",
        *(f"        {slope}" for slope in slopes),
        "    except UNDEFINED as error:",
        f"        raise domain_error({op.name!r}, ({operands},), error) from None",
    ]


def _node(op: Op, kind: str, a: str, b: str, slope_a: str, slope_b: str) -> list[str]:
    """The lines that make the node: slots are filled in place, as a call of __init__ would cost half as much again.

    One or two operands lie flat in `_a` and `_b`, a plain number without a slope; more lie in tuples in `_a` and
    `_slope_a`, numbers wrapped as constants.
    """
    return [
        f"    node = new({kind})",
        "    node._data = y",
        "    node._grad = NOT_COMPUTED",
        f"    node._kind = {op.name!r}",
        "    node._mark = 0",
        "    node._origin = STATE.clock",
        f"    node._a = {a}",
        f"    node._b = {b}",
        f"    node._slope_a = {slope_a}",
        f"    node._slope_b = {slope_b}",
        "    return node",
    ]


def _plain(target: str, given: str, op: Op) -> list[str]:
    """The lines that take a plain number, and leave what may know Values itself (an array) to its own operators."""
    return [
        f"    {target} = plain_number({given}, {op.name!r})",
        f"    if {given} is NotImplemented:",
        f"        return {given}",
    ]
