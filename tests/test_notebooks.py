"""Every notebook runs from top to bottom, gives what is stored, and shows it to readers."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

#: Seconds on the clock after which a cell counts as hanging, however busy the machine.
HANGS = 900
NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
#: The one that takes least; each is run by `make thorough`.
RUN = [
    path if "body_fat" in path.stem else pytest.param(path, marks=pytest.mark.thorough)
    for path in NOTEBOOKS
]


IMAGES = {"image/png", "image/svg+xml"}
#: Identifiers of rows, columns of identifiers, and those of studies: for code, not for readers.
IDENTIFIERS = re.compile(r"\b(?:mc|li|bf)-[a-z]\w*|\b\w+_id\b|\b[a-z]{4,}\d{4}\b")


def shown(cell: nbformat.NotebookNode) -> list[str]:
    """What a cell displayed, as text, and last all that it printed; a picture has none.

    Prints are joined: on a busy machine a kernel sends those of one cell in several pieces.
    """
    outputs = [o for o in cell.get("outputs", []) if not IMAGES & set(o.get("data", {}))]
    displayed = [o.get("data", {}).get("text/plain", "") for o in outputs]
    printed = "".join(o.get("text", "") for o in outputs)
    return [text for text in (*displayed, printed) if text and not text.startswith("<Figure")]


def test_prints_are_the_same_in_one_piece_and_in_two() -> None:
    pieces = [nbformat.v4.new_output("stream", text=text) for text in ("a\nb\n", "a\n", "b\n")]
    table = nbformat.v4.new_output("display_data", {"text/plain": "table"})
    one, two = (
        shown(nbformat.v4.new_code_cell(outputs=[*some, table]))
        for some in (pieces[:1], pieces[1:])
    )
    assert one == two == ["table", "a\nb\n"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_stored_outputs_are_for_readers(path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    assert "**You will learn**" in cells[0].source
    for cell in cells:
        for text in shown(cell):
            assert " at 0x" not in text
            assert not IDENTIFIERS.findall(text)
        assert all(output.output_type != "error" for output in cell.get("outputs", []))
    for source in (cell.source for cell in cells if cell.cell_type == "code"):
        kinds = {type(node) for node in ast.walk(ast.parse(source))}
        assert not kinds & {ast.FunctionDef, ast.ClassDef, ast.Lambda}


@pytest.mark.parametrize("path", RUN, ids=lambda p: p.stem)
@pytest.mark.filterwarnings("ignore")  # the kernel's own libraries warn on start
def test_notebook_runs(path) -> None:
    notebook = nbformat.read(path, as_version=4)
    stored = [shown(cell) for cell in notebook.cells]
    NotebookClient(notebook, timeout=HANGS, startup_timeout=HANGS, kernel_name="python3").execute()
    now = [shown(cell) for cell in notebook.cells]
    assert now == stored, "run `make notebooks`: what is stored is not what the code gives today"
    printed = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/svg+xml" in output.get("data", {}) for output in printed)
