"""How one step is told: its rule, its numbers, its sentence, as text and as MathML.

**The convention of all views.** A *total* derivative, the gradient, is `x.grad` in text and dL/dx, with an upright d
and the name of the result, in formulas. A *local* derivative is ∂v/∂x, with the node v that reads x on top; where v
reads x more than once, the place of the operand stands at the ∂, as in ∂₁v/∂x and ∂₂v/∂x. A gradient to which more
is to be added is written "so far". Every equation holds to the digits shown (see `equation.py`).
"""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from ..core.own import own_name
from ..core.value import CONST
from ..rules import notation
from ..rules.dialect import ATOM, write
from ..rules.notation import (
    FEWEST_DIGITS,
    MOST_DIGITS,
    Digits,
    MathML,
    Operand,
    Text,
    call,
    number,
    plus,
    short,
    spelled,
    times,
)
from ..rules.ops import OPS
from ..shown import visible
from .equation import attempt, digits_for, shown_sum, without_middle
from .flow import Flow
from .graph import Graph, Node
from .naming import subscript


class Told(NamedTuple):
    """A step in words: the formula with names, the formula with numbers, a sentence."""

    rule: str
    numbers: str
    sentence: str


class Teller:
    """Tells the steps of one graph.

    Args:
        graph: the graph.
        names: what each node is called, by id.
    """

    def __init__(self, graph: Graph, names: Sequence[str]) -> None:
        self.graph, self.names = graph, names
        self._last: tuple[Flow, _Growth] | None = None

    # -- what stands for an operand -----------------------------------------------------------------------

    def _named(self, i: int) -> Operand:
        node = self.graph.nodes[i]
        return Operand(number(node.data), node.data) if node.op == CONST else Operand(ast.Name(self.names[i]))

    def _plugged(self, i: int) -> Operand:
        node = self.graph.nodes[i]
        return Operand(number(node.data), node.data if node.op == CONST else None)

    def _values(self, node: Node) -> dict[str, float]:
        return {self.names[i]: self.graph.nodes[i].data for i in (*node.inputs, node.id)}

    # -- equations ----------------------------------------------------------------------------------------

    def _by_name(self, node: Node) -> tuple[ast.expr, Digits]:
        """The right-hand side of a node's rule; its constants have digits with which it gives the node's number."""
        op = OPS[node.op]
        if op.variadic:
            terms, start = notation.terms(op, node.inputs, self._named)
            tail = [] if start is None else [start]
            whole, shown = call("sum", *terms, *tail), call("sum", *without_middle(terms, tail, None))
        else:
            whole = shown = notation.forward(op, node.inputs, self._named)
        return shown, _or_all(digits_for([(whole, node.data)], self._values(node)), whole)

    def _by_number(self, node: Node) -> tuple[ast.expr, Digits | None]:
        op = OPS[node.op]
        if op.variadic:
            terms, start = notation.terms(op, node.inputs, self._plugged)
            return shown_sum(terms, node.data, start)
        tree = notation.forward(op, node.inputs, self._plugged)
        return tree, digits_for([(tree, node.data)])

    def _slope_by_name(self, flow: Flow) -> tuple[ast.expr, Digits]:
        node = self.graph.nodes[flow.node]
        tree = notation.slope(OPS[node.op], flow.position, node.inputs, self._named, ast.Name(self.names[node.id]))
        claims = [(tree, flow.slope), (times(ast.Name(_UPSTREAM), tree), flow.contribution)]
        return tree, _or_all(digits_for(claims, {**self._values(node), _UPSTREAM: flow.upstream}), tree)

    def _growth(self, flow: Flow) -> _Growth:
        """What a backward step adds, with numbers; without the slope's formula where that does not give the slope."""
        if self._last is None or self._last[0] is not flow:  # text and MathML of a step ask one after the other
            self._last = flow, self._grown(flow)
        return self._last[1]

    def _grown(self, flow: Flow) -> _Growth:
        node = self.graph.nodes[flow.node]
        own = own_name(node.op)
        formula = (
            number(flow.slope)
            if own
            else notation.slope(OPS[node.op], flow.position, node.inputs, self._plugged, number(node.data))
        )
        upstream = number(flow.upstream)
        product = times(upstream, number(flow.slope))
        brief, long = self._added(flow, product), self._added(flow, times(upstream, formula))
        read_on = self._added(flow, _times_each(upstream, formula))  # a × b / c is read as (a × b) / c
        claims = [(product, flow.contribution), (brief, flow.new)]
        digits = digits_for([*claims, (formula, flow.slope), (long, flow.new), (read_on, flow.new)])
        if digits is None:
            return _Growth(brief, brief, product, _or_all(digits_for(claims), brief))
        return _Growth(long, brief, product, digits)

    def _added(self, flow: Flow, tree: ast.expr) -> ast.expr:
        """The new gradient of a receiver, of its old one and what comes to it."""
        return plus(number(flow.old), tree)

    # -- text ---------------------------------------------------------------------------------------------

    def forward(self, i: int) -> Told:
        """The step that computes node `i`."""
        node, name = self.graph.nodes[i], self.names[i]
        value = short(node.data)
        if node.op == CONST:
            return Told(f"{value} is a constant", value, f"{value} is a constant: no gradient flows into it.")
        since = f" ({name} has been changed since, to {_apart(node.now, node.data)})" if node.now is not None else ""
        own = own_name(node.op)
        if own:
            inputs = ", ".join(self.names[i] for i in node.inputs)
            said = f"{name} is computed from {inputs} by your own rule {visible(own)}: {value}{since}."
            return Told(f"{name}: your own rule {visible(own)} of {inputs}", f"{name} = {value}", said)
        if node.op not in OPS:
            return Told(f"{name} is given", f"{name} = {value}", f"{name} is given: {value}{since}.")
        rule, rule_digits = self._by_name(node)
        tree, digits = self._by_number(node)
        named = f"{name} = {_text(rule, rule_digits)}"
        if digits is None:  # a graph that was read in, whose numbers do not belong together
            said = f"{name} is recorded as {value}, which is not {self._in_words(node, rule_digits)}{since}."
            return Told(named, f"{name} = {value} (recorded; {_outcome(tree)})", said)
        numbers = f"{name} = {_text(tree, digits, '×')} = {value}"
        return Told(named, numbers, f"{name} is {self._in_words(node, rule_digits)}: {value}{since}.")

    def seed(self) -> Told:
        """The step that turns round at the result."""
        root = self.names[-1]
        sentence = f"Back from the result: {root} changes one to one with itself, so its gradient is 1."
        return Told(f"{root}.grad = d{root}/d{root}", f"{root}.grad = 1", sentence)

    def backward(self, flow: Flow, complete: bool) -> Told:
        """A step back through an edge; `complete` if nothing is added to the receiver's gradient after it."""
        name, receiver, local = self.names[flow.node], self.names[flow.input], self.local(flow)
        growth = self._growth(flow)
        long, brief = (_text(tree, growth.digits, "×") for tree in (growth.long, growth.brief))
        so_far = "" if complete else " so far"
        middle = long if long == brief else f"{long} = {brief}"
        own = own_name(self.graph.nodes[flow.node].op)
        slope = f"by your own rule {visible(own)}" if own else f"= {_text(*self._slope_by_name(flow))}"
        return Told(
            f"{receiver}.grad {self.update(flow)} {f'{name}.grad · ' * self.chained(flow)}{local},  {local} {slope}",
            f"{receiver}.grad{so_far} = {middle} = {short(flow.new)}",
            f"{name} hands {self.product(flow)} = {short(flow.contribution)} back to {receiver}.{self.joined(flow)}",
        )

    def update(self, flow: Flow) -> str:
        """How a contribution comes to the gradient of its receiver."""
        return "+="

    def chained(self, flow: Flow) -> bool:
        """Whether the rule of an edge has the upstream gradient as a factor."""
        return True

    def joined(self, flow: Flow) -> str:
        """What a contribution meets where it arrives, as a sentence; "" if nothing was there."""
        return f" It is added to the {short(flow.old)} that arrived before." if flow.old != 0.0 else ""

    def product(self, flow: Flow) -> str:
        """upstream × slope, with the digits of its step."""
        growth = self._growth(flow)
        return _text(growth.product, growth.digits, "×")

    def local(self, flow: Flow) -> str:
        """The local derivative of an edge: ∂v/∂x, or ∂₂v/∂x where v reads x more than once."""
        return f"∂{self.place(flow)}{self.names[flow.node]}/∂{self.names[flow.input]}"

    def place(self, flow: Flow) -> str:
        """The place of an operand that its node reads more than once, as a subscript; else ""."""
        several = self.graph.nodes[flow.node].inputs.count(flow.input) > 1
        return subscript(flow.position + 1) if several else ""

    def _in_words(self, node: Node, digits: Digits) -> str:
        op = OPS[node.op]
        if op.variadic:
            return f"{op.words} of {len(node.inputs)} inputs"
        inputs = [self.graph.nodes[i] for i in node.inputs]
        names = (
            spelled(u.data, digits.get(u.data, FEWEST_DIGITS)) if u.op == CONST else self.names[u.id] for u in inputs
        )
        return op.words.format(**dict(zip(op.names, names)))

    # -- MathML -------------------------------------------------------------------------------------------

    def forward_mathml(self, i: int) -> tuple[str, str]:
        """`forward` as two complete `<math>` elements: with names, and with numbers."""
        node, plain = self.graph.nodes[i], MathML()
        value = plain.number(node.data)[0]
        if node.op == CONST:
            return _math(value), _math(value)
        name = plain.name(self.names[i])[0]
        if node.op not in OPS:
            return _math(name, _EQUALS, value), _math(name, _EQUALS, value)
        rule, rule_digits = self._by_name(node)
        tree, digits = self._by_number(node)
        named = _math(name, _EQUALS, write(rule, MathML(digits=rule_digits))[0])
        if digits is None:
            return named, _math(name, _EQUALS, f"<mrow>{value}<mtext>&#160;(recorded)</mtext></mrow>")
        return named, _math(name, _EQUALS, write(tree, MathML("×", digits))[0], _EQUALS, value)

    def seed_mathml(self) -> tuple[str, str]:
        """`seed` as MathML."""
        one = _math(self.total(len(self.names) - 1), _EQUALS, "<mn>1</mn>")
        return one, one

    def backward_mathml(self, flow: Flow, complete: bool) -> tuple[str, str]:
        """`backward` as MathML."""
        name, receiver = self.names[flow.node], self.names[flow.input]
        total, upstream = self.total(flow.input), self.total(flow.node)
        local = _derivative("∂", name, receiver, self.place(flow))
        chain: tuple[str, ...] = ()
        if not own_name(self.graph.nodes[flow.node].op):
            slope, digits = self._slope_by_name(flow)
            style = MathML(digits=digits)
            part = write(slope, style)
            chain = _EQUALS, style.binary("*", (upstream, ATOM), part)[0] if self.chained(flow) else part[0]
        growth = self._growth(flow)
        so_far = "" if complete else "<mtext>&#160;so far</mtext>"
        long, new = write(growth.long, MathML("×", growth.digits))[0], MathML().number(flow.new)[0]
        return (
            _math(
                total, f"<mo>{self.update(flow)}</mo>", *(upstream, "<mo>·</mo>") * self.chained(flow), local, *chain
            ),
            _math(total, so_far, _EQUALS, long, _EQUALS, new),
        )

    def total(self, i: int) -> str:
        """The gradient of a node in MathML."""
        return _derivative("d", self.names[-1], self.names[i])


