"""The suite itself: skips that must not happen, seeds that can be given again, as many workers as processors."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parent / "conftest.py"
RANDOM = """
from hypothesis import given, strategies as st

def test_ok(): pass

@given(st.integers(0, 10**9))
def test_drawn(number): assert number < 10**6

def test_seeded(fresh_seed): assert fresh_seed % 3 == 0
"""


@pytest.fixture
def run(tmp_path):
    """Runs a test file under this suite's conftest.py, in a process of its own: exit status and output."""

    def start(text: str, *options: str, **environment: str) -> tuple[int, str]:
        shutil.copy(CONFTEST, tmp_path)
        (tmp_path / "test_it.py").write_text(text)
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("GLASSGRAD_", "PYTEST_"))}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
            cwd=tmp_path,
            env={**clean, **environment},
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout + done.stderr

    return start


XDIST = pytest.mark.skipif(find_spec("xdist") is None, reason="needs pytest-xdist")
WAYS = [pytest.param((), id="one process"), pytest.param(("-n", "2"), id="workers", marks=XDIST)]


SKIPPING = [
    "import pytest\ndef test_a(): pytest.skip('no')\ndef test_b(): pass",
    "import pytest\n@pytest.mark.skip\ndef test_a(): pass\ndef test_b(): pass",
    "import pytest\npytest.importorskip('there_is_no_such_module')",
]


@pytest.mark.parametrize("options", WAYS)
@pytest.mark.parametrize("skipping", SKIPPING)
def test_where_everything_is_installed_a_skip_is_a_failure(run, options, skipping):
    assert run(skipping, *options, GLASSGRAD_NO_SKIPS="1")[0] == 1


@pytest.mark.parametrize("options", WAYS)
def test_elsewhere_a_skip_is_none_and_without_skips_all_is_well(run, options):
    assert run("\n".join(SKIPPING), *options)[0] == 5  # nothing was left to run
    assert run("def test_a(): pass", *options, GLASSGRAD_NO_SKIPS="1")[0] == 0


@pytest.mark.parametrize("options", WAYS)
def test_a_run_with_a_fresh_seed_tells_how_to_repeat_it(run, options):
    status, said = run(RANDOM, *options, GLASSGRAD_SEED="41")
    assert status == 1
    assert "GLASSGRAD_SEED=41 python -m pytest 'test_it.py::test_drawn'" in said
    assert "GLASSGRAD_SEED=41 python -m pytest 'test_it.py::test_seeded[41]'" in said
    assert "test_seeded[42]'" not in said
    assert said.splitlines()[-1].startswith("3 failed, 2 passed in ")
    fixed = run(RANDOM, *options)[1]
    assert "to see it again" not in fixed
    assert fixed.splitlines()[-1].startswith("3 failed, 2 passed in ")
    assert "test_seeded[1]" in fixed


def test_a_seed_draws_the_same_numbers_and_another_seed_others(run):
    drawn = """
from hypothesis import given, settings, strategies as st
numbers = []
@settings(max_examples=5, database=None)
@given(st.integers(0, 10**9))
def test_a(number): numbers.append(number)
def test_b(): print("drawn", numbers)
"""
    texts = [
        next(line for line in run(drawn, "-s", **seed)[1].splitlines() if "drawn" in line)
        for seed in ({"GLASSGRAD_SEED": "5"}, {"GLASSGRAD_SEED": "5"}, {"GLASSGRAD_SEED": "6"}, {}, {})
    ]
    assert texts[0] == texts[1] != texts[2]
    assert texts[3] == texts[4] != texts[0]


@XDIST
def test_as_many_workers_as_processors(run):
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    status, said = run("import os\ndef test_a(): assert os.environ['PYTEST_XDIST_WORKER']", "-n", "auto", "-v")
    assert status == 0
    assert f"created: {min(usable, 8)}/{min(usable, 8)} worker" in said
