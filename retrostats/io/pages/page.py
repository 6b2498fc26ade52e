"""What a page and its table say, as data; `page_toml` and `page_table` read them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from retrostats.common.errors import InputError
from retrostats.common.vocabulary import Conditions, Post

#: Entries of a page, of a claim, and of what stands below one.
TOP = ("title", "subject", "source", "compared", "also", "claims", "retold", "open")
SOURCE = ("kind", "name", "date", "doi", "url")
CLAIM = (
    "says", "by", "cause", "measure", "true_if", "because", "better", "mixing", "within_study",
    "cohort", "fidelity", "absolute", "prior", "moderator", "cites",
)  # fmt: skip
COHORT = ("outcome", "exposure", "unit")
FIDELITY = ("claimed", "source", "agrees", "rows")
ABSOLUTE = ("row", "per", "unit", "typical", "why")
PRIOR = ("scale", "because")
RETOLD = ("source", "year", "url", "figure", "what_lost", "changed", "parent")
OPEN = ("mean", "sd", "median", "log_sd", "low", "high", "cv_high", "why", "source")
#: Name of the prior of every correlation of the audit that was not printed.
CORRELATION = "correlation"
#: Columns of a table, in the order in which they are usually filled; study alone must be there.
COLUMNS = (
    "claim", "study", "id", "design", "allocation", "measure", "n", "first", "second", "r",
    "estimate", "low", "high", "level", "se", "df", "p", "adjusted", "design_effect", "arm",
    "pool", "where", "doi", "url", "year", "citation", "outcome", "people", "note",
)  # fmt: skip
#: Beginnings of columns that a reader adds: moderators, and domains of the risk of bias.
MODERATOR, RISK_OF_BIAS = "x_", "rob_"
#: How people came into their groups; by rule is alternation, dates of birth and their like.
ALLOCATIONS = ("by lot", "by rule", "by choice", "not told")
BETTER = ("lower", "higher")
_NUMBER = r"([-+\u2212]?\d+\.?\d*|[-+\u2212]?\.\d+)\s*%?"
_BETWEEN = re.compile(rf"(?:from\s+)?{_NUMBER}\s*(?:to|and)\s*{_NUMBER}")
_SIDE = re.compile(
    rf"(below|under|less than|above|over|more than|at least|at most|from|up to)\s+{_NUMBER}"
)
_LOWER = ("above", "over", "more than", "at least", "from")
_STRICT = ("below", "under", "less than", "above", "over", "more than")


@dataclass(frozen=True, slots=True)
class TrueIf:
    """The range that would make a claim true, as the page writes it, in the claim's measure.

    Attributes
    ----------
    low, high
        Infinite where that side is open.
    strict
        Whether the end itself is outside ("below 1").
    """

    low: float
    high: float
    strict: bool = False


@dataclass(frozen=True, slots=True)
class OpenPrior:
    """A prior of something that a row left open, or of every correlation that was not printed.

    Attributes
    ----------
    name
        "correlation", or the row.
    numbers
        mean, sd (of Fisher's z of a correlation); median, log_sd, low, high (of the SD between
        people, model's scale); cv_high.
    why, source
        Reason, and where that comes from.
    """

    name: str
    numbers: Mapping[str, float]
    why: str
    source: str


@dataclass(frozen=True, slots=True)
class PageClaim:
    """One claim; texts are the page's, `mixing` and `fidelity` as written there."""

    claim_id: str
    says: str
    by: str
    cause: bool
    measure: str
    true_if: TrueIf
    because: str
    better: str = ""
    mixing: tuple[str, ...] = ()
    within_study: str | float = ""
    cohort: Mapping[str, str] = field(default_factory=dict)
    fidelity: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    absolute: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    prior_scale: float = math.nan
    prior_because: str = ""
    moderator: str = ""
    cites: str = ""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of the table.

    Attributes
    ----------
    number
        As a text editor or a spreadsheet counts.
    row_id
        Its own id, or one made of its study.
    study
    cells
        What is filled, text as printed, by column.
    """

    number: int
    row_id: str
    study: str
    cells: Mapping[str, str]

    @property
    def claims(self) -> tuple[str, ...]:
        """Claims that it bears on; empty where the cell is."""
        listed = self.cells.get("claim", "").replace(",", ";").split(";")
        return tuple(name.strip() for name in listed if name.strip())

    def named(self, prefix: str) -> dict[str, str]:
        """Cells of the columns with this beginning, without it."""
        return {k.removeprefix(prefix): v for k, v in self.cells.items() if k.startswith(prefix)}


#: Designs of a change.
CHANGES = ("before-after", "before and after", "pre-post")


def compares_arms(row: TableRow) -> bool:
    """Whether a row sets the first condition against the second: the change of one group does not.

    Examples
    --------
    >>> compares_arms(TableRow(2, "a", "A 2001", {"first": "27 SD 5 -> 31 SD 5 kg"}))
    False
    >>> change = {"design": "before-after", "estimate": "4.1", "p": "0.003", "n": "18"}
    >>> compares_arms(TableRow(2, "a", "A 2001", change))
    False
    >>> compares_arms(TableRow(2, "a", "A 2001", {**change, "n": "18 / 17"}))
    True
    """
    change = "->" in row.cells.get("first", "").replace("\N{RIGHTWARDS ARROW}", "->")
    design = " ".join(row.cells.get("design", "").lower().split())
    one_group = design in CHANGES and not re.search(r"\d\s*/\s*\d", row.cells.get("n", ""))
    return not (one_group or (change and "second" not in row.cells))


@dataclass(frozen=True)
class Page:
    """One audit: the page, its table, and what stands in both.

    Attributes
    ----------
    file, table
        Both files.
    title, subject, source, conditions
        For the reader; the two conditions, the first against the second, with their synonyms.
    claims, rows
        In file order.
    retold
        Retellings of a result, in order.
    open
        Priors of open quantities by row, and of correlations.
    columns
        Of the table, in its order.
    notes
        What was repaired in reading.
    """

    file: Path
    table: Path
    title: str
    subject: str
    source: Post
    conditions: Conditions
    claims: tuple[PageClaim, ...]
    rows: tuple[TableRow, ...]
    retold: tuple[Mapping[str, str], ...] = ()
    open: Mapping[str, OpenPrior] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def rows_of(self, claim: PageClaim) -> tuple[TableRow, ...]:
        """Rows that bear on a claim: those that name it, and with one claim those that name none.

        Without a column `claim` every row bears on the only claim of the page.
        """
        return self._rows_by_claim.get(claim.claim_id, ())

    @cached_property
    def _rows_by_claim(self) -> dict[str, tuple[TableRow, ...]]:
        """Rows of each claim, in file order: each row's cell is read once."""
        only = (self.claims[0].claim_id,) if len(self.claims) == 1 else ()
        found: dict[str, list[TableRow]] = {}
        for row in self.rows:
            for name in dict.fromkeys(row.claims or only):
                found.setdefault(name, []).append(row)
        return {name: tuple(rows) for name, rows in found.items()}

    def place(self, row: TableRow) -> str:
        """Where a row stands, for messages."""
        return f"{self.table.name}, row {row.number} ({row.study})"


def true_if(text: str, where: str) -> TrueIf:
    """The range that a page states.

    Raises
    ------
    InputError
        Text of no known form, or ends in the wrong order.

    Examples
    --------
    >>> true_if("0.45 to 0.55", "a.toml"), true_if("below 1", "a.toml").strict
    (TrueIf(low=0.45, high=0.55, strict=False), True)
    """
    said = " ".join(text.strip().lower().split())
    both, one = _BETWEEN.fullmatch(said), _SIDE.fullmatch(said)
    if both:
        low, high = _number(both[1]), _number(both[2])
        if low >= high:
            raise InputError(
                f"{where}: true_if = {text!r}; the lower end comes first: write "
                f"'{both[2]} to {both[1]}' if that is meant"
            )
        return TrueIf(low, high)
    if one is None:
        raise InputError(
            f"{where}: true_if = {text!r}; allowed: '0.45 to 0.55', 'below 1', 'above 0', "
            "'at least 5', 'at most 0.5', in the claim's measure"
        )
    end = _number(one[2])
    ends = (end, math.inf) if one[1] in _LOWER else (-math.inf, end)
    return TrueIf(*ends, strict=one[1] in _STRICT)


def _number(text: str) -> float:
    return float(text.replace("\N{MINUS SIGN}", "-"))
