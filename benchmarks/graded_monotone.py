"""More evidence for a direction, more probability: random tables through `rs.pool_printed`.

    python -m benchmarks.graded_monotone [TABLES A MOVE] [SEED]

Each move makes one table say more for the ratio being above 1; what counts is how far the lowest
probability over the declared choices falls. It rewrites the pinned table and docs/calibration.md.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import stdtr

import retrostats as rs
from benchmarks.verdicts import _into_page
from retrostats.common.errors import InputError

Row = dict[str, str]
Table = list[Row]
PAGE, PINNED = Path("docs/calibration.md"), Path("tests/reference/graded_monotone.csv")
#: How far the lowest probability may fall, by move.
ALLOWED = {
    "words: lower to not significant": 0.005,
    "words: not significant to higher": 0.005,
    "one more result: higher": 0.005,
    "a smaller p of a pair": 0.015,
    "a smaller p of words": 0.015,
    "an estimate raised to the median or below": 0.005,
    "all sources moved up": 0.0,
}
#: What equal tables may differ by: the grid moves with the numbers.
NUMERICAL = 2e-4
WORDS = ("lower", "not significant", "higher")


def lowest(table: Table) -> float:
    """Lowest probability over the choices that the ratio is above 1."""
    return float(_pooled(table).lowest(1.0, math.inf))


def _pooled(table: Table) -> rs.PooledPrinted:
    names = ("study", "design", "n", "first", "second", "r", "estimate", "se", "p")
    columns = {name: [row.get(name, "") for row in table] for name in names}
    numbered = {**columns, "study": [f"S{i}" for i in range(len(table))]}
    return rs.pool_printed(numbered, measure="ratio of means", correlation=(0.9, 0.5))


def random_table(rng: np.random.Generator) -> Table:
    """One to four pairs, perhaps a standard error and a percentage, up to three in words."""
    truth, tau = rng.uniform(-0.1, 0.3), rng.uniform(0, 0.15)
    table = [_pair(rng, truth + tau * rng.normal()) for _ in range(rng.integers(1, 5))]
    n = str(rng.integers(5, 27))
    if rng.random() < 0.5:
        ratio = math.exp(truth + tau * rng.normal())
        table.append({"design": "crossover", "n": n, "estimate": f"{ratio:.3f}",
                      "se": f"{rng.uniform(0.03, 0.1):.3f}"})  # fmt: skip
    if rng.random() < 0.5:
        ratio = math.exp(truth + tau * rng.normal())
        table.append({"design": "crossover", "n": n, "estimate": f"{100 * (ratio - 1):+.0f}%"})
    table += [_words(rng, str(rng.choice(WORDS))) for _ in range(rng.integers(0, 4))]
    return table


def _pair(rng: np.random.Generator, effect: float) -> Row:
    mean, cv = rng.uniform(22, 34), rng.uniform(0.1, 0.2, 2)
    first = mean * math.exp(effect)
    return {"design": "crossover", "n": str(rng.integers(4, 27)),
            "first": f"{first:.2f} SD {first * cv[0]:.2f}",
            "second": f"{mean:.2f} SD {mean * cv[1]:.2f}"}  # fmt: skip


def _words(rng: np.random.Generator, word: str, p: str = "") -> Row:
    return {"design": "crossover", "n": str(rng.integers(5, 27)), "estimate": word, "p": p}


def words_raised(rng: np.random.Generator, place: int) -> tuple[Table, Table]:
    """One result in words, one step up."""
    table, row = random_table(rng), _words(rng, "")
    return [[*table, {**row, "estimate": word}] for word in WORDS[place : place + 2]]


def one_more(rng: np.random.Generator) -> tuple[Table, Table]:
    """One more result that is significantly higher."""
    table = random_table(rng)
    return table, [*table, _words(rng, "higher", str(rng.choice(["", "<0.01"])))]


def smaller_p(rng: np.random.Generator) -> tuple[Table, Table]:
    """A pair that goes up, its p that of a lower and of a higher correlation."""
    table, pair = random_table(rng), _pair(rng, rng.uniform(0.05, 0.4))
    n = int(pair["n"])
    sides = [[float(x) for x in pair[side].split(" SD ")] for side in ("first", "second")]
    (m1, s1), (m2, s2) = sides
    texts = []
    for r in np.sort(rng.uniform(0.3, 0.95, 2)):
        t = (m1 - m2) / math.sqrt((s1**2 + s2**2 - 2 * r * s1 * s2) / n)
        p = 2 * float(stdtr(n - 1, -t))
        texts.append(f"{p:.3f}" if p >= 0.001 else "<0.001")
    return tuple([*table, {**pair, "p": text}] for text in texts)


def smaller_p_of_words(rng: np.random.Generator) -> tuple[Table, Table]:
    """The same words with a smaller threshold."""
    table, row = random_table(rng), _words(rng, "higher")
    weaker = int(rng.integers(0, 2))
    return tuple([*table, {**row, "p": p}] for p in ("<0.05", "<0.01", "<0.001")[weaker:][:2])


def estimate_raised(rng: np.random.Generator) -> tuple[Table, Table]:
    """A row with its standard error, from below the pool's median to at most that."""
    table = random_table(rng)
    row = {"design": "crossover", "n": "12", "se": f"{rng.uniform(0.03, 0.1):.3f}"}
    low = rng.uniform(-0.3, 0.1)
    before = [*table, {**row, "estimate": f"{math.exp(low):.3f}"}]
    median = math.log(_pooled(before).estimate)
    raised = low + rng.uniform(0.2, 1.0) * max(median - low, 0.0)
    return before, [*table, {**row, "estimate": f"{math.exp(raised):.3f}"}]


