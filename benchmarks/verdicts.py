"""How often each verdict comes out at known truths: printed tables, explored and judged.

Every world is a few crossover trials of 4 to 26 people, printed as papers print them: means and SDs
with two decimals, a rounded p or a threshold, never the correlation. Truth is known; several claims
with the truth at different places are judged on the same exploration.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from retrostats.errors import InputError
from retrostats.judge.claims import Claim
from retrostats.judge.verdict import Evidence, judge
from retrostats.reduce.pair import PrintedPair
from retrostats.unprinted.exploration import explore
from retrostats.unprinted.pooled import method_choice, pool_estimator, pool_unknowns
from retrostats.unprinted.sources import CORRELATION, Source, pair_source
from retrostats.unprinted.unknowns import Choice, Unknown

NAN = float("nan")
STUDIES, TAUS, TRUTHS = (2, 3, 4, 6), (0.0, 0.05, 0.15), (1.0, 1.3)
FEWEST, MOST = 4, 26
#: Half the width of the claimed range on the log scale, as that of 25 to 35% about 30%.
HALF = 0.0385
#: The claimed range as multiples of the truth, by where the truth then lies.
RANGES = {
    "in the middle": (np.exp(-HALF), np.exp(HALF)),
    "in the middle of a range four times as wide": (np.exp(-4 * HALF), np.exp(4 * HALF)),
    "at an end": (1.0, np.exp(2 * HALF)),
    "outside, by half a width": (np.exp(HALF), np.exp(3 * HALF)),
    "outside, by four widths": (np.exp(8 * HALF), np.exp(10 * HALF)),
    "above the end of an open range": (np.exp(-4 * HALF), NAN),
    "at the end of an open range": (1.0, NAN),
}
#: The null value of a claimed direction, as a multiple of the truth.
DIRECTIONS = {"direction: at no difference": 1.0, "direction: 30% above no difference": 1 / 1.3}
LABELS = ("supported", "compatible", "undecided", "contradicted", "refused")
DRAWS = 128
#: A larger p is not printed as a number: with it the rounding of the means would matter, which
#: stands still here to save time.
SHOWN = 0.2
CLAIM = Claim("c", "", "", "core", "", "", "", "ratio", "ratio", 1.0, "above", NAN, NAN, "", "")


def printed_world(
    rng: np.random.Generator, studies: int, tau: float, truth: float
) -> list[PrintedPair]:
    """Trials as printed: the mean log ratio of each lies tau about that of the truth."""
    return [_printed(rng, f"trial {i}", np.log(truth) + tau * rng.normal()) for i in range(studies)]


def _printed(rng: np.random.Generator, name: str, effect: float) -> PrintedPair:
    from scipy.stats import ttest_rel

    n = int(rng.integers(FEWEST, MOST + 1))
    mean, cv, r = 27 + 2 * rng.normal(), rng.uniform(0.10, 0.20), rng.uniform(0.3, 0.95)
    spread = np.array([np.exp(effect) * rng.uniform(0.8, 1.25), 1.0]) * mean * cv
    covariance = np.outer(spread, spread) * np.array([[1, r], [r, 1]])
    people = rng.multivariate_normal([mean * np.exp(effect), mean], covariance, n)
    p = float(ttest_rel(people[:, 0], people[:, 1]).pvalue)
    numbers = (*people.mean(axis=0), *people.std(axis=0, ddof=1))
    first, second, third, fourth = (f"{x:.2f}" for x in numbers)
    text, operator = _printed_p(rng, p)
    return PrintedPair(name, name, n, (first, second, third, fourth), "SD", text, operator)


def _printed_p(rng: np.random.Generator, p: float) -> tuple[str, str]:
    """Three decimals where small, else a threshold or (not significant) nothing, at random."""
    if p < SHOWN and rng.random() < 0.5:
        return (f"{p:.3f}", "=") if p >= 0.0005 else ("0.001", "<")
    if p < 0.05:
        return ("0.01" if p < 0.01 else "0.05"), "<"
    return ("0.05", ">") if rng.random() < 0.5 else ("", "")


def source_of(pair: PrintedPair) -> Source:
    """The path's own source; the rounding of means and SDs, 0.02% of them, stands still."""
    source = pair_source(pair)
    moving = tuple(u for u in source.unknowns if u.name.startswith((CORRELATION, "p (")))
    still = {u.name: u for u in source.unknowns if u not in moving and isinstance(u, Unknown)}
    fixed = {name: np.array([(u.low + u.high) / 2]) for name, u in still.items()}  # type: ignore[operator]

    def over(limit):
        return (lambda v: limit({**fixed, **v})) if callable(limit) else limit

    unknowns = tuple(
        u if isinstance(u, Choice) else replace(u, low=over(u.low), high=over(u.high))
        for u in moving
    )
    return replace(source, unknowns=unknowns, effects=lambda v: source.effects({**fixed, **v}))


