"""What all tests share."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

collect_ignore = ["benchmarks"]  # programs, not tests
GOLDEN = Path(__file__).parent / "golden"


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


NEEDS = {"plot.py": "matplotlib"}  # doctests of modules that import without their extra, but do not run


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip doctests whose extra is missing."""
    for item in items:
        needed = NEEDS.get(item.path.name)
        if needed and "glassgrad" in item.path.parts and find_spec(needed) is None:
            item.add_marker(pytest.mark.skip(reason=f"needs {needed}"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where everything is installed (`GLASSGRAD_NO_SKIPS=1`), a test that was skipped is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("GLASSGRAD_NO_SKIPS") == "1" and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
