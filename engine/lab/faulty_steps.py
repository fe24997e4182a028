"""The steps of a pass with a fault, and their words: every equation is true of what that pass did."""

from __future__ import annotations

import ast
from html import escape
from typing import Final

from ..core.chain import Flow
from ..rules.notation import FEWEST_DIGITS, NO_DIGITS, Digits, MathML, short, spelled
from ..shown import few
from ..story.graph import Graph
from ..story.steps import Steps
from ..story.telling import Teller, Told
from .backward_pass import Handed, Pass
from .faults import Fault

SHOWN_BEGUN: Final = 6
"""So many gradients that are left from the pass before are told where the next one begins."""


class FaultySteps(Steps):
    """The events of a pass as steps, for every view of steps.

    Args:
        run: the pass.
        fault: what it was made with.
        right: the pass that it is held against.

    Attributes:
        run: the pass.
    """

    faulty = True

    def __init__(self, run: Pass, fault: Fault, right: Pass) -> None:
        nodes = (
            node._replace(
                slopes=tuple(run.slopes.get((node.id, k), slope) for k, slope in enumerate(node.slopes)),
                now=run.changed.get(node.id, node.now),
            )
            for node in run.graph.nodes
        )
        super().__init__(Graph.of(nodes, run.graph.groups), run.names)
        self.run, self._fault, self._right = run, fault, right
        self._teller = FaultyTeller(self)
        vars(self).update(flows=run.flows, begun=run.begun, teller=self._teller)

    def why(self, flow: Handed | None) -> str:
        """The reason in one sentence: why a flow is wrong, or (None) what is wrong when the pass begins; or ""."""
        how = flow.how if flow else "" if self.begun_wrong is None else "begin"
        return self._fault.said[how].format(**self._facts(flow)) if how in self._fault.said else ""

    @property
    def begun_wrong(self) -> int | None:
        """The node, by id, whose gradient is not what it has to be at the beginning: a named one, near the result."""
        run, right = self.run.begun, self._right.begun
        wrong = (i for i in range(len(self.graph)) if run.get(i, 0.0) != right.get(i, 0.0))
        return max(wrong, key=lambda i: (bool(self.graph.nodes[i].label), i), default=None)

    def note(self, flow: Handed) -> str:
        """What is said behind the equation of a flow; or ""."""
        note = self._fault.note if flow.how in self._fault.said else ""
        return f" ({note.format(**self._facts(flow))})" if note else ""

    def _facts(self, flow: Handed | None) -> dict[str, str]:
        """Names and numbers of the place where a fault acts; those of the right pass are `due`."""
        run, right, called = self.run, self._right, {"at": self.run.at}
        digits = self._teller.digits(flow) if flow else NO_DIGITS
        if flow is None:
            assert self.begun_wrong is not None  # else nobody asks
            i = self.begun_wrong
            numbers = {"old": run.begun.get(i, 0.0), "new": run.grad(i)}
            numbers |= {"due_old": right.begun.get(i, 0.0), "due_new": right.grad(i)}
        else:
            i, due = flow.input, run.due[flow.node, flow.position]
            numbers = {"old": flow.old, "new": flow.new, "grad": flow.grad}
            numbers |= {"upstream": flow.upstream, "slope": flow.slope}
            numbers |= {"contribution": flow.contribution, "opposite": -flow.contribution}
            numbers |= {"due_upstream": due.upstream, "due_slope": due.slope, "due_contribution": due.contribution}
            several = len(self.graph.nodes[flow.node].inputs) > 1
            called["operand"] = f" for operand {flow.position + 1}" if several else ""
            late = [self.names[i] for i in run.late(flow)]
            called |= {"node": self.names[flow.node], "late": f"{few(late, 3)} {'has' if len(late) == 1 else 'have'}"}
        numbers["total"] = run.totals[i]
        for leaf, now in run.changed.items():
            numbers |= {"then": run.graph.nodes[leaf].data, "now": now}
        called |= {"input": self.names[i], "uses": "twice" if run.uses[i] == 2 else f"{run.uses[i]} times"}
        as_it_came_out = {"new": short(numbers.pop("new"))}  # all other numbers as in the equation
        return called | as_it_came_out | {name: spelled(x, digits.get(x, FEWEST_DIGITS)) for name, x in numbers.items()}


