"""Moments read from a file: plain JSON, versioned, checked, and nothing in it is executed."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np

from retrostats.common.arrays import path_of
from retrostats.common.errors import InputError
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.moments.moments import CellMoments, Moments
from retrostats.models.linear.moments.patterns import Pattern
from retrostats.models.linear.moments.release import FORMAT, VERSION

_MAX_BYTES = 512 * 2**20
_MAX_NAMES = 10_000
_PSD = 1e-8  # relative negative eigenvalue of a scatter that is rounding


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
    >>> from retrostats.models.linear.moments.studies import moments_arms
    >>> table = pd.DataFrame({"study": ["A", "A"], "arm": [0, 1], "n": [20, 21],
    ...                       "mean": [29.0, 22.0], "sd": [6.0, 5.0]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     moments_arms(table).save(os.path.join(folder, "a.json"))
    ...     load_moments(os.path.join(folder, "a.json"))
    Moments of y: 41 people in 2 cell(s) of 1 study(s) over study, arm
    """
    source = path_of(path, "moments")
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
        printed = document.get("printed", False)  # files of before hold no such word
        if not isinstance(printed, bool):
            raise self.fail("'printed' is neither true nor false")
        if kind == "patterns":
            patterns = tuple(
                self.pattern(p, i, levels, groups, columns) for i, p in enumerate(listed)
            )
            return Moments(
                outcome,
                subject,
                columns,
                levels,
                tuple(ordered),
                groups,
                patterns,
                dropped,
                printed=printed,
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
            outcome=outcome,
            subject=subject,
            columns=columns,
            levels=levels,
            ordered=tuple(ordered),
            groups=(),
            patterns=patterns,
            n_dropped=dropped,
            raw=None,
            variables=variables,
            centred=centred,
            coded=coded,
        )

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
