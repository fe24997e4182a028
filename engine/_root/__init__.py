"""glassgrad: a scalar autograd engine in which nothing is hidden.

>>> import glassgrad as gg
>>> x = gg.Value(3.0, label="x")
>>> y = x**3
>>> y.backward()
>>> x.grad
27.0
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from glassgrad.engine import (
    OPS,
    DomainError,
    ExpressionError,
    GraphError,
    OpError,
    Value,
    define_op,
    functions,
    grad,
    no_grad,
    topological_order,
)

if TYPE_CHECKING:
    from glassgrad import engine, nn, viz
    from glassgrad.engine.compiler import CompileError, Program, compile
    from glassgrad.engine.gradcheck import gradcheck
    from glassgrad.engine.graph import Graph
    from glassgrad.engine.source import record_source
    from glassgrad.engine.steps import explain, steps

__version__ = "0.1.0"

# Loaded when first used, so that `import glassgrad` stays light and needs no NumPy.
_LAZY = {
    "Graph": "engine.graph",
    "steps": "engine.steps",
    "explain": "engine.steps",
    "record_source": "engine.source",
    "gradcheck": "engine.gradcheck",
    "compile": "engine.compiler",
    "Program": "engine.compiler",
    "CompileError": "engine.compiler",
}
_SUBPACKAGES = ("engine", "nn", "viz")

__all__ = [
    "OPS",
    "CompileError",
    "DomainError",
    "ExpressionError",
    "Graph",
    "GraphError",
    "OpError",
    "Program",
    "Value",
    "__version__",
    "compile",
    "define_op",
    "engine",
    "explain",
    "grad",
    "gradcheck",
    "nn",
    "no_grad",
    "record_source",
    "steps",
    "topological_order",
    "viz",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        found = getattr(import_module(f"glassgrad.{_LAZY[name]}"), name)
        globals()[name] = found
        return found
    if name in _SUBPACKAGES:
        return import_module(f"glassgrad.{name}")
    if name in OPS:
        return getattr(functions, name)
    raise AttributeError(f"module 'glassgrad' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *OPS})
