"""`escalc`: effect sizes and their sampling variances, for `pool`, as metafor's function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrostats.common.arrays import one_of, real_number, table_of
from retrostats.common.errors import InputError
from retrostats.common.habits import TABLED, own_names
from retrostats.models.meta.effect_cells import is_time, with_printed_cells
from retrostats.models.meta.effect_columns import (
    check_correlation,
    check_one_sign,
    check_people,
    check_size,
    columns_of,
    numbers,
    row_names,
)
from retrostats.models.meta.effect_means import Effect, Options
from retrostats.models.meta.effect_measures import (
    MEASURES,
    ONE_MEAN,
    TWO_MEANS,
    Measure,
    measure_code,
)
from retrostats.models.meta.effect_reported import has_reported, reported
from retrostats.models.meta.heterogeneity import Array
from retrostats.models.meta.medians import has_medians, means_from_medians

if TYPE_CHECKING:
    import pandas as pd

_TO = ("only0", "all", "if0all", "none")
#: What a row's design makes of a measure of two groups.
_BY_DESIGN = {
    "MD": {"crossover": "MC", "before-after": "MCD"}, "ROM": {"crossover": "ROMC"},
}  # fmt: skip
_STANDARDIZED = ("SMD", "SMDH", "SMD1")
#: Standard errors that a conversion from medians gives.
_CONVERTED = ("mean_se", "mean_se_1", "mean_se_2", "sd_se", "sd_se_1", "sd_se_2")


@own_names(TABLED)
def escalc(
    table: Any,
    measure: str,
    *,
    add: float | None = None,
    to: str = "only0",
    drop00: bool = False,
    vtype: str = "LS",
    correct: bool | None = None,
    convert_medians: bool = False,
) -> pd.DataFrame:
    """Effect sizes and their sampling variances, a row a study: columns yi and vi for `pool`.

    Parameters
    ----------
    table
        DataFrame, or what makes one, with the columns of the measure (metafor's argument names,
        m1i, ai, ..., do too); 1 is compared with 2. Two groups: n_1, mean_1, sd_1, n_2, mean_2,
        sd_2. Pairs: n, mean_1, sd_1, mean_2, sd_2 and r, or mean_change and sd_change; with
        mean_pre, sd_pre, mean_post, sd_post the change is after less before, by the SD before
        where SMCR asks for one. Changes of two groups: n_1, mean_pre_1, sd_pre_1, mean_post_1,
        sd_post_1, r_1 and the same of 2. Events: events_1, total_1, events_2, total_2, or events,
        total; totals are people, for rates exposure. Correlations: r, n. A printed effect:
        estimate with low, high and level in percent, or with p, or (no ratio) with se, on the
        printed scale; it wins over the other columns of its row. Or an audit's table: cells
        `first` and `second` ("38.35 SD 1.53 min", "15 / 461 players") and n ("13 / 12") are read,
        `design` crossover and before-after make pairs and changes of mean differences and ratios.
        A column design_effect divides numbers of people and events (clusters).
    measure
        metafor's code or its words: MD "mean difference", SMD "standardized mean difference",
        SMDH, SMD1, ROM "ratio of means", VR, CVR; pairs MC "mean change", SMCC, SMCR, SMCRH,
        SMCRP, SMCRPH, ROMC, VRC, CVRC; MCD "difference in change", SMCD; RR "risk ratio", OR
        "odds ratio", RD "risk difference", AS, PETO; IRR "rate ratio", IRD, IRSD; HR "hazard
        ratio" (printed effects only); COR "correlation", ZCOR "fisher z"; PR "proportion", PLN,
        PLO "logit proportion", PAS, PFT "double arcsine"; IR "rate", IRLN, IRS, IRFT; MN, MNLN,
        SDLN, CVLN. Ratios are logarithms.
    add, to, drop00
        Added to cells without events: 1/2 (none for AS, IRSD, PAS, PFT, IRS, IRFT); "only0" in
        rows with such a cell, "all", "if0all" in all rows if one has such a cell, "none".
        `drop00` leaves rows without events in both groups, or with nothing else, empty.
        `pool_counts` needs no such addition.
    vtype
        Of the variance: "LS" (large samples); "HO" (equal variances: MD, ROM); "LS2" (SMD and
        standardised changes), "UB" (unbiased: SMD, RD, PR), "AV" (at the mean effect: SMD).
    correct
        The small-sample correction, exact factor (not the approximation 1 - 3 / (4 df - 1)). None
        takes metafor's: standardised effects are corrected, log ratios of means are not
        (metafor before version 5; True corrects them as Lajeunesse 2015).
    convert_medians
        Whether medians with quartiles or range (median_1, q1_1, q3_1, min_1, max_1, n_1, ...) may
        stand for means: `means_from_medians`, whose larger standard errors enter vi.

    Returns
    -------
    DataFrame
        The table with yi and vi. NaN where cells are empty or, with to="none", where a logarithm
        has no events. Rows that have yi and vi and none of the columns keep them.

    Raises
    ------
    InputError
        An unknown measure or option, a missing column, a value that cannot be, a cell that is not
        understood.

    References
    ----------
    Viechtbauer (2010), Journal of Statistical Software 36(3), and the documentation of metafor;
    docs/mathematics.md, section 19.

    Examples
    --------
    >>> rows = {"study": ["a", "b"], "events_1": [4, 6], "total_1": [123, 306],
    ...         "events_2": [11, 29], "total_2": [139, 303]}
    >>> escalc(rows, measure="RR")[["yi", "vi"]].round(4).values.tolist()
    [[-0.8893, 0.3256], [-1.5854, 0.1946]]
    """
    code = measure_code(measure)
    options = _options(code, (add, to, drop00, vtype, correct))
    if not isinstance(convert_medians, bool | np.bool_):
        raise InputError(f"escalc: convert_medians={convert_medians!r}; allowed: True or False")
    frame = table_of(table, "escalc")
    if frame.empty:
        raise InputError("escalc: the table has no rows; give one a study")
    read = with_printed_cells(frame)
    if has_medians(read):
        read = _converted(read, code, options, convert=convert_medians)
    y, v = np.full(len(read), np.nan), np.full(len(read), np.nan)
    for each, rows in _by_design(read, code).items():
        part = _effects(read.iloc[rows], each, options, percent=_percent(measure))
        y[rows], v[rows] = part
    return frame.assign(yi=y, vi=v)


def _percent(measure: str) -> bool:
    return str(measure).strip().lower() == "percent"


def _options(code: str, given: tuple[Any, ...]) -> Options:
    add, to, drop00, vtype, correct = given
    one_of(to, "escalc to", _TO)
    one_of(vtype, f"escalc vtype of {code}", MEASURES[code].vtypes)
    for name, value in (("drop00", drop00), ("correct", correct)):
        if not (value is None or isinstance(value, bool | np.bool_)):
            raise InputError(f"escalc: {name}={value!r}; allowed: True or False")
    if add is not None and real_number(add, "escalc add") < 0:
        raise InputError(f"escalc: add={add!r}; allowed: 0 or more")
    return Options(add, to, bool(drop00), vtype, correct)


def _converted(frame: pd.DataFrame, code: str, o: Options, *, convert: bool) -> pd.DataFrame:
    if not convert:
        raise InputError(
            "escalc: the table holds medians; say convert_medians=True to take them for means by "
            "Luo (2018) and Wan (2014), which supposes that people are near normal, or leave the "
            "column out"
        )
    needs = MEASURES[code].needs
    if needs not in (TWO_MEANS, ONE_MEAN) or code not in ("MD", "SMD", "ROM", "MN", "MNLN"):
        raise InputError(
            f"escalc: measure {code} takes no converted medians, since the variance it would need "
            "is not known; allowed: MD, SMD, ROM, MN, MNLN"
        )
    if o.vtype != "LS":
        raise InputError(f"escalc: vtype={o.vtype!r} with converted medians; allowed: LS")
    return means_from_medians(frame)


def _by_design(frame: pd.DataFrame, code: str) -> dict[str, NDArray[np.intp]]:
    """Places of rows by the measure that their design makes of the one asked for."""
    rows = np.arange(len(frame))
    if "design" not in frame.columns:
        return {code: rows}
    designs = frame["design"].astype(str).str.strip().str.lower().str.replace(" ", "-").to_numpy()
    paired = np.isin(designs, ("crossover", "before-after"))
    if code in _STANDARDIZED and paired.any():
        name = row_names(frame)[int(np.flatnonzero(paired)[0])]
        raise InputError(
            f"escalc: {name} is {designs[paired][0]}, and {code} is of two groups; take such rows "
            "apart with SMCRP (the same scale), SMCC or SMCR, or SMCD for changes of two groups"
        )
    if code == "ROM" and (designs == "before-after").any():
        name = row_names(frame)[int(np.flatnonzero(designs == "before-after")[0])]
        raise InputError(
            f"escalc: {name} is before-after; ratios of changes are not computed, take measure MD"
        )
    codes = np.array([_BY_DESIGN.get(code, {}).get(design, code) for design in designs])
    return {str(each): rows[codes == each] for each in dict.fromkeys(codes)}


def _effects(frame: pd.DataFrame, code: str, o: Options, *, percent: bool) -> Effect:
    """Effects of rows of one measure: printed ones, else computed, else those that stand there."""
    measure = MEASURES[code]
    printed = has_reported(frame)
    empty = np.full(len(frame), np.nan)
    y, v = empty, empty
    if printed:
        scale = "percent" if percent else measure.scale
        y, v = reported(frame, scale=scale)
    if measure.compute is None:
        if not printed:
            raise InputError(
                f"escalc: measure {code} is read from what was printed; the table needs the "
                "columns estimate, low, high and level, or estimate and p"
            )
        return y, v
    sought = any(name in frame.columns for name in _sought(measure))
    if printed and (not sought or not np.isnan(v).any()):
        return y, v
    errors = _CONVERTED if has_medians(frame) else ()
    found = columns_of(frame, measure.needs, measure.instead or {}, code, errors)
    blank = np.all([np.isnan(values) for values in found.values()], axis=0)
    made = _computed(frame, measure, code, found, o)
    if {"yi", "vi"} <= set(frame.columns):
        made = tuple(
            np.where(blank, numbers(frame, name), part)
            for name, part in zip(("yi", "vi"), made, strict=True)
        )
    keep = ~np.isnan(y)
    return np.where(keep, y, made[0]), np.where(keep, v, made[1])


def _sought(measure: Measure) -> tuple[str, ...]:
    """Columns that show that raw numbers are given, whether or not all are there."""
    return tuple(name for name in (*measure.needs, *(measure.instead or {})) if name != "n")


def _computed(
    frame: pd.DataFrame, measure: Measure, code: str, found: dict[str, Array], o: Options
) -> tuple[Array, ...]:
    _check_arms(frame, found)
    if measure.kind:
        _check_noun(frame, measure, code)
    if measure.kind == "people":
        check_people(frame, found)
    if measure.one_sign:
        check_one_sign(frame, found, measure.one_sign)
    if measure.least:
        for name in measure.least[0]:
            check_size(frame, found, name, measure.least[1], code)
    if code == "ZCOR":
        check_correlation(frame, found)
    flipped = _after_less_before(frame, measure)
    if flipped and "mean_change" in found:  # given as after less before
        found["mean_change"] = -found["mean_change"]
    assert measure.compute is not None
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        y, v = measure.compute(found, o)
    y = -y if flipped else y
    bad = ~np.isfinite(y) | ~np.isfinite(v)
    return np.where(np.isfinite(y), y, np.nan), np.where(bad, np.nan, v)


def _after_less_before(frame: pd.DataFrame, measure: Measure) -> bool:
    """Whether 1 and 2 of pairs stand for before and after, whose change is the other way round."""
    one, two = {"mean_1", "m1i"}, {"mean_pre", "mean_post"}
    columns = set(frame.columns)
    return "r" in measure.needs and bool(two & columns) and not one & columns


def _check_arms(frame: pd.DataFrame, found: dict[str, Array]) -> None:
    """Cells of two groups need the people of each."""
    if "first" not in frame.columns or not {"n_1", "mean_1"} <= set(found):
        return
    bad = np.flatnonzero(np.isnan(found["n_1"]) & ~np.isnan(found["mean_1"]))
    if bad.size:
        raise InputError(
            f"escalc: {row_names(frame)[int(bad[0])]}, column 'n': the people of both groups are "
            "needed, as '13 / 12'"
        )


def _check_noun(frame: pd.DataFrame, measure: Measure, code: str) -> None:
    """Events of an audit's table are of people or of exposure, as the measure asks."""
    if "counted_in" not in frame.columns:
        return
    for name, noun in zip(row_names(frame), frame["counted_in"], strict=True):
        if isinstance(noun, str) and is_time(noun) != (measure.kind == "exposure"):
            other = "RR, OR, RD" if measure.kind == "exposure" else "IRR, IRD"
            raise InputError(
                f"escalc: {name}: events are counted in {noun!r}, and {code} is of "
                f"{measure.kind}; take {other}"
            )
