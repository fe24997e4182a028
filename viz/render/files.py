"""Writing a `Drawing`: into files by their ending, and into notebooks."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from pathlib import Path
from typing import Final

from ..model.drawing import Drawing
from ..model.theme import DARK, LIGHT, Theme
from .svg import render_svg

ENDINGS: Final = (".svg", ".html", ".pdf", ".png", ".dot")


def save(drawing: Drawing, path: Path) -> Path:
    """Write `drawing` in the format that the ending of `path` names; it is rendered whole before the file is touched.

    Raises:
        ValueError: for an ending that is none of `ENDINGS`.
        ImportError: for .png without Pillow.
    """
    ending = path.suffix.lower()
    if ending == ".svg":
        content = drawing.svg.encode()
    elif ending == ".html":
        content = html_page(drawing).encode()
    elif ending == ".dot":
        from .dot import dot_source

        content = dot_source(drawing).encode()
    elif ending == ".pdf":
        from .pdf import render_pdf

        content = render_pdf(drawing)
    elif ending == ".png":
        from .png import render_png

        content = render_png(drawing)
    else:
        raise ValueError(f"{str(path)!r}: the ending must be one of {', '.join(ENDINGS)}, got {ending or 'none'}")
    path.write_bytes(content)
    return path


def mimebundle(drawing: Drawing) -> dict[str, str]:
    """What a notebook shows: an `<img>` with the picture inside it survives untrusted and sanitised views."""
    svg = drawing.svg
    return {
        "text/html": _img(drawing, svg),
        "image/svg+xml": svg,
        "text/plain": "\n".join([drawing.summary, *drawing.messages]),
    }


def _img(drawing: Drawing, svg: str) -> str:
    data = b64encode(svg.encode()).decode("ascii")
    notes = f"<p>{'<br>'.join(map(escape, drawing.messages))}</p>" if drawing.messages else ""
    return (
        f'<div style="overflow-x:auto"><img src="data:image/svg+xml;base64,{data}" alt="{escape(drawing.summary)}" '
        f'width="{drawing.width:g}" height="{drawing.height:g}" style="max-width:none"></div>{notes}'
    )


def html_page(drawing: Drawing) -> str:
    """A page of its own around the picture: light or dark as the reader's system is, no script, no request."""
    notes = "".join(f"<p>{escape(message)}</p>\n" for message in drawing.messages)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>{escape(drawing.summary)}</title>
<style>
body {{ margin: 1em; font-family: Helvetica, Arial, "DejaVu Sans", sans-serif; }}
main {{ overflow-x: auto; }}
{_css(LIGHT)}
@media (prefers-color-scheme: dark) {{
{_css(DARK)}
}}
</style>
</head>
<body>
<main tabindex="0" aria-label="drawing">
{render_svg(drawing, interactive=True)}</main>
<p>{escape(drawing.summary)}</p>
{notes}</body>
</html>
"""


def _css(theme: Theme) -> str:
    rules = [
        f"body {{ background: {theme.background}; color: {theme.text}; }}",
        f".edge {{ stroke: {theme.forward}; stroke-width: 1.3; }}",
        f".arrow {{ fill: {theme.forward}; }}",
        f".rule {{ stroke: {theme.border}; stroke-width: .7; }}",
        f".slope {{ fill: {theme.quiet}; }}",
    ]
    for kind in ("op", "leaf", "const", "fold"):
        style = theme.of(kind)
        rules.append(f".{kind} .frame {{ fill: {style.fill}; stroke: {theme.border}; stroke-width: {style.line:g}; }}")
    parts = ("title", "value", "grad", "note")
    rules += [f".box .{part} {{ fill: {theme.text_of('op', part)}; }}" for part in parts]
    rules.append(f".const .value {{ fill: {theme.text}; }}")
    return "\n".join(rules)
