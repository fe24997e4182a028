import pytest

import glassgrad as gg
from glassgrad.viz.cli.main import main
from glassgrad.viz.walk.script import ScriptError, load_function, names_function

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


def test_the_command_writes_a_page(tmp_path, capsys):
    path = tmp_path / "page.html"
    assert main(["step", "tanh(x*w)", "x=2", "w=-3", "--html", str(path)]) == 0
    assert capsys.readouterr().out == f"wrote {path}: 8 steps; open it in a browser\n"
    assert "tanh(x*w)" in path.read_text(encoding="utf-8")


def test_the_command_runs_the_user_s_file_after_saying_so(script, tmp_path, capsys):
    assert main(["step", f"{script}:loss", "x=2", "--all"]) == 0
    out, err = capsys.readouterr()
    assert err == f"running your file {script} to get loss()\n"
    assert "error = 4 − 3 = 1" in out
    assert main(["step", f"{script}:loss", "x=2", "--html", str(tmp_path / "page.html")]) == 0
    assert "helper_of_script.py" in (tmp_path / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{script}:other", "x=2"], "no function 'other'"),
        (["{script}:loss", "z=2"], "missing a required argument: 'x'; loss takes x=NUMBER, y=NUMBER"),
        (["{script}:loss", "x=two"], "x needs a number, got 'two'"),
        (["x*x", "x=2", "--html", "page.txt"], "page.txt must end with .html"),
        (["x*x", "x=2", "--html", "{script}/page.html"], "cannot write"),
    ],
)
def test_the_command_s_mistakes_are_one_line(script, capsys, words, message):
    assert main(["step", *(word.format(script=script) for word in words)]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("glassgrad: error: ")
    assert message in line
