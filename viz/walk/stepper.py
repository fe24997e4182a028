"""`step`: walk through evaluation and differentiation of one's own code, step by step, on a page or in a terminal."""

from __future__ import annotations

import inspect
import sys
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, overload

from ...engine.core.value import Value
from ...engine.number import number
from ...engine.rules.ops import OPS
from ...engine.story.expression import parse
from ...engine.story.graph import Graph, SourceLine
from ...engine.story.naming import subscript
from ...engine.story.source import record_source
from ...engine.story.steps import Steps, steps
from ..variables import frame_names, variable_names
from .source_pane import SourcePane, assigned_names, parameter_places, source_pane

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType, FrameType

    from ..model.diagram import Diagram

FORMATS: Final = (".html", ".gif")
FRAME_HEIGHT: Final = 940
"""Height of the page inside a notebook, in CSS pixels."""


class Stepper:
    """The walk through one computation. Made by `step`; in a notebook it shows itself.

    Args:
        graph: the computation.
        title: what the page is called.
        expression: the text the graph was made of, if it was typed as one.

    Attributes:
        graph: the computation, every gradient filled in.
        steps: its steps, forward and backward.
        title: what the page is called.
    """

    def __init__(self, graph: Graph, title: str = "", expression: str = "") -> None:
        walk = steps(graph)
        takes_gradient = {graph.root.id, *(flow.input for flow in walk.flows)}
        gradients = [grad if i in takes_gradient else None for i, grad in enumerate(walk.gradients())]
        self.graph = Graph.of((node._replace(grad=grad) for node, grad in zip(graph.nodes, gradients)), graph.groups)
        self.steps: Steps = steps(self.graph)
        self.title = title or graph.root.name
        self._expression = expression

    @cached_property
    def source(self) -> SourcePane:
        """The lines beside the graph: the user's own, or the expression derived from the graph."""
        return source_pane(self.graph, self._expression)

    @cached_property
    def drawing(self) -> Diagram:
        """The graph after the last step, nothing folded; every box has the name that the sentences use."""
        from ..place.layout import layout

        # The lines are in the source pane; a picture that is passed on should not tell where the user's files are.
        named = (
            node._replace(label=node.name if node.op in OPS else node.label, source=None) for node in self.graph.nodes
        )
        return layout(Graph.of(named, self.graph.groups), fold=False, slopes=True)

    @cached_property
    def html(self) -> str:
        """The page as one HTML text: no part of it lies elsewhere, nothing is ever requested."""
        from .page import page

        return page(self)

    def save(self, path: str | Path) -> Path:
        """Write `page.html` (interactive, one file) or `steps.gif` (animated; needs Pillow).

        Returns:
            The path.

        Raises:
            ValueError: for another ending.
            ImportError: for a GIF without Pillow: `pip install "glassgrad[png]"`.
        """
        path = Path(path)
        if path.suffix.lower() == ".html":
            path.write_bytes(self.html.encode("utf-8", "replace"))
        elif path.suffix.lower() == ".gif":
            from .animation import animation

            path.write_bytes(animation(self))
        else:
            raise ValueError(f"cannot save steps as {path.name!r}: the ending must be one of {', '.join(FORMATS)}")
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

            run(self)
        else:
            from .terminal import walk

            walk(self.steps, expression=self._expression or None)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from .page import static_picture

        svg, picture = static_picture(self)
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
        return (
            f"Stepper({self.title!r}: {forward} forward steps, {backward} backward; .save('page.html') or .terminal())"
        )


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
        found = parse(target).evaluate({name: number(given, name) for name, given in inputs.items()})
        return Stepper(Graph(found.root, found.names, found.sources), target.strip(), target)
    if isinstance(target, (Value, Graph)):
        return _of_result(target, frame_names(sys._getframe(1)), **inputs)
    if callable(target):
        return _of_function(target, inputs)
    raise TypeError(
        f"step() takes a function, an expression as text, a Value or a Graph, got {type(target).__name__} {target!r}"
    )


