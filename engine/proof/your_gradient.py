"""A gradient of the learner's own, worked out by hand or with NumPy, compared with the proved one row by row.

What is wrong is looked for in the graph: which slope, left out or written otherwise, gives the number that was found.
"""

from __future__ import annotations

import inspect
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from ..core.value import Value
from ..number import number
from ..rules.floats import float_function
from ..rules.ops import OPS
from ..shown import described, few
from .chain_check import overwritten
from .graph_proof import Edge, Proof, apart
from .mistakes import Mistake, plain_mistake, same
from .report import KINK, RIGHT, WRONG, Fault, Row

YOURS: Final = "your gradient"
LIMIT: Final = 1e-6
"""Relative error up to which a number of the learner's own is right: other roundings than ours, nothing more."""
_EDGES: Final = 5000
"""In larger graphs no single slope is looked for."""


def numbers_of(
    reference: Any, leaves: Sequence[Value], by_name: Iterable[str] | None, labels: Sequence[str]
) -> list[float]:
    """The learner's numbers, one for each input.

    Args:
        reference: a function of the same arguments, or what it would give: a sequence, an array or a mapping by name.
        leaves: the inputs.
        by_name: what the function calls them, if it takes them by name.
        labels: what they are called, if not.

    Raises:
        TypeError, ValueError: if these are not as many numbers as there are inputs.
    """
    given, labels = reference, labels if by_name is None else list(by_name)
    if callable(reference):
        numbers = [leaf._data for leaf in leaves]
        if by_name is not None:
            given = reference(**dict(zip(labels, numbers)))
        else:
            given = reference(*numbers) if _takes_arguments(reference) else reference()
    if isinstance(given, Mapping):
        if given.keys() != set(labels):
            raise ValueError(
                f"gradcheck: reference gives gradients by name for {', '.join(map(str, given))}, but the inputs are "
                f"{', '.join(labels)}"
            )
        given = [given[label] for label in labels]
    found = list(_flat(given.tolist() if hasattr(given, "tolist") else given))
    if len(found) != len(leaves):
        raise ValueError(
            f"gradcheck: reference must give one number for each of the {len(leaves)} inputs ({', '.join(labels[:6])}"
            f"{', …' if len(labels) > 6 else ''}), got {len(found)}: {described(given)}"
        )
    return [number(x, "gradcheck: a gradient of reference") for x in found]


