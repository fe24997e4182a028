"""What the terminal shows at each step: all that is known by then, nothing that comes later."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.table import Table

import glassgrad as gg
from glassgrad.engine.rules.notation import short
from glassgrad.viz.walk.terminal import print_steps, view

NEURON = {"x1": 2.0, "w1": -3.0, "x2": 0.5, "w2": 1.0, "b": 6.88}


@pytest.fixture
def walk():
    return gg.viz.step("n = x1*w1 + x2*w2 + b; o = tanh(n)*n", **NEURON).walk


def lines(thing) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=120, color_system=None).print(thing)
    return out.getvalue().splitlines()


def rows(walk, index, **options) -> dict[str, list[str]]:
    """The table by the names of its nodes: mark, what it is, value, gradient."""
    table = next(part for part in view(walk, index, **options).renderables if isinstance(part, Table))
    assert [column.header for column in table.columns] == ["", "node", "is", "value", "gradient"]
    mark, node, *rest = ([str(cell) for cell in column.cells] for column in table.columns)
    return {name: list(cells) for name, *cells in zip(node, mark, *rest)}


def test_no_value_and_no_gradient_before_its_step(walk):
    graph = walk.graph
    for index in range(len(walk.steps)):
        table = rows(walk, index)
        assert len(table) == len(graph)
        arrived: dict[int, float] = {}
        for step in walk.steps[len(graph) : index + 1]:
            arrived[step.node if step.input is None else step.input] = step.new
        for node in graph.nodes:
            _, _, value, gradient = table[node.name]
            assert value == (short(node.data) if node.id <= index else ""), (index, node.name)
            if node.op == "const":
                assert gradient == "–"
            elif node.id not in arrived:
                assert gradient == ""
            else:
                assert gradient.startswith(short(arrived[node.id]))


def test_the_rule_the_numbers_and_the_sentence_of_the_step(walk):
    for index in (0, 4, len(walk.graph), len(walk.steps) - 1):
        text = "\n".join(lines(view(walk, index)))
        step = walk.steps[index]
        assert f"step {index + 1} of {len(walk.steps)}" in text
        for said in (step.rule, step.numbers, step.sentence):
            assert said in text
    assert "→ forward" in lines(view(walk, 0))[0]
    assert "seed" in lines(view(walk, len(walk.graph)))[0]
    assert "← backward" in lines(view(walk, len(walk.steps) - 1))[0]


def test_the_receiver_and_the_sender_are_marked(walk):
    index = len(walk.steps) - 1
    step, table = walk.steps[index], rows(walk, index)
    assert {name: mark for name, (mark, *_) in table.items() if mark.strip()} == {
        walk.graph.nodes[step.input].name: "◀",
        walk.graph.nodes[step.node].name: "·",
    }
    assert {name: mark for name, (mark, *_) in rows(walk, 2).items() if mark.strip()} == {walk.graph.nodes[2].name: "▶"}


def test_a_window_of_rows_keeps_the_current_one_in_sight(walk):
    graph = walk.graph
    for count in (1, 3, 4):
        for index in range(len(walk.steps)):
            table = rows(walk, index, rows=count)
            assert len(table) == count
            focus = walk.steps[index].node if walk.steps[index].input is None else walk.steps[index].input
            assert graph.nodes[focus].name in table
    assert any("nodes 0 to 2 of" in line for line in lines(view(walk, 0, rows=3)))
    last = len(graph) - 1
    assert any(f"nodes {last - 2} to {last} of {last + 1}" in line for line in lines(view(walk, last, rows=3)))


def test_all_steps_in_lines_and_the_finished_table(walk):
    out = io.StringIO()
    print_steps(walk, Console(file=out, width=60, color_system=None))
    text = out.getvalue().splitlines()
    for step, line in zip(walk.steps, text):
        assert line == f"{step.index + 1:>{len(str(len(walk.steps)))}}  {step.phase:<8}  {step.numbers}"
    table = [line.split() for line in text[len(walk.steps) + 2 :]]
    gradients = [arrived[-1][1] if arrived else 0.0 for arrived in walk.steps.arrivals]
    assert [(row[0], row[-2:]) for row in table] == [
        (node.name, [short(node.data), short(grad)]) for node, grad in zip(walk.graph.nodes, gradients)
    ]
