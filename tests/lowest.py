"""Print the lowest versions that pyproject.toml allows, for pip: `python tests/lowest.py > lowest.txt`, then
`pip install -c lowest.txt ".[test]"`. Python 3.10 has no reader of TOML, so the lines are read as they are written."""

from __future__ import annotations

import re
from pathlib import Path

TEXT = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
FOUND = re.findall(r'"([a-z][\w-]*)>=([\d.]+)"', TEXT[TEXT.index("dependencies = ") : TEXT.index("[project.scripts]")])


def pinned(version: str) -> str:
    """The version in full, as wheels are named: 13 is 13.0.0."""
    return ".".join([*version.split("."), "0", "0"][:3]) if version.count(".") < 2 else version


if __name__ == "__main__":
    print("\n".join(sorted({f"{name}=={pinned(version)}" for name, version in FOUND})))
