"""Networks in safetensors files: their numbers as float64 tensors, the architecture and a digest in the metadata.

The format: 8 bytes with the length of the header, the header (JSON), then the tensors' bytes without a gap.
Reading checks everything before anything is made of it; no code is ever run from a file.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.story.document import object_once
from ..engine.writing import write_file
from .layers import MLP, Layer, Neuron, Perceptron, as_written, is_plain
from .module import PARAMETERS, write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .module import Module

FORMAT = "glassgrad network 1"
BLANK = "0" * 64
MOST_HEADER = 100_000_000
"""The limit of the safetensors format itself, in bytes."""
KINDS = ("MLP", "Layer", "Neuron", "Perceptron")


class NetworkFileError(ValueError):
    """A file is no network of glassgrad, is damaged, or does not match the network it is loaded into."""


def save(model: Module, path: str | Path, notes: Mapping[str, Any] | None = None) -> None:
    """Write a network to a safetensors file; a file of that name is replaced in one go, or not at all.

    Args:
        model: an MLP, Layer, Neuron or Perceptron.
        path: the file, by custom ending in `.safetensors`.
        notes: anything JSON can hold, to be kept with it: names of classes, the scaling of inputs, …

    Raises:
        TypeError: for another kind of module (`state_dict()` gives its numbers), or notes JSON cannot hold.
        ValueError: if a parameter, or a number in the notes, is not finite.
        OSError: if the file cannot be written; then the old one is as it was.

    >>> import tempfile
    >>> model = MLP(2, [3, 1], seed=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, Path(folder, "model.safetensors"))
    ...     again = load(Path(folder, "model.safetensors"))
    >>> again.state_dict() == model.state_dict()
    True
    """
    write_file(path, to_bytes(model, notes))


def load(path: str | Path, into: Module | None = None) -> Any:
    """Read a network that `save` wrote.

    Args:
        path: the file.
        into: set the parameters of this network instead of making a new one; it must have the same architecture.

    Returns:
        The network.

    Raises:
        NetworkFileError: if the file is damaged, foreign or does not match; then `into` is unchanged.
        OSError: if it cannot be read.
    """
    return load_with_notes(path, into)[0]


def load_with_notes(path: str | Path, into: Module | None = None) -> tuple[Any, dict[str, Any]]:
    """`load`, and the notes that were saved with the network."""
    content = Path(path).read_bytes()
    try:
        return from_bytes(content, into)
    except NetworkFileError as error:
        raise NetworkFileError(f"{path}: {error}") from None


def to_bytes(model: Module, notes: Mapping[str, Any] | None = None) -> bytes:
    """What `save` writes."""
    rows, architecture = _rows(model), _architecture(model)
    with PARAMETERS:
        numbers = [[[*(w.data for w in neuron.w), neuron.b.data] for neuron in layer] for layer in rows]
    bad = next(((path, p.data) for path, p in model.named_parameters() if not math.isfinite(p.data)), None)
    if bad:
        raise ValueError(f"a network is saved when its numbers are finite, and {bad[0]} is {bad[1]}")
    header = _tensors(architecture)
    header["__metadata__"] = {
        "format": FORMAT,
        "architecture": json.dumps(architecture),
        "notes": json.dumps(dict(notes or {}), allow_nan=False),
        "sha256": BLANK,
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    parts = [part for layer in map(np.array, numbers) for part in (layer[:, :-1], layer[:, -1])]
    payload = b"".join(part.astype("<f8").tobytes() for part in parts)
    digest = hashlib.sha256(len(text).to_bytes(8, "little") + text + payload).hexdigest()
    text = text.replace(f'"sha256":"{BLANK}"'.encode(), f'"sha256":"{digest}"'.encode())
    content = len(text).to_bytes(8, "little") + text + payload
    try:
        from_bytes(content, model)
    except NetworkFileError as error:  # a good file must not make way for one that cannot be read
        raise ValueError(f"this cannot be saved, as it could not be read again: {error}") from None
    return content


def from_bytes(content: bytes, into: Module | None = None) -> tuple[Any, dict[str, Any]]:
    """Network and notes from what `to_bytes` gave.

    Raises:
        NetworkFileError: as `load`.
    """
    text, header, payload = _opened(content)
    metadata = _metadata(header.pop("__metadata__", None))
    digest = metadata["sha256"]
    blanked = text.replace(f'"sha256":"{digest}"'.encode("utf-8", "replace"), f'"sha256":"{BLANK}"'.encode())
    if hashlib.sha256(len(text).to_bytes(8, "little") + blanked + payload).hexdigest() != digest:
        raise NetworkFileError("the file is damaged: its contents do not match its SHA-256 digest")
    architecture = _json(metadata["architecture"].encode("utf-8", "replace"), "the architecture")
    notes = _json(metadata["notes"].encode("utf-8", "replace"), "the notes")
    if not isinstance(notes, dict):
        raise NetworkFileError(f"its notes must be a JSON object, got {str(notes)[:100]}")
    _check_architecture(architecture)
    wanted = _tensors(architecture)
    for name in sorted(header.keys() | wanted.keys()):
        if header.get(name) != wanted.get(name):
            raise NetworkFileError(
                f"the file does not match its architecture: {name} is {str(header.get(name))[:200]}, "
                f"expected {wanted.get(name)}"
            )
    numbers = np.frombuffer(payload[: len(payload) // 8 * 8], dtype="<f8")
    if len(payload) != 8 * sum(math.prod(tensor["shape"]) for tensor in wanted.values()):
        raise NetworkFileError(f"its tensors do not fill the {len(payload)} bytes that follow the header")
    if not np.isfinite(numbers).all():
        raise NetworkFileError("a number in it is not finite: a network of glassgrad has finite parameters")
    model = _built(architecture) if into is None else into
    if _architecture(model) != architecture:
        whose = "such a network has" if into is None else "the network to load into"
        raise NetworkFileError(f"the file has the architecture {architecture}, {whose} {_architecture(model)}")
    rows = _rows(model)
    weights = [w for layer in rows for part in ([w for n in layer for w in n.w], [n.b for n in layer]) for w in part]
    write(numbers.tolist(), weights)
    return model, notes


def _rows(model: Module) -> list[list[Neuron]]:
    """The neurons of any network, layer by layer."""
    if is_plain(model):
        return [layer.neurons for layer in model.layers]
    if type(model) is Layer and as_written([model]):
        return [model.neurons]
    if type(model) is Neuron:
        return [[model]]
    if type(model) is Perceptron:
        return [model.units]
    raise TypeError(
        f"a file holds one of {', '.join(KINDS)}, without parts of your own; got {type(model).__name__} "
        f"of {type(model).__module__}: its state_dict() gives the numbers"
    )


def _tensors(architecture: dict[str, Any]) -> dict[str, Any]:
    """The header of the tensors, named as in PyTorch: weight of shape (neurons, inputs), bias of shape (neurons,)."""
    found: dict[str, Any] = {}
    nin, end = architecture["nin"], 0
    for i, nout in enumerate(architecture["nouts"]):
        for name, shape in (("weight", [nout, nin]), ("bias", [nout])):
            start, end = end, end + 8 * math.prod(shape)
            found[f"layers.{i}.{name}"] = {"dtype": "F64", "shape": shape, "data_offsets": [start, end]}
        nin = nout
    return found


def _architecture(model: Module) -> dict[str, Any]:
    rows = _rows(model)
    for i, layer in enumerate(rows):
        if len({(neuron.activation, neuron.expand, len(neuron.w)) for neuron in layer}) > 1:
            raise TypeError(f"the neurons of layer {i} differ in activation, expand or inputs: it cannot be saved")
    return {
        "kind": type(model).__name__,
        "nin": len(rows[0][0].w),
        "nouts": [len(layer) for layer in rows],
        "activations": [layer[0].activation for layer in rows],
        "expand": rows[0][0].expand,
    }


def _built(architecture: dict[str, Any]) -> Module:
    nin, nouts, names = architecture["nin"], architecture["nouts"], architecture["activations"]
    kind, how = architecture["kind"], {"expand": architecture["expand"], "seed": 0}
    try:
        if kind == "Perceptron":
            return Perceptron(nin, nouts[0], seed=0)
        if kind == "Neuron":
            return Neuron(nin, activation=names[0], **how)
        if kind == "Layer":
            return Layer(nin, nouts[0], activation=names[0], **how)
        return MLP(nin, nouts, activation=names, **how)
    except ValueError as error:  # an op that the writer had defined and this process has not
        raise NetworkFileError(str(error)) from None


def _check_architecture(found: Any) -> None:
    expected = {"kind": str, "nin": int, "nouts": list, "activations": list, "expand": bool}
    if (
        not isinstance(found, dict)
        or found.keys() != expected.keys()
        or any(type(found[key]) is not kind for key, kind in expected.items())
        or found["kind"] not in KINDS
        or not found["nouts"]
        or any(type(size) is not int or size < 1 for size in (found["nin"], *found["nouts"]))
        or len(found["activations"]) != len(found["nouts"])
        or not all(isinstance(name, str) for name in found["activations"])
    ):
        raise NetworkFileError(f"its architecture cannot be read: {str(found)[:200]}")


def _opened(content: bytes) -> tuple[bytes, dict[str, Any], bytes]:
    """Header text, header and payload."""
    if len(content) < 8:
        raise NetworkFileError(f"no safetensors file: {len(content)} bytes, and the length of the header takes 8")
    length = int.from_bytes(content[:8], "little")
    if length > min(MOST_HEADER, len(content) - 8):
        raise NetworkFileError(
            f"no safetensors file, as nn.save writes them, or a truncated one: {len(content) - 8} bytes follow its "
            f"first 8, which announce a header of {length}"
        )
    text, payload = content[8 : 8 + length], content[8 + length :]
    header = _json(text, "the header")
    if not text.startswith(b"{") or not isinstance(header, dict):
        raise NetworkFileError("no safetensors file: the header is no JSON object")
    return text, header, payload


def _metadata(found: Any) -> dict[str, str]:
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise NetworkFileError(f'not a network of glassgrad: its metadata lack "format": "{FORMAT}"')
    for key in ("architecture", "notes", "sha256"):
        if not isinstance(found.get(key), str):
            raise NetworkFileError(f"the metadata lack {key!r}")
    return found


def _json(text: bytes, what: str) -> Any:
    try:
        return json.loads(text.decode(), object_pairs_hook=object_once)
    except (ValueError, RecursionError) as error:
        raise NetworkFileError(f"{what} cannot be read: {error}") from None
