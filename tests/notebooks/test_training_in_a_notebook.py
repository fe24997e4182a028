"""In a notebook `fit` shows a bar and plots show themselves, with nothing but the base packages and matplotlib."""

from __future__ import annotations

import pytest

pytest.importorskip("ipykernel", reason='needs a kernel: pip install "glassgrad[notebook]"')
pytest.importorskip("matplotlib", reason="needs matplotlib")
nbformat = pytest.importorskip("nbformat", reason="needs nbformat")
nbclient = pytest.importorskip("nbclient", reason="needs nbclient")

HIDE = "import sys; sys.modules['ipywidgets'] = None"
FIT = """
from glassgrad import nn, viz
data = nn.moons(40, seed=1)
model = nn.MLP(2, [8, 1], seed=1)
history = nn.fit(model, *data, loss="hinge", learning_rate=0.1, epochs=30)
"""
BOUNDARY = "viz.plot_decision_boundary(lambda p: nn.predict(model, p), *data)"


@pytest.fixture(scope="module")
def outputs():
    cells = [nbformat.v4.new_code_cell(source) for source in (HIDE, FIT, "viz.plot_history(history)", BOUNDARY)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return [cell.outputs for cell in notebook.cells]


def test_fit_shows_one_line_that_ends_with_the_result(outputs):
    (bar,) = outputs[1]
    assert bar.output_type == "display_data"
    assert bar.data["text/plain"].startswith("epoch 30/30  loss ")
    assert bar.data["text/html"].startswith('<progress value="30" max="30"></progress> epoch 30/30  loss ')


@pytest.mark.parametrize("cell", [2, 3])
def test_a_plot_is_shown_without_magic(outputs, cell):
    (plot,) = outputs[cell]
    assert plot.output_type == "execute_result"
    assert len(plot.data["image/png"]) > 5000
