"""The number of its value for every row, from 0 in the order in which values appear.

As `pandas.factorize` gives it, which asks a table of hashes about every row. A sorted column asks
it once a run of equal rows; one of few values asks a table of their bits, a block of rows at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.integer[Any]]
Numbers = NDArray[Any]
#: Rows that are looked at together, so that what is made of them stays in the processor's cache.
BLOCK = 2**16
#: Rows a run, on average, from which a column counts as sorted.
ROWS_A_RUN = 8
#: Values of a column of few, and bits of the table that tells them apart.
FEW, BITS = 256, 16
#: Odd numbers; one of them mostly sends few values to places of their own.
MULTIPLIERS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93, 0xBF58476D1CE4E5B9)


def numbered(values: Numbers) -> tuple[Codes, Numbers]:
    """Numbers of int64 or float64 values (n,), -1 for NaN, and the values.

    Examples
    --------
    >>> numbered(np.array([2.5, np.nan, 1.0, 2.5]))
    (array([ 0, -1,  1,  0]), array([2.5, 1. ]))
    """
    import pandas as pd

    if len(values) > BLOCK and values.dtype in (np.int64, np.float64):
        found = _by_runs(values) or _by_bits(values)
        if found is not None:
            return found
    return pd.factorize(values, use_na_sentinel=True)


def blocks(rows: int) -> Iterator[slice]:
    """Places of so many rows, `BLOCK` at a time."""
    return (slice(start, start + BLOCK) for start in range(0, rows, BLOCK))


def _by_runs(values: Numbers) -> tuple[Codes, Numbers] | None:
    """By runs of equal values; None where there are many."""
    import pandas as pd

    most, starts, found = len(values) // ROWS_A_RUN, [np.zeros(1, dtype=np.int64)], 1
    for block in blocks(len(values) - 1):
        above, below = values[:-1][block], values[1:][block]
        starts.append(np.flatnonzero(below != above) + (block.start + 1))
        found += len(starts[-1])
        if found > most:
            return None
    at = np.concatenate(starts)
    codes, known = pd.factorize(values[at], use_na_sentinel=True)
    lengths = np.diff(at, append=len(values))
    return np.repeat(codes.astype(np.int32), lengths), known


def _by_bits(values: Numbers) -> tuple[Codes, Numbers] | None:
    """By a table of the bits of few values; None where there are many."""
    codes = np.empty(len(values), dtype=np.int16)
    known: Numbers = np.empty(0, dtype=values.dtype)
    table = _Table(known)
    for block in blocks(len(values)):
        part = values[block]
        found, right = table.look_up(part)
        if not right:
            new = _more(known, part)
            if len(new) > FEW:
                return None
            if len(new) > len(known):
                known, table = new, _Table(new)
                found, _ = table.look_up(part)
            if table.multiplier is None:
                return None
        codes[block] = found
    return codes, known


def _more(known: Numbers, part: Numbers) -> Numbers:
    """The known values and, behind them, the new ones of a part as they appear."""
    import pandas as pd

    return np.asarray(pd.factorize(np.concatenate([known, part]), use_na_sentinel=True)[1])


class _Table:
    """Where the top bits of a value's bits times an odd number send each known value."""

    def __init__(self, known: Numbers) -> None:
        self.known = np.append(known, known.dtype.type(0))  # the last for what is not known
        self.multiplier: np.uint64 | None = None
        for number in MULTIPLIERS:
            at = self._places(known, np.uint64(number))
            if len(np.unique(at)) == len(known):
                self.multiplier = np.uint64(number)
                self.codes = np.full(2**BITS, -1, dtype=np.int16)
                self.codes[at] = np.arange(len(known))
                break

    def look_up(self, part: Numbers) -> tuple[Codes, bool]:
        """Number of each value, -1 for what is not known; whether all are known."""
        if self.multiplier is None:
            return np.full(len(part), -1, dtype=np.int16), False
        codes = np.take(self.codes, self._places(part, self.multiplier), mode="wrap")
        wrong = (codes < 0) | (np.take(self.known, codes, mode="wrap") != part)
        if not wrong.any():
            return codes, True
        codes[wrong] = -1
        return codes, False

    @staticmethod
    def _places(values: Numbers, multiplier: np.uint64) -> NDArray[np.int64]:
        same = values + values.dtype.type(0)  # minus zero is zero
        at: NDArray[np.uint64] = same.view(np.uint64)
        at *= multiplier
        at >>= np.uint64(64 - BITS)
        return at.view(np.int64)
