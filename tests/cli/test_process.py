"""Commands where the world is hostile: terminals that lack characters, full disks, closed streams, Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest

from glassgrad.viz.cli.main import main
from glassgrad.viz.cli.process import in_ascii

NEURON = ["n = x1*w1 + x2*w2 + b; o = tanh(n)*n**-2", "x1=2", "w1=-3", "x2=0", "w2=1", "b=6.88"]
COMMANDS = {
    "step": ["step", *NEURON, "--all"],
    "json": ["step", *NEURON, "--json"],
    "check": ["check", "relu(x)*x", "x=0"],
    "draw": ["draw", *NEURON, "--slopes"],
    "compile": ["compile", "moons"],
    "train": ["train", "xor", "--epochs", "2"],
    "learn": ["learn"],
    "ask": ["ask", "cycle"],
    "demo": [],
    "help": ["--help"],
    "help of a command": ["check", "--help"],
    "version": ["--version"],
} | ({"completion": ["--print-completion", "bash"]} if find_spec("shtab") else {})  # an extra
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX")


def run(*words, text=True, **environment):
    return subprocess.run(
        [sys.executable, "-m", "glassgrad", *words],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "100", **environment},
    )


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "C"])
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_every_command_works_whatever_the_terminal_can_show(words, encoding):
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
    result = run(*words, **(plain if encoding == "C" else {"PYTHONIOENCODING": encoding}))
    assert result.returncode == 0, result.stderr
    assert result.stderr == b""
    shown = result.stdout.decode("ascii" if encoding == "C" else encoding)
    assert (
        "?" not in shown.replace("Is it right?", "").replace("what?", "").replace("a cycle?", "") or words[-1] == "bash"
    )


def test_the_picture_is_the_same_in_any_encoding():
    import xml.etree.ElementTree as ElementTree

    texts = []
    for encoding in ("utf-8", "ascii"):
        svg = run("draw", "x*−1".replace("−", "-"), "x=2", "--slopes", PYTHONIOENCODING=encoding).stdout
        texts.append([element.text for element in ElementTree.fromstring(svg.decode(encoding)).iter()])
    assert texts[0] == texts[1]
    assert "−2" in texts[0]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("∂y/∂x = 2·x", "del y/del x = 2*x"),
        ("∂₂v/∂x ≤ −1", "del_2 v/del x <= -1"),
        ("x⁻¹² + y₁₂", "x^-12 + y_12"),
        ("→ forward …", "-> forward ..."),
        ("Σ w·x, σ(z), α, Δ", "sum w*x, sigmoid(z), alpha, delta"),
        ("é, ﬁ, 日", "e, fi, \\u65e5"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_ascii_lacks_is_spelled(text, plain):
    assert in_ascii(text) == plain


@posix
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_full_disk_is_one_line(words, unbuffered):
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "glassgrad", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )
    assert result.returncode == 2
    assert result.stderr == "glassgrad: error: cannot write the output: No space left on device\n"


@posix
@pytest.mark.parametrize(
    "closed", [">&-", "2>&-", ">&- 2>&-", "<&-", "| true", "2>&1 | true", "2>/dev/full", "| head -c 9"]
)
@pytest.mark.parametrize("words", ["check x*x x=2", "step x*x x=2", "step x*x x=2 --json", "", "check nothing"])
def test_closed_streams_are_no_traceback(words, closed):
    command = f'"{sys.executable}" -m glassgrad {words} {closed}'
    result = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, timeout=60)
    assert result.returncode == (2 if "nothing" in words else 0), result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert "Exception ignored" not in result.stderr


@posix
@pytest.mark.parametrize(
    "words", [["check", b"x\xff*2"], ["step", "x*x", b"x\xff=2"], ["draw", "x*x", "x=2", "-o", b"\xff/a.svg"]]
)
def test_bytes_that_are_no_text(words):
    result = run(*words, PYTHONIOENCODING="utf-8")
    assert result.returncode == 2
    assert result.stderr.startswith(b"glassgrad: error: ")
    assert b"Traceback" not in result.stderr
    result.stderr.decode("utf-8")


@pytest.mark.parametrize("name", ["\N{MICRO SIGN}", "\N{GREEK SMALL LETTER MU}"])
@pytest.mark.parametrize("other", ["\N{MICRO SIGN}", "\N{GREEK SMALL LETTER MU}"])
def test_both_letters_mu_are_one(name, other, capsys):
    assert main(["check", f"{name}*x", f"{other}=2", "x=3"]) == 0
    assert main(["check", f"{name}*x", f"{other}=2", f"{name}=2", "x=3"]) == 2
    assert "is given twice" in capsys.readouterr().err


INTERRUPTED_IMPORT = """
import sys, time
import glassgrad.viz.cli.main as command

class Slow:
    def find_spec(self, name, *_):
        if name == "glassgrad.engine.proof.gradcheck":
            print("now", flush=True)
            time.sleep(60)

sys.meta_path.insert(0, Slow())
sys.exit(command.main())
"""
INTERRUPTED_CALL = """
import time

class Stubborn:
    def __del__(self):
        print("now", flush=True)
        time.sleep(60)

def plain(x):
    print("now", flush=True)
    time.sleep(60)

def in_a_finaliser(x):
    Stubborn()
    time.sleep(60)
"""


@posix
@pytest.mark.parametrize("case", ["import", "plain", "in_a_finaliser"])
def test_ctrl_c_is_one_line(case, tmp_path):
    (tmp_path / "mine.py").write_text(INTERRUPTED_CALL)
    (tmp_path / "glassgrad").write_text(INTERRUPTED_IMPORT)
    command = (
        [str(tmp_path / "glassgrad"), "check", "x"]
        if case == "import"
        else ["-m", "glassgrad", "check", f"mine.py:{case}"]
    )
    process = subprocess.Popen(
        [sys.executable, *command, "x=2"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # also where the suite runs with it ignored
    )
    assert process.stdout.readline() == "now\n"
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - start < 30
    assert process.returncode == 130
    assert said.replace("running your file mine.py to get", "").split("\n")[-2:] == ["glassgrad: interrupted", ""]
    assert "Traceback" not in said
    assert "Exception ignored" not in said


@posix
def test_where_ctrl_c_is_to_be_ignored_it_is(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import os, signal\n\ndef f(x):\n    os.kill(os.getpid(), signal.SIGINT)\n    return x * x\n"
    )
    command = f"trap '' INT; '{sys.executable}' -m glassgrad check mine.py:f x=2"
    result = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "ok: 1 derivative agrees" in result.stdout
