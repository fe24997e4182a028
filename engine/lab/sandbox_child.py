"""The process that a learner's file runs in: it shuts its doors, runs the file, and answers requests, a line each.

It is started as a script, imports the standard library alone, and knows no right answer: it judges nothing, see
`sandbox.py`. glassgrad is out of reach in here, but for an exercise that works with it.
"""

from __future__ import annotations

import builtins
import ctypes
import dis
import math
import operator
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from json import dumps, loads
from types import FrameType, ModuleType
from typing import Any, BinaryIO, Final

LONGEST: Final = 100_000
"""How many items, or characters, an answer may have; a longer one is a thing that is named, not a value."""
_REFUSED: Final = {
    **dict.fromkeys(
        ("os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.startfile"),
        "start another process",
    ),
    **dict.fromkeys(("subprocess.Popen", "pty.spawn"), "start another process"),
    **dict.fromkeys(("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"), "use the network"),
    **dict.fromkeys(("socket.gethostbyname", "socket.sendmsg"), "use the network"),
    **dict.fromkeys(("os.kill", "os.killpg"), "send signals to other processes"),
}
_READS: Final = frozenset(("open", "os.listdir", "os.scandir"))
_CHANGES: Final = frozenset(
    f"os.{name}"
    for name in ("chmod", "chown", "link", "mkdir", "remove", "rename", "rmdir", "symlink", "truncate", "utime")
)
_SYSTEM: Final = ("/usr", "/lib", "/lib64", "/etc", "/dev", "/sys", "/System", "/Library")
ENGINES: Final = frozenset(("glassgrad", "micrograd", "autograd", "jax", "mygrad", "tensorflow", "tinygrad", "torch"))
"""What no file can import whose engine is to be its own."""
_resource: Any = import_module("resource") if find_spec("resource") else None  # not on Windows
_NEW_USER: Final = 0x10000000
_NEW_NET_PID_IPC_MOUNT: Final = 0x40000000 | 0x20000000 | 0x08000000 | 0x00020000
_PRIVATE_FROM_HERE_DOWN, _READ_ONLY = 0x40000 | 0x4000, 1


# -- values on the line: plain data, or a number for what has to stay where it is ----------------------------


def encode(x: Any, keep: Callable[[Any], dict[str, Any]], depth: int = 0) -> Any:
    """`x` as JSON; what is no plain data becomes what `keep` says."""
    kind = type(x)
    if x is None or kind is bool or kind is float:
        return x
    if isinstance(x, float):  # a subclass, such as NumPy's float64
        return float.__mul__(x, 1.0)
    if isinstance(x, int) and kind is not bool:
        return int.__add__(x, 0) if int.bit_length(x) <= 4096 else keep(x)
    if kind is str:
        return x if len(x) <= LONGEST else keep(x)
    if kind.__module__ == "numpy" and getattr(x, "shape", None) == () and hasattr(x, "item"):
        return encode(x.item(), keep, depth + 1)
    if kind in (list, tuple, set, frozenset, dict) and len(x) <= LONGEST and depth < 20:
        if kind is dict:
            return {"dict": [[encode(k, keep, depth + 1), encode(v, keep, depth + 1)] for k, v in x.items()]}
        inner = [encode(v, keep, depth + 1) for v in x]
        return inner if kind is list else {"tuple" if kind is tuple else "set": inner}
    return keep(x)


def decode(x: Any, find: Callable[[dict[str, Any]], Any]) -> Any:
    """The value of some JSON; `find` is asked for what stayed on its own side."""
    if isinstance(x, list):
        return [decode(v, find) for v in x]
    if not isinstance(x, dict):
        return x
    if "tuple" in x:
        return tuple(decode(v, find) for v in x["tuple"])
    if "set" in x:
        return {decode(v, find) for v in x["set"]}
    if "dict" in x:
        return {decode(k, find): decode(v, find) for k, v in x["dict"]}
    return find(x)


# -- doors ---------------------------------------------------------------------------------------------------


def confine(seconds: float, megabytes: int, streams: tuple[int, ...], hidden: str) -> list[str]:
    """Shut this process off as far as the system lets it, in a process below this one; what could not be shut."""
    left = _own_namespaces(streams, hidden)
    if _resource is None:
        return [*left, "memory and processor time have no limit on this system"]
    whole, share = math.ceil(seconds) + 1, megabytes * 2**20
    limits = {"RLIMIT_CPU": whole, "RLIMIT_AS": share, "RLIMIT_FSIZE": 2**26, "RLIMIT_CORE": 0}
    if os.getuid():  # root is not counted
        limits["RLIMIT_NPROC"] = _threads_of_user() + 64
    return left + [f"{name} cannot be set on this system" for name, most in limits.items() if not _set(name, most)]


