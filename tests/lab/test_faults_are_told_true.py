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
        for name, x in (part.split(" = ") for part in step.numbers.split(", ")):
            i = self.walk.names.index(name.removesuffix(".grad"))
            assert reader.agrees(self.walk.begun[i], x)
        assert step.new == self.walk.begun[len(self.graph) - 1]
        for text in self.walk.mathml(step.index):
            shown = reader.symbols(reader.ElementTree.fromstring(text), {})
            assert "".join(part for _, part in shown) == step.numbers.replace(" ", "")

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
        words = found.why
        for name in sorted([*found.wrong.names, found.at], key=len, reverse=True):
            words = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "", words)
        numbers = NUMBER.findall(words.replace("set to 0", "").replace("is 0 times", "").replace("0 times", ""))
        uses = re.search(r"used (\d+) times", words)
        if uses:
            numbers.remove(uses[1])
        assert set(numbers) <= shown, (words, numbers)
        told += 1
    assert told > 20
