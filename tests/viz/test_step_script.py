import pytest

import glassgrad as gg
from glassgrad.viz.script import ScriptError, load_function, names_function

SCRIPT = """
from helper_of_script import double

def loss(x, y=3.0):
    error = double(x) - y
    return error**2

limit = 3
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "my_script.py"
    path.write_text(SCRIPT)
    (tmp_path / "helper_of_script.py").write_text("def double(x):\n    return 2 * x\n")
    return path


def test_it_says_what_it_runs_before_it_runs(script):
    said = []
    script.write_text("raise RuntimeError('it ran')")
    with pytest.raises(ScriptError, match=r"my_script.py stopped with RuntimeError: it ran"):
        load_function(f"{script}:loss", said.append)
    assert said == [f"running your file {script} to get loss()"]


def test_the_function_and_its_lines(script):
    stepper = gg.viz.step(load_function(f"{script}:loss", lambda line: None), x=2.0)
    assert stepper.graph.find("x").grad == 4.0
    assert [(e.title, e.lines[0]) for e in stepper.source.excerpts] == [
        ("my_script.py · loss", "def loss(x, y=3.0):"),
        ("helper_of_script.py · double", "def double(x):"),
    ]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nowhere.py:f", r"there is no file 'nowhere.py'"),
        ("{script}:other", r"no function 'other' \(it has: loss\)"),
        ("{script}:limit", r"no function 'limit'"),
    ],
)
def test_mistakes(script, target, message):
    with pytest.raises(ScriptError, match=message):
        load_function(target.format(script=script), lambda line: None)


def test_what_is_a_function_of_a_file():
    assert names_function("a/b.py:f")
    assert names_function("C:\\code\\b.py:f")
    for text in ("tanh(x)", "b.py", "b.py:", "b.txt:f", "b.py:f()"):
        assert not names_function(text)
