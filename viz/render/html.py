"""A `Diagram` as HTML: a page of its own, and what a notebook shows."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import Final

from ..model.diagram import Diagram
from ..model.theme import LIGHT, css_variables
from .svg import render_svg


def _rules() -> str:
    boxes = [
        f".{kind} .frame {{ fill: var(--{fill}); stroke: var(--border); stroke-width: {LIGHT.of(kind).line:g}; }}"
        for kind, fill in (("op", "op"), ("leaf", "leaf"), ("const", "op"), ("fold", "fold"))
    ]
    return "\n".join(boxes)


STYLE: Final = f"""{css_variables()}body {{
  margin: 1em; font-family: Helvetica, Arial, "DejaVu Sans", sans-serif;
  background: var(--panel); color: var(--text);
}}
main {{ overflow-x: auto; }}
.edge {{ stroke: var(--forward); stroke-width: 1.3; }}
.arrow {{ fill: var(--forward); }}
.rule {{ stroke: var(--border); stroke-width: .7; }}
.title, .mark {{ fill: var(--text); }}
.value {{ fill: var(--forward); }}
.grad {{ fill: var(--backward-text); }}
.slope, .note, .key {{ fill: var(--quiet); }}
{_rules()}
.const .value {{ fill: var(--text); }}"""


def html_image(diagram: Diagram) -> str:
    """The picture for a notebook: an `<img>` that has it inside survives untrusted and sanitised views."""
    data = b64encode(render_svg(diagram).encode()).decode("ascii")
    notes = f"<p>{'<br>'.join(map(escape, diagram.messages))}</p>" if diagram.messages else ""
    return (
        f'<div style="overflow-x:auto"><img src="data:image/svg+xml;base64,{data}" alt="{escape(diagram.summary)}" '
        f'width="{diagram.width:g}" height="{diagram.height:g}" style="max-width:none"></div>{notes}'
    )


def render_html(diagram: Diagram) -> str:
    """A page around the picture: light or dark as the reader's system is, no script, no request."""
    notes = "".join(f"<p>{escape(message)}</p>\n" for message in diagram.messages)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>{escape(diagram.summary)}</title>
<style>
{STYLE}
</style>
</head>
<body>
<main tabindex="0" aria-label="drawing">
{render_svg(diagram, interactive=True)}</main>
<p>{escape(diagram.summary)}</p>
{notes}</body>
</html>
"""
