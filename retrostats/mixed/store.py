"""Moments as a file: plain JSON, versioned, checked on reading, and open about what it tells.

A file holds counts, means and scatters, never rows: laboratories can fit one model without sharing
their data. What exactly leaves the house is listed by `disclosure`.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from retrostats.errors import InputError
from retrostats.mixed.cells import CellMoments, cells_of
from retrostats.mixed.columns import FloatArray
from retrostats.mixed.moments import Moments, Pattern

FORMAT = "retrostats moments"
VERSION = 1
MIN_CELL = 5
_MAX_BYTES = 512 * 2**20
_MAX_NAMES = 10_000
_PSD = 1e-8  # relative negative eigenvalue of a scatter that is rounding


def save_moments(moments: Moments, path: str | os.PathLike[str], *, min_cell: int) -> None:
    """Write moments to a file; see `Moments.save`."""
    target = Path(path)
    chosen = releasable(moments, min_cell)
    text = json.dumps(_document(chosen, min_cell), ensure_ascii=False, allow_nan=False, indent=1)
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".moments-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise InputError(
            f"{target}: cannot be written ({error.strerror or error}); name a file in a folder "
            "that exists"
        ) from None


def releasable(moments: Moments, min_cell: int) -> Moments:
    """The moments as they may leave: as they are, or as cells of people where blocks are too few.

    Raises
    ------
    InputError
        Fewer than `min_cell` subjects stand behind some number.
    """
    if isinstance(min_cell, bool) or not isinstance(min_cell, int) or min_cell < 1:
        raise InputError(f"min_cell={min_cell!r}; a whole number of at least 1 is needed")
    small = [p for p in moments.patterns if p.n < min_cell]
    if not small:
        return moments
    if moments.raw is not None and not isinstance(moments, CellMoments):
        cells = cells_of(moments)
        if all(p.n >= min_cell for p in cells.patterns):
            return cells
        moments, small = cells, [p for p in cells.patterns if p.n < min_cell]
    worst = min(small, key=lambda p: p.n)
    raise InputError(
        f"{len(small)} of {len(moments.patterns)} cell(s) hold fewer than {min_cell} subjects (the "
        f"smallest {worst.n:g}: {_shown(moments, worst.design[0])}), so the file could tell about "
        "single persons. Merge levels or bin numbers before reducing, or ask for it: "
        f"save(path, min_cell={max(1, round(worst.n))})"
    )


def disclosure(moments: Moments) -> pd.DataFrame:
    """Every number that a file of these moments holds; see `Moments.disclosure`."""
    people = isinstance(moments, CellMoments)
    rows: list[tuple[int, float, str, str, str, float]] = []
    for i, p in enumerate(moments.patterns):
        shown = [_shown(moments, d) for d in p.design]
        names = moments.variables if isinstance(moments, CellMoments) else tuple(shown)
        where = shown[0] if people else ""
        what = names if people else tuple(f"{moments.outcome} at {name}" for name in names)
        rows.append((i, p.n, where, "n", "subjects", p.n))
        rows += [(i, p.n, where, "mean", w, float(m)) for w, m in zip(what, p.mean, strict=True)]
        if p.scatter is not None:
            rows += [
                (i, p.n, where, "scatter", what[a] if a == b else f"{what[a]} with {what[b]}",
                 float(p.scatter[a, b]))
                for a in range(len(what)) for b in range(a + 1)
            ]  # fmt: skip
    return pd.DataFrame(rows, columns=["cell", "n", "design", "statistic", "of", "value"])


def _shown(moments: Moments, design: FloatArray) -> str:
    parts = []
    for name, levels, value in zip(moments.columns, moments.levels, design, strict=True):
        label = levels[int(value)] if levels else f"{value:g}"
        parts.append(f"{name}={label}")
    return ", ".join(parts) or "all"


def _document(moments: Moments, min_cell: int) -> dict[str, Any]:
    out: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "kind": "cells" if isinstance(moments, CellMoments) else "patterns",
        "min_cell": min_cell,
        "outcome": moments.outcome,
        "subject": moments.subject,
        "columns": list(moments.columns),
        "levels": [None if v is None else [_plain(x) for x in v] for v in moments.levels],
        "ordered": list(moments.ordered),
        "groups": list(moments.groups),
        "n_dropped": moments.n_dropped,
        "patterns": [
            {
                "n": float(p.n),
                "design": p.design.tolist(),
                "mean": p.mean.tolist(),
                "scatter": None if p.scatter is None else p.scatter.tolist(),
            }
            for p in moments.patterns
        ],
    }
    if isinstance(moments, CellMoments):
        out["variables"] = list(moments.variables)
        out["centred"] = [list(pair) for pair in moments.centred]
        out["coded"] = [list(pair) for pair in moments.coded]
    return out


def _plain(level: Any) -> str | int | float | bool:
    value = level.item() if isinstance(level, np.generic) else level
    if not isinstance(value, str | int | float | bool):
        raise InputError(
            f"level {level!r} is a {type(level).__name__}; a file holds text and numbers as levels"
        )
    return value


def load_moments(path: str | os.PathLike[str]) -> Moments:
    """Read moments from a file written by ``Moments.save``.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Moments

    Raises
    ------
    InputError
        The file is not there, is not such a file, or its numbers cannot be moments; nothing in it
        is ever executed.

    Examples
    --------
    >>> import pandas as pd, tempfile, os
    >>> from retrostats.mixed.studies import moments_arms
    >>> table = pd.DataFrame({"study": ["A", "A"], "arm": [0, 1], "n": [20, 21],
    ...                       "mean": [29.0, 22.0], "sd": [6.0, 5.0]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     moments_arms(table).save(os.path.join(folder, "a.json"))
    ...     load_moments(os.path.join(folder, "a.json"))
    Moments of y: 41 people in 2 cell(s) of 1 study(s) over study, arm
    """
    source = Path(path)
    if not source.is_file():
        raise InputError(f"{source}: no such file (a file written by Moments.save is needed)")
    if source.stat().st_size > _MAX_BYTES:
        raise InputError(f"{source}: larger than {_MAX_BYTES // 2**20} MiB; not a file of moments")
    try:
        document = json.loads(source.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except OSError as error:
        raise InputError(f"{source}: cannot be read ({error.strerror or error})") from None
    except (ValueError, RecursionError, MemoryError):
        raise InputError(f"{source}: not JSON; a file written by Moments.save is needed") from None
    return _Reader(str(source)).moments(document)


def _no_constant(name: str) -> float:
    raise ValueError(name)


class _Reader:
    """Turns a document into moments, refusing whatever cannot be some."""

    def __init__(self, where: str) -> None:
        self.where = where

    def fail(self, what: str) -> InputError:
        return InputError(
            f"{self.where}: {what}; ask the sender for a file written by Moments.save"
        )

    def moments(self, document: Any) -> Moments:
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise self.fail(f"not a file of moments (format {FORMAT!r} expected)")
        if document.get("version") != VERSION:
            raise InputError(
                f"{self.where}: version {document.get('version')!r}; this retrostats reads version "
                f"{VERSION}. Update retrostats, or ask for the file in that version"
            )
        kind = document.get("kind")
        if kind not in ("cells", "patterns"):
            raise self.fail(f"kind is {kind!r}; allowed: cells, patterns")
        columns = self.names(document, "columns")
        levels = self.levels(document.get("levels"), len(columns))
        ordered = document.get("ordered")
        if (
            not isinstance(ordered, list)
            or len(ordered) != len(columns)
            or not all(isinstance(v, bool) for v in ordered)
        ):
            raise self.fail("'ordered' is not a list of true and false, one a column")
        groups = self.names(document, "groups")
        if not set(groups) <= set(columns):
            raise self.fail("'groups' names what is not a column")
        outcome, subject = self.text(document, "outcome"), self.text(document, "subject")
        dropped = document.get("n_dropped")
        if isinstance(dropped, bool) or not isinstance(dropped, int) or dropped < 0:
            raise self.fail("'n_dropped' is not a count")
        listed = document.get("patterns")
        if not isinstance(listed, list) or not listed:
            raise self.fail("'patterns' is not a list with something in it")
        if kind == "patterns":
            patterns = tuple(
                self.pattern(p, i, levels, groups, columns) for i, p in enumerate(listed)
            )
            return Moments(
                outcome, subject, columns, levels, tuple(ordered), groups, patterns, dropped
            )
        variables = self.names(document, "variables")
        centred = self.pairs(document, "centred", variables)
        coded = self.pairs(document, "coded", columns)
        if outcome not in variables or subject not in columns or groups:
            raise self.fail("outcome, study column and groups do not fit together")
        if levels[columns.index(subject)] is None:
            raise self.fail(f"the studies' column {subject!r} has no levels")
        patterns = tuple(
            self.pattern(p, i, levels, groups, columns, len(variables))
            for i, p in enumerate(listed)
        )
        if len({p.design.tobytes() for p in patterns}) < len(patterns):
            raise self.fail("a cell stands in it twice")
        return CellMoments(
            outcome, subject, columns, levels, tuple(ordered), (), patterns, dropped, None,
            variables, centred, coded,
        )  # fmt: skip

    def text(self, document: dict[str, Any], key: str) -> str:
        value = document.get(key)
        if not isinstance(value, str) or len(value) > 1000:
            raise self.fail(f"{key!r} is not a text")
        return value

    def names(self, document: dict[str, Any], key: str) -> tuple[str, ...]:
        value = document.get(key)
        if (
            not isinstance(value, list)
            or len(value) > _MAX_NAMES
            or not all(isinstance(v, str) and 0 < len(v) <= 1000 for v in value)
            or len(set(value)) < len(value)
        ):
            raise self.fail(f"{key!r} is not a list of different names")
        return tuple(value)

    def pairs(
        self, document: dict[str, Any], key: str, known: tuple[str, ...]
    ) -> tuple[tuple[str, str], ...]:
        value = document.get(key)
        if not isinstance(value, list) or not all(
            isinstance(v, list)
            and len(v) == 2
            and all(isinstance(x, str) for x in v)
            and v[1] in known
            for v in value
        ):
            raise self.fail(f"{key!r} is not a list of (name, source)")
        return tuple((a, b) for a, b in value)

    def levels(self, value: Any, count: int) -> tuple[tuple[Any, ...] | None, ...]:
        if not isinstance(value, list) or len(value) != count:
            raise self.fail("'levels' does not fit the columns")
        out: list[tuple[Any, ...] | None] = []
        for one in value:
            if one is None:
                out.append(None)
                continue
            if not isinstance(one, list) or not all(
                isinstance(x, str | int | float | bool) for x in one
            ):
                raise self.fail("'levels' holds something that is neither text nor a number")
            if len({(type(x), x) for x in one}) < len(one):
                raise self.fail("'levels' names a level twice")
            out.append(tuple(one))
        return tuple(out)

    def pattern(
        self,
        value: Any,
        i: int,
        levels: tuple[tuple[Any, ...] | None, ...],
        groups: tuple[str, ...],
        columns: tuple[str, ...],
        variables: int = 0,
    ) -> Pattern:
        if not isinstance(value, dict):
            raise self.fail(f"pattern {i} is not an object")
        n = value.get("n")
        if isinstance(n, bool) or not isinstance(n, int | float) or not 1 <= n < 1e15 or n % 1:
            raise self.fail(f"pattern {i}: n is {n!r}, not a whole number of at least 1")
        design = self.array(value.get("design"), i, "design", len(levels))
        mean = self.array(value.get("mean"), i, "mean")
        rows = 1 if variables else len(mean)
        if design.shape != (rows, len(levels)) or mean.ndim != 1 or not len(mean):
            raise self.fail(f"pattern {i}: design and mean do not fit together")
        if variables and len(mean) != variables:
            raise self.fail(f"pattern {i}: {len(mean)} means for {variables} variables")
        for c, known in enumerate(levels):
            codes = design[:, c]
            if known is None or columns[c] in groups:
                continue
            if (codes % 1 != 0).any() or codes.min() < 0 or codes.max() >= len(known):
                raise self.fail(f"pattern {i}: a code of {columns[c]!r} is not one of its levels")
        scatter = None
        if value.get("scatter") is not None:
            scatter = self.array(value["scatter"], i, "scatter")
            if scatter.shape != (len(mean), len(mean)) or not np.array_equal(scatter, scatter.T):
                raise self.fail(f"pattern {i}: the scatter is not a symmetric matrix of its means")
            values = np.linalg.eigvalsh(scatter)
            if values[0] < -_PSD * max(float(values[-1]), 0.0) or (n == 1 and scatter.any()):
                raise self.fail(f"pattern {i}: the scatter is not that of {n:g} subject(s)")
        elif n > 1:
            raise self.fail(f"pattern {i}: {n:g} subjects without a scatter")
        return Pattern(design, float(n), mean, scatter)

    def array(self, value: Any, i: int, what: str, width: int | None = None) -> FloatArray:
        if not isinstance(value, list):
            raise self.fail(f"pattern {i}: {what} is not a list")
        if width == 0 and all(row == [] for row in value):
            return np.empty((len(value), 0))
        try:
            out = np.array(value)
        except (ValueError, OverflowError, RecursionError):
            raise self.fail(f"pattern {i}: {what} is not an array of numbers") from None
        if out.dtype.kind not in "if" or out.ndim > 2 or not (np.abs(out) < 1e300).all():
            raise self.fail(f"pattern {i}: {what} is not an array of finite numbers")
        return np.asarray(out, dtype=float)
