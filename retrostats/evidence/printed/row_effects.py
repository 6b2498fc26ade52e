"""Rows that print an effect: an estimate with an error, an interval or a p, alone, or words."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from retrostats.common.errors import InputError
from retrostats.common.student import t_quantile
from retrostats.evidence.printed.cells import WORDS, Number
from retrostats.evidence.printed.likelihoods import (
    averaged,
    between_by_table,
    t_statistic_log_likelihood,
)  # fmt: skip
from retrostats.evidence.printed.measures import (
    CORRELATION,
    PROPORTION,
    RATIO_OF_MEANS,
    SMD,
    Measure,
)  # fmt: skip
from retrostats.evidence.printed.quadrature import (
    LOG_RATIO_SPREAD,
    SpreadPrior,
    interval_points,
)  # fmt: skip
from retrostats.evidence.printed.row_scale import RowScale
from retrostats.evidence.printed.rows import PARALLEL, PrintedRow
from retrostats.evidence.printed.sources import (
    BARE,
    NOTHING,
    SPREAD,
    Nodes,
    PrintedSource,
)  # fmt: skip
from retrostats.evidence.printed.sources import (
    WORDS as WORDS_KIND,
)

Array = NDArray[np.float64]
#: Words without a p, and intervals of tests that words report, are read at this level, two-sided.
ALPHA = 0.05
#: Rounding of an estimate counts where half its last digit is more than this share of its error.
_ROUNDING_COUNTS = 0.05
_ROUNDING_POINTS = 5


def says_words(row: PrintedRow) -> bool:
    """Whether the estimate is a word as "higher"."""
    text = row.cells.get("estimate")
    return isinstance(text, str) and _word(text) in WORDS


def reported_source(row: PrintedRow, measure: Measure) -> PrintedSource:
    """A row with a number in `estimate`, or limits alone.

    Raises
    ------
    InputError
        Limits without their level or out of order, an estimate outside them, or a number that the
        measure cannot have.
    """
    scale = RowScale(row, measure)
    low, high = (scale.limit(name) for name in ("low", "high"))
    estimate = scale.estimate()
    if low is not None or high is not None:
        return _interval(row, scale, estimate, (low, high))
    if estimate is None:
        raise InputError(f"{row.where}: estimate is empty; give it, or first and second")
    se = scale.error()
    if se is not None:
        return _source(
            row, scale, estimate, se, f"estimate with its standard error, {scale.df_words}"
        )
    return _alone(row, scale, estimate)


def two_means_source(
    row: PrintedRow, measure: Measure, means: tuple[Number, Number]
) -> PrintedSource:
    """Two means without spreads: their effect alone."""
    scale = RowScale(row, measure)
    (a, b), ends = (x.value for x in means), [x.ends for x in means]
    if measure.is_log:
        if min(low for low, _ in ends) <= 0:
            raise InputError(
                f"{row.where}: a mean is not above 0 within its rounding, so it has no log ratio; "
                "use measure 'mean difference'"
            )
        logs = [[math.log(x) for x in pair] for pair in ends]
        centre = math.log(a / b)
        return _alone(row, scale, (logs[0][0] - logs[1][1], centre, logs[0][1] - logs[1][0]))
    return _alone(row, scale, (ends[0][0] - ends[1][1], a - b, ends[0][1] - ends[1][0]))


def _alone(row: PrintedRow, scale: RowScale, estimate: tuple[float, float, float]) -> PrintedSource:
    """An estimate without an error: by an exact p, by n where that gives it, or bare."""
    if scale.measure.name == PROPORTION and row.p is not None:
        raise InputError(_no_test(row, "p", row.p.text))
    if row.p is not None and row.operator == "=":
        return _from_p(row, scale, estimate)
    known = _error_of_n(row, scale.measure, estimate[1])
    if known is not None:
        words = "estimate whose standard error follows from n, normal"
        return _source(row, scale, estimate, known, words, normal=True)
    return _bare(row, scale.measure, estimate)


def _interval(
    row: PrintedRow,
    scale: RowScale,
    estimate: tuple[float, float, float] | None,
    limits: tuple[float | None, float | None],
) -> PrintedSource:
    level = row.positive("level")
    if level is None:
        raise InputError(
            f"{row.where}, column level: empty beside low and high; give it in percent, as 95"
        )
    if not 1 < level < 100:
        raise InputError(
            f"{row.where}, column level: found {level:g}; allowed is in percent, as 95"
        )
    low, high = limits
    if estimate is None and (low is None or high is None):
        raise InputError(f"{row.where}: one limit and no estimate; give the other limit")
    if low is not None and high is not None and low >= high:
        shown = [row.cells[name] for name in ("low", "high")]
        raise InputError(
            f"{row.where}, column low: found {shown[0]}, and high is {shown[1]}; low is below "
            "high: swap them, or correct the one that is misread"
        )
    # limits that are printed swallow the rounding of an estimate that lies on them
    if estimate is not None and (
        (low is not None and estimate[2] < low) or (high is not None and estimate[0] > high)
    ):
        raise InputError(
            f"{row.where}, column estimate: found {row.cells['estimate']}, outside low to high "
            f"({row.cells.get('low', '')} to {row.cells.get('high', '')}); correct the one that is "
            "misread"
        )
    t = t_quantile((1 - level / 100) / 2, scale.df)
    if low is not None and high is not None:
        width = (high - low) / 2
        centre = (low + high) / 2
    else:
        assert estimate is not None
        limit = low if low is not None else high
        assert limit is not None
        width, centre = abs(estimate[1] - limit), estimate[1]
    if not width > 0:
        raise InputError(f"{row.where}: the limit equals the estimate; correct the one misread")
    at = (centre, centre, centre) if estimate is None else estimate
    words = f"interval of {level:g}%, {scale.df_words}"
    return _source(row, scale, at, width / t, words)


def _from_p(
    row: PrintedRow, scale: RowScale, estimate: tuple[float, float, float]
) -> PrintedSource:
    """Error from an exact p: |estimate| / t(p, df), over the rounding of p."""
    assert row.p is not None
    low, high = row.p.ends
    low, high = max(low, 0.1 * row.p.value), min(high, 1.0 - 1e-9)
    if estimate[1] == 0.0 or row.p.value >= 1:
        return _listed(
            row, BARE, estimate, "its error is open: a p of 1, or no effect, leaves it so"
        )
    points, share = interval_points(low, high, _ROUNDING_POINTS) if high > low else (
        np.array([row.p.value]), np.ones(1))  # fmt: skip
    df = scale.df
    errors = abs(estimate[1]) / -stdtrit(df, points / 2)
    nodes = Nodes(
        np.full(len(points), estimate[1]), errors, np.full(len(points), df), np.log(share)
    )
    words = f"estimate with its error from p = {row.p.text}, {scale.df_words}"
    return _of_nodes(row, nodes, words, estimate, SPREAD)


def _error_of_n(row: PrintedRow, measure: Measure, estimate: float) -> float | None:
    """Errors that the number of people gives: of Fisher's z, a logit, the SMD of two groups."""
    if measure.name == CORRELATION and len(row.n) == 1 and row.n[0] > 3:
        return 1 / math.sqrt(row.n[0] - 3)
    if measure.name == PROPORTION and len(row.n) == 1:  # as of n p people with the event
        share = float(measure.to_printed(estimate))
        return 1 / math.sqrt(row.n[0] * share * (1 - share))
    if measure.name == SMD and row.n and row.design == PARALLEL:
        return math.sqrt(1 / row.root_n**2 + estimate**2 / (2 * sum(row.n)))
    return None


