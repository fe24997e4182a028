"""What the README says is what happens: its Python, its console output, its two commands, its pictures and links."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
CONSOLE = re.findall(r"```console\n\$ (glassgrad [^\n]*)\n(.*?)```", README, re.DOTALL)


def commands(name):
    return re.findall(rf"<!-- command: {name} -->\n```sh\n(.*?)\n```", README, re.DOTALL)


def test_python_blocks_run_as_one_session():
    blocks = "\n".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL))
    test = doctest.DocTestParser().get_doctest(blocks, {}, "README.md", "README.md", 0)
    assert len(test.examples) > 15
    output = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    runner.run(test, out=output.append)
    assert runner.failures == 0, "".join(output)


@pytest.mark.parametrize(("command", "expected"), CONSOLE, ids=[command.split()[1] for command, _ in CONSOLE])
def test_console_output_is_real(command, expected, tmp_path):
    if "--plot" in command:
        pytest.importorskip("matplotlib")
    words = shlex.split(command)
    environment = {**os.environ, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8", "MPLBACKEND": "Agg"}
    result = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert doctest.OutputChecker().check_output(expected, result.stdout, OPTIONS), result.stdout


def test_there_is_one_command_to_run_and_one_to_test():
    for name in ("run", "test"):
        (command,) = commands(name)
        said, venv, install, *_ = command.split(" && ")
        assert said.startswith("echo ")  # nothing is silent for more than two seconds
        assert venv == "python3 -m venv .venv"
        assert install.startswith(".venv/bin/python -m pip install ")
        assert "quiet" not in install
        assert "\n" not in command


def test_what_the_first_command_runs_succeeds():
    (command,) = commands("run")
    for part in command.split(" && ")[3:]:
        words = shlex.split(part)
        assert words[0] == ".venv/bin/glassgrad"
        subprocess.run(
            [sys.executable, "-m", "glassgrad", *words[1:]], check=True, stdin=subprocess.DEVNULL, capture_output=True
        )


def test_links_and_pictures_exist():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    local = [link for link in links if "://" not in link]
    assert len(local) > 8
    for link in local:
        assert (ROOT / link).exists(), link


def test_the_picture_of_the_neuron_is_what_the_command_draws(tmp_path):
    (command,) = [command for command, _ in CONSOLE if command.startswith("glassgrad draw")]
    subprocess.run([sys.executable, "-m", *shlex.split(command)], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "neuron.svg").read_text() == (ROOT / "notebooks/images/neuron.svg").read_text()
