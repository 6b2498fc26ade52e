"""One table of text as a paper prints it, in HTML, LaTeX, Markdown, Word and CSV.

The cells are text already, rounded by one rule, so every format says the same. Nothing in a cell is
markup: what looks like it is escaped in each format.
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from datetime import datetime
from html import escape
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrostats.common.errors import InputError
from retrostats.report.tables.markup import html_table, latex_table

if TYPE_CHECKING:
    import pandas as pd

#: What Markdown would take for markup, wherever it stands.
_MARKUP = re.compile(r"([\\`*_\[\]<>|#~$&])")
#: A file holds no time of its own: the same table gives the same bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, eq=False)
class PaperTable:
    """A table for a paper.

    Attributes
    ----------
    name
        Of its files.
    title, note
        Caption, and what stands below the table.
    frame
        The cells as text, one column a heading.
    """

    name: str
    title: str
    note: str
    frame: pd.DataFrame

    def html(self) -> str:
        """A table element with its style, to paste."""
        return html_table(self.name, self.title, self.note, *self._text())

    def _page(self) -> str:
        """A page of the table alone, which says how its letters are written."""
        head = f'<meta charset="utf-8">\n<title>{escape(self.title)}</title>'
        return f'<!doctype html>\n<html lang="en">\n{head}\n{self.html()}</html>\n'

    def latex(self) -> str:
        """A table that goes on over pages; needs array, booktabs, caption and longtable."""
        return latex_table(self.title, self.note, *self._text()) + "\n"

    def markdown(self) -> str:
        """A pipe table with its caption and note.

        Raises
        ------
        InputError
            Without the extra `papers`.
        """
        tabulate = _extra("tabulate", "Markdown").tabulate
        cells = [[_plain(cell) for cell in row] for row in self.frame.to_numpy().tolist()]
        heads = [_plain(name) for name in self.frame.columns]
        grid = tabulate(cells, heads, tablefmt="pipe", disable_numparse=True)
        return f"**{_plain(self.title)}**\n\n{grid}\n\n{_plain(self.note)}\n"

    def docx(self) -> bytes:
        """A Word file of this table alone, on its side if it is wide.

        Raises
        ------
        InputError
            Without the extra `papers`.
        """
        document = _extra("docx", "Word").Document()
        _turn(document.sections[0], wide=len(self.frame.columns) > 5)
        document.core_properties.author = "retrostats"
        document.core_properties.title = self.title
        for name in ("created", "modified"):
            setattr(document.core_properties, name, datetime(*_EPOCH))
        document.add_paragraph().add_run(self.title).bold = True
        grid = document.add_table(1, len(self.frame.columns), "Light Shading")
        for cell, name in zip(grid.rows[0].cells, self.frame.columns, strict=True):
            cell.text = _printable(name)
        for row in self.frame.to_numpy().tolist():
            for cell, value in zip(grid.add_row().cells, row, strict=True):
                cell.text = _printable(value)
        for cell in (c for row in grid.rows for c in row.cells):
            _small(cell)
        document.add_paragraph(_printable(self.note))
        raw = io.BytesIO()
        document.save(raw)
        return _without_times(raw)

    def csv(self, path: Path) -> None:
        """The same text with nothing that a spreadsheet would run."""
        from retrostats.report.formula_escape import write_csv

        write_csv(self.frame, path)

    def write(self, folder: Path, formats: tuple[str, ...]) -> list[Path]:
        """Files of the table in `folder`, named after it."""
        writers: dict[str, Any] = {
            "csv": lambda path: self.csv(path),
            "html": lambda path: path.write_text(self._page(), encoding="utf-8"),
            "tex": lambda path: path.write_text(self.latex(), encoding="utf-8"),
            "md": lambda path: path.write_text(self.markdown(), encoding="utf-8"),
            "docx": lambda path: path.write_bytes(self.docx()),
        }
        paths = []
        for suffix in formats:
            path = folder / f"{self.name}.{suffix}"
            writers[suffix](path)
            paths.append(path)
        return paths

    def _repr_html_(self) -> str:
        return self.html()

    def __repr__(self) -> str:
        return f"{self.title}\n{self.frame.to_string(index=False)}\n{self.note}"

    def _text(self) -> tuple[list[str], list[list[str]]]:
        """Headings, and cells without control characters."""
        rows = [[_printable(cell) for cell in row] for row in self.frame.to_numpy().tolist()]
        return [_printable(name) for name in self.frame.columns], rows


def _extra(module: str, what: str) -> Any:
    """A module of the extra `papers`."""
    try:
        return import_module(module)
    except ImportError:
        raise InputError(
            f"tables in {what} need an extra: pip install 'retrostats[papers]'"
        ) from None


def _plain(value: Any) -> str:
    """Text in which Markdown finds no markup."""
    return _MARKUP.sub(r"\\\1", str(value).replace("\n", " "))


def _printable(value: Any) -> str:
    """Text without the control characters that XML forbids."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", str(value))


def _turn(section: Any, *, wide: bool) -> None:
    from docx.enum.section import WD_ORIENT

    if wide:
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = section.page_height, section.page_width


def _small(cell: Any) -> None:
    from docx.shared import Pt

    for run in (run for paragraph in cell.paragraphs for run in paragraph.runs):
        run.font.size = Pt(8)


def _without_times(raw: io.BytesIO) -> bytes:
    """The same package with every part dated alike."""
    out = io.BytesIO()
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(
                zipfile.ZipInfo(name, _EPOCH), old.read(name), compress_type=zipfile.ZIP_DEFLATED
            )
    return out.getvalue()
