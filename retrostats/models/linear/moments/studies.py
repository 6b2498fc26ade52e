"""Studies from print: pre/post tables with a correlation, and arms with a mean and an SD."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from retrostats.common.arrays import table_column
from retrostats.common.errors import InputError, NotIdentified
from retrostats.common.nearest import suggestion
from retrostats.io.published.agreement import half_unit, refuse_table, spread_unit
from retrostats.models.linear.formula.columns import Factor, FloatArray, read_column
from retrostats.models.linear.moments.moments import CellMoments
from retrostats.models.linear.moments.patterns import Pattern, merge_patterns

_KEYS = ("study", "arm", "n")
_PREPOST = ("mean_pre", "sd_pre", "mean_post", "sd_post", "correlation")


def moments_prepost(table: pd.DataFrame) -> CellMoments:
    """Moments of people measured before and after, from the printed table of each study and arm.

    Parameters
    ----------
    table : DataFrame
        One row a study and arm: study, arm, n, mean_pre, sd_pre, mean_post, sd_post, correlation
        (of pre and post between the people of the arm). Other columns are kept as columns of the
        design where they are complete.

    Returns
    -------
    Moments
        Of the variables pre, post and pre_c (pre minus the mean over all people of its study), with
        the columns study (categorical), arm (as in the table) and, where arm is 0 and 1, arm_c
        (-0.5 and 0.5). Each person is one row: ``lmm("post ~ pre_c + arm + study + (0 + arm |
        study)", moments, residual="study:arm")``.

    Raises
    ------
    NotIdentified
        n, a mean, an SD or the correlation is not printed; the message names study and arm.
    InputError
        A column is missing, an arm is printed twice, or a number is impossible.

    Examples
    --------
    >>> table = pd.DataFrame({"study": ["A", "A", "B", "B"], "arm": [0, 1, 0, 1],
    ...     "n": [20, 21, 15, 14], "mean_pre": [30.0, 31.0, 28.0, 29.5],
    ...     "sd_pre": [5.0, 6.0, 4.0, 5.5], "mean_post": [29.0, 22.0, 28.5, 24.0],
    ...     "sd_post": [6.0, 5.0, 5.0, 4.5], "correlation": 0.6})
    >>> moments = moments_prepost(table)
    >>> moments
    Moments of pre, post: 70 people in 4 cell(s) of 2 study(s) over study, arm
    >>> from retrostats.models.linear.fit import lmm
    >>> fit = lmm("post ~ pre_c + arm + study + (0 + arm | study)", moments, residual="arm")
    >>> round(float(fit.beta[fit.terms.index("arm")]), 2)
    -6.63
    """
    values = _read(table, (*_KEYS, *_PREPOST))
    r = values["correlation"]
    _impossible(table, np.abs(r) > 1.0, "correlation", r, "a number from -1 to 1")
    n, s0, s1 = values["n"], values["sd_pre"], values["sd_post"]
    mean = np.column_stack([values["mean_pre"], values["mean_post"]])
    scatter = np.empty((len(table), 2, 2))
    scatter[:, 0, 0], scatter[:, 1, 1] = s0**2, s1**2
    scatter[:, 0, 1] = scatter[:, 1, 0] = r * s0 * s1
    _spread_of_one(table, n, s0, "sd_pre")
    _spread_of_one(table, n, s1, "sd_post")
    for name, sd in (("sd_pre", s0), ("sd_post", s1)):
        _impossible(table, sd == 0, name, sd, "above 0, as nothing correlates with a constant")
    _impossible(table, np.abs(r) == 1.0, "correlation", r, "between -1 and 1, both excluded")
    _implied_changes(table, mean, (s0, s1), r)
    return _cells(table, n, mean, scatter, ("pre", "post"), (("pre_c", "pre"),), _PREPOST)


def moments_arms(table: pd.DataFrame) -> CellMoments:
    """Moments of an outcome measured once, from the printed mean and SD of each study and arm.

    Parameters
    ----------
    table : DataFrame
        One row a study and arm: study, arm, n, mean, sd. Other columns are kept as columns of the
        design where they are complete.

    Returns
    -------
    Moments
        Of the variable y, with the columns study (categorical), arm (as in the table) and, where
        arm is 0 and 1, arm_c (-0.5 and 0.5).

    Raises
    ------
    NotIdentified, InputError
        As `moments_prepost`.

    Examples
    --------
    >>> moments_arms(pd.DataFrame({"study": ["A", "A", "B", "B"], "arm": [0, 1, 0, 1],
    ...     "n": [20, 21, 15, 14], "mean": [29.0, 22.0, 28.5, 24.0], "sd": [6.0, 5.0, 5.0, 4.5]}))
    Moments of y: 70 people in 4 cell(s) of 2 study(s) over study, arm
    """
    values = _read(table, (*_KEYS, "mean", "sd"))
    mean, scatter = values["mean"][:, None], values["sd"][:, None, None] ** 2
    _spread_of_one(table, values["n"], values["sd"], "sd")
    refuse_table(table, "the table", "mean")
    if "se" in table:
        slack = np.array([spread_unit(v) for v in values["sd"]]) / np.sqrt(values["n"])
        _implied(table, "se", values["sd"] / np.sqrt(values["n"]), slack)
    return _cells(table, values["n"], mean, scatter, ("y",), (), ("mean", "sd"))


def _read(table: object, needed: tuple[str, ...]) -> dict[str, FloatArray]:
    """The numbers of a table, each checked."""
    if not isinstance(table, pd.DataFrame) or table.empty:
        raise InputError(
            f"the table must be a DataFrame with a row for each study and arm: {', '.join(needed)}"
        )
    double = sorted({str(c) for c in table.columns[table.columns.duplicated()]})
    if double:
        raise InputError(f"the table has two columns {', '.join(double)}; keep one of each")
    missing = [c for c in needed if c not in table.columns]
    if missing:
        others = [c for c in map(str, table.columns) if c not in needed]
        named = ", ".join(f"{c}{suggestion(c, others)}" for c in missing)
        raise InputError(
            f"the table has no column {named}; found: {', '.join(map(str, table.columns))}"
        )
    keys = table[["study", "arm"]]
    if keys.isna().to_numpy().any():
        row = int(np.flatnonzero(keys.isna().any(axis=1))[0])
        raise InputError(f"table row {row}: study or arm is empty; fill it")
    if keys.duplicated().any():
        row = int(np.flatnonzero(keys.duplicated())[0])
        raise InputError(f"{_where(table, row)} is printed twice; keep one row a study and arm")
    out: dict[str, FloatArray] = {}
    for name in needed[2:]:
        values = table_column(table, name, "the table")
        bad = ~np.isfinite(values)
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            found = table[name].iloc[row]
            raise NotIdentified(
                f"{_where(table, row)}: {name} is {found!r}, not a finite number, and without it "
                "the moments are not known; there is no default"
            )
        out[name] = values
    n = out["n"]
    _impossible(table, (n < 1) | (n % 1 != 0), "n", n, "a whole number of people, at least 1")
    for name in needed:
        if name.startswith("mean") or name.startswith("sd"):
            large = np.abs(out[name]) > 1e150
            _impossible(table, large, name, out[name], "a number below 1e150")
        if name.startswith("sd"):
            _impossible(table, out[name] < 0, name, out[name], "zero or more")
    return out


def _impossible(
    table: pd.DataFrame, bad: np.ndarray, name: str, values: FloatArray, allowed: str
) -> None:
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InputError(f"{_where(table, row)}: {name} is {values[row]:g}; allowed: {allowed}")


def _spread_of_one(table: pd.DataFrame, n: FloatArray, sd: FloatArray, name: str) -> None:
    """Refuse an SD of one person."""
    bad = np.flatnonzero(n < 2)
    if bad.size:
        row = int(bad[0])
        raise InputError(
            f"{_where(table, row)}: n is {n[row]:g} and {name} is {sd[row]:g}, but one person has "
            "no standard deviation; check n"
        )


def _implied_changes(
    table: pd.DataFrame, mean: FloatArray, sds: tuple[FloatArray, FloatArray], r: FloatArray
) -> None:
    """Refuse a printed change, or SD of change, that pre, post and their correlation exclude."""
    s0, s1 = sds
    if "mean_change" in table:
        slack = np.array([half_unit(a) + half_unit(b) for a, b in mean])
        _implied(table, "mean_change", mean[:, 1] - mean[:, 0], slack)
    if "sd_change" in table:
        # the range over correlations and SDs rounded to their last digit
        half = np.array([[half_unit(v) for v in row] for row in zip(s0, s1, r, strict=True)])
        ends = [
            np.sqrt(np.maximum(a**2 + b**2 - 2 * c * a * b, 0.0))
            for a in (s0 - half[:, 0], s0 + half[:, 0])
            for b in (s1 - half[:, 1], s1 + half[:, 1])
            for c in (r - half[:, 2], r + half[:, 2])
        ]
        implied = np.sqrt(np.maximum(s0**2 + s1**2 - 2 * r * s0 * s1, 0.0))
        slack = np.maximum(np.max(ends, axis=0) - implied, implied - np.min(ends, axis=0))
        _implied(table, "sd_change", implied, slack)


def _implied(table: pd.DataFrame, name: str, implied: FloatArray, slack: FloatArray) -> None:
    """Refuse a printed number that is not what the others of its row imply, within rounding."""
    found = table_column(table, name, "the table")
    for row in map(int, np.flatnonzero(np.isfinite(found))):
        if abs(found[row] - implied[row]) > slack[row] + half_unit(found[row]) + 1e-9:
            raise InputError(
                f"{_where(table, row)}: {name} is {found[row]:g}, but the other numbers of the "
                f"row give {implied[row]:.4g}; correct or leave out one of them"
            )


def _where(table: pd.DataFrame, row: int) -> str:
    return f"study {table['study'].iloc[row]!s}, arm {table['arm'].iloc[row]!s}"


def _cells(
    table: pd.DataFrame,
    n: FloatArray,
    mean: FloatArray,
    covariance: FloatArray,
    variables: tuple[str, ...],
    centred: tuple[tuple[str, str], ...],
    numbers: tuple[str, ...],
) -> CellMoments:
    taken = {"study", "arm", "n", *numbers, *variables, "pre_c", "arm_c"}
    extra = [c for c in table.columns if c not in taken and table[c].notna().all()]
    names: list[str] = []
    coded: list[FloatArray] = []
    levels: list[tuple[Any, ...] | None] = []
    ordered: list[bool] = []
    for name in ("study", "arm", *map(str, extra)):
        column = read_column(table, name, as_factor=name == "study")
        names.append(name)
        if isinstance(column, Factor):
            column = column.take(slice(None))
            coded.append(column.codes.astype(float))
            levels.append(column.levels)
            ordered.append(column.ordered)
        else:
            coded.append(column)
            levels.append(None)
            ordered.append(False)
    design = np.column_stack(coded)
    scatter = (n - 1.0)[:, None, None] * covariance
    patterns = [
        Pattern(design[i : i + 1], float(n[i]), mean[i], scatter[i]) for i in range(len(table))
    ]
    return CellMoments(
        outcome=variables[-1],
        subject="study",
        columns=tuple(names),
        levels=tuple(levels),
        ordered=tuple(ordered),
        groups=(),
        patterns=merge_patterns(patterns),
        n_dropped=0,
        raw=None,
        variables=variables,
        centred=centred,
        coded=_arm_codes(levels[1], design[:, 1]),
    )


def _arm_codes(levels: Any, arm: FloatArray) -> tuple[tuple[str, str], ...]:
    """arm_c, where the arm is coded 0 and 1 (or false and true)."""
    zero_one = levels is None and set(np.unique(arm).tolist()) <= {0.0, 1.0}
    return (("arm_c", "arm"),) if zero_one or levels == ("FALSE", "TRUE") else ()
