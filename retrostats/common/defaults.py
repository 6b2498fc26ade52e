"""Defaults of a replication; the pinned answers were made with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from retrostats.common.errors import InputError, refuse_unknown

#: Seed of the draws: the month the six-week study appeared in print.
SEED = 20050301
#: Draws of the printed numbers inside their rounding.
DRAWS = 1000
#: Draws that fit in the memory of an ordinary machine.
MAX_DRAWS = 1_000_000
FORMATS = ("svg", "pdf", "png")
#: Further versions of the figures, each with its look and its width in mm (None: the look's own).
THEMES: dict[str, tuple[str, float | None]] = {
    "85mm": ("light", 85.0),
    "dark": ("dark", None),
    "slide": ("slide", None),
}
#: The version of which the figures of estimates are always written; a phone shows them too.
NARROW = "85mm"
#: Formats of the tables for papers; the last two need the extra `papers`.
TABLE_FORMATS = ("csv", "html", "tex", "md", "docx")
TABLES = ("csv", "html", "tex")
#: Whose claims get figures of their own: those the audit is about, or all that were measured.
CLAIM_FIGURES = ("core", "all")


def refuse_versions(path: str | Path, formats: Sequence[str], themes: Sequence[str]) -> None:
    """Refuse a file, formats or versions of a figure that none is written in.

    Raises
    ------
    InputError
        For another ending, format or theme.

    Examples
    --------
    >>> refuse_versions("plan.gif", (), ())
    Traceback (most recent call last):
    retrostats.common.errors.InputError: figure plan.gif: the name must end with .svg, .pdf, .png
    """
    if Path(path).suffix.lstrip(".").lower() not in FORMATS:
        raise InputError(f"figure {path}: the name must end with .{', .'.join(FORMATS)}")
    refuse_unknown("formats", formats, FORMATS)
    refuse_unknown("themes", themes, THEMES)
