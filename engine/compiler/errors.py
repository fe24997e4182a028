"""What the compiler refuses, and how it says so."""

from __future__ import annotations


class CompileError(ValueError):
    """The function or graph cannot become a fixed program; the message says why and what to do."""


class BrokenProgramError(AssertionError):
    """An intermediate program failed its check: a bug in the compiler, reported instead of a wrong number."""
