"""Effects with their errors as functions of what was not printed, and how they combine."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.common.errors import InputError
from retrostats.common.student import t_quantile
from retrostats.evidence.findings.results import Result
from retrostats.evidence.printed.change import implied_error, percent_fat_change, welch_df
from retrostats.evidence.printed.reported import t_from_p
from retrostats.evidence.result.estimate import Estimate
from retrostats.evidence.result.findings import Measure
from retrostats.evidence.unreported.pooled import interval_of
from retrostats.evidence.unreported.sources import Effects, Source
from retrostats.evidence.unreported.unknowns import Choice, Unknown, Values

if TYPE_CHECKING:
    import pandas as pd

#: Estimate, standard error and df at arrays of values.
Parts = Callable[[Values], tuple[Any, Any, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class OpenEffect:
    """An effect of n people over everything its source left open.

    Attributes
    ----------
    parts
        Values of the unknowns, arrays (m,), to estimate, standard error and df, arrays (m,).
    unknowns
        What it rests on, in an order in which ranges depend on earlier ones only.
    n
        People.
    log
        Whether it is a log ratio, shown as a ratio.
    """

    parts: Parts
    unknowns: tuple[Unknown | Choice, ...]
    n: float
    log: bool = False

    def minus(self, other: OpenEffect) -> OpenEffect:
        """This effect less that of other people, both open; df are Welch's."""

        def parts(v: Values) -> tuple[Any, Any, Any]:
            value, error, df = self.parts(v)
            less, less_error, less_df = other.parts(v)
            return (
                value - less,
                np.hypot(error, less_error),
                welch_df(error**2, df, less_error**2, less_df),
            )

        return OpenEffect(parts, (*self.unknowns, *other.unknowns), self.n + other.n, self.log)

    def scaled(self, factor: Callable[[Values], Any], *choices: Unknown | Choice) -> OpenEffect:
        """The effect in another unit: times a factor, which may follow further `choices`."""

        def parts(v: Values) -> tuple[Any, Any, Any]:
            value, error, df = self.parts(v)
            by = factor(v)
            return value * by, error * by, df

        return OpenEffect(parts, (*self.unknowns, *choices), self.n, self.log)

    def also(self, *choices: Unknown | Choice) -> OpenEffect:
        """The same effect beside a choice that what it is averaged with depends on."""
        return OpenEffect(self.parts, (*self.unknowns, *choices), self.n, self.log)

    def measure(
        self,
        estimate_id: str,
        name: str,
        claim_id: str = "",
        *,
        source: bool = True,
        **extra: Any,
    ) -> Measure:
        """The effect as a measure; `source` says whether a plan may pool it with a new study."""

        def at(level: float) -> Callable[[Values], Any]:
            return lambda v: interval_of(*self.parts(v), level, log=self.log)

        def effects(v: Values) -> Effects:
            value, error, _ = self.parts(v)
            return Effects(value, error**2)

        sources = (Source(name, self.n, self.unknowns, effects),) if source else ()
        return Measure(estimate_id, name, at, self.unknowns, claim_id, sources=sources, **extra)

    def result(self, estimate_id: str, name: str, claim_id: str, **extra: Any) -> Result:
        """The measure alone, of a row that another result shows."""
        return Result(measure=self.measure(estimate_id, name, claim_id, **extra))


def source_of(result: Result) -> Source:
    """What a pool takes of a result.

    Raises
    ------
    InputError
        A result without effect and error.
    """
    if result.source is None:
        name = result.row.label if result.row else "a measure"
        raise InputError(f"pool: {name} has neither effect nor error; it is shown, not pooled")
    return result.source


def of_source(result: Result) -> OpenEffect:
    """The effect that a result brings to a pool, with the df of its source.

    Raises
    ------
    InputError
        A result without effect and error.
    """
    source = source_of(result)

    def parts(v: Values) -> tuple[Any, Any, Any]:
        found = source.effects(v)
        return found.value, np.sqrt(found.variance), source.df

    return OpenEffect(parts, source.unknowns, source.n)


