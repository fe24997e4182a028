"""What `gradcheck` is given: a function and its inputs, made into a call without arguments and the leaves it reads."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..core.value import Value
from ..shown import described


def prepare(
    f: Callable[..., Any] | Value, inputs: Sequence[float | Value] | Mapping[str, float], names: Sequence[str] | None
) -> tuple[Callable[[], Any], list[Value]]:
    """The call and its leaves; the errors are those of `gradcheck`."""
    if isinstance(inputs, (int, float, str, Value)) or not isinstance(inputs, Iterable):
        raise TypeError(
            "gradcheck takes its inputs in a list, one for each argument of f, or by name, got "
            f"{described(inputs)}: write gradcheck(f, [{inputs!r}])"
        )
    inputs = inputs if isinstance(inputs, Mapping) else list(inputs)
    if not callable(f) and not isinstance(f, Value):
        raise TypeError(f"gradcheck takes a function that returns a Value, or a Value, got {described(f)}")
    if not inputs:
        raise TypeError("gradcheck needs at least one input to differentiate with respect to")
    if len({id(x) for x in inputs if isinstance(x, Value)}) < sum(isinstance(x, Value) for x in inputs):
        raise ValueError("gradcheck: a Value is given twice among the inputs; give each once")
    if names is not None and len(names) != len(inputs):
        raise ValueError(f"gradcheck: {len(inputs)} inputs but {len(names)} names")
    if isinstance(f, Value):
        if not isinstance(inputs, Sequence) or not all(isinstance(x, Value) for x in inputs):
            raise TypeError("gradcheck of a result takes the Values it was computed from as inputs")
        return (lambda: f), list(inputs)  # type: ignore[arg-type]  # checked just above
    if isinstance(inputs, Mapping):
        named = {name: Value(x, name) for name, x in inputs.items()}
        return (lambda: f(**named)), list(named.values())
    fewest, most = _arguments(f)
    values_read = fewest == 0 and all(isinstance(x, Value) for x in inputs)
    if not values_read and not fewest <= len(inputs) <= most:
        takes = f"{fewest}" if fewest == most else f"{fewest} to {most:g}"
        raise TypeError(
            f"gradcheck: f takes {takes} argument{'s' * (takes != '1')}, but {len(inputs)} inputs are given: "
            "give one for each argument, or the Values that f() reads"
        )
    if all(isinstance(x, Value) for x in inputs):
        values: list[Value] = list(inputs)  # type: ignore[arg-type]  # checked just above
        for v in values:
            if v.inputs:
                raise ValueError(f"gradcheck moves its inputs, but {v!r} was computed from others: give it the leaves")
        return f if values_read else (lambda: f(*values)), values
    labels = names or _parameters(f, len(inputs))
    if any(isinstance(x, Value) for x in inputs):
        raise TypeError("gradcheck takes numbers, given to f by position, or Values that f() reads, not both at once")
    values = [Value(x, label) for x, label in zip(inputs, labels)]  # type: ignore[arg-type]  # Value() checks
    return (lambda: f(*values)), values


def _arguments(f: Callable[..., Any]) -> tuple[int, float]:
    """How many arguments `f` takes by position: at least, at most."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return 0, math.inf
    plain = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    several = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return sum(p.default is p.empty for p in plain), math.inf if several else len(plain)


def _parameters(f: Callable[..., Any], count: int) -> list[str]:
    try:
        found = [
            p.name
            for p in inspect.signature(f).parameters.values()
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):
        found = []
    return found[:count] if len(found) >= count else [f"x{i}" for i in range(count)]
