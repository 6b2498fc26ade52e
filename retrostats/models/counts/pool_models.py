"""The likelihoods of a pool of counts: which family, fixed and random effects each model means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from retrostats.common.arrays import one_of, table_column, table_of
from retrostats.common.errors import InputError, NotIdentified
from retrostats.common.nearest import suggestion
from retrostats.models.counts.family import Array, Binomial, Family, Poisson
from retrostats.models.counts.hypergeometric import NoncentralHypergeometric
from retrostats.models.counts.model import Model
from retrostats.models.counts.random_effects import RandomPart
from retrostats.models.counts.study_levels import StudyLevels

TWO_ARMS = ("rate_ratio", "odds_ratio")
ONE_GROUP = ("rate", "proportion")
_LARGEST = 1_000_000
DESIGN_EFFECT = "design_effect"
MODELS = ("fixed-study", "random-study", "conditional", "conditional-approximate")


@dataclass(frozen=True, slots=True)
class Counts:
    """Events and totals (k,) of one or two arms; `events_2` is None for single groups."""

    study: tuple[str, ...]
    events_1: Array
    total_1: Array
    events_2: Array | None
    total_2: Array | None

    @property
    def events(self) -> tuple[int, ...]:
        """Events an arm, over all studies."""
        arms = [self.events_1] if self.events_2 is None else [self.events_1, self.events_2]
        return tuple(int(arm.sum()) for arm in arms)


def read_counts(table: Any, measure: str) -> Counts:
    """Columns of a table, checked.

    Raises
    ------
    InputError
        A column that is missing, counts that are not whole or negative, totals not above 0, more
        events than people.
    NotIdentified
        No events in any arm, or nothing but events.
    """
    frame = table_of(table, "pool_counts")
    one_of(measure, "measure", (*TWO_ARMS, *ONE_GROUP))
    two = measure in TWO_ARMS
    people = measure in ("odds_ratio", "proportion")
    if frame.empty:
        raise InputError("pool_counts: the table has no rows; give one a study")
    names = [str(s) for s in frame["study"]] if "study" in frame else []
    study = tuple(names or [str(i + 1) for i in range(len(frame))])
    arms: list[Array] = []
    for suffix in ("_1", "_2") if two else ("",):
        events = _column(frame, f"events{suffix}", study, whole=True)
        total = _column(frame, f"total{suffix}", study, whole=people)
        _refuse(~(total > 0), total, f"total{suffix}", study, "above 0")
        if people:
            _refuse(events > total, events, f"events{suffix}", study, "at most the total")
        arms += [events, total]
    second = (arms[2], arms[3]) if two else (None, None)
    counts = Counts(study, arms[0], arms[1], *second)
    if two and (not any(counts.events) or (people and _all_events(counts))):
        raise NotIdentified(
            f"pool_counts: {'nothing but' if any(counts.events) else 'no'} events in both arms of "
            "every study; no ratio can be seen. Pool one arm with measure='rate' or 'proportion'"
        )
    return counts


def effective(counts: Counts, table: Any, measure: str, model: str) -> Counts:
    """Events and totals divided by each study's design effect, where the table has that column.

    What clusters tell as much as so many independent people do (Rao and Scott 1992).

    Raises
    ------
    InputError
        A design effect that is not a number above 0, or a model whose counts must be whole.
    """
    frame = table_of(table, "pool_counts")
    if DESIGN_EFFECT not in frame:
        return counts
    if measure == "odds_ratio" and model == "conditional":
        raise InputError(
            f"pool_counts: column {DESIGN_EFFECT!r} makes counts that are not whole, which "
            "model='conditional' cannot take for odds; use 'fixed-study'"
        )
    by = _column(frame, DESIGN_EFFECT, counts.study, whole=False)
    _refuse(~(by > 0), by, DESIGN_EFFECT, counts.study, "above 0")
    second = (
        (None, None)
        if counts.events_2 is None or counts.total_2 is None
        else (counts.events_2 / by, counts.total_2 / by)
    )
    return Counts(counts.study, counts.events_1 / by, counts.total_1 / by, *second)


def _all_events(counts: Counts) -> bool:
    full = bool((counts.events_1 == counts.total_1).all())
    return full and (counts.events_2 is None or bool((counts.events_2 == counts.total_2).all()))


def _column(frame: Any, name: str, study: tuple[str, ...], *, whole: bool) -> Array:
    if name not in frame:
        found = ", ".join(map(str, frame.columns[:20]))
        others = [c for c in map(str, frame.columns) if not c.startswith(("events", "total"))]
        raise InputError(
            f"pool_counts: no column {name!r}{suggestion(name, others)}; the "
            f"table has: {found}. Two arms need events_1, "
            "total_1, events_2, total_2; one group needs events, total"
        )
    values = table_column(frame, name, "pool_counts")
    _refuse(~np.isfinite(values), values, name, study, "a finite number")
    _refuse(values < 0, values, name, study, "not negative")
    if whole:
        _refuse(values != np.round(values), values, name, study, "a whole number")
    return np.asarray(values, dtype=float)


def _refuse(
    bad: np.ndarray[Any, Any], values: Array, name: str, study: tuple[str, ...], allowed: str
) -> None:
    if bad.any():
        i = int(np.argmax(bad))
        raise InputError(
            f"pool_counts: column {name!r}, study {study[i]!r}: found {values[i]:g}; it must be "
            f"{allowed}. Correct it or leave the study out"
        )


def build(counts: Counts, measure: str, model: str, nodes: int) -> Model:
    """Model whose first fixed effect is the pooled one, with the treatment (or level) random."""
    if counts.events_2 is None:
        k = len(counts.study)
        family = _arm(measure, counts.events_1, counts.total_1)
        offset = np.log(counts.total_1) if measure == "rate" else np.zeros(k)
        return Model(family, np.ones((k, 1)), offset, _random(np.ones(k), np.arange(k)), nodes)
    if model.startswith("conditional"):
        family, offset = conditional(counts, measure, model)
        k = len(counts.study)
        parts = _random(np.ones(k), np.arange(k))
        return Model(family, np.ones((k, 1)), offset, parts, nodes)
    return _unconditional(counts, measure, model, nodes)


def _unconditional(counts: Counts, measure: str, model: str, nodes: int) -> Model:
    """Both arms as rows; the treatment effect random with coding -1/2, 1/2."""
    assert counts.events_2 is not None
    assert counts.total_2 is not None
    events = np.concatenate([counts.events_1, counts.events_2])
    total = np.concatenate([counts.total_1, counts.total_2])
    k = len(counts.study)
    study = np.tile(np.arange(k), 2)
    arm = np.repeat([1.0, 0.0], k)
    offset = np.log(total) if measure == "rate_ratio" else np.zeros(2 * k)
    parts = _random(arm - 0.5, study)
    if model == "random-study":
        x = np.column_stack([arm, np.ones(2 * k)])
        parts = (*parts, *(_random(np.ones(2 * k), study)))
        return Model(_arm(measure, events, total), x, offset, parts, nodes)
    family = _arm(measure, events, total)
    return StudyLevels(family, arm[:, None], offset, parts, nodes, levels=study)


def informative(counts: Counts, measure: str) -> Counts:
    """The studies with events in an arm, and not of nothing but events; all single groups."""
    if counts.events_2 is None or counts.total_2 is None:
        return counts
    m = counts.events_1 + counts.events_2
    rows = m > 0
    if measure == "odds_ratio":
        rows &= m < counts.total_1 + counts.total_2
    return Counts(
        tuple(s for s, r in zip(counts.study, rows, strict=True) if r),
        counts.events_1[rows], counts.total_1[rows], counts.events_2[rows], counts.total_2[rows],
    )  # fmt: skip


def own_effects(counts: Counts, measure: str) -> tuple[Array, Array]:
    """Each study's own effect on the model's scale and its variance, (k,) each.

    1/2 is added to every cell of a study with an empty one (Haldane-Anscombe), for its own picture
    only: the pooled likelihoods need no such addition.
    """
    people = measure in ("odds_ratio", "proportion")
    arms = [(counts.events_1, counts.total_1)]
    if counts.events_2 is not None and counts.total_2 is not None:
        arms.append((counts.events_2, counts.total_2))
    cells = [cell for e, n in arms for cell in ((e, n - e) if people else (e,))]
    add = np.where(np.min(cells, axis=0) == 0, 0.5, 0.0)
    logs = [np.log(e + add) - np.log(n - e + add if people else n) for e, n in arms]
    effect = logs[0] - logs[1] if len(logs) > 1 else logs[0]
    return np.asarray(effect), np.asarray(sum(1 / (cell + add) for cell in cells))


def conditional(counts: Counts, measure: str, model: str = "conditional") -> tuple[Family, Array]:
    """Events of arm 1 given each study's margins: family and offset."""
    assert counts.events_2 is not None
    assert counts.total_2 is not None
    y, m = counts.events_1, counts.events_1 + counts.events_2
    n1, n2 = counts.total_1, counts.total_2
    if measure == "odds_ratio" and model == "conditional":
        if float(np.minimum(n1, m).sum()) > _LARGEST:
            raise InputError(
                f"pool_counts: model='conditional' with {m.max():g} events in a study is more than "
                "memory holds; 'fixed-study' gives the same with so many events"
            )
        return NoncentralHypergeometric(y, n1, n2, m), np.zeros(len(y))
    return Binomial(y, m), np.log(n1 / n2)


def _arm(measure: str, events: Array, total: Array) -> Family:
    if measure in ("rate", "rate_ratio"):
        return Poisson(events)
    return Binomial(events, total)


def _random(values: Array, study: Any) -> tuple[RandomPart, ...]:
    """The random term, unless a single study leaves nothing to vary."""
    k = int(study.max()) + 1 if len(study) else 0
    if k < 2:
        return ()
    return (RandomPart("study", ("effect",), values[:, None], study, k),)


def exact_limit(
    family: Family, offset: Array, sign: float, tail: float, solve: Callable[..., float]
) -> float:
    """Effect at which counts as extreme as these have chance `tail`, the effect common to all.

    The sufficient statistic is at its edge, so the chance is the likelihood itself (Clopper and
    Pearson 1934, Biometrika 26:404; Garwood 1936, Biometrika 28:437).
    """

    def excess(c: float) -> float:
        return float(np.log(tail) - family.loglik(offset + c).sum())

    centre = -float(np.median(offset))
    inner = outer = centre
    step = 1.0
    while excess(inner) > 0:
        inner += sign * step
        step *= 2
    step = 1.0
    while excess(outer) < 0:
        outer -= sign * step
        step *= 2
    return solve(excess, inner, outer, 1e-10)
