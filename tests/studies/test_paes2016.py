"""Paes 2016, abstract: no significant difference at 2.46 m/s, less than 9 kcal at 77.5 kg."""

from __future__ import annotations

import pytest
from doors.evidence import COUNTED

import retrostats as rs

KCAL_PER_LITRE = 5  # of oxygen, a round figure


@pytest.fixture(scope="module")
def found(whole):
    return whole


def test_its_energy_is_below_what_running_costs() -> None:
    rows = rs.load_published("metabolic_cost").set_index("row_id")
    energy = rows.loc["mc-paes2016-energy-expenditure-kcal-upper-bound-walk-and-run-backward"]
    mass = rows.loc["mc-paes2016-body-mass", "mean"]
    uptake = energy["mean"] / KCAL_PER_LITRE * 1000 / mass
    assert round(uptake) == 23
    speed = 60 * rows.loc["mc-paes2016-vo2-run-bw-vs-fw", "speed_m_s"]
    assert round(0.2 * speed + 3.5) == 33


def test_the_flag_is_in_the_data_and_among_the_assumptions(found) -> None:
    note = rs.load_audit().studies.set_index("study_id").loc["paes2016", "note"]
    assert note.startswith("quality flag")
    flags = found.assumptions[found.assumptions["kind"] == "quality"]
    assert set(flags["study_id"]) == {"paes2016"}


def test_it_is_never_the_only_result_in_words_that_counts(found) -> None:
    from doors.audit import Context, load_analysis
    from doors.common import analyses_dir

    audit = rs.load_audit()
    rows = audit.published
    rows = rows[rows["topic"] == "metabolic_cost"].reset_index(drop=True)
    findings = load_analysis(analyses_dir() / "metabolic_cost.py").analyse(
        Context(rows, audit.claims, audit)
    )
    (pool,) = [m for m in findings.measures if m.claim_id == "energy_30"]
    names = [source.name for source in pool.sources]
    (counted,) = [u for u in pool.unknowns if u.name == COUNTED]
    before: set[str] = set()
    for mask in counted.options.values():
        chosen = {name for name, used in zip(names, mask, strict=True) if used}
        words = chosen & {"Paes 2016", "Reilly 1984", "Flynn 1994"}
        assert len(words) in (0, 3)
        assert before < chosen  # nested: each step adds
        before = chosen
    assert before == set(names)
