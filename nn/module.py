"""`Module`: anything with parameters. They are found by walking its attributes, so their names are their paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..engine.core.origin import MOVING, change
from ..engine.core.value import LEAF, Value
from ..engine.number import number
from ..engine.shown import few

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

PARAMETERS = MOVING
"""Held while all parameters of a network are written or read at once: several threads may use one network."""


class Module:
    """A part of a network, or a whole one. Subclass it and assign Values, Modules, or lists of them, to attributes.

    >>> from glassgrad import Value
    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.offset = Value(2.0), Value(1.0)
    ...
    ...     def __call__(self, x):
    ...         return self.slope * x + self.offset
    >>> Line().state_dict()
    {'slope': 2.0, 'offset': 1.0}
    """

    if TYPE_CHECKING:
        __call__: Callable[..., Any]  # each kind of module defines its own

    name: str = ""
    """Its path inside the module that holds it, such as `layers[0].neurons[3]`; `""` for the outermost."""

    own_parts: ClassVar[tuple[str, ...]] = ()
    """The attributes that hold the parameters of a network of this kind; () for whatever it has."""

    def parameters(self) -> list[Value]:
        """Every trainable Value once, in a fixed order.

        A subclass of a network here whose own `parameters` adds to these gets those of that network alone.
        """
        if self.own_parts and type(self).parameters is not Module.parameters:
            found = _parts([getattr(self, part) for part in self.own_parts], "", set())
            return [p for _, p in found if isinstance(p, Value)]
        return [p for _, p in self.named_parameters()]

    def named_parameters(self) -> list[tuple[str, Value]]:
        """Every parameter with its path, such as `layers[0].neurons[3].w[1]`; a shared one under its first path."""
        return [(path, part) for path, part in _parts(self, "", set()) if isinstance(part, Value)]

    def name_parts(self) -> None:
        """Write the paths into the labels of the parameters and the names of the modules inside.

        The networks of glassgrad do so when they are made; call it at the end of your own `__init__` to have
        drawings and messages use them.
        """
        for path, part in _parts(self, "", set()):
            if isinstance(part, Value):
                part.label = path
            else:
                part.name = path

    def zero_grad(self) -> None:
        """Forget every parameter's gradient: it reads 0.0 and counts as not computed."""
        for p in self.parameters():
            p.grad = None

    def state_dict(self) -> dict[str, float]:
        """Every parameter's number by its path."""
        return {path: p.data for path, p in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Set every parameter from what `state_dict` gave.

        Raises:
            ValueError: if `state` lacks parameters of this module or has others; then none is changed.
            TypeError: if some entry is not a number; then none is changed.
        """
        parameters = dict(self.named_parameters())
        lacks, unknown = [path for path in parameters if path not in state], [p for p in state if p not in parameters]
        wrong = [f"lacks {few(lacks)}"] * bool(lacks) + [f"has unknown {few(unknown)}"] * bool(unknown)
        if wrong:
            raise ValueError(f"the state {' and '.join(wrong)}; {type(self).__name__} has {len(parameters)} parameters")
        numbers = {path: number(state[path], f"state_dict entry {path}") for path in parameters}
        write(numbers.values(), parameters.values())


def write(numbers: Iterable[float], parameters: Iterable[Value]) -> None:
    """Put the numbers into the parameters, all of them in one go."""
    with PARAMETERS:
        for p, x in zip(parameters, numbers):
            change(p, x)


def _parts(part: Any, path: str, seen: set[Any]) -> Iterator[tuple[str, Value | Module]]:
    """The leaf Values and Modules inside `part`, each once, in the order of attributes and list positions."""
    if isinstance(part, Value):
        if part.op == LEAF and part not in seen:
            seen.add(part)
            yield path, part
    elif isinstance(part, Module):
        if part not in seen:
            seen.add(part)
            if path:
                yield path, part
            for key, inner in vars(part).items():
                yield from _parts(inner, f"{path}.{key}" if path else key, seen)
    elif isinstance(part, (list, tuple)):
        for i, inner in enumerate(part):
            yield from _parts(inner, f"{path}[{i}]", seen)
    elif isinstance(part, dict):
        for key, inner in part.items():
            yield from _parts(inner, f"{path}[{key!r}]", seen)
