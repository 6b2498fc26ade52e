"""`retrostats validate FILE`: whether a cohort file can be analysed, and every problem of it."""

from __future__ import annotations

from pathlib import Path

from retrostats.common.errors import InputError
from retrostats.common.vocabulary import Vocabulary
from retrostats.io.cohort.cohort import Cohort, load_cohort
from retrostats.io.tables.files import shown_name
from retrostats.io.validation.understood import account_lines


def validated(
    path: str | Path,
    spec: str | Path | None = None,
    audit: Vocabulary | str | Path | None = None,
) -> tuple[int, str, Cohort | None]:
    """Exit code (0 usable, 2 not), the text to print, and the cohort where the file is usable.

    Arguments are those of `load_cohort`.

    Examples
    --------
    >>> validated("no-such-file.csv")[0]
    2
    """
    try:
        cohort = load_cohort(path, spec=spec, audit=audit)
    except InputError as error:
        return 2, str(error), None
    return 0, account_of(path, cohort), cohort


def account_of(path: str | Path, cohort: Cohort) -> str:
    """What a file was read as, its use first."""
    counts, use = cohort.provenance, cohort.analysis or "models of your own"
    for_what = f"usable for {use}"
    if not counts.get("judges", True):
        for_what = f"shown by {use}, judges no claim"
    lines = [
        f"{shown_name(Path(path))}: {for_what}; {counts['rows_in']} rows in, "
        f"{counts['rows_used']} used, {counts['rows_explained']} explained below; "
        f"{cohort.n_subjects} subjects"
    ]
    return "\n".join([*lines, *(f"  {line}" for line in account_lines(counts))])
