"""`moments`: rows to sufficient statistics, whether they fit in memory or not."""

from __future__ import annotations

import pandas as pd

from retrostats.common.errors import InputError
from retrostats.common.habits import formula_first
from retrostats.common.workers import connected
from retrostats.models.linear.formula.formula import parse_formula
from retrostats.models.linear.heteroscedastic.factor import residual_columns
from retrostats.models.linear.in_memory import frame_moments, require_subject
from retrostats.models.linear.moments.moments import Moments


@formula_first('moments("y ~ arm + (1 | subject)", rows)')
def moments(
    formula: str, data: object, *, residual: str | None = None, scheduler: str | None = None
) -> Moments:
    """Reduce rows to the moments that any formula over the same columns needs.

    Parameters
    ----------
    formula : str
        Names the outcome (transformed here: ``log(y) ~ ...``), the design columns and the groups.
    data : DataFrame, cohort, or rows to be streamed
        Streamed, so that they need not fit in memory: a path or glob of Parquet or CSV files, a
        DuckDB relation, a pyarrow Table, Dataset or RecordBatchReader, a Dask DataFrame. Their
        moments are crossproducts of each subject, which fit this formula and those within it.
    residual : str, optional
        Columns kept for ``lmm(..., residual=)``, joined by ":".
    scheduler : str, optional
        Address of a Dask scheduler whose workers reduce the partitions of a Dask DataFrame; if None
        the Dask client at hand, or this machine. The bytes are the same.

    Returns
    -------
    Moments
        Those of a DataFrame merge with ``+`` with moments of other subjects.

    Raises
    ------
    InputError
        As `lmm` does.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"subject": list("aabbcc"), "time": [0, 1] * 3,
    ...                      "y": [5.0, 6.0, 4.0, 5.5, 6.0, 6.2]})
    >>> moments("y ~ time + (1 | subject)", rows)
    Moments of y: 3 subject(s), 6 observations, 1 pattern(s) over time
    """
    frame = data if isinstance(data, pd.DataFrame) else getattr(data, "frame", None)
    if scheduler is not None and not hasattr(data, "to_delayed"):
        raise InputError(
            f"scheduler={scheduler!r} needs rows that are spread over workers, data is a "
            f"{type(data).__name__}; give a Dask DataFrame, as dask.dataframe.read_parquet(files)"
        )
    if isinstance(frame, pd.DataFrame):
        return frame_moments(parse_formula(formula), frame, residual)
    from retrostats.models.linear.streamed.reading import streamed_moments
    from retrostats.models.linear.streamed.source import ALLOWED, open_source

    source = open_source(data)
    if source is None:
        raise InputError(
            f"data is a {type(data).__name__}; a DataFrame, a cohort, {ALLOWED} is needed"
        )
    parsed = parse_formula(formula)
    require_subject(parsed)
    with connected(scheduler):
        return streamed_moments(parsed, source, None, residual_columns(residual))
