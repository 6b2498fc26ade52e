"""What a folder of results holds, and how it is written: whole, or not at all."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from retrostats.common.defaults import NARROW, THEMES
from retrostats.report.folder import replace
from retrostats.report.formula_escape import write_csv
from retrostats.report.frames import TABLES, WHERE_FILLED

if TYPE_CHECKING:
    from retrostats.app.replication import Replication
    from retrostats.report.figures import Drawing
    from retrostats.report.press import Press

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
    from retrostats.report.press import press

    def fill(stage: Path) -> None:
        with press() as printing:
            _fill(replication, stage, formats, paper, themes, printing)

    return replace(directory, fill)


def _fill(
    replication: Replication,
    stage: Path,
    formats: Sequence[str],
    paper: Sequence[str],
    themes: Sequence[str],
    printing: Press,
) -> None:
    from retrostats.report.page.page import write_report
    from retrostats.report.tables import write_tables

    figures = stage / "figures"
    narrow = replication.drawn(*THEMES[NARROW], main=NARROW not in themes)
    # the page needs these pictures; all else is made by whoever has time
    shown = {"": set(replication.drawings), NARROW: set(_of_phone(narrow))}
    looks = {"": replication.drawings, NARROW: narrow}
    looks |= {theme: replication.drawn(*THEMES[theme]) for theme in themes if theme != NARROW}
    for look, drawings in looks.items():
        _hand_in(drawings, figures / look, formats, shown.get(look, set()), printing)
    printing.start()
    svgs = _pictures(replication.drawings, figures, formats, printing)
    phone = narrow_pictures(narrow, printing, figures / NARROW if "svg" in formats else None)
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
    write_report(replication, stage / "report.html", svgs, formats, phone)
    for key, files in printing.files().items():
        for kind, content in files.items():
            Path(f"{key}.{kind}").write_bytes(content)
    text = json.dumps(replication.provenance, indent=2, sort_keys=True, ensure_ascii=False)
    (stage / PROVENANCE).write_text(text + "\n", encoding="utf-8")


def _of_phone(drawings: Mapping[str, Drawing]) -> list[str]:
    """The first figure of each analysis: a phone is as wide as a column of a journal."""
    seen = {""}  # the figure of the whole is of no analysis
    found = []
    for name, drawing in drawings.items():
        if drawing.figure is not None and drawing.analysis not in seen:
            seen.add(drawing.analysis)
            found.append(name)
    return found


def narrow_pictures(
    drawings: Mapping[str, Drawing], printing: Press, folder: Path | None = None
) -> dict[str, str]:
    """SVG of the figures that a phone is shown, written to `folder` with their descriptions."""
    from retrostats.report.figures.svg_text import without_description
    from retrostats.report.press import made

    svgs: dict[str, str] = {}
    for name in _of_phone(drawings):
        drawing = drawings[name]
        if drawing.figure is not None:
            svg = made(printing.drawn(drawing.figure), "svg", name, drawing.alt)
            if folder is not None:
                (folder / f"{name}.svg").write_bytes(svg)
            svgs[name] = without_description(svg.decode("utf-8"))
    return svgs


def _pictures(
    drawings: Mapping[str, Drawing], folder: Path, formats: Sequence[str], printing: Press
) -> dict[str, str]:
    """The SVG of each figure, written."""
    from retrostats.report.press import made

    svgs: dict[str, str] = {}
    for name, drawing in drawings.items():
        if drawing.figure is not None and "svg" in drawing.written(formats):
            svg = made(printing.drawn(drawing.figure), "svg", name, drawing.alt)
            (folder / f"{name}.svg").write_bytes(svg)
            svgs[name] = svg.decode("utf-8")
    return svgs


def _hand_in(
    drawings: Mapping[str, Drawing],
    folder: Path,
    formats: Sequence[str],
    shown: Collection[str],
    printing: Press,
) -> None:
    """Give figures to the press; their files will stand in `folder`.

    SVGs of the figures in `shown` are left to who shows them.
    """
    folder.mkdir()
    for name, drawing in drawings.items():
        kinds = [k for k in drawing.written(formats) if k != "svg" or name not in shown]
        if drawing.figure is not None and kinds:
            printing.add(str(folder / name), drawing.figure, kinds, name, drawing.alt)


def _csv(replication: Replication, name: str, folder: Path) -> None:
    write_csv(getattr(replication, name), folder / f"{name}.csv")
