"""A table of crossover trials whose correlations were not printed: the pool over what is left open.

Each trial prints mean and standard deviation of both conditions; the error of their difference
needs the correlation between the two values of a person, which few papers print. A printed p
bounds it, and rounding moves all of it.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from retrostats.common.arrays import one_of, share, table_of
from retrostats.common.defaults import SEED
from retrostats.common.errors import InputError
from retrostats.common.nearest import suggestion
from retrostats.evidence.printed.pair import PrintedPair
from retrostats.evidence.printed.reported import Reported, r_bounds_from_p
from retrostats.evidence.unreported.exploration import Exploration, outermost
from retrostats.evidence.unreported.influence import quasi_random
from retrostats.evidence.unreported.pooled import pool_estimator, pool_unknowns
from retrostats.evidence.unreported.sources import Source, pair_source, with_known
from retrostats.evidence.unreported.starts import corners
from retrostats.evidence.unreported.unknowns import Space, Unknown
from retrostats.models.meta.batch import BATCH_METHODS, BATCH_TESTS

MEASURES = ("mean_difference", "log_ratio")
NEEDED = ("study", "n", "mean_1", "sd_1", "mean_2", "sd_2")
#: What "not significant" is read as.
ALPHA = "0.05"
_NOT_SIGNIFICANT = {"ns", "n.s.", "n.s", "not significant"}
_P = re.compile(r"(?:p\s*)?(<=|>=|[=<>≤≥])?\s*(\d*\.?\d+(?:e-?\d+)?)", re.IGNORECASE)


def pool_crossovers(
    table: Any,
    *,
    measure: str = "mean_difference",
    method: str = "reml",
    test: str = "knapp-hartung",
    level: float = 0.95,
    draws: int = 10_000,
    seed: int = SEED,
    jobs: int = 1,
) -> Exploration:
    """Pool crossover trials over every correlation and rounding that their printed numbers allow.

    Parameters
    ----------
    table : DataFrame
        One row a trial: study, n (people), mean_1, sd_1, mean_2, sd_2, and where they are known r
        (correlation between the two values of a person) and p (of the paired t-test). Numbers are
        taken as exact; printed text ("31.3") counts with its rounding. p is text as printed:
        "<0.05", "= 0.03", "> 0.1", "ns" (above 0.05). Where r is given, p adds nothing.
    measure : {"mean_difference", "log_ratio"}
        1 - 2, or log(1 / 2) with the variance of a correlated pair (Lajeunesse 2011, Ecology
        92:2049), as metafor's MC and ROMC.
    method : {"reml", "ml", "dl", "pm", "he", "common"}
        Estimator of the variance between trials.
    test : {"knapp-hartung", "knapp-hartung-adhoc", "kenward-roger", "t", "z"}
    level : float
        Of the interval whose outermost limits are searched.
    draws, seed, jobs
        As of `explore`.

    Returns
    -------
    Exploration
        In the unit of the means, or on the log scale: outermost limits, draws, influence. A single
        trial is its own t interval. Correlations run up to 0.99 either way.

    Raises
    ------
    InputError
        A missing column or number, a value that is not possible, two rows of one name, or printed
        numbers that contradict one another.

    Examples
    --------
    >>> import pandas as pd
    >>> trials = pd.DataFrame({
    ...     "study": ["A", "B", "C"], "n": [13, 10, 8],
    ...     "mean_1": ["31.3", "35.0", "29.8"], "sd_1": ["5.8", "4.1", "3.9"],
    ...     "mean_2": ["27.2", "28.9", "25.1"], "sd_2": ["2.5", "3.6", "3.0"],
    ...     "p": ["<0.05", "= 0.001", None]})
    >>> found = pool_crossovers(trials, measure="log_ratio", draws=100)
    >>> round(found.estimate, 2), found.influence["unknown"][0]
    (0.17, 'correlation between conditions (C)')
    """
    for name, value, allowed in (
        ("measure", measure, MEASURES), ("method", method, BATCH_METHODS),
        ("test", test, BATCH_TESTS),
    ):  # fmt: skip
        one_of(value, name, allowed)
    if test == "kenward-roger" and method != "reml":
        raise InputError("test='kenward-roger' is defined for method='reml'; use REML")
    share(level)
    sources = crossover_sources(table, log=measure == "log_ratio")
    for source in sources:
        _possible(source)
    # the effects are on the log scale already, and are left there
    pooled = pool_estimator(sources, log=False, method=method, test=test, level=level)
    return outermost(pooled, pool_unknowns(sources), draws=draws, seed=seed, jobs=jobs)


def crossover_sources(table: Any, *, log: bool = False) -> list[Source]:
    """Each trial of a table of `pool_crossovers` as a source."""
    return [_source(trial, log=log) for trial in _trials(table)]


class _Number(NamedTuple):
    """A number as text, and whether its rounding counts."""

    text: str
    printed: bool

    @property
    def value(self) -> float:
        return Reported(self.text).value


class _Trial(NamedTuple):
    name: str
    n: int
    numbers: dict[str, _Number]
    r: _Number | None
    p: _Number | None
    operator: str


def _trials(table: Any) -> list[_Trial]:
    frame = table_of(table, "pool_crossovers")
    missing = [name for name in NEEDED if name not in frame.columns]
    if missing:
        others = [c for c in map(str, frame.columns) if c not in NEEDED]
        named = ", ".join(f"{c}{suggestion(c, others)}" for c in missing)
        raise InputError(
            f"pool_crossovers: no column {named}; found "
            f"{', '.join(map(str, frame.columns)) or 'none'}; a table needs {', '.join(NEEDED)} "
            "and may have r and p"
        )
    if frame.empty:
        raise InputError("pool_crossovers: the table has no rows; give one row a trial")
    trials = [_trial(row, i) for i, row in enumerate(frame.to_dict("records"), start=1)]
    names = [trial.name for trial in trials]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            f"pool_crossovers: {', '.join(twice)} has several rows; trials must be independent. "
            "Keep one row a trial, or name different people differently"
        )
    return trials


def _trial(row: dict[Any, Any], number: int) -> _Trial:
    name = "" if _blank(row["study"]) else str(row["study"]).strip()
    where = f"pool_crossovers, row {number}" + (f" ({name})" if name else "")
    if not name:
        raise InputError(f"{where}: study is empty; name each trial")
    read = {key: _number(row[key], key, where) for key in NEEDED[1:]}
    n = read.pop("n").value
    if n != int(n) or n < 2:
        raise InputError(f"{where}: n is {row['n']!r}; allowed is a whole number of 2 or more")
    for key in ("sd_1", "sd_2"):
        if read[key].value <= 0:
            raise InputError(f"{where}: {key} is {row[key]!r}; allowed is above 0")
    r = None if _blank(row.get("r")) else _number(row["r"], "r", where)
    if r is not None and not -1 < r.value < 1:
        raise InputError(f"{where}: r is {row['r']!r}; allowed is between -1 and 1")
    p, operator = _p_value(row.get("p"), where)
    return _Trial(name, int(n), read, r, p, operator)


def _blank(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value)) or (isinstance(value, str) and not value.strip())


def _number(value: Any, column: str, where: str) -> _Number:
    if isinstance(value, str) and value.strip():
        try:
            return _Number(Reported(value.strip()).text, True)
        except InputError as error:
            raise InputError(f"{where}, {column}: {error}") from None
    try:
        exact = float("nan") if isinstance(value, bool | str) else float(value)
    except (TypeError, ValueError):
        exact = float("nan")
    if not math.isfinite(exact):
        raise InputError(
            f"{where}: {column} is {value!r}; give a finite number, or the number as printed"
        )
    return _Number(repr(exact), False)


def _p_value(value: Any, where: str) -> tuple[_Number | None, str]:
    """The p and what stands before it; "ns" is above 0.05."""
    if _blank(value):
        return None, ""
    text = str(value).strip()
    if text.lower() in _NOT_SIGNIFICANT:
        return _Number(ALPHA, False), ">"
    found = _P.fullmatch(text)
    if found is None or not 0 < float(found[2]) <= 1:
        raise InputError(
            f"{where}: p is {value!r}; allowed is above 0 and up to 1, as '<0.05', '= 0.03', "
            "'> 0.1', or 'ns'; leave it empty where none is printed"
        )
    operator = {"≤": "<", "<=": "<", "≥": ">", ">=": ">"}.get(found[1] or "=", found[1] or "=")
    # a threshold is not rounded
    return _Number(found[2], isinstance(value, str) and operator == "="), operator


def _source(trial: _Trial, *, log: bool) -> Source:
    """The trial as a printed pair, in which exact numbers leave nothing open."""
    numbers = [trial.numbers[key] for key in ("mean_1", "mean_2", "sd_1", "sd_2")]
    if log and any(_least(number) <= 0 for number in numbers[:2]):
        raise InputError(
            f"pool_crossovers ({trial.name}): a mean is not above 0 within its rounding, so it has "
            "no log ratio; use measure='mean_difference'"
        )
    texts = (numbers[0].text, numbers[1].text, numbers[2].text, numbers[3].text)
    pair = PrintedPair(
        study_id=trial.name,
        name=trial.name,
        n=trial.n,
        texts=texts,
        p_text=trial.p.text if trial.p and not trial.r else "",
        p_operator="" if trial.r else trial.operator,
        correlation=trial.r.value if trial.r and not trial.r.printed else None,
    )
    _agree(trial)
    source = pair_source(pair, log=log)
    keys = [u.name for u in source.unknowns[:4]]
    exact = {k: x.value for k, x in zip(keys, numbers, strict=True) if not x.printed}
    if pair.p_operator == "=" and trial.p and not trial.p.printed:
        exact[source.unknowns[4].name] = trial.p.value
    source = with_known(source, exact)
    if trial.r is None:
        return source if pair.p_operator and len(source.unknowns) > 1 else _with_fixed_range(source)
    if not trial.r.printed:
        return source
    (name,) = source.correlations
    low, high = Reported(trial.r.text).interval
    rounded = Unknown(name, max(low, -1.0), min(high, 1.0), "rounding of the printed correlation")
    others = tuple(u for u in source.unknowns if u.name != name)
    return replace(source, unknowns=(*others, rounded))


def _with_fixed_range(source: Source) -> Source:
    """The source with the range of its correlation worked out once, as nothing else moves it.

    A range that is empty stays as it is: `_possible` names the trial.
    """
    reference = Space.of(source.unknowns)
    others = reference.values(reference.reference_point)
    r = source.unknowns[-1]
    if not isinstance(r, Unknown) or r.ends_known:
        return source
    low, high = (float(end(others)[0]) if callable(end) else end for end in (r.low, r.high))
    fixed = replace(r, low=low, high=high) if low <= high else r
    return replace(source, unknowns=(*source.unknowns[:-1], fixed))


def _agree(trial: _Trial) -> None:
    """Refuse a printed r that the printed p of the same trial excludes."""
    if trial.r is None or trial.p is None:
        return
    r = Reported(trial.r.text).interval if trial.r.printed else (trial.r.value, trial.r.value)
    box = {k: _ends(x) for k, x in trial.numbers.items()}
    (a, b), (c, d) = box["mean_1"], box["mean_2"]
    diff = (max(0.0, a - d, c - b), max(abs(b - c), abs(d - a)))
    p = Reported(trial.p.text) if trial.p.printed else trial.p.value
    sds = [Reported(x.text) if x.printed else x.value
           for x in (trial.numbers["sd_1"], trial.numbers["sd_2"])]  # fmt: skip
    low, high = r_bounds_from_p(sds[0], sds[1], trial.n, diff, p, trial.operator)
    if r[1] < low or r[0] > high:
        raise InputError(
            f"pool_crossovers ({trial.name}): r {trial.r.text} contradicts p {trial.operator} "
            f"{trial.p.text}, which needs a correlation from {low:.3g} to {high:.3g}; correct or "
            "leave out one of them"
        )


def _ends(number: _Number) -> tuple[float, float]:
    return Reported(number.text).interval if number.printed else (number.value, number.value)


def _least(number: _Number) -> float:
    return Reported(number.text).interval[0] if number.printed else number.value


def _possible(source: Source) -> None:
    """Refuse a trial whose own numbers contradict one another, naming it."""
    space = Space.of(source.unknowns)
    points = np.vstack(
        [space.reference_point, quasi_random(space.size, 64, 0), corners(space.size, {})]
    )
    effects = source.effects(space.values(points))
    if not (np.isfinite(effects.variance) & (effects.variance > 0)).any():
        raise InputError(
            f"pool_crossovers ({source.name}): no correlation between -0.99 and 0.99 gives the "
            "printed p with these means and standard deviations; check whether the spreads are "
            "standard errors and whether p belongs to this comparison"
        )
