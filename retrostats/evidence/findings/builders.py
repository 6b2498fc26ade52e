"""The vocabulary in which an analysis is written: results pooled, trials, own cohorts, checks.

`printed_builders` holds the words for one source; `Builders` has them too. docs/builders.md shows
each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from retrostats.common.errors import InputError
from retrostats.evidence.findings.averaged import AVERAGE, averaged
from retrostats.evidence.findings.changes import cohort_changes, cohort_differences
from retrostats.evidence.findings.cohorts import (
    CohortEffect,
    Compared,
    cohort_rates,
    cohort_ratios,
    compared,
)
from retrostats.evidence.findings.few_studies import few_studies_rows
from retrostats.evidence.findings.one_stage import effect_rows, one_stage_measure, one_stage_row
from retrostats.evidence.findings.open_effects import OpenEffect, source_of
from retrostats.evidence.findings.pooled import pooled_measure, pooled_row
from retrostats.evidence.findings.printed_builders import PrintedBuilders
from retrostats.evidence.findings.results import Result, entries_of
from retrostats.evidence.findings.trials import (
    Effect,
    Trial,
    TrialResult,
    counts_row,
    trial_result,
)
from retrostats.evidence.printed.pair import one_row
from retrostats.evidence.printed.recompute import paired_p, percent_change, rate
from retrostats.evidence.result.findings import Check, EstimateRow
from retrostats.evidence.unreported.pooled import COUNTED, method_choice, source_choice
from retrostats.evidence.unreported.unknowns import Values

if TYPE_CHECKING:
    from retrostats.evidence.result.estimate import Estimate


#: Factor of a printed rate by the words of its unit, the longest first.
RATES = {"per 10000": 10000.0, "per 1000": 1000.0, "%": 100.0}


@dataclass(frozen=True, slots=True)
class Builders(PrintedBuilders):
    """Results of one analysis, each by its name in `findings/TOPIC.toml`.

    Examples
    --------
    >>> import retrostats as rs
    >>> from retrostats.audit.analysis import Context
    >>> audit = rs.load_audit()
    >>> build = Builders.of(Context(audit.published, audit.claims, audit), "metabolic_cost")
    >>> pairs = [build.crossover(name) for name in ("mc-williford-run", "mc-bws")]
    >>> build.pool("mc-pool", pairs).row.k
    2
    """

    def pool(
        self,
        name: str,
        results: Sequence[Result],
        cohorts: Sequence[CohortEffect] = (),
        steps: Mapping[str, Sequence[Result]] | None = None,
        why: str = "",
        claim_id: str = "",
    ) -> Result:
        """Results and own cohorts pooled by random effects, as a row and over everything open.

        Entry: `name` of the measure.

        Parameters
        ----------
        results
            Those that print an error; the row pools them.
        steps
            Further results that count, by the name of the step; each step is a choice, with the
            reason `why`, and counts those of the steps before.
        claim_id
            The claim that its measure judges.
        """
        entry = self.entry(name)
        sources = [source_of(result) for result in results]
        row, _ = pooled_row(
            _estimates(results, cohorts), name, entry.label,
            n=float(sum(s.n for s in sources) + sum(c.n for c in cohorts)), **entry.of_estimate,
        )  # fmt: skip
        further = list(
            {id(r): source_of(r) for part in (steps or {}).values() for r in part}.values()
        )

        def over(with_cohorts: Sequence[CohortEffect]) -> Any:
            choices = [method_choice()]
            if steps:
                printed = [True] * (len(sources) + len(with_cohorts))
                counts: dict[str, Sequence[bool]] = {}
                for step, part in steps.items():
                    counted = [source_of(r) for r in part]
                    counts[step] = [*printed, *(any(s is c for c in counted) for s in further)]
                choices.insert(0, source_choice(counts, why))
            follow = tuple(r for s in sources for r in s.correlations)
            return pooled_measure(
                [*sources, *(c.source for c in with_cohorts), *further], name, entry.needed("name"),
                choices, claim_id=claim_id, user_cohorts=bool(with_cohorts),
                follow=(*follow, COUNTED) if steps else (),
            )  # fmt: skip

        return Result(row, over(cohorts), without_cohorts=over(()) if cohorts else None)

    def one_stage(
        self,
        name: str,
        results: Sequence[Result],
        cohorts: Sequence[CohortEffect] = (),
    ) -> Result:
        """One mixed model of the people of every study, from moments and rows alike.

        Entry: `name` of the measure.
        """
        entry, by = self.entry(name), self.compared(name)
        sources = [source_of(result) for result in results]
        rows = [effect_rows(cohort, by) for cohort in self.context.cohorts]
        row = one_stage_row(sources, name, entry.label, entry.unit, rows, **entry.of_estimate)
        printed = [s for s, r in zip(sources, results, strict=True) if r.estimate]
        bounded = [s for s, r in zip(sources, results, strict=True) if not r.estimate]
        of_cohorts = [cohort.source for cohort in cohorts]
        measure = one_stage_measure([*printed, *of_cohorts, *bounded], name, entry.needed("name"))
        return Result(row, measure)

    def few_studies(
        self, pool: Result, results: Sequence[Result], cohorts: Sequence[CohortEffect] = ()
    ) -> list[EstimateRow]:
        """The same pool by methods for few studies: shown beside it, none judges."""
        if pool.row is None:
            raise InputError("few_studies: the pool has no row; hand over what pool() returned")
        entry = self.entry(pool.row.estimate_id)
        extra = {k: v for k, v in entry.of_estimate.items() if k != "n"}
        return few_studies_rows(_estimates(results, cohorts), entry.name, n=pool.row.n, **extra)

    def trial(self, name: str, effect: Effect) -> TrialResult:
        """Two arms: a printed ratio with its interval, or counts over exposure or people.

        Entry: `study`, and `ratio` (outcome of a printed ratio) or `counts` (outcome) with `arms`;
        `clusters` and `adjusted` where the spread between clusters is printed.
        """
        entry = self.entry(name)
        given = {k: entry.inputs[k] for k in ("ratio", "counts", "clusters", "adjusted")
                 if k in entry.inputs}  # fmt: skip
        trial = Trial(
            entry.needed("study"), entry.label, bool(entry.cells.get("pooled")),
            str(entry.cells.get("directness", "")), arms=tuple(entry.inputs.get("arms", ("", ""))),
            **given,
        )  # fmt: skip
        extra = {k: v for k, v in entry.cells.items() if k in ("group", "claim_id", "note")}
        return trial_result(self.context.published, trial, effect, **extra)

    def counts(self, name: str, trials: Sequence[TrialResult], effect: Effect) -> Result:
        """One Poisson model of all events that trials counted over time, with what it assumes."""
        entry = self.entry(name)
        extra = {k: v for k, v in entry.of_estimate.items() if k != "quantity"}
        row, assumption = counts_row(
            self.context.published, trials, effect, name, entry.label, **extra
        )
        return Result(row, assumptions=(assumption,))

    def cohort_ratios(self, name: str) -> list[CohortEffect]:
        """Ratio of the conditions in each own cohort: condition fixed, people random."""
        return cohort_ratios(self.context.cohorts, self.compared(name))

    def cohort_changes(self, name: str) -> list[CohortEffect]:
        """Change of each own cohort within the arm of the first condition."""
        return cohort_changes(self.context.cohorts, self.compared(name))

    def cohort_differences(self, name: str, *, control: bool = False) -> list[CohortEffect]:
        """Change of each own cohort less that of the second condition, or of the control."""
        by = self.compared(name)
        return cohort_differences(self.context.cohorts, by, by.control if control else "")

    def cohort_rates(self, name: str) -> list[CohortEffect]:
        """Rate ratio of the conditions in each own cohort that counts the outcome.

        Entry: `outcome` that is counted, and `against`, the condition of the denominator.
        """
        entry = self.entry(name)
        by = replace(self.compared(name), outcomes=(entry.needed("outcome"),))
        return cohort_rates(self.context.cohorts, by, entry.inputs.get("against", ""))

    def cohort_rows(self, name: str, cohorts: Sequence[CohortEffect]) -> list[EstimateRow]:
        """Rows of own cohorts under the headings of an entry.

        Entry: `group` of those that bear on its claim, `other_group` of those that do not, and
        `no_group` of those of another quantity.
        """
        entry = self.entry(name)
        group = str(entry.cells.get("group", ""))
        claim = str(entry.cells.get("claim_id", ""))

        def heading(cohort: CohortEffect) -> str:
            if cohort.quantity != entry.cells["quantity"]:
                return str(entry.inputs.get("no_group", group))
            return group if cohort.relevant else str(entry.inputs.get("other_group", group))

        return [cohort.row(claim, heading(cohort)) for cohort in cohorts]

    def average(
        self,
        name: str,
        cohorts: Sequence[CohortEffect],
        literature: OpenEffect | None = None,
        scale: Callable[[CohortEffect, Values], Any] = lambda cohort, v: 1.0,
        **extra: Any,
    ) -> Result:
        """Own cohorts, and what the literature says of the same, by the precision of each.

        Parameters
        ----------
        scale
            Factor of a cohort's effect at values of the unknowns: its unit follows a reading.
        extra
            Further fields of the measure.
        """
        entry = self.entry(name)
        cells = {k: v for k, v in entry.of_estimate.items() if k in ("quantity", "group")}
        claim = str(entry.cells.get("claim_id", ""))
        measure, row = averaged(
            cohorts, literature, partial(EstimateRow.of, **cells), name, claim, scale
        )
        return Result(row, replace(measure, **extra), assumptions=(AVERAGE,) if row else ())

    def percent_checks(self) -> list[Check]:
        """Printed percentages of change from the printed means before and after, of every [checks].

        Entry: `before` and `after`, rows; `quantity`, or `part` of a study that has several.
        """
        found = []
        for name, entry in self.table.checks.items():
            place = f"{self.table.file}, [checks.{name}]"
            entries_of(entry, ("before", "after"), ("quantity", "part"), place)
            rows = [one_row(self.context.published, row_id=entry[k]) for k in ("before", "after")]
            before, after = rows
            what = ", ".join(filter(None, (str(after["outcome_printed"]), entry.get("part", ""))))
            found.append(
                percent_change(before["mean_text"], after["mean_text"]).against(
                    after["pct_change_text"],
                    check_id=name,
                    study_id=str(after["study_id"]),
                    quantity=entry.get("quantity", f"{what}, % change"),
                    rows=[str(row["row_id"]) for row in rows],
                )
            )
        return found

    def paired_p_check(self, check_id: str, quantity: str, **where: Any) -> Check:
        """A printed p of a paired change from the printed change, its SD and n."""
        row = one_row(self.context.published, **where)
        found = paired_p(row["change_text"], row["change_spread_text"], int(row["n"]))
        return found.against(
            row["p_value_text"], check_id=check_id, study_id=str(row["study_id"]),
            quantity=quantity, rows=[row["row_id"]],
        )  # fmt: skip

    def rate_checks(self) -> list[Check]:
        """Every printed rate of an independent row from the count and exposure beside it."""
        rows = self.context.published
        counted = rows[rows["events"].notna() & rows["exposure"].notna() & rows["mean"].notna()]
        found = []
        for row in counted.to_dict("records"):
            factor = next((v for words, v in RATES.items() if words in row["unit"]), None)
            if factor and row["exposure_unit"] and row["independence"] == "independent":
                found.append(
                    rate(row["events"], row["exposure"], factor).against(
                        row["mean_text"],
                        check_id=f"rate-{row['row_id']}",
                        study_id=row["study_id"],
                        quantity=f"{row['outcome_printed']}, {row['unit']}",
                        rows=[row["row_id"]],
                    )
                )
        return found

    def compared(self, name: str) -> Compared:
        """What own cohorts are compared in for one result: outcomes, quantity and unit."""
        entry = self.entry(name)
        audit = self.context.audit
        analysis = audit.topics[self.table.file.stem].analysis
        return compared(audit, analysis, str(entry.cells["quantity"]), entry.unit)


def _estimates(results: Sequence[Result], cohorts: Sequence[CohortEffect]) -> list[Estimate]:
    """Estimates of results that have an error, then those of cohorts."""
    found = [result.estimate for result in results if result.estimate]
    return [*found, *(cohort.estimate for cohort in cohorts)]
