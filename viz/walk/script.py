"""The user's own function, named on the command line as `my_script.py:function`."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...engine.shown import visible

if TYPE_CHECKING:
    from collections.abc import Callable


class ScriptError(ValueError):
    """A script that is not there, does not run, or has no such function; the message is one line for the user."""


def names_function(target: str) -> bool:
    """Whether `target` is written as `file.py:function`.

    >>> names_function("my_script.py:loss"), names_function("tanh(x*w)")
    (True, False)
    """
    file, colon, name = target.rpartition(":")
    return bool(colon) and file.endswith(".py") and name.isidentifier()


def told(error: BaseException, target: str, running: str = "") -> str:
    """An error of the function that `target` names, in one line: kind, message, and where in its own code.

    What was raised before the function began, or on purpose by glassgrad, needs no kind.

    Args:
        error: what was raised.
        target: such as `"my_script.py:loss"`.
        running: what stopped, if it was not the function itself.
    """
    try:
        file = str(Path(target.rpartition(":")[0]).resolve())
    except ValueError:  # half a surrogate pair, NUL
        file = ""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    ours = not (lines or running) or str(type(error).__module__).startswith("glassgrad.")
    message = _message(error)
    kind = f"{running or target} stopped with {type(error).__name__}"
    said = message if ours and message else f"{kind}: {message}" if message else kind
    place = f" ({Path(file).name}, line {lines[-1]})" if lines else ""
    rows = said.splitlines() if str(type(error).__module__).startswith("glassgrad.") else [said]
    return "\n".join(visible(" ".join(line.split())) for line in rows) + place


def _message(error: BaseException) -> str:
    try:
        return f"{error}".strip()
    except Exception as second:
        return f"(no message: its __str__ raised {type(second).__name__})"


def load_function(target: str, say: Callable[[str], None]) -> Callable[..., Any]:
    """The function that `target` names. Its file is run, as `import` would, after saying so.

    Args:
        target: such as `"my_script.py:loss"`.
        say: takes the line that announces what is about to be run.

    Raises:
        ScriptError: if the file or the function is missing, or the file fails.
    """
    file, _, name = target.rpartition(":")
    path = Path(file)
    if not path.is_file():
        raise ScriptError(f"there is no file {file!r} (it is looked for from {Path.cwd()})")
    say(f"running your file {file} to get {name}()")
    spec = importlib.util.spec_from_file_location(path.stem, path.resolve())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    beside = str(path.resolve().parent)
    sys.path.insert(0, beside)  # what the script imports may lie beside it
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise ScriptError(told(error, target, file)) from error
    finally:
        with suppress(ValueError):  # the script may have changed the path, too
            sys.path.remove(beside)
    function = getattr(module, name, None)
    if not callable(function):
        found = [
            key
            for key, thing in vars(module).items()
            if callable(thing) and getattr(thing, "__module__", "") == module.__name__
        ]
        raise ScriptError(f"{file} has no function {name!r} (it has: {', '.join(found) or 'none'})")
    return function  # type: ignore[no-any-return]  # callable(), as was just checked
