"""`gg.lab.grade`: a class gets exactly its faults, each with a program that shows it."""

from __future__ import annotations

import inspect
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import glassgrad as gg
from glassgrad.engine.lab import sandbox
from glassgrad.engine.lab.grade_checks import EVERYDAY, basics, checks, random_programs
from glassgrad.engine.lab.grade_judge import _same, grade, grade_file
from glassgrad.engine.lab.grade_report import WHOSE, Grade, Row

CLASSES = Path(__file__).parent / "classes"


def class_of(source: str) -> type:
    module = ModuleType("student")
    exec(source, vars(module))
    return module.Value


def wrong(report) -> list[str]:
    return [row.name for row in report.of("wrong")]


def test_micrograd_gets_exactly_its_faults(golden):
    engine = pytest.importorskip("micrograd.engine")
    report = grade(engine.Value)
    golden("lab/grade_micrograd.txt", settled(str(report)))
    assert report.ok and report.score == 1.0
    assert settled(str(grade_file(engine.__file__))) == settled(str(report))


def test_a_class_with_tuples_of_local_gradients_gets_exactly_its_faults(golden):
    report = grade(class_of((CLASSES / "tuples.py").read_text(encoding="utf-8")))
    golden("lab/grade_tuples.txt", settled(str(report)))
    assert settled(str(grade_file(CLASSES / "tuples.py"))) == settled(str(report))


def settled(text: str) -> str:
    """Without what differs between versions of Python, and the place and the open doors that only a file's report
    knows."""
    text = re.sub(r"\ncould not be forbidden: .*", "", text)
    text = re.sub(r"ZeroDivisionError: [^,(]*?(?= \(line|, expected)", "ZeroDivisionError: …", text)
    return re.sub(r" \(line \d+: [^\n]*\)(?=, expected)", "", text)


def test_a_class_without_a_fault_passes():
    for report in (
        grade_file(CLASSES / "faultless.py"),
        grade(class_of((CLASSES / "faultless.py").read_text(encoding="utf-8"))),
    ):
        assert wrong(report) == [], report
        assert report.ok and report.score == 1.0 and report
        assert {"a.exp()", "a.relu()", "2 ** a", "a ** b"} <= {row.name for row in report.of("not there")}
        assert "random graphs" in {row.name for row in report.of("right")}


