"""Places in the user's code: file, line and text, for messages."""

from __future__ import annotations

import dis
import linecache
import re
import sys
import sysconfig
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, Final

from ..errors import DomainError
from ..shown import clipped
from ..story.source import is_ours

_LIBRARY: Final = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})
_WIDTH: Final = 60
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
        text = clipped(text, _WIDTH)
    return f"{Path(code.co_filename).name}:{line}" + (f": {text}" if text else "")


def line_naming(code: CodeType, name: str) -> int:
    """The first line of some code that has a word in it; else its first line."""
    lines = [line for _, _, line in code.co_lines() if line is not None]
    word = re.compile(rf"\b{re.escape(name)}\b")
    return next((n for n in lines if word.search(linecache.getline(code.co_filename, n))), code.co_firstlineno)


def home(function: Any) -> str:
    """Where a function is defined, for the end of a sentence; nothing for glassgrad's own and for those of C."""
    called = getattr(function, "func", function)
    called = called if hasattr(called, "__code__") or not callable(called) else called.__call__
    code = getattr(called, "__code__", None)
    if not isinstance(code, CodeType) or str(getattr(called, "__module__", "")).startswith("glassgrad."):
        return ""
    first = code.co_firstlineno
    texts = [linecache.getline(code.co_filename, first + k) for k in range(9)]  # decorators come first
    return f", in {place(code, 0, first + next((k for k, t in enumerate(texts) if 'def ' in t or 'lambda' in t), 0))}"


def _columns(code: CodeType, at: int) -> tuple[int | None, int | None, int | None, int | None]:
    if sys.version_info >= (3, 11):
        return next(islice(code.co_positions(), max(0, at // 2), None), (None,) * 4)
    return None, None, None, None


def _is_library(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return (
        file.startswith((*_LIBRARY, "<frozen", "<__array_function__"))
        or "site-packages" in file
        or "dist-packages" in file
    )


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
    if isinstance(error, SystemExit):
        return True
    if isinstance(error.__context__, DomainError):  # raised since an op has failed: of other numbers it would not
        return False
    last = _tracebacks(error)[-1]
    code = last.tb_frame.f_code
    return not is_ours(last.tb_frame) and dis.opname[code.co_code[last.tb_lasti]] == "RAISE_VARARGS"
