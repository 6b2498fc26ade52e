"""Flynn 1994, abstract: running backward at 84% of the forward peak, higher at p < 0.001."""

from __future__ import annotations

import numpy as np
import pytest
from doors.audit import load_analysis
from doors.common import analyses_dir
from doors.evidence import Space

import retrostats as rs

ROW = "mc-flynn1994-vo2-run-backward"
SHARE = "mc-flynn1994-pct-of-forward-vo2peak-run-backward"
#: The ratio is given to two decimals where it is said.
SAID_ATOL = 0.005


@pytest.fixture(scope="module")
def audit():
    return rs.load_audit()


@pytest.fixture(scope="module")
def measure(audit):
    from doors.audit import Context

    rows = audit.published
    rows = rows[rows["topic"] == "metabolic_cost"].reset_index(drop=True)
    found = load_analysis(analyses_dir() / "metabolic_cost.py").analyse(
        Context(rows, audit.claims, audit)
    )
    (mine,) = [m for m in found.measures if m.estimate_id == "mc-flynn"]
    return mine


def test_its_peak_is_a_declared_unknown_and_no_other_source_bounds_it(audit) -> None:
    table = audit.table("unprinted").set_index(["row_id", "unknown"])
    peak = table.loc[(ROW, "peak_uptake")]
    assert (peak["low"], peak["high"]) == (45, 65)
    mine = table.loc[ROW]
    assert set(mine.index) == {"sd_log_ratio", "people", "peak_uptake"}
    assert not mine["source"].str.contains("wuhan").any()


@pytest.mark.parametrize(("peak", "ratio"), [(50, 1.18), (55, 1.30), (60, 1.41), (78, 1.84)])
def test_the_ratio_that_a_peak_gives(audit, peak, ratio) -> None:
    printed = audit.published.set_index("row_id").loc[SHARE]
    forward = 0.2 * 60 * printed["speed_m_s"] + 3.5
    assert forward == pytest.approx(35.7, abs=0.05)
    assert printed["mean"] / 100 * peak / forward == pytest.approx(ratio, abs=SAID_ATOL)


def test_the_effect_stays_inside_what_its_own_abstract_allows(measure) -> None:
    (source,) = measure.sources
    space = Space.of(source.unknowns)
    rng = np.random.default_rng(1)
    values = space.values(rng.random((2000, space.size)))
    ratio = np.exp(source.effects(values).value)
    ratio = ratio[np.isfinite(ratio)]
    assert len(ratio) > 500
    assert ratio.min() > 1.05
    assert ratio.max() < 0.845 * 65 / 35.66 + 1e-9


def test_the_printed_p_moves_the_peak_up_where_people_differ_more(measure) -> None:
    (source,) = measure.sources
    names = [u.name for u in source.unknowns]
    people, spread, share, peak = source.unknowns
    values = {people.name: np.array([20.0, 20.0]), spread.name: np.array([0.05, 0.3]),
              share.name: np.array([84.0, 84.0])}  # fmt: skip
    low = peak.low(values)
    assert low[0] == 45 < low[1]
    assert [name.split(" (")[0] for name in names] == [
        "number of people", "how far people differ", "share of the forward peak",
        "peak oxygen uptake",
    ]  # fmt: skip
