"""Questions to a printed table: brute force agrees, honest tables raise none, wrong ones do."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
import pandas as pd
import pytest
from doors.evidence import debit, grim, grimmer, paired_p, sd_of_change_from_p, spreads_possible
from hypothesis import given
from hypothesis import strategies as st

import retrostats as rs
from benchmarks.forensics import false_alarms
from retrostats import InputError, Reported, r_bounds_from_p

HONEST = 2_000  # tables; any share of false alarms above 1 in 660 shows with 95% certainty


def interval(text: str) -> tuple[np.ndarray, np.ndarray]:
    low, high = Reported(text).interval
    return np.array([low]), np.array([high])


def rows(**columns: object) -> pd.DataFrame:
    base = {"row_id": ["a", "b"], "study_id": "s", "outcome": "score", "n": 16, "mean_text": "",
            "spread_text": "", "arm": "x", "time": ["pre", "post"]}  # fmt: skip
    return pd.DataFrame({**base, **columns})


def finding(table: pd.DataFrame, test: str, **options: object) -> pd.DataFrame:
    found = rs.forensics(table, **options)
    return found[found["test"] == test].reset_index(drop=True)


@pytest.fixture(scope="module")
def five_scores() -> pd.DataFrame:
    """Mean and SD of every five whole numbers from 1 to 9."""
    scores = np.array(list(combinations_with_replacement(range(1, 10), 5)), dtype=float)
    return pd.DataFrame({"mean": scores.mean(1), "sd": scores.std(1, ddof=1)})


def test_grim_and_grimmer_never_question_what_brute_force_finds(five_scores: pd.DataFrame) -> None:
    n, one = np.full(len(five_scores), 5.0), np.ones(len(five_scores))
    half = 0.005
    means = five_scores["mean"].round(2) - half, five_scores["mean"].round(2) + half
    sds = five_scores["sd"].round(2) - half, five_scores["sd"].round(2) + half
    boxes = [x.to_numpy() for x in (*means, *sds)]
    assert grim(*boxes[:2], n).all()
    assert grimmer(*boxes, n, one).all()


def test_grimmer_is_brute_force_where_the_scale_does_not_bind(five_scores: pd.DataFrame) -> None:
    """Mean 5.00, SDs up to 2: no score is more than 4 from the mean, so 1 to 9 holds them."""
    have = set(five_scores.loc[five_scores["mean"] == 5.0, "sd"].round(2))
    printed = np.arange(0.0, 2.01, 0.01).round(2)
    k = len(printed)
    fits = grimmer(
        np.full(k, 4.995), np.full(k, 5.005), printed - 0.005, printed + 0.005, np.full(k, 5.0),
        np.ones(k),
    )  # fmt: skip
    assert set(printed[fits]) == {x for x in have if x <= 2.0}


def test_whole_numbers_cannot_be_more_alike_than_their_mean_lets_them() -> None:
    """Ten with the mean 5.5 are at best five 5s and five 6s: SD 0.53, though 303 has the parity."""
    box = (*interval("5.50"), *interval("0.2"))
    assert not grimmer(*box, np.array([10.0]), np.ones(1))[0]
    assert grimmer(*interval("5.50"), *interval("0.5"), np.array([10.0]), np.ones(1))[0]


def test_debit_is_brute_force() -> None:
    n = 14
    ones = np.arange(n + 1)
    sd = np.sqrt(ones * (n - ones) / (n * (n - 1)))
    for text in ("0.07", "0.36", "0.50", "0.93"):
        low, high = interval(text)
        mine = sd[(ones / n >= low) & (ones / n <= high)]
        for printed in np.arange(0.0, 0.6, 0.01):
            fits = debit(low, high, *interval(f"{printed:.2f}"), np.array([float(n)]))[0][0]
            assert fits == bool((np.abs(mine - printed) <= 0.005 + 1e-9).any())


@given(
    sds=st.tuples(*[st.integers(5, 60)] * 2),
    difference=st.integers(-90, 90),
    n=st.integers(3, 40),
    p=st.integers(1, 99),
    operator=st.sampled_from(["=", "<", ">"]),
)
def test_sd_or_se_is_possible_exactly_where_a_correlation_is(
    sds: tuple[int, int], difference: int, n: int, p: int, operator: str
) -> None:
    texts = [f"{x / 10:.1f}" for x in sds]
    d = (difference / 10 - 0.1, difference / 10 + 0.1)
    p_text = Reported(f"{p / 100:.2f}")
    ends = p_text.interval if operator == "=" else (p_text.value, p_text.value)
    change = sd_of_change_from_p(
        (np.array([d[0]]), np.array([d[1]])), np.array([float(n)]),
        (np.array([ends[0]]), np.array([ends[1]])), np.array([operator]),
    )  # fmt: skip
    mine = spreads_possible(interval(texts[0]), interval(texts[1]), change, np.ones(1))[0]
    if d[0] < 0 < d[1]:
        d = (0.0, max(abs(d[0]), abs(d[1])))
    try:
        r_bounds_from_p(Reported(texts[0]), Reported(texts[1]), n, d, p_text, operator)
        theirs = True
    except InputError:
        theirs = False
    assert mine == theirs


def test_honest_tables_raise_no_question() -> None:
    table = false_alarms(HONEST, seed=3).set_index("test")
    assert table["question"].sum() == 0
    tested = {"GRIM", "GRIMMER", "DEBIT", "SD or SE", "p of a change", "p of two groups",
              "percentage"}  # fmt: skip
    assert set(table.index) == tested
    assert (table["consistent"] > HONEST / 2).all()


def test_means_that_no_whole_numbers_have() -> None:
    table = rows(n=8, mean_text=["12.75", "12.71"], spread_text=["1.58", ""])
    found = finding(table, "GRIM", integers=["score"])
    assert found["finding"].tolist() == ["consistent", "question"]
    assert "12.71" in found.loc[1, "question"]
    assert found.loc[1, "question"].endswith("?")
    # eight people with twenty items each: means lie closer than the printed place
    assert finding(table, "GRIM", integers={"score": 20})["finding"].tolist() == [
        "does not apply", "does not apply",
    ]  # fmt: skip
    assert finding(table.assign(items=1), "GRIM")["finding"].tolist() == ["consistent", "question"]


def test_undeclared_or_many_people_do_not_apply() -> None:
    table = rows(mean_text=["12.3", "12.4"])
    silent = finding(table, "GRIM")
    assert set(silent["finding"]) == {"does not apply"}
    assert silent["reason"].str.contains("not declared").all()
    declared = finding(table, "GRIM", integers=["score"])
    assert declared["reason"].str.contains("every mean").all()


def test_standard_errors_taken_for_standard_deviations() -> None:
    """Even r = 1 leaves SDs of 3 and 5 a change of 2 plus or minus 2: p is not below 0.0001."""
    table = rows(mean_text=["10.0", "12.0"], spread_text=["3.0", "5.0"],
                 p_value_text=["", "0.0001"], p_operator=["", "<"])  # fmt: skip
    found = finding(table, "SD or SE")
    assert found["source_rows"].tolist() == ["a b"]
    assert "alike" in found.loc[0, "question"]
    # a p this large needs a spread of change that SDs of 0.3 and 0.4 cannot reach, SEs can
    small = rows(mean_text=["10.0", "11.0"], spread_text=["0.3", "0.4"],
                 p_value_text="0.06", p_operator="=")  # fmt: skip
    assert "Are they standard errors?" in finding(small, "SD or SE").loc[0, "question"]
    labelled = finding(small.assign(spread_type="SE"), "SD or SE")
    assert labelled["finding"].tolist() == ["consistent"]


def test_a_p_of_groups_is_not_a_paired_p() -> None:
    table = rows(mean_text=["10.0", "12.0"], spread_text=["3.0", "5.0"], p_value_text="0.0001",
                 p_operator="<", p_refers_to="between groups")  # fmt: skip
    assert finding(table, "SD or SE").empty
    two = finding(table.assign(time="post", arm=["x", "y"]), "p of two groups")
    assert two["finding"].tolist() == ["question"]
    assert "another test" in two.loc[0, "question"]


def test_p_of_a_change_and_percentages() -> None:
    table = rows(
        row_id=["a", "b"], mean_text=["10.0", "9.0"], time=["pre", "post"],
        pct_change_text=["", "-12.5"], change_text=["", "-1.0"], change_spread_text=["", "1.0"],
        p_value_text=["", "0.5"], p_operator=["", "="],
    )  # fmt: skip
    assert finding(table, "percentage")["finding"].tolist() == ["question"]
    assert finding(table.assign(pct_change_text=["", "10"]), "percentage")["finding"].tolist() == [
        "consistent"
    ]
    # as an SE, -1.0 with SE 1.0 gives p 0.33, as an SD 0.001: neither prints as 0.5
    assert finding(table, "p of a change")["finding"].tolist() == ["question"]
    assert finding(table.assign(p_value_text=["", "0.3"]), "p of a change")["finding"].tolist() == [
        "consistent"
    ]


def test_a_change_that_may_be_nil_allows_p_of_one() -> None:
    """The rounding of a change of 0.0 holds zero itself, not only its two ends."""
    assert paired_p("0.0", "1.0", 400).agrees("0.99")


def test_rates() -> None:
    table = rows(mean_text=["8.09", "8.90"], events=285.0, exposure=35226.0,
                 unit="injuries per 1000 AE")  # fmt: skip
    assert finding(table, "rate")["finding"].tolist() == ["consistent", "question"]


def test_shipped_tables_raise_questions_that_a_person_has_seen() -> None:
    """A fall too sure for its own spreads; two counts of a review table that has a digit too many
    in one cell and a rate per exposure in another (data/README.md, traps).
    """
    found = rs.forensics(rs.load_published(), integers=["rpe"])
    asked = found[found["finding"] == "question"]
    assert asked["test"].tolist() == ["SD or SE", "SD or SE", "rate", "rate"]
    assert asked["study_id"].tolist() == ["heath2001"] * 2 + ["gilchrist2008"] * 2
    assert asked["printed"].iloc[0] == "2.05 ± 0.56, 1.66 ± 0.28, p < 0.0001"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"integers": ["nothing"]}, "names 'nothing'"),
        ({"integers": {"score": 0}}, "at least 1"),
        ({"integers": "score"}, "give a list of outcomes"),
        ({"binary": ["nothing"]}, "names 'nothing'"),
    ],
)
def test_what_is_declared_must_be_there(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        rs.forensics(rows(), **options)


def test_a_missing_column_and_an_empty_table() -> None:
    with pytest.raises(InputError, match="mean_text"):
        rs.forensics(rows().drop(columns="mean_text"))
    empty = rs.forensics(rows().iloc[:0])
    assert empty.empty
    assert list(empty.columns)[:3] == ["test", "study_id", "source_rows"]
