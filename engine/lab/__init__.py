"""The lab: break it, see why, and be graded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_attributes

if TYPE_CHECKING:
    from .classroom import Answer, grade_answer
    from .comparison import Comparison, compare
    from .faults import FAULTS, Fault
    from .grade_judge import grade, grade_file
    from .grade_report import Grade
    from .helpers import numbers_for
    from .notebook import exercise
    from .small_graphs import Example, smallest_example
    from .testing import Outcome, run

# Loaded when first used: the front door of several rooms.
_LAZY = {
    "FAULTS": "faults",
    "Fault": "faults",
    "compare": "comparison",
    "Comparison": "comparison",
    "smallest_example": "small_graphs",
    "Example": "small_graphs",
    "grade": "grade_judge",
    "grade_file": "grade_judge",
    "Grade": "grade_report",
    "Answer": "classroom",
    "grade_answer": "classroom",
    "numbers_for": "helpers",
    "exercise": "notebook",
    "run": "testing",
    "Outcome": "testing",
}

__all__ = [
    "FAULTS",
    "Answer",
    "Comparison",
    "Example",
    "Fault",
    "Grade",
    "Outcome",
    "compare",
    "exercise",
    "grade",
    "grade_answer",
    "grade_file",
    "numbers_for",
    "run",
    "smallest_example",
]

__getattr__ = lazy_attributes(__name__, _LAZY)


def __dir__() -> list[str]:
    return sorted(__all__)
