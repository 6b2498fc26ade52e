"""A table of printed rows in, a posterior and its probabilities out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from retrostats.common.arrays import real_number
from retrostats.common.errors import InputError
from retrostats.evidence.printed.answer import claimed_range
from retrostats.evidence.printed.measures import (
    EVENT_RATIOS,
    PROPORTION,
    Measure,
    measure_of_pool,
    one_measure,
    usual_scale,
)  # fmt: skip
from retrostats.evidence.printed.pooled_printed import PooledPrinted
from retrostats.evidence.printed.printed_choices import (
    STATED,
    choices,
    correlation_priors,
    nested_sets,
    synthesis,
)  # fmt: skip
from retrostats.evidence.printed.quadrature import CorrelationPrior
from retrostats.evidence.printed.row_counts import proportion_source
from retrostats.evidence.printed.row_effects import (
    nothing_source,
    reported_source,
    says_words,
    words_source,
)  # fmt: skip
from retrostats.evidence.printed.row_sides import sides_source
from retrostats.evidence.printed.row_units import check_units, refuse_mixed_units
from retrostats.evidence.printed.rows import PrintedRow, is_left_out, read_rows
from retrostats.evidence.printed.sources import PrintedSource
from retrostats.models.meta.bayes import HalfNormal

#: Standard errors that an effect may lie from what first and second give: rounding, and models
#: that hardly adjust, explain as much.
_CONTRADICTS = 1.0


def pool_printed(
    table: Any,
    *,
    measure: Any = None,
    prior: HalfNormal | None = None,
    correlation: tuple[float, float] | None = None,
    sets: Any = None,
    null: float | None = None,
    claimed: tuple[float, float] | None = None,
) -> PooledPrinted:
    """Pool printed rows: each is a likelihood of its own effect, theta_i ~ N(mu, tau^2).

    Parameters
    ----------
    table : DataFrame, mapping of columns, or path of a CSV
        One row a printed comparison, cells as printed (text counts with its rounding, numbers are
        exact): study; design (crossover, parallel, before-after); n ("13" or "13 / 12"); then what
        was printed. `first` and `second` ("38.35 SD 1.53 min", also SE, IQR, range or plus-minus;
        "27.1 SD 3.0 -> 24.7 SD 2.9"; "15 / 461 players"; "15 / 461 h") with r or p where they are
        known; or `estimate` with `low`, `high` and `level` (percent), with `se` (of the logarithm
        of a ratio, in percent points of a percentage, of a proportion in its own unit), with p, or
        alone; or words in `estimate`
        ("higher", "lower", "not significant"). Also df, design_effect, measure, pool (yes,
        "no: reason", "sign: for"), sd_median, sd_log_sd, sd_low and sd_high (lognormal prior of the
        standard deviation between people behind a bare estimate, model's scale), cv_high (the
        largest coefficient of variation at which an unlabelled plus-minus may be a standard error).
    measure : str or list of str, optional
        "mean difference", "ratio of means", "percent", "SMD", "risk ratio", "odds ratio", "risk
        difference", "rate ratio", "hazard ratio", "correlation" or "proportion" (`first` alone,
        as "12 / 80", on the logit); default: the rows' own. Of a list the first is pooled and the
        others are mixed in with it; else they are refused.
    prior : HalfNormal, optional
        Of tau on the model's scale. Default scale: 0.2 for log ratios of means, 0.5 for log odds,
        rate, risk and hazard ratios and SMD, half the median SD of the effect between people for
        differences.
    correlation : (mean, sd), optional
        Normal prior of Fisher's z of correlations that were not printed; None: uniform on -1 to 1.
    sets : mapping, optional
        Nested sets of studies, smallest first, by name. Default: sources that print a spread or an
        error; with bare estimates; with words.
    null : float, optional
        No effect, printed scale: 1 for ratios, else 0. A proportion has none: give the number that
        it is set against, or `claimed`.
    claimed : (low, high), optional
        A range on the printed scale whose probability is reported as well.

    Returns
    -------
    PooledPrinted
        Probabilities with their lowest and highest over the declared choices: prior scales (main,
        half, quarter), correlation stated and uniform, nested sets.

    Raises
    ------
    InputError
        Rows of several measures or claims, several rows of one study, text of no known form, a
        level that is missing, or numbers that contradict one another; the message names the row.

    Notes
    -----
    docs/mathematics.md, section 19. The quadrature over tau is that of Roever (2020), Journal of
    Statistical Software 93(6), for likelihoods of any form.

    Examples
    --------
    >>> pooled = pool_printed({
    ...     "study": ["A", "B", "C"], "design": ["crossover"] * 3, "n": ["13", "10", "9"],
    ...     "first": ["31.3 SD 5.8", "40.5 SD 4.0", ""],
    ...     "second": ["27.2 SD 2.5", "30.0 SD 3.5", ""],
    ...     "estimate": ["", "", "higher"], "p": ["<0.05", "", "<0.01"]}, measure="ratio of means")
    >>> pooled.k, pooled.prob_above(1.0) > 0.9
    (3, True)
    """
    rows = read_rows(table)
    live = [row for row in rows if not is_left_out(row.cells, row.where)]
    kind = measure_of_pool(measure, [row.measure for row in live])
    _refuse_mixed(live, kind)
    refuse_mixed_units(live, kind)
    limits = claimed_range(claimed)
    nothing = kind.null if null is None else real_number(null, "pool_printed, null")
    if kind.is_log and not nothing > 0:
        raise InputError(f"pool_printed: null is {nothing:g}; allowed is a ratio above 0")
    side = _claimed_side(limits, nothing)
    read = [row_source(row, kind, side) for row in rows]
    _refuse_repeats(read)
    return pool_sources(
        read, kind, null=nothing, claimed=limits, prior=prior, correlation=correlation, sets=sets
    )


def pool_sources(
    read: Sequence[PrintedSource],
    kind: Measure,
    *,
    null: float,
    claimed: tuple[float, float] | None = None,
    prior: HalfNormal | None = None,
    correlation: tuple[float, float] | None = None,
    sets: Any = None,
) -> PooledPrinted:
    """The pool of rows that have been read; arguments as of `pool_printed`."""
    pooled = tuple(source for source in read if source.kept)
    priors = correlation_priors(correlation)
    stated = priors[STATED]
    if not any(source.depends_on_correlation for source in pooled):
        priors = {STATED: stated}
    words = "uniform on -1 to 1" if stated.mean is None else (
        f"with Fisher's z normal, mean {stated.mean:g}, SD {stated.sd:g}")  # fmt: skip
    sized = any(source.bounded for source in pooled)
    scale = _scale(prior, kind, pooled) if sized else math.nan
    which = nested_sets(pooled, sets) if sized else {}
    return PooledPrinted(
        measure=kind,
        null=null,
        claimed=claimed,
        prior_scale=scale,
        correlation=words,
        read=tuple(source.without_functions for source in read),
        pooled=tuple(source.without_functions for source in pooled),
        declared=tuple(choices(which, list(priors), scale)),
        synthesis=synthesis(pooled, priors, scale) if sized else None,
    )


def row_source(row: PrintedRow, measure: Measure, claimed_side: int = 1) -> PrintedSource:
    """One row as a source; one that is not pooled is listed with its reason.

    Raises
    ------
    InputError
        Numbers that contradict one another, or of which this measure cannot be made.
    """
    if is_left_out(row.cells, row.where):
        word, _, reason = str(row.cells["pool"]).partition(":")
        if word.strip().lower() == "no":
            return nothing_source(row, reason.strip())
        agrees = reason.strip().lower() == "for"
        sign = claimed_side if agrees else -claimed_side
        return replace(nothing_source(row, "only its sign counts", sign), became="a sign")
    check_units(row, measure)
    effect = row.positive("design_effect")
    found = _read(row, measure)
    return found if effect is None or found.left_out else found.thinned(effect)


def _read(row: PrintedRow, measure: Measure) -> PrintedSource:
    """An effect, words, or both sides; an effect wins and both sides check it."""
    if says_words(row):
        return words_source(row, measure)
    if not any(name in row.cells for name in ("estimate", "low", "high")):
        return _sides(row, measure)
    found = reported_source(row, measure)
    if str(row.cells.get("adjusted", "")).strip().lower() != "yes":
        _refuse_other_sides(row, measure, found)
    return found


def _sides(row: PrintedRow, measure: Measure) -> PrintedSource:
    """Both sides, or the only one of a proportion."""
    if measure.name == PROPORTION:
        return proportion_source(row, *row.sides())
    return sides_source(row, measure)


def _refuse_other_sides(row: PrintedRow, measure: Measure, found: PrintedSource) -> None:
    """Refuse an effect that first and second, where they give one as well, contradict."""
    alone = measure.name == PROPORTION
    needed, given = ({"first"}, "first gives") if alone else (
        {"first", "second"}, "first and second give")  # fmt: skip
    if not needed <= set(row.cells) or found.nodes is None:
        return
    try:
        sides = _sides(row, measure)
    except InputError:  # they give no effect of this measure: nothing to check by
        return
    if not (sides.kept and sides.bounded):
        return
    stated = found.nodes(CorrelationPrior())
    centre = sides.spread_at(CorrelationPrior())[0]
    if abs(centre - stated.centre) > _CONTRADICTS * stated.error_at(0.5):
        shown, other = (float(measure.to_printed(x)) for x in (stated.centre, centre))
        raise InputError(
            f"{row.where}: the estimate is {shown:.4g}, and {given} {other:.4g}; "
            "correct one of them, or say adjusted = yes"
        )


def _claimed_side(claimed: tuple[float, float] | None, null: float) -> int:
    """The side of no effect that the claim is on: above where it does not say."""
    if claimed is None:
        return 1
    low, high = claimed
    return -1 if high <= null or (low < null and null - low > high - null) else 1


def _refuse_mixed(rows: Sequence[PrintedRow], measure: Measure) -> None:
    allowed = (measure.name, *measure.mixed)
    for row in rows:
        own = one_measure(row.measure) if row.measure else measure.name
        if own not in allowed:
            both = measure.name in EVENT_RATIOS and own in EVENT_RATIOS
            mixing = f", or mix it in: measure=[{measure.name!r}, {own!r}]" if both else ""
            raise InputError(
                f"{row.where}: measure is {row.measure}, and the pool is of {measure.name}; leave "
                f"it out (pool = 'no: reason'){mixing}"
            )


def _refuse_repeats(sources: Sequence[PrintedSource]) -> None:
    seen: dict[str, int] = {}
    for source in sources:
        if not source.kept:
            continue
        if source.study in seen:
            raise InputError(
                f"pool_printed: {source.study} has rows {seen[source.study]} and {source.row}; "
                "sources must be independent: combine them into one row, keep one and give the "
                "other pool = 'no: reason', or name different people differently"
            )
        seen[source.study] = source.row


def _scale(prior: HalfNormal | None, measure: Measure, sources: Sequence[PrintedSource]) -> float:
    if prior is None:
        return usual_scale(measure, [source.sd for source in sources if source.bounded])
    if not isinstance(prior, HalfNormal):
        raise InputError(
            f"prior is a {type(prior).__name__}; allowed: HalfNormal(scale), scale in units of "
            "the effect on the model's scale"
        )
    return prior.scale
