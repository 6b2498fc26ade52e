"""Explore every measure of an analysis, and show each over what was not printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from retrostats.common.second_process import shared
from retrostats.evidence.result.findings import EstimateRow, Findings, Measure
from retrostats.evidence.unreported.exploration import Exploration, outermost
from retrostats.evidence.unreported.pooled import COUNTED

if TYPE_CHECKING:
    import pandas as pd

#: Level whose outermost limits are searched; those at 90% when they are first read, if ever.
LIMITS = 0.95
#: Unknowns, of all explorations together, below which a second process is not worth its start.
MUCH = 24
#: Most unknowns that the range of a row names.
NAMED = 2
#: What the range of a row names where nothing else is open.
ROUNDING = "rounding of printed numbers"


@dataclass(frozen=True, slots=True, eq=False)
class Explored:
    """A measure with its explorations at 95% and, where a claim needs it, at 90%."""

    measure: Measure
    at95: Exploration
    at90: Exploration


@dataclass(frozen=True, slots=True)
class Options:
    """How much is drawn, from which seed, and who evaluates it."""

    draws: int
    seed: int
    jobs: int = 1
    scheduler: str | None = None


def explore_measures(measures: Sequence[Measure], options: Options) -> list[Explored]:
    """Explorations of every measure; measures of one function and its unknowns share them.

    Only a claim needs the interval at 90%: a measure without one is given that at 95% twice,
    whatever stands beside it.
    """
    done: dict[tuple[Any, ...], Exploration] = {}

    def at(measure: Measure, level: float) -> Exploration:
        key = (level, id(measure.estimator), *map(id, measure.unknowns))
        if key not in done:
            done[key] = _explore(measure, level, options)
        return done[key]

    explored = [Explored(m, at(m, LIMITS), at(m, 0.90 if m.claim_id else LIMITS)) for m in measures]
    _search([found for (level, *_), found in done.items() if level == LIMITS])
    return explored


def _search(explorations: Sequence[Exploration]) -> None:
    """Search every exploration, those of most unknowns first; in two processes if it is much."""
    order = sorted(explorations, key=lambda each: -each.space.size)
    if sum(each.space.size for each in order) < MUCH:
        for each in order:
            each.search_now()
        return
    with shared([each.found for each in order]) as both:
        both.start()
        for each, found in zip(order, both.results(), strict=True):
            each.keep(found)


def _explore(measure: Measure, level: float, options: Options) -> Exploration:
    return outermost(
        measure.estimator(level),
        measure.unknowns,
        draws=options.draws,
        seed=options.seed,
        jobs=options.jobs,
        scheduler=options.scheduler,
        search=False,
    )


def in_one_unit(measure: Measure) -> Measure:
    """The measure with the choice that decides its unit at its main option."""

    def fixed(unknowns: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(u.main if u.name == measure.unit_choice else u for u in unknowns)

    sources = tuple(replace(s, unknowns=fixed(s.unknowns)) for s in measure.sources)
    return replace(measure, unknowns=fixed(measure.unknowns), sources=sources)


def with_ranges(findings: Findings, explored: Sequence[Explored]) -> Findings:
    """The same findings with the outermost limits of every row that was explored."""
    by_id = {e.measure.estimate_id: e.at95 for e in explored if e.at95.space.size}
    rows = tuple(
        _over(row, by_id[row.estimate_id]) if row.estimate_id in by_id else row
        for row in findings.estimates
    )
    return replace(findings, estimates=rows)


def _over(row: EstimateRow, explored: Exploration) -> EstimateRow:
    if all(getattr(unknown, "cell", "") for unknown in explored.space.unknowns):
        return row.over(explored.conf_low, explored.conf_high, ROUNDING)
    names = list(explored.space.names)
    rest = len(names) - NAMED
    named = [str(name) for name in explored.influence["unknown"][:NAMED]]
    text = "; ".join([*named, f"{rest} more"] if rest > 0 else named)
    return row.over(explored.conf_low, explored.conf_high, text)


def sensitivity_frame(
    explored: Sequence[Explored], rows: Mapping[str, EstimateRow]
) -> pd.DataFrame:
    """One row a value of every followed unknown, all others at their middle.

    `used` marks the value that the row itself has; `n` the people of the sources that count there.
    """
    import pandas as pd

    columns = [
        "estimate_id", "label", "claim_id", "unknown", "unknown_value", "unknown_text",
        "estimate", "conf_low", "conf_high", "scale", "unit", "n", "used",
    ]  # fmt: skip
    records = []
    for entry in explored:
        measure, row = entry.measure, rows.get(entry.measure.estimate_id)
        if row is None:
            continue
        claim = measure.claim_id or row.claim_id
        for name in measure.follow:
            used = entry.at95.space.describe(entry.at95.space.reference_point)[name]
            people = _people_by_option(measure) if name == COUNTED else {}
            for at in entry.at95.along(name).itertuples(index=False):
                value, estimate, low, high = at
                number = float("nan") if isinstance(value, str) else float(value)
                text = value if isinstance(value, str) else f"{value:.2f}"
                records.append(
                    (measure.estimate_id, row.label, claim, name, number, text, estimate, low,
                     high, row.scale, measure.unit or row.unit, people.get(text, row.n),
                     value == used)
                )  # fmt: skip
    return pd.DataFrame(records, columns=columns)


def _people_by_option(measure: Measure) -> dict[str, float]:
    """People of the sources that each option of the choice among them counts."""
    (choice,) = (u for u in measure.unknowns if u.name == COUNTED)
    n = [source.n for source in measure.sources]
    return {
        label: float(sum(people for people, counts in zip(n, mask, strict=True) if counts))
        for label, mask in choice.options.items()
    }


def explorations_frame(explored: Sequence[Explored]) -> pd.DataFrame:
    """One row a measure: outermost limits, how they were found, and how many draws there were."""
    import pandas as pd

    columns = ["estimate_id", "claim_id", "measure", "estimate", "conf_low", "conf_high",
               "unknowns", "draws", "impossible", "agreeing_low", "agreeing_high"]  # fmt: skip
    return pd.DataFrame(
        [
            {
                "estimate_id": e.measure.estimate_id,
                "claim_id": e.measure.claim_id,
                "measure": e.measure.name,
                "estimate": e.at95.estimate,
                "conf_low": e.at95.conf_low,
                "conf_high": e.at95.conf_high,
                "unknowns": e.at95.space.size,
                "draws": len(e.at95.draws),
                "impossible": e.at95.impossible,
                "agreeing_low": e.at95.low.agreeing / e.at95.low.starts,
                "agreeing_high": e.at95.high.agreeing / e.at95.high.starts,
            }
            for e in explored
        ],
        columns=columns,
    )


def unknowns_frame(explored: Sequence[Explored]) -> pd.DataFrame:
    """One row an unknown of a measure: its reach alone, its shares of variance, why it is open."""
    import pandas as pd

    columns = ["estimate_id", "claim_id", "unknown", "first_order", "total", "low", "high",
               "why", "source", "cell"]  # fmt: skip
    found: dict[str, list[Any]] = {name: [] for name in columns}
    for entry in explored:
        space = {u.name: u for u in entry.at95.space.unknowns}
        table = entry.at95.influence
        unknowns = [space[name] for name in table["unknown"]]
        found["estimate_id"] += [entry.measure.estimate_id] * len(table)
        found["claim_id"] += [entry.measure.claim_id] * len(table)
        for name in ("unknown", "first_order", "total", "low", "high"):
            found[name] += table[name].tolist()
        for name in ("why", "source", "cell"):
            found[name] += [getattr(unknown, name, "") for unknown in unknowns]
    return pd.DataFrame(found, columns=columns)
