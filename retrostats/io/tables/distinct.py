"""Questions asked of the distinct values of a column, or of all rows at once: never row by row.

A table of millions of rows holds thousands of people and a handful of words. What costs time a
value is asked of the distinct ones, and mostly of all of them in one text; where a cheap sum over
a column proves that nothing is wrong, nothing more is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrostats.common.arrays import unset_array
from retrostats.io.tables import cells as cell
from retrostats.io.tables.numbering import BLOCK, blocks, numbered

if TYPE_CHECKING:
    import pandas as pd

Codes = NDArray[np.integer[Any]]
Mask = NDArray[np.bool_]
#: Cells of a table of counts that is made instead of sorting, beside four a row.
SMALL_TABLE = 1_000_000
_ONE_DIGIT = str.maketrans("123456789", "000000000")


def coded_rows(column: pd.Series) -> tuple[Codes, pd.Index]:
    """Number of its value for every row, -1 where there is none, and the values.

    The values of a categorical that no row holds are among them.
    """
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, values = column.array.codes, column.array.categories
    else:
        plain = isinstance(column.dtype, np.dtype)
        cells: Any = column.to_numpy() if plain else column
        codes, found = numbered(cells) if plain else pd.factorize(cells, use_na_sentinel=True)
        values = pd.Index(found)
    if isinstance(values.dtype, pd.StringDtype):  # of which each text costs a call to take out
        values = pd.Index(values.to_numpy(dtype=object), dtype=object)
    return codes, values


def values_held(column: pd.Series) -> list[Any]:
    """The different values of a column that rows hold.

    Examples
    --------
    >>> import pandas as pd
    >>> values_held(pd.Series(["b", None, "a", "b"]))
    ['b', 'a']
    """
    codes, values = coded_rows(column)
    return list(values[_held([codes], [len(values) + 1])[1:]])


def missing_values(values: Sequence[Any]) -> Mask:
    """Which of some values say that there is none, asked of all texts at once where none does.

    Examples
    --------
    >>> missing_values(["p1", " NA "]).tolist(), missing_values(["p1", "p2"]).tolist()
    ([False, True], [False, False])
    """
    if len(values) and set(map(type, values)) <= {str, int}:
        said = "\n".join(map(str, values)).lower().split("\n")
        if cell.MISSING.isdisjoint(map(str.strip, said)):  # a cell of several lines says no less
            return np.zeros(len(values), dtype=bool)
    return np.fromiter(map(cell.is_missing, values), dtype=bool, count=len(values))


def bare_texts(values: Sequence[Any]) -> list[str]:
    """The texts of values without outer blanks: as they are where none holds a blank.

    Examples
    --------
    >>> bare_texts(["p1", "p2"]), bare_texts([" p1 ", 7])
    (['p1', 'p2'], ['p1', '7'])
    """
    texts = list(map(str, values))
    if "\n".join(texts).split() == texts:
        return texts
    return [text.strip() for text in texts]


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
    held = column.array.categories
    if not (isinstance(held.dtype, pd.StringDtype) or all(isinstance(word, str) for word in held)):
        return column
    words = _taken(pd.Series(held, dtype=str).array, column.array.codes)
    return pd.Series(words, index=column.index, name=column.name, copy=False)


def _taken(words: Any, codes: Codes) -> Any:
    """The word of each number, none for -1; in memory of the system where they are Arrow's."""
    if getattr(words.dtype, "storage", "") != "pyarrow":
        return words.take(codes, allow_fill=True)
    import pyarrow as pa
    from pyarrow import compute

    gaps = codes < 0 if len(codes) and codes.min() < 0 else None
    at = pa.array(codes, mask=gaps)  # other memory than the system's is cleared far more often
    found = compute.take(pa.array(words), at, memory_pool=pa.system_memory_pool())
    return words.dtype.__from_arrow__(found)


