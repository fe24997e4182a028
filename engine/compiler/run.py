"""One run of the user's function on Values: it hears of all numbers that leave the graph, and refuses or notes them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

from ..core.origin import tick
from ..core.record import recording
from ..core.value import Value
from ..core.watch import told
from ..shown import described
from ..story.source import is_ours
from .errors import CompileError
from .places import home, place, place_of, user_frame
from .trace import Trace, trace

ENDLESS = 1_000_000
"""From so many comparisons on a loop is taken for one that does not end."""

CHOOSE = (
    "Choose between results with gg.where(test, a, b), gg.max, gg.min, relu or abs; hand in a class as a one-hot list "
    "(gg.dot(one_hot, row) instead of row[y]), a mask or noise as an argument."
)
_CURES: Final = {
    ".data": "Compute with the Value itself (v * v, v.exp(), gg.tanh(v)), by an op of your own with gg.define_op; "
    "outside the function .data is fine.",
    ".grad": "Use gg.grad(y, x, create_graph=True): it gives derivatives as Values.",
    ".slopes": "Use gg.grad(y, x, create_graph=True): it gives derivatives as Values.",
    "gg.grad(…)": "Write gg.grad(y, x, create_graph=True): it gives derivatives as Values.",
    ".detach()": "What is to stay fixed is computed outside the function, or handed in as an argument.",
    ".data = …": "Compute a new Value instead: v = v * 0.5.",
    "copy": "Use the Value itself: arithmetic never changes it.",
    "no_grad()": "What is to stay fixed is computed outside the function, or handed in as an argument.",
    "hash()": f"Its number is no key. {CHOOSE}",
    "a view": "Look at the graph, check it, train and run programs outside the function.",
    "text": "A program does not print, and must not go on from text; show numbers outside the function.",
}
_DOES: Final = {
    "hash()": "a Value is looked up in a dict, set or cache",
    ".data": ".data is read of a Value that depends on the data",
    ".grad": ".grad is read of a Value that depends on the data",
    ".slopes": ".slopes is read of a Value that depends on the data",
    "an index out": "a Value is used as an index",
    "text": "a Value is written out as text",
    "no_grad()": "no_grad() cuts off what depends on the data",
    ".detach()": ".detach() cuts off what depends on the data",
    ".data = …": ".data is set of a Value that depends on the data",
    "copy": "a copy of a Value is cut off from what it depends on",
    "a view": "a view, check or program of glassgrad's hands out numbers",
    "gg.grad(…)": "gg.grad hands out a derivative as a number",
}
_KEEPING: Final = ("glassgrad.engine.core.", "glassgrad.engine.rules.", "glassgrad.engine.number")
Function = Callable[..., Any]
Key = tuple[CodeType, int]
"""An instruction of the user's."""


class Decision(NamedTuple):
    """A comparison of Values that depend on arguments or parameters: where, on which line, and how it came out."""

    key: Key
    line: int
    outcome: bool

    @property
    def where(self) -> str:
        """File, line and text."""
        return place(*self.key, self.line)


class Endless(BaseException):
    """A trace compares on and on; no `except Exception` of the user's stops this."""


class Problem(NamedTuple):
    """What is traced: a function, arrays for its arguments, and the parameters."""

    function: Function
    arrays: Sequence[Any]
    params: Sequence[Value]


