"""How much of what is wrong the gradient check finds and names, and how often it doubts what is right.

`python tests/benchmarks/gradcheck_strength.py [--graphs 5000]` plants bugs by script (every op's rule, its sign, a
factor, a dropped term, another function's rule, 0.05 %, exchanged operands; gradients overwritten at forks; wrong
orders), checks each, and prints the table; then it checks random graphs that are right, with kinks, saturation,
cancellation, big and tiny inputs among them. tests/engine/test_gradcheck_bugs.py keeps the numbers.
"""

from __future__ import annotations

import argparse
import ast
import linecache
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import glassgrad as gg
from glassgrad import Value
from glassgrad.engine.core import backward as backward_module
from glassgrad.engine.core import grad as grad_module
from glassgrad.engine.core import value as value_module
from glassgrad.engine.core.apply import apply
from glassgrad.engine.core.chain import edges
from glassgrad.engine.errors import DomainError
from glassgrad.engine.proof.report import Report
from glassgrad.engine.rules.floats import float_function
from glassgrad.engine.rules.formula import PRIMITIVES, parse
from glassgrad.engine.rules.ops import OPS, Op

BIG = 1e-4
"""A mutant that changes no derivative by this much, relatively, is none."""


class Bug(NamedTuple):
    """One planted bug: its kind, the op and input whose slope it is, and the wrong formula."""

    kind: str
    op: str
    part: int
    formula: str


# -- wrong rules ----------------------------------------------------------------------------------------------------


