"""What a function calls while it is traced: ops within a `try`, random numbers, the clock, other threads."""

from __future__ import annotations

import _thread
import dis
import os
import queue
import random
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime
from functools import lru_cache
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, Final

import numpy as np

from ..core.undefined import domain_error
from ..core.value import Value
from ..errors import DomainOverflowError, DomainZeroDivisionError
from ..story.source import is_ours
from .places import line_naming, place, place_of, user_frame

_OUTSIDE: Final = {
    **dict.fromkeys([time.time, time.time_ns, time.localtime, time.gmtime, time.ctime], "reads the clock"),
    **dict.fromkeys([datetime.now, datetime.utcnow, datetime.today, date.today], "reads the clock"),
    os.urandom: "draws random numbers",
    **{
        getattr(_thread, name): "starts a thread"
        for name in ("start_new_thread", "start_joinable_thread")
        if hasattr(_thread, name)
    },
}
_WAITS: Final = (threading.Condition.wait, queue.SimpleQueue.get, ThreadPoolExecutor.submit)
_OTHER_THREADS: Final = frozenset(f.__code__ for f in _WAITS if hasattr(f, "__code__"))
_REACH, _DEPTH = 2_000, 4


class TrialError(DomainZeroDivisionError, DomainOverflowError):
    """The error that an op is made to raise: whatever a `try` around it catches, it catches this."""


class Calls:
    """Listens to a trace through the interpreter's profiling hook.

    Args:
        fail_at: the number of the op that is made to fail; 0 for none.
    """

    def __init__(self, fail_at: int = 0) -> None:
        self.fail_at = fail_at
        self.ops = 0
        self.failed: str | None = None
        self.guarded: dict[tuple[Any, ...], tuple[int, str]] = {}
        self.drawn: dict[int, tuple[Any, str]] = {}
        self.forbidden: tuple[str, str] | None = None
        self.generators: dict[int, tuple[Any, str, str]] = {}
        self.protected: set[CodeType] = set()
        self.kinds: dict[CodeType, bool] = {}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen while the block runs."""
        measuring: Any = sys.getprofile()  # somebody else's hook, put aside meanwhile
        by_itself = hasattr(measuring, "enable") and hasattr(measuring, "disable")  # cProfile's, which is no function
        if by_itself:
            measuring.disable()
        sys.setprofile(self)
        try:
            yield
        finally:
            sys.setprofile(None if by_itself else measuring)
            if by_itself:
                measuring.enable()

    def __call__(self, frame: FrameType, event: str, called: Any) -> None:
        """What the interpreter tells."""
        if event == "call":
            code = frame.f_code
            is_op = self.kinds.get(code)
            if is_op is None:
                is_op = self.kinds[code] = code.co_filename.startswith("<glassgrad op")
                if not is_op and not is_ours(frame):
                    self._note_generators(frame)
                    if code in _OTHER_THREADS:
                        there = place_of(user_frame(frame))
                        self.forbidden = self.forbidden or ("the function uses another thread", there)
                    if handlers(code):
                        self.protected.add(code)
            if is_op:
                self.ops += 1
                if self.ops == self.fail_at:
                    raise TrialError("an op fails on trial")
                if self.protected:
                    self._note_handlers(frame)
            elif code is domain_error.__code__ and self.failed is None:
                self.failed = place_of(user_frame(frame))
        elif event == "c_call":
            owner = getattr(called, "__self__", None)
            if isinstance(owner, random.Random):
                self.drawn.setdefault(id(owner), (owner, place_of(user_frame(frame))))
            elif self.forbidden is None and not is_ours(frame) and (does := _does(called)):
                self.forbidden = (f"the function {does}", place_of(user_frame(frame)))

    def _note_generators(self, frame: FrameType) -> None:
        """Remember the state of NumPy's generators that a function can reach: the interpreter is silent about them."""
        if "numpy.random" not in sys.modules:
            return
        code = frame.f_code
        near = [(name, thing, 0) for name, thing in frame.f_locals.items()]  # closed over, and arguments
        near += [(name, frame.f_globals.get(name), 0) for name in code.co_names]
        if "random" in code.co_names:
            near.append(("random", np.random.mtrand._rand, 0))  # np.random.rand(…) and its like
        seen: set[int] = set()
        for name, thing, depth in near:  # grows
            if isinstance(thing, (np.random.Generator, np.random.RandomState)):
                if id(thing) not in self.generators:
                    self.generators[id(thing)] = (thing, _state(thing), place(code, 0, line_naming(code, name)))
            elif depth < _DEPTH and id(thing) not in seen and len(near) < _REACH:
                seen.add(id(thing))
                near += [(name, inner, depth + 1) for inner in _held(thing)]

    def _note_handlers(self, frame: FrameType) -> None:
        around: list[Any] = []
        there = ""
        by = user_frame(frame)
        caller = frame.f_back
        while caller is not None:
            code = caller.f_code
            if code in self.protected:
                inside = [i for i, (start, end) in enumerate(handlers(code)) if start <= caller.f_lasti < end]
                around += [(code, i) for i in inside]
                there = there or (place_of(caller) if inside else "")
            caller = caller.f_back
        if around:
            self.guarded.setdefault((*around, by.f_code, by.f_lasti), (self.ops, there))

    def outside(self) -> tuple[str, str] | None:
        """What was used from outside, a generator of random numbers that lives on, the clock or a thread; and where."""
        for key in list(self.drawn):
            owner, there = self.drawn.pop(key)
            if sys.getrefcount(owner) > 2:  # `owner` and the argument: whoever else has it keeps its state
                return "the function draws random numbers", there
        for owner, before, there in self.generators.values():
            if _state(owner) != before:
                return "the function draws random numbers", there
        return self.forbidden


def _held(thing: Any) -> list[Any]:
    """What a container, an instance or a bound method holds; of modules, classes, functions and Values nothing."""
    if isinstance(thing, (list, tuple)):
        return list(thing)
    if isinstance(thing, dict):
        return list(thing.values())
    if isinstance(thing, (ModuleType, type, FunctionType, Value)):
        return []
    return [*getattr(thing, "__dict__", {}).values(), getattr(thing, "__self__", None)]


def _does(called: Any) -> str:
    try:
        return _OUTSIDE.get(called, "")
    except TypeError:  # a method of something that cannot be hashed, as of a list
        return ""


def _state(generator: Any) -> str:
    bits = getattr(generator, "bit_generator", None)
    return repr(generator.get_state() if bits is None else bits.state)


@lru_cache(maxsize=1024)
def handlers(code: CodeType) -> tuple[tuple[int, int], ...]:
    """The ranges of instructions that an `except`, `finally` or `with` surrounds, as offsets in bytes."""
    if sys.version_info < (3, 11):
        names = {i.opname for i in dis.get_instructions(code)}
        return ((-1, 1 << 60),) if names & {"SETUP_FINALLY", "SETUP_WITH", "SETUP_ASYNC_WITH"} else ()
    found = []
    table, at = code.co_exceptiontable, 0
    starts = {i.offset for i in dis.get_instructions(code) if i.opname == "PUSH_EXC_INFO"} if table else set()
    while at < len(table):
        numbers = []
        for _ in range(4):  # start, length, target, depth: six bits a byte, the seventh says that more follow
            number = table[at] & 63
            while table[at] & 64:
                at += 1
                number = number << 6 | table[at] & 63
            at += 1
            numbers.append(number)
        start, length, target, _ = numbers
        if 2 * target in starts:
            found.append((2 * start, 2 * (start + length)))
    return tuple(found)
