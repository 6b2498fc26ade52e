"""How often verdicts come out at known truths: the pinned table, a few worlds now, all if asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retrostats.reduce.pair import PrintedPair
from retrostats.unprinted.sources import pair_source

verdicts = pytest.importorskip("benchmarks.verdicts")
ROOT = Path(__file__).resolve().parent.parent
PINNED = ROOT / "tests" / "reference" / "verdict_rates.csv"
#: The rule of a false label: 5% for a supported size (two one-sided tests), 2.5% for a direction.
SIZE, DIRECTION = 0.05, 0.025
#: Monte Carlo standard errors that a simulated rate may lie above its level.
ERRORS = 3.0
#: Rounding of means and SDs stands still in the simulation: its effect on limits, of their width.
ROUNDING = 0.02

FALSE_SIZE = ("at an end", "outside, by half a width", "outside, by four widths",
              "at the end of an open range")  # fmt: skip
TRUE_SIZE = ("in the middle", "in the middle of a range four times as wide",
             "above the end of an open range")  # fmt: skip
NULL, ABOVE = verdicts.DIRECTIONS


@pytest.fixture(scope="module")
def pinned() -> pd.DataFrame:
    return pd.read_csv(PINNED)


def error(rate, worlds):
    """Monte Carlo standard error, not 0 where none was seen."""
    held = (rate * worlds + 1) / (worlds + 2)
    return np.sqrt(held * (1 - held) / worlds)


def test_every_cell_is_pinned_and_shares_add_up(pinned) -> None:
    cells = len(verdicts.STUDIES) * len(verdicts.TAUS) * len(verdicts.TRUTHS)
    assert len(pinned) == cells * (len(verdicts.RANGES) + len(verdicts.DIRECTIONS))
    assert np.allclose(pinned[list(verdicts.LABELS)].sum(axis=1), 1)


@pytest.mark.parametrize("where", FALSE_SIZE)
def test_a_size_that_is_not_true_is_supported_at_most_as_often_as_the_level_says(
    pinned, where
) -> None:
    for _, rows in pinned[pinned["where"] == where].groupby("studies"):
        rate, worlds = rows["supported"].mean(), rows["worlds"].sum()
        assert rate <= SIZE + ERRORS * np.sqrt(SIZE * (1 - SIZE) / worlds)


@pytest.mark.parametrize("where", TRUE_SIZE)
def test_a_size_that_is_true_is_contradicted_at_most_as_often_as_the_level_says(
    pinned, where
) -> None:
    for _, rows in pinned[pinned["where"] == where].groupby("studies"):
        rate, worlds = rows["contradicted"].mean(), rows["worlds"].sum()
        assert rate <= SIZE + ERRORS * np.sqrt(SIZE * (1 - SIZE) / worlds)


def test_a_direction_that_is_not_there_is_found_at_most_as_often_as_the_level_says(pinned) -> None:
    for _, rows in pinned[pinned["where"] == NULL].groupby("studies"):
        worlds = rows["worlds"].sum()
        most = DIRECTION + ERRORS * np.sqrt(DIRECTION * (1 - DIRECTION) / worlds)
        assert rows["supported"].mean() <= most
        assert rows["contradicted"].mean() <= most
    assert pinned.loc[pinned["where"] == ABOVE, "contradicted"].max() <= SIZE


def test_the_page_shows_the_pinned_table(pinned) -> None:
    page = (ROOT / "docs" / "calibration.md").read_text(encoding="utf-8")
    assert verdicts.markdown(verdicts.summed(pinned)) in page


def test_worlds_are_printed_as_papers_print_them() -> None:
    rng = np.random.default_rng(3)
    pairs, others = (
        [p for _ in range(60) for p in verdicts.printed_world(rng, 4, 0.05, truth)]
        for truth in (1.3, 1.0)
    )
    assert {p.n for p in pairs} == set(range(verdicts.FEWEST, verdicts.MOST + 1))
    assert all(p.correlation is None for p in pairs)
    assert {p.p_operator for p in others} == {"=", "<", ">", ""}
    ratios = np.array([p.ratio for p in pairs])
    assert np.exp(np.log(ratios).mean()) == pytest.approx(1.3, rel=0.02)


def test_the_rounding_that_stands_still_moves_the_limits_by_less_than_a_fiftieth() -> None:
    """The path's own sources, everything moving, beside those of the simulation."""
    pairs: list[PrintedPair] = verdicts.printed_world(np.random.default_rng(5), 2, 0.05, 1.3)
    fast = verdicts.evidence_of(pairs).at95
    whole = verdicts.evidence_of(pairs, [pair_source(pair) for pair in pairs]).at95
    width = whole.conf_high - whole.conf_low
    assert 0 <= fast.conf_low - whole.conf_low + 1e-9 <= ROUNDING * width
    assert 0 <= whole.conf_high - fast.conf_high + 1e-9 <= ROUNDING * width


def compared(found: pd.DataFrame, pinned: pd.DataFrame) -> pd.DataFrame:
    """Differences from the pinned table in Monte Carlo errors, a row a cell."""
    keys = ["studies", "tau", "truth", "where"]
    both = found.merge(pinned, on=keys, suffixes=("", "_pinned"))
    assert len(both) == len(found)
    for label in verdicts.LABELS:
        spread = np.hypot(
            error(both[label], both["worlds"]),
            error(both[f"{label}_pinned"], both["worlds_pinned"]),
        )
        both[label] = (both[label] - both[f"{label}_pinned"]) / spread
    return both[[*keys, *verdicts.LABELS]]


def test_a_few_new_worlds_agree_with_the_pinned_table(pinned) -> None:
    found = pd.DataFrame(verdicts.cell(3, 0.05, 1.3, 6, seed=77))
    assert compared(found, pinned)[list(verdicts.LABELS)].abs().to_numpy().max() < 4.5
    wrong = found.assign(supported=1 - found["supported"], undecided=1 - found["undecided"])
    assert compared(wrong, pinned)[list(verdicts.LABELS)].abs().to_numpy().max() > 4.5


@pytest.mark.slow
def test_all_cells_again_with_another_seed_agree_with_the_pinned_table(pinned) -> None:
    """About ten minutes of one core: `pytest -m slow`."""
    found = verdicts.rates(50, seed=2)
    apart = compared(found, pinned)[list(verdicts.LABELS)].abs().to_numpy()
    assert apart.max() < 5.0  # of 1,080 comparisons
    assert (apart > 2).mean() < 0.1
