"""How often verdicts come out at known truths: pinned tables, a few worlds now, all if asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doors.evidence import TEST

from retrostats import InputError

verdicts = pytest.importorskip("benchmarks.verdicts")
ROOT = Path(__file__).resolve().parent.parent
#: The rule of a false label: 5% for a supported size (two one-sided tests), 2.5% for a direction.
SIZE, DIRECTION = 0.05, 0.025
#: Monte Carlo standard errors that a simulated rate may lie above its level.
ERRORS = 3.0
#: How far limits searched along the axes in a batch may lie inside the path's, of their width.
BATCH = 0.005
#: What intervals of a pool must hold (design of the audit's numbers to reach).
COVERAGE = 0.945

FALSE_SIZE = ("at an end", "outside, by half a width", "outside, by four widths",
              "at the end of an open range")  # fmt: skip
TRUE_SIZE = ("in the middle", "in the middle of a range four times as wide",
             "above the end of an open range")  # fmt: skip
NULL, ABOVE = verdicts.DIRECTIONS


@pytest.fixture(scope="module")
def reference() -> pd.DataFrame:
    return pd.read_csv(ROOT / verdicts.REFERENCE["verdicts"])


@pytest.fixture(scope="module")
def coverage() -> pd.DataFrame:
    return pd.read_csv(ROOT / verdicts.REFERENCE["coverage"])


def error(rate, worlds):
    """Monte Carlo standard error, not 0 where none was seen."""
    held = (rate * worlds + 1) / (worlds + 2)
    return np.sqrt(held * (1 - held) / worlds)


def test_every_cell_has_a_reference_and_shares_add_up(reference, coverage) -> None:
    cells = len(verdicts.STUDIES) * len(verdicts.TAUS) * len(verdicts.TRUTHS)
    assert len(reference) == cells * (len(verdicts.RANGES) + len(verdicts.DIRECTIONS))
    assert np.allclose(reference[list(verdicts.LABELS)].sum(axis=1), 1)
    assert len(coverage) == cells * len(verdicts.INTERVALS) * len(verdicts.TESTS)
    assert reference["worlds"].min() >= 200


@pytest.mark.parametrize("where", FALSE_SIZE)
def test_a_size_that_is_not_true_is_supported_at_most_as_often_as_the_level_says(
    reference, where
) -> None:
    for _, rows in reference[reference["where"] == where].groupby("studies"):
        rate, worlds = rows["supported"].mean(), rows["worlds"].sum()
        assert rate <= SIZE + ERRORS * np.sqrt(SIZE * (1 - SIZE) / worlds)


@pytest.mark.parametrize("where", TRUE_SIZE)
def test_a_size_that_is_true_is_contradicted_at_most_as_often_as_the_level_says(
    reference, where
) -> None:
    for _, rows in reference[reference["where"] == where].groupby("studies"):
        rate, worlds = rows["contradicted"].mean(), rows["worlds"].sum()
        assert rate <= SIZE + ERRORS * np.sqrt(SIZE * (1 - SIZE) / worlds)


def test_a_direction_that_is_not_there_is_found_at_most_as_often_as_the_level_says(
    reference,
) -> None:
    for _, rows in reference[reference["where"] == NULL].groupby("studies"):
        worlds = rows["worlds"].sum()
        most = DIRECTION + ERRORS * np.sqrt(DIRECTION * (1 - DIRECTION) / worlds)
        assert rows["supported"].mean() <= most
        assert rows["contradicted"].mean() <= most
    assert reference.loc[reference["where"] == ABOVE, "contradicted"].max() <= SIZE


def test_limits_over_hidden_correlations_hold_the_truth(coverage) -> None:
    """The test that analyses take: in every cell over everything not printed, within noise."""
    rows = coverage[(coverage["interval"] == "outermost limits") & (coverage["test"] == TEST)]
    assert (rows["held"] + ERRORS * error(rows["held"], rows["worlds"]) >= COVERAGE).all()
    by_studies = rows.groupby("studies")["held"].mean()
    assert (by_studies >= COVERAGE).all()


def test_hiding_correlations_costs_width_and_never_coverage(coverage) -> None:
    keys = ["studies", "tau", "truth", "test"]
    table = coverage.pivot(index=keys, columns="interval", values=["held", "width"])
    outer, known = "outermost limits", "correlations known"
    assert (table["width"][outer] > table["width"][known]).all()
    assert (table["held"][outer] >= table["held"][known] - 0.02).all()


def test_the_page_shows_the_reference_tables(reference, coverage) -> None:
    page = (ROOT / verdicts.PAGE).read_text(encoding="utf-8")
    assert verdicts.markdown(verdicts.summed(reference)) in page
    assert verdicts.markdown_of_coverage(coverage) in page


def test_a_table_is_renewed_between_its_marks() -> None:
    page = "a\n<!-- verdicts -->\nold\n| x |\n<!-- end -->\nb\n<!-- coverage -->\nc\n<!-- end -->\n"
    renewed = verdicts._into_page(page, "verdicts", r"new \1")
    assert renewed == page.replace("old\n| x |", r"new \1")


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


def test_the_correlation_that_is_hidden_is_one_that_the_printed_numbers_leave() -> None:
    from benchmarks.worlds import Worlds

    rng = np.random.default_rng(12)
    made = [verdicts.whole_world(rng, 3, 0.05, 1.3) for _ in range(40)]
    printed = Worlds.of([[pair for pair, _ in world] for world in made])
    hidden = np.array([[r for _, r in world] for world in made])
    which = np.arange(len(made))
    ends = []
    for corner in np.ndindex(*([2] * 5)):  # of the roundings
        at = np.broadcast_to([*map(float, corner), 0.0], (len(made), 3, 6)).copy()
        ends += [_correlations(printed, which, at, end) for end in (0.0, 1.0)]
    ends = np.where(np.isnan(ends), 0.99, ends)  # the printed p needs more than the highest
    low, high = ends.min(axis=0), ends.max(axis=0)
    inside = (low - 1e-9 <= hidden) & (hidden <= high + 1e-9)
    assert inside[np.abs(hidden) < 0.985].all()


def _correlations(printed, which, points, end):
    """Ends of the range of correlations, recovered from the variance of the log ratio."""
    points[..., 5] = end
    _, variance = printed.effects(which, points)
    moved = printed.centre + printed.half * (2 * points[..., :5] - 1)
    c1, c2 = moved[..., 2] / moved[..., 0], moved[..., 3] / moved[..., 1]
    return (c1**2 + c2**2 - variance * printed.n) / (2 * c1 * c2)


def test_a_batch_of_worlds_gives_the_limits_and_labels_of_the_path() -> None:
    """The path's own sources, search, draws and rules, one world at a time."""
    from benchmarks.worlds import Worlds, explored

    rng = np.random.default_rng(21)
    worlds = [verdicts.printed_world(rng, k, 0.05, 1.3) for k in (2, 2, 3)]
    for k in (2, 3):
        mine = [world for world in worlds if len(world) == k]
        found = explored(Worlds.of(mine))
        labels = verdicts.labels_in(found, 1.3)
        for i, world in enumerate(mine):
            evidence = verdicts.evidence_of(world)
            for column, part in enumerate((evidence.at95, evidence.at90)):
                low, high = np.log([part.conf_low, part.conf_high])
                margin = BATCH * (high - low)
                assert low - 1e-9 <= found.low[i, column] <= low + margin
                assert high - margin <= found.high[i, column] <= high + 1e-9
            path = verdicts.judged_by_the_path(world, 1.3)
            near = {"compatible", "open"}  # the draws differ
            for where, label in path.items():
                assert labels.loc[i, where] == label or {labels.loc[i, where], label} == near