def simpler(tree: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """The formula without one of its terms or factors."""
    if isinstance(tree, ast.BinOp):
        kind = "missing term" if isinstance(tree.op, (ast.Add, ast.Sub)) else "missing factor"
        if not isinstance(tree.op, ast.Pow):
            yield kind, tree.left
        if isinstance(tree.op, (ast.Add, ast.Mult)):
            yield kind, tree.right
        for side in ("left", "right"):
            for inner, part in simpler(getattr(tree, side)):
                yield inner, ast.BinOp(**{"left": tree.left, "op": tree.op, "right": tree.right, side: part})
    elif isinstance(tree, ast.UnaryOp):
        yield from ((kind, ast.UnaryOp(tree.op, part)) for kind, part in simpler(tree.operand))


def bugs(seed: int = 0) -> list[Bug]:
    """Every op's rules, spoilt in every way."""
    draw = random.Random(seed)
    unary = [op for op in OPS.values() if len(op.inputs) == 1 and not op.many]
    found = []
    for op in OPS.values():
        for part, slope in enumerate(op.slopes):
            if slope is None or slope.text == "0":
                continue
            text = f"({slope.text})"
            found += [
                Bug("sign", op.name, part, f"-{text}"),
                Bug("factor", op.name, part, f"2 * {text}"),
                Bug("factor", op.name, part, f"{text} / 2"),
                Bug("factor", op.name, part, f"1.0005 * {text}"),
                Bug("factor", op.name, part, f"0.9995 * {text}"),
            ]
            for kind, tree in simpler(slope.tree):
                found.append(Bug(kind, op.name, part, ast.unparse(ast.fix_missing_locations(tree))))
            if op in unary:
                others = [o for o in unary if o is not op and not o.let and o.domain == op.domain and o.name != "sign"]
                for other in draw.sample(others, min(2, len(others))):
                    wrong = str(other.slopes[0]).replace("y", f"({other.forward})")
                    found.append(Bug("another function", op.name, part, wrong))
            if len(op.inputs) == 2 and not op.inputs[1].constant:
                a, b = op.names
                turned = ast.unparse(_Exchange({a: b, b: a}).visit(ast.parse(slope.text, mode="eval").body))
                for wrong in {str(op.slopes[1 - part]), turned if "y" not in slope.names else slope.text} - {
                    slope.text
                }:
                    found.append(Bug("operands swapped", op.name, part, wrong))
    return found


class _Exchange(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.names.get(node.id, node.id))


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """Inside, the table has the wrong rule; what sums up a list stores wrong slopes."""
    right = OPS[bug.op]
    slopes = list(right.slopes)
    slopes[bug.part] = parse(bug.formula, PRIMITIVES | OPS.keys())
    wrong = right._replace(slopes=tuple(slopes))
    if right.many:
        _spoilt[bug.op] = (bug.part, wrong)
    else:
        OPS[bug.op] = wrong
    lines = dict(linecache.cache)  # where the source of what is made from the table is found
    try:
        yield
    finally:
        OPS[bug.op] = right
        linecache.cache.update(lines)
        _spoilt.clear()


_spoilt: dict[str, tuple[int, Op]] = {}


def _with_spoilt_slopes(node: Any) -> Any:
    if node.op in _spoilt:
        part, wrong = _spoilt[node.op]
        slopes, numbers = list(node._slope_a), [v.data for v in node.inputs]
        for i in range(len(slopes)):
            place, element = wrong.place(i, len(slopes))
            if place == part:
                slopes[i] = float_function(wrong, part)(**wrong.elements(numbers, element or 0), y=node.data)
        node._slope_a = tuple(slopes)
    return node


def task(name: str, draw: random.Random) -> tuple[Callable[..., Any], list[float]]:
    """A function around the op, and inputs: its operands are results themselves, and used elsewhere, too."""
    op = OPS[name]
    numbers = [draw.uniform(low, high) for low, high in op.domain]
    operands = [x for x, one in zip(numbers, op.inputs) if not one.constant]

    def f(*xs: Any) -> Any:
        values = [x * 0.5 + 0.5 * x for x in xs]
        given: list[Any] = [*values, *numbers[len(values) :]]
        if op.many:
            given = [[v, v * 0.7] if one.many else v for v, one in zip(values, op.inputs)]
        return _with_spoilt_slopes(apply(name, *given)) * 1.5 + gg.tanh(values[0])

    return f, operands


# -- wrong chains ---------------------------------------------------------------------------------------------------


def _overwriting_backward(root: Any) -> None:
    order = backward_module.differentiable_order(root)
    root._grad += 1.0
    for node in reversed(order):
        for _, v, slope in edges(node):
            v._grad = node._grad * slope


def _overwriting_chain(order: Any, edges: Any, totals: Any, start: Any = 0.0) -> Iterator[None]:
    for node in reversed(order):
        for _, v, slope in edges(node):
            totals[v] = totals.get(node, 0.0) * slope
            yield None


def _recursive(root: Any) -> None:
    root._grad = 1.0

    def visit(node: Any) -> None:
        for _, v, slope in edges(node):
            v._grad += node._grad * slope
        for _, v, _ in edges(node):
            visit(v)

    visit(root)


def _breadth_first(root: Any) -> list[Any]:
    found = [root]
    for node in found:
        found += [v for _, v, _ in edges(node) if v not in set(found)]
    return list(dict.fromkeys(found))[::-1]


def _preorder(root: Any) -> list[Any]:
    found: dict[Any, None] = {}

    def visit(node: Any) -> None:
        if node not in found:
            found[node] = None
            for _, v, _ in edges(node):
                visit(v)

    visit(root)
    return list(found)[::-1]


def _forward(root: Any, right: Any = backward_module._order) -> list[Any]:
    return list(right(root))[::-1]


def _forgets_to_add(root: Any, right: Any = backward_module.backward) -> None:
    right(root)
    right(root)


CHAINS: dict[str, tuple[Any, str, Any]] = {
    "overwritten": (value_module, "backward", _overwriting_backward),
    "overwritten in gg.grad": (grad_module, "chain_rule", _overwriting_chain),
    "recursive order": (value_module, "backward", _recursive),
    "breadth-first order": (backward_module, "_order", _breadth_first),
    "depth-first order": (backward_module, "_order", _preorder),
    "forward order": (backward_module, "_order", _forward),
    "twice": (value_module, "backward", _forgets_to_add),
    "root gradient": (value_module, "backward", lambda root: None),
}


@contextmanager
def broken(name: str) -> Iterator[None]:
    """Inside, the engine has the wrong chain rule."""
    module, attribute, wrong = CHAINS[name]
    right = getattr(module, attribute)
    setattr(module, attribute, wrong)
    try:
        yield
    finally:
        setattr(module, attribute, right)


def forked(a: Any, w: Any) -> Any:
    """A function with forks in which every wrong order is wrong, and each in its own way."""
    b = a * a
    c = b * w + b
    return gg.sin(c * b) + c * a


# -- graphs that are right ------------------------------------------------------------------------------------------

POOL = (0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 1e-7, -1e-7, 1e-12, 1e-300, 9.0, -9.0, 19.0, 40.0, -40.0, 710.0, 1e6, -1e10)


def random_graph(draw: random.Random) -> tuple[Callable[..., Any], list[float]] | None:
    """A function of one to three inputs, made of three to twelve random ops; None if it leaves its domain."""
    count = draw.randint(1, 3)
    inputs = [draw.choice(POOL) if draw.random() < 0.5 else draw.uniform(-3.0, 3.0) for _ in range(count)]
    plan: list[tuple[str, tuple[int, ...], float]] = []
    values: list[Any] = [Value(x) for x in inputs]
    names = [*OPS, "add", "mul", "sub", "relu", "tanh", "max"]
    for _ in range(draw.randint(3, 12)):
        for _ in range(8):
            step = (draw.choice(names), tuple(draw.randrange(len(values)) for _ in range(3)), draw.choice(POOL[2:6]))
            try:
                y = _apply(step, values)
            except DomainError:
                continue
            if abs(y.data) < 1e12 and all(s is None or abs(s) < 1e12 for s in y.slopes):
                plan.append(step)
                values.append(y)
                break
    if not plan:
        return None

    def f(*xs: Any) -> Any:
        made = list(xs)
        for step in plan:
            made.append(_apply(step, made))
        return made[-1] + made[-2] * 0.5

    return f, inputs


def _apply(step: tuple[str, tuple[int, ...], float], values: list[Any]) -> Any:
    name, places, number = step
    op = OPS[name]
    a, b, c = (values[i] for i in places)
    if op.many:
        return apply(name, [a, b], [b, c], a) if len(op.many) > 1 else apply(name, [a, b, a])
    if len(op.inputs) in (1, 3):
        return apply(name, *(a, b, c)[: len(op.inputs)])
    if op.inputs[1].constant:
        return apply(name, a, number)
    return apply(name, a, number if number == 2.0 and name != "pow" else b)


# -- the table ------------------------------------------------------------------------------------------------------


class Score(NamedTuple):
    """What became of the planted bugs of one kind."""

    planted: int
    rejected: int
    named: int
    guessed: int


def relative(a: float, b: float) -> float:
    """How far apart two numbers are."""
    return abs(a - b) / max(abs(a), abs(b), 1e-300)


def try_bugs(each: int = 1, seed: int = 0) -> tuple[dict[str, Score], list[str]]:
    """Plant every bug and check; what came out by kind, and the reports of what was missed."""
    draw = random.Random(seed)
    counts: dict[str, Counter[str]] = {}
    missed = []
    for bug in bugs(seed)[:: max(1, each)]:
        f, operands = task(bug.op, draw)
        leaves = [Value(x) for x in operands]
        right = gg.grad(f(*leaves), leaves)
        with planted(bug):
            try:
                wrong = gg.grad(f(*leaves), leaves)
            except (DomainError, ArithmeticError, ValueError):
                continue  # the wrong formula has no number there
            if max(map(relative, right, wrong)) < BIG:
                continue
            report = gg.gradcheck(f, operands)
        count = counts.setdefault(bug.kind, Counter())
        count.update(_scored(report, bug.op, bug.part, (bug.kind,)))
        if "named" not in _scored(report, bug.op, bug.part, ()) or bug.kind not in [
            m.kind for m in report.faults[0].mistakes[:2]
        ]:
            missed.append(f"{bug}\n{report}")
    for name in CHAINS:
        with broken(name):
            report = gg.gradcheck(forked, [0.7, -1.3])
        kind = name.partition(" in ")[0]
        count = counts.setdefault("chain: " + name, Counter())
        count.update(_scored(report, "", -1, (kind,)))
        if not report.faults or report.faults[0].kind != kind:
            missed.append(f"{name}\n{report}")
    return {k: Score(c["planted"], c["rejected"], c["named"], c["guessed"]) for k, c in counts.items()}, missed


def _scored(report: Report, op: str, part: int, kinds: tuple[str, ...]) -> list[str]:
    found = ["planted"] + ["rejected"] * (not report.ok)
    faults = report.faults
    if faults and all((fault.op, fault.operand if op != "dot" else part) == (op, part) for fault in faults):
        found.append("named")
    if faults and set(kinds) & {m.kind for m in faults[0].mistakes[:2]}:
        found.append("guessed")
    return found


def try_graphs(count: int, seed: int = 0) -> tuple[Counter[str], list[str]]:
    """Check random graphs that are right: how many reports have which worst verdict, and those that are wrong."""
    draw, verdicts, alarms = random.Random(seed), Counter[str](), []
    while verdicts.total() < count:
        made = random_graph(draw)
        if made is None:
            continue
        report = gg.gradcheck(*made)
        found = {row.verdict for row in report.rows}
        said = next(
            v for v in ("wrong", "cannot tell", "kink", "right") if v in found or (v == "wrong" and report.faults)
        )
        verdicts[said] += 1
        if said in ("wrong", "cannot tell"):
            alarms.append(f"{said}: {made[1]}\n{report}")
    return verdicts, alarms


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graphs", type=int, default=5000)
    parser.add_argument("--show", action="store_true", help="print the reports of what was missed")
    options = parser.parse_args()
    began = time.perf_counter()
    scores, missed = try_bugs()
    print(f"{'planted bug':<32} {'planted':>8} {'rejected':>9} {'named':>8} {'guessed':>8}")
    rows = [*scores.items(), ("all", Score(*map(sum, zip(*scores.values()))))]
    for kind, score in rows:
        shares = " ".join(f"{n:>4} {n / score.planted:4.0%}" for n in score[1:])
        print(f"{kind:<32} {score.planted:>8} {shares}")
    verdicts, alarms = try_graphs(options.graphs)
    print(f"\n{verdicts.total():,} random graphs that are right: {dict(verdicts.most_common())}")
    print(f"{time.perf_counter() - began:.0f} s")
    if options.show:
        print("\n\n".join([*missed, *alarms]))


if __name__ == "__main__":
    main()
