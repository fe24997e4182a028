"""Whatever is shown is true: every equation is read back and evaluated.

The reader shares no code with the writers. It sees what a person sees: characters in a line, or the symbols of MathML
from left to right with only fractions, exponents and roots grouped. An equation is true if each of its sides, computed
with the numbers as they are written, comes to the number at its end, to four significant digits and to all that are
shown.
"""

from __future__ import annotations

import json
import math
import os
import random
import re
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import pytest

import glassgrad as gg
from glassgrad import OPS, Graph, Value
from glassgrad.engine.story import telling
from glassgrad.engine.story.ledger import ledger, running_sums

# -- the reader: tokens ---------------------------------------------------------------------------------------

SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
WORD = rf"(?:(?![{SUPERSCRIPTS}])\w)+"
TOKEN = re.compile(
    r"(?P<number>(?:\d+(?:\.\d+)?(?:e[+−]\d+)?|\binf\b|\bnan\b))"
    r"|(?P<more>… \d+ more: )|(?P<end> …(?! \d+ more))"
    r"|(?P<word> if |, else )"
    rf"|(?P<name>∂[₀-₉]*{WORD}/∂{WORD}|d{WORD}/d{WORD}|{WORD}\.grad|(?!\d){WORD})"
    rf"|(?P<power>[{SUPERSCRIPTS}]+)|(?P<sign>[-+−·×/^()|,√∛<>≤≥≠=])|(?P<space> )"
)


def tokens(text):
    """A line as (kind, text)."""
    found, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        assert match, f"cannot read {text[at:]!r} in {text!r}"
        if match.lastgroup != "space":
            found.append((match.lastgroup, match[0]))
        at = match.end()
    return found


def number(text):
    return float(text.replace("−", "-"))


# -- the reader: what a line of tokens comes to ----------------------------------------------------------------


def saturating_exp(x):
    return math.inf if x > 709.78 else math.exp(x)


def power(a, b):
    try:
        return math.pow(a, b)
    except OverflowError:
        return math.inf


FUNCTIONS = {
    "σ": lambda x: 1 / (1 + saturating_exp(-x)),
    "ln": math.log,
    "exp": saturating_exp,
    "√": math.sqrt,
    "∛": lambda x: math.copysign(abs(x) ** (1 / 3), x),
    "max": max,
    "min": min,
    "mod": lambda a, b: a % b,
    "exp2": lambda x: 2.0**x,
}
COMPARE = {
    "<": lambda p, q: p < q,
    ">": lambda p, q: p > q,
    "≤": lambda p, q: p <= q,
    "≥": lambda p, q: p >= q,
    "≠": lambda p, q: p != q,
    "=": lambda p, q: p == q,
}


class Reader:
    """Reads tokens by the usual precedence; `names` gives the numbers that names stand for."""

    def __init__(self, line, names):
        self.line, self.names, self.at = line, names, 0

    def see(self, *texts):
        return self.at < len(self.line) and self.line[self.at][1] in texts

    def take(self, *texts):
        kind, text = self.line[self.at]
        assert not texts or text in texts, f"expected {texts} before {self.line[self.at :]}"
        self.at += 1
        return kind, text

    def chain(self):
        """The sides of a = b = c."""
        sides = [self.choice()]
        while self.see("=", "+="):
            self.take()
            sides.append(self.choice())
        assert self.at == len(self.line), f"left over: {self.line[self.at :]}"
        return sides

    def choice(self):
        yes = self.sum()
        if not self.see(" if "):
            return yes
        self.take()
        left = self.sum()
        test = COMPARE[self.take()[1]](left, self.sum())
        self.take(", else ")
        no = self.choice()
        return yes if test else no

    def sum(self):
        total = self.product()
        while self.see("+", "−"):
            sign = self.take()[1]
            assert not self.see("−", "+"), "two signs in a row"
            x = self.product()
            total = total + x if sign == "+" else total - x
        return total

    def product(self):
        if self.see("−"):
            self.take()
            return -self.product()
        total = self.power()
        while self.see("·", "×", "/"):
            sign = self.take()[1]
            assert not self.see("−"), "a sign behind an operator"
            x = self.power()
            total = total * x if sign in ("×", "·") else total / x if x else math.nan
        return total

    def power(self):
        scientific = self.at < len(self.line) and self.line[self.at][0] == "number" and "e" in self.line[self.at][1]
        base = self.atom()
        if self.see("^"):
            assert not scientific, "a power of 1e−05 cannot be told from 1e to a power"
            self.take()
            base = power(base, self.atom())
        elif self.at < len(self.line) and self.line[self.at][0] == "power":
            assert not scientific
            digits = self.take()[1]
            base = power(base, float("".join("0123456789-"[SUPERSCRIPTS.index(c)] for c in digits)))
        assert not self.see("^")
        assert self.at >= len(self.line) or self.line[self.at][0] != "power", "a power of a power needs brackets"
        return base

    def atom(self):
        kind, text = self.take()
        if kind == "number":
            return number(text)
        if kind == "value":
            return text
        if text == "(":
            x = self.choice()
            self.take(")")
            return x
        if text == "|":
            x = self.choice()
            self.take("|")
            return abs(x)
        if kind == "more":
            x = -number(self.take()[1]) if self.see("−") and self.take() else number(self.take()[1])
            assert self.take()[0] == "end"
            return x
        if self.see("("):
            self.take()
            arguments = [self.choice()]
            while self.see(","):
                self.take()
                arguments.append(self.choice())
            self.take(")")
            try:
                return (FUNCTIONS.get(text) or getattr(math, text))(*arguments)
            except OverflowError:
                return math.inf
            except (ValueError, ZeroDivisionError):
                return math.nan  # in the part of a choice that is not taken, as a true equation has no such thing
        return self.names[text]


