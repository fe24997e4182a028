"""A learner's file in a process of its own: whatever it does, the outcome is told in time, and nothing else passes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from glassgrad.engine.lab import sandbox, sandbox_child
from glassgrad.engine.lab.sandbox import Student
from glassgrad.engine.lab.testing import run

TESTS = """
import math
def test_equal(): assert f(2) == 4
def test_near(): assert abs(f(3) - 6) < 1e-9
def test_close(): assert math.isclose(f(1.5), 3.0)
"""
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="signals and namespaces of Linux")

#   name: (file, how it ended, what is said of the first test or, if there is none, of the file)
FILES = {
    "right": ("def f(x): return 2 * x", "finished", ""),
    "wrong": ("def f(x): return 3 * x", "finished", "f(2) gives 6, expected 4"),
    "nothing": ("", "finished", "neither answer.py nor the tests define f"),
    "none": ("def f(x): pass", "finished", "f(2) gives None, expected 4"),
    "loops": ("def f(x):\n    while True: pass", "timed out", "it took more than "),
    "sleeps": ("import time\ndef f(x): time.sleep(99)", "timed out", "it took more than "),
    "loops at once": ("while True: pass", "timed out", "it took more than "),
    "a list too large": ("def f(x): return [0] * 10**10", "out of memory", "MemoryError (line 1: "),
    "memory": ("a = []\ndef f(x):\n    while True: a.append(bytes(10**7))", "out of memory", "MemoryError (line 3: "),
    "raises": (
        "def f(x):\n    y = x\n    return y.no",
        "finished",
        "AttributeError: 'int' object has no attribute 'no' (line 3: ",
    ),
    "raises at once": ("x = 1\n1/0", "raised", "not run: ZeroDivisionError: division by zero (line 2: 1/0)"),
    "no Python": ("def f(x:", "raised", "SyntaxError: "),
    "not even text": ("\0", "raised", "not run: "),
    "exits": ("import sys\ndef f(x): sys.exit(0)", "exited", "it ended the program: SystemExit: 0 (line 2: "),
    "exits at once": ("raise SystemExit", "exited", "not run: it ended the program"),
    "exits really": ("import os\ndef f(x): os._exit(0)", "exited", "it ended the process, with status 0"),
    "exits with a status": ("import os\nos._exit(7)", "exited", "not run: it ended the process, with status 7"),
    "raises no exception": ("class B(BaseException): pass\ndef f(x): raise B('no')", "finished", "B: no (line 2: "),
    "raises a liar": (
        "class L(Exception):\n    def __str__(s): raise s\ndef f(x): raise L",
        "finished",
        "L (line 3: ",
    ),
    "cannot decode": ("def f(x): return b'\\xff'.decode()", "finished", "UnicodeDecodeError: 'utf-8' codec"),
    "a group": ("def f(x): raise ExceptionGroup('two', [ValueError()])", "finished", "(line 1: "),
    "recurses": ("def f(x): return f(x)", "finished", "RecursionError (line 1: "),
    "crashes": ("import ctypes\ndef f(x): ctypes.string_at(0)", "crashed", "the signal SIGSEGV"),
    "kills itself": ("import os\ndef f(x): os.kill(os.getpid(), 9)", "crashed", "the signal SIGKILL"),
    "kills others": ("import os\ndef f(x): os.kill(os.getppid(), 9)", "finished", "may not send signals"),
    "forks": ("import os\ndef f(x): os.fork()", "finished", "a graded file may not start another process (line 2"),
    "starts a program": (
        "import subprocess\ndef f(x): subprocess.run(['ls'])",
        "finished",
        "may not start another process",
    ),
    "a shell": ("import os\ndef f(x): return os.system('true')", "finished", "may not start another process"),
    "network": (
        "import socket\ndef f(x): socket.create_connection(('1.1.1.1', 80))",
        "finished",
        "may not use the network",
    ),
    "reads": ("def f(x): return input()", "finished", "EOFError: "),
    "looks around": ("import os\ndef f(x): os.listdir('..')", "finished", "may not look at other files than its own"),
    "reads others": ("def f(x): open('../x')", "finished", "may not look at other files than its own"),
    "changes others": ("def f(x): open('/usr/x', 'w')", "finished", "may not change other files than its own: /usr/x"),
    "renames others": ("import os\ndef f(x): os.rename('x', '/usr/x')", "finished", "may not change other files"),
    "asks who runs": ("import os\ndef f(x): open(f'/proc/{os.getppid()}/cmdline')", "finished", "Error: "),
    "works with files of its own": (
        "import os\ndef f(x):\n    open('x', 'w').write('2')\n    os.rename('x', 'y')\n"
        "    return int(open('y').read()) * x",
        "finished",
        "",
    ),
    "text": ("def f(x): return '4'", "finished", "f(2) gives '4', expected 4"),
    "NaN": ("def f(x): return float('nan')", "finished", "f(2) gives nan, expected 4"),
    "a giant": ("def f(x): return 'x' * 10**6", "finished", "the class str too large to be compared"),
    "a giant number": ("def f(x): return 10**9999", "finished", "the class int too large to be compared"),
    "a deep list": (
        "def f(x):\n    a = []\n    for _ in range(10**5): a = [a]\n    return a",
        "finished",
        "RecursionError",
    ),
    "equals everything": (
        "class W:\n    __eq__ = __lt__ = __gt__ = lambda s, o: True\n    __sub__ = __abs__ = lambda s, *o: s\n"
        "    __float__ = lambda s: 4.0\ndef f(x): return W()",
        "finished",
        "got an object of the class W where a plain number",
    ),
    "writes to every descriptor": (
        'import os\ndef f(x):\n    for i in range(3, 64):\n        try: os.write(i, b\'{"id": 0, "value": 4}\\n\')\n'
        "        except OSError: pass\n    return 5",
        "crashed",
        "something was written where only answers belong",
    ),
    "replaces what it can": (
        "import builtins, json, operator, sys\njson.dumps = json.JSONEncoder.encode = lambda *a: '{}'\n"
        "builtins.abs = builtins.isinstance = builtins.len = abs = lambda *a: 0\noperator.sub = operator.eq = None\n"
        "sys.stdout = sys.stderr = sys.exit = None\ndef f(x): return 7",
        "crashed",
        "something was written where only answers belong",
    ),
    "leaves things behind": (
        "import atexit, threading, time\natexit.register(print, 'late')\n"
        "threading.Thread(target=time.sleep, args=(99,)).start()\ndef f(x): return 2 * x",
        "finished",
        "",
    ),
    "claims a test's name": (
        "def test_equal(): pass\ndef f(x): return 0\nmath = _compared = None",
        "finished",
        "f(2) gives 0",
    ),
}


@pytest.fixture
def file(tmp_path):
    def write(text: str, name: str = "answer.py") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@LINUX
@pytest.mark.parametrize("name", FILES)
def test_whatever_a_file_does_is_told_in_time(name, file):
    source, ended, said = FILES[name]
    begin = time.monotonic()
    outcome = run(file(source), TESTS, seconds=1.5, megabytes=256)
    assert time.monotonic() - begin < 8
    assert outcome.ended == ended, outcome
    assert [result.name for result in outcome.results] == ["test_equal", "test_near", "test_close"]
    assert outcome.ok == (said == "") == all(result.passed for result in outcome.results)
    assert said in outcome.results[0].message
    assert not any(result.passed for result in outcome.results) or not said
    assert "\n" not in "".join(result.message for result in outcome.results)


@LINUX
def test_a_deep_folder_and_a_link_in_the_place_of_a_folder_are_removed(file, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    deep = "import os\nfor i in range(1200): os.mkdir('a'), os.chdir('a')\ndef f(x): return 2 * x"
    assert run(file(deep), TESTS, seconds=20).ok
    link = "import os\nos.chdir('..')\ndef f(x): return 2 * x\nhome = os.environ['HOME']\n"
    link += "import ctypes\nc = ctypes.CDLL(None)\nc.rename(home.encode(), (home + 'x').encode())\n"
    link += "c.symlink(b'/usr', home.encode())"
    assert run(file(link), TESTS, seconds=20).ok
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("glassgrad-") and path.is_symlink()]


def test_a_gigabyte_of_output_is_read_and_cut(file):
    source = "block = 'x' * 2**22\nfor _ in range(256): print(block)\ndef f(x): return 2 * x"
    outcome = run(file(source), TESTS, seconds=9)
    assert outcome.ok
    assert len(outcome.output) == sandbox.MOST_PRINTED + 1
    assert run(file("print('a\\x1b[2J')\n1/0"), TESTS).output == "a\\x1b[2J\n"


def processes() -> list[str]:
    """What the processes of this machine are called."""
    found = []
    for path in Path("/proc").glob("[0-9]*/comm"):
        with suppress(OSError):  # gone meanwhile
            found.append(path.read_text().strip())
    return found


@LINUX
def test_what_is_started_behind_pythons_back_ends_with_the_run(file):
    name = f"linger{os.getpid()}"
    source = f"""
