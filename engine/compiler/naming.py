"""Names for what the compiler finds: from the labels of the parameters where there are any."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from ..rules.derive import called_ops
from ..rules.dialect import Code
from ..rules.floats import FLOATS
from ..rules.op import Op

_SHORT = {"form": "s", "mul": "m", "add": "s", "sub": "d", "neg": "n", "div": "q", "pow_const": "p", "pow": "p"}


_PLAIN = re.compile(r"(?!g_)[a-z][a-z0-9]*(_[a-z]+)*")  # with a number behind it, no name that the emitter makes


def code_of(op: Op) -> Code:
    """How an op's formulas are written on floats: an op that they call is `op_…`, as no variable in generated code."""
    return FLOATS._replace(functions={**FLOATS.functions, **{called: f"op_{called}" for called in called_ops(op)}})


class Names:
    """Hands out a name for each buffer, every one once.

    Args:
        labels: label of each parameter that has one, by slot.
        taken: names that the program uses otherwise.
    """

    def __init__(self, labels: dict[int, str], taken: tuple[str, ...] = ()) -> None:
        self.labels = labels
        self.count: Counter[str] = Counter()
        self.taken = set(taken)

    def fresh(self, op: str) -> str:
        """A name for the next result of `op`: relu1, relu2, …"""
        stem = _SHORT.get(op, op)
        stem = stem if _PLAIN.fullmatch(stem) else "u"
        while True:
            self.count[stem] += 1
            name = f"{stem}{self.count[stem]}"
            if name not in self.taken:
                self.taken.add(name)
                return name

    def product(self, part: Any, layout: Any) -> str:
        """A name for the next matrix product: z1, z2, …"""
        return self.fresh("z")


def layer_of(labels: list[str]) -> str:
    """The layer that all the labels belong to, or `""`.

    >>> layer_of(["layers[0].neurons[3].w[1]", "layers[0].neurons[4].w[0]"])
    '1'
    """
    found = {re.match(r"layers\[(\d+)\]|[wWbB](\d+)", label) for label in labels}
    numbers = {int(m[1]) + 1 if m[1] else int(m[2]) for m in found if m}
    return str(numbers.pop()) if len(numbers) == 1 and None not in found else ""