def value_of(line, names):
    (x,) = Reader(line, names).chain()
    return x


# -- the reader: MathML -----------------------------------------------------------------------------------------


def symbols(element, names):
    """An element as tokens: rows are read through, fractions, exponents and roots are single values."""
    tag, text, children = element.tag, element.text or "", list(element)
    if tag in ("math", "mrow"):
        return [token for child in children for token in symbols(child, names)]
    if tag == "mn":
        return [("number", text)]
    if tag == "mo":
        return [("sign", text)]
    if tag == "mi":
        return [("name", text)]
    if tag == "mtext":
        text = text.replace("\xa0", " ")
        kind = "more" if text.endswith("more: ") else "end" if text == " …" else "word"
        return [] if text in (" so far", " (recorded)") else [(kind, text)]
    if tag == "mfrac":
        top, bottom = children
        first = top[0] if len(top) else top
        if first.get("mathvariant") == "normal" or "∂" in "".join(first.itertext()):
            return [("name", derivative(top, bottom))]
        return [("value", value_of(symbols(top, names), names) / value_of(symbols(bottom, names), names))]
    if tag == "msup":
        base, exponent = (symbols(child, names) for child in children)
        exponent = value_of(exponent, names)
        if base == [("name", "e")]:
            return [("value", saturating_exp(exponent))]
        single = len(base) == 1 and base[0][0] != "value" and not (base[0][0] == "number" and "e" in base[0][1])
        assert single or base[0][1] in ("(", "|"), f"a power of {base} needs brackets"
        return [("value", power(value_of(base, names), exponent))]
    root = value_of([token for child in children[:1] for token in symbols(child, names)], names)
    return [("value", FUNCTIONS["∛"](root) if tag == "mroot" else {"msqrt": math.sqrt}[tag](root))]


def derivative(top, bottom):
    """dL/dx or ∂₂v/∂x as one name."""
    (sign, above), (under, below) = ([part for part in side if part.tag != "mspace"] for side in (top, bottom))
    glyph = "".join(sign.itertext())
    assert glyph[0] == "".join(under.itertext())
    assert (sign if sign.tag == "mi" else sign[0]).get("mathvariant") == ("normal" if glyph[0] == "d" else None)
    place = "".join("₀₁₂₃₄₅₆₇₈₉"[int(c)] for c in glyph[1:])
    return f"{glyph[0]}{place}{above.text}/{glyph[0]}{below.text}"


# -- what it is held against -------------------------------------------------------------------------------------


def digits_of(text):
    """How many significant digits a number is written with."""
    return len(text.lstrip("−").partition("e")[0].replace(".", "").lstrip("0")) or 1


def agrees(x, text, least=4):
    """Whether x is the number `text`, to at least four significant digits."""
    shown = number(text)
    if math.isnan(shown) or math.isinf(shown) or shown == 0 or math.isnan(x):
        return x == shown or (math.isnan(x) and math.isnan(shown))
    unit = 10.0 ** (math.floor(math.log10(abs(shown))) - max(least, digits_of(text)) + 1)
    return abs(x - shown) <= unit * (0.5 + 1e-6)


