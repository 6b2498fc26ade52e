"""An audit from a page: everything that a folder holds, made of one page and one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrostats.audit.pages.claims import (
    absolute_records,
    claim_record,
    fidelity_records,
)
from retrostats.audit.pages.findings import Group, group_findings, printed_unit
from retrostats.audit.pages.flow import flow_sentences, flow_table, risk_of_bias_table
from retrostats.audit.pages.pooling import prior_in_use
from retrostats.audit.pages.slopes import moderator_values
from retrostats.audit.pages.tables import (
    FIDELITY,
    LEVELS,
    evidence_table,
    frame,
    published_table,
    retold_table,
    studies_table,
)
from retrostats.evidence.pages.claim import ReadClaim, read_claim
from retrostats.evidence.printed.measures import DIFFERENCE, PROPORTION
from retrostats.io.pages.page import CORRELATION, Page
from retrostats.io.pages.problems import Problems
from retrostats.io.pages.topics import groups_of, page_of

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.evidence.result.findings import Findings


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page with every row reduced.

    Attributes
    ----------
    groups
        Claims that share a pool, by the name of their analysis.
    """

    page: Page
    groups: Mapping[str, Group]

    @property
    def claims(self) -> list[ReadClaim]:
        """Every claim, in the order of the page."""
        found = {c.claim.claim_id: c for group in self.groups.values() for c in group.claims}
        return [found[claim.claim_id] for claim in self.page.claims]


@dataclass(frozen=True, slots=True)
class PageAnalysis:
    """A generated analysis: what a file of an analysis defines, but for its drawing.

    Attributes
    ----------
    name, title, question, methods, topic
        As of an analysis file.
    analyse
        From a context to findings.
    path
        The page.
    """

    name: str
    title: str
    question: str
    methods: tuple[str, ...]
    topic: str
    analyse: Callable[[Any], Findings]
    path: Path


def read_audit_page(path: str | Path) -> ReadPage:
    """A page and its table, every row reduced to its likelihood; nothing is pooled.

    Raises
    ------
    InputError
        One message with everything that is wrong.
    """
    page = page_of(path)
    problems = Problems()
    groups = {}
    for name, claims in groups_of(page).items():
        found = [read_claim(page, claim, problems) for claim in claims]
        read = tuple(c for c in found if c is not None)
        if len(read) == len(claims):
            groups[name] = Group(name, page, read)
    for group in groups.values():
        if group.read.claim.moderator and not problems.found:
            with problems.collected():
                moderator_values(page, group.read)
    problems.refuse()
    return ReadPage(page, groups)


def page_tables(read: ReadPage) -> dict[str, pd.DataFrame]:
    """Tables of the audit by name, as a folder's data package has them; `published` is joined.

    Raises
    ------
    InputError
        A claimed range that its measure cannot have, or a level that no row prints.
    """
    page, claims, problems = read.page, read.claims, Problems()
    records: list[dict[str, Any]] = []
    levels: list[dict[str, Any]] = []
    for name, group in read.groups.items():
        names = (group.quantity, group.unit)
        for claim in group.claims:
            with problems.collected():
                records.append(claim_record(page, claim.claim, claim.measure, name, names))
                levels += absolute_records(page, claim.claim, _estimate_id(group))
    problems.refuse()
    order = {claim.claim_id: i for i, claim in enumerate(page.claims)}
    records.sort(key=lambda record: order[record["claim_id"]])
    sides = {record["claim_id"]: record["claimed_direction"] for record in records}
    sized = {c.claim.claim_id for c in claims if any(r.source.bounded for r in c.pooled)}
    studies = studies_table(page, claims)
    topics = {c.claim.claim_id: n.replace("-", "_") for n, g in read.groups.items()
              for c in g.claims}  # fmt: skip
    tables = {
        "claims": frame(records, list(records[0])),
        "claim_fidelity": frame(
            [r for c in claims for r in fidelity_records(page, c.claim)], FIDELITY
        ),
        "claim_evidence": evidence_table(page, claims, sides, sized),
        "studies": studies,
        "published": published_table(page, claims, topics, studies),
        "flow": flow_table(read.groups),
        "risk_of_bias": risk_of_bias_table(read.groups),
    }
    if levels:
        tables["absolute"] = frame(levels, LEVELS)
    if page.retold:
        tables["claim_drift"] = retold_table(page)
    return tables


