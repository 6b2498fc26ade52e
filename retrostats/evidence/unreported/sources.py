"""One source as the space sees it: its unknowns, and its effect and error as functions of them.

A paper that prints both means and spreads, one that prints a percentage with or without an error,
and one that says only "not significant" differ in what they leave open, not in kind.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrostats.common.errors import InputError
from retrostats.evidence.printed.pair import (
    HIGHEST_CORRELATION,
    PrintedPair,
    correlation_limits,
)
from retrostats.evidence.printed.reported import Reported, t_from_p
from retrostats.evidence.result.estimate import Estimate
from retrostats.evidence.unreported.unknowns import Choice, Limit, Unknown, Values, cell_of

Array = NDArray[np.float64]


#: What the name of every unknown correlation starts with.
CORRELATION = "correlation between conditions"


class Effects(NamedTuple):
    """Log ratios or differences (n,) and their squared standard errors (n,)."""

    value: Array
    variance: Array


@dataclass(frozen=True, slots=True)
class Words:
    """A result of which only the outcome of a paired test is printed.

    Attributes
    ----------
    sign
        1 for significantly higher, -1 for lower, 0 for not significant.
    people
        Their number, or its range.
    spread
        The range of the standard deviation of the effect between people.
    alpha
        Two-sided level of the test.
    """

    sign: int
    people: int | Unknown
    spread: Unknown
    alpha: float


@dataclass(frozen=True, slots=True)
class PairCells:
    """Both means, both spreads and the correlation of a pair: the name of an unknown, or a number.

    Spreads times `factor` are standard deviations of n people; `log` asks for the log ratio.
    """

    cells: tuple[str | float, ...]
    factor: float
    n: float
    log: bool

    def knowing(self, known: Mapping[str, float]) -> PairCells:
        """The same with some of its unknowns known."""
        cells = tuple(known.get(c, c) if isinstance(c, str) else c for c in self.cells)
        return replace(self, cells=cells)


def pair_effects(pairs: Sequence[PairCells], v: Values, n: int) -> Effects:
    """Effects and variances (n, k) of k pairs on one scale, as each source gives them."""
    table = np.empty((5, n, len(pairs)))
    for j, pair in enumerate(pairs):
        for part, cell in enumerate(pair.cells):
            table[part, :, j] = v[cell] if isinstance(cell, str) else cell
    factor, people = (np.array([getattr(pair, name) for pair in pairs]) for name in ("factor", "n"))
    mean_1, mean_2, sd_1, sd_2, rho = table
    return _of_pair((mean_1, mean_2, sd_1 * factor, sd_2 * factor), rho, people, log=pairs[0].log)


def _of_pair(
    sides: tuple[Array, Array, Array, Array], rho: Array | float, n: Array | float, *, log: bool
) -> Effects:
    """From means and standard deviations of both sides and their correlation."""
    mean_1, mean_2, sd_1, sd_2 = sides
    if log:
        sd_1, sd_2 = sd_1 / mean_1, sd_2 / mean_2
    variance = (sd_1**2 + sd_2**2 - 2 * rho * sd_1 * sd_2) / n
    return Effects(np.log(mean_1 / mean_2) if log else mean_1 - mean_2, variance)


@dataclass(frozen=True, slots=True)
class Source:
    """What one source contributes to a pool over everything it did not print.

    Attributes
    ----------
    name, n
        For the reader; people.
    unknowns
        What it left open, in an order in which ranges depend on earlier ones only.
    effects
        Effect and squared standard error at values of those unknowns.
    rows
        `row_id` of the printed rows.
    own
        Whether it is a reader's own cohort.
    measure
        Of events, where it is known: odds ratio, risk ratio, rate ratio, hazard ratio.
    words
        What is printed where neither effect nor error is.
    pair
        Of a pair whose spreads have one reading: its cells, so that many are evaluated at once.
    """

    name: str
    n: float
    unknowns: tuple[Unknown | Choice, ...]
    effects: Callable[[Values], Effects]
    rows: tuple[str, ...] = ()
    known_df: float = math.nan
    user_cohort: bool = False
    measure: str = ""
    words: Words | None = None
    pair: PairCells | None = None

    @property
    def df(self) -> float:
        """Degrees of freedom where it stands alone: known, or people less one."""
        return self.n - 1 if math.isnan(self.known_df) else self.known_df

    @property
    def correlations(self) -> tuple[str, ...]:
        """Names of the correlations among its unknowns."""
        return tuple(u.name for u in self.unknowns if u.name.startswith(CORRELATION))


def with_known(source: Source, known: Mapping[str, float]) -> Source:
    """The same source with some of its unknowns known, so that they move no more."""
    if not known:
        return source

    # one value each, whatever the number of draws: numpy spreads it
    held = {name: np.array([float(value)]) for name, value in known.items()}

    def all_of(v: Values) -> Values:
        return {**v, **held}

    def limit(end: Limit) -> Limit:
        return (lambda v: end(all_of(v))) if callable(end) else end

    open_ = tuple(
        replace(u, low=limit(u.low), high=limit(u.high)) if isinstance(u, Unknown) else u
        for u in source.unknowns
        if u.name not in known
    )
    pair = None if source.pair is None else source.pair.knowing(known)
    return replace(source, unknowns=open_, effects=lambda v: source.effects(all_of(v)), pair=pair)


def pair_source(pair: PrintedPair, *, log: bool = True) -> Source:
    """Both conditions of a crossover printed with mean and spread: rounding, and the correlation.

    Means, spreads and an exact p move inside their rounding; the correlation runs over what the
    printed p then leaves possible. A spread without a label may be a standard error wherever some
    correlation makes that compatible with the p. The effect is the log ratio of means with the
    variance of a correlated pair (Lajeunesse 2011, Ecology 92:2049, eq. 4), or their difference.
    """
    name = pair.name
    keys = {part: f"{part} ({name})" for part in ("mean 1", "mean 2", "spread 1", "spread 2", "p")}
    first, second = pair.rows or ("", "")
    cells = (
        *(cell_of(row, column) for column in ("mean", "spread") for row in (first, second)),
        cell_of(first, "p_value"),
    )
    printed = dict(zip(keys, cells, strict=True))
    unknowns: list[Unknown | Choice] = [
        Unknown.rounding(keys[part], text, pair.study_id, printed[part])
        for part, text in zip(keys, pair.texts, strict=False)
    ]
    exact = pair.p_operator == "="
    if exact:
        unknowns.append(Unknown.rounding(keys["p"], pair.p_text, pair.study_id, printed["p"]))
    reading = f"reading of the plus-minus ({name})"
    # read from text once: the functions below run thousands of times
    factor, printed_p, either = pair.error_factor, pair.p_value, pair.may_be_error
    if either:
        unknowns.append(
            Choice(reading, {"SD": 1.0, "SE": math.sqrt(pair.n)}, "the source gives it no label",
                   pair.study_id)
        )  # fmt: skip

    def parts(v: Values) -> tuple[Array, Array, Array, Array]:
        scale = v[reading] if either else factor
        return (
            v[keys["mean 1"]],
            v[keys["mean 2"]],
            v[keys["spread 1"]] * scale,
            (v[keys["spread 2"]] * scale),
        )

    def limits(v: Values) -> tuple[Array, Array]:
        p = v[keys["p"]] if exact else printed_p
        return correlation_limits(*parts(v), pair.n, p, pair.p_operator)

    r = f"{CORRELATION} ({name})"
    if pair.correlation is None:
        why = f"what p {pair.p_operator} {pair.p_text} leaves" if pair.p_text else "not printed"
        # "p <" bounds the correlation below alone, "p >" above alone: the other end is known
        side = pair.p_operator[:1]
        low: Limit = -HIGHEST_CORRELATION if side == ">" else lambda v: limits(v)[0]
        high: Limit = HIGHEST_CORRELATION if side == "<" else lambda v: limits(v)[1]
        unknowns.append(Unknown(r, low, high, why, pair.study_id))

    def effects(v: Values) -> Effects:
        mean_1, mean_2, sd_1, sd_2 = parts(v)
        rho = v[r] if pair.correlation is None else pair.correlation
        return _of_pair((mean_1, mean_2, sd_1, sd_2), rho, pair.n, log=log)

    known: str | float = r if pair.correlation is None else pair.correlation
    of_pair = (*list(keys.values())[:4], known)
    one = None if either else PairCells(of_pair, factor, float(pair.n), log)
    return Source(name, float(pair.n), tuple(unknowns), effects, pair.rows, pair=one)


def percentage_source(
    name: str,
    percent: Reported,
    n: float,
    error: Reported | Unknown,
    rows: tuple[str, ...] = (),
    columns: tuple[str, str] = ("mean", "spread"),
) -> Source:
    """A printed "x% more" with its standard error, or with a spread between people in a range.

    Parameters
    ----------
    percent
        As printed.
    error
        The printed standard error in percent points, or the unknown standard deviation of the log
        ratio between people.
    columns
        Of the first of `rows` in which the percentage and its error are printed.
    """
    key = f"percentage ({name})"
    cells = [cell_of(row, column) for row in rows[:1] for column in columns] or ["", ""]
    unknowns: list[Unknown | Choice] = [Unknown.rounding(key, percent, cell=cells[0])]
    printed = isinstance(error, Reported)
    second = (
        Unknown.rounding(f"standard error ({name})", error, cell=cells[1])
        if isinstance(error, Reported)
        else error
    )
    unknowns.append(second)

    def effects(v: Values) -> Effects:
        ratio = 1 + v[key] / 100
        se = v[second.name] / 100 / ratio if printed else v[second.name] / math.sqrt(n)
        return Effects(np.log(ratio), np.broadcast_to(se**2, ratio.shape))

    return Source(name, n, tuple(unknowns), effects, rows)


def ratio_source(
    name: str,
    n: float,
    ratio: Unknown,
    limits: tuple[Unknown, Unknown],
    level: float,
    rows: tuple[str, ...] = (),
) -> Source:
    """A printed ratio with both limits of its normal interval, all three inside their rounding.

    The standard error of the log ratio is the width of the log interval over twice the quantile
    (Cochrane Handbook, section 6.3).
    """
    from scipy.special import ndtri

    ends = [end for limit in (ratio, *limits) for end in (limit.low, limit.high)]
    if not (min(ends) > 0 and ends[3] < ends[4]):  # type: ignore[type-var, operator]
        raise InputError(
            f"printed ratio ({name}): {', '.join(x.why for x in (ratio, *limits))}; "
            "the ratio must be above 0 and its lower limit below the upper one"
        )
    low, high = (limit.name for limit in limits)
    width = 2 * float(ndtri(0.5 + level / 2))

    def effects(v: Values) -> Effects:
        return Effects(np.log(v[ratio.name]), (np.log(v[high] / v[low]) / width) ** 2)

    return Source(name, n, (ratio, *limits), effects, rows, math.inf)


def not_significant_source(
    name: str, n: int, spread: Unknown, alpha: float = 0.05, rows: tuple[str, ...] = ()
) -> Source:
    """Only "not significant" and the number of people: every effect whose test would say so.

    At a standard deviation s between people of the log ratio (or of the change), the mean lies
    within t s / sqrt(n) of none.
    """
    t = t_from_p(alpha, n - 1) / math.sqrt(n)
    effect = f"effect printed in words only ({name})"
    unknowns = (
        spread,
        Unknown(
            effect,
            lambda v: -t * v[spread.name],
            lambda v: t * v[spread.name],
            f"printed as not significant for {n} people",
            kind="effect",
        ),
    )
    return Source(
        name, float(n), unknowns, lambda v: Effects(v[effect], v[spread.name] ** 2 / n), rows,
        words=Words(0, n, spread, alpha),
    )  # fmt: skip


def significant_source(
    name: str,
    people: int | Unknown,
    spread: Unknown,
    most: Unknown,
    alpha: float = 0.05,
    rows: tuple[str, ...] = (),
) -> Source:
    """Only "significantly higher": every log ratio whose paired test would say so, up to a limit.

    At a standard deviation s between people the mean is above t s / sqrt(n). Words bound nothing
    from above: the limit is judgement.

    Parameters
    ----------
    people
        Their number, or its range where none is printed; `n` of the source is then not known.
    most
        The range of the ratio; its upper end is the limit, its why and source are kept.
    alpha
        Level of the test: the printed threshold, or the usual one.
    """
    from scipy.special import stdtrit

    effect = f"effect printed in words only ({name})"
    top = math.log(float(most.high))  # type: ignore[arg-type]
    open_ = (people,) if isinstance(people, Unknown) else ()

    def n_of(v: Values) -> Array:
        return v[people.name] if isinstance(people, Unknown) else np.array([float(people)])

    def least(v: Values) -> Array:
        n = n_of(v)
        return np.asarray(-stdtrit(n - 1, alpha / 2) * v[spread.name] / np.sqrt(n))

    def effects(v: Values) -> Effects:
        return Effects(v[effect], v[spread.name] ** 2 / n_of(v))

    unknowns = (*open_, spread, Unknown(effect, least, lambda v: np.array([top]), most.why,
                                        most.source, kind="effect"))  # fmt: skip
    words = Words(1, people, spread, alpha)
    if isinstance(people, Unknown):  # alone it has the df of the fewest people
        fewest = float(people.low) - 1  # type: ignore[arg-type]
        return Source(name, math.nan, unknowns, effects, rows, fewest, words=words)
    return Source(name, float(people), unknowns, effects, rows, words=words)


def known_source(
    name: str,
    estimate: Estimate,
    n: float = math.nan,
    *,
    user_cohort: bool = False,
    measure: str = "",
) -> Source:
    """An effect that leaves nothing open, as that of a reader's own cohort.

    `measure` names a ratio of events ("risk ratio"); a log rate ratio is one without being told.
    """
    found = Effects(np.array([estimate.value]), np.array([estimate.std_error**2]))
    events = measure or ("rate ratio" if estimate.scale == "log_rate_ratio" else "")
    return Source(name, n, (), lambda v: found, estimate.source, estimate.df, user_cohort, events)
