"""Sentences on the first screen follow from the verdicts by rule."""

from __future__ import annotations

import itertools
import re

import example_frames as ex
import pytest
from doors.audit import PlainWords
from doors.report import (
    SYMBOLS,
    Studies,
    amount,
    amount_and_span,
    answer,
    band,
    causes_of,
    changes,
    claimed,
    claimed_zone,
    render_report,
    ticks,
    worst_words,
)

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
    assert answered.startswith("Yes, almost certainly (999 chances in 1,000). About 26% higher")
    assert "higher? Yes" not in answered


def test_each_grade_says_yes_no_or_open_with_its_number():
    said = {d: answer(graded(d, "not claimed")).sentence.split(". ")[0] for d in DIRECTIONS}
    assert said == {
        "supported": "Yes, almost certainly (999 chances in 1,000)",
        "very likely": "Yes, very likely (96 chances in 100)",
        "likely": "Yes, likely (91 chances in 100)",
        "leaning": "Perhaps (70 chances in 100 that it is so)",
        "open": "Not known (50 chances in 100 that it is so)",
        "leaning against": "Perhaps not (30 chances in 100 that it is so)",
        "unlikely": "No, likely not (13 chances in 100 that it is so)",
        "very unlikely": "No, very likely not (4 chances in 100 that it is so)",
        "contradicted": "No, almost certainly not (1 chance in 100 that it is so)",
    }


def test_every_reading_is_told_where_readings_disagree():
    answered = answer(LESS, [POINTS, SHARE])
    assert answered.sentence == (
        "Not known: it depends on how the source is read: 35 chances in 100 that it is so."
    )
    assert answered.readings == (
        "As points: \u22120.65 points, very likely \u22122.51 to 1.20; for or against the claim.",
        "As a share: 4.63% of the fat, very likely 0.83 to 8.43; against the claim, though not in "
        "the worst case of what was not printed.",
    )
    assert [row["estimate_id"] for row in answered.shown] == ["e", "f"]


def test_readings_that_agree_are_told_once():
    same = {**SHARE, "estimate": -0.7, "conf_low": -2.0, "conf_high": 1.0}
    answered = answer(LESS, [POINTS, same])
    assert not answered.readings
    assert "About \u22120.65 points, very likely \u22122.51 to 1.20." in answered.sentence


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
    assert unlikely.endswith(
        "25% to 35% higher? Unlikely (10 chances in 100): below it is likelier (88 in 100)."
    )


def test_numbers_name_estimate_and_one_interval():
    answered = answer(graded(size="not claimed")).sentence
    assert answered.endswith("About 26% higher, very likely 4% to 54%.")
    without = answer({**graded(size="not claimed"), "conf_low": NAN}).sentence
    assert without.endswith("About 26% higher.")


def test_without_an_estimate_the_reason_is_the_answer():
    none = {**ROW, "estimate": NAN, "direction": "no evidence"}
    assert answer(none).sentence == "Nobody has measured it: nobody looked."
    plain = PlainWords(missing="no study counts falls")
    assert answer(none, words=plain).sentence == "Nobody has measured it: no study counts falls."
    assert not answer(none, words=PlainWords(missing="Nobody looked")).measured  # however it begins
    assert answer(graded()).measured
    mixed = answer({**none, "direction": "mixed"}).sentence
    assert mixed == "Yes by some measures, no by others: nobody looked."


def test_amounts_are_told_in_the_words_of_the_audit_and_one_form():
    plain = PlainWords(figure="30% more", more="more", less="less", where="at the same speed")
    said = answer(graded(), words=plain)
    assert said.amount == "About 26% more at the same speed, very likely 4% to 54%."
    assert said.size_asks == "Is 30% more right?"
    assert said.size == "It may be: even odds the truth is between 25% and 35%."
    assert worst_words(ROW, {"conf_low": 0.89, "conf_high": 1.92}, plain).endswith(
        "how studies differ): 11% less to 92% more."
    )
    far = answer(
        {**graded(), "prob_size": 0.35, "prob_below": 0.33, "prob_above": 0.32}, words=plain
    )
    assert far.size == "It may be (35 chances in 100 that the truth is between 25% and 35%)."
    lost = PlainWords(more="gained", less="lost", unit="%")
    loss = {**LESS, "direction": "supported", "prob_direction": 0.995, "estimate": -2.4,
            "conf_low": -4.19, "conf_high": -0.61}  # fmt: skip
    assert answer(loss, words=lost).amount == "About 2.4% lost, very likely 0.6% to 4.2%."
    across = {**loss, "conf_high": 0.61}
    assert answer(across, words=lost).amount.endswith("4.2% lost to 0.6% gained.")


