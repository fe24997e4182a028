"""The house: every file on its floor, no arrow up, no circle, nothing left out of the package; and all that needs to
runs on the standard library alone. The floors are the `layers` contracts in pyproject.toml, read here once more, so
that this holds without import-linter, for imports inside functions too."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11 to read pyproject.toml")

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = PYPROJECT["tool"]["setuptools"]
FOLDERS = {path: name for name, path in sorted(SETUPTOOLS["package-dir"].items(), reverse=True)}
FOLDERS = {"engine/_root": FOLDERS.pop("engine/_root"), **FOLDERS}  # before engine/, which it lies in
CONTRIBUTING = ROOT / "CONTRIBUTING.md"


def module_of(path: Path) -> str:
    """The dotted name a file is imported by."""
    folder = next(folder for folder in FOLDERS if path.is_relative_to(ROOT / folder))
    parts = path.relative_to(ROOT / folder).with_suffix("").parts
    return ".".join([FOLDERS[folder], *parts]).removesuffix(".__init__")


FILES = {module_of(path): path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))}
PACKAGES = {module for module, path in FILES.items() if path.name == "__init__.py"}


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below, those inside functions too, but for what only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            for other in child.orelse:
                yield other
                yield from statements(other)
        else:
            yield child
            yield from statements(child)


def imports_of(module: str, text: str, is_package: bool) -> set[str]:
    """The files of glassgrad that `module` with the source `text` imports, wherever the import stands."""
    package = module if is_package else module.rpartition(".")[0]
    found = set()
    for node in statements(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] if node.level else ""
            base = ".".join(part for part in (above, node.module) if part)
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                found.add(inner if inner in FILES else base)
    return {name for name in found if name in FILES and name != module}


@cache
def graph() -> dict[str, set[str]]:
    """For every file those it imports."""
    return {
        module: imports_of(module, path.read_text(encoding="utf-8"), module in PACKAGES)
        for module, path in FILES.items()
    }


def test_imports_are_found_wherever_they_stand():
    text = """
from __future__ import annotations
from typing import TYPE_CHECKING
import glassgrad.nn.data
if TYPE_CHECKING:
    from ..errors import GraphError
else:
    from .. import number
def f():
    from ..core import value
    if True:
        from .graph import Graph as g
