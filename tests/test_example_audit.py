"""The second audit runs whole, from its own folder alone, and gives the published pool."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import retrostats as rs
from retrostats.app.cli import main
from retrostats.app.reference_results import pin
from retrostats.audit.verdict import Fidelity, Label
from retrostats.common.errors import InputError
from retrostats.evidence.result.estimate import Estimate
from retrostats.evidence.result.findings import Measure
from retrostats.evidence.unreported.likelihood import posterior_of
from retrostats.evidence.unreported.sources import Source, known_source

ROOT = Path(__file__).resolve().parent.parent
BCG = ROOT / "examples" / "bcg"
TITLE = "BCG vaccine: what was claimed, what thirteen trials counted"
CLAIMS = ["halves", "reduces", "latitude", "fades"]
#: The published pool is printed with four decimals.
PUBLISHED = 1e-4
FIGURES = {"verdict_overview", "tuberculosis", "tuberculosis_moderators"}
#: Core claims, each with figures of its own.
CORE = {"halves", "reduces", "latitude"}
#: Words of the audit that ships, which no page of another may hold.
OTHER = ("backward", "forward running", "ligament", "metabolic")
DRAWS = 100


@pytest.fixture(scope="module")
def replication():
    return rs.replicate(audit=BCG, draws=DRAWS)


def test_the_pool_is_the_published_one(replication) -> None:
    rows = replication.estimates.set_index("estimate_id")
    assert math.log(rows.at["tb-pool", "estimate"]) == pytest.approx(-0.7145, abs=PUBLISHED)
    assert rows.at["tb-pool", "std_error"] == pytest.approx(0.1798, abs=PUBLISHED)
    assert rows.at["tb-latitude", "estimate"] == pytest.approx(-0.0291, abs=PUBLISHED)
    assert rows.at["tb-latitude", "std_error"] == pytest.approx(0.0072, abs=PUBLISHED)
    assert (rows["role"] == "recomputed").sum() == 13
    assert rows.at["tb-pool", "pred_low"] < rows.at["tb-pool", "conf_low"]


def test_every_estimator_and_kind_of_limits_is_inside_the_range(replication) -> None:
    """Knapp-Hartung limits by each estimator, from the pool itself, lie inside; REML's touch."""
    trials = replication.estimates.query("role == 'recomputed'")
    effects = [math.log(value) for value in trials["estimate"]]
    row = replication.estimates.set_index("estimate_id").loc["tb-pool"]
    fits = [
        rs.pool(effects, list(trials["std_error"]), method=method, test=test)
        for method in ("reml", "pm", "dl")
        for test in ("z", "knapp-hartung")
    ]
    assert row["sens_low"] == pytest.approx(math.exp(min(f.conf_low for f in fits)))
    assert row["sens_high"] == pytest.approx(math.exp(max(f.conf_high for f in fits)))


def test_every_claim_has_its_verdicts(replication) -> None:
    verdicts = replication.verdicts.set_index("claim_id")
    assert list(verdicts.index) == CLAIMS
    assert set(verdicts["fidelity"]) <= set(Fidelity.__args__)
    assert set(verdicts["direction"]) | set(verdicts["size"]) <= set(Label.__args__)
    assert list(verdicts["direction"]) == ["supported", "supported", "supported", "likely"]
    assert list(verdicts["size"]) == ["compatible", *["not claimed"] * 3]
    assert verdicts.at["fades", "cited_study"] == ""
    assert verdicts.at["fades", "fidelity"] == "unverified"


def test_the_spread_between_trials_is_that_of_events(replication) -> None:
    """A half-normal of scale 0.2 would draw tau of the thirteen trials to 0.37."""
    pool = replication.answers.set_index("claim_id").loc["halves"]
    assert 0.5 < pool["tau"] < 0.7


def test_a_pool_of_risk_ratios_has_the_prior_scale_of_events() -> None:
    """0.5 for ratios of events, 0.2 for ratios of means: by the sources, else by the quantity."""
    effect = Estimate(-0.7, 0.1, math.inf, "log_ratio", "ratio")
    rate = replace(effect, scale="log_rate_ratio")

    def scale(quantity: str, *sources: Source) -> float:
        measure = Measure("row", "row", lambda level: lambda v: v, sources=sources)
        return posterior_of(measure, "ratio", null=1.0, quantity=quantity).prior_scale

    plain, risk = known_source("a", effect), known_source("b", effect, measure="risk ratio")
    assert scale("cost_ratio", plain) == 0.2
    assert scale("cost_ratio", risk, known_source("c", rate)) == 0.5
    assert scale("cost_ratio", risk, plain) == 0.2  # not all are of events
    assert scale("risk_ratio", plain) == 0.5
    assert scale("heart_rate_ratio", plain) == 0.2  # a rate of another kind


def test_figures_are_drawn_by_the_analysis(replication) -> None:
    assert {name for name, d in replication.drawings.items() if not d.claim} == FIGURES
    owners = {d.analysis for name, d in replication.drawings.items() if name != "verdict_overview"}
    assert owners == {"tuberculosis"}
    assert {d.claim for d in replication.drawings.values() if d.claim} == CORE


def test_every_row_leads_to_a_printed_one(replication) -> None:
    known = set(replication.sources["row_id"])
    assert len(known) == 26
    for joined in replication.estimates["source_rows"]:
        assert set(joined.split("; ")) <= known


def test_the_command_line_writes_a_report_about_this_audit_only(tmp_path, capsys) -> None:
    out = tmp_path / "results"
    code = main(
        ["replicate", "--audit", str(BCG), "--out", str(out), "--draws", str(DRAWS),
         "--formats", "svg"]
    )  # fmt: skip
    assert code == 0
    page = (out / "report.html").read_text(encoding="utf-8")
    assert f"<title>{TITLE}</title>" in page
    assert [word for word in OTHER if word in page.lower()] == []
    drawn = {path.stem for path in (out / "figures").glob("*.svg")}
    assert drawn > FIGURES
    assert {name for name in drawn - FIGURES if name.endswith("_draws")} == {
        f"{claim}_draws" for claim in CORE
    }
    assert "supported" in capsys.readouterr().out


def test_an_analysis_of_the_other_audit_is_refused() -> None:
    with pytest.raises(InputError, match="choose from tuberculosis"):
        rs.replicate(["metabolic-cost"], audit=BCG)


def test_check_compares_with_the_answers_of_this_audit(tmp_path, capsys) -> None:
    """Without its own pinned answers it says so; with them it sees a change."""
    audit = tmp_path / "bcg"
    shutil.copytree(BCG, audit, ignore=shutil.ignore_patterns("__pycache__"))
    check = ["replicate", "--audit", str(audit), "--check", "--draws", str(DRAWS)]
    assert main(check) == 2
    assert "no pinned answers" in capsys.readouterr().err
    folder = audit / "data" / "pinned"
    pin(rs.replicate(audit=audit, draws=DRAWS), folder)
    assert main(check) == 0
    verdicts = folder / "verdicts.csv"
    verdicts.write_text(verdicts.read_text(encoding="utf-8").replace("compatible", "supported"))
    assert main(check) == 1
    assert "halves, size: pinned 'supported', found 'compatible'" in capsys.readouterr().out
