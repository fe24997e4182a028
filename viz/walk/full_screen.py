"""The full-screen walk in a terminal (extra `tui`): table, source, formula and ledger side by side, in step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text

try:
    from textual.app import App, ComposeResult
    from textual.binding import Binding, BindingType
    from textual.containers import Horizontal, Vertical, VerticalScroll
    from textual.widgets import DataTable, Footer, Static
except ImportError as error:
    raise ImportError('the full-screen walk needs textual: pip install "glassgrad[tui]"') from error

from ...engine.shown import visible
from ...engine.story.ledger import ledger
from ...engine.story.moment import changed, moment
from .terminal import BACKWARD, COLUMNS, FORWARD, cells
from .walk import Walk

if TYPE_CHECKING:
    from textual.timer import Timer

SECONDS_A_STEP = 1.0
PHASES = {"forward": "forward →", "seed": "turning round", "backward": "← backward"}


class WalkApp(App[None]):
    """The full-screen walk."""

    TITLE = "glassgrad"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #head { height: 1; padding: 0 1; text-style: bold; }
    #table { width: 3fr; border: round $primary; }
    #side { width: 2fr; }
    #source, #formula, #ledger { border: round $primary; padding: 0 1; }
    #source { height: 1fr; }
    #formula, #ledger { height: auto; max-height: 40%; }
    #sentence { height: auto; max-height: 4; padding: 0 1; text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,n", "move(1)", "next", priority=True),
        Binding("left,b", "move(-1)", "back", priority=True),
        Binding("home", "first", "first", priority=True),
        Binding("end", "last", "last", priority=True),
        Binding("space", "play", "play/pause", priority=True),
        Binding("enter", "visit", "go to the row", priority=True),
        Binding("q", "quit", "quit"),
    ]

    def __init__(self, walk: Walk) -> None:
        super().__init__()
        self.walk = walk
        self.index = 0
        self._timer_of_play: Timer | None = None

    def compose(self) -> ComposeResult:
        """The parts of the screen."""
        yield Static(id="head", markup=False)
        with Horizontal():
            yield DataTable(id="table", cursor_type="row", zebra_stripes=True)
            with Vertical(id="side"):
                with VerticalScroll(id="source"):
                    yield Static(id="lines", markup=False)
                yield Static(id="formula", markup=False)
                yield Static(id="ledger", markup=False)
        yield Static(id="sentence", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Fill the table and show the first step."""
        table = self._table()
        for name in COLUMNS:
            table.add_column(name, key=name)
        now = moment(self.walk.steps, 0)
        for number, state in enumerate(now.nodes):
            table.add_row(*map(Text, cells(now, number, state)), key=str(number))
        self.query_one("#source").border_title = "expression" if self.walk.source.derived else "source"
        self.query_one("#formula").border_title = "formula"
        self.query_one("#ledger").border_title = "gradient ledger"
        table.focus()
        self._show(0)

    # -- what the keys do ---------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Go forward or back by some steps."""
        self._pause()
        self._go(self.index + by)

    def action_first(self) -> None:
        """Go to the first step."""
        self.action_move(-len(self.walk.steps))

    def action_last(self) -> None:
        """Go to the last step."""
        self.action_move(len(self.walk.steps))

    def action_play(self) -> None:
        """Start or stop playing."""
        if self._timer_of_play is not None:
            self._pause()
            return
        if self.index == len(self.walk.steps) - 1:
            self._go(0)
        self._timer_of_play = self.set_interval(SECONDS_A_STEP, self._tick)

    def action_visit(self) -> None:
        """Go to the step that computes the table's row; going back, to the one that completes its gradient."""
        row = self._table().cursor_row
        arrivals = self.walk.steps.arrivals[row]
        self._pause()
        self._go(arrivals[-1][0] if self.index >= len(self.walk.graph) and arrivals else row)

    def _tick(self) -> None:
        self._go(self.index + 1)
        if self.index == len(self.walk.steps) - 1:
            self._pause()

    def _pause(self) -> None:
        if self._timer_of_play is not None:
            self._timer_of_play.stop()
            self._timer_of_play = None

    def _go(self, index: int) -> None:
        before, self.index = self.index, min(max(index, 0), len(self.walk.steps) - 1)
        self._show(before)

    # -- what is seen -------------------------------------------------------------------------------------

    def _table(self) -> DataTable[Any]:
        return self.query_one("#table", DataTable)

    def _show(self, before: int) -> None:
        """Bring every part of the screen from step `before` to the current one."""
        walk, now = self.walk, moment(self.walk.steps, self.index)
        step = now.step
        colour = FORWARD if step.phase == "forward" else BACKWARD
        table = self._table()
        for number in sorted(changed(walk.steps, before, self.index)[0]):
            for column, text in zip(COLUMNS, cells(now, number, now.node(number))):
                if str(table.get_cell(str(number), column)) != text:
                    table.update_cell(str(number), column, Text(text), update_width=True)
        table.move_cursor(row=now.focus)
        head = f"{PHASES[step.phase]}   step {self.index + 1} of {len(walk.steps)}   {visible(walk.title)}"
        self._write("#head", Text(head, colour))
        self._write("#lines", self._source(step.node, colour))
        self._write("#formula", Text.assemble((step.rule, "italic"), "\n", (step.numbers, f"bold {colour}")))
        if step.phase == "forward":
            self._write("#ledger", Text("no gradient yet: the backward pass comes after the result", "dim"))
        else:
            self._write("#ledger", Text(str(ledger(walk.steps, now.focus, self.index))))
        self._write("#sentence", Text(step.sentence))

    def _write(self, where: str, text: Text) -> None:
        self.query_one(where, Static).update(text)

    def _source(self, node: int, colour: str) -> Text:
        pane = self.walk.source
        place = pane.places.get(node)
        text = Text()
        for e, excerpt in enumerate(pane.excerpts):
            if not pane.derived:
                text.append(f"{excerpt.title}\n", "dim")
            for i, line in enumerate(excerpt.lines):
                here = place is not None and (place.excerpt, place.line) == (e, i)
                number = f"{excerpt.first + i:>4} " if excerpt.first else ""
                text.append(("▶ " if here else "  ") + number, colour if here else "dim")
                start = len(text)
                text.append(line + "\n", "bold" if here else "")
                if here and place is not None:
                    end = len(line) if place.end is None else place.end
                    text.stylize(f"underline {colour}", start + place.start, start + end)
        return text


def run(walk: Walk) -> None:
    """Open the full-screen walk and wait until it is left."""
    WalkApp(walk).run()
