"""Verdicts on a terminal: readable at 80 columns, without colour and in plain ASCII."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from retrostats.common.arrays import records_of
from retrostats.common.rounding import limits, rounded, with_limits
from retrostats.report.page.verdict_words import SYMBOLS

#: Mark and style of each verdict: one mark one verdict, which says the same as the colour.
MARKS = {
    "supported": ("+", "green"),
    "very likely": ("P", "green"),
    "likely": ("p", "green"),
    "compatible": ("~", "green"),
    "leaning": (">", "yellow"),
    "open": ("?", "yellow"),
    "mixed": ("*", "yellow"),
    "leaning against": ("<", "yellow"),
    "unlikely": ("u", "red"),
    "very unlikely": ("U", "red"),
    "contradicted": ("x", "red"),
    "no evidence": ("o", "dim"),
    "not claimed": ("-", "dim"),
    "faithful": ("=", "green"),
    "drifted": ("!", "red"),
    "not measured by the source": ("#", "red"),
    "unverified": (".", "yellow"),
}
#: Where a terminal has them, the marks of the page.
SHOWN = {label: (SYMBOLS.get(label, "\N{EN DASH}"), colour) for label, (_, colour) in MARKS.items()}
#: What the columns of labels answer, as on the page.
ASKED = ("Source says so?", "That way?", "That much?")
#: Characters of a claim in the table: two lines of its column at 80 columns.
TITLE = 46
WIDTH = 80
LEAST = 40
#: Columns below which the table of verdicts becomes a list.
TABLE = 72
MINUS = "\N{MINUS SIGN}"
#: Letters that a plain terminal lacks.
IN_ASCII = {MINUS: "-", "“": '"', "”": '"', "–": "-", "’": "'"}


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
    if console.width < TABLE:
        _print_narrow(verdicts, file)
        return
    plain = not (console.encoding or "").lower().startswith("utf")
    lines: Any = box.ASCII if plain else box.SIMPLE_HEAD
    table = Table(box=lines, show_lines=False, pad_edge=False)
    table.add_column("Claim", ratio=1, overflow="fold")
    for name in ASKED:
        table.add_column(name, width=16 if name == ASKED[0] else 14, overflow="fold")
    marks = MARKS if plain else SHOWN
    for row in records_of(verdicts):
        looks = [(label, marks.get(label, ("-", "dim"))) for label in _labels(row)]
        cells = [Text(f"{m} {label}", style=s) for label, (m, s) in looks]
        statement = textwrap.shorten(str(row["statement"]), TITLE, placeholder=" ...")
        if plain:
            statement = statement.encode("ascii", "replace").decode()
        table.add_row(Text(statement), *cells)
    console.print(table)


def _print_narrow(verdicts: pd.DataFrame, file: IO[str] | None) -> None:
    """The same below one another, where columns would break words."""
    for row in records_of(verdicts):
        _wrapped(str(row["statement"]), "", file)
        parts = zip(ASKED, _labels(row), strict=True)
        said = (f"{name} {mark_of(label, file)} {label}" for name, label in parts)
        _print("; ".join(said), file)
    print(file=file)


def print_answers(replication: Any, file: IO[str] | None = None) -> None:
    """Print each main claim with its answer: estimate, interval, what is settled; then a tally.

    Parameters
    ----------
    replication
        Its `verdicts`, `estimates`, `claims` and `audit` are read.
    file
        Where to print; standard output if None.
    """
    from retrostats.audit.plain_words import NO_WORDS, plain_words_of
    from retrostats.report.page.sentences import answer

    estimates = records_of(replication.estimates)
    claims = replication.claims.set_index("claim_id").to_dict("index")
    plain = plain_words_of(replication.audit)
    for row in records_of(replication.verdicts):
        if row["role"] != "core":
            continue
        words = plain.get(row["claim_id"], NO_WORDS)
        answered = answer(row, estimates, claims.get(row["claim_id"]), words)
        mark = mark_of(row["direction"], file)
        _wrapped(f"{mark} {words.title or row['statement']}", "", file)
        asked = f"{words.asks} " if words.asks else ""
        for sentence in (f"{asked}{answered.sentence}", words.source, *answered.readings):
            if sentence:
                _print(sentence, file)
    _wrapped(tally(replication.verdicts), "", file)


def tally(verdicts: pd.DataFrame) -> str:
    """How many claims have each label.

    Examples
    --------
    >>> tally(pd.DataFrame({"direction": ["supported", "open"],
    ...                     "size": ["compatible", "not claimed"]}))
    '2 claims. Direction: 1 supported, 1 open. Size: 1 compatible, 1 not claimed.'
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
    """Print what each own file was understood to be, in the lines of `retrostats validate`.

    Parameters
    ----------
    cohorts
        Their records, as in `provenance`.
    file
        Where to print; standard output if None.
    """
    for cohort in cohorts:
        from retrostats.io.validation.understood import account_lines

        print(f"\nOwn data {counted(cohort)}", file=file)
        for line in account_lines(cohort):
            _print(line, file)