def spread_prior(row: PrintedRow, measure: Measure) -> SpreadPrior | None:
    """Prior of the SD between people of an effect without an error; None where there is none."""
    declared = row.spread_prior()
    if declared is not None or measure.name != RATIO_OF_MEANS:
        return declared
    return LOG_RATIO_SPREAD


def _bare(row: PrintedRow, measure: Measure, estimate: tuple[float, float, float]) -> PrintedSource:
    """An estimate alone: normal, over the SD between people; an inequality of p cuts that SD."""
    prior = spread_prior(row, measure)
    if prior is None:
        why = f"its error is open and a {measure.name} has no usual one; give sd_median"
        return _listed(row, BARE, estimate, why)
    if not row.n:
        return _listed(row, BARE, estimate, "its error is open without n; give n")
    low, high, cut = 0.0, math.inf, ""
    if row.p is not None and estimate[1] != 0.0:
        bound = abs(estimate[1]) * row.root_n / t_quantile(row.p.value / 2, row.people_df)
        low, high = (0.0, bound) if row.operator == "<" else (bound, math.inf)
        cut = f", cut by p {row.operator} {row.p.text}"
    sds, log_weight = prior.nodes(low, high)
    nodes = Nodes(
        np.full(len(sds), estimate[1]), sds / row.root_n, np.full(len(sds), math.inf), log_weight
    )
    words = f"bare estimate, normal, SD between people around {prior.median:g}{cut}"
    return _of_nodes(row, nodes, words, estimate, BARE)


