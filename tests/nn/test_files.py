import hashlib
import json
import math
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassgrad import nn
from glassgrad.nn.files import BLANK, from_bytes, to_bytes

NETWORKS = [
    nn.MLP(2, [3, 1], activation="tanh", seed=1),
    nn.MLP(3, [4, 4, 2], activation=["relu", "sigmoid", "tanh"], expand=True, seed=2),
    nn.Layer(2, 3, nonlin=False, seed=3),
    nn.Neuron(4, seed=4),
    nn.Perceptron(3, 2, seed=5),
]


def taken_apart(content):
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def put_together(header, payload):
    """A file whose digest is right, whatever is in it."""
    header["__metadata__"]["sha256"] = BLANK
    text = json.dumps(header, separators=(",", ":")).encode()
    digest = hashlib.sha256(len(text).to_bytes(8, "little") + text + payload).hexdigest()
    return len(text).to_bytes(8, "little") + text.replace(BLANK.encode(), digest.encode()) + payload


@pytest.mark.parametrize("model", NETWORKS, ids=repr)
def test_a_round_trip_keeps_every_bit(model, tmp_path):
    path = tmp_path / "model.safetensors"
    notes = {"classes": ["no", "ja"], "scaling": {"mean": [0.1, 1e-300]}}
    nn.save(model, path, notes)
    again, kept = nn.load_with_notes(path)
    assert type(again) is type(model)
    assert repr(again) == repr(model)
    assert kept == notes
    assert again.state_dict() == model.state_dict()
    x = [0.3, -1.2, 2.0, 0.7][: taken_apart(to_bytes(model))[0]["layers.0.weight"]["shape"][1]]
    assert outputs(again(x)) == outputs(model(x))
    assert to_bytes(again, notes) == path.read_bytes()


def outputs(y):
    return [v.data for v in (y if isinstance(y, list) else [y])]


def test_predictions_after_loading_are_identical(tmp_path):
    data = nn.moons(80, seed=1)
    model = nn.MLP(2, [8, 1])
    nn.fit(model, *data, loss="hinge", epochs=20)
    nn.save(model, tmp_path / "m.safetensors")
    again = nn.load(tmp_path / "m.safetensors")
    assert np.array_equal(nn.outputs(again, data.inputs), nn.outputs(model, data.inputs))


@settings(max_examples=30)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3))
def test_every_float_survives(numbers):
    model = nn.Neuron(2)
    for p, x in zip(model.parameters(), numbers):
        p.data = x
    again = from_bytes(to_bytes(model))[0]
    assert np.array([p.data for p in again.parameters()]).tobytes() == np.array(numbers).tobytes()


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("at", [0, 2])
def test_a_number_that_is_not_finite_is_neither_saved_nor_loaded(tmp_path, number, at):
    model = nn.Neuron(2, seed=1)
    header, payload = taken_apart(to_bytes(model))
    damaged = payload[: 8 * at] + np.array([number]).tobytes() + payload[8 * at + 8 :]
    with pytest.raises(nn.NetworkFileError, match="a number in it is not finite"):
        from_bytes(put_together(header, damaged))
    model.parameters()[at].data = number
    with pytest.raises(ValueError, match=rf"finite, and {['w.0.', '', 'b'][at]} is {number}"):
        nn.save(model, tmp_path / "a.safetensors")
    assert list(tmp_path.iterdir()) == []


SMALL = to_bytes(nn.MLP(2, [2, 1], seed=1), {"note": "ä"})


def refused(content):
    """Refused, also into a network that is there already, which stays as it is."""
    with pytest.raises(nn.NetworkFileError):
        from_bytes(content)
    model = nn.MLP(2, [2, 1], seed=2)
    before = model.state_dict()
    with pytest.raises(nn.NetworkFileError) as error:
        from_bytes(content, into=model)
    assert model.state_dict() == before
    return str(error.value)


def test_every_truncation_is_refused():
    for length in range(len(SMALL)):
        refused(SMALL[:length])


def test_a_flipped_bit_in_any_byte_is_refused():
    for i in range(len(SMALL)):
        refused(SMALL[:i] + bytes([SMALL[i] ^ (1 << i % 8)]) + SMALL[i + 1 :])


def test_appended_and_doubled_bytes_are_refused():
    assert "damaged" in refused(SMALL + b"\0" * 8)
    refused(SMALL + SMALL)


def edited(**changes):
    header, payload = taken_apart(SMALL)
    for name, change in changes.items():
        if change is None:
            del header[name]
        else:
            header[name] = header.get(name, {}) | change
    return put_together(header, payload)


def test_put_together_alone_changes_nothing():
    assert from_bytes(edited())[0].state_dict() == from_bytes(SMALL)[0].state_dict()


W, B, W1 = "layers.0.weight", "layers.0.bias", "layers.1.weight"
META = taken_apart(SMALL)[0]["__metadata__"]