def counted(cohort: Mapping[str, Any]) -> str:
    """People and rows of one cohort in words."""
    left = f", {cohort['rows_explained']} explained" if cohort["rows_explained"] else ""
    return (
        f"{cohort['name']}: {cohort['people']} people; {cohort['rows_in']} rows read, "
        f"{cohort['rows_used']} used{left}"
    )


def print_cohorts(
    cohorts: pd.DataFrame, verdicts: pd.DataFrame, file: IO[str] | None = None
) -> None:
    """Print what the reader's own cohorts change, claim by claim; nothing without any.

    Parameters
    ----------
    cohorts, verdicts
        The frames of these names.
    file
        Where to print; standard output if None.
    """
    if not len(cohorts):
        return
    _wrapped("What your data change (estimate and 95% interval without, then with them):", "", file)
    claims = verdicts.set_index("claim_id")
    for row in records_of(cohorts):
        claim = claims.loc[row["claim_id"]]
        _print(str(claim["statement"]), file)
        if row["contrast"]:
            _print(f"compared: {row['contrast']}", file, "    ")
        moved = {"unchanged": "stays", "changed": "changes"}.get(row["note"], row["note"])
        _print(f"the answer {moved}: from {row['without']} to {row['with_']}", file, "    ")
        old, more = (_span(row, name) for name in ("without", "with"))
        spans = f"from {old} to {more} {claim['unit']}" if more != "none" else "no estimate"
        _print(spans, file, "    ")
        new = [
            _limits(row, f"pred_low_{name}", f"pred_high_{name}") for name in ("without", "with")
        ]
        if row["weight_pct"] == row["weight_pct"]:
            prediction = (
                f"; a new study from {new[0]} to {new[1]}" if row["pred_low_with"] < np.inf else ""
            )
            _print(
                f"your data weigh {row['weight_pct']:.0f}% in it{prediction}{tau_moves(row)}",
                file,
                "    ",
            )
        if said := certainty_moves(row):
            _print(f"certainty: {said}", file, "    ")
        if row["disagreement"]:
            _print(str(row["disagreement"]), file, "    ")


def tau_moves(row: Mapping[Any, Any]) -> str:
    """The spread between studies without and with own cohorts; nothing where either has none.

    Examples
    --------
    >>> tau_moves({"tau_without": 0.0937, "tau_with": 0.2368})
    '; tau 0.094 -> 0.24'
    """
    old, new = (float(row.get(f"tau_{name}", np.nan)) for name in ("without", "with"))
    return f"; tau {old:.2g} -> {new:.2g}" if old == old and new == new else ""


def certainty_moves(row: Mapping[Any, Any]) -> str:
    """Certainty of each side without and with own cohorts, from -> to.

    Examples
    --------
    >>> certainty_moves({"certainty_direction_without": "low", "certainty_direction_with": "high",
    ...                  "certainty_size_without": "", "certainty_size_with": ""})
    'that way low -> high'
    """
    found = []
    for side, words in (("direction", "that way"), ("size", "that much")):
        old, new = (str(row.get(f"certainty_{side}_{name}", "")) for name in ("without", "with"))
        if old or new:
            found.append(f"{words} {old or 'none'} -> {new or 'none'}")
    return ", ".join(found)


