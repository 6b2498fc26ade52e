"""Proportions of one group on a page: events of people, pooled on the logit."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doors.app import main
from doors.audit import account_of_page
from scipy.special import expit, logit

import retrostats as rs
from retrostats import InputError, escalc

#: The same closed forms, summed in another order.
CLOSED_RTOL = 1e-10
#: A posterior is by quadrature, exact to 1e-4 (docs/mathematics.md): twice that between two calls.
POSTERIOR = 2e-4
DRAWS = 50

PAGE = """
title = "Sore knees"
compared = ["cyclists"]
[claims.share]
says = "one cyclist in five has a sore knee"
cause = false
measure = "proportion"
true_if = "0.15 to 0.25"
because = "one in five to one digit"
[claims.many]
says = "at least one cyclist in ten has a sore knee"
cause = false
measure = "proportion"
true_if = "at least 0.1"
because = "one in ten"
"""
ALONE = PAGE[: PAGE.index("[claims.many]")]
COUNTS = {"Alpha 2001": (12, 80), "Beta 2004": (31, 120), "Gamma 2007": (9, 64)}
HEAD = "claim,study,n,first,second,estimate,low,high,level,se,p"
ROWS = tuple(f"share; many,{s},,{y} / {n},,,,,,," for s, (y, n) in COUNTS.items())


def written(folder: Path, page: str = PAGE, rows: tuple[str, ...] = ROWS) -> Path:
    (folder / "knees.csv").write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")
    (folder / "knees.toml").write_text(page, encoding="utf-8")
    return folder / "knees.toml"


def counts() -> pd.DataFrame:
    events, total = zip(*COUNTS.values(), strict=True)
    return pd.DataFrame({"study": list(COUNTS), "events": events, "total": total})


@pytest.fixture(scope="module")
def knees(tmp_path_factory) -> tuple[rs.Replication, Path]:
    """The page's run, and the folder that it is in with what it wrote."""
    folder = tmp_path_factory.mktemp("knees")
    page, out = written(folder), folder / "out"
    return rs.replicate(audit=page, draws=DRAWS, out=out, formats=("svg",), tables=("csv",)), folder


def test_the_classical_pool_is_that_of_plo_and_the_answer_that_of_pool_printed(knees) -> None:
    found, folder = knees
    made = escalc(counts(), measure="PLO")
    pooled = rs.pool(made["yi"], np.sqrt(made["vi"]), test="knapp-hartung-adhoc")
    row = found.estimates.query("role == 'pooled'").iloc[0]
    for name in ("estimate", "conf_low", "conf_high", "pred_low", "pred_high"):
        assert row[name] == pytest.approx(expit(getattr(pooled, name)), rel=CLOSED_RTOL), name
    assert row["n"] == 264
    table = {"study": list(COUNTS), "first": [f"{y} / {n}" for y, n in COUNTS.values()]}
    printed = rs.pool_printed(table, measure="proportion", claimed=(0.15, 0.25))
    verdicts = found.verdicts.set_index("claim_id")
    share, many = verdicts.loc["share"], verdicts.loc["many"]
    assert share["direction"] == "not claimed"  # a range alone names no side
    assert share["prob_size"] == pytest.approx(printed.probability(0.15, 0.25), abs=POSTERIOR)
    assert many["prob_direction"] == pytest.approx(printed.prob_above(0.1), abs=POSTERIOR)
    assert many["size"] == "not claimed"
    for name in ("estimate", "conf_low", "conf_high"):
        assert share[name] == pytest.approx(getattr(printed, name), abs=POSTERIOR)
    assert (folder / "out" / "figures" / "share.svg").is_file()


def test_the_page_compares_nothing_and_says_so(knees) -> None:
    page = (knees[1] / "out" / "report.html").read_text(encoding="utf-8")
    assert "Proportions are of cyclists, on the logit." in page
    assert "cyclists against" not in page
    assert "by a prior (it judges nothing)" not in page  # its errors are those of logits
    told = account_of_page(knees[1] / "knees.toml")
    assert "of cyclists; 3 rows, 2 claims" in told
    assert "row 2, Alpha 2001: people with an event in one group, binomial -> 0.15" in told


def test_a_single_group_of_people_is_its_binomial() -> None:
    table = {"study": ["A"], "first": ["12 / 80"]}
    one = rs.pool_printed(table, measure="proportion").in_that_study
    assert one is not None
    theta = np.linspace(-8, 4, 40001)
    density = np.exp(12 * theta - 80 * np.log1p(np.exp(theta)))
    below = np.cumsum(density) / density.sum()
    for p, shown in ((0.025, one.conf_low), (0.5, one.estimate), (0.975, one.conf_high)):
        assert shown == pytest.approx(expit(np.interp(p, below, theta)), abs=POSTERIOR)


def test_no_one_and_everyone_with_the_event_are_bounded_on_one_side() -> None:
    table = {"study": ["A", "B", "C"], "first": ["0 / 20", "31 / 120", "20 / 20"]}
    pooled = rs.pool_printed(table, measure="proportion")
    assert np.isnan(pooled.sources["estimate"]).tolist() == [True, False, True]
    assert pooled.k == 3


