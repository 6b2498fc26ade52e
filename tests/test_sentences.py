"""Sentences on the first screen follow from the verdicts by rule."""

from __future__ import annotations

import itertools
import re

import example_frames as ex
import pytest

from retrostats.report.page.bands import band, claimed_zone
from retrostats.report.page.cards import causes_of, changes
from retrostats.report.page.effect_words import amount, claimed, span
from retrostats.report.page.page import render_report
from retrostats.report.page.sentences import SYMBOLS, answer

NAN = float("nan")
#: Labels of a size with its probability, and of lying below and above the range.
SIZES = {
    "supported": (0.96, 0.02, 0.02), "compatible": (0.46, 0.45, 0.09), "open": (0.25, 0.4, 0.35),
    "unlikely": (0.1, 0.88, 0.02), "contradicted": (0.01, 0.98, 0.01),
}  # fmt: skip
#: Labels of a direction with its probability, lowest and highest.
DIRECTIONS = {
    "supported": (0.999, 0.989, 0.9995), "very likely": (0.96, 0.9, 0.99),
    "likely": (0.91, 0.91, 0.95), "leaning": (0.7, 0.6, 0.8), "open": (0.5, 0.4, 0.6),
    "leaning against": (0.3, 0.2, 0.4), "unlikely": (0.13, 0.01, 0.13),
    "very unlikely": (0.04, 0.01, 0.1), "contradicted": (0.01, 0.001, 0.02),
}  # fmt: skip


def graded(direction: str = "supported", size: str = "compatible") -> dict:
    """A verdict with the probabilities that earn its labels."""
    main, least, most = DIRECTIONS[direction]
    inside, below, above = SIZES.get(size, (NAN, NAN, NAN))
    return {
        **ROW, "direction": direction, "size": size, "prob_direction": main,
        "prob_direction_min": least, "prob_direction_max": most, "prob_size": inside,
        "prob_below": below, "prob_above": above, "range_low": 1.25, "range_high": 1.35,
    }  # fmt: skip


ROW = {
    "claim_id": "c", "direction": "supported", "size": "not claimed",
    "direction_reason": "nobody looked", "scale": "ratio", "unit": "ratio a / b", "estimate": 1.26,
    "conf_low": 1.04, "conf_high": 1.54, "estimate_id": "e",
    "null_value": 1.0, "claimed_direction": "above",
}  # fmt: skip
POINTS = {
    "estimate_id": "e", "claim_id": "c", "quantity": "fat", "role": "model", "reading": "as points",
    "estimate": -0.65, "conf_low": -2.51, "conf_high": 1.2, "sens_low": -2.99, "sens_high": 1.72,
    "unit": "points",
}  # fmt: skip
SHARE = {
    **POINTS, "estimate_id": "f", "reading": "as a share", "estimate": 4.63, "conf_low": 0.83,
    "conf_high": 8.43, "sens_low": -0.45, "sens_high": 10.5, "unit": "% of the fat",
}  # fmt: skip
LESS = {
    **ROW, **POINTS, "direction": "open", "prob_direction": 0.354, "size": "not claimed",
    "scale": "difference", "null_value": 0.0, "claimed_direction": "below",
}  # fmt: skip


@pytest.mark.parametrize("size", ["compatible", "open", "contradicted", "not claimed"])
def test_a_supported_direction_never_reads_as_a_supported_size(size):
    answered = answer(graded(size=size)).sentence
    assert answered.startswith("Yes, almost certainly (99.9%; 99% at the least, however what was")
    assert "higher? Yes" not in answered


def test_each_grade_says_yes_no_or_open_with_its_number():
    said = {d: answer(graded(d, "not claimed")).sentence.split(".  ")[0] for d in DIRECTIONS}
    starts = {d: text.split(" ")[0].strip(",:") for d, text in said.items()}
    assert starts == {
        "supported": "Yes", "very likely": "Yes", "likely": "Yes", "leaning": "Open",
        "open": "Open", "leaning against": "Open", "unlikely": "No", "very unlikely": "No",
        "contradicted": "No",
    }  # fmt: skip
    assert said["likely"].startswith("Yes, likely (91%).")
    assert said["unlikely"].startswith("No, likely not (87% against it).")
    assert said["contradicted"].startswith("No, almost certainly not (99% against it; 98% at the")
    assert said["leaning"].startswith("Open: 70% for it, 30% against it.")
    assert len(set(said.values())) == len(said)