def evidence_of(pairs: Sequence[PrintedPair], sources: Sequence[Source] | None = None) -> Evidence:
    """Both explorations of the pool of a world."""
    found = [source_of(pair) for pair in pairs] if sources is None else sources
    unknowns = pool_unknowns(found, [method_choice()])
    wide, narrow = (
        explore(
            pool_estimator(found, test="knapp-hartung", level=level), unknowns, draws=DRAWS, seed=1
        )
        for level in (0.95, 0.90)
    )
    return Evidence("pool", wide, narrow)


def labels_in(pairs: Sequence[PrintedPair], truth: float) -> dict[str, str]:
    """Label of every claim about the truth, by where the truth lies.

    "refused" where the path stops: a printed p that needs a correlation above 0.99, as four people
    may have.
    """
    try:
        evidence = evidence_of(pairs)
    except InputError:
        return dict.fromkeys([*RANGES, *DIRECTIONS], "refused")
    found = {}
    for where, (low, high) in RANGES.items():
        claim = replace(CLAIM, range_low=truth * low, range_high=truth * high)
        found[where] = judge(claim, [evidence]).size.label
    for where, factor in DIRECTIONS.items():
        claim = replace(CLAIM, null_value=truth * factor)
        found[where] = judge(claim, [evidence]).direction.label
    return found


def cell(
    studies: int, tau: float, truth: float, worlds: int, seed: int
) -> Iterator[dict[str, object]]:
    """Share of worlds with each label, a row a place of the truth."""
    rng = np.random.default_rng([seed, studies, round(100 * tau), round(100 * truth)])
    found = pd.DataFrame(
        [labels_in(printed_world(rng, studies, tau, truth), truth) for _ in range(worlds)]
    )
    for where in found:
        shares = {label: float((found[where] == label).mean()) for label in LABELS}
        yield {"studies": studies, "tau": tau, "truth": truth, "where": where, **shares,
               "worlds": worlds}  # fmt: skip


def _rows(key: tuple[int, float, float], worlds: int, seed: int) -> list[dict[str, object]]:
    return list(cell(*key, worlds, seed))


def rates(worlds: int, seed: int = 1, jobs: int = 1) -> pd.DataFrame:
    """Every cell: studies, tau, truth, where the truth lies, share of each label.

    The seed of a cell is its own, so that neither the number of workers nor the order matters.
    """
    keys = [(k, tau, truth) for k in STUDIES for tau in TAUS for truth in TRUTHS]
    one = partial(_rows, worlds=worlds, seed=seed)
    if jobs == 1:
        parts = list(map(one, keys))
    else:
        with ProcessPoolExecutor(jobs) as pool:
            parts = list(pool.map(one, keys))
    return pd.DataFrame([row for part in parts for row in part])


def summed(table: pd.DataFrame) -> pd.DataFrame:
    """Percent of worlds by label, over tau and truth, a row a place and number of studies."""
    shares = table.groupby(["where", "studies"], sort=False)[list(LABELS)].mean() * 100
    worst = table.groupby(["where", "studies"], sort=False)[list(LABELS)].max() * 100
    frame = shares.round(1).assign(
        most_supported=worst["supported"].round(1), most_contradicted=worst["contradicted"].round(1)
    )
    return frame.reset_index()


def markdown(frame: pd.DataFrame) -> str:
    """The table of docs/calibration.md."""
    heads = ["the truth lies", "k", *LABELS, "supported, worst cell", "contradicted, worst cell"]
    lines = [f"| {' | '.join(heads)} |", f"|---|{'--:|' * (len(heads) - 1)}"]
    lines += [f"| {' | '.join(str(x) for x in row)} |" for row in frame.itertuples(index=False)]
    return "\n".join(lines)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    start = time.time()
    table = rates(count, jobs=int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    table.to_csv("tests/reference/verdict_rates.csv", index=False, float_format="%.6g")
    print(markdown(summed(table)))
    print(f"\n{count} worlds a cell, {len(table)} cells, {time.time() - start:.0f} s")
