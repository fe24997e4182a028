"""`Drawing`: a `Diagram` that shows and saves itself; it alone knows all renderers, and loads them when asked."""

from __future__ import annotations

from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from ..engine.choices import one_of
from ..engine.writing import write_file
from .model.diagram import Diagram

RENDERERS: Final = {
    ".svg": "svg.render_svg",
    ".html": "html.render_html",
    ".pdf": "pdf.render_pdf",
    ".png": "png.render_png",
    ".dot": "dot.render_dot",
}
"""By the ending of a file: the module in `viz/render` and its function, from the diagram to text or bytes."""
ENDINGS: Final = tuple(RENDERERS)


MESSAGES: Final = 16
"""So many messages are printed with a drawing."""
HOW: Final = '.save("graph.svg") writes it (.html .pdf .png .dot, too); a notebook shows it'


class Drawing(Diagram):
    """A picture of a graph, made by `draw` or `draw_paths`: a `Diagram` with these ways to show it.

    In a notebook it shows itself. `.svg` is its SVG text, `.save("graph.svg")` writes a file whose ending
    decides the format: svg, html, dot, pdf (`pip install "glassgrad[pdf]"`) or png (`glassgrad[png]`).
    """

    @classmethod
    def of(cls, diagram: Diagram) -> Drawing:
        """The drawing of a diagram."""
        return cls(**{field.name: getattr(diagram, field.name) for field in fields(diagram) if field.init})

    @property
    def svg(self) -> str:
        """The picture as SVG text."""
        return str(_rendered(self, ".svg"))

    def save(self, path: str | Path) -> Path:
        """Write the picture; the ending of `path` says how: .svg .html .pdf .png .dot.

        It is rendered whole before the file is touched, and a file that cannot be written is left as it was.

        Returns:
            The path.

        Raises:
            ValueError: for another ending.
            ImportError: for .png or .pdf without its extra.
            OSError: if it cannot be written.
        """
        path = Path(path)
        ending = path.suffix.lower()
        one_of(ENDINGS, "ending", ending)
        write_file(path, _rendered(self, ending))
        return path

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {
            "text/html": _renderer("html.html_image")(self),
            "image/svg+xml": self.svg,
            "text/plain": self._said(),
        }

    def __str__(self) -> str:
        return self.summary

    def __repr__(self) -> str:
        return f"{self._said()}\n{HOW}"

    def _said(self) -> str:
        left_out = len(self.messages) - MESSAGES
        more = [f"… {left_out} more in .messages"] if left_out > 0 else []
        return "\n".join([self.summary, *self.messages[:MESSAGES], *more])


def _rendered(diagram: Diagram, ending: str) -> str | bytes:
    content: str | bytes = _renderer(RENDERERS[ending])(diagram)
    return content


def _renderer(place: str) -> Any:
    module, _, name = place.partition(".")
    return getattr(import_module(f".render.{module}", __package__), name)
