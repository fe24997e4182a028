"""Whatever a label is, it is shown as text: in SVG, HTML, DOT, PDF and PNG."""

from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glassgrad import Graph, Value
from glassgrad.engine.rules.notation import short
from glassgrad.engine.shown import visible
from glassgrad.viz.micrograd import draw_dot
from glassgrad.viz.model.text import MAX_LABEL, shorten, text_width
from glassgrad.viz.place.layout import layout
from glassgrad.viz.render.dot import render_dot
from glassgrad.viz.render.html import html_image, render_html
from glassgrad.viz.render.svg import render_svg

try:
    from glassgrad.viz.render.pdf import render_pdf
    from glassgrad.viz.render.png import render_png
except ImportError:  # without the extras; the tests that need them are skipped
    pass

SVG = "{http://www.w3.org/2000/svg}"
HARD = [
    "<script>alert(1)</script>",
    '"',
    "'><img src=x onerror=alert(1)>",
    "]]>",
    "<![CDATA[",
    "-->",
    "&amp;&#60;b&#62;",
    "a\\",
    '\\"',
    "\\N \\G \\L \\l",
    "<<b>html</b>>",
    "a|b{c}<port>",
    "a\nb\r\tc",
    "\x00\x01\x1b[31m\x7f\x85",
    "\ud800",
    "\ufffe\uffff",
    "\u202egnp.exe",
    "😀👩‍👩‍👧🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "שלום עולם",
    "مرحبا",
    "日本語テキスト",
    "é̂́" * 50,
    "x" * 10_000,
    "strict",
    "node",
    "%d %s {0}",
    "(a)\\) Tj ET",
    " ",
]


def pictured(label: str):
    x = Value(2.0, label)
    y = x * x
    y.label = label + "y"
    return layout(Graph(y, {}), engine="builtin")


def texts(root: ET.Element, part: str) -> list[str]:
    return ["".join(text.itertext()) for text in root.iter(f"{SVG}text") if text.get("class") == part]


def check(label: str) -> None:
    drawing = pictured(label)
    shown = drawing.boxes[0].label
    assert len(shown) <= MAX_LABEL
    for interactive in (False, True):
        root = ET.fromstring(render_svg(drawing, interactive=interactive))
        assert {element.tag for element in root.iter()} <= {
            SVG + tag for tag in ("svg", "title", "rect", "defs", "marker", "path", "g", "text", "tspan")
        }
        assert not shown or texts(root, "title")[0] == shown
        tooltips = [element.text or "" for element in root.iter(f"{SVG}title")]
        assert visible(label) in tooltips[1]
        names = {name for element in root.iter() for name in element.attrib}
        assert not any(name.startswith("on") or "href" in name or name == "style" for name in names)
    page = render_html(drawing)
    assert page.count("<svg") == page.count("</svg>") == 1
    assert "<script" not in page
    html = html_image(drawing)
    assert re.fullmatch(
        r'<div style="[^"]*"><img src="data:image/svg\+xml;base64,[\w+/=]+" alt="[^"]*" '
        r'width="[\d.]+" height="[\d.]+" style="[^"]*"></div>',
        html,
    )


@pytest.mark.parametrize("label", HARD, ids=range(len(HARD)))
def test_hard_labels(label):
    check(label)


@given(st.text(st.characters(), max_size=40))
@settings(max_examples=120)
def test_any_label(label):
    check(label)


def plain_dot(source: str) -> list[str]:
    """The labels as dot reads them: what it draws, line by line."""
    done = subprocess.run(["dot", "-Tsvg"], input=source, capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stderr == ""
    return [text.text or "" for text in ET.fromstring(done.stdout).iter(f"{SVG}text")]


def squeezed(text: str) -> str:
    return " ".join(text.replace("\xa0", " ").split())


@pytest.mark.dot
@pytest.mark.skipif(shutil.which("dot") is None, reason="no dot program here")
@given(
    st.lists(
        st.text(st.characters(), max_size=20) | st.text('\\"<>{}|&;#lNG -', max_size=8) | st.sampled_from(HARD),
        min_size=6,
        max_size=6,
    )
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
def test_any_label_through_dot(labels):
    values = [Value(float(i), label) for i, label in enumerate(labels)]
    total = sum(values[1:], start=values[0]) - values[0]
    total.label = labels[0]  # a box with marks, too
    graph = Graph(total, {})
    drawing = layout(graph, engine="builtin")
    read = list(map(squeezed, plain_dot(render_dot(drawing))))
    for box in drawing.boxes:
        assert not box.title.strip() or squeezed(box.title) in read
    read = list(map(squeezed, plain_dot(draw_dot(total).source)))
    for label in [node.label for node in graph.nodes]:  # equal ones are numbered
        assert not label.strip() or squeezed(shorten(visible(label))) in read


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext here")
@pytest.mark.parametrize("label", ["αβγ − ∂ Größe", "Привет", "a < b & c", "<script>alert(1)</script>", "\\N"])
def test_pdf_text_can_be_copied(tmp_path, label):
    pytest.importorskip("typst")
    path = tmp_path / "x.pdf"
    path.write_bytes(render_pdf(pictured(label)))
    done = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, text=True, encoding="utf-8", check=True)
    assert label in done.stdout
    assert "grad" in done.stdout


@pytest.mark.parametrize("label", HARD, ids=range(len(HARD)))
def test_hard_labels_in_pdf_and_png(label):
    pytest.importorskip("typst")
    pytest.importorskip("resvg_py")
    diagram = pictured(label)
    assert render_pdf(diagram).startswith(b"%PDF-1.7")
    assert render_pdf(diagram) == render_pdf(diagram)
    assert render_png(diagram).startswith(b"\x89PNG")


def test_long_labels_are_shortened_and_whole_in_the_tooltip():
    drawing = pictured("x" * 10_000)
    assert drawing.boxes[0].label == "x" * 14 + "…" + "x" * 13
    assert "x" * 10_000 in render_svg(drawing)
    assert drawing.width < 800


def test_shorten_never_cuts_a_character_in_two():
    assert shorten("e" + "\u0301" * 60) == "e…"
    family = "👩\u200d👩\u200d👧"
    for start in range(30):
        cut = shorten("a" * start + family + "b" * 30)
        assert ("\u200d" not in cut) or family in cut


def test_right_to_left_labels_are_isolated():
    assert '<tspan direction="rtl" unicode-bidi="isolate">שלוםy</tspan> = *' in render_svg(pictured("שלום"))


def test_visible_keeps_what_can_be_seen():
    assert visible("é 😀 日本 שלום a\\b") == "é 😀 日本 שלום a\\b"
    assert visible("\u202e\x07\n") == "\\u202e\\x07\\n"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (-0.5, "−0.5"),
        (-0.0, "0"),
        (1e-12, "1e−12"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        (123456.0, "1.235e+05"),
    ],
)
def test_numbers(number, text):
    assert layout(Graph(Value(number)), engine="builtin").boxes[0].value == text == short(number)


def test_boxes_are_wide_enough_for_their_text():
    drawing = pictured("W" * 20)
    box = drawing.boxes[0]
    assert box.width >= text_width(box.title, 12) > 200


def test_a_character_that_only_joins_takes_no_room():
    assert text_width("می\u200cخواهم", 12) == text_width("میخواهم", 12)
    assert text_width("👩\u200d💻", 12) == text_width("👩💻", 12)
