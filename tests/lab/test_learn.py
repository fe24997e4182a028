"""`glassgrad learn`: list, write, check, hints, the solution, and watching in a real terminal."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from glassgrad.engine.lab.exercise_file import exercises, find
from glassgrad.engine.lab.practice import Practice
from glassgrad.viz.cli.main import main

RULE = find("rule_of_mul")


@pytest.fixture
def learn(tmp_path, monkeypatch, capsys):
    """Runs the command in an empty folder: its status and what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("glassgrad.viz.cli.learn.PATIENCE", 60.0)  # on a busy machine, too

    def run(*words: str) -> tuple[int, str]:
        status = main(["learn", *words])
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


def write(exercise, text: str) -> Path:
    path = Path("exercises", exercise.file)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_list_shows_every_exercise_in_its_group(learn, golden):
    status, said = learn()
    assert status == 0
    golden("lab/learn.txt", said)
    assert max(map(len, said.split("\n"))) <= 80
    assert [int(n) for n in re.findall(r"(?m)^   +(\d+)  ", said)] == list(range(1, len(exercises()) + 1))
    assert [int(n) for n in re.findall(r"(?m)^(\d+)\. ", said)] == list(range(1, 11))


def test_write_fail_mend_pass(learn, golden):
    status, said = learn("6")
    assert status == 1
    assert said.startswith("wrote exercises/06_rule_of_mul.py: open it in your editor. It is never overwritten; ")
    assert "0 of 5 tests passed." in said
    assert said.count("The ... of the start is still there") == 1
    text = Path("exercises/06_rule_of_mul.py").read_text(encoding="utf-8")
    assert text.startswith("# 6. Your own multiplication\n#\n# `mul(a, b)` makes a node")
    assert text.endswith(RULE.start)

    write(RULE, RULE.misconceptions[0].code)
    status, said = learn("rule_of_mul")
    assert status == 1
    golden("lab/learn_wrong.txt", said)

    path = write(RULE, RULE.solution)
    status, said = learn("6", "--check")
    assert (status, said.split("\n")[-2]) == (0, "Done: all 5 tests pass. The next one: glassgrad learn 7")
    assert path.read_text(encoding="utf-8") == RULE.solution
    listed = learn()[1]
    assert re.search(r"(?m)^    6  rule_of_mul .* done$", listed)
    assert listed.split("\n")[-2] == "1 of 36 done in exercises/; go on with: glassgrad learn 1"

    write(RULE, RULE.solution + "\n")  # changed since
    assert "0 of 36 done, 1 begun in exercises/" in learn("--list")[1]


def test_a_file_of_the_learner_is_never_overwritten(learn):
    learn("1")
    path = write(find("1"), "slope_a = 5\nslope_b = 7\n")
    status, said = learn("1")
    assert status == 1
    assert "overwritten" not in said  # that was said when it was written
    assert path.read_text(encoding="utf-8") == "slope_a = 5\nslope_b = 7\n"


def test_progress_is_kept_beside_the_files_and_a_spoiled_one_is_begun_anew(learn, monkeypatch):
    learn("1")
    write(find("1"), find("1").solution)
    assert learn("1")[0] == 0
    progress = Path("exercises/glassgrad-progress.json")
    assert list(json.loads(progress.read_text())) == ["slope_of_a_product"]
    monkeypatch.chdir("exercises")  # where the learner's files are, no folder is made in them
    assert "1 of 36 done in ./" in learn()[1]
    for spoiled in ("", "[", "3", "\0", "[" * 100_000):
        Path("glassgrad-progress.json").write_text(spoiled)
        assert "0 of 36 done, 1 begun" in learn()[1]
    assert learn("1")[0] == 0
    assert "1 of 36 done" in learn()[1]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import os; os._exit(0)", "stopped  it ended the process, with status 0"),
        ("raise KeyboardInterrupt", "stopped  KeyboardInterrupt"),
        ("import sys; sys.exit()", "SystemExit (line 1)"),
        ("x = [0] * 10**12", "MemoryError (line 1)"),
        ("slope_a = 1 +", "Python cannot read 01_slope_of_a_product.py: invalid syntax (line"),
        ("slope_a = '-4'", "slope_a is the text '-4', and should be a number"),
        ("slope_a = 'é'.encode('ascii')", "UnicodeEncodeError"),
        ("slope_a, slope_b = -4, 4", "1 of 2 tests passed."),
        ("print('seen', flush=True)\nslope_a = 0", "seen"),
        (f"x = {'-' * 100_000}1", "has 100,005 characters: an answer has 100,000"),
    ],
)
def test_whatever_the_file_does_is_told(learn, code, message):
    learn("1")
    write(find("1"), code)
    status, said = learn("1")
    assert status == 1
    assert message in said
    assert "Traceback" not in said


def test_a_file_that_begins_with_a_mark_is_read_as_python_does(learn):
    learn("1")
    Path("exercises", find("1").file).write_text(find("1").solution, encoding="utf-8-sig")
    assert learn("1")[0] == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(learn):
    Path("exercises").mkdir()
    os.mkfifo(Path("exercises", find("1").file))
    status, said = learn("1")
    assert status == 2 and "not a regular file" in said
    assert "0 of 36 done" in learn()[1]


