"""The walk through a graph in a terminal: one table of nodes, the current step marked, its rule below.

`print_steps` writes all steps as plain lines; `run` is the interactive version.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from rich.console import Console, Group
from rich.control import Control
from rich.segment import ControlType
from rich.table import Table
from rich.text import Text

from ...engine.core.own import own_name
from ...engine.core.value import CONST
from ...engine.rules.ops import OPS
from ...engine.shown import visible
from ...engine.story.moment import Moment, NodeState, moment
from ...engine.story.steps import Step, Steps
from ..model.theme import TERMINAL_BACKWARD, TERMINAL_FORWARD
from .walk import Walk

if sys.platform == "win32":
    import msvcrt
else:
    import select
    import termios
    import tty

FORWARD, BACKWARD = TERMINAL_FORWARD, TERMINAL_BACKWARD  # marks say the same without colour
COLUMNS = ("", "node", "is", "value", "gradient")
HELP = "Enter/→ next   ←/b back   g N jump   q quit"
LAST = "That was the last step.   ←/b back   Home again   q quit"


def operation(steps: Steps, number: int) -> str:
    """What a node does to its inputs, for the table: `x1 * w1`."""
    node = steps.graph.nodes[number]
    own = own_name(node.op)
    if node.op not in OPS and not own:
        return "constant" if node.op == CONST else "input"
    names = [steps.names[i] for i in node.inputs]
    symbol = visible(own) if own else OPS[node.op].symbol
    if len(names) == 2 and not symbol[0].isalpha():
        return f"{names[0]} {symbol} {names[1]}"
    shown = names if len(names) <= 5 else [*names[:2], f"… {len(names) - 4} more …", *names[-2:]]
    return f"{symbol if own else node.op}({', '.join(shown)})"


def cells(now: Moment, number: int, state: NodeState) -> tuple[str, str, str, str, str]:
    """The row of a node in the table: mark, name, what it is, value, gradient."""
    constant = now.graph.nodes[number].op == CONST
    gradient = "–" if constant else state.gradient_text
    return _mark(now, state), now.steps.names[number], operation(now.steps, number), state.value_text, gradient


def _mark(now: Moment, state: NodeState) -> str:
    if state.current:
        return {"forward": "▶", "seed": "●", "backward": "◀"}[now.phase]
    return "·" if state.sender else ""


def view(walk: Walk, index: int, *, rows: int | None = None) -> Group:
    """One step as something rich can print: expression, table, rule, numbers, sentence.

    Args:
        walk: what is walked through; in an expression that was typed, the current part is underlined.
        index: which step.
        rows: how many nodes fit on the screen; the table shows those around the current one.
    """
    now = moment(walk.steps, index)
    step, count = now.step, len(walk.graph)
    colour = FORWARD if step.phase == "forward" else BACKWARD
    first, last = window(count, now.focus, rows)
    table = table_of(COLUMNS)
    for number in range(first, last):
        state = now.node(number)
        style = f"bold {colour}" if state.current else "bold" if state.sender else ""
        table.add_row(*map(Text, cells(now, number, state)), style=style)
    parts: list[Text | Table] = [title_of(step, len(walk.steps), colour)]
    if walk.expression:
        parts.append(underlined(walk.expression, step, colour))
    parts += [Text(), table]
    if (first, last) != (0, count):
        parts.append(Text(f"nodes {first} to {last - 1} of {count}", style="dim"))
    parts += [Text(), Text(step.rule, style="italic"), Text(step.numbers, style=f"bold {colour}"), Text(step.sentence)]
    return Group(*parts)


def table_of(columns: tuple[str, ...]) -> Table:
    """An empty table; numbers stand to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in columns:
        table.add_column(
            heading, justify="right" if heading in ("value", "gradient", "right", "wrong") else "left", no_wrap=True
        )
    return table


