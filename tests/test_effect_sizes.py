"""`rs.escalc` against metafor's (pinned), printed cells and effects, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doors.models import MEASURES

import retrostats as rs
from retrostats import InputError

REFERENCE = Path(__file__).parent / "reference"
PINNED = json.loads((REFERENCE / "escalc.json").read_text(encoding="utf-8"))
SUITE = REFERENCE / "metafor_suite"

#: The reference prints 15 digits of closed forms.
EXACT = 1e-12
#: Half of the last digit of pools that are given to four digits.
PRINTED = 5e-5
#: Variance of 40,000 simulated effects: standard error 0.7%, twice that and the large-sample
#: formula's own error at 30 people.
SIMULATED = 0.05

CODES = {case["measure"] for case in PINNED["escalc"]}


def table(name: str) -> pd.DataFrame:
    """Pinned numbers, columns by metafor's argument names."""
    return pd.DataFrame(PINNED["data"][name], dtype=float)


def shown(case: dict) -> str:
    return " ".join([case["measure"], *(f"{k}={v}" for k, v in case["options"].items())])


@pytest.mark.parametrize("case", PINNED["escalc"], ids=shown)
def test_effect_sizes_against_metafor(case) -> None:
    found = rs.escalc(table(case["data"]), case["measure"], **case["options"])
    y, v = (np.array(case[column], dtype=float) for column in ("yi", "vi"))
    np.testing.assert_allclose(found["yi"], y, rtol=EXACT, atol=EXACT)
    v[np.isnan(y)] = np.nan  # metafor leaves the variance of IRSD in rows that drop00 empties
    np.testing.assert_allclose(found["vi"], v, rtol=EXACT, atol=EXACT)


def test_every_measure_of_metafor_is_pinned() -> None:
    assert set(MEASURES) - CODES == {"HR", "MCD", "SMCD"}


def test_the_suite_that_pymare_carries() -> None:
    inputs = pd.read_csv(SUITE / "metafor_escalc_inputs.csv")
    one = inputs.rename(columns={"m": "mean"})[["mean", "sd", "n", "r"]]
    two = inputs.rename(columns={f"{s}{i}": f"{w}_{i}" for i in "12" for s, w in
                                 (("m", "mean"), ("sd", "sd"), ("n", "n"))})  # fmt: skip
    pairs = one.rename(columns={"mean": "mean_change", "sd": "sd_change"})[
        ["n", "mean_change", "sd_change"]
    ]
    tables = {"MN": one, "COR": one, "ZCOR": one, "MD": two, "SMD": two, "SMCC": pairs}
    cases = json.loads((SUITE / "metafor_escalc_reference.json").read_text())["cases"]
    for measure, rows in tables.items():
        found = rs.escalc(rows, measure)
        for column in ("yi", "vi"):
            wanted = [case[measure][column] for case in cases]
            np.testing.assert_allclose(found[column], wanted, rtol=EXACT, atol=EXACT)


def test_log_ratios_of_means_of_the_other_reference() -> None:
    for case in json.loads((REFERENCE / "effect_sizes.json").read_text()):
        pair = {"n": [case["n"]], "r": [case["r"]], "n_1": [case["n"]], "n_2": [case["n"]]}
        pair |= {f"{w}_{i}": [case[f"{s}{i}"]] for i in "12" for s, w in
                 (("m", "mean"), ("sd", "sd"))}  # fmt: skip
        for measure in ("ROM", "ROMC"):
            found = rs.escalc(pair, measure)[["yi", "vi"]].iloc[0]
            wanted = case[measure.lower()]
            np.testing.assert_allclose(found, [wanted["yi"], wanted["vi"]], rtol=EXACT)