def check_chain(text, names=None):
    """Every side of `a = b = 0.5` comes to the number at the end; returns that and all numbers written before it."""
    line = tokens(text)
    kinds = [kind for kind, _ in line]
    end = line[-1][1]
    assert kinds[-1] == "number", text
    if line[-2][1] == "−":
        end = "−" + end
    sides = Reader(line, names or {}).chain()
    for side in sides[:-1]:
        assert agrees(side, end), f"{text}: a side comes to {side!r}"
    return end, [text for kind, text in line if kind == "number"]


def check_math(text, names):
    line = symbols(ElementTree.fromstring(text), names)
    sides = Reader(line, names).chain()
    end = line[-1][1] if line[-1][0] == "number" else None
    if end is not None and line[-2][1] == "−":
        end = "−" + end
    return sides, end


def close(x, y, scale=1.0):
    """Whether a rule with names gives y to four digits; or to rounding, where all digits of `scale` cancel."""
    return agrees(x, f"{y:.4g}".replace("-", "−")) or abs(x - y) <= 1e-15 * scale


class Checker:
    """Reads everything that a walk shows; `numbers` counts the equations and collects the longest numbers of each."""

    def __init__(self, root):
        self.walk = gg.steps(root)
        self.graph = self.walk.graph
        self.values = {node.name: node.data for node in self.graph.nodes}
        grads = [0.0] * len(self.graph)
        grads[-1] = 1.0
        for node in reversed(self.graph.nodes):
            for i, slope in zip(node.inputs, node.slopes):
                if slope is not None:
                    grads[i] += grads[node.id] * slope
        self.grads = grads
        self.digits = []

    def note(self, numbers):
        self.digits.append(max(map(digits_of, numbers), default=1))

    def all(self):
        for step in self.walk:
            getattr(self, step.phase)(step)
        for node in self.graph.nodes:
            if node.op != "const":
                self.ledger(gg.explain(self.graph, node.name), node)
                self.running(node)
        return self.digits

    def forward(self, step):
        node = self.graph.nodes[step.node]
        rule, numbers = self.walk.mathml(step.index)
        if node.op == "const":
            assert agrees(node.data, step.numbers)
            return
        said = step.sentence.partition(" (")[0].removesuffix(".").rpartition(": ")[2]
        assert agrees(node.data, said)
        names = {**self.values}
        end, seen = check_chain(step.numbers, names | {node.name: node.data})
        assert agrees(node.data, end)
        self.note(seen)
        sides, end = check_math(numbers, names)
        assert all(agrees(side, end) for side in sides)
        if node.inputs:
            scale = max(abs(self.graph.nodes[i].data) for i in node.inputs)
            if "more" not in step.rule:
                sides = Reader(tokens(step.rule), names).chain()
                assert all(close(side, node.data, scale) for side in sides), step.rule
                sides, _ = check_math(rule, names)
                assert all(close(side, node.data, scale) for side in sides), rule
            else:
                assert f"… {sum_length(node) - 3} more …" in step.rule
            self.words(step, node)

    def words(self, step, node):
        sign = {"add": "plus", "sub": "minus", "mul": "times", "div": "divided by"}.get(node.op)
        if sign:
            text = {"plus": "+", "minus": "−", "times": "×", "divided by": "/"}[sign]
            said = re.fullmatch(rf"\S+ is (\S+) {sign} (\S+): (\S+)\.", step.sentence)
            left, right = (f"({part})" for part in said.groups()[:2])
            assert agrees(value_of(tokens(left + text + right), self.values), said[3])

    def seed(self, step):
        root = self.graph.root.name
        assert step.numbers == f"{root}.grad = 1"
        assert step.rule == f"{root}.grad = d{root}/d{root}"
        for text in self.walk.mathml(step.index):
            assert check_math(text, {f"d{root}/d{root}": 1.0}) == ([1.0, 1.0], "1")

    def backward(self, step):
        node, receiver = self.graph.nodes[step.node], self.graph.nodes[step.input]
        assert step.upstream == self.grads[node.id]
        later = any(s.input == step.input for s in self.later(step))
        # numbers: a partial sum says so, a final one is the gradient
        head, _, rest = step.numbers.partition(" = ")
        assert head == f"{receiver.name}.grad" + (" so far" if later else "")
        end, seen = check_chain(rest)
        self.note(seen)
        assert agrees(step.new, end)
        assert later or agrees(self.grads[receiver.id], end)
        # the sentence
        added = r"(?: It is added to the (\S+) that arrived before\.)?"
        said = re.fullmatch(rf"(\S+) hands (.*) back to (\S+)\.{added}", step.sentence)
        assert (said[1], said[3]) == (node.name, receiver.name)
        end, seen = check_chain(said[2])
        self.note(seen)
        assert agrees(step.contribution, end)
        assert (said[4] is None) == (step.old == 0.0)
        assert said[4] is None or agrees(step.old, said[4])
        # the rule: a total and a local derivative never look alike, and the operand's place is said where it is needed
        place = ""
        if node.inputs.count(step.input) > 1:
            place = "".join("₀₁₂₃₄₅₆₇₈₉"[int(c)] for c in str(step.position + 1))
        local = f"∂{place}{node.name}/∂{receiver.name}"
        update, _, formula = step.rule.partition(",  ")
        assert update == f"{receiver.name}.grad += {node.name}.grad · {local}"
        names = self.values | {local: step.slope}
        scale = max((1.0, *(abs(self.graph.nodes[i].data) for i in node.inputs), abs(node.data)))
        sides = Reader(tokens(formula), names).chain()
        assert all(close(side, step.slope, scale) for side in sides), step.rule
        # and the same as MathML
        root = self.graph.root.name
        rule, numbers = self.walk.mathml(step.index)
        names |= {f"d{root}/d{node.name}": step.upstream, f"d{root}/d{receiver.name}": step.contribution}
        sides, _ = check_math(rule, names)
        assert len(sides) == 3
        scale *= max(abs(step.upstream), 1.0)
        assert all(close(side, step.contribution, scale) for side in sides), rule
        assert ("so far" in numbers) == later
        sides, end = check_math(numbers, {f"d{root}/d{receiver.name}": step.new})
        assert len(sides) >= 3
        assert all(agrees(side, end) for side in sides), numbers

    def later(self, step):
        return [self.walk.flow(i) for i in range(step.index + 1, len(self.walk))]

    def ledger(self, ledger, node):
        head, *lines = str(ledger).splitlines()
        left, _, total = head.partition("  (")[0].partition(" = ")
        assert left == f"d{self.graph.root.name}/d{node.name}"
        assert agrees(self.grads[node.id], total)
        for line in lines:
            end, seen = check_chain(line.partition(": ")[2])
            self.note(seen)
        if lines:
            assert lines[-1].startswith("  sum: ")
            assert end == total
            assert len(lines) == 1 + len(ledger.contributions)

    def running(self, node):
        """The ledger after each contribution: what has come so far, said to be so."""
        arrivals = [(i, total) for i, total in self.walk.arrivals[node.id] if i > len(self.graph)]
        sums = list(running_sums(self.walk, node.id))
        assert len(sums) == len(arrivals)
        for (_, total), text in zip(arrivals, sums):
            end, _ = check_chain(text)
            assert agrees(total, end)
        for index, total in arrivals[:-1][:3]:
            head, *_, last = str(ledger(self.walk, node.id, index)).splitlines()
            left, _, so_far = head.partition(" = ")
            assert left == f"d{self.graph.root.name}/d{node.name} so far"
            assert agrees(total, so_far)
            assert last == f"  {sum(i > index for i, _ in arrivals)} more to come"


