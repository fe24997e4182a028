import math
import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassgrad as gg
from glassgrad import Value, nn

ACTIVATIONS = ["linear", "relu", "tanh", "sigmoid", "leaky_relu", "gelu"]


def test_parameters_are_named_by_their_paths():
    model = nn.MLP(2, [3, 4, 1], seed=1)
    names = [name for name, _ in model.named_parameters()]
    assert len(names) == len(set(names)) == 3 * 3 + 4 * 4 + 5
    assert names[0] == "layers[0].neurons[0].w[0]"
    assert "layers[1].neurons[3].w[2]" in names
    assert names[-1] == "layers[2].neurons[0].b"
    assert [p.label for p in model.parameters()] == names


def test_a_shared_parameter_counts_once_and_results_do_not_count():
    class Tied(nn.Module):
        def __init__(self):
            self.a = Value(1.0)
            self.parts = {"again": self.a, "layer": nn.Layer(1, 1)}
            self.kept_result = self.a * 2

    tied = Tied()
    assert [name for name, _ in tied.named_parameters()] == [
        "a",
        "parts['layer'].neurons[0].w[0]",
        "parts['layer'].neurons[0].b",
    ]
    tied.name_parts()
    assert tied.parts["layer"].neurons[0].name == "parts['layer'].neurons[0]"


def test_state_goes_out_and_in_whole_or_not_at_all():
    one, other = nn.MLP(2, [3, 1], seed=1), nn.MLP(2, [3, 1], seed=2)
    assert one.state_dict() != other.state_dict()
    state = one.state_dict()
    other.load_state_dict(state)
    assert other.state_dict() == state
    damaged = dict(list(state.items())[1:]) | {"extra": 1.0}
    with pytest.raises(ValueError, match=r"lacks layers\[0\]\.neurons\[0\]\.w\[0\] and has unknown extra"):
        other.load_state_dict(damaged)
    with pytest.raises(TypeError, match=r"layers\[1\]\.neurons\[0\]\.b takes a real number"):
        other.load_state_dict(dict.fromkeys(state, 0.0) | {"layers[1].neurons[0].b": "0"})
    assert other.state_dict() == state


def test_zero_grad_makes_gradients_not_computed():
    model = nn.MLP(2, [2, 1])
    model([1.0, 2.0]).backward()
    assert all(p.has_grad for p in model.parameters())
    model.zero_grad()
    assert not any(p.has_grad for p in model.parameters())
    assert all(p.grad == 0.0 for p in model.parameters())


@settings(max_examples=60)
@given(
    nin=st.integers(1, 4),
    nouts=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    activation=st.sampled_from(ACTIVATIONS),
    seed=st.integers(0, 1000),
    data=st.data(),
)
def test_one_node_per_neuron_and_node_by_node_agree_bit_for_bit(nin, nouts, activation, seed, data):
    x = data.draw(st.lists(st.floats(-3, 3), min_size=nin, max_size=nin))
    results = []
    for expand in (False, True):
        model = nn.MLP(nin, nouts, activation=activation, seed=seed, expand=expand)
        inputs = [Value(number) for number in x]
        y = model(inputs)
        root = gg.sum(y) if isinstance(y, list) else y
        root.backward()
        gradients = [p.grad for p in model.parameters()] + [v.grad for v in inputs]
        results.append((root.data, gradients))
    assert results[0][0] == results[1][0]
    assert np.allclose(results[0][1], results[1][1], rtol=1e-12, atol=1e-14)


def test_expand_records_products_and_sums():
    y = nn.Neuron(2, expand=True)([1.0, 2.0])
    ops = [node.op for node in gg.Graph(y).nodes]
    assert ops.count("mul") == 2
    assert ops.count("add") == 2
    assert "dot" not in ops
    assert [node.op for node in gg.Graph(nn.Neuron(2)([1.0, 2.0])).nodes].count("dot") == 1


