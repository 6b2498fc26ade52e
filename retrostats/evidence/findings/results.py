"""One result with all that belongs to it, and the findings of an analysis from its results."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from retrostats.common.errors import InputError
from retrostats.evidence.result.estimate import Estimate
from retrostats.evidence.result.findings import (
    Assumption,
    Check,
    CrossCheck,
    EstimateRow,
    Findings,
    Measure,
)
from retrostats.evidence.unreported.sources import Source

#: Entries of a result in `findings/TOPIC.toml` that are no columns of its row: what builders read.
INPUTS = frozenset(
    (
        *("where", "row", "row_ids", "cells", "column", "table", "conditions"),  # printed rows
        *("name", "measure"),  # of source and measure
        *("study", "ratio", "counts", "arms", "clusters", "adjusted"),  # a trial of two arms
        *("outcome", "against", "other_group", "no_group"),  # own cohorts
    )
)


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A result as builders hand it back; every part but one may be missing.

    Attributes
    ----------
    row
        What is shown.
    measure
        The same as a function of what was not printed: it gives the row its range, and judges a
        claim where it names one.
    source
        What a pool takes of it.
    estimate
        Effect and error at the reference point of what was left open; None without an error.
    without_cohorts
        The measure of the same claim without a reader's own cohorts.
    assumptions, cross_checks
        What had to be assumed; independent programs on the same numbers.
    """

    row: EstimateRow | None = None
    measure: Measure | None = None
    source: Source | None = None
    estimate: Estimate | None = None
    without_cohorts: Measure | None = None
    assumptions: tuple[Assumption, ...] = ()
    cross_checks: tuple[CrossCheck, ...] = ()

    @property
    def estimate_id(self) -> str:
        """Identifier of its row, also where another result shows it; "" of neither."""
        shown = self.row or self.measure
        return shown.estimate_id if shown else ""

    @property
    def claim_id(self) -> str:
        """The claim that its measure judges, or ""."""
        return self.measure.claim_id if self.measure else ""

    def judging(self, claim_id: str, **changes: Any) -> Self:
        """The same result, its measure judging a claim; `changes` are further fields of it."""
        measure = replace(self.measure, claim_id=claim_id, **changes) if self.measure else None
        return replace(self, measure=measure)

    def joined_by(self, average: Result | None) -> Result:
        """An average with own cohorts in place of this, which stays beside it; else this."""
        return replace(average, without_cohorts=self.measure) if average else self

    def only_shown(self) -> Result:
        """A result that own cohorts take the place of: shown, it judges without them alone."""
        return replace(self.judging(""), without_cohorts=self.measure)

    def pooled_in(self, names: Iterable[str]) -> Result:
        """The result marked as part of a pool if its row is one of those named."""
        if self.row is None:
            return self
        return replace(self, row=replace(self.row, pooled=self.row.estimate_id in set(names)))

    def only_measure(self) -> Result:
        """The measure alone, with that without cohorts: the row is shown by another result."""
        return Result(measure=self.measure, without_cohorts=self.without_cohorts)


@dataclass(frozen=True, slots=True)
class Entry:
    """What `findings/TOPIC.toml` says of one result: columns of its row, and inputs of builders."""

    name: str
    label: str
    cells: Mapping[str, Any]
    inputs: Mapping[str, Any]
    place: str

    @classmethod
    def of(cls, name: str, entries: Mapping[str, Any], file: Any) -> Entry:
        """An entry checked: every key is a column of a row or an input of a builder.

        Raises
        ------
        InputError
            A key that nothing reads, or no label.
        """
        place = f"{file}, [rows.{name}]"
        columns = set(EstimateRow.__dataclass_fields__)
        unknown = [key for key in entries if key not in columns | INPUTS]
        if unknown:
            raise InputError(
                f"{place}: {', '.join(unknown)} is read by nothing; allowed are columns of a row "
                f"and {', '.join(sorted(INPUTS))}"
            )
        label = entries.get("label")
        if not isinstance(label, str):
            raise InputError(f"{place}: label = {label!r}; it needs a text")
        cells = {k: v for k, v in entries.items() if k in columns and k != "label"}
        inputs = {k: v for k, v in entries.items() if k in INPUTS}
        return cls(name, label, cells, inputs, place)

    @property
    def of_estimate(self) -> dict[str, Any]:
        """Columns that an estimate does not bring itself."""
        return {k: v for k, v in self.cells.items() if k not in ("scale", "unit")}

    @property
    def unit(self) -> str:
        """Unit of the effect."""
        return str(self.cells.get("unit", ""))

    def needed(self, key: str) -> Any:
        """An input that a builder cannot do without.

        Raises
        ------
        InputError
            It is not there.
        """
        if key not in self.inputs:
            raise InputError(f"{self.place}: no {key}; the builder that makes it needs one")
        return self.inputs[key]


