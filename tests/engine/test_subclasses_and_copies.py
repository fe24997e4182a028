"""Subclasses of Value, attributes on it, and copies: `copy`, `pickle`, `dataclasses`."""

import copy
import dataclasses
import gc
import pickle
import subprocess
import sys
import threading

import pytest

import glassgrad as gg
from glassgrad import Value, nn
from glassgrad.engine.core import copying


class Named(Value):
    """A subclass with an `__init__` of its own."""

    def __init__(self, data, name):
        super().__init__(data)
        self.name = name

    def square(self):
        return self * self


class Plain(Value):
    """A subclass that adds a method."""

    def cube(self):
        return self**3


@pytest.mark.parametrize(
    "make",
    [
        lambda v, a: v * a,
        lambda v, a: a * v,
        lambda v, a: a - v,
        lambda v, a: v / a,
        lambda v, a: v**a,
        lambda v, a: a**v,
        lambda v, a: v**2 + 1,
        lambda v, a: 2**v,
        lambda v, a: 3 / v,
        lambda v, a: -v.tanh(),
        lambda v, a: v.square(),
        lambda v, a: gg.max(a, v),
        lambda v, a: gg.where(a, v, a),
        lambda v, a: gg.where(v, 1.0, a),
        lambda v, a: gg.sum([v, a]),
        lambda v, a: gg.dot([v, v], [1.0, a]),
        lambda v, a: sum([v, v]),
        lambda v, a: v.leaky_relu(),
        lambda v, a: v % a,
        lambda v, a: gg.grad(v * v * a, v, create_graph=True),
        lambda v, a: v.detach(),
    ],
)
def test_arithmetic_stays_in_the_subclass(make):
    v, a, u = Named(3.0, "n"), Value(2.0), Value(3.0)
    y, z = make(v, a), make(_squared(u), a)
    assert (type(y), y.data) == (Named, z.data)
    if y.op != "detached":
        assert gg.grad(y, [v, a]) == gg.grad(z, [u, a])


def _squared(u):
    u.square = lambda: u * u  # any attribute
    return u


def test_a_subclass_without_an_init_is_a_value_like_any_other():
    x = Plain(2.0, "x")
    y = (x.cube() * 2).cube()
    y.backward()
    assert x.grad == 9 * 8 * 2.0**8
    assert gg.gradcheck(lambda v: (v * v).tanh(), [x]).ok
    assert len(gg.steps(y)) > 5


def test_any_attribute_may_be_set():
    v = Value(1.0)
    v.color, v.velocity = "red", 0.5
    assert (v.color, v.velocity, copy.copy(v).color, copy.deepcopy(v).color) == ("red", 0.5, "red", "red")
    with pytest.raises(AttributeError):
        _ = v.colour


# -- copies ------------------------------------------------------------------------------------------------------

WAYS = [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x)), lambda x: pickle.loads(pickle.dumps(x, 0))]


@pytest.mark.parametrize("copied", WAYS)
def test_a_graph_is_copied_whole(copied):
    x, w = Value(0.5, "x"), Named(2.0, "n")
    x.color = "red"
    h = (x * w).tanh()
    y = h * h + gg.sum([x, 3.0, h]) + 2**x
    y.backward()
    x2, h2, y2 = copied([x, h, y])
    w2 = h2.inputs[0].inputs[1]
    assert (x2.color, x2.label, w2.name, type(w2)) == ("red", "x", "n", Named)
    assert [v.grad for v in (x2, w2, h2, y2)] == [v.grad for v in (x, w, h, y)]
    assert gg.grad(y2, [x2, h2, w2]) == gg.grad(y, [x, h, w])
    assert gg.Graph(y2) == gg.Graph(y)
    x2.data, x2.grad = 9.0, None
    assert (x.data, x.has_grad, x2.has_grad) == (0.5, True, False)
    y2.backward()
    assert x2.grad == gg.grad(y, x)


@pytest.mark.parametrize("copied", WAYS)
def test_a_deep_graph_is_copied_without_recursion(copied):
    x = y = Value(1.0)
    for _ in range(20_000):
        y = y * 1.0001
    x2, y2 = copied((x, y))
    assert gg.grad(y2, x2) == gg.grad(y, x)


@pytest.mark.parametrize("copied", WAYS)
def test_what_was_used_is_known_after_copying(copied):
    x = Value(2.0, "x")
    x.data = 2.5
    y = x * x
    x.data = 4.0
    y2 = copied(y)
    assert gg.Graph(y2).nodes[0][2] == 2.5
    assert gg.Graph(y2).nodes[0].now == 4.0
    assert y2.inputs[0].grad == 0.0


def test_models_are_copied():
    model = nn.MLP(2, [3, 1], seed=1)
    twin = copy.deepcopy(model)
    loaded = pickle.loads(pickle.dumps(model))
    assert twin.state_dict() == model.state_dict() == loaded.state_dict()
    twin.parameters()[0].data += 1
    assert twin.state_dict() != model.state_dict()
    assert model([1.0, 2.0]).data == loaded([1.0, 2.0]).data


def test_a_shallow_copy_is_a_second_node_over_the_same_graph():
    x = Value(3.0, "x")
    y = x * x
    z = copy.copy(y)
    assert (z is not y, z.inputs, gg.grad(z + y, x)) == (True, (x, x), 12.0)


