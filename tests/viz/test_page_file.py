"""The page as a file: self-contained, guarded, the same in every process, safe for any label."""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassgrad as gg
from glassgrad.engine.shown import visible
from glassgrad.viz.walk.page import page_data

NEURON = "n = x1*w1 + x2*w2 + b; tanh(n)"
INPUTS = {"x1": 2.0, "x2": 0.0, "w1": -3.0, "w2": 1.0, "b": 6.88}


class Tags(HTMLParser):
    """Every tag with its attributes, and what stands in scripts and styles."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.raw, self._inside = [], {}, None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._inside = f"{tag} {dict(attributes).get('type', '')}".strip() if tag in ("script", "style") else None

    def handle_endtag(self, tag):
        self._inside = None

    def handle_data(self, data):
        if self._inside:
            self.raw[self._inside] = self.raw.get(self._inside, "") + data


def shape(html):
    return [tag for tag, _ in Tags(html).tags if tag != "tspan"]  # which isolates text that is written from the right


@pytest.fixture(scope="module")
def html():
    return gg.viz.step(NEURON, **INPUTS).html


def test_the_policy_allows_the_one_script_and_the_one_style_by_hash(html):
    page = Tags(html)
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for tag, kind in (("script", "script module"), ("style", "style")):
        digest = base64.b64encode(hashlib.sha256(page.raw[kind].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_nothing_lies_elsewhere(html):
    for tag, attributes in Tags(html).tags:
        for name in ("src", "href", "xlink:href", "action", "data", "poster"):
            assert attributes.get(name, "data:").startswith("data:"), (tag, attributes)
        assert "style" not in attributes  # the policy would refuse it
        assert not [name for name in attributes if name.startswith("on")]
    assert set(re.findall(r"https?://[^\"'\s<]+", html)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1998/Math/MathML",
    }
    assert not re.search(r"@import|url\((?!#)|fetch\(|XMLHttpRequest|innerHTML|eval\(|document\.write", html)


def test_the_data_are_the_steps(html):
    stepper = gg.viz.step(NEURON, **INPUTS)
    data = json.loads(Tags(html).raw["script application/json"])
    assert data == json.loads(json.dumps(page_data(stepper.walk)))
    column = lambda name: [row[data["fields"].index(name)] for row in data["steps"]]  # noqa: E731  # a name for a column
    assert column("phase") == [step.phase for step in stepper.steps]
    assert column("sentence") == [step.sentence for step in stepper.steps]
    assert [x for x in column("answer") if x is not None] == [
        step.value if step.phase == "forward" else step.new
        for step in stepper.steps
        if step.phase == "backward" or (step.phase == "forward" and stepper.graph.nodes[step.node].inputs)
    ]


def test_the_formulas_are_those_of_the_engine(html):
    """Put together from the shared parts they are the engine's MathML again."""
    stepper = gg.viz.step(NEURON, **INPUTS)
    data = json.loads(Tags(html).raw["script application/json"])

    def build(number):
        tag, attributes, *children = data["parts"][number]
        element = ElementTree.Element(tag, dict(attributes))
        for child in children:
            if isinstance(child, int):
                element.append(build(child))
            else:
                assert len(element) == 0  # text is never mixed with elements
                element.text = child
        return element

    for row, step in zip(data["steps"], stepper.steps):
        for name, mathml in zip(("rule", "numbers"), stepper.steps.mathml(step.index)):
            built = ElementTree.tostring(build(row[data["fields"].index(name)]))
            assert built == ElementTree.tostring(ElementTree.fromstring(mathml))


LABELS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40) | st.sampled_from(
    [
        "</script>",
        "<!--<script>",
        "]]>",
        '"><img src=x onerror=alert(1)>',
        "\x00",
        "\u2028",
        "a\u202eb",
        "x" * 3000,
        "$title",
        "${svg}",
    ]
)


def labelled(a, b):
    x, y = gg.Value(2.0, a), gg.Value(3.0, b)
    return gg.viz.step(x * y + x, names={}).html


