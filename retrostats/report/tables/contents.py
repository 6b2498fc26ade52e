"""What the tables for papers hold: the summary of findings, and the estimates of each analysis."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from retrostats.common.arrays import records_of
from retrostats.common.errors import InputError
from retrostats.report.frames import TABLES, WHERE_FILLED
from retrostats.report.page import format as fmt
from retrostats.report.tables.paper import PaperTable

#: The table that is of no single analysis.
SUMMARY = "findings"
NAMES = f"{SUMMARY!r} or the name of an analysis"
_NOTE = "Computed from printed numbers."
#: After the name of an analysis that another table has.
_ESTIMATES = "-estimates"
FLOW_NOTE = "Rows of the table: those found are those left out and those pooled, added up."
BIAS_NOTE = "As judged in the table of the audit; it changes no number."


def estimates_text(estimates: pd.DataFrame) -> pd.DataFrame:
    """Estimates as a paper prints them: rounded text, one row an estimate."""
    records = records_of(estimates)
    return pd.DataFrame(
        {
            "Study": [fmt.text(r["label"]) for r in records],
            "Reading": [fmt.text(r["reading"]) for r in records],
            "Kind": [fmt.text(r["role"]) for r in records],
            "n": [fmt.number(r["n"], 0) for r in records],
            "Estimate [95% CI]": [fmt.estimate(r) for r in records],
            "Unit": [fmt.text(r["unit"]) for r in records],
            "95% prediction": [fmt.interval(r["pred_low"], r["pred_high"]) for r in records],
            "Range over the unprinted": [
                fmt.interval(r["sens_low"], r["sens_high"]) for r in records
            ],
            "Directness": [fmt.text(r["directness"]) for r in records],
        }
    )


def summary_text(summary: pd.DataFrame) -> pd.DataFrame:
    """The summary of findings as a paper prints it: relative and absolute effect, who, how sure."""
    records = records_of(summary)
    return pd.DataFrame(
        {
            "Claim": [fmt.text(r["statement"]) for r in records],
            "Finding": [fmt.capital(fmt.text(r["finding"])) for r in records],
            "Outcome": [fmt.text(r["outcome"]) or "no result with an error" for r in records],
            "Effect [95% interval]": [fmt.estimate(r) for r in records],
            "Unit": [fmt.text(r["unit"]) for r in records],
            "Absolute effect [95% interval]": [_absolute(r) for r in records],
            "The same over what was not printed": [_outer_bounds(r) for r in records],
            "Level": [_level(r) for r in records],
            "People (studies)": [_people(r) for r in records],
            "Certainty": [fmt.text(r["certainty"]) for r in records],
            "Verdict": [fmt.text(r["answer"]) for r in records],
        }
    )


def paper_table(replication: Any, name: str) -> PaperTable:
    """One table of a replication.

    Parameters
    ----------
    name
        "findings" (the summary of findings) or the name of an analysis; of an audit from a page
        also "flow" and, where the table has columns rob_, "risk_of_bias".

    Raises
    ------
    InputError
        For another name; the message lists those there are.

    Examples
    --------
    >>> import retrostats as rs
    >>> *_, last = rs.load_audit().analyses
    >>> found = rs.replicate([last], draws=0)
    >>> print(paper_table(found, "findings").frame.columns[0])
    Claim
    """
    analyses = _analyses(replication)
    own = ", ".join(str(c["name"]) for c in replication.provenance.get("cohorts", []))
    origin = f"Computed from printed numbers and own data: {own}." if own else _NOTE
    if name == SUMMARY:
        note = (
            f"{origin} A finding is said in GRADE's verbs, with its probability; effects are those "
            "of the answer (posterior median and 95% interval). An absolute effect is the effect "
            "at a level that was printed, taken as known."
        )
        title = f"Summary of findings: {replication.audit.title}"
        return PaperTable(SUMMARY, title, note, summary_text(replication.summary))
    if name in made_texts(replication):
        what, note, text = made_texts(replication)[name]
        return PaperTable(name, f"{what}: {replication.audit.title}", note, text)
    name = name if name in analyses else f"{name}{_ESTIMATES}"
    if name not in analyses:
        asked = name.removesuffix(_ESTIMATES)
        raise InputError(f"no table {asked!r}; this run has {', '.join(names_of(replication))}")
    analysis = analyses[name]
    mine = replication.estimates[replication.estimates["analysis"] == analysis["name"]]
    title = f"{analysis['title']}. {analysis['question']}"
    return PaperTable(name, title, origin, estimates_text(mine))


def paper_tables(replication: Any) -> list[PaperTable]:
    """Every table of a replication: the summary of findings first."""
    return [paper_table(replication, name) for name in names_of(replication)]


def names_of(replication: Any) -> list[str]:
    """Names of every table: the summary of findings, each analysis, and where there are rows the
    flow of rows and the risk of bias.
    """
    return [SUMMARY, *_analyses(replication), *made_texts(replication)]


def _analyses(replication: Any) -> dict[str, Any]:
    """Analyses by the name of their table, which is no other table's."""
    taken = {SUMMARY, *TABLES, *WHERE_FILLED}
    return {
        f"{a['name']}{_ESTIMATES}" if a["name"] in taken else a["name"]: a
        for a in replication.analyses
    }


