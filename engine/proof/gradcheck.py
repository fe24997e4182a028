"""The gradient check: backpropagation against derivatives that were found without it.

Two witnesses. The complex-step derivative of the recorded graph, evaluated by NumPy, is exact to rounding
(Squire & Trapp 1998, SIAM Review 40(1), 110-112) and proves the rules. Richardson-extrapolated central
differences of the function itself (Ridders 1982) prove that the graph is the whole truth: that no
gradient got lost through `.data` on the way.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from ..core.backward import differentiable_order
from ..core.chain import chain_rule, edges, topological_order
from ..core.grad import grad
from ..core.origin import MOVING
from ..core.own import own_name
from ..core.value import Value, no_grad
from ..errors import DomainError
from ..rules.notation import short
from ..rules.ops import OPS
from ..shown import described, few
from .reference import evaluate, kink_signs
from .report import Report, Row

COMPLEX_STEP = 1e-30
EXACT = 1e-10
"""Relative error up to which a complex-step row is right: rounding over a long graph, nothing more."""
CLOSE = 1e-4
"""The same for difference quotients: above it the course notes of CS231n (Stanford) call a gradient suspicious."""
ON_ITS_WORD = "your own rule"
"""The witness where a rule of the learner's own is taken as it is."""
BRANCHES = "f changes otherwise than its graph says: it reads .data, or branches on it"
EACH = 64
"""Up to so many inputs are moved one by one; more are moved together, in random directions."""


def gradcheck(
    f: Callable[..., Value] | Value,
    inputs: Sequence[float | Value] | Mapping[str, float],
    *,
    second_order: bool = False,
    names: Sequence[str] | None = None,
    seed: int = 0,
) -> Report:
    """Check the gradient of `f` at `inputs`.

    Args:
        f: a function of Values that returns a Value; or a result already computed, with `inputs` the Values
            it was computed from.
        inputs: numbers, given to `f` by position; or a mapping, given by name; or Values that `f`, called
            without arguments, reads: `gradcheck(lambda: loss(), model.parameters())`. Their gradients and
            numbers are as before afterwards; no other thread may compute with them meanwhile.
        second_order: check the second derivatives, too.
        names: what to call the inputs in the report; by default their labels or the parameter names of `f`.
        seed: for the random directions when there are more than 64 inputs.

    Returns:
        A report; it is true if everything is right.

    Raises:
        RuntimeError: if `f` or another thread writes to an input meanwhile; that number stays.
        TypeError: if `f` does not return a Value, no inputs are given, or others than `f` takes.
        ValueError: if an input was computed from others, or a rule of your own cannot be proved.

    >>> from glassgrad import Value
    >>> report = gradcheck(lambda x, w: (x * w).tanh(), [0.5, -1.5])
    >>> report.ok, report.worst < 1e-12
    (True, True)
    """
    with MOVING:
        return _gradcheck(f, inputs, second_order, names, seed)


def _gradcheck(
    f: Callable[..., Value] | Value,
    inputs: Sequence[float | Value] | Mapping[str, float],
    second_order: bool,
    names: Sequence[str] | None,
    seed: int,
) -> Report:
    call, leaves = _prepare(f, inputs, names)
    labels = [leaf.label or f"x{i}" for i, leaf in enumerate(leaves)] if names is None else list(names)
    y = call()
    if not isinstance(y, Value):
        raise TypeError(f"gradcheck: f must return a Value, got {described(y)}")
    own = [v for v in topological_order(y) if own_name(v.op)]
    if own and isinstance(f, Value):
        raise ValueError(
            f"gradcheck of a result cannot prove a rule of your own ({_own_rules(own)}), only the function behind it "
            "can: gradcheck(f, inputs)"
        )
    analytic = grad(y, leaves)
    rows = _graph_rows(y, leaves, labels, analytic)
    if not isinstance(f, Value):
        blame = f"perhaps a rule of your own is wrong: {_own_rules(own)}" if own else BRANCHES
        rows = _function_rows(call, y, leaves, labels, analytic, rows, seed, blame)
    if second_order:
        for label, derivative in zip(labels, grad(y, leaves, create_graph=True)):
            seconds = grad(derivative, leaves)
            pairs = [f"{label},{other}" for other in labels]
            rows += _graph_rows(derivative, leaves, pairs, seconds)
    return Report(tuple(rows), y.data)


