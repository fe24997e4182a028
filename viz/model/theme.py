"""The colours of a drawing, light and dark: forward blue, backward vermillion (Okabe and Ito 2008)."""

from __future__ import annotations

from typing import Final, NamedTuple

FORWARD: Final = "#0072B2"
BACKWARD: Final = "#D55E00"
FORWARD_DARK: Final = "#56B4E9"
BACKWARD_DARK: Final = "#E69F00"


class Style(NamedTuple):
    """A kind of box: fill, radius of the corners, width of the border."""

    fill: str
    radius: float
    line: float


class Theme(NamedTuple):
    """The colours; `backward_text` is `backward`, darker where text needs the contrast (4.5 to 1)."""

    background: str
    text: str
    quiet: str
    border: str
    op: str
    leaf: str
    fold: str
    forward: str
    backward: str
    backward_text: str

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
        return {"title": self.text, "value": self.forward, "grad": self.backward_text, "note": self.quiet}[part]


LIGHT: Final = Theme(
    "#ffffff", "#1b1b1b", "#5a5a5a", "#6b7280", "#ffffff", "#fdf6dc", "#edf2f8", FORWARD, BACKWARD, "#A84A00"
)
DARK: Final = Theme(
    "#16181d",
    "#f0f0f0",
    "#b5b5b5",
    "#8b93a1",
    "#22252c",
    "#3a3520",
    "#26313f",
    FORWARD_DARK,
    BACKWARD_DARK,
    BACKWARD_DARK,
)
AUTO: Final = Theme(
    "none", "currentColor", "currentColor", "currentColor", "none", "none", "none", FORWARD, BACKWARD, BACKWARD
)