class _Growth(NamedTuple):
    """old + upstream × formula, old + upstream × slope, upstream × slope; and the digits of their numbers."""

    long: ast.expr
    brief: ast.expr
    product: ast.expr
    digits: Digits


_UPSTREAM = "\0"  # a name that no node has
_EQUALS = "<mo>=</mo>"


def _math(*parts: str) -> str:
    return f'<math display="block"><mrow>{"".join(parts)}</mrow></math>'


def _derivative(glyph: str, top: str, bottom: str, place: str = "") -> str:
    """dL/dx with an upright d, or ∂v/∂x with a ∂ that may carry the place of an operand."""
    sign = '<mi mathvariant="normal">d</mi>' if glyph == "d" else f"<mi>{glyph}</mi>"
    above = f"<msub>{sign}<mn>{place.translate(_PLAIN)}</mn></msub>" if place else sign
    over, under = (
        f"<mrow>{one}{_APART * (len(name) > 1)}<mi>{escape(name)}</mi></mrow>"
        for one, name in ((above, top), (sign, bottom))
    )
    return f"<mfrac>{over}{under}</mfrac>"


_APART = '<mspace width="0.12em"></mspace>'  # between the d and a name of several letters: not a word, "dneuron"


_PLAIN = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


def _text(tree: ast.expr, digits: Digits, sign: str = "·") -> str:
    return write(tree, Text(sign, digits))[0]


