"""`glassgrad grade`: one file after the other, whatever the one before did."""

from __future__ import annotations

import csv
import json
import sys
import time
from pathlib import Path

import pytest

from glassgrad.viz.cli.main import main

FAULTLESS = (Path(__file__).parent.parent / "lab" / "classes" / "faultless.py").read_text(encoding="utf-8")
TANH = "    def tanh(self):\n"
#   name: (where the file differs from one without a fault, what the report says, what may be wrong)
CLASS = {
    "a loop": ((TANH, TANH + "        while True: pass\n"), "it took more than ", ["a.tanh()"]),
    "memory": ((TANH, TANH + "        return [0] * 10**10\n"), "MemoryError (line ", ["a.tanh()"]),
    "a flood": ((TANH, TANH + "        print('x' * 10**6)\n"), "", []),
    "an error": ((TANH, TANH + "        return self.no\n"), "has no attribute 'no' (line ", ["a.tanh()"]),
    "an exit": ((TANH, TANH + "        raise SystemExit\n"), "SystemExit (line ", ["a.tanh()"]),
    "another exit": ((TANH, TANH + "        __import__('os')._exit(0)\n"), "with status 0", ["a.tanh()"]),
    "a fork": ((TANH, TANH + "        __import__('os').fork()\n"), "may not start another process", ["a.tanh()"]),
    "a crash": ((TANH, TANH + "        __import__('ctypes').string_at(0)\n"), "SIGSEGV", ["a.tanh()"]),
    "nonsense": ((TANH, TANH + "        return 'x' * 10**9\n"), "", ["a.tanh()"]),
    "a loop at once": (("import math", "while True: pass"), "it took more than 3 s", ["the file"]),
    "an error at once": (("import math", "import maths"), "ModuleNotFoundError", ["the file"]),
    "an exit at once": (("import math", "exit()"), "", ["the file"]),
    "no Python": (("import math", "import"), "SyntaxError", ["the file"]),
}


@pytest.fixture
def files(tmp_path):
    def write(*names: str) -> list[str]:
        for name in names:
            text = FAULTLESS.replace(*CLASS[name][0]) if name in CLASS else FAULTLESS
            assert text != FAULTLESS or name not in CLASS
            (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        return [str(tmp_path / f"{name}.py") for name in names]

    return write


@pytest.mark.skipif(sys.platform != "linux", reason="signals and limits of Linux")
def test_whatever_a_file_does_it_is_told_in_time_and_the_next_one_is_graded(files, capsys, tmp_path):
    names = [*CLASS, "right"]
    begin = time.monotonic()
    table = tmp_path / "points.csv"
    assert main(["grade", *files(*names), "--seconds", "3", "--memory", "256", "--json", "--csv", str(table)]) == 1
    assert time.monotonic() - begin < 40
    graded = {Path(each["file"]).stem: each for each in json.loads(capsys.readouterr().out)}
    assert list(graded) == names
    for name, (_, said, faults) in CLASS.items():
        wrong = [row for row in graded[name]["rows"] if row["verdict"] == "wrong"]
        assert [row["name"] for row in wrong] == faults, name
        assert all(said in row["got"] for row in wrong), wrong
        assert graded[name]["ok"] == (not faults)
    assert graded["right"]["ok"] and graded["right"]["score"] == 1.0
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["ok"] for row in rows] == ["yes" if each["ok"] else "no" for each in graded.values()]


def test_a_right_file_has_status_0_and_a_readable_report(files, capsys):
    assert main(["grade", *files("right")]) == 0
    out = capsys.readouterr().out
    assert "Value: ok: basics 31 of 31 right; finer points 13 of 16 right (3 not there)" in out
    assert "right: a number, a gradient begins at 0, " in out and "not there: " in out


def test_several_files_get_a_table(files, capsys):
    assert main(["grade", *files("right", "an error")]) == 1
    out = capsys.readouterr().out
    assert out.rstrip().endswith("1 of 2 files ok")
    assert "first fault" in out and "WRONG  a.tanh()" in out


def test_on_a_terminal_it_is_said_within_two_seconds_what_is_still_running(files, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert main(["grade", *files("right", "a loop at once"), "--seconds", "3"]) == 1
    said = capsys.readouterr().err
    assert "graded 1 of 2 files, 2 s, still running: a loop at once.py" in said
    assert said.endswith("\r\x1b[K")


def test_finer_points_change_no_status(tmp_path, capsys):
    (tmp_path / "lecture.py").write_text(FAULTLESS.replace(" if power else 0.0", ""))
    assert main(["grade", str(tmp_path / "lecture.py")]) == 0
    out = capsys.readouterr().out
    assert "ok: basics 31 of 31 right; finer points 12 of 16 right (1 wrong, 3 not there)" in out
    assert "finer point  a ** 0 at 0" in out and "WRONG" not in out


def test_a_class_is_named(files, capsys):
    assert main(["grade", *files("right"), "--class", "Valu"]) == 1
    assert "defines no class Valu (it has Value)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere.py"], "nowhere.py: there is no such file"),
        (["."], ". is no file"),
        (["FILE", "--csv", "nowhere/p.csv"], "there is no folder nowhere"),
    ],
)
def test_mistakes_end_with_status_2(words, said, files, capsys):
    (file,) = files("right")
    assert main(["grade", *(file if word == "FILE" else word for word in words)]) == 2
    captured = capsys.readouterr()
    assert said in captured.err and captured.out == ""


@pytest.mark.parametrize("given", ["0", "-1", "x", "nan", "inf"])
def test_limits_are_numbers_above_0(given, files, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["grade", *files("right"), f"--seconds={given}"])
    assert caught.value.code == 2
    assert f"must be a number above 0 and below a million, got '{given}'" in capsys.readouterr().err


def test_a_spreadsheet_takes_no_name_for_a_formula(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("=1+1.py").write_text(FAULTLESS)
    assert main(["grade", "=1+1.py", "--csv", "p.csv"]) == 0
    assert Path("p.csv").read_text(encoding="utf-8").splitlines()[1].startswith("'=1+1.py,Value,yes,1.00,")
