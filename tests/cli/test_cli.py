"""The commands step, check and the tour, as a user types them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from glassgrad.viz.cli.main import COMMANDS, main

NEURON = ["tanh(x1*w1 + x2*w2 + b)", "x1=2", "w1=-3", "x2=0", "w2=1", "b=6.8813735870195432"]
GOLDEN = Path(__file__).parent.parent / "golden"


def run(*words):
    environment = {**os.environ, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-m", "glassgrad", *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("step_neuron", ["step", *NEURON]),
        ("step_named", ["step", "n = x1*w1 + x2*w2 + b; o = tanh(n)", *NEURON[1:]]),
        ("step_fork", ["step", "b = a + a; c = b + b", "a=3"]),
        ("check_neuron", ["check", *NEURON]),
        ("check_kink", ["check", "relu(x)", "x=0"]),
        ("check_second", ["check", "x**y / sin(x)", "x=1.5", "y=2", "--second-order"]),
        ("demo", []),
    ],
)
def test_output(name, words, golden):
    result = run(*words)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    golden(f"{name}.txt", result.stdout)


def test_json():
    document = json.loads(run("step", *NEURON, "--json").stdout)
    assert document["expression"] == NEURON[0]
    assert len(document["graph"]["nodes"]) == 10
    assert len(document["steps"]) == 20
    assert document["steps"][-1]["new"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["step", "tanh(x", "x=1"], "'(' was never closed\ntanh(x\n    ^"),
        (["step", "x*y", "x=1"], "no value for y: add y=NUMBER\nx*y\n  ^"),
        (["step", "x", "x=1", "z=1"], "z is given but not used"),
        (
            ["step", "x=1"],
            'the expression is missing: x=1 is the number for a name in it; write glassgrad step "EXPR" x=1',
        ),
        (["step", "x", "x=one"], "x needs a number, got 'one'"),
        (["step", "x", "x"], "expected NAME=NUMBER, got 'x'"),
        (["step", "x", "x=1", "x=2"], "given twice"),
        (["step", "x*x", "x=1", "-o", "a.html"], "unknown option -o (--help lists them)"),
        (["step", "my_file:f", "x=1"], "AnnAssign; a function of a file is written file.py:function\n"),
        (["train", "mooons"], "or a CSV file that exists), did you mean moons?"),
        (["check", "x.y", "x=1"], "attribute access"),
        (["check", "x*x", "x=1e400"], "x=1e400 is larger than 1.8e308, the largest float"),
        (["step", "my_script.py", "x=1"], "name the function in it, glassgrad step my_script.py:FUNCTION"),
        (["step", "x*x", "x=1", "--html", "nowhere/p.html"], "nowhere/p.html: there is no folder nowhere\n"),
        (["step", "x*x", "x=1", "--full-screen"], "--full-screen needs a terminal"),
        (["check", "(" * 10_000 + "x" + ")" * 10_000, "x=1"], "nested too deeply"),
        (["check", "9**9**9*x", "x=1"], "overflows"),
        (["check", "log(x)", "x=-1"], "log(x) is undefined at x = -1.0 (it needs x > 0)"),
    ],
)
def test_mistakes_end_with_status_2(capsys, words, message):
    assert main(words) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.startswith("glassgrad: error: ")
    assert captured.out == ""


def test_a_function_of_the_user_that_fails_is_told_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text("def f(x):\n    return {}[x.label]\n")
    assert main(["step", "mine.py:f", "x=2"]) == 2
    assert capsys.readouterr().err.endswith(
        "glassgrad: error: mine.py:f stopped with KeyError: 'x' (mine.py, line 2)\n"
    )


def test_standard_output_can_be_named(capsys):
    assert main(["draw", "x*x", "x=2", "-o", "-"]) == 0
    assert capsys.readouterr().out.startswith("<svg")


def test_an_expression_may_start_with_a_minus(capsys):
    assert main(["check", "-x*2", "x=1"]) == 0
    assert "-2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("step a*b a=3 b=2", "--all"),
        ("step -a*b a=3 b=2", "--json"),
        ("check a*b a=3 b=-2", "--second-order"),
        ("draw a*b a=3 b=2", "--direction TB --slopes"),
        ("draw a*b a=3 b=2", "--lay=builtin -o -"),
        ("compile a*b a=3 b=2", "--backend python --no-source"),
        ("break stale_data a*b a=3 b=-2", "--at b --all"),
        ("break wrong_sign a*b a=3 b=2", "--all"),
        ("ask order", ""),
        ("learn fork", "--hint"),
        ("learn fork", "--hint 2"),
    ],
)
def test_options_may_stand_anywhere(capsys, words, options):
    def said(words):
        assert main(words) == 0
        return capsys.readouterr().out

    command, *rest = words.split()
    expected = said([command, *rest, *options.split()])
    for place in range(len(rest)):
        assert said([command, *rest[:place], *options.split(), *rest[place:]]) == expected


@pytest.mark.parametrize("words", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)])
def test_help(capsys, words):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert "examples:" in out or words == ["--version"]


MISTYPED = {
    "chekc": "glassgrad: error: unknown command 'chekc', did you mean check? (commands: step, check, draw, ",
    "zzz": "glassgrad: error: unknown command 'zzz' (commands: step, check, draw, ",
    "train moons --lrate 1": "glassgrad train: error: unknown option --lrate, did you mean --lr?",
    "train --epoch=1 --hiden=3": "glassgrad train: error: unknown option --hiden, did you mean --hidden?",
    "draw x --zzz x=1": "glassgrad draw: error: unknown option --zzz\n",
}


@pytest.mark.parametrize("words", MISTYPED)
def test_what_is_mistyped_is_told_with_what_was_meant(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(words.split())
    assert caught.value.code == 2
    assert MISTYPED[words] in capsys.readouterr().err


def test_a_reader_that_stops_early_is_no_error():
    command = f'"{sys.executable}" -m glassgrad step "a = x*x; a + a" x=3 | head -1'
    result = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert result.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_walking_with_keys(terminal):
    """A real terminal: every key, and the screen it leaves."""
    with terminal("step", "a = x*x; a + a", "x=3") as shown:
        shown.read_until("step 1 of 8")
        for keys, expected in [
            (b"\r", "step 2 of 8"),
            (b"\x1b[C", "step 3 of 8"),
            (b"b", "step 2 of 8"),
            (b"\x1b[D", "step 1 of 8"),
            (b"\x1b[F", "x.grad = 6 + 2 × 3 = 12"),
            (b"\r", "step 8 of 8"),  # there is no further one
            (b"\x1b[H", "step 1 of 8"),
            (b"b", "step 1 of 8"),  # and none before
            (b"g5\r", "step 5 of 8"),
            (b"g99\r", "there are steps 1 to 8, not 99"),
            (b"?", "Enter/→ next"),
        ]:
            shown.press(keys)
            shown.read_until(expected)
        shown.press(b"q")
        assert shown.process.wait(timeout=20) == 0


def complete_in_bash(script: str, line: str, folder: Path) -> list[str]:
    """What bash offers at the end of `line`."""
    words = line.split(" ")
    asked = (
        f"{script}\nCOMP_WORDS=({' '.join(repr(word) for word in words)})\nCOMP_CWORD={len(words) - 1}\n"
        '_shtab_glassgrad\nprintf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", asked], cwd=folder, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_commands_options_choices_and_files(tmp_path, capsys):
    pytest.importorskip("shtab")
    assert main(["--print-completion", "bash"]) == 0
    script = capsys.readouterr().out
    (tmp_path / "graph_of_mine.svg").touch()
    assert set(COMMANDS) <= set(complete_in_bash(script, "glassgrad ", tmp_path))
    assert complete_in_bash(script, "glassgrad dr", tmp_path) == ["draw"]
    assert "--direction" in complete_in_bash(script, "glassgrad draw --d", tmp_path)
    assert complete_in_bash(script, "glassgrad draw --direction ", tmp_path) == ["LR", "TB"]
    assert complete_in_bash(script, "glassgrad draw -o graph", tmp_path) == ["graph_of_mine.svg"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completion_for_other_shells(capsys, shell):
    pytest.importorskip("shtab")
    assert main([f"--print-completion={shell}"]) == 0
    out = capsys.readouterr().out
    assert "glassgrad" in out
    assert all(name in out for name in COMMANDS)


def test_completion_without_its_extra_and_for_an_unknown_shell(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    monkeypatch.delitem(sys.modules, "glassgrad.viz.cli.completion", raising=False)
    assert main(["--print-completion", "bash"]) == 2
    assert 'pip install "glassgrad[completion]"' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--print-completion", "tcsh"])
    assert "invalid choice: 'tcsh'" in capsys.readouterr().err


def test_an_infinite_number_is_one_if_it_was_meant(capsys):
    assert main(["step", "x*2", "x=inf", "--all"]) == 0
    assert "v2 = inf × 2 = inf" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["y=x; y*y", "y=x; y", "a=x; b=a+1; c=b", "a=3; b=a; b*x"])
def test_a_second_name_of_an_input_is_that_input(text, capsys):
    assert main(["check", text, "x=7"]) == 0
    assert ("ok: 2 derivatives agree" if "a=3" in text else "ok: 1 derivative agrees") in capsys.readouterr().out
    assert main(["compile", text, "x=7"]) == 0