@pytest.mark.parametrize("expand", [False, True])
def test_plain_numbers_are_one_constant_each_and_take_no_gradient(expand):
    graph = gg.Graph(nn.Layer(2, 3, expand=expand)([1.0, 2.0])[0] + 0)
    inputs = [node for node in graph.nodes if node.op == "const" and node.label.startswith("x[")]
    assert [node.name for node in inputs] == ["x[0]", "x[1]"]
    ids = {node.id for node in inputs}
    slopes = [s for node in graph.nodes for i, s in zip(node.inputs, node.slopes) if i in ids]
    assert slopes
    assert all(slope is None for slope in slopes)


def test_calls_can_be_folded_into_boxes():
    model = nn.MLP(2, [2, 1])
    graph = gg.Graph(model([1.0, -1.0]))
    assert {(group.kind, group.name) for group in graph.groups} == {
        ("MLP", "MLP"),
        ("Layer", "layers[0]"),
        ("Layer", "layers[1]"),
        ("Neuron", "layers[0].neurons[0]"),
        ("Neuron", "layers[0].neurons[1]"),
        ("Neuron", "layers[1].neurons[0]"),
    }
    assert graph.groups[0].kind == "MLP"
    neuron = next(g for g in graph.groups if g.name == "layers[0].neurons[1]")
    labels = {graph.nodes[i].label for i in neuron.nodes}
    assert {"layers[0].neurons[1].w[0]", "layers[0].neurons[1].w[1]", "layers[0].neurons[1].b"} <= labels


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.MLP(3, [2, 1])([1.0, 2.0]), "MLP takes 3 inputs, got 2"),
        (lambda: nn.MLP(3, [2, 1])([1.0] * 4), "MLP takes 3 inputs, got 4"),
        (lambda: nn.MLP(3, [2, 1]).layers[1]([1.0]), r"layers\[1\] takes 2 inputs, got 1"),
        (lambda: nn.MLP(3, [2, 1]).layers[0].neurons[1]([1.0]), r"layers\[0\]\.neurons\[1\] takes 3 inputs, got 1"),
        (lambda: nn.Perceptron(2).learn([1.0, 2.0], [1.0, 2.0], 0.1), "Perceptron has 1 outputs, got 2 targets"),
        (lambda: nn.MLP(2, [1], activation="tan h"), "unknown activation 'tan h' .must be one of linear, neg"),
        (lambda: nn.MLP(2, [3, 1], activation=["tanh"]), "MLP has 2 layers, got 1 activations"),
        (lambda: nn.Neuron(2, init="glorot"), "unknown init 'glorot' .must be one of uniform, xavier, he"),
        (lambda: nn.Neuron(2, seed=1, rng=random.Random(1)), "give seed or rng, not both"),
        (lambda: nn.Layer(2, 0), "nout must be a whole number from 1 up, got 0"),
        (lambda: nn.Neuron(0), "nin must be a whole number from 1 up, got 0"),
        (lambda: nn.MLP(2, []), "at least one layer"),
    ],
)
def test_mistakes_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("given", ["ab", None, [1.0, "x"], [1.0, None]])
def test_what_is_no_example_is_a_type_error(given):
    with pytest.raises(TypeError):
        nn.MLP(2, [1])(given)


def test_a_layer_that_does_not_fit_is_named():
    model = nn.MLP(2, [3, 1])
    model.layers[1] = nn.MLP(2, [2, 1]).layers[1]
    with pytest.raises(ValueError, match=r"layers\[1\] takes 2 inputs, got 3 from the layer before"):
        model([1.0, 2.0])


def test_a_layer_of_one_inside_is_handed_on_as_a_list():
    model = nn.MLP(2, [1, 3, 1], activation="tanh", seed=5)
    assert isinstance(model([0.5, 1.0]), Value)
    assert len(nn.MLP(2, [1, 2])([0.5, 1.0])) == 2


