"""Frames of the animation, read back: what each shows is what is known at its step, and nothing of what is not."""

from __future__ import annotations

import io
import sys
import xml.etree.ElementTree as ET

import pytest

pytest.importorskip("PIL", reason="needs Pillow")
pytest.importorskip("resvg_py", reason="needs resvg-py")

import glassgrad as gg
from glassgrad.engine.rules.notation import short
from glassgrad.engine.story.moment import moment
from glassgrad.viz.model.theme import LIGHT
from glassgrad.viz.walk import animation

SVG = "{http://www.w3.org/2000/svg}"


def fork(a):
    b = a * a
    c = b + a
    return c - b


@pytest.fixture(scope="module")
def walk():
    return gg.viz.step(fork, a=3.0)


def read(svg: str) -> tuple[dict[str, set[str]], dict[str, str], list[str]]:
    """States and texts by id, and the texts outside the graph."""
    root = ET.fromstring(svg)
    inner = root.find(f"{SVG}svg")
    states = {e.get("id"): set(e.get("data-state").split()) for e in inner.iter() if e.get("data-state")}
    texts = {
        e.get("id"): "".join(e.itertext())
        for e in inner.iter()
        if e.tag in (f"{SVG}text", f"{SVG}tspan") and e.get("id")
    }
    return states, texts, ["".join(e.itertext()) for e in root.findall(f"{SVG}text")]


def test_every_frame_shows_what_is_known_and_no_more(walk):
    steps, graph = walk.steps, walk.graph
    partial = 0
    for index, step in enumerate(steps):
        states, texts, around = read(animation.frame(walk, moment(steps, index)))
        so_far = list(steps)[len(graph) : index + 1]
        to_come = {s.input for s in steps[index + 1 :]} - {None}
        sums: dict[int, float] = {}
        for s in so_far:
            sums[s.node if s.input is None else s.input] = s.new
        for node in graph.nodes:
            state = states[f"gn{node.id}"]
            assert ("idle" in state) == (node.id > index)
            assert texts[f"gn{node.id}-value"] == (short(node.data) if node.id <= index else "")
            partial += node.id in sums and node.id in to_come
            ellipsis = " …" if node.id in to_come else ""
            assert texts[f"gn{node.id}-grad"] == (short(sums[node.id]) + ellipsis if node.id in sums else "")
            assert ("known" in state) == (node.id in sums and node.id not in to_come)
            assert ("partial" in state) == (node.id in sums and node.id in to_come)
        back = {(s.node, s.position) for s in so_far if s.phase == "backward"}
        for _, node, position in graph.edges:
            state = states[f"ge{node}-{position}"]
            assert ("idle" in state) == (node > index)
            assert ("back" in state) == ((node, position) in back)
            assert (f"ge{node}-{position}-slope" in texts) == ((node, position) in back)
        assert around[2] == f"{index + 1} of {len(steps)}"
        assert around[-2:] == [step.numbers, step.sentence]
    assert partial > 0


def test_an_edge_that_was_not_computed_looks_idle(walk):
    from PIL import Image

    first = io.BytesIO(animation.animation(walk))
    with Image.open(first) as gif:
        colours = set()
        for index in (0, len(walk.graph) - 1):
            gif.seek(index)
            picture = gif.convert("RGB")
            edge = walk.drawing.edges[-1]
            left = (max(walk.drawing.width, animation.NARROWEST) - walk.drawing.width) / 2
            x, y = edge.points[-1]
            spot = (round(x + left - 4), round(y + animation.HEAD))  # in the arrowhead
            colours.add((index, picture.getpixel(spot)))
    blue = tuple(int(LIGHT.forward[i : i + 2], 16) for i in (1, 3, 5))
    near = {index: max(abs(a - b) for a, b in zip(colour, blue)) < 40 for index, colour in colours}
    assert near == {0: False, len(walk.graph) - 1: True}


def test_the_source_line_is_shown_and_its_part_underlined(walk):
    frame = ET.fromstring(animation.frame(walk, moment(walk.steps, 2)))
    line = next(e for e in frame.findall(f"{SVG}text") if e.find(f"{SVG}tspan") is not None)
    assert "".join(line.itertext()).strip() == "c = b + a"  # without columns (Python 3.10) the whole line
    part = line.find(f"{SVG}tspan")
    assert part.text.strip() == ("b + a" if sys.version_info >= (3, 11) else "c = b + a")
    assert part.get("text-decoration") == "underline"
