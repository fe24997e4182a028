from __future__ import annotations

import pytest

from glassgrad.viz.cli.main import main


def test_expression(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "tanh(x*w + b)", "x=2", "w=-3", "b=1"]) == 0
    said = capsys.readouterr().out
    assert "tanh1 = tanh(s1)" in said
    assert "def value_and_grad" in said


@pytest.mark.parametrize(("name", "shape"), [("moons", "16 × n"), ("digits", "10 × n")])
def test_networks(name: str, shape: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", name]) == 0
    said = capsys.readouterr().out
    assert shape in said
    assert "W1 @ x + b1" in said
    assert "def forward():" in said
    assert main(["compile", name, "--no-source"]) == 0
    assert "def " not in capsys.readouterr().out


def test_mistakes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "moons", "x=1"]) == 2
    assert "takes no numbers" in capsys.readouterr().err
    assert main(["compile", "x +"]) == 2
