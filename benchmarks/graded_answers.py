"""How often graded answers are right: probabilities, labels and intervals at known truths.

    python -m benchmarks.graded_answers [WORLDS A CELL] [SEED]

Worlds of k printed pairs, and worlds shaped like the evidence of the audit that ships (two pairs,
one standard error, one bare percentage, three results in words), judged by the probability of a
direction over the declared choices: scales 0.2, 0.1 and 0.05 of the prior of tau, the correlation
with its reason and without, nested sets of sources. It rewrites the pinned tables and those of
docs/calibration.md.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.printed_worlds import EVIDENCE, PAIR, PRIORS, PrintedWorlds, likelihoods, worlds
from benchmarks.verdicts import _into_page
from retrostats.audit.grades import DIRECTION_SUPPORTED, SIZE_SUPPORTED, Probability, size_label
from retrostats.models.meta.grid_posterior import log_weights, tau_nodes
from retrostats.models.meta.grid_posteriors import GridPosteriors, posteriors

Array = NDArray[np.float64]
TAUS, TRUTHS = (0.0, 0.05, 0.10, 0.15), (1.0, 1.3)
#: Main scale of the prior of tau first.
SCALES = (0.2, 0.1, 0.05)
STUDIES = (1, 2, 3, 4, 5, 6, 7)
SHAPES = {**{f"{k} pairs" if k > 1 else "1 pair": (PAIR,) * k for k in STUDIES},
          "evidence-shaped": EVIDENCE}  # fmt: skip
#: Scales of the prior beyond which tau is left out here: it holds 6e-9 of the half-normal's mass.
_FARTHEST = 5.83
#: The claimed size of the calibration of P(inside), and where its truths lie.
CLAIMED = (np.log(1.25), np.log(1.35))
SPREAD_OF_TRUTHS = (-0.3, 0.7)
PAGE = Path("docs/calibration.md")
PINNED = {"answers": Path("tests/reference/graded_answers.csv"),
          "inside": Path("tests/reference/graded_inside.csv")}  # fmt: skip
OLD = Path("tests/reference/verdict_rates.csv")


def judged(
    rng: np.random.Generator, kinds: Sequence[str], truth: Array, tau: Array, *, main_only: bool
) -> pd.DataFrame:
    """One row a world: what `judged_worlds` gives, the truth, and a new study's effect."""
    table = judged_worlds(worlds(rng, kinds, truth, tau), main_only=main_only)
    new_study = truth + tau * rng.normal(size=len(truth))
    return table.assign(truth=truth, tau=tau, new_study=new_study)


def judged_worlds(found: PrintedWorlds, *, main_only: bool) -> pd.DataFrame:
    """One row a world: probabilities, lowest and highest over the choices, and the interval."""
    nodes, _ = tau_nodes(SCALES[0])
    weights = np.array([log_weights(nodes, scale) for scale in SCALES])
    kept = nodes <= _FARTHEST * SCALES[0]
    nodes, weights = nodes[kept], weights[:, kept]
    members, priors = found.members, PRIORS
    if main_only:
        weights, members, priors = weights[:1], members[:1], PRIORS[:1]
    parts = []
    for at, theta, logs in likelihoods(found, SCALES[0], priors):
        rows, sets = _once(logs, found.kinds, members)
        every = [
            one
            for of_set in posteriors(rows, theta, nodes, weights, members=sets, new_study=True)
            for one in of_set
        ]
        asked = _over_choices([_probabilities(one) for one in every])
        parts.append(pd.DataFrame({"world": at, **asked, **_interval(every[0])}))
    return pd.concat(parts).sort_values("world", ignore_index=True)