def test_initialisation_follows_seed_law_and_generator():
    assert nn.MLP(2, [3, 1]).state_dict() != nn.MLP(2, [3, 1]).state_dict()
    for seed, bits in ((0, "0x1.60b01f314fb7cp-1"), (1, "-0x1.766938372453ep-1")):
        assert nn.MLP(2, [3, 1], seed=seed).parameters()[0].data.hex() == bits
    assert nn.MLP(2, [3, 1], seed=1).state_dict() == nn.MLP(2, [3, 1], rng=random.Random(1)).state_dict()
    nn.MLP(2, [3, 1], rng=np.random.default_rng(0))
    for init, limit in (("uniform", 1.0), ("xavier", math.sqrt(6 / 160)), ("he", math.sqrt(6 / 60))):
        layer = nn.Layer(60, 100, init=init, seed=3)
        weights = np.array([[w.data for w in neuron.w] for neuron in layer.neurons])
        assert np.abs(weights).max() <= limit
        assert abs(weights.std() - limit / math.sqrt(3)) < 0.02 * limit
        assert all(neuron.b.data == 0 for neuron in layer.neurons)


SIZES_REFUSED = [
    (lambda: nn.MLP(2, [10**8, 1]), "2-100000000-1 has 400,000,001 parameters, which take about 100 GB"),
    (lambda: nn.MLP(10**5, [10, 10**5, 1]), "100000-10-100000-1 has 2,200,011 parameters"),
    (lambda: nn.Layer(2, 10**40), "a network may have 10,000,000"),
    (lambda: nn.Neuron(10**9), "1000000000-1 has 1,000,000,001 parameters"),
    (lambda: nn.Perceptron(10**9, 3), "3,000,000,003 parameters"),
]


@pytest.mark.parametrize(("make", "message"), SIZES_REFUSED)
def test_a_network_that_would_fill_the_memory_is_refused_at_once(make, message, monkeypatch):
    monkeypatch.setattr(nn.layers, "MOST", min(nn.layers.MOST, 2_000_000) if "2,200,011" in message else 10_000_000)
    started = time.perf_counter()
    with pytest.raises(ValueError, match=message):
        make()
    assert time.perf_counter() - started < 1


def test_one_number_is_a_network_of_one_layer():
    assert repr(nn.MLP(2, 4, seed=1)) == repr(nn.MLP(2, [4], seed=1))
    assert nn.MLP(2, 4, seed=1).state_dict() == nn.MLP(2, [4], seed=1).state_dict()


def test_an_activation_changed_later_holds_everywhere():
    model = nn.MLP(2, [3, 1], seed=1)
    for neuron in model.layers[0].neurons:
        neuron.activation = "tanh"
    wanted = nn.MLP(2, [3, 1], activation="tanh", seed=1)
    assert repr(model) == repr(wanted)
    for network in (model, nn.files.from_bytes(nn.files.to_bytes(model))[0]):
        assert network([0.3, -0.4]).data == wanted([0.3, -0.4]).data
        assert nn.outputs(network, [[0.3, -0.4]])[0, 0] == pytest.approx(wanted([0.3, -0.4]).data, rel=1e-15)
    neuron = nn.Neuron(2, nonlin=False)
    neuron.nonlin = True
    assert neuron.activation == "relu" and repr(neuron) == "ReLUNeuron(2)"
    with pytest.raises(ValueError, match="unknown activation 'tann'"):
        neuron.activation = "tann"
    assert neuron.activation == "relu"


def test_user_ops_can_be_activations():
    gg.define_op("bent", "bent", "a", "a / (1 + abs(a))", "1 / (1 + abs(a))**2")
    try:
        model = nn.MLP(2, [3, 1], activation="bent")
        model([0.3, -0.4]).backward()
        assert nn.outputs(model, [[0.3, -0.4]])[0, 0] == pytest.approx(model([0.3, -0.4]).data, rel=1e-14)
    finally:
        gg.engine.remove_op("bent")