def _prepare(
    f: Callable[..., Value] | Value, inputs: Sequence[float | Value] | Mapping[str, float], names: Sequence[str] | None
) -> tuple[Callable[[], Value], list[Value]]:
    if isinstance(inputs, (int, float, str, Value)) or not isinstance(inputs, Iterable):
        raise TypeError(
            "gradcheck takes its inputs in a list, one for each argument of f, or by name, got "
            f"{described(inputs)}: write gradcheck(f, [{inputs!r}])"
        )
    inputs = inputs if isinstance(inputs, Mapping) else list(inputs)
    if not callable(f) and not isinstance(f, Value):
        raise TypeError(f"gradcheck takes a function that returns a Value, or a Value, got {described(f)}")
    if not inputs:
        raise TypeError("gradcheck needs at least one input to differentiate with respect to")
    if len({id(x) for x in inputs if isinstance(x, Value)}) < sum(isinstance(x, Value) for x in inputs):
        raise ValueError("gradcheck: a Value is given twice among the inputs; give each once")
    if names is not None and len(names) != len(inputs):
        raise ValueError(f"gradcheck: {len(inputs)} inputs but {len(names)} names")
    if isinstance(f, Value):
        if not isinstance(inputs, Sequence) or not all(isinstance(x, Value) for x in inputs):
            raise TypeError("gradcheck of a result takes the Values it was computed from as inputs")
        return (lambda: f), list(inputs)  # type: ignore[arg-type]  # checked just above
    if isinstance(inputs, Mapping):
        named = {name: Value(x, name) for name, x in inputs.items()}
        return (lambda: f(**named)), list(named.values())
    fewest, most = _arguments(f)
    values_read = fewest == 0 and all(isinstance(x, Value) for x in inputs)
    if not values_read and not fewest <= len(inputs) <= most:
        takes = f"{fewest}" if fewest == most else f"{fewest} to {most:g}"
        raise TypeError(
            f"gradcheck: f takes {takes} argument{'s' * (takes != '1')}, but {len(inputs)} inputs are given: "
            "give one for each argument, or the Values that f() reads"
        )
    if all(isinstance(x, Value) for x in inputs):
        values: list[Value] = list(inputs)  # type: ignore[arg-type]  # checked just above
        for v in values:
            if v.inputs:
                raise ValueError(f"gradcheck moves its inputs, but {v!r} was computed from others: give it the leaves")
        return f if values_read else (lambda: f(*values)), values
    labels = names or _parameters(f, len(inputs))
    if any(isinstance(x, Value) for x in inputs):
        raise TypeError("gradcheck takes numbers, given to f by position, or Values that f() reads, not both at once")
    values = [Value(x, label) for x, label in zip(inputs, labels)]  # type: ignore[arg-type]  # Value() checks
    return (lambda: f(*values)), values


