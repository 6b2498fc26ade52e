"""Rows spread over the workers of a Dask cluster: each partition is reduced where it is.

What travels is the sums of a partition's subjects. Workers add those of neighbours, four at a time,
until one is left, which comes here: a tree over the order of the partitions, so that the number of
workers, and one that stops, change no digit, and no machine has to take in all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from retrostats.common.workers import RETRIES, results_of
from retrostats.models.linear.streamed.needs import Needs, add_levels, ordered_levels
from retrostats.models.linear.streamed.piece import Design, read_piece
from retrostats.models.linear.streamed.source import Source, batches_of, gathered
from retrostats.models.linear.streamed.sums import Pilot, Sums, empty_sums, pilot_of

FAN = 4  # neighbours whose sums one task adds


def dask_levels(needs: Needs, source: Source) -> dict[str, tuple[Any, ...]]:
    """Levels of each categorical column over all partitions."""
    found: dict[str, dict[Any, None]] = {n: {} for n in needs.factors}
    if needs.factors:
        for known in _each(source.parts, partial(_levels, needs=needs)):
            for name, values in known.items():
                found[name].update(values)
    return ordered_levels(found, source.types)


def _levels(frame: Any, needs: Needs) -> dict[str, dict[Any, None]]:
    found: dict[str, dict[Any, None]] = {n: {} for n in needs.factors}
    for table in _tables(frame, needs.factors):
        for name in needs.factors:
            add_levels(found[name], table.column(name), name)
    return found


def dask_sums(design: Design, source: Source) -> tuple[Sums | None, int]:
    """Sums of all partitions, and how many rows were in pieces without a complete one."""
    pilot, lost = None, 0
    parts = source.parts
    while parts and pilot is None:  # A and b come from the first complete rows there are
        (pilot,) = _each(parts[:1], partial(_pilot, design=design, name=source.name))
        if pilot is None:
            (part,) = _each(parts[:1], partial(_sums, design=design, pilot=None, name=source.name))
            lost, parts = lost + part[1], parts[1:]
    if pilot is None or not parts:
        return None, lost
    from importlib import import_module

    dask: Any = import_module("dask")
    work = partial(_sums, design=design, pilot=pilot, name=source.name)
    left = [dask.delayed(work)(part) for part in parts]
    add = dask.delayed(partial(_added, design=design, pilot=pilot))
    while len(left) > 1:
        left = [add(left[i : i + FAN]) for i in range(0, len(left), FAN)]
    ((sums, without),) = _computed(left)
    return sums, lost + without


def _added(
    parts: list[tuple[Sums | None, int]], design: Design, pilot: Pilot
) -> tuple[Sums | None, int]:
    """Sums of neighbouring partitions, in their order."""
    some = [part for part, _ in parts if part is not None]
    sums = empty_sums(pilot, design) if some else None
    for part in some:
        assert sums is not None
        sums.merge(part)
    return _to_travel(sums), sum(without for _, without in parts)


def _to_travel(sums: Sums | None) -> Sums | None:
    if sums is not None:
        sums.trim()
    return sums


def _each(parts: tuple[Any, ...], work: Callable[[Any], Any]) -> list[Any]:
    """Results of `work` on each partition, in order, by the Dask client at hand."""
    from importlib import import_module

    dask: Any = import_module("dask")
    return _computed([dask.delayed(work)(part) for part in parts])


def _computed(tasks: list[Any]) -> list[Any]:
    """Results of delayed tasks, in order, by whoever Dask gives them to."""
    from importlib import import_module

    base: Any = import_module("dask.base")
    client: Any = getattr(base.get_scheduler(), "__self__", None)
    if hasattr(client, "scheduler_info"):  # of a cluster, not of threads here
        return results_of(client, client.compute(tasks, retries=RETRIES))
    return list(base.compute(*tasks, retries=RETRIES))


def _tables(frame: Any, columns: tuple[str, ...]) -> Iterator[Any]:
    import pyarrow as pa

    table = pa.Table.from_pandas(frame[list(columns)], preserve_index=False)
    return gathered(batches_of(table))


def _pilot(frame: Any, design: Design, name: str) -> Pilot | None:
    for table in _tables(frame, design.needs.columns):
        piece = read_piece(table, design, name)
        if piece is not None:
            return pilot_of(piece, design.of_fixed)
    return None


def _sums(frame: Any, design: Design, pilot: Pilot | None, name: str) -> tuple[Sums | None, int]:
    sums, lost = None, 0
    for table in _tables(frame, design.needs.columns):
        piece = read_piece(table, design, name)
        if piece is None or pilot is None:
            lost += table.num_rows
            continue
        sums = sums or empty_sums(pilot, design)
        sums.add(piece)
    return _to_travel(sums), lost
