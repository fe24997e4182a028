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
        index: which step of the wrong pass; the right one is at its counterpart.
        rows: how many nodes fit on the screen.
    """
    now, there = moment(wrong.steps, index), moment(right.steps, found.counterparts[index])
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
    parts += [Text(), *_steps(found, index), Text(step.sentence)]
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


def _steps(found: Comparison, index: int) -> list[Text]:
    """The equation of a step; if it is another one in the other pass, both."""
    assert found.wrong is not None  # else there are no steps
    right, wrong = found.right_numbers(index), found.wrong[index].numbers
    if right == wrong:
        return [Text(wrong, f"bold {TERMINAL_FORWARD if index < len(found.graph) else TERMINAL_BACKWARD}")]
    beside = found.of_right(index)
    mark = f"{WRONG if index == found.first else ' '} {'wrong:':<{len(beside) + 1}} "
    return [Text(f"  {beside}: {right}"), Text.assemble(mark, (wrong, f"bold {TERMINAL_BACKWARD}"))]


def print_pair(found: Comparison, right: Walk, wrong: Walk, console: Console | None = None) -> None:
    """Every step of both passes, the first wrong number marked, and the comparison."""
    console = console or Console()
    width = len(str(len(wrong.steps)))
    for step in wrong.steps:
        head = f"{step.index + 1:>{width}}  {step.phase:<8}  "
        for line in _steps(found, step.index):
            parts = line.wrap(console, max(console.width - len(head) - 4, 20))
            for k, part in enumerate(parts):
                part.rstrip()
                console.print(Text.assemble(head, "    " * (k > 0), part), soft_wrap=True)
                head = " " * len(head)
    console.print()
    _print_summary(found, console)


def _print_summary(found: Comparison, console: Console) -> None:
    console.print(found.text(console.width), soft_wrap=True, markup=False, highlight=False)


def run(found: Comparison, right: Walk, wrong: Walk, console: Console | None = None) -> None:
    """Step through both with the keyboard, and wait until it is left: the keys of one walk, and w."""
    jumps = {} if found.first is None else {"w": found.first}
    help_line = PAIR_HELP if jumps else HELP
    browse(lambda index, rows: view(found, right, wrong, index, rows), len(wrong.steps), console, help_line, jumps)
    console = console or Console()
    console.print()
    _print_summary(found, console)