def test_progress_of_one_exercise_leaves_that_of_the_others(learn):
    for number in ("1", "2"):
        learn(number)
        write(find(number), find(number).solution)
        assert learn(number)[0] == 0
    assert "2 of 36 done" in learn()[1]


def test_a_loop_without_end_is_stopped(tmp_path):
    practice, exercise = Practice(tmp_path, seconds=1.0), find("1")
    practice.begin(exercise)
    practice.path(exercise).write_text("while True: pass")
    problem = practice.check(exercise).problem
    assert problem.startswith("it took more than 1 s")
    assert problem.endswith(": is there a loop without end?")
    assert practice.state(exercise) == "begun"


def test_a_file_that_is_no_text(learn):
    learn("1")
    Path("exercises/01_slope_of_a_product.py").write_bytes(b"slope_a = '\xff'")
    assert "is not written in UTF-8: byte 11" in learn("1")[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["forks"], "there is no exercise 'forks', did you mean fork? (they have the numbers 1 to 36;"),
        (["37"], "there is no exercise '37' (they have"),
        (["--check"], "which exercise? Add its number or name, as in glassgrad learn 1 --check"),
        (["1", "--solution"], "--solution asks before it shows one that you have not found, and here is no terminal"),
        (["1", "--folder", "taken"], "taken is a file, and the exercises need a folder"),
        (["1", "--folder", "taken/inside"], "taken/inside: Not a directory"),
    ],
)
def test_mistakes(learn, words, message):
    Path("taken").write_text("a file")
    status, said = learn(*words)
    assert status == 2
    assert said.startswith("glassgrad: error: ")
    assert message in said


def test_hints_get_stronger(learn):
    said = [learn("fork", "--hint", *strength)[1].replace("\n", " ") for strength in ([], ["2"], ["3"])]
    assert said == [f"Hint {i} of 3: {hint} " for i, hint in enumerate(find("fork").hints, 1)]


def test_the_solution_of_what_is_done_is_shown(learn):
    learn("10")
    write(find("10"), find("10").solution)
    learn("10")
    status, said = learn("10", "--solution")
    assert status == 0
    assert said.startswith(find("10").solution)
    assert "- A sum of two counts double." in said


class Terminal:
    """A real terminal, 80 columns wide, with `glassgrad learn …` in it."""

    def __init__(self, *words: str) -> None:
        import pty

        self.parent, child = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "glassgrad", "learn", *words],
            stdin=child,
            stdout=child,
            stderr=child,
            env={**os.environ, "COLUMNS": "80", "LINES": "40", "TERM": "xterm-256color", "NO_COLOR": "1"},
        )
        os.close(child)

    def until(self, text: str) -> str:
        """What is shown, up to and with `text`."""
        seen, end = "", time.monotonic() + 20
        while text not in seen:
            assert select.select([self.parent], [], [], max(0.0, end - time.monotonic()))[0], seen[-2000:]
            seen += os.read(self.parent, 65536).decode("utf-8", "replace")
        return seen

    def press(self, key: str) -> None:
        os.write(self.parent, key.encode())

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.parent)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_watching_checks_what_is_saved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Terminal("1") as terminal:
        first = terminal.until("q quit")
        assert "Let y = a · b with a = 3" in first
        assert "slope_a is still the ... of the start" in first
        assert "The file is new: open it in your editor." in first
        assert "delete it to begin anew" in " ".join(first.split())
        terminal.press("h")
        assert "Hint 1 of 3: " in terminal.until("q quit")
        terminal.press("h")
        assert "Hint 2 of 3: " in terminal.until("q quit")
        path = write(find("1"), find("1").misconceptions[0].code)
        assert "The slopes are swapped" in terminal.until("q quit")
        new = path.with_suffix(".new")  # as editors save: another file takes its place
        new.write_text(find("1").solution)
        new.replace(path)
        assert "Done: all 2 tests pass." in terminal.until("q quit")
        path.unlink()
        terminal.press("?")  # any key shows all again; the file is not missed until it is needed
        assert "Done: all 2 tests pass." in terminal.until("q quit")
        path.write_bytes(b"\xff")
        assert "is not written in UTF-8" in terminal.until("q quit")
        terminal.press("n")
        assert "2. A slope, measured" in terminal.until("q quit")
        terminal.press("q")
        assert terminal.process.wait(timeout=20) == 1  # the second is not done
    assert Path("exercises/02_nudge.py").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_of_a_loop_without_end_it_is_said_that_it_is_still_running(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Terminal("1") as terminal:
        terminal.until("q quit")
        begin = time.monotonic()
        write(find("1"), "while True: pass")
        terminal.until("still running; it is stopped after 10 s: is there a loop without end?")
        assert time.monotonic() - begin < 5  # 2 s where the machine is free


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("key", "shown"), [("y", True), ("n", False)])
def test_a_solution_is_shown_after_asking(tmp_path, monkeypatch, key, shown):
    monkeypatch.chdir(tmp_path)
    with Terminal("1", "--solution") as terminal:
        terminal.until("Show the solution of 1. The slope of a product? (y/n)")
        terminal.press(key)
        if shown:
            assert "slope_a = -4" in terminal.until("Wrong turns that others have taken:")
        assert terminal.process.wait(timeout=20) == 0