@settings(max_examples=50)
@given(
    nin=st.integers(1, 4), nout=st.integers(1, 3), seed=st.integers(0, 99), rate=st.floats(1e-3, 1.0), data=st.data()
)
def test_the_lms_rule_is_one_step_of_backpropagation(nin, nout, seed, rate, data):
    numbers = st.floats(-2, 2)
    x = data.draw(st.lists(numbers, min_size=nin, max_size=nin))
    target = data.draw(st.lists(numbers, min_size=nout, max_size=nout))
    by_rule, by_backward = nn.Perceptron(nin, nout, seed=seed), nn.Perceptron(nin, nout, seed=seed)
    error = by_rule.learn(x, target, rate)
    loss = nn.half_squared_error(by_backward(x), target)
    loss.backward()
    nn.SGD(by_backward.parameters(), rate).step()
    assert error == pytest.approx(loss.data, rel=1e-12, abs=1e-15)
    a, b = by_rule.state_dict(), by_backward.state_dict()
    assert a == pytest.approx(b, rel=1e-12, abs=1e-12)


class Tanh(nn.Neuron):
    def __call__(self, x):
        return super().__call__(x).tanh()


def test_a_neuron_of_ones_own_in_a_network_is_asked_by_all_who_compute(tmp_path):
    model = nn.MLP(2, [3, 1], seed=1)
    model.layers[0].neurons[1] = Tanh(2, nonlin=False, seed=2)
    x = [0.5, -1.0]
    hidden = [neuron(x) for neuron in model.layers[0].neurons]
    expected = model.layers[1](hidden).data
    assert model(x).data == nn.outputs(model, [x])[0, 0] == expected
    with pytest.raises(TypeError, match="without parts of your own; got MLP"):
        nn.save(model, tmp_path / "model.safetensors")


class Doubled(nn.Layer):
    def outputs(self, x):
        return [2 * y for y in super().outputs(x)]


class Shifted(nn.Neuron):
    def output(self, x, wires):
        return super().output(x, wires) + 1


def doubled(model):
    model.layers[0] = Doubled(2, 3, activation="tanh", seed=2)


def doubled_for_its_own_neurons(model):
    doubled(model)
    model.layers[0].neurons[1] = Tanh(2, nonlin=False, seed=2)


def test_a_layer_of_ones_own_asks_its_neurons_of_ones_own():
    model = nn.MLP(2, [3, 1], seed=1)
    doubled_for_its_own_neurons(model)
    layer, x = model.layers[0], [0.5, -1.0]
    assert [y.data for y in layer(x)] == [2 * neuron(x).data for neuron in layer.neurons]


def shifted(model):
    model.layers[0].neurons[1] = Shifted(2, seed=2)


def set_on_the_layer(model):
    layer = model.layers[0]
    layer.outputs = lambda x, before=layer.outputs: [2 * y for y in before(x)]


def set_on_the_neuron(model):
    neuron = model.layers[0].neurons[0]
    neuron.output = lambda x, wires, before=neuron.output: before(x, wires) + 1


@pytest.mark.parametrize("change", [doubled, doubled_for_its_own_neurons, shifted, set_on_the_layer, set_on_the_neuron])
def test_every_method_of_ones_own_is_asked_by_all_who_compute(change, tmp_path):
    model, x = nn.MLP(2, [3, 1], activation="tanh", seed=1), [0.5, -1.0]
    plain = model(x).data
    change(model)
    changed = model(x).data
    assert changed != plain
    assert changed == model.layers[1](model.layers[0](x)).data == nn.outputs(model, [x])[0, 0]
    program = gg.compile(lambda v: model(v), example=(x,), params=model.parameters())
    assert float(np.ravel(program(np.array([x])))[0]) == pytest.approx(changed, rel=1e-12)
    with pytest.raises(TypeError, match="without parts of your own; got MLP"):
        nn.save(model, tmp_path / "model.safetensors")