import ctypes, os, time
def f(x):
    c = ctypes.CDLL(None)
    for _ in range(3):
        if c.fork() == 0:
            c.setsid()
            c.prctl(15, b"{name}", 0, 0, 0)
            time.sleep(20)
    return 2 * x
"""
    outcome = run(file(source), TESTS)
    assert outcome.ok
    if not outcome.open_doors:
        time.sleep(0.5)
        assert name not in processes()
        assert processes()


@LINUX
def test_network_is_shut_by_the_system_or_it_is_said_that_it_is_not(file):
    source = """
import ctypes
c = ctypes.CDLL(None)
def f(x): return c.connect(c.socket(2, 2, 0), bytes([2, 0, 0, 53, 1, 1, 1, 1]) + bytes(8), 16)
"""
    with Student(file(source)) as student:
        answer = student.load()["f"](0)
    assert answer == -1 or any("network" in door for door in student.open_doors)


def test_where_namespaces_are_not_allowed_it_is_said(monkeypatch, file):
    monkeypatch.setattr(sandbox_child.sys, "platform", "darwin")
    monkeypatch.setattr(sandbox_child, "_resource", None)
    doors = sandbox_child.confine(1.0, 64, (), "nowhere")
    assert [door.split()[0] for door in doors] == ["network", "a", "glassgrad's", "memory"]


@LINUX
def test_a_stricter_limit_in_force_stays():
    code = """
