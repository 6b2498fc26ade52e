"""An audit of one page and one table: its pools, its answer, and all that is made from it."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doors.audit import account_of_page
from doors.evidence import Side, paired_fit, two_groups_fit
from doors.io import TableRow
from doors.report import render_report

import retrostats as rs
from retrostats import InputError, escalc, load_audit

DRAWS = 50
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
NORDIC = EXAMPLES / "nordic.toml"
#: metafor prints its pools to four decimals: half of the last one.
PRINTED = 5e-5
#: Two programs that sum the same closed forms in another order.
CLOSED_RTOL = 1e-10
#: A posterior is by quadrature, exact to 1e-4 (docs/mathematics.md): twice that between two calls.
POSTERIOR = 2e-4

#: An optimum found by Newton's steps, of a model whose answer is a closed form.
MODEL_RTOL = 1e-7
#: Kenward and Roger's df of this model are Welch's up to their own approximation.
WELCH_RTOL = 0.01

PAGE = """
title = "T"
compared = ["treated", "untreated"]
[claims.works]
says = "it works"
cause = {cause}
measure = "{measure}"
true_if = "{true_if}"
because = "said so"
{more}
"""


def audit(
    folder: Path, table: str, measure: str = "mean difference", true_if: str = "below 0", **more
) -> Path:
    """A page with one claim and this table."""
    cause = str(more.pop("cause", False)).lower()
    lines = "\n".join(f"{name} = {value}" for name, value in more.items())
    page = folder / "trial.toml"
    page.write_text(PAGE.format(measure=measure, true_if=true_if, cause=cause, more=lines))
    (folder / "trial.csv").write_text(table)
    return page


def replicated(page: Path):
    return rs.replicate(audit=page, draws=DRAWS)


@pytest.fixture(scope="module")
def nordic():
    """The example, for tests that only look at it."""
    return replicated(NORDIC)


def pooled_of(replication) -> pd.Series:
    found = replication.estimates[replication.estimates["role"] == "pooled"]
    return found.iloc[-1]


def test_the_pool_of_the_rows_marked_yes_is_metafors(nordic) -> None:
    """rma(yi, sei, method = "REML", test = "adhoc"), four rows: 0.4472 (0.1589 to 1.2584)."""
    row = nordic.estimates.set_index("estimate_id").loc["halves-pool"]
    np.testing.assert_allclose(
        row[["estimate", "conf_low", "conf_high"]].astype(float),
        [0.4472, 0.1589, 1.2584],
        atol=PRINTED,
    )
    assert row["k"] == 4


def test_the_answer_is_that_of_pool_printed(nordic) -> None:
    """A cause rests on the rows by lot; the posterior of all rows stands in estimates."""
    rows = pd.read_csv(NORDIC.with_suffix(".csv"), dtype=str, keep_default_na=False)
    rows = rows[rows["claim"] == "halves"]
    asked = {
        "measure": ["rate ratio", "odds ratio", "risk ratio"],
        "claimed": (0.45, 0.55),
    }
    lot = rs.pool_printed(rows[rows["allocation"] == "by lot"], **asked)
    verdict = nordic.verdicts.set_index("claim_id").loc["halves"]
    assert verdict["estimate"] == pytest.approx(lot.estimate, abs=POSTERIOR)
    assert verdict["prob_size"] == pytest.approx(lot.probability(0.45, 0.55), abs=POSTERIOR)
    assert verdict["prob_direction"] == pytest.approx(1 - lot.prob_above(), abs=POSTERIOR)
    everything = rs.pool_printed(rows, **asked)
    beside = nordic.estimates.set_index("estimate_id").loc["halves-pool-posterior"]
    assert beside["estimate"] == pytest.approx(everything.estimate, abs=POSTERIOR)
    assert beside["conf_high"] == pytest.approx(everything.conf_high, abs=POSTERIOR)


def test_rows_of_no_pool_stand_beside_and_signs_are_evidence(nordic) -> None:
    verdicts = nordic.verdicts.set_index("claim_id")
    assert "1 for, 0 against" in verdicts.loc["less_time", "direction_reason"]
    left = nordic.estimates.set_index("estimate_id").loc["halves-askling-2003"]
    assert left["excluded"]
    assert not left["pooled"]
    assert "another device" in left["note"]


def test_a_description_rests_on_every_row(tmp_path) -> None:
    """Only a cause asks for rows by lot."""
    rows = pd.read_csv(NORDIC.with_suffix(".csv"), dtype=str, keep_default_na=False)
    rows = rows[rows["claim"] == "halves"].drop(columns="claim")
    page = audit(
        tmp_path, rows.to_csv(index=False), "rate ratio", "0.45 to 0.55",
        mixing='["odds ratio", "risk ratio"]',
    )  # fmt: skip
    found = replicated(page)
    whole = rs.pool_printed(rows, measure=["rate ratio", "odds ratio", "risk ratio"])
    assert found.verdicts["estimate"].iloc[0] == pytest.approx(whole.estimate, abs=POSTERIOR)


COUNTS = """study,design,first,second
A,parallel,4 / 123 people,11 / 139 people
B,parallel,6 / 306 people,29 / 303 people
C,parallel,0 / 40 people,3 / 44 people
"""


@pytest.mark.parametrize(
    ("measure", "code"), [("risk ratio", "RR"), ("odds ratio", "OR"), ("risk difference", "RD")]
)
def test_counts_are_pooled_as_escalc_and_pool_do(tmp_path, measure, code) -> None:
    page = audit(tmp_path, COUNTS, measure, "below 1" if code != "RD" else "below 0")
    cells = {
        "events_1": [4, 6, 0], "total_1": [123, 306, 40],
        "events_2": [11, 29, 3], "total_2": [139, 303, 44],
    }  # fmt: skip
    made = escalc(cells, measure=code)
    wanted = rs.pool(made["yi"], np.sqrt(made["vi"]), test="knapp-hartung-adhoc")
    row = pooled_of(replicated(page))
    show = float if code == "RD" else math.exp
    for name in ("estimate", "conf_low", "conf_high"):
        assert row[name] == pytest.approx(show(getattr(wanted, name)), rel=CLOSED_RTOL)


def test_means_and_pairs_are_pooled_as_escalc_and_pool_do(tmp_path) -> None:
    """Two groups by Welch's variance, a pair by its printed correlation, an interval by n - 1."""
    table = (
        "study,design,n,first,second,r,estimate,low,high,level\n"
        "A,parallel,20 / 22,15.9 SD 4.2 kg,20.0 SD 4.6 kg,,,,,\n"
        "B,crossover,13,16.6 SD 4.9 kg,20.3 SD 4.4 kg,0.6,,,,\n"
        "C,crossover,10,,,,-3.1,-5.0,-1.2,95\n"
    )
    row = pooled_of(replicated(audit(tmp_path, table)))
    groups = 4.2**2 / 20 + 4.6**2 / 22
    pair = (4.9**2 + 4.4**2 - 2 * 0.6 * 4.9 * 4.4) / 13
    interval = (1.9 / 2.2621571628540993) ** 2  # qt(0.975, 9)
    wanted = rs.pool(
        [-4.1, -3.7, -3.1], np.sqrt([groups, pair, interval]), test="knapp-hartung-adhoc"
    )
    for name in ("estimate", "conf_low", "conf_high"):
        assert row[name] == pytest.approx(getattr(wanted, name), rel=MODEL_RTOL)


