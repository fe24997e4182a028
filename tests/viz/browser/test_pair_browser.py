"""The page of two passes in Chromium: both graphs as `moment` has them at every step, the first wrong number marked."""

import pytest

import glassgrad as gg
from glassgrad.engine.rules.notation import short
from glassgrad.engine.story.moment import moment

pytestmark = pytest.mark.browser

FAULTS = [name for name in gg.lab.FAULTS if name != "cycle"]
TEXT = "b = a + a; c = a*b; d = b*c"
SNAPSHOT = """() => [...document.querySelectorAll('#canvas [id], #right-canvas [id]')]
    .filter(e => !e.closest('defs') && e.tagName !== 'title')
    .map(e => [e.id, e.getAttribute('data-state'), ['text', 'tspan'].includes(e.tagName) ? e.textContent : ''])"""


def pair(fault):
    return gg.viz.compare(TEXT, fault, a=3)


def check_graph(shown, prefix, steps, index, marked):
    now = moment(steps, index)
    for node, state in enumerate(now.nodes):
        expected = {"computed" if state.computed else "idle"}
        expected |= {"known" if state.complete else "partial"} if state.arrived else set()
        expected |= {"current"} if state.current else {"sender"} if state.sender else set()
        expected |= {"wrong"} if node == marked else set()
        assert shown[f"{prefix}n{node}"][0] == expected, (index, node)
        assert shown[f"{prefix}n{node}-grad"][1] == "✗ " * (node == marked) + state.gradient_text, (index, node)
    for node, position, state in now.edges:
        expected = {"computed"} if state.forward else set()
        expected |= ({"back"} if state.backward else set()) | ({"current"} if state.current else set())
        assert shown[f"{prefix}e{node}-{position}"][0] == (expected or {"idle"}), (index, node, position)
        assert shown[f"{prefix}e{node}-{position}-slope"][1] == ("" if state.slope is None else short(state.slope))


