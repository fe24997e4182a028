"""What the source pane shows: the user's own lines where they are known, else the expression behind the graph."""

from __future__ import annotations

import ast
import linecache
import re
from bisect import bisect_right
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, NamedTuple

from ...engine.core.own import own_name
from ...engine.core.value import CONST
from ...engine.rules.ops import OPS
from ...engine.shown import visible
from ...engine.story.expression import FILE
from ...engine.story.graph import Graph, Node, SourceLine
from ...engine.story.source import source_lines
from ..model.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable

LINE_LENGTH: Final = 64
"""A derived line is broken off, and its part given a name, where it would grow past this."""
LABEL_LENGTH: Final = 32
CONTEXT: Final = 1
"""Lines shown around code that stands outside of any function."""


class Excerpt(NamedTuple):
    """A run of lines: where they are from, the number of the first one (0: the lines have no numbers), the lines."""

    title: str
    first: int
    lines: tuple[str, ...]


class Place(NamedTuple):
    """A place in an excerpt: its number, the line counted from 0, columns (in characters; `end` None: to the end)."""

    excerpt: int
    line: int
    start: int
    end: int | None


class SourcePane(NamedTuple):
    """The excerpts, and the place that made each node (by id) where there is one."""

    excerpts: tuple[Excerpt, ...]
    places: dict[int, Place]
    derived: bool
    """Whether the lines are an expression (typed as one, or written from the graph) and no code."""


def source_pane(graph: Graph, expression: str = "") -> SourcePane:
    """The lines that made the nodes of `graph`.

    Nodes that carry a source are shown in the function (or the lines of the script or cell) they were made in; if
    none does, the expression is derived from the graph.

    Args:
        graph: the snapshot, with sources if they were recorded.
        expression: the text that the graph was made of, if it was typed as one.

    >>> from glassgrad import Value
    >>> x = Value(2.0, "x")
    >>> pane = source_pane(Graph((3 * x + 1).tanh() * x))
    >>> pane.excerpts[0].lines
    ('v6 = tanh(3·x + 1)·x',)
    """
    if expression:
        return _typed(graph, expression)
    made = {
        node.id: node.source
        for node in graph.nodes
        if node.source is not None and 1 <= node.source.line <= len(source_lines(node.source.file))
    }
    if not made:
        return _derived(graph)
    blocks: dict[tuple[str, str, int, int], int] = {}
    places: dict[int, Place] = {}
    for file in dict.fromkeys(place.file for place in made.values()):
        here = {i: place for i, place in made.items() if place.file == file}
        wanted = _blocks(file, sorted({place.line for place in here.values()}))
        for i, place in here.items():
            block = wanted[place.line]
            number = blocks.setdefault((file, *block), len(blocks))
            line = linecache.getline(file, place.line)
            end = None if place.end is None else _width(line, place.end)
            places[i] = Place(number, place.line - block[1], _width(line, place.start), end)
    for node in graph.nodes:  # a number in the user's code is made on the line that uses it
        for i in node.inputs:
            if graph.nodes[i].op == CONST and i not in places and node.id in places:
                places[i] = places[node.id]
    return SourcePane(tuple(_excerpt(*block) for block in blocks), places, False)


def parameter_places(code_file: str, first_line: int) -> dict[str, SourceLine]:
    """Where the parameters of the function that starts at a line are written, by name."""
    for node in _functions(code_file):
        if min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))]) == first_line:
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            return {a.arg: SourceLine(code_file, a.lineno, *_columns(code_file, a)) for a in arguments}
    return {}


