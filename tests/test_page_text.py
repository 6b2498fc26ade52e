"""What stands on the page of the audit that ships, word by word."""

from __future__ import annotations

import pytest
from page_text import Blocks, defects

from retrostats.draw.report.page import render_report


@pytest.fixture(scope="module")
def html(whole) -> str:
    return render_report(whole)


def test_no_reader_meets_a_defect(html, whole):
    identifiers = {
        str(name).lower()
        for frame, column in (
            (whole.sources, "row_id"),
            (whole.estimates, "estimate_id"),
            (whole.studies, "study_id"),
            (whole.claims, "claim_id"),
            (whole.assumptions, "assumption_id"),
        )
        for name in frame[column]
    } - {"balance", "pounding", "hiit"}  # fmt: skip  (words of their own)
    assert defects(Blocks(html).blocks, identifiers) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("in 2005.0", "a year with a decimal"), ("from inf", "a number that is none"),
        ("from -3", "a hyphen for a minus"), ("30% %", "a unit twice"),
        ("0.01 to 0.01", "ends that look the same"), ("mc_pool", "a raw name"),
        ("; 95%", "an empty start"), ("n ()", "an empty bracket"), ("end..", "two stops"),
        ("Mc-pool", "an identifier"), ("of of", "a word that stands twice"),
    ],
)  # fmt: skip
def test_every_defect_would_be_seen(text, name):
    assert [f for f in defects(Blocks(f"<p>{text}</p>").blocks, {"mc-pool"}) if f.startswith(name)]


def test_what_reads_well_is_no_defect():
    fine = "<p>−0.01 to 0.01 (2001-02, p < 0.05); 10 to 100, open-ended</p>"
    assert defects(Blocks(fine).blocks, {"mc-pool"}) == []


def test_both_readings_and_the_cause_stand_on_the_first_screen(html):
    first = html[html.index('<section id="answers"') : html.index("<nav")]
    assert "−0.65" in first
    assert "4.63% of the body fat" in first
    assert "against the claim" in first
    assert "It was the backward running that took the body fat off" in first
    assert "the comparison group, of which nothing was printed" in first
