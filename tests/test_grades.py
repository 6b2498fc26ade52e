"""Labels and words from probabilities: where each begins; more probability never lowers one."""

from __future__ import annotations

import itertools
from typing import get_args

import numpy as np
import pytest
from doors.audit import (
    DIRECTION_ORDER,
    Ground,
    Probabilities,
    Probability,
    SizeLabel,
    adverb,
    answer,
    direction_label,
    direction_labels,
    over_measures,
    sign_grade,
    sign_line,
    size_label,
    size_labels,
)

from retrostats import InputError

GRID = np.array([0, 0.01, 0.025, 0.03, 0.05, 0.2, 0.3, 0.35, 0.5, 0.65, 0.8, 0.95, 0.975, 0.99, 1])
#: From a size that is so to one that is not.
SIZES = ("supported", "compatible", "open", "unlikely", "contradicted")


def point(p: float) -> Probability:
    return Probability(p, p, p)


def rest(p: float) -> Probability:
    return point(1 - p)


@pytest.mark.parametrize(
    ("main", "lowest", "highest", "label"),
    [
        (0.99, 0.975, 1.0, "supported"),
        (0.99, 0.974, 1.0, "very likely"),
        (0.95, 0.5, 1.0, "very likely"),
        (0.949, 0.5, 1.0, "likely"),
        (0.8, 0.5, 1.0, "likely"),
        (0.799, 0.5, 1.0, "leaning"),
        (0.65, 0.5, 1.0, "leaning"),
        (0.649, 0.5, 1.0, "open"),
        (0.351, 0.0, 0.5, "open"),
        (0.35, 0.0, 0.5, "leaning against"),
        (0.2, 0.0, 0.5, "unlikely"),
        (0.05, 0.0, 0.5, "very unlikely"),
        (0.01, 0.0, 0.026, "very unlikely"),
        (0.01, 0.0, 0.025, "contradicted"),
    ],
)
def test_directions_begin_where_the_scheme_says(main, lowest, highest, label) -> None:
    assert direction_label(Probability(main, lowest, highest)) == label


def triples():
    for lowest, main, highest in itertools.combinations_with_replacement(GRID, 3):
        yield Probability(float(main), float(lowest), float(highest))


@pytest.mark.parametrize("one_study", [False, True])
def test_more_probability_never_lowers_the_direction(one_study) -> None:
    """Raised in any of the three: the label stays or moves towards supported."""
    place = {
        (p.lowest, p.main, p.highest): DIRECTION_ORDER.index(
            direction_label(p, one_study=one_study)
        )
        for p in triples()
    }
    pairs = 0
    for one, other in itertools.product(place, repeat=2):
        if all(a <= b for a, b in zip(one, other, strict=True)):
            assert place[one] >= place[other]
            pairs += 1
    assert pairs > 10_000
    ends = {DIRECTION_ORDER[min(place.values())], DIRECTION_ORDER[max(place.values())]}
    assert ends == ({"likely", "unlikely"} if one_study else {"supported", "contradicted"})


def test_both_sides_of_a_direction_mirror_each_other() -> None:
    for p in triples():
        mirrored = Probability(1 - p.main, 1 - p.highest, 1 - p.lowest)
        there, back = (DIRECTION_ORDER.index(direction_label(x)) for x in (p, mirrored))
        assert there + back == len(DIRECTION_ORDER) - 1


@pytest.mark.parametrize(
    ("inside", "below", "above", "label"),
    [
        (Probability(0.97, 0.95, 0.99), point(0.02), point(0.01), "supported"),
        (Probability(0.97, 0.94, 0.99), point(0.02), point(0.01), "compatible"),
        (point(0.02), Probability(0.97, 0.95, 1.0), point(0.01), "contradicted"),
        (point(0.02), Probability(0.97, 0.94, 1.0), point(0.01), "unlikely"),
        (point(0.1), point(0.1), point(0.8), "unlikely"),
        (point(0.11), point(0.1), point(0.79), "open"),
        (point(0.36), point(0.34), point(0.3), "compatible"),
        (point(0.35), point(0.36), point(0.29), "open"),
        (point(0.29), point(0.36), point(0.35), "open"),
        (point(0.9), None, point(0.1), "compatible"),
        (None, None, None, "no evidence"),
    ],
)
def test_sizes_begin_where_the_scheme_says(inside, below, above, label) -> None:
    assert size_label(inside, below, above) == label


@pytest.mark.parametrize("one_study", [False, True])
def test_probability_moved_inside_never_lowers_the_size(one_study) -> None:
    """From below or above into the range."""
    steps = np.linspace(0, 1, 41)
    for below in steps:
        for above in steps[steps <= 1 - below + 1e-12]:
            inside = max(0.0, 1 - below - above)
            now = size_label(point(inside), point(below), point(above), one_study=one_study)
            for share in (0.25, 0.5, 1.0):
                moved = share * below
                then = size_label(
                    point(inside + moved), point(below - moved), point(above), one_study=one_study
                )
                assert SIZES.index(then) <= SIZES.index(now)
            if one_study:
                assert now not in ("supported", "contradicted")