def _arguments(f: Callable[..., Value]) -> tuple[int, float]:
    """How many arguments `f` takes by position: at least, at most."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return 0, math.inf
    plain = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    several = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return sum(p.default is p.empty for p in plain), math.inf if several else len(plain)


def _own_rules(own: Sequence[Value]) -> str:
    """Those nodes for a message, the first few by name."""
    return few([f"{v.label or own_name(v.op)} at {short(v.inputs[0].data)}" for v in own], 3)


def _parameters(f: Callable[..., Value], count: int) -> list[str]:
    try:
        found = [
            p.name
            for p in inspect.signature(f).parameters.values()
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):
        found = []
    return found[:count] if len(found) >= count else [f"x{i}" for i in range(count)]


def relative_error(a: float, n: float, scale: float = 0.0) -> float:
    """|a − n| / max(|a|, |n|); 0 where the difference is within rounding of `scale`."""
    difference = abs(a - n)
    if difference <= 1e-14 * scale or difference == 0.0:
        return 0.0
    return difference / max(abs(a), abs(n)) if math.isfinite(difference) else math.inf


# -- the complex step on the recorded graph -----------------------------------------------------------------


def _graph_rows(y: Value, leaves: list[Value], labels: Sequence[str], analytic: Sequence[float]) -> list[Row]:
    order = topological_order(y)
    exact = all(OPS[node.op].analytic for node in order if node.op in OPS)
    numeric = _complex_step(order, leaves) if exact else _differences_of_graph(order, leaves)
    method, limit = ("complex step", EXACT) if exact else ("central difference", CLOSE)
    if any(own_name(node.op) for node in order):
        method = ON_ITS_WORD  # `evaluate` goes by its slopes; differences of the function prove it
    crossed = _kinks(order, leaves)
    terms = _term_sizes(y, leaves)
    rows = []
    for leaf, label, a, n, size in zip(leaves, labels, analytic, numeric, terms):
        error = relative_error(a, n, size)
        kink = crossed.get(leaf, "")
        verdict = "kink" if kink else "right" if error <= limit else "wrong"
        rows.append(Row(label, a, n, error, verdict, method, kink))
    return rows


def _complex_step(order: list[Value], leaves: list[Value]) -> list[float]:
    found: list[float] = []
    for start in range(0, len(leaves), EACH):
        chunk = leaves[start : start + EACH]
        steps = 1j * COMPLEX_STEP * np.eye(len(chunk))
        given = {leaf: leaf.data + steps[i] for i, leaf in enumerate(chunk)}
        y = np.broadcast_to(evaluate(order, given, complex_step=True)[order[-1]], len(chunk))
        found.extend((np.imag(y) / COMPLEX_STEP).tolist())
    return found


def _differences_of_graph(order: list[Value], leaves: list[Value]) -> list[float]:
    def along(i: int, t: float) -> float:
        return float(evaluate(order, {leaves[i]: np.float64(leaves[i].data + t)})[order[-1]])

    return [richardson(lambda t, i=i: along(i, t), leaf.data) for i, leaf in enumerate(leaves)]  # type: ignore[misc]  # i is bound


def _kinks(order: list[Value], leaves: list[Value]) -> dict[Value, str]:
    """For each input, which branch changes when it moves a little to either side."""
    if not any(node.op in OPS and OPS[node.op].kinks for node in order):
        return {}
    found: dict[Value, str] = {}
    for start in range(0, len(leaves), EACH):
        chunk = leaves[start : start + EACH]
        sides = []
        for side in (-1.0, 1.0):
            given = {}
            for i, leaf in enumerate(chunk):
                given[leaf] = np.full(len(chunk), leaf.data)
                given[leaf][i] += side * 1e-7 * max(1.0, abs(leaf.data))
            sides.append(kink_signs(order, evaluate(order, given)))
        for node, before in sides[0].items():
            for left, right in zip(before, sides[1][node]):
                crossed = np.broadcast_to(left * right, len(chunk)) < 0
                for i in map(int, np.flatnonzero(crossed)):
                    found.setdefault(chunk[i], f"{node.op} at {short(node.inputs[0].data)} has a kink here")
    return found


def _term_sizes(y: Value, leaves: list[Value]) -> list[float]:
    """How large the contributions to each gradient are before they cancel: what rounding is measured against."""
    sizes: dict[Value, float] = {y: 1.0}

    def steep(node: Value) -> Iterator[tuple[int, Value, float]]:
        return ((position, v, abs(slope)) for position, v, slope in edges(node))

    for _ in chain_rule(differentiable_order(y), steep, sizes):
        pass
    return [sizes.get(leaf, 0.0) for leaf in leaves]


# -- difference quotients of the function itself ------------------------------------------------------------


def richardson(along: Callable[[float], float], at: float) -> float:
    """The derivative at 0 of `along`, by central differences extrapolated twice (error of order h⁶)."""
    h = 1e-2 * max(1.0, abs(at)) ** 0.5
    best, best_spread = math.nan, math.inf
    for _ in range(5):  # a smaller h where the function is wild or leaves its domain
        try:
            d = [(along(h / k) - along(-h / k)) * k / (2 * h) for k in (1, 2, 4)]
        except DomainError:
            h /= 8
            continue
        once = [(4 * d[1] - d[0]) / 3, (4 * d[2] - d[1]) / 3]
        value, spread = (16 * once[1] - once[0]) / 15, abs(once[1] - once[0])
        if spread < best_spread:
            best, best_spread = value, spread
        h /= 8
    return best


def _function_rows(
    call: Callable[[], Value],
    y: Value,
    leaves: list[Value],
    labels: list[str],
    analytic: list[float],
    rows: list[Row],
    seed: int,
    blame: str,
) -> list[Row]:
    """Check `f` itself, moving its inputs; a row that was right becomes wrong where `f` disagrees."""
    start = [leaf.data for leaf in leaves]

    def move(direction: Sequence[float], t: float) -> float:
        moved = [x + t * d for x, d in zip(start, direction)]
        try:
            for leaf, x in zip(leaves, moved):
                leaf._data = x  # for a moment: no statement about an earlier result becomes false
            with no_grad():
                return call().data
        finally:
            changed = [leaf for leaf, x in zip(leaves, moved) if leaf._data is not x]
            for leaf, x, known in zip(leaves, moved, start):
                leaf._data = known if leaf._data is x else leaf._data
            if changed:
                raise RuntimeError(
                    f"{changed[0]!r} was changed while gradcheck moved it, by f or by another thread: "
                    "nothing is proved; check again when nobody writes to the inputs"
                )

    scale = max(1.0, abs(y.data))
    if len(leaves) <= EACH:
        checked = []
        for i, row in enumerate(rows):
            direction = [float(k == i) for k in range(len(leaves))]
            n = richardson(lambda t, d=direction: move(d, t), start[i])  # type: ignore[misc]  # d is bound
            close = abs(row.analytic - n) <= CLOSE * max(abs(row.analytic), abs(n)) + 1e-9 * scale
            if row.verdict == "right" and not (close and row.method != ON_ITS_WORD):
                error, verdict = relative_error(row.analytic, n, scale), "right" if close else "wrong"
                row = Row(row.name, row.analytic, n, error, verdict, "central difference", "" if close else blame)
            checked.append(row)
        return checked
    rng = np.random.default_rng(seed)
    extra = []
    for k in range(3):
        direction = [
            0.0 if row.verdict == "kink" else d for row, d in zip(rows, rng.standard_normal(len(leaves)).tolist())
        ]
        a = math.fsum(g * d for g, d in zip(analytic, direction))
        n = richardson(lambda t, d=direction: move(d, t * 1e-2), 0.0) * 1e2  # type: ignore[misc]  # d is bound
        error = relative_error(a, n, 1e5 * scale)
        verdict = "right" if error <= CLOSE else "wrong"
        extra.append(
            Row(
                f"direction {k + 1}",
                a,
                n,
                error,
                verdict,
                "central difference",
                "inputs moved together, those at a kink left out" + (f"; {blame}" if verdict == "wrong" else ""),
            )
        )
    return rows + extra
