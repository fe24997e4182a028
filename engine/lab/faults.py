"""The faults: what people write when they write backpropagation for the first time, each as one small function.

It is given a `Pass` and hands the gradients on in its own, wrong way. Nothing of the engine is changed.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, NoReturn

from ..choices import unknown
from ..core.own import own_name
from ..core.record import recording
from ..core.undefined import UNDEFINED
from ..core.value import Value
from ..rules.floats import float_function
from ..rules.notation import short
from ..rules.ops import OPS
from ..table import Table
from .backward_pass import Pass, topological

DEEPEST: Final = 900
"""So deep may naive recursion go: Python itself stops it at some 1,000 calls."""
MOST_EVENTS: Final = 20_000
"""So many edges may it run through: it takes every path anew, and there may be more of them than atoms."""


class UnknownFaultError(KeyError, ValueError):
    """There is no fault of that name."""

    def __str__(self) -> str:
        return str(self.args[0])


class RefusedError(ValueError):
    """The engine refuses what a fault asks of it: its own message, and the place of the fault."""


class Fault(NamedTuple):
    """One way to get backpropagation wrong.

    Attributes:
        name: what it is called.
        does: what it does, in one line.
        shape: on which graphs it can be seen.
        run: a backward pass with it.
        said: why that is wrong, in one sentence into which names and numbers of the place are put; by how the fault
            acts: in an event, or "begin", where the pass begins.
        note: what is said behind the equation where it acts, if that alone would puzzle.
        places: the ops or leaves of a graph, by name, that it can be in; None if it is in no place of its own.
        right: the pass that it is held against.
        beside: faults that are worth seeing beside each other.
    """

    name: str
    does: str
    shape: str
    run: Callable[[Pass], None]
    said: Mapping[str, str]
    note: str = ""
    places: Callable[[Pass], Sequence[str]] | None = None
    right: Callable[[Pass], None] = topological
    beside: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"{self.name}: {self.does}"


class Faults(dict[str, Fault]):
    """The faults by name; printed, and in a notebook, they are a table.

    >>> FAULTS["overwrite"]
    overwrite: a gradient is set with =, where it has to be added to with +=
    >>> FAULTS["circle"]
    Traceback (most recent call last):
        ...
    glassgrad.engine.lab.faults.UnknownFaultError: unknown fault 'circle' (must be one of overwrite, recursive_order, \
breadth_first_order, forget_zero_grad, zero_only_parameters, zero_everything, stale_data, wrong_sign, missing_factor, \
forgot_root_gradient, cycle), did you mean cycle?
    """

    def __missing__(self, name: object) -> NoReturn:
        raise UnknownFaultError(unknown("fault", name, self))

    @property
    def table(self) -> Table:
        """Each with its number and what it does."""
        rows = [(str(number), fault.name, fault.does) for number, fault in enumerate(self.values(), 1)]
        return Table(("", "fault", "what it does"), rows, {0})

    def __repr__(self) -> str:
        return self.table.text()

    def _repr_html_(self) -> str:
        return self.table.html()


FAULTS: Final = Faults()
"""Every fault by its name."""
_Run = Callable[[Pass], None]


def _fault(does: str, shape: str, *, said: Mapping[str, str], **more: Any) -> Callable[[_Run], _Run]:
    """Put a function into the table, under its name."""

    def put(run: _Run) -> _Run:
        name = run.__name__.removeprefix("_")
        FAULTS[name] = Fault(name, does, shape, run, said, **more)
        return run

    return put


@_fault(
    "a gradient is set with =, where it has to be added to with +=",
    "a value that is used more than once, as in a + a",
    said={
        "lost": "{input} is used {uses}, and {input}.grad is the sum of what comes back through each use. {node} "
        "sets it to {new} with =, and the {old} that had come before is lost; with += throughout it comes to {total}."
    },
    note="the {old} that was there is lost",
)
def _overwrite(run: Pass) -> None:
    for node, position in run.due:
        there = run.grad(run.graph.nodes[node].inputs[position])
        run.hand(node, position, "lost" if there else "set", add=False)


_EARLY: Final = (
    "{node} hands its gradient on while that is {upstream}: {late} not handed a part to it yet. In topological order "
    "{node} waits, and hands on {due_upstream}. "
)
_IN_BETWEEN: Final = "a result in between that is used by two others: b in b = a + a; c = b + b; d = b + c"


@_fault(
    "recursion to the operands, a node's rule at every visit, in place of a topological order",
    _IN_BETWEEN,
    said={
        "early": _EARLY + "Here it has another turn later, and hands this first part on once more.",
        "again": "{node} is visited once more, along another path, and hands its gradient on again, with what it "
        "had handed on before still in it; in topological order every node has its turn once.",
    },
)
def _recursive_order(run: Pass) -> None:  # each node's rule, then its operands; with a stack in place of calls
    seen: set[int] = set()
    stack = [(run.root, 1)]
    while stack:
        node, depth = stack.pop()
        if depth > DEEPEST or len(run.flows) > MOST_EVENTS:
            _refuse_recursion(run, depth)
        how = "again" if node in seen else "early" if run.waits(node) else ""
        seen.add(node)
        for position in run.edges[node]:
            run.hand(node, position, how)
        stack.extend((u, depth + 1) for u in reversed(run.operands(node)) if run.edges[u])


def _refuse_recursion(run: Pass, depth: int) -> NoReturn:
    what = (
        f"would go more than {DEEPEST} calls deep, where Python ends it with a RecursionError"
        if depth > DEEPEST
        else f"takes every path anew, and after {MOST_EVENTS:,} edges it is not at its end"
    )
    raise ValueError(
        f"naive recursion over these {len(run.graph):,} nodes {what}; the topological order needs {len(run.due):,} "
        "steps and no recursion: see this fault on a smaller graph, such as that of smallest_example('recursive_order')"
    )


@_fault(
    "nodes take their turn by their distance from the result, not in topological order",
    _IN_BETWEEN,
    said={"early": _EARLY + "Here its only turn is over: what comes to it later never gets on to {input}."},
)
def _breadth_first_order(run: Pass) -> None:
    queue, seen = deque([run.root]), {run.root}
    while queue:
        node = queue.popleft()
        how = "early" if run.waits(node) else ""
        for position in run.edges[node]:
            run.hand(node, position, how)
        fresh = [u for u in run.operands(node) if u not in seen]
        seen.update(fresh)
        queue.extend(fresh)


_WAYS: Final = ("forget_zero_grad", "zero_only_parameters", "zero_everything")
"""What may be done with the gradients before a second pass."""


@_fault(
    "a second pass adds to gradients of the leaves that nobody has set to 0; its own alone are wanted",
    "any: every leaf gets its gradient twice",
    said={
        "begin": "{input}.grad still holds {old} from the pass before, where it has to be 0: zero_grad() was "
        "forgotten; the second pass adds to it and comes to {new}, where {total} is right."
    },
    beside=_WAYS,
)
def _forget_zero_grad(run: Pass) -> None:
    run.begun.update((i, run.totals[i]) for i in run.leaves if i in run.totals)
    topological(run)


@_fault(
    "before a second pass over the same graph, the gradients of results in between are not set to 0; those of the "
    "second pass alone are wanted (a new graph at each step has none left: there, zeroing the parameters is enough)",
    "a result in between, as b in b = a + a; c = b + b (a graph that is built anew for each pass begins with none)",
    said={
        "begin": "{input}.grad still holds {old} from the pass before, where it has to be 0: {input} is no leaf, "
        "so it was not set to 0, and with what the second pass adds it comes to {new}, where {total} is right; that is "
        "what it hands on."
    },
    beside=_WAYS,
)
def _zero_only_parameters(run: Pass) -> None:
    leaves = {*run.leaves, run.root}
    run.begun.update((i, x) for i, x in run.totals.items() if i not in leaves)
    topological(run)


@_fault(
    "every gradient is set to 0 before a second pass; the sum of both is wanted (gradient accumulation)",
    "any: the first pass is lost",
    said={
        "begin": "{input}.grad is set to 0 before the second pass, and the {due_old} that the first brought is lost: "
        "it ends at {new}, where the two together make {due_new}."
    },
    right=_forget_zero_grad,
    beside=_WAYS,
)
def _zero_everything(run: Pass) -> None:
    run.begun.update(dict.fromkeys(run.leaves, 0.0))
    topological(run)


def _leaves(run: Pass) -> list[str]:
    return [run.names[i] for i in run.leaves if run.uses[i]]


@_fault(
    "a number is changed between forward and backward",
    "an op whose local derivative reads its operand, as a * a; that of a + a reads nothing",
    said={
        "stale": "{node} was computed with {at} = {then}, but {at} is {now} when the gradient comes back and the rule "
        "reads it, so the local derivative is {slope} and not {due_slope}."
    },
    note="{at} is {now} now; {node} was computed with {then}",
    places=_leaves,
)
def _stale_data(run: Pass) -> None:
    leaf = run.names.index(run.at)
    before, given = run.graph.nodes[leaf].data, run.graph.nodes[leaf].now
    changes = (before + 1.0, before + 2.0, before - 1.0, before / 2.0, before * 2.0)
    for now in (x for x in changes if short(x) != short(before)) if given is None else (given,):
        try:
            fresh = _slopes_with(run, leaf, now)
        except UNDEFINED:
            continue
        if all(map(math.isfinite, fresh.values())):
            run.changed[leaf] = now
            run.slopes.update(fresh)
            break
    for (node, position), right in run.due.items():
        run.hand(node, position, "stale" if run.slopes[node, position] != right.slope else "")


def _slopes_with(run: Pass, leaf: int, now: float) -> dict[tuple[int, int], float]:
    """The slopes of all that reads `leaf`, if its number is `now`."""
    found = {}
    for node in run.graph.nodes:
        if leaf in node.inputs and node.op in OPS:
            op = OPS[node.op]
            numbers = [now if i == leaf else run.graph.nodes[i].data for i in node.inputs]
            for position in run.edges[node.id]:
                part, element = op.place(position, len(numbers))
                given = op.elements(numbers, element or 0)
                found[node.id, position] = float(float_function(op, part)(**given, y=node.data))
    return found


def _ops(run: Pass) -> list[str]:
    nodes = run.graph.nodes
    return list(dict.fromkeys(nodes[i].op for i, _ in run.due if not own_name(nodes[i].op)))


@_fault(
    "the rule of one op has the wrong sign, for its last (or only) operand",
    "any that has the op, with a local derivative that is not 0",
    said={
        "sign": "The rule of {at} has the wrong sign{operand}: the local derivative is {due_slope} and not {slope}, so "
        "{input} gets {contribution} from {node}; with the right sign it is {opposite}."
    },
    places=_ops,
)
def _wrong_sign(run: Pass) -> None:
    for node, position in run.due:
        wrong = run.graph.nodes[node].op == run.at and position == run.edges[node][-1]
        if wrong:
            run.slopes[node, position] *= -1.0
        brings = run.slopes[node, position] * run.grad(node) != 0.0
        run.hand(node, position, "" if not wrong else "sign" if brings else "sign 0")


@_fault(
    "the rule of one op forgets the factor out.grad, the gradient of its result",
    "an op whose result has a gradient other than 1, as b in b = a + a; c = b + b",
    said={
        "factor": "The rule of {at} leaves out the factor {node}.grad = {grad}: {input} gets the local derivative "
        "{slope} alone, not {due_contribution}."
    },
    note="1 stands in the place of {node}.grad, which is {grad}",
    places=_ops,
)
def _missing_factor(run: Pass) -> None:
    for node, position in run.due:
        if run.graph.nodes[node].op == run.at:
            shows = run.grad(node) != 1.0 and run.slopes[node, position] != 0.0
            run.hand(node, position, "factor" if shows else "factor 1", upstream=1.0)
        else:
            run.hand(node, position)


@_fault(
    "the gradient of the result is left at 0, where the pass has to begin with 1",
    "any: nothing but 0 comes back",
    said={
        "begin": "{input}.grad is {old} when the pass begins, where it has to be {due_old}, as {input} changes one to "
        "one with itself. Every gradient is made of products that begin with this number, so nothing but 0 comes back."
    },
)
def _forgot_root_gradient(run: Pass) -> None:
    run.begun[run.root] = 0.0
    topological(run)


@_fault(
    "a value is made one of its own ancestors; the engine refuses that, so there are no steps and no page",
    "any: a leaf becomes a result of what was computed from it",
    said={},
    places=_leaves,
)
def _cycle(run: Pass) -> None:
    with recording():
        made: list[Value] = []
        for node, name in zip(run.graph.nodes, run.names):
            made.append(Value(node.data, tuple(made[i] for i in node.inputs), node.op if node.inputs else "", name))
        try:
            made[run.names.index(run.at)]._prev = (made[-1],)
        except ValueError as error:
            raise RefusedError(str(error), run.at) from None
