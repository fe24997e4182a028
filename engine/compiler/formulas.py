"""An op's formula as NumPy calls, one per line, each writing into an array that is there already."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from ..rules.arrays import NUMPY_NAMES
from ..rules.formula import PRIMITIVES, Formula
from ..rules.ops import OPS, Op

Atom = str | float
"""The name of an array, or a number."""
_UFUNCS: dict[type[ast.AST], tuple[str, Callable[[float, float], float]]] = {
    ast.Add: ("add", operator.add),
    ast.Sub: ("subtract", operator.sub),
    ast.Mult: ("multiply", operator.mul),
    ast.Div: ("divide", operator.truediv),
    ast.Pow: ("power", operator.pow),
}
_TESTS: dict[type[ast.AST], tuple[str, Callable[[float, float], bool]]] = {
    ast.Gt: ("greater", operator.gt),
    ast.GtE: ("greater_equal", operator.ge),
    ast.Lt: ("less", operator.lt),
    ast.LtE: ("less_equal", operator.le),
    ast.Eq: ("equal", operator.eq),
    ast.NotEq: ("not_equal", operator.ne),
}


class Scratch:
    """Names of scratch arrays of one shape; a name is handed out again once it is released."""

    def __init__(self, name: Callable[[str, int], str]) -> None:
        self.name = name
        self.held: set[str] = set()
        self.kept: set[str] = set()

    def take(self, kind: str) -> str:
        """A free scratch array, of kind `"float"` or `"bool"`."""
        number = 0
        while (name := self.name(kind, number)) in self.held:
            number += 1
        self.held.add(name)
        return name

    def release(self, *atoms: Atom) -> None:
        """Give scratch arrays back; other atoms are passed over."""
        self.held.difference_update(a for a in atoms if isinstance(a, str) and a not in self.kept)

    def keep(self, atoms: Iterable[Atom]) -> list[str]:
        """Hold scratch arrays beyond their first use; says which of the atoms these are."""
        new = [a for a in atoms if isinstance(a, str) and a in self.held and a not in self.kept]
        self.kept.update(new)
        return new


class Lowering:
    """Turns formulas into lines of NumPy.

    Args:
        lines: where the lines go.
        scratch: scratch arrays of the result's shape.
    """

    def __init__(self, lines: list[str], scratch: Scratch) -> None:
        self.lines = lines
        self.scratch = scratch

    def into(self, formula: Formula, names: Mapping[str, Atom], out: str) -> None:
        """Compute a formula into the array `out`."""
        atom = self.atom(formula.tree, names, out)
        if atom != out:
            self.lines.append(f"copyto({out}, {_text(atom)})")
            self.scratch.release(atom)

    def call(self, name: str, *arguments: Atom, out: str | None, kind: str = "float") -> str:
        """One NumPy call; without `out` its result goes to a scratch array."""
        self.scratch.release(*arguments)
        target = out or self.scratch.take(kind)
        self.lines.append(f"{name}({', '.join(map(_text, arguments))}, out={target})")
        return target

    def atom(self, tree: ast.expr, names: Mapping[str, Atom], out: str | None = None, truth: bool = False) -> Atom:
        """The name or number that holds the value of `tree` once the lines have run.

        With `truth` that may be an array of truth values, for `1 if test else 0`: good as a factor, and for nothing
        else, as NumPy adds them with `or`.
        """
        if isinstance(tree, ast.Constant):
            return float(tree.value)  # type: ignore[arg-type]  # parse() admits only int and float
        if isinstance(tree, ast.Name):
            return names[tree.id]
        if isinstance(tree, ast.UnaryOp):
            inner = self.atom(tree.operand, names)
            return -inner if isinstance(inner, float) else self.call("negative", inner, out=out)
        if isinstance(tree, ast.BinOp):
            return self.binary(tree, names, out)
        if isinstance(tree, ast.IfExp):
            return self.choice(tree, names, out, truth)
        assert isinstance(tree, ast.Call)
        assert isinstance(tree.func, ast.Name)
        arguments = [self.atom(argument, names) for argument in tree.args]
        name = tree.func.id
        if name not in PRIMITIVES:
            return self.op(name, arguments, out)
        return self.call(NUMPY_NAMES.get(name, name), *arguments, out=out)

    def op(self, name: str, arguments: list[Atom], out: str | None) -> Atom:
        """An op called within another's formula: its own formula, written out."""
        op = OPS[name]
        with self.named(op, dict(zip(op.names, arguments))) as inner:
            return self.atom(op.forward.tree, inner, out)

    @contextmanager
    def named(self, op: Op, names: Mapping[str, Atom]) -> Iterator[dict[str, Atom]]:
        """The names that a formula of `op` reads, its shorthands computed; they are kept until the end."""
        known = dict(names)
        kept = self.scratch.keep(known.values())
        for short, formula in op.let:
            known[short] = self.atom(formula.tree, known)
            kept += self.scratch.keep([known[short]])
        yield known
        self.scratch.kept.difference_update(kept)
        self.scratch.release(*kept)

    def binary(self, tree: ast.BinOp, names: Mapping[str, Atom], out: str | None) -> Atom:
        """An arithmetic operator; numbers are computed now, neutral ones disappear."""
        left, right = self.atom(tree.left, names), self.atom(tree.right, names)
        kind = type(tree.op)
        ufunc, compute = _UFUNCS[kind]
        if isinstance(left, float) and isinstance(right, float):
            return float(compute(left, right))
        if kind is ast.Pow and isinstance(right, float):
            if right == 0.0:
                return 1.0
            if right == 2.0:
                return self.call("multiply", left, left, out=out)
            if right == 0.5:
                return self.call("sqrt", left, out=out)
            if right == -1.0:
                return self.call("divide", 1.0, left, out=out)
        if right == {ast.Add: 0.0, ast.Sub: 0.0, ast.Mult: 1.0, ast.Div: 1.0, ast.Pow: 1.0}[kind]:
            return left
        if left == {ast.Add: 0.0, ast.Mult: 1.0}.get(kind):
            return right
        if kind is ast.Mult and -1.0 in (left, right):
            return self.call("negative", right if left == -1.0 else left, out=out)
        return self.call(ufunc, left, right, out=out)

    def choice(self, tree: ast.IfExp, names: Mapping[str, Atom], out: str | None, truth: bool) -> Atom:
        """`p if test else q`; with `truth`, where p is 1 and q is 0, the test itself."""
        assert isinstance(tree.test, ast.Compare)
        left, right = self.atom(tree.test.left, names), self.atom(tree.test.comparators[0], names)
        ufunc, compare = _TESTS[type(tree.test.ops[0])]
        if isinstance(left, float) and isinstance(right, float):
            return self.atom(tree.body if compare(left, right) else tree.orelse, names, out)
        test = self.call(ufunc, left, right, out=None, kind="bool")
        body, other = self.atom(tree.body, names), self.atom(tree.orelse, names)
        if truth and body == 1.0 and other == 0.0:
            return test
        target = (
            other
            if isinstance(other, str) and other in self.scratch.held - self.scratch.kept
            else self.scratch.take("float")
        )
        if target != other:
            self.lines.append(f"copyto({target}, {_text(other)})")
        self.lines.append(f"copyto({target}, {_text(body)}, where={test})")
        self.scratch.release(test, *(a for a in (body,) if a != target))
        return target


def _text(atom: Atom) -> str:
    return (
        atom
        if isinstance(atom, str)
        else {1.0: "1.0", 0.0: "0.0", math.inf: "1e999", -math.inf: "-1e999"}.get(atom, repr(atom))
    )
