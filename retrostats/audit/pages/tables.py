"""Tables of an audit made from its page: studies, printed rows, claims, what bears on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrostats.common.errors import InputError
from retrostats.evidence.pages.claim import ReadClaim, ReadRow, people_of, published_ids
from retrostats.evidence.printed.cells import Count, Summary, is_empty, p_cell, parse_cell
from retrostats.evidence.printed.measures import PERCENT
from retrostats.io.pages.page import Page, TableRow
from retrostats.io.pages.page_table import row_name
from retrostats.io.pages.page_toml import bare_doi
from retrostats.io.published.published import COLUMNS
from retrostats.io.published.study_names import study_labels

if TYPE_CHECKING:
    import pandas as pd

NAN = float("nan")
STUDIES = (
    "study_id", "label", "citation", "year", "doi", "pmid", "design", "n", "population",
    "open_access", "note",
)  # fmt: skip
EVIDENCE = ("claim_id", "row_id", "bears", "comparison", "why", "direct")
FIDELITY = ("claim_id", "element", "post_says", "source_says", "agrees", "source_rows")
LEVELS = (
    "claim_id", "estimate_id", "outcome", "row_id", "column", "per_row_id", "per_column", "factor",
    "unit", "typical", "why",
)  # fmt: skip
RETOLD = ("order", "source", "year", "url", "figure_text", "what_lost", "changed", "parent")
#: Columns of printed rows that are numbers.
_NUMBERS = (
    "speed_m_s", "gradient_pct", "weeks", "n", "mean", "spread", "change", "change_spread",
    "pct_change", "events", "exposure", "ci_low", "ci_high", "ci_level", "p_value", "year",
)  # fmt: skip


#: Allocation in words that the rules of certainty know.
_ALLOCATED = {
    "by lot": "allocated by lot", "by rule": "allocated by a rule",
    "by choice": "allocated by choice", "not told": "allocation not told",
}  # fmt: skip


def frame(records: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Records as a table with these columns."""
    import pandas as pd

    return pd.DataFrame.from_records(list(records), columns=list(columns))


def studies_table(page: Page, claims: Sequence[ReadClaim]) -> pd.DataFrame:
    """One row a study: its reference from the DOI or citation that the table gives."""
    read = {row.row_id: r for claim in claims for r in claim.rows for row in r.joined}
    found: dict[str, dict[str, Any]] = {}
    for row in page.rows:
        study_id = row_name(row.study)
        doi = bare_doi(row.cells.get("doi", ""))
        reference = row.cells.get("citation") or row.cells.get("title") or (
            f"doi:{doi}" if doi else row.cells.get("url", ""))  # fmt: skip
        entry = found.setdefault(study_id, dict.fromkeys(STUDIES, "") | {
            "study_id": study_id, "label": row.study, "n": NAN, "open_access": "unknown",
        })  # fmt: skip
        cells = {
            "doi": doi, "year": row.cells.get("year", ""), "note": row.cells.get("note", ""),
            "population": row.cells.get("people", ""), "design": _design(row),
            "citation": f"{row.study}. {reference}" if reference else row.study,
        }  # fmt: skip
        entry |= {name: value for name, value in cells.items() if value and not entry[name]}
        if row.row_id in read and entry["n"] != entry["n"]:
            entry["n"] = people_of(read[row.row_id])
    return frame(list(found.values()), STUDIES)


def _design(row: TableRow) -> str:
    """Design and allocation in words that the rules of certainty know."""
    design = row.cells.get("design", "")
    allocation = " ".join(row.cells.get("allocation", "").lower().split())
    words = _ALLOCATED.get(allocation, "")
    return ", ".join(filter(None, (design, words)))


def published_table(
    page: Page, claims: Sequence[ReadClaim], topics: Mapping[str, str], studies: pd.DataFrame
) -> pd.DataFrame:
    """Printed rows with the columns of `load_published`: one a side, or one an effect.

    Parameters
    ----------
    topics
        Topic by the claim.
    """
    by_id = {row["study_id"]: row for row in studies.to_dict("records")}
    labels = study_labels(studies.to_dict("records"))
    pooled = {
        row.row_id for claim in claims for r in claim.rows if r.source.kept for row in r.joined
    }
    read = {row.row_id: r for claim in claims for r in claim.rows for row in r.joined}
    of_claim = {row.row_id: c.claim.claim_id for c in reversed(claims) for r in c.rows
                for row in r.joined}  # fmt: skip
    records = []
    for row in page.rows:
        study_id = row_name(row.study)
        people = people_of(read[row.row_id]) if row.row_id in read else NAN
        base = _base(row) | {
            "topic": topics.get(of_claim.get(row.row_id, ""), ""), "study_id": study_id,
            "study": labels[study_id], "n": people, "poolable": row.row_id in pooled,
            "citation": by_id[study_id]["citation"], "doi": by_id[study_id]["doi"],
            "year": float(by_id[study_id]["year"] or NAN),
        }  # fmt: skip
        own = read.get(row.row_id)
        groups = own.printed.n if own is not None and len(own.joined) == 1 else ()
        records += _printed(page, row, base, groups)
    return frame(records, COLUMNS)


def _base(row: TableRow) -> dict[str, Any]:
    """Every column empty, and what a row says of all its cells."""
    empty: dict[str, Any] = {name: NAN if name in _NUMBERS else "" for name in COLUMNS}
    doi = bare_doi(row.cells.get("doi", ""))
    outcome = row.cells.get("outcome", "")
    return empty | {
        "outcome": row_name(outcome).replace("-", "_") or "outcome", "outcome_printed": outcome,
        "independence": "independent", "reading": "printed",
        "locator": row.cells.get("where", ""), "note": row.cells.get("note", ""),
        "source_url": row.cells.get("url", "") or (f"https://doi.org/{doi}" if doi else ""),
    }  # fmt: skip


