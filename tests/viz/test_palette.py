"""One palette: no colour is spelled elsewhere, and text can be read on whatever it stands on."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from glassgrad.viz.model.theme import (
    AUTO,
    DARK,
    LIGHT,
    SERIES,
    TERMINAL_BACKWARD,
    TERMINAL_FORWARD,
    css_variables,
    with_colours,
)

HEX = re.compile(r"(?<!&)#(?:[0-9a-fA-F]{8}|[0-9a-fA-F]{6}|[0-9a-fA-F]{3,4})\b|\b(?:rgb|hsl)a?\(")


def sources():
    waiting = [files("glassgrad.viz")]
    while waiting:
        for path in waiting.pop().iterdir():
            if path.is_dir():
                waiting.append(path)
            elif path.name.endswith((".py", ".css", ".js", ".html")) and path.name != "theme.py":
                yield path


def test_no_colour_stands_outside_the_palette():
    found = {path.name: HEX.findall(path.read_text(encoding="utf-8")) for path in sources()}
    assert {"svg.py", "stepper.css", "graph.css", "model.js", "stepper.html", "plot.py", "terminal.py"} <= set(found)
    assert {name: colours for name, colours in found.items() if colours} == {}


def contrast(a: str, b: str) -> float:
    """WCAG 2.2, contrast ratio."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_text_can_be_read_wherever_it_stands(palette):
    for kind in ("op", "leaf", "const", "fold"):
        for part in ("title", "value", "grad", "note", "key", "mark"):
            assert contrast(palette.text_of(kind, part), palette.of(kind).fill) >= 4.5, (kind, part)
    for wash in (palette.panel, palette.forward_wash, palette.backward_wash):
        for text in (palette.text, palette.quiet, palette.forward, palette.backward_text):
            assert contrast(text, wash) >= 4.5, (text, wash)
    for text in (palette.text, palette.quiet):
        assert contrast(text, palette.page) >= 4.5
    for line in (palette.forward, palette.backward, palette.idle, palette.border):  # 1.4.11, what is no text
        assert contrast(line, palette.panel) >= 3


def test_terminal_colours_can_be_read_on_black_and_on_white():
    for colour in (TERMINAL_FORWARD, TERMINAL_BACKWARD):
        assert min(contrast(colour, "#000000"), contrast(colour, "#FFFFFF")) >= 4.5


def test_forward_and_backward_are_okabe_and_ito_s():
    assert (LIGHT.forward, LIGHT.backward, DARK.forward, DARK.backward) == ("#0072B2", "#D55E00", "#56B4E9", "#E69F00")
    assert {LIGHT.forward, LIGHT.backward, DARK.forward, DARK.backward} <= set(SERIES)
    assert AUTO.text == "currentColor"


def test_css_has_every_colour_of_both_palettes_and_every_variable_used_is_one():
    css = css_variables()
    light, dark = css.split("@media")
    for name in LIGHT._fields:
        assert f"--{name.replace('_', '-')}: {getattr(LIGHT, name)};" in light
        assert f"--{name.replace('_', '-')}: {getattr(DARK, name)};" in dark
    graph = files("glassgrad.viz.walk").joinpath("assets/graph.css").read_text(encoding="utf-8")
    coloured = with_colours(graph, DARK)
    assert "var(" not in coloured
    assert DARK.backward_wash in coloured
