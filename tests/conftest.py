"""What all tests share: goldens, seeds, workers, and what becomes of a test that was skipped."""

from __future__ import annotations

import hashlib
import json
import os
import random
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

collect_ignore = [
    "benchmarks",
    "lowest.py",
    "mutation.py",
    "outside/micrograd",
    "outside/programs",
]  # programs, not tests
GOLDEN = Path(__file__).parent / "golden"
FRESH = os.environ.get("GLASSGRAD_SEED", "")
"""A whole number: random tests draw from this seed instead of their fixed one."""

hypothesis.settings.register_profile("fixed", deadline=None, derandomize=True)
hypothesis.settings.register_profile("nightly", deadline=None, derandomize=False, print_blob=True)
hypothesis.settings.load_profile("nightly" if FRESH else "fixed")


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Networks without a seed draw from Python's `random`: in every test the same."""
    random.seed(int(FRESH or 0))


@pytest.fixture
def golden():
    """Compare a text with the stored one; `GLASSGRAD_GOLDEN=write pytest` stores it anew, to be read and committed."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("GLASSGRAD_GOLDEN") == "write":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path) -> Any:
    """No doctests in tests: a module there that cannot be imported would be passed over, and its tests with it."""
    found = yield
    return [one for one in found if type(one).__name__ != "DoctestModule"]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Hypothesis draws from `GLASSGRAD_SEED` where it is set."""
    if FRESH:
        config.option.hypothesis_seed = FRESH


def bits_of_numpy() -> dict[str, str]:
    """A digest of what each function of NumPy gives that versions and processors round differently."""
    x, rng = np.linspace(-8, 8, 4001), np.random.default_rng(1)
    table = rng.normal(size=(60, 70))
    found: dict[str, Any] = {name: getattr(np, name)(x) for name in ("exp", "expm1", "sin", "cos", "tanh", "arctan")}
    found |= {name: getattr(np, name)(x + 9) for name in ("log", "log1p", "sqrt", "cbrt")}
    found |= {"@": table @ table.T, "sum": table.sum(axis=1), "std": table.std(axis=0), "normal": table}
    return {name: hashlib.sha256(bits.astype("<f8").tobytes()).hexdigest()[:16] for name, bits in found.items()}


def pytest_report_header() -> list[str]:
    """Which seed a nightly run has, and which functions of this NumPy give other bits than when they were recorded."""
    bits = GOLDEN / "bits.json"
    if not bits.exists():  # this file is run alone, by its own tests
        return [f"GLASSGRAD_SEED={FRESH}"] * bool(FRESH)
    recorded, found = json.loads(bits.read_text(encoding="utf-8")), bits_of_numpy()
    other = [name for name, digest in found.items() if recorded["digests"][name] != digest]
    told = f"other bits in {', '.join(other)} than" if other else "the same bits as"
    return [f"GLASSGRAD_SEED={FRESH}"] * bool(FRESH) + [f"NumPy {np.__version__}: {told} NumPy {recorded['numpy']}"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `fresh_seed` runs with three seeds: 0, 1 and 2, or those that begin at `GLASSGRAD_SEED`."""
    if "fresh_seed" in metafunc.fixturenames:
        first = int(FRESH or 0)
        metafunc.parametrize("fresh_seed", range(first, first + 3))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """`-n auto`: a worker for each processor that this process may use, and no more than eight."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, 8)


NEEDS = {"plot.py": "matplotlib"}  # doctests of modules that import without their extra, but do not run


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip doctests whose extra is missing."""
    for item in items:
        needed = NEEDS.get(item.path.name)
        if needed and "glassgrad" in item.path.parts and find_spec(needed) is None:
            item.add_marker(pytest.mark.skip(reason=f"needs {needed}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How to see the failures of a run with a fresh seed again."""
    failed = [report.nodeid for report in terminalreporter.stats.get("failed", [])]
    if FRESH and failed:
        terminalreporter.section("to see it again")
        for nodeid in failed:
            terminalreporter.line(f"GLASSGRAD_SEED={FRESH} python -m pytest '{nodeid}'")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where everything is installed (`GLASSGRAD_NO_SKIPS=1`), a test that was skipped is a failure.

    With workers this is said by the process that collects their reports; they have no reporter of their own.
    """
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("GLASSGRAD_NO_SKIPS") == "1" and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
