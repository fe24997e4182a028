import json
import sys
from pathlib import Path

import pytest

import glassgrad as gg
from glassgrad.engine.rules.notation import short
from glassgrad.engine.story.moment import moment

pytestmark = pytest.mark.browser


def test_the_keys(opened, walks):
    stepper, _ = walks["neuron"]
    page = opened(stepper)
    last = len(stepper.steps) - 1
    assert page.at == 0
    page.press("ArrowLeft")
    assert page.at == 0
    page.press("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft")
    assert page.at == 2
    page.press("End")
    assert page.at == last
    page.press("ArrowRight")
    assert page.at == last
    page.press("Home")
    assert page.at == 0
    page.press("Space")
    assert page.text("#play") == "Pause"
    page.press("Space")
    assert page.text("#play") == "Play"


def test_keys_inside_controls_do_what_they_do_everywhere(opened, walks):
    page = opened(walks["neuron"][0])
    page.page.focus("#next")
    page.press("Space")  # presses the button
    assert (page.at, page.text("#play")) == (1, "Play")
    page.page.focus("#slider")
    page.press("ArrowRight", "End", "Home", "ArrowRight")
    assert page.at == 1
    page.page.focus("#predict")
    page.press("Space")
    assert page.page.is_checked("#predict")
    page.press("ArrowRight")
    assert page.at == 2  # x1*w1 is asked for
    page.page.fill("#guess", "12")
    page.page.focus("#guess")
    page.press("ArrowLeft", "Home")  # move in the text, not in the steps
    assert page.at == 2


def test_everything_is_reached_with_the_tab_key(opened, walks):
    page = opened(walks["neuron"][0])
    seen = []
    for _ in range(40):
        page.press("Tab")
        seen.append(
            page.page.evaluate("document.activeElement.id || document.activeElement.textContent.trim().slice(0, 20)")
        )
        style = page.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert (
            style != "none"
            or seen[-1] in ("", "body")
            or page.page.evaluate("document.activeElement === document.body")
        )
    wanted = [
        "lines",
        "canvas",
        "slider",
        "play",
        "next",
        "last",
        "speed",
        "predict",
        "variable",
        "smaller",
        "fit",
        "larger",
    ]
    assert [name for name in wanted if name not in seen] == []


def test_buttons_and_slider(opened, walks):
    stepper, _ = walks["neuron"]
    page = opened(stepper)
    page.page.click("#next")
    page.page.click("#next")
    page.page.click("#previous")
    assert page.at == 1
    page.page.click("#last")
    assert page.at == len(stepper.steps) - 1
    assert page.page.is_disabled("#next")
    page.page.click("#first")
    assert page.at == 0
    assert page.page.is_disabled("#previous")
    page.page.locator("#slider").fill("7")
    assert page.at == 7
    assert page.text("#sentence") == stepper.steps[7].sentence


def test_play_walks_to_the_end_and_can_be_paused(opened, walks):
    stepper, _ = walks["neuron"]
    page = opened(stepper)
    page.page.clock.install(time=0)
    page.page.clock.pause_at(1000)  # from here on, time passes only where the test says so
    page.page.click("#play")
    page.page.clock.run_for(1400 * 3 + 100)
    assert page.at == 3
    page.page.select_option("#speed", "4")
    page.page.clock.run_for(350 * 4 + 50)
    assert page.at == 7
    page.page.click("#play")
    page.page.clock.run_for(5000)
    assert page.at == 7
    page.page.click("#play")
    page.page.clock.run_for(350 * 60)
    assert (page.at, page.text("#play")) == (len(stepper.steps) - 1, "Play")


@pytest.mark.parametrize("name", ["neuron", "fork"])
def test_every_gradient_at_the_end_is_the_engine_s(opened, walks, name):
    stepper, gradients = walks[name]
    page = opened(stepper)
    page.press("End")
    for label, grad in gradients.items():
        node = stepper.graph.find(label)
        assert page.text(f"#gn{node.id}-grad") == short(grad)
        page.page.select_option("#variable", str(node.id))
        exact = page.page.locator("#total").get_attribute("title")
        assert float(exact.removeprefix("exactly ")) == grad  # bit for bit
    for node in stepper.graph.nodes:
        if node.op == "const":
            assert page.page.locator(f"#gn{node.id}-grad").count() == 0
        else:
            assert page.text(f"#gn{node.id}-grad") == short(node.grad)
            assert page.text(f"#gn{node.id}-value") == short(node.data)