"""
    assert imports_of("glassgrad.engine.story.steps", text, False) == {
        "glassgrad.nn.data",
        "glassgrad.engine.number",
        "glassgrad.engine.core.value",
        "glassgrad.engine.story.graph",
    }
    assert imports_of("glassgrad.engine", "from .errors import GraphError", True) == {"glassgrad.engine.errors"}


def test_no_circle_of_files():
    try:
        order = list(TopologicalSorter(graph()).static_order())
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))
    assert set(order) == FILES.keys()
    assert sum(map(len, graph().values())) > 200


# -- floors ---------------------------------------------------------------------------------------------------

CONTRACTS = [c for c in PYPROJECT["tool"]["importlinter"]["contracts"] if c["type"] == "layers"]
FLOORS = {
    container: [[name.strip() for name in layer.replace(":", "|").split("|")] for layer in contract["layers"]]
    for contract in CONTRACTS
    for container in contract["containers"]
}
"""For every folder its floors from the top down; on each the names (files or folders) that may not know each other."""


def child(module: str, container: str) -> str | None:
    """The file or folder of `container` that `module` is or lies in."""
    return module[len(container) + 1 :].split(".")[0] if module.startswith(f"{container}.") else None


def test_every_folder_has_its_floors_and_every_file_its_own():
    assert FLOORS.keys() == PACKAGES
    for container, floors in FLOORS.items():
        inside = {found for found in (child(module, container) for module in FILES) if found}
        listed = [name for floor in floors for name in floor]
        assert sorted(listed) == sorted(inside), container
    assert all(contract["exhaustive"] for contract in CONTRACTS)


def test_no_arrow_goes_up():
    found = []
    for container, floors in FLOORS.items():
        height = {name: -depth for depth, floor in enumerate(floors) for name in floor}
        for module, others in graph().items():
            upper = child(module, container)
            for other in others:
                lower = child(other, container)
                if upper and lower and upper != lower and height[upper] <= height[lower]:
                    found.append(f"{module} imports {other}")
    assert found == []


def test_nn_and_viz_meet_in_the_command_line_only():
    for module, others in graph().items():
        if module.startswith("glassgrad.nn"):
            assert not any(other.startswith("glassgrad.viz") for other in others), module
        if module.startswith("glassgrad.viz") and not module.startswith("glassgrad.viz.cli"):
            assert not any(other.startswith("glassgrad.nn") for other in others), module


# -- the drawing in CONTRIBUTING.md ---------------------------------------------------------------------------

BEGIN, END = "<!-- floors: drawn by tests/test_floors.py -->\n```text\n", "```\n<!-- end of floors -->"


def rows() -> list[tuple[str, str]]:
    """A row for every folder, the upper ones first: its path and its floors from the top down."""

    def below(container: str) -> Iterator[tuple[str, str]]:
        files, folders = [], []
        for floor in FLOORS[container]:
            inner = [name for name in floor if f"{container}.{name}" in PACKAGES]
            plain = [name for name in floor if name not in inner]
            if plain and plain != ["__main__"]:
                folders.append(("", " ".join(sorted(plain))))
            folders += [(name, "") for name in inner]
        for name, texts in folders:
            if name:
                if files:
                    yield path_of(container), " › ".join(files)
                    files = []
                yield from below(f"{container}.{name}")
            else:
                files.append(texts)
        if files:
            yield path_of(container), " › ".join(files)

    return list(below("glassgrad"))


def path_of(module: str) -> str:
    """`viz/walk` of `glassgrad.viz.walk`."""
    return module.removeprefix("glassgrad.").replace(".", "/") + "/"


def drawing() -> str:
    """The floors as text, from the roof to the ground, in boxes."""
    left = max(len(name) for name, _ in rows())
    lines: list[tuple[str, str]] = []
    for name, text in rows():
        pieces, line = [], ""
        for part in text.split(" › "):
            if line and len(line) + len(part) > 92 - left:
                pieces.append(f"{line} ›")
                line = part
            else:
                line = f"{line} › {part}" if line else part
        pieces.append(line)
        lines += [(name if i == 0 else "", piece) for i, piece in enumerate(pieces)]
    right = max(len(text) for _, text in lines)
    edge = "─" * (left + 2), "─" * (right + 2)
    out = [f"┌{edge[0]}┬{edge[1]}┐"]
    for i, (name, text) in enumerate(lines):
        if i and name:
            out.append(f"├{edge[0]}┼{edge[1]}┤")
        out.append(f"│ {name:<{left}} │ {text:<{right}} │")
    return "\n".join([*out, f"└{edge[0]}┴{edge[1]}┘"]) + "\n"


def test_the_architecture_page_shows_these_floors():
    """`GLASSGRAD_GOLDEN=write pytest tests/test_floors.py` draws them anew."""
    before, begin, rest = CONTRIBUTING.read_text(encoding="utf-8").partition(BEGIN)
    shown, end, after = rest.partition(END)
    assert begin and end
    if os.environ.get("GLASSGRAD_GOLDEN") == "write":
        CONTRIBUTING.write_text(before + BEGIN + drawing() + END + after, encoding="utf-8")
        shown = drawing()
    assert shown == drawing()


def test_the_architecture_page_has_a_paragraph_for_every_folder():
    text = CONTRIBUTING.read_text(encoding="utf-8")
    for module in PACKAGES - {"glassgrad"}:
        assert f"**`{path_of(module)}`**" in text, module


# -- what is installed ----------------------------------------------------------------------------------------


def test_no_folder_is_missing_in_the_package():
    assert sorted(SETUPTOOLS["packages"]) == sorted(PACKAGES)
    for name, path in SETUPTOOLS["package-dir"].items():
        assert FILES[name] == ROOT / path / "__init__.py"
    for folder in ("engine", "nn", "viz"):  # every folder with code is a package
        for path in (ROOT / folder).rglob("*.py"):
            assert (path.parent / "__init__.py").exists(), path


def test_no_other_file_is_missing_in_the_package():
    data: dict[str, Any] = SETUPTOOLS["package-data"]
    packed = {
        found
        for package, patterns in data.items()
        for pattern in patterns
        for found in FILES[package].parent.glob(pattern)
    }
    others = {
        path
        for folder in ("engine", "nn", "viz")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert packed == others


# -- the standard library alone -------------------------------------------------------------------------------

ALONE = """
import sys

class OnlyTheStandardLibrary:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top != "glassgrad":
            raise ModuleNotFoundError(f"{name} is not in the standard library", name=top)

sys.meta_path.insert(0, OnlyTheStandardLibrary())
folder = sys.argv[1]
"""
PARTS = {
    "engine": """
