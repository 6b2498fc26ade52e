"""Plan: the study that would settle a claim, and what it would change in today's pool."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

from retrostats.audit.claims import Claim
from retrostats.audit.verdict import Side
from retrostats.common.arrays import instances_of, share, whole_number
from retrostats.common.defaults import SEED
from retrostats.common.deprecated import renamed_arguments
from retrostats.common.errors import InputError
from retrostats.common.values import values
from retrostats.common.workers import Workers, connected
from retrostats.planning.added import ADDED_LABELS, PoolNeeded, pool_needed, pooled_rows
from retrostats.planning.assumed import DESIGNS, assume
from retrostats.planning.designs import Design, people_text
from retrostats.planning.power import (
    MOST,
    SHARES,
    curve_rows,
    curve_sizes,
    needed_people,
    right_label,
    sides_of,
)
from retrostats.planning.sentence import kept_open_by, sentence, short_table
from retrostats.planning.today import today_of

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.figure import Figure

    from retrostats.audit.audit import Audit

__all__ = ["DESIGNS", "Plan", "plan"]

#: Studies drawn at each size.
SIMS = 8192
POWER = 0.9
#: Over the people that the table of needs names: those that are there already are no part of it.
ALONE = "A study judged by itself, today's results left out, needs"


@values("needed", "curve", "spreads", "added")
@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The study that would settle a claim.

    Attributes
    ----------
    claim, design
        What is to be settled, and how: paired, two-arm, counts or two-arm-counts.
    truth
        The effect that is taken to be true, on the display scale of the claim.
    power
        Share of studies that are to end with the right label.
    needed
        One row a side: label that is right at `truth`, people with whom the study alone reaches it
        with that power, and between how many the Monte Carlo error leaves it (NaN: more than
        `MOST`, or no label is right). `pool_people` is how many it takes until today's pool with
        the study has that label: 0 where it has it already, NaN where no size is enough;
        `pool_power` the share of studies with which it does, at that size or the largest at any.
    curve
        One row a size and side: people, share of studies with each label alone, their Monte Carlo
        standard error, median 95% limits, and for counts the exposure in all.
    spreads
        One row a source: the spread of one person's contribution that it leaves possible.
    added
        One row a size and side: how often the answer of today's pool with this study would have
        each label that occurs; "supported" is a lowest probability over the declared choices of
        0.975 (direction) or 0.95 (size). Empty where nothing can be pooled.
    tau
        Standard deviation between studies of today's pool (posterior median, model scale), in which
        the added study varies too; NaN where nothing can be pooled.
    sentence
        What one more study would settle today, and why not more.
    kept_open_by
        Where no study settles a side in today's pool: what keeps it open, in words.
    """

    claim: Claim
    design: str
    truth: float
    power: float
    needed: pd.DataFrame
    curve: pd.DataFrame
    spreads: pd.DataFrame
    added: pd.DataFrame
    tau: float
    assumed: str
    sentence: str = ""
    kept_open_by: tuple[str, ...] = ()

    @property
    def people(self) -> dict[str, float]:
        """People needed in all, by side (direction, size)."""
        return dict(zip(self.needed["side"], self.needed["people"], strict=True))

    def size_text(self, people: float) -> str:
        """A size with what it counts: in all, and an arm where there are arms."""
        return people_text(people, self.design)

    def figure(self, theme: str = "light", width_mm: float | None = None) -> Figure:
        """Power and precision by people, with what was needed marked.

        Parameters
        ----------
        theme
            "light" (paper), "dark", or "slide".
        width_mm
            85 for one column of a journal, 180 for two, or between; that of the theme if None.

        Raises
        ------
        InputError
            For an unknown theme or a width that no figure can be drawn at.
        """
        from retrostats.report.figures.looks import drawn_in
        from retrostats.report.figures.planned import planned

        with drawn_in(theme, width_mm):
            drawn: Figure = planned(self)
        return drawn

    def plot(self, theme: str = "light", width_mm: float | None = None) -> Figure:
        """`figure`, under the name that it has on every result."""
        return self.figure(theme, width_mm)

    def show(self) -> Any:
        """The figure, to be displayed by a notebook."""
        from retrostats.report.figures.picture import Picture

        return Picture(self.figure())

    def save(
        self, path: str | Path, formats: Sequence[str] = (), themes: Sequence[str] = ()
    ) -> list[Path]:
        """Write the figure; the ending says the format (svg, pdf, png).

        Parameters
        ----------
        path
            File to write.
        formats
            Formats to write beside it, under the same name.
        themes
            Further versions ("85mm", "dark", "slide"), as `name-dark.svg` beside it.

        Returns
        -------
        list of Path
            Every file that was written.

        Raises
        ------
        InputError
            For another ending, format or theme, or a place that cannot be written.
        """
        from retrostats.report.versions import save_versions

        return save_versions(self, path, formats, themes)

    def brief(self) -> str:
        """What one more study would settle, what that rests on, and a short table, as text."""
        lines = [self.sentence, "", self.claim.statement, self.assumed, "", ALONE]
        lines += [self._needed(row) for row in self.needed.to_dict("records")]
        return "\n".join([*lines, "", short_table(self.curve)])

    def summary(self) -> str:
        """What one more study would settle, what that rests on, and the tables, as text."""
        lines = [self.sentence, "", self.claim.statement, self.assumed, "", ALONE]
        lines += [self._needed(row) for row in self.needed.to_dict("records")]
        lines += ["", "The study alone:", _text(self.curve)]
        if said := self._coarse():
            lines += [said]
        if len(self.spreads):
            lines += ["", "Spread of one person's contribution, by source:", _text(self.spreads)]
        if len(self.added):
            lines += [
                "",
                f"Today's pool with it (studies vary with SD {self.tau:.3g}):",
                _text(self.added),
            ]
        if self.kept_open_by:
            lines += ["", f"No size is enough because of: {'; '.join(self.kept_open_by)}."]
        return "\n".join(lines)

    def _coarse(self) -> str:
        """Why a size may come out oftener than a direction, where it does; "" where not."""
        power = self.curve.pivot(index="people", columns="side", values="supported")
        if (
            not {"size", "direction"} <= set(power)
            or not (power["size"] > power["direction"]).any()
        ):
            return ""
        most = int(power.index[power["size"] > power["direction"]].max())
        return (
            f"Up to {most} people a size is supported oftener than the direction: with so few both "
            "come out by chance alone, a size at its level of 5% (the 90% interval inside the "
            "range), a direction at 2.5% on its side (the 95% interval)."
        )

    def _needed(self, row: Mapping[Any, Any]) -> str:
        if not row["settles"]:
            return f"{row['side']}: the truth lies at an end, where no study settles it"
        if math.isnan(row["people"]):
            return f"{row['side']}: more than {MOST:,} people in all"
        between = (
            f" ({row['people_low']:.0f} to {row['people_high']:.0f} by Monte Carlo error)"
            if row["people_low"] < row["people_high"]
            else ""
        )
        return (
            f"{row['side']}: {self.size_text(row['people'])}{between} for "
            f"{row['settles']} with power {self.power:.0%}"
        )

    def __repr__(self) -> str:
        sizes = ", ".join(f"{side} {self.size_text(n)}" for side, n in self.people.items())
        return (
            f"<Plan for {self.claim.claim_id}: {self.design}, truth {self.truth:.4g}, "
            f"needed: {sizes}>"
        )

    def _repr_html_(self) -> str:
        text = "<br>".join(escape(part) for part in (self.sentence, self.assumed))
        heads = [f"<p><b>{escape(self.claim.statement)}</b><br>{text}</p>"]
        tables = [self.needed, self.curve, self.added]
        return "".join(heads + [t.to_html(index=False, float_format="{:.3g}".format)
                                for t in tables if len(t)])  # fmt: skip


