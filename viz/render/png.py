"""A `Diagram` as PNG (`pip install "glassgrad[png]"`): the SVG painted by resvg, with the fonts of this machine."""

from __future__ import annotations

import warnings
from typing import Final

try:
    from resvg_py import svg_to_bytes
except ImportError as error:
    raise ImportError('PNG needs resvg-py: pip install "glassgrad[png]" (svg, html and dot need nothing)') from error

from ..model.diagram import Diagram
from .svg import render_svg

SCALE: Final = 2.0
MOST_PIXELS: Final = 100_000_000
PROBE: Final = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text y="9">{}</text></svg>'


def render_png(diagram: Diagram, *, scale: float = SCALE, dark: bool = False) -> bytes:
    """The diagram as the bytes of a PNG file.

    Args:
        diagram: what to paint.
        scale: PNG pixels per CSS pixel; less where the picture would get too large for memory.
        dark: light on dark.

    Raises:
        ImportError: without resvg-py (when this module is imported).
        ValueError: if the picture is too large even at scale 0.5.

    Warns:
        UserWarning: if the scale had to be reduced, or this machine has no font.
    """
    fitting = min(scale, (MOST_PIXELS / (diagram.width * diagram.height)) ** 0.5)
    if fitting < 0.5:
        raise ValueError(
            f"a drawing of {diagram.width:g} × {diagram.height:g} is too large for PNG: save it as .svg or .pdf"
        )
    if fitting < scale:
        warnings.warn(f"painted at scale {fitting:.2f} instead of {scale:g}: the drawing is large", stacklevel=3)
    warn_without_fonts()
    return paint(render_svg(diagram, dark=dark), fitting)


def paint(svg: str, scale: float = SCALE, css: str = "") -> bytes:
    """SVG text as the bytes of a PNG file, `scale` pixels per CSS pixel, `css` applied to it."""
    return bytes(svg_to_bytes(svg_string=svg, zoom=scale, style_sheet=css or None))


def warn_without_fonts() -> None:
    """Say so where no font is installed: resvg then paints no text."""
    if paint(PROBE.format("0")) == paint(PROBE.format("")):
        warnings.warn(
            "this machine has no font, so the picture has no text: install one (such as DejaVu Sans: "
            "apt install fonts-dejavu-core); svg and html carry the text itself",
            stacklevel=4,
        )
