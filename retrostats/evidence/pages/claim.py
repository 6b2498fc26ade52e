"""All rows of one claim, read: what each became, and what stands for each study in the pool."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from retrostats.common.errors import InputError, NotIdentified
from retrostats.evidence.pages.effects import Effect, row_effect, row_people
from retrostats.evidence.pages.spaces import row_space
from retrostats.evidence.pages.studies import (
    averaged_effect,
    averaged_source,
    averaged_space,
    combined_arms,
)
from retrostats.evidence.printed.measures import (
    EVENT_RATIOS,
    PROPORTION,
    Measure,
    measure_of_pool,
    one_measure,
)
from retrostats.evidence.printed.pool_printed import row_source
from retrostats.evidence.printed.quadrature import CorrelationPrior
from retrostats.evidence.printed.row_units import refuse_mixed_units
from retrostats.evidence.printed.rows import PARALLEL, PrintedRow, is_left_out, printed_row
from retrostats.evidence.printed.sources import PrintedSource
from retrostats.evidence.unreported.sources import Source
from retrostats.io.pages.page import CORRELATION, OpenPrior, Page, PageClaim, TableRow
from retrostats.io.pages.page_table import find_row
from retrostats.io.pages.problems import Problems

#: Columns of a table that a pool reads.
_READ = (
    "study", "design", "measure", "n", "estimate", "low", "high", "level", "se", "df", "p",
    "first", "second", "r", "adjusted", "pool", "design_effect", "mean_1", "sd_1", "mean_2",
    "sd_2", "sd_median", "sd_log_sd", "sd_low", "sd_high", "cv_high", "unit",
)  # fmt: skip
#: Numbers of a prior, and the columns of a row that they fill.
_PRIOR_COLUMNS = {
    "median": "sd_median", "log_sd": "sd_log_sd", "low": "sd_low", "high": "sd_high",
    "cv_high": "cv_high",
}  # fmt: skip
#: Rows of one study in the mean of `within_study`: as if their errors were the same.
_AS_ONE = 1.0


@dataclass(frozen=True, slots=True)
class ReadRow:
    """One row of the table, reduced.

    Attributes
    ----------
    row
        As in the table; of rows that share a control the first.
    joined
        Every row of the table that it stands for.
    printed, source
        Its cells; its likelihood of the claim's measure, or why there is none.
    effect
        With everything open at its middle; None where it prints no error.
    space
        Over everything left open; None where it bounds nothing.
    """

    row: TableRow
    joined: tuple[TableRow, ...]
    printed: PrintedRow
    source: PrintedSource
    effect: Effect | None
    space: Source | None

    @property
    def compares(self) -> bool:
        """Whether it sets the first condition against the second.

        A change alone does not, nor does a proportion.
        """
        if self.printed.measure == PROPORTION:
            return False
        change = "->" in str(self.row.cells.get("first", "")).replace("\N{RIGHTWARDS ARROW}", "->")
        return not (change and "second" not in self.row.cells)

    @property
    def supports_cause(self) -> bool:
        """Whether a cause may rest on it: the same people, or groups allocated by lot."""
        if not self.compares:
            return False
        same = self.printed.design not in ("", PARALLEL) and len(self.printed.n) < 2
        lot = " ".join(self.row.cells.get("allocation", "").lower().split()) == "by lot"
        return lot or (same and "->" not in str(self.row.cells.get("first", "")))


@dataclass(frozen=True, slots=True)
class ReadClaim:
    """A claim with its measure and its rows, and one entry a study for the pool.

    Attributes
    ----------
    claim, measure
    rows
        Every row, in file order.
    pooled
        One a study: likelihood, and estimate and space where there are.
    """

    claim: PageClaim
    measure: Measure
    rows: tuple[ReadRow, ...]
    pooled: tuple[ReadRow, ...]

    @property
    def left_out(self) -> tuple[ReadRow, ...]:
        """Rows of which nothing enters the pool."""
        return tuple(row for row in self.rows if row.source.left_out)


def read_claim(page: Page, claim: PageClaim, problems: Problems) -> ReadClaim | None:
    """Every row of a claim, reduced; what is wrong is added to `problems`.

    Returns None where the measure itself is not known.
    """
    where = f"{page.file.name}, [claims.{claim.claim_id}]"
    entry = "measure"
    try:
        measure = measure_of_pool(claim.measure, [])
        entry = "mixing"
        if claim.mixing:
            measure = measure_of_pool([claim.measure, *claim.mixing], [])
    except InputError as error:
        problems.add(f"{where}, {entry}: {str(error).removeprefix('pool_printed: ')}")
        return None
    read: list[ReadRow] = []
    for joined in _tied(page, claim, problems):
        try:
            read.append(_read(page, claim, measure, joined))
        except (InputError, NotIdentified) as error:
            problems.add(str(error))
    with problems.collected():
        refuse_mixed_units([row.printed for row in read if row.source.kept], measure)
    pooled = _one_a_study(page, claim, read, problems)
    return ReadClaim(claim, measure, tuple(read), tuple(pooled))


def _tied(page: Page, claim: PageClaim, problems: Problems) -> list[tuple[TableRow, ...]]:
    """Rows of a claim, those that share a control together."""
    found: dict[tuple[str, ...], list[TableRow]] = {}
    for row in page.rows_of(claim):
        arm = row.cells.get("arm", "")
        try:
            left = is_left_out(row.cells, page.place(row))
        except InputError as error:
            problems.add(str(error))
            continue
        key = (row.study, arm) if arm and not left else (row.row_id,)
        found.setdefault(key, []).append(row)
    return [tuple(rows) for rows in found.values()]


def _read(page: Page, claim: PageClaim, measure: Measure, joined: tuple[TableRow, ...]) -> ReadRow:
    """One row, or several that share a control; numbers without a measure are in the claim's."""
    row = joined[0]
    cells: dict[str, Any] = {k: v for k, v in row.cells.items() if k in _READ}
    if len(joined) > 1:
        cells = {
            k: v
            for k, v in combined_arms([(page.place(r), dict(r.cells)) for r in joined]).items()
            if k in _READ
        }
    cells.setdefault("measure", claim.measure)
    prior = prior_of_row(page, row)
    cells |= {} if prior is None else {
        _PRIOR_COLUMNS[name]: value
        for name, value in prior.numbers.items() if name in _PRIOR_COLUMNS
    }  # fmt: skip
    printed = printed_row(cells, row.number, page.table.name)
    if not is_left_out(cells, printed.where):
        _refuse_mixed(printed, measure)
    source = row_source(printed, measure)
    if prior is not None and "mean" in prior.numbers and source.nodes is not None:
        source = _with_correlation(source, prior)
    effect = row_effect(printed, measure, source)
    space = row_space(printed, measure, source, effect, published_ids(row))
    return ReadRow(row, joined, printed, source, effect, space)