@pytest.mark.parametrize(
    ("words", "code"),
    [("mean difference", "MD"), ("Hedges' g", "SMD"), ("standardised_mean_difference", "SMD"),
     ("risk_ratio", "RR"), ("odds ratio", "OR"), ("rate ratio", "IRR"), ("mean change", "MC"),
     ("ratio of means", "ROM"), ("logit proportion", "PLO"), ("double arcsine", "PFT")],
)  # fmt: skip
def test_a_measure_has_words(words: str, code: str) -> None:
    data = next(case["data"] for case in PINNED["escalc"] if case["measure"] == code)
    pd.testing.assert_frame_equal(rs.escalc(table(data), words), rs.escalc(table(data), code))


def test_the_table_stays_and_own_names_do() -> None:
    rows = pd.DataFrame({"study": ["a"], "events_1": [4], "total_1": [123], "events_2": [11],
                         "total_2": [139]}, index=[7])  # fmt: skip
    found = rs.escalc(rows, "RR")
    assert list(found) == [*rows, "yi", "vi"]
    assert list(found.index) == [7]
    cells = {"ai": [4], "bi": [119], "ci": [11], "di": [128]}
    assert rs.escalc(cells, "RR")["vi"].iloc[0] == found["vi"].iloc[0]
    assert "yi" not in rows


def test_rows_without_raw_numbers_keep_their_effect() -> None:
    rows = {"n": [20.0, np.nan], "r": [0.5, np.nan], "yi": [9.0, 0.3], "vi": [9.0, 0.04]}
    found = rs.escalc(rows, "ZCOR")
    np.testing.assert_allclose(found["yi"], [np.arctanh(0.5), 0.3])
    np.testing.assert_allclose(found["vi"], [1 / 17, 0.04])


# Changes


def test_before_and_after_is_after_less_before_by_the_sd_before() -> None:
    rows = {"n": [20], "mean_pre": [30.0], "sd_pre": [4.0], "mean_post": [27.0], "sd_post": [5.0],
            "correlation": [0.7]}  # fmt: skip
    change = rs.escalc(rows, "MC").iloc[0]
    np.testing.assert_allclose(change[["yi", "vi"]].astype(float), [-3.0, (16 + 25 - 28) / 20])
    raw = rs.escalc(rows, "SMCR", correct=False).iloc[0]
    # Becker (1988): d = -3/4, v = 2 (1 - r) / n + d^2 / (2 n)
    np.testing.assert_allclose(raw[["yi", "vi"]].astype(float), [-0.75, 0.03 + 0.5625 / 40])
    given = rs.escalc(rows | {"mean_change": [-3.0]}, "SMCR", correct=False).iloc[0]
    assert given["yi"] == raw["yi"]


def test_changes_of_two_groups_are_the_difference_of_their_changes() -> None:
    arms = [{"n": [20], "mean_pre": [30.0], "sd_pre": [4.0], "mean_post": [27.0],
             "sd_post": [5.0], "r": [0.7]},
            {"n": [25], "mean_pre": [31.0], "sd_pre": [4.5], "mean_post": [30.5],
             "sd_post": [4.0], "r": [0.6]}]  # fmt: skip
    both = {f"{name}_{i}": value for i, arm in enumerate(arms, 1) for name, value in arm.items()}
    for measure, of_one in (("difference in change", "MC"), ("SMCD", "SMCR")):
        one, two = (rs.escalc(arm, of_one).iloc[0] for arm in arms)
        found = rs.escalc(both, measure).iloc[0]
        np.testing.assert_allclose(found["yi"], one["yi"] - two["yi"], rtol=EXACT)
        np.testing.assert_allclose(found["vi"], one["vi"] + two["vi"], rtol=EXACT)
    changes = {"n_1": [20], "mean_change_1": [-3.0], "sd_change_1": [3.5],
               "n_2": [25], "mean_change_2": [-0.5], "sd_change_2": [3.0]}  # fmt: skip
    found = rs.escalc(changes, "MCD").iloc[0]
    np.testing.assert_allclose(found[["yi", "vi"]].astype(float), [-2.5, 3.5**2 / 20 + 9 / 25])


