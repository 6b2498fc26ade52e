"""Printed rows as `pool_printed` reads them: what each becomes, and what is refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from doors.evidence import read_rows
from scipy import stats

import retrostats as rs
from retrostats import InputError

#: Two grids of one posterior.
SAME_POSTERIOR = 1e-3


def trials(**columns: Any) -> pd.DataFrame:
    """Three crossovers whose correlations were not printed."""
    table = pd.DataFrame({
        "study": ["A", "B", "C"], "design": "crossover", "n": ["13", "13", "10"],
        "first": ["31.3 SD 5.8", "5.8 SD 1.4", "40.5 SD 4"],
        "second": ["27.2 SD 2.5", "4.5 SD 1.1", "30 SD 3.5"],
    })  # fmt: skip
    return table.assign(**columns)


def pool(table: Any, **options: Any) -> rs.PooledPrinted:
    return rs.pool_printed(table, **({"measure": "ratio of means"} | options))


def test_rows_left_out_are_listed_with_their_reasons() -> None:
    table = pd.DataFrame({
        "study": ["A", "B", "C", "D", "E"], "design": "crossover", "n": ["13", "8", "8", "", "8"],
        "first": ["31.3 SD 5.8", "1", "", "", ""],
        "second": ["27.2 SD 2.5", "2", "", "", ""],
        "estimate": ["", "", "", "25%", ""],
        "pool": ["yes", "no: another speed", "sign: against", "", ""],
    })  # fmt: skip
    found = pool(table)
    sources = found.sources.set_index("study")
    assert list(sources["pooled"]) == [True, False, False, False, False]
    assert sources.loc["B", "why"] == "another speed"
    assert sources.loc["C", "why"] == "only its sign counts"
    assert "give n" in sources.loc["D", "why"]
    assert "prints no effect" in sources.loc["E", "why"]
    assert list(found.signs[["above", "below"]]) == [2, 1]


def test_counts_of_people_and_of_time_are_what_their_noun_says() -> None:
    people = pd.DataFrame({"study": ["A", "B"], "design": "parallel",
                           "first": ["15 / 461 players", "4 / 60 people"],
                           "second": ["52 / 481 players", "9 / 58 people"]})  # fmt: skip
    risk = rs.pool_printed(people, measure="risk ratio")
    odds = rs.pool_printed(people, measure="odds ratio")
    assert 0.25 < risk.estimate < 0.5
    assert odds.estimate < risk.estimate
    with pytest.raises(InputError, match="people with an event give risk ratio"):
        rs.pool_printed(people, measure="rate ratio")
    time = people.replace({"players": "h", "people": "h"}, regex=True)
    rate = rs.pool_printed(time, measure="rate ratio")
    exact = 15 / 461 / (52 / 481)
    assert rate.sources.loc[0, "estimate"] == pytest.approx(exact, rel=0.05)
    wide = rs.pool_printed(time.assign(design_effect="2"), measure="rate ratio")
    ratio = [math.log(r.conf_high / r.conf_low) for r in (wide, rate)]
    assert ratio[0] > ratio[1]
    none = people.assign(first=["0 / 40 people", "4 / 60 people"])
    assert rs.pool_printed(none, measure="risk ratio").k == 2
    # no event in one arm: any smaller ratio is as likely
    assert math.isnan(rs.pool_printed(none.iloc[[0]], measure="risk ratio").estimate)


def test_rates_without_their_events_need_a_p_or_a_prior() -> None:
    table = pd.DataFrame({"study": ["A", "B"], "design": "parallel", "n": "40 / 38",
                          "first": ["15 / 461 h", "12 per 1000 h"],
                          "second": ["52 / 481 h", "30 per 1000 h"]})  # fmt: skip
    alone = rs.pool_printed(table, measure="rate ratio")
    assert (alone.k, alone.signs["below"]) == (1, 2)
    assert "a rate ratio has no usual one; give sd_median" in alone.sources.loc[1, "why"]
    by_p = rs.pool_printed(table.assign(p=["", "0.02"]), measure="rate ratio")
    assert by_p.sources.loc[1, "estimate"] == pytest.approx(0.4, abs=0.01)
    with pytest.raises(InputError, match="column second: found days, and first is in h; give one"):
        rs.pool_printed(table.assign(second=["52 / 481 h", "3 per 100 days"]), measure="rate ratio")


def test_percent_and_ratio_of_means_are_one_measure_and_others_are_mixed_only_when_asked() -> None:
    table = pd.DataFrame({
        "study": ["A", "B"], "n": "12", "design": "crossover", "estimate": ["-1.1", "1.02"],
        "low": ["-3", "0.97"], "high": ["1", "1.07"], "level": "95",
        "measure": ["percent", "ratio of means"],
    })  # fmt: skip
    found = rs.pool_printed(table)
    assert found.measure.name == "ratio of means"
    assert found.sources.loc[0, "estimate"] == pytest.approx(0.989, abs=1e-3)
    events = table.assign(measure=["odds ratio", "rate ratio"], estimate=["0.9", "1.02"],
                          low=["0.7", "0.97"], high=["1.2", "1.07"])  # fmt: skip
    with pytest.raises(InputError, match="odds ratio and rate ratio"):
        rs.pool_printed(events)
    with pytest.raises(InputError, match=r"row 1 .A.: measure is odds ratio, and the pool is of"):
        rs.pool_printed(events, measure="rate ratio")
    assert rs.pool_printed(events, measure=["rate ratio", "odds ratio"]).k == 2
    with pytest.raises(InputError, match="mixes ratio of means and SMD; allowed to"):
        rs.pool_printed(table, measure=["percent", "SMD"])


def test_the_nordic_table_is_read_as_it_stands(shared: Path) -> None:
    table = pd.read_csv(shared / "cases" / "audits" / "nordic.csv", dtype=str)
    halves = table[table["claim"] == "halves"]
    mixed = ["rate ratio", "odds ratio", "risk ratio"]
    found = rs.pool_printed(halves, measure=mixed, claimed=(0.45, 0.55))
    sources = found.sources.set_index("study")
    assert list(sources["pooled"]) == [True, True, True, True, False]
    assert 0.25 < found.estimate < 0.75
    assert found.probability(-math.inf, 1.0) > 0.9
    with pytest.raises(InputError, match="rows of 2 claims"):
        rs.pool_printed(table, measure=mixed)


def test_a_path_is_read_and_a_wrong_one_is_one_message(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    trials().to_csv(path, index=False)
    assert pool(path).estimate == pool(trials()).estimate
    path.write_text("study,n\nA,3,4\n")
    with pytest.raises(InputError, match="3 cells under 2 columns"):
        pool(path)
    with pytest.raises(InputError, match="no such file"):
        pool(tmp_path / "none.csv")


def test_a_missing_error_without_a_prior_is_listed_and_with_one_pooled() -> None:
    row = {"study": "D", "design": "crossover", "n": "12", "estimate": "3.5"}
    table = pd.concat([trials(), pd.DataFrame([row])])
    found = rs.pool_printed(table, measure="mean difference")
    assert found.k == 3
    assert "give sd_median" in found.sources.loc[3, "why"]
    given = pd.concat([trials(), pd.DataFrame([row | {"sd_median": "4", "sd_high": "8"}])])
    assert rs.pool_printed(given, measure="mean difference").k == 4


def test_two_means_without_spreads_are_a_bare_estimate() -> None:
    row = {"study": "D", "design": "crossover", "n": "12", "first": "35.0", "second": "28.0"}
    means = pool(pd.concat([trials(), pd.DataFrame([row])]))
    percent = pool(pd.concat([trials(), pd.DataFrame([row | {
        "first": "", "second": "", "estimate": 25.0, "measure": "percent"}])]))  # fmt: skip
    assert "bare estimate" in means.sources.loc[3, "became"]
    assert means.estimate == pytest.approx(percent.estimate, abs=SAME_POSTERIOR)
    with_p = pool(pd.concat([trials(), pd.DataFrame([row | {"p": "0.02"}])]))
    assert "error from p = 0.02" in with_p.sources.loc[3, "became"]


def test_a_cohort_enters_as_an_estimate_with_its_error_and_df() -> None:
    # an error of 6.25 percent points is one of 0.05 of the logarithm of 1.25
    row = {"study": ["own"], "estimate": [25.0], "se": [6.25], "df": [6.4], "measure": ["percent"]}
    own = rs.pool_printed(row).in_that_study
    assert own is not None
    half = stats.t.isf(0.025, 6.4) * 0.05
    assert math.log(own.conf_high) == pytest.approx(math.log(1.25) + half, abs=SAME_POSTERIOR)


def test_both_sides_check_an_effect_that_is_printed_beside_them() -> None:
    row = trials().iloc[[0]].assign(estimate="1.15", low="1.05", high="1.26", level="95")
    assert "interval of 95%" in pool(row).sources.loc[0, "became"]
    wrong = row.assign(estimate="1.51", low="1.35", high="1.70")
    with pytest.raises(InputError, match=r"the estimate is 1.51, and first and second give 1.151"):
        pool(wrong)
    assert pool(wrong.assign(adjusted="yes")).k == 1


def test_a_design_effect_widens_every_kind_of_row() -> None:
    rows = {
        "pair": {"first": "31.3 SD 5.8", "second": "27.2 SD 2.5", "r": "0.5"},
        "interval": {"estimate": "1.15", "low": "1.05", "high": "1.26", "level": "95"},
        "bare": {"estimate": "15%"},
    }
    for cells in rows.values():
        row = pd.DataFrame([{"study": "A", "design": "crossover", "n": "13"} | cells])
        widths = []
        for effect in ("1", "4"):
            own = pool(row.assign(design_effect=effect), prior=rs.HalfNormal(0.2)).in_that_study
            assert own is not None
            widths.append(math.log(own.conf_high / own.conf_low))
        assert widths[1] == pytest.approx(2 * widths[0], rel=0.01)  # the rounding stays as it is


def test_an_inequality_of_p_cuts_the_spread_behind_a_bare_estimate() -> None:
    row = pd.DataFrame([{"study": "A", "design": "crossover", "n": "8", "estimate": "8%"}])
    small, plain, large = (
        pool(row.assign(p=p)).in_that_study for p in ("<0.01", "", "ns")
    )  # fmt: skip
    assert small is not None
    assert plain is not None
    assert large is not None
    widths = [x.conf_high / x.conf_low for x in (small, plain, large)]
    assert widths[0] < widths[1] < widths[2]


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"first": "31.3 SD"}, r"row 1 \(A\), first: found '31.3 SD'; the SD behind 31"),
        ({"n": ""}, "n is empty; a pair needs the number of people"),
        ({"n": "12.5"}, "allowed is a whole number of 2 or more"),
        ({"design": "between"}, "column design: found 'between'; allowed: crossover, parallel"),
        ({"design": "parallel"}, "n is 13; two groups need both numbers"),
        ({"p": "about 5%"}, "p: found 'about 5%'; allowed is above 0 and up to 1"),
        ({"r": "1.2"}, "r is 1.2; allowed is between -1 and 1"),
        ({"p": "0.03", "r": "-0.8"}, "contradicts p"),
        ({"p": "0.9"}, "none between -1 and 1 gives it with SDs 5.8, 2.5"),
        ({"pool": "maybe"}, "pool is 'maybe'; allowed: yes, 'no: reason'"),
        ({"measure": "size"}, "measure is 'size'; allowed: mean difference"),
        ({"estimate": "1.2", "low": "1.1", "high": "1.3"}, "column level: empty beside low"),
        ({"estimate": "1.5", "low": "1.1", "high": "1.3", "level": "95"}, "outside low to high"),
        ({"estimate": "1.2", "low": "1.3", "high": "1.1", "level": "95"},
         "column low: found 1.3, and high is 1.1"),
        ({"estimate": "1.2", "low": "1.1", "high": "1.3", "level": "0.95"}, "in percent, as 95"),
        ({"estimate": "-1.2", "se": "0.1"}, "estimate is -1.2; allowed is a ratio above 0"),
        ({"estimate": "1.2", "se": "0"}, "se is 0; allowed is above 0"),
        ({"estimate": "not significant", "p": "<0.05"}, "say higher or lower, or correct p"),
        ({"first": "15 / 461 players"}, "first is a count and second a mean"),
        ({"first": "-3 SD 5.8"}, "no log ratio; use measure 'mean difference'"),
        ({"first": "31 SD 5.8 kg", "second": "27 SD 2.5 lb"}, "found lb, and first is in kg"),
        ({"first": "31 SD 5.8 kg -> 30 SD 5 lb", "second": "27 SD 2.5 kg -> 26 SD 3 kg",
          "design": "parallel", "n": "13 / 12"}, "give one unit"),
        ({"first": "31"}, "column first: found 31 without a spread, and the other side has one"),
        ({"second": ""}, "column second: empty, and first is not; give both sides"),
        ({"first": "30-32 SD 5.8"}, "found '30-32 SD 5.8'; allowed"),
        ({"first": "31 SD 5-6"}, "SD is one number"),
        ({"first": "15.5 / 40 h", "second": "3 / 40 h"}, "events are whole numbers"),
        ({"first": "15 / 461 h", "second": "52 / 481 days"}, "found days, and first is in h"),
        ({"first": "1e300 SD 5.8"}, r"found 1e300; allowed is a number below 1e\+150"),
    ],
)  # fmt: skip
def test_bad_cells_are_one_message_that_names_the_row(cells: dict[str, str], says: str) -> None:
    table = trials().iloc[[0]].assign(**{k: [v] for k, v in cells.items()})
    with pytest.raises(InputError, match=says):
        pool(table)


def test_differences_in_two_units_are_not_pooled() -> None:
    table = trials().assign(first="31 SD 5.8 kg", second="27 SD 2.5 kg")
    table.loc[table.index[1], ["first", "second"]] = ["68 SD 12 lb", "60 SD 6 lb"]
    with pytest.raises(InputError, match=r"row 2 \(.*found lb, and row 1 .* is in kg"):
        rs.pool_printed(table, measure="mean difference")
    assert rs.pool_printed(table, measure="ratio of means").k == len(table)  # units cancel


def test_hours_of_players_are_hours() -> None:
    pooled = rs.pool_printed(
        {"study": ["A"], "first": ["15 / 461 player hours"], "second": ["52 / 481 h"]},
        measure="rate ratio",
    )
    assert pooled.k == 1


def test_bad_tables_and_options_are_one_message() -> None:
    with pytest.raises(InputError, match="A has rows 1 and 2; sources must be independent"):
        pool(trials(study=["A", "A", "B"]))
    with pytest.raises(InputError, match="column 'frist' is not read; did you mean 'first'"):
        pool(trials().rename(columns={"first": "frist"}))
    with pytest.raises(InputError, match="no column study"):
        pool(trials().drop(columns="study"))
    with pytest.raises(InputError, match="no rows"):
        pool(trials().iloc[:0])
    with pytest.raises(InputError, match="found int"):
        pool(3)
    with pytest.raises(InputError, match="prior is a float; allowed: HalfNormal"):
        pool(trials(), prior=0.2)
    with pytest.raises(InputError, match=r"correlation is \(0.9,\); allowed: \(mean, sd\)"):
        pool(trials(), correlation=(0.9,))
    with pytest.raises(InputError, match="claimed is"):
        pool(trials(), claimed=(1.35, 1.25))
    with pytest.raises(InputError, match="the rows have none as their measure"):
        rs.pool_printed(trials())
    alone = {"study": ["A"], "estimate": [1.0], "se": [0.2], "measure": ["mean difference"]}
    with pytest.raises(InputError, match="give prior="):
        rs.pool_printed(alone)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_file_is_read_however_its_lines_end(end: str, tmp_path: Path) -> None:
    """Found by fuzzing: lines of an old system ended in a traceback."""
    path = tmp_path / "rows.csv"
    text = 'study,measure,estimate,low,high\n"Doe,\n2001",ratio of means,1.2,1.1,1.3\n'
    path.write_bytes(text.replace("\n", end).encode())
    (row,) = read_rows(path)
    assert row.study.split() == ["Doe,", "2001"]


def test_an_open_quote_names_its_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('study,n\nDoe 2001,12\n"Roe 2002,13\n')
    with pytest.raises(rs.InputError, match=r"rows.csv, row 3: .* close the quote"):
        read_rows(path)