def any_matches(pattern: re.Pattern[str], texts: Sequence[str]) -> bool:
    """Whether a pattern that is anchored at lines matches one of many texts, asked once of all.

    A text with a line break may be told to match and not: who asks looks again. The pattern may
    ask for digits, not for one of them: names that differ in digits only are looked at once.

    Examples
    --------
    >>> any_matches(re.compile("^mean", re.MULTILINE), ["p1", "mean"])
    True
    """
    together = "\n".join(texts)
    if together.isascii():
        together = "\n".join(set(together.translate(_ONE_DIGIT).split("\n")))
    return pattern.search(together) is not None


class CodedColumns:
    """Columns of a frame by `coded_rows`, each numbered once however often it is asked for.

    What rows hold of several columns together is kept too, and answers for fewer of them.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self._known: dict[str, tuple[Codes, pd.Index]] = {}
        self._held: dict[tuple[int, ...], Mask] = {}
        self._values: dict[int, list[Any]] = {}

    def __getitem__(self, name: str) -> tuple[Codes, pd.Index]:
        if name not in self._known:
            self._known[name] = coded_rows(self.frame[name])
        return self._known[name]

    def held(self, name: str) -> list[Any]:
        """The values of a column that rows hold, in the order of their numbers."""
        codes, values = self[name]
        if id(codes) not in self._values:
            there = self.cells([name])[1:]
            self._values[id(codes)] = list(values if there.all() else values[there])
        return self._values[id(codes)].copy()

    def cells(self, names: Sequence[str]) -> Mask:
        """Whether any row holds each cell of several columns; no value is the first of each."""
        coded = [self[name] for name in names]
        key = tuple(id(codes) for codes, _ in coded)  # two names of one column are one
        if key not in self._held:
            sizes = [len(values) + 1 for _, values in coded]
            apart = (k for k in self._held if len(set(k)) == len(k) and len(set(key)) == len(key))
            more = next((k for k in apart if set(key) < set(k)), None)
            if more is None:
                self._held[key] = _held([c for c, _ in coded], sizes)
            else:
                self._held[key] = self._fewer(more, key, dict(zip(key, sizes, strict=True)))
        return self._held[key]

    def count_together(self, names: Sequence[str]) -> None:
        """Look at the rows once for several columns, where that takes a small table."""
        there = [name for name in names if name in self.frame]
        if _is_small([len(self[name][1]) + 1 for name in there], len(self.frame)):
            self.cells(there)

    def _fewer(self, more: tuple[int, ...], key: tuple[int, ...], sizes: dict[int, int]) -> Mask:
        """What rows hold of the columns of a key, by what they hold of more columns."""
        known = {id(codes): len(values) + 1 for codes, values in self._known.values()}
        seen = self._held[more].reshape([known[of] for of in more])
        seen = np.asarray(seen.any(axis=tuple(i for i, of in enumerate(more) if of not in key)))
        left = [of for of in more if of in key]
        return seen.transpose([left.index(of) for of in key]).ravel()

    def with_frame(self, frame: pd.DataFrame, **same: str) -> CodedColumns:
        """For the same rows with more columns; `same` are new ones that equal another."""
        new = CodedColumns(frame)
        new._known = {**self._known, **{name: self[old] for name, old in same.items()}}
        new._held, new._values = dict(self._held), dict(self._values)
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
    if len(names) * max(len(values), 1) <= 4 * len(groups) + SMALL_TABLE:
        seen = columns.cells([by, name]).reshape(len(names) + 1, len(values) + 1)[1:]
        there, counts = np.asarray(seen.any(axis=1)), seen[:, 1:].sum(axis=1)
    else:
        there = columns.cells([by])[1:]
        pairs = np.unique(np.stack([groups, codes])[:, (groups >= 0) & (codes >= 0)], axis=1)
        counts = np.bincount(pairs[0], minlength=len(names))
    return columns.held(by), counts[there]


def most_values(columns: CodedColumns, name: str, by: Sequence[str]) -> int:
    """The largest number of values of a column in rows that hold the same in others.

    No value is a value of the others, and none of the column itself.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"way": ["f", "b", "f"], "speed": [None, None, 2.0]})
    >>> most_values(CodedColumns(frame), "way", ["speed"])
    2
    """
    import pandas as pd

    codes, values = columns[name]
    width = len(values) + 1
    if width * prod(len(columns[key][1]) + 1 for key in by) <= 4 * len(codes) + SMALL_TABLE:
        return int(columns.cells([*by, name]).reshape(-1, width)[:, 1:].sum(axis=1).max())
    cells, _ = pd.factorize(_cells(columns, by)[0])
    pairs = np.unique(cells[codes >= 0] * width + codes[codes >= 0])
    return int(np.bincount(pairs // width, minlength=1).max())


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

    size = prod(len(columns[name][1]) + 1 for name in names)
    small = size <= 4 * len(columns.frame) + SMALL_TABLE
    if small and np.count_nonzero(columns.cells(names)) == len(columns.frame):
        return np.zeros(len(columns.frame), dtype=bool)
    key, _ = _cells(columns, names)
    return np.asarray(pd.Series(key).duplicated(keep="first"))


def rows_each(columns: CodedColumns, names: Sequence[str]) -> tuple[int, int]:
    """Fewest and most rows that hold the same in all columns, of what any row holds.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"speed": [1.0, None, None], "way": ["f", "b", "b"]})
    >>> rows_each(CodedColumns(frame), ["speed", "way"])
    (1, 2)
    """
    import pandas as pd

    if not repeats(columns, names).any():
        return 1, 1
    key, size = _cells(columns, names)
    if size > 4 * len(key) + SMALL_TABLE:
        key, _ = pd.factorize(key)
    counts = np.bincount(key)
    return int(counts[counts > 0].min()), int(counts.max())


def rows_of_each(columns: CodedColumns, name: str) -> Codes:
    """How many rows hold each value of a column.

    Examples
    --------
    >>> import pandas as pd
    >>> rows_of_each(CodedColumns(pd.DataFrame({"way": ["f", "b", None, "f"]})), "way").tolist()
    [2, 1]
    """
    codes, values = columns[name]
    if len(values) > BLOCK:
        return np.bincount(codes[codes >= 0], minlength=len(values))
    counts = np.zeros(len(values) + 1, dtype=np.int64)
    for block in blocks(len(codes)):
        part = np.bincount(codes[block].astype(np.int64) + 1)
        counts[: len(part)] += part
    return counts[1:]


def _cells(columns: CodedColumns, names: Sequence[str]) -> tuple[Codes, int]:
    """Number of its cell of several columns for every row, and how many numbers there may be."""
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
    return key, size


def _held(codes: Sequence[Codes], sizes: Sequence[int]) -> Mask:
    """Whether any row holds a cell of several columns, of so many cells each; no value (-1) first.

    Of one column without gaps, rows are looked at until every value was seen.
    """
    seen = unset_array(prod(sizes), bool)
    seen[:] = False
    whole = len(codes) == 1 and len(codes[0]) > 0 and codes[0].min() >= 0
    for block in blocks(len(codes[0])):
        key = codes[0][block].astype(np.int64)
        key += 1
        for column, size in zip(codes[1:], sizes[1:], strict=True):
            key *= size
            key += column[block]
            key += 1
        seen[key] = True
        if whole and len(seen) <= BLOCK and seen[1:].all():
            break
    return seen


def _is_small(sizes: Sequence[int], rows: int) -> bool:
    """Whether a table of so many cells a column is made rather than rows sorted."""
    return prod(sizes) <= 4 * rows + SMALL_TABLE


def first_rows(codes: Codes, count: int) -> list[tuple[int, int]]:
    """Each number from 0 to `count` that a row holds, and the first row that does.

    Examples
    --------
    >>> first_rows(np.array([1, -1, 0, 1]), 3)
    [(0, 2), (1, 0)]
    """
    first = np.full(count + 1, -1)
    for block in blocks(len(codes)):
        held, at = np.unique(codes[block], return_index=True)
        new = first[held] < 0
        first[held[new]] = at[new] + block.start
        if (first[:-1] >= 0).all():
            break
    return [(code, int(row)) for code, row in enumerate(first[:-1]) if row >= 0]