@pytest.mark.parametrize("fault", FAULTS)
def test_both_graphs_at_every_step_then_stepped_and_jumped(opened, fault):
    shown = pair(fault)
    found, page, seen = shown.comparison, opened(shown), []
    count = len(found.wrong)
    for index in range(count):
        seen.append(page.page.evaluate(SNAPSHOT))
        by_id = {element: (set((state or "").split()), text) for element, state, text in seen[-1]}
        check_graph(by_id, "g", found.wrong, index, found.receiver if index >= found.first else None)
        check_graph(by_id, "h", found.right, found.counterparts[index], None)
        assert page.text("#sentence") == found.wrong[index].sentence
        page.press("ArrowRight")
    for index in [0, count - 1, count // 3, found.first, 1, len(found.graph)]:
        page.page.locator("#slider").fill(str(index))
        assert page.page.evaluate(SNAPSHOT) == seen[index], index


def test_the_key_and_the_button_go_to_the_first_wrong_number(opened):
    shown = pair("overwrite")
    page = opened(shown)
    for press in (lambda: page.press("w"), lambda: page.press("W"), lambda: page.page.click("#wrong")):
        page.press("Home")
        press()
        assert page.at == shown.comparison.first
    assert page.text("#fault") == str(shown.comparison.fault)
    page.page.click("#right-canvas #hn0")  # a box of the right graph leads to its step, too
    assert page.at == shown.comparison.wrong.arrivals[0][-1][0]


def test_both_ledgers(opened):
    page = opened(gg.viz.compare("b = a + a; c = b*b", "overwrite", a=3))
    page.press("w")
    assert page.page.locator("#entries tr td:last-child").all_text_contents() == ["6 (lost)", "6"]
    assert page.text("#total") == "b.grad = 1 × 6 = 6"
    assert page.text("#right-total") == "right: dc/db = 1 × 6 + 1 × 6 = 12"
    page = opened(gg.viz.compare("b = a + a; c = b*b", "forget_zero_grad", a=3))
    page.press("w")
    assert page.text("#total") == "a.grad so far = 24   (2 more to come)"  # though the step is about the result
    page.press("End")
    assert page.page.locator("#entries tr th").all_text_contents() == [
        "the pass before",
        "b, operand 1",
        "b, operand 2",
    ]
    assert page.text("#total") == "a.grad = 24 + 12 × 1 + 12 × 1 = 48"


def of_a_file(x1, x2, w1, w2, b, target):
    n = x1 * w1 + x2 * w2 + b
    out = n.tanh()
    error = out - target
    return error * error


WIDE = "; ".join(["v0 = x*x", *(f"v{k + 1} = v{k}*0.9 + x" for k in range(12))])
PLACES = r"""() => ['canvas', 'right-canvas'].map(id => {
    const pane = document.getElementById(id), shown = pane.getBoundingClientRect();
    const graph = pane.querySelector('svg').getBoundingClientRect();
    const boxes = [...pane.querySelectorAll('.frame')].map(box => box.outerHTML.replace(/(id|data-\w+)="[^"]*"/g, ''));
    return {graph: [graph.x - shown.x, graph.y - shown.y, graph.width, graph.height],
            pane: [shown.width, shown.height], at: [pane.scrollLeft, pane.scrollTop], wide: pane.scrollWidth,
            boxes}; })"""


@pytest.mark.parametrize("look", ["projector", "phone"])
@pytest.mark.parametrize("fault", ["overwrite", "wrong_sign", "stale_data", "forget_zero_grad"])
def test_both_graphs_have_the_same_scale_place_zoom_and_pan(opened, fault, look):
    page = opened(gg.viz.compare(WIDE, fault, x=1.1), reduced_motion="reduce", **LOOKS[look])

    def same():
        page.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        ours, theirs = page.page.evaluate(PLACES)
        assert ours == theirs
        return ours

    page.press("w")
    whole = same()
    assert whole["wide"] >= int(whole["graph"][2]) > whole["pane"][0]  # it scrolls, to all of it
    page.press("End")
    moved = same()
    page.page.click("#larger")
    assert same()["graph"][2] == pytest.approx(1.25 * moved["graph"][2])
    for pane, left in (("#canvas", 150), ("#right-canvas", 60)):
        page.page.hover(pane)
        page.page.evaluate("([pane, left]) => { document.querySelector(pane).scrollLeft = left; }", [pane, left])
        assert same()["at"][0] == left
    page.page.click("#fit")
    fitted = same()
    assert fitted["graph"][2] <= fitted["pane"][0]
    assert fitted["graph"][3] <= fitted["pane"][1] or look == "phone"


def test_the_lines_of_a_learners_own_function(opened):
    page = opened(gg.viz.compare(of_a_file, "overwrite", x1=2.0, x2=0.5, w1=-3.0, w2=1.0, b=6.0, target=1.0))
    page.press("w")
    assert page.text("#source mark") == "error * error"
    assert page.page.is_visible("#source")
    assert not opened(pair("overwrite")).page.is_visible("#source")


def test_predict_first_hides_both_numbers(opened):
    page = opened(pair("overwrite"))
    page.page.check("#predict")
    for _ in range(8):
        page.press("ArrowRight")
    assert "?" in page.text("#gn1-grad") or "?" in page.text("#gn0-grad")
    assert "?" in page.text("#hn1-grad") or "?" in page.text("#hn0-grad")
    assert page.text("#right-numbers").endswith("?")


def test_without_a_difference_there_is_no_such_button(opened):
    page = opened(gg.viz.compare("a*b", "overwrite", a=3, b=2))
    assert not page.page.is_visible("#wrong")
    assert "makes no difference" in page.text("#fault")
    page.press("w")
    assert page.at == 0


LOOKS = {
    "projector": {"viewport": {"width": 1280, "height": 720}},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 375, "height": 740}},
}


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_serious_and_all_has_room(opened, look):
    axe = pytest.importorskip("axe_playwright_python.base", reason="needs axe-playwright-python")
    page = opened(pair("recursive_order"), **LOOKS[look])
    for index in ("2", "9", "12"):
        page.page.locator("#slider").fill(index)
        page.page.evaluate(axe.AXE_SCRIPT)
        found = page.page.evaluate("axe.run()")
        assert {v["id"]: [n["html"] for n in v["nodes"]] for v in found["violations"]} == {}
        size = page.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        assert size[0] <= LOOKS[look].get("viewport", {"width": 1280})["width"]
        assert size[1] <= 720 or look != "projector"


def test_a_changed_number_stands_in_its_box_from_the_seed_on(opened):
    page = opened(gg.viz.compare("b = a * a", "stale_data", a=3))
    for index, number in enumerate(["3", "3", "4", "4", "4"]):
        page.page.locator("#slider").fill(str(index))
        assert (page.text("#gn0-value"), page.text("#hn0-value")) == (number, "3")


@pytest.mark.parametrize("viewport", [{"width": 1280, "height": 720}, {"width": 390, "height": 844}])
def test_nothing_that_matters_is_covered(opened, viewport):
    """The right sum below the ledger is whole; on a phone the controls leave both graphs free."""
    page = opened(gg.viz.compare("b = a + a; c = a + b; d = b + c", "recursive_order", a=3), viewport=viewport)
    page.press("End")
    assert page.page.locator("#entries tr th").all_text_contents()[-1] == "b, operand 2, again"
    edge = "([id, side]) => document.getElementById(id).getBoundingClientRect()[side]"
    at = lambda *where: page.page.evaluate(edge, list(where))  # noqa: E731
    assert at("right-total", "bottom") <= at("ledger", "bottom")
    assert at("graph", "bottom") <= at("controls", "top") < viewport["height"]
