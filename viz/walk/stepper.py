"""`step`: walk through evaluation and differentiation of one's own code, step by step, on a page or in a terminal."""

from __future__ import annotations

import sys
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, overload

from ...engine.choices import one_of
from ...engine.core.value import Value
from ...engine.shown import counted, described
from ...engine.story.expression import graph_of
from ...engine.story.graph import Graph, SourceLine
from ...engine.writing import check_writable, write_file
from ..variables import frame_names, variable_names
from .function import graph_of_call
from .walk import walk_through

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..model.diagram import Diagram
    from .source_pane import SourcePane

FORMATS: Final = (".html", ".gif")
FRAME_HEIGHT: Final = 940
"""Height of the page inside a notebook, in CSS pixels."""


class Stepper:
    """The walk through one computation. Made by `step`; in a notebook it shows itself.

    A front door only: `walk` is the data, and every view is a function of it, loaded when it is asked for.

    Args:
        graph: the computation.
        title: what the page is called.
        expression: the text the graph was made of, if it was typed as one.

    Attributes:
        walk: graph, steps, title, source lines and picture.
        graph: the computation, every gradient filled in.
        steps: its steps, forward and backward.
        title: what the page is called.
    """

    def __init__(self, graph: Graph, title: str = "", expression: str = "") -> None:
        self.walk = walk_through(graph, title, expression)
        self.graph, self.steps, self.title = self.walk.graph, self.walk.steps, self.walk.title

    @property
    def source(self) -> SourcePane:
        """The lines beside the graph: the user's own, or the expression derived from the graph."""
        return self.walk.source

    @property
    def drawing(self) -> Diagram:
        """The graph after the last step, nothing folded."""
        return self.walk.drawing

    @cached_property
    def html(self) -> str:
        """The page as one HTML text: no part of it lies elsewhere, nothing is ever requested."""
        from .page import page

        return page(self.walk)

    def save(self, path: str | Path) -> Path:
        """Write `page.html` (interactive, one file) or `steps.gif` (animated; needs Pillow).

        Returns:
            The path.

        Raises:
            ValueError: for another ending.
            ImportError: for a GIF without Pillow: `pip install "glassgrad[png]"`.
            OSError: if it cannot be written; the file is left as it was.
        """
        path = Path(path)
        one_of(FORMATS, "ending", path.suffix.lower())
        if path.suffix.lower() == ".html":
            write_file(path, self.html)
        else:
            from .animation import animation

            check_writable(path)  # painting takes its time
            write_file(path, animation(self.walk))
        return path

    def terminal(self, full_screen: bool = False) -> None:
        """Walk through the steps in the terminal.

        Args:
            full_screen: with table, formula and source side by side; needs textual.

        Raises:
            ImportError: for `full_screen` without textual: `pip install "glassgrad[tui]"`.
        """
        if full_screen:
            from .full_screen import run
        else:
            from .terminal import run
        run(self.walk)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from .page import static_picture

        svg, picture = static_picture(self.walk)
        # The page covers the picture; where scripts and frames are taken out, the picture is what remains.
        frame = (
            f'<iframe sandbox="allow-scripts" title="{escape(self.title)}, step by step" srcdoc="{escape(self.html)}" '
            f'style="grid-area:1/1;width:100%;height:{FRAME_HEIGHT}px;border:0;background:Canvas"></iframe>'
        )
        return {
            "text/html": f'<div style="display:grid">{picture}{frame}</div>',
            "image/svg+xml": svg,
            "text/plain": repr(self),
        }

    def __len__(self) -> int:
        return len(self.steps)

    def __repr__(self) -> str:
        forward, backward = len(self.graph), len(self.steps) - len(self.graph)
        steps = f"{counted(forward, 'forward step')}, {backward} backward"
        return f"Stepper({self.title!r}: {steps}; .save('page.html') or .terminal())"


@overload
def step(target: Callable[..., Any] | str, /, **inputs: Any) -> Stepper: ...
@overload
def step(
    target: Value | Graph,
    /,
    *,
    names: Mapping[str, object] | None = None,
    sources: Mapping[Value, SourceLine] | None = None,
) -> Stepper: ...
def step(target: Any, /, **inputs: Any) -> Stepper:
    """Walk through a computation: every node forward, every edge backward, beside the code that made it.

    Args:
        target: a function to run, an expression as text, or a result that exists already.
        inputs: for a function or an expression, its inputs. Numbers (also in lists and tuples) become Values
            labelled with their names, and so do defaults that are floats; Values are passed on. For a result:
            `names`, labels for Values that have none (else the caller's variables are taken), and `sources`,
            what `record_source()` gave.

    Returns:
        A `Stepper`: `.save("page.html")`, `.terminal()`, or itself in a notebook.

    Raises:
        TypeError: if the function misses an input or does not return a Value.
        ExpressionError: if the text is no expression.

    >>> def neuron(x, w, b):
    ...     n = x * w + b
    ...     return n.tanh()
    >>> step(neuron, x=2.0, w=-3.0, b=6.5)
    Stepper('neuron(x, w, b)': 6 forward steps, 6 backward; .save('page.html') or .terminal())
    >>> step("n = x*w + b; tanh(n)", x=2.0, w=-3.0, b=6.5).graph.leaves[1].label
    'w'
    """
    if isinstance(target, str):
        return Stepper(graph_of(target, inputs, f"step({target!r}"), target.strip(), target)
    if isinstance(target, (Value, Graph)):
        return _of_result(target, frame_names(sys._getframe(1)), **inputs)
    if callable(target):
        return Stepper(*graph_of_call(target, inputs))
    raise TypeError(f"step() takes a function, an expression as text, a Value or a Graph, got {described(target)}")


def _of_result(
    root: Value | Graph,
    variables: Mapping[str, object],
    names: Mapping[str, object] | None = None,
    sources: Mapping[Value, SourceLine] | None = None,
) -> Stepper:
    if isinstance(root, Graph):
        return Stepper(root)
    return Stepper(Graph(root, variables if names is None else variable_names(names), sources))
