"""How often each verdict comes out at known truths, and how often the intervals hold the truth.

    python -m benchmarks.verdicts [WORLDS A CELL] [WORKERS]

Every world is a few crossover trials of 4 to 26 people, printed as papers print them: means and SDs
with two decimals, a rounded p or a threshold, never the correlation. Truth is known; several claims
with the truth at different places are judged on the same exploration, in which every rounding and
every correlation moves. It rewrites the pinned tables and both tables of docs/calibration.md.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from benchmarks.worlds import LEVELS, Limits, Worlds, explored, log_effects, pooled
from retrostats.audit.claims import Claim
from retrostats.audit.verdict import (
    COMPATIBLE_SHARE,
    Evidence,
    Side,
    claimed_range,
    label_of,
    labels,
)
from retrostats.common.errors import InputError
from retrostats.evidence.printed.pair import PrintedPair
from retrostats.evidence.unreported.exploration import explore
from retrostats.evidence.unreported.pooled import TEST, method_choice, pool_estimator, pool_unknowns
from retrostats.evidence.unreported.sources import pair_source

NAN = float("nan")
STUDIES, TAUS, TRUTHS = (2, 3, 4, 5, 6), (0.0, 0.05, 0.15), (1.0, 1.3)
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
LABELS = ("supported", "compatible", "open", "contradicted", "refused")
#: Intervals whose coverage is counted: over everything hidden, at the middle, at each trial's own
#: correlation.
INTERVALS = ("outermost limits", "all at its middle", "correlations known")
TESTS = (TEST, "knapp-hartung")
CLAIM = Claim("c", "", "", "core", "", "", "", "ratio", "ratio", 1.0, "above", NAN, NAN, "", "")
PAGE = Path("docs/calibration.md")
REFERENCE = {"verdicts": Path("tests/reference/verdict_rates.csv"),
          "coverage": Path("tests/reference/hidden_coverage.csv")}  # fmt: skip


def printed_world(
    rng: np.random.Generator, studies: int, tau: float, truth: float
) -> list[PrintedPair]:
    """Trials as printed: the mean log ratio of each lies tau about that of the truth."""
    return [pair for pair, _ in whole_world(rng, studies, tau, truth)]


def whole_world(
    rng: np.random.Generator, studies: int, tau: float, truth: float
) -> list[tuple[PrintedPair, float]]:
    """Trials as printed, each with the correlation that was not."""
    return [_trial(rng, f"trial {i}", np.log(truth) + tau * rng.normal()) for i in range(studies)]


def _trial(rng: np.random.Generator, name: str, effect: float) -> tuple[PrintedPair, float]:
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
    pair = PrintedPair(name, name, n, (first, second, third, fourth), "SD", text, operator)
    return pair, float(np.corrcoef(people.T)[0, 1])


def _printed_p(rng: np.random.Generator, p: float) -> tuple[str, str]:
    """An exact one of three decimals, or a threshold, or (not significant) nothing, at random."""
    if rng.random() < 0.5:
        return (f"{min(p, 0.999):.3f}", "=") if p >= 0.0005 else ("0.001", "<")
    if p < 0.05:
        return ("0.01" if p < 0.01 else "0.05"), "<"
    return ("0.05", ">") if rng.random() < 0.5 else ("", "")


def evidence_of(pairs: Sequence[PrintedPair], draws: int = 128) -> Evidence:
    """Both explorations of the pool of a world, by the path itself."""
    found = [pair_source(pair) for pair in pairs]
    unknowns = pool_unknowns(found, [method_choice()])
    wide, narrow = (
        explore(pool_estimator(found, level=level), unknowns, draws=draws, seed=1)
        for level in (0.95, 0.90)
    )
    return Evidence("pool", wide, narrow)


def judged_by_the_path(pairs: Sequence[PrintedPair], truth: float) -> dict[str, str]:
    """Label of every claim about the truth by the path itself; it takes a second a world.

    "refused" where it stops: a printed p that needs a correlation above 0.99.
    """
    try:
        evidence = evidence_of(pairs)
    except InputError:
        return dict.fromkeys([*RANGES, *DIRECTIONS], "refused")
    return {
        where: _label(evidence, claim, "size" if where in RANGES else "direction")
        for where, claim in claims_about(truth).items()
    }


def _label(evidence: Evidence, claim: Claim, side: Side) -> str:
    """The label that holds at the outermost limits; compatible by the share of the draws."""
    found = label_of(evidence, claim, side)
    if side == "direction" or found != "open":
        return found
    low, high = claimed_range(claim)
    inside = evidence.at95.share(lambda estimate, *_: (estimate >= low) & (estimate <= high))
    return "compatible" if inside >= COMPATIBLE_SHARE else found


def claims_about(truth: float) -> dict[str, Claim]:
    """Every claim, by where the truth lies."""
    sizes = {
        where: replace(CLAIM, range_low=truth * low, range_high=truth * high)
        for where, (low, high) in RANGES.items()
    }
    directions = {
        where: replace(CLAIM, null_value=truth * factor) for where, factor in DIRECTIONS.items()
    }
    return {**sizes, **directions}


def labels_in(found: Limits, truth: float) -> pd.DataFrame:
    """Label of every claim about the truth in every world, by the rules of the path."""
    low, high = np.exp(found.low), np.exp(found.high)
    refused = np.isnan(low).any(axis=1) | np.isnan(high).any(axis=1)
    estimates = np.exp(found.estimates)
    drawn = np.maximum(np.isfinite(estimates).sum(axis=1), 1)
    table = {}
    for where, claim in claims_about(truth).items():
        side = "size" if where in RANGES else "direction"
        with np.errstate(invalid="ignore"):
            labelled = labels(claim, side, low[:, 0], high[:, 0], low[:, 1], high[:, 1])  # type: ignore[arg-type]
            start, stop = claimed_range(claim)
            share = ((estimates >= start) & (estimates <= stop)).sum(axis=1) / drawn
        if side == "size":
            near = (labelled == "open") & (share >= COMPATIBLE_SHARE)
            labelled = np.where(near, "compatible", labelled)
        table[where] = np.where(refused, "refused", labelled)
    return pd.DataFrame(table)


def cell(
    studies: int, tau: float, truth: float, worlds: int, seed: int
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Share of worlds with each label, a row a place of the truth; coverage, a row an interval."""
    rng = np.random.default_rng([seed, studies, round(100 * tau), round(100 * truth)])
    made = [whole_world(rng, studies, tau, truth) for _ in range(worlds)]
    printed = Worlds.of([[pair for pair, _ in world] for world in made])
    hidden = np.array([[r for _, r in world] for world in made])
    key = {"studies": studies, "tau": tau, "truth": truth}
    rates: list[dict[str, object]] = []
    covered: list[dict[str, object]] = []
    for test in TESTS:
        found = explored(printed, test=test, levels=LEVELS if test == TEST else LEVELS[:1])
        if test == TEST:
            table = labels_in(found, truth)
            for where in table:
                shares = {label: float((table[where] == label).mean()) for label in LABELS}
                rates.append({**key, "where": where, **shares, "worlds": worlds})
        for interval, (low, high) in _intervals(printed, hidden, found, test).items():
            known = np.isfinite(low) & np.isfinite(high)
            held = (low <= np.log(truth)) & (np.log(truth) <= high)
            shares = {"held": float(held[known].mean()), "worlds": int(known.sum())}
            width = float(np.median((high - low)[known]))
            covered.append({**key, "test": test, "interval": interval, "width": width, **shares})
    return rates, covered


