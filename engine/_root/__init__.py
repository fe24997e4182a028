"""glassgrad: a scalar autograd engine in which nothing is hidden.

>>> import glassgrad as gg
>>> x = gg.Value(3.0, label="x")
>>> y = x**3
>>> y.backward()
>>> x.grad
27.0
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

if signal.getsignal(signal.SIGINT) is signal.default_int_handler and (
    (sys.argv[:1] == ["-m"] and "glassgrad" in sys.orig_argv)
    or "".join(sys.argv[:1]).endswith(("/glassgrad", "\\glassgrad.exe"))
):
    # The command: until it runs, nothing is under way that Ctrl-C would lose, and it ends with one line.
    signal.signal(signal.SIGINT, lambda *_: (os.write(2, b"\nglassgrad: interrupted\n"), os._exit(130)))

from glassgrad.engine import (
    OPS,
    DomainError,
    ExpressionError,
    GraphError,
    OpError,
    Value,
    define_op,
    grad,
    logsumexp,
    no_grad,
    softmax,
    topological_order,
)
from glassgrad.engine.core import functions
from glassgrad.engine.lazy import lazy_attributes

if TYPE_CHECKING:
    from glassgrad import engine, nn, viz
    from glassgrad.engine import lab
    from glassgrad.engine.compiler import CompileError, Program, compile
    from glassgrad.engine.proof.gradcheck import gradcheck
    from glassgrad.engine.story.graph import Graph
    from glassgrad.engine.story.ledger import explain
    from glassgrad.engine.story.source import record_source
    from glassgrad.engine.story.steps import steps

__version__ = "0.1.0"

# Loaded when first used, so that `import glassgrad` stays light and needs no NumPy.
_LAZY = {
    "Graph": "engine.story.graph",
    "steps": "engine.story.steps",
    "explain": "engine.story.ledger",
    "record_source": "engine.story.source",
    "gradcheck": "engine.proof.gradcheck",
    "compile": "engine.compiler",
    "Program": "engine.compiler",
    "CompileError": "engine.compiler",
}
_lazy = lazy_attributes(__name__, _LAZY, ("engine", "nn", "viz", "engine.lab"))

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
    "lab",
    "logsumexp",
    "nn",
    "no_grad",
    "record_source",
    "softmax",
    "steps",
    "topological_order",
    "viz",
]


def __getattr__(name: str) -> Any:
    return functions.function(OPS[name]) if name in OPS else _lazy(name)


def __dir__() -> list[str]:
    return sorted({*__all__, *OPS})
