"""Sentences on the first screen follow from the verdicts by rule."""

from __future__ import annotations

import itertools

import example_frames as ex
import pytest

from retrostats.draw.report.page import render_report
from retrostats.draw.report.sentences import SIZES, amount, answer, claimed

NAN = float("nan")
ROW = {
    "direction": "supported", "size": "undecided", "direction_reason": "nobody looked",
    "scale": "ratio", "unit": "ratio a / b", "estimate": 1.26, "conf_low": 1.04,
    "conf_high": 1.54, "decided_by": "",
}  # fmt: skip


@pytest.mark.parametrize("size", ["compatible", "undecided", "contradicted", "not claimed"])
def test_a_supported_direction_never_reads_as_a_supported_size(size):
    told = answer({**ROW, "size": size}).sentence
    assert told.startswith("The direction is supported")
    assert told.count("supported") == 1


def test_the_mark_says_where_only_the_direction_is_supported():
    marks = {size: answer({**ROW, "size": size}).mark for size in (*SIZES, "not claimed")}
    assert marks.pop("supported") == marks.pop("not claimed") == "supported"
    assert set(marks.values()) == {"direction supported"}


def test_a_range_of_one_reading_is_not_said_to_cover_the_others():
    told = answer(ROW, {"sens_low": 0.79, "sens_high": 1.66, "reading": "as points"}).numbers
    assert told.startswith("Under one reading (as points): best estimate 26% higher")
    assert "over all else that is not printed" in told


def test_every_pair_of_verdicts_has_a_sentence_of_its_own():
    directions = ("supported", "contradicted", "undecided", "no evidence", "not claimed")
    told = {d: answer({**ROW, "direction": d, "size": "not claimed"}).sentence for d in directions}
    assert len(set(told.values())) == len(directions)
    sized = {answer({**ROW, "size": size}).sentence for size in (*SIZES, "not claimed")}
    assert len(sized) == len(SIZES) + 1
    for direction, size in itertools.product(directions, SIZES):
        sentence = answer({**ROW, "direction": direction, "size": size}).sentence
        assert ("size claimed is supported" in sentence) == (direction == size == "supported")


def test_numbers_name_estimate_interval_and_what_was_not_printed():
    told = answer(ROW, {"sens_low": 0.79, "sens_high": 1.66}).numbers
    assert told == (
        "Best estimate 26% higher (95% interval 4% higher to 54% higher; "
        "over all that is not printed 21% lower to 66% higher)."
    )
    assert answer({**ROW, "estimate": NAN}).numbers == ""
    assert answer({**ROW, "conf_low": NAN}).numbers == "Best estimate 26% higher."


def test_what_decides_is_named():
    told = answer({**ROW, "direction": "undecided", "decided_by": "which studies count"})
    assert told.sentence == "Not decided: it turns on which studies count."


def test_amounts_carry_a_true_minus_and_a_unit():
    assert amount(-0.0294, "difference", "kg") == "−0.029 kg"
    assert amount(0.0, "difference", "kg") == "0.0 kg"
    assert amount(-2.4, "difference", "kg") == "−2.4 kg"
    assert amount(1.004, "rate_ratio") == "no difference"


def test_an_open_range_reads_as_one():
    half = {"range_low": NAN, "range_high": 0.5, "scale": "ratio"}
    assert claimed(half) == "at least 50% lower"
    assert claimed({**half, "range_low": 1.25, "range_high": NAN}) == "from 25% higher"


def test_core_claims_stand_before_the_verdicts_and_lead_to_them():
    html = render_report(ex.replication())
    first = html[html.index('<section id="answers"') : html.index('<section id="verdicts"')]
    core = ex.verdicts().query("role == 'core'")
    assert first.count("<article") == len(core)
    assert all(f'href="#claim-{claim}"' in first for claim in core["claim_id"])
    assert "Best estimate 25% higher" in first


def test_a_post_without_date_and_address_says_so():
    replication = ex.replication()
    replication.audit.post.date = replication.audit.post.address = ""
    assert "Its date and address are not recorded." in render_report(replication)
    assert "not recorded" not in render_report(ex.replication())