def many_uses(x, w):
    h = gg.dot([x, w, x], [w, 1.5, x], w)
    return gg.max(h, 0.25) ** 3 / (w - 2) + gg.sum([x] * 7)


UNARY = [name for name, op in gg.OPS.items() if len(op.names) == 1 and not op.variadic]
WALKS = {
    "fork": lambda walks: walks["fork"][0],
    "neuron": lambda walks: walks["neuron"][0],
    "many uses": lambda walks: gg.viz.step(many_uses, x=0.3, w=-0.7),
    "a single leaf": lambda walks: gg.viz.step(gg.Value(2.0, "x")),
    "all ops": lambda walks: gg.viz.step(
        gg.sum(
            [
                getattr(gg, name)(gg.Value(sum(gg.OPS[name].domain[0]) / 2, f"x{i}") + 0.1)
                for i, name in enumerate(UNARY)
            ]
        )
    ),
}
SNAPSHOT = """() => [...document.querySelectorAll('#canvas [id]')]
    .filter(e => !e.closest('defs') && e.tagName !== 'title')
    .map(e => [e.id, e.getAttribute('data-state'), ['text', 'tspan'].includes(e.tagName) ? e.textContent : ''])"""


@pytest.mark.parametrize("name", WALKS)
def test_every_step_shows_what_is_known_then_stepped_and_jumped(opened, walks, name):
    """The page works out for itself what differs from step to step; here it is held against `moment`."""
    steps = (stepper := WALKS[name](walks)).steps
    page = opened(stepper)
    seen = []
    for index in range(len(steps)):
        now = moment(steps, index)
        seen.append(page.page.evaluate(SNAPSHOT))
        shown = {element: (set((state or "").split()), text) for element, state, text in seen[-1]}
        for node, state in enumerate(now.nodes):
            expected = {"computed" if state.computed else "idle"}
            expected |= {"known" if state.complete else "partial"} if state.arrived else set()
            expected |= {"current"} if state.current else {"sender"} if state.sender else set()
            assert shown[f"gn{node}"][0] == expected, (index, node)
            assert shown[f"gn{node}-value"][1] == state.value_text
            if f"gn{node}-grad" in shown:
                assert shown[f"gn{node}-grad"][1] == state.gradient_text
            else:
                assert steps.graph.nodes[node].op == "const"
        for node, position, state in now.edges:
            expected = {"computed"} if state.forward else set()
            expected |= ({"back"} if state.backward else set()) | ({"current"} if state.current else set())
            assert shown[f"ge{node}-{position}"][0] == (expected or {"idle"}), (index, node, position)
            if f"ge{node}-{position}-slope" in shown:
                assert shown[f"ge{node}-{position}-slope"][1] == ("" if state.slope is None else short(state.slope))
            else:
                assert state.slope is None
        page.press("ArrowRight")
    for index in [0, len(steps) - 1, len(steps) // 3, 1, len(steps) - 2, len(steps) // 2]:
        page.page.locator("#slider").fill(str(index))
        assert page.page.evaluate(SNAPSHOT) == seen[index], index


def test_backward_edges_are_dashed_and_turned_round(opened, walks):
    stepper, _ = walks["neuron"]
    page = opened(stepper)
    style = """id => { const s = getComputedStyle(document.getElementById(id));
                       return [s.strokeDasharray, s.markerStart, s.markerEnd]; }"""
    page.press("End")
    dash, start, end = page.page.evaluate(style, "ge9-0")
    assert dash != "none"
    assert "backward" in start
    assert end == "none"
    page.page.locator("#slider").fill("9")
    dash, start, end = page.page.evaluate(style, "ge9-0")
    assert dash == "none"
    assert start == "none"
    assert "forward" in end


def test_the_source_line_and_its_part_are_marked(opened, walks):
    stepper, _ = walks["neuron"]
    page = opened(stepper)
    assert page.text("#lines mark") == "x1"  # the parameter
    page.press("ArrowRight", "ArrowRight")
    row = page.page.locator("#lines .row[aria-current=step] code")
    line = "n = x1 * w1 + x2 * w2 + b"
    assert row.text_content().strip() == line
    marked = page.text("#lines mark").strip()  # columns are known from Python 3.11 on
    assert marked == ("x1 * w1" if sys.version_info >= (3, 11) else line)
    page.press("End")
    assert page.page.locator("#lines .row.backward").count() == 1


def test_the_formula_with_names_and_with_numbers(opened, walks):
    page = opened(walks["neuron"][0])
    page.page.locator("#slider").fill("9")
    assert page.text("#rule").replace("\u2061", "") == "neuron=tanh(n)"
    assert page.text("#numbers").replace("\u2061", "").endswith("=0.7071")
    assert (
        page.page.evaluate("document.querySelector('#rule math').namespaceURI") == "http://www.w3.org/1998/Math/MathML"
    )


def test_a_wide_formula_is_set_smaller(opened):
    names = [f"the_weight_of_input_{i}" for i in range(3)]
    stepper = gg.viz.step(gg.sum([gg.Value(1.0 + i, name) for i, name in enumerate(names)]))
    page = opened(stepper)
    sizes = """() => { const m = document.querySelector('#rule math');
        const size = parseFloat(getComputedStyle(m).fontSize);
        return [size, m.getBoundingClientRect().width, m.parentElement.clientWidth]; }"""
    usual = page.page.evaluate(sizes)[0]
    page.page.locator("#slider").fill("3")
    size, width, room = page.page.evaluate(sizes)
    assert size < usual
    assert width <= room


@pytest.mark.parametrize("look", ["light", "phone"])
def test_a_formula_too_wide_for_that_is_broken_before_its_operators(opened, look):
    network = gg.nn.MLP(2, [3, 1], seed=1)
    stepper = gg.viz.step(lambda x1, x2: (network([x1, x2]) - 1.0) ** 2, x1=0.5, x2=-0.3)
    page = opened(stepper, **LOOKS[look])
    spelled = """([index, field]) => { const data = JSON.parse(document.getElementById('data').textContent);
        const text = p => typeof p === 'string' ? p : data.parts[p].slice(2).map(text).join('');
        return text(data.steps[index][data.fields.indexOf(field)]); }"""
    broken = 0
    for step in stepper.steps:
        page.page.locator("#slider").fill(str(step.index))
        for pane in ("#rule", "#numbers"):
            whole = page.page.evaluate(spelled, [step.index, pane[1:]])
            assert page.text(pane).replace("\u200b", "") == whole
            sizes = """p => [document.querySelector(p).clientWidth, ...[...document.querySelectorAll(p + ' math')]
                .map(m => m.getBoundingClientRect().width)]"""
            room, *widths = page.page.evaluate(sizes, pane)
            assert max(widths) <= room, (step, pane)
            terms = page.page.locator(f"{pane} .term").all_text_contents()
            assert all(term[0] in "=+−" for term in terms[1:])
            broken += len(terms) > 1
    assert broken


def test_a_click_on_a_box_goes_there_and_opens_its_ledger(opened, walks):
    stepper, _ = walks["fork"]
    page = opened(stepper)
    a = stepper.graph.find("a").id
    page.page.click(f"#gn{a}")
    assert page.at == a
    assert "not computed yet" in page.text("#total")
    page.press("End")
    page.page.click(f"#gn{a}")
    entries = [step for step in stepper.steps if step.input == a]
    assert page.at == entries[-1].index
    assert page.page.locator("#entries tr").count() == len(entries) == 3
    assert page.text("#total").startswith("dfork/da = ")
    assert page.text("#total").endswith(f" = {short(entries[-1].new)}")
    page.page.click("#entries tr:first-child button")
    assert page.at == entries[0].index
    assert page.text("#total").startswith("dfork/da so far = ")
    assert page.text("#total").endswith("(2 more to come)")
    assert page.page.locator("#entries tr.later").count() == 2
    page.press("ArrowRight", "End")
    assert page.text("#total").startswith("dfork/da = ")  # it stays with the variable that was asked for
    page.page.click("#visit")
    assert page.at == entries[-1].index
    page.press("End")
    page.page.select_option("#variable", "")
    assert page.text("#total").startswith(f"dfork/d{stepper.graph.nodes[stepper.steps[-1].input].name} = ")


def test_a_click_on_an_edge_goes_to_its_backward_step(opened, walks):
    stepper, _ = walks["neuron"]
    page = opened(stepper)
    step = next(step for step in stepper.steps if step.phase == "backward" and step.node == 8)
    page.page.locator(f'.hit[data-edge="8-{step.position}"]').dispatch_event("click")
    assert page.at == step.index


def test_constants_take_no_gradient_and_say_so(opened, walks):
    stepper, _ = walks["fork"]
    page = opened(stepper)
    constant = next(node for node in stepper.graph.nodes if node.op == "const")
    page.page.select_option("#variable", str(constant.id))
    assert "it is a constant" in page.text("#total")


def test_predict_first(opened, walks):
    stepper, _ = walks["neuron"]
    page = opened(stepper)
    page.page.check("#predict")
    page.page.locator("#slider").fill("9")
    shown = "\n".join(page.page.locator(pane).inner_text() for pane in ("#canvas", "#formula", "#talk", "#ledger"))
    assert "0.7071" not in shown
    assert (
        "0.7071" not in page.page.content().partition('id="data"')[0].partition("<main>")[2]
    )  # no tooltip has it either
    assert page.text("#gn9-value") == "?"
    page.page.fill("#guess", "many")
    page.press("Enter")
    assert "Type a number" in page.text("#verdict")
    page.page.fill("#guess", "0.3")
    page.press("Enter")
    assert page.text("#verdict").startswith("✗")
    assert page.text("#gn9-value") == "0.7071"
    page.press("ArrowRight", "ArrowRight")  # the seed is not asked for
    page.page.locator("#question").wait_for()
    page.page.fill("#guess", "0,5")  # as much of the world writes it
    page.page.click("#check")
    assert page.text("#verdict") == "✓ Right."
    assert page.page.is_hidden("#question")
    page.page.keyboard.press("Escape")
    page.page.click("#next")
    page.page.click("#reveal")
    assert page.text("#sentence") == stepper.steps[12].sentence
    page.page.uncheck("#predict")
    page.page.click("#next")
    assert page.page.is_hidden("#question")


def test_what_is_given_is_not_asked_for(opened, walks):
    stepper, _ = walks["neuron"]
    page = opened(stepper)
    page.page.check("#predict")
    for index, step in enumerate(stepper.steps):
        page.page.locator("#slider").fill(str(index))
        given = step.phase == "seed" or not stepper.graph.nodes[step.node].inputs
        assert page.page.is_visible("#question") == (not given), step


def test_zoom_and_fit(opened, walks):
    page = opened(walks["neuron"][0])
    width = lambda: float(page.page.locator("#canvas svg").get_attribute("width"))  # noqa: E731  # used as a value thrice
    fitted = width()
    page.page.click("#larger")
    assert width() == pytest.approx(1.25 * fitted)
    page.page.click("#smaller")
    page.page.click("#smaller")
    assert width() < fitted
    page.page.click("#fit")
    assert width() == pytest.approx(fitted)


def test_a_link_opens_at_its_step(opened, walks, tmp_path, chromium):
    path = walks["neuron"][0].save(tmp_path / "linked.html")
    page = chromium.new_page()
    page.goto(path.as_uri() + "#7")
    assert page.locator("#where").text_content().startswith("7 of")
    page.close()


LOOKS = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 375, "height": 740}},
    "calm": {"reduced_motion": "reduce"},
}


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_axe_finds_nothing_serious(opened, walks, look):
    axe = pytest.importorskip("axe_playwright_python.base", reason="needs axe-playwright-python")
    page = opened(walks["fork"][0], **LOOKS[look])
    for index in ("2", "15"):
        page.page.locator("#slider").fill(index)
        page.page.check("#predict")
        page.page.evaluate(axe.AXE_SCRIPT)
        found = page.page.evaluate("axe.run()")
        assert len(found["passes"]) > 20
        assert {v["id"]: [n["html"] for n in v["nodes"]] for v in found["violations"]} == {}


