"""Every claim leads to its evidence, every number to print, every printed row back: all of it."""

from __future__ import annotations

import pytest
from doors.report import anchor
from page_links import Links


@pytest.fixture(scope="module")
def page(whole_page) -> Links:
    return Links(whole_page)


def ids(prefix: str, names) -> set[str]:
    return {f"{prefix}{anchor(name)}" for name in names}


def test_no_link_ends_nowhere(page):
    inside = {link[1:] for link in page.all if link.startswith("#")}
    assert len(inside) > 300
    assert inside <= set(page.places)
    outside = [link for link in page.all if not link.startswith("#")]
    assert all(link.startswith(("https://", "http://")) for link in outside)


def test_every_row_of_every_frame_has_its_place(page, whole):
    assert set(page.of("claim-")) == ids("claim-", whole.verdicts["claim_id"])
    assert set(page.of("e-")) == ids("e-", whole.estimates["estimate_id"])
    assert set(page.of("c-")) == ids("c-", whole.checks["check_id"])
    assert set(page.of("as-")) == ids("as-", whole.assumptions["assumption_id"])
    assert set(page.of("row-")) == ids("row-", whole.sources["row_id"])
    numbered = [i for i, e in enumerate(whole.summary["estimate_id"], 1) if e]
    assert set(page.of("sof-")) == ids("sof-", numbered)
    assert set(page.of("study-")) == ids("study-", whole.sources["study_id"])


def test_every_claim_leads_to_its_evidence(page, whole):
    for row in whole.verdicts.to_dict("records"):
        key = f"claim-{anchor(row['claim_id'])}"
        links = page.places[key].links
        assert key in page.places["verdicts"].links
        assert f"a-{row['analysis']}" in links
        if row["estimate_id"]:
            assert f"e-{anchor(row['estimate_id'])}" in links
        printed = whole.fidelity.query("claim_id == @row['claim_id']")["source_rows"]
        signs = whole.evidence.query("claim_id == @row['claim_id']")["row_id"]
        rows = {r for joined in (*printed, *signs) for r in joined.split("; ") if r}
        assert ids("row-", rows) <= set(links)
        shown = rows or row["estimate_id"]
        assert shown or row["direction"] in ("not claimed", "no evidence", "open")


def test_core_claims_are_reached_from_the_first_screen(page, whole):
    core = whole.verdicts.query("role == 'core'")["claim_id"]
    assert ids("claim-", core) <= set(page.places["answers"].links)


def test_every_number_leads_to_its_printed_rows_and_they_lead_back(page, whole):
    for frame, prefix, column in (
        (whole.estimates, "e-", "estimate_id"), (whole.checks, "c-", "check_id")
    ):  # fmt: skip
        for row in frame.to_dict("records"):
            key = f"{prefix}{anchor(row[column])}"
            rows = ids("row-", row["source_rows"].split("; "))
            assert rows <= set(page.places[key].links), key
            for name in rows:
                assert key in page.places[name].links, (name, key)


def test_every_level_leads_to_its_printed_rows(page, whole):
    for number, row in enumerate(whole.summary.to_dict("records"), 1):
        if row["estimate_id"]:
            links = page.places[f"sof-{number}"].links
            assert ids("row-", filter(None, row["level_rows"].split("; "))) <= set(links)
            assert {f"claim-{row['claim_id']}", f"e-{anchor(row['estimate_id'])}"} <= set(links)
    assert ids("claim-", whole.summary["claim_id"]) <= set(page.places["findings"].links)


def test_every_printed_row_is_used_and_says_where_it_is_printed(page, whole):
    for row in whole.sources.to_dict("records"):
        place = page.places[f"row-{anchor(row['row_id'])}"]
        assert place.links, f"{row['row_id']} is an orphan"
        assert place.web, f"{row['row_id']} does not say where it is printed"
        assert f"study-{anchor(row['study_id'])}" in place.within
        for link in place.links:
            assert f"row-{anchor(row['row_id'])}" in page.places[link].links
        if isinstance(row["doi"], str) and row["doi"].startswith("10."):
            assert any("doi.org" in address for address in place.web)


def test_every_assumption_is_used_and_every_use_is_explained(page, whole):
    used = {a for joined in whole.estimates["assumptions"] for a in joined.split("; ") if a}
    for row in whole.assumptions.to_dict("records"):
        place = page.places[f"as-{anchor(row['assumption_id'])}"]
        assert bool(place.links) == bool(row["used_by"])
    assert ids("as-", used) <= set(page.places)


def test_every_study_is_referred_to_and_reached(page, whole):
    referred = set(page.places["references"].links)
    assert ids("study-", whole.sources["study_id"]) <= referred
    assert f"ref-{whole.audit.post.retells}" in page.places


def test_studies_can_be_filtered_by_topic_and_directness(whole, whole_page):
    titles = {a["title"] for a in whole.analyses}
    form = whole_page[whole_page.index('<form id="filter"') : whole_page.index("</form>")]
    assert all(f"<option>{title}</option>" in form for title in titles)
    assert "<option>direct</option>" in form
    assert form.startswith('<form id="filter" hidden>')  # without the script every study is shown
    found = whole_page.count('<details class="study" data-topic="')
    assert found == whole.sources["study_id"].nunique()