def _once(logs: Sequence[Array], kinds: Sequence[str], members: Array) -> tuple[Array, Array]:
    """Each likelihood once (d, r, m), and which are in each set under each prior (g, r).

    A prior of correlations concerns pairs alone: the other sources are the same under both.
    """
    pairs = [i for i, kind in enumerate(kinds) if kind == PAIR]
    held = np.asarray(members, dtype=np.float64)
    count = len(kinds) + len(pairs) * (len(logs) - 1)
    sets = np.zeros((len(held) * len(logs), count))
    for j in range(len(logs)):
        of_prior = sets[j * len(held) : (j + 1) * len(held)]
        of_prior[:, : len(kinds)] = held
        if j:
            start = len(kinds) + (j - 1) * len(pairs)
            of_prior[:, start : start + len(pairs)] = held[:, pairs]
            of_prior[:, pairs] = 0.0
    rows = [logs[0], *(of_prior[:, pairs] for of_prior in logs[1:])]
    return np.concatenate(rows, axis=1), sets


def _probabilities(one: GridPosteriors) -> dict[str, Array]:
    low, high = CLAIMED
    return {
        "direction": one.probability(low=0.0),
        "inside": one.probability(low, high),
        "below": one.probability(high=low),
        "above": one.probability(low=high),
    }


def _over_choices(asked: Sequence[dict[str, Array]]) -> dict[str, Array]:
    """Each probability by the main choice, lowest and highest."""
    found = {}
    for name, main in asked[0].items():
        every = np.array([probabilities[name] for probabilities in asked])
        found |= {name: main, f"{name}_lowest": every.min(0), f"{name}_highest": every.max(0)}
    return found


def _interval(main: GridPosteriors) -> dict[str, Array]:
    return {
        "low": main.quantile(0.025),
        "high": main.quantile(0.975),
        "new_low": main.quantile(0.025, new_study=True),
        "new_high": main.quantile(0.975, new_study=True),
    }


def cell(shape: str, tau: float, ratio: float, count: int, seed: int) -> dict[str, object]:
    """Rates of one shape, tau and true ratio."""
    rng = np.random.default_rng([seed, list(SHAPES).index(shape), round(100 * tau), ratio > 1])
    truth = np.full(count, np.log(ratio))
    table = judged(rng, SHAPES[shape], truth, np.full(count, tau), main_only=False)
    return {
        "shape": shape,
        "tau": tau,
        "truth": ratio,
        "worlds": count,
        "supported": (table["direction_lowest"] >= DIRECTION_SUPPORTED).mean(),
        "contradicted": (table["direction_highest"] <= 1 - DIRECTION_SUPPORTED).mean(),
        "main_supported": (table["direction"] >= DIRECTION_SUPPORTED).mean(),
        "size_supported": (table["inside_lowest"] >= SIZE_SUPPORTED).mean(),
        "held": table["truth"].between(table["low"], table["high"]).mean(),
        "new_held": table["new_study"].between(table["new_low"], table["new_high"]).mean(),
        "width": (table["high"] - table["low"]).median(),
    }


def rates(count: int, seed: int = 1) -> pd.DataFrame:
    """Every cell."""
    return pd.DataFrame(
        [
            cell(shape, tau, ratio, count, seed)
            for shape in SHAPES
            for tau in TAUS
            for ratio in TRUTHS
        ]
    )


def insides(count: int, seed: int = 1) -> pd.DataFrame:
    """How often a truth was inside the claimed range, by bins of P(inside) and by size label."""
    rows = []
    for shape in [name for name in SHAPES if name not in ("1 pair", "2 pairs")]:
        rng = np.random.default_rng([seed, 77, list(SHAPES).index(shape)])
        truth, tau = rng.uniform(*SPREAD_OF_TRUTHS, count), rng.uniform(0, 0.15, count)
        table = judged(rng, SHAPES[shape], truth, tau, main_only=True)
        table["right"] = (truth > CLAIMED[0]) & (truth < CLAIMED[1])
        low = 10 * np.minimum((10 * table["inside"]).astype(int), 9)
        table["said"] = [f"{one} to {one + 10}%" for one in low]
        table["label"] = [
            size_label(*(Probability(p, p, p) for p in (inside, below, 1 - inside - below)))
            for inside, below in zip(table["inside"], table["below"], strict=True)
        ]
        for by in ("said", "label"):
            for name, part in table.groupby(by):
                rows.append(
                    [shape, by, name, len(part), part["inside"].mean(), part["right"].mean()]
                )
    return pd.DataFrame(rows, columns=["shape", "by", "is", "claims", "probability", "right"])


