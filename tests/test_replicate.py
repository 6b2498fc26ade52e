"""The whole path: frames, rules that hold throughout, and what it must never do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from doors.report import looks, parts, weighed

import retrostats as rs
from retrostats import InputError

#: The same sums in double precision.
EXACT = 1e-12
CORE = {"energy_30", "ligament_tears", "body_fat_6wk", "more_than_forward"}


@pytest.fixture(scope="module")
def replication(whole):
    return whole


def test_every_claim_gets_both_verdicts(replication) -> None:
    verdicts = replication.verdicts.set_index("claim_id")
    assert set(replication.claims["claim_id"]) == set(verdicts.index)
    assert set(verdicts.index[verdicts["role"] == "core"]) == CORE
    assert set(verdicts["fidelity"]) <= {
        "faithful", "drifted", "not measured by the source", "unverified",
    }  # fmt: skip
    assert (verdicts["fidelity_reason"] != "").all()


def test_what_the_sources_allow_to_be_said(replication) -> None:
    """These follow from the printed numbers by the rules; a change is news for the changelog."""
    verdicts = replication.verdicts.set_index("claim_id")
    assert verdicts.at["energy_30", "fidelity"] == "drifted"
    assert verdicts.at["energy_30", "direction"] == "supported"
    assert verdicts.at["energy_30", "size"] == "compatible"
    assert verdicts.at["energy_30", "prob_direction_min"] == pytest.approx(0.989, abs=2e-3)
    assert verdicts.at["energy_30", "estimate"] == pytest.approx(1.26, abs=0.01)
    assert verdicts.at["ligament_tears", "fidelity"] == "not measured by the source"
    assert verdicts.at["ligament_tears", "direction"] == "no evidence"
    assert verdicts.at["body_fat_6wk", "fidelity"] == "drifted"
    assert verdicts.at["body_fat_6wk", "direction"] == "supported"
    assert verdicts.at["more_than_forward", "fidelity"] == "not measured by the source"
    assert verdicts.at["more_than_forward", "direction"] == "open"
    assert verdicts.at["pounding", "direction"] == "mixed"
    assert np.isnan(verdicts.at["pounding", "prob_direction"])
    assert verdicts.at["body_fat_cause", "direction"] == "open"
    assert "comparison group" in verdicts.at["body_fat_cause", "direction_reason"]


def test_probabilities_and_labels_of_the_answers_belong_together(replication) -> None:
    answers, verdicts = replication.answers, replication.verdicts.set_index("claim_id")
    known = answers[answers["prob_direction"].notna()]
    assert (known["prob_direction_min"] <= known["prob_direction"]).all()
    assert (known["prob_direction"] <= known["prob_direction_max"]).all()
    sized = answers[answers["prob_size"].notna()]
    total = sized["prob_size"] + sized["prob_below"] + sized["prob_above"]
    np.testing.assert_allclose(total, 1, atol=1e-4)  # read off one posterior
    one = known[known["studies"] == 1].set_index("claim_id")
    causal = one[verdicts.loc[one.index, "kind"] == "causal"]
    assert not causal["direction"].isin(["supported", "contradicted"]).any()
    posterior = replication.estimates.query("role == 'posterior'")
    assert set(posterior["claim_id"]) == set(answers.loc[answers["estimate"].notna(), "claim_id"])


def test_rows_that_are_not_independent_never_enter_a_pool(replication) -> None:
    pooled = replication.estimates[
        replication.estimates["pooled"] | (replication.estimates["role"] == "pooled")
    ]
    used = {row for joined in pooled["source_rows"] for row in joined.split("; ") if row}
    sources = replication.sources.set_index("row_id")
    assert used
    assert set(sources.loc[sorted(used), "independence"]) == {"independent"}
    assert set(sources.loc[sorted(used), "reading"]) == {"printed"}


def test_every_estimate_leads_back_to_a_printed_row_and_lists_its_assumptions(replication) -> None:
    known = set(replication.sources["row_id"])
    assumed = set(replication.assumptions["assumption_id"])
    for row in replication.estimates.itertuples():
        assert row.source_rows, row.estimate_id
        assert set(row.source_rows.split("; ")) <= known
        assert set(filter(None, row.assumptions.split("; "))) <= assumed
    assert (replication.sources["locator"] != "").all()


def test_old_names_of_frames_work_and_warn(replication) -> None:
    for old, new in (("witnesses", "cross_checks"), ("own_results", "user_results")):
        with pytest.warns(DeprecationWarning, match=f"Replication.{old} is now .*{new}"):
            assert getattr(replication, old).equals(getattr(replication, new))


def test_estimates_lie_inside_their_limits_and_hollow_marks_are_not_pooled(replication) -> None:
    rows = replication.estimates
    shown = rows[rows["conf_low"].notna()]
    assert (shown["conf_low"] <= shown["estimate"]).all()
    assert (shown["estimate"] <= shown["conf_high"]).all()
    assert not (rows["pooled"] & rows["excluded"]).any()
    swept = rows[rows["sens_low"].notna()]
    slack = 1e-9
    assert (swept["sens_low"] < swept["sens_high"]).all()
    bounded = swept[swept["conf_low"].isna()]  # printed without an error, or in words
    assert {"mc-rasica", "mc-paes"} < set(bounded["estimate_id"])
    numbers = bounded[bounded["estimate"].notna()]
    assert (numbers["sens_low"] < numbers["estimate"]).all()
    assert (numbers["estimate"] < numbers["sens_high"]).all()
    swept = swept.drop(bounded.index)
    assert (swept["sens_low"] <= swept["conf_low"] + slack).all()
    assert (swept["sens_high"] >= swept["conf_high"] - slack).all()
    assert rows["estimate_id"].is_unique


def test_weights_are_inverse_variances_in_percent_of_the_one_pool_of_a_quantity(
    replication,
) -> None:
    weighed = replication.estimates.groupby(["analysis", "quantity"])["weight"].count()
    assert (weighed > 0).any()
    assert (weighed == 0).any()
    for _, part in replication.estimates.groupby(["analysis", "quantity"]):
        rows, pools = (
            part[part["weight"].notna()],
            part[part["role"] == "pooled"].dropna(subset="tau"),
        )
        if len(rows):
            (pool,) = pools.itertuples()
            assert rows["pooled"].all()
            assert len(rows) == pool.k
            usual = 1 / (rows["std_error"] ** 2 + pool.tau**2)
            assert rows["weight"].to_numpy() == pytest.approx(100 * usual / usual.sum(), rel=EXACT)


def test_what_sources_print_is_recomputed_within_rounding(replication) -> None:
    checks = replication.checks
    assert len(checks) >= 15
    disagree = checks.loc[~checks["agrees"], ["check_id", "printed", "recomputed"]]
    assert disagree.empty, disagree.to_string()


def test_independent_programs_agree(replication) -> None:
    assert set(replication.cross_checks["program"]) == {
        "pingouin paired t-test",
        "statsmodels mixed model",
    }
    apart = replication.cross_checks[~replication.cross_checks["agrees"]]
    assert apart.empty, apart.to_string()


def test_two_stage_pool_and_one_stage_model_give_the_same_direction(replication) -> None:
    rows = replication.estimates.set_index("estimate_id")
    one, two = rows.loc["mc-one-stage"], rows.loc["mc-pool"]
    assert one["conf_low"] < two["estimate"] < one["conf_high"]


@pytest.mark.parametrize(
    ("roles", "counted"), [(["pooled", "posterior"], True), (["pooled"] * 2, False)]
)
def test_a_quantity_has_weights_where_one_row_is_its_pool(roles, counted) -> None:
    rows = pd.DataFrame(
        {
            "analysis": "a", "quantity": "q", "role": ["study", "study", *roles], "weight": np.nan,
            "pooled": [True, True, False, False], "std_error": [0.1, 0.2, 0.05, 0.06],
            "tau": [np.nan, np.nan, 0.1, 0.3], "k": [1, 1, 2, 2],
        }
    )  # fmt: skip
    usual = 100 * np.array([5 / 7, 2 / 7])  # 1 / (0.01 + 0.01) and 1 / (0.04 + 0.01)
    wanted = [*(usual if counted else [np.nan] * 2), np.nan, np.nan]
    assert weighed(rows)["weight"].to_numpy() == pytest.approx(wanted, rel=EXACT, nan_ok=True)


def test_one_analysis_alone_judges_its_own_claims_and_draws_when_asked(monkeypatch) -> None:
    drawn: list[float] = []

    def noted(*arguments, **options):
        drawn.append(looks.page_mm())
        return overview(*arguments, **options)

    overview = parts._overview
    monkeypatch.setattr(parts, "_overview", noted)
    alone = rs.replicate(["body-fat"], draws=0)
    assert set(alone.verdicts["analysis"]) == {"body-fat"}
    assert drawn == []
    with looks.drawn_in("slide"):  # the usual look, wherever they are asked for
        figures = alone.figures
    assert "body_fat_change" in figures
    assert "metabolic_cost_forest" not in figures
    assert alone.figures["body_fat_change"] is figures["body_fat_change"]
    assert drawn == [180.0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"analyses": ["fat"]}, "unknown analysis fat; choose from metabolic-cost"),
        ({"analyses": ["nowhere.py"]}, "no such file"),
        ({"formats": ("gif",)}, "gif; choose from svg, pdf, png"),
        ({"formats": ()}, "found nothing"),
        ({"seed": -1}, "seed must be 0 or more"),
        ({"jobs": 0}, "jobs must be 1 or more"),
        ({"draws": -5}, "draws must be 0 or more"),
    ],
)
def test_bad_arguments(arguments, message) -> None:
    with pytest.raises(InputError, match=message):
        rs.replicate(**arguments)


def test_a_replication_reads_at_a_glance(replication) -> None:
    text, html = repr(replication), replication._repr_html_()
    assert len(text.splitlines()) == len(replication.verdicts) + 4
    assert max(map(len, text.splitlines())) <= 110
    for row in replication.verdicts.itertuples():
        assert row.claim_id in text
        assert row.claim_id in html
    assert f"{len(replication.estimates)} estimates" in text


@pytest.mark.parametrize(
    "name",
    [
        *("Replication", "LmmFit", "GlmmFit", "Pooled", "Posterior", "PooledCounts"),
        *("Exploration", "Moments", "Plan"),
    ],
)
def test_public_results_have_a_short_form(name) -> None:
    kind = getattr(rs, name)
    assert not hasattr(kind.__repr__, "__wrapped__"), "the generated repr lists every field"
    assert hasattr(kind, "_repr_html_")


def test_questions_to_the_sources_come_out_with_the_run(replication) -> None:
    asked = replication.questions
    alone = rs.forensics(rs.load_published())
    assert len(asked) == (alone["finding"] == "question").sum() > 0
    assert {"heath2001", "gilchrist2008"} <= set(asked["study_id"])
    assert asked["question"].str.endswith("?").all()
