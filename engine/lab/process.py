"""A learner's file, run in a process of its own and questioned from outside.

The parent asks and judges; the child only answers. A test is run here, in the parent: each name of the file is a
`Remote` here, and what is done to it (a call, an attribute, `+`) is asked for there, a line of JSON each way. What
comes back is plain data or the number of an object that stays there; nothing is unpickled, and no code of the file
ever runs here. An answer carries the unguessable number of its question, and a comparison is made here, with data.

So nothing passes because the file ends the process (`sys.exit`, `os._exit`, a crash), raises whatever it likes, prints
or writes to any descriptor, replaces parts of `json` or `builtins`, leaves threads or `atexit` behind, or returns
objects that equal everything, NaN, text or a gigabyte. Whoever takes over the channel still has to answer rightly.

Limited: time; processor time, memory (`RLIMIT_AS`) and the size of a file, where there is `resource` (not on Windows);
what is printed is cut here. The folder is temporary, the environment bare, the standard input empty. On Linux, where
namespaces are allowed, the process has no network, sees no other process, and takes all its descendants with it;
elsewhere Python's own ways to sockets and processes are refused (an audit hook), and `Outcome.open_doors` says so.

Not protected: files that the user can read or write (run it as a user who owns little), the processor while the time
lasts, many files on the disk, and the kernel itself. Where root runs it, root's powers are given up with the
namespace; where that fails, they are not. It is a fence for a class, not a jail for malware.
"""

from __future__ import annotations

import builtins
import json
import os
import queue
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from shutil import copyfile
from typing import IO, Any, Final, NoReturn

from ..shown import clipped, visible
from .child import decode, encode

MOST_PRINTED: Final = 20_000
"""Bytes of output that are kept."""
_LONGEST_ANSWER: Final = 2**22
_CHILD: Final = Path(__file__).with_name("child.py")


class Ended(BaseException):
    """The process is no more; `how` is a word of `Outcome.ended`, the text says more. No `except Exception` of a test
    holds it up."""

    def __init__(self, how: str, text: str) -> None:
        super().__init__(text)
        self.how = how


class RemoteError(Exception):
    """What the file raised; it is an instance of the built-in exception that it was there, too, if it was one.

    Attributes:
        kinds: names of its class there and of those above.
        lines: number and text of the file's own lines that it came through, the last one last.
    """

    kinds: tuple[str, ...] = ()
    text = ""
    lines: tuple[tuple[int, str], ...] = ()

    def told(self) -> str:
        """In one line: what it was, and where."""
        at = f" (line {self.lines[-1][0]}: {clipped(self.lines[-1][1])})" if self.lines else ""
        return visible(f"{self.kinds[0]}{f': {clipped(self.text, 300)}' if self.text else ''}{at}")


@cache
def _raised_as(kinds: tuple[str, ...]) -> type[RemoteError]:
    """A class of exceptions that an `except` of the test catches as it would catch the original."""
    for name in kinds:
        base = getattr(builtins, name, None)
        if isinstance(base, type) and issubclass(base, Exception) and base is not Exception:
            with suppress(TypeError):  # one that cannot share its layout
                return type(kinds[0], (RemoteError, base), {})
    return RemoteError


