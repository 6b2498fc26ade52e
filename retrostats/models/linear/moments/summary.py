"""From a printed table to moments: means, spreads and what implies their correlation."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from retrostats.common.arrays import finite_array, table_column
from retrostats.common.errors import InputError, NotIdentified
from retrostats.common.lower_factor import lower_factor
from retrostats.io.published.agreement import refuse_table, spread_unit
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.moments.correlation import NEXT_STEP, Correlation
from retrostats.models.linear.moments.moments import Moments
from retrostats.models.linear.moments.patterns import Pattern, merge_patterns

_RANK_TOL = 1e-12  # share of a variance, given those before it, that counts as zero
#: Squares of larger numbers overflow.
_LARGEST = 1e150
_RESERVED = frozenset({"n", "mean", "sd", "se", "ci_low", "ci_high", "ci_level"})
_BETWEEN = frozenset({"arm", "group", "treatment", "sex", "study", "site"})


CorrelationLike = float | Correlation | ArrayLike | pd.DataFrame


def moments_from_summary(
    cells: pd.DataFrame,
    *,
    correlation: CorrelationLike | Mapping[Hashable, CorrelationLike] | None = None,
    within: str | Sequence[str] | None = None,
    between: str | Sequence[str] | None = None,
    outcome: str = "y",
    subject: str = "subject",
) -> Moments:
    """Moments of a printed table, the same as those of the rows it summarises.

    Parameters
    ----------
    cells : DataFrame
        One row a cell: the design columns, ``n``, ``mean`` and ``sd`` (or ``se``).
    correlation : float, matrix, Correlation, or mapping from a between-subject level to one
        Correlation of the outcome between within-subject conditions: one number for every pair, a
        matrix over the conditions in the order of their levels, or what implies it
        (`Correlation.from_sd_change`, ``from_t``, ``from_p``, ``from_ci``). With several between
        columns a mapping's keys are tuples.
    within : str or list of str, optional
        Columns that vary within a subject. Not needed where there is only one design column, where
        ``between`` is given, where the keys of ``correlation`` are the levels of a column, or where
        columns are called arm, group, treatment, sex, study or site, which are between subjects.
    between : str or list of str, optional
        Columns that vary between subjects; by default all other design columns.
    outcome, subject : str
        Names for the formula.

    Returns
    -------
    Moments

    Raises
    ------
    NotIdentified
        A quantity the moments need is not there: the correlation, an SD, more than one subject, or
        how subjects split when n differs between the conditions of one arm.
    InputError
        A column is missing, a cell is printed twice, a number is impossible.

    Examples
    --------
    >>> cells = pd.DataFrame({"time": ["post", "pre"], "n": [10, 10],
    ...                       "mean": [21.0, 23.0], "sd": [3.0, 3.2]})
    >>> moments_from_summary(cells, correlation=0.9)
    Moments of y: 10 subject(s), 20 observations, 1 pattern(s) over time
    """
    if not isinstance(cells, pd.DataFrame) or cells.empty:
        raise InputError("cells must be a DataFrame with a row a cell")
    if isinstance(correlation, Mapping) and not correlation:
        raise InputError("correlation is an empty mapping; give one for each level, or a number")
    double = [str(c) for c in cells.columns[cells.columns.duplicated()]]
    if double:
        raise InputError(f"cells have two columns {double[0]!r}; keep one of each")
    numbers = [name for name in ("n", "mean", "sd", "se") if name in cells.columns]
    cells = cells.assign(**{name: table_column(cells, name, "cells") for name in numbers})
    within_names, between_names = _roles(cells, correlation, within, between)
    _check(cells, within_names, between_names)
    spread = _spread(cells)
    columns = (*between_names, *within_names)
    coded, levels, ordered = _codes(cells, columns)
    telling = [b for b in between_names if cells[b].nunique() > 1]
    arms = cells[telling].apply(tuple, axis=1) if telling else None
    patterns = []
    for arm in [()] if arms is None else list(dict.fromkeys(arms)):
        rows = np.arange(len(cells)) if arms is None else np.flatnonzero((arms == arm).to_numpy())
        rows = rows[np.lexsort(coded[rows].T[::-1])]
        patterns.append(
            _pattern(cells, spread, coded, rows, correlation, arm, tuple(telling), within_names)
        )
    return Moments(
        outcome, subject, columns, levels, ordered, (), merge_patterns(patterns), printed=True
    )


def _roles(
    cells: pd.DataFrame,
    correlation: Any,
    within: str | Sequence[str] | None,
    between: str | Sequence[str] | None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which design columns vary within a subject and which between."""
    design = [c for c in cells.columns if c not in _RESERVED]
    if within is not None:
        inside = _names(within)
        if between is not None:
            return inside, _names(between)
        return inside, tuple(c for c in design if c not in inside)
    if between is not None:
        outside = _names(between)
    elif isinstance(correlation, Mapping):
        keys = set(correlation)
        outside = tuple(c for c in design if keys <= set(cells[c]))[:1]
    elif len(design) == 1:
        outside = ()
    else:
        outside = tuple(c for c in design if str(c).lower() in _BETWEEN)
    inside = tuple(c for c in design if c not in outside)
    if between is None and len(design) > 1 and (not outside or not inside):
        raise InputError(
            f"which of {', '.join(map(str, design))} vary within a subject? Name them: "
            "within=, between="
        )
    return inside, outside