def _intervals(
    printed: Worlds, hidden: np.ndarray, found: Limits, test: str
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """95% limits on the log scale by what is done about the correlations (W,)."""
    mean_1, mean_2, sd_1, sd_2, _ = np.moveaxis(printed.centre, -1, 0)
    known = log_effects(mean_1, mean_2, sd_1, sd_2, hidden, printed.n)
    estimate, error, df = pooled(*known, np.zeros(len(hidden), dtype=int), test)
    half_width = stdtrit(df, 0.975) * error
    ends = (
        (found.low[:, 0], found.high[:, 0]),
        (found.reference_point[:, 1], found.reference_point[:, 2]),
        (estimate - half_width, estimate + half_width),
    )
    return dict(zip(INTERVALS, ends, strict=True))


def rates(worlds: int, seed: int = 1, jobs: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every cell: studies, tau, truth, where the truth lies, share of each label; and coverage.

    The seed of a cell is its own, so that neither the number of workers nor the order matters.
    """
    keys = [(k, tau, truth) for k in STUDIES for tau in TAUS for truth in TRUTHS]
    one = partial(_cell, worlds=worlds, seed=seed)
    if jobs == 1:
        parts = list(map(one, keys))
    else:
        with ProcessPoolExecutor(jobs) as pool:
            parts = list(pool.map(one, keys))
    return tuple(pd.DataFrame([row for part in parts for row in part[i]]) for i in (0, 1))  # type: ignore[return-value]


def _cell(key: tuple[int, float, float], worlds: int, seed: int):  # type: ignore[no-untyped-def]
    return cell(*key, worlds, seed)


def summed(table: pd.DataFrame) -> pd.DataFrame:
    """Percent of worlds by label, over tau and truth, a row a place and number of studies."""
    by = table.groupby(["where", "studies"], sort=False)[list(LABELS)]
    shares, worst = by.mean() * 100, by.max() * 100
    frame = shares.round(1).assign(
        most_supported=worst["supported"].round(1), most_contradicted=worst["contradicted"].round(1)
    )
    return frame.reset_index()


def markdown(frame: pd.DataFrame) -> str:
    """The table of verdicts of docs/calibration.md."""
    heads = ["the truth lies", "k", *LABELS, "supported, worst cell", "contradicted, worst cell"]
    return _lines(heads, frame.itertuples(index=False))


def markdown_of_coverage(table: pd.DataFrame) -> str:
    """Coverage in percent by test and interval: lowest and highest cell, median width at k = 3."""
    rows = []
    for (interval, test), part in table.groupby(["interval", "test"], sort=False):
        cells = [
            f"{100 * own.min():.1f} to {100 * own.max():.1f}"
            for _, own in part.groupby("studies")["held"]
        ]
        rows.append((interval, test, *cells, f"{_width(part):.2f}"))
    heads = ["correlations hidden", "test", *(f"k = {k}" for k in STUDIES), "median width, k = 3"]
    return _lines(heads, rows)


def _width(part: pd.DataFrame) -> float:
    return float(part.loc[(part["studies"] == 3) & (part["tau"] == 0.05), "width"].mean())


def _lines(heads: Sequence[str], rows) -> str:  # type: ignore[no-untyped-def]
    lines = [f"| {' | '.join(heads)} |", f"|---|{'--:|' * (len(heads) - 1)}"]
    lines += [f"| {' | '.join(str(x) for x in row)} |" for row in rows]
    return "\n".join(lines)


def _into_page(text: str, name: str, table: str) -> str:
    """The page with the table between its two marks renewed."""
    mark = rf"(<!-- {name} -->\n).*?(\n<!-- end -->)"
    return re.sub(mark, lambda m: m[1] + table + m[2], text, flags=re.DOTALL)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    start = time.time()
    verdicts, coverage = rates(count, jobs=int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    verdicts.to_csv(REFERENCE["verdicts"], index=False, float_format="%.6g")
    coverage.to_csv(REFERENCE["coverage"], index=False, float_format="%.6g")
    page = PAGE.read_text(encoding="utf-8")
    page = _into_page(page, "verdicts", markdown(summed(verdicts)))
    page = _into_page(page, "coverage", markdown_of_coverage(coverage))
    PAGE.write_text(page, encoding="utf-8")
    print(markdown(summed(verdicts)), markdown_of_coverage(coverage), sep="\n\n")
    print(f"\n{count} worlds a cell, {len(verdicts)} cells, {time.time() - start:.0f} s")
