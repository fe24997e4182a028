"""Programs as people write them against micrograd run on glassgrad, unchanged but for the import: same output.

`micrograd/` is a reference written for this test; each program is run on it and on glassgrad.
"""

from __future__ import annotations

import contextlib
import io
import random
import re
import sys
import types
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from glassgrad import Value, nn

HERE = Path(__file__).parent
PROGRAMS = sorted((HERE / "programs").glob("*.py"))
IMPORT = re.compile(r"^(from|import) micrograd(\.engine|\.nn|)\b", re.MULTILINE)
DIFFERENT = [  # what glassgrad prints otherwise, on purpose: program, output on micrograd, output on glassgrad
    pytest.param("print(Value(3) * 2)", "Value(data=6, grad=0)", "Value(6.0)", id="a repr is glassgrad's own"),
    pytest.param("print((Value(3) * 2).data)", "6", "6.0", id="numbers are floats"),
    pytest.param("print(Value(3).grad)", "0", "0.0 (not computed)", id="a gradient that nobody computed says so"),
    pytest.param("print(Value(3) == 3)", "False", "True", id="== with a number compares the numbers"),
    pytest.param("y = Value(5) - Value(3)\nprint(y._op)", "+", "-", id="a difference is one op, not + and *"),
    pytest.param("y = Value(5) / Value(2)\nprint(y._op)", "*", "/", id="a quotient is one op, not * and **-1"),
    pytest.param(
        "from micrograd.nn import Neuron\ny = Neuron(2, False)([1, 2])\nprint(y._op, len(y._prev))",
        "+ 2",
        "Σwx+b 5",
        id="a neuron is one node, unless made with expand=True",
    ),
]
GLASSGRAD = {".engine": "glassgrad", ".nn": "glassgrad.nn", "": "glassgrad"}
PATCHED = (Value, nn.Module, nn.Neuron, nn.Layer, nn.MLP)
"""Classes of glassgrad that a program may put its own methods on."""
REFERENCE = ("micrograd", "micrograd.engine", "micrograd.nn")


def for_glassgrad(source: str) -> str:
    return IMPORT.sub(lambda found: f"{found[1]} {GLASSGRAD[found[2]]}", source)


@contextlib.contextmanager
def as_script(name: str):
    """A module that is `__main__` for a while, with the reference as `micrograd`; all is as before afterwards."""
    modules = {one: sys.modules.pop(one, None) for one in ("__main__", *REFERENCE)}
    methods = [(kind, dict(vars(kind))) for kind in PATCHED]
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.__file__ = name
    sys.path.insert(0, str(HERE))
    try:
        yield main
    finally:
        sys.path.remove(str(HERE))
        for one, before in modules.items():
            sys.modules.pop(one, None)
            if before is not None:
                sys.modules[one] = before
        for kind, attributes in methods:
            for attribute in set(vars(kind)) - set(attributes):
                delattr(kind, attribute)
            for attribute, before in attributes.items():
                if vars(kind)[attribute] is not before:
                    setattr(kind, attribute, before)


def printed(name: str, source: str) -> str:
    random.seed(0)
    np.random.seed(0)
    out = io.StringIO()
    with as_script(name) as main, contextlib.redirect_stdout(out):
        exec(compile(source, name, "exec"), vars(main))
    return out.getvalue()


@pytest.fixture(autouse=True)
def surroundings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    state, numpy_state = random.getstate(), np.random.get_state()
    yield
    random.setstate(state)
    np.random.set_state(numpy_state)


@pytest.mark.parametrize("program", [pytest.param(p, id=p.stem) for p in PROGRAMS])
def test_it_prints_the_same_with_another_import(program):
    source = program.read_text(encoding="utf-8")
    if "matplotlib" in source and find_spec("matplotlib") is None:
        pytest.skip("needs matplotlib")
    changed = for_glassgrad(source)
    expected = printed(str(program), source)
    assert expected.strip()
    assert printed(str(program), changed) == expected


@pytest.mark.parametrize(("program", "theirs", "ours"), DIFFERENT)
def test_what_is_printed_otherwise_on_purpose(program, theirs, ours):
    source = f"from micrograd.engine import Value\n{program}\n"
    assert printed("differs.py", source).strip() == theirs
    assert printed("differs.py", for_glassgrad(source)).strip() == ours


def test_only_the_import_is_another():
    for program in PROGRAMS:
        before = program.read_text(encoding="utf-8").splitlines()
        after = for_glassgrad("\n".join(before)).splitlines()
        differing = [line for line, other in zip(before, after) if line != other]
        assert differing == [line for line in before if "micrograd" in line]
        assert all(IMPORT.match(line) for line in differing)
    assert len(PROGRAMS) >= 36
