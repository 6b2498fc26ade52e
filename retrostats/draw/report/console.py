"""Verdicts on a terminal: readable at 80 columns, without colour and in plain ASCII."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from retrostats.rounding import limits, rounded

#: Mark and style of each verdict: one mark one verdict, which says the same as the colour.
MARKS = {
    "supported": ("+", "green"),
    "compatible": ("~", "green"),
    "contradicted": ("x", "red"),
    "undecided": ("?", "yellow"),
    "no evidence": ("o", "dim"),
    "not claimed": ("-", "dim"),
    "faithful": ("=", "green"),
    "drifted": ("!", "red"),
    "not measured by the source": ("#", "red"),
    "unverified": (".", "yellow"),
}
#: Characters of a claim in the table: two lines of its column at 80 columns.
TITLE = 46
WIDTH = 80


def print_verdicts(verdicts: pd.DataFrame, file: IO[str] | None = None) -> None:
    """Print one row a claim with fidelity, direction and size.

    Parameters
    ----------
    verdicts
        The verdicts frame.
    file
        Where to print; standard output if None.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=file, highlight=False)
    plain = not (console.encoding or "").lower().startswith("utf")
    lines: Any = box.ASCII if plain else box.SIMPLE_HEAD
    table = Table(box=lines, show_lines=False, pad_edge=False)
    table.add_column("Claim", ratio=1, overflow="fold")
    for name in ("Fidelity", "Direction", "Size"):
        table.add_column(name, width=16 if name == "Fidelity" else 14, overflow="fold")
    for row in verdicts.to_dict("records"):
        cells = [Text(f"{m} {label}", style=s) for label, (m, s) in map(_look, _labels(row))]
        statement = textwrap.shorten(str(row["statement"]), TITLE, placeholder=" ...")
        if plain:
            statement = statement.encode("ascii", "replace").decode()
        table.add_row(Text(statement), *cells)
    console.print(table)


def print_answers(replication: Any, file: IO[str] | None = None) -> None:
    """Print each main claim with its answer: estimate, interval, what is settled; then a tally.

    Parameters
    ----------
    replication
        Its `verdicts`, `estimates`, `claims` and `explorations` are read.
    file
        Where to print; standard output if None.
    """
    from retrostats.draw.report.sentences import answer

    estimates = replication.estimates.to_dict("records")
    claims = replication.claims.set_index("claim_id").to_dict("index")
    outer = replication.explorations.set_index(["claim_id", "estimate_id"])
    ends = outer[["conf_low", "conf_high"]].to_dict("index")
    for row in replication.verdicts.to_dict("records"):
        if row["role"] != "core":
            continue
        claim = claims.get(row["claim_id"])
        told = answer(row, estimates, claim, ends.get((row["claim_id"], row["estimate_id"])))
        _wrapped(str(row["statement"]), "", file)
        for sentence in (told.sentence, *told.readings):
            _print(sentence, file)
    _wrapped(tally(replication.verdicts), "", file)


def tally(verdicts: pd.DataFrame) -> str:
    """How many claims have each label.

    Examples
    --------
    >>> tally(pd.DataFrame({"direction": ["supported", "undecided"],
    ...                     "size": ["undecided", "not claimed"]}))
    '2 claims. Direction: 1 supported, 1 undecided. Size: 1 undecided, 1 not claimed.'
    """
    count = len(verdicts)
    parts = [f"{count} claim{'s' if count != 1 else ''}."]
    for side in ("direction", "size"):
        found = verdicts[side].value_counts()
        said = ", ".join(f"{found[label]} {label}" for label in MARKS if label in found)
        parts.append(f"{side.capitalize()}: {said}.")
    return " ".join(parts)


def print_place(folder: Path, seconds: float, file: IO[str] | None = None) -> None:
    """Print where the report is, as a path and as an address to open, and how long it took."""
    page = folder / "report.html"
    print(f"\nReport: {page} ({seconds:.1f} s)", file=file)
    print(f"  {page.resolve().as_uri()}", file=file)


def print_reading(cohorts: Sequence[Mapping[str, Any]], file: IO[str] | None = None) -> None:
    """Print how each own file was read: people and rows, who was left out and why, guesses.

    Parameters
    ----------
    cohorts
        Their records, as in `provenance`.
    file
        Where to print; standard output if None.
    """
    for cohort in cohorts:
        print(f"\nOwn data {counted(cohort)}", file=file)
        for line in cohort["reading"]:
            _print(line, file)