@renamed_arguments(sims="draws")
def plan(
    claim: str | Claim,
    *,
    audit: Audit | str | Path | None = None,
    truth: float | None = None,
    spread: float | tuple[float, float] | None = None,
    design: str | None = None,
    rate: float | tuple[float, float] | None = None,
    exposure: float | None = None,
    people: Sequence[int] | None = None,
    power: float = POWER,
    draws: int = SIMS,
    seed: int = SEED,
    jobs: int = 1,
    scheduler: str | None = None,
) -> Plan:
    """The study that would settle a claim, and what it would change in today's pool.

    Parameters
    ----------
    claim
        Its id in the audit, or a claim.
    audit
        Folder of an audit, or a loaded one; the one that ships if None.
    truth
        Effect taken to be true, on the claim's scale; if None the middle of the claimed range, or
        today's estimate where the range is open or no size is claimed.
    spread
        Standard deviation of one person's contribution on the model scale (log for ratios): of the
        differences of people measured in both conditions, of the changes of one group, or for two
        arms of twice the measurements within an arm (the error of n people in all is spread /
        sqrt(n)). Two numbers are a range. If None, what the evidence leaves possible.
    design
        "paired" (or one group), "two-arm", "counts" (each person under both conditions),
        "two-arm-counts"; if None by the claim and its topic. Counts of a topic that compares arms
        are two-arm-counts.
    rate, exposure
        For counts: events per 1000 units of exposure under the second condition (two numbers are a
        range), and exposure of one person under each condition, in those units.
    people
        Sizes of the curve, in all; if None up to 1.8 times what is needed.
    power
        Share of studies that are to end with the label that is right at `truth`.
    draws, seed
        Studies drawn at each size, and their seed.
    jobs, scheduler
        Threads here, or the address of a Dask scheduler whose workers draw the studies and pool
        them instead. The same seed gives the same bytes whoever does.

    Returns
    -------
    Plan

    Raises
    ------
    InputError
        If the claim is unknown or claims nothing, or the evidence leaves a number open that must
        then be given; the message names it. Nothing answers at the address of the scheduler.

    Examples
    --------
    >>> found = plan("energy_30", spread=0.09, people=[30, 60, 90], draws=2048)
    >>> 55 < found.people["size"] < 65
    True
    """
    import numpy as np

    from retrostats.evidence.unreported.influence import quasi_random

    _check(power, draws, seed, people, jobs)
    points = np.clip(quasi_random(3, draws, seed), 1e-12, 1 - 1e-12)
    who = Workers(jobs, scheduler)
    with connected(scheduler):
        given = assume(claim, audit, truth, spread, design, rate, exposure, seed)
        if people is not None and min(people) < given.study.smallest:
            raise InputError(
                f"people: found {min(people)}; a {given.design} study needs at least "
                f"{given.study.smallest}"
            )
        sides = sides_of(given.claim)
        right = {s: right_label(given.claim, s, given.truth) for s in sides}
        needed = who.do(partial(needed_people, given, right, power, points), sides)
        sizes = sorted(set(people)) if people is not None else curve_sizes(given.study, needed)
        rows = who.do(partial(curve_rows, given, sides, right, points), sizes)
        today = today_of(given)
        pool = [PoolNeeded(math.nan, math.nan) for _ in sides]
        added = []
        if today is not None:
            asked = partial(pool_needed, given, today, right, power, seed)
            (pool,) = who.do(asked, [sides])
            wanted = [n for n in (*(row[2] for row in needed), *(n.people for n in pool)) if n > 0]
            tried = sorted(set(people)) if people is not None else _added_sizes(given.study, wanted)
            added = who.do(partial(pooled_rows, given, today, sides, seed), tried)
    alone = [(*row, n.people, n.power) for row, n in zip(needed, pool, strict=True)]
    shown = _frame(alone, NEEDED)
    return Plan(
        claim=given.claim,
        design=given.design,
        truth=given.truth,
        power=power,
        needed=shown,
        curve=_frame([row for size in rows for row in size], CURVE),
        spreads=given.spreads,
        added=_added([row for size in added for row in size]),
        tau=math.nan if today is None else today.study_tau,
        assumed=given.words,
        sentence=sentence(given, today, shown, pool, power),
        kept_open_by=kept_open_by(today, pool),
    )