def test_variances_of_changes_of_two_groups_are_those_of_simulated_trials() -> None:
    rng = np.random.default_rng(3)
    n, worlds, r = 30, 40_000, 0.6
    cov = np.array([[16.0, r * 4 * 5], [r * 4 * 5, 25.0]])
    columns: dict[str, np.ndarray] = {}
    for arm, change in (("_1", -2.0), ("_2", -0.5)):
        drawn = rng.multivariate_normal([30.0, 30.0 + change], cov, (worlds, n))
        sds = drawn.std(axis=1, ddof=1)
        centred = drawn - drawn.mean(axis=1, keepdims=True)
        columns |= {
            f"n{arm}": np.full(worlds, n),
            f"mean_pre{arm}": drawn[..., 0].mean(axis=1),
            f"mean_post{arm}": drawn[..., 1].mean(axis=1),
            f"sd_pre{arm}": sds[:, 0],
            f"sd_post{arm}": sds[:, 1],
            f"r{arm}": (centred[..., 0] * centred[..., 1]).sum(axis=1) / (n - 1) / sds.prod(axis=1),
        }
    # SMCR's variance takes both SDs to be equal: of MCD only the scale of y is at stake
    found = rs.escalc(columns, "MCD")
    assert found["vi"].mean() == pytest.approx(found["yi"].var(), rel=SIMULATED)


# Printed effects and printed cells


def test_printed_effects_against_metafor() -> None:
    printed = table("printed")
    interval = printed[["estimate", "low", "high"]].assign(level=95)
    for measure in ("HR", "hazard ratio", "OR"):
        found = rs.escalc(interval, measure)
        np.testing.assert_allclose(found["yi"], PINNED["wald"]["yi"], rtol=EXACT)
        np.testing.assert_allclose(found["vi"], PINNED["wald"]["vi"], rtol=EXACT)
    found = rs.escalc(printed[["estimate", "p"]], "MD")
    np.testing.assert_allclose(found["vi"], PINNED["wald_p"]["vi"], rtol=EXACT)


def test_a_printed_effect_wins_over_raw_numbers_and_is_read_by_t_where_df_is_known() -> None:
    rows = {"n_1": [10, 10], "mean_1": [5.0, 5.0], "sd_1": [1.0, 1.0], "n_2": [10, 10],
            "mean_2": [4.0, 4.0], "sd_2": [1.0, 1.0], "estimate": [0.8, np.nan],
            "low": [0.2, np.nan], "high": [1.4, np.nan], "level": [95, np.nan],
            "df": [18, np.nan]}  # fmt: skip
    found = rs.escalc(rows, "MD")
    t = 2.10092204  # t of 18 degrees of freedom at 0.975
    np.testing.assert_allclose(found["yi"], [0.8, 1.0])
    np.testing.assert_allclose(found["vi"], [(0.6 / t) ** 2, 0.2], rtol=1e-8)


def test_percent_and_correlations_are_taken_to_their_scale() -> None:
    ends = {"low": [-2.0], "high": [-0.2], "level": [95]}
    found = rs.escalc({"estimate": ["-1.1"], **ends}, "percent").iloc[0]
    assert found["yi"] == pytest.approx(np.log(0.989))
    ends = {"estimate": [0.5], "low": [0.3], "high": [0.66], "level": [95]}
    assert rs.escalc(ends, "ZCOR")["yi"].iloc[0] == pytest.approx(np.arctanh(0.5))
    assert rs.escalc(ends, "COR")["yi"].iloc[0] == 0.5


def test_the_nordic_audit_pools_as_metafor(shared) -> None:
    rows = pd.read_csv(shared / "cases" / "audits" / "nordic.csv")
    rows = rows[(rows["claim"] == "halves") & (rows["pool"] == "yes")]
    pooled = rs.pool(rs.escalc(rows, "rate ratio"), test="knapp-hartung-adhoc")
    limits = np.exp([pooled.estimate, pooled.conf_low, pooled.conf_high])
    np.testing.assert_allclose(limits, [0.4472, 0.1589, 1.2584], atol=PRINTED)