def sum_length(node):
    return len(node.inputs) // {"sum": 1, "dot": 2}[node.op]


# -- what it is held against: random graphs ------------------------------------------------------------------------


def draw_number(rng):
    kind = rng.randrange(9)
    if kind == 0:
        return float(rng.randrange(-9, 10))
    if kind == 1:
        return rng.choice([-1, 1]) * 10 ** rng.uniform(-12, 9)
    if kind == 2:
        return rng.choice([-1, 1]) * 10 ** rng.uniform(-160, 160)
    if kind == 3:
        return rng.choice([-1, 1]) * rng.uniform(5, 45)  # where tanh and σ saturate
    if kind == 4:
        return rng.choice([1.0, 0.5, 2.0]) * (1 + rng.choice([-1, 1]) * 10 ** rng.uniform(-15, -3))
    return rng.uniform(-3, 3)


def draw_operand(rng, values, domain=None):
    """A Value that is there or a number; with a domain, a new Value in it."""
    if domain is not None:
        return Value(rng.uniform(*domain), "z")
    return rng.choice(values) if rng.random() < 0.8 else draw_number(rng)


def draw_graph(rng, last=None):
    """A graph over ops of the whole table: operands used again, constants, long sums, numbers of every size.

    Its result is one of the op `last`, if that is given; where no number will do, one of the op's own domain is taken.
    """
    values = [Value(draw_number(rng), f"x{i}") for i in range(rng.randrange(1, 5))]
    wanted = len(values) + rng.randrange(1, 7)
    tries = 0
    while len(values) < wanted:
        tries += 1
        name = rng.choice(list(OPS)) if last is None or len(values) < wanted - 1 else last
        op = OPS[name]
        operand = partial(draw_operand, rng, values)
        try:
            if op.variadic:
                length = rng.choice([1, 2, 5, 6, 7, 9, 20])
                many = len(op.many)
                groups = [[operand() for _ in range(length)] for _ in range(many)]
                made = getattr(gg, name)(*groups, *([operand()] if many < len(op.names) else []))
            else:
                constants = [rng.choice([draw_number(rng), 2.0, 3.0, 0.5, -1.0]) for _ in op.names]
                domains = op.domain if tries > 50 else [None] * len(op.names)
                operands = [
                    c if rule is None else operand(domain) for c, rule, domain in zip(constants, op.slopes, domains)
                ]
                made = getattr(gg, name)(*operands)
        except (ArithmeticError, ValueError):
            continue  # outside the op's domain: draw again
        if isinstance(made, Value) and math.isfinite(made.data) and all(map(math.isfinite, filter(None, made.slopes))):
            if rng.random() < 0.2:
                made.label = rng.choice(["y", "n", "h"])  # again and again the same
            values.append(made)
    return values[-1]