def test_dataclasses():
    @dataclasses.dataclass
    class Neuron:
        w: Value
        b: Value

    given = Neuron(Value(1.0, "w"), Value(2.0, "b"))
    found = dataclasses.asdict(given)
    assert (found["w"].data, found["w"].label, found["w"] is given.w) == (1.0, "w", False)


def test_a_rule_of_ones_own_is_not_copied():
    x = Value(1.0, "x")
    y = Value(1.0, (x,), "f")
    y._backward = lambda: None
    for way in WAYS[:2]:
        with pytest.raises(TypeError, match="has a rule of its own, which is not pickled or copied"):
            way(y * 2)
    with pytest.raises(TypeError, match="has a rule of its own"):
        copy.copy(y)


def test_a_failed_copy_leaves_later_ones_right():
    x = Value(1.0, "x")
    x.held = threading.Lock()
    y = (x * 2).tanh()
    with pytest.raises(TypeError):
        pickle.dumps(y)
    del x.held
    assert gg.Graph(pickle.loads(pickle.dumps(y))) == gg.Graph(y)
    gc.collect()


def test_a_copy_shares_no_attributes():
    a = Value(1.0, "a")
    b = copy.copy(a)
    b.label, b.color = "b", "red"
    assert (a.label, hasattr(a, "color")) == ("a", False)


def test_a_copy_that_fails_leaves_nothing_behind():
    x = y = Value(1.0)
    for _ in range(3000):
        y = y * 1.0001
    x.held = lambda: 0
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(y)
    del x.held
    gc.collect()
    assert gg.Graph(pickle.loads(pickle.dumps(y))) == gg.Graph(y)
    assert not copying._listed.nodes


def test_a_deep_copy_that_fails_leaves_nothing_behind_while_its_error_is_kept():
    x = y = Value(1.0)
    for _ in range(3000):
        y = y * 1.0001
    x.held = threading.Lock()
    with pytest.raises(TypeError) as kept:
        copy.deepcopy(y)
    del x.held
    assert gg.Graph(copy.deepcopy(y)) == gg.Graph(pickle.loads(pickle.dumps(y))) == gg.Graph(y)
    assert kept.value is not None


def test_what_two_copies_share_is_one_in_the_copy():
    x, note = Value(2.0, "x"), ["shared"]
    y, z = x * 3, x.exp()
    y.note = z.note = note
    (u, v), w = copy.deepcopy(((y, z), x))
    assert gg.grad(u * v, w) == gg.grad(y * z, x) and u.note is v.note is not note
    assert gg.grad(y * z, w) == 0.0


def test_times_are_told_from_now(tmp_path):
    """What was used is known in another process, too, whose clock stands elsewhere."""
    x = Value(2.0, "x")
    for i in range(5):
        Value(0.0).data = i + 1.0
    x.data = 2.5
    y = x * x
    x.data = 4.0
    (tmp_path / "graph").write_bytes(pickle.dumps(y))
    code = """
import pickle, sys
import glassgrad as gg
y = pickle.load(open(sys.argv[1], "rb"))
x = y.inputs[0]
print(gg.Graph(y).nodes[0].data, x.data)
x.data = 7.0
print(gg.Graph(y).nodes[0].data, gg.steps(y)[1].numbers)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "graph")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "2.5 4.0\n2.5 v1 = 2.5 × 2.5 = 6.25\n"


class Tagged(Value):
    __slots__ = ("__secret", "tag")

    def __init__(self, data, tag):
        super().__init__(data)
        self.tag = self.__secret = tag

    @property
    def secret(self):
        return self.__secret


@pytest.mark.parametrize("copied", [copy.copy, *WAYS[:2]])
def test_slots_of_a_subclass_are_copied(copied):
    twin = copied(Tagged(1.0, "red"))
    assert (twin.tag, twin.secret, (twin * 2).data) == ("red", "red", 2.0)


class Saturating:
    def __mul__(self, other):
        return "mine"


def test_operators_of_a_mixin_and_of_a_parent_are_turned_round_too():
    class Mixed(Saturating, Value):
        pass

    class Child(Mixed):
        pass

    class Both(Value):
        def __mul__(self, other):
            return "left"

        def __rmul__(self, other):
            return "right"

    for kind in (Mixed, Child):
        assert kind(3.0) * 4 == 4 * kind(3.0) == "mine"
        assert (1 + kind(3.0)).data == 4.0
    assert (Both(1.0) * 2, 2 * Both(1.0)) == ("left", "right")
    assert sum([Plain(1.0), Plain(2.0)]).data == 3.0


@pytest.mark.parametrize(
    "mixed", [lambda v, a: gg.sum([a, v]), lambda v, a: gg.dot([a], [v]), lambda v, a: gg.dot([a], [a], v)]
)
def test_lists_of_several_classes_give_the_subclass(mixed):
    v, a = Named(3.0, "n"), Value(2.0)
    assert type(mixed(v, a)) is Named
    assert type(mixed(a, a)) is Value
    with gg.no_grad():
        assert type(mixed(v, a)) is Named
        assert type(a * v) is Named


def test_equality_of_ones_own_is_refused():
    class Equal(Value):
        def __eq__(self, other):
            return self.data == getattr(other, "data", other)

        def __hash__(self):
            return hash(self.data)

    @dataclasses.dataclass(init=False)
    class Data(Value):
        pass

    class Child(Equal):
        pass

    for kind in (Equal, Data, Child):
        with pytest.raises(TypeError, match=r"has an __eq__ or __hash__ of its own.*@dataclass\(eq=False\)"):
            kind(2.0)
