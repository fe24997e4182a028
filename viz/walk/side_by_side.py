"""`compare`: the right pass and one with a fault, stepped through together, on a page or in a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

from ...engine.choices import one_of
from ...engine.core.value import Value
from ...engine.lab.comparison import Comparison
from ...engine.lab.comparison import compare as compare_passes
from ...engine.lab.faults import Fault
from ...engine.rules.notation import short
from ...engine.story.graph import Graph
from ...engine.writing import write_file
from ..variables import frame_names, variable_names
from .function import graph_of_call
from .stepper import FRAME_HEIGHT
from .walk import Walk


class SideBySide:
    """Two passes over one graph, the right one and one with a fault. Made by `compare`; in a notebook it shows itself.

    Args:
        comparison: both passes, and where they part.
        title: what the page is called.
        expression: the text the graph was made of, if it was typed as one.

    Attributes:
        comparison: the same.
        title: the same.
    """

    def __init__(self, comparison: Comparison, title: str = "", expression: str = "") -> None:
        self.comparison, self.title = comparison, title or comparison.right.names[-1]
        self._expression = expression

    @cached_property
    def right(self) -> Walk:
        """The right pass."""
        return Walk(self.comparison.right, self.title, self._expression, like=self.wrong)

    @cached_property
    def wrong(self) -> Walk:
        """The one with the fault.

        Raises:
            ValueError: if the engine refuses the fault.
        """
        steps = self.comparison.wrong
        if steps is None:
            raise ValueError(f"there is nothing to step through: {self.comparison.why}")
        return Walk(steps, self.title, self._expression, self.comparison.receiver, self.comparison.right)

    @cached_property
    def html(self) -> str:
        """The page as one HTML text, both graphs side by side: nothing is ever requested."""
        from .page import page

        found = self.comparison
        fault: dict[str, Any] = {"fault": found.fault.name, "does": found.why, "counterparts": found.counterparts}
        if found.first is not None:
            fault |= {"does": str(found.fault), "first": found.first, "receiver": found.receiver}
        if found.wrong is not None:
            fault["changed"] = {node: short(x) for node, x in found.wrong.run.changed.items()}
        return page(self.wrong, self.right, fault)

    def save(self, path: str | Path) -> Path:
        """Write `page.html` (interactive, one file).

        Returns:
            The path.

        Raises:
            ValueError: for another ending, or if the engine refuses the fault.
            OSError: if it cannot be written; the file is left as it was.
        """
        path = Path(path)
        one_of([".html"], "ending", path.suffix.lower())
        write_file(path, self.html)
        return path

    def terminal(self) -> None:
        """Step through both passes in the terminal.

        Raises:
            ValueError: if the engine refuses the fault.
        """
        from .terminal_pair import run

        run(self.comparison, self.right, self.wrong)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        shown = self.comparison._repr_html_()
        if self.comparison.wrong is not None:
            shown += (
                f'<iframe sandbox="allow-scripts" title="{escape(self.title)}, right and wrong, step by step" '
                f'srcdoc="{escape(self.html)}" '
                f'style="width:100%;height:{FRAME_HEIGHT}px;border:0;background:Canvas"></iframe>'
            )
        return {"text/html": shown, "text/plain": str(self.comparison)}

    def __repr__(self) -> str:
        return str(self.comparison)


def compare(
    target: Value | Graph | str | Callable[..., Any],
    fault: str | Fault,
    /,
    *,
    at: str | None = None,
    names: Mapping[str, object] | None = None,
    **inputs: Any,
) -> SideBySide:
    """Step through the right backward pass and one with a fault, side by side.

    Args:
        target: a result that exists already, a graph of it, an expression as text, or a function to run.
        fault: one of `gg.lab.FAULTS`, or its name.
        at: the op (or, for `stale_data` and `cycle`, the leaf) that the fault is in; by default the first where it
            makes a difference.
        names: for a result, labels for Values that have none (else the caller's variables are taken).
        inputs: for a function or an expression, its inputs.

    Returns:
        A `SideBySide`: `.save("page.html")`, `.terminal()`, `.comparison`, or itself in a notebook.

    Raises:
        UnknownFaultError: if no fault is called so.
        ExpressionError: if the text is no expression.
        TypeError: if the function misses an input or does not return a Value.

    >>> compare("b = a + a; c = b*b", "overwrite", a=3.0).comparison.leaves
    (LeafGradient(name='a', right=24.0, wrong=6.0),)
    """
    text = target if isinstance(target, str) else ""
    title = text.strip()
    if isinstance(target, Value):
        names = frame_names(sys._getframe(1)) if names is None else variable_names(names)
    elif callable(target):
        target, title = graph_of_call(target, inputs)
        inputs = {}
    return SideBySide(compare_passes(target, fault, at=at, names=names, **inputs), title, text)
