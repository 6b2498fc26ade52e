"""What one pass over a column proves, a block of rows at a time: its ends, its gaps, its middle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retrostats.io.tables.numbering import BLOCK, blocks

if TYPE_CHECKING:
    import pandas as pd

Mask = NDArray[np.bool_]


def ends(values: NDArray[np.float64]) -> tuple[float, float]:
    """Smallest and largest number, NaN if there is none."""
    low, high = np.nan, np.nan
    for part in in_blocks(values):
        low = np.fmin(low, np.fmin.reduce(part))
        high = np.fmax(high, np.fmax.reduce(part))
    return float(low), float(high)


def gaps_of(column: pd.Series) -> Mask | None:
    """Which cells of a column hold nothing; None if all hold something.

    Examples
    --------
    >>> import pandas as pd
    >>> gaps_of(pd.Series([1.0, None])).tolist(), gaps_of(pd.Series(["a", "b"]))
    ([False, True], None)
    """
    import pandas as pd

    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iub":
        return None
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.array.codes
        if not len(codes) or codes.min() >= 0:
            return None
    elif column.dtype == np.float64 and not any(
        np.isnan(part).any() for part in in_blocks(column.to_numpy())
    ):
        return None
    gaps: Mask = column.isna().to_numpy()
    return gaps if gaps.any() else None


def holds_any(column: pd.Series) -> bool:
    """Whether any cell of a column holds something; mostly the first ones tell.

    Examples
    --------
    >>> import pandas as pd
    >>> holds_any(pd.Series([None, 1.0])), holds_any(pd.Series([None, None]))
    (True, False)
    """
    return bool(column.iloc[:BLOCK].notna().any() or column.iloc[BLOCK:].notna().any())


def median_within(parts: Iterable[NDArray[np.float64]], low: float, high: float) -> bool:
    """Whether counting proves that the median of all parts lies from `low` to `high`.

    False where it does not, or where the middle is too near to tell.

    Examples
    --------
    >>> ends = np.array([1.0, 2.0]), np.array([9.0])
    >>> median_within(ends, 1.5, 5.0), median_within([np.ones(3)], 2.0, 3.0)
    (True, False)
    """
    numbers = below = above = 0
    for part in parts:
        numbers += len(part) - int(np.count_nonzero(np.isnan(part)))
        below += int(np.count_nonzero(part < low))
        above += int(np.count_nonzero(part > high))
    return 2 * max(below, above) < numbers


def in_blocks(values: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """The values in parts that stay in the processor's cache."""
    return (values[block] for block in blocks(len(values)))
