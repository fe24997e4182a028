"""What cannot be compiled is refused, and says why."""

from __future__ import annotations

import math
import re
from typing import Any, Literal

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import CompileError, DomainError, Value
from glassgrad.engine.compiler.errors import BrokenProgramError
from glassgrad.engine.compiler.ir import Buffer, Elementwise, MatrixProgram, View, check


def test_branch_on_data() -> None:
    w = Value(1.0)
    with pytest.raises(CompileError, match="another path"):
        gg.compile(lambda x: w * x if x > 0.5 else w - x, example=(1.0,), params=[w])


def test_branch_that_the_moved_data_do_not_reach() -> None:
    w = Value(1.0)
    for function in (
        lambda x: w * x if x > 1000 else w - x,
        lambda x: w * x if x > -1e6 and x < 1e6 else w.exp(),
        lambda x: w * x if x + 1e6 else w - x,
    ):
        with pytest.raises(CompileError, match="another path"):
            gg.compile(function, example=(1.0,), params=[w])


def test_comparison_that_the_result_does_not_depend_on() -> None:
    w, right = Value(1.0), []

    def loss(x: Value, y: Value) -> Value:
        if x < -1e6:
            raise ValueError("too far")
        right.append((w * x > 0.0) == (y > 0.0))
        return (w * x - y) ** 2

    program = gg.compile(loss, example=(1.0, 1.0), params=[w])
    assert program.value_and_grad([3.0], [1.0])[0] == 4.0


def test_number_read_with_data() -> None:
    w = Value(1.0)
    with pytest.raises(CompileError, match=r"\.data"):
        gg.compile(lambda x: w * x.data, example=(1.0,), params=[w])
    with pytest.raises(CompileError, match=r"\.data"):
        gg.compile(lambda x: w * x + w.data**2, example=(1.0,), params=[w])
    assert w.data == 1.0


def test_value_from_outside() -> None:
    w, stray = Value(1.0), Value(2.0, "stray")
    with pytest.raises(CompileError, match="stray"):
        gg.compile(lambda x: w * x + stray, example=(1.0,), params=[w])
    program = gg.compile(lambda x: w * x + Value(2.0), example=(1.0,), params=[w])
    assert program.value_and_grad([3.0])[0] == 5.0


def test_shapes_are_named() -> None:
    w = Value(1.0)
    program = gg.compile(lambda x, y: w * x[0] + x[1] - y, example=([1.0, 2.0], 3.0), params=[w])
    with pytest.raises(CompileError, match=r"x must have shape \(batch, 2\).*\(4, 3\)"):
        program.value_and_grad(np.ones((4, 3)), np.ones(4))
    with pytest.raises(CompileError, match=r"y must have shape"):
        program.value_and_grad(np.ones((4, 2)), np.ones(3))
    with pytest.raises(CompileError, match="takes 2 arrays"):
        program.run(np.ones((4, 2)))
    with pytest.raises(CompileError, match="no example"):
        program.run(np.ones((0, 2)), np.ones(0))
    with pytest.raises(CompileError, match="params has shape"):
        program.params = np.ones(3)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"target": 3.0}, "takes a function"),
        ({"target": []}, "takes a function"),
        ({"target": lambda x: x}, "needs example"),
        ({"target": lambda x: x, "example": ("a",)}, "must be a number"),
        ({"target": lambda x: "no", "example": (1.0,)}, "must return a Value"),
        ({"target": Value(1.0), "example": (1.0,)}, "example= belongs"),
        ({"target": Value(1.0) * 2, "params": [Value(1.0) * 1]}, "must be a Value that was not computed"),
        ({"target": Value(1.0), "reduce": "max"}, "unknown reduce 'max' .must be one of mean, sum"),
        ({"target": Value(1.0), "backend": "gpu"}, "unknown backend 'gpu' .must be one of auto, numpy"),
    ],
)
def test_misuse(arguments: dict[str, object], match: str) -> None:
    with pytest.raises(CompileError, match=match):
        gg.compile(**arguments)  # type: ignore[arg-type]  # misuse is the point


def test_parameter_given_twice() -> None:
    w = Value(1.0)
    with pytest.raises(CompileError, match="twice"):
        gg.compile(w * w, params=[w, w])


def test_not_finite_is_located() -> None:
    w = Value(1.0, "w")
    program = gg.compile(lambda x: (w * x).log(), example=(1.0,), params=[w])
    with pytest.raises(DomainError, match=r"log.*example 2"):
        program.value_and_grad([1.0, 2.0, -1.0])
    with pytest.raises(DomainError, match=r"log.*example 1"):
        program.run([1.0, 0.0])
    root = program_root = (w - 1.0).sqrt() if w.data > 1 else (w + 0.0).sqrt()
    for backend in ("numpy", "python"):
        recorded = gg.compile(program_root, params=[w], backend=backend)
        recorded.params[0] = 0.0
        with pytest.raises(DomainError, match=r"sqrt has no finite slope"):
            recorded.value_and_grad()
        recorded.params[0] = math.nan
        with pytest.raises(DomainError, match="w is nan"):
            recorded.value_and_grad()
    assert root.data == 1.0


