"""A command in a terminal of its own, for tests that press keys."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

COLUMNS = 100


class Terminal:
    """The command that runs, its screen and its keys."""

    def __init__(self, process: subprocess.Popen[bytes], screen: int) -> None:
        self.process, self.screen = process, screen

    def read_until(self, text: str) -> str:
        """What is written until `text` comes."""
        seen, end = "", time.monotonic() + 20
        while text not in seen:
            assert select.select([self.screen], [], [], max(0.0, end - time.monotonic()))[0], seen[-2000:]
            seen += os.read(self.screen, 65536).decode("utf-8", "replace")
        return seen

    def press(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.screen, keys)


@contextmanager
def _run(*words: str) -> Iterator[Terminal]:
    """`glassgrad` with these words, ended at the end of the block."""
    import pty

    screen, child = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "glassgrad", *words],
        stdin=child,
        stdout=child,
        stderr=child,
        env={**os.environ, "COLUMNS": str(COLUMNS), "LINES": "30", "TERM": "xterm-256color", "NO_COLOR": "1"},
    )
    os.close(child)
    try:
        yield Terminal(process, screen)
    finally:
        process.kill()
        process.wait()
        os.close(screen)


@pytest.fixture
def terminal() -> Callable[..., AbstractContextManager[Terminal]]:
    """Runs `glassgrad` with the words given: `with terminal("step", "x*x", "x=3") as shown:`."""
    return _run