def _set(name: str, most: int) -> bool:
    try:
        kind = getattr(_resource, name)
        hard = _resource.getrlimit(kind)[1]
        most = most if hard == _resource.RLIM_INFINITY else min(hard, most)
        _resource.setrlimit(kind, (most, most))
    except (AttributeError, ValueError, OSError):
        return False
    return True


def _own_namespaces(streams: tuple[int, ...], hidden: str) -> list[str]:
    """Go on in a process that has no network, sees no other and no file of the folder `hidden`, has no powers, and
    whose descendants all end with it (Linux); what of this the system does not let it do."""
    network = "network (the system lets no process give it up; Python's own sockets are refused)"
    outlive = "a process that detaches itself may outlive the run (starting one through Python is refused)"
    files = "glassgrad's own files (the system lets no process hide them; Python's own ways to them are refused)"
    if sys.platform != "linux":
        return [network, outlive, files]
    libc, user, group = ctypes.CDLL(None, use_errno=True), os.getuid(), os.getgid()
    libc.prctl(1, signal.SIGKILL)  # end with the parent
    if libc.unshare(_NEW_USER | _NEW_NET_PID_IPC_MOUNT) == 0:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with suppress(OSError), open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123  # written, not replaced
                file.write(text)
    elif libc.unshare(_NEW_NET_PID_IPC_MOUNT) != 0:
        return [network, outlive, files]
    libc.mount(None, b"/", None, _PRIVATE_FROM_HERE_DOWN, None)
    covered = all(
        libc.mount(b"none", os.fsencode(folder), b"tmpfs", _READ_ONLY, None) == 0 for folder in (hidden, "/proc")
    )
    libc.prctl(38, 1, 0, 0, 0)  # no program gives new powers; the next line gives up those it has
    libc.capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)())
    for _ in "the first process of the namespace, and the file's own":
        if child := os.fork():
            for stream in streams:
                os.close(stream)
            status = os.waitpid(child, 0)[1]
            os._exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))
        libc.prctl(1, signal.SIGKILL)
        if os.getpid() != 1:
            return [] if covered else [files]
    raise AssertionError("the second process has another number than 1")


def _threads_of_user() -> int:
    """How many the user has now: the limit on processes counts all of them."""
    count = 0
    with suppress(OSError):
        for folder in os.scandir("/proc"):
            with suppress(OSError):
                if folder.name.isdigit() and folder.stat().st_uid == os.getuid():
                    count += len(os.listdir(f"/proc/{folder.name}/task"))  # noqa: PTH208  # names are all it takes
    return count or 1000


