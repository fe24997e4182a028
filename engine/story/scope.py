"""Which module call made which nodes: enough for a drawing to fold a neuron or a layer into one box."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from ..core.origin import origin

if TYPE_CHECKING:
    from ..core.value import Value


class Call(NamedTuple):
    """One call of a module, loss or other named part.

    Attributes:
        name: what it is called, such as `layers[0].neurons[3]`.
        kind: what it is, such as `Neuron`.
        inputs: the Values it was called with; the nodes between them and its outputs belong to it.
    """

    name: str
    kind: str
    inputs: tuple[Value, ...]


def mark_call(outputs: Iterable[Value], call: Call) -> None:
    """Note on each output which call made it; inner calls first, then the calls around them.

    >>> from glassgrad import Value
    >>> x = Value(2.0)
    >>> y = (3 * x + 1).tanh()
    >>> mark_call([y], Call("neuron", "Neuron", (x,)))
    """
    for output in outputs:
        known = origin(output)
        output._origin = known._replace(calls=(*known.calls, call))