def test_every_reading_is_told_where_readings_disagree():
    answered = answer(LESS, [POINTS, SHARE])
    assert answered.sentence == (
        "Open: 35% for it, 65% against it. It depends on how the source is read."
    )
    assert answered.readings == (
        "As points: \u22120.65 points (95% interval \u22122.51 to 1.20; over all else not printed "
        "\u22122.99 to 1.72), for or against the claim.",
        "As a share: 4.63% of the fat (95% interval 0.83 to 8.43; over all else not printed "
        "\u22120.45 to 10.50), against the claim, though not over all else not printed.",
    )
    assert [row["estimate_id"] for row in answered.shown] == ["e", "f"]


def test_readings_that_agree_are_told_once():
    same = {**SHARE, "estimate": -0.7, "conf_low": -2.0, "conf_high": 1.0}
    answered = answer(LESS, [POINTS, same])
    assert not answered.readings
    assert "Best estimate \u22120.65 points (95% interval \u22122.51 to 1.20)." in answered.sentence


def test_rows_of_another_quantity_are_no_other_reading():
    assert not answer(LESS, [POINTS, {**SHARE, "quantity": "weight"}]).readings
    assert not answer(LESS, [POINTS, {**SHARE, "claim_id": "other"}]).readings
    assert not answer(LESS, [{**POINTS, "reading": ""}, SHARE]).readings


def test_what_is_said_of_the_size_follows_its_grade_alone():
    for direction, size in itertools.product(DIRECTIONS, SIZES):
        sentence = answer(graded(direction, size)).sentence
        assert ("higher? Yes" in sentence) == (size == "supported")
    sized = {answer(graded(size=size)).sentence for size in (*SIZES, "not claimed")}
    assert len(sized) == len(SIZES) + 1
    unlikely = answer(graded(size="unlikely")).sentence
    assert unlikely.endswith("25% to 35% higher? Unlikely (10%): below it is likelier (88%).")


def test_numbers_name_estimate_and_one_interval():
    answered = answer(graded(size="not claimed")).sentence
    assert answered.endswith("Best estimate 26% higher (95% interval 4% to 54% higher).")
    without = answer({**graded(size="not claimed"), "conf_low": NAN}).sentence
    assert without.endswith("Best estimate 26% higher.")


def test_without_an_estimate_the_reason_is_the_answer():
    none = {**ROW, "estimate": NAN, "direction": "no evidence"}
    assert answer(none).sentence == "Nobody measured it: nobody looked."
    mixed = answer({**none, "direction": "mixed"}).sentence
    assert mixed == "Yes by some measures, no by others: nobody looked."


def test_no_number_is_rounded_onto_or_across_a_boundary():
    assert amount(1.004, "rate_ratio") == "0.4% higher"
    assert amount(1.3496, "ratio", bounds=(1.0, 1.35)) == "34.96% higher"
    assert span(1.00399, 1.3358, "ratio") == "0.4% to 33.6% higher"
    assert span(0.0004, 0.9, "ratio") == "10% to 99.96% lower"
    assert amount(-1.9996, "difference", bounds=(-2.0,)) == "\u22121.9996"


def test_amounts_carry_a_true_minus_and_a_unit():
    assert amount(-0.0294, "difference", "kg") == "\u22120.029 kg"
    assert amount(0.0, "difference", "kg") == "0.00 kg"
    assert amount(-2.4, "difference", "kg") == "\u22122.40 kg"


def test_an_open_range_reads_as_one_and_a_range_has_its_unit():
    half = {"range_low": NAN, "range_high": 0.5, "scale": "ratio"}
    assert claimed(half) == "at least 50% lower"
    assert claimed({**half, "range_low": 1.25, "range_high": NAN}) == "from 25% higher"
    fall = {"range_low": -3.0, "range_high": -2.0, "scale": "difference"}
    assert claimed({**fall, "unit": "kg"}) == "\u22123 to \u22122 kg"
    assert claimed({**fall, "unit": "kg, or %"}) == "\u22123 to \u22122; kg, or %"


