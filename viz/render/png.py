"""A `Drawing` as PNG, painted by Pillow (`pip install "glassgrad[png]"`), at twice its size and smoothed."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from ..model.drawing import Drawing, flatten
from ..model.shapes import Panel, Stroke, Words, shapes
from ..model.text import right_to_left
from ..model.theme import DARK, LIGHT

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

SCALE: Final = 2.0
SMOOTH: Final = 2  # painted this much larger, then reduced
MOST_PIXELS: Final = 100_000_000  # painted at once
FONTS: Final = (
    "DejaVuSans.ttf", "Arial.ttf", "Helvetica.ttc",
    "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "FreeSans.ttf",
    "NotoSansCJK-Regular.ttc", "NotoSansHebrew-Regular.ttf", "NotoSansArabic-Regular.ttf", "Arial Unicode.ttf",
    "YuGothM.ttc", "msgothic.ttc", "PingFang.ttc",
    "NotoEmoji-Regular.ttf", "seguiemj.ttf", "seguisym.ttf", "Symbola.ttf",
)  # fmt: skip
"""Tried in this order; a character takes the first one that has it."""


def render_png(drawing: Drawing, *, scale: float = SCALE, dark: bool = False) -> bytes:
    """The drawing as the bytes of a PNG file.

    Args:
        drawing: what to paint.
        scale: PNG pixels per CSS pixel; less where the picture would get too large for memory.
        dark: light on dark.

    Raises:
        ImportError: without Pillow.
        ValueError: if the picture is too large even at scale 0.5.

    Warns:
        UserWarning: if the scale had to be reduced, or no font has some characters (they are painted as boxes with
            their code numbers).
    """
    return _png(render_image(drawing, scale=scale, dark=dark))


def render_image(drawing: Drawing, *, scale: float = SCALE, dark: bool = False) -> Image:
    """Like `render_png`, as a `PIL.Image`."""
    try:
        from PIL import Image, ImageDraw
    except ImportError:
        raise ImportError(
            'PNG pictures need Pillow: pip install "glassgrad[png]" (svg, pdf and html need nothing)'
        ) from None
    area = drawing.width * drawing.height * SMOOTH**2
    fitting = min(scale, (MOST_PIXELS / area) ** 0.5)
    if fitting < 0.5:
        raise ValueError(
            f"a drawing of {drawing.width:g} × {drawing.height:g} is too large for PNG: save it as .svg or .pdf"
        )
    if fitting < scale:
        warnings.warn(f"painted at scale {fitting:.2f} instead of {scale:g}: the drawing is large", stacklevel=5)
    factor = fitting * SMOOTH
    theme = DARK if dark else LIGHT
    image = Image.new("RGB", (round(drawing.width * factor), round(drawing.height * factor)), theme.background)
    pen = ImageDraw.Draw(image)
    lacking: dict[str, None] = {}
    for shape in shapes(drawing, theme):
        if isinstance(shape, Words):
            _words(pen, shape, factor, lacking)
        elif isinstance(shape, Panel):
            box = [
                shape.x * factor,
                shape.y * factor,
                (shape.x + shape.width) * factor,
                (shape.y + shape.height) * factor,
            ]
            line = max(1, round(shape.line * factor))
            pen.rounded_rectangle(box, shape.radius * factor, shape.fill, shape.stroke, line)
        elif isinstance(shape, Stroke):
            for piece in _dashes(shape):
                pen.line(
                    [(x * factor, y * factor) for x, y in piece],
                    shape.stroke,
                    max(1, round(shape.line * factor)),
                    "curve",
                )
        else:
            pen.polygon([(x * factor, y * factor) for x, y in shape.points], shape.fill)
    if lacking:
        codes = ", ".join(f"{c} U+{ord(c):04X}" for c in list(lacking)[:8]) + (", …" if len(lacking) > 8 else "")
        warnings.warn(
            f"no font on this machine has {len(lacking)} of the characters used ({codes}): they are painted as boxes "
            "with their code numbers; svg and html carry the text itself",
            stacklevel=5,
        )
    return image.resize((round(drawing.width * fitting), round(drawing.height * fitting)), Image.Resampling.LANCZOS)


def _png(image: Image) -> bytes:
    out = BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _dashes(stroke: Stroke) -> Iterator[tuple[tuple[float, float], ...]]:
    points = flatten(stroke.curve, steps=32)
    if not stroke.dashed:
        yield points
        return
    (x, y), (end, _) = points[0], points[-1]  # only level lines are dashed
    while x < end:
        yield ((x, y), (min(x + 3.0, end), y))
        x += 5.0


# -- text ---------------------------------------------------------------------------------------------------


def _words(pen: ImageDraw, words: Words, factor: float, lacking: dict[str, None]) -> None:
    if not words.text:
        return
    size = words.size * factor
    runs = list(_runs(_in_display_order(words.text), size))
    x = words.x * factor - sum(width for _, _, width in runs) / 2
    y = words.y * factor
    for text, font, width in runs:
        if font is not None:
            pen.text((x, y), text, words.fill, font, anchor="ls")
        else:
            lacking[text] = None
            _code_box(pen, text, x, y, size, width, words.fill)
        x += width


def _runs(text: str, size: float) -> Iterator[tuple[str, FreeTypeFont | None, float]]:
    """Pieces with the font that has them, and their width; a character that no font has comes alone, with None."""
    fonts = _fonts(round(size))
    run, current = "", None
    for character in text:
        font = next((f for f in fonts if _has(f, character)), None)
        if run and font is not current:
            yield run, current, current.getlength(run) if current else 0.0
            run = ""
        if font is None:
            yield character, None, size * (1.0 if ord(character) < 0x10000 else 1.35)
        else:
            run += character
        current = font
    if run and current is not None:
        yield run, current, current.getlength(run)


@lru_cache(maxsize=8)
def _fonts(size: int) -> tuple[Any, ...]:
    from PIL import ImageFont

    found = []
    for name in FONTS:
        try:
            found.append(ImageFont.truetype(name, size))
        except OSError:  # noqa: PERF203 - a missing font is the usual case
            continue
    return (*found, ImageFont.load_default(size)) if not found else tuple(found)


@lru_cache(maxsize=4096)
def _has(font: FreeTypeFont, character: str) -> bool:
    """Whether `font` has a glyph for it: one that differs from the one it shows for what it has not."""
    if character in " \u200c\u200d":
        return True
    return bytes(font.getmask(character)) != bytes(font.getmask("\U0010ffff"))


def _code_box(pen: ImageDraw, character: str, x: float, y: float, size: float, width: float, fill: str) -> None:
    digits = f"{ord(character):04X}" if ord(character) < 0x10000 else f"{ord(character):06X}"
    half = len(digits) // 2
    left, top, right, bottom = x + size * 0.06, y - size * 0.82, x + width - size * 0.06, y + size * 0.14
    pen.rectangle([left, top, right, bottom], None, fill, max(1, round(size / 24)))
    font = _fonts(max(4, round(size * 0.4)))[0]
    for row, text in enumerate((digits[:half], digits[half:])):
        pen.text(((left + right) / 2, top + (bottom - top) * (0.29 + 0.44 * row)), text, fill, font, anchor="mm")


def _in_display_order(text: str) -> str:
    """Right-to-left runs turned round, where Pillow was built without a library that does it."""
    from PIL import features

    if not right_to_left(text) or features.check("raqm"):
        return text
    words: list[str] = []
    run: list[str] = []
    for word in text.split(" "):
        if right_to_left(word):
            run.insert(0, word[::-1])
        else:
            words += [*run, word]
            run = []
    return " ".join([*words, *run])