def test_the_change_of_one_group_carries_no_cause_however_it_is_printed(tmp_path) -> None:
    """An estimate with its p of a before-after study was taken for the same people in both."""
    head = "study,design,allocation,n,estimate,low,high,level,p\n"
    change = "C,before-after,,18,-4.1,,,,0.003\n"
    trial = "A,parallel,by lot,20 / 22,-4.0,-6.0,-2.0,95,\n"
    page = audit(tmp_path, head + change, cause=True)
    verdict = replicated(page).verdicts.iloc[0]
    assert verdict["direction"] not in ("supported", "very likely", "likely")
    page.with_suffix(".csv").write_text(head + change + trial)
    both = replicated(page).verdicts.iloc[0]
    page.with_suffix(".csv").write_text(head + trial)
    trial_alone = replicated(page).verdicts.iloc[0]
    assert both["estimate"] == trial_alone["estimate"]


def test_an_empty_unit_beside_a_filled_one_is_asked_about(tmp_path) -> None:
    table = "study,n,estimate,low,high,level,unit\nA,20 / 22,-4,-6,-2,95,kg\nB,9 / 9,-3,-5,-1,95,\n"
    with pytest.raises(
        InputError, match=r"row 3 \(B\), column unit: empty, and row 2 \(A\) is in kg"
    ):
        replicated(audit(tmp_path, table))


