"""Names for Values that have no label, found in the variables of whoever asked for a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import FrameType

from ..engine.core.value import Value

MAX_ITEMS = 10_000
"""How many items of one list are looked at."""


def variable_names(variables: Mapping[str, object]) -> dict[str, Value]:
    """Names of the Values in `variables`, those in lists, tuples and dicts too; the first name of a Value counts.

    >>> x = Value(1.0)
    >>> list(variable_names({"w": [Value(2.0), x], "x": x, "n": 3}))
    ['w[0]', 'w[1]']
    """
    named: dict[Value, str] = {}
    for name, thing in variables.items():
        if not name.startswith("_"):
            for path, value in _values(name, thing, depth=3):
                named.setdefault(value, path)
    return {name: value for value, name in named.items()}


def frame_names(frame: FrameType | None) -> dict[str, Value]:
    """`variable_names` of a running function, or of the cell or script it is."""
    if frame is None:
        return {}
    variables = dict(frame.f_locals)
    if "get_ipython" in variables:  # IPython's own list of earlier results is no name of the user's
        variables.pop("Out", None)
    return variable_names(variables)


def _values(path: str, thing: object, depth: int) -> Iterator[tuple[str, Value]]:
    if isinstance(thing, Value):
        yield path, thing
    elif depth and type(thing) in (list, tuple):
        for i, item in enumerate(thing[:MAX_ITEMS]):  # type: ignore[index]  # a list or tuple, told apart just above
            yield from _values(f"{path}[{i}]", item, depth - 1)
    elif depth and type(thing) is dict:
        for key, item in list(thing.items())[:MAX_ITEMS]:
            if isinstance(key, (str, int)):
                yield from _values(f"{path}[{key!r}]", item, depth - 1)
