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
namespaces are allowed, the process has no network, sees no other process, takes all its descendants with it, and finds
an empty folder where glassgrad's engine is (or, where it may use that, where the exercises are with their solutions);
elsewhere Python's own ways to all of these are refused (an audit hook), and `Outcome.open_doors` says so.

Not protected: files that the user can read or write (run it as a user who owns little), the processor while the time
lasts, many files on the disk, and the kernel itself. Where root runs it, root's powers are given up with the
namespace; where that fails, they are not. It is a fence for a class, not a jail for malware.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from shutil import copyfile, which
from typing import Any, Final

from ..shown import visible
from .sandbox_child import decode, encode
from .sandbox_objects import Remote, RemoteError, number_of, raised_as

__all__ = ["MOST_PRINTED", "Ended", "Remote", "RemoteError", "Student", "end_all"]

MOST_PRINTED: Final = 20_000
"""Bytes of output that are kept."""
TO_START: Final = 30.0
"""Seconds that a busy machine may take before the file is loaded; they do not count."""
NOT_UNDERSTOOD: Final = "an answer of the file was not understood"
_LONGEST_ANSWER: Final = 2**22
_END: Final = b"\0\n"
_LAB: Final = Path(__file__).resolve().parent
_RUNNING: Final[set[Student]] = set()
_INTERRUPTED: Final = threading.Event()


def end_all() -> None:
    """End every file's process, now and from now on: for a program that ends while threads of it wait for them."""
    _INTERRUPTED.set()
    for student in list(_RUNNING):
        student.allow(0.0)


class Ended(BaseException):
    """The process is no more; `how` is a word of `Outcome.ended`, the text says more. No `except Exception` of a test
    holds it up."""

    def __init__(self, how: str, text: str) -> None:
        super().__init__(text)
        self.how = how