def entries_of(
    entry: Mapping[str, Any], needed: Sequence[str], allowed: Sequence[str], place: str
) -> None:
    """Refuse a section that lacks an entry, or has one that nothing reads.

    Raises
    ------
    InputError
        With the place, what is wrong and what is allowed.
    """
    wrong = [key for key in entry if key not in (*needed, *allowed)]
    missing = [key for key in needed if key not in entry]
    if wrong or missing:
        said = f"no {', '.join(missing)}" if missing else f"{', '.join(wrong)} is read by nothing"
        raise InputError(
            f"{place}: {said}; it needs {', '.join(needed)} and may have {', '.join(allowed)}"
        )


Part = Result | EstimateRow | Measure | Assumption | Check | CrossCheck


def findings_of(
    parts: Iterable[Part | Iterable[Part]], judged: Mapping[str, str] | None = None
) -> Findings:
    """Findings of results, rows, measures, assumptions and checks, each kind in the order given.

    A measure without anything open that judges nothing moves no row, and is left out; a row or an
    assumption that several results share is listed once.

    Parameters
    ----------
    parts
        One by one, or in lists.
    judged
        Row that shows each claim, by claim.
    """
    found: dict[type, list[Any]] = {
        kind: [] for kind in (EstimateRow, Measure, Assumption, Check, CrossCheck)
    }
    without: list[Measure] = []
    for part in _one_by_one(parts):
        pieces: tuple[Any, ...] = (part,)
        if isinstance(part, Result):
            pieces = (part.row, part.measure, *part.assumptions, *part.cross_checks)
            alone = part.without_cohorts
            without += [alone] if alone and not _shared(alone, without) else []
        for piece in pieces:
            if piece is not None and not _shared(piece, found[type(piece)]):
                found[type(piece)].append(piece)
    return Findings(
        estimates=tuple(found[EstimateRow]),
        measures=tuple(m for m in found[Measure] if m.unknowns or m.claim_id),
        judged=dict(judged or {}),
        without_cohorts=tuple(without),
        assumptions=tuple(found[Assumption]),
        checks=tuple(found[Check]),
        cross_checks=tuple(found[CrossCheck]),
    )


def _shared(piece: Any, found: list[Any]) -> bool:
    """Whether the very same row, measure or assumption is listed already."""
    return any(piece is other for other in found) or (
        isinstance(piece, EstimateRow | Assumption) and piece in found
    )


def _one_by_one(parts: Iterable[Part | Iterable[Part]]) -> Iterator[Part]:
    for part in parts:
        if isinstance(part, Part):
            yield part
        else:
            yield from part


def methods_of(*steps: Any) -> tuple[str, ...]:
    """METHODS of an analysis: what its steps say of themselves, a paragraph each.

    Parameters
    ----------
    steps
        Functions, or the module's text, whose docstrings say in words what they do.

    Raises
    ------
    InputError
        A step without a docstring.

    Examples
    --------
    >>> def pool():
    ...     '''Studies are pooled by random effects,
    ...     with a prediction interval.'''
    >>> methods_of(pool)
    ('Studies are pooled by random effects, with a prediction interval.',)
    """
    found = []
    for step in steps:
        text = " ".join((getattr(step, "__doc__", None) or _written(step)).split())
        if not text:
            name = getattr(step, "__name__", repr(step))
            raise InputError(f"methods: {name} has no docstring, which is its paragraph; write one")
        found.append(text)
    return tuple(found)


def _written(step: Any) -> str:
    """The docstring as it stands in the file: `python -OO` drops those of functions."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(step)))
    except (OSError, TypeError):
        return ""
    found = tree.body[0] if isinstance(tree.body[0], ast.FunctionDef) else tree
    return ast.get_docstring(found) or ""