@pytest.fixture(scope="module")
def plain():
    return shape(labelled("a", "b"))


@settings(max_examples=40)
@given(LABELS, LABELS)
def test_no_label_changes_the_page_s_structure(plain, a, b):
    html = labelled(a, b)
    assert shape(html) == plain
    data = json.loads(Tags(html).raw["script application/json"])
    shown = data["nodes"][0][data["node_fields"].index("name")]
    assert shown == visible(shown)  # nothing unseen, nothing that turns text around
    assert shown.startswith(visible(a)[:20])


def test_a_lone_surrogate_is_written_as_something_that_can_be_read(tmp_path):
    x = gg.Value(2.0, "\ud800")
    text = gg.viz.step(x * x).save(tmp_path / "page.html").read_bytes().decode("utf-8")
    assert "\\ud800" in text


def test_infinite_and_undefined_numbers_are_shown():
    x = gg.Value(float("inf"), "x")
    stepper = gg.viz.step(x * 0.0)
    json.loads(
        Tags(stepper.html).raw["script application/json"],
        parse_constant=lambda name: pytest.fail(f"{name} is not JSON"),
    )


def mlp(x, w1, w2, w3):
    h = [gg.tanh(sum(w * v for w, v in zip(row, x))) for row in w1]
    h = [gg.tanh(sum(w * v for w, v in zip(row, h))) for row in w2]
    return sum(w * v for w, v in zip(w3, h))


def numbers(count, start):
    return [((i * 37 + start * 11) % 200) / 100 - 1 for i in range(count)]


def test_500_nodes_make_less_than_a_megabyte_and_a_half():
    stepper = gg.viz.step(
        mlp,
        x=numbers(3, 1),
        w1=[numbers(3, i) for i in range(8)],
        w2=[numbers(8, i) for i in range(16)],
        w3=numbers(16, 5),
    )
    assert 500 <= len(stepper.graph) <= 520
    assert len(stepper.html.encode()) < 1_500_000


def test_the_same_page_in_every_process(html):
    code = f"import glassgrad as gg, sys; sys.stdout.buffer.write(gg.viz.step({NEURON!r}, **{INPUTS!r}).html.encode())"
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed}
        )
        assert run.stdout.decode() == html


def test_a_notebook_gets_a_picture_first_and_then_a_sandboxed_page():
    stepper = gg.viz.step(NEURON, **INPUTS)
    bundle = stepper._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/svg+xml", "text/plain"}
    assert bundle["text/plain"] == repr(stepper)
    tags = Tags(bundle["text/html"]).tags
    assert [tag for tag, _ in tags] == ["div", "img", "iframe"]
    image, frame = tags[1][1], tags[2][1]
    assert frame["sandbox"] == "allow-scripts"
    assert frame["srcdoc"] == stepper.html
    svg = base64.b64decode(image["src"].removeprefix("data:image/svg+xml;base64,")).decode()
    assert svg == bundle["image/svg+xml"]
    root = ElementTree.fromstring(svg)
    assert "0.7064" in "".join(root.itertext())
    assert image["alt"]


def test_stepper_and_page_need_the_standard_library_alone():
    blocked = ["numpy", "rich", "graphviz", "textual", "PIL", "matplotlib"]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({blocked}));"
        "import glassgrad as gg; s = gg.viz.step('tanh(x*w) + x', x=2, w=0.5);"
        "s._repr_mimebundle_(); gg.explain(s.graph, 'x'); print(len(s.html) > 10_000)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.strip() == b"True"


def test_a_graph_too_large_for_a_page_says_what_to_do(tmp_path):
    x = gg.Value(1.0, "x")
    y = x
    for _ in range(5000):
        y = y.tanh()
    with pytest.raises(ValueError, match=r"5,001 nodes are too many for a page \(limit 5,000\)"):
        gg.viz.step(y).save(tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_a_single_leaf_is_a_walk_too():
    data = page_data(gg.viz.step(gg.Value(2.0, "x")).walk)
    assert [row[0] for row in data["steps"]] == ["forward", "seed"]