def test_nothing_is_wider_than_a_phone(opened, walks):
    page = opened(walks["fork"][0], **LOOKS["phone"])
    for index in range(len(walks["fork"][0].steps)):
        page.page.locator("#slider").fill(str(index))
        assert page.page.evaluate("document.documentElement.scrollWidth") <= 375, index


def test_nor_is_it_with_long_names(opened):
    long = gg.viz.step(lambda x: x * gg.Value(2.0, "the_name_of_a_weight_that_somebody_thought_well_about") + 1, x=2.0)
    page = opened(long, **LOOKS["phone"])
    for index in range(len(long.steps)):
        page.page.locator("#slider").fill(str(index))
        assert page.page.evaluate("document.documentElement.scrollWidth") <= 375, index


def test_reduced_motion_moves_nothing(opened, walks):
    durations = """() => [...document.querySelectorAll('*')]
        .map(e => getComputedStyle(e).transitionDuration).filter(d => d !== '0s').length"""
    assert opened(walks["neuron"][0], **LOOKS["calm"]).page.evaluate(durations) == 0
    assert opened(walks["neuron"][0], reduced_motion="no-preference").page.evaluate(durations) > 0


HOSTILE = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(2)>",
    '" onmouseover="alert(3)',
    "]]>&amp;<!--",
    "x" * 10_000,
    "😀👩‍👩‍👧",
    "שלום",
    "a\u202eb\x00\n",
    "a\x1b[31mred\x1b]0;title\x07",
]