class Student:
    """A file that was loaded in a process of its own; use it as a context manager.

    Args:
        file: a Python file that needs no other beside it.
        seconds: of time, for everything together.
        megabytes: of memory.
        watch: whether to count what glassgrad itself does for the file: see `borrowed`.

    Raises:
        OSError: if the file cannot be read, or this system starts no processes.
    """

    def __init__(self, file: str | Path, *, seconds: float = 10.0, megabytes: int = 512, watch: bool = False) -> None:
        if sys.platform == "emscripten":
            raise OSError("a file can be run in a process of its own only where there are processes, not in a browser")
        self.file = Path(file)
        self._end = time.monotonic() + seconds
        self._seconds = seconds
        self._until, self._allowed = self._end, seconds
        self._functions: list[Callable[..., Any]] = []
        self._remotes: dict[int, Remote] = {}
        self._lines: queue.Queue[bytes] = queue.Queue(4)
        self._printed = bytearray()
        self._folder = tempfile.TemporaryDirectory(prefix="glassgrad-", ignore_cleanup_errors=True)
        try:
            copyfile(self.file, Path(self._folder.name, self.file.name))
            self._process = self._started()
        except BaseException:
            self._folder.cleanup()
            raise
        self._threads = [
            threading.Thread(target=read, args=(stream,), daemon=True)
            for read, stream in ((self._read_answers, self._process.stdout), (self._read_output, self._process.stderr))
        ]
        for thread in self._threads:
            thread.start()
        setup = {"seconds": seconds, "megabytes": megabytes, "file": self.file.name, "watch": watch}
        try:
            self._write({**setup, "path": [str(Path(folder).resolve()) for folder in sys.path if folder]})
            self.open_doors: tuple[str, ...] = tuple(map(str, self._read().get("left", ())))
        except BaseException:
            self.close()
            raise

    def _started(self) -> subprocess.Popen[bytes]:
        folder = self._folder.name
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG", "LC_ALL") if name in os.environ}
        home = dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TMP", "TEMP", "XDG_CACHE_HOME", "MPLCONFIGDIR"), folder)
        few = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        return subprocess.Popen(  # noqa: S603  # the purpose
            [sys.executable, "-I", "-B", "-u", "-X", "utf8", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={**kept, **home, **few},
            start_new_session=True,
        )

    def __enter__(self) -> Student:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process and all that it started; what it printed can still be asked for."""
        with suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._process.wait()
        for thread in self._threads:
            with suppress(queue.Empty):  # what nobody reads any more must not hold it up
                while True:
                    self._lines.get_nowait()
            thread.join(0.5)  # what escaped may hold the pipe open
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            with suppress(OSError, ValueError):
                if stream is not None and not any(thread.is_alive() for thread in self._threads):
                    stream.close()
        self._folder.cleanup()

    @property
    def output(self) -> str:
        """What the file printed, cut after `MOST_PRINTED` bytes; line ends stay, other control characters do not."""
        text = bytes(self._printed[:MOST_PRINTED]).decode("utf-8", "replace").replace("\r\n", "\n")
        return "\n".join(map(visible, text.split("\n"))) + ("…" if len(self._printed) > MOST_PRINTED else "")

    # -- questions ------------------------------------------------------------------------------------------

    def load(self) -> dict[str, Any]:
        """Run the file; its names, as plain data and Remotes.

        Raises:
            RemoteError, Ended: if it does not come to its end.
        """
        return dict(self.ask("load"))

    def allow(self, seconds: float) -> None:
        """Give what follows so much of the time that is left."""
        self._until = min(self._end, time.monotonic() + seconds)
        self._allowed = min(self._seconds, seconds)

    def borrowed(self) -> dict[str, int]:
        """Functions of glassgrad that were called since this was asked before, and how often; needs `watch`."""
        return dict(self.ask("borrowed"))

    def ask(self, do: str, *given: Any, **named: Any) -> Any:
        """What a built-in function, one of `operator`, or "call" gives in the process of the file.

        Raises:
            RemoteError: what is raised there.
            Ended: if there is no answer any more.
        """
        number = secrets.token_hex(8)
        words = {name: encode(one, self._kept) for name, one in named.items()}
        self._write({"id": number, "do": do, "given": encode(list(given), self._kept), "named": words})
        while True:
            answer = self._read()
            if "call" in answer:
                self._call(answer)
            elif answer.get("id") == number:
                break
            else:
                raise self._stopped(_nonsense())
        try:
            if "raised" not in answer:
                return decode(answer["value"], self._found)
            error = self._error(answer["raised"])
        except (LookupError, TypeError, ValueError, RecursionError):
            raise self._stopped(_nonsense()) from None
        if "SystemExit" in error.kinds:
            raise self._stopped(Ended("exited", f"it ended the program: {error.told()}"))
        if error.kinds[0] == "MemoryError":
            raise self._stopped(Ended("out of memory", f"it took more memory than it may: {error.told()}"))
        raise error

    def _error(self, raised: dict[str, Any]) -> RemoteError:
        kinds = tuple(str(kind) for kind in raised["kinds"]) or ("Exception",)
        lines = tuple((int(n), str(text)) for n, text in raised["lines"])
        error = _raised_as(kinds)(str(raised["text"]))
        error.kinds, error.text, error.lines = kinds, str(raised["text"]), lines
        return error

    def _call(self, asked: dict[str, Any]) -> None:
        """A function of the test's that the file calls."""
        reply: dict[str, Any] = {"turn": asked["turn"]}
        try:
            function = self._functions[int(asked["call"])]
            reply["value"] = encode(function(*decode(asked["given"], self._found)), self._kept)
        except Exception as error:  # it goes on in the file, as an error of the function that it called
            reply["raised"] = f"{type(error).__name__}: {error}"
        self._write(reply)

    def _kept(self, x: Any) -> dict[str, Any]:
        if isinstance(x, Remote):
            return {"ref": object.__getattribute__(x, "_ref")}
        if callable(x) and not isinstance(x, type):
            self._functions.append(x)
            return {"callback": len(self._functions) - 1}
        raise TypeError(f"a {type(x).__name__} of the test's cannot be handed to a learner's file; make it in there")

    def _found(self, x: dict[str, Any]) -> Remote:
        number = int(x["ref"])
        if number not in self._remotes:
            self._remotes[number] = Remote(self, number, str(x["kind"]))
        return self._remotes[number]

    # -- the channel ----------------------------------------------------------------------------------------

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):  # it ended: reading says how
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        while True:
            left = self._until - time.monotonic()
            if left <= 0:
                raise self._stopped(Ended("timed out", f"it was stopped after {self._allowed:g} seconds"))
            ended = self._process.poll() is not None
            try:
                line = self._lines.get(timeout=0.2 if ended else min(left, 0.1))
            except queue.Empty:
                line = b"" if ended else b"."
            if line == b"":
                raise self._stopped(self._how_it_ended())
            if line == b".":
                continue
            try:
                answer = json.loads(line)
            except (ValueError, RecursionError):
                answer = None
            if isinstance(answer, dict):
                return answer
            raise self._stopped(_nonsense())

    def _how_it_ended(self) -> Ended:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=max(0.1, min(2.0, self._end - time.monotonic())))
        code = self._process.returncode
        if code is None:
            return Ended("crashed", "it closed the channel of its answers")
        name = -code if code < 0 else code - 128
        if 0 < name < 65:
            if name == getattr(signal, "SIGXCPU", 0):
                return Ended("timed out", f"it took more than {self._seconds:g} seconds of the processor")
            with suppress(ValueError):
                return Ended("crashed", f"the process was ended by the signal {signal.Signals(name).name}")
        return Ended("exited", f"it ended the process, with status {code}")

    def _stopped(self, reason: Ended) -> Ended:
        self.close()
        return reason

    def _read_answers(self, stream: IO[bytes]) -> None:
        with suppress(OSError, ValueError):
            while line := stream.readline(_LONGEST_ANSWER):
                self._lines.put(line)
        self._lines.put(b"")

    def _read_output(self, stream: IO[bytes]) -> None:
        with suppress(OSError, ValueError):
            while part := os.read(stream.fileno(), 2**16):
                self._printed += part[: max(0, MOST_PRINTED + 1 - len(self._printed))]