def test_cells_of_an_audit_are_read() -> None:
    rows = pd.DataFrame(
        [("a", "crossover", "13", "38.35 SD 1.53 min", "38.78 SD 1.60 min", "0.9"),
         ("b", "parallel", "13 / 12", "27.1 (SE 0.5) min", "29 SE 0.6 min", ""),
         ("c", "before-after", "10 / 11", "27.1 SD 3.0 → 24.7 SD 2.9", "27.0 SD 3.1 -> 26.5 SD 3",
          "0.8")],
        columns=["study", "design", "n", "first", "second", "r"],
    )  # fmt: skip
    rows["first"] = rows["first"].str.replace("min", "", regex=False).str.strip()
    rows["second"] = rows["second"].str.replace("min", "", regex=False).str.strip()
    found = rs.escalc(rows, "mean difference")
    change = (9 + 2.9**2 - 2 * 0.8 * 3 * 2.9) / 10 + (3.1**2 + 9 - 2 * 0.8 * 3.1 * 3) / 11
    pair = (1.53**2 + 1.6**2 - 2 * 0.9 * 1.53 * 1.6) / 13
    np.testing.assert_allclose(found["yi"], [-0.43, -1.9, -1.9], rtol=1e-9)
    np.testing.assert_allclose(found["vi"], [pair, 0.25 + 0.36, change], rtol=1e-9)
    assert list(found.columns) == [*rows.columns, "yi", "vi"]


def test_events_of_people_and_of_time() -> None:
    people = {"first": ["15 / 461 players"], "second": ["52 / 481 players"]}
    hours = {"first": ["15 / 461 player-hours"], "second": ["52 / 481 player-hours"]}
    assert rs.escalc(people, "RR")["yi"].iloc[0] == pytest.approx(np.log(15 / 461 / (52 / 481)))
    assert rs.escalc(hours, "IRR")["vi"].iloc[0] == pytest.approx(1 / 15 + 1 / 52)
    for rows, measure, other in ((people, "IRR", "RR"), (hours, "OR", "IRR")):
        with pytest.raises(InputError, match=f"take .*{other}"):
            rs.escalc(rows, measure)


def test_a_design_effect_divides_people_and_events() -> None:
    plain = {"events_1": [4.0], "total_1": [60.0], "events_2": [9.0], "total_2": [62.0]}
    halved = {name: [values[0] / 2] for name, values in plain.items()}
    found = rs.escalc(plain | {"design_effect": [2]}, "OR")
    pd.testing.assert_series_equal(found["vi"], rs.escalc(halved, "OR")["vi"])
    means = {"n_1": [20.0], "mean_1": [5.0], "sd_1": [2.0], "n_2": [20.0], "mean_2": [4.0],
             "sd_2": [2.0]}  # fmt: skip
    wide = rs.escalc(means | {"design_effect": [1.6]}, "MD")["vi"].iloc[0]
    assert wide == pytest.approx(1.6 * rs.escalc(means, "MD")["vi"].iloc[0])


# What is refused

TWO = {"study": ["a", "b"], "n_1": [10, 12], "mean_1": [5.0, 6.0], "sd_1": [1.0, 1.1],
       "n_2": [10, 12], "mean_2": [4.0, 4.5], "sd_2": [1.0, 1.2]}  # fmt: skip
PEOPLE = {"events_1": [4, 6], "total_1": [20, 20], "events_2": [5, 9], "total_2": [21, 22]}
HR = {"estimate": [0.75], "low": [0.6], "high": [0.94], "level": [95]}