def test_reported_proportions_are_read_on_the_logit(tmp_path) -> None:
    rows = (
        "share,Delta,200,,,0.21,0.16,0.27,95,,",
        "share,Epsilon,150,,,0.17,,,,,",
        "share,Zeta,,,,0.2,,,,0.03,",
    )
    found = rs.replicate(audit=written(tmp_path, ALONE, rows), draws=DRAWS).estimates
    errors = found.query("role == 'recomputed'").set_index("label")["std_error"]
    half = (logit(0.27) - logit(0.16)) / (2 * 1.959963984540054)
    assert errors["Delta"] == pytest.approx(half, rel=CLOSED_RTOL)
    assert errors["Epsilon"] == pytest.approx(1 / math.sqrt(150 * 0.17 * 0.83), rel=CLOSED_RTOL)
    assert errors["Zeta"] == pytest.approx(0.03 / (0.2 * 0.8), rel=CLOSED_RTOL)
    limits = found[["conf_low", "conf_high"]].dropna()
    assert ((limits > 0) & (limits < 1)).all(axis=None)


def test_a_pool_without_no_effect_speaks_of_the_number_it_is_asked_about() -> None:
    table = {"study": list(COUNTS), "first": [f"{y} / {n}" for y, n in COUNTS.values()]}
    pooled = rs.pool_printed(table, measure="proportion", claimed=(0.15, 0.25))
    assert "nan" not in pooled.summary()
    assert "prob_above" not in pooled.glance()
    with pytest.raises(InputError, match="no value of no effect; give the number"):
        pooled.prob_above()
    against = rs.pool_printed(table, measure="proportion", null=0.1)
    assert against.prob_above() == pytest.approx(pooled.prob_above(0.1), abs=POSTERIOR)
    assert "above 0.1" in repr(against)


BAD = {
    "two groups": ("share,A,,12 / 80,10 / 90,,,,,,", "column second: found '10 / 90'; a propo"),
    "a mean": ("share,A,80,12 SD 3,,,,,,,", "column first: found '12 SD 3'; a proportion is"),
    "over time": ("share,A,,12 / 80 h,,,,,,,", "column first: found '12 / 80 h'"),
    "a percentage": ("share,A,80,,,15,,,,,", "column estimate: found 15; a proportion is between"),
    "a limit of 0": ("share,A,,,,0.1,0,0.2,95,,", "column low: found 0; a proportion is between"),
    "a p": ("share,A,80,,,0.15,,,,,0.03", "column p: found '0.03'; a proportion has no value"),
    "words": ("share,A,80,,,higher,,,,,", "column estimate: found 'higher'; a proportion has no"),
    "too many": ("share,A,,90 / 80,,,,,,,", "events are at most the people"),
    "at odds": ("share,A,,12 / 80,,0.4,0.3,0.5,95,,", "and first gives 0.15"),
}


@pytest.mark.parametrize("name", list(BAD))
def test_a_bad_row_gets_one_message(name, tmp_path, capsys) -> None:
    row, said = BAD[name]
    page = written(tmp_path, ALONE, (row,))
    assert main(["check-audit", str(page)]) == 2
    message = capsys.readouterr().err
    assert said in " ".join(message.split())
    assert "row 2 (A)" in message
    assert "Traceback" not in message


CLAIMS = {
    "percent": ('"0.15 to 0.25"', '"15 to 25"', "found 15 to 25; a proportion lies between 0"),
    "every one": ('"0.15 to 0.25"', '"above 0"', "found 0; a proportion lies between 0 and 1"),
    "a cause": ("cause = false", "cause = true", "cause: found true; a proportion of one group"),
    "people": ('because', 'cohort = {outcome = "sore"}\nbecause', "cohort: found 'sore'"),
    "two names of one": ('"proportion"', '"risk ratio"', "give two names"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(CLAIMS))
def test_a_bad_claim_gets_one_message(name, tmp_path, capsys) -> None:
    old, new, said = CLAIMS[name]
    rows = ("share,A,,12 / 80,,,,,,,",)
    assert main(["check-audit", str(written(tmp_path, ALONE.replace(old, new), rows))]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_proportion_is_planned_as_one_group(tmp_path, capsys) -> None:
    assert main(["plan", "share", "--audit", str(written(tmp_path))]) == 0
    assert "a proportion in one group" in " ".join(capsys.readouterr().out.split())


def test_the_page_has_no_line_of_no_difference(knees) -> None:
    page = (knees[1] / "out" / "report.html").read_text(encoding="utf-8")
    shown = page[: page.index("<script>", page.index("<main>"))]
    assert "no difference" not in shown
    assert "Broken line: the number asked about." in shown
    assert "the number asked about at 0.1" in shown
    ticks = re.findall(r'class="b-number"[^>]*>([^<]+)<', shown)
    assert ticks
    assert not [tick for tick in ticks if tick.startswith("+")]


def test_a_range_alone_has_no_line_at_all(tmp_path) -> None:
    rows = tuple(row.replace("share; many", "share") for row in ROWS)
    page, out = written(tmp_path, ALONE, rows), tmp_path / "out"
    found = rs.replicate(audit=page, draws=DRAWS, out=out, formats=("svg",), tables=("csv",))
    assert "Broken line" not in (out / "report.html").read_text(encoding="utf-8")
    assert not [d.alt for d in found.drawings.values() if "no difference" in d.alt]
