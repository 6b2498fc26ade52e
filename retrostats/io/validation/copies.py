"""Repeated rows that are alike: trials that came out equal by chance, or copies of a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrostats.io.tables.distinct import CodedColumns, Mask, repeats

if TYPE_CHECKING:
    import pandas as pd

#: Digits apart up to which two repeats count as near.
NEAR = 3
#: More ties than a normal distribution makes come from one with longer tails (Laplace: 1.25).
SLACK = 1.3
#: Repeats less one from which a cell has a spread of its own.
ENOUGH = 10
#: Probability of so many ties at which they are copies.
RARE = 1e-3
#: Steps of a column that has digits: this share of its range or more.
FINEST = 1e-7
#: Share of a step that binary fractions may be off by.
ROUGH = 1e-3


def copied_rows(coded: CodedColumns, keys: Sequence[str], outcome: str) -> Mask:
    """Rows that are copies of a row above: alike in all columns, and more than chance allows.

    Two repeats with standard deviation s that are written with a last digit d are equal with
    probability d / (2 s sqrt(pi)), and as often as half the pairs that differ by 1 to `NEAR` digits
    are; the larger of both, over all pairs, is the expected number of ties (Poisson). Rows that
    another column tells apart, as a number of the trial, are no copies whatever they hold.

    Parameters
    ----------
    keys
        Columns that tell two measurements of a person apart.
    outcome
        The column that is explained.
    """
    frame = coded.frame
    none = np.zeros(len(frame), dtype=bool)
    if not outcome or not repeats(coded, [*keys, outcome]).any():
        return none
    apart_by = [
        c for c in frame if not str(c).startswith("source_") and not _numbers_rows(frame[c])
    ]
    cells = frame[apart_by]
    same_as = cells.duplicated(keep=False).to_numpy()
    if not same_as.any():
        return none
    expected, pairs = _expected_ties(frame, keys)
    if expected > 0 and not _copied_block(cells, same_as, expected / pairs):
        from scipy.special import gammainc  # P(X >= k) of a Poisson variable with this mean

        if gammainc(_tied_pairs(cells[same_as]), SLACK * expected) > RARE:
            return none
    return cells.duplicated(keep="first").to_numpy()


def _copied_block(cells: pd.DataFrame, same_as: Mask, share: float) -> bool:
    """Whether so many rows in a row repeat rows that stood together that chance never does it.

    A run of k rows at one distance from those they repeat has probability `share`^k at each place.
    """
    at = np.flatnonzero(same_as)
    group = cells[same_as].groupby(list(cells), dropna=False, observed=True).ngroup().to_numpy()
    _, first, number = np.unique(group, return_index=True, return_inverse=True)
    distance = at - at[first[number]]
    again = distance > 0
    new = np.diff(at[again], prepend=-2) != 1
    new |= np.diff(distance[again], prepend=0) != 0
    longest = int(np.bincount(np.cumsum(new)).max())
    return bool(2 * np.log(len(cells)) + longest * np.log(min(share, 1.0)) < np.log(RARE))


def _tied_pairs(cells: pd.DataFrame) -> int:
    """Pairs among rows that are alike: three alike are three pairs."""
    sizes = cells.groupby(list(cells), dropna=False, observed=True).size().to_numpy()
    return int((sizes * (sizes - 1) // 2).sum())


def _numbers_rows(column: pd.Series) -> bool:
    """Whether a column only counts the rows of the table."""
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(column.dtype) or len(column) < 2:
        return False
    steps = np.diff(column.to_numpy(float))
    return bool((steps == 1).all())


def _expected_ties(frame: pd.DataFrame, keys: Sequence[str]) -> tuple[float, float]:
    """Pairs of rows of one cell that chance makes alike in every measured column, and all pairs.

    The column in which ties are rarest bounds them, however the columns depend on each other.
    """
    cell = frame.groupby(list(keys), observed=True, dropna=False, sort=False).ngroup().to_numpy()
    ties = [
        _ties(cell, frame[column].to_numpy(float))
        for column in frame.select_dtypes("number")
        if column not in keys and not str(column).startswith("source_")
    ]
    sizes = np.bincount(cell).astype(float)
    most = float((sizes * (sizes - 1) / 2).sum())
    return min((pairs for pairs in ties if pairs is not None), default=0.0), most


def _ties(cell: NDArray[Any], values: NDArray[np.float64]) -> float | None:
    """Pairs of equal values within a cell that chance makes.

    None where a column has no digits (it was computed) or one value in each cell.
    """
    there = np.isfinite(values)
    cell, values = cell[there], values[there]
    digit = last_digit(values)
    if not digit:
        return None
    digits = np.rint((values - values.min()) / digit)
    sizes = np.bincount(cell).astype(float)
    means = np.bincount(cell, digits) / np.maximum(sizes, 1)
    spread = np.bincount(cell, (digits - means[cell]) ** 2)
    free = sizes - 1
    if not spread.sum():
        return None
    pooled = spread.sum() / free[free > 0].sum()
    variance = np.where((free >= ENOUGH) & (spread > 0), spread / np.maximum(free, 1), pooled)
    pairs = sizes * (sizes - 1) / 2
    normal = float((pairs / (2 * np.sqrt(np.pi * variance))).sum())
    return min(float(pairs.sum()), max(normal, _near_pairs(cell, digits.astype(np.int64)) / 2))


def _near_pairs(cell: NDArray[Any], digits: NDArray[np.int64]) -> float:
    """Mean number of pairs within a cell that are 1 to `NEAR` digits apart."""
    span = int(digits.max()) + NEAR + 1
    held, counts = np.unique(cell * span + digits, return_counts=True)
    found = []
    for step in range(1, NEAR + 1):
        at = np.searchsorted(held, held + step)
        at[at == len(held)] = 0
        found.append(float((counts * counts[at])[held[at] == held + step].sum()))
    return float(np.mean(found))


def last_digit(values: NDArray[np.float64]) -> float:
    """The step of which all differences of some values (n,) are multiples; 0 if there is none.

    Examples
    --------
    >>> round(last_digit(np.array([30.3, 30.5, 30.8])), 9), last_digit(np.sqrt([2.0, 3.0, 5.0]))
    (0.1, 0.0)
    """
    apart = np.unique(values)
    least = FINEST * float(np.ptp(apart)) if len(apart) else 0.0
    noise = 1e-12 * float(np.abs(apart).max(initial=0.0))
    rest = np.diff(apart)
    rest = rest[rest > max(least, noise)]
    step = 0.0
    while len(rest):  # Euclid's algorithm, with the rounding of binary fractions
        step = float(rest.min())
        if step < least:
            return 0.0
        over = np.abs(rest / step - np.rint(rest / step)) * step
        over = over[over > max(ROUGH * step, noise)]
        rest = np.append(over, step) if len(over) else over
    return step