FAULTLESS = (CLASSES / "faultless.py").read_text(encoding="utf-8")
MISTAKES = {
    "a sign": ("(1 - t * t,)", "(t * t - 1,)", ["a.tanh()"]),
    "the other's slope": ("(other.data, self.data)", "(self.data, other.data)", ["a * b"]),
    "no chain rule": ("child.grad += slope * node.grad", "child.grad += slope", ["the chain rule"]),
    "overwritten": ("child.grad += slope * node.grad", "child.grad = slope * node.grad", ["reuse: a + a"]),
    "roots first": ("stack.append((node, True))", "order.insert(0, node)", ["order: all users first"]),
    "leaves first": ("in reversed(order)", "in order", ["order: from the result back"]),
    "stale": (
        "            if node.children:\n                node.grad = 0.0",
        "            pass",
        ["a second backward()"],
    ),
    "forgotten leaves": (
        "            if node.children:\n                node.grad = 0.0",
        "            node.grad = 0.0",
        [],
    ),
    "no root": ("self.grad += 1.0", "pass", ["backward() begins with 1"]),
    "numbers compare": (
        "def tanh",
        "def __eq__(s, o): return s.data == o.data\n    __hash__ = None\n    def tanh",
        ["backward() begins with 1"],
    ),
    "by number": (
        "def tanh",
        "def __eq__(s, o): return s.data == o.data\n    def __hash__(s): return hash(s.data)\n    def tanh",
        ["equal numbers"],
    ),
    "in place": (
        "def tanh",
        "def __iadd__(s, o):\n        s.data += o.data\n        return s\n    def tanh",
        ["b += a"],
    ),
    "power": ("power * self.data ** (power - 1) if power else 0.0", "self.data ** (power - 1)", ["a ** 2"]),
    "power at 0": (" if power else 0.0", "", ["a ** 0 at 0"]),
    "swapped": ("return other + (-self)", "return self - other", ["2 - a"]),
    "read late": (
        "child.grad += slope * node.grad",
        "child.grad += (slope if node.slopes[0] == 1 or len(node.slopes) == 1 else "
        "node.children[1 - [*node.children].index(child)].data) * node.grad",
        ["a changed number"],
    ),
    "text": ("return Value(self.data + other.data,", "return Value(str(self.data + other.data),", []),
    "nonsense": ("self.grad += 1.0", "self.grad = float('nan')", ["backward() begins with 1"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_found_and_named_first(mistake):
    old, new, first = MISTAKES[mistake]
    assert FAULTLESS.count(old) == 1
    report = grade(class_of(FAULTLESS.replace(old, new)))
    assert [name.startswith(start) for name, start in zip(wrong(report), first)] == [True] * len(first), report
    assert bool(wrong(report)) == bool(first), report


@pytest.mark.parametrize(
    "mistake", ["no chain rule", "overwritten", "roots first", "leaves first", "no root", "a sign"]
)
def test_one_mistake_is_one_fault(mistake):
    """Ops are judged where it does not matter; what builds on the mistake and comes out wrong is not judged."""
    old, new, (only,) = MISTAKES[mistake]
    report = grade(class_of(FAULTLESS.replace(old, new)))
    assert wrong(report) == [only]
    others = {row.why for row in report.of("not judged")}
    assert others <= {f"cannot be judged, as {only} is not right"} and not report.ok
    if "root" not in mistake or mistake == "roots first":
        assert {"a + b", "a * b", "a ** 2"} <= {row.name for row in report.of("right")}


def test_ops_are_judged_where_the_root_has_no_gradient():
    """As in the lecture before `self.grad = 1.0` is moved into backward()."""
    lecture = (Path(__file__).parent.parent / "outside" / "micrograd" / "engine.py").read_text(encoding="utf-8")
    assert lecture.count("self.grad = 1") == 1
    report = grade(class_of(lecture.replace("self.grad = 1", "pass #")))
    assert wrong(report)[0] == "backward() begins with 1" and wrong(report)[1] == "a chain of 1000"
    assert report.right == basics() - 1 and not report.of("not judged")
    again = lecture.replace("self.grad = 1", "pass #").replace("self.data * other.data,", "self.data - other.data,")
    assert wrong(grade(class_of(again)))[:2] == ["backward() begins with 1", "a * b"]


def test_the_score_is_of_as_many_for_everybody():
    sources = [FAULTLESS, *(FAULTLESS.replace(*mistake[:2]) for mistake in MISTAKES.values())]
    reports = [grade(class_of(source)) for source in sources]
    reports.append(grade(class_of(re.sub("def __(pow|r?truediv)__|def tanh", "def other", FAULTLESS))))
    for report in reports:
        rows = [row.group for row in report.rows]
        assert rows.count("basics") == basics() - 1 and rows.count("finer points") == 16
        assert report.score == report.right / basics() and f" of {basics()} right" in report.headline
    assert reports[-1].ok and reports[-1].score < 1  # what it lacks is no fault, and not right


def test_what_was_not_asked_for_want_of_time_does_not_pass(tmp_path):
    file = tmp_path / "slow.py"
    file.write_text(
        FAULTLESS.replace("def backward(self):", "def backward(self):\n        import time; time.sleep(0.1)")
    )
    report = grade_file(file, seconds=2)
    assert not report.ok and report.of("not judged", "basics") and not report.of("wrong")
    assert report.of("not judged")[0].why == "not asked, as the 2 seconds were over"
    assert "1 / a" not in {row.name for row in report.of("not there")}  # it is there, and was not asked for


@pytest.mark.parametrize(
    "kept", ["__add__ __mul__ backward", "__add__ backward", "__mul__ backward", "__add__ __mul__"]
)
def test_plus_times_and_backward_are_needed_and_nothing_else(kept):
    kind, names = class_of(FAULTLESS), {"__init__", *kept.split(), kept[:7].replace("__", "__r", 1)}
    for name in [name for name, one in vars(kind).items() if inspect.isfunction(one) and name not in names]:
        delattr(kind, name)
    report = grade(kind)
    assert report.ok == (kept.count(" ") == 2) and report.score < 1


@pytest.mark.parametrize("verdict", ["wrong", "not judged", "not there", "right"])
def test_one_function_that_is_not_right_is_not_made_up_for_by_another(verdict):
    rows = [Row(name, "right", "basics") for name in ("a + b", "a * b", "random graphs")]
    for functions in ((verdict, "right"), ("right", verdict)):
        all_rows = [*rows, *(Row(f"f{i}", one, "functions") for i, one in enumerate(functions))]
        one = Grade("Value", tuple(all_rows))
        assert one.ok == (verdict in ("not there", "right")) and one.right == 3 + one.ok


@pytest.mark.parametrize(
    ("got", "expected", "same"),
    [
        (1e-12, 5e-10, False),
        (5e-10 * (1 + 1e-10), 5e-10, True),
        (1e-16, 0.0, True),
        (1e-6, 0.0, False),
        (1e9 + 0.5, 1e9, True),
        (1e9 + 5, 1e9, False),
        (math.inf, math.inf, True),
        (math.inf, -math.inf, False),
        (1.0, math.inf, False),
        (math.nan, math.nan, True),
        (math.nan, 1.0, False),
    ],
)
def test_numbers_are_the_same_up_to_rounding(got, expected, same):
    assert _same(got, expected) is same


def test_what_is_a_matter_of_choice_is_no_fault():
    fresh = FAULTLESS.replace(
        "            if node.children:\n                node.grad = 0.0", "            node.grad = 0.0"
    )
    report = grade(class_of(fresh))
    assert report.ok
    assert [row.name for row in report.of("a choice")][:2] == ["two losses on one leaf", "a second backward()"]
    assert "choice" in report.of("a choice")[0].why


def test_the_smallest_program_can_be_run_as_it_stands():
    report = grade(class_of(FAULTLESS.replace("(1 - t * t,)", "(1 - t,)")))
    (row,) = report.of("wrong")
    *statements, ask = row.program.split("; ")
    for kind, text in ((gg.Value, row.expected), (class_of(FAULTLESS), row.expected)):
        space = {"V": kind}
        exec("; ".join(statements), space)
        assert f"{eval(ask, space):.10g}" == text
    assert row.got != row.expected and row.why


WRAPPER = """
import glassgrad as gg
class Value:
    def __init__(self, data): self.inner = data if isinstance(data, gg.Value) else gg.Value(data)
    data = property(lambda self: self.inner.data)
    grad = property(lambda self: self.inner.grad)
    def __add__(self, other): return Value(self.inner + other.inner)
    def __mul__(self, other): return Value(self.inner * other.inner)
    def backward(self): self.inner.backward()
"""
THREAD = """
import threading
def elsewhere(x):
    found = []
    def compute(): found.append(__import__("glassgrad").tanh(x))
    thread = threading.Thread(target=compute)
    thread.start()
    thread.join()
    return found[0]
"""
BORROWED = {
    "a subclass": "import glassgrad as gg\nclass Value(gg.Value): pass",
    "a subclass by another name": "from glassgrad.engine import Value as Base\nclass Value(Base): pass",
    "the class itself": "from glassgrad import Value",
    "a wrapper": WRAPPER,
    "its functions": FAULTLESS.replace("math.tanh(self.data)", "__import__('glass' 'grad').tanh(self.data)"),
    "in a thread": FAULTLESS.replace("class Value", THREAD + "class Value").replace(
        "math.tanh(self.data)", "elsewhere(self.data)"
    ),
}
PLACE = Path(sandbox.__file__).resolve().parents[1]
HIDDEN = {
    "a path": f"import sys\nsys.path.insert(0, {str(PLACE.parent)!r})\nfrom engine.core.value import Value",
    "a loader": "import importlib.machinery as m, types\n"
    f"code = m.SourceFileLoader('mine', {str(PLACE / 'core' / 'value.py')!r}).get_code('mine')",
    "no finder": "import sys\nsys.meta_path[:] = [f for f in sys.meta_path]\n"
    "import importlib\nValue = importlib.import_module('glassgrad.engine').Value",
    "the system": "import ctypes\nc = ctypes.CDLL(None)\nc.umount2(b'" + str(PLACE) + "', 2)\n"
    f"assert c.open(b'{PLACE / 'core' / 'value.py'}', 0) >= 0\n" + FAULTLESS,
}


@pytest.mark.parametrize("how", BORROWED)
def test_glassgrads_own_engine_is_reported_and_does_not_pass(how, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(BORROWED[how])
    report = grade_file(file)
    assert not report.ok and report.score < 1
    printed = report.output + report.of("wrong")[0].got
    assert "may not import glassgrad: it is graded for its own work" in printed
    if "class" in how:
        here = grade(class_of(BORROWED[how]))
        assert not here.ok and here.score == 0.0
        assert here.rows[0].name == WHOSE and "glassgrad's own engine" in here.rows[0].why


@pytest.mark.skipif(sys.platform != "linux", reason="hidden by the system on Linux")
@pytest.mark.parametrize("how", HIDDEN)
def test_the_files_of_the_engine_are_not_there_for_a_graded_file(how, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(HIDDEN[how])
    report = grade_file(file)
    if how == "the system" and report.open_doors:  # where it hides nothing, it is said
        return
    assert not report.ok and wrong(report) == ["the file"]
    assert re.search("(ModuleNotFound|FileNotFound|Permission|Import|Assertion|Attribute)Error", report.rows[0].got)


def test_the_process_of_a_graded_file_has_no_module_of_glassgrads(tmp_path):
    """Nor anything that leads to one: whoever takes over its frames finds the standard library."""
    file = tmp_path / "mine.py"
    file.write_text(
        "import gc, sys\nmodules = [n for n in sys.modules if 'glassgrad' in n and 'editable' not in n]\n"
        "frame, found = sys._getframe(), []\n"
        "while frame := frame.f_back: found += [str(v) for v in frame.f_globals.values() if 'glassgrad.' in str(v)]\n"
    )
    with sandbox.Student(file, own=True) as student:
        names = student.load()
        assert list(names["modules"]) == [] and list(names["found"]) == []


FORGED = {
    "dir": ("lambda x: 5", "does not say what its class Value has"),
    "classes": ("lambda: {'Value': []}", "an answer of the file was not understood"),
    "load": ("lambda: 3", "something was written where only answers belong"),
    "attempt": ("lambda *given: [[1.0], '', False]", "an answer of the file was not understood"),
}


@pytest.mark.parametrize("function", FORGED)
def test_forged_answers_are_no_traceback_and_no_pass(function, tmp_path):
    new, said = FORGED[function]
    file = tmp_path / "mine.py"
    file.write_text(
        f"{FAULTLESS}\nimport sys\nframe = sys._getframe()\nwhile frame := frame.f_back:\n"
        "    for one in list(frame.f_locals.values()):\n"
        f"        if hasattr(one, 'functions'): one.functions[{function!r}] = {new}\n"
    )
    report = grade_file(file)
    if function == "load":  # it is being answered when the file takes over: only the next process would be asked
        assert report.ok
    else:
        assert not report.ok and said in str(report)


def test_no_answers_are_no_right_ones(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "import gc\nclass Value:\n    def __add__(s, o): pass\n    __mul__ = __add__\n"
        "S = next(o for o in gc.get_objects() if type(o).__name__ == 'Served')\n"
        "S.functions['attempt'] = lambda *a: [[], '', False, '']\n"
    )
    report = grade_file(file)
    assert not report.ok and not report.of("right") and "got no answer" in str(report)


def test_a_class_that_a_file_imports_is_not_the_students(tmp_path):
    pytest.importorskip("micrograd")
    file = tmp_path / "mine.py"
    file.write_text("from micrograd.engine import Value")
    assert "may not import micrograd" in grade_file(file).rows[0].got
    file.write_text("from fractions import Fraction as Value")
    foreign = "the file imports Value, or what it builds on, from fractions"
    assert grade_file(file).rows[0].why == foreign
    file.write_text("from fractions import Fraction\nclass Value(Fraction): pass")
    report = grade_file(file)
    assert report.rows[0].why == foreign and not report.ok and report.score == 0
    file.write_text(
        FAULTLESS.replace("class Value:", "from typing import Generic, TypeVar\nclass Value(Generic[TypeVar('T')]):")
    )
    assert grade_file(file).ok


NO_CLASS = {
    "x = 1": "defines no class that can be added or multiplied",
    "class A:\n    def __add__(s, o): pass\nclass B(A): pass": "has 2 classes (A, B): choose one with --class NAME",
    "class A: pass": "defines no class that can be",
}


@pytest.mark.parametrize("source", NO_CLASS)
def test_a_file_without_a_class_or_with_several(source, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(source)
    (row,) = grade_file(file).rows
    assert row.name == "the file" and NO_CLASS[source] in row.got


def test_a_class_can_be_named(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(FAULTLESS.replace("Value", "Scalar") + "\nclass Other(Scalar): pass\n")
    assert grade_file(file, "Scalar").ok
    (row,) = grade_file(file, "Scaler").rows
    assert "defines no class Scaler (it has Scalar, Other)" in row.got


@pytest.mark.parametrize("given", [3.0, gg.Value(3.0), "Value"])
def test_only_a_class_is_graded(given):
    with pytest.raises(TypeError, match="grade takes a class, such as grade"):
        gg.lab.grade(given)


def test_what_lacks_all_does_not_pass():
    report = grade(type("Empty", (), {"__init__": lambda self, data: setattr(self, "data", data)}))
    assert not report.ok
    (row,) = report.of("wrong")
    assert row.name == "a gradient begins at 0" and "AttributeError" in row.got
    broken = grade(type("Broken", (), {}))
    assert broken.of("wrong")[0].name == "a number"


def test_the_report_is_a_text_a_table_and_data():
    report = grade(class_of(FAULTLESS.replace("(1 - t * t,)", "(1 - t,)")))
    assert str(report) == repr(report)
    html = report._repr_html_()
    assert html.count("<tr>") == len(report.wrong) + 1 and "why it matters" in html
    assert html.endswith("a.exp(), a.log(), a.sigmoid(), a.relu(), a ** b, 2 ** a, relu at 0</div>")
    assert "<tr>" not in grade(class_of(FAULTLESS))._repr_html_()
    data = json.loads(json.dumps(report.as_json()))
    assert data["of"] == "Value" and not data["ok"] and len(data["rows"]) == len(report.rows)


def test_hostile_text_cannot_steer_the_terminal():
    source = FAULTLESS.replace("self.grad += 1.0", "raise ValueError('\\x1b[2J\\u202e')")
    assert "\x1b" not in str(grade(class_of(source)))
    assert "\\x1b[2J" in str(grade(class_of(source)))


def test_answers_that_equal_everything_are_wrong():
    source = FAULTLESS.replace("self.grad += 1.0", "self.grad = Same()") + (
        "\nclass Same:\n    def __eq__(s, o): return True\n    __lt__ = __le__ = __gt__ = __ge__ = __eq__\n"
        "    __mul__ = __rmul__ = __add__ = __radd__ = __sub__ = __rsub__ = __abs__ = lambda s, *o: s\n"
    )
    report = grade(class_of(source))
    assert not report.ok and wrong(report)[0] == "backward() begins with 1"


@pytest.mark.parametrize("number", ["10**400", "{1: 10**1200}", "-10**1000"])
def test_answers_that_are_no_float_are_wrong(number):
    report = grade(class_of(FAULTLESS.replace("self.grad += 1.0", f"self.grad = {number}")))
    assert not report.ok and wrong(report) == ["backward() begins with 1"]


def test_every_program_is_right_on_glassgrads_own_value():
    for check in (*checks(), random_programs(EVERYDAY)):
        for trial in check.trials:
            if trial.expected is None:
                space = {"V": gg.Value}
                exec(trial.code, space)
                assert all(isinstance(eval(ask, space), float) for ask in trial.asks), trial


def test_the_front_door_is_lazy():
    code = "import sys, glassgrad as gg; assert 'glassgrad.engine.lab' not in sys.modules; gg.lab.grade, dir(gg.lab)"
    subprocess.run([sys.executable, "-c", code], check=True)
