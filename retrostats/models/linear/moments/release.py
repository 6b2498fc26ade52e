"""Moments written to a file, and what such a file tells.

A file holds counts, means and scatters, never rows: laboratories can fit one model without sharing
their data. What exactly leaves the house is listed by `disclosure`.
"""

from __future__ import annotations

import json
import os
import tempfile
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from retrostats.common.arrays import path_of
from retrostats.common.errors import InputError
from retrostats.models.linear.formula.columns import FloatArray

if TYPE_CHECKING:
    from retrostats.models.linear.moments.moments import CellMoments, Moments

FORMAT = "retrostats moments"
VERSION = 1
MIN_CELL = 5


def save_moments(moments: Moments, path: str | os.PathLike[str], *, min_cell: int) -> None:
    """Write moments to a file; see `Moments.save`."""
    target = path_of(path, "moments")
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
    if moments.raw is not None and moments.kind == "patterns":
        cells = moments.as_cells()
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
    people = moments.kind == "cells"
    rows: list[tuple[int, float, str, str, str, float]] = []
    for i, p in enumerate(moments.patterns):
        shown = [_shown(moments, d) for d in p.design]
        names = cast("CellMoments", moments).variables if people else tuple(shown)
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
        "kind": moments.kind,
        "min_cell": min_cell,
        "outcome": moments.outcome,
        "subject": moments.subject,
        "columns": list(moments.columns),
        "levels": [None if v is None else [_plain(x) for x in v] for v in moments.levels],
        "ordered": list(moments.ordered),
        "groups": list(moments.groups),
        "n_dropped": moments.n_dropped,
        **({"printed": True} if moments.printed else {}),
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
    if moments.kind == "cells":
        cells = cast("CellMoments", moments)
        out["variables"] = list(cells.variables)
        out["centred"] = [list(pair) for pair in cells.centred]
        out["coded"] = [list(pair) for pair in cells.coded]
    return out


def _plain(level: Any) -> str | int | float | bool:
    value = level.item() if isinstance(level, np.generic) else level
    if not isinstance(value, str | int | float | bool):
        raise InputError(
            f"level {level!r} is a {type(level).__name__}; a file holds text and numbers as levels"
        )
    return value