import glassgrad as gg
x, w = gg.Value(2.0, "x"), gg.Value(-1.0, "w")
y = (x * w).tanh() + gg.dot([x, w], [w, 3.0], x) ** 2
y.backward()
second = gg.grad(gg.grad(y, x, create_graph=True), x)
gg.define_op("cube", "³", "a", "a**3", "3 * a**2")
assert gg.grad(x.cube(), x) == 12.0
with gg.no_grad():
    assert (x * w).op == "detached"
""",
    "story": """
import glassgrad as gg
x, w = gg.Value(2.0, "x"), gg.Value(-1.0, "w")
with gg.record_source() as sources:
    y = (x * w).tanh() + x
graph = gg.Graph(y, {}, sources)
assert gg.Graph.from_json(graph.to_json()) == graph
walk = gg.steps(graph)
assert all(step.rule and step.sentence for step in walk)
assert "sum:" in str(gg.explain(y, x))
""",
    "faults": """
import glassgrad as gg
for fault in gg.lab.FAULTS:
    example = gg.lab.smallest_example(fault)
    assert str(example) and example._repr_html_()
    if fault != "cycle":
        pair = gg.viz.compare(example.expression, fault, **example.inputs)
        assert pair.save(folder + "/pair.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
""",
    "proof": """
import glassgrad as gg
assert gg.gradcheck(lambda x, w: (x * w).tanh() / w + abs(x), [0.0, -1.5], second_order=True)
many = [gg.Value(0.1 * i, f"x{i}") for i in range(70)]
assert gg.gradcheck(lambda: gg.dot(many, many[::-1]).sin(), many)
assert "its sign is turned round" in str(gg.gradcheck(lambda x: x * x, [3.0], reference=lambda x: [-2 * x]))
assert [fault.kind for fault in gg.gradcheck(lambda x: x.data * x, [3.0]).faults] == ["lost"]
""",
    "drawing": """
import glassgrad as gg
x, w = gg.Value(2.0, "x"), gg.Value(-1.0, "w")
y = (x * w).tanh() + x
for layout in ("auto", "builtin"):
    picture = gg.viz.draw(y, layout=layout)
    assert picture.save(folder + "/graph.svg").read_text(encoding="utf-8").startswith("<svg")
    assert "<svg" in picture.save(folder + "/graph.html").read_text(encoding="utf-8")
assert set(picture._repr_mimebundle_()) == {"text/html", "image/svg+xml", "text/plain"}
assert gg.viz.draw_paths(y, x).svg.startswith("<svg")
model = gg.nn.MLP(2, [3, 2], seed=1)
assert "MLP" in gg.viz.draw(gg.nn.cross_entropy(model([x, w]), [0, 1]), fold=True).svg
""",
    "grade": """
import glassgrad as gg
from pathlib import Path
engine = Path(folder, "engine.py")
engine.write_text("class Value:\\n    __add__ = lambda a, b: a\\n    __init__ = lambda a, x: None")
assert not gg.lab.grade(type("Value", (), {})).ok
assert not gg.lab.grade_file(engine).ok
""",
    "walk": """
import glassgrad as gg
def neuron(x, w, b):
    n = x * w + b
    return n.tanh()
for walk in (gg.viz.step(neuron, x=2.0, w=-1.0, b=0.5), gg.viz.step("n = x*w; tanh(n)", x=2.0, w=3.0)):
    page = walk.save(folder + "/page.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "<iframe" in walk._repr_mimebundle_()["text/html"]
""",
    "exercises and questions": """
from glassgrad.engine.lab.check import check
from glassgrad.engine.lab.exercise_file import exercises
from glassgrad.engine.lab.question import answer, questions
for exercise in exercises():
    assert check(exercise, exercise.solution).ok
for question in questions():
    assert question.name == "matrix" or answer(question)
""",
}


@pytest.mark.parametrize("part", PARTS)
def test_it_runs_on_the_standard_library_alone(part, tmp_path):
    code = ALONE + PARTS[part] + "\nassert not {'numpy', 'rich', 'graphviz'} & sys.modules.keys()"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_blocker_blocks(tmp_path):
    done = subprocess.run([sys.executable, "-c", ALONE + "import numpy", str(tmp_path)], capture_output=True, text=True)
    assert "numpy is not in the standard library" in done.stderr


TOP = {"pyproject.toml", "README.md", "engine", "nn", "viz", "tests", "notebooks", "MANIFEST.in"}
TOP |= {"LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "CITATION.cff", "SECURITY.md"}


@pytest.mark.skipif(
    not (ROOT / ".git").exists() or not shutil.which("git"), reason="what belongs to the project is known from git"
)
def test_nothing_else_lies_at_the_top():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    assert {path.partition("/")[0] for path in listed if not path.startswith(".")} <= TOP
