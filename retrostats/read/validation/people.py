"""Who is in a table: rows that sum up, codes that are nearly one another, unpaired people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from retrostats.read.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

#: First word of a row that sums up those above it; the second set may also be somebody's initials.
_SUMMARY = re.compile(
    r"(mean|average|avg|mittel|mittelwert|durchschnitt|moyenne|media|promedio|ø|total|summe|gesamt"
    r"|somme|somma|suma|sum|median|mediane|mediana|std|stdev|stdabw|stabw|standardabweichung"
    r"|ecart|dev|desv|desviacion|mw)\b|n ?= ?\d",
    re.IGNORECASE,
)
_MAYBE = re.compile(r"(sd|se|sem|n|min|max|s|ds|et|de)\b", re.IGNORECASE)
LISTED = 20


def summary_rows(subjects: pd.Series) -> np.ndarray:
    """Whether rows, at the end of a table, are means and the like instead of people.

    Examples
    --------
    >>> import pandas as pd
    >>> summary_rows(pd.Series(["p1", "p2", "Mean", "SD"])).tolist()
    [False, False, True, True]
    """
    found = np.zeros(len(subjects), dtype=bool)
    certain = False
    for at in range(len(subjects) - 1, -1, -1):
        text = str(subjects.iloc[at] or "").strip()
        if _SUMMARY.match(text):
            certain = True
        elif not _MAYBE.fullmatch(text):
            break
        found[at] = True
    return found if certain else np.zeros(len(subjects), dtype=bool)


def code_problems(frame: pd.DataFrame, file: str) -> list[Problem]:
    """Codes that differ only in zeros, case or blanks: one person or two?"""
    import pandas as pd

    codes = pd.Series(frame["subject"].dropna().unique(), dtype=object)
    plain = codes.map(_plain)
    found = []
    for _, same in codes.groupby(plain):
        if len(same) > 1:
            names = " and ".join(map(repr, same))
            found.append(
                Problem("error", file, "", "subject", names, "one code a person",
                        "write the codes alike, or make them different")
            )  # fmt: skip
    return found[:LISTED]


def pairing_problems(frame: pd.DataFrame, file: str) -> list[Problem]:
    """People measured in one direction only; an error if nobody was measured in both."""
    ways = frame.groupby("subject")["direction"].nunique()
    alone = [str(name) for name in ways.index[ways < 2]]
    if not alone:
        return []
    shown = ", ".join(alone[:LISTED]) + (" ..." if len(alone) > LISTED else "")
    if len(alone) == len(ways):
        return [
            Problem("error", file, "", "subject", "nobody measured in both directions", "pairs",
                    "give a person the same code in both directions")
        ]  # fmt: skip
    return [Problem("warning", file, "", "subject", f"one direction only: {shown}", "both", "kept")]


def _plain(code: str) -> str:
    text = re.sub(r"[\s_.\-]+", "", str(code)).lower()
    return re.sub(r"(?<!\d)0+(?=\d)", "", text)
