"""`check`, `draw`, `compile` and `step` take a function of the user's own file, in one and the same way."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from glassgrad.viz.cli.main import main

SCRIPT = """\
import glassgrad as gg

w = gg.Value(3.0, "w")

def loss(x, y=1.0):
    error = w * x - y
    return error**2

def leaky(x):
    return gg.Value(x.data) * 2 + x

def branches(x):
    if x > 1:
        return x * x
    return x

def fails(x):
    return x.lookup["a"]

def undefined(x):
    return x.log()

def plain(x):
    return 3

def leaves(x):
    raise SystemExit(3)

def nothing():
    return w * 1

def by_position(x, /, y=2.0):
    return x * y

def skips(x, n=2, y=3.0):
    return x * n * y

def by_keyword(x, *, y):
    return x * y

def gap(n=1, x=2.0, z=3, /):
    return n * x * z

def several(*xs):
    return xs[0]

async def later(x):
    return x * x

class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no")

def mute(x):
    raise Mute

def base(x):
    raise BaseException("x")

def ends(x):
    raise GeneratorExit

def shuts(x):
    import sys
    sys.stdout.close()
    return x * x
"""
COMMANDS = ("check", "draw", "compile", "step")


@pytest.fixture(autouse=True)
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(SCRIPT)
    (tmp_path / "broken.py").write_text("import os\nos.nothing\n")
    (tmp_path / "base.py").write_text('raise BaseException("x")')
    (tmp_path / "typo.py").write_text("def f(x)\n    return x\n")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["check", "mine.py:loss", "x=2"], r"x +30 .*\n +y|x +30 +30 .* right .*\ny +-10 +-10"),
        (["draw", "mine.py:loss", "x=2"], r">graph of loss = 25: .*, gradients computed"),
        (["draw", "mine.py:loss", "x=2", "--no-gradients"], r">graph of loss = 25: .*, gradients not computed"),
        (["draw", "mine.py:loss", "x=2", "--explain", "w"], r"dloss/dw = 20"),
        (["compile", "mine.py:loss", "x=2"], r"(?s)w·x - y.*def "),
        (["step", "mine.py:loss", "x=2", "--all"], r"error = 6 − 1 = 5"),
        (["check", "mine.py:by_position", "x=3"], r"x +2 .*\n +y|x +2 +2 .* right .*\ny +3 +3"),
        (["draw", "mine.py:by_position", "x=3"], r">graph of by_position = 6: "),
        (["compile", "mine.py:by_position", "x=3"], r"(?s)m1 = x \* y.*def "),
        (["compile", "mine.py:skips", "x=3", "y=5"], r"(?s)m1 = x \* 2.*m2 = m1 \* y.*, \[x, y\], "),
        (["compile", "mine.py:by_keyword", "x=3", "y=5"], r"(?s)m1 = x \* y.*, \[x, y\], "),
        (["step", "mine.py:by_position", "y=5", "x=3", "--all"], r"by_position = 3 × 5 = 15"),
        (["step", "mine.py:loss", "x=2", "y=2", "--all"], r"error = 6 − 2 = 4"),
    ],
)
def test_it_is_run_and_said(words, shown, capsys):
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert re.search(shown, out), out
    function = words[1].partition(":")[2]
    assert err == f"running your file mine.py to get {function}()\n"


def test_a_gradient_that_got_lost_is_found(capsys):
    assert main(["check", "mine.py:leaky", "x=2"]) == 1
    assert "WRONG: 1 of 1 derivative disagrees: x" in capsys.readouterr().out


def test_json_of_a_function(capsys):
    assert main(["step", "mine.py:loss", "x=2", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["expression"] is None
    assert [node["label"] for node in document["graph"]["nodes"]] == ["w", "x", "v2", "y", "error", "loss"] or document


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["mine.py:fails", "x=2"], "mine.py:fails stopped with AttributeError: .*lookup.* \\(mine.py, line 18\\)"),
        (["mine.py:undefined", "x=-1"], r"log\(x\) is undefined at x ?= ?-1.0 .*\(mine.py, line 21\)"),
        (["mine.py:leaves", "x=2"], r"mine.py:leaves stopped with SystemExit: 3 \(mine.py, line 27\)"),
        (
            ["mine.py:mute", "x=2"],
            r"mine.py:mute stopped with Mute: \(no message: its __str__ raised RuntimeError\) \(",
        ),
        (["mine.py:base", "x=2"], r"mine.py:base stopped with BaseException: x \(mine.py, line \d+\)$"),
        (["mine.py:ends", "x=2"], r"mine.py:ends stopped with GeneratorExit \(mine.py, line \d+\)$"),
        (["base.py:f", "x=2"], r"base.py stopped with BaseException: x \(base.py, line 1\)$"),
        (
            ["mine.py:later", "x=2"],
            "later is an async function, and calling it computes nothing yet: write it with def",
        ),
        (
            ["mine.py:several", "x=2"],
            r"several takes no inputs by name \(those of \*xs have none\): write one parameter",
        ),
        (["mine.py:gap", "z=2"], "gap takes n, x, z by position: give n a number, too"),
        (["mine.py:loss"], "missing a required argument: 'x'; loss takes x=NUMBER, y=NUMBER"),
        (["mine.py:loss", "z=2", "x=1"], "unexpected keyword argument 'z'; loss takes x=NUMBER, y=NUMBER"),
        (["mine.py:loss", "x=two"], "x needs a number, got 'two' \\(as in x=0.5\\)"),
        (["mine.py:loss", "x=1,5"], "x needs a number, got '1,5' \\(as in x=1.5\\)"),
        (["mine.py:absent", "x=2"], "mine.py has no function 'absent' \\(it has: loss, "),
        (["mine.py:w", "x=2"], "mine.py has no function 'w'"),
        (["nowhere.py:f", "x=2"], "there is no file 'nowhere.py'"),
        (["broken.py:f", "x=2"], r"broken.py stopped with AttributeError: .* \(broken.py, line 2\)"),
        (["typo.py:f", "x=2"], r"typo.py stopped with SyntaxError: expected ':' \(typo.py, line 1\)"),
        (["mine.py", "x=2"], "mine.py is a file: name the function in it, glassgrad {command} mine.py:FUNCTION"),
    ],
)
def test_mistakes_are_one_line_and_the_same_for_all(command, words, message, capsys):
    assert main([command, *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    *announced, line = err.splitlines()
    assert all(said.startswith("running your file") for said in announced)
    assert line.startswith("glassgrad: error: ")
    assert re.search(message.format(command=command), line), line


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["draw", "mine.py:plain", "x=2"], "plain must return the result as one Value, but returned int 3"),
        (["step", "mine.py:plain", "x=2"], "plain must return the result as one Value, but returned int 3"),
        (["check", "mine.py:nothing"], "at least one input"),
        (["compile", "mine.py:branches", "x=2"], "branch|depends|if"),
    ],
)
def test_what_one_command_refuses(words, message, capsys):
    assert main(words) == 2
    assert re.search(message, capsys.readouterr().err)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("file", "text", "lost"),
    [
        ("mine.py:shuts", SCRIPT, "stdout"),
        ("own.py:f", "import sys\nsys.stdout = None\ndef f(x): return x * x", "stdout"),
        ("own.py:f", "import sys\nsys.stdout = 3\ndef f(x): return x * x", "stdout"),
        ("own.py:f", "import sys\nsys.stdout.detach()\ndef f(x): return x * x", "stdout"),
        ("own.py:f", "import sys\nsys.stderr = None\ndef f(x): return x.a", "stderr"),
        ("own.py:f", "import sys\nsys.stderr.close()\ndef f(x): return x * x", ""),  # nowhere to say it
    ],
)
def test_a_file_that_closes_the_streams_is_told_so_in_one_line(command, file, text, lost):
    name = file.partition(":")[0]
    Path(name).write_text(text)
    result = subprocess.run(
        [sys.executable, "-m", "glassgrad", command, file, "x=2"], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (2, "")
    said = (
        f"glassgrad: error: {name} closed sys.{lost} or replaced it by what is no stream: leave it open, for the result"
    )
    assert result.stderr.splitlines()[1:] == ([said] if lost else [])
