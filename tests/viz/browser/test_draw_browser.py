"""The static page of a drawing in a real browser: texts stay inside their boxes, nothing runs, nothing is fetched."""

from __future__ import annotations

import pytest

from glassgrad import Value, viz

pytestmark = pytest.mark.browser

LABELS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "]]>",
    "W" * 28,
    "😀👩‍👩‍👧",
    "שלום עולם",
    "日本語",
    "x" * 10_000,
]
OUTSIDE = """() => [...document.querySelectorAll('g.box')].filter(group => {
    const frame = group.querySelector('rect').getBBox();
    return [...group.querySelectorAll('text')].map(text => text.getBBox()).some(text => text.width && (
        text.x < frame.x || text.x + text.width > frame.x + frame.width ||
        text.y < frame.y - 1 || text.y + text.height > frame.y + frame.height + 1));
}).map(group => group.id)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_of_a_drawing(chromium, tmp_path, scheme):
    values = [Value(-1.2345e-5 * 10**i, label) for i, label in enumerate(LABELS)]
    total = sum(values[1:], start=values[0])
    total.backward()
    path = viz.draw(total, {}, layout="builtin", slopes=True).save(tmp_path / "labels.html")
    context = chromium.new_context(color_scheme=scheme)
    page = context.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    assert page.evaluate(OUTSIDE) == []
    titles = page.locator("text.title").all_text_contents()
    assert titles[: len(LABELS) - 1] == [*LABELS[:2], "+", LABELS[2], "+", LABELS[3], "+"]
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(24, 28, 34)")
    assert said == []
    assert asked == [path.as_uri()]
    context.close()


@pytest.mark.parametrize("ending", ["html", "svg"])
def test_labels_run_nothing_in_a_saved_drawing(chromium, tmp_path, ending):
    steal = "document.documentElement.id = 'ran'"
    labels = [f'</script><img src=x onerror="{steal}">', f"]]><script>{steal}</script>", f'-->"><svg onload="{steal}">']
    values = [Value(1.0 + i, label) for i, label in enumerate([*labels, "a\x1b[31mred\x1b]0;title\x07"])]
    total = values[0] * values[1] * values[2] * values[3]
    total.label = labels[0]
    path = viz.draw(total, {}, layout="builtin").save(tmp_path / f"labels.{ending}")
    page = chromium.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.id") != "ran"
    assert page.locator("img, script, svg svg").count() == 0
    assert asked == [path.as_uri()]
    assert "\x1b" not in page.content()
    assert "a\\x1b[31mred" in page.content()
    page.close()


def test_svg_as_an_image_keeps_its_size(chromium, tmp_path):
    x = Value(3.0, "x")
    drawing = viz.draw(x + x, {}, layout="builtin")
    page = chromium.new_page()
    page.set_content(drawing._repr_mimebundle_()["text/html"])
    size = page.evaluate(
        "(() => { const i = document.images[0]; return [i.naturalWidth, i.naturalHeight, i.complete] })()"
    )
    assert size == [round(drawing.width), round(drawing.height), True]
    page.close()
