"""Plans on every measure of a page: the scale of each against a calculation by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from doors.planning import answers_with, assume, ends_of, today_of
from scipy import stats
from scipy.special import expit, logit

import retrostats as rs
from retrostats import InputError

pytestmark = pytest.mark.usefixtures("evidence_once")

#: People by a normal approximation, against t intervals and quasi-random draws of hundreds.
BY_HAND = 0.03
#: A probability from the grid that holds the new study, against the pool taken anew.
AGREES = 0.003
#: Two-sided 5% and power 90%.
QUANTILES = stats.norm.ppf(0.975) + stats.norm.ppf(0.9)

SE = 0.11
#: By measure: what is printed (estimates, SE, people), truth, side claimed, and the model's scale.
CASES: dict[str, tuple[float, str, Callable[[float], float]]] = {
    "risk ratio": (0.8, "below 1", math.log),
    "odds ratio": (1.3, "above 1", math.log),
    "hazard ratio": (0.8, "below 1", math.log),
    "ratio of means": (1.2, "above 1", math.log),
    "mean difference": (-0.2, "below 0", float),
    "SMD": (0.25, "above 0", float),
    "risk difference": (-0.15, "below 0", float),
}


def page_of(folder: Path, measure: str, true_if: str, rows: tuple[str, ...], head: str) -> Path:
    parallel = measure not in ("correlation", "proportion")
    (folder / "planned.toml").write_text(
        f'title = "Planned"\ncompared = ["treated", "untreated"]\n[claims.works]\nsays = "works"\n'
        f'cause = {"true" if parallel else "false"}\nmeasure = "{measure}"\n'
        f'true_if = "{true_if}"\nbecause = "said"\n', encoding="utf-8",
    )  # fmt: skip
    (folder / "planned.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return folder / "planned.toml"


#: A ratio, and a difference on each side of no difference.
FIRST = ("hazard ratio", "mean difference", "SMD")


@pytest.mark.parametrize(
    "measure",
    [m if m in FIRST else pytest.param(m, marks=pytest.mark.thorough) for m in CASES],
)
def test_people_for_a_direction_are_those_by_hand(tmp_path, measure: str) -> None:
    truth, side, to_model = CASES[measure]
    rows = tuple(f"{name},parallel,by lot,60 / 60,{truth},{SE}" for name in ("A", "B"))
    page = page_of(tmp_path, measure, side, rows, "study,design,allocation,n,estimate,se")
    by_hand = (QUANTILES * SE * math.sqrt(120) / to_model(truth)) ** 2
    found = rs.plan("works", audit=page, truth=truth, draws=2048)
    assert found.design == "two-arm"
    assert found.people["direction"] == pytest.approx(by_hand, rel=BY_HAND)


def test_people_for_a_rate_ratio_are_those_by_hand(tmp_path) -> None:
    rows = ("A,parallel,by lot,40 / 900 h,60 / 880 h", "B,parallel,by lot,31 / 700 h,44 / 720 h")
    page = page_of(tmp_path, "rate ratio", "below 1", rows, "study,design,allocation,first,second")
    found = rs.plan("works", audit=page, truth=0.7, rate=50.0, exposure=20.0, draws=1024)
    # events of one arm of n / 2 people: 0.05 * 20 * n / 2, and 0.7 times as many
    by_hand = (QUANTILES / math.log(0.7)) ** 2 * (1 + 1 / 0.7) / (0.05 * 20 / 2)
    assert found.people["direction"] == pytest.approx(by_hand, rel=2 * BY_HAND)  # exact limits


CORRELATIONS = {"A": (0.12, 84), "B": (0.31, 60), "C": (0.22, 130)}
PROPORTIONS = {"A": (31, 120), "B": (12, 80), "C": (22, 64)}


def correlations(folder: Path, true_if: str = "above 0") -> Path:
    rows = tuple(f"{s},{n},{r}" for s, (r, n) in CORRELATIONS.items())
    return page_of(folder, "correlation", true_if, rows, "study,n,estimate")


def proportions(folder: Path, true_if: str = "at least 0.2") -> Path:
    rows = tuple(f"{s},{y} / {n}" for s, (y, n) in PROPORTIONS.items())
    return page_of(folder, "proportion", true_if, rows, "study,first")


def test_people_for_a_correlation_are_those_of_fishers_z(tmp_path) -> None:
    found = rs.plan("works", audit=correlations(tmp_path), truth=0.3)
    assert found.people["direction"] == math.ceil(3 + (QUANTILES / math.atanh(0.3)) ** 2) == 113
    at = found.curve.query("people == @found.people['direction']")
    assert at.empty or abs(at["conf_high"].iloc[0]) < 1  # limits are correlations again


def test_people_for_the_size_of_a_correlation(tmp_path) -> None:
    """Two one-sided tests at 5%: the 90% interval of z inside artanh of the range."""
    found = rs.plan("works", audit=correlations(tmp_path, "0.1 to 0.3"), draws=2048)
    low, truth, high = (math.atanh(r) for r in (0.1, 0.2, 0.3))

    def power(n: int) -> float:
        error = 1 / math.sqrt(n - 3)
        room = stats.norm.ppf(0.95) * error
        return float(stats.norm.cdf(high - room, truth, error)
                     - stats.norm.cdf(low + room, truth, error))  # fmt: skip

    by_hand = next(n for n in range(100, 5000) if power(n) >= 0.9)
    assert found.people["size"] == pytest.approx(by_hand, rel=BY_HAND)


def test_people_for_a_proportion_are_those_of_exact_limits(tmp_path) -> None:
    """Power of Clopper and Pearson's lower limit above 0.2 where the truth is 0.3: binomial sum."""
    found = rs.plan("works", audit=proportions(tmp_path), truth=0.3)

    def power(n: int) -> float:
        y = np.arange(n + 1)
        limit = stats.beta.ppf(0.025, np.maximum(y, 1), n - y + 1)
        return float(stats.binom.pmf(y[(limit > 0.2) & (y > 0)], n, 0.3).sum())

    assert found.design == "proportion"
    people = int(found.people["direction"])
    assert power(people) == pytest.approx(0.9, abs=0.02)  # a step of the binomial here is 0.02
    assert power(people - 10) < 0.9


