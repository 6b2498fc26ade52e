"""Figures under their claim: what they say is what the frames hold; files and citation beside."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from doors.audit import claims_from_frame
from doors.report import (
    LEAST,
    VISIBLE,
    claim_figures,
    describe_choices,
    describe_draws,
    describe_influence,
    render_report,
)
from legibility import illegible

import retrostats as rs
from retrostats import InputError

FRAMES = ("specifications", "draws", "explorations", "unknowns", "estimates")


@pytest.fixture(scope="module")
def frames(whole):
    return {name: getattr(whole, name) for name in FRAMES}


@pytest.fixture(scope="module")
def claims(whole):
    return claims_from_frame(whole.claims)


@pytest.fixture(scope="module")
def html(whole) -> str:
    return render_report(whole, formats=("svg", "png"))


def under(html: str, claim_id: str) -> str:
    start = html.index(f'<div id="claim-{claim_id}">')
    return html[start : html.index('</div></details>\n<details class="told"', start)]


def test_every_core_claim_that_was_measured_has_figures_under_it(whole, claims, html) -> None:
    core = {claim.claim_id for claim in claims.values() if claim.role == "core"}
    measured = core & set(whole.draws["claim_id"])
    assert len(measured) > 1
    assert {d.claim for d in whole.drawings.values()} - {""} == measured
    for name, drawing in whole.drawings.items():
        if drawing.claim:
            assert f'id="fig-{name}"' in under(html, drawing.claim)
            assert html.count(f'id="fig-{name}"') == 1


def test_a_claim_of_another_role_or_without_a_measure_has_none(frames, claims) -> None:
    energy = claims["energy_30"]
    assert claim_figures(frames, {"energy_30": replace(energy, role="audit")}) == {}
    assert claim_figures(frames, {"no": replace(energy, claim_id="no")}) == {}


def test_asked_for_all_every_measured_claim_has_them_in_every_format(whole, frames, claims) -> None:
    made = claim_figures(frames, claims, every=True)
    moved = whole.unknowns["claim_id"][whole.unknowns["total"] > VISIBLE]
    assert {drawing.claim for drawing in made.values()} == set(moved) & set(claims)
    assert len({drawing.claim for drawing in made.values()}) > 4
    assert {drawing.written(("svg", "pdf", "png")) for drawing in made.values()} == {
        ("svg", "pdf", "png")
    }
    core = claim_figures(frames, claims)
    assert set(core) < set(made)
    assert {drawing.written(("svg", "pdf")) for drawing in core.values()} == {("svg",)}
    with pytest.raises(InputError, match="claim_figures: found most; choose from core, all"):
        rs.replicate(claim_figures="most")


@pytest.mark.thorough
def test_those_of_every_claim_can_be_read(frames, claims) -> None:
    """Those of the core are looked at where every figure is."""
    for name, drawing in claim_figures(frames, claims, every=True).items():
        assert illegible(drawing.figure) == [], name


def test_the_curve_needs_as_many_combinations_as_it_says(frames, claims) -> None:
    counts = frames["specifications"].groupby(["claim_id", "estimate_id"]).size()
    for claim_id, claim in claims.items():
        made = claim_figures(frames, {claim_id: claim})
        many = sum(n >= LEAST for (owner, _), n in counts.items() if owner == claim_id)
        expected = many if claim.role == "core" else 0
        assert sum("_choices" in name for name in made) == expected


def test_words_hold_the_numbers_of_the_frames(frames, claims) -> None:
    claim = claims["energy_30"]
    rows = frames["specifications"].query("claim_id == 'energy_30'").reset_index(drop=True)
    rows["size"] = ["supported"] * 5 + ["open"] * (len(rows) - 5)
    rows["estimate"] = [1.1, 1.26, *[1.2] * (len(rows) - 2)]
    assert describe_choices(rows, claim, "pool") == (
        f"Over {len(rows)} combinations of choices the estimate goes from 1.10 to 1.26; by its 95% "
        "limits alone the size is supported under 5 of them and open under "
        f"{len(rows) - 5} of them (pool)"
    )
    rows["size"] = "open"
    assert "open under all of them" in describe_choices(rows, claim, "pool")
    draws = frames["draws"].query("claim_id == 'energy_30'")
    said = describe_draws(draws, frames["explorations"], claim)
    assert f"below {draws['estimate'].median():.2f}," in said
    outer = frames["explorations"].query("claim_id == 'energy_30'").iloc[0]
    assert f"outermost limits {outer['conf_low']:.2f} to {outer['conf_high']:.2f}" in said
    bars = frames["unknowns"].query("claim_id == 'energy_30'")
    first = bars.sort_values("total", ascending=False).iloc[0]
    assert f"“{first['unknown']}” ({first['total']:.0%} of" in describe_influence(
        bars, claim, "pool"
    )


def test_each_figure_names_its_files_and_how_to_cite_it(whole, html, whole_page) -> None:
    shown = {name: drawing for name, drawing in whole.drawings.items() if drawing.analysis}
    assert html.count('data-svg="fig-') == len(shown)
    for name, drawing in shown.items():
        kinds = ("svg",) if drawing.claim else ("svg", "png")
        files = ", ".join(f"figures/{name}.{kind}" for kind in kinds)
        assert f"In the folder of this page: {files}.<" in html
        (cited,) = re.findall(rf'id="cite-{name}">([^<]*)<', html)
        assert whole.audit.title.replace("'", "&#39;") in cited
        assert "Version " in cited
        assert f"seed {whole.provenance['seed']}" in cited
    assert "In the folder of this page" not in whole_page


def test_the_folder_holds_what_the_page_names(whole, tmp_path) -> None:
    few = {n: d for n, d in whole.drawings.items() if n in ("energy_30_draws", "retelling_chain")}
    assert len(few) == 2
    folder = replace(whole, drawings=few).save(
        tmp_path / "results", formats=("svg", "png"), tables=("csv",)
    )
    named = re.findall(r"folder of this page: ([^<]*)\.<", (folder / "report.html").read_text())
    files = {file for joined in named for file in joined.split(", ")}
    assert files == {str(p.relative_to(folder)) for p in (folder / "figures").glob("*.*")}
    assert "figures/energy_30_draws.png" not in files