@pytest.mark.parametrize("backend", ["numpy", "python"])
def test_the_input_that_is_not_finite_is_named_by_its_own_number(backend: Literal["numpy", "python"]) -> None:
    weights = [Value(1.0), Value(2.0), Value(3.0)]
    program = gg.compile(
        lambda x: gg.dot(weights, [*x, 1.0]).sin(), example=([1.0, 2.0],), params=weights, backend=backend
    )
    with pytest.raises(DomainError, match=r"^input 1 is inf in example 2; parameters and inputs must be finite"):
        program.value_and_grad([[1.0, 2.0], [0.0, 1.0], [1.0, math.inf]])
    program.params[2] = math.inf
    with pytest.raises(DomainError, match=r"^parameter 2 is inf"):
        program.value_and_grad([[1.0, 2.0]])


def test_the_check_refuses_broken_programs() -> None:
    leaves = Buffer("params", "params", 2, 0, False, True)
    result = Buffer("y", "computed", 2, 0, False, True)
    whole, out = View(0, 0, (2,), (1,)), View(1, 0, (2,), (1,))
    step = Elementwise(out, "tanh", (whole,), 2)
    assert check(MatrixProgram((leaves, result), (step,), (out,), 2)).steps == (step,)
    broken = [
        ((step, step), "second time"),
        ((step._replace(inputs=(whole._replace(offset=1),)),), "outside"),
        ((step._replace(inputs=(out,)),), "no step has written"),
        ((step._replace(inputs=(whole._replace(shape=(1,)),)),), "computes shape"),
        ((step._replace(out=out._replace(shape=(1,)), inputs=(whole._replace(shape=(1,)),)),), "no step"),
    ]
    for steps, said in broken:
        with pytest.raises(BrokenProgramError, match=said):
            check(MatrixProgram((leaves, result), steps, (out,), 2))


@pytest.mark.parametrize("name", ["exp", "ones", "g_z", "W1", "params", "n", "t_1", "x_T", "points"])
def test_argument_names_cannot_disturb_the_code(name: str) -> None:
    w = Value(0.5)
    names = {"w": w}
    exec(f"def loss({name}): return (w * {name}[0] + {name}[1]).exp()", names)
    program = gg.compile(names["loss"], example=([1.0, 2.0],), params=[w])  # type: ignore[arg-type]  # made by exec
    assert program.value_and_grad(np.array([[2.0, -1.0]]))[0] == pytest.approx(1.0)


@pytest.mark.parametrize("names", ["x1, x2", "x1, x0", "w1, x0, n", "x2, x0, x1", "a1, x1, x0"])
def test_an_argument_is_shown_under_its_own_name_or_under_nobodys(names: str) -> None:
    given = names.split(", ")
    space: dict[str, Any] = {}
    terms = " + ".join(f"{10**i} * {name}" for i, name in enumerate(given))
    exec(f"def f({names}): return {terms}", space)
    program = gg.compile(space["f"], example=(1.0,) * len(given))
    listing = str(program)
    for i, name in enumerate(given):
        shown = f"{10**i}·{name}" if i else name
        others = [other for other in given if other != name]
        assert not any(re.search(rf"\b{10**i}·{other}\b", listing) for other in others), (listing, shown)
    assert program.run(*[np.array([x]) for x in (1.0, 2.0, 3.0)[: len(given)]])[0] == sum(
        10.0**i * (i + 1) for i in range(len(given))
    )


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        (lambda x: x * 2, {"example": 3.0}, r"in a tuple, such as example=\(1\.0,\); got 3\.0"),
        (lambda x: x * 2, {"example": "3"}, "in a tuple"),
        ("x*w", {"example": (1.0,)}, "takes a function, a Value or a list of Values, got 'x\\*w'"),
        (3.0, {}, "takes a function, a Value or a list of Values"),
    ],
)
def test_what_cannot_be_compiled_is_refused(given: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(CompileError, match=message):
        gg.compile(given, **options)


def test_written_values_are_changes_like_others() -> None:
    """A graph that was computed before is told with the numbers it used."""
    w = Value(2.0, "w")
    y = w * w
    program = gg.compile(lambda x: x * w, example=(1.0,), params=[w])
    program.params = [5.0]
    program.write_values()
    assert (w.data, gg.steps(y)[1].numbers) == (5.0, "v1 = 2 × 2 = 4")


@pytest.mark.parametrize(
    "given", [np.array(["3"]), np.array([1j]), ["3"], [1j], np.array(["2020-01-01"], "datetime64[D]")]
)
def test_arguments_that_are_no_real_numbers_are_refused_in_every_call(given: Any) -> None:
    program = gg.compile(lambda a, b: a * b, example=(1.0, 2.0))
    recorded = gg.compile((x := Value(2.0)) * 3, inputs=[x])
    for _ in range(2):
        for arguments in ((given, [2.0]), ([2.0], given), (np.ones(1), given)):
            with pytest.raises(CompileError, match="must hold real numbers, got an array of"):
                program.run(*arguments)
        with pytest.raises(CompileError, match="must hold real numbers"):
            recorded.run(given)
        assert program.run(np.array([2]), np.array([True])).tolist() == [2.0]
        assert program.run(np.array([2.0], np.float32), np.array([3.0], ">f8")).tolist() == [6.0]
        assert recorded.run([5.0]) == 15.0


@pytest.mark.parametrize("given", [3.0, np.float64(3.0), np.array(3.0), np.float32(3.0)])
def test_a_number_is_no_batch(given: Any) -> None:
    program = gg.compile(lambda a: a * 2, example=(1.0,))
    for call in (program.run, program.value_and_grad):
        with pytest.raises(CompileError, match=r"must have shape \(batch,\), examples first"):
            call(given)