def title_of(step: Step, count: int, colour: str) -> Text:
    """The head line of a step."""
    arrow = {"forward": "→ forward", "seed": "● seed", "backward": "← backward"}[step.phase]
    return Text.assemble((arrow, f"bold {colour}"), f"  step {step.index + 1} of {count}")


def window(count: int, focus: int, rows: int | None) -> tuple[int, int]:
    """Which nodes, from and up to, are shown where there is room for so many."""
    if rows is None or count <= rows:
        return 0, count
    first = min(max(0, focus - rows // 2), count - rows)
    return first, first + rows


def underlined(expression: str, step: Step, colour: str) -> Text:
    """An expression, the part that a step is about underlined."""
    place = step.source
    if place is None or place.end is None:
        return Text(visible(expression))
    before, part, after = expression[: place.start], expression[place.start : place.end], expression[place.end :]
    return Text.assemble(visible(before), (visible(part), f"bold underline {colour}"), visible(after))


def print_steps(walk: Walk, console: Console | None = None) -> None:
    """Every step in one line, and the finished table."""
    console = console or Console()
    width = len(str(len(walk.steps)))
    for step in walk.steps:
        colour = FORWARD if step.phase == "forward" else BACKWARD
        console.print(
            Text.assemble(f"{step.index + 1:>{width}}  ", (f"{step.phase:<8}", colour), f"  {step.numbers}"),
            soft_wrap=True,
        )
    console.print()
    console.print(summary(walk))


def summary(walk: Walk) -> Table:
    """The finished table: every node with its value and its gradient."""
    table = table_of(COLUMNS[1:])
    now = moment(walk.steps, -1)
    for number, state in enumerate(now.nodes):
        table.add_row(*map(Text, cells(now, number, state)[1:]))
    return table


def run(walk: Walk, console: Console | None = None) -> None:
    """Walk with the keyboard, and wait until it is left: Enter/→ next, ←/b back, g N jump, Home, End, q quit."""
    browse(lambda index, rows: view(walk, index, rows=rows), len(walk.steps), console)


def browse(
    show: Callable[[int, int | None], Group],
    count: int,
    console: Console | None = None,
    help_line: str = HELP,
    jumps: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Go through `count` views with the keyboard, and wait until it is left.

    Args:
        show: the view of a step, with so many nodes in its table.
        count: how many steps there are.
        console: where they are shown.
        help_line: what is said of the keys.
        jumps: keys beside the usual ones, each with the step it goes to.
    """
    console = console or Console()
    index = 0
    with console.screen(hide_cursor=True), keys() as read_key:
        note = ""
        while True:
            console.clear()
            console.print(show(index, _room(console, show(index, 1))))
            console.print(Text(f"\n{note or (help_line if index < count - 1 else LAST)}", style="dim"))
            key, note = read_key(), ""
            if key in ("q", "\x03", "\x04", ""):
                break
            if key == "g":
                index, note = _jump(console, read_key, index, count)
            else:
                index = jumps.get(key, _moved(key, index, count))
    console.print(show(index, None))


def _room(console: Console, shown: Group) -> int:
    """How many nodes fit on the screen beside the other lines, some of which may be wrapped; `shown` has one."""
    with_one_node = len(console.render_lines(shown))
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
        console.control(Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2)))
        console.print(Text(f"go to step (1 to {count}): {digits} "), end="")
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
def keys() -> Iterator[Callable[..., str]]:
    """A function that waits for one key and names it; given seconds, `"none"` if none comes in that time."""
    if sys.platform == "win32":

        def read(seconds: float | None = None) -> str:
            end = None if seconds is None else time.monotonic() + seconds
            while end is not None and not msvcrt.kbhit():
                if time.monotonic() > end:
                    return "none"
                time.sleep(0.05)
            key = msvcrt.getwch()
            return _WINDOWS.get(msvcrt.getwch(), "") or "?" if key in ("\x00", "\xe0") else key

        yield read
        return

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def read_key(seconds: float | None = None) -> str:
        if not select.select([descriptor], [], [], seconds)[0]:
            return "none"
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