class Run:
    """One trace of the function; it is told of all numbers that leave the graph.

    Args:
        problem: the function and what it is called with.
        strict: refuse a number that is read; else let it pass, as the graphs are compared.
        limit: how many comparisons there may be.
        turned: the numbers of comparisons that come out the other way.
        places: the same for all comparisons at these places.
    """

    def __init__(
        self,
        problem: Problem,
        strict: bool = True,
        limit: int = ENDLESS,
        turned: frozenset[int] = frozenset(),
        places: frozenset[Key] = frozenset(),
    ) -> None:
        self.problem = problem
        self.strict, self.limit, self.turned, self.places = strict, limit, turned, places
        self.decisions: list[Decision] = []
        self.refused: CompileError | None = None
        self.asked = 0
        self.inputs: list[Value] = []
        self.leaves: dict[bool, set[int]] = {}
        self.fixed: dict[bool, dict[int, Value]] = {False: {}, True: {}}
        self.others: list[Value] = []
        self.many = False
        self.finished = False
        self.columns: Trace

    def trace(self) -> Run:
        """Run the function and read the graph.

        Raises:
            CompileError: if it hands out a number.
            Endless: if it compares without end.
        """
        arguments = [self._values(array) for array in self.problem.arrays]
        given = {id(v) for v in self.inputs}
        self.leaves = {False: given | {id(v) for v in self.problem.params}, True: given}
        began = tick()
        try:
            with recording(), told(self):
                result = self.problem.function(*arguments)
        except Exception:
            if self.refused is not None:
                raise self.refused from None
            raise
        if self.refused is not None:  # the function has caught it
            raise self.refused
        self.many = isinstance(result, (list, tuple))
        outputs = list(result) if self.many else [result]
        if not outputs or not all(isinstance(v, (Value, float, int)) for v in outputs):
            raise CompileError(f"the function must return a Value or a list of Values, got {described(result)}")
        self.columns, self.others, older = trace(outputs, self.problem.params, self.inputs, began)
        if older:
            raise CompileError(
                f"the function uses {older[0]!r}, which was computed before it was called"
                f"{home(self.problem.function)}\n"
                "A program would compute it anew in each call. Compute it inside the function, or fix its number with "
                ".detach()."
            )
        self.finished = True
        return self

    def _values(self, array: Any) -> Any:
        if array.ndim:
            return [self._values(row) for row in array]
        self.inputs.append(Value(float(array)))
        return self.inputs[-1]

    # -- what the engine tells ----------------------------------------------------------------------------

    def compared(self, outcome: bool, *values: Any, nodes: bool) -> bool:
        """Note a comparison; turn it round if that is wanted."""
        if not any(self.moves(v, nodes) for v in values):
            return outcome
        if len(self.decisions) >= self.limit:
            raise Endless
        frame = user_frame(sys._getframe(2))
        key = (frame.f_code, frame.f_lasti)
        turned = (len(self.decisions) in self.turned) != (key in self.places)
        self.decisions.append(Decision(key, frame.f_lineno, outcome))
        return outcome != turned

    def read(self, value: Any, how: str) -> None:
        """Refuse that a number is handed to code that is not glassgrad's own."""
        if not self.strict or not (value is None or self.moves(value, how == "hash()")):
            return
        caller = sys._getframe(3)  # before it are `watch.read` and what has called that
        if is_ours(caller) and value is not None:
            if how == "text" or _keeps(caller):
                return
            how = "a view"
        self.asked += 1
        if self.asked > self.limit:
            raise Endless
        if self.refused is None:
            frame = user_frame(caller)
            does = _DOES.get(how, f"a plain number is asked for ({how})")
            cure = _CURES.get(how, f"Compute with Values (v.exp(), gg.log(v) instead of math.*). {CHOOSE}")
            self.refused = CompileError(
                f"{does}, at {place_of(frame)}\nWhile it is traced, a function must not hand numbers to Python. {cure}"
            )
        raise self.refused

    def moves(self, v: Any, as_node: bool) -> bool:
        """Whether a Value depends on an argument or a parameter; `as_node` on an argument, that might be a plain number
        as well: of others it is sure that they are nodes, which are equal to themselves alone."""
        leaves, fixed = self.leaves[as_node], self.fixed[as_node]
        if not isinstance(v, Value) or id(v) in fixed:
            return False
        stack: list[Any] = [v]
        seen: dict[int, Value] = {}
        while stack:
            node = stack.pop()
            if id(node) in leaves:
                return True
            if id(node) in seen or id(node) in fixed:
                continue
            seen[id(node)] = node
            operands = node._a if node._a.__class__ is tuple else (node._a, node._b)
            stack += [u for u in operands if isinstance(u, Value)]
        fixed |= seen
        return False

    def owns(self, value: Any) -> bool:
        """Whether a Value depends on an argument: those nobody but the function has."""
        return self.moves(value, as_node=True)

    def same_as(self, other: Run) -> bool:
        """Whether both found the same program."""
        return self.many == other.many and self.columns.same_as(other.columns)


def _keeps(frame: FrameType) -> bool:
    """Whether glassgrad's own code that runs there keeps to itself what it reads, as arithmetic does; views and checks
    hand it out."""
    module = str(frame.f_globals.get("__name__", ""))
    return not module.startswith("glassgrad.") or module.startswith(_KEEPING)
