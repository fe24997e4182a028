"""The walk through a graph in a terminal: one table of nodes, the current step marked, its rule below.

`print_steps` writes all steps as plain lines; `walk` is the interactive version.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from ...engine.core.value import CONST
from ...engine.rules.notation import short
from ...engine.rules.ops import OPS
from ...engine.story.graph import Graph, Node
from ...engine.story.steps import Step, Steps
from ..model.theme import TERMINAL_BACKWARD, TERMINAL_FORWARD

FORWARD, BACKWARD = TERMINAL_FORWARD, TERMINAL_BACKWARD  # marks say the same without colour
HELP = "Enter/→ next   ←/b back   g N jump   q quit"


def known_gradients(steps: Steps, upto: int) -> dict[int, float]:
    """The gradients as they stand after step `upto`, by node id; a node not reached yet is missing."""
    found: dict[int, float] = {}
    for step in steps[len(steps.graph) : upto + 1]:
        found[step.node if step.input is None else step.input] = step.new or 0.0
    return found


def operation(graph: Graph, node: Node) -> str:
    """What a node does to its inputs, for the table: `x1 * w1`."""
    if node.op not in OPS:
        return "constant" if node.op == CONST else "input"
    names = [graph.nodes[i].name for i in node.inputs]
    symbol = OPS[node.op].symbol
    if len(names) == 2 and not symbol[0].isalpha():
        return f"{names[0]} {symbol} {names[1]}"
    shown = names if len(names) <= 5 else [*names[:2], f"… {len(names) - 4} more …", *names[-2:]]
    return f"{node.op}({', '.join(shown)})"


def view(steps: Steps, index: int, *, expression: str | None = None, rows: int | None = None) -> Group:
    """One step as something rich can print: expression, table, rule, numbers, sentence.

    Args:
        steps: the walk.
        index: which step.
        expression: the text the graph was made from; the current part is underlined in it.
        rows: how many nodes fit on the screen; the table shows those around the current one.
    """
    step, graph = steps[index], steps.graph
    colour = FORWARD if step.phase == "forward" else BACKWARD
    grads = known_gradients(steps, index)
    first, last = _window(len(graph), step.node if step.input is None else step.input, rows)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "node", "is", "value", "gradient"):
        table.add_column(heading, justify="right" if heading in ("value", "gradient") else "left", no_wrap=True)
    for node in graph.nodes[first:last]:
        value = short(node.data) if node.id <= index else ""
        grad = short(grads[node.id]) if node.id in grads else ("–" if node.op == CONST else "")
        mark, style = _mark(step, node.id, colour)
        table.add_row(mark, node.name, operation(graph, node), value, grad, style=style)
    parts: list[Text | Table] = [_title(step, len(steps), colour)]
    if expression:
        parts.append(_underlined(expression, step, colour))
    parts += [Text(), table]
    if (first, last) != (0, len(graph)):
        parts.append(Text(f"nodes {first} to {last - 1} of {len(graph)}", style="dim"))
    parts += [Text(), Text(step.rule, style="italic"), Text(step.numbers, style=f"bold {colour}"), Text(step.sentence)]
    return Group(*parts)


def _title(step: Step, count: int, colour: str) -> Text:
    arrow = {"forward": "→ forward", "seed": "● seed", "backward": "← backward"}[step.phase]
    return Text.assemble((arrow, f"bold {colour}"), f"  step {step.index + 1} of {count}")


def _mark(step: Step, node: int, colour: str) -> tuple[str, str]:
    if step.input == node:
        return "◀", f"bold {colour}"
    if step.node == node:
        return ("·" if step.phase == "backward" else "▶"), "bold" if step.phase == "backward" else f"bold {colour}"
    return " ", ""


def _window(count: int, focus: int, rows: int | None) -> tuple[int, int]:
    if rows is None or count <= rows:
        return 0, count
    first = min(max(0, focus - rows // 2), count - rows)
    return first, first + rows


def _underlined(expression: str, step: Step, colour: str) -> Text:
    text = Text(expression)
    if step.source is not None and step.source.end is not None:
        text.stylize(f"bold underline {colour}", step.source.start, step.source.end)
    return text


def print_steps(steps: Steps, console: Console | None = None, *, expression: str | None = None) -> None:
    """Every step in one line, and the finished table."""
    console = console or Console()
    width = len(str(len(steps)))
    for step in steps:
        colour = FORWARD if step.phase == "forward" else BACKWARD
        console.print(
            Text.assemble(f"{step.index + 1:>{width}}  ", (f"{step.phase:<8}", colour), f"  {step.numbers}"),
            soft_wrap=True,
        )
    console.print()
    console.print(summary(steps))


def summary(steps: Steps) -> Table:
    """The finished table: every node with its value and its gradient."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("node", "is", "value", "gradient"):
        table.add_column(heading, justify="right" if heading in ("value", "gradient") else "left", no_wrap=True)
    for node, grad in zip(steps.graph.nodes, steps.gradients()):
        table.add_row(
            node.name, operation(steps.graph, node), short(node.data), "–" if node.op == CONST else short(grad)
        )
    return table


