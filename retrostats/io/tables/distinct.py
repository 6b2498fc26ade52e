"""Questions asked of the distinct values of a column, or of all rows at once: never row by row.

A table of millions of rows holds thousands of people and a handful of words. What costs time a
value is asked of the distinct ones, and mostly of all of them in one text; where a cheap sum over
a column proves that nothing is wrong, nothing more is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Codes = NDArray[np.integer[Any]]
Mask = NDArray[np.bool_]
#: Cells of a table of counts that is made instead of sorting, beside four a row.
SMALL_TABLE = 1_000_000


def coded_rows(column: pd.Series) -> tuple[Codes, pd.Index]:
    """Number of its value for every row, -1 where there is none, and the values.

    The values of a categorical that no row holds are among them.
    """
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, values = column.array.codes, column.array.categories
    else:
        codes, found = pd.factorize(column, use_na_sentinel=True)
        values = pd.Index(found)
    if isinstance(values.dtype, pd.StringDtype):  # of which each text costs a call to take out
        values = pd.Index(values.to_numpy(dtype=object), dtype=object)
    return codes, values


def words_of(codes: Codes, words: Sequence[str | None]) -> pd.Categorical[str]:
    """The word of every row; a code of -1, or one whose word is None, is no value.

    Examples
    --------
    >>> words_of(np.array([0, 1, -1, 2]), ["a", None, "a"]).tolist()
    ['a', nan, nan, 'a']
    """
    import pandas as pd

    known = list(dict.fromkeys(word for word in words if word is not None))
    if len(known) != len(words):
        at = {word: i for i, word in enumerate(known)}
        codes = np.array([*(-1 if w is None else at[w] for w in words), -1], dtype=np.int32)[codes]
    return pd.Categorical.from_codes(codes, pd.Index(known, dtype=str), validate=False)


def spelled_out(column: pd.Series) -> pd.Series:
    """A categorical of words as plain text; another column as it is."""
    import pandas as pd

    if not isinstance(column.dtype, pd.CategoricalDtype):
        return column
    if not all(isinstance(word, str) for word in column.array.categories):
        return column
    words = pd.Series(column.array.categories, dtype=str).array
    words = words.take(column.array.codes, allow_fill=True)
    return pd.Series(words, index=column.index, name=column.name)


def any_matches(pattern: re.Pattern[str], texts: Sequence[str]) -> bool:
    """Whether a pattern that is anchored at lines matches one of many texts, asked once of all.

    A text with a line break may be told to match and not: who asks looks again.

    Examples
    --------
    >>> any_matches(re.compile("^mean", re.MULTILINE), ["p1", "mean"])
    True
    """
    return pattern.search("\n".join(texts)) is not None


class CodedColumns:
    """Columns of a frame by `coded_rows`, each numbered once however often it is asked for."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self._known: dict[str, tuple[Codes, pd.Index]] = {}

    def __getitem__(self, name: str) -> tuple[Codes, pd.Index]:
        if name not in self._known:
            self._known[name] = coded_rows(self.frame[name])
        return self._known[name]

    def with_frame(self, frame: pd.DataFrame, **same: str) -> CodedColumns:
        """For the same rows with more columns; `same` are new ones that equal another."""
        new = CodedColumns(frame)
        new._known = {**self._known, **{name: self[old] for name, old in same.items()}}
        return new


def values_of_each(columns: CodedColumns, name: str, by: str) -> tuple[list[Any], Codes]:
    """The groups of a column that have rows, and how many values of another each has.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"way": ["f", "b", "f", None], "who": ["p1", "p1", "p2", "p3"]})
    >>> values_of_each(CodedColumns(frame), "way", by="who")
    (['p1', 'p2', 'p3'], array([2, 1, 0]))
    """
    groups, names = columns[by]
    codes, values = columns[name]
    there = np.bincount(groups[groups >= 0], minlength=len(names)) > 0
    if len(names) * max(len(values), 1) <= 4 * len(groups) + SMALL_TABLE:
        seen = np.zeros((len(names) + 1, len(values) + 1), dtype=bool)  # the last ones take the -1
        seen[groups, codes] = True
        counts = seen[:-1, :-1].sum(axis=1)
    else:
        pairs = np.unique(np.stack([groups, codes])[:, (groups >= 0) & (codes >= 0)], axis=1)
        counts = np.bincount(pairs[0], minlength=len(names))
    return list(names[there]), counts[there]


def repeats(columns: CodedColumns, names: Sequence[str]) -> Mask:
    """Whether a row holds in all columns what a row above it holds; no value equals no value.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"speed": [1.0, 1.0, 1.0], "way": ["f", "b", "f"]})
    >>> repeats(CodedColumns(frame), ["speed", "way"]).tolist()
    [False, False, True]
    """
    import pandas as pd

    key = np.zeros(len(columns.frame), dtype=np.int64)
    size = 1
    for name in names:
        codes, values = columns[name]
        if size * (len(values) + 1) >= 2**62:
            key, kept = pd.factorize(key)
            size = len(kept)
        key = key * (len(values) + 1) + codes + 1
        size *= len(values) + 1
    if size <= 4 * len(key) + SMALL_TABLE and np.bincount(key, minlength=1).max() < 2:
        return np.zeros(len(key), dtype=bool)
    return np.asarray(pd.Series(key).duplicated(keep="first"))


def ends(values: NDArray[np.float64]) -> tuple[float, float]:
    """Smallest and largest number, NaN if there is none."""
    if not len(values):
        return np.nan, np.nan
    return float(np.fmin.reduce(values)), float(np.fmax.reduce(values))


def median_within(values: NDArray[np.float64], low: float, high: float) -> bool:
    """Whether counting proves that the median of the numbers lies from `low` to `high`.

    False where it does not, or where the middle is too near to tell.

    Examples
    --------
    >>> median_within(np.array([1.0, 2.0, 9.0]), 1.5, 5.0), median_within(np.ones(3), 2.0, 3.0)
    (True, False)
    """
    numbers = len(values) - int(np.count_nonzero(np.isnan(values)))
    beyond = max(np.count_nonzero(values < low), np.count_nonzero(values > high))
    return bool(2 * beyond < numbers)
