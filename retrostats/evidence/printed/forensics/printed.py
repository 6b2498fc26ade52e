"""Columns of printed text as rounding intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retrostats.common.errors import InputError
from retrostats.evidence.printed.reported import Reported

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
OPERATORS = ("=", "<", "<=", ">", ">=")


@dataclass(frozen=True, slots=True)
class Column:
    """Printed numbers of one column; NaN where the text is not one plain number.

    Attributes
    ----------
    value, low, high : (m,) arrays
    """

    value: Array
    low: Array
    high: Array

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where a number was printed."""
        return ~np.isnan(self.value)

    def take(self, index: NDArray[np.intp]) -> Column:
        """Some rows."""
        return Column(self.value[index], self.low[index], self.high[index])


def column(texts: pd.Series) -> Column:
    """Rounding intervals of a column of text; each different text is read once.

    Examples
    --------
    >>> import pandas as pd
    >>> found = column(pd.Series(["12.30", "", "about 5"]))
    >>> found.low.tolist(), found.known.tolist()
    ([12.295, nan, nan], [True, False, False])
    """
    codes, different = _factorised(texts)
    ends = np.array([_ends(text) for text in different], dtype=float).reshape(-1, 3)
    value, low, high = ends[codes].T
    return Column(value, low, high)


def p_column(texts: pd.Series, operators: pd.Series) -> Column:
    """As `column`, with thresholds ("<", ">") exact and operators that bound nothing unknown.

    A p that may be 0 (printed "0.00") or is 1 bounds nothing either.
    """
    found = column(texts)
    operator = operators.to_numpy(dtype=str)
    exact = operator != "="
    low = np.where(exact, found.value, found.low)
    high = np.where(exact, found.value, found.high)
    usable = np.isin(operator, OPERATORS) & (low > 0) & (high <= 1)
    return Column(*(np.where(usable, x, np.nan) for x in (found.value, low, high)))


def _factorised(texts: pd.Series) -> tuple[NDArray[np.intp], list[str]]:
    import pandas as pd

    codes, different = pd.factorize(texts.fillna("").astype(str))
    return codes, list(different)


def _ends(text: str) -> tuple[float, float, float]:
    try:
        number = Reported(text)
    except InputError:
        return np.nan, np.nan, np.nan
    return number.value, *number.interval