def tested_change(
    printed: pd.Series, name: str, choice: str, tests: Mapping[str, int]
) -> OpenEffect:
    """A printed change with the p of a test that is not named, over both numbers' rounding.

    The closed form of the arm by time model of n people an arm: n - 1 df where p tests the change
    within the arm, 2 n - 2 where it tests the change against an arm of the same size.

    Parameters
    ----------
    printed
        Row with `change`, `p_value` and `n`.
    name
        Of the source, in the names of the unknowns.
    choice
        Name of the choice of what p tests.
    tests
        Number of arms (1 or 2) by what p may test.
    """
    n = float(printed["n"])
    change, p = f"change, {name}", f"p, {name}"
    dfs = {test: arms * (n - 1) for test, arms in tests.items()}
    unknowns = (
        Unknown.of_cell(change, printed, "change"),
        Unknown.of_cell(p, printed, "p_value"),
        Choice(choice, dfs, "the abstract does not say"),
    )

    def parts(v: Values) -> tuple[Any, Any, Any]:
        return v[change], implied_error(v[change], v[p], v[choice]), v[choice]

    return OpenEffect(parts, unknowns, n)


@dataclass(frozen=True, slots=True, eq=False)
class ShareChange:
    """Change of a part's share of a whole, and the share before, over what was not printed.

    Attributes
    ----------
    effect
        Change in percentage points.
    before
        Share before [%] at values of the unknowns.
    rows
        Printed rows of the part before and after, then of the rest.
    correlation
        Name of the unknown correlation of the two changes.
    """

    effect: OpenEffect
    before: Callable[[Values], Any]
    rows: tuple[pd.Series, ...]
    correlation: str

    def change(self, *, relative: bool) -> OpenEffect:
        """The change in percentage points, or `relative` to the share before [%]."""
        return self.effect.scaled(lambda v: 100 / self.before(v)) if relative else self.effect

    def by(self, choice: Choice, relative: str) -> OpenEffect:
        """The change in the unit of a choice: as in `change` at its option `relative`."""

        def factor(v: Values) -> Any:
            return np.where(v[choice.name] == relative, 100 / self.before(v), 1.0)

        return self.effect.scaled(factor, choice)

    def at_printed(self, unit: str, assumptions: tuple[str, ...], *, relative: bool) -> Estimate:
        """The change at the printed numbers and no correlation of the two changes.

        In percentage points, or `relative` to the share before.
        """
        (p0, p1, r0, r1) = self.rows
        before, change, error = percent_fat_change(
            (p0["mean"], p1["mean"]), (r0["mean"], r1["mean"]),
            (p1["p_value"], r1["p_value"]), int(p1["n"]), 0.0,
        )  # fmt: skip
        per = 100 / float(before) if relative else 1.0
        return Estimate(
            float(change) * per, float(error) * per, p1["n"] - 1, "difference", unit,
            tuple(str(row["row_id"]) for row in self.rows), assumptions,
        )  # fmt: skip


def share_change(
    part: Sequence[pd.Series], rest: Sequence[pd.Series], names: tuple[str, str], study: str
) -> ShareChange:
    """A part's share of a whole from printed means of part and rest, each with the p of its change.

    The means and p-values move inside their rounding, the correlation of the two changes between
    -1 and 1; the error is that of the delta method (`percent_fat_change`).

    Parameters
    ----------
    part, rest
        Rows before and after; those after have the p of the change.
    names
        Of part and rest, in the names of the unknowns, as ("fat mass", "lean mass").
    study
        Name of the source.
    """
    pairs = dict(zip(names, (part, rest), strict=True))
    cells = {
        f"{what} {when}, {study}": (row, "mean")
        for what, pair in pairs.items()
        for when, row in zip(("before", "after"), pair, strict=True)
    }
    ps = {f"p of {what}, {study}": (pair[1], "p_value") for what, pair in pairs.items()}
    first, second = (name.split()[0] for name in names)
    both = f"correlation of {first} and {second} changes, {study}"
    unknowns = (
        *(Unknown.of_cell(name, *cell) for name, cell in {**cells, **ps}.items()),
        Unknown(both, -1.0, 1.0, "not printed", str(part[0]["study_id"])),
    )
    people = int(part[1]["n"])
    p0, p1, r0, r1 = cells
    p_part, p_rest = ps

    def parts(v: Values) -> tuple[Any, Any, Any]:
        _, change, error = percent_fat_change(
            (v[p0], v[p1]), (v[r0], v[r1]), (v[p_part], v[p_rest]), people, v[both]
        )
        return change, error, float(people - 1)

    def before(v: Values) -> Any:
        return 100 * v[p0] / (v[p0] + v[r0])

    return ShareChange(OpenEffect(parts, unknowns, float(people)), before, (*part, *rest), both)


