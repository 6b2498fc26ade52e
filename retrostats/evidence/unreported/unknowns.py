"""What a source did not print, declared once: a number in a range, or a choice among readings.

Every unknown is moved by its position in its range, between 0 and 1. A range may depend on unknowns
declared before it (the correlations that a rounded p-value leaves possible): position 0.3 is then
the same share of a range that itself moves, and all positions together fill a box.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from retrostats.common.arrays import real_array, single
from retrostats.common.errors import InputError
from retrostats.evidence.printed.reported import Reported

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Values = dict[str, NDArray[Any]]
#: A limit of a range: a number, or a function of the values of unknowns declared before.
Limit = float | Callable[[Values], Array]

#: A printed number as text; its rounding interval is what it leaves open.
Printed = Reported


#: What an unknown is on the scale of the model, if it is told on the scale of the measure.
Kind = Literal["", "effect", "spread"]


def cell_of(row_id: str, column: str) -> str:
    """Name of a printed cell; empty for a number of no row.

    Examples
    --------
    >>> cell_of("mc-a", "mean")
    'mc-a: mean'
    """
    return f"{row_id}: {column}" if row_id else ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A number that was not printed, with the range it may lie in.

    Parameters
    ----------
    name
        Unique among the unknowns explored together.
    low, high
        Ends of the range, or functions of the values (arrays by name) of unknowns declared before.
    why, source
        Why the range is as it is, and where that comes from.
    cell
        The printed cell it is the rounding of, "row_id: column"; empty if it is of none.
    kind
        "effect" or "spread" where it is one on the scale of the model (the log of a ratio), so
        that a reader can be told it on the scale of the measure; else empty.

    Raises
    ------
    InputError
        If the ends are not finite or not in order.

    Examples
    --------
    >>> mean = Unknown.rounding("mean", Printed("12.30"))
    >>> mean.low, mean.high, mean.why
    (12.295, 12.305, 'rounding of the printed 12.30')
    """

    name: str
    low: Limit
    high: Limit
    why: str = ""
    source: str = ""
    cell: str = ""
    kind: Kind = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InputError(f"unknown: name {self.name!r}; allowed is a text that is not empty")
        if callable(self.low) or callable(self.high):
            return
        for end in (self.low, self.high):
            single(end, f"unknown {self.name!r}")
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise InputError(
                f"unknown {self.name!r}: range {self.low!r} to {self.high!r}; "
                "give two finite numbers, the lower one first"
            )

    @classmethod
    def rounding(
        cls, name: str, printed: Reported | str, source: str = "", cell: str = ""
    ) -> Unknown:
        """The rounding interval of a printed number."""
        shown = printed if isinstance(printed, Reported) else Reported(printed)
        low, high = shown.interval
        return cls(name, low, high, f"rounding of the printed {shown.text}", source, cell)

    @classmethod
    def of_cell(cls, name: str, row: Mapping[str, Any] | pd.Series, column: str) -> Unknown:
        """The rounding interval of one cell of a printed row, in the unit it was printed in."""
        text, study = str(row[f"{column}_text"]), str(row["study_id"])
        return cls.rounding(name, text, study, cell_of(str(row["row_id"]), column))

    @property
    def ends_known(self) -> bool:
        """Whether both ends of the range are numbers, whatever other unknowns are."""
        return not (callable(self.low) or callable(self.high))

    def at(self, position: Array, before: Values) -> Array:
        """Values (n,) at positions (n,) in the range; NaN where the range is empty."""
        low = self.low(before) if callable(self.low) else self.low
        high = self.high(before) if callable(self.high) else self.high
        if isinstance(low, float) and isinstance(high, float) and low <= high:
            return low + position * (high - low)
        value = low + position * (np.asarray(high) - low)
        return np.where(np.asarray(high) >= low, value, np.nan)

    def shown(self, value: Any) -> float:
        """The value for a table."""
        return float(value)


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice among readings: which studies count, which estimator, what a word means.

    Parameters
    ----------
    name
        Unique among the unknowns explored together.
    options
        Value by label: numbers, texts, or equally long vectors. The first one is the main reading.
    why, source
        Why each of them is possible.

    Examples
    --------
    >>> Choice("estimator", {"REML": "reml", "Paule-Mandel": "pm"}).labels
    ('REML', 'Paule-Mandel')
    """

    name: str
    options: Mapping[str, Any]
    why: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.options, Mapping):
            raise InputError(
                f"choice {self.name!r}: found {self.options!r}; give a mapping {{label: value}}"
            )
        if not self.options:
            raise InputError(f"choice {self.name!r}: no option; give at least one")

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the options, the main reading first."""
        return tuple(self.options)

    @property
    def main(self) -> Choice:
        """The same choice with its main option alone."""
        first = self.labels[0]
        return replace(self, options={first: self.options[first]})

    def index(self, position: Array) -> NDArray[np.int64]:
        """Option (n,) at positions (n,)."""
        count = len(self.options)
        return np.minimum((position * count).astype(np.int64), count - 1)

    def at(self, position: Array, before: Values) -> NDArray[Any]:
        """Values (n,) or (n, m) of the options at positions (n,)."""
        return np.asarray(list(self.options.values()))[self.index(position)]

    def position(self, label: str) -> float:
        """A position at which this option is chosen."""
        return (self.labels.index(label) + 0.5) / len(self.options)


