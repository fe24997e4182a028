"""Learning rates that change while training: functions from the number of updates done so far to a rate."""

from __future__ import annotations

import math
from collections.abc import Callable

Schedule = Callable[[int], float]


def constant(rate: float) -> Schedule:
    """The same rate throughout."""
    return lambda step: rate


def linear(start: float, end: float, steps: int) -> Schedule:
    """From `start` in a straight line to `end` after `steps` updates, then `end`.

    >>> rate = linear(1.0, 0.1, steps=100)  # micrograd's demo: 1.0 − 0.9·k/100
    >>> rate(0), round(rate(50), 12), rate(1000)
    (1.0, 0.55, 0.1)
    """
    _positive(steps)
    return lambda step: start * max(1 - step / steps, 0.0) + end * min(step / steps, 1.0)


def cosine(start: float, end: float, steps: int) -> Schedule:
    """From `start` along half a cosine to `end` after `steps` updates, then `end`.

    Source: Loshchilov & Hutter, "SGDR" (2017), eq. 5, without restarts.

    >>> round(cosine(1.0, 0.0, steps=4)(2), 12)
    0.5
    """
    _positive(steps)
    return lambda step: end + 0.5 * (start - end) * (1 + math.cos(math.pi * min(step / steps, 1.0)))


def stepwise(start: float, factor: float, every: int) -> Schedule:
    """`start`, multiplied by `factor` once for every `every` updates.

    >>> [stepwise(0.8, 0.5, every=10)(k) for k in (0, 9, 10, 25)]
    [0.8, 0.8, 0.4, 0.2]
    """
    _positive(every)
    return lambda step: float(start * factor ** (step // every))


def _positive(steps: int) -> None:
    if steps < 1:
        raise ValueError(f"a schedule needs at least 1 update to change over, got {steps!r}")
