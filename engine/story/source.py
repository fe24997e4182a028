"""Which line of the user's own code made a node.

Watching costs nothing while it is off: it listens, through the interpreter's profiling hook, for returns of
the functions that make nodes, and looks one frame up.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any

from ..core.value import Value
from .graph import SourceLine

_ran: set[str] = set()
"""The files whose code ran in this process while it was watched: whose lines may be shown."""
_INIT = Value.__init__.__code__


@contextmanager
def record_source() -> Iterator[dict[Value, SourceLine]]:
    """Inside, note for every new Value the line (from Python 3.11 on also the columns) that made it.

    Yields:
        A dictionary that fills up; hand it to `Graph(root, sources=…)`.

    >>> with record_source() as sources:
    ...     x = Value(2.0)
    ...     y = x * x
    >>> y in sources, sources[y].line > 0
    (True, True)
    """
    sources: dict[Value, SourceLine] = {}

    def watch(frame: FrameType, event: str, result: Any) -> None:
        if event != "return":
            return
        made = frame.f_locals["self"] if frame.f_code is _INIT else result
        if made.__class__ is Value and made not in sources:
            caller = frame if not is_ours(frame) else _user_frame(frame)
            if caller is not None:
                sources[made] = _place(caller)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        yield sources
    finally:
        sys.setprofile(before)


def watched(code: CodeType) -> None:
    """Note that the code runs in this process: its lines may be shown."""
    _ran.add(code.co_filename)


def source_lines(file: str) -> list[str]:
    """The lines of a file (or cell) whose code was watched in this process; of any other file none.

    A graph that was read in may name any file of this machine.
    """
    return linecache.getlines(file) if file in _ran else []


def is_ours(frame: FrameType) -> bool:
    """Whether a frame runs glassgrad's own code."""
    module = str(frame.f_globals.get("__name__", ""))
    return module.startswith("glassgrad.") or frame.f_code.co_filename.startswith("<glassgrad op")


def _user_frame(frame: FrameType | None) -> FrameType | None:
    while frame is not None and is_ours(frame):
        frame = frame.f_back
    return frame


@lru_cache(maxsize=256)
def _positions(code: CodeType) -> list[tuple[int | None, int | None, int | None, int | None]]:
    if sys.version_info >= (3, 11):
        return list(code.co_positions())
    return []


def _place(frame: FrameType) -> SourceLine:
    code = frame.f_code
    watched(code)
    positions = _positions(code)
    if positions:
        line, last, start, end = positions[frame.f_lasti // 2]
        if line is not None and start is not None:
            text = linecache.getline(code.co_filename, line, frame.f_globals).encode()
            first = len(text[:start].decode(errors="replace"))  # columns count bytes, people count characters
            return SourceLine(
                code.co_filename,
                line,
                first,
                len(text[:end].decode(errors="replace")) if last == line and text else None,
            )
    return SourceLine(code.co_filename, frame.f_lineno)
