"""What the tests of an exercise may call: `close`, `answer`, `show`, `watch`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from ..core.chain import own_slopes, topological_order
from ..core.own import own_name
from ..core.value import Value
from ..errors import GraphError
from ..rules.notation import spelled
from ..shown import described
from ..story.steps import steps

Hints = Mapping[Any, str]
"""For a wrong number (or tuple of numbers) what the one who got it has probably done."""


def close(got: Any, expected: Any, what: str, because: Hints | None = None, within: float = 1e-6) -> None:
    """Fail unless `got` is the number `expected`, but for rounding.

    Args:
        got: a number, a Value, or a list of them, or a list of such lists.
        expected: the same, right.
        what: what `got` is called.
        because: hints for wrong numbers.
        within: the largest relative difference; that of numbers under 1 is absolute.

    Raises:
        AssertionError: says both, and the hint for what was got.

    >>> close(3.0, 6.0, "x.grad", {3: "That is one of two ways."})
    Traceback (most recent call last):
    AssertionError: x.grad is 3, and should be 6. That is one of two ways.
    """
    _compare(got, expected, what, because, within, ", and should be {}.")


def answer(got: Any, expected: Any, what: str, because: Hints | None = None, within: float = 1e-3) -> None:
    """Fail unless `got` is `expected`, as `close`, without telling what is right."""
    _compare(got, expected, what, because, within, ", which is not right.")


def show(result: Value) -> None:
    """Print how the gradient of a result comes back, edge by edge; where it cannot, why not.

    What a test prints is shown if it fails. Of what is no Value of this process, nothing is shown.

    >>> x = Value(3.0, "x")
    >>> show(x * x)
    the way back from v1 = x * x:
      v1.grad = 1
      x.grad so far = 0 + 1 × 3 = 3
      x.grad = 3 + 1 × 3 = 6
    """
    if not isinstance(result, Value):
        return
    try:
        walk = steps(result)
        lines = [step.numbers for step in walk if step.phase != "forward"]
    except GraphError as error:
        print(_fault(result) or error)
        return
    names = [walk.names[i] for i in walk.graph.nodes[-1].inputs]
    symbol = result._op
    made = f" {symbol} ".join(names * (3 - len(names))) if not symbol.isalpha() else f"{symbol}({', '.join(names)})"
    print(f"the way back from {walk.names[-1]}{f' = {made}' if names else ''}:", *lines, sep="\n  ")


def watch(root: Any, **names: Any) -> None:
    """Let every rule below a result of the learner's own class print when it runs, and what it does to the gradients.

    Args:
        root: an object with `children` and a `rule`, as those that it was computed from; anything else is let be.
        names: what the objects are called.
    """
    called = {id(node): name for name, node in names.items()}
    stack, seen = [root], set[int]()
    while stack:
        node = stack.pop()
        children, rule = (_attribute(node, name) for name in ("children", "rule"))
        if id(node) not in seen and children and isinstance(children, Iterable) and callable(rule):
            seen.add(id(node))
            operands = list({id(child): child for child in children}.values())
            node.rule = partial(_tell, node, rule, operands, called)
            stack += operands


def _attribute(node: Any, name: str) -> Any:
    """What a plain object of this process has under a name, or None."""
    try:
        return object.__getattribute__(node, "__dict__").get(name)
    except AttributeError:
        return None


def _tell(node: Any, rule: Callable[[], None], operands: Sequence[Any], called: Mapping[int, str]) -> None:
    before = [child.grad for child in operands]
    rule()
    changes = ", ".join(
        f"{called.get(id(child), '·')}.grad {_text(old, 4)} → {_text(child.grad, 4)}"
        for child, old in zip(operands, before)
    )
    print(f"the rule of {called.get(id(node), 'a node')}, whose gradient is {_text(node.grad, 4)}: {changes}")


def _fault(result: Value) -> str:
    """What is wrong with the first rule of one's own below `result` that is no rule."""
    for node in topological_order(result):
        if own_name(node.op):
            try:
                own_slopes(node)
            except GraphError as error:
                return str(error)
    return ""


def _compare(got: Any, expected: Any, what: str, because: Hints | None, within: float, wrong: str) -> None:
    number, right = _plain(got, expected, what), _plain(expected, expected, what)
    if _same(number, right, within):
        return
    hint = next((hint for other, hint in (because or {}).items() if _same(number, other, max(within, 1e-4))), "")
    digits = next((digits for digits in (4, 6, 10) if _text(number, digits) != _text(right, digits)), 17)
    raise AssertionError(f"{what} is {_text(number, digits)}{wrong.format(_text(right, digits))} {hint}".rstrip())


def _plain(got: Any, expected: Any, what: str) -> Any:
    """`got` as numbers in tuples, of the shape of `expected`."""
    if got is ...:
        raise AssertionError(f"{what} is still the ... of the start: put your answer in its place.")
    if got is None:
        raise AssertionError(f"{what} is None: is a return missing?")
    if isinstance(expected, (list, tuple)):
        if isinstance(got, (str, bytes)) or not isinstance(got, Iterable):
            raise AssertionError(f"{what} is {described(got)}, and should be a list.")
        items = list(got)
        if len(items) != len(expected):
            raise AssertionError(
                f"{what} has {len(items)} entr{'y' if len(items) == 1 else 'ies'}, and should have {len(expected)}."
            )
        return tuple(_plain(one, other, f"{what}[{i}]") for i, (one, other) in enumerate(zip(items, expected)))
    number = _float(got)
    if number is None:  # a Value has it in .data; there NumPy's numbers have a buffer
        number = _float(getattr(got, "data", None))
    if number is None:
        raise AssertionError(f"{what} is {described(got)}, and should be a number.")
    return number


def _float(x: Any) -> float | None:
    try:
        return float(x)
    except (TypeError, ValueError, OverflowError):
        return None


def _same(a: Any, b: Any, within: float) -> bool:
    if isinstance(a, (tuple, list)):
        return isinstance(b, (tuple, list)) and len(a) == len(b) and all(_same(x, y, within) for x, y in zip(a, b))
    if isinstance(b, (tuple, list)):
        return False
    return bool(a == b or abs(a - b) <= within * max(1.0, abs(b)))


def _text(number: Any, digits: int) -> str:
    if isinstance(number, (tuple, list)):
        return f"[{', '.join(_text(one, digits) for one in number)}]"
    return spelled(float(number), digits)
