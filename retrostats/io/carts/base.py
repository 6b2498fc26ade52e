"""What every reader of a cart export is given and gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from retrostats.io.tables.grid import Row, Sheet

#: Columns of a cart frame, in order; those an export does not hold are all missing.
COLUMNS = (
    "time_s",
    "vo2_ml_min",
    "vco2_ml_min",
    "ve_l_min",
    "heart_rate_bpm",
    "rer",
    "speed_m_s",
    "gradient_pct",
    "power_w",
    "vo2_ml_kg_min",
)
TEXT_COLUMNS = ("phase", "marker")


@dataclass(frozen=True, slots=True)
class Source:
    """A file as loaded: its text (empty for a spreadsheet archive) and every grid it can be."""

    file: str
    sha256: str
    kind: str
    text: str
    sheets: tuple[Sheet, ...]
    notes: tuple[str, ...] = ()

    def words(self, rows: int = 120) -> str:
        """Lower-case text of the first rows, for a reader to recognise its device."""
        if self.text:
            return self.text[:20_000].lower()
        top = (str(c) for s in self.sheets for r in s.rows[:rows] for c in r.cells if c is not None)
        return "\n".join([*(s.name for s in self.sheets), *top]).lower()


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is used: where it stands, what it is, and the unit written for it."""

    index: int
    header: str
    target: str
    unit: str
    to: str
    guessed: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Measured rows of an export, still as cells, with an account of every row of its sheet."""

    sheet: str
    header_row: int
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    explained: dict[str, list[int]]
    person: tuple[Row, ...]
    comma: bool
    findings: tuple[tuple[str, str, str, str, str, str], ...] = field(default=())

    @property
    def rows_in(self) -> int:
        """Rows of the sheet that hold anything."""
        return len(self.rows) + sum(map(len, self.explained.values()))


@dataclass(frozen=True, slots=True)
class Reader:
    """One kind of export: how it is recognised, and which grids hold its table."""

    device: str
    looks_for: str
    sniff: Callable[[Source], bool]
    sheets: Callable[[Source], tuple[Sheet, ...]] = lambda source: source.sheets