def made_texts(replication: Any) -> dict[str, tuple[str, str, pd.DataFrame]]:
    """What, note and text of the tables of an audit from a page, by name."""
    found: dict[str, tuple[str, str, pd.DataFrame]] = {}
    flow, bias = replication.flow, replication.risk_of_bias
    titles = {a["name"]: a["title"] for a in replication.analyses}
    if flow is not None and len(flow):
        found["flow"] = ("Flow of rows", FLOW_NOTE, flow_text(flow, titles))
    if bias is not None and len(bias):
        found["risk_of_bias"] = ("Risk of bias", BIAS_NOTE, bias_text(bias))
    return found


def flow_text(flow: pd.DataFrame, titles: Mapping[str, str]) -> pd.DataFrame:
    """The flow of rows as a paper prints it: one row a step of each pool."""
    records = records_of(flow)
    several = len({r["analysis"] for r in records}) > 1
    pool = {"Pool": [fmt.text(titles.get(r["analysis"], r["analysis"])) for r in records]}
    return pd.DataFrame({
        **(pool if several else {}),
        "Step": [step_words(r) for r in records],
        "Rows": [fmt.number(r["rows"], 0) for r in records],
        "Studies": [fmt.number(r["studies"], 0) for r in records],
    })  # fmt: skip


def step_words(step: Mapping[Any, Any]) -> str:
    """A step of the flow with its reason.

    Examples
    --------
    >>> step_words({"step": "left out", "why": "another sport"}), step_words({"step": "found"})
    ('Left out: another sport', 'Found')
    """
    why = fmt.text(step.get("why", ""))
    said = fmt.capital(fmt.text(step["step"]))
    return f"{said}: {why}" if why else said


def bias_text(bias: pd.DataFrame) -> pd.DataFrame:
    """Judgements of the risk of bias: studies down, domains across, a mark and a word in each cell.

    A study of several pools stands once.
    """
    from retrostats.io.pages.judgements import MARKS

    records = records_of(bias.drop_duplicates(["study", "domain"]))
    studies: dict[str, dict[str, str]] = {}
    for r in records:
        mark = MARKS.get(r["judgement"], "\N{EN DASH}")
        studies.setdefault(r["study"], {})[fmt.capital(r["domain"])] = f"{mark} {r['judgement']}"
    return pd.DataFrame([{"Study": study, **cells} for study, cells in studies.items()])


def write_tables(replication: Any, folder: Path, formats: tuple[str, ...]) -> list[Path]:
    """Write each table to `folder` in each format; a tidy CSV of the same name stays as it is."""
    without = tuple(kind for kind in formats if kind != "csv")
    made = made_texts(replication)
    return [
        path
        for table in paper_tables(replication)
        for path in table.write(Path(folder), without if table.name in made else formats)
    ]


def _absolute(row: Any) -> str:
    if row["absolute"] != row["absolute"]:
        return ""
    value, low, high = fmt.three(
        row["absolute"], row["absolute_low"], row["absolute_high"], _digits(row["absolute"])
    )
    return fmt.with_unit(f"{value} [{low}, {high}]" if low else value, row["absolute_unit"])


def _outer_bounds(row: Any) -> str:
    return fmt.interval(
        row["absolute_sens_low"], row["absolute_sens_high"], _digits(row["absolute"])
    )


def _level(row: Any) -> str:
    if row["level"] != row["level"]:
        return ""
    number = fmt.number(row["level"], _digits(row["level"]))
    return f"{fmt.with_unit(number, fmt.text(row['level_unit']))} ({fmt.text(row['level_of'])})"


def _digits(value: float) -> int:
    """Decimals that leave three significant digits, two at most."""
    return 2 if value != value or abs(value) < 10 else 1 if abs(value) < 100 else 0


def _people(row: Any) -> str:
    if not row["estimate_id"]:
        return ""
    own = f" and {row['own_cohorts']} own" if row["own_cohorts"] else ""
    people = fmt.number(row["people"], 0) or "not printed"
    return f"{people} ({row['studies']}{own})"
