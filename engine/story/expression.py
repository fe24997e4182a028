"""Expressions that a user types, such as `n = x1*w1 + b; tanh(n)`: checked against a whitelist, evaluated on Values.

Nothing typed is ever executed. Walking is iterative, so a long expression is no problem; what Python's own
parser finds too deep gets a clear error.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from ..core.apply import apply
from ..core.value import Value
from ..errors import DomainError, ExpressionError
from ..number import number
from ..rules.ops import OPS
from . import hints
from .graph import Graph, SourceLine

FILE = "<expression>"
"""The file name in the source places of what an expression made."""
LONGEST_HINT: Final = 40  # characters of what was typed that a hint repeats
LONGEST = 50_000  # characters; Python's own parser can crash on ten times as many
_OPERATORS: Final[dict[type[ast.operator], str]] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.Mod: "mod",
    ast.Pow: "pow",
}
_KINDS: Final[dict[type[ast.expr], str]] = {
    ast.Attribute: "an attribute access",
    ast.Compare: "a comparison",
    ast.IfExp: "an if",
    ast.Lambda: "a lambda",
    ast.Subscript: "an index",
    ast.Tuple: "a comma",
}
_WHAT = "numbers, names, + - * / % **, brackets and calls of ops are allowed"


class Evaluated(NamedTuple):
    """What an expression gave: the result, every named Value, and the place of each node in the text."""

    root: Value
    names: dict[str, Value]
    sources: dict[Value, SourceLine]


class Expression:
    """A checked expression; made by `parse`.

    Attributes:
        text: as typed.
        inputs: names that need a value, in order of appearance.
    """

    def __init__(self, text: str, statements: list[tuple[str | None, ast.expr]], inputs: dict[str, ast.Name]) -> None:
        self.text = text
        self._statements = statements
        self._places = inputs
        self.inputs = tuple(inputs)

    def evaluate(self, values: Mapping[str, float], call: str = "") -> Evaluated:
        """Compute the result on Values.

        Args:
            values: a number for each of `inputs`.
            call: in Python, how the call that was made begins, for the message that numbers are missing.

        Raises:
            ExpressionError: for a missing or superfluous value, or where an op is undefined.

        >>> result = parse("n = x * x; tanh(n) + 1").evaluate({"x": 0.5})
        >>> round(result.root.data, 4), list(result.names)
        (1.2449, ['x', 'n'])
        """
        missing = [name for name in self.inputs if name not in values]
        if missing:
            place = self._places[missing[0]]
            add = " ".join(f"{name}=NUMBER" for name in missing)
            hint = hints.of_names(missing)
            if call:
                add += f", as in {call}, {', '.join(f'{name}={values.get(name, 3.0):g}' for name in self.inputs)})"
            raise _error(f"no value for {', '.join(missing)}: add {add}{hint}", self.text, place)
        unused = [name for name in values if name not in self._places]
        if unused:
            raise ExpressionError(
                f"{', '.join(unused)} is given but not used (names in use: {', '.join(self.inputs) or 'none'})",
                self.text,
                0,
                len(self.text),
            )
        names = {name: Value(values[name], name) for name in self.inputs}
        sources = {v: _place(self.text, self._places[name]) for name, v in names.items()}
        result: Any = 0.0
        for target, tree in self._statements:
            result = self._compute(tree, names, sources)
            if isinstance(result, list):
                raise _error("a list stands only inside of sum([…]) and dot([…], […])", self.text, tree)
            if target is not None:
                if not isinstance(result, Value):
                    result = Value(result)
                    sources[result] = _place(self.text, tree)
                result.label = result.label or target
                names[target] = result
        if not isinstance(result, Value):
            raise ExpressionError(
                "the expression is a plain number: use at least one name, such as x", self.text, 0, len(self.text)
            )
        return Evaluated(result, names, sources)

    def _compute(self, tree: ast.expr, names: Mapping[str, Value], sources: dict[Value, SourceLine]) -> Any:
        stack: list[Any] = []
        for node in _postorder(tree):
            if isinstance(node, ast.Constant):
                stack.append(float(node.value))  # type: ignore[arg-type]  # parse() admits only int and float
            elif isinstance(node, ast.Name):
                stack.append(names[node.id])
            else:
                name, count = _op_of(node)
                operands = [stack.pop() for _ in range(count)][::-1]
                try:
                    made = operands if name == "list" else operands[0] if name == "+" else apply(*_fit(name, operands))
                except (DomainError, ArithmeticError, TypeError, ValueError) as error:
                    raise _error(str(error), self.text, node) from None
                if isinstance(made, Value) and made not in sources:
                    sources[made] = _place(self.text, node)
                stack.append(made)
        return stack[0]


def graph_of(text: str, inputs: Mapping[str, object], call: str) -> Graph:
    """The graph of an expression.

    Args:
        text: as for `parse`.
        inputs: a number for each of its names.
        call: how the call begins in which they are given by name, for the message that some are missing; or "".

    Raises:
        ExpressionError: as `parse` and `Expression.evaluate`.

    >>> graph_of("a*a", {}, "step('a*a'")
    Traceback (most recent call last):
        ...
    glassgrad.engine.errors.ExpressionError: no value for a: add a=NUMBER, as in step('a*a', a=3)
    """
    found = parse(text).evaluate({name: number(given, name) for name, given in inputs.items()}, call)
    return Graph(found.root, found.names, found.sources)


def parse(text: str) -> Expression:
    """Check an expression: assignments and at last a result, separated by `;`.

    Args:
        text: such as `"n = x1*w1 + x2*w2 + b; o = tanh(n)"`. Every op of the table can be called;
            `sum([a, b])` and `dot([w1, w2], [x1, x2], b)` take lists.

    Raises:
        ExpressionError: with the place, for whatever is not arithmetic.

    >>> parse("tanh(x*w + b)").inputs
    ('x', 'w', 'b')
    """
    if not text.strip():
        raise ExpressionError("the expression is empty: try 'tanh(x*w + b)'", text)
    if len(text) > LONGEST:
        raise ExpressionError(f"too long: {len(text)} characters (at most {LONGEST}); write it as a function", text)
    if "\0" in text:
        raise ExpressionError("cannot be read: it contains a null character", text, text.index("\0"))
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ExpressionError("cannot be read: it contains bytes that are no text", text, error.start) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's advice on odd code; what matters here is refused below
            module = ast.parse(text)
    except SyntaxError as error:
        line_start = sum(len(line) + 1 for line in text.split("\n")[: (error.lineno or 1) - 1])
        start = min(line_start + max((error.offset or 1) - 1, 0), max(len(text) - 1, 0))
        deep = "nested" in error.msg or "recursion" in error.msg
        said = f"{_plain(error.msg)}{hints.of_syntax(text, error.msg)}"
        raise ExpressionError("nested too deeply (at most 200 brackets)" if deep else said, text, start) from None
    except (RecursionError, MemoryError):
        raise ExpressionError(
            "nested too deeply: name parts of it, as in 'n = x*w + b; tanh(n)'", text, 0, len(text)
        ) from None
    statements: list[tuple[str | None, ast.expr]] = []
    inputs: dict[str, ast.Name] = {}
    assigned: dict[str, ast.Name] = {}
    used: set[str] = set()
    for position, statement in enumerate(module.body):
        last = position == len(module.body) - 1
        target = _target(statement, text, assigned, last)
        value = statement.value  # type: ignore[attr-defined]  # _target() lets only Expr and Assign pass
        for node in _postorder(value):
            _check(node, text)
            if isinstance(node, ast.Name) and node.id not in assigned:
                inputs.setdefault(node.id, node)
            elif isinstance(node, ast.Name):
                used.add(node.id)
        if target is not None:
            if target.id in inputs:
                raise _error(f"{target.id} is used before it is assigned", text, inputs[target.id])
            assigned[target.id] = target
            if last:
                used.add(target.id)
        statements.append((target.id if target else None, value))
    for name, place in assigned.items():
        if name not in used:
            raise _error(f"{name} is computed but never used: it would not be part of the graph", text, place)
    return Expression(text, statements, inputs)


def _target(statement: ast.stmt, text: str, assigned: Mapping[str, ast.Name], last: bool) -> ast.Name | None:
    if isinstance(statement, ast.Expr):
        if not last:
            raise _error("this result is not used: give it a name, as in 'n = x*w; tanh(n)'", text, statement.value)
        return None
    if (
        not isinstance(statement, ast.Assign)
        or len(statement.targets) != 1
        or not isinstance(statement.targets[0], ast.Name)
    ):
        file = "; a function of a file is written file.py:function" if isinstance(statement, ast.AnnAssign) else ""
        raise _error(
            f"only expressions and 'name = expression' are allowed, not a statement of kind "
            f"{type(statement).__name__}{file}",
            text,
            statement,
        )
    target = statement.targets[0]
    if target.id in OPS:
        raise _error(f"{target.id} is the name of an op: choose another", text, target)
    if target.id in assigned:
        raise _error(f"{target.id} is assigned twice: every name stands for one node", text, target)
    return target


def _check(node: ast.expr, text: str) -> None:
    if isinstance(node, ast.Constant):
        if type(node.value) not in (int, float):
            raise _error(f"{node.value!r} is not a real number", text, node)
        try:
            finite = abs(float(node.value)) != float("inf")  # type: ignore[arg-type]  # checked just above
        except OverflowError:
            finite = False
        if not finite:
            raise _error("this number is too large for a float (the largest is 1.8e308)", text, node)
    elif isinstance(node, ast.Name):
        if "·" in node.id:  # to Python, a letter
            raise _error("write * for ·", text, node)
        if node.id in OPS:
            raise _error(f"{node.id} is an op: call it, as in {node.id}({', '.join(OPS[node.id].names)})", text, node)
    elif isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name):
            raise _refused("only ops can be called", text, node, node.func)
        if node.func.id not in OPS:
            op = hints.similar_op(node.func.id)
            meant = f"did you mean {op}? " if op else f"a product is written {node.func.id}*(…); "
            known = f"{meant if op or len(node.func.id) < 3 else ''}ops: {', '.join(OPS)}"
            raise _error(f"unknown op {node.func.id!r} ({known})", text, node.func)
        if node.keywords:
            raise _error("arguments are given by position", text, node.keywords[0].value)
    elif isinstance(node, ast.BinOp):
        if type(node.op) not in _OPERATORS:
            raise _refused("this operator is not allowed", text, node)
    elif isinstance(node, ast.UnaryOp):
        if not isinstance(node.op, (ast.USub, ast.UAdd)):
            raise _error(f"this operator is not allowed; {_WHAT}", text, node)
    elif not isinstance(node, ast.List):
        raise _refused(f"{_KINDS.get(type(node), 'this')} is not allowed", text, node)


def _children(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.UnaryOp):
        return [node.operand]
    if isinstance(node, ast.Call):
        return node.args
    return node.elts if isinstance(node, ast.List) else []


def _postorder(tree: ast.expr) -> Iterator[ast.expr]:
    """Every node, operands before what uses them, without recursion."""
    stack: list[tuple[ast.expr, bool]] = [(tree, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            yield node
        else:
            stack.append((node, True))
            stack.extend((child, False) for child in reversed(_children(node)))


def _op_of(node: ast.expr) -> tuple[str, int]:
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)], 2
    if isinstance(node, ast.UnaryOp):
        return ("neg" if isinstance(node.op, ast.USub) else "+"), 1
    if isinstance(node, ast.List):
        return "list", len(node.elts)
    assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)  # all that _check() lets pass
    return node.func.id, len(node.args)


def _fit(name: str, operands: list[Any]) -> tuple[Any, ...]:
    if name == "pow" and len(operands) == 2 and not isinstance(operands[1], Value):
        name = "pow_const"
    if not OPS[name].variadic and any(isinstance(operand, list) for operand in operands):
        raise TypeError(f"{name} takes numbers, not lists (sum and dot take lists)")
    return name, *operands


def _span(text: str, node: ast.AST) -> tuple[int, int]:
    """Start and end of a node as character positions; `ast` counts bytes within lines."""
    lines = text.split("\n")
    ends = []
    for line, column in ((node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)):  # type: ignore[attr-defined]  # every expr and stmt has them
        before = sum(len(earlier) + 1 for earlier in lines[: line - 1])
        within = column if text.isascii() else len(lines[line - 1].encode()[:column].decode(errors="replace"))
        ends.append(before + within)
    return ends[0], ends[1]


def _place(text: str, node: ast.AST) -> SourceLine:
    return SourceLine(FILE, 1, *_span(text, node))


def _error(message: str, text: str, node: ast.AST) -> ExpressionError:
    return ExpressionError(message, text, *_span(text, node))


def _refused(message: str, text: str, node: ast.expr, place: ast.expr | None = None) -> ExpressionError:
    """The error for a part that is not allowed, with how it is written here if that is known."""

    def written(part: ast.expr) -> str:
        start, end = _span(text, part)
        return text[start:end] if end - start <= LONGEST_HINT else "…"

    return _error(f"{message}: {hints.of_node(node, written) or _WHAT}", text, place or node)


def _plain(message: str) -> str:
    message = message[0].lower() + message[1:]
    return message.partition(". Perhaps")[0].partition(". Maybe")[0]