def test_an_open_correlation_stands_at_the_middle_of_what_p_leaves(tmp_path) -> None:
    """p < 0.05 of 13 people leaves all from where a paired t-test gives 0.05, up to 0.99."""
    table = "study,design,n,first,second,p\nA,crossover,13,31.33 SD 5.77,27.15 SD 2.51,<0.05\n"
    page = audit(tmp_path, table, "ratio of means", "above 1")
    found = replicated(page)
    row = found.estimates.set_index("estimate_id").loc["works-a"]
    t = 2.1788128296634177  # qt(0.975, 12)
    spread = (31.33 - 27.15) * math.sqrt(13) / t
    lowest = (5.77**2 + 2.51**2 - spread**2) / (2 * 5.77 * 2.51)
    r = 0.5 * (0.99 + lowest)
    a, b = 5.77 / 31.33, 2.51 / 27.15
    error = math.sqrt((a**2 + b**2 - 2 * r * a * b) / 13)
    assert row["std_error"] == pytest.approx(error, rel=MODEL_RTOL)
    assert row["df"] == pytest.approx(12)
    assert (found.assumptions["kind"] == "unknown correlation").any()


def test_changes_of_two_groups_go_through_the_mixed_model(tmp_path) -> None:
    """Welch's test of the changes, each with the printed correlation of before and after."""
    table = (
        "study,design,n,first,second,r\n"
        "A,parallel,12 / 13,27.1 SD 3.0 -> 24.7 SD 2.9,27.5 SD 3.1 -> 27.0 SD 3.2,0.8\n"
    )
    row = replicated(audit(tmp_path, table)).estimates.set_index("estimate_id").loc["works-a"]
    v1 = (3.0**2 + 2.9**2 - 2 * 0.8 * 3.0 * 2.9) / 12
    v2 = (3.1**2 + 3.2**2 - 2 * 0.8 * 3.1 * 3.2) / 13
    assert row["estimate"] == pytest.approx(-1.9)
    assert row["std_error"] == pytest.approx(math.sqrt(v1 + v2), rel=MODEL_RTOL)
    assert row["df"] == pytest.approx(welch_df(v1, v2), rel=WELCH_RTOL)


#: A formula against the search for the same maximum: its last step, and Kenward-Roger's df.
SEARCHED_RTOL = 1e-9


@pytest.mark.parametrize("correlation", [-0.95, 0.0, 0.4, 0.99])
def test_a_row_has_the_solution_of_its_mixed_model(correlation) -> None:
    """A pair with an error of either sign of covariance, and two groups with a variance each."""
    first, second = Side(27.1, 3.0, 13), Side(24.7, 1.9, 13)
    cells = pd.DataFrame({
        "condition": pd.Categorical(["b", "a"], ["b", "a"]), "n": 13,
        "mean": [24.7, 27.1], "sd": [1.9, 3.0],
    })  # fmt: skip
    moments = rs.moments_from_summary(
        cells, correlation=correlation, within="condition", outcome="y", subject="s"
    )
    fit = rs.lmm("y ~ condition + (1 | s)", moments, covariance="signed-cs")
    names = ["estimate", "std_error", "df"]
    wanted = fit.coefficients[names].iloc[1].to_numpy(dtype=float)
    np.testing.assert_allclose(paired_fit(first, second, correlation), wanted, rtol=SEARCHED_RTOL)
    people = np.random.default_rng(4)
    groups = [people.normal(27, 3, 9), people.normal(25, 1, 14)]
    rows = pd.DataFrame({"y": np.concatenate(groups), "arm": np.repeat([1.0, 0.0], [9, 14])})
    rows["group"] = rows["arm"].astype(str)
    fit = rs.lmm("y ~ arm", rows, residual="group")
    one, two = (Side(float(g.mean()), float(g.std(ddof=1)), len(g)) for g in groups)
    np.testing.assert_allclose(
        two_groups_fit(one, two), fit.coefficients[names].iloc[1], rtol=SEARCHED_RTOL
    )


