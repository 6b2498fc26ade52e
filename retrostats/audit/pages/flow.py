"""The flow of rows through each pool (found, left out and why, pooled), and their risk of bias."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrostats.audit.pages.findings import Group
from retrostats.audit.pages.tables import frame
from retrostats.evidence.pages.claim import ReadRow
from retrostats.io.pages.judgements import NOT_JUDGED, domain_name
from retrostats.io.pages.page import RISK_OF_BIAS, TableRow
from retrostats.io.pages.page_table import row_name

if TYPE_CHECKING:
    import pandas as pd

FLOW = ("analysis", "claims", "step", "why", "rows", "studies", "row_ids")
RISK = ("analysis", "study_id", "study", "row_ids", "domain", "judgement")
#: Steps of the flow: rows found are those left out and those pooled; the last are a part of these.
FOUND, LEFT_OUT, POOLED, OF_THESE = "found", "left out", "pooled", "of these"


def flow_table(groups: Mapping[str, Group]) -> pd.DataFrame:
    """One row a step of each pool: rows and studies, and why.

    The rows of `found` are those of every `left out` and of `pooled` added up; `of these` counts a
    part of the pooled ones.
    """
    return frame([record for group in groups.values() for record in _flow(group)], FLOW)


def _flow(group: Group) -> Iterator[dict[str, Any]]:
    claims = "; ".join(c.claim.claim_id for c in group.claims)

    def step(name: str, why: str, rows: Sequence[TableRow]) -> dict[str, Any]:
        return {
            "analysis": group.name, "claims": claims, "step": name, "why": why, "rows": len(rows),
            "studies": len({row_name(row.study) for row in rows}),
            "row_ids": "; ".join(row.row_id for row in rows),
        }  # fmt: skip

    read = group.read
    yield step(FOUND, "", _rows_of(read.rows))
    reasons = dict.fromkeys(row.source.left_out for row in read.left_out)
    for why in reasons:
        yield step(LEFT_OUT, why, _rows_of([r for r in read.left_out if r.source.left_out == why]))
    kept = [r for r in read.rows if r.source.kept]
    yield step(POOLED, _pooled_as(group), _rows_of(kept))
    errors = [r for r in kept if r.effect is not None]
    if len(errors) < len(kept):
        yield step(OF_THESE, "with an error, in the classical pool", _rows_of(errors))
    caused = [r for r in kept if r.supports_cause]
    if read.claim.cause and len(caused) < len(kept):
        yield step(OF_THESE, "by lot or in the same people: a cause rests on these",
                   _rows_of(caused))  # fmt: skip


def _pooled_as(group: Group) -> str:
    """How the rows of one study became one, where there are several."""
    read = group.read
    arms = sum(len(row.joined) > 1 for row in read.rows if row.source.kept)
    said = [f"arms that share a control are one row ({arms})"] if arms else []
    kept = [row for row in read.rows if row.source.kept]
    if len(kept) > len(read.pooled):
        how = read.claim.within_study
        said.append("rows of one study are their mean"
                    + ("" if how == "mean" else f", errors correlate by {how:g}"))  # fmt: skip
    return "; ".join(said)


def _rows_of(read: Sequence[ReadRow]) -> list[TableRow]:
    return [row for one in read for row in one.joined]


def flow_words(group: Group) -> str:
    """The same in a line: what was found, left out and pooled.

    Where several rows are one study, the studies are counted too.
    """
    found, *left, pooled = [r for r in _flow(group) if r["step"] != OF_THESE]
    out, studies = sum(step["rows"] for step in left), len(group.read.pooled)
    beside = f" as {studies} studies" if studies < pooled["rows"] else ""
    many = "row" if found["rows"] == 1 else "rows"
    return f"{found['rows']} {many} found, {out} left out, {pooled['rows']} pooled{beside}"


def flow_sentences(group: Group) -> list[str]:
    """The flow and the risk of bias of a pool, for a methods section."""
    reasons = [f"{r['why']} ({r['rows']})" for r in _flow(group) if r["step"] == LEFT_OUT]
    because = f"; left out: {'; '.join(reasons)}" if reasons else ""
    said = [f"Flow: {flow_words(group)}{because}."]
    judged = [r for r in _risk(group) if r["judgement"] != NOT_JUDGED]
    if judged:
        domains = dict.fromkeys(r["domain"] for r in judged)
        counts: dict[str, int] = {}
        for record in judged:
            counts[record["judgement"]] = counts.get(record["judgement"], 0) + 1
        each = ", ".join(f"{word} ({number})" for word, number in counts.items())
        said.append(
            f"The risk of bias was judged for {len({r['study'] for r in judged})} results in "
            f"{len(domains)} domains ({', '.join(domains)}): {each}; it is shown and changes no "
            "number."
        )
    return said


def risk_of_bias_table(groups: Mapping[str, Group]) -> pd.DataFrame:
    """One row a study and domain of each pool, judgements in words.

    A study with several rows has one entry where all are judged alike, else one a row.
    """
    return frame([record for group in groups.values() for record in _risk(group)], RISK)


def _risk(group: Group) -> Iterator[dict[str, Any]]:
    columns = [c for c in group.page.columns if c.startswith(RISK_OF_BIAS)]
    studies: dict[str, list[TableRow]] = {}
    for row in _rows_of(group.read.rows):
        studies.setdefault(row_name(row.study), []).append(row)
    for study_id, rows in studies.items() if columns else ():
        alike = len({tuple(row.cells.get(c, "") for c in columns) for row in rows}) == 1
        for entry in [rows] if alike else [[row] for row in rows]:
            for column in columns:
                yield {
                    "analysis": group.name, "study_id": study_id,
                    "study": entry[0].study if alike else _with_outcome(entry[0]),
                    "row_ids": "; ".join(row.row_id for row in entry),
                    "domain": domain_name(column),
                    "judgement": entry[0].cells.get(column, NOT_JUDGED),
                }  # fmt: skip


def _with_outcome(row: TableRow) -> str:
    beside = row.cells.get("outcome", "") or row.cells.get("arm", "") or f"row {row.number}"
    return f"{row.study}, {beside}"
