"""What a folder of results holds, and how it is written: whole, or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace as with_fields
from pathlib import Path
from typing import TYPE_CHECKING

from retrostats.common.defaults import NARROW
from retrostats.common.second_process import shared
from retrostats.report.folder import replace
from retrostats.report.formula_escape import write_csv
from retrostats.report.frames import TABLES, WHERE_FILLED
from retrostats.report.sheets import by_look, in_words_of, prepare_to_draw, sheets_of, shown_of

if TYPE_CHECKING:
    from retrostats.app.replication import Replication
    from retrostats.report.sheets import Files

FRAMES = ("verdicts", "answers", "estimates", "assumptions")
PROVENANCE = "provenance.json"


def save(
    replication: Replication,
    directory: Path,
    formats: Sequence[str],
    paper: Sequence[str],
    themes: Sequence[str] = (),
) -> Path:
    """Write the results to `directory`; earlier results change as a whole, other files stay.

    Raises
    ------
    InputError
        As `retrostats.report.folder.replace`.
    """
    sheets = sheets_of(replication.drawings, formats, themes)

    def fill(stage: Path) -> None:
        with shared([sheet.files for sheet in sheets], prepare_to_draw) as drawn:
            drawn.start()
            _write_tables(replication, stage, paper)
            _write_figures(replication, stage, formats, by_look(sheets, drawn.results()))

    return replace(directory, fill)


def _write_tables(replication: Replication, stage: Path, paper: Sequence[str]) -> None:
    from retrostats.report.tables import write_tables

    tables = stage / "tables"
    for name in FRAMES:
        _csv(replication, name, stage)
    tables.mkdir()
    for name in TABLES:
        _csv(replication, name, tables)
    for name in WHERE_FILLED:
        if len(getattr(replication, name)):
            _csv(replication, name, tables)
    write_tables(replication, tables, tuple(paper))
    text = json.dumps(replication.provenance, indent=2, sort_keys=True, ensure_ascii=False)
    (stage / PROVENANCE).write_text(text + "\n", encoding="utf-8")


def _write_figures(
    replication: Replication,
    stage: Path,
    formats: Sequence[str],
    looks: Mapping[str, Mapping[str, Files]],
) -> None:
    """The files of figures, and the page that shows some of them."""
    from retrostats.report.page.page import write_report

    for look, figures in looks.items():
        (stage / "figures" / look).mkdir(parents=True)
        for name, files in figures.items():
            files.write(stage / "figures" / look, name)
    svgs, phone = (shown_of(looks.get(look, {})) for look in ("", NARROW))
    in_words = with_fields(replication, drawings=in_words_of(looks[""]))
    write_report(in_words, stage / "report.html", svgs, formats, phone)


def _csv(replication: Replication, name: str, folder: Path) -> None:
    write_csv(getattr(replication, name), folder / f"{name}.csv")
