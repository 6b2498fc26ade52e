"""What stands behind an answer: its studies, what each of them says, its people."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from retrostats.audit.summary import user_cohort_count
from retrostats.report.page import format as fmt
from retrostats.report.page.amounts import missing
from retrostats.report.page.sentences import Row

#: Rows of estimates that sum others up.
SUMS = ("pooled", "one-stage", "posterior")


def study_estimates(
    judged: Row, estimates: Sequence[Row], sources: Sequence[Collection[str]]
) -> list[float]:
    """The estimate of each source that prints one, by the printed rows that both stand on.

    Parameters
    ----------
    judged
        The row of estimates that the answer rests on.
    sources
        Printed rows of each of its sources; without any, as where nothing was left open, its
        sources are the rows of the same quantity that it sums up.

    Examples
    --------
    >>> row = {"claim_id": "c", "quantity": "q", "role": "printed", "estimate": 1.2,
    ...        "source_rows": "r1; r2"}
    >>> pool = {**row, "role": "pooled", "source_rows": "r1; r2; r4"}
    >>> study_estimates(pool, [row, {**row, "source_rows": "r3"}], [{"r1", "r2"}, {"r9"}])
    [1.2]
    >>> study_estimates(pool, [pool, row, {**row, "estimate": 0.9, "source_rows": "r4"}], ())
    [1.2, 0.9]
    """
    single = [
        (frozenset(fmt.split(row.get("source_rows"))), row)
        for row in estimates
        if row["claim_id"] == judged["claim_id"]
        and row["role"] not in SUMS
        and not missing(row["estimate"])
    ]
    if not sources:
        whole = set(fmt.split(judged.get("source_rows")))
        same = (r for r, e in single if e.get("quantity") == judged.get("quantity") and r <= whole)
        sources = list(dict.fromkeys(same))
    found = []
    for rows in filter(None, sources):
        found += [row["estimate"] for stands_on, row in single if set(rows) <= stands_on][:1]
    return found


def behind_words(
    verdict: Row,
    shown: Sequence[Row],
    records: Mapping[str, Sequence[Row]],
    people: str,
) -> str:
    """Studies and people behind an answer, own cohorts apart; empty where none is known."""
    if not shown:
        return ""
    count, used = studies_behind(verdict, shown, records)
    own = user_cohort_count(records["estimates"], verdict["claim_id"])
    parts = []
    if count:
        parts.append("one study" if count == 1 else f"{count} studies")
    if own:
        parts.append(f"{own} own {'cohort' if own == 1 else 'cohorts'}")
    number = fmt.number(shown[0].get("n"), 0) if count == used else ""
    if number:
        parts.append("1 person" if number == "1" else f"{number} {people}")
    return ", ".join(parts)


def studies_behind(
    verdict: Row, shown: Sequence[Row], records: Mapping[str, Sequence[Row]]
) -> tuple[int, int]:
    """How many studies an answer rests on, and how many of them its rows of estimates name."""
    study = {row["row_id"]: row["study_id"] for row in records["sources"]}
    rows = [row for one in shown for row in fmt.split(one.get("source_rows"))]
    used = {study[row] for row in rows if row in study}
    key = (verdict["claim_id"], verdict.get("estimate_id"))
    mine = [r for r in records["answers"] if (r["claim_id"], r["estimate_id"]) == key]
    return max(int(mine[0]["studies"]) if mine else 0, len(used)), len(used)
