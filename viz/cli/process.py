"""What a command owes to the process that it is: text that every terminal can show, one line where it must stop."""

from __future__ import annotations

import codecs
import io
import os
import re
import shutil
import signal
import sys
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TextIO

_READABLE: Final = "glassgrad.readable"
_SPELLINGS: Final = {
    character: spelling
    for characters, spelling in (
        ("×·", "*"),
        ("−–—─━═", "-"),
        ("│┃", "|"),
        ("┌┐└┘├┤┬┴┼", "+"),
        ("▶", ">"),
        ("◀", "<"),
        ("●•", "o"),
        ("→", "->"),
        ("←", "<-"),
        ("…", "..."),
        ("≤", "<="),
        ("≥", ">="),
        ("≠", "!="),
        ("≈", "~"),
        ("√", "sqrt"),
        ("½", "1/2"),
        ("‖", "||"),
        ("Σ", "sum"),
        ("σ", "sigmoid"),
        ("\N{REPLACEMENT CHARACTER}", "?"),
    )
    for character in characters
}
_RAISED: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_LOWERED: Final = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


def output_width(elsewhere: int = 200) -> int:
    """How many characters a line may have: as many as the terminal has, and `elsewhere` where there is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else elsewhere


def in_ascii(text: str) -> str:
    r"""A readable spelling of text in ASCII, for a terminal that has nothing else.

    >>> in_ascii("∂₂v/∂x = 3 × x⁻² − é, µ, 😀")
    'del_2 v/del x = 3 * x^-2 - e, mu, \\U0001f600'
    """
    text = re.sub("∂([₀-₉]*)", lambda found: f"del{'_' * bool(found[1])}{found[1].translate(_LOWERED)} ", text)
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda found: "^" + found[0].translate(_RAISED), text)
    text = re.sub("[₀-₉]+", lambda found: "_" + found[0].translate(_LOWERED), text)
    return "".join(c if c.isascii() else _SPELLINGS.get(c) or _letter(c) for c in text)


def _letter(character: str) -> str:
    plain = unicodedata.normalize("NFKD", character)
    if plain[0].isascii():  # a letter with an accent
        return "".join(c for c in plain if c.isascii())
    name = unicodedata.name(plain[0], "")
    if name.startswith("GREEK") and " LETTER " in name:
        return name.rpartition(" ")[2].lower()
    return character.encode("unicode_escape").decode("ascii")


def _spell(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)  # output streams only encode
    return in_ascii(error.object[error.start : error.end]), error.end


def prepare_streams() -> None:
    """See to it that whatever is printed can be: closed streams lead nowhere, what an encoding lacks is spelled."""
    codecs.register_error(_READABLE, _spell)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115,PTH123  # as long as the process
        elif mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_READABLE)


def reopen_streams() -> str:
    """Which of the output streams cannot be written to any more, such as `sys.stdout`; or "".

    Its place is taken by that of the process where this is still open.
    """
    lost = ""
    for name in ("stderr", "stdout"):
        if not _is_open(getattr(sys, name)):
            lost = f"sys.{name}"
            first = getattr(sys, f"__{name}__")
            setattr(sys, name, first if _is_open(first) else None)
    prepare_streams()
    return lost


def _is_open(stream: Any) -> bool:
    try:
        stream.write("")
        stream.flush()
    except OSError:  # open, and full: told where the result is written
        return True
    except (AttributeError, TypeError, ValueError):
        return False
    return True


def drop_output(stream: TextIO) -> None:
    """Nobody takes what is still to be written: let it go nowhere, so that Python's own end finds nothing to say."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextmanager
def raising_at_interrupt() -> Iterator[None]:
    """Inside, Ctrl-C raises KeyboardInterrupt, and again where something that cannot be stopped took it.

    Before and after, where nothing is under way that would be lost, it ends the process: see `glassgrad/__init__.py`.
    """
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():  # as in `nohup glassgrad …`
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    hook = sys.unraisablehook
    sys.unraisablehook = _raise_again
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        sys.unraisablehook = hook


def _raise_in_main_thread() -> None:
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:  # it may be asleep
        signal.pthread_kill(main, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)


def _raise_again(caught: Any) -> None:
    if isinstance(caught.exc_value, KeyboardInterrupt):
        later = threading.Timer(0.01, _raise_in_main_thread)  # once this function has returned
        later.daemon = True
        later.start()
    else:
        sys.__unraisablehook__(caught)
