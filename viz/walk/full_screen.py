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

from ...engine.core.value import CONST
from ...engine.rules.notation import short
from .terminal import BACKWARD, FORWARD, known_gradients, operation

if TYPE_CHECKING:
    from textual.timer import Timer

    from .stepper import Stepper

SECONDS_A_STEP = 1.0
PHASES = {"forward": "forward →", "seed": "turning round", "backward": "← backward"}
COLUMNS = ("", "node", "is", "value", "gradient")


class StepperApp(App[None]):
    """The full-screen walk through the steps of a `Stepper`."""

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

    def __init__(self, stepper: Stepper) -> None:
        super().__init__()
        self.stepper = stepper
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
        graph = self.stepper.graph
        for node in graph.nodes:
            table.add_row(*map(Text, ("", node.name, operation(graph, node), "", "")), key=str(node.id))
        self.query_one("#source").border_title = "expression" if self.stepper.source.derived else "source"
        self.query_one("#formula").border_title = "formula"
        self.query_one("#ledger").border_title = "gradient ledger"
        table.focus()
        self.show()

    # -- what the keys do ---------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Go forward or back by some steps."""
        self._pause()
        self._go(self.index + by)

    def action_first(self) -> None:
        """Go to the first step."""
        self.action_move(-len(self.stepper.steps))

    def action_last(self) -> None:
        """Go to the last step."""
        self.action_move(len(self.stepper.steps))

    def action_play(self) -> None:
        """Start or stop playing."""
        if self._timer_of_play is not None:
            self._pause()
            return
        if self.index == len(self.stepper.steps) - 1:
            self._go(0)
        self._timer_of_play = self.set_interval(SECONDS_A_STEP, self._tick)

    def action_visit(self) -> None:
        """Go to the step that computes the table's row; going back, to the one that completes its gradient."""
        row = self._table().cursor_row
        count = len(self.stepper.graph)
        arrivals = [
            step.index
            for step in self.stepper.steps[count:]
            if row == (step.node if step.input is None else step.input)
        ]
        self._pause()
        self._go(arrivals[-1] if self.index >= count and arrivals else row)

    def _tick(self) -> None:
        self._go(self.index + 1)
        if self.index == len(self.stepper.steps) - 1:
            self._pause()

    def _pause(self) -> None:
        if self._timer_of_play is not None:
            self._timer_of_play.stop()
            self._timer_of_play = None

    def _go(self, index: int) -> None:
        self.index = min(max(index, 0), len(self.stepper.steps) - 1)
        self.show()

    # -- what is seen -------------------------------------------------------------------------------------

    def _table(self) -> DataTable[Any]:
        return self.query_one("#table", DataTable)

    def show(self) -> None:
        """Bring every part of the screen to the current step."""
        graph, steps = self.stepper.graph, self.stepper.steps
        step = steps[self.index]
        colour = FORWARD if step.phase == "forward" else BACKWARD
        focus = step.node if step.input is None else step.input
        grads = known_gradients(steps, self.index)
        table = self._table()
        for node in graph.nodes:
            mark = (
                ""
                if node.id not in (step.node, step.input)
                else "▶"
                if step.phase == "forward"
                else "◀"
                if node.id == focus
                else "·"
            )
            grad = "–" if node.op == CONST else short(grads[node.id]) if node.id in grads else ""
            cells = (mark, node.name, operation(graph, node), short(node.data) if node.id <= self.index else "", grad)
            for column, text in zip(COLUMNS, cells):
                if str(table.get_cell(str(node.id), column)) != text:
                    table.update_cell(str(node.id), column, Text(text), update_width=True)
        table.move_cursor(row=focus)
        self._write(
            "#head",
            Text(f"{PHASES[step.phase]}   step {self.index + 1} of {len(steps)}   {self.stepper.title}", colour),
        )
        self._write("#lines", self._source(colour))
        self._write("#formula", Text.assemble((step.rule, "italic"), "\n", (step.numbers, f"bold {colour}")))
        if step.phase == "forward":
            self._write("#ledger", Text("no gradient yet: the backward pass comes after the result", "dim"))
        else:
            entries = [s for s in steps[len(graph) :] if s.input == focus]
            arrived = [s for s in entries if s.index <= self.index]
            lines = [f"through {graph.nodes[s.node].name}: {s.numbers.partition(' = ')[2]}" for s in arrived]
            if len(entries) > len(arrived):
                lines.append(f"so far; {len(entries) - len(arrived)} more to come")
            total = f"∂{graph.root.name}/∂{graph.nodes[focus].name} = {short(grads[focus])}"
            self._write("#ledger", Text("\n".join([total, *lines])))
        self._write("#sentence", Text(step.sentence))

    def _write(self, where: str, text: Text) -> None:
        self.query_one(where, Static).update(text)

    def _source(self, colour: str) -> Text:
        pane = self.stepper.source
        place = pane.places.get(self.stepper.steps[self.index].node)
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


def run(stepper: Stepper) -> None:
    """Open the full-screen walk and wait until it is left."""
    StepperApp(stepper).run()
