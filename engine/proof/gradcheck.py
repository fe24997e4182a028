"""The gradient check: backpropagation against derivatives that were found without it, in three pieces.

Each slope is proved by itself, against the complex step of its op's own formula (`slope_witness`); that the chain rule
has put them together rightly, by adding up all contributions once more (`chain_check`); that the graph is the whole
truth, by calling the function elsewhere (`outside_graph`). Where NumPy is there, it computes the whole graph once more
(`numpy_reference`) and has the last word: where it disagrees, nothing is proved. So nothing right looks wrong because
it is flat, steep, cancelled or near a kink, and what is wrong has a name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from ..core.backward import WALKING
from ..core.grad import grad
from ..core.origin import CONST, DETACHED, MOVING
from ..core.own import own_name
from ..core.record import NOT_COMPUTED
from ..core.value import Value
from ..number import number
from ..rules.notation import short
from ..shown import described, few
from ..story.source import record_source
from .chain_check import results_first
from .function_check import EACH, FunctionCheck
from .graph_proof import Proof
from .inputs import prepare
from .mistakes import SAME, Mistake
from .outside_graph import Function, Moved, RecordedGraph, replayed
from .own_rules import Rates, rule_place, told_place
from .report import CANNOT_TELL, KINK, RIGHT, WRONG, Fault, Report, Row, relative_error
from .slope_witness import DIFFERENCE, NUMPY, UNDEFINED, step
from .your_gradient import YOURS, compared, numbers_of

try:  # the standard library is enough, as in a browser; where NumPy is there, it is asked, too
    from .numpy_reference import derivatives
except ModuleNotFoundError as error:
    if error.name != "numpy":
        raise
    derivatives = None  # type: ignore[assignment]  # this is how its absence is seen

ON_ITS_WORD: Final = "your own rule"
"""The witness where a rule of the learner's own is taken as it is."""
_WAY_OUT: Final = "no gradient flows back: .data, float() and the functions of math lead out of the graph"


def gradcheck(
    f: Callable[..., Any] | Value,
    inputs: Sequence[float | Value] | Mapping[str, float],
    *,
    second_order: bool = False,
    names: Sequence[str] | None = None,
    seed: int = 0,
    reference: Callable[..., Any] | Sequence[float] | Mapping[str, float] | None = None,
) -> Report:
    """Check the gradient of `f` at `inputs`: what `backward()` leaves, and what `gg.grad` gives.

    Args:
        f: a function of Values that returns a Value; or a result already computed, with `inputs` the Values
            it was computed from.
        inputs: numbers, given to `f` by position; or a mapping, given by name; or Values that `f`, called
            without arguments, reads: `gradcheck(lambda: loss(), model.parameters())`. Their gradients and
            numbers are as before afterwards; no other thread may compute with them meanwhile.
        second_order: check the second derivatives, too.
        names: what to call the inputs in the report; by default their labels or the parameter names of `f`.
        seed: for the random directions when there are more than 64 inputs.
        reference: a gradient of your own to be checked in the place of ours: a function of the same arguments as plain
            numbers (it may use NumPy), or the numbers, in the order of the inputs or by name.

    Returns:
        A report; it is true if everything is proved. What is wrong is named in its `faults`: op, operand, line, and
        the mistake that gives such a number.

    Raises:
        RuntimeError: if `f` or another thread writes to an input meanwhile; that number stays.
        TypeError: if `f` returns neither a Value nor a number, no inputs are given, or others than `f` takes.
        ValueError: if an input was computed from others, `reference` does not give a number for each input, or is
            given with `second_order`.

    >>> from glassgrad import Value
    >>> report = gradcheck(lambda x, w: (x * w).tanh(), [0.5, -1.5])
    >>> report.ok, report.worst < 1e-12
    (True, True)
    """
    with MOVING:
        call, leaves = prepare(f, inputs, names)
        labels = [leaf.label or f"x{i}" for i, leaf in enumerate(leaves)] if names is None else list(names)
        found = None
        if reference is not None:
            if second_order:
                raise ValueError("gradcheck: reference= is compared with first derivatives: leave second_order out")
            found = numbers_of(reference, leaves, inputs if isinstance(inputs, Mapping) else None, labels)
        y = call()
        if not isinstance(y, Value) or y.op == DETACHED:
            return _uncompared(_nothing_recorded(f, call, leaves, labels, y), found)
        check = _Check(call, leaves, labels, y, isinstance(f, Value))
        check.first_order()
        if check.is_function:
            FunctionCheck(check.proof, call, leaves, check.rows, check.faults).run(seed)
        if found is not None and not check.faults:
            check.rows, check.faults = compared(check.proof, leaves, check.rows, found)
            return Report(tuple(check.rows), y._data, tuple(check.faults), YOURS)
        if second_order and not check.proof.refused:
            check.second_order()
        return _uncompared(check.report(), found)


