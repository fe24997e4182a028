"""Every equation that a pass with a fault shows is true of what it did; read by the reader of `test_truth.py`."""

from __future__ import annotations

import importlib.util
import math
import random
import re
from pathlib import Path

import pytest

import glassgrad as gg
from glassgrad.engine.rules.notation import short
from glassgrad.engine.story.ledger import ledger, running_sums


def other(name):
    """Another file of tests."""
    spec = importlib.util.spec_from_file_location(Path(name).stem, Path(__file__).parent.parent / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reader, faults = other("engine/test_truth.py"), other("lab/test_faults.py")

FAULTS = [name for name in gg.lab.FAULTS if name != "cycle"]
NUMBER = re.compile(r"−?\d+(?:\.\d+)?(?:e[+−]\d+)?")


def graphs():
    """Ops of the whole table and numbers of every size, and graphs with many forks."""
    for seed in range(40):
        yield gg.Graph(reader.draw_graph(random.Random(seed)))
    for one in faults.PROGRAMS[:60]:
        yield gg.Graph(faults.values(*one)[-1])


def chain(text):
    """The number at the end of an equation, all sides of which come to it."""
    return reader.check_chain(text)[0]


class Checker:
    def __init__(self, found):
        self.found, self.walk = found, found.wrong
        self.graph, self.values = self.walk.graph, {}
        for node, name in zip(self.graph.nodes, self.walk.names):
            self.values[name] = node.data if node.now is None else node.now

    def all(self):
        for step in self.walk[len(self.graph) :]:
            getattr(self, step.phase)(step)
        for node in self.graph.nodes:
            self.ledger(node.id)

    def seed(self, step):
        numbers, changed, _ = [*re.split(r" \((.*) now\)$", step.numbers), "", ""][:3]
        now = [(name, short(node.now)) for name, node in zip(self.walk.names, self.graph.nodes) if node.now is not None]
        assert changed in ("", *(f"{name} is set to {x}" for name, x in now))
        assert bool(changed) == bool(self.walk.run.changed)
        for name, x in (part.split(" = ") for part in numbers.split(", ")):
            i = self.walk.names.index(name.removesuffix(".grad"))
            assert reader.agrees(self.walk.begun[i], x)
        assert step.new == self.walk.begun[len(self.graph) - 1]
        for text in self.walk.mathml(step.index):
            shown = reader.symbols(reader.ElementTree.fromstring(text), {})
            assert "".join(part for _, part in shown) == numbers.replace(" ", "")

    def backward(self, step):
        name, receiver = self.walk.names[step.node], self.walk.names[step.input]
        flow = self.walk.flow(step.index)
        # the numbers, without the note behind them
        told = re.sub(r" \((?:the|1 stands|\S+ is) .*\)$", "", step.numbers)
        head, _, rest = told.partition(" = ")
        later = any(other.input == step.input for other in self.walk.flows[step.index - len(self.graph) :])
        assert head == f"{receiver}.grad" + " so far" * later
        assert reader.agrees(step.new, chain(rest))
        assert math.isnan(step.new) or flow.replaces == (step.new != step.old + step.contribution)
        # the sentence
        said = re.match(rf"{re.escape(name)} hands (.*?) back to {re.escape(receiver)}\.", step.sentence)
        assert reader.agrees(step.contribution, chain(said[1]))
        # the rule, and the same as MathML
        update, _, formula = step.rule.partition(",  ")
        _, sign, right = update.split(" ", 2)
        minus = -1.0 if sign == "−=" else 1.0
        assert sign in ("=", "+=", "−=")
        factor, _, local = right.rpartition(" · ")
        assert factor == (
            "" if self.found.fault.name == "missing_factor" and not self.chained(step) else f"{name}.grad"
        )
        names = self.values | {local: minus * step.slope}
        scale = max([1.0, *(abs(self.values[self.walk.names[i]]) for i in self.graph.nodes[step.node].inputs)])
        sides = reader.Reader(reader.tokens(formula), names).chain()
        assert all(reader.close(side, minus * step.slope, scale) for side in sides), step.rule
        rule, numbers = self.walk.mathml(step.index)
        names |= {f"{name}.grad": step.upstream, f"{receiver}.grad": minus * step.contribution}
        scale *= max(abs(step.upstream), 1.0)
        sides, _ = reader.check_math(rule.replace("<mo>−=</mo>", "<mo>+=</mo>", 1), names)
        assert all(reader.close(side, minus * step.contribution, scale) for side in sides), rule
        sides, end = reader.check_math(numbers, {f"{receiver}.grad": step.new})
        assert all(reader.agrees(side, end) for side in sides), numbers

    def chained(self, step):
        return self.graph.nodes[step.node].op != self.found.at

    def ledger(self, i):
        told = ledger(self.walk, i)
        head, *lines = str(told).splitlines()
        left, _, total = head.partition("  (")[0].partition(" = ")
        assert left == f"{self.walk.names[i]}.grad"
        arrivals = self.walk.arrivals[i]
        assert reader.agrees(arrivals[-1][1] if arrivals else 0.0, total)
        for line in lines:
            _, _, equation = line.removesuffix(" (lost)").partition(": ")
            if "left by the pass before" in line:
                assert equation == short(self.walk.begun[i])
            else:
                end = chain(equation)
        if told.contributions:
            assert end == total
        sums = [chain(text) for text in running_sums(self.walk, i)]
        assert all(reader.agrees(x, end) for (_, x), end in zip(arrivals[-len(sums) :], sums))


@pytest.mark.parametrize("fault", FAULTS)
def test_every_equation_holds(fault):
    seen = 0
    for graph in graphs():
        if not any(None not in node.slopes and node.inputs for node in graph.nodes):
            continue
        found = gg.lab.compare(graph, fault)
        Checker(found).all()
        seen += found.first is not None
    assert seen > 20


@pytest.mark.parametrize("fault", FAULTS)
def test_every_number_of_a_reason_is_one_of_the_two_passes(fault):
    told = 0
    for graph in graphs():
        found = gg.lab.compare(graph, fault)
        if found.first is None:
            continue
        known = {node.data for node in graph.nodes} | {node.now for node in found.wrong.graph.nodes if node.now}
        for walk in (found.right, found.wrong):
            known |= {node.grad for node in walk.graph.nodes} | set(walk.begun.values())
            for flow in walk.flows:
                known |= {flow.upstream, flow.slope, flow.contribution, -flow.contribution, flow.old, flow.new}
        shown = {short(x) for x in known if x is not None} | set(NUMBER.findall(found.wrong[found.first].numbers))
        words = re.sub(r"operand \d+:", "operand:", found.why)
        for name in sorted([*found.wrong.names, found.at], key=len, reverse=True):
            words = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "", words)
        numbers = NUMBER.findall(words.replace("set to 0", "").replace("is 0 times", "").replace("0 times", ""))
        uses = re.search(r"used (\d+) times", words)
        if uses:
            numbers.remove(uses[1])
        assert set(numbers) <= shown, (words, numbers)
        told += 1
    assert told > 20