def _takes_arguments(function: Callable[..., Any]) -> bool:
    try:
        return bool(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return True


def _flat(given: Any) -> Iterator[Any]:
    if isinstance(given, (list, tuple)):
        for one in given:
            yield from _flat(one)
    elif hasattr(given, "tolist"):
        yield from _flat(given.tolist())
    else:
        yield given


def compared(
    proof: Proof, leaves: Sequence[Value], rows: Sequence[Row], found: Sequence[float]
) -> tuple[list[Row], list[Fault]]:
    """The rows of the learner's numbers against those that were proved, and what is wrong with them."""
    judged, wrong = [], []
    for leaf, row, g in zip(leaves, rows, found):
        low, high = sorted(row.sides or (row.numeric, row.numeric))
        n = row.numeric if row.sides is None or not low <= g <= high else g
        slack = LIMIT * max(abs(low), abs(high)) + proof.doubt(leaf)
        close = row.verdict in (RIGHT, KINK) and low - slack <= g <= high + slack
        said = row.verdict if close or row.verdict not in (RIGHT, KINK) else WRONG
        error = abs(g - n) / max(abs(g), abs(n)) if g != n else 0.0
        judged.append(Row(row.name, g, n, error, said, row.method, row.note, row.sides))
        if said == WRONG:
            wrong.append((leaf, judged[-1]))
    return judged, _faults(proof, rows, wrong)


def _faults(proof: Proof, rows: Sequence[Row], wrong: Sequence[tuple[Value, Row]]) -> list[Fault]:
    ratios = {round(row.analytic / row.numeric, 9) for _, row in wrong if row.numeric}
    if len(wrong) == len(rows) > 1 and len(ratios) == 1:
        (ratio,) = ratios
        one = plain_mistake(1.0, ratio) or Mistake("factor", f"all are {ratio:.6g} times what they should be")
        sentence = f"Each of the {len(wrong)} numbers of your gradient is off by the same factor"
        return [Fault(sentence, (Mistake(one.kind, one.sentence.replace("it is", "each is")),))]
    guessed = [list(_candidates(proof, rows, leaf, row)) for leaf, row in wrong]
    common = Counter(mistake for some in guessed for mistake in dict.fromkeys(some))
    groups: dict[tuple[Mistake, ...], list[Row]] = {}
    kept: dict[str, tuple[Mistake, ...]] = {}
    for some, (_, row) in zip(guessed, wrong):
        kinds: dict[str, Mistake] = {}
        for mistake in sorted(some, key=lambda one: -common[one]):  # what explains most of them comes first
            kinds.setdefault(mistake.kind, mistake)
        groups.setdefault(tuple(kinds.values())[:1] or (Mistake("", row.name),), []).append(row)
        kept.setdefault(row.name, tuple(kinds.values()))
    return [_fault(some, kept[some[0].name]) for some in groups.values()]


def _fault(rows: Sequence[Row], guessed: tuple[Mistake, ...]) -> Fault:
    row, *others = rows
    expected, found = apart(row.numeric, row.analytic)
    more = f", and so for {few([other.name for other in others])}" if others else ""
    sentence = f"Your gradient for {row.name} is {found}, but should be {expected}{more}"
    return Fault(sentence, guessed, expected=row.numeric, found=row.analytic)


def _candidates(proof: Proof, rows: Sequence[Row], leaf: Value, row: Row) -> Iterator[Mistake]:
    g, n = row.analytic, row.numeric
    for other in rows:
        if other.name != row.name and same(other.numeric, g) and other.numeric != n:
            yield Mistake("operands swapped", f"it is the gradient for {other.name}")
    plain = plain_mistake(n, g)
    if plain:
        yield plain
    stored = proof.stored
    if same(overwritten(proof.order[0], stored).get(leaf, 0.0), g):
        yield Mistake("overwritten", "only one of the contributions is there: they must be added up (+=)")
    edges = [edge for some in proof.edges.values() for edge in some]
    if len(edges) > _EDGES:
        return
    growth = _growth(proof, leaf)
    everywhere: dict[tuple[str, str, str], list[tuple[Edge, float]]] = {}
    for edge in edges:
        reach = proof.proved.gradient.get(edge.node, 0.0) * growth.get(edge.operand, 0.0)
        if not reach:
            continue
        for kind, sentence, slope in _variants(proof, edge):
            if same(n + reach * (slope - edge.stored), g):
                yield Mistake(kind, sentence)
            everywhere.setdefault((edge.node.op, kind, sentence.partition(" in ")[0]), []).append((edge, slope))
    for (op, kind, sentence), spoilt in everywhere.items():
        if len(spoilt) > 1 and same(_gradient_with(proof, leaf, spoilt), g):
            yield Mistake(kind, f"{sentence} in every {op}")


def _growth(proof: Proof, leaf: Value) -> dict[Value, float]:
    """∂node/∂leaf of every node."""
    found = {leaf: 1.0}
    for node in reversed(proof.order):
        if node is not leaf:
            total = math.fsum(found.get(e.operand, 0.0) * e.stored for e in proof.edges.get(node, ()))
            if total:
                found[node] = total
    return found


def _gradient_with(proof: Proof, leaf: Value, spoilt: Sequence[tuple[Edge, float]]) -> float:
    """The gradient of `leaf` where some edges have other slopes."""
    slopes = {(edge.node, edge.position): slope for edge, slope in spoilt}
    found = {proof.order[0]: 1.0}
    for node in proof.order:
        for e in proof.edges.get(node, ()):
            slope = slopes.get((node, e.position), e.stored)
            found[e.operand] = found.get(e.operand, 0.0) + found.get(node, 0.0) * slope
    return found.get(leaf, 0.0)


def _variants(proof: Proof, edge: Edge) -> Iterator[tuple[str, str, float]]:
    """What the slope of an edge is taken for by mistake: kind, sentence, slope."""
    name, s = proof.called(edge.node), edge.stored
    yield "missing term", f"what comes through {proof.called(edge.operand)} in {name} is missing", 0.0
    yield "sign", f"the sign of the slope is turned round in {name}", -s
    yield "missing factor", f"the slope of {edge.node.op} is left out as a factor (the chain rule) in {name}", 1.0
    yield "factor", f"the slope is twice as large as it should be in {name}", 2 * s
    yield "factor", f"the slope is half as large as it should be in {name}", s / 2
    others = [e for e in proof.edges[edge.node] if e.position != edge.position]
    if len(others) == 1:
        yield "operands swapped", f"the slope of the other operand is used in {name}", others[0].stored
    if len(edge.node.inputs) == 1:
        x = edge.operand._data
        yield "another function", f"the value of {edge.node.op} is used for its slope in {name}", edge.node._data
        for op in OPS.values():
            if len(op.inputs) == 1 and not op.many and op.name != edge.node.op:
                try:
                    slope = float_function(op, 0)(x, y=float_function(op)(x))
                except (ArithmeticError, ValueError):
                    continue
                yield "another function", f"the slope of {op.name} is used in {name}", slope