def walk(steps: Steps, console: Console | None = None, *, expression: str | None = None) -> None:
    """Walk through the steps with the keyboard: Enter/→ next, ←/b back, g N jump, Home, End, q quit."""
    console = console or Console()
    index = 0
    with console.screen(hide_cursor=True), _keys() as read_key:
        note = ""
        while True:
            console.clear()
            console.print(view(steps, index, expression=expression, rows=_room(console, steps, index, expression)))
            console.print(Text(f"\n{note or HELP}", style="dim"))
            key, note = read_key(), ""
            if key in ("q", "\x03", "\x04", ""):
                break
            if key == "g":
                index, note = _jump(console, read_key, index, len(steps))
            else:
                index = _moved(key, index, len(steps))
    console.print(view(steps, index, expression=expression))


def _room(console: Console, steps: Steps, index: int, expression: str | None) -> int:
    """How many nodes fit on the screen beside the other lines, some of which may be wrapped."""
    with_one_node = len(console.render_lines(view(steps, index, expression=expression, rows=1)))
    below = 3  # an empty line, the help, the cursor
    return max(3, console.height - below - (with_one_node - 1))


def _moved(key: str, index: int, count: int) -> int:
    if key in ("\r", "\n", " ", "right", "n"):
        return min(index + 1, count - 1)
    if key in ("left", "b"):
        return max(index - 1, 0)
    return {"home": 0, "end": count - 1}.get(key, index)


def _jump(console: Console, read_key: Callable[[], str], index: int, count: int) -> tuple[int, str]:
    digits = ""
    while True:
        console.print(Text(f"\rgo to step (1 to {count}): {digits} "), end="")
        key = read_key()
        if key.isdigit():
            digits += key
        elif key == "\x7f":
            digits = digits[:-1]
        elif key in ("\r", "\n", " ") and not digits:
            continue
        else:
            break
    if key not in ("\r", "\n", " ") or not 1 <= int(digits or 0) <= count:
        return index, f"there are steps 1 to {count}, not {digits or repr(key)}"
    return int(digits) - 1, ""


_ESCAPES = {
    "[C": "right",
    "OC": "right",
    "[D": "left",
    "OD": "left",
    "[H": "home",
    "[F": "end",
    "OH": "home",
    "OF": "end",
}
_ESCAPES |= {"[1~": "home", "[4~": "end"}
_WINDOWS = {"M": "right", "K": "left", "G": "home", "O": "end"}


@contextmanager
def _keys() -> Iterator[Callable[[], str]]:
    """A function that waits for one key and names it."""
    if sys.platform == "win32":
        import msvcrt

        def read() -> str:
            key = msvcrt.getwch()
            return _WINDOWS.get(msvcrt.getwch(), "") or "?" if key in ("\x00", "\xe0") else key

        yield read
        return
    import select
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def read_key() -> str:
        key = os.read(descriptor, 1).decode(errors="replace")
        if key != "\x1b":
            return key
        rest = ""
        while select.select([descriptor], [], [], 0.05)[0] and len(rest) < 4:
            rest += os.read(descriptor, 1).decode(errors="replace")
            if rest in _ESCAPES:
                break
        return _ESCAPES.get(rest, "?")

    try:
        tty.setcbreak(descriptor)
        yield read_key
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
