"""Places in the user's code: file, line and text, for messages."""

from __future__ import annotations

import dis
import linecache
import sys
import sysconfig
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Final

from ..story.source import is_ours

_LIBRARY: Final = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})
_WIDTH: Final = 80
"""A longer line is cut to the expression that it is about."""


def user_frame(frame: FrameType) -> FrameType:
    """The nearest caller that is not glassgrad's, nor a library's if there is one."""
    nearest = None
    caller: FrameType | None = frame
    while caller is not None:
        if not is_ours(caller):
            nearest = nearest or caller
            if not _is_library(caller):
                return caller
        caller = caller.f_back
    return nearest or frame


def place_of(frame: FrameType) -> str:
    """File, line and text of what a frame is about to do."""
    return place(frame.f_code, frame.f_lasti, frame.f_lineno)


def place(code: CodeType, at: int, line: int) -> str:
    """File, line and text of the instruction `at` (an offset in bytes) of some code."""
    text = linecache.getline(code.co_filename, line).strip()
    if len(text) > _WIDTH:
        first, last, start, end = _columns(code, at)
        whole = linecache.getline(code.co_filename, line).encode()
        if first == last == line and start is not None:
            text = whole[start:end].decode(errors="replace")
        text = text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
    return f"{Path(code.co_filename).name}:{line}" + (f": {text}" if text else "")


def _columns(code: CodeType, at: int) -> tuple[int | None, int | None, int | None, int | None]:
    if sys.version_info >= (3, 11):
        return next(islice(code.co_positions(), max(0, at // 2), None), (None,) * 4)
    return None, None, None, None


def _is_library(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return file.startswith((*_LIBRARY, "<frozen")) or "site-packages" in file or "dist-packages" in file


def _tracebacks(error: BaseException) -> list[TracebackType]:
    found, at = [], error.__traceback__
    while at is not None:
        found.append(at)
        at = at.tb_next
    return found


def end_of(error: BaseException) -> str:
    """Where an error comes from in the user's code."""
    own = [t for t in _tracebacks(error) if not is_ours(t.tb_frame)]
    near = [t for t in own if not _is_library(t.tb_frame)] or own
    return place(near[-1].tb_frame.f_code, near[-1].tb_lasti, near[-1].tb_lineno) if near else "an unknown place"


def raised_on_purpose(error: BaseException) -> bool:
    """Whether a `raise` or `assert` of the user's made the error: a guard against wrong data, not another path."""
    last = _tracebacks(error)[-1]
    code = last.tb_frame.f_code
    return not is_ours(last.tb_frame) and dis.opname[code.co_code[last.tb_lasti]] == "RAISE_VARARGS"