class FaultyTeller(Teller):
    """Tells a pass with a fault: gradients are what stands in `.grad`, for they are no derivatives."""

    def __init__(self, steps: FaultySteps) -> None:
        changed = steps.run.changed
        read = (node._replace(data=changed.get(node.id, node.data)) for node in steps.graph.nodes)
        super().__init__(Graph.of(read, steps.graph.groups), steps.names)  # as the rules read it on the way back
        self._steps, self._forward = steps, Teller(steps.run.graph, steps.names)
        self._begun = sorted(steps.run.begun.items(), reverse=True)[:SHOWN_BEGUN]  # that of the result first

    def forward(self, i: int) -> Told:
        """The forward pass is right."""
        return self._forward.forward(i)

    def forward_mathml(self, i: int) -> tuple[str, str]:
        """The forward pass is right."""
        return self._forward.forward_mathml(i)

    def seed(self) -> Told:
        """The gradients that are there when the pass begins, and what is wrong with them."""
        text = ", ".join(f"{self.names[i]}.grad = {short(x)}" for i, x in self._begun)
        said = [super().seed().sentence] if self._begun[0][1] == 1.0 else []
        changed = [f"{self.names[i]} is set to {short(now)} now" for i, now in self._steps.run.changed.items()]
        said += [f"{change}." for change in changed]
        return Told(
            text,
            text + "".join(f" ({change})" for change in changed),
            " ".join(filter(None, [*said, self._steps.why(None)])),
        )

    def seed_mathml(self) -> tuple[str, str]:
        """`seed` as MathML."""
        each = (f"{self.total(i)}<mo>=</mo>{MathML().number(x)[0]}" for i, x in self._begun)
        text = f'<math display="block"><mrow>{"<mo>,</mo>".join(each)}</mrow></math>'
        return text, text

    def backward(self, flow: Flow, complete: bool) -> Told:
        """A step back, with the reason where the fault acts."""
        told = super().backward(flow, complete)
        assert isinstance(flow, Handed)  # as all of these steps
        said = " ".join(filter(None, [told.sentence, self._steps.why(flow)]))
        return Told(told.rule, told.numbers + self._steps.note(flow), said)

    def total(self, i: int) -> str:
        """`x.grad`, not dL/dx."""
        return f"<mi>{escape(self.names[i])}.grad</mi>"

    def digits(self, flow: Flow) -> Digits:
        """With how many digits the equation of a step back writes its numbers."""
        return self._growth(flow).digits

    def update(self, flow: Flow) -> str:
        """`=` where it is set, `−=` where the sign is wrong."""
        return {"set": "=", "lost": "=", "sign": "−=", "sign 0": "−="}.get(getattr(flow, "how", ""), "+=")

    def chained(self, flow: Flow) -> bool:
        """Whether the rule has the factor that one of them forgets."""
        return not getattr(flow, "how", "").startswith("factor")

    def joined(self, flow: Flow) -> str:
        """What a contribution meets; where it takes the place of that, the reason says so."""
        if self.update(flow) == "=":
            return ""
        left = flow.old != 0.0 and flow.old == self._steps.run.begun.get(flow.input)
        return f" It is added to the {short(flow.old)} that is still there." if left else super().joined(flow)

    def _added(self, flow: Flow, tree: ast.expr) -> ast.expr:
        return tree if self.update(flow) == "=" else super()._added(flow, tree)

    def _slope_by_name(self, flow: Flow) -> tuple[ast.expr, Digits]:
        return super()._slope_by_name(flow._replace(slope=-flow.slope) if self.update(flow) == "−=" else flow)
