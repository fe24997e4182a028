"""The right pass and one with a fault in a terminal: one table of nodes, both gradients, both steps below."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from ...engine.lab.comparison import Comparison
from ...engine.story.ledger import ledger
from ...engine.story.moment import moment
from ...engine.story.steps import Steps
from ..model.theme import TERMINAL_BACKWARD, TERMINAL_FORWARD
from .terminal import HELP, browse, cells, table_of, title_of, underlined, window
from .walk import WRONG, Walk

COLUMNS = ("", "node", "is", "value", "right", "wrong")
LEDGER_LINES = 6
"""So many of its last lines are shown of a ledger."""
PAIR_HELP = HELP.replace("   q quit", "   w first wrong number   q quit")


def view(found: Comparison, right: Walk, wrong: Walk, index: int, rows: int | None = None) -> Group:
    """One step of both passes as something rich can print.

    Args:
        found: where they part.
        right, wrong: the two passes.
        index: which step; a pass that is at its end stays there.
        rows: how many nodes fit on the screen.
    """
    now, there = (moment(walk.steps, min(index, len(walk.steps) - 1)) for walk in (wrong, right))
    step, count = now.step, len(wrong.graph)
    colour = TERMINAL_FORWARD if step.phase == "forward" else TERMINAL_BACKWARD
    first, last = window(count, now.focus, rows)
    table = table_of(COLUMNS)
    for number in range(first, last):
        state = now.node(number)
        *shown, gradient = cells(now, number, state)
        marked = found.first is not None and index >= found.first and number == found.receiver
        style = f"bold {colour}" if state.current else "bold" if state.sender else ""
        wrong_text = Text(f"{WRONG} {gradient}", f"bold reverse {colour}") if marked else Text(gradient)
        row = [*map(Text, shown), Text(cells(there, number, there.node(number))[-1]), wrong_text]
        table.add_row(*row, style=style)
    head = Text.assemble(
        title_of(step, len(wrong.steps), colour), f"   {found.fault.name}", (f": {found.fault.does}", "dim")
    )
    parts: list[Text | Table] = [head]
    if wrong.expression:
        parts.append(underlined(wrong.expression, step, colour))
    parts += [Text(), table]
    if (first, last) != (0, count):
        parts.append(Text(f"nodes {first} to {last - 1} of {count}", style="dim"))
    parts += [Text(), *_steps(found, there.step.numbers, step.numbers, index), Text(step.sentence)]
    if step.phase == "backward":
        parts += [Text(), _ledgers(now.focus, [(right.steps, there.index), (wrong.steps, index)])]
    return Group(*parts)


def _ledgers(node: int, moments: Sequence[tuple[Steps, int]]) -> Table:
    """The ledgers of a node in both passes, side by side."""
    both = Table(box=None, pad_edge=False, show_header=False)
    both.add_row(*(Text(_last_lines(str(ledger(steps, node, index)))) for steps, index in moments))
    return both


def _last_lines(text: str) -> str:
    head, *lines = text.splitlines()
    left_out = len(lines) - LEDGER_LINES
    return "\n".join([head, *([f"  … {left_out} more"] if left_out > 0 else []), *lines[max(left_out, 0) :]])


def _steps(found: Comparison, right: str, wrong: str, index: int) -> list[Text]:
    if right == wrong:
        return [Text(wrong, f"bold {TERMINAL_FORWARD if index < len(found.graph) else TERMINAL_BACKWARD}")]
    mark = f"{WRONG} " if index == found.first else "  "
    return [Text.assemble("  right: ", right), Text.assemble(f"{mark}wrong: ", (wrong, f"bold {TERMINAL_BACKWARD}"))]


def print_pair(found: Comparison, right: Walk, wrong: Walk, console: Console | None = None) -> None:
    """Every step of both passes, the first wrong number marked, and the comparison."""
    console = console or Console()
    width = len(str(len(wrong.steps)))
    for step in wrong.steps:
        there = (
            right.steps[min(step.index, len(right.steps) - 1)].numbers if step.index < len(right.steps) else "(done)"
        )
        head = f"{step.index + 1:>{width}}  {step.phase:<8}"
        for k, line in enumerate(_steps(found, there, step.numbers, step.index)):
            console.print(Text.assemble(head if k == 0 else " " * len(head), "  ", line), soft_wrap=True)
    console.print()
    console.print(str(found), soft_wrap=True, markup=False, highlight=False)


def run(found: Comparison, right: Walk, wrong: Walk, console: Console | None = None) -> None:
    """Step through both with the keyboard, and wait until it is left: the keys of one walk, and w."""
    jumps = {} if found.first is None else {"w": found.first}
    help_line = PAIR_HELP if jumps else HELP
    browse(lambda index, rows: view(found, right, wrong, index, rows), len(wrong.steps), console, help_line, jumps)
    (console or Console()).print(f"\n{found}", soft_wrap=True, markup=False, highlight=False)
