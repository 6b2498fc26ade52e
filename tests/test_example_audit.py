"""The examples run whole, each from its page and its table alone, and give the published pools."""

from __future__ import annotations

import math
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doors.app import main, pin
from doors.audit import Fidelity, Label
from doors.evidence import FindingsMeasure as Measure
from doors.evidence import Source, known_source, posterior_of
from doors.report import render_report

import retrostats as rs
from retrostats import Estimate, InputError

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
BCG, NORDIC, TRAINING = (EXAMPLES / f"{name}.toml" for name in ("bcg", "nordic", "training"))
EVERY = pytest.mark.parametrize(
    "page",
    [NORDIC, *(pytest.param(page, marks=pytest.mark.thorough) for page in (BCG, TRAINING))],
    ids=lambda page: page.stem,
)
#: The published pools are printed with four decimals.
PUBLISHED = 1e-4
#: Two programs that sum the same closed forms in another order.
CLOSED_RTOL = 1e-10
#: Words of the audit that ships, which nothing of another may hold.
OTHER = re.compile(
    r"\b(backwards?|forwards?|gaits?|gradients?|ligaments?|running|runners?)\b", re.I
)
#: Columns of the audit that ships.
OTHER_COLUMNS = {"gait", "speed_m_s", "gradient_pct"}
DRAWS = 100


@pytest.fixture(scope="module")
def replication():
    return rs.replicate(audit=BCG, draws=DRAWS)


def test_the_pool_is_the_published_one(replication) -> None:
    rows = replication.estimates.set_index("estimate_id")
    assert math.log(rows.at["halves-pool", "estimate"]) == pytest.approx(-0.7145, abs=PUBLISHED)
    assert rows.at["latitude-slope", "estimate"] == pytest.approx(-0.0291, abs=PUBLISHED)
    assert (rows["role"] == "recomputed").sum() == 13


def test_a_card_has_a_dot_for_each_trial_it_rests_on_though_nothing_was_left_open(
    replication,
) -> None:
    cards = re.findall(r"<article.*?</article>", render_report(replication), re.DOTALL)
    assert [card.count('class="b-study"') for card in cards] == [7, 7, 0, 0]


def test_limits_are_knapp_hartung_that_never_narrow(replication) -> None:
    """On every trial, and on the seven by lot, which alone support a cause."""
    rows = replication.estimates.set_index("estimate_id")
    table = pd.read_csv(BCG.with_suffix(".csv"))
    made = rs.escalc(table, measure="RR")
    lot = table["allocation"] == "by lot"
    for name, cells in (("halves-pool", made), ("halves-pool-by-lot", made[lot.to_numpy()])):
        fit = rs.pool(
            cells["yi"].to_numpy(), np.sqrt(cells["vi"].to_numpy()), test="knapp-hartung-adhoc"
        )
        for end in ("conf_low", "conf_high"):
            wanted = math.exp(getattr(fit, end))
            assert rows.at[name, end] == pytest.approx(wanted, rel=CLOSED_RTOL)
        assert rows.at[name, "k"] == len(cells)


def test_every_claim_has_its_verdicts(replication) -> None:
    verdicts = replication.verdicts.set_index("claim_id")
    assert list(verdicts.index) == ["halves", "reduces", "latitude", "fades"]
    assert set(verdicts["fidelity"]) <= set(Fidelity.__args__)
    assert set(verdicts["direction"]) | set(verdicts["size"]) <= set(Label.__args__)
    assert list(verdicts["direction"]) == ["supported", "supported", "supported", "likely"]
    assert list(verdicts["size"]) == ["compatible", *["not claimed"] * 3]
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


def test_figures_are_drawn_of_each_group_of_claims(replication) -> None:
    drawn = {name: d.analysis for name, d in replication.drawings.items() if not d.claim}
    groups = {name: name for name in ("halves", "latitude", "fades")}
    assert drawn == {"verdict_overview": "", **groups}


@EVERY
def test_every_row_leads_to_a_printed_one(page) -> None:
    found = rs.replicate(audit=page, draws=DRAWS)
    known = set(found.sources["row_id"])
    for joined in found.estimates["source_rows"]:
        assert set(joined.split("; ")) - {""} <= known


@EVERY
def test_a_run_holds_no_word_of_another_subject(page, tmp_path, capsys) -> None:
    """Terminal, page, figures, tables, columns and the template for a reader's own people."""
    out = tmp_path / "results"
    arguments = ["replicate", "--audit", str(page), "--out", str(out), "--draws", str(DRAWS)]
    assert main([*arguments, "--formats", "svg"]) == 0
    said = capsys.readouterr()
    title = rs.load_audit(page).title
    assert f"<title>{title}</title>" in (out / "report.html").read_text(encoding="utf-8")
    assert main(["check-audit", str(page)]) == 0
    checked = capsys.readouterr()
    texts = {"terminal": said.out + said.err, "check-audit": checked.out + checked.err}
    for path in out.rglob("*"):
        if path.suffix in (".html", ".csv", ".svg", ".tex", ".md"):
            texts[path.name] = path.read_text(encoding="utf-8")
    for topic in rs.load_audit(page).topics.values():
        texts[f"template {topic.name}"] = topic.template
    held = {name: sorted(set(OTHER.findall(text))) for name, text in texts.items()}
    assert {name: words for name, words in held.items() if words} == {}
    assert (out / "figures" / "verdict_overview.svg").is_file()
    for path in out.rglob("*.csv"):
        header = path.read_text(encoding="utf-8").splitlines()[:1]
        assert not OTHER_COLUMNS & set(",".join(header).split(",")), path.name


def test_an_analysis_of_the_other_audit_is_refused() -> None:
    with pytest.raises(InputError, match="choose from halves"):
        rs.replicate(["metabolic-cost"], audit=BCG)


def test_check_compares_with_the_answers_of_this_audit(tmp_path, capsys) -> None:
    """Without its own pinned answers it says so; with them it sees a change."""
    page = tmp_path / "training.toml"
    for ending in (".toml", ".csv"):
        shutil.copy(TRAINING.with_suffix(ending), tmp_path)
    check = ["replicate", "--audit", str(page), "--check", "--draws", str(DRAWS)]
    assert main(check) == 2
    said = capsys.readouterr().err
    assert "training.toml: no pinned answers" in said
    folder = tmp_path / "pinned" / "training"
    assert str(folder) in said
    pin(rs.replicate(audit=page, draws=DRAWS), folder)
    assert main(check) == 0
    verdicts = folder / "verdicts.csv"
    verdicts.write_text(verdicts.read_text(encoding="utf-8").replace("compatible", "supported"))
    assert main(check) == 1
    assert "large, size: pinned 'supported', found 'compatible'" in capsys.readouterr().out