def test_the_ends_of_a_claim_stand_on_the_scale_of_its_sources(tmp_path) -> None:
    for made, to_model, ends in (
        (correlations, np.arctanh, [0.0, 0.1, 0.3]),
        (proportions, logit, [0.15, 0.15, 0.25]),
    ):
        page = made(tmp_path, f"{ends[1]} to {ends[2]}")
        given = assume("works", page, None, None, None, None, None, 1)
        np.testing.assert_allclose(ends_of(given.claim, given.measured), to_model(ends))
        assert given.model_truth == pytest.approx(to_model(np.mean(ends[1:])))


@pytest.mark.parametrize(
    ("r", "n"), [pytest.param(0.05, 400, marks=pytest.mark.thorough), (0.4, 50)]
)
def test_a_correlation_added_to_the_pool_is_the_pool_taken_anew(tmp_path, r, n) -> None:
    given = assume("works", correlations(tmp_path, "0.1 to 0.3"), None, None, None, None, None, 1)
    today = today_of(given)
    assert today is not None
    logs = -0.5 * (n - 3) * (np.arctanh(r) - today.theta) ** 2
    found = answers_with(today, given.claim, logs[None, :])
    table = {"study": [*CORRELATIONS, "D"],
             "estimate": [*(str(x) for x, _ in CORRELATIONS.values()), str(r)],
             "n": [*(str(k) for _, k in CORRELATIONS.values()), str(n)]}  # fmt: skip
    anew = rs.pool_printed(table, measure="correlation", claimed=(0.1, 0.3))
    assert found.claimed[0, 0] == pytest.approx(anew.prob_above(0), abs=AGREES)
    assert found.inside[0, 0] == pytest.approx(anew.probability(0.1, 0.3), abs=AGREES)


@pytest.mark.parametrize(("y", "n"), [(10, 100), pytest.param(90, 300, marks=pytest.mark.thorough)])
def test_a_proportion_added_to_the_pool_is_the_pool_taken_anew(tmp_path, y, n) -> None:
    given = assume("works", proportions(tmp_path), 0.3, None, None, None, None, 1)
    today = today_of(given)
    assert today is not None
    logs = y * today.theta - n * np.logaddexp(0, today.theta)
    found = answers_with(today, given.claim, logs[None, :])
    counts = [f"{k} / {m}" for k, m in (*PROPORTIONS.values(), (y, n))]
    anew = rs.pool_printed({"study": list("ABCD"), "first": counts}, measure="proportion")
    assert found.claimed[0, 0] == pytest.approx(anew.prob_above(0.2), abs=AGREES)


def test_a_plan_of_one_group_is_drawn_and_told(tmp_path) -> None:
    page = proportions(tmp_path, "0.15 to 0.25")
    found = rs.plan("works", audit=page, people=[50, 200, 800], draws=1024)
    assert "a proportion in one group" in found.assumed
    assert found.curve["conf_low"].between(0, 1).all()
    assert found.curve["power"].is_monotonic_increasing
    caption = " ".join(text.get_text() for text in found.figure().texts)
    assert "no difference" not in caption
    assert expit(logit(found.truth)) == pytest.approx(0.2)


REFUSED: list[tuple[dict[str, object], str]] = [
    ({"design": "two-arm"}, "is on a correlation; allowed: correlation"),
    ({"truth": 1.2}, "between -1 and 1"),
    ({"spread": 0.2}, "the error of a correlation follows from the people"),
    ({"rate": 3.0, "exposure": 1.0}, "rate and exposure are of counts"),
]


@pytest.mark.parametrize(("options", "says"), REFUSED)
def test_what_a_plan_of_a_correlation_has_not_is_refused(tmp_path, options, says) -> None:
    with pytest.raises(InputError, match=says):
        rs.plan("works", audit=correlations(tmp_path), **options)


def test_one_group_is_no_design_of_a_comparison(tmp_path) -> None:
    with pytest.raises(InputError, match="is on a ratio of means; allowed: paired, two-arm"):
        rs.plan("energy_30", design="proportion")


def test_a_slope_between_studies_is_not_planned() -> None:
    bcg = Path(__file__).parents[1] / "examples" / "bcg.toml"
    with pytest.raises(InputError, match="slope on latitude between studies, which no source"):
        rs.plan("latitude", audit=bcg)