def _names(value: str | Sequence[str]) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise InputError(f"within or between: found {value!r}; names of columns are needed")
    return tuple(names)


def _check(cells: pd.DataFrame, within: tuple[str, ...], between: tuple[str, ...]) -> None:
    missing = [c for c in (*within, *between, "n", "mean") if c not in cells.columns]
    if "sd" not in cells.columns and "se" not in cells.columns:
        missing.append("sd (or se)")
    if missing:
        raise InputError(
            f"cells have no column {', '.join(missing)}; "
            f"found: {', '.join(map(str, cells.columns))}"
        )
    large = [c for c in ("mean", "sd", "se") if c in cells and (cells[c].abs() > _LARGEST).any()]
    if large:
        raise InputError(f"cells: {large[0]} is above {_LARGEST:g}; check its unit")
    keys = cells[[*within, *between]]
    if keys.isna().to_numpy().any():
        raise InputError("cells: a design column has an empty cell; fill it")
    if keys.duplicated().any():
        twice = keys[keys.duplicated()].iloc[0].to_dict()
        raise InputError(f"cells: {twice} is printed twice; keep one row a cell")
    for name in ("n", "mean"):
        values = cells[name].to_numpy(dtype=float)
        if not np.isfinite(values).all():
            raise NotIdentified(
                f"cells row {int(np.flatnonzero(~np.isfinite(values))[0])}: {name} is missing or "
                "not a number; a cell needs n, a mean and an SD or SE"
            )
    n = cells["n"].to_numpy(dtype=float)
    if ((n < 2) | (n % 1 != 0)).any():
        raise NotIdentified(
            f"cells: n is {n.min():g}; an SD and a variance between subjects need whole numbers of "
            "at least 2 subjects in each cell"
        )


def _spread(cells: pd.DataFrame) -> FloatArray:
    sd = np.full(len(cells), np.nan)
    if "sd" in cells.columns:
        sd = pd.to_numeric(cells["sd"], errors="coerce").to_numpy(dtype=float).copy()
    if "se" in cells.columns:
        se = pd.to_numeric(cells["se"], errors="coerce").to_numpy(dtype=float)
        sd = np.where(np.isnan(sd), se * np.sqrt(cells["n"].to_numpy(dtype=float)), sd)
    if {"sd", "se"} <= set(cells.columns):
        _same_spread(cells, sd, se)
    root = np.sqrt(cells["n"].to_numpy(dtype=float))
    refuse_table(cells.assign(error=sd / root), "cells", "mean", "error")
    if not np.isfinite(sd).all():
        row = int(np.flatnonzero(~np.isfinite(sd))[0])
        raise NotIdentified(f"cells row {row}: neither SD nor SE; the cell's spread is missing")
    if (sd < 0).any():
        raise InputError(f"cells: an SD or SE of {sd.min():g} is below zero")
    return sd


def _same_spread(cells: pd.DataFrame, sd: FloatArray, se: FloatArray) -> None:
    """Refuse an SD and an SE of one cell that are not of one n, within their rounding."""
    n = cells["n"].to_numpy(dtype=float)
    for row in np.flatnonzero(~np.isnan(se)):
        half_se, half_sd = spread_unit(se[row]), spread_unit(sd[row])
        root = float(np.sqrt(n[row]))
        if abs(se[row] - sd[row] / root) > (half_se + half_sd / root) * (1 + 1e-9):
            raise InputError(
                f"cells row {row}: se {se[row]:g} contradicts sd {sd[row]:g} with n {n[row]:g}, "
                f"which give {sd[row] / root:.3g}; correct or leave out one of them"
            )


def _codes(
    cells: pd.DataFrame, columns: tuple[str, ...]
) -> tuple[FloatArray, tuple[tuple[Any, ...] | None, ...], tuple[bool, ...]]:
    out = np.empty((len(cells), len(columns)))
    levels: list[tuple[Any, ...] | None] = []
    ordered = []
    for c, name in enumerate(columns):
        series = cells[name]
        if isinstance(series.dtype, pd.CategoricalDtype):
            used = series.cat.remove_unused_categories()
            out[:, c] = used.cat.codes
            levels.append(tuple(used.cat.categories.tolist()))
        elif pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series):
            out[:, c] = series.to_numpy(dtype=float)
            levels.append(None)
        else:
            codes, labels = pd.factorize(series, sort=True)
            out[:, c] = codes
            levels.append(tuple(labels))
        ordered.append(isinstance(series.dtype, pd.CategoricalDtype))
    return out, tuple(levels), tuple(ordered)