def _times_each(left: ast.expr, right: ast.expr) -> ast.expr:
    """`left` times a product or quotient, multiplied and divided from left to right."""
    if isinstance(right, ast.BinOp) and isinstance(right.op, (ast.Mult, ast.Div)):
        return ast.BinOp(_times_each(left, right.left), right.op, right.right)
    return times(left, right)


def _or_all(digits: Digits | None, tree: ast.expr) -> Digits:
    """`digits`; if there are none that make it hold, all of every number."""
    return _all_digits(tree) if digits is None else digits


def _all_digits(tree: ast.expr) -> Digits:
    numbers = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {x: MOST_DIGITS for x in numbers if isinstance(x, (int, float))}


def _outcome(tree: ast.expr) -> str:
    """What an equation that does not hold would give."""
    found, text = attempt(tree), _text(tree, _all_digits(tree), "×")
    return f"{text} is undefined" if math.isnan(found) else f"{text} gives {_apart(found, found)}"


def _apart(x: float, other: float) -> str:
    """A number, with enough digits to tell it from another one."""
    enough = (d for d in range(FEWEST_DIGITS, MOST_DIGITS) if spelled(x, d) != spelled(other, d))
    return spelled(x, FEWEST_DIGITS if x == other else next(enough, MOST_DIGITS))
