"""Example people of a template: known by their codes, and never data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from retrostats.common.errors import InputError
from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

#: Code of an example person, however a spreadsheet or a hand has changed its case or its dash.
EXAMPLE = re.compile(r"example[\s_.‐-―-]*\d+", re.IGNORECASE)
_IN_LINES = re.compile(rf"^\s*(?:{EXAMPLE.pattern})", re.IGNORECASE | re.MULTILINE)
#: Rows named in the message.
NAMED = 5


def is_example(code: object) -> bool:
    """Whether a code of a person is that of an example.

    Examples
    --------
    >>> is_example("EXAMPLE-1"), is_example("example 12"), is_example("Ex1")
    (True, True, False)
    """
    return bool(EXAMPLE.fullmatch(str(code).strip()))


def without_examples(
    frame: pd.DataFrame, file: str, problems: list[Problem]
) -> tuple[pd.DataFrame, tuple[int, ...]]:
    """The frame without a template's example people, and the rows they stood in.

    Raises
    ------
    InputError
        Nobody else is in the table: it is the template itself.
    """
    from retrostats.io.tables.distinct import any_matches, coded_rows

    if "subject" not in frame:
        return frame, ()
    if not any_matches(_IN_LINES, list(map(str, coded_rows(frame["subject"])[1]))):
        return frame, ()
    codes = frame["subject"].dropna().unique()
    invented = [code for code in codes if is_example(code)]
    if not invented:
        return frame, ()
    mine = frame["subject"].isin(invented)
    rows = tuple(dict.fromkeys(int(row) for row in frame.loc[mine, "source_row"]))
    shown = ", ".join(map(str, rows[:NAMED])) + (" ..." if len(rows) > NAMED else "")
    found = f"{len(invented)} example people of the template ({invented[0]} ...)"
    if len(invented) == len(codes):
        raise InputError(
            str(
                Problem("error", file, shown, "subject", f"{found} and nobody else",
                        "people who were measured", "examples are never data: write your own rows "
                        "in their place, with codes of your own (any but EXAMPLE-1)")
            )
        )  # fmt: skip
    problems.append(
        Problem("warning", file, shown, "subject", found, "people who were measured",
                "rows left out: examples are never data")
    )  # fmt: skip
    return frame[~mine], rows