def _pattern(
    cells: pd.DataFrame,
    spread: FloatArray,
    coded: FloatArray,
    rows: np.ndarray,
    correlation: Any,
    arm: tuple[Any, ...],
    between: tuple[str, ...],
    within: tuple[str, ...],
) -> Pattern:
    n = cells["n"].to_numpy(dtype=float)[rows]
    where = ", ".join(f"{b} {v!r}" for b, v in zip(between, arm, strict=True))
    where = f" in {where}" if where else ""
    labels = [" ".join(str(v) for v in cells[list(within)].iloc[r]) for r in sorted(rows)]
    if np.ptp(n) > 0:
        raise NotIdentified(
            f"n differs between the conditions{where} ({', '.join(f'{v:g}' for v in n)}): how many "
            "subjects have which conditions is missing; give the completers' table, or each set of "
            "subjects as its own moments and add them"
        )
    mean = cells["mean"].to_numpy(dtype=float)[rows]
    sd = spread[rows]
    if len(rows) == 1:
        matrix: FloatArray = np.ones((1, 1))
    else:
        matrix = _matrix(correlation, arm, float(n[0]), mean, sd, labels, where)
    if len(rows) > 1 and (sd == 0).any():
        raise InputError(
            f"cells{where}: an SD is 0 and a correlation is given, but nothing correlates with a "
            "constant; check the SD"
        )
    values = np.linalg.eigvalsh(matrix)
    if values.min() < -1e-9:
        raise InputError(
            f"the correlations{where} are impossible together (smallest eigenvalue "
            f"{values.min():.3g}); with {len(rows)} conditions one correlation for all pairs is at "
            f"least {-1 / max(len(rows) - 1, 1):.3f}"
        )
    scatter = (n[0] - 1.0) * matrix * np.outer(sd, sd)
    return Pattern(coded[rows], float(n[0]), mean, scatter)


def _matrix(
    correlation: Any,
    arm: tuple[Any, ...],
    n: float,
    mean: FloatArray,
    sd: FloatArray,
    labels: list[str],
    where: str,
) -> FloatArray:
    m = len(mean)
    if isinstance(correlation, Mapping):
        key = arm[0] if len(arm) == 1 else arm
        correlation = correlation.get(key)
    if correlation is None:
        raise NotIdentified(
            f"the within-pair correlation of {' and '.join(labels)}{where} is missing; {NEXT_STEP}"
        )
    if isinstance(correlation, Correlation):
        if m != 2:
            raise NotIdentified(
                f"a {correlation.kind} is about one pair, but there are {m} conditions{where}; "
                "give a correlation matrix"
            )
        correlation = correlation.resolve(n, tuple(mean), tuple(sd))
    values = finite_array(correlation, f"correlation{where}")
    if values.ndim == 0:
        if not -1.0 <= float(values) <= 1.0:
            raise InputError(f"correlation {float(values):g}{where} is outside [-1, 1]")
        return np.full((m, m), float(values)) + (1.0 - float(values)) * np.eye(m)
    if (
        values.shape != (m, m)
        or not np.allclose(values, values.T)
        or not np.allclose(np.diag(values), 1.0)
        or np.abs(values).max() > 1.0 + 1e-12
    ):
        raise InputError(
            f"the correlation matrix{where} must be {m} x {m}, symmetric, with a diagonal of ones "
            "and values in [-1, 1]"
        )
    return values


def surrogate_rows(moments: Moments, rng: np.random.Generator) -> pd.DataFrame:
    """Surrogate rows with exactly these moments, for checking a fit and nothing else.

    The rows are random numbers made to fit: they are not the subjects of any study. Never draw,
    publish or archive them as data; the column ``surrogate`` says so in every row.

    Parameters
    ----------
    moments : Moments
    rng : numpy.random.Generator

    Returns
    -------
    DataFrame
        Design columns, subject, outcome and ``surrogate`` (True).

    Raises
    ------
    NotIdentified
        A pattern has too few subjects for its scatter (fewer than conditions + 1).
    """
    frames = []
    used = 0
    for pattern in moments.patterns:
        n, m = round(float(pattern.n)), len(pattern.mean)
        scatter = np.zeros((m, m)) if pattern.scatter is None else pattern.scatter
        factor, some = lower_factor(scatter[None], tolerance=_RANK_TOL)
        root = factor[0][:, some[0]]
        rank = root.shape[1]
        if rank > n - 1:
            raise NotIdentified(f"{n} subjects cannot have a scatter of rank {rank}")
        noise = rng.standard_normal((n, rank))
        q, _ = np.linalg.qr(noise - noise.mean(axis=0))
        y = pattern.mean + q @ root.T
        frame: dict[str, Any] = {
            moments.subject or "block": np.repeat([f"s{used + i + 1}" for i in range(n)], m)
        }
        for c, (name, levels) in enumerate(zip(moments.columns, moments.levels, strict=True)):
            column = np.tile(pattern.design[:, c], n)
            frame[name] = (
                pd.Categorical(np.asarray(levels, dtype=object)[column.astype(int)], list(levels))
                if levels
                else column
            )
        frame[moments.outcome] = y.ravel()
        frames.append(pd.DataFrame(frame).assign(surrogate=True))
        used += n
    return pd.concat(frames, ignore_index=True)
