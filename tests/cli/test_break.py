"""`glassgrad break`, as it is typed."""

from __future__ import annotations

import re
import sys

import pytest

import glassgrad as gg
from glassgrad.viz.cli.main import main

FORK = ["b = a + a; c = b*b", "a=3"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("list", []),
        ("smallest", ["recursive_order"]),
        ("fork", ["overwrite", *FORK]),
        ("order", ["breadth_first_order", "b = a + a; c = a*b; d = b*c", "a=3"]),
        ("second_pass", ["zero_only_parameters", "(a*a)*a", "a=3"]),
        ("stale", ["stale_data", "a*b + a", "a=3", "b=2", "--at", "b"]),
        ("sign", ["wrong_sign", "a/b - a", "a=3", "b=2", "--at", "sub"]),
        ("cycle", ["cycle", *FORK]),
        ("no_difference", ["overwrite", "a*b", "a=3", "b=2"]),
    ],
)
def test_output(capsys, golden, name, words):
    assert main(["break", *words]) == 0
    golden(f"lab/break_{name}.txt", capsys.readouterr().out)


def test_every_fault_alone_and_with_all_its_steps(capsys):
    for number, fault in enumerate(gg.lab.FAULTS, 1):
        assert main(["break", fault]) == 0
        example = capsys.readouterr().out
        assert main(["break", str(number)]) == 0
        assert capsys.readouterr().out == example
        again = re.search(rf'glassgrad break {fault} "(.*)" (.*)', example)
        assert (again is None) == (fault == "cycle")
        assert main(["break", fault, "--all"]) == 0
        steps = capsys.readouterr().out
        assert max(map(len, (example + steps).splitlines())) <= 100
        if again:
            assert main(["break", fault, again[1], *again[2].split()]) == 0
            assert capsys.readouterr().out == steps


@pytest.mark.parametrize("fault", ["forget_zero_grad", "zero_only_parameters", "zero_everything"])
def test_both_sides_name_the_gradients_that_are_there_when_a_second_pass_begins(capsys, fault):
    for words in ([], ["--all"]):
        assert main(["break", fault, *words]) == 0
        sides = re.findall(r"(?:wrong|right): (\w\.grad = .*, .*)", capsys.readouterr().out)
        assert len(sides) >= 2
        assert len({tuple(re.findall(r"\w+\.grad", side)) for side in sides}) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["over"], "did you mean overwrite? Write glassgrad break FAULT EXPR NAME=NUMBER …"),
        (["12"], "cycle); write glassgrad break FAULT"),
        (["b = a + a", "a=3"], "write glassgrad break FAULT EXPR NAME=NUMBER"),
        (["overwrite", "a +"], "a +\n  ^"),
        (["overwrite", "a + b", "a=1"], "no value for b: add b=NUMBER"),
        (["overwrite", "a"], "no value for a"),
        (
            ["overwrite", "a=3"],
            'the expression is missing: a=3 is the number for a name in it; write glassgrad break overwrite "EXPR"',
        ),
        (["overwrite", "a", "a=1"], "there is no way back from a"),
        (["wrong_sign", *FORK, "--at", "sub"], "unknown place of wrong_sign 'sub' (must be one of mul, add)"),
        (["overwrite", "--at", "add"], "overwrite is in no place of its own"),
        (["overwrite", *FORK, "--html", "page.txt"], "unknown ending '.txt' (must be .html)"),
        (["cycle", *FORK, "--html", "page.html"], "leave --html out, glassgrad break cycle prints"),
        (["cycle", "--html", "page.html"], "leave --html out, glassgrad break cycle prints"),
        (["overwrite", "nothing.py:f", "x=1"], "there is no file 'nothing.py'"),
        (["overwrite", *FORK, "--html", "nowhere/page.html"], "nowhere"),
    ],
)
def test_mistakes(capsys, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    assert main(["break", *words]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert "Traceback" not in said.err
    assert not list(tmp_path.iterdir())


def test_the_page(capsys, tmp_path):
    path = tmp_path / "page.html"
    assert main(["break", "overwrite", *FORK, "--html", str(path)]) == 0
    assert capsys.readouterr().out == f"wrote {path}: 8 steps; open it in a browser\n"
    assert path.read_text(encoding="utf-8") == gg.viz.compare(FORK[0], "overwrite", a=3).html
    assert main(["break", "overwrite", "--html", str(path)]) == 0
    assert "b = a + a" in path.read_text(encoding="utf-8")


def test_a_function_of_a_file(capsys, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("def f(x, at=2.0):\n    double = x + x\n    return double * double * at\n")
    assert main(["break", "overwrite", f"{path}:f", "x=3", "at=1"]) == 0
    said = capsys.readouterr()
    assert "running your file" in said.err
    assert "double is used twice" in said.out
    path.write_text("def f(x):\n    return 1 / 0\n")
    assert main(["break", "overwrite", f"{path}:f", "x=3"]) == 2
    assert "stopped with ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_walking_with_keys(terminal):
    with terminal("break", "overwrite", *FORK) as shown:
        assert "w first wrong number" in shown.read_until("q quit")
        for keys, expected in [
            (b"\r", "step 2 of 8"),
            (b"w", "step 6 of 8"),
            (b"b", "step 5 of 8"),
            (b"\x1b[F", "step 8 of 8"),
            (b"\x1b[H", "step 1 of 8"),
        ]:
            shown.press(keys)
            shown.read_until(expected)
        shown.press(b"wq")
        shown.read_until("✗ 6")
        assert shown.process.wait(20) == 0
