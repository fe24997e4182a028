"""The lab: backpropagation broken on purpose, beside the right one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_attributes

if TYPE_CHECKING:
    from .comparison import Comparison, compare
    from .faults import FAULTS, Fault
    from .smallest import Example, smallest_example

# Loaded when first used: the front door of several rooms.
_LAZY = {
    "FAULTS": "faults",
    "Fault": "faults",
    "compare": "comparison",
    "Comparison": "comparison",
    "smallest_example": "smallest",
    "Example": "smallest",
}

__all__ = ["FAULTS", "Comparison", "Example", "Fault", "compare", "smallest_example"]

__getattr__ = lazy_attributes(__name__, _LAZY)


def __dir__() -> list[str]:
    return sorted(__all__)