def test_many_claims_and_rows_take_time_in_proportion(tmp_path, monkeypatch) -> None:
    """Each row's list of claims is read once, however many claims ask for their rows."""
    heads = "".join(
        f'[claims.c{i}]\nsays="x"\nby="b"\ncause=true\nmeasure="percent"\ntrue_if="below 0"\n'
        'because="b"\nbetter="lower"\n'
        for i in range(40)
    )
    page = tmp_path / "many.toml"
    page.write_text(
        'title="t"\nsubject="s"\nsource={kind="post",name="n",date="2031"}\n'
        f'compared=["a","b"]\n{heads}'
    )
    lines = "".join(
        f'"c{i}; c{(i + 1) % 40}",A{i},crossover,9,11 SD 1,12 SD 1\n' for i in range(40)
    )
    page.with_suffix(".csv").write_text(f"claim,study,design,n,first,second\n{lines}")
    read: list[str] = []
    original = TableRow.claims.fget
    monkeypatch.setattr(TableRow, "claims", property(lambda row: read.append(row) or original(row)))
    said = account_of_page(page)
    assert said.count("row 2, A0") == 2  # the row of c0, which c1 shares
    assert len(read) <= 4 * 40


TRAINING = EXAMPLES / "training.toml"
#: Morris (2008) prints two decimals.
MORRIS = 5e-3


def test_standardised_changes_are_those_that_morris_printed() -> None:
    """Page 368; the pool is metafor's, rma(yi, vi, test = "adhoc"): 0.9492 (0.5302, 1.3681)."""
    rows = replicated(TRAINING).estimates.set_index("estimate_id")
    found = [rows.at[f"works-trial-{i}", "estimate"] for i in range(1, 6)]
    np.testing.assert_allclose(found, [0.74, 0.95, 1.81, 1.15, 0.51], atol=MORRIS)
    pool = rows.loc["works-pool", ["estimate", "conf_low", "conf_high"]].astype(float)
    np.testing.assert_allclose(pool, [0.9492, 0.5302, 1.3681], atol=2 * PRINTED)


@pytest.mark.parametrize(
    ("design", "first", "second", "code"),
    [
        ("crossover", "16.6 SD 4.9", "20.3 SD 4.4", "SMCRP"),
        ("before-after", "16.6 SD 4.9", "20.3 SD 4.4", "SMCR"),
        ("before-after", "20.3 SD 4.4 -> 16.6 SD 4.9", "", "SMCR"),
    ],
)
def test_an_smd_of_the_same_people_is_metafors(tmp_path, design, first, second, code) -> None:
    """A change by the SD before, both conditions of a crossover by that of both."""
    table = f"study,design,n,first,second,r\nA,{design},13,{first},{second},0.6\n"
    found = replicated(audit(tmp_path, table, "SMD"))
    row = found.estimates.set_index("estimate_id").loc["works-a"]
    after, before = {"mean": 16.6, "sd": 4.9}, {"mean": 20.3, "sd": 4.4}
    cells = {"n": [13], "r": [0.6], "mean_1": [after["mean"]], "mean_2": [before["mean"]]}
    sds = (before["sd"],) * 2 if code == "SMCR" else (after["sd"], before["sd"])
    made = escalc(cells | {"sd_1": [sds[0]], "sd_2": [sds[1]]}, measure=code).iloc[0]
    assert row["estimate"] == pytest.approx(made["yi"], rel=CLOSED_RTOL)
    assert row["std_error"] == pytest.approx(math.sqrt(made["vi"]), rel=CLOSED_RTOL)


def test_an_open_correlation_of_an_smd_moves_it(tmp_path) -> None:
    """The outermost limits run over what p leaves; a printed r leaves nothing open."""
    table = "study,design,n,first,second,r\nA,crossover,13,16.6 SD 4.9,20.3 SD 4.4,{}\n"
    known = replicated(audit(tmp_path, table.format("0.6"), "SMD"))
    free = replicated(audit(tmp_path, table.format(""), "SMD"))
    width = [
        float(f.verdicts["outermost_high"].iloc[0] - f.verdicts["outermost_low"].iloc[0])
        for f in (known, free)
    ]
    assert width[1] > 1.3 * width[0]
    assert (free.assumptions["kind"] == "unknown correlation").any()


def welch_df(v1: float, v2: float) -> float:
    """Of 12 and 13 people."""
    return (v1 + v2) ** 2 / (v1**2 / 11 + v2**2 / 12)


