"""`compare`: the right pass and one with a fault over the same graph, where they part, and why."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, Final, NamedTuple

from ..choices import one_of
from ..core.chain import Flow
from ..core.value import Value
from ..number import number
from ..rules.notation import short
from ..shown import clipped, counted, described, visible, wrapped
from ..story.expression import graph_of
from ..story.flow import flows
from ..story.graph import Graph
from ..story.ledger import ledger
from ..story.steps import Steps, shown_names
from ..table import Table
from .backward_pass import Pass, first_wrong
from .faults import FAULTS, Fault, RefusedError
from .faulty_steps import SHOWN_BEGUN, FaultySteps

NAME_LENGTH: Final = 40
"""Characters of a label that a comparison shows."""
NO_ORDER: Final = "In no order would every value come before those that are computed from it."
SHOWN_LEAVES: Final = 40
"""So many inputs have a row in its table."""


class LeafGradient(NamedTuple):
    """What one input of the computation gets: `name`, the gradient when all is `right`, and when it is `wrong`."""

    name: str
    right: float
    wrong: float


class Comparison(NamedTuple):
    """A right pass over a graph and one with a fault; printed, and in a notebook, it tells where they part.

    Attributes:
        fault: what is wrong.
        at: the op or the leaf that the fault is in, or "".
        graph: the computation.
        right: the steps of the right pass.
        wrong: those of the other one; None if the engine refuses it.
        counterparts: for each step of `wrong` the index of the step of `right` that it is shown beside: of a step
            back, that through the same edge; of the last one the last, so that both are done.
        first: index of the step of `wrong` that gives the first wrong number; None if there is none.
        cause: index of the step that is to blame for it.
        why: the reason in one sentence; if there is no difference, on which graphs there would be one.
        leaves: the gradients of all inputs.
        beside: what the faults that are worth seeing beside it give for each of them.
    """

    fault: Fault
    at: str
    graph: Graph
    right: Steps
    wrong: FaultySteps | None
    why: str
    counterparts: Sequence[int] = ()
    first: int | None = None
    cause: int | None = None
    leaves: tuple[LeafGradient, ...] = ()
    beside: Mapping[str, tuple[float, ...]] = {}  # a NamedTuple's default; nobody writes to it

    @property
    def table(self) -> Table:
        """The gradients of the leaves, right and wrong."""
        rows = [
            (leaf.name, short(leaf.right), short(leaf.wrong), *(short(xs[k]) for xs in self.beside.values()))
            for k, leaf in enumerate(self.leaves[:SHOWN_LEAVES])
        ]
        head = ("gradient of", "right", self.fault.name, *self.beside)
        more = len(self.leaves) - SHOWN_LEAVES
        below = f"… {counted(more, 'input')} more in .leaves" if more > 0 else ""
        where = f" at {self.at}" if self.at else ""
        above = f"{self.fault.name}{where}: {self.fault.does}"
        return Table(head if rows else (), rows, set(range(1, len(head))), above, below)

    @property
    def counterpart(self) -> int | None:
        """Index of the step of `right` that does as it should what the first wrong one does."""
        return None if self.first is None else self.counterparts[self.first]

    def of_right(self, index: int) -> str:
        """How the step of the right pass is called beside that of the wrong one: with its number if that is another."""
        there = self.counterparts[index]
        return "right" if there == index else f"right, step {there + 1}"

    def right_numbers(self, index: int) -> str:
        """What the right pass does beside a step of the wrong one; where it begins, with each 0 that belongs there."""
        begun = sorted(self.wrong.begun, reverse=True) if self.wrong and index == len(self.graph) else []
        zero = (f", {self.right.names[i]}.grad = 0" for i in begun[:SHOWN_BEGUN] if i not in self.right.begun)
        return self.right[self.counterparts[index]].numbers + "".join(zero)

    @property
    def receiver(self) -> int | None:
        """Id of the node that gets the first wrong number."""
        if self.first is None or self.wrong is None:
            return None
        if self.first > len(self.graph):
            return self.wrong.about(self.first)[0]
        return self.wrong.begun_wrong

    def _parts(self) -> list[object]:
        """What is said below the table."""
        receiver = self.receiver
        if self.wrong is None or self.first is None or self.cause is None or receiver is None:
            return [self.why]
        parts = [
            f"first wrong number: step {self.first + 1} of {len(self.wrong)}",
            f"  wrong: {self.wrong[self.first].numbers}",
            f"  {self.of_right(self.first)}: {self.right_numbers(self.first)}",
        ]
        if self.cause != self.first:
            parts.append(f"caused by step {self.cause + 1}: {self.wrong[self.cause].sentence}")
        ledgers = [ledger(walk, receiver) for walk in (self.wrong, self.right)]
        return [*parts, f"because: {self.why}", f"wrong: {ledgers[0]}", f"right: {ledgers[1]}"]

    def text(self, width: int = sys.maxsize) -> str:
        """What is printed, in lines of so many characters at most."""
        return "\n".join([self.table.text(width), *(wrapped(str(part), width) for part in self._parts())])

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        told = escape("\n".join(map(str, self._parts())))
        return f'{self.table.html()}<pre style="white-space:pre-wrap">{told}</pre>'


def compare(
    target: Value | Graph | str | Callable[..., Any],
    fault: str | Fault,
    /,
    *,
    at: str | None = None,
    names: Mapping[str, object] | None = None,
    **inputs: float,
) -> Comparison:
    """The right backward pass beside one with a fault: where they part, which step is to blame, and why.

    Args:
        target: the result; or a graph of it, an expression, or a function.
        fault: one of `FAULTS`, or its name.
        at: the op (or, for `stale_data` and `cycle`, the leaf) that the fault is in; by default the first where it
            makes a difference.
        names: labels for Values that have none, such as `locals()`.
        inputs: a number for each name of an expression or parameter of a function.

    Raises:
        UnknownFaultError: if no fault is called so.
        ValueError: if there is no such place, or nothing to go back through.

    >>> a = Value(3.0, "a")
    >>> b = a + a
    >>> print(compare(b, "overwrite", names={"b": b}))
    overwrite: a gradient is set with =, where it has to be added to with +=
    gradient of  right  overwrite
    a                2          1
    first wrong number: step 5 of 5
      wrong: a.grad = 1 × 1 = 1 (the 1 that was there is lost)
      right: a.grad = 1 + 1 × 1 = 2
    because: a is used twice, and a.grad is the sum of what comes back through each use. b sets it to 1 with =, and \
