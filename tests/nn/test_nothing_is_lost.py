"""Files of a training: whole or as they were when a disk is full or a process is killed; edited ones refused."""

from __future__ import annotations

import copy
import errno
import hashlib
import json
import math
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.nn.files import BLANK, to_bytes
from glassgrad.viz import plot
from glassgrad.viz.cli import train as train_command
from glassgrad.viz.cli.main import main

pytest.importorskip("matplotlib")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")


def names():
    return sorted(found.name for found in Path().iterdir())


TRAININGS = """
import os, signal, sys, time
from glassgrad import nn

def train(epochs, saved):
    def save(epoch):
        nn.save(model, "m.safetensors")
        os.write(saved, b"." if epoch.number == 1 else b"")

    model = nn.MLP(2, [16, 16, 1], seed=1)
    nn.fit(model, *nn.moons(20), "hinge", epochs=epochs, callbacks=[save])

there, here = os.pipe()
train(1, here)  # whatever is imported at the first use
os.read(there, 1)
for pause in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        train(10**9, here)
    os.read(there, 1)  # it saves after every epoch from now on
    time.sleep(float(pause))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    nn.load("m.safetensors")
    print("whole")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the trainings are forked, for each to start in no time")
def test_a_training_killed_while_it_saves_leaves_a_whole_file():
    kills, draw = int(os.environ.get("GLASSGRAD_KILLS", "25")), random.Random(1)
    pauses = [str(draw.uniform(0.0, 0.05)) for _ in range(kills)]
    done = subprocess.run([sys.executable, "-c", TRAININGS, *pauses], check=True, capture_output=True, text=True)
    assert done.stdout.count("whole") == kills
    nn.save(nn.MLP(2, [1]), "m.safetensors")
    assert names() == ["m.safetensors"]


def full(*given):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_on_a_full_disk_the_old_files_stay_and_the_result_is_shown(monkeypatch, capsys):
    words = ["train", "moons", "--epochs", "2", "--save", "m.safetensors", "--plot", "m.png"]
    assert main(words) == 0
    before = [Path(name).read_bytes() for name in names()]
    capsys.readouterr()
    monkeypatch.setattr(os, "fsync", full)
    assert main([*words, "--seed", "3"]) == 2
    told = capsys.readouterr()
    assert told.err.endswith("error: cannot write m.safetensors: the disk is full, and nothing was changed\n")
    assert "test accuracy" in told.out and "written" not in told.out
    assert names() == ["m.png", "m.safetensors"]
    assert [Path(name).read_bytes() for name in names()] == before


def test_where_one_file_cannot_be_written_the_other_is(monkeypatch, capsys):
    monkeypatch.setattr(train_command, "_save", full)
    assert main(["train", "moons", "--epochs", "2", "--save", "m.safetensors", "--plot", "m.png"]) == 2
    assert names() == ["m.png"]
    told = capsys.readouterr()
    assert "m.png" in told.out and told.err.count("\n") == 1


@pytest.mark.parametrize("name", ["a.png", "a.svg", "a.pdf", "a", "a.", "b.c/a.PNG"])
@pytest.mark.parametrize("how", [{}, {"format": "svg"}])
def test_a_figure_is_written_whole_under_the_name_matplotlib_gives_it(name, how, monkeypatch):
    Path("b.c").mkdir()
    figure = plot.new_figure()
    figure.add_subplot()
    figure.savefig(name, **how)
    (mine,) = (found for found in Path().rglob("a*"))
    content = mine.read_bytes()
    beginning = b"<?xml" if how or name == "a.svg" else b"%PDF" if name == "a.pdf" else b"\x89PNG"
    assert content.startswith(beginning)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="the disk is full"):
        figure.savefig(name, **how)
    assert mine.read_bytes() == content and len(list(Path().rglob("*"))) == 2
    mine.unlink()
    super(type(figure), figure).savefig(name, **how)
    assert mine.exists()


def test_names_with_dollars_are_no_formulas(tmp_path):
    figure = plot.plot_fit(lambda x: x[:, 0], [[0.0], [1.0]], [0, 1], features=["$a_$"], target="$^$", title="$\\bad$")
    figure.savefig("a.svg")
    figure = plot.plot_decision_boundary(
        lambda p: p[:, 0] > 0, [[-1, 0], [1, 0]], [0, 1], classes=["$_$", "5 $"], features=["$\\x$", "b"]
    )
    figure.savefig("b.svg")


UNSTORABLE = "x,y\n-1.7e308,1\n1.7e308,2\n0,1\n1,2\n1,1\n-1.7e308,2\n"


def test_what_cannot_be_saved_is_said_before_the_training(monkeypatch, capsys):
    monkeypatch.setattr(train_command, "fit", lambda *given, **more: pytest.fail("it trains"))
    monkeypatch.setattr(nn.Standardisation, "of", classmethod(lambda cls, inputs: cls((math.inf,) * 2, (1.0,) * 2)))
    assert main(["train", "moons", "--save", "m.safetensors", "--epochs", "1000000"]) == 2
    assert "not JSON compliant" in capsys.readouterr().err
    assert names() == []


def test_what_fit_has_to_say_is_one_line(capsys):
    seeds = ["--seed", "1", "--hidden", "1", "--activation", "relu", "--lr", "300", "--optimizer", "sgd"]
    assert main(["train", "moons", *seeds, "--batch-size", "80", "--epochs", "30"]) == 0
    told = capsys.readouterr().err
    assert told.startswith("glassgrad: all relus next to the outputs give 0 on every example since epoch ")
    assert told.count("\n") == 1


SAVED = {
    "classes": ["train", "blobs", "--samples", "30"],
    "bits": ["train", "moons", "--samples", "30", "--loss", "hinge"],
    "numbers": ["train", "sine", "--samples", "30"],
}
JUNK = [
    None, True, 0, 1, -1, 2, 1e308, -0.5, 10**400, "", "x", "regression", "classification", "\ud800", "\x1b[2J", "h[t]",
    [], [[]], [1], ["a", "a"], ["x1", "x2"], [None], {}, {"mean": []}, {"mean": [0.0], "scale": [0.0]}, [1e999],
]  # fmt: skip


def mutated(draw, found):
    """The same with one place changed: replaced, left out, doubled or renamed."""
    places, todo = [], [(found, None)]
    while todo:
        part, _ = todo.pop()
        for key in list(part) if isinstance(part, dict) else range(len(part)):
            places.append((part, key))
            if isinstance(part[key], (dict, list)):
                todo.append((part[key], None))
    part, key = draw.choice(places)
    match draw.randrange(4):
        case 0 | 1:
            part[key] = copy.deepcopy(draw.choice(JUNK))
        case 2:
            del part[key]
        case 3 if isinstance(part, dict):
            part[draw.choice(["", "mean", "extra"])] = part.pop(key)
        case 3:
            part.insert(key, part[key])


def edited(draw, content):
    """A network file with its notes, its architecture or its header changed by hand, and a digest that is right."""
    length = int.from_bytes(content[:8], "little")
    header, payload = json.loads(content[8 : 8 + length]), content[8 + length :]
    metadata = header["__metadata__"]
    what = draw.choice(["notes"] * 6 + ["architecture"] * 2 + ["header", "payload"])
    for _ in range(draw.randrange(1, 3)):
        if what == "payload":
            at = 8 * draw.randrange(len(payload) // 8)
            payload = payload[:at] + draw.randbytes(8) + payload[at + 8 :]
        elif what == "header":
            mutated(draw, header)
        else:
            found = json.loads(metadata[what])
            if found:
                mutated(draw, found)
            metadata[what] = json.dumps(found)
    if what in metadata and draw.random() < 0.1:
        metadata[what] = draw.choice(["", "[]", "7", "nul", '"x"'])
    if isinstance(header.get("__metadata__"), dict) and "sha256" in header["__metadata__"]:
        header["__metadata__"]["sha256"] = BLANK
    text = json.dumps(header, separators=(",", ":")).encode()
    digest = hashlib.sha256(len(text).to_bytes(8, "little") + text + payload).hexdigest()
    return len(text).to_bytes(8, "little") + text.replace(BLANK.encode(), digest.encode()) + payload


@pytest.mark.parametrize("kind", SAVED)
def test_a_hundred_files_edited_by_hand_are_used_or_refused_in_one_line(kind, capsys, fresh_seed):
    draw = random.Random(f"{kind} {fresh_seed}")
    assert main([*SAVED[kind], "--hidden", "2", "--epochs", "1", "--save", "m.safetensors"]) == 0
    content, columns = Path("m.safetensors").read_bytes(), ["x"] if kind == "numbers" else ["x1", "x2"]
    Path("points.csv").write_text(",".join(columns) + "\n" + ",".join("1.5" for _ in columns) + "\n")
    used = 0
    for _ in range(100):
        Path("m.safetensors").write_bytes(edited(draw, content))
        capsys.readouterr()
        status = main(["predict", "m.safetensors", "points.csv"])
        told = capsys.readouterr()
        if status == 0:
            used += 1
            assert told.out.count("\n") >= 2 and "nan" not in told.out
        else:
            assert status == 2 and told.out == ""
            assert told.err.startswith("glassgrad: error: ") and told.err.count("\n") == 1
            assert told.err[:-1].isprintable() and len(told.err) < 700
    assert 0 < used < 70  # a mean or a name may be another one


def test_notes_that_json_cannot_hold_are_refused():
    for notes in ({"x": math.nan}, {"x": np.array([1.0])}):
        with pytest.raises((TypeError, ValueError)):
            to_bytes(nn.Neuron(1), notes)
