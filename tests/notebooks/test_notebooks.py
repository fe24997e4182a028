"""Every notebook runs from scratch, and what is stored in it is what it gives.

`GLASSGRAD_NOTEBOOKS=write pytest tests/notebooks` stores the outputs anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("ipykernel", reason='needs a kernel: pip install "glassgrad[notebook]"')
nbformat = pytest.importorskip("nbformat", reason="needs nbformat")
nbclient = pytest.importorskip("nbclient", reason="needs nbclient")

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def texts(cell):
    """What a cell printed and returned, as plain text; a busy machine cuts what is printed into several outputs."""
    return "".join(o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell.get("outputs", []))


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def both(request):
    """A notebook as it is stored, and as it comes out when it is run."""
    stored = nbformat.read(request.param, as_version=4)
    fresh = nbformat.from_dict(stored)
    for cell in fresh.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = nbclient.NotebookClient(
        fresh, timeout=120, kernel_name="python3", record_timing=False, coalesce_streams=True
    )
    client.execute(cwd=str(FOLDER))
    if os.environ.get("GLASSGRAD_NOTEBOOKS") == "write":
        fresh.metadata = stored.metadata
        nbformat.write(fresh, request.param)
        stored = nbformat.read(request.param, as_version=4)
    return stored, fresh


def test_there_is_a_notebook():
    assert NOTEBOOKS


def test_it_says_what_is_stored(both):
    stored, fresh = both
    for before, after in zip(stored.cells, fresh.cells):
        assert texts(before) == texts(after), before.source


def test_it_is_valid_and_without_errors(both):
    stored, _ = both
    nbformat.validate(stored)
    outputs = [output for cell in stored.cells for output in cell.get("outputs", [])]
    assert outputs
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]


def test_pictures_are_seen_without_scripts(both):
    stored, _ = both
    pictures = [
        output.data
        for cell in stored.cells
        for output in cell.get("outputs", [])
        if "image/svg+xml" in output.get("data", {})
    ]
    assert len(pictures) >= 3
    for data in pictures:
        assert {"text/html", "image/svg+xml", "text/plain"} <= set(data)
        assert "<img " in data["text/html"].partition("<iframe")[0]
        assert "data:image/svg+xml" in data["text/html"]
        assert "<script" not in data["text/html"].partition("srcdoc=")[0]


def test_nothing_of_the_machine_is_stored(both):
    stored, _ = both
    for cell in stored.cells:
        for output in cell.get("outputs", []):
            written = str(output)
            assert "ipykernel_" not in written
            assert str(Path.home()) not in written
