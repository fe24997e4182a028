"""The steps of a pass with a fault, and their words: every equation is true of what that pass did."""

from __future__ import annotations

import ast
from html import escape

from ..core.chain import Flow
from ..rules.notation import Digits, short
from ..story.steps import Steps
from ..story.telling import Teller, Told
from .faults import Fault
from .passes import Event, Pass, as_read, graph_of


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
        super().__init__(graph_of(run), run.names)
        self.run, self._fault, self._right = run, fault, right
        vars(self).update(flows=[event.flow for event in run.events], begun=run.begun, teller=FaultyTeller(self))

    def why(self, event: Event | None) -> str:
        """The reason in one sentence: why an event is wrong, or (None) what is wrong when the pass begins."""
        if event is not None:
            said = self._fault.said.get(event.how)
            return said.why.format(**self._facts(event)) if said else ""
        if self.run.begun == self._right.begun or "begin" not in self._fault.said:
            return ""
        return self._fault.said["begin"].why.format(**self._facts_of_begin())

    def note(self, event: Event) -> str:
        """What is said behind the equation of an event; or ""."""
        said = self._fault.said.get(event.how)
        return f" ({said.note.format(**self._facts(event))})" if said and said.note else ""

    def _facts(self, event: Event) -> dict[str, str]:
        flow, run = event.flow, self.run
        due = run.due[flow.node, flow.position]
        numbers = {
            "old": flow.old,
            "new": flow.new,
            "upstream": flow.upstream,
            "slope": flow.slope,
            "minus": -flow.contribution,
            "grad": event.grad,
            "total": run.totals[flow.input],
            "due_upstream": due.upstream,
            "due_slope": due.slope,
            "due_contribution": due.contribution,
        }
        for i, now in run.changed.items():
            numbers |= {"then": run.graph.nodes[i].data, "now": now}
        uses = run.uses[flow.input]
        return {name: short(x) for name, x in numbers.items()} | {
            "node": self.names[flow.node],
            "input": self.names[flow.input],
            "at": run.at,
            "uses": "twice" if uses == 2 else f"{uses} times",
        }

    def _facts_of_begin(self) -> dict[str, str]:
        run, right = self.run, self._right
        first = next(i for i in run.order[::-1] if run.begun.get(i, 0.0) != right.begun.get(i, 0.0))
        numbers = {
            "old": run.begun.get(first, 0.0),
            "new": run.grad(first),
            "total": run.totals[first],
            "due_old": right.begun.get(first, 0.0),
            "due_new": right.grad(first),
        }
        return {name: short(x) for name, x in numbers.items()} | {"input": self.names[first]}


class FaultyTeller(Teller):
    """Tells a pass with a fault: gradients are what stands in `.grad`, for they are no derivatives."""

    def __init__(self, steps: FaultySteps) -> None:
        super().__init__(as_read(steps.graph, steps.run.changed), steps.names)
        self._steps, self._forward = steps, Teller(steps.run.graph, steps.names)
        self._events = {event.flow: event for event in steps.run.events}

    def forward(self, i: int) -> Told:
        """The forward pass is right."""
        return self._forward.forward(i)

    def forward_mathml(self, i: int) -> tuple[str, str]:
        """The forward pass is right."""
        return self._forward.forward_mathml(i)

    def seed(self) -> Told:
        """The begin of the pass, and what is wrong with it."""
        root, x = self.names[-1], self._steps.begun[len(self.names) - 1]
        text, reason = f"{root}.grad = {short(x)}", self._steps.why(None)
        told = super().seed()
        changed = [f"{self.names[i]} is set to {short(now)} now." for i, now in self._steps.run.changed.items()]
        sentence = [told.sentence] if x == 1.0 else []
        return Told(text, text, " ".join([*sentence, *changed, *filter(None, [reason])]))

    def seed_mathml(self) -> tuple[str, str]:
        """`seed` as MathML."""
        x = self._steps.begun[len(self.names) - 1]
        one = (
            f'<math display="block"><mrow>{self.total(len(self.names) - 1)}<mo>=</mo><mn>{short(x)}</mn></mrow></math>'
        )
        return one, one

    def backward(self, flow: Flow, complete: bool) -> Told:
        """A step back, with the reason where the fault acts."""
        told, event = super().backward(flow, complete), self._events[flow]
        reason = self._steps.why(event)
        return Told(told.rule, told.numbers + self._steps.note(event), told.sentence + f" {reason}" * bool(reason))

    def total(self, i: int) -> str:
        """`x.grad`, not dL/dx."""
        return f"<mi>{escape(self.names[i])}.grad</mi>"

    def update(self, flow: Flow) -> str:
        """`=` where it is set, `−=` where the sign is wrong."""
        return {"set": "=", "lost": "=", "sign": "−="}.get(self._how(flow), "+=")

    def chained(self, flow: Flow) -> bool:
        """Whether the rule has the factor that one of them forgets."""
        return not self._how(flow).startswith("factor")

    def joined(self, flow: Flow) -> str:
        """What a contribution meets; where it takes the place of that, the reason says so."""
        if self.update(flow) == "=":
            return ""
        left = flow.old != 0.0 and flow.old == self._steps.begun.get(flow.input)
        return f" It is added to the {short(flow.old)} that is still there." if left else super().joined(flow)

    def _how(self, flow: Flow) -> str:
        return self._events[flow].how

    def _added(self, flow: Flow, tree: ast.expr) -> ast.expr:
        return tree if self.update(flow) == "=" else super()._added(flow, tree)

    def _slope_by_name(self, flow: Flow) -> tuple[ast.expr, Digits]:
        return super()._slope_by_name(flow._replace(slope=-flow.slope) if self._how(flow) == "sign" else flow)