def test_a_world_that_contradicts_itself_is_refused_by_both() -> None:
    from benchmarks.worlds import Worlds, explored

    rng = np.random.default_rng(1)
    first, second = verdicts.printed_world(rng, 2, 0.05, 1.3)
    far = verdicts.replace(
        first, texts=("30.00", "10.00", "1.00", "9.00"), p_text="0.0001", p_operator="="
    )
    found = explored(Worlds.of([[far, second], [first, second]]))
    labels = verdicts.labels_in(found, 1.3)
    assert set(labels.loc[0]) == {"refused"}
    assert "refused" not in set(labels.loc[1])
    with pytest.raises(InputError, match="contradict"):
        verdicts.evidence_of([far, second])


def compared(found: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """Differences from the pinned table in Monte Carlo errors, a row a cell."""
    keys = ["studies", "tau", "truth", "where"]
    both = found.merge(reference, on=keys, suffixes=("", "_pinned"))
    assert len(both) == len(found)
    for label in verdicts.LABELS:
        spread = np.hypot(
            error(both[label], both["worlds"]),
            error(both[f"{label}_pinned"], both["worlds_pinned"]),
        )
        both[label] = (both[label] - both[f"{label}_pinned"]) / spread
    return both[[*keys, *verdicts.LABELS]]


def test_a_few_new_worlds_agree_with_the_reference(reference) -> None:
    found = pd.DataFrame(verdicts.cell(3, 0.05, 1.3, 12, seed=77)[0])
    assert compared(found, reference)[list(verdicts.LABELS)].abs().to_numpy().max() < 4.5
    wrong = found.assign(supported=1 - found["supported"], open=1 - found["open"])
    assert compared(wrong, reference)[list(verdicts.LABELS)].abs().to_numpy().max() > 4.5


@pytest.mark.slow
def test_all_cells_again_with_another_seed_agree_with_the_reference(reference) -> None:
    """About four minutes of one core: `pytest -m slow`."""
    found, _ = verdicts.rates(50, seed=2)
    apart = compared(found, reference)[list(verdicts.LABELS)].abs().to_numpy()
    assert apart.max() < 5.0  # of 1,350 comparisons
    assert (apart > 2).mean() < 0.1
