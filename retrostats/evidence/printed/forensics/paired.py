"""Findings that need two printed rows: SD or SE, p of two groups, percentages of two means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retrostats.evidence.printed.forensics.printed import OPERATORS, Column, column, p_column
from retrostats.evidence.printed.forensics.wording import Row, row, span
from retrostats.evidence.printed.pvalues import p_agrees, p_of_groups
from retrostats.evidence.printed.recompute import percent_change

if TYPE_CHECKING:
    import pandas as pd

#: What says which measurement a row is; two rows of a pair differ in exactly one of them.
CONTEXT = (
    "study_id", "outcome", "gait", "direction", "speed_printed", "gradient_printed", "condition",
    "arm", "time", "unit",
)  # fmt: skip
Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]
Array = NDArray[np.float64]
Box = tuple[Array, Array]
#: Rounding intervals are exact in decimal, not in binary.
_SLACK = 1e-9


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


def spread_readings(table: pd.DataFrame) -> Iterator[Row]:
    """SD or SE: which readings the paired p allows, for pairs over time or over direction."""
    mean, spread = column(table["mean_text"]), column(table["spread_text"])
    n = table["n"].to_numpy(dtype=float)
    own = ~table["of_groups"].to_numpy(dtype=bool)
    usable = mean.known & spread.known & (spread.low > 0) & (n >= 2) & own
    for differs in ("time", "direction"):
        first, second = pairs(table, differs, usable, ("n", "spread_type", "print_scale"))
        p, operator, shown = _shared_p(table, first, second)
        kept = np.flatnonzero(p.known)
        first, second = first[kept], second[kept]
        p, operator, shown = p.take(kept), operator[kept], shown[kept]
        a, b, sa, sb = mean.take(first), mean.take(second), spread.take(first), spread.take(second)
        people = n[first]
        difference = b.low - a.high, b.high - a.low
        change = sd_of_change_from_p(difference, people, (p.low, p.high), operator)
        boxes = (sa.low, sa.high), (sb.low, sb.high)
        as_sd = spreads_possible(*boxes, change, np.ones(len(people)))
        as_se = spreads_possible(*boxes, change, np.sqrt(people))
        wanted = ("row_id", "study_id", "outcome", "mean_text", "spread_text", "spread_type")
        text = {c: table[c].to_numpy(dtype=str) for c in wanted}
        for k, (i, j) in enumerate(zip(first, second, strict=True)):
            printed = (
                f"{text['mean_text'][i]} ± {text['spread_text'][i]}, {text['mean_text'][j]} ± "
                f"{text['spread_text'][j]}, p {operator[k]} {shown[k]}"
            )
            recomputed = f"SD of change {span(change[0][k], change[1][k])}"
            yield row(
                "SD or SE", text["study_id"][i], f"{text['row_id'][i]} {text['row_id'][j]}",
                text["outcome"][i], printed, recomputed,
                question=_reading(text["spread_type"][i], bool(as_sd[k]), bool(as_se[k])),
            )  # fmt: skip


def _reading(label: str, as_sd: bool, as_se: bool) -> str:
    """The question that a spread's label and the readings that remain leave, or none."""
    outside = "would need a correlation outside -1 to 1 under the printed paired p"
    if not as_sd and not as_se:
        return (
            f"Read as standard deviations and as standard errors alike, the spreads {outside}. Was "
            "the test another than a paired t-test of this difference, or are n or p others?"
        )
    if not as_sd and label != "SE":
        return (
            f"As standard deviations the spreads {outside}; as standard errors they do not. Are "
            "they standard errors?"
        )
    if not as_se and label == "SE":
        return (
            f"As standard errors the spreads {outside}; as standard deviations they do not. Are "
            "they standard deviations?"
        )
    return ""