def printed_difference(
    printed: pd.Series, name: str, unit: str, *, turned: bool = False
) -> tuple[OpenEffect, Estimate]:
    """A printed difference of two groups with its interval, all three inside their rounding.

    The error is half the width of the interval over the quantile of t on n - 2 df; a difference of
    the second less the first is `turned` around.

    Returns
    -------
    tuple
        The effect, and its estimate at the printed numbers in `unit`.
    """
    df, sign = float(printed["n"]) - 2, -1 if turned else 1
    columns = {"difference": "change", "lower limit": "ci_low", "upper limit": "ci_high"}
    cells = [Unknown.of_cell(f"{what} ({name})", printed, c) for what, c in columns.items()]
    width = 2 * t_quantile((1 - float(printed["ci_level"]) / 100) / 2, df)

    def parts(v: Values) -> tuple[Any, Any, Any]:
        value, low, high = (v[cell.name] for cell in cells)
        return sign * value, (high - low) / width, df

    error = (float(printed["ci_high"]) - float(printed["ci_low"])) / width
    value = sign * float(printed["change"])
    rows = (str(printed["row_id"]),)
    estimate = Estimate(value, error, df, "difference", unit, rows)
    return OpenEffect(parts, tuple(cells), float(printed["n"])), estimate


def printed_ratio(
    rows: tuple[pd.Series, pd.Series], means: Sequence[str], p: str, df: Choice
) -> OpenEffect:
    """Log ratio of two printed means whose error comes from the p beside the first.

    Parameters
    ----------
    rows
        Of the two means, the first over the second.
    means, p
        Names of the unknowns.
    df
        The degrees of freedom that p may have been computed on.
    """
    first, second = rows
    unknowns = (
        Unknown.of_cell(means[0], first, "mean"),
        Unknown.of_cell(means[1], second, "mean"),
        Unknown.of_cell(p, first, "p_value"),
        df,
    )

    def parts(v: Values) -> tuple[Any, Any, Any]:
        value = np.log(v[means[0]] / v[means[1]])
        return value, implied_error(value, v[p], v[df.name]), v[df.name]

    return OpenEffect(parts, unknowns, float(second["n"]), log=True)


def ratio_from_p(
    first: pd.Series, second: pd.Series, unit: str, assumptions: tuple[str, ...]
) -> Estimate:
    """The log ratio of two printed means with the error that p gives for people as units."""
    df = float(second["n"]) - 1
    value = math.log(first["mean"] / second["mean"])
    error = value / t_from_p(float(first["p_value"]), df)
    rows = (second["row_id"], first["row_id"])
    return Estimate(value, error, df, "log_ratio", unit, rows, assumptions)


def share_of_level(
    name: str,
    share: Unknown,
    level: Unknown,
    reference: float,
    words: tuple[Unknown, Unknown, float],
    rows: tuple[str, ...] = (),
) -> Source:
    """A first condition printed as a share of a level that is not, over a known second one.

    The ratio is share / 100 x level / reference. The level moves inside its range as far as the
    paired test of the people would still give the printed p.

    Parameters
    ----------
    name
        Of the source.
    share, level
        Printed share [%] and the range of the level, in the unit of `reference`.
    words
        Ranges of the number of people and of the spread of the log ratio between them, and p.
    """
    from scipy.special import stdtrit

    people, spread, p = words
    lowest = float(level.low)  # type: ignore[arg-type]
    fewest = float(people.low)  # type: ignore[arg-type]

    def least(v: Values) -> Any:
        n = v[people.name]
        ratio = np.exp(-stdtrit(n - 1, p / 2) * v[spread.name] / np.sqrt(n))
        return np.maximum(lowest, ratio * reference * 100 / v[share.name])

    def effects(v: Values) -> Effects:
        ratio = v[share.name] / 100 * v[level.name] / reference
        return Effects(np.log(ratio), v[spread.name] ** 2 / v[people.name])

    within = replace(level, low=least)
    unknowns = (people, spread, share, within)
    return Source(name, float("nan"), unknowns, effects, rows, fewest - 1)