def refusing(hidden: list[str], open_to: list[str], own: bool) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook, which cannot be taken off: what is done through Python to other processes, the network, other
    files and, if the work is to be the file's own, to import another's engine, is refused.

    Args:
        hidden: folders whose files cannot be read.
        open_to: folders whose files can; of two, the one that lies within the other counts. In the folder where it
            runs, a file may write, too.
        own: whether the work is to be the file's own.
    """
    refused, engines, home = dict(_REFUSED), ENGINES if own else frozenset[str](), os.path.realpath(".")
    open_now = dict.fromkeys(map(os.path.realpath, (*_SYSTEM, sys.prefix, sys.base_prefix, *open_to)), True)
    open_now |= dict.fromkeys(map(os.path.realpath, hidden), False) | {home: True, os.path.realpath(os.devnull): True}

    def is_open(path: str) -> bool:
        while path and path not in open_now:
            path = path.rpartition(os.sep)[0]
        return open_now.get(path, False)

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        for given in arguments[: 1 + (event in ("os.link", "os.rename", "os.symlink"))]:
            path = os.path.realpath(os.fsdecode("." if given is None else given))
            if not is_open(path):
                raise PermissionError(f"a graded file may not look at other files than its own: {path}")
            changes = event in _CHANGES or (event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR))
            if changes and path != os.devnull and os.path.commonpath([path, home]) != home:
                raise PermissionError(f"a graded file may not change other files than its own: {path}")

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event in refused and not (event == "os.kill" and arguments[0] == os.getpid()):
            raise PermissionError(f"a graded file may not {refused[event]}")
        if (event in _READS or event in _CHANGES) and not isinstance(arguments[0], int):
            look(event, arguments)
        if event == "import" and (name := str(arguments[0]).partition(".")[0]) in engines:
            raise ImportError(f"a graded file may not import {name}: it is graded for its own work")

    return refuse


# -- whose work it is ----------------------------------------------------------------------------------------


def written(function: Any) -> None:
    """Fail if there is nothing in a function yet, but for `pass`, `...` or a text."""
    try:
        done = list(dis.get_instructions(function))
    except TypeError:  # none that is written in Python
        return
    empty = (None, ..., function.__doc__)
    if all(one.opname in _NOTHING and ("CONST" not in one.opname or one.argval in empty) for one in done):
        raise AssertionError(f"{function.__name__} is still empty: write it where ... stands.")


def followed(function: Any, *given: Any) -> tuple[Any, dict[str, int]]:
    """What a function gives, and how often which functions were called for it; those of the library as "glassgrad"."""
    found: Counter[str] = Counter()

    def called(frame: FrameType, event: str, argument: Any) -> None:
        library = str(frame.f_globals.get("__name__")).startswith("glassgrad.")
        found["glassgrad" if library else frame.f_code.co_name] += 1

    before = sys.gettrace()
    sys.settrace(called)
    try:
        got = function(*given)
    finally:
        sys.settrace(before)
    return got, dict(found)


def by_hand(function: Any, *given: Any) -> Any:
    """What a learner's function gives, or a class of theirs.

    Raises:
        AssertionError: if it is empty, if it lets the library do the work, or if it changes what it is given.
    """
    written(function)
    before = repr(given)
    got, found = followed(function, *given)
    if "glassgrad" in found:
        raise AssertionError(f"{function.__name__} lets glassgrad do the work: here you are to write it yourself.")
    if repr(given) != before:
        raise AssertionError(
            f"{function.__name__} changes the list that it is given: work on a copy, or put every number back."
        )
    return got


summed = sum
BESIDE: Final[dict[str, Callable[..., Any]]] = {
    "by_hand": by_hand,
    "followed": followed,
    "summed": summed,
    "written": written,
}
"""What is asked in the process in which a function is, as it looks into it, or does a great deal with it."""
_NOTHING: Final = frozenset({"RESUME", "NOP", "CACHE", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"})


# -- one program ---------------------------------------------------------------------------------------------


def attempted(kind: type, code: str, asks: list[str], told: Callable[[BaseException], str]) -> list[Any]:
    """Run a program on a class of Values.

    Args:
        kind: the class, which the program calls `V`.
        code: statements, by "; ".
        asks: expressions that are asked after it.
        told: what to say of an exception.

    Returns:
        The answers as plain data, an answer that is none as `{"other": text}`; what stopped it, or ""; whether that
        was before `backward()`; how much of the program ran until then.
    """
    space: dict[str, Any] = {"V": kind}
    statements, answers, done = code.split("; "), [], ""
    try:
        for done in map("; ".join, (statements[:end] for end in range(1, len(statements) + 1))):
            exec(done.rpartition("; ")[2], space)  # noqa: S102  # the battery's own
        for ask in asks:
            done = f"{code}; {ask}"
            answers.append(encode(eval(ask, space), lambda other: {"other": about(other)}))  # noqa: S307  # its own
    except (Exception, SystemExit) as error:
        return [[], told(error), "backward" not in done, done]
    return [answers, "", False, done]


def about(x: Any) -> str:
    """The text of something that may not want to be shown."""
    try:
        return str(repr(x))[:200]
    except (Exception, SystemExit):
        return f"a {type(x).__name__} whose repr fails"


# -- the file ------------------------------------------------------------------------------------------------


def in_one_line(told: dict[str, Any]) -> str:
    """What an exception was, and where in the file."""
    kind, text, lines = told["kinds"][0], told["text"], told["lines"]
    text = "" if "RecursionError" in told["kinds"] else text  # it says where Python noticed
    at = f" (line {lines[-1][0]}: {lines[-1][1][:60]})" if lines else ""
    return f"{kind}{f': {text[:300]}' if text else ''}{at}"


class Served:
    """A learner's file and what came of it: objects by number, asked for by requests.

    Args:
        source, target: the lines of requests and of answers.
        file: the file, in the working directory.
    """

    def __init__(self, source: BinaryIO, target: BinaryIO, file: str) -> None:
        self.source, self.target, self.file = source, target, file
        self.objects: list[Any] = []
        self.numbers: dict[int, int] = {}
        self.lines: list[str] = []
        self.asked = 0
        self.main = threading.get_ident()
        self.functions: dict[str, Callable[..., Any]] = {
            **vars(builtins),
            **BESIDE,
            **{name: function for name, function in vars(operator).items() if not name.startswith("_")},
            "import": import_module,
            "call": lambda function, *given, **named: function(*given, **named),
            "list": lambda many: list(islice(iter(many), LONGEST + 1)),
            "load": self.load,
            "classes": self.classes,
            "attempt": lambda name, code, asks: attempted(
                vars(sys.modules["student"])[name], code, asks, lambda error: in_one_line(self.told(error))
            ),
        }

    def load(self) -> dict[str, Any]:
        """Run the file; its names, but for modules and private ones."""
        with open(self.file, "rb") as file:  # noqa: PTH123  # bytes: the file may name its encoding
            source = file.read()
        self.lines = source.decode("utf-8", "replace").splitlines()
        module = ModuleType("student")
        module.__file__ = self.file
        sys.modules["student"] = sys.modules["__main__"] = module
        exec(compile(source, self.file, "exec", dont_inherit=True), vars(module))  # noqa: S102  # the purpose
        return {
            name: one
            for name, one in vars(module).items()
            if isinstance(name, str) and not name.startswith("__") and type(one) is not ModuleType
        }

    def classes(self) -> dict[str, list[str]]:
        """The classes of the file that can be added or multiplied: the module of each, and of such classes above it."""
        return {
            name: [str(above.__module__) for above in one.__mro__ if {"__add__", "__mul__"}.intersection(dir(above))]
            for name, one in vars(sys.modules["student"]).items()
            if isinstance(one, type) and (hasattr(one, "__add__") or hasattr(one, "__mul__"))
            if one.__module__ != "builtins"
        }

    def keep(self, x: Any) -> dict[str, Any]:
        """A number for an object that stays here."""
        if id(x) not in self.numbers:
            self.numbers[id(x)] = len(self.objects)
            self.objects.append(x)
        large = " too large to be compared" if type(x) in (str, int, list, tuple, set, dict) else ""
        return {"ref": self.numbers[id(x)], "kind": type(x).__name__[:80] + large}

    def find(self, x: dict[str, Any]) -> Any:
        """The object of a number; a function of the other side is asked for what it returns."""
        if "ref" in x:
            return self.objects[x["ref"]]

        def ask(*given: Any) -> Any:
            if threading.get_ident() != self.main:
                raise RuntimeError("a function of the test's can be called in the main thread only")
            self.asked += 1
            self.send({"call": x["callback"], "turn": self.asked, "given": encode(list(given), self.keep)})
            return self.serve(self.asked)

        return ask

    def send(self, answer: dict[str, Any]) -> None:
        """Write a line."""
        self.target.write(dumps(answer).encode() + b"\n")
        self.target.flush()

    def serve(self, turn: int = 0) -> Any:
        """Answer requests until there are no more, or the answer to call number `turn` comes."""
        for line in iter(self.source.readline, b""):
            request = loads(line)
            if request.get("turn") == turn:
                if "raised" in request:
                    raise RuntimeError(request["raised"])
                return decode(request["value"], self.find)
            answer: dict[str, Any] = {"id": request["id"]}
            try:
                given = decode(request["given"], self.find)
                answer["value"] = encode(self.functions[request["do"]](*given, **request["named"]), self.keep)
            except BaseException as error:  # whatever it is, the other side is to know
                answer["raised"] = self.told(error)
            self.send(answer)
        os._exit(0)

    def told(self, error: BaseException) -> dict[str, Any]:
        """An exception as data: its class and those above, its text, the lines of the file that it came through."""
        try:
            text = str(error)[:2000]
        except BaseException:  # it is the learner's
            text = ""
        lines, trace = [], error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self.file:
                lines.append(trace.tb_lineno)
            trace = trace.tb_next
        if isinstance(error, SyntaxError) and error.filename == self.file:
            text = str(error.msg)
            lines.append(error.lineno or 1)
        shown = [[n, self.lines[n - 1].strip()[:200] if 0 < n <= len(self.lines) else ""] for n in lines[-5:]]
        return {"kinds": [kind.__name__[:80] for kind in type(error).__mro__], "text": text, "lines": shown}


def main() -> None:
    """Take over the streams, shut the doors, and serve."""
    source, target = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)
    requests, answers = os.fdopen(source, "rb"), os.fdopen(target, "wb")
    setup = loads(requests.readline())
    left = confine(setup["seconds"], setup["megabytes"], (source, target), setup["hidden"])
    sys.path[:] = setup["path"]
    served = Served(requests, answers, setup["file"])
    served.send({"left": left})
    sys.addaudithook(refusing([setup["hidden"], *setup["closed"]], setup["open"], setup["own"]))
    served.serve()


if __name__ == "__main__":
    main()
