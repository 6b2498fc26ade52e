"""Certainty: each rule costs what docs/verdicts.md says, and a data file may overrule the sum."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from doors.audit import (
    FEW_PEOPLE,
    LEVELS,
    Answer,
    Certainty,
    Grounds,
    Side,
    certainty_of,
    design_kind,
    grounds_of,
    order_reported,
)
from doors.evidence import EstimateRow

import retrostats as rs
from retrostats import Evidence, InputError, Unknown, explore, judge, load_audit, load_claims

CLAIM = load_claims()["energy_30"]  # causal, above 1, 1.25 to 1.35
NAN = float("nan")
DRAWS = 256


def row(name: str = "judged", **extra) -> EstimateRow:
    """A row that costs nothing."""
    defaults = {"role": "model", "directness": "direct", "n": 200.0, "source_rows": ("r-cross",)}
    return EstimateRow(name, name, "ratio", scale="ratio", unit="ratio", **{**defaults, **extra})


def grounds(*rows: EstimateRow, overruled=None) -> Grounds:
    designs = {
        "r-cross": "within-subject, treadmill, counterbalanced",
        "r-order": "within-subject, treadmill",
        "r-lot": "cluster RCT, 9 teams",
        "r-two": "two groups",
    }
    return Grounds({r.estimate_id: r for r in rows or (row(),)}, designs, overruled or {})


def evidence(
    low: float = 1.26, high: float = 1.34, move: float = 0.0, name: str = "judged", **extra
) -> Evidence:
    """An interval that one unknown shifts up to `move` either way."""

    def answer(v):
        shift = move * v["u"]
        return (low + high) / 2 + shift, low + shift, high + shift

    explored = explore(answer, [Unknown("u", -1, 1)], draws=DRAWS, seed=3)
    return Evidence(name, explored, explored, estimate_id=name, **extra)


def sure(claim, found, grounds, side: Side = "size") -> Certainty:
    """Certainty of one side, from the answers that the evidence gives."""
    return certainty_of(claim, found, judge(claim, found).answers, grounds)[side]


def downgrades(found) -> dict[str, int]:
    return {lost.domain: lost.levels for lost in found.downgrades if lost.levels}


def test_nothing_lost_is_high() -> None:
    found = sure(CLAIM, [evidence()], grounds())
    assert (found.label, downgrades(found)) == ("high", {})
    domains = ["design", "imprecision", "inconsistency", "indirectness", "what was not printed",
               "publication bias"]  # fmt: skip
    assert [downgrade.domain for downgrade in found.downgrades] == domains
    assert found.why == "no rule costs a level"


@pytest.mark.parametrize(
    ("designs", "levels"),
    [(("r-cross",), 0), (("r-lot",), 0), (("r-two",), 1), (("r-two", "r-lot"), 1),
     (("r-two", "r-lot", "r-cross"), 0), (("r-order",), 1), (("r-order", "r-cross"), 1),
     (("r-order", "r-two", "r-lot"), 1), (("r-order", "r-lot", "r-cross"), 0)],
)  # fmt: skip
def test_design_of_half_the_rows_or_more_counts(designs, levels) -> None:
    found = sure(CLAIM, [evidence()], grounds(row(source_rows=designs)))
    assert downgrades(found).get("design", 0) == levels


def test_an_order_that_is_not_told_costs_one_level_and_caps_nothing() -> None:
    rows = grounds(row(source_rows=("r-order",)))
    found = sure(CLAIM, [evidence()], rows, "direction")
    assert (found.label, downgrades(found)) == ("moderate", {"design": 1})
    assert "order not told (within-subject, treadmill)" in found.why
    assert judge(CLAIM, [evidence()]).direction.label == "supported"
    descriptive = replace(CLAIM, kind="descriptive")
    assert downgrades(sure(descriptive, [evidence()], rows, "direction")) == {}


@pytest.mark.parametrize(
    ("words", "told"),
    [("randomised crossover", True), ("within-subject, order by lot", True),
     ("Within-subject, counter-balanced", True), ("crossover, order not randomised", False),
     ("crossover, order unknown", False), ("crossover; non-random order, counterbalanced", True),
     ("within-subject, non-random order", False), ("within-subject, fixed order", False)],
)  # fmt: skip
def test_order_words(words, told) -> None:
    assert order_reported(words) is told


def test_a_cause_without_a_comparison_has_none_and_a_description_loses_nothing() -> None:
    alone = [evidence(comparison=False)]
    assert sure(CLAIM, alone, grounds()).label == ""  # it says nothing of the cause
    descriptive = replace(CLAIM, kind="descriptive")
    assert downgrades(sure(descriptive, alone, grounds(row(source_rows=("r-two",))))) == {}


@pytest.mark.parametrize(
    ("words", "kind"),
    [("Cluster RCT, 23 teams", "by lot"), ("randomised pilot", "by lot"),
     ("controlled trial, random allocation", "by lot"),
     ("two-arm parallel; randomisation not stated", "other"),
     ("controlled trial, alternate allocation", "other"), ("", "other"),
     ("prospective, non-randomised, 2 seasons", "other"),
     ("training and control group, not stated as randomised", "other"),
     ("RCT, with a non-randomised control", "by lot"),
     ("within-subject lab", "same people"), ("randomised crossover", "same people")],
)  # fmt: skip
def test_design_words(words, kind) -> None:
    assert design_kind(words) == kind


@pytest.mark.parametrize(
    ("low", "high", "n", "direction", "size"),
    [
        (1.26, 1.34, FEW_PEOPLE, 0, 0),
        (1.26, 1.34, FEW_PEOPLE - 1, 1, 1),
        (1.20, 1.34, 200, 0, 1),  # across an end of the claimed range
        (1.05, 1.20, 200, 0, 0),  # wholly outside: precise enough to contradict
        (0.95, 1.20, 200, 1, 0),  # spans no difference
        (0.95, 1.30, 8, 2, 2),
        (1.26, 1.34, NAN, 0, 0),
    ],
)
def test_imprecision_of_each_side(low, high, n, direction, size) -> None:
    for side, levels in (("direction", direction), ("size", size)):
        found = sure(CLAIM, [evidence(low, high)], grounds(row(n=float(n))), side)
        assert downgrades(found).get("imprecision", 0) == levels


def pool_rows(effects, error: float = 0.05) -> list[EstimateRow]:
    studies = [
        row(f"s{i}", role="printed", estimate=e, std_error=error, pooled=True)
        for i, e in enumerate(effects)
    ]
    return [row(role="pooled"), *studies]


@pytest.mark.parametrize(
    ("effects", "levels"),
    [((1.30, 1.31, 1.29), 0), ((1.15, 1.30, 1.40), 1), ((1.10, 1.30, 1.60), 1),
     ((0.80, 1.30, 1.60), 2), ((1.30,), 0)],
)  # fmt: skip
def test_studies_that_differ_beyond_their_errors(effects, levels) -> None:
    found = sure(CLAIM, [evidence()], grounds(*pool_rows(effects)))
    assert downgrades(found).get("inconsistency", 0) == levels


@pytest.mark.parametrize(
    ("share", "middle", "levels"),
    [(0.49, 1.0, 0), (0.51, 1.0, 1), (0.74, 1.0, 1), (0.76, 1.0, 2), (0.49, 1.3, 0),
     (0.51, 1.3, 1), (0.76, 1.3, 1)],
)  # fmt: skip
def test_i2_costs_a_level_from_a_half_and_two_from_three_quarters(share, middle, levels) -> None:
    """Two effects 2e apart with equal errors s have I2 = 1 - s^2 / (2 e^2)."""
    error = 0.05
    away = np.exp(error / np.sqrt(2 * (1 - share)))
    found = sure(CLAIM, [evidence()], grounds(*pool_rows((middle * away, middle / away))))
    assert downgrades(found).get("inconsistency", 0) == levels
    why = next(loss.why for loss in found.downgrades if loss.domain == "inconsistency")
    assert f"I2 {share:.0%} among 2 studies" in why


@pytest.mark.parametrize(
    ("second", "levels"), [((1.27, 1.33), 0), ((0.85, 1.25), 1), ((0.8, 0.9), 2)]
)
def test_measures_that_disagree(second, levels) -> None:
    both = [evidence(), evidence(*second, name="other")]
    found = sure(CLAIM, both, grounds(row(), row("other")), "direction")
    assert downgrades(found).get("inconsistency", 0) == levels


@pytest.mark.parametrize(
    ("words", "levels"),
    [("direct", 0), ("direct, allocated arms", 0), ("", 0), ("joint load", 1),
     ("indirect, two trials", 2)],
)  # fmt: skip
def test_indirectness(words, levels) -> None:
    found = sure(CLAIM, [evidence()], grounds(row(directness=words)))
    assert downgrades(found).get("indirectness", 0) == levels


@pytest.mark.parametrize(
    ("p_low", "least", "levels"), [(0.999, 0.99, 0), (0.97, 0.9, 1), (0.9, 0.4, 2)]
)
def test_a_grade_that_a_declared_choice_lowers_costs_a_level(p_low, least, levels) -> None:
    answer = Answer("judged", "judged", p_low, least, 0.999, estimate=1.3, conf_low=1.2,
                    conf_high=1.4, direction="likely")  # fmt: skip
    descriptive = replace(CLAIM, kind="descriptive")
    found = certainty_of(descriptive, [evidence()], [answer], grounds())["direction"]
    assert downgrades(found).get("what was not printed", 0) == levels
    if levels:
        assert "under another declared choice" in found.why


def test_of_several_measures_the_one_that_loses_most_counts() -> None:
    both = [evidence(), evidence(1.27, 1.33, name="other")]
    found = sure(CLAIM, both, grounds(row(), row("other", n=5.0)))
    assert downgrades(found) == {"imprecision": 1}
    assert "5 people in all, fewer than 30 (other)" in found.why


def funnel(k: int, slope: float) -> list[EstimateRow]:
    """A pool of k studies whose effects grow with their errors by a slope."""
    rng = np.random.default_rng(3)
    errors = np.linspace(0.03, 0.4, k)
    effects = 0.26 + slope * errors + rng.normal(0, 0.2 * errors)
    rows = [
        row(f"s{i}", pooled=True, estimate=float(np.exp(y)), std_error=float(e))
        for i, (y, e) in enumerate(zip(effects, errors, strict=True))
    ]
    return [row(role="pooled"), *rows]


@pytest.mark.parametrize(("k", "slope", "levels"), [(12, 2.0, 1), (12, 0.0, 0), (9, 2.0, 0)])
def test_small_studies_that_differ_cost_a_level_where_ten_can_be_looked_at(k, slope, levels):
    found = sure(CLAIM, [evidence()], grounds(*funnel(k, slope)), "direction")
    lost = {x.domain: x for x in found.downgrades}["publication bias"]
    assert lost.levels == levels
    said = "Egger's test among 12 studies" if k == 12 else "can be looked for among 10 or more"
    assert said in lost.why


def test_levels_add_up_and_end_at_very_low() -> None:
    worse = {"directness": "indirect, two trials", "n": 5.0}
    assert sure(CLAIM, [evidence()], grounds(row(n=5.0))).label == "moderate"
    found = sure(CLAIM, [evidence(0.9, 1.3)], grounds(row(**worse)))
    assert sum(downgrades(found).values()) > len(LEVELS) - 1
    assert found.label == "very low"


def test_evidence_that_does_not_exist_has_no_certainty() -> None:
    assert sure(CLAIM, [], grounds()).label == ""
    nothing = replace(CLAIM, claimed_direction="none", range_low=NAN, range_high=NAN)
    assert sure(nothing, [evidence()], grounds()).label == ""


def test_a_data_file_overrules_with_its_reason_and_shows_the_rules() -> None:
    by_hand = {CLAIM.claim_id: ("low", "the abstract alone was read")}
    found = sure(CLAIM, [evidence()], grounds(overruled=by_hand))
    assert (found.label, found.by_rule) == ("low", "high")
    assert found.why.startswith("set by hand: the abstract alone was read (the rules alone: high")


@pytest.mark.parametrize(("label", "why"), [("certain", "because"), ("low", "")])
def test_an_overruling_without_a_level_or_a_reason_is_refused(label, why) -> None:
    audit = load_audit()
    table = pd.DataFrame([("energy_30", label, why)], columns=["claim_id", "certainty", "why"])
    with pytest.raises(InputError, match="certainty table, claim energy_30"):
        grounds_of([], audit.published, audit.studies, table)


def test_the_path_gives_every_claim_its_certainty(tmp_path) -> None:
    import shutil

    audit = tmp_path / "audit"
    shutil.copytree(load_audit().data, audit / "data")
    shutil.copytree(load_audit().scripts, audit / "analyses")
    table = audit / "data" / "certainty.csv"
    table.write_text("claim_id,certainty,why\nmore_than_forward,low,a test\n", encoding="utf-8")
    found = rs.replicate(["body-fat"], audit=audit, draws=DRAWS)
    verdicts = found.verdicts.set_index("claim_id")
    assert verdicts.at["more_than_forward", "certainty_direction"] == "low"
    assert "set by hand: a test" in verdicts.at["more_than_forward", "certainty_direction_why"]
    assert verdicts.at["body_fat_6wk", "certainty_size"] == "low"
    assert set(verdicts["certainty_direction"]) | set(verdicts["certainty_size"]) <= {*LEVELS, ""}
    lost = found.certainty.query("claim_id == 'body_fat_6wk' and side == 'size'")
    lost = lost.set_index("domain")["levels"]
    assert dict(lost[lost > 0]) == {"imprecision": 2}
    replace(found, drawings={}).save(tmp_path / "out", formats=("svg",), tables=("csv",))
    written = pd.read_csv(tmp_path / "out" / "verdicts.csv")
    for side in ("certainty_direction", "certainty_size"):
        assert list(written[side].dropna()) == [v for v in verdicts[side] if v]
    assert len(pd.read_csv(tmp_path / "out" / "tables" / "certainty.csv")) == len(found.certainty)