@pytest.mark.parametrize(
    ("rows", "measure", "options", "says"),
    [
        (TWO, "mean diference", {}, r"did you mean 'mean difference'"),
        (TWO, "MD", {"vtype": "UB"}, r"vtype of MD='UB'; allowed: LS, HO"),
        (TWO, "MD", {"to": "zero"}, r"to='zero'; allowed: only0"),
        (TWO, "MD", {"add": -1}, r"add=-1; allowed: 0 or more"),
        (TWO, "MD", {"correct": "yes"}, r"correct='yes'; allowed: True or False"),
        (TWO, "MD", {"m1i": [3]}, r"no m1i=: use a column of the table, mean_1"),
        (TWO, "MC", {}, r"missing or empty: r; .*rs\.pool_crossovers"),
        ({**TWO, "n_2": [10, 13]}, "MC", {}, r"row 2 \('b'\): n_1 12 and n_2 13 differ"),
        ({"mean_1": [1.0]}, "MD", {}, r"empty: n_1, sd_1, n_2, mean_2, sd_2"),
        ({**TWO, "sd_1": [1.0, -1.0]}, "MD", {}, r"row 2 \('b'\), column 'sd_1': found -1"),
        ({**TWO, "n_1": [10, 0]}, "MD", {}, r"row 2 .*'n_1': found 0; allowed: above 0"),
        ({**TWO, "mean_2": [4.0, "4,5"]}, "MD", {}, r"row 2 .*'mean_2': found '4,5'"),
        ({**TWO, "mean_2": [4.0, np.inf]}, "MD", {}, r"row 2 .*found inf"),
        ({**TWO, "mean_2": [4.0, -1.0]}, "ROM", {}, r"row 2 .*ratio has a logarithm"),
        ({**PEOPLE, "events_1": [4, 30]}, "RR", {}, r"row 2.*found 30; .*IRR, IRD, IR"),
        ({**PEOPLE, "events_1": [4, -1]}, "RR", {}, r"row 2.*0 or more"),
        ({"n": [3], "r": [0.5]}, "ZCOR", {}, r"4 or more for ZCOR"),
        ({"n": [30], "r": [1.0]}, "ZCOR", {}, r"both excluded"),
        ({"n": [30], "r": [50]}, "COR", {}, r"between -1 and 1"),
        (TWO, "HR", {}, r"estimate, low, high and level"),
        ({**HR, "level": [None]}, "HR", {}, r"without a level"),
        ({**HR, "level": [0.95]}, "HR", {}, r"percentage"),
        ({**HR, "low": [0.94], "high": [0.6]}, "HR", {}, r"low is not below high"),
        ({**HR, "estimate": [0.5]}, "HR", {}, r"outside low and high"),
        ({**HR, "estimate": [0.92]}, "HR", {}, r"far from the middle"),
        ({**HR, "low": [-0.5]}, "HR", {}, r"must be above 0"),
        ({"estimate": [0.75], "se": [0.1]}, "HR", {}, r"the scale of this SE is not said"),
        ({"estimate": [0.75], "p": ["<0.05"]}, "HR", {}, r"rs\.pool_printed"),
        ({**TWO, "design": ["parallel", "crossover"]}, "SMD", {}, r"row 2 .*SMCRP"),
        ({"first": ["12 ± 3"], "second": ["10 ± 3"], "n": ["9"]}, "MD", {}, r"SD or an SE"),
        ({"first": ["3 per 1000 h"], "second": ["4 per 1000 h"]}, "IRR", {}, r"without its events"),
        ({"first": ["12 SD 3 s"], "second": ["10 SD 3 min"], "n": ["9 / 9"]}, "MD", {},
         r"first is in 'min' and second in 's'|one unit"),
        ({"first": ["12 SD 3 s"], "second": ["10 SD 3 s"], "n": ["25"]}, "MD", {}, r"13 / 12"),
        ({**TWO, "design_effect": [1.0, 0.0]}, "MD", {}, r"design_effect'.*above 0"),
        ({**TWO, "median_1": [1.0, 2.0]}, "MD", {}, r"convert_medians=True"),
        (pd.DataFrame(columns=list(TWO)), "MD", {}, r"no rows"),
        (None, "MD", {}, r"a DataFrame with a row each"),
    ],
)  # fmt: skip
def test_one_message_with_row_column_and_next_step(rows, measure, options, says) -> None:
    with pytest.raises(InputError, match=says):
        rs.escalc(rows, measure, **options)
