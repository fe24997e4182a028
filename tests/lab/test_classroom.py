"""Exercises in a class: judged from outside of the file's process, with hidden tests, and exported."""

from __future__ import annotations

import ast
import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from glassgrad.engine.lab.check import check
from glassgrad.engine.lab.classroom import grade_answer, works_with_glassgrad
from glassgrad.engine.lab.exercise_file import exercises
from glassgrad.engine.lab.helpers import numbers_for
from glassgrad.viz.cli.main import main

EXERCISES = {exercise.name: exercise for exercise in exercises()}
FORK = EXERCISES["fork"]


@pytest.fixture
def file(tmp_path):
    def write(text: str, name: str = "anna.py") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("name", EXERCISES)
def test_outside_of_the_process_an_exercise_is_judged_as_inside(name, file):
    exercise = EXERCISES[name]
    own = not works_with_glassgrad([exercise.start, exercise.tests])
    answer = grade_answer(file(exercise.solution), name, [exercise.tests], seconds=90, own=own)
    assert answer.ok and answer.score == 1.0, answer
    for wrong in (exercise.misconceptions[0], exercise.misconceptions[-1]):
        answer = grade_answer(file(wrong.code), name, [exercise.tests], seconds=90, own=own)
        says = f"{re.escape(wrong.says)}|it is graded for its own work"  # that is how glassgrad cannot be imported
        assert not answer.ok and any(re.search(says, result.message) for result in answer.results), answer
    answer = grade_answer(file(exercise.start), name, [exercise.tests], seconds=90, own=own)
    assert answer.right == 0 and not any("Error" in result.message[:20] for result in answer.results), answer


HIDDEN = """
LOW = draw(1, 9)

def test_hidden():
    a = Value(float(LOW))
    b = a + a
    b.grad = 1.0
    b.rule()
    close(a.grad, 2, f"a.grad at {LOW}")
"""


def test_hidden_tests_are_run_beside_those_of_the_exercise(file, capsys):
    hidden = file(HIDDEN, "hidden/fork.py").parent
    words = ["grade", str(file(FORK.solution)), "--exercise", "10", "--tests", str(hidden), "--json"]
    assert main(words) == 0
    (graded,) = json.loads(capsys.readouterr().out)
    assert [test["name"] for test in graded["tests"]][-1] == "hidden" and graded["ok"]
    assert len(graded["tests"]) > 3
    start = file(FORK.start, "ben.py")
    assert main(["grade", str(start), "--exercise", "fork", "--tests", str(hidden), "--seed-from", "name"]) == 1
    out = capsys.readouterr().out
    assert f"WRONG  hidden\n       a.grad at {numbers_for('ben')(1, 9)} is 1, and should be 2." in out


def test_tests_of_ones_own_need_no_exercise(file, capsys, tmp_path):
    tests = "def test_f(): assert f(draw(2, 9)) == draw(0, 0) + 1"
    folder = file(tests, "own/test_it.py").parent
    files = [str(file("def f(x): return x // x", f"{name}/answer.py")) for name in ("anna", "ben")]
    files.append(str(file("def f(x): return x", "cleo/answer.py")))
    table = tmp_path / "points.csv"
    assert main(["grade", *files, "--tests", str(folder), "--seed-from", "folder", "--csv", str(table)]) == 1
    assert "2 of 3 files ok" in capsys.readouterr().out
    with table.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [(row["ok"], row["score"], row["first fault"]) for row in rows] == [
        ("yes", "1.00", ""),
        ("yes", "1.00", ""),
        ("no", "0.00", "f"),
    ]


def test_an_answer_that_is_to_be_written_cannot_borrow_glassgrads(file, capsys):
    path = str(file("import glassgrad as gg\nclass Value(gg.Value):\n    rule = gg.Value.backward\n"))
    assert main(["grade", path, "--exercise", "fork"]) == 1
    assert "may not import glassgrad: it is graded for its own work" in capsys.readouterr().out


