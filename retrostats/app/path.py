"""The main path: read, estimate and pool (each analysis), explore, judge, draw.

Run it with `python -m retrostats.replicate`, or call `retrostats.replicate()`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrostats.app.replication import Replication
from retrostats.app.user_cohorts import every_cohort_has_an_analysis, load_cohorts
from retrostats.audit.analysis import Analysis, Context, analysed, blamed, select
from retrostats.audit.audit import Audit, load_audit
from retrostats.audit.certainty import OVERRULED, Grounds, grounds_of
from retrostats.audit.changes import cohort_frame, contrasts_of, shares_frame, with_use
from retrostats.audit.claims import Claim
from retrostats.audit.fidelity import ClaimEvidence, claim_evidence_of
from retrostats.audit.frames import (
    answers_frame,
    certainties,
    certainty_frame,
    verdict_frame,
    verdicts_of,
    with_posteriors,
)
from retrostats.audit.returned import check_ids
from retrostats.audit.summary import ABSOLUTE, summary_frame
from retrostats.audit.verdict import Evidence, claimed_range
from retrostats.common.arrays import whole_number
from retrostats.common.defaults import (
    CLAIM_FIGURES,
    DRAWS,
    FORMATS,
    MAX_DRAWS,
    SEED,
    TABLE_FORMATS,
    TABLES,
    THEMES,
)
from retrostats.common.errors import InputError, refuse_unknown
from retrostats.common.workers import connected
from retrostats.evidence.findings.user_cohort import UserCohortResult, user_cohort_results
from retrostats.evidence.result.findings import Findings, frame_of
from retrostats.evidence.unreported.measures import (
    Explored,
    Options,
    explore_measures,
    in_one_unit,
    with_ranges,
)
from retrostats.evidence.unreported.reference_point import ReferencePool, pool_at_reference_point
from retrostats.io.published.printed_rows import check_conditions
from retrostats.report import folder
from retrostats.report.frames import cited, frames_of, grids_of
from retrostats.report.output import save
from retrostats.report.parts import Drawings, parts_of
from retrostats.report.provenance import provenance

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.evidence.printed.pooled_printed import PooledPrinted
    from retrostats.evidence.result.findings import EstimateRow, Measure

Progress = Callable[[str], None]


def replicate(
    analyses: Iterable[str] | None = None,
    *,
    audit: Audit | str | Path | None = None,
    cohorts: Iterable[Any] = (),
    out: str | Path | None = None,
    seed: int = SEED,
    draws: int = DRAWS,
    jobs: int = 1,
    scheduler: str | None = None,
    formats: Sequence[str] = FORMATS,
    tables: Sequence[str] = TABLES,
    themes: Sequence[str] = (),
    claim_figures: str = "core",
    progress: Progress | None = None,
) -> Replication:
    """Replicate the cited studies and judge the post's claims.

    Parameters
    ----------
    analyses
        Names of the audit's analyses or paths of analysis files; all of them if None.
    audit
        Folder of an audit, or a loaded one; the one that ships if None.
    cohorts
        Paths, DataFrames or loaded cohorts, analysed beside and together with the literature, in
        the order of their names.
    out
        Folder to write to; nothing is written if None.
    seed, draws, jobs, scheduler
        Seed and number of the joint draws of everything not printed, and who evaluates them:
        threads here, or a Dask cluster. The same seed gives the same bytes whoever does.
    formats
        Of the figures: "svg", "pdf", "png".
    tables
        Formats of the tables for papers: "csv", "html", "tex", and with the extra `papers` "md"
        and "docx".
    themes
        Further versions of every figure: "85mm" (one column of a journal; figures of estimates are
        always written in it), "dark", "slide".
    claim_figures
        Whose specification curves, draws and influences are drawn: those of the "core" claims, for
        the page, or of "all" that were measured, in every format.
    progress
        Called with a line before each step.

    Raises
    ------
    InputError
        For an unknown analysis or format, a bad cohort, or an unusable `out`.

    Examples
    --------
    >>> import retrostats as rs
    >>> *_, name = rs.load_audit().analyses
    >>> r = rs.replicate([name], draws=100)
    >>> set(r.verdicts["analysis"]) == {name}
    True
    """
    _refuse_options(seed, draws, jobs)
    refuse_unknown("formats", formats or [""], FORMATS)
    refuse_unknown("tables", tables or [""], TABLE_FORMATS)
    refuse_unknown("themes", themes, THEMES)
    refuse_unknown("claim_figures", [claim_figures], CLAIM_FIGURES)
    tell = progress or (lambda line: None)
    about = audit if isinstance(audit, Audit) else load_audit(audit)
    if out is not None:
        folder.usable(Path(out))
    chosen = select(analyses, about)
    tell("Reading the published numbers")
    claims, published, user_cohorts = read(about, chosen, cohorts)
    everything = Context(published, claims, about, user_cohorts, seed)
    options = Options(draws, seed, jobs, scheduler)
    findings: dict[str, Findings] = {}
    explored: dict[str, list[Explored]] = {}
    with connected(scheduler):
        for analysis in chosen:
            tell(f"Estimating and pooling: {analysis.title}")
            found = estimate_and_pool(analysis, everything)
            tell(f"Exploring what was not printed: {analysis.title}")
            with blamed(analysis, "an estimator of analyse"):
                explored[analysis.name], findings[analysis.name] = explore(found, options)
    check_ids(findings)
    user_cohorts = tuple(
        with_use(cohort, findings[cohort.analysis].estimates) for cohort in user_cohorts
    )
    tell("Judging the claims")
    claim_evidence = claim_evidence_of(about, published)
    evidence = evidence_by_claim(explored, everything, findings)
    verdicts, certainty, answers = judge(everything, findings, evidence, claim_evidence)
    frames = frames_of(with_posteriors(findings, answers, claims), explored, claims)
    frames["summary"] = summary_of(about, verdicts, frames["estimates"], published)
    with connected(scheduler):
        changed = _changes(
            everything, findings, explored, evidence, user_cohorts, claim_evidence, options
        )
    alone = [result for cohort in user_cohorts for result in user_cohort_results(cohort, about)]

    shown = {"verdicts": verdicts, **frames}
    every = claim_figures == "all"
    parts = parts_of(about, chosen, shown, claims, user_cohorts, every_claim=every)
    replication = Replication(
        verdicts=verdicts,
        certainty=certainty,
        answers=answers,
        **frames,
        questions=questions(published, chosen),
        drawings=Drawings(parts),
        **cited(about, published, frames, claim_evidence, [a.name for a in chosen]),
        **changed,
        user_results=frame_of(alone, UserCohortResult),
        grids=grids_of(explored, claims),
        analyses=[
            {
                "name": a.name,
                "title": a.title,
                "question": a.question,
                "methods": list(a.methods),
            }
            for a in chosen
        ],
        provenance=provenance(about, chosen, user_cohorts, seed=seed, draws=draws),
        audit=about,
    )
    if out is not None:
        tell("Drawing the figures and writing the results")
        save(replication, Path(out), formats, tables, themes)
    return replication


def read(
    audit: Audit, chosen: Sequence[Analysis], cohorts: Iterable[Any]
) -> tuple[dict[str, Claim], pd.DataFrame, tuple[Any, ...]]:
    """Claims, printed numbers, and the reader's own cohorts, each with an analysis of this run."""
    user_cohorts = load_cohorts(cohorts, audit)
    every_cohort_has_an_analysis(user_cohorts, chosen)
    published = audit.published
    check_conditions(published, audit.conditions, str(audit.data))
    return audit.claims, published, user_cohorts


