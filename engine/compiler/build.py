"""`gg.compile`: all stages, one after the other."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Literal, get_args

import numpy as np

from ..choices import unknown
from ..core.chain import topological_order
from ..core.value import DETACHED, LEAF, Value
from .emit import NUMPY, emit
from .errors import CompileError
from .groups import group_units
from .ir import View, check
from .jit import loops
from .layout import lay_out
from .linear import linear_forms
from .naming import Names
from .program import Argument, Program
from .steering import traced
from .straight import straight_source
from .trace import Trace, trace

Backend = Literal["auto", "numpy", "python", "numba"]
STRAIGHT_NODES, NODES_PER_STEP = 200_000, 12  # straight-line code for small graphs with few nodes to a step
_HELPERS = ("cells", "totals", "winners", "array", "empty", "ones", "zeros", "moveaxis", "float")
RESERVED = {"params", "grads", "numbers", "n", "forward", "backward", "bind", *_HELPERS, *NUMPY}
_PLAIN = re.compile(r"(?!g_)[A-Za-z]([A-Za-z_]*[a-z])?|x\d+")  # cannot be a name that the emitter makes


def compile(
    target: Callable[..., Any] | Value | Sequence[Value],
    example: Sequence[Any] | None = None,
    params: Iterable[Value] | None = None,
    *,
    inputs: Sequence[Value] = (),
    reduce: Literal["mean", "sum"] = "mean",
    backend: Backend = "auto",
) -> Program:
    """Compile scalar code, or a graph that is recorded already, into NumPy.

    Args:
        target: a function of one example that returns a Value or a list of Values; or a result (or several)
            whose graph is there already.
        example: for a function: its arguments for one example, numbers or (nested) lists of numbers. They
            reach the function as Values; the compiler adds the axis for many examples.
        params: the parameters to differentiate by. For a recorded graph, all its leaves if not given; leaves
            that are neither parameters nor inputs keep the number they have.
        inputs: for a recorded graph: leaves whose numbers are handed to each call, as one array.
        reduce: what `value_and_grad` makes of the examples' losses; a loss that depends on no argument counts once.
        backend: `"numpy"`, `"python"` (straight-line code on floats, for a recorded graph), `"numba"` (loops as
            machine code: needs the extra `jit`, and seconds to compile) or `"auto"`: NumPy, and straight-line code
            where its calls would cost more than the arithmetic.

    Returns:
        A `Program` with `run`, `value_and_grad`, `params`, `source`.

    Raises:
        CompileError: if data or parameters steer the function, so that no fixed program does what it does; or if it
            uses a Value that is neither an argument nor in `params`. The first line of the message says where, the
            second what to write instead.

    While a function is traced, its arguments are Values, also where a loop would call it with numbers. Refused where
    they happen are: reading `.data` or `.grad`, `float()`, `int()`, an index, `math.*`, a dict, set or cache with a
    Value as key, text of a Value, `no_grad()` and `detach()`. Of comparisons (`<`, `==`, `in`, `max`, `sorted`, truth)
    the outcome is turned round, one by one and together, and refused if another graph comes of it; so is an op in a
    `try` that goes on when the op fails. A comparison that only counts, and a guard that only raises (`assert x > 0`),
    are left out of the program. Then the function is traced again, on the same numbers and on others.

    What cannot be found: a counter, list or file outside that changes the path only after more calls than there are
    traces; numbers read past the engine (`v._data`); whether a warning came; a stop-watch
    (`time.perf_counter`, `time.monotonic`); comparisons that matter only in a combination of outcomes that
    turning round one, all of a line, or all does not reach. What the program is to do for new data, it is told by
    these traces alone: functions without state are the safe ones.

    >>> from glassgrad import Value
    >>> w, b = Value(2.0, "w"), Value(1.0, "b")
    >>> program = compile(lambda x, y: (w * x + b - y) ** 2, example=(3.0, 5.0), params=[w, b])
    >>> value, gradient = program.value_and_grad([3.0, 1.0], [5.0, 2.0])
    >>> value, gradient.tolist()
    (2.5, [7.0, 3.0])
    """
    if backend not in get_args(Backend):
        raise CompileError(unknown("backend", backend, get_args(Backend)))
    if reduce not in ("mean", "sum"):
        raise CompileError(unknown("reduce", reduce, ("mean", "sum")))
    if callable(target) and not isinstance(target, Value):
        if example is None:
            raise CompileError("compiling a function needs example=(…): its arguments for one example")
        if inputs:
            raise CompileError("inputs= belongs to a recorded graph; the inputs of a function are its arguments")
        if not isinstance(example, Iterable) or isinstance(example, (str, bytes)):
            raise CompileError(
                f"example takes the arguments for one example in a tuple, such as example=(1.0,); got {example!r}"
            )
        return _compile_function(target, tuple(example), list(params or ()), reduce == "mean", backend)
    if example is not None and isinstance(target, (Value, list, tuple)):
        raise CompileError("example= belongs to a function; a recorded graph has its numbers already")
    many = not isinstance(target, Value)
    outputs: list[Any] = list(target) if isinstance(target, (list, tuple)) else [target]
    if not outputs or not all(isinstance(v, Value) for v in outputs):
        raise CompileError(f"compile takes a function, a Value or a list of Values, got {target!r}")
    if any(v._kind == DETACHED for v in outputs):
        raise CompileError("nothing was recorded behind the result: it was made under no_grad() or by detach()")
    if params is None:
        leaves = {v: None for output in outputs for v in topological_order(output) if v._kind == LEAF}
        chosen = [v for v in leaves if not any(v is x for x in inputs)]
    else:
        chosen = list(params)
    columns, *_ = trace(outputs, chosen, list(inputs))
    arguments = [Argument("inputs", (len(inputs),))] if inputs else []
    return _assemble(columns, chosen, arguments, mean=True, many=many, batched=False, backend=backend)


def _assemble(
    t: Trace,
    params: Sequence[Value],
    arguments: Sequence[Argument],
    *,
    mean: bool,
    many: bool,
    batched: bool,
    backend: Backend,
) -> Program:
    labels = {slot: label for slot, label in t.labels.items() if slot < t.params}
    names = Names(labels, (*RESERVED, *(a.name for a in arguments)))
    grouping = group_units(t, linear_forms(t), batched)
    sizes = [(a.name, int(np.prod(a.shape, dtype=np.int64))) for a in arguments]
    matrix = check(lay_out(t, grouping, names, sizes))
    root = matrix.outputs[0] if len(matrix.outputs) == 1 else None
    make = partial(loops if backend == "numba" else emit, matrix, root if isinstance(root, View) else None, mean)
    small = matrix.nodes <= min(STRAIGHT_NODES, NODES_PER_STEP * max(1, len(matrix.steps)))
    wanted = backend == "python" or (backend == "auto" and small)
    line = straight_source(t) if wanted and not batched and not many else ""
    return Program(t, matrix, make, arguments, params, mean, many, batched, line, backend == "numba")


# -- functions --------------------------------------------------------------------------------------------


def _compile_function(
    function: Callable[..., Any], example: tuple[Any, ...], params: list[Value], mean: bool, backend: Backend
) -> Program:
    arguments = _arguments(function, example)
    arrays = [np.asarray(x, dtype=np.float64) for x in example]
    columns, many = traced(function, arrays, params)
    return _assemble(columns, params, arguments, mean=mean, many=many, batched=True, backend=backend)


def _arguments(function: Callable[..., Any], example: tuple[Any, ...]) -> list[Argument]:
    """Name and shape of each argument."""
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # some callables tell nothing about themselves
        names = []
    found = []
    for i, given in enumerate(example):
        try:
            shape = np.asarray(given, dtype=np.float64).shape
        except (TypeError, ValueError):
            raise CompileError(
                f"example argument {i} must be a number or lists of numbers of equal length, got {given!r}"
            ) from None
        given_name = names[i] if i < len(names) else ""
        plain = _PLAIN.fullmatch(given_name) and given_name not in RESERVED
        name = given_name if plain else f"arg{i}" if f"x{i}" in names else f"x{i}"  # another's name is never taken
        found.append(Argument(name, shape))
    return found