def all_moved(rng: np.random.Generator) -> tuple[Table, Table]:
    """Every number that is printed up by one factor; words stay."""
    table, factor = random_table(rng), rng.uniform(1.02, 1.2)

    def moved(row: Row) -> Row:
        new = dict(row)
        if "first" in row:
            mean, sd = (float(x) * factor for x in row["first"].split(" SD "))
            new["first"] = f"{mean:.4f} SD {sd:.4f}"
        elif row["estimate"].endswith("%"):
            new["estimate"] = f"{(100 + float(row['estimate'][:-1])) * factor - 100:+.0f}%"
        elif row["estimate"] not in WORDS:
            new["estimate"] = f"{float(row['estimate']) * factor:.3f}"
        return new

    return table, [moved(row) for row in table]


MOVES: dict[str, Callable[[np.random.Generator], tuple[Table, Table]]] = {
    "words: lower to not significant": lambda rng: words_raised(rng, 0),
    "words: not significant to higher": lambda rng: words_raised(rng, 1),
    "one more result: higher": one_more,
    "a smaller p of a pair": smaller_p,
    "a smaller p of words": smaller_p_of_words,
    "an estimate raised to the median or below": estimate_raised,
    "all sources moved up": all_moved,
}


def falls(count: int, seed: int = 1) -> pd.DataFrame:
    """By move: tables, and how far the lowest probability fell at worst and in how many."""
    rows = []
    for place, (name, move) in enumerate(MOVES.items()):
        rng = np.random.default_rng([seed, place])
        change, refused = [], 0
        while len(change) < count:
            try:
                before, after = move(rng)
                change.append(lowest(after) - lowest(before))
            except InputError:
                refused += 1
                if refused > 10 * count:
                    raise
        fell = np.maximum(0.0, -np.array(change))
        beyond = fell > ALLOWED[name] + NUMERICAL
        rows.append([
            name, count, fell.max(), (fell > NUMERICAL).mean(), beyond.mean(), np.median(change)
        ])  # fmt: skip
    return pd.DataFrame(rows, columns=["move", "tables", "worst", "fell", "beyond", "rose"])


def markdown(found: pd.DataFrame) -> str:
    """One line a move."""
    lines = [
        "| what says more for the direction | tables | lowest P falls, worst | may fall by | falls "
        "in | beyond in | median change |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {row.move} | {row.tables:,} | {row.worst:.4f} | {ALLOWED[row.move]:g} | "
        f"{100 * row.fell:.1f}% | {100 * row.beyond:.1f}% | {row.rose:+.4f} |"
        for row in found.itertuples()
    ]
    return "\n".join(lines)


def main() -> None:
    """Rewrite the pinned table and that of the page."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    began = time.process_time()
    falls(count, seed).to_csv(PINNED, index=False, float_format="%.5g", lineterminator="\n")
    found = pd.read_csv(PINNED)
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_into_page(page, "monotone", markdown(found)), encoding="utf-8")
    print(markdown(found), f"{time.process_time() - began:.0f} s of one core", sep="\n\n")


if __name__ == "__main__":
    main()