def words_source(row: PrintedRow, measure: Measure) -> PrintedSource:
    """ "Higher", "lower" or "not significant": a test statistic of which only a range is known."""
    sign = WORDS[_word(str(row.cells["estimate"]))]
    if measure.name == PROPORTION:
        raise InputError(_no_test(row, "estimate", str(row.cells["estimate"])))
    if sign == 0 and row.operator == "<":
        raise InputError(
            f"{row.where}: estimate says {row.cells['estimate']!r} and p {row.operator} "
            f"{row.p.text if row.p else ''}; say higher or lower, or correct p"
        )
    df, threshold = row.people_df, None
    prior = spread_prior(row, measure)
    standard = measure.name == SMD and row.design == PARALLEL
    if not row.n or not (prior or standard):
        missing = "n" if not row.n else "a prior of the SD between people (sd_median)"
        return _words(row, sign, None, f"words without {missing} say no size")
    alpha = row.p.value if row.p else ALPHA
    threshold = t_quantile(alpha / 2, df)
    if standard or prior is None:
        sds, log_weight = np.ones(1), np.zeros(1)
    else:
        sds, log_weight = prior.nodes()
    root_n = row.root_n

    def curve(theta: Array) -> Array:
        ncp = theta / sds[:, None] * root_n
        return averaged(_tested(row, sign, ncp, threshold, df), log_weight)

    return _words(row, sign, curve, "")


def _no_test(row: PrintedRow, column: str, found: str) -> str:
    """That a test of a proportion says nothing: against which number is not printed."""
    return (
        f"{row.where}, column {column}: found {found!r}; a proportion has no value of no effect "
        "that a test could be against: leave it empty, and give events of people in first "
        "('12 / 80'), or estimate with n, se, or low and high"
    )


def _tested(row: PrintedRow, sign: int, ncp: Array, t: float, df: float) -> Array:
    """Log probability of what the words and p say together, given noncentralities."""
    if row.operator == "=":
        ends = (sign,) if sign else (1, -1)
        logs = [t_statistic_log_likelihood(ncp, end * t, df) for end in ends]
        return np.asarray(np.logaddexp.reduce(logs)) if len(logs) > 1 else logs[0]
    if sign == 0:
        return between_by_table(ncp, -t, t, df)
    low, high = (0.0, t) if row.operator == ">" else (t, math.inf)
    return between_by_table(sign * ncp, low, high, df)


def _words(
    row: PrintedRow, sign: int, curve: Callable[[Array], Array] | None, why: str
) -> PrintedSource:
    p = f"p {row.operator} {row.p.text}" if row.p else f"at {100 * ALPHA:g}%, two-sided"
    return PrintedSource(
        study=row.study,
        row=row.number,
        kind=WORDS_KIND,
        became=f"{_word(str(row.cells['estimate']))} ({p}): the probability of such a test result",
        curve=curve,
        left_out=why,
        bounded=False,
        sign=sign,
    )


def _source(
    row: PrintedRow,
    scale: RowScale,
    estimate: tuple[float, float, float],
    se: float,
    words: str,
    *,
    normal: bool = False,
) -> PrintedSource:
    df = math.inf if normal else scale.df
    low, centre, high = estimate
    if high - low > 2 * _ROUNDING_COUNTS * se:
        points, share = interval_points(low, high, _ROUNDING_POINTS)
        size = np.ones(len(points))
        nodes = Nodes(points, se * size, df * size, np.log(share))
    else:
        nodes = Nodes.single(centre, se, df)
    return _of_nodes(row, nodes, words, estimate, SPREAD)


def _of_nodes(
    row: PrintedRow, nodes: Nodes, words: str, estimate: tuple[float, float, float], kind: str
) -> PrintedSource:
    return PrintedSource(
        study=row.study,
        row=row.number,
        kind=kind,
        became=words,
        nodes=lambda _: nodes,
        sign=int(np.sign(estimate[1])),
        sd=nodes.error_at(0.5) * row.root_n,
    )


def _listed(
    row: PrintedRow, kind: str, estimate: tuple[float, float, float], why: str
) -> PrintedSource:
    sign = int(np.sign(estimate[1]))
    return PrintedSource(
        row.study, row.number, kind, "estimate without an error", left_out=why, sign=sign,
        bounded=False,
    )  # fmt: skip


def nothing_source(row: PrintedRow, why: str, sign: int = 0) -> PrintedSource:
    """A row that is listed and never pooled."""
    return PrintedSource(row.study, row.number, NOTHING, "not read", left_out=why, sign=sign,
                         bounded=False)  # fmt: skip


def _word(text: Any) -> str:
    return " ".join(str(text).strip().lower().split())