def test_no_number_is_rounded_onto_or_across_a_boundary():
    assert amount(1.004, "rate_ratio") == "0.4% higher"
    assert amount(1.3496, "ratio", bounds=(1.0, 1.35)) == "34.96% higher"
    assert amount_and_span(1.2, 1.00399, 1.3358, "ratio")[1] == "0.4% to 33.6% higher"
    assert amount_and_span(0.4, 0.0004, 0.9, "ratio")[1] == "10% to 99.96% lower"
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
    drawn = band(1.26, (1.004, 1.54), (NAN, 0.5), null=1.0, log=True)
    assert "Estimate 1.260, 95% interval 1.004 to 1.540, claimed" in drawn
    assert "claimed up to 0.5, no difference at 1" in drawn
    assert '<rect class="b-claim" x="0.00%"' in drawn  # an open end reaches the edge
    below = claimed_zone((NAN, NAN), 0.0, "below")
    side = band(-1.0, (-2.0, 0.5), below, null=0.0, label="<b>")
    assert "b-claim" in side
    assert "<b>" not in side
    assert "b-claim" not in band(1.0, (0.5, 2.0), None, null=0.0)


def test_a_picture_has_round_numbers_around_its_ends_and_a_dot_a_study():
    for low, high in ((0.8, 1.3), (1.0, 1.02), (0.35, 1.1), (0.9, 4.0), (0.05, 30.0)):
        found = [at for at, _ in ticks(low, high, True)]
        assert 2 <= len(found) <= 6, (low, high)
        assert found == sorted(found)
        assert 1.0 in found or not low <= 1 <= high
    drawn = band(1.3, (1.1, 1.5), (1.25, 1.35), null=1.0, log=True,
                 studies=Studies([1.2, 1.35, 1.351, NAN]))  # fmt: skip
    assert drawn.count('class="b-study"') == 3
    heights = re.findall(r'class="b-study" cx="[\d.]+%" cy="(\d+)"', drawn)
    assert len(set(heights)) == 2  # two that would hide one another are stacked
    numbers = re.findall(r'class="b-number"[^>]*>([^<]+)<', drawn)
    assert numbers == ["0", "+25%", "+50%"]
    assert "3 studies that print a number: 1.20, 1.35, 1.35" in drawn


def test_core_claims_stand_before_the_verdicts_and_lead_to_them():
    html = render_report(ex.replication())
    first = html[html.index('<section id="answers"') : html.index('<section id="verdicts"')]
    core = ex.verdicts().query("role == 'core'")
    assert first.count("<article") == len(core)
    assert all(f'href="#claim-{claim}"' in first for claim in core["claim_id"])
    assert "About 24.6% higher" in first
    assert first.count("<svg") == 1


def test_a_post_without_date_and_address_says_so():
    replication = ex.replication()
    replication.audit.post = type(replication.audit.post)(name="A post")
    assert "Its own date and address are not known." in render_report(replication)
    assert "not known" not in render_report(ex.replication())


#: Good, near, bad, open and nothing: the same marks for the retelling as for the evidence.
MARKED = {
    "supported": "✓", "faithful": "✓", "compatible": "≈", "contradicted": "×", "drifted": "×",
    "not measured by the source": "×", "unverified": "?", "no evidence": "–",
    "not claimed": "–", "very likely": "✓", "likely": "✓", "leaning": "?", "open": "?",
    "leaning against": "?", "unlikely": "×", "very unlikely": "×", "mixed": "±",
}  # fmt: skip
#: Those that the example page shows.
SHOWN = {"supported", "faithful", "compatible", "contradicted", "drifted", "unverified", "open",
         "not measured by the source", "no evidence", "not claimed"}  # fmt: skip


def test_the_symbol_before_a_verdict_says_what_its_word_says() -> None:
    chip = re.compile(r'class="v v-[\w-]+"><span aria-hidden="true">(.)</span> ([^<]+)</span>')
    html = render_report(ex.replication())
    html = html[html.index('<section id="verdicts"') :]  # the first screen has words of its own
    shown = {(word, mark) for mark, word in chip.findall(html)}
    assert {word for word, _ in shown} == SHOWN
    assert shown <= set(MARKED.items())
    assert {word: SYMBOLS.get(word, "–") for word in MARKED} == MARKED