NEEDED = (
    "side", "settles", "people", "people_low", "people_high", "pool_people", "pool_power",
)  # fmt: skip
CURVE = ("people", "side", *SHARES, "power", "mc_error", "conf_low", "conf_high", "exposure")


def _added(rows: Sequence[tuple[int, Side, Mapping[str, float], float]]) -> pd.DataFrame:
    """Shares of the labels that occur; "supported" always is a column."""
    occur = [
        label for label in ADDED_LABELS
        if label == ADDED_LABELS[0] or any(shares[label] > 0 for _, _, shares, _ in rows)
    ]  # fmt: skip
    return _frame(
        [(n, side, *(shares[x] for x in occur), error) for n, side, shares, error in rows],
        ("people", "side", *occur, "mc_error"),
    )


def _added_sizes(study: Design, wanted: Sequence[float]) -> list[int]:
    """A small study, and what each side needs alone and in the pool."""
    return sorted({max(20, study.smallest), *(int(max(n, study.smallest)) for n in wanted)})


def _frame(rows: Sequence[tuple[Any, ...]], columns: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(rows, columns=list(columns))
    keep = [c for c in frame if c != "exposure" or frame[c].notna().any()]
    return frame[keep]


def _text(frame: pd.DataFrame) -> str:
    return frame.to_string(index=False, float_format="{:.3g}".format)


def _check(power: float, draws: int, seed: int, people: Sequence[int] | None, jobs: int) -> None:
    share(power, "power")
    for name, value, least in (("draws", draws, 100), ("seed", seed, 0), ("jobs", jobs, 1)):
        whole_number(value, name, least)
    if people is not None:
        instances_of(people, "people", int)
    if people is not None and (not len(people) or min(people) < 1 or max(people) > MOST):
        found = ", ".join(map(str, people)) or "nothing"
        raise InputError(f"people: found {found}; give numbers from 1 to {MOST}, as 20, 40, 80")