def test_every_shown_equation_is_true():
    seed = int(os.environ.get("GLASSGRAD_SEED") or 0)
    rng = random.Random(seed)
    checked = steps = graphs = 0
    used = set()
    while steps < 4000:
        checker = Checker(draw_graph(rng, last=list(OPS)[graphs % len(OPS)]))
        try:
            checked += len(checker.all())
        except Exception as error:
            raise AssertionError(f"graph {graphs} of seed {seed}: {checker.graph.to_json()}") from error
        steps += len(checker.walk)
        graphs += 1
        used |= {node.op for node in checker.graph.nodes}
    assert used >= OPS.keys()
    assert checked > 1.5 * steps


# -- the reader is read ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "false",
    [
        "v2.grad = 0 + 1 × (1 − (−1)²) = 0 + 1 × 2.458e−05 = 2.458e−05",  # (x*w).tanh() at −6, as it once was shown
        "x.grad = 0 + 1 × 1 = 14.5",
        "y = 2.4 × 2.4 = 9",
        "n = −6 + 6.881 = 0.8814",
        "s = 0 + 1 + … 7 more: 34 … + 9 = 45",
        "m = 1 if 1 > 1, else (0 if 1 < 1, else 0.5) = 1",
        "p = 2 + 3·2² = 20",
        "q = −2² = 5",
        "z = 0.3 − 0.3 = 5.551e−17",
    ],
)
def test_a_false_equation_is_noticed(false):
    with pytest.raises(AssertionError, match="a side comes to"):
        check_chain(false.partition(" = ")[2])


def test_a_false_formula_in_mathml_is_noticed():
    one, minus = "<mn>1</mn>", "<mo>−</mo>"
    square = f"<msup><mrow><mo>(</mo>{minus}{one}<mo>)</mo></mrow><mn>2</mn></msup>"
    text = f"<math><mrow>{one}{minus}{square}<mo>=</mo><mn>2.458e−05</mn></mrow></math>"
    sides, end = check_math(text, {})
    assert not agrees(sides[0], end)
    with pytest.raises(AssertionError):  # (a²)³ without its brackets is read as a to the power 23
        check_math("<math><msup><msup><mi>a</mi><mn>2</mn></msup><mn>3</mn></msup></math>", {"a": 2.0})


def test_a_local_derivative_in_the_place_of_a_total_one_is_noticed():
    """`∂r/∂x += ∂r/∂r·∂r/∂x`: with one glyph for both, nobody could tell them apart."""
    x = Value(1.5, "x")
    checker = Checker(x * x * x + x)
    step = next(step for step in checker.walk if step.phase == "backward" and step.input == 0)
    checker.backward(step)
    upright = '<mi mathvariant="normal">d</mi>'
    told = [text.replace(upright, "<mi>∂</mi>") for text in checker.walk.mathml(step.index)]
    checker.walk.mathml = lambda index: told
    with pytest.raises(KeyError):
        checker.backward(step)