import resource, sys
from glassgrad.engine.lab import sandbox_child
resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
assert sandbox_child._set("RLIMIT_FSIZE", 2**26)
assert resource.getrlimit(resource.RLIMIT_FSIZE) == (2**20, 2**20)
assert sandbox_child._set("RLIMIT_FSIZE", 2**10)
assert resource.getrlimit(resource.RLIMIT_FSIZE) == (2**10, 2**10)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_where_files_cannot_be_hidden_python_refuses_to_read_them(tmp_path, monkeypatch):
    for name in ("home", "class", "class/venv", "class/venv/secret"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "home")
    closed, venv = [str(tmp_path / "class"), str(tmp_path / "class/venv/secret")], str(tmp_path / "class/venv")
    refuse = sandbox_child.refusing(closed, [venv], own=True)
    refuse("import", ("math",))
    for path in (tmp_path / "class/venv/numpy.py", "mine.py", os.devnull):
        refuse("open", (os.fsencode(path), "r", 0))
    for path in ("mine.py", tmp_path / "home/mine.py", os.devnull):
        refuse("open", (os.fsencode(path), "w", os.O_WRONLY))
    for path in (tmp_path / "class/a.py", tmp_path / "class/venv/../a.py", tmp_path / "class/venv/secret/b.py", "/x"):
        with pytest.raises(PermissionError, match="may not look at other files than its own"):
            refuse("open", (os.fsencode(path), "r", 0))
    for event, given in (("open", (f"{venv}/x", "w", os.O_WRONLY)), ("os.rename", ("mine.py", f"{venv}/x", -1, -1))):
        with pytest.raises(PermissionError, match="may not change other files than its own"):
            refuse(event, given)
    with pytest.raises(ImportError, match="may not import torch: it is graded for its own work"):
        refuse("import", ("torch.nn",))
    sandbox_child.refusing([], [], own=False)("import", ("torch",))


def test_the_solutions_of_the_exercises_are_not_there(file):
    source = f"""
import glassgrad, os
folder = {str(Path(sandbox.__file__).resolve().parent / "exercises")!r}
def f(x):
    try:
        found = os.listdir(folder)
        return open(os.path.join(folder, found[0])).read() if found else None
    except OSError:
        return None
"""
    assert run(file(source), "def test_f(): assert f(1) is None").ok