the 1 that had come before is lost; with += throughout it comes to 2.
    wrong: a.grad = 1
      through b, operand 1: 1 × 1 = 1 (lost)
      through b, operand 2: 1 × 1 = 1
      sum: 1 × 1 = 1
    right: db/da = 2
      through b, operand 1: 1 × 1 = 1
      through b, operand 2: 1 × 1 = 1
      sum: 1 × 1 + 1 × 1 = 2
    """
    return compared(_graph(target, names, inputs, f"compare({target!r}, {str(fault)!r}"), fault, at)


def chosen_fault(fault: str | Fault) -> Fault:
    """The fault with that name, or the one that was given.

    Raises:
        UnknownFaultError: if no fault is called so.
        TypeError: for what is neither.
    """
    chosen = FAULTS[fault] if isinstance(fault, str) else fault
    if not isinstance(chosen, Fault):
        raise TypeError(f"a fault is given by its name, such as 'overwrite', got {described(fault)}")
    return chosen


def compared(graph: Graph, fault: str | Fault, at: str | None = None) -> Comparison:
    """`compare` of a graph."""
    chosen = chosen_fault(fault)
    called = shown_names(graph, lambda name: clipped(visible(name), NAME_LENGTH))
    right_flows = flows(graph)
    if not right_flows:
        raise ValueError(
            f"there is no way back from {called[-1]}: it is an input itself, or nothing was recorded behind it; "
            "compare() takes a computed result"
        )
    try:
        right, wrong, first = tried(chosen, graph, called, right_flows, at)
    except RefusedError as refused:
        message, place = refused.args
        return Comparison(
            chosen, place, graph, Steps(graph, called), None, f"The engine refuses it: {message}. {NO_ORDER}"
        )
    steps: Steps = Steps(graph, called)
    vars(steps)["flows"] = right.flows  # in the order that is nearest to that of the wrong pass
    if right.begun != {right.root: 1.0}:
        steps = FaultySteps(right, chosen, right)
    faulty = FaultySteps(wrong, chosen, right)
    index, cause, why = None, None, ""
    if first is not None:
        index = cause = len(graph) + first
        if wrong.changed:
            cause = len(graph)  # where the number was changed
        why = faulty.why(wrong.flows[first - 1] if first else None)
    others = [name for name in chosen.beside if name != chosen.name]
    beside = {name: tried(FAULTS[name], graph, called, right_flows)[1] for name in others}
    counterparts = [*range(len(graph) + 1), *(steps.step_back[flow.node, flow.position] for flow in wrong.flows)]
    counterparts[-1] = len(steps) - 1
    return Comparison(
        chosen,
        wrong.at,
        graph,
        steps.with_gradients(),
        faulty.with_gradients(),
        why or _no_difference(chosen),
        counterparts,
        index,
        cause,
        tuple(LeafGradient(called[i], right.grad(i), wrong.grad(i)) for i in right.leaves),
        {name: tuple(run.grad(i) for i in right.leaves) for name, run in beside.items()},
    )


def tried(
    fault: Fault, graph: Graph, names: Sequence[str], right_flows: Sequence[Flow], at: str | None = None
) -> tuple[Pass, Pass, int | None]:
    """The right pass, the wrong one, and where they part (see `first_wrong`).

    Raises:
        RefusedError: if the engine refuses it.
        ValueError: if there is no such place.
    """
    places = [""] if fault.places is None else list(fault.places(Pass(graph, names, right=right_flows)))
    if at is not None:
        if fault.places is None:
            raise ValueError(f"{fault.name} is in no place of its own: leave at={at!r} out")
        one_of(places or ["none here"], f"place of {fault.name}", at)
        places = [at]
    for place in places or [""]:
        wrong = Pass(graph, names, place, right=right_flows)
        (fault.run if places else fault.right)(wrong)
        right = Pass(graph, names, right=right_flows, beside=wrong)
        fault.right(right)
        first = first_wrong(right, wrong)
        if first is not None:
            break
    return right, wrong, first


def _no_difference(fault: Fault) -> str:
    return (
        f"On this graph it makes no difference: every gradient is right all the same. It shows on {fault.shape}; "
        f"gg.lab.smallest_example({fault.name!r}) finds the smallest such graph."
    )


def _graph(target: Any, names: Mapping[str, object] | None, inputs: Mapping[str, float], call: str) -> Graph:
    if isinstance(target, str):
        return graph_of(target, inputs, call)
    values = {name: number(x, name) for name, x in inputs.items()}
    if isinstance(target, (Value, Graph)) and values:
        raise TypeError(
            f"{', '.join(values)} goes with an expression or a function; {described(target)} has its numbers already"
        )
    if isinstance(target, Graph):
        return target
    if not isinstance(target, Value):
        if not callable(target):
            raise TypeError(f"compare takes a result, a graph, an expression or a function, got {described(target)}")
        result = target(**{name: Value(x, name) for name, x in values.items()})
        if not isinstance(result, Value):
            raise TypeError(f"the function must return the result as one Value, but returned {described(result)}")
        target = result
    return Graph(target, names)