def _nonsense() -> Ended:
    return Ended("crashed", "something was written where only answers belong")


class Remote:
    """An object of the file's, in its process: calls, attributes and operators are asked for there.

    It is equal to itself alone. It cannot be compared with a number, whatever it says of itself.
    """

    __slots__ = ("_kind", "_ref", "_student")

    def __init__(self, student: Student, ref: int, kind: str) -> None:
        object.__setattr__(self, "_student", student)
        object.__setattr__(self, "_ref", ref)
        object.__setattr__(self, "_kind", visible(kind))

    def __getattr__(self, name: str) -> Any:
        return _ask(self, "getattr", self, name)

    def __setattr__(self, name: str, new: Any) -> None:
        _ask(self, "setattr", self, name, new)

    def __delattr__(self, name: str) -> None:
        _ask(self, "delattr", self, name)

    def __call__(self, *given: Any, **named: Any) -> Any:
        """What the object gives when it is called there."""
        return object.__getattribute__(self, "_student").ask("call", self, *given, **named)

    def __iter__(self) -> Iterator[Any]:
        return iter(_ask(self, "list", self))

    def __contains__(self, one: Any) -> bool:
        return _ask(self, "contains", self, one) is True

    def __repr__(self) -> str:
        return visible(clipped(str(_ask(self, "repr", self)), 200))

    def __str__(self) -> str:
        return str(_ask(self, "str", self))

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other if isinstance(other, Remote) or other is None else _undecided(self, other)

    def __bool__(self) -> bool:
        return _undecided(self)

    def __instancecheck__(self, one: Any) -> bool:
        return isinstance(one, Remote) and _ask(self, "isinstance", one, self) is True

    def __enter__(self) -> Any:
        return self.__getattr__("__enter__")()

    def __exit__(self, *_: object) -> None:
        self.__getattr__("__exit__")(None, None, None)


def _ask(remote: Remote, do: str, *given: Any) -> Any:
    return object.__getattribute__(remote, "_student").ask(do, *given)


def _undecided(remote: Remote, other: object = None) -> NoReturn:
    kind = object.__getattribute__(remote, "_kind")
    raise AssertionError(f"got an object of the class {kind} where a plain number, text or list is compared")


def _operators() -> None:
    """The operators of a Remote, both ways round."""

    def forward(name: str) -> Callable[..., Any]:
        return lambda self, *others: _ask(self, name, self, *others)

    def backward(name: str) -> Callable[..., Any]:
        return lambda self, other: _ask(self, name, other, self)

    for name in ("add", "sub", "mul", "truediv", "pow", "matmul", "mod", "floordiv"):
        setattr(Remote, f"__{name}__", forward(name))
        setattr(Remote, f"__r{name}__", backward(name))
        setattr(Remote, f"__i{name}__", forward(f"i{name}"))
    for name in ("neg", "pos", "abs", "float", "int", "len", "getitem", "setitem", "delitem"):
        setattr(Remote, f"__{name}__", forward(name))
    for name in ("lt", "le", "gt", "ge"):
        setattr(Remote, f"__{name}__", _undecided)


_operators()
