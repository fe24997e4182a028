"""The same program compiled to machine code by numba: `backend="numba"`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..rules.derive import called_ops
from ..rules.floats import cube_root, rest
from ..rules.formula import PRIMITIVES
from ..rules.ops import OPS
from .errors import CompileError
from .ir import (
    Constant,
    Elementwise,
    Gather,
    MatrixProgram,
    View,
)
from .loops_backward import BackwardLoops
from .naming import code_of
from .trace import Floats

_MATH = sorted(PRIMITIVES - {"abs", "cbrt", "exp2", "max", "min", "mod"})  # what `math` has in every version


def loops(program: MatrixProgram, root: View | None, mean: bool) -> tuple[str, list[Any]]:
    """Source of `forward(n, arrays…)` and `backward(n, arrays…)`, and the arrays of numbers that they read."""
    return BackwardLoops(program, root, mean).source()


def _power_of_two(x: float) -> float:
    return math.pow(2.0, x)


def _called(ops: Iterable[str]) -> list[str]:
    """The ops that formulas of these ops call, those called by others first."""
    found: list[str] = []
    for name in sorted(ops):
        for called in sorted(called_ops(OPS[name])):
            found += [inner for inner in [*_called([called]), called] if inner not in found]
    return found


def _function(name: str) -> list[str]:
    """An op's forward formula as the source of a function."""
    op = OPS[name]
    code, own = code_of(op), {n: f"a_{n}" for n in (*op.names, *(short for short, _ in op.let))}
    lets = [f"    {own[short]} = {code.source(formula, own)}" for short, formula in op.let]
    given = ", ".join(own[n] for n in op.names)
    return [f"def op_{name}({given}):", *lets, f"    return {code.source(op.forward, own)}"]


def bind_loops(source: str, program: MatrixProgram, numbers: Sequence[Any]) -> Callable[..., Any]:
    """A function that makes the arrays for n examples and returns what the NumPy program's `bind` returns."""
    try:
        import numba
    except ImportError:
        raise CompileError('backend="numba" needs numba: pip install "glassgrad[jit]"') from None
    names: dict[str, Any] = {name: getattr(math, name) for name in _MATH} | {
        "abs": abs,
        "inf": math.inf,
        "pow": math.pow,
    }
    for name, function in {"cbrt": cube_root, "exp2": _power_of_two, "mod": rest}.items():
        names[name] = numba.njit(function, error_model="numpy")
    for called in _called({step.op for step in program.steps if isinstance(step, Elementwise)}):
        text = "\n".join(_function(called))
        exec(compile(text, f"<glassgrad op {called}>", "exec"), names)  # noqa: S102  # whitelisted formulas only
        names[f"op_{called}"] = numba.njit(names[f"op_{called}"], error_model="numpy")
    exec(compile(source, "<glassgrad loops>", "exec"), names)  # noqa: S102  # made of whitelisted formulas and our own names
    fast = {"reassoc", "contract", "arcp", "nsz"}  # NaN and infinity keep their meaning
    forward, backward = (numba.njit(names[f], fastmath=fast, error_model="numpy") for f in ("forward", "backward"))

    def bind(n: int, params: Floats, grads: Floats, _: Any) -> Any:
        arrays, inputs, results = [], [], []
        for buffer in program.buffers:
            shape = (buffer.cells + buffer.ones, n) if buffer.varies else (buffer.cells + buffer.ones,)
            arrays.append(params if buffer.role == "params" else np.ones(shape))
            inputs += [arrays[-1]] if buffer.role == "inputs" else []
        for i, buffer in enumerate(program.buffers):
            shape = (buffer.cells, n) if buffer.varies else (buffer.cells,)
            arrays.append(grads if buffer.role == "params" else np.zeros(shape) if buffer.active else arrays[i])
        for step in program.steps:
            if isinstance(step, Gather):
                into, values = step.constants
                target = arrays[step.out.buffer]
                target[into] = values[:, None] if target.ndim == 2 else values
        for output in program.outputs:
            at = output.cells().ravel() if isinstance(output, View) else None
            found = np.array([output.values]) if isinstance(output, Constant) else arrays[output.buffer]
            results.append(found if at is None else found[int(at[0]) : int(at[0]) + 1])
        given = (n, tuple(arrays), tuple(numbers))
        return lambda: forward(*given), lambda: backward(*given), inputs, results

    return bind
