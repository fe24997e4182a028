"""Every op of the table, proved from its entry alone: forward, slopes, second derivatives, text and code."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.engine.core.apply import apply
from glassgrad.engine.core.record import recorder
from glassgrad.engine.proof.gradcheck import gradcheck
from glassgrad.engine.proof.report import relative_error
from glassgrad.engine.proof.rounded import Rounded, rounded_function
from glassgrad.engine.proof.slope_witness import COMPLEX, witness
from glassgrad.engine.rules.arrays import array_function
from glassgrad.engine.rules.floats import FLOATS, float_function, float_names
from glassgrad.engine.rules.ops import CONSTANT, OPS

POINTS = 40
MARGIN = 0.05  # how far from a kink an op is tested


def points(name):
    """Random operands in the domain of an op, away from its kinks; n-ary inputs get three elements each."""
    op = OPS[name]
    rng = np.random.default_rng(sum(map(ord, name)))
    found = []
    while len(found) < POINTS:
        operands = []
        for one, (low, high) in zip(op.inputs, op.domain):
            x = rng.uniform(low, high, size=3 if one.many else None)
            operands.append(x.tolist() if one.many else float(x))
        names = dict(zip(op.names, operands))
        kinks = [eval(FLOATS.source(kink), float_names(op), dict(names)) for kink in op.kinks]
        if all(abs(k) > MARGIN for k in kinks):
            found.append(operands)
    return found


def flat(operands):
    return [x for operand in operands for x in (operand if isinstance(operand, list) else [operand])]


def like(operands, numbers):
    numbers = iter(numbers)
    return [[next(numbers) for _ in o] if isinstance(o, list) else next(numbers) for o in operands]


def stacked(operands, dtype):
    return [np.array(o, dtype=dtype) for o in operands]


@pytest.mark.parametrize("name", OPS)
def test_forward_on_floats_is_forward_on_arrays(name):
    for operands in points(name):
        y = float_function(OPS[name])(*operands)
        array = array_function(OPS[name])(*stacked(operands, float))
        assert y == pytest.approx(float(array), rel=2e-15, abs=1e-300)  # NumPy adds and rounds in its own order
        rounded = rounded_function(OPS[name])(
            *[[*map(Rounded, o)] if isinstance(o, list) else Rounded(o) for o in operands]
        )
        assert rounded.z == pytest.approx(y, rel=1e-14)
        assert abs(rounded.z.real - y) <= 4 * rounded.real_error


@pytest.mark.parametrize("name", OPS)
def test_eager_forward_is_the_float_function(name):
    for operands in points(name):
        constants = [f is None for f in OPS[name].slopes]
        held = [
            [gg.Value(x) for x in o] if isinstance(o, list) else o if fixed else gg.Value(o)
            for o, fixed in zip(operands, constants)
        ]
        assert apply(name, *held).data == float_function(OPS[name])(*operands)


@pytest.mark.parametrize("name", OPS)
def test_slopes_are_the_complex_step_derivative(name):
    op = OPS[name]
    assert op.analytic, "built-in ops all continue analytically on each side of their kinks"
    for operands in points(name):
        numbers = flat(operands)
        y = float_function(OPS[name])(*operands)
        for index in range(len(numbers)):
            part, element = op.place(index, len(numbers))
            if op.slopes[part] is None:
                continue
            exact = witness(op, numbers, index)
            slope = float_function(op, part)(**op.elements(numbers, element), y=y)
            assert (exact.method, exact.kink, exact.jumps) == (COMPLEX, False, False)
            assert relative_error(slope, exact.left) <= 1e-12, (operands, op.names[part])
            assert exact.allows(slope)
            assert not exact.allows(slope * (1 + 1e-6) + 1e-9)


@pytest.mark.parametrize("name", OPS)
def test_slopes_agree_on_floats_and_arrays(name):
    op = OPS[name]
    for operands in points(name)[:10]:
        numbers = flat(operands)
        y = float_function(OPS[name])(*operands)
        for index in range(len(numbers)):
            part, element = op.place(index, len(numbers))
            if op.slopes[part] is not None:
                names = op.elements(numbers, element)
                on_floats = float_function(op, part)(**names, y=y)
                on_arrays = array_function(op, part)(**{k: np.float64(v) for k, v in names.items()}, y=np.float64(y))
                assert on_floats == pytest.approx(float(on_arrays), rel=1e-15)


@pytest.mark.parametrize("name", OPS)
def test_slopes_are_the_central_difference(name):
    op = OPS[name]
    forward = float_function(OPS[name])
    for operands in points(name)[:10]:
        numbers, h = flat(operands), 1e-4
        y = forward(*operands)
        for index in range(len(numbers)):
            part, element = op.place(index, len(numbers))
            if op.slopes[part] is None:
                continue
            ends = [forward(*like(operands, [x + t * (k == index) for k, x in enumerate(numbers)])) for t in (h, -h)]
            slope = float_function(op, part)(**op.elements(numbers, element), y=y)
            assert slope == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", OPS)
def test_second_derivatives(name):
    op = OPS[name]
    for operands in points(name)[:5]:
        names = [f"x{i}" for i in range(len(flat(operands)))]
        fixed = {i for i in range(len(names)) if op.slopes[op.place(i, len(names))[0]] is None}
        free = [i for i in range(len(names)) if i not in fixed]

        def f(*values, operands=operands, fixed=fixed):
            values = iter(values)
            every = [x if i in fixed else next(values) for i, x in enumerate(flat(operands))]
            return apply(name, *like(operands, every))

        report = gradcheck(f, [flat(operands)[i] for i in free], second_order=True)
        assert report.ok, str(report)
        assert report.worst < 1e-11, str(report)
        assert len(report.rows) == len(free) + len(free) ** 2


@pytest.mark.parametrize("name", OPS)
def test_the_recorded_code_is_the_formula_of_the_table(name):
    """The recording function holds exactly the forward formula and each slope, so that no rule is written twice."""
    op = OPS[name]
    source = inspect.getsource(recorder(op, name))
    if op.total is None:
        assert f"y = {FLOATS.source(op.forward)}\n" in source
    for one, slope in zip(op.inputs, op.slopes):
        if slope is not None and not op.many:
            assert f"slope_{one.name} = {FLOATS.part(FLOATS.source(slope))}" in source.replace(
                f"slope_{one.name} = {FLOATS.source(slope)}\n",
                f"slope_{one.name} = {FLOATS.part(FLOATS.source(slope))}\n",
            )


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "tanh", "silu", "gelu", "relu", "leaky_relu", "abs"])
@pytest.mark.parametrize("x", [-1000.0, 1000.0])
def test_stable_far_out(name, x):
    v = gg.Value(x)
    y = apply(name, v)
    y.backward()
    limits = {
        "sigmoid": (0.0, 0.0) if x < 0 else (1.0, 0.0),
        "softplus": (0.0, 0.0) if x < 0 else (1000.0, 1.0),
        "tanh": (math.copysign(1.0, x), 0.0),
        "abs": (1000.0, math.copysign(1.0, x)),
        "leaky_relu": (-10.0, 0.01) if x < 0 else (x, 1.0),
    }.get(name, (0.0, 0.0) if x < 0 else (1000.0, 1.0))
    assert (y.data, v.grad) == limits


@pytest.mark.parametrize(
    ("name", "operands", "slopes"),
    [
        ("relu", [0.0], [0.0]),
        ("abs", [0.0], [0.0]),
        ("leaky_relu", [0.0], [0.01]),
        ("max", [2.0, 2.0], [0.5, 0.5]),
        ("min", [2.0, 2.0], [0.5, 0.5]),
    ],
)
def test_the_convention_at_a_kink(name, operands, slopes):
    values = [gg.Value(x) for x in operands]
    apply(name, *values).backward()
    assert [v.grad for v in values] == slopes
    assert {row.verdict for row in gradcheck(lambda *v: apply(name, *v), operands).rows} == {"kink"}


def test_nan_is_passed_on_not_swallowed():
    nan = gg.Value(math.nan)
    for y in (nan.relu(), gg.max(nan, 1.0), gg.max(1.0, nan), gg.min(nan, 1.0), gg.min(1.0, nan)):
        assert math.isnan(y.data)
    for name in ("relu", "max", "min"):
        operands = [np.array([np.nan, 1.0])] + [np.array([1.0, np.nan])] * (name != "relu")
        assert np.isnan(array_function(OPS[name])(*operands)[0])


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (("bad-name", "?", "a", "a", "1"), "must be identifiers"),
        (("twice", "?", "a a", "a", "1 ; 1"), "each input once"),
        (("result", "?", "y", "y", "1"), "'y' stands for the result"),
        (("unknown", "?", "a", "a * q", "1"), "reads q (known: a)"),
        (("missing", "?", "a b", "a * b", "b"), "2 inputs (a b) but 1 slopes"),
        (("calls", "?", "a", "__import__(a)", "1"), "calls '__import__'"),
        (("attribute", "?", "a", "a.real", "1"), "contains Attribute"),
        (("text", "?", "a", "'a'", "1"), "contains Constant"),
        (("syntax", "?", "a", "a +", "1"), "is not an expression"),
        (("tanh", "?", "a", "a", "1"), "already"),
        (("data", "?", "a", "a", "1"), "already"),
        (("product", "?", "*a", "sum(a)", "1"), "cannot be defined"),
        (("fixed", "?", "a", "2 * a", "constant"), "no gradient could flow"),
        (("domain", "?", "a b", "a * b", "b ; a"), "2 inputs (a b) but 3 test intervals"),
    ],
)
def test_a_malformed_entry_is_refused(entry, message):
    options = {"domain": ((0.0, 1.0),) * 3} if entry[0] == "domain" else {}
    before = dict(OPS)
    with pytest.raises(gg.OpError) as caught:
        gg.define_op(*entry, **options)
    assert message in str(caught.value)
    assert before == OPS


@pytest.fixture
def table():
    before = dict(OPS)
    yield OPS
    for name in OPS.keys() - before.keys():
        gg.engine.remove_op(name)


def test_a_users_op_gets_everything(table):
    gg.define_op(
        "swish",
        "sw",
        "a beta=1.0",
        "a / (1 + exp(-beta * a))",
        f"y / a + beta * y * (1 - y / a) ; {CONSTANT}",
        domain=((0.5, 2.0), (1.0, 2.0)),
    )
    x = gg.Value(0.7, "x")
    assert x.swish().data == pytest.approx(x.silu().data)
    assert gg.gradcheck(lambda v: v.swish(1.5), [0.7], second_order=True).ok
    assert "x / (1 + exp((−1)·x))" in gg.steps(x.swish())[-3].rule or "exp" in gg.steps(x.swish())[2].rule
    with pytest.raises(TypeError, match="plain number for beta"):
        gg.swish(x, gg.Value(2.0))


def test_inputs_with_defaults(table):
    gg.define_op("scaled", "s", "a k=0.123456789", "k * a", "k ; constant")
    gg.define_op("shifted", "+", "a b=2.5", "a + b", "1 ; 1")
    gg.define_op("line", "l", "a p=2.0 q=0.1", "p * a + q", "p ; constant ; constant")
    gg.define_op("power_of", "^", "k a", "k ** a", "constant ; y * log(k)", domain=((0.5, 2.0), (-1.0, 1.0)))
    x = gg.Value(2.0)
    assert x.scaled().data == 0.123456789 * 2.0
    assert x.scaled(k=0.5).data == x.scaled(0.5).data == gg.scaled(x, 0.5).data == 1.0
    assert x.shifted().data == 4.5
    assert x.shifted(x).inputs == (x, x)
    assert x.line().data == 4.1
    assert x.line(q=1.0).data == x.line(2.0, 1.0).data == 5.0
    with pytest.raises(TypeError, match=r"line takes p=2.0, q=0.1, got r"):
        x.line(r=1.0)
    assert gg.power_of(3.0, x).data == 9.0
    for name in ("scaled", "shifted", "line"):
        assert gg.gradcheck(lambda v, name=name: getattr(v, name)(), [0.7]).ok
    assert gg.gradcheck(lambda v: gg.power_of(3.0, v), [0.7], second_order=True).ok


def test_three_inputs(table):
    gg.define_op("fma", "fma", "a b c", "a * b + c", "b ; a ; 1")
    a, b = gg.Value(2.0, "a"), gg.Value(3.0, "b")
    y = gg.fma(a, b, 4.0)
    y.backward()
    assert (y.data, a.grad, b.grad) == (10.0, 3.0, 2.0)
    assert [v.op for v in y.inputs] == ["", "", "const"]
    assert y.slopes == (3.0, 2.0, None)
    assert gg.gradcheck(gg.fma, [1.0, 2.0, 3.0], second_order=True).ok


@pytest.mark.parametrize("factor", [1.0005, 0.9995])
def test_the_checker_rejects_a_slope_that_is_off_by_a_twentieth_of_a_percent(table, factor):
    gg.define_op("crooked", "?", "a", "sin(a)", f"{factor} * cos(a)")
    report = gg.gradcheck(lambda x: (x * 2).crooked() + x, [0.4])
    assert not report.ok
    assert report.rows[0].verdict == "wrong"
    gg.define_op("straight", "?", "a", "sin(a)", "cos(a)")
    assert gg.gradcheck(lambda x: (x * 2).straight() + x, [0.4]).ok


def test_the_checker_rejects_it_without_the_complex_step_too(table):
    gg.define_op("crooked", "?", "a", "sin(a)", "1.0005 * cos(a)", analytic=False)
    gg.define_op("straight", "?", "a", "sin(a)", "cos(a)", analytic=False)
    assert not gg.gradcheck(lambda x: x.crooked(), [0.4]).ok
    report = gg.gradcheck(lambda x: x.straight(), [0.4])
    assert report.ok
    assert report.rows[0].method == "central difference"