def test_hostile_labels_are_only_text(opened):
    values = [gg.Value(1.0 + i, label) for i, label in enumerate(HOSTILE)]
    stepper = gg.viz.step(gg.sum([v * v for v in values]))
    page = opened(stepper)
    for index in range(len(stepper.steps)):
        page.page.locator("#slider").fill(str(index))
    page.page.hover("#gn0")
    assert page.page.locator("script").count() == 2
    assert page.page.locator("main script, main img").count() == 0
    assert page.text("#variable option:nth-child(2)") == HOSTILE[0]


def test_the_notebook_frame_runs_the_page(chromium, walks, tmp_path):
    bundle = walks["neuron"][0]._repr_mimebundle_()
    path = tmp_path / "notebook.html"
    path.write_text(f"<!DOCTYPE html><title>cell</title>{bundle['text/html']}", encoding="utf-8")
    page = chromium.new_page()
    messages = []
    page.on("console", lambda message: messages.append(message.text))
    page.goto(path.as_uri())
    frame = page.frame_locator("iframe")
    frame.locator("#next").click()
    frame.locator("#predict").check()
    frame.locator("#next").click()
    frame.locator("#guess").fill("-6")
    frame.locator("#guess").press("Enter")
    assert frame.locator("#verdict").text_content() == "✓ Right."
    assert page.locator("img").evaluate("image => image.complete && image.naturalWidth > 0")
    assert messages == []
    page.close()


