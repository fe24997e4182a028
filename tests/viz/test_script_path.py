"""Running a learner's file leaves the process as it was."""

from __future__ import annotations

import sys

import pytest

from glassgrad.viz.cli.main import main
from glassgrad.viz.walk.script import ScriptError, load_function

QUIET = lambda line: None  # noqa: E731  # used as a value throughout


@pytest.mark.parametrize(
    ("text", "fails"),
    [
        ("def f(x): return x * x", False),
        ("raise RuntimeError('no')", True),
        ("import sys; sys.exit(3)", True),
        ("def g(x): return x", True),
        ("def f(x: return", True),
    ],
)
def test_sys_path_is_as_before(tmp_path, text, fails):
    path = tmp_path / "mine.py"
    path.write_text(text)
    before = list(sys.path)
    if fails:
        with pytest.raises(ScriptError, match=r"mine\.py"):
            load_function(f"{path}:f", QUIET)
    else:
        load_function(f"{path}:f", QUIET)
    assert sys.path == before
    assert str(tmp_path) not in sys.path


def test_what_the_script_itself_added_to_the_path_is_kept_and_its_folder_is_not(tmp_path):
    """Only the entry that was put in is taken out, wherever it stands by then."""
    path = tmp_path / "mine.py"
    extra = str(tmp_path / "extra")
    path.write_text(f"import sys\nsys.path.insert(0, {extra!r})\ndef f(x): return x")
    before = list(sys.path)
    try:
        load_function(f"{path}:f", QUIET)
        assert str(tmp_path) not in sys.path
        assert sys.path == [extra, *before]
    finally:
        sys.path[:] = before


def test_a_file_called_like_a_module_does_not_replace_it(tmp_path):
    import json

    path = tmp_path / "json.py"
    path.write_text("def f(x): return x + 1")
    assert load_function(f"{path}:f", QUIET)(1) == 2
    assert sys.modules["json"] is json


def test_the_command_leaves_the_path_alone(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text("def f(x): return x * x")
    before = list(sys.path)
    assert main(["step", f"{path}:f", "x=3", "--all"]) == 0
    assert sys.path == before