def _estimate_id(group: Group) -> str:
    """The row of estimates by which the claims of a group are judged."""
    if group.read.claim.moderator:
        return f"{group.name}-slope"
    entries = [r for r in group.read.pooled if r.effect is not None]
    lot = [r for r in entries if r.supports_cause]
    parted = group.read.claim.cause and 0 < len(lot) < len(group.read.pooled)
    chosen = lot if parted else entries
    if len(chosen) > 1 or not chosen:
        return f"{group.name}-pool{'-by-lot' if parted else ''}"
    return f"{group.name}-{chosen[0].row.row_id}"


def page_analyses(read: ReadPage) -> dict[str, PageAnalysis]:
    """One analysis a group of claims, by name."""
    found = {}
    for name, group in read.groups.items():
        claims = [c.claim for c in group.claims]
        said = claims[0].says.rstrip(".")
        title = read.page.title if len(read.groups) == 1 else said
        found[name] = PageAnalysis(
            name=name,
            title=title,
            question=f"What do the printed rows say of this: {said}?",
            methods=tuple(methods_of(group)),
            topic=name.replace("-", "_"),
            analyse=partial(group_findings, group),
            path=read.page.file,
        )
    return found


def methods_of(group: Group) -> list[str]:
    """What was done, in sentences for a methods section."""
    read, page = group.read, group.page
    if read.claim.moderator:
        return [
            f"Effects of the studies ({read.measure.name}) on {read.claim.moderator}: "
            "mixed-effects regression by REML with Knapp-Hartung limits that never narrow; studies "
            "are not allocated to its values, so a slope is an association between studies.",
            *flow_sentences(group),
        ]
    first, second = page.conditions.first, page.conditions.second
    pooled = [r for r in read.pooled if r.effect is not None]
    mixed = ", ".join(read.measure.mixed)
    beside = f" (mixed in as if they were one: {mixed})" if mixed else ""
    alone = read.measure.name == PROPORTION
    own, studies = ("proportion", "logits") if alone else ("effect", "effects")
    said = [
        f"Proportions are of {first}, on the logit." if alone else
        f"Effects are {first} against {second}, as {read.measure.name}{beside}.",
        f"Each row of the table is the likelihood of its own {own}: {_kinds(read)}.",
    ]  # fmt: skip
    if any(r.source.depends_on_correlation for r in read.rows):
        prior = page.open.get(CORRELATION)
        said.append(
            "Correlations that were not printed are averaged over "
            + (f"Fisher's z with mean {prior.numbers['mean']:g} and SD {prior.numbers['sd']:g} "
               f"({prior.why}; {prior.source})" if prior else "all values from -1 to 1, uniformly")
            + ", cut to what a printed p leaves possible."
        )  # fmt: skip
    if len(read.pooled) > 1:
        scale, why = prior_in_use(read)
        unit = " on the logit" if alone else " on the log scale" if read.measure.is_log else ""
        if read.measure.name == DIFFERENCE:
            unit = f" {printed_unit(read)}".rstrip()
        said.append(
            f"Synthesis: {studies} of studies are normal around their mean with a half-normal "
            "prior on their standard deviation, a flat prior on the mean, by quadrature"
            + (f"; its scale is {scale:.3g}{unit}: {why}." if scale > 0 else ".")
        )
    if len(pooled) > 1:
        said.append(
            "Classical pool beside it: random-effects mean by REML with Knapp-Hartung limits that "
            "never narrow; a correlation left open stands at the middle of what is possible."
        )
    if read.claim.cause and not all(r.supports_cause for r in read.pooled):
        said.append(
            "A cause is claimed: its label rests on rows allocated by lot or in the same people; "
            "the other rows stand beside."
        )
    return [*said, *flow_sentences(group)]


def _kinds(read: ReadClaim) -> str:
    """What rows became, each kind once with its number."""
    count: dict[str, int] = {}
    for row in read.rows:
        if not row.source.left_out:
            words = row.source.became.split(",")[0]
            count[words] = count.get(words, 0) + 1
    entries = [f"{words} ({number})" for words, number in count.items()]
    return "; ".join(entries) or "no row gives one"
