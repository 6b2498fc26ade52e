"""Who is in a table: codes that are nearly one another, unpaired people."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from retrostats.io.tables.distinct import CodedColumns, values_of_each
from retrostats.io.tables.words import letters
from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

LISTED = 20
#: Headers of a number of people; "n" alone may be a number of anything.
GROUP_SIZE = frozenset(
    f"{number} {who}".strip()
    for number in ("n", "number of", "no of")
    for who in ("people", "persons", "subjects", "participants", "runners", "athletes")
) | {"sample size", "group size", "samplesize", "participants", "subjects n", "participants n"}
SPREAD = frozenset({"sd", "se", "sem", "std", "standard deviation", "standard error"})
#: Cyrillic and Greek letters that print like Latin ones.
LOOKALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТХУаеорсухіјѕԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧο",
    "ABESIJKMHOPCTXYaeopcyxijsdqwABEZHIKMNOPTYXo",
)

#: ASCII characters in which two spellings of one code may differ: blanks but for the line feed.
_GONE = dict.fromkeys(map(ord, " \t\r\f\v\x1c\x1d\x1e\x1f_.-"))


def code_problems(coded: CodedColumns, file: str) -> list[Problem]:
    """Codes that differ only in zeros, case, blanks, or what the eye does not see: one or two?"""
    import pandas as pd

    held = coded.held("subject")
    if len(set(plain_codes(held))) == len(held):
        return []
    codes = pd.Series(coded.frame["subject"].dropna().unique(), dtype=object)
    plain = pd.Series(plain_codes(list(codes)))
    alike = plain.duplicated(keep=False)
    found = []
    for _, same in codes[alike].groupby(plain[alike]):
        names = " and ".join(map(repr if _seen_apart(same) else ascii, same))
        found.append(
            Problem("error", file, "", "subject", names, "one code a person",
                    "write the codes alike, or make them different")
        )  # fmt: skip
    return found[:LISTED]


def group_mean_problems(frame: pd.DataFrame, file: str) -> list[Problem]:
    """An error where rows are means of groups: a cohort has a row a person.

    A column `n` alone may count anything, unless it stands beside a standard deviation or changes
    between the rows of one person.
    """
    names = {letters(str(c)): str(c) for c in frame}
    sized = next((c for name, c in names.items() if name in GROUP_SIZE), "")
    column = sized or names.get("n", "")
    if not column or not np.issubdtype(np.asarray(frame[column]).dtype, np.number):
        return []
    sizes = frame[column].dropna()
    spread = any(set(name.split()) & SPREAD or name in SPREAD for name in names)
    differ = frame.groupby("subject", observed=True)[column].nunique() > 1
    if sizes.empty or not (sizes > 1).any() or not (sized or spread or differ.any()):
        return []
    of = frame.loc[frame["subject"].isin(differ.index[differ]), column] if differ.any() else sizes
    numbers = " and ".join(f"{size:g}" for size in list(dict.fromkeys(of))[:3])
    return [
        Problem("error", file, "", column, f"means of groups of {numbers}", "a row a person",
                "means of different people are no pairs: give each person's values, or the printed "
                "means in an audit; if it counts something else, rename the column")
    ]  # fmt: skip


def pairing_problems(coded: CodedColumns, file: str) -> list[Problem]:
    """People measured in one direction only; an error if nobody was measured in both."""
    people, ways = values_of_each(coded, "direction", by="subject")
    alone = sorted(str(people[i]) for i in np.flatnonzero(ways < 2))
    if not alone:
        return []
    shown = ", ".join(alone[:LISTED]) + (" ..." if len(alone) > LISTED else "")
    if len(alone) == len(people):
        return [
            Problem("error", file, "", "subject", "nobody measured in both directions", "pairs",
                    "give a person the same code in both directions")
        ]  # fmt: skip
    return [
        Problem("warning", file, "", "subject", f"one direction only: {shown}", "both",
                "kept in this cohort's own model and in its n; not in the one-stage model, nor in "
                "results by speed, which need pairs")
    ]  # fmt: skip


def _seen_apart(codes: Iterable[str]) -> bool:
    """Whether codes look different on paper."""
    shown = [unicodedata.normalize("NFKC", _visible(str(code))) for code in codes]
    return len({text.translate(LOOKALIKES) for text in shown}) == len(shown)


def _visible(text: str) -> str:
    """Without zero-width characters and soft hyphens."""
    return "".join(c for c in text if unicodedata.category(c) != "Cf")


def plain_codes(codes: list[str]) -> list[str]:
    """One spelling a code, by which two are compared: of all at once where they are plain ASCII.

    Examples
    --------
    >>> plain_codes(["S 01", "s1", "Ｓ1"])
    ['s1', 's1', 's1']
    """
    together = "\n".join(codes)
    if not together.isascii() or together.count("\n") != len(codes) - 1:
        return [_plain(code) for code in codes]
    text = together.translate(_GONE).lower()
    return re.sub(r"(?<!\d)0+(?=\d)", "", text).split("\n")


def _plain(code: str) -> str:
    """One spelling: full-width and composed forms, look-alike letters, case, blanks, zeros."""
    text = unicodedata.normalize("NFKC", _visible(str(code))).translate(LOOKALIKES)
    text = re.sub(r"[\s_.\-]+", "", text).lower()
    return re.sub(r"(?<!\d)0+(?=\d)", "", text)
