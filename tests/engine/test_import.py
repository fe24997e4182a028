"""What `import glassgrad` brings along, and what it does not."""

from __future__ import annotations

import subprocess
import sys

import pytest

import glassgrad as gg


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_import_is_light():
    heavy = [
        "numpy",
        "graphviz",
        "rich",
        "matplotlib",
        "PIL",
        "glassgrad.nn",
        "glassgrad.viz",
        "glassgrad.engine.story.graph",
        "glassgrad.engine.compiler",
    ]
    assert python(f"import sys, glassgrad; print([m for m in {heavy} if m in sys.modules])") == "[]\n"
    assert (
        python(
            "import sys, glassgrad as gg; v = gg.Value(2.0); (v * v).tanh().backward(); gg.steps(v)"
            "\nprint('numpy' in sys.modules)"
        )
        == "False\n"
    )


@pytest.mark.parametrize("name", gg.__all__)
def test_every_public_name_is_there(name):
    assert getattr(gg, name) is not None
    assert name in dir(gg)


def test_the_bare_folder_cannot_be_imported(tmp_path):
    import importlib.util
    from pathlib import Path

    location = Path(gg.engine.__file__)
    spec = importlib.util.spec_from_file_location("engine", location)
    with pytest.raises(ImportError, match=r"glassgrad\.engine"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