def estimate_and_pool(analysis: Analysis, everything: Context) -> Findings:
    """What an analysis makes of the printed rows of its topic and of the cohorts meant for it."""
    published = everything.published
    rows = published[published["topic"] == analysis.topic].reset_index(drop=True)
    mine = tuple(c for c in everything.cohorts if c.analysis == analysis.name)
    return analysed(analysis, replace(everything, published=rows, cohorts=mine))


def explore(found: Findings, options: Options) -> tuple[list[Explored], Findings]:
    """Every measure over all that was not printed, and the findings with the ranges it gives."""
    explored = explore_measures(found.measures, options)
    return explored, with_ranges(found, explored)


def judge(
    everything: Context,
    findings: Mapping[str, Findings],
    evidence: Mapping[str, Sequence[Evidence]],
    claim_evidence: ClaimEvidence,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Verdicts, certainty by claim, side and domain, and answers by claim and measure."""
    claims, grounds = everything.claims, _grounds(everything, findings)
    found = verdicts_of(claims, findings, evidence, claim_evidence)
    sure = certainties(claims, found, evidence, grounds)
    verdicts = verdict_frame(claims, findings, found, sure)
    return verdicts, certainty_frame(claims, sure), answers_frame(claims, found)


def used_cohort(cohort: Any, audit: Audit | str | Path | None = None) -> Any:
    """A cohort after its analysis ran on it, with a problem more where that judges nothing by it.

    What `validate` calls usable, `replicate` runs: both fit the same models.

    Raises
    ------
    RetrostatsError
        Its analysis cannot run on it.
    """
    about = audit if isinstance(audit, Audit) else load_audit(audit)
    if not cohort.analysis:
        return cohort
    (analysis,) = select([cohort.analysis], about)
    context = Context(about.published, about.claims, about, (cohort,))
    return with_use(cohort, estimate_and_pool(analysis, context).estimates)


def questions(published: pd.DataFrame, chosen: Sequence[Analysis]) -> pd.DataFrame:
    """What the printed numbers of the chosen analyses make one ask of their sources."""
    from retrostats.evidence.printed.forensics import forensics

    found = forensics(published[published["topic"].isin({a.topic for a in chosen})])
    raised = found[found["finding"] == "question"].drop(columns=["finding", "reason"])
    return raised.reset_index(drop=True)


def summary_of(
    audit: Audit, verdicts: pd.DataFrame, estimates: pd.DataFrame, published: pd.DataFrame
) -> pd.DataFrame:
    """What each effect comes to at the levels that the audit names."""
    levels = audit.table(ABSOLUTE) if audit.has_table(ABSOLUTE) else None
    return summary_frame(verdicts, estimates, published, levels)


def evidence_by_claim(
    explored: Mapping[str, Sequence[Explored]],
    everything: Context,
    findings: Mapping[str, Findings],
) -> dict[str, list[Evidence]]:
    """Every explored measure that judges a claim with its posterior, by the claim."""
    rows = {row.estimate_id: row for found in findings.values() for row in found.estimates}
    found: dict[str, list[Evidence]] = {}
    for entry in (e for entries in explored.values() for e in entries):
        measure = entry.measure
        if measure.claim_id:
            claim, row = everything.claims[measure.claim_id], rows.get(measure.estimate_id)
            evidence = _evidence(entry, claim, row, everything.audit)
            if measure.unit_choice:
                (one,) = explore_measures([in_one_unit(measure)], Options(0, 0))
                shown = _evidence(one, claim, row, everything.audit)
                evidence = replace(evidence, in_one_unit=shown)
            found.setdefault(measure.claim_id, []).append(evidence)
    return found


def _evidence(entry: Explored, claim: Claim, row: EstimateRow | None, audit: Audit) -> Evidence:
    """An explored measure with its posterior."""
    measure = entry.measure
    return Evidence(
        measure.name,
        entry.at95,
        entry.at90,
        measure.comparison,
        measure.user_cohorts,
        measure.estimate_id,
        measure.randomised,
        pooled=_posterior(measure, claim, row, audit),
        # a row of no single study is a pool or a model of several
        as_it_stands=not measure.sources and (row is None or not row.study_id),
        cohorts_randomised=measure.cohorts_randomised,
    )


def _posterior(
    measure: Measure, claim: Claim, row: EstimateRow | None, audit: Audit
) -> PooledPrinted:
    """The posterior of a measure of a claim, with what the audit states of correlations."""
    from retrostats.evidence.unreported.likelihood import posterior_of

    known = row is not None and row.df > 0
    return posterior_of(
        measure,
        claim.scale,
        null=claim.null_value,
        claimed=claimed_range(claim) if claim.has_size else None,
        correlation=audit.correlation_prior(claim.claim_id),
        df=row.df if row is not None and known else math.inf,
        quantity=claim.quantity,
    )


def _grounds(everything: Context, findings: Mapping[str, Findings]) -> Grounds:
    """What the rules of certainty look at, and what the audit sets by hand."""
    audit = everything.audit
    by_hand = audit.table(OVERRULED) if audit.has_table(OVERRULED) else None
    rows = [row for found in findings.values() for row in found.estimates]
    return grounds_of(rows, everything.published, audit.studies, by_hand)


def _changes(
    everything: Context,
    findings: Mapping[str, Findings],
    explored: Mapping[str, Sequence[Explored]],
    new: Mapping[str, Sequence[Evidence]],
    user_cohorts: Sequence[Any],
    claim_evidence: ClaimEvidence,
    options: Options,
) -> dict[str, pd.DataFrame]:
    """What the reader's own cohorts change in each verdict, and the draws by label.

    Only claims that a cohort bears on are judged without it; `new` is the evidence with it.
    """
    moved = {claim for claim, found in new.items() if any(e.user_cohorts for e in found)}
    before = {
        name: explore_measures([m for m in found.without_cohorts if m.claim_id in moved], options)
        for name, found in findings.items()
    }
    names = {
        name: ", ".join(str(c.provenance["name"]) for c in user_cohorts if c.analysis == name)
        for name in findings
    }
    claims = {name: claim for name, claim in everything.claims.items() if name in moved}
    grounds = _grounds(everything, findings)
    contrasts = contrasts_of(row for found in findings.values() for row in found.estimates)
    old = evidence_by_claim(before, everything, findings)
    pools = {
        claim_id: (_reference_pool(before, claim), _reference_pool(explored, claim))
        for claim_id, claim in claims.items()
    }
    return {
        "cohorts": cohort_frame(claims, old, new, names, claim_evidence, pools, grounds, contrasts),
        "cohort_shares": shares_frame(claims, old, new),
    }


def _reference_pool(explored: Mapping[str, Sequence[Explored]], claim: Claim) -> ReferencePool:
    """The pool that judges a claim, everything that was not printed at its middle."""
    entries = (e.measure for found in explored.values() for e in found)
    measure = next((m for m in entries if m.claim_id == claim.claim_id), None)
    log = claim.scale != "difference"
    return pool_at_reference_point(measure, log=log) if measure else ReferencePool()


def _refuse_options(seed: int, draws: int, jobs: int) -> None:
    for name, value, least in (("seed", seed, 0), ("draws", draws, 0), ("jobs", jobs, 1)):
        whole_number(value, name, least)
    if draws > MAX_DRAWS:
        raise InputError(f"draws must be {MAX_DRAWS} or fewer, found {draws}")