def assigned_names(places: Iterable[SourceLine]) -> dict[SourceLine, str]:
    """The variable that each place (with columns) is assigned to: `n` for the right-hand side of `n = a * b`."""
    wanted = dict.fromkeys(place for place in places if place.end is not None)
    found = {}
    for file in dict.fromkeys(place.file for place in wanted):
        for node in ast.walk(_tree(file)):
            if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr)) and node.value is not None:
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                # `a += b` makes its Value by the whole statement, the others by their right-hand side.
                maker = node if isinstance(node, ast.AugAssign) else node.value
                place = SourceLine(file, maker.lineno, *_columns(file, maker))
                if isinstance(target, ast.Name) and place in wanted and _makes_one_value(maker):
                    found[place] = target.id
    return found


def _makes_one_value(maker: ast.stmt | ast.expr) -> bool:
    """Whether an expression makes a single Value at its own place: a model, a loss or Python's `sum` makes many."""
    if not isinstance(maker, ast.Call):
        return True
    if isinstance(maker.func, ast.Attribute):
        return maker.func.attr in OPS
    return isinstance(maker.func, ast.Name) and maker.func.id in OPS and maker.func.id != "sum"


def _tree(file: str) -> ast.Module:
    try:
        return ast.parse("".join(source_lines(file)))
    except SyntaxError:  # a notebook cell with a magic command: shown, but not looked into
        return ast.Module([], [])


