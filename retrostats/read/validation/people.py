"""Who is in a table: codes that are nearly one another, unpaired people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from retrostats.read.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

LISTED = 20


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