def test_the_folder_is_temporary_and_the_environment_bare(file, monkeypatch):
    monkeypatch.setenv("SECRET_OF_TEACHER", "42")
    source = """
import os
open('left.txt', 'w').write('x')
def here(): return os.getcwd(), os.environ.get('HOME'), dict(os.environ)
"""
    with Student(file(source)) as student:
        folder, home, environment = student.load()["here"]()
        assert Path(folder, "left.txt").exists() and folder == home
    assert not Path(folder).exists()
    assert "SECRET_OF_TEACHER" not in environment


def test_tests_may_use_glassgrad_objects_functions_and_exceptions(file):
    source = """
import glassgrad as gg
class Value:
    def __init__(self, data): self.data = data
    def __add__(self, other): return Value(self.data + (other.data if isinstance(other, Value) else other))
    __radd__ = __add__
    def __repr__(self): return f"Value({self.data})"
def square(x): return x * x
def slope(f, x): return (f(x + 1e-6) - f(x - 1e-6)) / 2e-6
def several(): return [Value(1.0), (2, {"a": {3}})]
"""
    tests = """
import glassgrad as gg
from glassgrad import nn
def test_values():
    x = gg.Value(2.0)
    y = square(x)
    y.backward()
    assert x.grad == 4.0
    with gg.no_grad():
        assert square(x).inputs == ()
    assert len(nn.MLP(2, [3, 1], seed=1).parameters()) == 13
def test_functions():
    assert abs(slope(lambda x: x**2, 3.0) - 6) < 1e-6
    assert slope(square, 3.0) > 5
def test_objects():
    v = 1 + Value(2.0)
    assert isinstance(v, Value)
    v.data += 2
    assert v.data == 5.0
    assert sum([v, 1, 2]).data == 8.0
    assert str(v) == repr(v) == "Value(5.0)"
    first, (two, rest) = several()
    assert (two, rest) == (2, {"a": {3}})
    assert not hasattr(v, "grad")
def test_exceptions():
    try:
        Value()
    except TypeError as error:
        assert "data" in str(error)
    else:
        raise AssertionError
def test_an_error_of_the_tests_own():
    slope(lambda x: 1 / 0, 3.0)
def test_objects_are_not_compared():
    assert Value(1.0) == 1.0
def test_names(): assert number == 7 and double(4) == 8
"""
    outcome = run(file(source), tests, names={"number": 7, "double": lambda x: 2 * x})
    assert {result.name: result.message for result in outcome.results if not result.passed} == {
        "test_an_error_of_the_tests_own": "RuntimeError: ZeroDivisionError: division by zero "
        "(line 9: def slope(f, x): return (f(x + 1e-6) - f(x - 1e-6)) / 2e-6)",
        "test_objects_are_not_compared": "got an object of the class Value where a plain number, text or list is "
        "compared",
    }


MESSAGES = {
    "assert f(2) < 3": "f(2) gives 4, expected less than 3",
    "assert f(2) != 4": "f(2) gives 4, expected other than 4",
    "assert f(2) in (1, 2)": "f(2) gives 4, expected one of (1, 2)",
    "assert f(2) is None": "f(2) gives 4, expected None",
    "assert not f(2)": "this does not hold: not f(2)",
    "assert f(2) == 5 and f(3)": "this does not hold: f(2) == 5 and f(3)",
    "assert isinstance(f(2), str)": "this does not hold: isinstance(f(2), str), with 4, <class 'str'>",
    "assert f(2) == 5, 'twice, please'": "twice, please",
    "g(2)": "neither answer.py nor the tests define g",
    "1 / 0": "ZeroDivisionError: division by zero",
    "raise AssertionError": "",
}


def test_a_failing_test_says_what_it_got(file):
    tests = "\n".join(f"def test_{i}(): {text}" for i, text in enumerate(MESSAGES))
    outcome = run(file("def f(x): return 2 * x"), tests)
    assert [(result.passed, result.message) for result in outcome.results] == [
        (False, said) for said in MESSAGES.values()
    ]