def groups(table: pd.DataFrame) -> Iterator[Row]:
    """p of two independent groups from their means (or changes), spreads and n."""
    n = table["n"].to_numpy(dtype=float)
    between = table["between"].to_numpy(dtype=bool)
    for value, error, kind in (
        ("mean_text", "spread_text", "spread_type"),
        ("change_text", "change_spread_text", "change_spread_type"),
    ):
        mean, spread = column(table[value]), column(table[error])
        usable = mean.known & spread.known & (n >= 2) & between
        first, second = pairs(table, "arm", usable, (kind, "print_scale"))
        p, operator, shown = _shared_p(table, first, second)
        kept = np.flatnonzero(p.known)
        first, second = first[kept], second[kept]
        p, operator, shown = p.take(kept), operator[kept], shown[kept]
        a, b, sa, sb = mean.take(first), mean.take(second), spread.take(first), spread.take(second)
        n1, n2 = n[first], n[second]
        found = {}
        for reading, f1, f2 in (("SD", 1.0, 1.0), ("SE", np.sqrt(n1), np.sqrt(n2))):
            found[reading] = p_of_groups(
                (b.low - a.high, b.high - a.low),
                (sa.low * f1, sa.high * f1), (sb.low * f2, sb.high * f2), n1, n2,
            )  # fmt: skip
        agrees = {k: p_agrees(v, (p.low, p.high), operator) for k, v in found.items()}
        text = {c: table[c].to_numpy(dtype=str) for c in
                ("row_id", "study_id", "outcome", value, error, kind)}  # fmt: skip
        for k, (i, j) in enumerate(zip(first, second, strict=True)):
            label = text[kind][i]
            readings = (label,) if label in found else ("SD", "SE")
            recomputed = "; ".join(f"{r}: {span(found[r][0][k], found[r][1][k])}" for r in readings)
            question = ""
            if not any(agrees[r][k] for r in readings):
                question = (
                    f"A t-test of these two groups gives p {recomputed}; printed is p "
                    f"{operator[k]} {shown[k]}. Was it another test (of changes, adjusted), or "
                    "are n or the spreads others?"
                )
            printed = (
                f"{text[value][i]} ± {text[error][i]} (n {n1[k]:g}), {text[value][j]} ± "
                f"{text[error][j]} (n {n2[k]:g}), p {operator[k]} {shown[k]}"
            )
            yield row("p of two groups", text["study_id"][i],
                      f"{text['row_id'][i]} {text['row_id'][j]}", text["outcome"][i], printed,
                      recomputed, question=question)  # fmt: skip


def percentages(table: pd.DataFrame) -> Iterator[Row]:
    """Printed percentage changes beside the two printed means they should come from."""
    mean, pct = column(table["mean_text"]), column(table["pct_change_text"])
    time = table["time"].to_numpy(dtype=str)
    usable = mean.known & (mean.low > 0) & np.isin(time, ("pre", "post"))
    first, second = pairs(table, "time", usable, ("print_scale",))
    shared = [name for name in CONTEXT if name not in ("time", "unit")]
    keys = list(zip(*(table[name].to_numpy(dtype=str) for name in shared), strict=True))
    at = {keys[i]: (i, j) for i, j in zip(first, second, strict=True)}
    text = {c: table[c].to_numpy(dtype=str) for c in
            ("row_id", "study_id", "outcome", "mean_text", "pct_change_text")}  # fmt: skip
    for k in np.flatnonzero(pct.known):
        if keys[k] not in at:
            continue
        pre, post = sorted(at[keys[k]], key=lambda i: time[i] != "pre")
        before, after = text["mean_text"][pre], text["mean_text"][post]
        printed = text["pct_change_text"][k]
        found = percent_change(before, after)
        low, high = found.low, found.high
        # a fall is printed with or without its sign
        agrees = found.agrees(printed) or (low <= -pct.low[k] and high >= -pct.high[k])
        question = ""
        if not agrees:
            question = (
                f"From {before} to {after} is a change of {span(low, high)}%; printed is "
                f"{printed}%. Is it the mean of each person's percentage, adjusted, or of other "
                "people?"
            )
        rows = dict.fromkeys((text["row_id"][pre], text["row_id"][post], text["row_id"][k]))
        yield row("percentage", text["study_id"][k], " ".join(rows), text["outcome"][k],
                  f"{before}, {after}, {printed}%", span(low, high), question=question)  # fmt: skip


