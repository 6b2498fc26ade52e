"""Numbers for the labels of subjects, given as they turn up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from retrostats.models.linear.formula.columns import IntArray

_HALF = 32  # bits of each of two numbers in one key
_SPAN = 1 << 25  # widest range of whole numbers for which a table is kept (256 MiB with its spare)
_FARTHEST = 1 << 62  # differences of whole numbers nearer zero than this are exact


class Coder:
    """Gives each label a number from 0 in the order of first appearance.

    Whole numbers in a range that is not too wide are looked up in a table, all other labels by
    hash.
    """

    def __init__(self) -> None:
        self.count = 0
        self._parts: list[Any] = []
        self._table: np.ndarray | None = None
        self._low = 0
        self._seen = 0, 0  # the lowest and highest label
        self._known: list[pd.Index[Any]] | None = None  # in the order of their numbers

    def __getstate__(self) -> tuple[int, Any]:
        """The labels alone: a table of the range is made anew where it is needed."""
        return self.count, self.labels

    def __setstate__(self, state: tuple[int, Any]) -> None:
        self.__init__()  # type: ignore[misc]
        self.count = state[0]
        self._parts = [state[1]] if state[0] else []

    @property
    def labels(self) -> Any:
        """All labels, in the order of their numbers."""
        return np.concatenate(self._parts) if self._parts else np.empty(0)

    def codes(self, values: Any) -> IntArray:
        """Numbers (N,) of the labels, an array or a pyarrow ChunkedArray; new ones as needed."""
        if hasattr(values, "combine_chunks"):
            if "string" in str(values.type):
                coded = values.combine_chunks().dictionary_encode()
                uniques = coded.dictionary.to_numpy(zero_copy_only=False)
                return self._by_hash(coded.indices.to_numpy(), uniques)
            values = values.to_numpy()
        if values.dtype.kind in "iu" and len(values) and self._fits(values):
            return self._by_table(values)
        return self._by_hash(*pd.factorize(values))

    def _fits(self, values: Any) -> bool:
        """Whether the labels lie in a table's range; the table is made or widened for them."""
        if self._known is not None or (self.count and self._table is None):
            return False
        low, high = int(values.min()), int(values.max())
        if self._table is not None:
            low, high = min(low, self._seen[0]), max(high, self._seen[1])
        if high - low >= _SPAN or max(-low, high) > _FARTHEST:
            return False
        self._seen = low, high
        old, start = self._table, self._low
        if old is None or low < start or high >= start + len(old):
            spare = (high - low + 1) // 2  # on either side, for labels to come
            self._low = low - spare
            self._table = np.full(high - low + 1 + 2 * spare, -1, dtype=np.int32)
            if old is not None:
                used = old >= 0
                self._table[np.flatnonzero(used) + (start - self._low)] = old[used]
        return True

    def _by_table(self, values: Any) -> IntArray:
        place = np.asarray(values, dtype=np.intp)
        return self._at_places(place - self._low, lambda fresh: fresh + self._low)

    def _at_places(self, place: IntArray, label: Callable[[IntArray], IntArray]) -> IntArray:
        """Numbers of places in the table; `label` says which labels new ones hold."""
        assert self._table is not None
        codes = self._table[place]
        if codes.min() < 0:
            fresh = place[codes < 0]
            order = np.arange(len(fresh))
            self._table[fresh[::-1]] = order[::-1]  # of equal labels the first is written last
            fresh = fresh[self._table[fresh] == order]
            self._table[fresh] = self.count + np.arange(len(fresh))
            self._parts.append(label(fresh))
            self.count += len(fresh)
            codes = self._table[place]
        return codes.astype(np.intp)

    def _by_hash(self, local: Any, uniques: Any) -> IntArray:
        if self._known is None:
            self._known = [pd.Index(self.labels, dtype=_plain(uniques.dtype))][: self.count]
            self._table = None
        place = np.full(len(uniques), -1, dtype=np.intp)
        wanted, start = pd.Index(uniques), 0
        unknown = np.arange(len(uniques))
        for known in self._known:
            at = np.asarray(known.get_indexer(wanted[unknown]), dtype=np.intp)
            place[unknown[at >= 0]] = at[at >= 0] + start
            unknown, start = unknown[at < 0], start + len(known)
        if len(unknown):
            place[unknown] = self.count + np.arange(len(unknown))
            self._parts.append(np.asarray(uniques[unknown]))
            self.count += len(unknown)
            self._remember(wanted[unknown])
        return np.asarray(place[local])

    def _remember(self, fresh: pd.Index[Any]) -> None:
        """Labels at the end of those known, put together with no fewer before them.

        A hash table is made anew of what it holds: so each label is put into few of them, however
        many pieces bring new ones.
        """
        assert self._known is not None
        self._known.append(fresh)
        while len(self._known) > 1 and len(self._known[-2]) <= 2 * len(self._known[-1]):
            last = self._known.pop()
            self._known[-1] = self._known[-1].append(last)