def print_user_cohorts(
    results: pd.DataFrame,
    shares: pd.DataFrame,
    verdicts: pd.DataFrame,
    file: IO[str] | None = None,
) -> None:
    """Print own rows alone (speeds, arms, rates, the next person), and verdicts by their share.

    Parameters
    ----------
    results, shares, verdicts
        The frames `user_results`, `cohort_shares` and `verdicts`.
    file
        Where to print; standard output if None.
    """
    for cohort, rows in results.groupby("cohort", sort=False):
        _wrapped(f"{cohort} alone (estimate and 95% interval):", "", file)
        for row in records_of(rows):
            hours = f", {row['events']:g} in {row['exposure_h']:g} h" if row["events"] >= 0 else ""
            span = _interval(row, "estimate", "conf_low", "conf_high")
            line = f"{row['what']}: {span} {row['unit']} (n {row['n']:.0f}{hours})"
            _print(line, file)
    moved = shares[shares["with_"].notna() & ~((shares["with_"] == 0) & ~(shares["without"] > 0))]
    if len(moved):
        head = "Share of what was not printed under which a verdict holds, without and with them:"
        _wrapped(head, "", file)
    statements = verdicts.set_index("claim_id")["statement"]
    for claim, rows in moved.groupby("claim_id", sort=False):
        _print(str(statements[claim]), file)
        for side, part in rows.groupby("side", sort=False):
            moves = ", ".join(_moved(row) for row in records_of(part))
            _print(f"{side}: {moves}", file, "    ")


def _moved(row: Mapping[Any, Any]) -> str:
    old = "none" if row["without"] != row["without"] else f"{row['without']:.0%}"
    return f"{row['label']} from {old} to {row['with_']:.0%}"


def _print(line: str, file: IO[str] | None, indent: str = "  ") -> None:
    """A line of 80 columns, indented; what does not fit goes below."""
    _wrapped(line, indent, file)


def _wrapped(line: str, indent: str, file: IO[str] | None) -> None:
    """Text of 80 columns in what the terminal can show: plain ASCII where it knows no more."""
    if not _speaks_utf(file):
        for letter, plain in IN_ASCII.items():
            line = line.replace(letter, plain)
        line = line.encode("ascii", "replace").decode()
    further = f"{indent}  " if indent else ""
    print(
        textwrap.fill(line, _width(), initial_indent=indent, subsequent_indent=further), file=file
    )


def _width() -> int:
    """Columns of the terminal, 80 at most and where there is none."""
    return max(LEAST, min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns))


def _limits(row: dict[Any, Any], low: str, high: str) -> str:
    """Both limits in brackets; "none" where there are none."""
    if row[low] != row[low]:
        return "[none]"
    return "[{}, {}]".format(*limits(row[low], row[high])).replace("-", MINUS)


def _span(row: dict[Any, Any], name: str) -> str:
    names = [f"{n}_{name}" for n in ("estimate", "conf_low", "conf_high")]
    return "none" if row[names[0]] != row[names[0]] else _interval(row, *names)


def _interval(row: dict[Any, Any], estimate: str, low: str, high: str) -> str:
    """An estimate with its limits in one form; "none" for limits that are not there."""
    if row[low] != row[low]:
        return f"{rounded(row[estimate])} [none]".replace("-", MINUS)
    shown, start, stop = with_limits(row[estimate], row[low], row[high])
    return f"{shown} [{start}, {stop}]".replace("-", MINUS)


def _labels(row: dict[Any, Any]) -> list[str]:
    return [str(row[name]) for name in ("fidelity", "direction", "size")]


def mark_of(label: str, file: IO[str] | None = None) -> str:
    """The mark of a label: that of the page where the terminal has it, else its own in ASCII."""
    known, rest = (MARKS, "-") if not _speaks_utf(file) else (SHOWN, "\N{EN DASH}")
    return known[label][0] if label in known else rest


def _speaks_utf(file: IO[str] | None) -> bool:
    code = getattr(file or sys.stdout, "encoding", None) or "ascii"
    return code.lower().startswith("utf")