def _functions(file: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda]:
    return [
        node for node in ast.walk(_tree(file)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
    ]


def _columns(file: str, node: ast.expr | ast.stmt | ast.arg) -> tuple[int, int | None]:
    text = linecache.getline(file, node.lineno).encode()  # ast counts bytes, people count characters
    start = len(text[: node.col_offset].decode(errors="replace"))
    return start, len(text[: node.end_col_offset].decode(errors="replace")) if node.end_lineno == node.lineno else None


def _blocks(file: str, lines: list[int]) -> dict[int, tuple[str, int, int]]:
    """For each line the (name, first, last) of the lines to show: the innermost function, or the lines outside."""
    spans = []
    for node in _functions(file):
        if not isinstance(node, ast.Lambda):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            spans.append((node.name, first, node.end_lineno or first))
    spans.sort(key=lambda span: span[2] - span[1])
    found = {line: next((span for span in spans if span[1] <= line <= span[2]), None) for line in lines}
    outside = [line for line, span in found.items() if span is None]
    if outside:
        statements = [(s.lineno, s.end_lineno or s.lineno) for s in _tree(file).body]
        around = [s for s in statements if any(s[0] <= line <= s[1] for line in outside)] or [
            (line, line) for line in outside
        ]
        first, last = max(1, around[0][0] - CONTEXT), min(len(source_lines(file)), around[-1][1] + CONTEXT)
        found |= dict.fromkeys(outside, ("", first, last))
    return {line: span for line, span in found.items() if span is not None}


def _excerpt(file: str, name: str, first: int, last: int) -> Excerpt:
    title = PurePath(file).name if not file.startswith("<") and "ipykernel" not in file else ""
    where = " · ".join(part for part in (title or "notebook cell" * ("ipykernel" in file) or file, name) if part)
    return Excerpt(visible(where), first, tuple(map(_shown, source_lines(file)[first - 1 : last])))


def _shown(line: str) -> str:
    return visible(line.rstrip("\n").expandtabs(1))


def _width(line: str, column: int) -> int:
    """Where the character at a column stands once the line is shown."""
    return len(_shown(line[:column]))


def _typed(graph: Graph, expression: str) -> SourcePane:
    """A line for each statement of the expression; its places count characters from the start of the text."""
    starts, lines = [], []
    for match in re.finditer(r"[^;\n]+;?", expression):
        lines.append(visible(match[0].strip()))
        starts.append(match.start() + len(match[0]) - len(match[0].lstrip()))
    places = {}
    for node in graph.nodes:
        if node.source is not None and node.source.file == FILE:
            line = max(0, bisect_right(starts, node.source.start) - 1)
            first, end = node.source.start, node.source.end
            last = None if end is None else _width(expression[starts[line] :], end - starts[line])
            places[node.id] = Place(0, line, _width(expression[starts[line] :], first - starts[line]), last)
    return SourcePane((Excerpt("expression", 0, tuple(lines)),), places, True)


# -- the expression behind a graph ------------------------------------------------------------------------

_INFIX: Final = {
    "add": (" + ", 1),
    "sub": (" − ", 1),
    "mul": ("·", 2),
    "div": (" / ", 2),
    "pow": (" ** ", 4),
    "pow_const": (" ** ", 4),
}
_NEGATION, _ATOM = 3, 5


class _Fragment(NamedTuple):
    text: str
    binds: int
    places: tuple[tuple[int, int, int], ...]  # id, start, end


def _derived(graph: Graph) -> SourcePane:
    """Named and shared results get a line of their own, the rest is written where it is used."""
    uses = [0] * len(graph)
    for source, _, _ in graph.edges:
        uses[source] += 1
    fragments: list[_Fragment] = []
    lines: list[str] = []
    places: dict[int, Place] = {}
    for node in graph.nodes:
        parts = [fragments[i] for i in node.inputs]
        name = _name(node)
        is_result = node.op in OPS or own_name(node.op) is not None
        if not is_result:
            fragment = _Fragment(name, _NEGATION if name.startswith("−") else _ATOM, ((node.id, 0, len(name)),))
        else:
            fragment = _written(node, parts)
        is_root = node.id == len(graph) - 1
        if is_root or (is_result and (node.label or uses[node.id] > 1 or len(fragment.text) > LINE_LENGTH)):
            head = f"{name} = " if is_result else ""
            for i, start, end in fragment.places:
                places.setdefault(i, Place(0, len(lines), start + len(head), end + len(head)))
            lines.append(head + fragment.text)
            fragment = _Fragment(name, _ATOM, ())
        fragments.append(fragment)
    return SourcePane((Excerpt("expression", 0, tuple(lines)),), places, True)


def _name(node: Node) -> str:
    if node.op == CONST and not node.label:
        return node.name.replace("-", "−")  # exactly: the lines say what was computed
    return shorten(visible(node.name), LABEL_LENGTH)


def _written(node: Node, parts: list[_Fragment]) -> _Fragment:
    """The op of `node` over its written operands, with the places of everything inside."""
    pieces: list[str | _Fragment] = []
    if node.op in _INFIX:
        symbol, binds = _INFIX[node.op]
        tight_left, tight_right = binds + (binds == 4), binds + (node.op in ("sub", "div"))
        pieces = [*_bracketed(parts[0], tight_left), symbol, *_bracketed(parts[1], tight_right)]
    elif node.op == "neg":
        binds, pieces = _NEGATION, ["−", *_bracketed(parts[0], _NEGATION)]
    else:
        own, binds = own_name(node.op), _ATOM
        stars = 0 if own else len(OPS[node.op].many)
        length = len(parts) // stars if stars else 0
        groups: list[list[_Fragment]] = [parts[k * length : (k + 1) * length] for k in range(stars)]
        pieces = [f"{visible(own) if own else node.op}("]
        for k, group in enumerate(groups):
            pieces += [", [" if k else "[", *_listed(group), "]"]
        rest = parts[stars * length :]
        pieces += [*([", "] if stars and rest else []), *_listed(rest), ")"]
    text, places = "", []
    for piece in pieces:
        if isinstance(piece, _Fragment):
            places += [(i, start + len(text), end + len(text)) for i, start, end in piece.places]
            text += piece.text
        else:
            text += piece
    return _Fragment(text, binds, (*places, (node.id, 0, len(text))))


def _bracketed(part: _Fragment, tight: int) -> list[str | _Fragment]:
    return [part] if part.binds >= tight and not part.text.startswith("−") else ["(", part, ")"]


def _listed(parts: list[_Fragment]) -> list[str | _Fragment]:
    pieces: list[str | _Fragment] = []
    for part in parts:
        pieces += [", ", part] if pieces else [part]
    return pieces
