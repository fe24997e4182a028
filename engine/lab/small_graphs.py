"""`smallest_example`: the smallest graph on which a fault can be seen, found by trying small ones in order of size."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import product
from typing import Final, NamedTuple

from ..story.expression import graph_of
from ..story.flow import flows
from .comparison import Comparison, chosen_fault, compared, tried
from .faults import Fault, RefusedError

INPUTS: Final = {"a": 3.0, "b": 2.0}
"""Leaves that small graphs have, and their numbers."""
OPERATORS: Final = "+*-"
LETTERS: Final = "abcdefgh"
MOST_OPS: Final = 4

Program = tuple[tuple[str, int, int], ...]
"""Operator and operands of each op; operands are counted through leaves and earlier ops."""


class Example(NamedTuple):
    """The smallest graph that shows a fault; printed, it is what to type, and the comparison.

    Attributes:
        expression: the graph.
        inputs: the numbers of its names.
        comparison: of the right pass with the wrong one.
    """

    expression: str
    inputs: dict[str, float]
    comparison: Comparison

    def text(self, width: int = sys.maxsize) -> str:
        """What is printed, in lines of so many characters at most."""
        return f"{self.expression}   with {self._given()}\n{self.comparison.text(width)}"

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return f"<p><code>{self.expression}</code> with {self._given()}</p>{self.comparison._repr_html_()}"

    def _given(self) -> str:
        return ", ".join(f"{name} = {x:g}" for name, x in self.inputs.items())


def smallest_example(fault: str | Fault) -> Example:
    """The smallest graph on which a fault makes a difference.

    All graphs of + * − are tried, those with fewer ops first, then those with fewer inputs; the first one it is.

    Args:
        fault: one of `FAULTS`, or its name.

    Raises:
        UnknownFaultError: if no fault is called so.

    >>> example = smallest_example("overwrite")
    >>> example.expression, example.inputs, example.comparison.leaves
    ('b = a + a', {'a': 3.0}, (LeafGradient(name='a', right=2.0, wrong=1.0),))
    """
    chosen = chosen_fault(fault)
    text, inputs = _found(chosen)
    return Example(text, inputs, compared(graph_of(text, inputs, ""), chosen))


def _found(fault: Fault) -> tuple[str, dict[str, float]]:
    for ops in range(1, MOST_OPS + 1):
        for count in range(1, len(INPUTS) + 1):
            inputs = dict(list(INPUTS.items())[:count])
            for program in programs(ops, count):
                text = spelled(program, list(inputs))
                if shows(fault, text, inputs):
                    return text, inputs
    raise ValueError(f"{fault.name} shows on no graph of up to {MOST_OPS} ops of {' '.join(OPERATORS)}")


def shows(fault: Fault, text: str, inputs: dict[str, float]) -> bool:
    """Whether a fault makes a difference to an expression."""
    graph = graph_of(text, inputs, "")
    try:
        return tried(fault, graph, [node.name for node in graph.nodes], flows(graph))[2] is not None
    except RefusedError:
        return True


def programs(ops: int, leaves: int) -> Iterator[Program]:
    """All computations of so many ops on so many leaves in which everything is used."""
    choices = [
        [(sign, i, j) for sign in OPERATORS for i in range(leaves + k) for j in range(leaves + k)] for k in range(ops)
    ]
    unused_at_last = leaves + ops - 1  # the result
    for program in product(*choices):
        used = {i for _, *operands in program for i in operands}
        if len(used) == unused_at_last:
            yield program


def spelled(program: Program, leaves: list[str]) -> str:
    """A computation as an expression.

    >>> spelled((("+", 0, 0), ("*", 1, 1)), ["a"])
    'b = a + a; c = b * b'
    """
    names = [*leaves, *LETTERS[len(leaves) : len(leaves) + len(program)]]
    made = zip(names[len(leaves) :], program)
    return "; ".join(f"{name} = {names[i]} {sign} {names[j]}" for name, (sign, i, j) in made)