@dataclass(frozen=True, slots=True)
class Space:
    """Unknowns explored together, in the order of their declaration.

    Examples
    --------
    >>> space = Space.of([Unknown("r", -1.0, 1.0), Choice("method", {"REML": "reml", "ML": "ml"})])
    >>> space.values(space.reference_point)["r"], space.labels(space.reference_point)["method"]
    (array([0.]), array(['REML'], dtype=object))
    """

    unknowns: tuple[Unknown | Choice, ...]

    @classmethod
    def of(cls, unknowns: Any) -> Space:
        """From a sequence of unknowns, or a mapping of names to ranges, texts or options.

        Raises
        ------
        InputError
            If a name is used twice, or an entry is neither an unknown nor something that is one.
        """
        if isinstance(unknowns, Space):
            return unknowns
        if isinstance(unknowns, Mapping):
            unknowns = [_named(name, entry) for name, entry in unknowns.items()]
        if not isinstance(unknowns, Iterable) or isinstance(unknowns, str):
            raise InputError(
                f"unknowns: found {unknowns!r}; give Unknown and Choice objects, or a mapping of "
                "names to ranges"
            )
        made = tuple(unknowns)
        for entry in made:
            if not isinstance(entry, Unknown | Choice):
                raise InputError(
                    f"unknowns: found {entry!r}; give Unknown(name, low, high) or "
                    "Choice(name, {label: value})"
                )
        names = [entry.name for entry in made]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f"unknowns: {', '.join(twice)} declared twice; use one name for each")
        return cls(made)

    @property
    def names(self) -> tuple[str, ...]:
        """Names in order."""
        return tuple(entry.name for entry in self.unknowns)

    @property
    def size(self) -> int:
        """Number of unknowns."""
        return len(self.unknowns)

    @property
    def choices(self) -> dict[int, int]:
        """Number of options of every choice, by its column."""
        return {i: len(u.options) for i, u in enumerate(self.unknowns) if isinstance(u, Choice)}

    @property
    def reference_point(self) -> Array:
        """One point (1, d): the middle of each range and the main reading of each choice."""
        point = np.full((1, self.size), 0.5)
        for column, count in self.choices.items():
            point[0, column] = 0.5 / count
        return point

    def values(self, points: Array) -> Values:
        """Arrays by name at points (n, d) of the unit box."""
        found: Values = {}
        for column, unknown in enumerate(self.unknowns):
            # eq. 41: ranges hang on what is declared before
            found[unknown.name] = unknown.at(points[:, column], found)
        return found

    def labels(self, points: Array) -> dict[str, NDArray[Any]]:
        """As `values`, with the labels of choices instead of what they stand for."""
        found: dict[str, NDArray[Any]] = dict(self.values(points))
        for column, unknown in enumerate(self.unknowns):
            if isinstance(unknown, Choice):
                names = np.array(unknown.labels, dtype=object)
                found[unknown.name] = names[unknown.index(points[:, column])]
        return found

    def describe(self, points: Array) -> dict[str, float | str]:
        """One point (1, d) in words and numbers, by name."""
        shown = self.labels(points)
        return {k: v[0] if isinstance(v[0], str) else float(v[0]) for k, v in shown.items()}


def _named(name: str, entry: Any) -> Unknown | Choice:
    if isinstance(entry, Unknown | Choice):
        return entry
    if isinstance(entry, Reported):
        return Unknown.rounding(name, entry)
    if isinstance(entry, Mapping):
        return Choice(name, entry)
    if isinstance(entry, Sequence) and not isinstance(entry, str) and len(entry) == 2:
        low, high = (float(end) for end in real_array(entry, f"unknown {name!r}"))
        return Unknown(name, low, high)
    raise InputError(
        f"unknown {name!r}: found {entry!r}; give (low, high), Printed(...) or {{label: value}}"
    )


def distinct(unknowns: Iterable[Unknown | Choice]) -> tuple[Unknown | Choice, ...]:
    """Every unknown once, by name, in order: two measures may rest on the same one."""
    return tuple({entry.name: entry for entry in unknowns}.values())
