"""The fifteen questions: each answer runs, prints numbers computed on the spot, and leads on to a command."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from glassgrad.engine.lab.exercise_file import FormatError
from glassgrad.engine.lab.question import FILE, answer, find, parse, questions
from glassgrad.viz.cli.main import main

NAMES = [question.name for question in questions()]


def test_there_are_fifteen():
    assert len(NAMES) == len(set(NAMES)) == 15


@pytest.mark.parametrize("name", NAMES)
def test_answer(name, capsys, golden, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["ask", name]) == 0
    shown = capsys.readouterr().out
    golden(f"lab/ask_{name}.txt", shown)
    assert max(map(len, shown.split("\n"))) <= 80


@pytest.mark.parametrize("name", NAMES)
def test_its_numbers_are_computed_and_not_written_down(name):
    question = find(name)
    printed = re.findall(r"\d+\.\d+", answer(question))
    assert printed or name in ("sum", "minus", "local")
    said = question.text + question.why
    assert not re.search(r"\d{2,}|\d\.\d", said)


@pytest.mark.parametrize("name", NAMES)
def test_the_command_to_play_on_works(name, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    program, command, *words = shlex.split(find(name).play)
    assert program == "glassgrad"
    assert main([command, *words]) == (1 if command == "learn" else 0)  # an exercise that has just been begun


def test_list(capsys, golden):
    assert main(["ask"]) == 0
    golden("lab/ask.txt", capsys.readouterr().out)


@pytest.mark.parametrize(("text", "name"), [("2", "order"), ("15", "matrix"), ("+=", "plus"), ("Recursion", "order")])
def test_a_question_is_found_by_number_and_by_a_word(text, name):
    assert find(text).name == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ordre", "there is no question 'ordre', did you mean order? (they are plus, order, cycle, "),
        ("gradients", "'gradients', did you mean power or constants?"),
        ("16", "there is no question '16' (they are plus, "),
    ],
)
def test_an_unknown_question_is_told(text, message, capsys):
    assert main(["ask", text]) == 2
    assert message in capsys.readouterr().err


def test_the_one_on_matrices_needs_numpy_and_says_so():
    without = "import sys; sys.modules['numpy'] = None; from glassgrad.viz.cli.main import main; sys.exit(main())"
    for name in ("matrix", "order"):
        done = subprocess.run([sys.executable, "-c", without, "ask", name], capture_output=True, text=True)
        assert done.returncode == (2 if name == "matrix" else 0)
        assert ("the answer to matrix needs numpy: pip install numpy" in done.stderr) == (name == "matrix")


@pytest.mark.parametrize(
    ("old", "new"), [("?\n", ".\n"), ("Play: ", "See: "), ("```python", "```"), ("A number that is", "A\n\nnumber")]
)
def test_a_question_that_misses_a_part_is_named(old, new):
    text = FILE.read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(FormatError, match=r"^questions\.md, plus: "):
        parse(text.replace(old, new), "questions.md")