class Pairs(Coder):
    """As `Coder`, of pairs of numbers: in a table of all there may be where that is not too wide.

    A pair is kept as one whole number, the first of the two in its upper half.
    """

    def __init__(self) -> None:
        super().__init__()
        self._width = 0

    def codes_of(self, first: IntArray, second: IntArray) -> IntArray:
        """Numbers (N,) of the pairs of `first` (N,) and `second` (N,), both from 0."""
        if len(first) and self._holds(int(first.max()), int(second.max())):
            width = self._width

            def label(fresh: IntArray) -> IntArray:
                return ((fresh // width) << _HALF) | (fresh % width)

            return self._at_places(first * width + second, label)
        return self._by_hash(*pd.factorize((first.astype(np.int64) << _HALF) | second))

    def _holds(self, first: int, second: int) -> bool:
        """Whether pairs up to these lie in the table; it is made or widened for them."""
        if self._known is not None or (self.count and self._table is None):
            return False
        rows, width = (self._seen[0], self._width) if self._table is not None else (0, 0)
        if first < rows and second < width:
            return True
        rows, width = _room(first, rows), _room(second, width)
        if rows * width > _SPAN:
            return False
        grown = np.full((rows, width), -1, dtype=np.int32)
        if self._table is not None:
            old = self._table.reshape(-1, self._width)
            grown[: len(old), : self._width] = old
        self._table, self._seen, self._width = grown.reshape(-1), (rows, width), width
        return True


class Keys:
    """Gives each combination of labels of one or more columns a number, as `Coder` does for one."""

    def __init__(self, width: int) -> None:
        self._coders = [Coder() for _ in range(width)]
        self._pairs = [Pairs() for _ in range(width - 1)]

    @property
    def count(self) -> int:
        """Combinations so far."""
        return (self._pairs or self._coders)[-1].count

    def codes(self, columns: tuple[Any, ...]) -> IntArray:
        """Numbers (N,) of the combinations, a column of labels each; new ones as needed."""
        codes = self._coders[0].codes(columns[0])
        for coder, pair, column in zip(self._coders[1:], self._pairs, columns[1:], strict=True):
            codes = pair.codes_of(codes, coder.codes(column))
        return codes

    @property
    def parts(self) -> tuple[IntArray, ...]:
        """For each combination the number (K,) of its label in each column."""
        at = np.arange(self.count)
        found: list[IntArray] = []
        for pair in self._pairs[::-1]:
            both = np.asarray(pair.labels, dtype=np.int64)[at]
            found.append((both & ((1 << _HALF) - 1)).astype(np.intp))
            at = (both >> _HALF).astype(np.intp)
        return (at, *found[::-1])

    @property
    def labels(self) -> tuple[Any, ...]:
        """For each combination its labels, a column each."""
        return tuple(
            c.labels[part] if c.count else c.labels
            for c, part in zip(self._coders, self.parts, strict=True)
        )


def _room(largest: int, room: int) -> int:
    """At least as much room as there is for numbers up to the largest, a power of two if more."""
    return room if largest < room else 1 << largest.bit_length()


def _plain(dtype: Any) -> Any:
    return dtype if dtype.kind in "iufb" else object