def architecture(**changes):
    return {"__metadata__": META | {"architecture": json.dumps(json.loads(META["architecture"]) | changes)}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({W: {"shape": [4, 1]}}, r"layers\.0\.weight is .*\[4, 1\].*, expected .*\[2, 2\]"),
        ({W: {"shape": [2, 3]}}, r"layers\.0\.weight is "),
        ({W: {"shape": [-2, -2]}}, r"layers\.0\.weight is "),
        ({W: {"shape": "22"}}, r"layers\.0\.weight is "),
        ({W: {"dtype": "F32"}}, r"layers\.0\.weight is .*'F32'.*, expected .*'F64'"),
        ({W: {"data_offsets": [8, 40]}}, r"layers\.0\.weight is .*\[8, 40\].*, expected .*\[0, 32\]"),
        ({W: {"data_offsets": [0, 1 << 60], "shape": [1 << 57]}}, r"layers\.0\.weight is "),
        ({W: {"extra": 1}}, "extra"),
        ({B: None}, r"layers\.0\.bias is None, expected .*\[2\]"),
        ({"layers.1.bias": None}, r"layers\.1\.bias is None"),
        ({"more": {"dtype": "F64", "shape": [0], "data_offsets": [72, 72]}}, "more is .* expected None"),
        ({"__metadata__": {"format": "pt"}}, "not a network of glassgrad"),
        (architecture(nouts=[3, 1]), r"layers\.0\.bias is .*\[2\].*, expected .*\[3\]"),
        (architecture(nouts=[10**15, 1]), "expected"),
        (architecture(nouts=[2]), "its architecture cannot be read"),
        (architecture(kind="Transformer"), "its architecture cannot be read"),
        (architecture(kind="Layer"), "the file has the architecture .* such a network has"),
        (architecture(nin=True), "its architecture cannot be read"),
        (architecture(activations=["mystery", "linear"]), "unknown activation 'mystery'"),
    ],
)
def test_wrong_contents_with_a_right_digest_are_refused(changes, message):
    with pytest.raises(nn.NetworkFileError, match=message):
        from_bytes(edited(**changes))
    refused(edited(**changes))


def test_a_key_that_occurs_twice_is_refused():
    assert "'shape' stands twice" in refused(SMALL[:8] + SMALL[8:].replace(b'"dtype":"F64"', b'"shape":"F64"', 1))


def test_another_network_is_not_filled(tmp_path):
    path = tmp_path / "m.safetensors"
    nn.save(nn.MLP(2, [2, 1], activation="tanh"), path)
    for sizes in ((3, [2, 1]), (2, [2, 2, 1])):
        with pytest.raises(nn.NetworkFileError, match=r"m.safetensors: the file has the architecture"):
            nn.load(path, into=nn.MLP(*sizes, activation="tanh"))
    with pytest.raises(
        nn.NetworkFileError, match=r"the file has the architecture .*tanh.* the network to load into .*relu"
    ):
        nn.load(path, into=nn.MLP(2, [2, 1]))
    model = nn.MLP(2, [2, 1], activation="tanh", seed=9)
    assert nn.load(path, into=model) is model
    assert model.state_dict() == nn.load(path).state_dict()


def test_the_safetensors_package_reads_it_and_foreign_files_are_refused(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    model = nn.MLP(2, [3, 1], seed=1)
    path = tmp_path / "m.safetensors"
    nn.save(model, path)
    tensors = safetensors.load_file(path)
    assert sorted(tensors) == ["layers.0.bias", "layers.0.weight", "layers.1.bias", "layers.1.weight"]
    weights = [[w.data for w in neuron.w] for neuron in model.layers[0].neurons]
    assert tensors["layers.0.weight"].tolist() == weights
    safetensors.save_file(tensors, path)
    with pytest.raises(nn.NetworkFileError, match="not a network of glassgrad"):
        nn.load(path)
    path.write_bytes(b"PK\x03\x04 this is a zip file, not a network" * 9)
    with pytest.raises(nn.NetworkFileError, match="no safetensors file"):
        nn.load(path)


def test_writing_is_all_or_nothing(tmp_path, monkeypatch):
    path = tmp_path / "m.safetensors"
    nn.save(nn.MLP(2, [1], seed=1), path)
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="the disk is full, and nothing was changed"):
        nn.save(nn.MLP(2, [1], seed=2), path)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["m.safetensors"]


def test_what_cannot_be_saved_is_named(tmp_path):
    class Own(nn.Module):
        pass

    with pytest.raises(
        TypeError,
        match=r"a file holds one of MLP, Layer, Neuron, Perceptron, without parts of your own; got Own of tests",
    ):
        nn.save(Own(), tmp_path / "own")
    mixed = nn.Layer(2, 2)
    mixed.neurons[1] = nn.Neuron(2, activation="tanh")
    with pytest.raises(TypeError, match="the neurons of layer 0 differ"):
        nn.save(mixed, tmp_path / "mixed")
    with pytest.raises((TypeError, ValueError)):
        nn.save(nn.Neuron(1), tmp_path / "notes", {"x": math.nan})
    assert list(tmp_path.iterdir()) == []