def _uncompared(report: Report, found: Sequence[float] | None) -> Report:
    """A report of a function that is wrong itself: each row says what the learner's number was."""
    if found is None:
        return report
    rows = [
        replace(r, note=f"{r.note}{'; ' * bool(r.note)}your gradient, {g:.6g}, is not compared: f itself is wrong")
        for r, g in zip(report.rows, found)
    ]
    return replace(report, rows=(*rows, *report.rows[len(rows) :]))


def _agree(a: float, b: float, doubt: float) -> bool:
    """Whether two witnesses say the same, to rounding."""
    return abs(a - b) <= SAME * max(abs(a), abs(b)) + 8 * doubt


def _nothing_recorded(
    f: Any, call: Callable[[], Any], leaves: Sequence[Value], labels: Sequence[str], y: Any
) -> Report:
    """The report of a function whose result has no graph: every gradient is lost."""
    if isinstance(y, Value):
        if isinstance(f, Value):
            grad(y, leaves)  # raises: nothing can be said of a result without history
        reason, value = "f's result was made under no_grad() or by detach()", y._data
    else:
        try:
            value = number(y, "f")
        except TypeError:
            raise TypeError(f"gradcheck: f must return a Value, got {described(y)}") from None
        reason = f"f must return a Value, got {described(y)}"
    function, rows = Function(call, leaves), []
    for i, (leaf, label) in enumerate(zip(leaves, labels)):
        rate = math.nan
        if i < EACH:
            direction = [float(k == i) for k in range(len(leaves))]
            rate = Rates(function, direction, leaf._data, 0).of(None).value
        rows.append(Row(label, 0.0, rate, relative_error(0.0, rate), WRONG, DIFFERENCE, "no gradient flows"))
    return Report(
        tuple(rows), value, (Fault(f"{reason}: nothing is recorded behind it", (Mistake("lost", _WAY_OUT),)),)
    )


_BESIDE: Final = (1e-6, -1e-6, 1e-10, -1e-10)
"""So far beside its point, relatively, a derivative is looked at: a kink lies on one side, or between two of these."""


class _Replay(NamedTuple):
    """The proof of a graph, its inputs, and their numbers."""

    proof: Proof
    leaves: list[Value]
    numbers: list[float]