def test_percent_is_a_ratio_of_means(tmp_path) -> None:
    table = "study,design,n,estimate,low,high,level\nA,crossover,9,-1.1,-2.0,-0.2,95\n"
    found = replicated(audit(tmp_path, table, "percent", "-3.5 to -2.5", cause=True))
    assert found.claims["range_low"].iloc[0] == pytest.approx(0.965)
    row = found.estimates.set_index("estimate_id").loc["works-a"]
    low, high = np.log([0.98, 0.998])
    t = 2.3060041350333704  # qt(0.975, 8)
    assert row["std_error"] == pytest.approx((high - low) / 2 / t, rel=CLOSED_RTOL)
    assert row["estimate"] == pytest.approx(0.989)


def test_all_that_is_made_from_page_and_table(tmp_path) -> None:
    about = load_audit(NORDIC)
    assert about.title.startswith("The Nordic")
    assert list(about.claims) == ["halves", "less_time"]
    assert about.studies.set_index("study_id").loc["petersen-2011", "doi"] == (
        "10.1177/0363546511419277"
    )
    assert about.topics["halves"].counted
    template = about.topics["halves"].template
    assert template.splitlines()[0] == "subject,condition,hamstring_injuries,hours"
    with pytest.raises(InputError, match="no table 'unprinted'"):
        about.table("unprinted")
    out = tmp_path / "out"
    rs.replicate(audit=NORDIC, draws=DRAWS, out=out, formats=("svg",), tables=("csv",))
    assert (out / "figures" / "halves.svg").is_file()
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "10.1177/0363546511419277" in page


def test_own_cohorts_enter_the_pool(tmp_path, nordic) -> None:
    people = ["subject,direction,hamstring_injuries,exposure_h"]
    people += [f"p{i},nordic,{i % 2},90" for i in range(30)]
    people += [f"q{i},usual training,{1 + i % 2},85" for i in range(30)]
    own = tmp_path / "own.csv"
    own.write_text("\n".join(people) + "\n")
    without = nordic
    found = rs.replicate(audit=NORDIC, cohorts=[own], draws=DRAWS)
    assert (found.estimates["role"] == "cohort").sum() == 1
    a, b = (r.verdicts.set_index("claim_id").loc["halves"] for r in (without, found))
    assert a["estimate"] != b["estimate"]


