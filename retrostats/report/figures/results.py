"""Forest plots of any result: `forest` of the public names, and what each kind of result shows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from retrostats.common.arrays import one_of, table_column, table_of
from retrostats.common.errors import InputError
from retrostats.common.student import t_quantile
from retrostats.common.verbs import Verbs
from retrostats.evidence.printed.pooled_printed import PooledPrinted
from retrostats.models.counts.pooled_result import PooledCounts
from retrostats.models.counts.result import GlmmFit
from retrostats.models.linear.post_estimation.emmeans import MarginalMeans
from retrostats.models.meta.bayes import Posterior
from retrostats.models.meta.moderators import at_estimates
from retrostats.models.meta.result import Pooled
from retrostats.report.figures.axis import Span
from retrostats.report.figures.forest import Panel
from retrostats.report.figures.forest import forest as forest_of
from retrostats.report.figures.keys import Words
from retrostats.report.figures.looks import drawn_in

NAN = math.nan
ENDS = ("conf_low", "conf_high")
#: Columns that name the rows of a table, first found first taken.
NAMES = ("label", "study", "slab", "term", "study_id", "estimate_id", "row_id")
#: Columns of a table that are numbers.
NUMBERS = ("estimate", "std_error", "yi", "vi", *ENDS, "weight", "n", "pred_low", "pred_high")
ORDERS = ("given", "estimate", "weight")
#: Columns that `exponentiate` turns into ratios.
SCALED = ("estimate", *ENDS, "pred_low", "pred_high", "fit", "fit_low", "fit_high")
POOL, NEW = "Pooled effect", "A new study"


@dataclass(frozen=True)
class Shown:
    """Rows of a result on its own scale, and how that scale is called and drawn.

    Attributes
    ----------
    rows
        label, role, estimate, conf_low, conf_high, and what else a forest draws.
    xlabel
        What is estimated.
    null
        No effect; NaN where there is none.
    ratio
        "drawn" where the rows are ratios already, "made" where they are logarithms that are shown
        as ratios unless asked otherwise, "" where they are neither.
    back
        From the scale of the rows to the one that is shown, where that is no logarithm.
    """

    rows: pd.DataFrame
    xlabel: str = "Estimate"
    null: float = 0.0
    ratio: str = ""
    words: Words = field(default_factory=Words)
    back: Callable[[Any], Any] | None = None


def forest(
    result: Any,
    *,
    labels: Sequence[str] | None = None,
    exponentiate: bool | None = None,
    xlabel: str = "",
    band: tuple[float | None, float | None] | None = None,
    order: str = "given",
    theme: str = "light",
    width_mm: float | None = None,
) -> Figure:
    """Draw a forest plot of any result: studies and their pool, coefficients, means, or a table.

    Parameters
    ----------
    result
        `rs.pool`, `rs.pool_counts`, `rs.pool_printed`: each study, marks as large as their weight,
        the pool as a diamond and where a new study's effect is expected; with moderators what the
        model expects of each study in place of one mean. `rs.lmm`, `rs.glmm`: fixed effects without
        the intercept. `.emmeans()`: the means. A DataFrame with estimate and std_error (or yi and
        vi), or estimate, conf_low and conf_high: each row.
    labels
        Names of the rows, in their order; those of the result unless given.
    exponentiate
        Show logarithms as ratios on a logarithmic axis. Unless given: of counts yes, else no, as a
        pool does not know what was pooled.
    xlabel
        What is estimated, with its unit.
    band
        Range to shade, (low, high), None for an open end, on the scale that is shown.
    order
        Of the rows: "given", "estimate" (lowest first) or "weight" (heaviest first).
    theme, width_mm
        "light", "dark" or "slide"; 85 for one column of a journal, 180 for two, or between.

    Returns
    -------
    matplotlib Figure
        `.savefig("forest.pdf")` writes it; a notebook shows it.

    Raises
    ------
    InputError
        A result that holds no estimates, labels that do not fit, an unknown order or theme.

    References
    ----------
    Lewis and Clarke (2001), BMJ 322:1479.

    Examples
    --------
    >>> import retrostats as rs
    >>> pooled = rs.pool([0.10, 0.35, 0.62], [0.10, 0.15, 0.20])
    >>> figure = rs.forest(pooled, labels=["A 2001", "B 2004", "C 2010"], exponentiate=True)
    >>> [axes.get_xscale() for axes in figure.axes], round(figure.get_figwidth() * 25.4)
    (['log'], 180)
    """
    one_of(order, "forest order", ORDERS)
    shown = _ordered(_labelled(shown_of(result), labels), order)
    ratio = shown.ratio == "drawn"
    if shown.ratio != "drawn" and (exponentiate or (exponentiate is None and shown.ratio)):
        shown, ratio = _scaled(shown, np.exp), True
    elif shown.back is not None and exponentiate is not False:
        shown = _scaled(shown, shown.back)
    log = ratio and bool((shown.rows[["estimate", *ENDS]].fillna(1.0) >= 0).all(axis=None))
    axis = xlabel or f"{shown.xlabel}{' (log axis)' if log else ''}"
    rows = _complete(shown.rows)
    panel = Panel(rows, axis, shown.null, log, span_of("forest", band), words=shown.words)
    with drawn_in(theme, width_mm):
        return forest_of([panel], "")


def shown_of(result: Any) -> Shown:
    """What a forest shows of a result.

    Raises
    ------
    InputError
        If it holds no estimates with intervals.
    """
    readers: tuple[tuple[Any, Callable[[Any], Shown]], ...] = (
        (Pooled, _pooled), (Posterior, _posterior), (PooledCounts, _counts),
        (PooledPrinted, _printed), (MarginalMeans, _means), (GlmmFit, _glmm),
        (Verbs, _coefficients), (pd.DataFrame, _table), (Mapping, _table),
    )  # fmt: skip
    for kind, read in readers:
        if isinstance(result, kind):
            return read(result)
    other = "; its .plot() draws it" if hasattr(result, "plot") else ""
    raise InputError(
        f"forest: found {type(result).__name__}, which holds no estimates with intervals{other}; "
        "allowed: a pool, a fit, marginal means, or a table with estimate and std_error"
    )


def _pooled(pooled: Pooled) -> Shown:
    data = pooled.data
    if data is None:
        return Shown(_pool_row(pooled), words=Words(pooled.level))
    half = t_quantile((1 - pooled.level) / 2, math.inf) * np.sqrt(data.v)
    names = data.labels or tuple(map(str, range(1, len(data.y) + 1)))
    rows = pd.DataFrame({"label": names, "role": "study", "estimate": data.y,
                         "conf_low": data.y - half, "conf_high": data.y + half,
                         "weight": pooled.weights or NAN})  # fmt: skip
    if len(pooled.terms) == 1:
        rows = pd.concat([rows, _pool_row(pooled)], ignore_index=True)
    else:
        rows[["fit", "fit_low", "fit_high"]] = at_estimates(pooled)
    return Shown(rows, words=Words(pooled.level))


def _pool_row(pooled: Any, **changed: Any) -> pd.DataFrame:
    """The mean of a pool as the last row of its forest."""
    names = ("estimate", *ENDS, "pred_low", "pred_high", "k", "i2")
    row = {name: getattr(pooled, name, NAN) for name in names}
    tau2 = getattr(pooled, "tau2", NAN)
    row |= {"tau": math.sqrt(tau2) if tau2 >= 0 else NAN, "label": POOL, "role": "pooled"}
    return pd.DataFrame([row | changed])


def _posterior(pooled: Posterior) -> Shown:
    words = Words(pooled.level, "credible")
    return Shown(_pool_row(pooled, label="Posterior of the mean"), words=words)


#: Of each measure of counts: what it is, no effect as shown, and "ratio" or how it is shown.
COUNTS = {
    "rate_ratio": ("Rate ratio", 0.0, "made"),
    "odds_ratio": ("Odds ratio", 0.0, "made"),
    "rate": ("Rate", NAN, "made"),
    "proportion": ("Proportion", NAN, ""),
}


def _counts(pooled: PooledCounts) -> Shown:
    xlabel, null, ratio = COUNTS[pooled.measure]
    own = pooled.studies
    rows = own.rename(columns={"study": "label", "informative": "pooled"}).assign(role="study")
    rows = pd.concat([rows, _pool_row(pooled, i2=NAN)], ignore_index=True)
    back = _expit if pooled.measure == "proportion" else None
    return Shown(rows, xlabel, null, ratio, Words(pooled.level), back)


def _expit(values: Any) -> Any:
    return 0.5 + 0.5 * np.tanh(np.asarray(values, dtype=float) / 2)


def _printed(pooled: PooledPrinted) -> Shown:
    table = pooled.sources
    rows = table[np.isfinite(table["estimate"]) | table["pooled"]]
    rows = rows[["study", "estimate", *ENDS, "pooled"]].rename(columns={"study": "label"})
    rows = rows.assign(role="study")
    found = pooled.posterior
    if found is not None:
        ends = (found.quantile(p, new_study=True) for p in (0.025, 0.975))
        low, high = (float(pooled.measure.to_printed(end)) for end in ends)
        tau = float(pooled.tau["median"])
        row = _pool_row(pooled, pred_low=low, pred_high=high, tau=tau, label="Mean over studies")
        rows = pd.concat([rows, row], ignore_index=True)
    name = pooled.measure.name
    ratio = "drawn" if pooled.measure.is_log else ""
    label = f"{name[:1].upper()}{name[1:]}"
    return Shown(rows, label, pooled.null, ratio, Words(kind="credible"))


def _means(means: MarginalMeans) -> Shown:
    from retrostats.models.linear.formula.design import shown_level

    cells = means.table[list(means.factors)].itertuples(index=False)
    names = [", ".join(shown_level(value) for value in cell) for cell in cells]
    rows = means.table[["estimate", *ENDS]].assign(label=names, role="term")
    return Shown(rows, "Estimated marginal mean", NAN, words=Words(means.level))


def _glmm(fit: GlmmFit) -> Shown:
    shown = _coefficients(fit)
    name = "Odds ratio" if fit.link == "logit" else "Rate ratio"
    return replace(shown, xlabel=name, ratio="made")


def _coefficients(fit: Any) -> Shown:
    table = fit.coefficients
    slopes = table[table["term"] != "(Intercept)"]
    kept = slopes if len(slopes) else table
    rows = kept[["estimate", *ENDS]].assign(label=kept["term"], role="term")
    return Shown(rows, "Coefficient")


def _table(table: Any) -> Shown:
    frame = table_of(table, "forest").reset_index(drop=True)
    numbers = [name for name in NUMBERS if name in frame]
    frame = frame.assign(**{name: _numbers(frame, name) for name in numbers})
    if "yi" in frame and "vi" in frame:
        frame = frame.assign(estimate=frame["yi"], std_error=np.sqrt(frame["vi"]))
    if not set(ENDS) <= set(frame) and "std_error" in frame:
        half = t_quantile(0.025, math.inf) * frame["std_error"]
        frame = frame.assign(conf_low=frame["estimate"] - half, conf_high=frame["estimate"] + half)
    missing = [name for name in ("estimate", *ENDS) if name not in frame]
    if missing:
        raise InputError(
            f"forest: the table has no column {missing[0]!r}; it has "
            f"{', '.join(map(str, frame.columns[:20]))}. Give estimate with std_error or with "
            "conf_low and conf_high, or yi with vi"
        )
    name = next((name for name in NAMES if name in frame), None)
    names = range(1, len(frame) + 1) if name is None else frame[name]
    kept = [c for c in ("weight", "n", "group", "role", "pred_low", "pred_high") if c in frame]
    rows = frame[["estimate", *ENDS, *kept]].assign(label=list(map(str, names)))
    if "role" not in rows:
        rows["role"] = "study"
    return Shown(rows)


def _numbers(frame: pd.DataFrame, name: str) -> np.ndarray[Any, Any]:
    """A column as numbers; a cell that is neither a number nor empty is refused with its row."""
    found = table_column(frame, name, "forest")
    wrong = np.flatnonzero(np.isnan(found) & frame[name].notna().to_numpy())
    if len(wrong):
        cell = frame[name].iloc[wrong[0]]
        raise InputError(
            f"forest: column {name!r}, row {wrong[0] + 1}: found {cell!r}; allowed are numbers and "
            "empty cells. Correct it or leave the row out"
        )
    return found


def _labelled(shown: Shown, labels: Sequence[str] | None) -> Shown:
    """With other names of the rows; the pool keeps its own."""
    if shown.rows.empty:
        raise InputError("forest: no row to draw; give a result with an estimate or more")
    if labels is None:
        return shown
    rows = shown.rows.copy()
    named = (rows["role"] != "pooled").to_numpy()
    if not isinstance(labels, Iterable):
        raise InputError(f"forest labels: found a {type(labels).__name__}; give one name a row")
    found = [labels] if isinstance(labels, str) else list(labels)
    if len(found) != named.sum():
        raise InputError(f"forest labels: found {len(found)} for {named.sum()} rows; give one each")
    rows.loc[named, "label"] = list(map(str, found))
    return replace(shown, rows=rows)


def _ordered(shown: Shown, order: str) -> Shown:
    """Rows in the order asked for, pools last."""
    if order == "given":
        return shown
    if order not in shown.rows or shown.rows[order].isna().all():
        raise InputError(f"forest order={order!r}: this result has none; allowed: given, estimate")
    pools = shown.rows["role"] == "pooled"
    studies = shown.rows[~pools].sort_values(order, ascending=order != "weight", kind="stable")
    return replace(shown, rows=pd.concat([studies, shown.rows[pools]], ignore_index=True))


def _scaled(shown: Shown, back: Callable[[Any], Any]) -> Shown:
    """On the scale that is shown; infinite ends stay so."""
    rows = shown.rows.copy()
    with np.errstate(over="ignore"):
        for name in (name for name in SCALED if name in rows):
            rows[name] = back(rows[name].astype(float))
        null = float(back(shown.null))
    return replace(shown, rows=rows, null=null)


def _complete(rows: pd.DataFrame) -> pd.DataFrame:
    """The columns that a forest looks at, where a result has none of them."""
    blank = dict.fromkeys(("pred_low", "pred_high", "sens_low", "sens_high", "k", "tau"), NAN)
    rows = rows.assign(**{name: v for name, v in blank.items() if name not in rows}, excluded=False)
    pooled = rows["pooled"].fillna(True).astype(bool) if "pooled" in rows else True
    return rows.assign(pooled=pooled).reset_index(drop=True)


def span_of(where: str, band: tuple[float | None, float | None] | None) -> Span | None:
    """A range as it was asked for, NaN for an open end; None where both are open.

    Raises
    ------
    InputError
        What is no pair of numbers in order.
    """
    if band is None:
        return None
    try:
        low, high = (NAN if end is None or math.isinf(end) else float(end) for end in band)
    except (TypeError, ValueError):
        raise InputError(
            f"{where} band={band!r}; allowed: (low, high), None for an open end"
        ) from None
    if low > high:
        raise InputError(f"{where} band={band!r}: the first end is above the second; swap them")
    return None if low != low and high != high else Span(low, high)
