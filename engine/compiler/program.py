"""`Program`: what `gg.compile` returns."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from threading import Lock, get_ident, local
from typing import Any, Final, NamedTuple, final

import numpy as np
from numpy.typing import ArrayLike

from ..core.origin import MOVING, STATE, change
from ..core.value import Value
from ..core.watch import read
from ..errors import DomainError
from ..number import number
from .emit import NUMPY
from .errors import CompileError
from .ir import MatrixProgram
from .jit import bind_loops
from .listing import listing
from .locate import locate
from .runtime import cells, totals, winners
from .straight import straight
from .trace import Floats, Trace

KEPT_SIZES = 8  # batch sizes whose arrays are kept
FLOAT64: Final = np.dtype(np.float64)  # NumPy has one such object: `is` tells


class Argument(NamedTuple):
    """One argument of the compiled function: its name and the shape of one example."""

    name: str
    shape: tuple[int, ...]


class Bound(NamedTuple):
    """The arrays and functions for one batch size."""

    forward: Callable[[], None]
    backward: Callable[[], None]
    inputs: list[Floats]
    results: list[Floats]
    feeds: list[Floats]
    """Views of the inputs, shaped like the arguments."""


@final
class Program:
    """A compiled scalar program: run it, differentiate it, read it.

    Made by `gg.compile`. `print(program)` lists its steps; `program.source` is the NumPy code that runs.

    Sums are added up in another order than by the eager engine, so the last digits may differ, and all of them where
    numbers cancel (1e300 + 0.5 - 1e300); `run` and `value_and_grad` agree. Several threads may call one program at the
    same time: they share `params`, and each has its own gradient vector.

    Attributes:
        params: the parameters as one contiguous float64 vector, in the order given to `compile`; the program
            reads them from here, so an update is `program.params -= rate * gradient`.
        views: the parameters by name: a vector or matrix for each family of labels, a view into `params`.
        source: the generated code.
        steps: how many forward steps there are.
        nodes: how many scalar nodes they stand for (of one example).
    """

    __slots__ = (
        "_arguments",
        "_bind",
        "_bound",
        "_code",
        "_grads",
        "_line",
        "_lock",
        "_looped",
        "_make",
        "_many",
        "_mean",
        "_others",
        "_params",
        "_per_example",
        "_straight",
        "_thread",
        "_values",
        "matrix",
        "trace",
        "views",
    )

    def __init__(
        self,
        t: Trace,
        matrix: MatrixProgram,
        make: Callable[[], tuple[str, list[Any]]],
        arguments: Sequence[Argument],
        values: Sequence[Value],
        mean: bool,
        many: bool,
        per_example: bool,
        straight_line: str = "",
        looped: bool = False,
    ) -> None:
        self._code: tuple[str, list[Any]] | None
        self._bind: Callable[..., Any] | None
        self.trace, self.matrix, self._line, self._looped = t, matrix, straight_line, looped
        self._make, self._code, self._bind = make, None, None
        self._arguments, self._values, self._mean, self._many = arguments, values, mean, many
        self._per_example = per_example
        self._watched()
        with MOVING:
            self._params = np.array([v._data for v in values], dtype=np.float64)
        self._lock, self._others = Lock(), local()
        self._begin()
        self.views: Mapping[str, Floats] = _views(self._params, t.labels)

    def _begin(self) -> None:
        """Make what the calls of one thread write to."""
        self._thread = get_ident()
        self._grads = np.zeros(len(self._params))
        self._bound: dict[int, Bound] = {}
        self._straight = (
            straight(self.trace, self._line, self._params, self._grads, self._fault_at) if self._line else None
        )

    def _own(self) -> Program:
        """This program for the thread that calls: it shares the parameters and the code, not the arrays."""
        found: Program | None = getattr(self._others, "program", None)
        if found is None:
            with self._lock:
                self._binding()
            found = self._others.program = object.__new__(Program)
            for name in Program.__slots__:
                setattr(found, name, getattr(self, name))
            found._begin()
        return found

    @property
    def params(self) -> Floats:
        """The parameter vector; assigning copies into it."""
        return self._params

    @params.setter
    def params(self, new: ArrayLike) -> None:
        if new is not self._params:
            array = np.asarray(new, dtype=np.float64)
            if array.shape != self._params.shape:
                raise CompileError(f"params has shape {self._params.shape}, got an array of shape {array.shape}")
            self._params[:] = array

    @property
    def source(self) -> str:
        """The generated code."""
        return self._line or self._emitted()[0]

    def _emitted(self) -> tuple[str, list[Any]]:
        """Source and numbers of the array program, made when first needed."""
        if self._code is None:
            self._code = self._make()
        return self._code

    @property
    def steps(self) -> int:
        """How many forward steps there are."""
        return len(self.matrix.steps)

    @property
    def nodes(self) -> int:
        """How many scalar nodes of one example the steps stand for."""
        return self.matrix.nodes

    def read_values(self) -> None:
        """Copy the numbers of the parameter `Value`s into `params`."""
        self._watched()
        with MOVING:
            self._params[:] = [v._data for v in self._values]

    def _watched(self) -> None:
        """Tell whoever traces a function that numbers of the parameters are handed out."""
        if STATE.watched:
            for v in self._values:
                read(v, "a view")

    def write_values(self) -> None:
        """Copy `params` back into the parameter `Value`s."""
        with MOVING:
            for v, x in zip(self._values, self._params.tolist()):
                change(v, x)

    def run(self, *arguments: ArrayLike) -> Any:
        """The result for every example.

        Args:
            *arguments: for each argument of the compiled function an array (batch, ...).

        Returns:
            An array (batch,), or (batch, k) where the function returns a list of k Values; for a recorded
            graph a float.

        Raises:
            CompileError: if a shape is wrong.
            DomainError: if a result is not finite; names the op and the example.
        """
        if get_ident() != self._thread:
            return self._own().run(*arguments)
        if self._straight is not None and len(arguments) == len(self._arguments):
            kept = self._grads.copy()
            try:
                return self._straight(*map(self._vector, arguments))[0]
            except DomainError:  # perhaps only of a slope
                pass
            finally:
                self._grads[:] = kept
        bound = self._fed(arguments)
        with np.errstate(all="ignore"):
            bound.forward()
        if self._per_example:
            n = len(np.asarray(arguments[0])) if arguments else 1
            results = np.stack([np.broadcast_to(r.ravel(), (n,)) for r in bound.results], axis=-1)
        else:
            results = np.array([r.ravel()[0] for r in bound.results])
        if not np.isfinite(results).all():
            raise self._fault(arguments)
        if self._many:
            return results
        return results[..., 0] if self._per_example else float(results[0])

    def __call__(self, *arguments: ArrayLike) -> Any:
        """The same as `run`."""
        return self.run(*arguments)

    def value_and_grad(self, *arguments: ArrayLike) -> tuple[float, Floats]:
        """The loss over the batch and its gradient.

        Args:
            *arguments: for each argument of the compiled function an array (batch, ...).

        Returns:
            The mean over the examples (the sum if compiled with `reduce="sum"`), and its gradient by `params`:
            one vector in the same order, **reused by the next call**; `.copy()` it to keep it.

        Raises:
            CompileError: if a shape is wrong.
            DomainError: if the loss or the gradient is not finite; names the op and the example.
        """
        if self._many:
            raise CompileError("value_and_grad needs a program with one result; this one returns a list (use run)")
        if get_ident() != self._thread:
            return self._own().value_and_grad(*arguments)
        if self._straight is not None and len(arguments) == len(self._arguments):
            return self._straight(*map(self._vector, arguments)) if arguments else self._straight()
        bound = self._fed(arguments)
        grads = self._grads
        with np.errstate(all="ignore"):
            bound.forward()
            bound.backward()
            result = bound.results[0].ravel()
            value = float(result[0]) if len(result) == 1 else float(np.add.reduce(result))
            norm = grads.dot(grads)
        if len(result) > 1 and self._mean:
            value /= len(result)
        if not math.isfinite(value) or not (math.isfinite(norm) or np.isfinite(grads).all()):
            raise self._fault(arguments)
        return value, grads

    def _vector(self, given: ArrayLike) -> list[float]:
        array = _floats(given, "inputs")
        if array.shape != self._arguments[0].shape:
            raise CompileError(f"inputs must have shape {self._arguments[0].shape}, got {array.shape}")
        return array.tolist()  # type: ignore[no-any-return]  # a list of floats, as the array has one axis

    def _fault_at(self, inputs: ArrayLike) -> Exception:
        return locate(self.trace, self._params, np.asarray(inputs, dtype=np.float64), "")

    def _fed(self, arguments: Sequence[ArrayLike]) -> Bound:
        """The bound program for this batch size, its inputs filled in."""
        first = arguments[0] if self._per_example and arguments else None
        if isinstance(first, np.ndarray) and first.ndim:
            known = self._bound.get(len(first))
            if known is not None and len(arguments) == len(known.feeds):
                for feed, given in zip(known.feeds, arguments):
                    if getattr(given, "shape", None) != feed.shape or given.dtype is not FLOAT64:  # type: ignore[union-attr]
                        break
                    feed[...] = given
                else:
                    return known
        arrays = self._checked(arguments)
        n = len(arrays[0]) if arrays and self._per_example else 1
        bound = self._bound.get(n)
        if bound is None:
            if len(self._bound) >= KEPT_SIZES:
                self._bound.clear()
            _, numbers = self._emitted()
            forward, backward, inputs, results = self._binding()(n, self._params, self._grads, numbers)
            made = Bound(forward, backward, inputs, results, [])
            for into, (_, shape) in zip(made.inputs, self._arguments):
                size = math.prod(shape)
                made.feeds.append(_examples_first(into, n, shape) if self._per_example else into[:size])
            bound = self._bound[n] = made
        for feed, array in zip(bound.feeds, arrays):
            feed[...] = array
        return bound

    def _binding(self) -> Callable[..., Any]:
        """The function that makes the arrays for a batch size."""
        if self._bind is None:
            source, numbers = self._emitted()
            self._bind = bind_loops(source, self.matrix, numbers) if self._looped else _execute(source)
        return self._bind

    def _checked(self, arguments: Sequence[ArrayLike]) -> list[Floats]:
        """The arguments as arrays of the right shapes."""
        if len(arguments) != len(self._arguments):
            wanted = ", ".join(f"{a.name}: (batch{''.join(f', {n}' for n in a.shape)})" for a in self._arguments)
            raise CompileError(f"the program takes {len(self._arguments)} arrays ({wanted}), got {len(arguments)}")
        if not self._per_example:
            return [np.array(self._vector(x)) for x in arguments]
        arrays = [_floats(x, name) for x, (name, _) in zip(arguments, self._arguments)]
        n = arrays[0].shape[0] if arrays and arrays[0].ndim else 1
        for array, (name, shape) in zip(arrays, self._arguments):
            if array.shape != (n, *shape):
                wanted = "".join(f", {size}" for size in shape) or ","
                raise CompileError(
                    f"{name} must have shape (batch{wanted}), examples first, as many in each array; got {array.shape}"
                )
        if n == 0:
            raise CompileError(f"{self._arguments[0].name} holds no example")
        return arrays

    def _fault(self, arguments: Sequence[ArrayLike]) -> Exception:
        arrays = [np.asarray(x, dtype=np.float64) for x in arguments]
        if not self._per_example:
            return self._fault_at(arrays[0] if arrays else ())
        rows = np.concatenate([a.reshape(len(a), -1) for a in arrays], axis=1) if arrays else np.zeros((1, 0))
        for i, row in enumerate(rows):
            found = locate(self.trace, self._params, row, f" in example {i}" if arrays else "")
            if not str(found).startswith("a gradient overflowed"):
                return found
        return locate(self.trace, self._params, rows[0], "")

    def __str__(self) -> str:
        note = "\nrun as straight-line Python: it is small" if self._straight is not None else ""
        return listing(self.trace, self.matrix) + note

    def __repr__(self) -> str:
        return f"Program({self.steps} steps for {self.nodes} scalar nodes, {len(self._params)} parameters)"


def _floats(given: ArrayLike, name: str) -> Floats:
    """An argument as floats; what is a text, a date, complex or masked is none."""
    try:
        array = np.asarray(given)
        if array.dtype.kind == "O":
            array = np.array([number(x, name) for x in array.ravel()]).reshape(array.shape)
    except (TypeError, ValueError, OverflowError) as error:
        raise CompileError(f"{name} must hold real numbers, in rows of equal length: {error}") from None
    if array.dtype.kind not in "fiub" or np.ma.is_masked(given):
        what = "one with masked numbers" if np.ma.is_masked(given) else f"an array of {array.dtype}"
        raise CompileError(f"{name} must hold real numbers, got {what}")
    return array.astype(np.float64, copy=False)


def _examples_first(rows: Floats, n: int, shape: tuple[int, ...]) -> Floats:
    """An input buffer (a row per number, a column per example) seen as an array (examples, ...)."""
    strides: list[int] = []
    step = rows.strides[0]
    for size in reversed(shape):
        strides.insert(0, step)
        step *= size
    return np.lib.stride_tricks.as_strided(rows, (n, *shape), (rows.strides[1], *strides))


@lru_cache(maxsize=1)
def _namespace() -> dict[str, Any]:
    names: dict[str, Any] = {name: getattr(np, name) for name in NUMPY}
    return (
        names
        | {name: getattr(np, name) for name in ("array", "empty", "ones", "zeros", "moveaxis")}
        | {"cells": cells, "totals": totals, "winners": winners}
    )


def _execute(source: str) -> Callable[..., Any]:
    """Run source that the emitter made (whitelisted formulas, names of our own) and return its `bind`."""
    namespace = dict(_namespace())
    exec(compile(source, "<glassgrad program>", "exec"), namespace)  # noqa: S102  # our own text only: no label, no user text is in it
    return namespace["bind"]  # type: ignore[no-any-return]  # exec is untyped


def _views(params: Floats, labels: Mapping[int, str]) -> dict[str, Floats]:
    """Runs of parameters whose labels differ in their last index only, each as one view."""
    found: dict[str, Floats] = {}
    start = 0
    stems = [re.sub(r"\[\d+\]$", "", labels.get(i, "")) for i in range(len(params))]
    for i in range(1, len(stems) + 1):
        if i == len(stems) or stems[i] != stems[start]:
            if stems[start] and stems[start] not in found:
                found[stems[start]] = params[start:i]
            start = i
    return found
