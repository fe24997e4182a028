"""A `Diagram` as PDF (`pip install "glassgrad[pdf]"`): the SVG drawn as vectors by Typst, its fonts embedded."""

from __future__ import annotations

try:
    import typst
except ImportError as error:
    raise ImportError('PDF needs typst: pip install "glassgrad[pdf]" (svg, html and dot need nothing)') from error

from typing import Final

from ..model.diagram import Diagram
from .svg import render_svg

POINTS: Final = 0.75  # per CSS pixel
LARGEST: Final = 14_400.0  # points, ISO 32000-1 annex C
PAGE: Final = b"""#set document(title: sys.inputs.title, date: none)
#set page(width: float(sys.inputs.width) * 1pt, height: float(sys.inputs.height) * 1pt, margin: 0pt)
#image(bytes(sys.inputs.svg), format: "svg", width: 100%, height: 100%, alt: sys.inputs.title)"""


def render_pdf(diagram: Diagram) -> bytes:
    """The diagram as the bytes of a PDF file of one page, the same for the same diagram.

    Raises:
        ImportError: without typst (when this module is imported).
    """
    scale = min(POINTS, LARGEST / max(diagram.width, diagram.height))
    texts = {
        "svg": render_svg(diagram),
        "title": diagram.summary,
        "width": repr(diagram.width * scale),
        "height": repr(diagram.height * scale),
    }
    return bytes(typst.compile(PAGE, sys_inputs=texts))