class Student:
    """A file that was loaded in a process of its own; use it as a context manager.

    Args:
        file: a Python file that needs no other beside it.
        seconds: of time, for everything together, from when the process is ready.
        megabytes: of memory.
        own: whether the file is to do all by itself: it can import no engine, glassgrad least of all, whose files it
            does not find. Otherwise it finds glassgrad, but not the solutions of the exercises.

    Raises:
        OSError: if the file cannot be read, or this system starts no processes.
    """

    def __init__(self, file: str | Path, *, seconds: float = 10.0, megabytes: int = 512, own: bool = False) -> None:
        if sys.platform == "emscripten":
            raise OSError("a file can be run in a process of its own only where there are processes, not in a browser")
        if _INTERRUPTED.is_set():
            raise Ended("timed out", "it was interrupted")
        self.file = Path(file)
        self._seconds, self._allowed = seconds, TO_START
        self._end = self._until = time.monotonic() + TO_START
        self._functions: list[Callable[..., Any]] = []
        self._remotes: dict[int, Remote] = {}
        self._printed = bytearray()
        self._folder = tempfile.TemporaryDirectory(prefix="glassgrad-", ignore_cleanup_errors=True)
        read, self._alarm = os.pipe()  # held open, so that reading ends when it is told to, whoever else writes
        self._answers = os.fdopen(read, "rb")
        try:
            copyfile(self.file, Path(self._folder.name, self.file.name))
            self._process = self._started()
        except BaseException:
            self._remove_folder()
            self._answers.close()
            os.close(self._alarm)
            raise
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._watch, self._read_output)]
        for thread in self._threads:
            thread.start()
        _RUNNING.add(self)
        hidden = str((_LAB.parent if own else _LAB / "exercises").resolve())
        library = [str((_LAB.parents[1] / name).resolve()) for name in ("engine", "nn", "viz")]
        path = [str(Path(folder).resolve()) for folder in sys.path if folder]
        setup = {"seconds": seconds, "megabytes": megabytes, "file": self.file.name, "own": own, "hidden": hidden}
        setup |= {"path": path, "open": [*path, *library], "closed": [str(self.file.resolve().parent)]}
        try:
            self._write(setup)
            self.open_doors: tuple[str, ...] = tuple(map(str, self._read().get("left", ())))
            self._end = self._until = time.monotonic() + seconds
            self._allowed = seconds
        except BaseException as error:
            self.close()
            if isinstance(error, Ended):
                raise OSError(f"a process for {self.file} could not be started: {error}") from None
            raise

    def _started(self) -> subprocess.Popen[bytes]:
        folder = self._folder.name
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG", "LC_ALL") if name in os.environ}
        home = dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TMP", "TEMP", "XDG_CACHE_HOME", "MPLCONFIGDIR"), folder)
        few = dict.fromkeys(
            ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "MALLOC_ARENA_MAX"),  # they take memory
            "1",
        )
        return subprocess.Popen(  # noqa: S603  # the purpose
            [sys.executable, "-I", "-B", "-u", "-X", "utf8", str(_LAB / "sandbox_child.py")],
            stdin=subprocess.PIPE,
            stdout=self._alarm,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={**kept, **home, **few},
            start_new_session=True,
            pipesize=2**20,
        )

    def __enter__(self) -> Student:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process and all that it started; what it printed can still be asked for."""
        _RUNNING.discard(self)
        self._until = 0.0
        self._kill()
        self._process.wait()
        if not self._answers.closed:
            self._threads[0].join(5.0)
            self._answers.close()
            os.close(self._alarm)
        self._threads[1].join(0.5)  # what escaped may hold the pipe open
        for stream in (self._process.stdin, self._process.stderr):
            with suppress(OSError, ValueError):
                if stream is not None and not self._threads[1].is_alive():
                    stream.close()
        self._remove_folder()

    def _remove_folder(self) -> None:
        """Remove it, however deep it is and whatever lies in its place."""
        with suppress(OSError, RecursionError):
            self._folder.cleanup()
        if os.path.lexists(self._folder.name) and (rm := which("rm")):
            subprocess.run([rm, "-rf", self._folder.name], check=False, capture_output=True)  # noqa: S603  # our own name

    def _watch(self) -> None:
        """Wait for the end of the process, or for that of its time, and wake up whoever reads."""
        while self._process.poll() is None and (left := self._until - time.monotonic()) > 0:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(min(left, 0.05))
        self._kill()
        with suppress(OSError):
            os.write(self._alarm, _END)

    def _kill(self) -> None:
        with suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()

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
        return self._mapping("load")

    def classes(self) -> dict[str, list[str]]:
        """The file's classes that can be added or multiplied: the module of each, and of such classes above it."""
        found = self._mapping("classes")
        if not all(isinstance(modules, list) and modules for modules in found.values()):
            raise self._stopped(Ended("crashed", NOT_UNDERSTOOD))
        return {name: list(map(str, modules)) for name, modules in found.items()}

    def allow(self, seconds: float) -> None:
        """Give what follows so much of the time that is left."""
        self._until = min(self._end, time.monotonic() + seconds)
        self._allowed = min(self._seconds, seconds)

    def _mapping(self, do: str) -> dict[str, Any]:
        given = self.ask(do)
        if not isinstance(given, dict) or not all(isinstance(name, str) for name in given):
            raise self._stopped(_nonsense())
        return given

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
        error = raised_as(kinds)(str(raised["text"]))
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
            return {"ref": number_of(x)}
        if callable(x) and not isinstance(x, type):
            self._functions.append(x)
            return {"callback": len(self._functions) - 1}
        raise TypeError(f"a {type(x).__name__} of the test's cannot be handed to a learner's file; make it in there")

    def _found(self, x: dict[str, Any]) -> Remote:
        number = int(x["ref"])
        if number not in self._remotes:
            self._remotes[number] = Remote(self.ask, number, str(x["kind"]))
        return self._remotes[number]

    # -- the channel ----------------------------------------------------------------------------------------

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        with suppress(OSError, ValueError):  # it ended: reading says how
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        line = b"" if self._answers.closed else self._answers.readline(_LONGEST_ANSWER)
        if line.endswith(_END) or not line:
            late = time.monotonic() >= self._until
            how = (
                Ended("timed out", f"it took more than {round(self._allowed, 1):g} s") if late else self._how_it_ended()
            )
            raise self._stopped(how)
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise self._stopped(_nonsense())
        return answer

    def _how_it_ended(self) -> Ended:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=max(0.1, min(2.0, self._end - time.monotonic())))
        code = self._process.returncode
        if code is None:
            return Ended("crashed", "it closed the channel of its answers")
        name = -code if code < 0 else code - 128
        if 0 < name < 65:
            if name == getattr(signal, "SIGXCPU", 0):
                return Ended("timed out", f"it took more than {round(self._seconds, 1):g} s of the processor")
            with suppress(ValueError):
                return Ended("crashed", f"it was ended by the signal {signal.Signals(name).name}")
        return Ended("exited", f"it ended the process, with status {code}")

    def _stopped(self, reason: Ended) -> Ended:
        self.close()
        return reason

    def _read_output(self) -> None:
        assert self._process.stderr is not None
        with suppress(OSError, ValueError):
            while part := os.read(self._process.stderr.fileno(), 2**20):
                self._printed += part[: max(0, MOST_PRINTED + 1 - len(self._printed))]


def _nonsense() -> Ended:
    return Ended("crashed", "something was written where only answers belong")