def _of_result(
    root: Value | Graph,
    variables: Mapping[str, object],
    names: Mapping[str, object] | None = None,
    sources: Mapping[Value, SourceLine] | None = None,
) -> Stepper:
    if isinstance(root, Graph):
        return Stepper(root)
    return Stepper(Graph(root, variables if names is None else variable_names(names), sources))


def _of_function(function: Callable[..., Any], inputs: Mapping[str, Any]) -> Stepper:
    name = getattr(function, "__name__", type(function).__name__)
    signature = inspect.signature(function)
    try:
        bound = signature.bind(**inputs)
    except TypeError as error:
        takes = ", ".join(f"{parameter}=NUMBER" for parameter in signature.parameters) or "no inputs"
        raise TypeError(f"step({name}): {error}; {name} takes {takes}") from None
    defaults = {
        p.name: p.default
        for p in signature.parameters.values()
        if p.name not in inputs and isinstance(p.default, float)
    }
    given = {key: _as_values(key, thing) for key, thing in {**bound.arguments, **defaults}.items()}
    bound.arguments.update(given)
    code = getattr(inspect.unwrap(function), "__code__", None)
    root, variables, sources = _run(lambda: function(*bound.args, **bound.kwargs), code)
    if not isinstance(root, Value):
        raise TypeError(
            f"step({name}): it must return the result as one Value, but returned {type(root).__name__} {root!r}"
        )
    places = parameter_places(code.co_filename, code.co_firstlineno) if code is not None else {}
    handed_in = variable_names(given)
    for path, value in handed_in.items():
        parameter = path.partition("[")[0]
        if parameter in places:
            sources[value] = places[parameter]
    names = _names(handed_in, _around(function), variables, sources)
    if name.isidentifier():  # a lambda has no name
        names.setdefault(root, name)
    title = f"{name}({', '.join(signature.parameters)})"
    return Stepper(Graph(root, {label: value for value, label in names.items()}, sources), title)


def _as_values(name: str, given: Any) -> Any:
    if isinstance(given, (list, tuple)) and type(given) in (list, tuple):
        return type(given)(_as_values(f"{name}[{i}]", item) for i, item in enumerate(given))
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return Value(given, name)
    return given


def _run(call: Callable[[], Any], code: CodeType | None) -> tuple[Any, dict[str, object], dict[Value, SourceLine]]:
    """Call, noting where Values are made and which variables the function with `code` has when it returns."""
    variables: dict[str, object] = {}
    with record_source() as sources:
        recorder = sys.getprofile()
        assert recorder is not None  # it was set the line before

        def watch(frame: FrameType, event: Any, result: Any) -> None:
            recorder(frame, event, result)
            if event == "return" and frame.f_code is code:
                variables.update(frame.f_locals)

        sys.setprofile(watch)  # record_source() puts back what was there before it
        result = call()
    return result, variables, sources


def _around(function: Callable[..., Any]) -> dict[str, Value]:
    """Values that a function finds outside of itself, such as a global weight."""
    try:
        outside = inspect.getclosurevars(inspect.unwrap(function))
    except TypeError:  # a callable object has none
        return {}
    return variable_names({**outside.globals, **outside.nonlocals})


def _names(
    inputs: Mapping[str, Value],
    outside: Mapping[str, Value],
    variables: Mapping[str, object],
    sources: Mapping[Value, SourceLine],
) -> dict[Value, str]:
    """A name for each Value that a variable ever stood for; a variable assigned several times is numbered: a₁, a₂."""
    assigned = assigned_names(sources.values())
    history: dict[str, dict[Value, None]] = {}
    for value, place in sources.items():
        if place in assigned:
            history.setdefault(assigned[place], {})[value] = None
    for name, value in variable_names(variables).items():
        history.setdefault(name, {})[value] = None
    names = {value: name for name, value in {**outside, **inputs}.items()}
    for name, values in history.items():
        fresh = [value for value in values if value not in names]
        for i, value in enumerate(fresh):
            alone = len(fresh) == 1 and name not in inputs
            names[value] = name if alone else name + subscript(i + 1)
    return names
