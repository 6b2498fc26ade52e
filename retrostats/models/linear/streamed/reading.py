"""One pass over a source: its levels, its pieces, their sums."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import Any

from retrostats.common.errors import InputError
from retrostats.common.workers import one_thread
from retrostats.models.linear.formula.formula import Formula
from retrostats.models.linear.streamed.moments import StreamedMoments
from retrostats.models.linear.streamed.needs import Needs, find_levels, needs_of
from retrostats.models.linear.streamed.piece import Design, design_of, read_piece
from retrostats.models.linear.streamed.source import Source
from retrostats.models.linear.streamed.sums import Sums, empty_sums, pilot_of


class _Unused(Exception):
    """Levels that no complete row has; the design must do without them."""

    def __init__(self, levels: dict[str, tuple[Any, ...]]) -> None:
        self.levels = levels


def streamed_moments(
    formula: Formula,
    source: Source,
    weight: str | None = None,
    residual: tuple[str, ...] = (),
) -> StreamedMoments:
    """Reduce a source to the crossproducts of one formula, in one pass.

    Raises
    ------
    InputError
        As `lmm`; levels must be known but the source can be read only once.
    """
    needs = needs_of(formula, source, weight, residual)
    if source.parts:
        from retrostats.models.linear.streamed.dask import dask_levels, dask_sums

        levels = dask_levels(needs, source)
        take: Any = dask_sums
    else:
        take = _sums_of
        if source.again or not needs.factors:
            levels = find_levels(needs, source)
        else:
            levels, source = _levels_of_first(needs, source)
    design = design_of(formula, needs, levels, strict=not source.again)
    try:
        sums, lost = _quietly(take, design, source)
        sums = checked(sums, lost, design.levels)
    except _Unused as fewer:
        if not source.again:
            raise InputError(
                f"{source.name} can be read only once, and levels of its categorical columns do "
                "not occur; give the Dataset or the files it reads"
            ) from None
        design = design_of(formula, needs, fewer.levels, strict=False)
        sums, lost = _quietly(take, design, source)
        sums = checked(sums, lost, design.levels)
    names = (*needs.numbers, *needs.factors)
    return StreamedMoments(
        outcome=formula.outcome,
        subject=needs.groups[0] if len(needs.groups) == 1 else ":".join(needs.groups),
        columns=names,
        levels=tuple(design.levels.get(n) for n in names),
        ordered=(False,) * len(names),
        groups=(),
        patterns=(),
        n_dropped=sums.n_dropped,
        raw=None,
        sums=sums,
        design=design,
    )


def _quietly(take: Any, design: Design, source: Source) -> tuple[Sums | None, int]:
    """`take` with one thread of linear algebra."""
    with one_thread():
        found: tuple[Sums | None, int] = take(design, source)
    return found


def _levels_of_first(needs: Needs, source: Source) -> tuple[dict[str, tuple[Any, ...]], Source]:
    """Levels from the dictionaries of the first piece of a source that is read only once."""
    text = [n for n in needs.factors if "string" in str(source.types[n]).split("<")[0]]
    if text:
        raise InputError(
            f"{source.name} can be read only once, but the levels of {', '.join(text)} have to be "
            "found first; give the Dataset or the files it reads"
        )
    pieces = source.pieces(needs.columns)
    first = next(pieces, None)
    if first is None:
        raise InputError("the data have no rows")
    head = replace(source, pieces=lambda columns: iter([first.select(list(columns))]))
    return find_levels(needs, head), replace(source, pieces=lambda columns: chain([first], pieces))


def _sums_of(design: Design, source: Source) -> tuple[Sums | None, int]:
    sums, lost = None, 0
    for table in source.pieces(design.needs.columns):
        piece = read_piece(table, design, source.name)
        if piece is None:
            lost += table.num_rows
            continue
        sums = sums or empty_sums(pilot_of(piece, design.of_fixed), design)
        sums.add(piece)
    return sums, lost


def checked(sums: Sums | None, lost: int, levels: dict[str, tuple[Any, ...]]) -> Sums:
    """The sums, unless there are none or a level does not occur; `lost` rows came to nothing."""
    if sums is None:
        raise InputError(
            "no row has a value in every column the formula uses"
            if lost
            else "the data have no rows"
        )
    sums.n_dropped += lost
    if not all(used.all() for used in sums.used.values()):
        left = {
            n: tuple(v for v, u in zip(values, sums.used[n], strict=True) if u)
            for n, values in levels.items()
        }
        raise _Unused(left)
    return sums
