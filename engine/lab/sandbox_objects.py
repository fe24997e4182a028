"""What a learner's file has, seen from outside of its process: objects that are asked for, and what they raise."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any, NoReturn

from ..shown import clipped, visible
from .sandbox_child import in_one_line


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
        return visible(in_one_line({"kinds": self.kinds, "text": self.text, "lines": self.lines}))


@cache
def raised_as(kinds: tuple[str, ...]) -> type[RemoteError]:
    """A class of exceptions that an `except` of the test catches as it would catch the original."""
    for name in kinds:
        base = getattr(builtins, name, None)
        if isinstance(base, type) and issubclass(base, Exception) and base is not Exception:
            with suppress(TypeError):  # one that cannot share its layout, or is made of more than a text
                kind = type(kinds[0], (RemoteError, base), {})
                kind("")
                return kind
    return RemoteError


class Remote:
    """An object of the file's, in its process: calls, attributes and operators are asked for there.

    It is equal to itself alone. It cannot be compared with a number, whatever it says of itself.
    """

    __slots__ = ("_asking", "_kind", "_ref")

    def __init__(self, asking: Callable[..., Any], ref: int, kind: str) -> None:
        object.__setattr__(self, "_asking", asking)
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
        return object.__getattribute__(self, "_asking")("call", self, *given, **named)

    def __iter__(self) -> Iterator[Any]:
        items = _ask(self, "list", self)
        if not isinstance(items, list):
            raise AssertionError(f"got a {_kind(self)} that has too many items to go through")
        return iter(items)

    def __contains__(self, one: Any) -> bool:
        return _ask(self, "contains", self, one) is True

    def __repr__(self) -> str:
        return visible(clipped(_text(self, "repr"), 200))

    def __str__(self) -> str:
        return _text(self, "str")

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
    return object.__getattribute__(remote, "_asking")(do, *given)


def number_of(remote: Remote) -> int:
    """What the object is known by in its process."""
    return int(object.__getattribute__(remote, "_ref"))


def _kind(remote: Remote) -> str:
    return str(object.__getattribute__(remote, "_kind"))


def _text(remote: Remote, do: str) -> str:
    text = _ask(remote, do, remote)
    return text if isinstance(text, str) else f"<{_kind(remote)}>"


def _undecided(remote: Remote, other: object = None) -> NoReturn:
    raise AssertionError(f"got an object of the class {_kind(remote)} where a plain number, text or list is compared")


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
