"""The compiler: a recorded scalar graph becomes the NumPy matrix program that it is.

One stage a file: `trace` (Values to columns), `linear` (Σ a·b), `groups` (levels), `layout` and `products`
(matrix products, views, gathers), `flow` (the backward plan), `emit` (NumPy source), `program`.
"""

from __future__ import annotations

from .build import compile
from .errors import CompileError
from .program import Program

__all__ = ["CompileError", "Program", "compile"]