def prior_of_row(page: Page, row: TableRow) -> OpenPrior | None:
    """The prior that the page states for a row."""
    for name, prior in page.open.items():
        named = find_row(page.rows, name) if name != CORRELATION else None
        if named is not None and named.row_id == row.row_id:
            return prior
    return None


def _with_correlation(source: PrintedSource, prior: OpenPrior) -> PrintedSource:
    """A source whose own correlation has a prior of its own."""
    nodes, own = source.nodes, CorrelationPrior(prior.numbers["mean"], prior.numbers["sd"])
    assert nodes is not None
    return replace(source, nodes=lambda _: nodes(own), depends_on_correlation=False)


def _refuse_mixed(row: PrintedRow, measure: Measure) -> None:
    """Refuse a row of another measure than the claim's, unless the claim mixes it in."""
    own = one_measure(row.measure) if row.measure else measure.name
    if own in (measure.name, *measure.mixed):
        return
    both = measure.name in EVENT_RATIOS and own in EVENT_RATIOS
    mixing = f', or say mixing = ["{own}"] under the claim' if both else ""
    raise InputError(
        f"{row.where}, column measure: found {row.measure}, and the claim is of {measure.name}; "
        f"leave the row out (pool = 'no: reason'){mixing}"
    )


def published_ids(row: TableRow) -> tuple[str, ...]:
    """Ids of the printed cells of a row: of its effect, else of both sides."""
    if any(name in row.cells for name in ("estimate", "low", "high")):
        return (row.row_id,)
    sides = [name for name in ("first", "second") if name in row.cells]
    return tuple(f"{row.row_id}-{name}" for name in sides) or (row.row_id,)


def _one_a_study(
    page: Page, claim: PageClaim, read: list[ReadRow], problems: Problems
) -> list[ReadRow]:
    """What enters the pool, one entry a study; `read` is changed where a row then stands aside."""
    studies: dict[str, list[int]] = {}
    for place, row in enumerate(read):
        if row.source.kept:
            studies.setdefault(row.row.study, []).append(place)
    found = []
    for study, places in studies.items():
        rows = [read[i] for i in places]
        if len(rows) == 1:
            found.append(rows[0])
        elif claim.within_study == "":
            numbers = " and ".join(str(row.row.number) for row in rows)
            problems.add(
                f"{page.table.name}, rows {numbers} ({study}): several rows of one study in the "
                f"pool of {claim.claim_id}; sources must be independent: say within_study = "
                '"mean", "first" or a correlation under the claim, tie arms that share a control '
                "by the column arm, or leave all but one out (pool = 'no: reason')"
            )
        elif claim.within_study == "first":
            found.append(rows[0])
            for place in places[1:]:
                aside = replace(read[place].source, left_out=f"another row of {study} counts")
                read[place] = replace(read[place], source=aside, effect=None, space=None)
        else:
            r = _AS_ONE if claim.within_study == "mean" else float(claim.within_study)
            found.append(_averaged(rows, r))
    return found


def _averaged(rows: Sequence[ReadRow], r: float) -> ReadRow:
    """Several rows of the same people as one."""
    effects = [row.effect for row in rows if row.effect is not None]
    spaces = [row.space for row in rows if row.space is not None]
    whole = len(effects) == len(rows)
    return ReadRow(
        rows[0].row,
        tuple(one for row in rows for one in row.joined),
        rows[0].printed,
        averaged_source([row.source for row in rows], r),
        averaged_effect(effects, r) if whole else None,
        averaged_space(spaces, r) if len(spaces) == len(rows) else None,
    )


def people_of(row: ReadRow) -> float:
    """People of a row, as `row_people`; NaN of a row left out that prints no n."""
    if is_left_out(row.printed.cells, "") and not row.printed.n:
        return math.nan
    return row_people(row.printed)
