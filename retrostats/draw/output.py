"""What a folder of results holds, and how it is written: whole, or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from retrostats.defaults import THEMES
from retrostats.draw.folder import replace
from retrostats.draw.neutral import write_csv

if TYPE_CHECKING:
    from retrostats.draw.figures import Drawing
    from retrostats.replication import Replication

FRAMES = ("verdicts", "estimates", "assumptions")
TABLES = (
    "certainty",
    "summary",
    "sensitivity",
    "explorations",
    "unknowns",
    "specifications",
    "draws",
    "checks",
    "cohorts",
    "cohort_shares",
    "own_results",
    "questions",
    "witnesses",
    "sources",
)
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
        As `retrostats.draw.folder.replace`.
    """
    return replace(directory, lambda stage: _fill(replication, stage, formats, paper, themes))


def _fill(
    replication: Replication,
    stage: Path,
    formats: Sequence[str],
    paper: Sequence[str],
    themes: Sequence[str],
) -> None:
    from retrostats.draw.report.page import write_report
    from retrostats.draw.tables import write_tables

    for name in FRAMES:
        _csv(replication, name, stage)
    tables = stage / "tables"
    tables.mkdir()
    for name in TABLES:
        _csv(replication, name, tables)
    write_tables(replication, tables, tuple(paper))
    figures = stage / "figures"
    _figures(replication.drawings, figures, formats)
    for theme in themes:
        _figures(replication.drawn(*THEMES[theme]), figures / theme, formats)
    svgs = {path.stem: path.read_text(encoding="utf-8") for path in figures.glob("*.svg")}
    write_report(replication, stage / "report.html", svgs, formats)
    text = json.dumps(replication.provenance, indent=2, sort_keys=True, ensure_ascii=False)
    (stage / PROVENANCE).write_text(text + "\n", encoding="utf-8")


def _figures(drawings: Mapping[str, Drawing], folder: Path, formats: Sequence[str]) -> None:
    from retrostats.draw.figures.theme import save as save_figure

    folder.mkdir()
    for name, drawing in drawings.items():
        if drawing.figure is not None:
            save_figure(drawing.figure, folder, name, drawing.written(formats), drawing.alt)


def _csv(replication: Replication, name: str, folder: Path) -> None:
    write_csv(getattr(replication, name), folder / f"{name}.csv")