class _Check:
    """One gradient check while it goes on: its rows and faults so far."""

    def __init__(
        self, call: Callable[[], Any], leaves: list[Value], labels: list[str], y: Value, is_result: bool
    ) -> None:
        self.call, self.leaves, self.labels, self.y, self.is_function = call, leaves, labels, y, not is_result
        self.named = dict(zip(leaves, labels))
        self.proof = Proof(y, self.named)
        self.rows: list[Row] = []
        self.faults: list[Fault] = []

    def report(self) -> Report:
        """What was found."""
        return Report(tuple(self.rows), self.y._data, tuple(self.faults))

    # -- the graph ----------------------------------------------------------------------------------------------

    def first_order(self) -> None:
        """Check slopes and chain rule; the rows that follow from them."""
        if self.proof.refused:
            self._refused()
            return
        nodes = list(dict.fromkeys([*self.leaves, *self.proof.chained.gradient]))
        given = {"gg.grad()": dict(zip(nodes, grad(self.y, nodes)))}
        if self.y.op != CONST:  # a derivative may be one, and has no backward()
            given["backward()"] = self._left_behind(nodes)
        self._chain(self.proof, given)
        self.rows = self._graph_rows(self.proof, self.labels, given)
        self.faults += self.proof.wrong_slopes(self._place)

    def second_order(self) -> None:
        """Check the derivatives of each derivative, and that each is a function of the inputs as the slopes are."""
        numbers = [leaf._data for leaf in self.leaves]
        here = [_Replay(self.proof, self.leaves, numbers)]
        around: list[_Replay] = []
        for t in () if self.proof.kinks else _BESIDE:  # a derivative stays on the branch that was taken
            around += self._replayed([x + t * math.cos(i) * max(1e-3, abs(x)) for i, x in enumerate(numbers)])
        derivatives = grad(self.y, self.leaves, create_graph=True)
        for i, (label, derivative) in enumerate(zip(self.labels, derivatives)):
            proof = Proof(derivative, self.named)
            given = {"gg.grad()": dict(zip(self.leaves, grad(derivative, self.leaves)))}
            self._chain(proof, given)
            graph = RecordedGraph(proof.order, self.leaves, proof.rounding)
            for replays in () if self.faults else (here, around):
                wrong = [self._otherwise(graph, i, replay) for replay in replays]
                if replays and all(wrong):  # beside a kink that lies between, some are
                    self.faults.append(Fault(wrong[0]))
            self.rows += self._graph_rows(proof, [f"{label},{other}" for other in self.labels], given)
            known = {(fault.op, fault.operand) for fault in self.faults}
            self.faults += [one for one in proof.wrong_slopes(lambda _: "") if (one.op, one.operand) not in known]

    def _otherwise(self, graph: RecordedGraph, i: int, replay: _Replay) -> str:
        """What is wrong with the graph of derivative `i` at the numbers of `replay`, or ""."""
        first, leaves, numbers = replay
        expected, doubt = first.proved.gradient.get(leaves[i], 0.0), first.doubt(leaves[i]) + 2 * graph.rounding
        found = graph.at(numbers, Moved(0.0))
        if not abs(found - expected) > doubt:
            return ""
        where = ", ".join(f"{name} = {x!r}" for name, x in zip(self.labels[:4], numbers))
        return f"grad(create_graph=True) gives {found!r} for {self.labels[i]} instead of {expected!r} at {where}"

    def _replayed(self, numbers: list[float]) -> list[_Replay]:
        """The proof of the same graph at other inputs, with them; none where it is undefined."""
        leaves = [Value(x) for x in numbers]
        made: dict[Value, Any] = dict(zip(self.leaves, leaves))
        try:
            for node in reversed(self.proof.order):
                if node not in made:
                    made[node] = replayed(node, made)
            return [_Replay(Proof(made[self.y], {}), leaves, numbers)]
        except UNDEFINED:
            return []

    def _chain(self, proof: Proof, given: Mapping[str, Mapping[Value, float]]) -> None:
        found = {who: proof.wrong_chain(who, self.leaves, numbers) for who, numbers in given.items()}
        faults = [fault for fault in found.values() if fault]
        if len(faults) == 2 and faults[0].found == faults[1].found:
            faults = [f for f in [proof.wrong_chain(" and ".join(given), self.leaves, next(iter(given.values())))] if f]
        self.faults += faults

    def _left_behind(self, asked: Sequence[Value]) -> dict[Value, float]:
        """The gradients that `backward()` leaves; all are as before afterwards."""
        with WALKING:
            nodes = list(dict.fromkeys([*self.proof.order, *self.leaves]))
            before = [v._grad for v in nodes]
            try:
                for v in nodes:
                    v._grad = NOT_COMPUTED
                self.y.backward()
                return {v: v._grad + 0.0 for v in asked}
            finally:
                for v, old in zip(nodes, before):
                    v._grad = old

    def _graph_rows(self, proof: Proof, labels: Sequence[str], given: Mapping[str, Mapping[Value, float]]) -> list[Row]:
        unproved = proof.below([e.node for e in proof.unknown])
        bent = proof.below([e.node for e in proof.kinks]) if proof.kinks else set()
        owned = proof.below(proof.own) if proof.own else set()
        by_numpy = self._by_numpy(proof, bent)
        rows = []
        for leaf, label in zip(self.leaves, labels):
            n = proof.proved.gradient.get(leaf, 0.0)
            a = max((numbers[leaf] for numbers in given.values()), key=lambda g: abs(g - n))
            method = ON_ITS_WORD if owned and leaf in owned else proof.method
            doubt = proof.doubt(leaf)
            if leaf in unproved or not math.isfinite(doubt + n) or not math.isfinite(leaf._data):
                rows.append(Row(label, a, n, math.nan, CANNOT_TELL, method, self._why_not(proof, leaf)))
            elif not proof.close(leaf, a):
                rows.append(Row(label, a, n, relative_error(a, n), WRONG, method))
            elif leaf in owned and not self.is_function:
                own = few([f"{own_name(v.op)} at {short(v.inputs[0]._data)}" for v in proof.own], 3)
                note = f"a result cannot prove a rule of your own ({own}), its function can: gradcheck(f, inputs)"
                rows.append(Row(label, a, n, math.nan, CANNOT_TELL, method, note))
            elif leaf in bent:
                rows.append(self._at_kink(proof, leaf, Row(label, a, n, 0.0, RIGHT, method)))
            elif leaf not in by_numpy:
                rows.append(Row(label, a, n, 0.0, RIGHT, method))
            elif _agree(by_numpy[leaf], n, doubt):
                rows.append(Row(label, a, by_numpy[leaf], 0.0, RIGHT, NUMPY))
            else:
                note = f"the slopes add up to {n!r}, but NumPy gives {by_numpy[leaf]!r} for the whole graph"
                rows.append(Row(label, a, by_numpy[leaf], math.nan, CANNOT_TELL, NUMPY, note))
        return rows

    def _by_numpy(self, proof: Proof, bent: set[Value]) -> dict[Value, float]:
        """What NumPy says of the whole graph, where it is there and can."""
        if derivatives is None or proof.own or proof.differences or len(self.leaves) > EACH:
            return {}
        leaves = [v for v in self.leaves if v not in bent and math.isfinite(proof.doubt(v) + v._data)]
        steps = [step(v._data) for v in leaves]
        found = dict(zip(leaves, derivatives(proof.order, leaves, steps)))
        gradient = proof.proved.gradient
        again = [v for v in leaves if not _agree(found[v], gradient.get(v, 0.0), proof.doubt(v))]
        if again:  # the step may have got lost, or overflowed, on the way
            found |= dict(zip(again, derivatives(proof.order, again, [step(v._data) * 2.0**70 for v in again])))
        return {v: n for v, n in found.items() if math.isfinite(n)}

    def _why_not(self, proof: Proof, leaf: Value) -> str:
        if not math.isfinite(leaf._data):
            return f"{self.named[leaf]} is {leaf._data}: a derivative needs finite numbers"
        for edge in reversed(proof.unknown):
            if leaf in proof.below([edge.node]):
                numbers = ", ".join(short(v._data) for v in edge.node.inputs[:3])
                return f"the slope of {edge.node.op} at {numbers} cannot be found by other means"
        return "a gradient on the way is larger than the largest float"

    def _at_kink(self, proof: Proof, leaf: Value, row: Row) -> Row:
        (left, right), jumps, noise = proof.sides(leaf)
        doubt = proof.doubt(leaf) + noise
        if not jumps and abs(left - row.analytic) <= doubt and abs(right - row.analytic) <= doubt:
            return row
        edge = next(e for e in reversed(proof.kinks) if leaf in proof.below([e.node]))
        at = ", ".join(short(v._data) for v in edge.node.inputs)
        what = "jumps" if edge.slope is not None and edge.slope.jumps else "has a kink"
        note = f"{edge.node.op} at {at} {what} here: left | right"
        return replace(row, verdict=KINK, note=note, sides=(left, right))

    # -- faults -------------------------------------------------------------------------------------------------

    def _refused(self) -> None:
        """The rows where a rule of the learner's own has no slopes: what it does wrong is known, and differences of the
        function say which numbers suffer by it."""
        strangers = any("not among its children" in reason for reason in self.proof.refused.values())
        rule = all(v.__dict__.get("_rule") for v in self.proof.refused)
        left = self._left_behind(self.leaves) if rule and not strangers else {}
        for leaf, label in zip(self.leaves, self.labels):
            self.rows.append(Row(label, left.get(leaf, math.nan), math.nan, math.nan, WRONG, DIFFERENCE))
        for node, reason in self.proof.refused.items():
            what, _, why = reason.partition(": ")
            kind = "overwritten" if "overwrites" in what else "own rule"
            sentence = f"T{what[1:]}" if what.startswith("the ") else what
            self.faults.append(Fault(sentence, (Mistake(kind, why),), rule_place(node), node.op))

    def _place(self, node: Value) -> str:
        """The line of the learner's code that made a node: the function is run once more, watched."""
        if not self.is_function:
            return ""
        try:
            with record_source() as sources:
                y = self.call()
        except UNDEFINED:
            return ""
        order = results_first(y) if isinstance(y, Value) else []
        i = self.proof.order.index(node)
        line = sources.get(order[i]) if len(order) == len(self.proof.order) else None
        return told_place(line.file, line.line) if line else ""