def test_what_would_change_the_answer_is_named_by_rule():
    lost = [{"claim_id": "c", "domain": "imprecision", "levels": 1},
            {"claim_id": "c", "domain": "indirectness", "levels": 2},
            {"claim_id": "d", "domain": "design", "levels": 2}]  # fmt: skip
    assert changes(ROW, lost) == "a study of the very comparison claimed"
    assert "under both conditions" in changes({**ROW, "direction": "no evidence"}, lost)


def test_the_cause_of_what_was_seen_stands_beside_it():
    seen = {"kind": "descriptive", "analysis": "a", "quantity": "fat", "cited_study": "s"}
    claims = {"seen": seen, "cause": {**seen, "kind": "causal"},
              "other": {**seen, "kind": "causal", "cited_study": "t"}}  # fmt: skip
    rows = [{"claim_id": name, "role": "audit"} for name in claims]
    assert [row["claim_id"] for row in causes_of(seen, claims, rows)] == ["cause"]
    assert causes_of(claims["cause"], claims, rows) == ()


def test_a_band_says_in_words_what_it_shows():
    drawn = band(1.26, (1.004, 1.54), (0.79, NAN), (NAN, 0.5), null=1.0, log=True)
    assert (
        "Estimate 1.260, 95% interval 1.004 to 1.540, over all that was not printed from 0.79"
        in drawn
    )
    assert "claimed up to 0.5, no difference at 1" in drawn
    assert '<rect class="b-claim" x="0.00%"' in drawn  # an open end reaches the edge
    below = claimed_zone((NAN, NAN), 0.0, "below")
    side = band(-1.0, (-2.0, 0.5), (NAN, NAN), below, null=0.0, label="<b>")
    assert "b-claim" in side
    assert "<b>" not in side
    assert "b-claim" not in band(1.0, (0.5, 2.0), (NAN, NAN), None, null=0.0)


def test_core_claims_stand_before_the_verdicts_and_lead_to_them():
    html = render_report(ex.replication())
    first = html[html.index('<section id="answers"') : html.index('<section id="verdicts"')]
    core = ex.verdicts().query("role == 'core'")
    assert first.count("<article") == len(core)
    assert all(f'href="#claim-{claim}"' in first for claim in core["claim_id"])
    assert "Best estimate 24.6% higher" in first
    assert first.count("<svg") == 1


def test_a_post_without_date_and_address_says_so():
    replication = ex.replication()
    replication.audit.post = type(replication.audit.post)(name="A post")
    assert "Its own date and address are not known." in render_report(replication)
    assert "not known" not in render_report(ex.replication())


#: Good, near, bad, open and nothing: the same marks for the retelling as for the evidence.
MARKED = {
    "supported": "✓", "faithful": "✓", "compatible": "≈", "contradicted": "×", "drifted": "×",
    "not measured by the source": "×", "undecided": "?", "unverified": "?", "no evidence": "–",
    "not claimed": "–", "very likely": "✓", "likely": "✓", "leaning": "?", "open": "?",
    "leaning against": "?", "unlikely": "×", "very unlikely": "×", "mixed": "±",
}  # fmt: skip
#: Those that the example page shows.
SHOWN = {"supported", "faithful", "compatible", "contradicted", "drifted", "unverified", "open",
         "not measured by the source", "no evidence", "not claimed"}  # fmt: skip


def test_the_symbol_before_a_verdict_says_what_its_word_says() -> None:
    chip = re.compile(r'class="v v-[\w-]+"><span aria-hidden="true">(.)</span> ([^<]+)</span>')
    shown = {(word, mark) for mark, word in chip.findall(render_report(ex.replication()))}
    assert {word for word, _ in shown} == SHOWN
    assert shown <= set(MARKED.items())
    assert {word: SYMBOLS.get(word, "–") for word in MARKED} == MARKED
