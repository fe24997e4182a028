"""All colours of viz, light and dark, and the CSS made of them: forward blue, backward vermillion (Okabe and Ito 2008).

No other file spells a colour out. Text reaches a contrast of 4.5 to 1 (WCAG 2.2, 1.4.3) on whatever it stands on.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

SERIES: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
"""Okabe and Ito's colours, which colour-blind people can tell apart, for the lines and classes of a plot."""
TERMINAL_FORWARD: Final = "#007BC2"
TERMINAL_BACKWARD: Final = "#C45200"
"""For a terminal, whose background nobody knows: as far from white as from black."""


class Style(NamedTuple):
    """A kind of box: fill, radius of the corners, width of the border."""

    fill: str
    radius: float
    line: float


class Palette(NamedTuple):
    """The colours of drawings and pages; CSS calls them `--page`, `--backward-text` and so on.

    Attributes:
        page: behind the panels of a page.
        panel: behind a drawing.
        text, quiet: writing, and writing that steps back.
        line, border: between the parts of a page, and around boxes.
        op, leaf, fold: fills of boxes.
        forward, backward: the two passes; `backward_text` where text needs more contrast.
        forward_wash, backward_wash: behind what a pass has reached.
        idle: what no pass has reached.
        shadow: under what lies above the page.
    """

    page: str
    panel: str
    text: str
    quiet: str
    line: str
    border: str
    op: str
    leaf: str
    fold: str
    forward: str
    backward: str
    backward_text: str
    forward_wash: str
    backward_wash: str
    idle: str
    shadow: str

    def of(self, kind: str) -> Style:
        """How a box of this kind looks."""
        return {
            "op": Style(self.op, 8.0, 1.2),
            "leaf": Style(self.leaf, 1.5, 1.2),
            "const": Style(self.op, 8.5, 0.8),
            "fold": Style(self.fold, 1.5, 2.6),
        }[kind]

    def text_of(self, kind: str, part: str) -> str:
        """The colour of one text in a box of this kind."""
        if kind == "const":
            return self.text
        return {"title": self.text, "mark": self.text, "value": self.forward, "grad": self.backward_text}.get(
            part, self.quiet
        )


LIGHT: Final = Palette(
    page="#F6F7F9",
    panel="#FFFFFF",
    text="#1B1F24",
    quiet="#57606A",
    line="#D0D7DE",
    border="#6B7280",
    op="#FFFFFF",
    leaf="#FDF6DC",
    fold="#EDF2F8",
    forward=SERIES[0],
    backward=SERIES[1],
    backward_text="#A34700",
    forward_wash="#E6F2FA",
    backward_wash="#FDEDE3",
    idle="#8C959F",
    shadow="#0000002E",
)
DARK: Final = Palette(
    page="#101317",
    panel="#181C22",
    text="#E6E9ED",
    quiet="#A3ADB8",
    line="#343B44",
    border="#8B93A1",
    op="#22252C",
    leaf="#3A3520",
    fold="#26313F",
    forward=SERIES[5],
    backward=SERIES[4],
    backward_text=SERIES[4],
    forward_wash="#173247",
    backward_wash="#3D2E0C",
    idle="#7D8792",
    shadow="#0000002E",
)
_INK: Final = dict.fromkeys(("text", "quiet", "border"), "currentColor")
_CLEAR: Final = dict.fromkeys(("panel", "op", "leaf", "fold"), "none")
AUTO: Final = LIGHT._replace(**_INK, **_CLEAR, backward_text=SERIES[1])
"""Whatever the page around has."""


def css_variables() -> str:
    """The colours as CSS variables, dark where the reader's system is.

    >>> css_variables().splitlines()[1].strip()
    'color-scheme: light dark;'
    """
    light, dark = (
        " ".join(f"--{name.replace('_', '-')}: {colour};" for name, colour in palette._asdict().items())
        for palette in (LIGHT, DARK)
    )
    return f""":root {{
  color-scheme: light dark;
  {light}
}}
@media (prefers-color-scheme: dark) {{
  :root {{ {dark} }}
}}
"""


def with_colours(css: str, palette: Palette) -> str:
    """`css` with the colours in place of their variables, for a reader that knows none.

    >>> with_colours(".rule { stroke: var(--backward-text); }", LIGHT)
    '.rule { stroke: #A34700; }'
    """
    colours = palette._asdict()
    return re.sub(r"var\(--([a-z-]+)\)", lambda found: colours[found[1].replace("-", "_")], css)
