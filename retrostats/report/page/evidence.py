"""From every claim to its evidence, from every number to its printed rows, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from retrostats.audit.plain_words import NO_WORDS, PlainWords
from retrostats.report.page import format as fmt
from retrostats.report.page.printed import circumstances, outcome
from retrostats.report.page.sentences import measure_words

Row = Mapping[str, Any]
Records = Mapping[str, Sequence[Row]]

#: How a fidelity table says whether an element agrees, in a reader's words.
AGREES = {
    "yes": "agrees",
    "no": "differs",
    "unknown": "could not be checked",
    "not measured": "not measured",
}
#: Directness of a printed result that no estimate uses: it only says which way something went.
SIGN_ONLY = "sign only"
RECOMPUTED = "recomputed, not pooled"
LEVEL = "level of a typical person"


@dataclass(frozen=True, slots=True)
class DescribedClaim:
    """Everything the page says of one claim.

    Attributes
    ----------
    verdict
        Its row of the verdicts frame.
    said_by, basis, claimed
        Who says it; why the claimed range is as it is; the range in words.
    elements
        Elements of the retelling, each set against its source.
    signs
        Printed results that bear on it by their sign only.
    downgrades
        What each domain of certainty costs.
    estimates
        Rows of estimates that bear on it.
    measures
        What each measure of it says, in sentences.
    """

    verdict: Row
    said_by: str
    basis: str
    claimed: str
    elements: tuple[Row, ...]
    signs: tuple[Row, ...]
    downgrades: tuple[Row, ...]
    estimates: tuple[Row, ...]
    measures: tuple[str, ...] = ()

    @property
    def printed_on(self) -> bool:
        """Whether any printed result bears on it."""
        rows = (*self.elements, *self.signs)
        return bool(self.estimates) or any(
            fmt.text(r.get("source_rows", r.get("row_id"))) for r in rows
        )


@dataclass(frozen=True, slots=True)
class Study:
    """One study with its printed rows, folded together.

    Attributes
    ----------
    study_id, label, citation, doi
        Identifier, short name, reference, DOI.
    rows
        Its printed rows.
    topics, directness
        What the filters go by.
    """

    study_id: str
    label: str
    citation: str
    doi: str
    rows: tuple[Row, ...]
    topics: tuple[str, ...]
    directness: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Use:
    """What uses a printed row: where on the page it stands, and what it is called."""

    href: str
    label: str
    directness: str = ""


def described_claims(
    records: Records,
    ranges: Mapping[str, str],
    labels: Mapping[str, str],
    words: Mapping[str, PlainWords] = MappingProxyType({}),
) -> list[DescribedClaim]:
    """One entry a claim, in the order of the verdicts.

    Parameters
    ----------
    ranges, labels
        The claimed ranges in words, by claim; name of each study.
    words
        Plain words by claim.
    """
    study = {r["row_id"]: labels.get(r["study_id"], r["study_id"]) for r in records["sources"]}
    claims = {row["claim_id"]: row for row in records["claims"]}
    return [
        DescribedClaim(
            verdict,
            said_by=fmt.text(claims.get(key, {}).get("said_by")),
            basis=fmt.text(claims.get(key, {}).get("range_basis")),
            claimed=ranges.get(key, ""),
            elements=_of(records["fidelity"], key),
            signs=tuple(_signed(row, study) for row in _of(records["evidence"], key)),
            downgrades=_of(records["certainty"], key),
            estimates=_estimates(records["estimates"], key, verdict.get("estimate_id")),
            measures=tuple(
                _measures(records, {**claims.get(key, {}), **verdict}, words.get(key, NO_WORDS))
            ),
        )
        for verdict in records["verdicts"]
        for key in [verdict["claim_id"]]
    ]


def _measures(records: Records, claim: Row, words: PlainWords) -> Iterable[str]:
    """What each measure says; a unit that the audit has no plain word for stays that of its row."""
    units = {row["estimate_id"]: fmt.text(row["unit"]) for row in records["estimates"]}
    for row in _of(records["answers"], claim["claim_id"]):
        unit = units.get(row["estimate_id"], fmt.text(claim.get("unit")))
        yield measure_words({**row, "unit": unit}, claim, words)


#: Mark and words of what a printed sign says of a claim.
SIGNS = {
    "for": "\N{CHECK MARK} for it",
    "against": "\N{MULTIPLICATION SIGN} against it",
    "neither": "\N{EN DASH} neither way",
}


def _signed(row: Row, study: Mapping[str, str]) -> Row:
    """A row of evidence with the studies that print it and which way it goes, in words."""
    names = _unique(study[r] for r in fmt.split(row["row_id"]) if r in study)
    sign = SIGNS.get(row["bears"], fmt.text(row["bears"]))
    return {**row, "studies": " and ".join(names) or "A printed result", "sign": sign}


def by_speaker(described: Iterable[DescribedClaim]) -> list[tuple[str, list[DescribedClaim]]]:
    """Claims under the one who makes them, in order of appearance."""
    groups: dict[str, list[DescribedClaim]] = {}
    for claim in described:
        groups.setdefault(claim.said_by, []).append(claim)
    return list(groups.items())


def uses_of(records: Records) -> dict[str, list[Use]]:
    """What uses each printed row: estimates, recomputed numbers, claims."""
    statement = {row["claim_id"]: fmt.text(row["statement"]) for row in records["verdicts"]}
    found: dict[str, dict[str, Use]] = {}

    def note(rows: Any, use: Use) -> None:
        for row in fmt.split(rows):
            found.setdefault(row, {}).setdefault(use.href, use)

    for row in records["estimates"]:
        href = f"e-{fmt.anchor(row['estimate_id'])}"
        note(row["source_rows"], Use(href, fmt.text(row["label"]), fmt.text(row["directness"])))
    for row in records["checks"]:
        href = f"c-{fmt.anchor(row['check_id'])}"
        note(row["source_rows"], Use(href, f"recomputed: {row['quantity']}", RECOMPUTED))
    for number, row in enumerate(records["summary"], 1):
        label = f"level in the summary: {fmt.text(row['outcome'])}"
        note(row["level_rows"], Use(f"sof-{number}", label, LEVEL))
    for name, column in (("fidelity", "source_rows"), ("evidence", "row_id")):
        for row in records[name]:
            key = row["claim_id"]
            if key in statement:
                href = f"claim-{fmt.anchor(key)}"
                note(row[column], Use(href, f"claim: {statement[key]}", SIGN_ONLY))
    return {row: list(uses.values()) for row, uses in found.items()}


def studies_of(
    records: Records,
    labels: Mapping[str, str],
    topics: Mapping[str, str],
    uses: Mapping[str, Sequence[Use]],
) -> list[Study]:
    """Studies with their printed rows, by name.

    Parameters
    ----------
    labels, topics
        Name of each study; title of the section of each topic.
    """
    known = {row["study_id"]: row for row in records["studies"]}
    rows: dict[str, list[Row]] = {}
    for row in records["sources"]:
        rows.setdefault(row["study_id"], []).append(row)
    studies = []
    for study_id, mine in rows.items():
        reference = known.get(study_id, {})
        direct = {use.directness for row in mine for use in uses.get(row["row_id"], ())}
        studies.append(
            Study(
                study_id,
                labels.get(study_id, study_id),
                fmt.text(reference.get("citation")),
                fmt.text(reference.get("doi")),
                tuple(mine),
                _unique(topics.get(row["topic"], fmt.text(row["topic"])) for row in mine),
                _unique(sorted(filter(None, direct))),
            )
        )
    return sorted(studies, key=lambda study: study.label.lower())


def row_labels(sources: Iterable[Row], labels: Mapping[str, str]) -> dict[str, str]:
    """What a link to a printed row is called: study, outcome, and under which circumstances."""
    return {
        row["row_id"]: ", ".join(
            filter(
                None,
                (labels.get(row["study_id"], row["study_id"]), outcome(row), circumstances(row)),
            )
        )
        for row in sources
    }


def _of(rows: Sequence[Row], claim_id: str) -> tuple[Row, ...]:
    return tuple(row for row in rows if row["claim_id"] == claim_id)


def _estimates(rows: Sequence[Row], claim_id: str, judged: Any) -> tuple[Row, ...]:
    """The answer of each measure first, then what was judged, then what else bears on the claim."""
    mine = [row for row in rows if claim_id == row["claim_id"] or row["estimate_id"] == judged]
    return tuple(sorted(mine, key=lambda row: (row["role"] != "posterior",
                                               row["estimate_id"] != judged)))  # fmt: skip


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