def _shared_p(
    table: pd.DataFrame, first: np.ndarray, second: np.ndarray
) -> tuple[Column, np.ndarray, np.ndarray]:
    """The p of each pair: of the row that has one; unknown where the two rows have different ones.

    A usable p beside an empty one is the pair's; "NS" and other words bound nothing.
    """
    import pandas as pd

    texts, operators = (table[c].to_numpy(dtype=str) for c in ("p_value_text", "p_operator"))
    has1, has2 = (np.isin(operators[i], OPERATORS) & (texts[i] != "") for i in (first, second))
    empty1, empty2 = operators[first] == "", operators[second] == ""
    same = (texts[first] == texts[second]) & (operators[first] == operators[second])
    good = np.where(has1 & has2, same, (has1 & empty2) | (has2 & empty1))
    source = np.where(has1, first, second)
    text = np.where(good, texts[source], "")
    operator = np.where(good, operators[source], "")
    return p_column(pd.Series(text), pd.Series(operator)), operator, text


def sd_of_change_from_p(difference: Box, n: Array, p: Box, operator: NDArray[np.str_]) -> Box:
    """Range of the SD of change that a printed paired p allows: |difference| sqrt(n) / t.

    Cochrane Handbook, sections 6.5.2.3 and 6.5.2.8.

    Parameters
    ----------
    difference : pair of (m,) arrays
        Range of the difference of the two means; it may hold zero.
    n : (m,) array
        People.
    p : pair of (m,) arrays
        Rounding interval of p (above 0), or twice the threshold.
    operator : (m,) array of str
        "=", "<", "<=", ">" or ">=".

    Returns
    -------
    pair of (m,) arrays
        Zero to infinity where p says nothing.
    """
    from scipy.special import stdtrit

    low, high = difference
    holds_zero = (low <= 0) & (high >= 0)
    nearest = np.where(holds_zero, 0.0, np.minimum(np.abs(low), np.abs(high)))
    farthest = np.maximum(np.abs(low), np.abs(high))
    with np.errstate(divide="ignore", invalid="ignore"):
        t_high = -stdtrit(n - 1, p[0] / 2)
        t_low = -stdtrit(n - 1, np.minimum(p[1], 1.0) / 2)
        least = nearest * np.sqrt(n) / t_high
        most = np.where(t_low > 0, farthest * np.sqrt(n) / t_low, np.inf)
    least = np.where(np.char.startswith(operator, "<"), 0.0, least)
    most = np.where(np.char.startswith(operator, ">"), np.inf, most)
    return least, most


def spreads_possible(first: Box, second: Box, change: Box, factor: Array) -> NDArray[np.bool_]:
    """Whether two SDs, `factor` times the printed spreads, allow an SD of change in `change`.

    It lies between |sd1 - sd2| and sd1 + sd2 (correlation 1 and -1); where the two do not meet, no
    correlation reconciles them.

    Parameters
    ----------
    first, second : pairs of (m,) arrays
        Rounding intervals of the two spreads.
    change : pair of (m,) arrays
        From `sd_of_change_from_p`.
    factor : (m,) array
        1 for the reading as SDs, sqrt(n) for the reading as SEs.

    Returns
    -------
    (m,) bool array

    Examples
    --------
    Two SEs of 1.0 of 16 people whose difference of 1.0 has p = 0.04 are possible; SDs are not
    unless the correlation could exceed what two spreads of 3.0 and 1.0 leave:

    >>> import numpy as np
    >>> one = np.array([1.0])
    >>> change = sd_of_change_from_p((one, one), 16 * one, (0.04 * one, 0.04 * one),
    ...                              np.array(["="]))
    >>> print(change[0].round(2))
    [1.78]
    >>> bool(spreads_possible((one, one), (one, one), change, one)[0])
    True
    >>> bool(spreads_possible((3 * one, 3 * one), (one, one), change, one)[0])
    False
    """
    (low1, high1), (low2, high2) = first, second
    gap = np.maximum(0.0, np.maximum(low1 - high2, low2 - high1)) * factor
    upper = (high1 + high2) * factor
    least, most = change
    slack = _SLACK * np.maximum(1.0, upper)
    return np.asarray((gap <= most + slack) & (upper >= least - slack))