def test_the_assets_are_in_the_page_and_nothing_else_is_allowed(opened, walks):
    page = opened(walks["neuron"][0])
    page.page.evaluate("""() => {
        const script = document.createElement('script');
        script.textContent = 'window.broken = 1';
        const image = new Image();
        image.src = 'http://127.0.0.1:9/x.png';
        document.body.append(script, image);
    }""")
    while len(page.messages) < 2:
        page.page.wait_for_event("console")
    page.drawn()
    assert page.page.evaluate("window.broken") is None
    assert all("Content Security Policy" in message for message in page.messages)
    assert len(page.messages) == 2
    page.messages.clear()  # as was wanted
    page.requests[:] = [
        url for url in page.requests if not url.startswith("http://127.0.0.1")
    ]  # refused before it left


def test_data_in_the_page_is_the_walk(opened, walks):
    stepper, _ = walks["fork"]
    page = opened(stepper)
    data = json.loads(page.text("#data"))
    assert len(data["steps"]) == len(stepper.steps)
    assert [row[data["node_fields"].index("name")] for row in data["nodes"]] == [
        node.name for node in stepper.graph.nodes
    ]


def test_screenshots(opened, walks, tmp_path):
    """The four looks render; set GLASSGRAD_SCREENSHOTS to a folder to keep and look at them."""
    import os

    folder = Path(os.environ.get("GLASSGRAD_SCREENSHOTS", tmp_path))
    sizes = set()
    for look, options in LOOKS.items():
        page = opened(walks["fork"][0], **options)
        page.page.locator("#slider").fill("14")
        sizes.add(len(page.page.screenshot(path=folder / f"{look}.png", full_page=look == "phone")))
    assert len(sizes) >= 3