def counted(cohort: Mapping[str, Any]) -> str:
    """People and rows of one cohort in words."""
    left = f", {cohort['rows_explained']} explained" if cohort["rows_explained"] else ""
    return (
        f"{cohort['name']}: {cohort['people']} people; {cohort['rows_in']} rows read, "
        f"{cohort['rows_used']} used{left}"
    )


def print_cohorts(cohorts: pd.DataFrame, file: IO[str] | None = None) -> None:
    """Print what the reader's own cohorts change, a claim a line; nothing without any.

    Parameters
    ----------
    cohorts
        The frame of that name.
    file
        Where to print; standard output if None.
    """
    if not len(cohorts):
        return
    print("What your data change (estimate and 95% interval without, then with them):", file=file)
    for row in cohorts.to_dict("records"):
        spans = " -> ".join(_span(row, name) for name in ("without", "with"))
        _print(f"{row['claim_id']}: {spans}; verdict {row['note']}", file)
        new = [
            _limits(row, f"pred_low_{name}", f"pred_high_{name}") for name in ("without", "with")
        ]
        if row["weight_pct"] == row["weight_pct"]:
            told = f"; a new study {' -> '.join(new)}" if row["pred_low_with"] < np.inf else ""
            _print(f"  your data weigh {row['weight_pct']:.0f}% in it{told}", file)


def print_own(results: pd.DataFrame, shares: pd.DataFrame, file: IO[str] | None = None) -> None:
    """Print own rows alone (speeds, arms, rates, the next person), and verdicts by their share.

    Parameters
    ----------
    results, shares
        The frames `own_results` and `cohort_shares`.
    file
        Where to print; standard output if None.
    """
    for cohort, rows in results.groupby("cohort", sort=False):
        print(f"{cohort} alone (estimate and 95% interval):", file=file)
        for row in rows.to_dict("records"):
            hours = f", {row['events']:g} in {row['exposure_h']:g} h" if row["events"] >= 0 else ""
            span = f"{rounded(row['estimate'])} {_limits(row, 'conf_low', 'conf_high')}"
            _print(f"{row['what']}: {span} {row['unit']} (n {row['n']:.0f}{hours})", file)
    moved = shares[shares["with_"].notna() & ~((shares["with_"] == 0) & ~(shares["without"] > 0))]
    if len(moved):
        print("Share of what was not printed under which a verdict holds:", file=file)
    for row in moved.to_dict("records"):
        old = "none" if row["without"] != row["without"] else f"{row['without']:.0%}"
        _print(f"{row['claim_id']}: {row['side']} {row['label']} {old} -> {row['with_']:.0%}", file)


def _print(line: str, file: IO[str] | None) -> None:
    """A line of 80 columns, indented; what does not fit goes below."""
    _wrapped(line, "  ", file)


def _wrapped(line: str, indent: str, file: IO[str] | None) -> None:
    """Text of 80 columns in what the terminal can show: plain ASCII where it knows no more."""
    code = getattr(file or sys.stdout, "encoding", None) or "ascii"
    if not code.lower().startswith("utf"):
        line = line.replace("\N{MINUS SIGN}", "-").encode("ascii", "replace").decode()
    further = f"{indent}  " if indent else ""
    print(textwrap.fill(line, WIDTH, initial_indent=indent, subsequent_indent=further), file=file)


def _limits(row: dict[Any, Any], low: str, high: str) -> str:
    """Both limits in brackets; "none" where there are none."""
    if row[low] != row[low]:
        return "[none]"
    return "[{}, {}]".format(*limits(row[low], row[high]))


def _span(row: dict[Any, Any], name: str) -> str:
    estimate, low, high = (row[f"{n}_{name}"] for n in ("estimate", "conf_low", "conf_high"))
    if estimate != estimate:
        return "none"
    start, stop = limits(low, high)
    return f"{rounded(estimate)} [{start}, {stop}]"


def _labels(row: dict[Any, Any]) -> list[str]:
    return [str(row[name]) for name in ("fidelity", "direction", "size")]


def _look(label: str) -> tuple[str, tuple[str, str]]:
    return label, MARKS.get(label, ("-", "dim"))
