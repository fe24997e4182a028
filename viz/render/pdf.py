"""A `Drawing` as PDF, written by hand: one page, the standard fonts Helvetica and Symbol, nothing embedded.

A character that neither font has is drawn as a small box with its code number, and the text that is copied or searched
is the right one all the same (ActualText). ISO 32000-1: 9.6.2.2 standard fonts, 14.9.4 replacement text.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from typing import Final

from ..model.drawing import Drawing
from ..model.shapes import Filled, Panel, Stroke, Words, shapes
from ..model.text import helvetica_width
from ..model.theme import LIGHT

POINTS: Final = 0.75  # per CSS pixel
LARGEST: Final = 14_400.0  # points, ISO 32000-1 annex C
ROUND: Final = 0.5523  # how far along its side the handles of a quarter circle are

# Characters of the font Symbol: its code, and the width in thousandths of the size.
# fmt: off
_GREEK: Final = "ABCDEFGHIKLMNOPQRSTUWXYZabcdefghiklmnopqrstuwxyz"
_GREEK_LETTERS: Final = "ΑΒΧΔΕΦΓΗΙΚΛΜΝΟΠΘΡΣΤΥΩΞΨΖαβχδεφγηικλμνοπθρστυωξψζ"
_GREEK_WIDTHS: Final = (
    722, 667, 722, 612, 611, 763, 603, 722, 333, 722, 686, 889,
    722, 722, 768, 741, 556, 592, 611, 690, 768, 645, 795, 611,
    631, 549, 549, 494, 439, 521, 411, 603, 329, 549, 549, 576,
    521, 549, 549, 521, 549, 603, 439, 576, 686, 493, 686, 494,
)
SYMBOL: Final = {letter: (ord(code), width) for letter, code, width in zip(_GREEK_LETTERS, _GREEK, _GREEK_WIDTHS)} | {
    "−": (0x2D, 549), "∂": (0xB6, 494), "∑": (0xE5, 713), "∏": (0xD5, 823), "√": (0xD6, 549), "∞": (0xA5, 713),
    "≤": (0xA3, 549), "≥": (0xB3, 549), "≠": (0xB9, 549), "≈": (0xBB, 549), "∇": (0xD1, 713), "∈": (0xCE, 713),
    "→": (0xAE, 987), "←": (0xAC, 987), "↑": (0xAD, 603), "↓": (0xAF, 603), "′": (0xA2, 247), "⋅": (0xD7, 250),
}
# fmt: on


def render_pdf(drawing: Drawing) -> bytes:
    """The drawing as the bytes of a PDF file.

    Warns:
        UserWarning: if characters had to be drawn as boxes with their code numbers.

    >>> from glassgrad import Graph, Value
    >>> from ..place.layout import layout
    >>> render_pdf(layout(Graph(Value(2.0, "x"))))[:8]
    b'%PDF-1.7'
    """
    scale = min(POINTS, LARGEST / max(drawing.width, drawing.height))
    width, height = drawing.width * scale, drawing.height * scale
    boxed: dict[str, None] = {}
    lines = [f"{_n(scale)} 0 0 {_n(-scale)} 0 {_n(height)} cm", "1 j"]
    for shape in shapes(drawing, LIGHT):
        if isinstance(shape, Words):
            lines += _words(shape, boxed)
        elif isinstance(shape, Panel):
            lines.append(_panel(shape))
        elif isinstance(shape, Stroke):
            lines.append(_stroke(shape))
        else:
            lines.append(_filled(shape))
    if boxed:
        codes = ", ".join(f"{c} U+{ord(c):04X}" for c in list(boxed)[:8]) + (", …" if len(boxed) > 8 else "")
        warnings.warn(
            f"the PDF's standard fonts lack {len(boxed)} of the characters used ({codes}): they are drawn as boxes "
            "with their code numbers, and copy as the right text; svg and html show them",
            stacklevel=4,
        )
    return _file("\n".join(lines).encode("ascii"), width, height, drawing.summary)


def _file(content: bytes, width: float, height: float, title: str) -> bytes:
    stream = zlib.compress(content, 9)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (en) >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {_n(width)} {_n(height)}] /Contents 4 0 R "
        "/Resources << /Font << /H 5 0 R /S 6 0 R >> >> >>".encode("ascii"),
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>",
        f"<< /Title {_unicode(title)} /Producer (glassgrad) >>".encode("ascii"),
    ]
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        len(objects),
        start,
    )
    return bytes(out)


# -- shapes -------------------------------------------------------------------------------------------------


def _panel(panel: Panel) -> str:
    x, y, w, h = panel.x, panel.y, panel.width, panel.height
    r = min(panel.radius, w / 2, h / 2)
    k = r * (1 - ROUND)
    right, bottom = x + w, y + h
    pieces = [
        f"{_p(x + r, y)} m",
        f"{_p(right - r, y)} l {_p(right - k, y)} {_p(right, y + k)} {_p(right, y + r)} c",
        f"{_p(right, bottom - r)} l {_p(right, bottom - k)} {_p(right - k, bottom)} {_p(right - r, bottom)} c",
        f"{_p(x + r, bottom)} l {_p(x + k, bottom)} {_p(x, bottom - k)} {_p(x, bottom - r)} c",
        f"{_p(x, y + r)} l {_p(x, y + k)} {_p(x + k, y)} {_p(x + r, y)} c h B",
    ]
    return f"{_rgb(panel.fill)} rg {_rgb(panel.stroke)} RG {_n(panel.line)} w\n" + "\n".join(pieces)


def _stroke(stroke: Stroke) -> str:
    points = [_p(x, y) for x, y in stroke.curve]
    curves = (f"{points[i]} {points[i + 1]} {points[i + 2]} c" for i in range(1, len(points), 3))
    dash = "[3 2] 0 d" if stroke.dashed else "[] 0 d"
    return f"{_rgb(stroke.stroke)} RG {_n(stroke.line)} w {dash}\n{points[0]} m\n" + "\n".join(curves) + " S [] 0 d"


def _filled(filled: Filled) -> str:
    first, *others = [_p(x, y) for x, y in filled.points]
    return f"{_rgb(filled.fill)} rg {first} m {' '.join(f'{point} l' for point in others)} h f"


# -- text ---------------------------------------------------------------------------------------------------


def _words(words: Words, boxed: dict[str, None]) -> Iterator[str]:
    if not words.text:
        return
    runs = list(_runs(words.text))
    x = words.x - sum(width for _, _, width in runs) * words.size / 2000
    missing = [(character, width) for font, character, width in runs if not font]
    boxed.update(dict.fromkeys(character for character, width in missing if width))
    if missing:
        yield f"/Span << /ActualText {_unicode(words.text)} >> BDC"
    yield f"{_rgb(words.fill)} rg {_rgb(words.fill)} RG"
    for font, text, thousandths in runs:
        width = thousandths * words.size / 1000
        if font:
            yield f"BT /{font} {_n(words.size)} Tf 1 0 0 -1 {_p(x, words.y)} Tm {text} Tj ET"
        elif width:
            yield from _code_box(text, x, words.y, words.size, width)
        x += width
    if missing:
        yield "EMC"


def _runs(text: str) -> Iterator[tuple[str, str, int]]:
    """Pieces of one font: (font, its PDF string, width in thousandths); a character no font has comes with font ""."""
    font, codes, width = "", bytearray(), 0
    for character in text:
        this, code, wide = _glyph(character)
        if codes and this != font:
            yield font, f"<{codes.hex()}>", width
            codes, width = bytearray(), 0
        if this:
            codes.append(code)
            width += wide
        else:
            yield "", character, wide
        font = this
    if codes:
        yield font, f"<{codes.hex()}>", width


def _glyph(character: str) -> tuple[str, int, int]:
    if character in SYMBOL:
        code, width = SYMBOL[character]
        return "S", code, width
    try:
        code = character.encode("cp1252")[0]
    except UnicodeEncodeError:
        if character in "\u200c\u200d":  # nothing to see
            return "", 0, 0
        return "", 0, 1000 if ord(character) < 0x10000 else 1350
    base = character if code < 127 else {"…": "W", "—": "W", "•": ":"}.get(character) or _base_letter(character)
    return "H", code, helvetica_width(base)


def _base_letter(character: str) -> str:
    """The letter whose width an accented one has; a digit's for the signs, which are about as wide."""
    from unicodedata import normalize

    base = normalize("NFD", character)[0]
    return base if base.isascii() else "0"


def _code_box(character: str, x: float, y: float, size: float, width: float) -> Iterator[str]:
    """Two rows of hexadecimal digits in a frame, as browsers show what they have no glyph for."""
    digits = f"{ord(character):04X}" if ord(character) < 0x10000 else f"{ord(character):06X}"
    half = len(digits) // 2
    left, top, high, wide = x + size * 0.06, y - size * 0.8, size * 0.95, width - size * 0.12
    yield f"0.4 w {_p(left, top)} {_p(wide, high)} re S"
    for row, text in enumerate((digits[:half], digits[half:])):
        small = size * 0.44
        start = left + (wide - half * 0.556 * small) / 2
        code = text.encode("ascii").hex()
        yield f"BT /H {_n(small)} Tf 1 0 0 -1 {_p(start, top + high * (0.43 + 0.48 * row))} Tm <{code}> Tj ET"


def _unicode(text: str) -> str:
    return "<feff" + text.encode("utf-16-be").hex() + ">"


def _rgb(colour: str) -> str:
    return " ".join(_n(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))


def _p(x: float, y: float) -> str:
    return f"{_n(x)} {_n(y)}"


def _n(x: float) -> str:
    return f"{x:.3f}".rstrip("0").rstrip(".") or "0"
