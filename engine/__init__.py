"""The engine: `Value`, the op table, differentiation, the graph as data, the gradient check, the compiler."""

from __future__ import annotations

if __name__ != "glassgrad.engine":
    raise ImportError("the folder engine/ is installed as glassgrad.engine: write 'from glassgrad import engine'")

from .core.chain import topological_order
from .core.functions import define_op, logsumexp, remove_op, softmax
from .core.grad import grad
from .core.value import Value, no_grad
from .errors import DomainError, ExpressionError, GraphError, OpError
from .rules.ops import OPS, Op

__all__ = [
    "OPS",
    "DomainError",
    "ExpressionError",
    "GraphError",
    "Op",
    "OpError",
    "Value",
    "define_op",
    "grad",
    "logsumexp",
    "no_grad",
    "remove_op",
    "softmax",
    "topological_order",
]
