"""Which printed rows belong together: one outcome of one study that differs in one column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

#: What says which measurement a row is; two rows of a pair differ in exactly one of them.
CONTEXT = (
    "study_id", "outcome", "gait", "direction", "speed_printed", "gradient_printed", "condition",
    "arm", "time", "unit",
)  # fmt: skip
Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]


def pairs(
    table: pd.DataFrame, differs: str, rows: NDArray[np.bool_], also: tuple[str, ...]
) -> Pairs:
    """Positions of the two rows of each pair that differs in `differs` alone.

    Parameters
    ----------
    table : DataFrame
        With the columns of `CONTEXT` and of `also`.
    differs : str
        Column of `CONTEXT`.
    rows : (m,) bool array
        Rows that may take part.
    also : tuple of str
        Further columns in which both rows agree (n, the printed p).

    Returns
    -------
    pair of int arrays
        First and second rows, in the order of the table. Groups of three rows and more are left
        out: a p printed for them is not a p of two of them.
    """
    keys = [name for name in CONTEXT if name != differs] + list(also)
    at = np.flatnonzero(rows)
    if not at.size:
        return at, at
    groups = table.iloc[at].groupby(keys, sort=False, dropna=False)
    label = groups.ngroup().to_numpy()
    order = np.argsort(label, kind="stable")
    starts = np.flatnonzero(np.diff(label[order], prepend=-1))
    sizes = np.diff(starts, append=len(order))
    begin = starts[sizes == 2]
    first, second = at[order[begin]], at[order[begin + 1]]
    values = table[differs].to_numpy(dtype=str)
    real = values[first] != values[second]
    return first[real], second[real]
