"""Every notebook runs from top to bottom, gives what is stored, and shows it to readers."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


IMAGES = {"image/png", "image/svg+xml"}
#: Identifiers of rows, columns of identifiers, and those of studies: for code, not for readers.
IDENTIFIERS = re.compile(r"\b(?:mc|li|bf)-[a-z]\w*|\b\w+_id\b|\b[a-z]{4,}\d{4}\b")


def shown(cell: nbformat.NotebookNode) -> list[str]:
    """What a cell printed or displayed, as text; a picture has none."""
    outputs = [o for o in cell.get("outputs", []) if not IMAGES & set(o.get("data", {}))]
    texts = [o.get("data", {}).get("text/plain", "") + o.get("text", "") for o in outputs]
    return [text for text in texts if not text.startswith("<Figure")]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_stored_outputs_are_for_readers(path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    assert "**You will learn**" in cells[0].source
    for cell in cells:
        for text in shown(cell):
            assert " at 0x" not in text
            assert not IDENTIFIERS.findall(text)
        assert all(output.output_type != "error" for output in cell.get("outputs", []))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
@pytest.mark.filterwarnings("ignore")  # the kernel's own libraries warn on start
def test_notebook_runs(path) -> None:
    notebook = nbformat.read(path, as_version=4)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    for source in code:
        kinds = {type(node) for node in ast.walk(ast.parse(source))}
        assert not kinds & {ast.FunctionDef, ast.ClassDef, ast.Lambda}
    stored = [shown(cell) for cell in notebook.cells]
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    now = [shown(cell) for cell in notebook.cells]
    assert now == stored, "run `make notebooks`: what is stored is not what the code gives today"
    printed = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/svg+xml" in output.get("data", {}) for output in printed)
