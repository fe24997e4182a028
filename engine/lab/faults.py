"""The faults: what people write when they write backpropagation for the first time, each as one small function.

A fault's function is given a `Pass` and hands the gradients on in its own, wrong way. Nothing of the engine is changed.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, NoReturn

from ..choices import unknown
from ..core.own import own_name
from ..core.record import recording
from ..core.undefined import UNDEFINED
from ..core.value import Value
from ..rules.floats import float_function
from ..rules.notation import short
from ..rules.ops import OPS
from ..table import Table
from .passes import Pass

DEEPEST: Final = 900
"""So deep may naive recursion go: Python itself stops it at some 1,000 calls."""
MOST_EVENTS: Final = 20_000
"""So many edges may it run through: it takes every path anew, and there may be more of them than atoms."""


def topological(run: Pass) -> None:
    """The right pass."""
    for node, position in run.due:
        run.hand(node, position)


class UnknownFaultError(KeyError, ValueError):
    """There is no fault of that name."""

    def __str__(self) -> str:
        return str(self.args[0])


class RefusedError(ValueError):
    """The engine refuses what a fault asks of it: its own message, and the place of the fault."""


class Said(NamedTuple):
    """What is said where a fault acts; names and numbers of the place are put in.

    Attributes:
        why: one sentence.
        note: behind the equation, where that alone would puzzle.
    """

    why: str
    note: str = ""


class Fault(NamedTuple):
    """One way to get backpropagation wrong.

    Attributes:
        name: what it is called.
        does: what it does, in one line.
        shape: on which graphs it can be seen.
        run: a backward pass with it.
        said: by how it acts: in an event, or "begin", where the pass begins.
        places: the ops or leaves of a graph, by name, that it can be in; None if it is in no place of its own.
        right: the pass that it is held against.
        beside: other faults that are worth seeing beside it.
    """

    name: str
    does: str
    shape: str
    run: Callable[[Pass], None]
    said: Mapping[str, Said]
    places: Callable[[Pass], Sequence[str]] | None = None
    right: Callable[[Pass], None] = topological
    beside: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"{self.name}: {self.does}"


# -- the functions --------------------------------------------------------------------------------------------


def overwrite(run: Pass) -> None:
    """`child.grad = …` in place of `child.grad += …`."""
    for node, position in run.due:
        there = run.grad(run.graph.nodes[node].inputs[position])
        run.hand(node, position, "lost" if there else "set", add=False)


def recursive_order(run: Pass) -> None:
    """`def backward(v): v._backward(); for child in v._prev: backward(child)`, with a stack in place of calls."""
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


def breadth_first_order(run: Pass) -> None:
    """A queue in place of a topological order: whoever is nearer to the result comes first."""
    queue, seen = deque([run.root]), {run.root}
    while queue:
        node = queue.popleft()
        how = "early" if run.waits(node) else ""
        for position in run.edges[node]:
            run.hand(node, position, how)
        fresh = [u for u in run.operands(node) if u not in seen]
        seen.update(fresh)
        queue.extend(fresh)


def forget_zero_grad(run: Pass) -> None:
    """A second pass, with the gradients of the first still in the leaves."""
    run.begun.update((i, run.totals[i]) for i in run.leaves if i in run.totals)
    topological(run)


def zero_only_parameters(run: Pass) -> None:
    """A second pass over the same graph, the leaves set to 0, the results in between left as they were."""
    leaves = {*run.leaves, run.root}
    run.begun.update((i, x) for i, x in run.totals.items() if i not in leaves)
    topological(run)


def zero_everything(run: Pass) -> None:
    """A second pass, with every gradient set to 0."""
    run.begun.update(dict.fromkeys(run.leaves, 0.0))
    topological(run)


def stale_data(run: Pass) -> None:
    """The number of a leaf changes after the forward pass (if nobody has changed it, here), and the rules read it."""
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


def wrong_sign(run: Pass) -> None:
    """The rule of one op has the wrong sign, for its last operand."""
    for node, position in run.due:
        wrong = run.graph.nodes[node].op == run.at and position == run.edges[node][-1]
        if wrong:
            run.slopes[node, position] *= -1.0
        run.hand(node, position, "sign" if wrong and run.slopes[node, position] else "")


def missing_factor(run: Pass) -> None:
    """The rule of one op forgets the factor `out.grad`."""
    for node, position in run.due:
        if run.graph.nodes[node].op == run.at:
            run.hand(node, position, "factor" if run.grad(node) != 1.0 else "factor 1", upstream=1.0)
        else:
            run.hand(node, position)


def forgot_root_gradient(run: Pass) -> None:
    """Nobody sets the gradient of the result to 1."""
    run.begun[run.root] = 0.0
    topological(run)


def cycle(run: Pass) -> None:
    """A leaf is made a result of what was computed from it."""
    with recording():
        made: list[Value] = []
        for node, name in zip(run.graph.nodes, run.names):
            made.append(Value(node.data, tuple(made[i] for i in node.inputs), node.op if node.inputs else "", name))
        try:
            made[run.names.index(run.at)]._prev = (made[-1],)
        except ValueError as error:
            raise RefusedError(str(error), run.at) from None


def _ops(run: Pass) -> list[str]:
    nodes = run.graph.nodes
    return list(dict.fromkeys(nodes[i].op for i, _ in run.due if not own_name(nodes[i].op)))


def _leaves(run: Pass) -> list[str]:
    return [run.names[i] for i in run.leaves if run.uses[i]]


# -- the table ------------------------------------------------------------------------------------------------

_EARLY: Final = (
    "{node} hands its gradient on when it is {upstream}: not all has come back to it yet, and in topological order it "
    "would wait until it is {due_upstream}"
)
_IN_BETWEEN: Final = "a result in between that is used by two others: b in b = a + a; c = b + b; d = b + c"
_WAYS: Final = ("forget_zero_grad", "zero_only_parameters", "zero_everything")


def _others(name: str) -> tuple[str, ...]:
    return tuple(way for way in _WAYS if way != name)


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
        """Each with what it does."""
        return Table(("fault", "what it does"), [(fault.name, fault.does) for fault in self.values()])

    def __repr__(self) -> str:
        return self.table.text()

    def _repr_html_(self) -> str:
        return self.table.html()


def _table(*faults: Fault) -> Faults:
    return Faults((fault.name, fault) for fault in faults)


FAULTS: Final = _table(
    Fault(
        "overwrite",
        "a gradient is set with =, where it has to be added to with +=",
        "a value that is used more than once, as a in a + a",
        overwrite,
        {
            "lost": Said(
                "{input} is used {uses}, so its gradient is a sum; {node} sets it to {new} with =, and the {old} that "
                "had come before is lost, where += throughout makes it {total}.",
                "the {old} that was there is lost",
            )
        },
    ),
    Fault(
        "recursive_order",
        "recursion to the operands, a node's rule at every visit, in place of a topological order",
        _IN_BETWEEN,
        recursive_order,
        {
            "early": Said(_EARLY + "; it is visited again later, and hands the first part on twice."),
            "again": Said(
                "{node} is visited once more and hands its gradient on a second time, so {input} gets a part of it "
                "twice; in topological order every node has its turn once."
            ),
        },
    ),
    Fault(
        "breadth_first_order",
        "nodes take their turn by their distance from the result, not in topological order",
        _IN_BETWEEN,
        breadth_first_order,
        {"early": Said(_EARLY + "; what comes later never gets to {input}.")},
    ),
    Fault(
        "forget_zero_grad",
        "a second pass adds to gradients of the leaves that nobody has set to 0",
        "any: every leaf gets its gradient twice",
        forget_zero_grad,
        {
            "begin": Said(
                "{input}.grad still holds {old} from the pass before, as zero_grad() was forgotten; the second pass "
                "adds to it and comes to {new}, where {total} is right."
            )
        },
        beside=_others("forget_zero_grad"),
    ),
    Fault(
        "zero_only_parameters",
        "before a second pass, the gradients of results in between are not set to 0",
        "a result in between, as b in b = a + a; c = b + b (a graph that is built anew for each pass begins with none)",
        zero_only_parameters,
        {
            "begin": Said(
                "{input}.grad still holds {old} from the pass before: {input} is no leaf, so it was not set to 0, and "
                "with what the second pass adds it comes to {new}, where {total} is right; that is what it hands on."
            )
        },
        beside=_others("zero_only_parameters"),
    ),
    Fault(
        "zero_everything",
        "every gradient is set to 0 before a second pass that was to add to the first",
        "any: the first pass is lost",
        zero_everything,
        {
            "begin": Said(
                "{input}.grad is set to 0 before the second pass, and the {due_old} that the first brought is lost: "
                "it ends at {new}, where the two together make {due_new}."
            )
        },
        right=forget_zero_grad,
        beside=_others("zero_everything"),
    ),
    Fault(
        "stale_data",
        "a number is changed between forward and backward",
        "an op whose local derivative reads its operand, as a * a; that of a + a reads nothing",
        stale_data,
        {
            "stale": Said(
                "{node} was computed with {at} = {then}, but {at} is {now} when the gradient comes back and the rule "
                "reads it, so the local derivative is {slope} and not {due_slope}.",
                "{at} is {now} now; {node} was computed with {then}",
            )
        },
        places=_leaves,
    ),
    Fault(
        "wrong_sign",
        "the rule of one op has the wrong sign, for its last operand",
        "any that has the op, with a local derivative that is not 0",
        wrong_sign,
        {
            "sign": Said(
                "The rule of {at} has the wrong sign for its last operand: {node} takes {minus} away from "
                "{input}.grad where it has to add it."
            )
        },
        places=_ops,
    ),
    Fault(
        "missing_factor",
        "the rule of one op forgets the factor out.grad, the gradient of its result",
        "an op whose result has a gradient other than 1, as b in b = a + a; c = b + b",
        missing_factor,
        {
            "factor": Said(
                "The rule of {at} leaves out the factor {node}.grad = {grad}: {input} gets the local derivative "
                "{slope} alone, not {due_contribution}.",
                "1 stands in the place of {node}.grad, which is {grad}",
            )
        },
        places=_ops,
    ),
    Fault(
        "forgot_root_gradient",
        "the gradient of the result is left at 0, where the pass has to begin with 1",
        "any: nothing but 0 comes back",
        forgot_root_gradient,
        {
            "begin": Said(
                "{input}.grad is {old} when the pass begins, where it has to be {due_old}, as {input} changes one to "
                "one with itself: whatever is handed back is 0 times a local derivative."
            )
        },
    ),
    Fault(
        "cycle",
        "a value is made one of its own ancestors",
        "any: a leaf becomes a result of what was computed from it",
        cycle,
        {},
        places=_leaves,
    ),
)
"""Every fault by its name."""