def test_a_page_runs_no_python(tmp_path) -> None:
    """Neither entry nor cell is evaluated, and a folder of analyses beside the page is not read."""
    mark = tmp_path / "was_run"
    folder = tmp_path / "analyses"
    folder.mkdir()
    (folder / "works.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    table = f"study,n,estimate,note\n__import__('os').mknod({str(mark)!r}),12,-2,=1+1\n"
    page = audit(tmp_path, table.replace("('os')", "(os)").replace(",12", ",12"), "percent")
    replicated(page)
    assert not mark.exists()


DIFFERENCES = """study,design,n,estimate,low,high,level,unit
A,parallel,12 / 12,4.1,0.6,7.6,95,kg
B,parallel,12 / 12,5.0,1.0,9.0,95,kg
C,parallel,12 / 12,{c},95,kg
"""


@pytest.mark.parametrize(
    ("measure", "true_if", "said"),
    [
        ("mean difference", "4 to 6", "true if treated is 4 to 6 kg higher than untreated"),
        ("mean difference", "-6 to -4", "true if treated is 4 to 6 kg lower than untreated"),
        ("mean difference", "below 0", "true if treated is lower than untreated"),
        ("mean difference", "at least 5", "true if treated is 5 or more kg higher than untreated"),
        ("percent", "-2.5 to -1.5", "true if treated is 1.5 to 2.5% lower than untreated"),
        ("ratio of means", "0.9 to 0.95", "true if treated is 0.9 to 0.95 times (ratio of means)"),
    ],
)
def test_a_check_says_what_makes_the_claim_true(tmp_path, measure, true_if, said) -> None:
    table = DIFFERENCES.format(c="3.0,0.5,5.5")
    assert said in account_of_page(audit(tmp_path, table, measure, true_if))


def test_a_check_names_what_lies_on_the_other_side(tmp_path) -> None:
    """A range on the side that the page calls worse, rows against the claim, one row turned."""
    same, turned = (DIFFERENCES.format(c=c) for c in ("3.0,0.5,5.5", "-3.0,-5.5,-0.5"))
    worse = account_of_page(audit(tmp_path, same, true_if="-6 to -4", better='"higher"'))
    assert "better = 'higher', and true_if lies on the other side" in worse
    assert "every pooled row" in worse
    good = account_of_page(audit(tmp_path, same, true_if="4 to 6", better='"higher"'))
    assert "other side" not in good
    assert "opposite sign" not in good
    assert "every pooled row" not in good
    one = account_of_page(audit(tmp_path, turned, true_if="4 to 6", better='"higher"'))
    assert "opposite sign: row 4 (C), against row 2 (A), row 3 (B)" in one
    assert "1 claim" in one
    assert "1 claims" not in one


def test_the_prior_in_use_stands_in_methods_and_on_the_page_in_the_unit(tmp_path) -> None:
    """Half the median SD of the changes; the slider runs around it and not over log ratios."""
    table = DIFFERENCES.format(c="3.0,0.5,5.5").replace(",unit", ",unit,first,second")
    table = table.replace(",kg", ",kg,,").replace("B,parallel", "D,parallel")
    table += "E,parallel,12 / 12,,,,,,31.2 SD 5.1 kg,29.0 SD 5.5 kg\n"
    page = audit(tmp_path, table, true_if="4 to 6")
    found = replicated(page)
    scale = float(account_of_page(page).split("half-normal, scale ")[1].split(" ")[0])
    assert scale > 1  # a log ratio's would be 0.2
    methods = " ".join(found.analyses[0]["methods"])
    assert f"its scale is {scale:.3g} kg" in methods
    html = render_report(found)
    assert "within a factor of some" not in html
    assert "the answer takes" in html
    blocks = [json.loads(t) for t in re.findall(r"application/json\">(.*?)</script>", html)]
    (prior,) = [b for b in blocks if b["words"] == [""]]
    settings = [float(text) for text in prior["values"][0]]
    assert settings[0] < scale < settings[-1]
    assert settings[-1] > 2 * scale


def test_small_words_of_a_page(tmp_path) -> None:
    """A unit in a question, who said it, people of each group, the plan of a page."""
    table = "study,design,n,first,second\n"
    table += "A,parallel,10 / 9,31.2 SD 5.1 kg,29.0 SD 5.5 kg\n"
    table += "B,parallel,20 / 22,30.2 SD 5.1 kg,28.0 SD 5.5 kg\n"
    found = replicated(audit(tmp_path, table, true_if="4 to 6", by='"a blog"'))
    people = found.sources.set_index("row_id")["n"]
    assert people[["a-first", "a-second", "b-first"]].tolist() == [10, 9, 20]
    html = render_report(found)
    assert "As much as claimed, 4 to 6 kg (treated minus untreated)?" in html
    assert "Said by a blog." in html
    assert "attributed to a blog" not in html
    assert "--audit trial.toml" in html
    assert "n = 19 to 42 a study" in html


@pytest.mark.parametrize(
    ("measure", "head", "row", "unit"),
    [
        ("SMD", "study,n,first,second", "{},20 / 21,61 SD 12 mm,55 SD 11 mm", "SMD"),
        ("mean difference", "study,n,first,second", "{},20 / 21,61 SD 12 mm,55 SD 11 mm", "mm"),
        ("mean difference", "study,n,mean_1,sd_1,mean_2,sd_2,unit", "{},20 / 21,61,12,55,11,mm",
         "mm"),
    ],
)  # fmt: skip
def test_only_a_difference_of_means_is_in_the_unit_of_its_rows(
    tmp_path, measure: str, head: str, row: str, unit: str
) -> None:
    table = "\n".join([head, *(row.format(name) for name in "AB")]) + "\n"
    found = load_audit(audit(tmp_path, table, measure)).claims["works"]
    assert found.unit == f"{unit}, treated minus untreated"


def test_a_page_hints_at_no_plan_that_cannot_be_made(tmp_path) -> None:
    rows = "\n".join(f"{s},4{i} / 900 h,6{i} / 880 h" for i, s in enumerate("AB"))
    page = audit(tmp_path, f"study,first,second\n{rows}\n", "rate ratio", "0.4 to 0.6")
    html = render_report(replicated(page))
    assert "retrostats plan works --audit trial.toml --rate R --exposure E" in html
    slope = rs.replicate(["fades"], audit=EXAMPLES / "bcg.toml", draws=DRAWS)
    assert "retrostats plan fades" not in render_report(slope)