def test_one_study_says_at_most_likely_of_others() -> None:
    assert direction_label(point(1.0), one_study=True) == "likely"
    assert direction_label(point(0.0), one_study=True) == "unlikely"
    assert direction_label(point(0.7), one_study=True) == "leaning"
    assert size_label(point(1.0), point(0.0), point(0.0), one_study=True) == "compatible"
    assert size_label(point(0.0), point(1.0), point(0.0), one_study=True) == "unlikely"
    assert adverb(0.999, one_study=True) == "likely"
    assert answer("likely", 0.999, one_study=True) == "Yes, likely"


@pytest.mark.parametrize("ground", get_args(Ground))
def test_a_cause_rests_on_the_same_people_or_on_lot(ground) -> None:
    sure = point(0.999)
    bears = ground in ("description", "same people", "by lot")
    assert direction_label(sure, ground=ground) == ("supported" if bears else "open")
    assert size_label(sure, rest(0.999), ground=ground) == ("supported" if bears else "open")
    assert direction_label(point(0.001), ground=ground) == ("contradicted" if bears else "open")
    assert direction_label(None, ground=ground) == "no evidence"


def test_measures_that_are_likely_on_opposite_sides_are_mixed() -> None:
    assert over_measures(["likely", "unlikely"]) == "mixed"
    assert over_measures(["leaning", "contradicted"]) == "open"
    assert over_measures(["supported", "no evidence"]) == "supported"
    assert over_measures(["contradicted", "leaning against"]) == "leaning against"
    assert over_measures(["supported", "open"]) == "open"
    assert over_measures([]) == "no evidence"
    for one, other in itertools.product(DIRECTION_ORDER, repeat=2):
        assert over_measures([one, other]) == over_measures([other, one])
        assert over_measures([one, one]) == one


def test_words_follow_the_probability() -> None:
    said = [adverb(float(p)) for p in GRID]
    assert said == [
        "almost certainly not", "almost certainly not", "very likely not", "very likely not",
        "very likely not", "likely not", "perhaps not", "perhaps not", "a coin toss", "perhaps",
        "likely", "very likely", "very likely", "almost certainly", "almost certainly",
    ]  # fmt: skip
    assert answer("contradicted", 0.004) == "No, almost certainly not"
    assert answer("leaning against", 0.3) == "Perhaps not"
    assert answer("open", 0.99) == "Open"


def test_signs_alone_give_a_line_and_no_size() -> None:
    assert "5 of 5" in sign_line(5, 0)
    assert "p = 0.062" in sign_line(5, 0)
    assert "p < 0.001" in sign_line(12, 0)


@pytest.mark.parametrize(
    ("agree", "against", "grade"),
    [(0, 0, "open"), (1, 0, "open"), (2, 0, "leaning"), (3, 0, "likely"), (40, 0, "likely"),
     (2, 1, "open"), (1, 6, "unlikely"), (0, 2, "leaning against"), (0, 40, "unlikely")],
)  # fmt: skip
def test_signs_alone_are_graded_by_the_sign_test_and_at_most_as_likely(
    agree, against, grade
) -> None:
    assert sign_grade(agree, against) == grade
    if agree + against:
        assert sign_line(agree, against).startswith(f"{grade} by signs alone")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Probability(1.2, 0, 1), "main is 1.2; allowed is 0 to 1"),
        (lambda: Probability(0.5, 0.6, 0.7), "not from lowest 0.6"),
        (lambda: Probability(float("nan"), 0, 1), "main"),
        (lambda: size_label(point(0.5), point(0.2), point(0.2)), "add up to 0.9"),
        (lambda: direction_label(point(0.5), ground="by chance"), "ground"),
        (lambda: over_measures(["maybe"]), "label of a measure"),
        (lambda: adverb(-0.1), "allowed is 0 to 1"),
        (lambda: answer("likely"), "p is missing"),
        (lambda: sign_line(-1, 2), "agree is -1"),
        (lambda: sign_grade(1, True), "against is True"),
    ],
)
def test_what_cannot_be_is_refused(call, words) -> None:
    with pytest.raises(InputError, match=words):
        call()


def test_every_size_label_can_come_out() -> None:
    assert set(SIZES) | {"no evidence"} == set(get_args(SizeLabel))


@pytest.mark.parametrize("one_study", [False, True])
def test_many_at_once_are_labelled_as_each_alone(one_study) -> None:
    """As a plan labels hundreds of drawn studies; NaN is one of which nothing is known."""
    kinds = list(itertools.combinations_with_replacement(GRID, 3))
    lowest, main, highest = np.array(kinds, dtype=float).T
    alone = [direction_label(Probability(m, a, b), one_study=one_study) for a, m, b in kinds]
    many = Probabilities(np.append(main, np.nan), np.append(lowest, 0), np.append(highest, 1))
    assert direction_labels(many, one_study=one_study) == [*alone, "no evidence"]
    below, above = (1 - main) / 50, 49 * (1 - main) / 50
    three = [Probabilities(p, p * highest, p + (1 - p) * lowest) for p in (main, below, above)]
    each = [
        [Probability(s.main[i], s.lowest[i], s.highest[i]) for s in three] for i in range(len(main))
    ]
    expected = [size_label(*sides, one_study=one_study) for sides in each]
    assert size_labels(three[0], three[1:], one_study=one_study) == expected
    assert len(set(expected)) == (3 if one_study else 5)
    unknown = [Probabilities(*np.full((3, 2), np.nan)) for _ in range(3)]
    assert size_labels(unknown[0], unknown[1:]) == ["no evidence"] * 2
