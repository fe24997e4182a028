"""Pictures in a row as a GIF (`pip install "glassgrad[png]"`): SVG painted by resvg, put together by Pillow."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

try:
    from PIL import Image
except ImportError as error:
    raise ImportError('a GIF needs Pillow: pip install "glassgrad[png]"') from error

from .png import paint, warn_without_fonts

COLOURS: Final = 128


def render_gif(frames: Sequence[str], css: str, milliseconds: Sequence[int], richest: Sequence[int]) -> bytes:
    """The bytes of a GIF file that runs for ever.

    Args:
        frames: SVG texts, all of one size.
        css: applied to each.
        milliseconds: how long each is shown.
        richest: numbers of the frames that have every colour: one palette for all keeps colours still, the file small.

    Raises:
        ImportError: without Pillow or resvg-py (when this module is imported).
    """
    warn_without_fonts()
    images = [_image(frame, css) for frame in frames]
    width, height = images[0].size
    together = Image.new("RGB", (width, height * len(richest)))
    for i, number in enumerate(richest):
        together.paste(images[number], (0, i * height))
    palette = together.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    first, *others = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    buffer = io.BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=others, duration=list(milliseconds), loop=0, optimize=True)
    return buffer.getvalue()


def _image(svg: str, css: str) -> Any:
    return Image.open(io.BytesIO(paint(svg, 1.0, css))).convert("RGB")