def test_what_stops_a_file_is_said_once_and_headed_by_the_students_name(file, capsys):
    hidden = file("def test_more(): assert Value", "hidden/fork.py").parent
    path = file("x = 1\ndef f(x:\n", "carla.py")
    assert main(["grade", str(path), "--exercise", "fork", "--tests", str(hidden)]) == 1
    head, *lines = capsys.readouterr().out.strip().split("\n")[1:]
    lines = [line for line in lines if "could not be forbidden" not in line]
    assert head.startswith("carla.py: NOT OK: 0 of ") and head.endswith(" tests of fork right")
    assert lines[0].startswith("WRONG  SyntaxError: ") and "(line 2: def f(x:)" in lines[0]
    assert lines[1].startswith("       not run: ") and lines[1].endswith(", more") and len(lines) == 2


def test_what_is_wrong_with_several_tests_is_said_once(file, capsys, tmp_path):
    paths = [str(file("x = 1", "dora.py")), str(file("while True: pass", "emil.py"))]
    assert main(["grade", *paths, "--exercise", "fork", "--seconds", "1", "--csv", str(tmp_path / "p.csv")]) == 1
    out = capsys.readouterr().out
    assert (
        out.count("neither dora.py nor the tests define Value") == 1
        and out.count("WRONG  it took more than 1 s\n") == 1
    )
    dora, emil = (tmp_path / "p.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert dora.endswith(",fork,no,0.00,0,4,addition") and emil.endswith(",fork,no,0.00,0,4,it took more than 1 s")


def test_a_test_has_the_same_name_as_in_learn(file):
    names = [result.name for result in check(FORK, FORK.solution).results]
    assert [result.name for result in grade_answer(file(FORK.solution), "fork", [FORK.tests]).results] == names


def test_a_helper_is_no_test(file):
    tests = "def testing(): assert False\ndef test_a(): assert x"
    assert [one.name for one in grade_answer(file("x = 1"), "own", [tests]).results] == ["a"]
    assert [one.name for one in check(FORK._replace(tests=tests), "x = 1").results] == ["a"]
    with pytest.raises(SyntaxError, match="test_a is not"):
        check(FORK._replace(tests=UNFIT["asynchronous"]), "x = 1")


def test_of_two_texts_the_one_that_stops_is_told(file):
    texts = ["def test_a(): f(1)", "def test_b(): f(2)"]
    for order in (texts, texts[::-1]):
        answer = grade_answer(file("import os\ndef f(x): x == 1 or os._exit(3)"), "own", order)
        assert (answer.ended, answer.reason) == ("exited", "it ended the process, with status 3")


def test_without_texts_nothing_is_graded(file):
    with pytest.raises(ValueError, match="no tests were given for fork: a list of texts"):
        grade_answer(file("x = 1"), "fork", [])


def test_each_student_has_numbers_of_their_own():
    drawn = {name: [numbers_for(name)(0, 10**6) for _ in range(2)] for name in ("anna", "ben", "")}
    assert all(first == second for first, second in drawn.values())
    assert len({first for first, _ in drawn.values()}) == 3
    draw = numbers_for("anna")
    numbers = [draw(1, 6) for _ in range(200)]
    assert set(numbers) == {1, 2, 3, 4, 5, 6}
    assert numbers[:4] == [1, 3, 4, 4]  # as long as the package lives: tasks were handed out
    with pytest.raises(ValueError, match="smallest and the largest"):
        draw(3, 2)


@pytest.mark.parametrize(
    ("tests", "message"),
    [
        ("assert f(2) == 5\ndef test_a(): pass", "f(2) gives 4, expected 5"),
        ("g\ndef test_a(): pass", "neither anna.py nor the tests define g"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        (
            "def test_a():\n    x\n    x = 1",
            "UnboundLocalError: cannot access local variable 'x' where it is not associated with a value",
        ),
    ],
)
def test_what_fails_before_the_first_test_fails_them_all(tests, message, file):
    answer = grade_answer(file("def f(x): return 2 * x"), "own", [tests])
    assert [result.message for result in answer.results] == [message] and not answer.ok


MISTAKES = {
    "FILE --exercise forc": "there is no exercise 'forc', did you mean fork?",
    "FILE --tests nowhere": "nowhere has no tests: a file test_*.py with functions test_…() is needed",
    "FILE --exercise fork --tests .": ". has no tests: a file fork.py or 10_fork.py",
    "FILE --tests broken": "invalid syntax (",
    "FILE --tests twice": "; test_a is not (test_it.py, line 2)",
    "FILE --tests asynchronous": "a test is a plain function test_…(), outside of classes, with a name of its own; "
    "test_a is not (test_it.py, line 1)",
    "FILE --tests inside": "; test_a is not (test_it.py, line 2)",
    "FILE --tests helper": "test_it.py has no tests: functions test_…() are needed",
    "FILE --export pytest": "--export takes an exercise and no files",
    "--export pytest": "--export takes an exercise and no files",
    "FILE -o x.py": "-o goes with --export",
    "": "name at least one FILE to grade",
    "--exercise fork --export otter -o nowhere/x.ipynb": "there is no folder nowhere",
}


UNFIT = {
    "twice": "def test_a(): assert False\ndef test_a(): pass",
    "asynchronous": "async def test_a(): assert False",
    "inside": "class TestAll:\n    def test_a(self): assert False",
    "helper": "def testing(): pass",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_mistakes_end_with_status_2(words, file, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    file("def test(: pass", "broken/test_it.py")
    for name, text in UNFIT.items():
        file(text, f"{name}/test_it.py")
    path = str(file("x = 1"))
    assert main(["grade", *(path if word == "FILE" else word for word in words.split())]) == 2
    captured = capsys.readouterr()
    assert MISTAKES[words] in captured.err and captured.out == ""


def test_the_export_for_pytest_passes_and_fails_as_the_exercise(file, tmp_path):
    assert main(["grade", "--exercise", "fork", "--export", "pytest", "-o", str(tmp_path / f"test_{FORK.file}")]) == 0
    for text, status in ((FORK.solution, 0), (FORK.start, 1)):
        file(text, FORK.file)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"test_{FORK.file}"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == status, done.stdout
        assert ("should be" in done.stdout) == bool(status)


@pytest.mark.parametrize("name", ["fork", "training_loop", "outer_product", "gradient_check"])
def test_the_export_for_otter_is_a_notebook_whose_cells_pass_and_fail_as_the_exercise(name, capsys):
    """`otter assign` writes each test cell as a doctest: what it prints would be a failure."""
    exercise = EXERCISES[name]
    assert main(["grade", "--exercise", name, "--export", "otter"]) == 0
    notebook = json.loads(capsys.readouterr().out)
    cells = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
    raw = [text.splitlines()[0] for kind, text in cells if kind == "raw"]
    assert raw == [
        "# ASSIGNMENT CONFIG",
        "# BEGIN QUESTION",
        "# BEGIN SOLUTION",
        "# END SOLUTION",
        "# BEGIN TESTS",
        "# END TESTS",
        "# END QUESTION",
    ]
    answer, *tests = [text for kind, text in cells if kind == "code"]
    functions = [one.name for one in ast.parse(exercise.tests).body if isinstance(one, ast.FunctionDef)]
    assert len(tests) == sum(name.startswith("test") for name in functions)
    given = answer.split('""" # BEGIN PROMPT\n')[1].split('\n""" # END PROMPT')[0]
    assert [failures(tests, text) for text in (answer, exercise.solution)] == [0, 0]
    assert failures(tests, given) > 0
    capsys.readouterr()
    assert failures(tests, exercise.solution) == 0 and capsys.readouterr().out == ""


def failures(tests: list[str], answer: str) -> int:
    space: dict[str, object] = {}
    exec(answer, space)
    return sum(raises(test, dict(space)) for test in tests)


def raises(text: str, space: dict[str, object]) -> bool:
    try:
        exec(text, space)
    except Exception:
        return True
    return False
