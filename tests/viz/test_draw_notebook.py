"""A drawing in a notebook: all three forms are stored, and the picture survives a sanitiser."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

nbclient = pytest.importorskip("nbclient", reason="needs nbclient")
nbformat = pytest.importorskip("nbformat", reason="needs nbformat")
pytest.importorskip("ipykernel", reason="needs ipykernel")

CELL = """
import glassgrad as gg
x = gg.Value(3.0)
y = x * x + x
y.backward()
gg.viz.draw(y, layout="builtin")
"""


class Allowed(HTMLParser):
    """What a strict sanitiser lets through: no script, style sheet, event handler, frame or address."""

    def handle_starttag(self, tag, attributes):
        assert tag in ("div", "img", "p")
        for name, value in attributes:
            assert name in ("src", "alt", "width", "height", "style")
            assert name != "src" or value.startswith("data:image/svg+xml;base64,")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning", "ignore::ResourceWarning")
def test_outputs_of_a_cell():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    data = notebook.cells[0].outputs[0].data
    assert set(data) == {"text/html", "image/svg+xml", "text/plain"}
    assert data["text/plain"] == "graph of y = 12: 3 nodes, 4 edges, 1 leaf, gradients computed"
    assert data["image/svg+xml"].count(">y = +<") == 1
    Allowed().feed(data["text/html"])