EDGES = {  # of f(2), which is 4
    "==": ("4", "5"),
    "!=": ("5", "4"),
    "<": ("5", "4"),
    "<=": ("4", "3"),
    ">": ("3", "4"),
    ">=": ("4", "5"),
    "is": ("4", "5"),
    "is not": ("5", "4"),
    "in": ("(4,)", "()"),
    "not in": ("()", "(4,)"),
}


def test_each_comparison_is_right_at_its_edge(file):
    asked = [f"assert f(2) {sign} {other}" for sign, others in EDGES.items() for other in others]
    outcome = run(file("def f(x): return 2 * x"), "\n".join(f"def test_{i}(): {one}" for i, one in enumerate(asked)))
    assert [result.passed for result in outcome.results] == [True, False] * len(EDGES)


def test_one_test_that_ends_the_process_does_not_end_the_others(file):
    source = "import os\ndef f(x):\n    if x == 3: os._exit(0)\n    while x == 4: pass\n    return 2 * x"
    outcome = run(file(source), "\n".join(f"def test_{x}(): assert f({x}) == {2 * x}" for x in range(2, 6)), seconds=4)
    assert [result.passed for result in outcome.results] == [True, False, False, True]
    assert outcome.ended == "exited" and not outcome.ok


def test_without_tests_nothing_passes(file):
    assert not run(file("x = 1"), "").ok
    assert run(file("1/0"), "").ended == "raised"


def test_what_cannot_be_handed_over_is_told(file):
    (result,) = run(file("def f(x): return x"), "def test_f(): f(object())").results
    assert "a object of the test's cannot be handed to a learner's file" in result.message
    with pytest.raises(OSError, match="nowhere"):
        run(Path("nowhere.py"), "")
    with pytest.raises(SyntaxError):
        run(file(""), "def test(:")


def test_a_forged_answer_ends_the_run(file):
    """Whoever finds the number of a question in the frames above may answer, but not with nonsense."""
    source = """
import json, sys
frame = sys._getframe()
while "request" not in frame.f_locals:
    frame = frame.f_back
server, number = frame.f_locals["self"], frame.f_locals["request"]["id"]
server.send({"id": number, "value": VALUE})
def f(x): return 4
"""
    for value in ("5", '{"tuple": 3}', '{"dict": [[{"dict": []}, 1]]}', '{"dict": [[1, 2]]}', '{"unknown": 1}'):
        outcome = run(file(source.replace("VALUE", value)), TESTS)
        assert outcome.ended == "crashed" and not outcome.ok, value


def test_a_line_that_nobody_takes_does_not_hold_up_the_run(file):
    source = "import os, threading\ndef f(x): threading.Event().wait()\n"
    begin = time.monotonic()
    outcome = run(file(source), "def test_f(): f([0.5] * 90_000)", seconds=1)
    assert outcome.ended == "timed out" and time.monotonic() - begin < 4


def test_an_interrupted_program_ends_all(monkeypatch, file):
    event = sandbox.threading.Event()
    monkeypatch.setattr(sandbox, "_INTERRUPTED", event)
    with Student(file("while True: pass")) as student:
        sandbox.threading.Timer(0.3, sandbox.end_all).start()
        with pytest.raises(sandbox.Ended, match="took more"):
            student.load()
    with pytest.raises(sandbox.Ended, match="interrupted"):
        Student(file(""))


def test_there_are_no_processes_in_a_browser(monkeypatch, file):
    monkeypatch.setattr(sandbox.sys, "platform", "emscripten")
    with pytest.raises(OSError, match="not in a browser"):
        Student(file(""))


def test_a_machine_that_cannot_start_it_is_not_the_files_fault(monkeypatch, file):
    monkeypatch.setattr(sandbox, "TO_START", 0.0)
    with pytest.raises(OSError, match=r"a process for .*answer.py could not be started: it took more than 0 s"):
        run(file("x = 1"), TESTS)


def test_numpy_fits_into_the_memory(file):
    pytest.importorskip("numpy")
    outcome = run(file("import numpy as np\ndef f(x): return np.float64(2 * x)"), TESTS)
    assert outcome.ok, outcome


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")
def test_no_folder_and_no_descriptor_is_left(file):
    path = file("def f(x): return 2 * x")
    run(path, TESTS)
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(3):
        run(path, TESTS)
    assert len(list(Path("/dev/fd").iterdir())) <= before
