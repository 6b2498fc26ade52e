"""Builders of results from printed rows: what one source printed, a call each.

`findings/TOPIC.toml` says what a result is called and which printed rows it rests on; a builder
says how it is computed. docs/builders.md shows each.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from retrostats.common.errors import InputError
from retrostats.evidence.findings.cross_checks import cross_check_pair
from retrostats.evidence.findings.crossover import CrossoverResult, crossover_study
from retrostats.evidence.findings.open_effects import (
    OpenEffect,
    ShareChange,
    printed_difference,
    share_change,
    tested_change,
)
from retrostats.evidence.findings.pooled import pooled_measure
from retrostats.evidence.findings.printed import (
    no_standard_error_row,
    percentage_estimate,
    printed_levels,
    shown_only,
)
from retrostats.evidence.findings.results import Entry, Result, entries_of
from retrostats.evidence.printed.change import (
    between_group_change,
    difference_of_trials,
    within_group_change,
)
from retrostats.evidence.printed.pair import one_row
from retrostats.evidence.printed.reported import Reported
from retrostats.evidence.result.findings import Assumption, CrossCheck, EstimateRow
from retrostats.evidence.unreported.sources import (
    Source,
    not_significant_source,
    percentage_source,
    significant_source,
)
from retrostats.evidence.unreported.unknowns import Unknown
from retrostats.io.published.findings_toml import FindingsToml, read_findings_toml

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.audit.analysis import Context


@dataclass(frozen=True, slots=True)
class PrintedBuilders:
    """Results of one analysis, each by its name in `findings/TOPIC.toml`.

    Attributes
    ----------
    context
        Printed rows, claims, a reader's own cohorts and the seed, as `analyse` is given them.
    table
        What the audit says of each result.

    Examples
    --------
    >>> import retrostats as rs
    >>> from retrostats.audit.analysis import Context
    >>> audit = rs.load_audit()
    >>> context = Context(audit.published, audit.claims, audit)
    >>> build = PrintedBuilders.of(context, "metabolic_cost")
    >>> round(build.percentage("mc-wright").row.estimate, 2)
    1.35
    """

    context: Context
    table: FindingsToml

    @classmethod
    def of(cls, context: Context, topic: str) -> Self:
        """Builders of the results in `findings/TOPIC.toml` of the audit of a context."""
        return cls(context, read_findings_toml(context.audit.data, topic))

    def entry(self, name: str) -> Entry:
        """What the audit says of one result.

        Raises
        ------
        InputError
            Nothing, or something that no builder reads.
        """
        if name not in self.table.rows:
            raise InputError(
                f"{self.table.file}: no [rows.{name}]; the analysis builds a result of that name: "
                "write its section"
            )
        return Entry.of(name, self.table.rows[name], self.table.file)

    def of_kind(self, *kinds: str) -> list[str]:
        """Names of the results that are `like` one of the kinds, in file order."""
        return [name for name, kind in self.table.kinds.items() if kind in kinds]

    def assumptions(self, *names: str) -> list[Assumption]:
        """Assumptions of the file, all or by name."""
        found = []
        for name, entry in self.table.assumptions.items():
            place = f"{self.table.file}, [assumptions.{name}]"
            entries_of(entry, ("kind", "statement", "why"), ("study_id", "low", "high"), place)
            if not names or name in names:
                found.append(Assumption(name, **entry))
        return found

    def printed(self, name: str, **where: Any) -> pd.Series:
        """The printed row of a result (its `row` or `where`), or the one that shares `where`."""
        entry = self.entry(name)
        return one_row(self._published(entry), **where) if where else self._row(entry)

    def printed_rows(self, name: str) -> list[pd.Series]:
        """The printed rows of a result, its `row_ids` in their order."""
        entry = self.entry(name)
        return [one_row(self._published(entry), row_id=r) for r in entry.needed("row_ids")]

    def spread(self, row_id: str, label: str, *, change: bool = False) -> Unknown:
        """The range that the audit gives the spread between people of a printed row."""
        what = "sd_change" if change else "sd_log_ratio"
        who = "changes differ" if change else "people differ"
        return self.context.audit.range_of(row_id, what, f"how far {who} ({label})")

    def crossover(self, name: str, *, judges: bool = False, cross_check: bool = False) -> Result:
        """Both conditions in the same people, printed with mean, spread and n: their ratio.

        The mixed model of the printed moments; the correlation runs over what the p leaves.
        Entry: `where` (columns that the two rows share; `table` where they stand in that of another
        topic), or `row_ids` of the two with `conditions` that name them.

        Parameters
        ----------
        judges
            Whether its measure judges the claim of its row.
        cross_check
            Whether pingouin and statsmodels say the same of the same numbers.
        """
        entry, audit = self.entry(name), self.context.audit
        conditions = (audit.conditions.first, audit.conditions.second)
        published, where = self._published(entry), entry.inputs.get("where")
        if where is None:
            conditions = tuple(entry.needed("conditions"))
            rows = published.set_index("row_id", drop=False).loc[entry.needed("row_ids")]
            published = rows.assign(direction=list(conditions))
            where = {"outcome": rows["outcome"].iloc[0]}
        study = crossover_study(
            published, name, entry.label, conditions=conditions, where=where,
            highest_cv=audit.highest_cv, **entry.of_estimate,
        )  # fmt: skip
        checks = self._cross_checks(study) if cross_check else ()
        claim = str(entry.cells.get("claim_id", "")) if judges else ""
        called = entry.inputs.get("measure", entry.label)
        return replace(study.judging(claim, name=called), cross_checks=checks)

    def _cross_checks(self, study: CrossoverResult) -> tuple[CrossCheck, ...]:
        return cross_check_pair(study, self.context.seed, self.context.audit.pinned)

    def percentage(self, name: str) -> Result:
        """A printed "x% more": with its standard error, or over a range of spreads without one.

        Entry: `row`, `name` of the source, `column` of the percentage (the mean).
        """
        entry = self.entry(name)
        row, called = self._row(entry), entry.needed("name")
        rows, n = (str(row["row_id"]),), float(row["n"])
        column = entry.inputs.get("column", "mean")
        percent = Reported(row[f"{column}_text"])
        if not row["spread_text"]:
            spread = self.spread(rows[0], called)
            source = percentage_source(called, percent, n, spread, rows, (column, ""))
            shown = self.shown(name, lambda more: 1 + more / 100)
            return replace(shown, measure=pooled_measure([source], name, called), source=source)
        error = Reported(row["spread_text"])
        source = percentage_source(called, percent, n, error, rows)
        estimate = percentage_estimate(row, entry.unit)
        shown_row = EstimateRow.of(
            estimate, name, entry.label, role="printed", study_id=str(row["study_id"]), n=n,
            **{**printed_levels(row), **entry.of_estimate},
        )  # fmt: skip
        return Result(shown_row, pooled_measure([source], name, called), source, estimate)

    def shown(self, name: str, formula: Callable[..., Any]) -> Result:
        """A result printed without an error: shown over the rounding of its cells, never pooled.

        Entry: `row` and `column`, or `cells` (a `row` and a `column` each), or `where`, for the
        means of both conditions, the second first.

        Parameters
        ----------
        formula
            Of the cells in their order, vectorised, to the display scale.
        """
        entry = self.entry(name)
        return shown_only(self._cells(entry), formula, name, entry.label, **entry.cells)

    def in_words(self, name: str, says: str) -> Result:
        """A result of which only words are printed, as every effect that they leave.

        Entry: `row`, `name` of the source.

        Parameters
        ----------
        says
            "not significant": what a paired test of its people would not call significant.
            "higher": what it would, up to the ratio that the audit gives as a bound.
            "direction": nothing that a pool could weigh; it is shown.
        """
        entry = self.entry(name)
        row = self._row(entry)
        if says == "direction":
            return Result(no_standard_error_row([row], math.nan, name, entry.label, **entry.cells))
        called, row_id, n = entry.needed("name"), str(row["row_id"]), int(row["n"])
        change = entry.cells.get("scale") == "difference"
        spread = self.spread(row_id, called, change=change)
        if says == "not significant":
            source = not_significant_source(called, n, spread, rows=(row_id,))
        else:
            most = self.context.audit.range_of(row_id, "ratio", "ratio")
            source = significant_source(called, n, spread, most, rows=(row_id,))
        return self.bounded(name, source, [row], log=not change)

    def bounded(
        self, name: str, source: Source, rows: Sequence[pd.Series], *, log: bool = True
    ) -> Result:
        """A source that has a range and no estimate."""
        entry = self.entry(name)
        row = no_standard_error_row(rows, math.nan, name, entry.label, **entry.cells)
        return Result(row, pooled_measure([source], name, source.name, log=log), source)

    def open_effect(
        self, name: str, effect: OpenEffect, rows: Sequence[pd.Series], **extra: Any
    ) -> Result:
        """An effect over its unknowns, shown at their reference point or, where it has none, bare.

        Entry: `name` of the measure; `extra` are further fields of the measure.
        """
        entry = self.entry(name)
        measure = effect.measure(name, entry.needed("name"), **extra)
        row = no_standard_error_row(rows, math.nan, name, entry.label, **entry.cells)
        return Result(row, measure)

    def estimated(
        self, name: str, estimate: Any, effect: OpenEffect, printed: pd.Series | None = None,
        **extra: Any,
    ) -> Result:  # fmt: skip
        """An estimate and the same effect over what was not printed.

        Entry: `name` of the measure. `extra` are further fields of the measure, `printed` is a row
        that study, people and levels are taken from.
        """
        entry = self.entry(name)
        cells = {"role": "model", "n": effect.n}
        if printed is not None:
            cells |= {"study_id": str(printed["study_id"]), **printed_levels(printed)}
        row = EstimateRow.of(estimate, name, entry.label, **{**cells, **entry.of_estimate})
        called = entry.inputs.get("measure") or entry.needed("name")
        return Result(row, effect.measure(name, called, **extra), estimate=estimate)

    def open_change(self, name: str, choice: str, tests: Mapping[str, int]) -> OpenEffect:
        """A printed change with its p over everything that p may test; see `tested_change`."""
        entry = self.entry(name)
        return tested_change(self._row(entry), entry.needed("name"), choice, tests)

    def share_change(self, name: str, parts: tuple[str, str]) -> ShareChange:
        """The change of a part's share of a whole, from the means of part and rest.

        Entry: `row_ids` of the part before and after, then of the rest; `name` of the source.
        `parts` are the words for part and rest.
        """
        rows = self.printed_rows(name)
        return share_change(rows[:2], rows[2:], parts, self.entry(name).needed("name"))

    def tested_change(
        self, name: str, choice: str, tests: Mapping[str, int], assumptions: Sequence[str] = ()
    ) -> Result:
        """A printed change with its p, read as one test: the arm by time mixed model.

        Entry: `row`, `name` of the source, `measure` (what p tests: one of `tests`).

        Parameters
        ----------
        choice
            Name of the choice of what p tests.
        tests
            Arms of the model (1 or 2) by what p may test.
        assumptions
            Names of those that the estimate rests on.
        """
        entry = self.entry(name)
        row, test = self._row(entry), entry.needed("measure")
        model = within_group_change if tests[test] == 1 else between_group_change
        estimate = model(
            float(row["change"]), float(row["p_value"]), int(row["n"]), entry.unit,
            (str(row["row_id"]),), tuple(assumptions),
        )  # fmt: skip
        called = entry.needed("name")
        effect = tested_change(row, called, choice, {test: tests[test]})
        return self.estimated(name, estimate, effect)

    def minus(
        self, name: str, first: Result, second: Result, effect: OpenEffect, **extra: Any
    ) -> Result:
        """One trial less another, both in one model with a residual variance each.

        Entry: `name` of the measure, which has further fields `extra`; `effect` is the difference
        over what was not printed.

        Raises
        ------
        InputError
            A trial without an estimate.
        """
        ends = [r.estimate for r in (first, second) if r.estimate]
        people = [r.row.n for r in (first, second) if r.row]
        if len(ends) < 2 or len(people) < 2:
            raise InputError(f"minus, {name}: a trial without an estimate; use open_effect()")
        estimate = difference_of_trials(ends[0], people[0], ends[1], people[1])
        return self.estimated(name, estimate, effect, **extra)

    def difference(self, name: str, *, turned: bool = False) -> Result:
        """A printed difference of two groups with its interval; its measure judges its row's claim.

        Entry: `row`, `name` of the source, `measure`. A second less a first is `turned` around.
        """
        entry = self.entry(name)
        row = self._row(entry)
        effect, estimate = printed_difference(row, entry.needed("name"), entry.unit, turned=turned)
        claim = str(entry.cells.get("claim_id", ""))
        return self.estimated(name, estimate, effect, row, claim_id=claim, source=False)

    def _published(self, entry: Entry) -> pd.DataFrame:
        """Printed rows of the analysis, or those of another topic that the entry names."""
        from retrostats.io.published.published import load_published

        table = entry.inputs.get("table")
        if table is None:
            return self.context.published
        return load_published(table, folder=self.context.audit.data)

    def _row(self, entry: Entry) -> pd.Series:
        """The printed row of an entry."""
        if "row" in entry.inputs:
            return one_row(self._published(entry), row_id=entry.inputs["row"])
        return one_row(self._published(entry), **entry.needed("where"))

    def _cells(self, entry: Entry) -> list[tuple[pd.Series, str]]:
        """Printed row and column of each number of an entry."""
        published = self._published(entry)
        if "cells" in entry.inputs:
            return [
                (one_row(published, row_id=c["row"]), c["column"]) for c in entry.inputs["cells"]
            ]
        if "row" in entry.inputs:
            return [(self._row(entry), entry.inputs.get("column", "mean"))]
        conditions = self.context.audit.conditions
        return [
            (one_row(published, direction=c, **entry.needed("where")), "mean")
            for c in (conditions.second, conditions.first)
        ]
