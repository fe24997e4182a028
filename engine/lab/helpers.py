"""What the tests of an exercise may call: all that `HELPERS` names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import Any, Final

from ..core.chain import own_slopes, topological_order
from ..core.own import own_name
from ..core.value import Value
from ..errors import GraphError
from ..rules.notation import spelled
from ..shown import described
from ..story.steps import steps
from .sandbox_child import by_hand, followed, summed, written

Hints = Mapping[Any, str] | str
"""For a wrong number (or tuple of numbers) what the one who got it has probably done; for `...`, or alone: for all."""
OTHER: Final = "These numbers are new. If only this test fails: compute the answer from what is given."


def close(got: Any, expected: Any, what: str, because: Hints = "", within: float = 1e-6) -> None:
    """Fail unless `got` is the number `expected`, but for rounding.

    Args:
        got: a number, or a list of them, or a list of such lists; or True or False.
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


def answer(got: Any, expected: Any, what: str, because: Hints = "", within: float = 1e-3) -> None:
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


def _compare(got: Any, expected: Any, what: str, because: Hints, within: float, wrong: str) -> None:
    number, right = _plain(got, expected, what), _plain(expected, expected, what)
    if _same(number, right, within):
        return
    hints = {...: because} if isinstance(because, str) else because
    told = (hint for other, hint in hints.items() if other is not ... and _same(number, other, max(within, 1e-4)))
    hint = next(told, hints.get(..., ""))
    digits = next((digits for digits in (4, 6, 10) if _text(number, digits) != _text(right, digits)), 17)
    raise AssertionError(f"{what} is {_text(number, digits)}{wrong.format(_text(right, digits))} {hint}".rstrip())


def entries(got: Any, what: str, count: int | None = None) -> list[Any]:
    """The entries of a list, a tuple or an array.

    Raises:
        AssertionError: if it is none, or has not so many.
    """
    if _text_of(got) or not isinstance(got, Iterable):
        raise AssertionError(f"{what} {_is_no(got, 'list')}")
    found = list(got)
    if count not in (None, len(found)):
        raise AssertionError(
            f"{what} has {len(found)} entr{'y' if len(found) == 1 else 'ies'}, and should have {count}."
        )
    return found


def _is_no(got: Any, kind: str) -> str:
    """That something is no number, or no list."""
    if got is None:
        return "is None: is a return missing?"
    if got is ... or repr(got) == "Ellipsis":  # that of another process
        return "is still the ... of the start: put your answer in its place."
    if _text_of(got) and kind == "number":
        return f"is the text {got!r}, and should be a number: write it without quotes."
    if hasattr(got, "grad"):
        return f"is a Value, and should be a plain {kind}: take its .data."
    return f"is {described(got)}, and should be a {kind}."


def _text_of(got: Any) -> bool:
    return isinstance(got, (str, bytes))


def _plain(got: Any, expected: Any, what: str) -> Any:
    """`got` as numbers in tuples, of the shape of `expected`."""
    if isinstance(expected, (list, tuple)):
        items = entries(got, what, len(expected))
        return tuple(_plain(one, other, f"{what}[{i}]") for i, (one, other) in enumerate(zip(items, expected)))
    if isinstance(expected, bool):
        if str(got) not in ("True", "False"):  # NumPy has its own
            raise AssertionError(f"{what} {_is_no(got, 'True or False').replace('a True', 'True')}")
        return str(got) == "True"
    number = None if isinstance(got, bool) or _text_of(got) or hasattr(got, "grad") else _float(got)
    if number is None:
        raise AssertionError(f"{what} {_is_no(got, 'number')}")
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
    return str(number) if isinstance(number, bool) else spelled(float(number), digits)


# -- whose work it is -----------------------------------------------------------------------------------------


def own_rule(node: Any, what: str) -> None:
    """Fail unless `node` is a Value with a rule that a learner wrote; `what` is what it is called."""
    symbol = getattr(node, "op", None)
    if not isinstance(symbol, str):
        told = "is None: is a return missing?" if node is None else f"is {described(node)}, and should be a Value."
        raise AssertionError(f"{what} {told}")
    if own_name(symbol) is None:
        raise AssertionError(f"{what} has the rule of the library: make the node with gg.Value(…), and write its rule.")


# -- numbers --------------------------------------------------------------------------------------------------


def numbers_for(student: str) -> Callable[[int, int], int]:
    """A function `draw(low, high)` that gives whole numbers, in turn, for this student the same each time.

    >>> draw, again = numbers_for("anna"), numbers_for("anna")
    >>> numbers = [draw(1, 6) for _ in range(3)]
    >>> numbers == [again(1, 6) for _ in range(3)], numbers == [numbers_for("ben")(1, 6) for _ in range(3)]
    (True, False)
    """
    count = 0

    def draw(low: int, high: int) -> int:
        nonlocal count
        if low > high:
            raise ValueError(f"draw takes the smallest and the largest number, got {low} and {high}")
        count += 1
        return low + int.from_bytes(sha256(f"{student}/{count}".encode()).digest(), "big") % (high - low + 1)

    return draw


draw = numbers_for("")
HELPERS: Final[dict[str, Any]] = {
    **{one.__name__: one for one in (answer, by_hand, close, draw, entries, followed, own_rule, show, watch, written)},
    "OTHER": OTHER,
    "summed": summed,
}
