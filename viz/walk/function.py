"""The learner's own function, run once while it is watched: its graph, with names and lines from the code."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any

from ...engine.core.value import Value
from ...engine.shown import described
from ...engine.story.graph import Graph, SourceLine
from ...engine.story.naming import subscript
from ...engine.story.source import record_source, watched
from ..variables import variable_names
from .source_pane import assigned_names, parameter_places

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType, FrameType


def graph_of_call(function: Callable[..., Any], inputs: Mapping[str, Any]) -> tuple[Graph, str]:
    """The graph of `function(**inputs)`, and the call as a title.

    Args:
        function: what to run.
        inputs: its inputs; numbers (also in lists and tuples, and defaults that are floats) become Values that are
            labelled with their names, Values are passed on.

    Raises:
        TypeError: if it misses an input or does not return a Value.
    """
    name, bound = _name(function), bound_arguments(function, inputs)
    given = {key: _as_values(key, thing) for key, thing in bound.arguments.items()}
    bound.arguments.update(given)
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is not None:
        watched(code)
    root, variables, sources = _run(lambda: function(*bound.args, **bound.kwargs), code)
    if not isinstance(root, Value):
        raise TypeError(f"{name} must return the result as one Value, but returned {described(root, 100)}")
    places = parameter_places(code.co_filename, code.co_firstlineno) if code is not None else {}
    handed_in = variable_names(given)
    for path, value in handed_in.items():
        parameter = path.partition("[")[0]
        if parameter in places:
            sources[value] = places[parameter]
    names = _names(handed_in, _around(function), variables, sources)
    if name.isidentifier():  # a lambda has no name
        names.setdefault(root, name)
    title = f"{name}({', '.join(bound.signature.parameters)})"
    return Graph(root, {label: value for value, label in names.items()}, sources), title


def by_name(function: Callable[..., Any], signature: inspect.Signature) -> Callable[..., Any]:
    """`function` with every parameter given by its name, those that take no names, too."""

    def call(**inputs: Any) -> Any:
        bound = inspect.BoundArguments(signature, inputs)
        return function(*bound.args, **bound.kwargs)

    return call


def bound_arguments(function: Callable[..., Any], inputs: Mapping[str, Any]) -> inspect.BoundArguments:
    """The arguments of `function(**inputs)`, with the defaults that are floats: those are inputs, too.

    Raises:
        TypeError: if it misses an input, has none of such a name, or is an async function.

    >>> bound_arguments(lambda x, y=3.0, n=2: x * y, {"x": 1.0}).arguments
    {'x': 1.0, 'y': 3.0}
    """
    name, signature = _name(function), inspect.signature(function)
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"{name} is an async function, and calling it computes nothing yet: write it with def alone")
    parameters = signature.parameters.values()
    named = [p.replace(kind=p.POSITIONAL_OR_KEYWORD) if p.kind is p.POSITIONAL_ONLY else p for p in parameters]
    try:
        bound = signature.replace(parameters=named).bind(**inputs)
    except TypeError as error:
        takes = ", ".join(f"{p.name}=NUMBER" for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD))
        unnamed = next((f" (those of *{p.name} have none)" for p in parameters if p.kind is p.VAR_POSITIONAL), "")
        takes = takes or f"no inputs by name{unnamed}: write one parameter for each input" if unnamed else takes
        raise TypeError(f"{name}: {error}; {name} takes {takes or 'no inputs'}") from None
    bound = inspect.BoundArguments(signature, bound.arguments)
    for parameter in parameters:
        if isinstance(parameter.default, float):
            bound.arguments.setdefault(parameter.name, parameter.default)
    by_position = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY]
    missing = [p for p in by_position if p not in bound.arguments]
    if missing and any(p in bound.arguments for p in by_position[by_position.index(missing[0]) :]):
        raise TypeError(f"{name} takes {', '.join(by_position)} by position: give {missing[0]} a number, too")
    return bound


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


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
