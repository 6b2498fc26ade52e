"""Write results whole: everything is made in a hidden folder, then put in place at once."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from retrostats.errors import InputError

if TYPE_CHECKING:
    from retrostats.replicate import Replication

FRAMES = ("verdicts", "estimates", "assumptions")
TABLES = ("sensitivity", "checks", "witnesses", "sources")
#: A folder with this file was written by retrostats and may be replaced.
MARK = "provenance.json"


def save(replication: Replication, directory: Path, formats: Sequence[str]) -> Path:
    """Write the results to `directory`, replacing earlier results as a whole.

    Raises
    ------
    InputError
        If `directory` is a file, holds other files than earlier results, or cannot be written.
    """
    directory = directory.resolve()
    _may_replace(directory)
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        _bring_back(directory)
        stage = _stage(directory)
        try:
            _fill(replication, stage, formats)
            _swap(stage, directory)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    except OSError as error:
        raise InputError(
            f"cannot write {directory}: {error.strerror or error}; give another folder with --out"
        ) from None
    return directory


def _may_replace(directory: Path) -> None:
    if directory.exists() and not directory.is_dir():
        raise InputError(f"--out {directory}: this is a file; give a folder")
    if directory.is_dir() and any(directory.iterdir()) and not (directory / MARK).is_file():
        raise InputError(
            f"--out {directory}: the folder holds files that are not earlier results "
            f"(no {MARK}); give an empty or a new folder"
        )


def _stage(directory: Path) -> Path:
    """A fresh hidden folder beside `directory`; leftovers of killed runs are cleared."""
    for old in directory.parent.glob(f".{directory.name}.partial-*"):
        if not _alive(old.name.rpartition("-")[2]):
            shutil.rmtree(old, ignore_errors=True)
    stage = directory.parent / f".{directory.name}.partial-{os.getpid()}"
    stage.mkdir()
    return stage


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _fill(replication: Replication, stage: Path, formats: Sequence[str]) -> None:
    from retrostats.draw.figures.theme import save as save_figure
    from retrostats.draw.report.page import write_report
    from retrostats.draw.report.tables import write_tables

    for name in FRAMES:
        _csv(replication, name, stage)
    tables = stage / "tables"
    tables.mkdir()
    for name in TABLES:
        _csv(replication, name, tables)
    write_tables(replication, tables)
    figures = stage / "figures"
    figures.mkdir()
    for name, figure in replication.figures.items():
        save_figure(figure, figures, name, formats)
    drawings = {path.stem: path.read_text(encoding="utf-8") for path in figures.glob("*.svg")}
    write_report(replication, stage / "report.html", drawings)
    text = json.dumps(replication.provenance, indent=2, sort_keys=True, ensure_ascii=False)
    (stage / MARK).write_text(text + "\n", encoding="utf-8")


def _csv(replication: Replication, name: str, folder: Path) -> None:
    getattr(replication, name).to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


def _backup(directory: Path) -> Path:
    return directory.parent / f".{directory.name}.previous"


def _bring_back(directory: Path) -> None:
    """A run killed between the two renames left the earlier results aside: put them back."""
    backup = _backup(directory)
    if backup.is_dir():
        if directory.exists():
            shutil.rmtree(backup)
        else:
            backup.rename(directory)


def _swap(stage: Path, directory: Path) -> None:
    backup = _backup(directory)
    if directory.exists():
        directory.rename(backup)
    stage.rename(directory)
    shutil.rmtree(backup, ignore_errors=True)
