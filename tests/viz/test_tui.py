"""The full-screen walk, driven by its keys."""

import asyncio
import importlib
from concurrent.futures import ThreadPoolExecutor

import pytest

import glassgrad as gg
from glassgrad.engine.rules.notation import short

pytest.importorskip("textual", reason='needs the extra "tui"')
tui = importlib.import_module("glassgrad.viz.walk.full_screen")


def unit(x, w, b):
    n = x * w + b
    y = n * n
    return y.tanh()


def finished(coroutine):
    """Its result; in a thread of its own, as the browser tests keep an event loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(coroutine())).result()


def drive(keys, look):
    """The screen after some keys, as `look` sees it."""

    async def run():
        app = tui.WalkApp(gg.viz.step(unit, x=0.5, w=-1.0, b=0.25).walk)
        async with app.run_test(size=(110, 34)) as pilot:
            await pilot.press(*keys)
            await pilot.pause()
            return look(app)

    return finished(run)


def text(app, where):
    widget = app.query_one(where)
    return str(widget.content if hasattr(widget, "content") else widget.renderable)  # the latter before Textual 6


def column(app, name):
    return [str(app._table().get_cell(str(node.id), name)) for node in app.walk.graph.nodes]


@pytest.mark.parametrize(
    ("keys", "index"),
    [
        ([], 0),
        (["left"], 0),
        (["right", "right", "left"], 1),
        (["n", "n", "b"], 1),
        (["end"], 14),
        (["end", "right"], 14),
        (["end", "home"], 0),
    ],
)
def test_keys(keys, index):
    assert drive(keys, lambda app: app.index) == index


def test_values_and_gradients_appear_as_they_are_computed():
    values, grads = drive(["right"] * 3, lambda app: (column(app, "value"), column(app, "gradient")))
    assert values[:4] == ["0.5", "−1", "−0.5", "0.25"]
    assert set(values[4:]) == set(grads) == {""}
    stepper = gg.viz.step(unit, x=0.5, w=-1.0, b=0.25)
    assert drive(["end"], lambda app: column(app, "gradient")) == [short(node.grad) for node in stepper.graph.nodes]
    values, grads = drive(["end", "home"], lambda app: (column(app, "value"), column(app, "gradient")))
    assert [*values[1:], *grads] == [""] * 13  # going back takes away again


def test_source_formula_sentence_and_ledger():
    def look(app):
        return [text(app, where) for where in ("#lines", "#formula", "#sentence", "#ledger", "#head")]

    lines, formula, sentence, ledger, head = drive(["right"] * 4, look)
    assert next(line for line in lines.splitlines() if line.startswith("▶")).endswith("n = x * w + b")
    assert "n = −0.5 + 0.25 = −0.25" in formula
    assert sentence.startswith("n is ")
    assert "no gradient yet" in ledger
    assert "step 5 of 15" in head
    # y = n * n: the two edges of n, one after the other
    ledger = drive(["right"] * 9, look)[3]
    assert ledger.startswith("dunit/dn so far = ")
    assert ledger.endswith("1 more to come")
    ledger = drive(["right"] * 10, look)[3]
    assert ledger.count("through y") == 2
    assert "more to come" not in ledger


def test_enter_goes_to_the_row():
    assert drive(["right", "right", "down", "down", "enter"], lambda app: app.index) == 4
    index, row = drive(["end", "home", "down", "enter"], lambda app: (app.index, app._table().cursor_row))
    assert index == row == 1
    stepper = gg.viz.step(unit, x=0.5, w=-1.0, b=0.25)
    last_of_n = [step.index for step in stepper.steps if step.input == stepper.graph.find("n").id][-1]
    assert drive(["end", "down", "down", "down", "enter"], lambda app: app.index) == last_of_n


def test_space_plays_and_pauses(monkeypatch):
    monkeypatch.setattr(tui, "SECONDS_A_STEP", 0.01)

    async def run():
        app = tui.WalkApp(gg.viz.step(unit, x=0.5, w=-1.0, b=0.25).walk)
        async with app.run_test() as pilot:
            await pilot.press("space")
            for _ in range(300):
                if app.index == 14:
                    break
                await pilot.pause(0.01)
            assert app._timer_of_play is None  # it stopped at the end
            monkeypatch.setattr(tui, "SECONDS_A_STEP", 60.0)
            await pilot.press("space")
            assert app.index == 0  # from the end, it begins anew
            assert app._timer_of_play is not None
            await pilot.press("space")
            assert app._timer_of_play is None

    finished(run)


def test_terminal_opens_it(monkeypatch):
    opened = []
    monkeypatch.setattr(tui.WalkApp, "run", lambda app: opened.append(app.walk))
    stepper = gg.viz.step("x*x", x=2)
    stepper.terminal(full_screen=True)
    assert opened == [stepper.walk]
    assert drive([], lambda app: app.query_one("#source").border_title) == "source"