def said_of(step, found):
    """Which words a sentence may have only if they hold: (the words, whether they hold)."""
    walk, flow, fault = found.wrong, found.wrong.flow(step.index), found.fault.name
    before = walk.flows[: step.index - len(walk.graph) - 1]
    after = walk.flows[step.index - len(walk.graph) :]
    due = walk.run.due[flow.node, flow.position]
    uses = [edge for edge in walk.run.due if walk.graph.nodes[edge[0]].inputs[edge[1]] == flow.input]
    sign = fault == "wrong_sign" and flow.slope == -due.slope != 0.0 and flow.contribution != 0.0
    inputs = len(walk.graph.nodes[flow.node].inputs)
    yield "is lost", flow.replaces and flow.old != 0.0
    yield "is used twice", len(uses) == 2
    yield "is visited once more", any(other.node == flow.node for other in before if other.node != other.input)
    yield "has another turn later", any(other.node == flow.node for other in after)
    yield (
        "its only turn is over",
        all(other.node != flow.node for other in after if other.position <= flow.position and inputs),
    )
    yield "not handed a part to it yet", bool(walk.run.late(flow))
    yield "leaves out the factor", flow.grad != 1.0 and flow.slope != 0.0
    yield "has the wrong sign", sign
    yield f"sign for operand {flow.position + 1}:", sign and inputs > 1
    yield "sign for operand", f"sign for operand {flow.position + 1}:" in step.sentence
    yield "and not", short(flow.slope) != short(due.slope) or flow.slope != due.slope
    for words in (
        "taken away",
        "subtracted",
        "larger",
        "smaller",
        "more than",
        "less than",
        "last operand",
        "part of it twice",
    ):
        yield words, False


@pytest.mark.parametrize("fault", FAULTS)
def test_words_about_numbers_hold_for_any_sign_and_any_number_of_operands(fault):
    """In 200 graphs: negative and zero slopes and gradients, ops with one operand and with many."""
    drawn = [gg.Graph(reader.draw_graph(random.Random(seed))) for seed in range(100, 240)]
    told = set()
    for graph in [*drawn, *(gg.Graph(faults.values(*one)[-1]) for one in faults.PROGRAMS[60:120])]:
        if any(None not in node.slopes and node.inputs for node in graph.nodes):
            found = gg.lab.compare(graph, fault)
            for step in found.wrong[len(graph) + 1 :]:
                for words, holds in said_of(step, found):
                    if words in step.sentence:
                        assert holds, (words, step.sentence)
                        told.add(words)
            if fault in faults.BEGUN - {"zero_everything", "forgot_root_gradient"} and found.first is not None:
                assert re.search(r"still holds (?!0 )\S+ from the pass before, where it has to be 0", found.why)
    assert told or fault in faults.BEGUN


@pytest.mark.parametrize(
    ("text", "numbers", "at", "said"),
    [
        ("a - b", {"a": 5, "b": 3}, "sub", "sub has the wrong sign for operand 2: the local derivative is −1 and not "
         "1, so b gets 1 from v2; with the right sign it is −1."),
        ("-a", {"a": 2}, "neg", "neg has the wrong sign: the local derivative is −1 and not 1, so a gets 1 from"),
        ("tanh(a)", {"a": 0}, "tanh", "tanh has the wrong sign: the local derivative is 1 and not −1, so a gets"),
        ("a - 2", {"a": 5}, "sub", "sub has the wrong sign for operand 1: the local derivative is 1 and not −1, so a"),
    ],
)  # fmt: skip
def test_the_wrong_sign_is_told_of_the_operand_that_has_it(text, numbers, at, said):
    assert said in gg.lab.compare(text, "wrong_sign", at=at, **numbers).why
