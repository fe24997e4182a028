"""Coordinates from Graphviz: `dot -Tplain`, given nothing but numbers and sizes (no label ever reaches it)."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Sequence
from typing import Final

from ..model.diagram import Point
from .layered import Placed

PIXELS_PER_INCH: Final = 72.0
SECONDS: Final = 20.0


class DotError(RuntimeError):
    """dot is missing, failed, or took too long."""


def dot_found() -> bool:
    """Whether the `dot` program is on the search path."""
    return shutil.which("dot") is not None


def dot_placed(
    sizes: Sequence[Point],
    links: Sequence[tuple[int, int]],
    slopes: Sequence[str],
    ports: Sequence[int | None],
    across: bool,
) -> Placed:
    """Let dot place boxes of `sizes` (width, height); `across` from top to bottom.

    `ports` says for each link at which of its target's places it ends, in their order; None leaves that to dot.

    Raises:
        DotError: if there is no dot, it fails, or it takes more than 20 seconds.
    """
    program = shutil.which("dot")
    if program is None:
        raise DotError(
            'no dot program was found: install Graphviz (https://graphviz.org/download), or use layout="builtin"'
        )
    try:
        done = subprocess.run(  # noqa: S603 - the program from the search path, fed numbers only
            [program, "-Tplain", "-y"],
            input=_source(sizes, links, slopes, ports, across),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DotError(f'dot took more than {SECONDS:g} s for {len(sizes):,} boxes; use layout="builtin"') from None
    if done.returncode:
        raise DotError(f"dot failed with status {done.returncode}: {done.stderr.strip()[:200]}")
    return _placed(done.stdout, len(sizes), links)


def _source(
    sizes: Sequence[Point],
    links: Sequence[tuple[int, int]],
    slopes: Sequence[str],
    ports: Sequence[int | None],
    across: bool,
) -> str:
    lines = [
        f"digraph {{ rankdir={'TB' if across else 'LR'}; nodesep=0.19; ranksep=0.5;",
        'node [shape=box, fixedsize=true, label=""]; edge [dir=none, fontname=Helvetica, fontsize=10];',
    ]
    places: dict[int, set[int]] = {}
    for (_, v), port in zip(links, ports):
        if port is not None:
            places.setdefault(v, set()).add(port)
    for i, (w, h) in enumerate(sizes):
        record = f', shape=record, label="{"|".join(f"<{p}>" for p in sorted(places[i]))}"' if i in places else ""
        lines.append(f"{i} [width={w / PIXELS_PER_INCH:.4f}, height={h / PIXELS_PER_INCH:.4f}{record}];")
    for (u, v), slope, port in zip(links, slopes, ports):
        head = f"{v}" if port is None else f"{v}:{port}"
        lines.append(f'{u} -> {head} [label="{slope}"];' if slope else f"{u} -> {head};")
    return "\n".join([*lines, "}"])


def _placed(plain: str, count: int, links: Sequence[tuple[int, int]]) -> Placed:
    middles: list[Point] = [(0.0, 0.0)] * count
    found: dict[tuple[int, int], list[tuple[tuple[Point, ...], Point]]] = {}
    size = (0.0, 0.0)
    for line in plain.splitlines():
        words = shlex.split(line)
        if words[0] == "graph":
            size = _point(words[2], words[3])
        elif words[0] == "node":
            middles[int(words[1])] = _point(words[2], words[3])
        elif words[0] == "edge":
            end = 4 + 2 * int(words[3])
            curve = tuple(_point(x, y) for x, y in zip(words[4:end:2], words[5:end:2]))
            spot = _point(words[end + 1], words[end + 2]) if len(words) > end + 2 else curve[len(curve) // 2]
            found.setdefault((int(words[1]), int(words[2])), []).append((curve, (spot[0], spot[1] + 3.5)))
    routes = [found[link].pop(0) for link in links]
    return Placed(middles, [curve for curve, _ in routes], size, [spot for _, spot in routes])


def _point(x: str, y: str) -> Point:
    return float(x) * PIXELS_PER_INCH, float(y) * PIXELS_PER_INCH
