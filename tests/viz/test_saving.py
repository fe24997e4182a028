"""Nothing is lost: whatever viz writes is written beside its place and moved into it."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

import glassgrad as gg
from glassgrad.viz.cli.main import main

OLD = b"what was there before"


def result():
    x = gg.Value(2.0, "x")
    return x * x


def drawing(path):
    gg.viz.draw(result(), layout="builtin").save(path)


def paths(path):
    y = result()
    gg.viz.draw_paths(y, "x").save(path)


def walk(path):
    gg.viz.step(result()).save(path)


def command(*words):
    def save(path):
        if main([*words, str(path)]) != 0:
            raise OSError("the command said so")

    return save


SAVERS = {
    "drawing.svg": drawing,
    "drawing.html": drawing,
    "drawing.dot": drawing,
    "drawing.png": drawing,
    "drawing.pdf": drawing,
    "paths.svg": paths,
    "page.html": walk,
    "steps.gif": walk,
    "command.svg": command("draw", "x*x", "x=2", "-o"),
    "command.html": command("step", "x*x", "x=2", "--html"),
    "command.gif": command("step", "x*x", "x=2", "--gif"),
}
NEEDS = {".png": "resvg_py", ".pdf": "typst", ".gif": "PIL", ".dot": "graphviz"}


@pytest.fixture(params=SAVERS)
def saved(request, tmp_path):
    for ending, module in NEEDS.items():
        if request.param.endswith(ending):
            pytest.importorskip(module)
    path = tmp_path / request.param
    path.write_bytes(OLD)
    return SAVERS[request.param], path


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(saved, monkeypatch, number, call, capsys):
    save, path = saved

    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os if call == "fsync" else Path, call, fail)  # Python 3.10's Path has its own references
    with pytest.raises(OSError):  # noqa: PT011  # the sentence is tested with writing.py
        save(path)
    monkeypatch.undo()
    assert path.read_bytes() == OLD
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    err = capsys.readouterr().err
    assert not err or (err.startswith("glassgrad: error: cannot write ") and err.count("\n") == 1)


@pytest.mark.skipif(sys.platform == "win32", reason="needs the right to make links")
def test_a_link_stays_a_link(saved):
    save, path = saved
    link = path.with_name(f"link{path.suffix}")
    link.symlink_to(path)
    save(link)
    assert link.is_symlink()
    assert path.read_bytes() != OLD
    assert len(list(path.parent.iterdir())) == 2


@pytest.mark.parametrize(
    "place",
    ["nowhere/{}", "{}" + "a" * 300, "a\0{}", "folder.svg", "{}/inside"],
)
@pytest.mark.parametrize("words", [["draw", "x*x", "x=2", "-o"], ["step", "x*x", "x=2", "--html"]])
def test_a_place_that_cannot_be_written_is_one_line(words, place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    ending = ".html" if words[0] == "step" else ".svg"
    Path("folder.svg").mkdir()
    Path("folder.html").mkdir()
    Path(f"a{ending}").write_bytes(OLD)
    name = place.format("a" + ending).replace(".svg", ending) + ("" if place.endswith(("{}", "svg")) else ending)
    assert main([*words, name]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("glassgrad: error: cannot write ")
    assert err.count("\n") == 1
    assert Path(f"a{ending}").read_bytes() == OLD