def test_four_digits_everywhere_would_be_noticed(monkeypatch):
    monkeypatch.setattr(telling, "digits_for", lambda *given: {})
    rng = random.Random(0)
    noticed = 0
    for _ in range(20):
        checker = Checker(draw_graph(rng))
        try:
            checker.all()
        except AssertionError:
            noticed += 1
    assert noticed > 5


@pytest.mark.parametrize("numbers", [[1e16, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, -1e16], [0.1] * 9 + [-0.9], [1e-300] * 8])
def test_long_sums_that_cancel(numbers):
    values = [Value(x, f"x{i}") for i, x in enumerate(numbers)]
    Checker(gg.sum(values)).all()
    Checker(gg.dot(values, [1.0] * len(values), Value(-0.5, "b"))).all()
    Checker(gg.sum([values[0]] * 9) * values[0]).all()


def test_negative_zero_is_shown_as_zero():
    x = Value(-0.0, "x")
    walk = gg.steps(x * 3.0 + x / 5.0)
    shown = "".join(step.rule + step.numbers + step.sentence for step in walk)
    shown += "".join("".join(walk.mathml(i)) for i in range(len(walk)))
    assert "−" not in shown


def test_numbers_that_do_not_belong_together_are_said_to_be_recorded():
    document = json.loads(Graph(Value(3.0, "x") * Value(3.0, "w")).to_json())
    document["nodes"][0]["data"] = 2.4
    walk = gg.steps(Graph.from_json(json.dumps(document)))
    assert walk[2].numbers == "v2 = 9 (recorded; 2.4 × 3 gives 7.2)"
    assert walk[2].sentence == "v2 is recorded as 9, which is not x times w."
    assert "(recorded)" in walk.mathml(2)[1]
    assert walk[-1].numbers == "w.grad = 0 + 1 × 3 = 3"  # with the slope that was recorded


def test_after_a_step_of_gradient_descent_the_numbers_are_those_that_were_used():
    x = Value(3.0, "x")
    y = x * x
    y.backward()
    x.data -= 0.1 * x.grad
    walk = gg.steps(y)
    assert walk[1].numbers == "v1 = 3 × 3 = 9"
    assert walk[0].sentence == "x is given: 3 (x has been changed since, to 2.4)."
    assert walk[-1].numbers == "x.grad = 3 + 1 × 3 = 6"
    Checker(y).all()


def test_a_value_changed_since_is_said_to_be():
    graph = Graph(Value(3.0, "x") * Value(3.0, "w"))
    changed = Graph.of(node._replace(now=2.4) if node.label == "x" else node for node in graph.nodes)
    walk = gg.steps(changed)
    assert walk[0].numbers == "x = 3"
    assert walk[0].sentence == "x is given: 3 (x has been changed since, to 2.4)."
    assert walk[1].sentence == "w is given: 3."
    barely = gg.steps(Graph.of(node._replace(now=3.0000001) if node.label == "x" else node for node in graph.nodes))
    assert "changed since, to 3.0000001)" in barely[0].sentence


# -- what a newcomer sees -------------------------------------------------------------------------------------------

ROOT = Path(__file__).parents[2]
SHOWN = [
    re.compile(r"(?:\d+ +(?:forward|backward) +)?\S+(?: so far)? = (.* = .*)$"),
    re.compile(r".* hands (.*) back to \S+\."),
    re.compile(r" *(?:through .*|sum|\S+(?: → \S+)+): (.* = .*)$"),
]


def shown_equations():
    """What the README, the tour and the notebook show, line by line."""
    notebook = json.loads((ROOT / "notebooks/01_backpropagation.ipynb").read_text(encoding="utf-8"))
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    texts = [
        (ROOT / "README.md").read_text(encoding="utf-8"),
        (ROOT / "tests/golden/demo.txt").read_text(encoding="utf-8"),
        *("".join(output.get("text", output.get("data", {}).get("text/plain", ""))) for output in outputs),
    ]
    for line in "\n".join(texts).splitlines():
        for pattern in SHOWN:
            match = pattern.match(line.strip())
            if match and not set(match[1]) & set('*"?$-'):  # code, or what the reader's own code prints
                yield match[1]
                break


def test_what_a_newcomer_sees_is_true_and_short():
    lengths = []
    for equation in shown_equations():
        _, numbers = check_chain(equation)
        lengths.append(max(map(digits_of, numbers)))
    assert len(lengths) > 30
    assert sum(length <= 6 for length in lengths) >= 0.95 * len(lengths)
