"""What an object shows of itself when it is printed, at the prompt of an interpreter, and in a notebook."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

import glassgrad as gg
from glassgrad import Value
from glassgrad.engine.shown import counted
from glassgrad.engine.table import Table


def result():
    a = Value(3.0, "a<b>")
    b = a + a
    b.label = "b"
    return a, b * a


THINGS = {
    "steps": lambda: gg.steps(result()[1]),
    "ledger": lambda: (lambda a, y: gg.explain(y, a))(*result()),
    "gradcheck": lambda: (lambda a, y: gg.gradcheck(y, [a]))(*result()),
}


class Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.rows = [], []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


@pytest.mark.parametrize("make", THINGS.values(), ids=THINGS)
def test_print_prompt_and_notebook_show_the_same(make):
    thing = make()
    assert repr(thing) == str(thing)
    page = Cells()
    page.feed(thing._repr_html_())
    assert page.open == []
    assert len({len(row) for row in page.rows}) == 1
    for row in page.rows[1:]:
        for cell in row:
            assert cell in str(thing)
    assert "a<b>" in str(thing)
    assert "a<b>" not in thing._repr_html_()


def test_the_table_of_a_ledger():
    a, y = result()
    page = Cells()
    page.feed(gg.explain(y, a)._repr_html_())
    assert page.rows == [
        ["through", "upstream × slope", "contribution"],
        ["v2", "1 × 6", "6"],
        ["b, operand 1", "3 × 1", "3"],
        ["b, operand 2", "3 × 1", "3"],
    ]


def test_a_drawing_at_the_prompt_is_short():
    x = y = Value(1.0, "x")
    for _ in range(12):
        y = y + y
    for drawing in (gg.viz.draw(y, {}), gg.viz.draw_paths(y, x, {}, limit=40)):
        assert len(repr(drawing).splitlines()) <= 20
        assert ".save(" in repr(drawing)
    assert "… 25 more in .messages" in repr(gg.viz.draw_paths(y, x, {}, limit=40))


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [(1, "step", "1 step"), (2, "step", "2 steps"), (0, "leaf", "0 leaves"), (1000, "box", "1,000 boxes")],
)
def test_counts_fit_their_nouns(number, noun, said):
    assert counted(number, noun) == said


def test_a_table_without_headings():
    table = Table(("", ""), [("a", "1"), ("bc", "10")], {1}, "above", "below")
    assert table.text() == "above\na    1\nbc  10\nbelow"
    assert "<thead>" not in table.html()
