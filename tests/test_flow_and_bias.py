"""The flow of rows and the risk of bias of an audit from a page: tables that add up."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from doors.audit import account_of_page
from doors.io import judgement

import retrostats as rs
from retrostats import InputError

DRAWS = 16
EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.toml"))
HEAD = "study,design,allocation,n,first,second,arm,pool,outcome,rob_allocation,rob_missing_data"
ROWS = (
    "Abel 2001,parallel,by lot,,9 / 80,14 / 82,,,,low,low",
    "Bell 2002,parallel,by lot,,4 / 40,11 / 60,bell,,low dose,some,low risk",
    "Bell 2002,parallel,by lot,,3 / 44,11 / 60,bell,,high dose,some,High",
    "Cole 2003,parallel,by choice,,20 / 150,22 / 141,,,,serious,no information",
    "Dorn 2004,parallel,by lot,,7 / 90,9 / 93,,no: children,,low,low",
    "Ende 2005,parallel,by lot,,5 / 50,6 / 51,,no: children,,,",
    "Falk 2006,parallel,by lot,,,,,sign: for,,unclear,",
    "Gray 2007,parallel,by lot,,8 / 70,12 / 66,,,,,",
)
PAGE = """
title = "Falls"
compared = ["trained", "untrained"]
[claims.fewer]
says = "training spares falls"
cause = true
measure = "risk ratio"
true_if = "below 1"
because = "no size"
"""


def page_of(folder: Path, rows: tuple[str, ...] = ROWS, head: str = HEAD, page: str = PAGE) -> Path:
    (folder / "falls.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    (folder / "falls.toml").write_text(page, encoding="utf-8")
    return folder / "falls.toml"


@pytest.fixture(scope="module")
def falls(tmp_path_factory: pytest.TempPathFactory) -> tuple[rs.Replication, Path]:
    folder = tmp_path_factory.mktemp("falls")
    return rs.replicate(
        audit=page_of(folder), draws=DRAWS, out=folder / "out", formats=("svg",)
    ), folder / "out"


def adds_up(flow: pd.DataFrame, in_table: int) -> bool:
    rows = flow.groupby("step")["rows"].sum()
    return bool(in_table == rows["found"] == rows.get("left out", 0) + rows["pooled"])


def test_rows_found_are_those_left_out_and_those_pooled(falls) -> None:
    flow = falls[0].flow
    assert adds_up(flow, len(ROWS))
    told = flow.set_index(["step", "why"])["rows"].to_dict()
    assert told["left out", "children"] == 2
    pooled = flow[flow["step"] == "pooled"].iloc[0]
    assert (pooled["rows"], pooled["studies"]) == (5, 4)
    assert told["of these", "by lot or in the same people: a cause rests on these"] == 4
    named = flow["row_ids"].str.split("; ").map(len)
    assert (named == flow["rows"]).all()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_rows_of_every_example_add_up(example: Path) -> None:
    audit = rs.load_audit(example)
    table = pd.read_csv(example.with_suffix(".csv"))
    for claims, flow in audit.table("flow").groupby("claims"):
        named = claims.split("; ")
        relevant = (
            table["claim"].str.split("; ").map(lambda cells: named[0] in cells)  # noqa: B023
            if "claim" in table else table["study"].notna()
        )  # fmt: skip
        assert adds_up(flow, int(relevant.sum())), claims


def test_rows_of_one_study_in_a_mean_are_counted_as_rows_and_as_studies(tmp_path) -> None:
    rows = ("Abel 2001,9 / 80,14 / 82", "Abel 2001,7 / 80,13 / 82", "Bell 2002,4 / 40,11 / 60")
    page = page_of(tmp_path, rows, "study,first,second", f'{PAGE}within_study = "mean"\n')
    flow = rs.load_audit(page).table("flow")
    assert adds_up(flow, 3)
    assert flow.set_index("step").loc["pooled", "why"] == "rows of one study are their mean"
    assert "3 rows found, 0 left out, 3 pooled as 2 studies" in account_of_page(page)


def test_judgements_stand_in_the_words_of_their_tool(falls) -> None:
    found, out = falls
    bias = found.risk_of_bias
    wide = bias.pivot(index="study", columns="domain", values="judgement")
    assert wide.loc["Abel 2001"].tolist() == ["low", "low"]
    assert wide.loc["Bell 2002, low dose", "missing data"] == "low"  # judged apart: a row each
    assert wide.loc["Bell 2002, high dose"].tolist() == ["some concerns", "high"]
    assert wide.loc["Cole 2003"].tolist() == ["serious", "no information"]
    assert wide.loc["Gray 2007"].tolist() == ["not judged", "not judged"]
    written = pd.read_csv(out / "tables" / "risk_of_bias.csv")
    pd.testing.assert_frame_equal(written, bias)
    assert (out / "tables" / "risk_of_bias.tex").is_file()
    shown = found.table("risk_of_bias").frame.set_index("Study")
    assert shown.loc["Bell 2002, high dose", "Missing data"] == "\N{MULTIPLICATION SIGN} high"
    assert found.table("flow").frame["Rows"].tolist() == ["8", "2", "1", "5", "4"]


def test_the_page_shows_both_with_words_and_marks_and_the_methods_say_them(falls) -> None:
    found, out = falls
    page = (out / "report.html").read_text(encoding="utf-8")
    assert '<td data-l="Missing data"><span class="mark" aria-hidden="true">×</span> high' in page
    table = page[page.index('<table class="stack flow">') :]
    rows = re.findall(r'scope="row">([^<]+)</th><td data-l="Rows" class="n">(\d+)', table)
    assert rows[:3] == [("Found", "8"), ("Left out: children", "2"),
                        ("Left out: only its sign counts", "1")]  # fmt: skip
    (methods,) = [a["methods"] for a in found.analyses]
    assert any("8 rows found, 3 left out, 5 pooled as 4 studies" in said for said in methods)
    assert any("low (5), some concerns (2)" in said for said in methods)


@pytest.mark.parametrize(
    ("cell", "says"),
    [("hihg", "did you mean 'high'"), ("3", "found '3'"), ("-", "may be a high risk or nothing"),
     ("\N{MINUS SIGN}", "may be a high risk or nothing")],
)  # fmt: skip
def test_a_judgement_of_no_tool_is_refused(tmp_path, cell: str, says: str) -> None:
    rows = ("Abel 2001,9 / 80,14 / 82,low", f"Bell 2002,4 / 40,11 / 60,{cell}")
    page = page_of(tmp_path, rows, "study,first,second,rob_missing data")
    with pytest.raises(InputError, match=f"row 3 .Bell 2002., column rob_missing_data.*{says}"):
        rs.load_audit(page)


def test_a_domain_has_a_name(tmp_path) -> None:
    page = page_of(tmp_path, ("Abel 2001,9 / 80,14 / 82,low",), "study,first,second,rob_")
    with pytest.raises(InputError, match="column 'rob_' names nothing"):
        rs.load_audit(page)


def test_words_after_a_judgement_say_nothing_more() -> None:
    said = ("Low risk", "high risk of bias", "some", "NI", "Critical")
    assert [judgement(word, "x") for word in said] == [
        "low", "high", "some concerns", "no information", "critical",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        "findings",
        *(pytest.param(name, marks=pytest.mark.thorough) for name in ("certainty", "flow")),
    ],
)
def test_a_claim_named_as_a_table_takes_no_tables_place(tmp_path, name: str) -> None:
    page = page_of(tmp_path, page=PAGE.replace("claims.fewer", f"claims.{name}"))
    found = rs.replicate(audit=page, draws=DRAWS, out=tmp_path / "out", formats=("svg",))
    tables = tmp_path / "out" / "tables"
    estimates = pd.read_csv(tables / f"{name}-estimates.csv")
    assert "Estimate [95% CI]" in estimates
    assert "Estimate [95% CI]" not in pd.read_csv(tables / f"{name}.csv")
    assert found.table(f"{name}-estimates").frame["Study"].tolist() == estimates["Study"].tolist()
