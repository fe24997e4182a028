"""The program as a table for people: what each step computes, in symbols, and for how many scalar nodes it stands."""

from __future__ import annotations

from ..rules.ops import OPS
from ..shown import counted, visible
from .ir import Constant, Dots, Elementwise, Extreme, Gather, MatrixProgram, Operand, Product, Step, Sum, View
from .naming import layer_of
from .trace import Trace


def listing(t: Trace, program: MatrixProgram) -> str:
    """One line per forward step: number, formula, shape, scalar nodes."""
    rows = [("", "step", "shape", "scalar nodes")]
    for i, step in enumerate(program.steps, 1):
        buffer = program.buffers[step.out.buffer]
        shape = tuple(n for n in step.out.shape if n > 1) + (("n",) if buffer.varies else ())
        shown = " × ".join(map(str, shape)) or "scalar"
        rows.append(
            (str(i), f"{buffer.name} = {symbols(t, program, step)}", shown, f"{step.nodes:,}" if step.nodes else "")
        )
    varies = " of each example; n is the number of examples" if any(b.varies for b in program.buffers) else ""
    rows.append(("", counted(len(program.steps), "step"), "", f"{program.nodes:,}"))
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    lines = [f"{a:>{widths[0]}}  {b:<{widths[1]}}  {c:<{widths[2]}}  {d:>{widths[3]}}" for a, b, c, d in rows]
    rule = "─" * len(lines[0])
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1] + varies])


def symbols(t: Trace, program: MatrixProgram, step: Step) -> str:
    """The right-hand side of a step."""
    if isinstance(step, Gather):
        return "gather(" + ", ".join(program.buffers[source].name for _, source, _ in step.parts) + ")"
    if isinstance(step, Elementwise):
        names = [operand_name(t, program, x) for x in step.inputs]
        symbol = OPS[step.op].symbol
        if len(names) == 2 and symbol in ("+", "-", "*", "/", "**"):
            return f"{names[0]} {symbol} {names[1]}"
        return f"{step.op}({', '.join(names)})"
    if isinstance(step, Extreme):
        return f"{step.op} over {operand_name(t, program, step.a)}"
    terms: list[str] = []
    for part in step.parts:
        a = operand_name(t, program, part.a)
        if isinstance(part, Product):
            weights, bias = parameter_names(t, program, part)
            if part.ones:
                terms.append(f"{weights} @ {operand_name(t, program, part.b)} + {bias}")
            elif is_square(part):
                terms.append(f"Σ {a}²" if step.out.shape == (1, 1, 1) else f"{a} @ {a}ᵀ")
            else:
                terms.append(f"{weights} @ {operand_name(t, program, part.b)}")
        elif isinstance(part, Sum):
            terms.append(f"Σ {a}")
        elif isinstance(part, Dots):
            terms.append(f"Σ {a}·{operand_name(t, program, part.b)}")
        elif part.b is None:
            terms.append(a if part.sign > 0 else f"-{a}")
        else:
            terms.append(f"{a}·{operand_name(t, program, part.b)}")
    return " + ".join(terms).replace("+ -", "- ")


def is_square(part: Product) -> bool:
    """Whether a product is a matrix times its own transpose."""
    if not isinstance(part.a, View) or not isinstance(part.b, View):
        return False
    b = part.b
    return part.a == b._replace(
        shape=(b.shape[0], b.shape[2], b.shape[1]), strides=(b.strides[0], b.strides[2], b.strides[1])
    )


def operand_name(t: Trace, program: MatrixProgram, x: Operand | None) -> str:
    """How an operand is written: a number, its buffer's name, or the label of a single parameter."""
    if isinstance(x, Constant):
        return f"{x.values:g}" if isinstance(x.values, float) else "data"
    assert x is not None
    buffer = program.buffers[x.buffer]
    cells = x.cells().ravel()
    if buffer.role == "params" and cells.min() == cells.max():
        return visible(t.labels.get(int(cells[0]), f"params[{cells[0]}]"))
    whole = len(cells) >= buffer.cells - buffer.holes
    return buffer.name if whole or buffer.role == "gathered" else f"{buffer.name}[{cells.min()}:{cells.max() + 1}]"


def parameter_names(t: Trace, program: MatrixProgram, part: Product) -> tuple[str, str]:
    """What the left factor and its bias column are called: W1 and b1 in layer 1, by labels or by order."""
    if not isinstance(part.a, View) or program.buffers[part.a.buffer].role != "params":
        return operand_name(t, program, part.a), "bias"
    cells = part.a.cells()
    layer = layer_of([t.labels.get(int(c), "") for c in cells[0, 0]])
    if not layer:
        matrices = [
            p.a
            for step in program.steps
            if hasattr(step, "parts")
            for p in step.parts  # type: ignore[union-attr]  # told apart by hasattr
            if isinstance(p, Product)
            and isinstance(p.a, View)
            and program.buffers[p.a.buffer].role == "params"
            and not is_square(p)
        ]
        layer = str(matrices.index(part.a) + 1) if part.a in matrices else ""
    return f"W{layer}", f"b{layer}"
