"""Stage 4: groups become matrix steps. Operand indices that form a grid are products, the rest views or gathers.

Of a group of forms Σ a·b, let A and B hold the slots read (a row per form). If every pair (a row of A, a row
of B) occurs, the group is the matrix product of the unique rows; if that holds within parts that share no
row, it is a stack of products. The order of the cells of a group is free and chosen so that reading them
later is a strided view.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .groups import Group, Grouping
from .ir import (
    Buffer,
    Constant,
    Dots,
    Elementwise,
    Extreme,
    Gather,
    Linear,
    MatrixProgram,
    Operand,
    Part,
    Product,
    Step,
    Sum,
    Term,
    View,
    packed,
)
from .naming import Names
from .products import common_shape, find_products, strides_of
from .trace import Ints, Trace

FEW_TERMS = 4  # forms up to this length are written out term by term


def lay_out(t: Trace, grouping: Grouping, names: Names, arguments: Sequence[tuple[str, int]] = ()) -> MatrixProgram:
    """Turn the groups, in order, into steps; `arguments` are the name and the length of each input array."""
    layout = _Layout(t, grouping, names, arguments)
    for group in grouping.groups:
        if group.op == "form":
            layout.form(group)
        elif group.op in ("largest", "smallest"):
            layout.extreme(group)
        else:
            layout.elementwise(group)
    outputs = tuple(layout.operand(np.array([slot])) for slot in t.outputs)
    buffers = tuple(b._replace(ones=ones) for b, ones in zip(layout.buffers, layout.ones))
    return MatrixProgram(buffers, tuple(layout.steps), outputs, len(t.code) - t.first_node)


class _Layout:
    """What is known while the steps are made: where every slot lives."""

    def __init__(self, t: Trace, grouping: Grouping, names: Names, arguments: Sequence[tuple[str, int]]) -> None:
        self.first_constant = t.first_constant
        self.constants = t.constants
        self.varies, self.active = grouping.varies, grouping.active
        self.names = names
        self.buffers: list[Buffer] = []
        self.ones: list[int] = []
        self.steps: list[Step] = []
        self.buffer_of = np.full(t.first_constant + len(t.constants), -1)
        self.cell_of = np.zeros(t.first_constant + len(t.constants), dtype=np.int64)
        self.gathered: dict[bytes, int] = {}
        self.params = t.params
        self._new("params", "params", np.arange(t.params), t.params)
        first = t.params
        for name, length in arguments:
            self._new(name, "inputs", np.arange(first, first + length), length)
            first += length

    # -- where things are ---------------------------------------------------------------------------------

    def _new(
        self, name: str, role: str, slots: Ints, cells: int, at: Ints | None = None, varies: bool | None = None
    ) -> int:
        """Add a buffer in which `slots` live at the cells `at` (in order if None)."""
        index = len(self.buffers)
        some = slice(None) if len(slots) else slice(0)
        varied = bool(self.varies[slots][some].any()) if varies is None else varies
        holes = cells - len(slots) if role == "computed" else 0
        self.buffers.append(Buffer(name, role, cells, 0, varied, bool(self.active[slots].any()), holes))
        self.ones.append(0)
        if role != "gathered":
            self.buffer_of[slots] = index
            self.cell_of[slots] = np.arange(len(slots)) if at is None else at
        return index

    def numbers(self, slots: Ints) -> Constant:
        """Constant slots as numbers: one float if all are equal."""
        values = self.constants[slots - self.first_constant]
        return Constant(float(values.flat[0])) if (values == values.flat[0]).all() else Constant(values)

    def view(self, slots: Ints) -> Operand | None:
        """The slots as a constant or as a strided view; None if they are neither."""
        homes = self.buffer_of[slots]
        if (homes < 0).all():
            return self.numbers(slots)
        home = int(homes.flat[0])
        if (homes != home).any():
            return None
        cells = self.cell_of[slots]
        strides = strides_of(cells)
        if strides is None:
            return None
        view = View(home, int(cells.flat[0]), slots.shape, strides)
        inner = tuple(n for n, s in zip(view.shape, strides) if s), tuple(s for s in strides if s)
        reached = View(home, view.offset, *inner).cells()
        return view if len(np.unique(reached)) == reached.size else None

    def operand(self, slots: Ints) -> Operand:
        """The slots as a view, gathered into a buffer of their own first if need be."""
        found = self.view(slots)
        return self.gather(slots) if found is None else found

    def gather(self, slots: Ints) -> View:
        """A step that copies the slots side by side."""
        key = slots.tobytes()
        flat = slots.ravel()
        if key not in self.gathered:
            index = self._new(self.names.fresh("g"), "gathered", flat, len(flat))
            parts, constants = [], (np.zeros(0, dtype=np.int64), np.zeros(0))
            homes = self.buffer_of[flat]
            for home in np.unique(homes):
                cells = np.flatnonzero(homes == home)
                if home < 0:
                    constants = (cells, self.constants[flat[cells] - self.first_constant])
                else:
                    parts.append((cells, int(home), self.cell_of[flat[cells]]))
            self.steps.append(Gather(_whole(index, (len(flat),)), tuple(parts), constants))
            self.gathered[key] = index
        return _whole(self.gathered[key], slots.shape)

    # -- steps --------------------------------------------------------------------------------------------

    def elementwise(self, group: Group) -> None:
        """A group of one op: its cells in the order of the operand that it reads most widely."""
        order, shape = self.order(group.operands)
        inputs = tuple(self.operand(slots[order].reshape(shape)) for slots in group.operands)
        out = self._new(self.names.fresh(group.op), "computed", group.slots[order], len(order))
        self.steps.append(Elementwise(_whole(out, shape), group.op, inputs, group.nodes))

    def extreme(self, group: Group) -> None:
        """A group of n-ary max or min."""
        (read,) = group.operands
        if read.shape[1] == 2:
            self.elementwise(group._replace(op="max" if group.op == "largest" else "min", operands=tuple(read.T)))
            return
        order, shape = self.order([read[:, 0]])
        a = self._array(np.ascontiguousarray(read[order].T).reshape(-1, *shape))
        op = "max" if group.op == "largest" else "min"
        out = self._new(self.names.fresh(op), "computed", group.slots[order], len(order))
        self.steps.append(Extreme(_whole(out, shape), op, a, group.nodes))

    def order(self, columns: Sequence[Ints]) -> tuple[Ints, tuple[int, ...]]:
        """An order of a group's members, and a shape for them, that suit as many operand columns as possible."""
        places = [self.buffer_of[slots] * (1 << 40) + self.cell_of[slots] for slots in columns]
        computed = [p for p in places if (p >= 0).any()]
        computed.sort(key=lambda p: -len(np.unique(p)))
        if not computed:
            return np.arange(len(places[0])), (len(places[0]),)
        order = np.lexsort(computed[::-1])
        return order, common_shape([p[order] for p in computed])

    def form(self, group: Group) -> None:
        """A group of forms: products where the pairs form grids, else sums, row-wise products or single terms."""
        a, b = group.operands
        one = self.first_constant + 1
        plain = ((b == one) | (b == one + 1)).all(axis=0) & (b == b[:1]).all(axis=0)
        bias = plain & (b[0] == one) & (a < self.params).all(axis=0)
        factors = np.flatnonzero(~plain)
        factors = factors[np.argsort(self._place(a[0, factors]), kind="stable")]  # the terms of a sum may change places
        if len(a) == 1:
            order = np.lexsort((self._place(b[0]), self._place(a[0]), plain))
            a, b, plain, bias = a[:, order], b[:, order], plain[order], bias[order]
            factors = np.flatnonzero(~plain)
        if len(factors):
            for columns in ([np.concatenate([factors, np.flatnonzero(bias)])] if bias.any() else []) + [factors]:
                if self.products(group, a, b, columns, np.setdiff1d(np.arange(a.shape[1]), columns)):
                    return
        homes = self.buffer_of[b[:, 0]]
        if (homes != homes[0]).any():
            for home in np.unique(homes):
                part = homes == home
                nodes = group.nodes * int(part.sum()) // len(part)
                self.form(Group("form", group.slots[part], (a[part], b[part]), nodes))
        elif a.shape[1] <= FEW_TERMS:
            self.terms(group, a, b)
        else:
            self.reduction(group, a, b, factors)

    def products(self, group: Group, a: Ints, b: Ints, columns: Ints, rest: Ints) -> bool:
        """Make the group a matrix product over `columns` plus single terms for the `rest`, if it is one."""
        found = find_products(a[:, columns], b[:, columns], self.first_constant, self._place)
        if found is None:
            return False
        rows, cols, member = found
        if member.size == 1 and self.varies[rows].any() and self.varies[cols].any():
            return False  # Σ a·b for each example: no matrix in it
        ones = bool((b[:, columns[-1]] == self.first_constant + 1).all())
        right = np.ascontiguousarray(cols.transpose(0, 2, 1))
        left_operand, right_operand = self.view(rows), self.view(right)
        if ones and not isinstance(right_operand, Constant):
            right_operand = self._with_ones(right)
            if right_operand is None or left_operand is None:
                return False  # the bias is then added as a term of its own
        if isinstance(right_operand, Constant) and isinstance(right_operand.values, float):
            right_operand = Constant(np.full(right.shape, right_operand.values))
        if isinstance(left_operand, Constant) and isinstance(left_operand.values, float):
            left_operand = Constant(np.full(rows.shape, left_operand.values))
        shape = member.shape
        parts: list[Part] = [
            Product(
                self.gather(rows) if left_operand is None else left_operand,
                self.gather(right) if right_operand is None else right_operand,
                ones,
            )
        ]
        filled = member.ravel() >= 0
        at = np.where(filled, member.ravel(), 0)
        for k in rest:
            slots = np.where(filled, a[at, k], self.first_constant).reshape(shape)
            sign = -1 if (b[:, k] == self.first_constant + 2).all() else 1
            parts.append(Term(self.operand(slots), None, sign))
        slots = group.slots[member.ravel()[filled]]
        out = self._new(self.names.product(parts[0], self), "computed", slots, member.size, np.flatnonzero(filled))
        self.steps.append(Linear(_whole(out, shape), tuple(parts), group.nodes))
        return True

    def _place(self, slots: Ints) -> Ints:
        """A number per slot that orders slots by where they live."""
        home = self.buffer_of[slots]
        return np.where(home < 0, slots, (home + 1) * (1 << 40) + self.cell_of[slots])

    def _with_ones(self, right: Ints) -> View | None:
        """`right`, whose last row is 1, as a view that reaches past the end of a buffer into its ones."""
        view = self.view(right[:, :-1])
        count, rows, columns = right.shape
        if not isinstance(view, View) or count != 1 or self.buffers[view.buffer].role not in ("inputs", "computed"):
            return None
        stride = columns if rows == 2 else view.strides[1]
        if (
            stride != columns
            or (columns > 1 and view.strides[2] != 1)
            or view.offset + (rows - 1) * columns != self.buffers[view.buffer].cells
        ):
            return None
        self.ones[view.buffer] = max(self.ones[view.buffer], columns)
        return View(view.buffer, view.offset, right.shape, (0, stride, view.strides[2]))

    def terms(self, group: Group, a: Ints, b: Ints) -> None:
        """Σ of a few terms, each element by element."""
        order, shape = self.order([*a.T, *b.T])
        parts: list[Part] = []
        for k in range(a.shape[1]):
            left, right = self.operand(a[order, k].reshape(shape)), self.operand(b[order, k].reshape(shape))
            if isinstance(right, Constant) and isinstance(right.values, float) and abs(right.values) == 1.0:
                parts.append(Term(left, None, int(right.values)))
            else:
                parts.append(Term(left, right))
        out = self._new(self.names.fresh("s"), "computed", group.slots[order], len(order))
        self.steps.append(Linear(_whole(out, shape), tuple(parts), group.nodes))

    def reduction(self, group: Group, a: Ints, b: Ints, factors: Ints) -> None:
        """Σ of many terms: a sum, or products summed, over a first axis."""
        order, shape = self.order([a[:, 0], b[:, 0]])
        left = np.ascontiguousarray(a[order].T).reshape(-1, *shape)
        part: Part
        if not len(factors) and (b == self.first_constant + 1).all():
            part = Sum(self._array(left))
        else:
            part = Dots(self._array(left), self._array(np.ascontiguousarray(b[order].T).reshape(-1, *shape)))
        out = self._new(self.names.fresh("s"), "computed", group.slots[order], len(order))
        self.steps.append(Linear(_whole(out, shape), (part,), group.nodes))

    def _array(self, slots: Ints) -> Operand:
        found = self.operand(slots)
        if isinstance(found, Constant) and isinstance(found.values, float):
            return Constant(np.full(slots.shape, found.values))
        return found


def _whole(buffer: int, shape: tuple[int, ...]) -> View:
    """All cells of a buffer in order."""
    return View(buffer, 0, shape, packed(shape))
