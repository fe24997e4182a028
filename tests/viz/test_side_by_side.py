"""Two passes side by side: what the terminal and the page's data show of them at each step."""

from __future__ import annotations

import io
import json
import re

import pytest
from rich.console import Console
from rich.table import Table

import glassgrad as gg
from glassgrad.engine.rules.notation import short
from glassgrad.engine.story.ledger import ledger
from glassgrad.viz.walk.terminal_pair import COLUMNS, print_pair, view

FAULTS = [name for name in gg.lab.FAULTS if name != "cycle"]
TEXT = "b = a + a; c = a*b; d = b*c"


def pair(fault):
    return gg.viz.compare(TEXT, fault, a=3)


def text(thing):
    out = io.StringIO()
    Console(file=out, width=150, color_system=None).print(thing)
    return out.getvalue()


def rows(found, right, wrong, index):
    group = view(found, right, wrong, index)
    table = next(part for part in group.renderables if isinstance(part, Table))
    assert tuple(column.header for column in table.columns) == COLUMNS
    _, node, *_, there, here = ([str(cell) for cell in column.cells] for column in table.columns)
    return {name: pair for name, *pair in zip(node, there, here)}


@pytest.mark.parametrize("fault", FAULTS)
def test_both_gradients_at_every_step_and_the_first_wrong_one_marked(fault):
    shown = pair(fault)
    found, right, wrong = shown.comparison, shown.right, shown.wrong
    for index in range(len(wrong.steps)):
        table = rows(found, right, wrong, index)
        for walk, column, now in ((right.steps, 0, found.counterparts[index]), (wrong.steps, 1, index)):
            for i, arrivals in enumerate(walk.arrivals):
                so_far = [total for at, total in arrivals if at <= now]
                expected = "" if not so_far else short(so_far[-1]) + " …" * (len(so_far) < len(arrivals))
                mark = "✗ " if column and i == found.receiver and index >= found.first else ""
                assert table[walk.names[i]][column] == mark + expected, (index, i)
        said = text(view(found, right, wrong, index))
        assert f"step {index + 1} of {len(wrong.steps)}" in said
        assert found.fault.does in re.sub(r"\s+", " ", said)
        assert re.sub(r"\s+", " ", wrong.steps[index].sentence) in re.sub(r"\s+", " ", said)
        assert wrong.steps[index].numbers in said
        assert right.steps[found.counterparts[index]].numbers in said
        assert ("✗ wrong:" in said) == (index == found.first)
        if index > len(found.graph):  # the ledgers of the receiver, side by side
            receiver = wrong.steps[index].input
            for walk, at in ((right.steps, found.counterparts[index]), (wrong.steps, index)):
                head, *lines = str(ledger(walk, receiver, at)).splitlines()
                assert all(line in said for line in (head, *lines[-6:]))


@pytest.mark.parametrize("fault", FAULTS)
def test_all_steps_in_lines(fault):
    shown, out = pair(fault), io.StringIO()
    print_pair(shown.comparison, shown.right, shown.wrong, Console(file=out, width=60, color_system=None))
    steps, _, rest = out.getvalue().partition("\n\n")
    assert rest == f"{shown.comparison.text(60)}\n"
    assert max(map(len, out.getvalue().splitlines())) <= 60
    assert steps.count("✗") == 1
    steps = re.sub(r"\s+", " ", steps)
    for step, there in zip(shown.wrong.steps, shown.comparison.counterparts):
        assert step.numbers in steps
        assert shown.right.steps[there].numbers in steps


def test_a_small_screen_shows_the_nodes_around_the_current_one():
    shown = pair("overwrite")
    assert "nodes 0 to 1 of 4" in text(view(shown.comparison, shown.right, shown.wrong, 0, rows=2))


@pytest.mark.parametrize("fault", FAULTS)
def test_the_data_of_the_page(fault, tmp_path):
    shown = pair(fault)
    page = shown.save(tmp_path / "page.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page)[1])
    found = shown.comparison
    assert (data["fault"], data["first"], data["receiver"]) == (fault, found.first, found.receiver)
    assert data["counterparts"] == found.counterparts
    assert data["faulty"]
    for side, walk in ((data, found.wrong), (data["twin"], found.right)):
        assert [row[side["fields"].index("sentence")] for row in side["steps"]] == [step.sentence for step in walk]
        assert side["begun"] == {str(i): short(x) for i, x in walk.begun.items()}
    assert data["replaces"] == [step.index for step in found.wrong if "is lost)" in step.numbers]
    assert f'id="{data["prefix"]}n0"' in page
    assert f'id="{data["twin"]["prefix"]}n0"' in page


def test_in_a_notebook_and_as_text():
    shown = pair("overwrite")
    bundle = shown._repr_mimebundle_()
    assert bundle["text/plain"] == repr(shown) == str(shown.comparison)
    assert "<iframe" in bundle["text/html"]
    assert "<table>" in bundle["text/html"]
    refused = pair("cycle")._repr_mimebundle_()
    assert "<iframe" not in refused["text/html"]
    assert "The engine refuses it" in refused["text/html"]


def test_without_a_difference_nothing_is_marked():
    shown = gg.viz.compare("a*b", "overwrite", a=3, b=2)
    assert "✗" not in text(view(shown.comparison, shown.right, shown.wrong, -1 % len(shown.wrong.steps)))
    assert "makes no difference" in shown.html
    assert '"receiver"' not in shown.html
