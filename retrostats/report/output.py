"""What a folder of results holds, and how it is written: whole, or not at all."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
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
    printing: Press | None = None,
) -> Path:
    """Write the results to `directory`; earlier results change as a whole, other files stay.

    `printing` is a press that runs already; one is started if None.

    Raises
    ------
    InputError
        As `retrostats.report.folder.replace`.
    """
    from retrostats.report.press import press

    def fill(stage: Path) -> None:
        with contextlib.ExitStack() as held:
            count = len(replication.figures) * (1 + len(themes))
            running = printing or held.enter_context(press(count))
            _fill(replication, stage, formats, paper, themes, running)

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
    # the page needs the pictures of the default look; all else is made while it is built
    svgs = _pictures(replication.drawings, figures, formats, printing)
    narrow = replication.drawn(*THEMES[NARROW], main=NARROW not in themes)
    _hand_in(narrow, figures / NARROW, formats, printing)
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
    write_report(replication, stage / "report.html", svgs, formats, narrow_pictures(narrow))
    for theme in themes:
        if theme != NARROW:
            _hand_in(replication.drawn(*THEMES[theme]), figures / theme, formats, printing)
    for key, files in printing.files().items():
        for kind, content in files.items():
            Path(f"{key}.{kind}").write_bytes(content)
    text = json.dumps(replication.provenance, indent=2, sort_keys=True, ensure_ascii=False)
    (stage / PROVENANCE).write_text(text + "\n", encoding="utf-8")


def narrow_pictures(drawings: Mapping[str, Drawing]) -> dict[str, str]:
    """SVG of the first figure of each analysis: a phone is as wide as a column of a journal."""
    from retrostats.report.press import made

    svgs: dict[str, str] = {}
    seen = {""}  # the figure of the whole is of no analysis
    for name, drawing in drawings.items():
        if drawing.figure is not None and drawing.analysis not in seen:
            seen.add(drawing.analysis)
            svgs[name] = made(drawing.figure, "svg", name, "").decode("utf-8")
    return svgs


def _pictures(
    drawings: Mapping[str, Drawing], folder: Path, formats: Sequence[str], printing: Press
) -> dict[str, str]:
    """The SVG of each figure, written; its other formats are handed in."""
    from retrostats.report.press import made

    _hand_in(drawings, folder, [kind for kind in formats if kind != "svg"], printing)
    svgs: dict[str, str] = {}
    for name, drawing in drawings.items():
        if drawing.figure is not None and "svg" in drawing.written(formats):
            svg = made(drawing.figure, "svg", name, drawing.alt)
            (folder / f"{name}.svg").write_bytes(svg)
            svgs[name] = svg.decode("utf-8")
    return svgs


def _hand_in(
    drawings: Mapping[str, Drawing], folder: Path, formats: Sequence[str], printing: Press
) -> None:
    """Give figures to the press; their files will stand in `folder`."""
    folder.mkdir()
    for name, drawing in drawings.items():
        kinds = drawing.written(formats)
        if drawing.figure is not None and kinds:
            printing.add(str(folder / name), drawing.figure, kinds, name, drawing.alt)


def _csv(replication: Replication, name: str, folder: Path) -> None:
    write_csv(getattr(replication, name), folder / f"{name}.csv")