def _printed(
    page: Page, row: TableRow, base: dict[str, Any], groups: Sequence[int]
) -> list[dict[str, Any]]:
    """Records of a row, each side with the people of its own group where two are printed."""
    first, second = page.conditions.first, page.conditions.second
    both = " against ".join(filter(None, (first, second)))
    ids = published_ids(row)
    found = []
    if ids == (row.row_id,):
        found.append(base | {"row_id": row.row_id, "condition": both} | _effect(row))
    for i, (name, condition) in enumerate((("first", first), ("second", second))):
        if name not in row.cells:
            continue
        row_id = f"{row.row_id}-{name}"
        change = "->" in row.cells[name].replace("\N{RIGHTWARDS ARROW}", "->")
        where = both if change and "second" not in row.cells else condition
        found.append(base | {"row_id": row_id, "arm": where} | _side(row, name))
        if len(groups) == 2:
            found[-1]["n"] = float(groups[i])
    if ids != (row.row_id,) and found:
        found[0] |= _p(row)
    return found


def _effect(row: TableRow) -> dict[str, Any]:
    """The printed effect: estimate, limits and p, or words."""
    cells = row.cells
    found: dict[str, Any] = {"unit": cells.get("measure", ""),
                             "unit_printed": cells.get("measure", "")}  # fmt: skip
    estimate = cells.get("estimate", "")
    percent = estimate.endswith("%") or cells.get("measure", "").lower() == PERCENT
    number = _number(estimate.rstrip("% "))
    if estimate and number != number:
        found["statistic"] = estimate
    elif percent and estimate:
        found |= {"pct_change_text": estimate.rstrip("% "), "pct_change": number, "unit": "%",
                  "unit_printed": "%"}  # fmt: skip
    elif estimate:
        found |= {"mean_text": estimate, "mean": number}
    for name, column in (("low", "ci_low"), ("high", "ci_high")):
        if name in cells:
            found |= {f"{column}_text": cells[name], column: _number(cells[name])}
    if "level" in cells:
        found["ci_level"] = _number(cells["level"].rstrip("% ")) / 100
    if "se" in cells:
        found |= {"spread_text": cells["se"], "spread": _number(cells["se"]), "spread_type": "SE"}
    return found | _p(row)


def _p(row: TableRow) -> dict[str, Any]:
    text = row.cells.get("p", "")
    if is_empty(text):
        return {}
    try:
        number, operator = p_cell(text, "p")
    except InputError:  # of a row that is left out
        return {"p_value_text": text}
    assert number is not None
    return {"p_value_text": number.text, "p_value": number.value, "p_operator": operator}


def _side(row: TableRow, name: str) -> dict[str, Any]:
    """One side: events and exposure, mean and spread, or the text as it stands."""
    text = row.cells[name]
    try:
        cell = parse_cell(text, name)
    except InputError:  # of a row that is left out
        return {"statistic": text}
    if isinstance(cell, Count):
        unit = cell.noun or "people"
        return {
            "events": cell.events, "events_text": f"{cell.events:g}", "exposure": cell.total,
            "exposure_text": f"{cell.total:g}", "exposure_unit": unit,
        }  # fmt: skip
    if isinstance(cell, Summary) and len(cell.spread) < 2:
        found: dict[str, Any] = {
            "mean": cell.mean.value, "mean_text": cell.mean.text, "unit": cell.unit,
            "unit_printed": cell.unit,
        }  # fmt: skip
        if cell.spread:
            found |= {"spread": cell.spread[0].value, "spread_text": cell.spread[0].text,
                      "spread_type": cell.kind}  # fmt: skip
        return found
    return {"statistic": text}


def _number(text: str) -> float:
    try:
        return float(text.replace("\N{MINUS SIGN}", "-"))
    except ValueError:
        return NAN


def evidence_table(
    page: Page, claims: Sequence[ReadClaim], sides: Mapping[str, str], sized: set[str]
) -> pd.DataFrame:
    """Rows that bear on a claim by their sign alone.

    Those that the table marks so, and those in words of a claim that no row gives a size.

    Parameters
    ----------
    sides
        The claimed side of no effect by claim: above, below or none.
    sized
        Claims that a row gives a size.
    """
    both = (page.conditions.first, page.conditions.second)
    comparison = " vs ".join(filter(None, both))
    records = []
    for claim in claims:
        for read in claim.rows:
            claim_id = claim.claim.claim_id
            sign = _sign(read, sides.get(claim_id, "none"), sized=claim_id in sized)
            if sign:
                records.append({
                    "claim_id": claim_id, "row_id": "; ".join(published_ids(read.row)),
                    "bears": sign, "comparison": comparison,
                    "why": read.row.cells.get("note", "") or read.source.became, "direct": "yes",
                })  # fmt: skip
    return frame(records, EVIDENCE)


def _sign(read: ReadRow, side: str, *, sized: bool) -> str:
    word, _, marked = read.row.cells.get("pool", "yes").partition(":")
    if word.strip().lower() == "sign":
        return marked.strip().lower()
    if sized or word.strip().lower() == "no" or side == "none":
        return ""
    sign = read.source.sign if side == "above" else -read.source.sign
    return {1: "for", -1: "against", 0: "neither"}[sign]


def retold_table(page: Page) -> pd.DataFrame:
    """Retellings of a result, in order."""
    records = [
        {**entry, "order": number, "figure_text": entry["figure"], "year": entry["year"]}
        for number, entry in enumerate(page.retold, 1)
    ]
    return frame(records, RETOLD)
