"""Rows that sum up the people above them: found by their words, and by arithmetic."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrostats.io.tables.distinct import any_matches, bare_texts, coded_rows

if TYPE_CHECKING:
    import pandas as pd

#: Words of a mean or a spread that are nobody's name, wherever they stand.
_ALWAYS = re.compile(
    r"((grand|group|overall|sample|team|total|gruppen|class)[ _-]?)?"
    r"(means?|averages?|avg|mittel|mittelwert|durchschnitt|moyenne|promedio|median|mediane"
    r"|std|stdev|st\.?dev\.?|stdabw|stabw|standardabweichung|standard deviation|standard error"
    r"|p[ -]?values?|p-wert|t[ -]?test|n ?= ?\d+)\b.*",
    re.IGNORECASE,
)
_ALWAYS_IN_LINES = re.compile(f"^(?:{_ALWAYS.pattern})", re.IGNORECASE | re.MULTILINE)
#: Words that sum up where they stand below everybody.
_BELOW = re.compile(
    r"(((group|overall|total)[ _-]?)?(sd|sem|se|cv)|media|mediana|ø|total|summe|gesamt|somme|somma"
    r"|suma|sum|ecart|desv|desviacion|mw|overall|alle|tous|tutti|todos|range|cv ?%?"
    r"|diff(erence)?|change|95 ?% ?(ci|ki))\b.*",
    re.IGNORECASE,
)
#: Words that do so only beside one that is certain; they may also be somebody's initials.
_MAYBE = re.compile(r"all|p|sd|se|sem|n|min|max|s|ds|et|de|dev|cv|%|mean.*", re.IGNORECASE)
#: Rows below the people that may sum them up, and rows of a table that is searched by arithmetic.
MOST = 8
SEARCHED = 200_000
#: Columns that say who and when, by which a mean in a long table is one of its own rows only.
KEYS = ("direction", "gait", "time", "arm", "speed_m_s", "gradient_pct")


def named_as_sums(subjects: pd.Series) -> NDArray[np.bool_]:
    """Whether the names of rows are words of a mean or a spread, and nobody's.

    Below everybody, more words are: initials such as SD, where another row proves it.
    """
    codes, names = coded_rows(subjects)
    texts = bare_texts(list(names))
    sums = np.zeros(len(texts), dtype=bool)
    if any_matches(_ALWAYS_IN_LINES, texts):
        sums[:] = [bool(_ALWAYS.fullmatch(t)) for t in texts]
    below = len(texts)
    while below and (sums[below - 1] or _BELOW.fullmatch(texts[below - 1])
                     or _MAYBE.fullmatch(texts[below - 1])):  # fmt: skip
        below -= 1
    if any(sums[below:]) or any(_BELOW.fullmatch(t) for t in texts[below:]):
        sums[below:] = True
    if not sums.any():
        return np.zeros(len(codes), dtype=bool)
    found: NDArray[np.bool_] = np.append(sums, False)[codes]
    return found


def summary_rows(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether rows, at the end of a table, are means by arithmetic instead of people.

    Such a row equals the mean of the people above to the digits it shows, in every measurement,
    and has a name unlike theirs (or four measurements to agree in). What stands below it is one
    too if its name is unlike those of people.

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({"subject": ["p1", "p2", "p3", "Gruppe"], "vo2": [30, 32, 37, 33.0]})
    >>> summary_rows(people).tolist()
    [False, False, False, True]
    """
    import pandas as pd

    if len(frame) > SEARCHED:
        return np.zeros(len(frame), dtype=bool)
    codes, names = pd.factorize(frame["subject"], use_na_sentinel=True)
    sums = _by_arithmetic(frame, codes, [str(name).strip() for name in names])
    found: NDArray[np.bool_] = np.append(sums, False)[codes]
    return found


def _by_arithmetic(
    frame: pd.DataFrame, codes: NDArray[np.intp], texts: list[str]
) -> NDArray[np.bool_]:
    """The names, at the end, whose first equals the mean of everybody above."""
    out = np.zeros(len(texts), dtype=bool)
    people = np.arange(len(texts))
    measures = [
        c for c in frame.select_dtypes("number")
        if c not in (*KEYS, "source_row", "time_weeks", "age_y")
    ]  # fmt: skip
    if len(people) < 4 or not measures:
        return out
    values = frame[measures].to_numpy(float)
    keys = [frame[k].astype(str).to_numpy() for k in KEYS if k in frame]
    for last in range(1, min(MOST, len(people) - 3) + 1):
        top, above = people[-last], people[:-last]
        shapes = {_shape(texts[i]) for i in above}
        odd = _shape(texts[top]) not in shapes
        if _equals_mean(values, keys, codes == top, np.isin(codes, above), odd):
            out[top] = True
            for i in people[len(people) - last + 1 :]:
                out[i] = _shape(texts[i]) not in shapes
            return out
    return out


def _equals_mean(
    values: NDArray[np.float64], keys: list[Any], mine: Any, others: Any, odd: bool
) -> bool:
    agreeing, places = 0, 0
    for row in np.flatnonzero(mine):
        same = others.copy()
        for key in keys:
            if key[row] not in ("nan", "None", "<NA>"):
                same &= key == key[row]
        for value, column in zip(values[row], values[same].T, strict=True):
            people = column[np.isfinite(column)]
            if not np.isfinite(value) or len(people) < 3 or np.ptp(people) == 0:
                continue
            digits = _digits(value)
            if abs(value - people.mean()) > 0.501 * 10.0**-digits + 1e-9 * abs(value):
                return False
            agreeing, places = agreeing + 1, max(places, digits)
    return agreeing >= (1 if odd else 2 if places >= 4 else 4)


def _digits(value: float) -> int:
    """Decimals that a number shows, at least those of a half percent of it."""
    least = max(0, int(np.ceil(-np.log10(abs(value) / 100)))) if value else 0
    return next((d for d in range(least, 9) if np.isclose(round(value, d), value, rtol=1e-12)), 9)


def _shape(text: str) -> str:
    """What a name looks like: its letters and digits, each run as one."""
    return re.sub(r"\d+", "0", re.sub(r"[^\W\d]+", "a", text))