def markdown(found: pd.DataFrame, old: pd.DataFrame) -> str:
    """False support and found by shape, lowest and highest over tau; the old rule beside."""
    lines = [
        "| | worlds a cell | false support, worst tau | false contradiction, worst tau | found, "
        "tau 0.05 | found, tau 0.1 | old rule: false support | old rule: found, tau 0.05 | "
        "interval holds, tau 0 to 0.05 | tau 0.15 | new study's interval |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for shape, rows in found.groupby("shape", sort=False):
        null, real = rows[rows["truth"] == 1.0], rows[rows["truth"] != 1.0].set_index("tau")
        small = rows[rows["tau"] <= 0.05]["held"]
        large = rows[rows["tau"] == 0.15]["held"]
        cells = [
            100 * null["supported"].max(), 100 * null["contradicted"].max(),
            100 * real.loc[0.05, "supported"], 100 * real.loc[0.1, "supported"],
            *_old(old, str(shape)),
        ]  # fmt: skip
        shown = " | ".join("" if np.isnan(value) else f"{value:.1f}" for value in cells)
        lines.append(
            f"| {shape} | {_counts(rows['worlds'])} | {shown} | "
            f"{100 * small.min():.1f} to {100 * small.max():.1f} | "
            f"{100 * large.min():.1f} to {100 * large.max():.1f} | "
            f"{100 * rows['new_held'].min():.1f} to {100 * rows['new_held'].max():.1f} |"
        )
    return "\n".join(lines)


def _counts(worlds: pd.Series) -> str:
    """The number of worlds of each cell, or the lowest and highest."""
    low, high = int(worlds.min()), int(worlds.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _old(old: pd.DataFrame, shape: str) -> tuple[float, float]:
    """Percent of worlds of so many pairs that the outermost limits decide."""
    rows = old[[f"{k} pairs" == shape for k in old["studies"]]]
    null = rows[(rows["where"] == "direction: at no difference")]
    real = rows[(rows["where"] == "direction: 30% above no difference") & (rows["tau"] == 0.05)]
    if rows.empty:
        return float("nan"), float("nan")
    return 100 * null["supported"].max(), 100 * real["supported"].mean()


def markdown_of_insides(found: pd.DataFrame) -> str:
    """How often the truth was inside, by what was said and by label, for each shape."""
    shapes = list(found["shape"].unique())
    lines = ["| P(inside), or label | " + " | ".join(shapes) + " |", "|---|" + "--:|" * len(shapes)]
    for _, rows in found.groupby(["by", "is"], sort=True):
        by_shape = {
            row.shape: f"{100 * row.right:.0f}% of {row.claims:,}" for row in rows.itertuples()
        }
        cells = " | ".join(by_shape.get(shape, "") for shape in shapes)
        lines.append(f"| {rows['is'].iloc[0]} | {cells} |")
    return "\n".join(lines)


def main() -> None:
    """Rewrite the pinned tables and those of the page."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    began = time.process_time()
    found, inside = rates(count, seed), insides(4 * count, seed)
    found.to_csv(PINNED["answers"], index=False, float_format="%.5g", lineterminator="\n")
    inside.to_csv(PINNED["inside"], index=False, float_format="%.5g", lineterminator="\n")
    found, inside = pd.read_csv(PINNED["answers"]), pd.read_csv(PINNED["inside"])
    page = PAGE.read_text(encoding="utf-8")
    page = _into_page(page, "graded", markdown(found, pd.read_csv(OLD)))
    page = _into_page(page, "inside", markdown_of_insides(inside))
    PAGE.write_text(page, encoding="utf-8")
    print(markdown(found, pd.read_csv(OLD)), markdown_of_insides(inside), sep="\n\n")
    print(f"\n{count:,} worlds a cell, {time.process_time() - began:.0f} s of one core")


if __name__ == "__main__":
    main()
