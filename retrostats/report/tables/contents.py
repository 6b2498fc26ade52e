"""What the tables for papers hold: the summary of findings, and the estimates of each analysis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from retrostats.common.errors import InputError
from retrostats.report.page import format as fmt
from retrostats.report.tables.paper import PaperTable

#: The table that is of no single analysis.
SUMMARY = "findings"
NAMES = f"{SUMMARY!r} or the name of an analysis"
_NOTE = "Computed from printed numbers."


def estimates_text(estimates: pd.DataFrame) -> pd.DataFrame:
    """Estimates as a paper prints them: rounded text, one row an estimate."""
    records = estimates.to_dict("records")
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
    records = summary.to_dict("records")
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
        "findings" (the summary of findings) or the name of an analysis.

    Raises
    ------
    InputError
        For another name; the message lists those there are.

    Examples
    --------
    >>> import retrostats as rs
    >>> found = rs.replicate([next(iter(rs.load_audit().analyses))], draws=0)
    >>> print(paper_table(found, "findings").frame.columns[0])
    Claim
    """
    analyses = {a["name"]: a for a in replication.analyses}
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
    if name not in analyses:
        raise InputError(f"no table {name!r}; this run has {SUMMARY}, {', '.join(analyses)}")
    mine = replication.estimates[replication.estimates["analysis"] == name]
    title = f"{analyses[name]['title']}. {analyses[name]['question']}"
    return PaperTable(name, title, origin, estimates_text(mine))


def paper_tables(replication: Any) -> list[PaperTable]:
    """Every table of a replication: the summary of findings first."""
    names = [SUMMARY, *(a["name"] for a in replication.analyses)]
    return [paper_table(replication, name) for name in names]


def write_tables(replication: Any, folder: Path, formats: tuple[str, ...]) -> list[Path]:
    """Write each table to `folder` in each format."""
    tables = paper_tables(replication)
    return [path for table in tables for path in table.write(Path(folder), formats)]


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
