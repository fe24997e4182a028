"""Losses of one example, as plain scalar code: `loss(outputs, target)`. `fit` takes the mean over the examples.

Targets are numbers, never looked at by an `if`: a class is a one-hot list, a binary one 0/1 or ±1. So the compiler
can trace a loss like any other arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

from ..engine.choices import unknown
from ..engine.core.apply import apply
from ..engine.core.functions import logsumexp
from ..engine.core.value import Value
from ..engine.story.scope import Call, mark_call

Coding = Literal["numbers", "signs", "bits", "classes"]
Scalar = Any
"""A Value, or a plain number."""


class Loss(NamedTuple):
    """An entry of `LOSSES`.

    Attributes:
        function: from (outputs, target) of one example to a Value.
        coding: what its targets are: real `numbers`, `signs` ±1, `bits` 0/1, or `classes` as one-hot lists.
    """

    function: Callable[[Any, Any], Any]
    coding: Coding


LOSSES: dict[str, Loss] = {}


def _loss(coding: Coding) -> Callable[[Callable[[list[Any], list[Any]], Any]], Callable[[Any, Any], Any]]:
    """Enter a loss into the table; it gets lists of equal length, and its call is marked for drawings."""

    def enter(rule: Callable[[list[Any], list[Any]], Any]) -> Callable[[Any, Any], Any]:
        name = rule.__name__

        def loss(outputs: Any, target: Any) -> Any:
            got, wanted = _listed(outputs), _listed(target)
            if len(got) != len(wanted) or not got:
                raise ValueError(
                    f"{name} compares outputs with targets one by one, got {len(got)} outputs and {len(wanted)} targets"
                    + (" (a class is a one-hot list: see glassgrad.nn.one_hot)" if coding == "classes" else "")
                )
            result = rule(got, wanted)
            if isinstance(result, Value):
                mark_call((result,), Call(name, "Loss", tuple(v for v in (*got, *wanted) if isinstance(v, Value))))
            return result

        loss.__name__ = loss.__qualname__ = name
        loss.__doc__, loss.__module__ = rule.__doc__, rule.__module__
        LOSSES[name] = Loss(loss, coding)
        return loss

    return enter


def _listed(given: Any) -> list[Any]:
    return [given] if isinstance(given, Value) or not isinstance(given, Iterable) else list(given)


def _total(terms: list[Any]) -> Any:
    return terms[0] if len(terms) == 1 else apply("sum", terms)


def _mean(terms: list[Any]) -> Any:
    return terms[0] if len(terms) == 1 else apply("sum", terms) / len(terms)


_relu, _softplus = (partial(apply, name) for name in ("relu", "softplus"))


@_loss("numbers")
def half_squared_error(outputs: list[Scalar], target: list[Scalar]) -> Scalar:
    """E = ½‖y − y'‖², the error of the textbook: ∂E/∂y' = y' − y.

    Args:
        outputs: y', what the network gave: a number or Value, or a list.
        target: y, what was wanted: as many numbers.

    >>> half_squared_error([1.0, 4.0], [1.0, 2.0])
    2.0
    """
    return 0.5 * _total([(got - wanted) ** 2 for got, wanted in zip(outputs, target)])


@_loss("numbers")
def mean_squared_error(outputs: list[Scalar], target: list[Scalar]) -> Scalar:
    """The mean of (y' − y)² over the outputs.

    >>> mean_squared_error([1.0, 4.0], [1.0, 2.0])
    2.0
    """
    return _mean([(got - wanted) ** 2 for got, wanted in zip(outputs, target)])


@_loss("numbers")
def mean_absolute_error(outputs: list[Scalar], target: list[Scalar]) -> Scalar:
    """The mean of |y' − y| over the outputs.

    >>> mean_absolute_error([1.0, 4.0], [1.0, 2.0])
    1.0
    """
    return _mean([abs(got - wanted) for got, wanted in zip(outputs, target)])


@_loss("signs")
def hinge(outputs: list[Scalar], target: list[Scalar]) -> Scalar:
    """max(0, 1 − t·y') for targets t = ±1; the mean over several outputs. Source: Cortes & Vapnik (1995).

    >>> hinge(0.25, -1)
    1.25
    """
    return _mean([_relu(1 - got * wanted) for got, wanted in zip(outputs, target)])


@_loss("bits")
def binary_cross_entropy(outputs: list[Scalar], target: list[Scalar]) -> Scalar:
    """−t·log σ(z) − (1 − t)·log(1 − σ(z)) for logits z and targets t from 0 to 1; the mean over several outputs.

    Written as softplus(z) − t·z, which is the same and exact for any z.

    >>> binary_cross_entropy(-1000.0, 1)
    1000.0
    """
    return _mean([_softplus(got) - got * wanted for got, wanted in zip(outputs, target)])


@_loss("classes")
def cross_entropy(outputs: list[Scalar], target: list[Scalar]) -> Scalar:
    """−Σ tᵢ·log softmax(z)ᵢ for logits z and a one-hot target t (or any probabilities that add up to 1).

    Written as `logsumexp`(z) − Σ tᵢ·zᵢ, which is the same and cannot overflow.

    >>> cross_entropy([1000.0, 0.0], [0, 1])
    1000.0
    """
    return logsumexp(outputs) - apply("dot", outputs, target)


def l1_penalty(parameters: Sequence[Value], strength: float) -> Any:
    """strength · Σ |p|, to be added to a loss: draws parameters to exactly 0."""
    return strength * apply("sum", [abs(p) for p in parameters])


def l2_penalty(parameters: Sequence[Value], strength: float) -> Any:
    """strength · Σ p², to be added to a loss: keeps parameters small.

    >>> l2_penalty([Value(3.0), Value(4.0)], 0.5).data
    12.5
    """
    return strength * apply("dot", list(parameters), list(parameters))


def loss_named(loss: str | Callable[[Any, Any], Any] | None) -> Loss:
    """The table's entry for a name or one of its functions; any other function takes real numbers.

    Raises:
        ValueError: for an unknown name.
    """
    if callable(loss):
        return next((entry for entry in LOSSES.values() if entry.function is loss), Loss(loss, "numbers"))
    if loss is None or loss not in LOSSES:
        message = unknown("loss", loss, LOSSES, "or a function of outputs and target")
        raise ValueError(message.replace("unknown loss None", "fit needs a loss"))
    return LOSSES[loss]
