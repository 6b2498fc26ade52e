"""One figure in every format and version that is asked for, beside one another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from retrostats.common.defaults import THEMES, refuse_versions
from retrostats.common.errors import InputError


def save_versions(
    plan: Any, path: str | Path, formats: Sequence[str], themes: Sequence[str]
) -> list[Path]:
    """Write the figure of a plan: at `path`, in `formats` beside it, and `themes` of each.

    Raises
    ------
    InputError
        For another ending, format or theme, or a place that cannot be written.
    """
    from retrostats.report.figures.planned import describe
    from retrostats.report.figures.theme import write

    refuse_versions(path, formats, themes)
    path = Path(path)
    kind = path.suffix.lstrip(".").lower()
    title, words = path.stem.replace("_", " ").capitalize(), describe(plan)
    written = []
    for version in (None, *dict.fromkeys(themes)):
        figure = plan.figure() if version is None else plan.figure(*THEMES[version])
        stem = path.stem if version is None else f"{path.stem}-{version}"
        suffixes = (path.suffix, *(f".{name}" for name in formats if name != kind))
        for ending in dict.fromkeys(suffixes):
            file = path.with_name(stem + ending)
            _write(figure, file, title, words, write)
            written.append(file)
    return written


def _write(figure: Any, path: Path, title: str, words: str, write: Any) -> None:
    try:
        with path.open("wb") as file:
            write(figure, file, path.suffix.lstrip(".").lower(), title, words)
    except OSError as error:
        raise InputError(
            f"figure {path}: {error.strerror or error}; give a file that can be written"
        ) from None
