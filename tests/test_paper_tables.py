"""Tables for papers: every format says the same, obeys nothing, and has the same bytes twice."""

from __future__ import annotations

import io
import re
import sys

import pandas as pd
import pytest
from docx import Document
from doors.audit import ABSOLUTES, finding, summary_frame
from doors.common import TABLE_FORMATS
from doors.report import PaperTable, write_tables

import retrostats as rs
from retrostats import InputError

#: Products and quotients of printed numbers in double precision.
EXACT = 1e-12
HOSTILE = r"<script>x</script> | `y` \input{/etc/passwd} 50% _a_ *b* [l](javascript:1) $x$ −2 & #"


@pytest.fixture(scope="module")
def replication(whole: rs.Replication) -> rs.Replication:
    return whole


@pytest.fixture
def hostile() -> PaperTable:
    frame = pd.DataFrame({"A|b": [HOSTILE, "\x1b[31m"], "n": ["1,000", "2"]})
    return PaperTable("odd", HOSTILE, HOSTILE, frame)


def test_nothing_in_a_cell_is_markup(hostile: PaperTable) -> None:
    assert "<script>" not in hostile.html()
    assert r"\input" not in hostile.latex()
    assert r"50\%" in hostile.latex()
    assert "−" not in hostile.latex()  # pdfTeX has no glyph for it
    markdown = hostile.markdown()
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len(lines) == 4
    assert all(line.replace(r"\|", "").count("|") == 3 for line in lines)
    assert r"\<script\>" in markdown
    assert r"\[l\](" in markdown


def test_html_is_a_table_of_the_same_cells(hostile: PaperTable) -> None:
    (read,) = pd.read_html(io.StringIO(hostile.html()), thousands=None, converters={"n": str})
    assert list(read.columns) == ["A|b", "n"]
    assert read.iloc[:-1].to_numpy().tolist() == [[HOSTILE, "1,000"], ["[31m", "2"]]
    assert hostile.html().count('class="number"') == 3  # the heading and both cells of n alone


def test_a_latex_table_is_as_wide_as_a_line_and_obeys_no_cell() -> None:
    frame = pd.DataFrame(
        {"[A]": ["[2ex] a_1", "^~{x}"], "long": ["word " * 40, ""], "n": ["1", ""]}
    )
    text = PaperTable("odd", "T & t", "note #1", frame).latex()
    shares = [float(share) for share in re.findall(r"dimexpr ([\d.]+)", text)]
    assert len(shares) == 3
    assert sum(shares) == pytest.approx(1, abs=0.002)  # three rounded digits each
    assert max(shares) == shares[1]
    rows = [line for line in text.splitlines() if line.count(" & ") == 2]
    assert len(rows) == 3
    assert all(row.endswith(r" \\") for row in rows)
    assert rows[0].startswith("{}[A]")
    assert rows[1].startswith(r"{}[2ex] a\_1")
    assert rows[2].startswith(r"\textasciicircum{}\textasciitilde{}\{x\}")
    assert r"\caption*{T \& t}" in text
    assert r"note \#1" in text


def test_a_word_file_holds_the_cells_as_they_are(hostile: PaperTable) -> None:
    document = Document(io.BytesIO(hostile.docx()))
    (grid,) = document.tables
    assert [cell.text for cell in grid.rows[1].cells] == [HOSTILE, "1,000"]
    assert document.paragraphs[0].text == HOSTILE


def test_every_format_has_the_same_numbers(replication: rs.Replication) -> None:
    table = replication.table("metabolic-cost")
    (grid,) = Document(io.BytesIO(table.docx())).tables
    rows = [[cell.text for cell in row.cells] for row in grid.rows]
    assert rows[0] == list(table.frame.columns)
    assert rows[1:] == table.frame.to_numpy().tolist()
    shown = table.frame["Estimate [95% CI]"].iloc[0]
    assert shown == "1.15 [1.04, 1.28]"
    assert shown in table.html()
    assert shown in table.latex()
    assert shown.replace("[", r"\[").replace("]", r"\]") in table.markdown()


def test_files_have_the_same_bytes_twice(replication: rs.Replication, tmp_path) -> None:
    paths = write_tables(replication, tmp_path, TABLE_FORMATS)
    assert len(paths) == 4 * len(TABLE_FORMATS)
    first = [path.read_bytes() for path in paths]
    assert [p.read_bytes() for p in write_tables(replication, tmp_path, TABLE_FORMATS)] == first


@pytest.mark.parametrize(("module", "call"), [("docx", "docx"), ("tabulate", "markdown")])
def test_without_the_extra_one_message(hostile, module, call, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=r"pip install 'retrostats\[papers\]'"):
        getattr(hostile, call)()


def test_an_unknown_table_or_format_is_refused(replication: rs.Replication) -> None:
    with pytest.raises(InputError, match="no table 'x'; this run has findings, metabolic-cost"):
        replication.table("x")
    with pytest.raises(InputError, match="tables: found xls; choose from csv, html, tex, md, docx"):
        rs.replicate(tables=("xls",))


def test_an_absolute_effect_is_the_effect_at_a_printed_level(replication: rs.Replication) -> None:
    rows = replication.summary.set_index(["claim_id", "outcome"])
    oxygen = rows.loc[("energy_30", "oxygen taken up")]
    assert oxygen["level"] == 27.15
    assert oxygen["absolute"] == pytest.approx(27.15 * (oxygen["estimate"] - 1), rel=EXACT)
    assert oxygen["absolute_high"] == pytest.approx(27.15 * (oxygen["conf_high"] - 1), rel=EXACT)
    points = rows.loc["body_fat_6wk"]
    own, relative = (points[points["unit"].str.startswith(u)].iloc[0] for u in ("perc", "% of"))
    assert own["absolute"] == own["estimate"]
    assert relative["absolute"] == pytest.approx(relative["estimate"] * 15.1 / 60.8, rel=EXACT)
    none = rows.loc["strengthens_muscles"].iloc[0]
    assert none[list(ABSOLUTES)].isna().all()
    assert none["answer"] == "direction open"
    cause = rows.loc["body_fat_cause"].iloc[0]  # what one group lost is no effect of a cause
    assert pd.isna(cause["estimate"])
    assert cause["studies"] == 0


def test_every_claim_is_in_the_summary_and_every_level_was_printed(replication) -> None:
    summary = replication.summary
    assert list(dict.fromkeys(summary["claim_id"])) == list(replication.verdicts["claim_id"])
    printed = set(replication.audit.published["row_id"])
    used = {row for cell in summary["level_rows"] for row in cell.split("; ") if row}
    assert used
    assert used <= printed
    assert (summary.loc[summary["level"].notna(), "level_why"] != "").all()
    judged = set(replication.verdicts["estimate_id"]) | set(
        replication.estimates.loc[replication.estimates["claim_id"] != "", "estimate_id"]
    )
    assert set(summary["estimate_id"]) - {""} <= judged  # no effect of something else


def test_a_level_of_another_effect_is_not_in_the_row_of_a_claim(replication) -> None:
    levels = replication.audit.table("absolute").iloc[:1]
    other = levels.assign(claim_id="ligament_tears", estimate_id="li-programme-pool")
    found = summary_frame(
        replication.verdicts, replication.estimates, replication.audit.published, other
    )
    row = found[found["claim_id"] == "ligament_tears"].iloc[0]
    assert (row["estimate_id"], row["finding"]) == ("", "nobody measured it")


def test_the_summary_leads_with_the_answer_in_the_verbs_of_its_certainty(replication) -> None:
    answers = replication.answers.set_index("claim_id")
    row = replication.summary.set_index("claim_id").loc["energy_30"].iloc[0]
    posterior = answers.loc["energy_30"]
    assert row["basis"] == "posterior"
    for name in ("estimate", "conf_low", "conf_high"):
        assert row[name] == posterior[name]
    certainty = replication.verdicts.set_index("claim_id").at["energy_30", "certainty_direction"]
    verb = {"high": "is higher", "moderate": "is probably higher", "low": "may be higher"}
    assert row["finding"].startswith(f"{verb[certainty]} (99.9%)")
    table = replication.table("findings").frame
    assert list(table.columns[:4]) == ["Claim", "Finding", "Outcome", "Effect [95% interval]"]
    assert table["Finding"].iloc[0].startswith(verb[certainty].capitalize())
    assert table["Effect [95% interval]"].iloc[0] == "1.26 [1.13, 1.40]"


@pytest.mark.parametrize(
    ("verdict", "says"),
    [
        ({"direction": "unlikely", "prob_direction": 0.13, "estimate": 1.19, "null_value": 1.0,
          "certainty_direction": "high"}, "is higher (87%)"),
        ({"direction": "open", "prob_direction": 0.35, "estimate": -0.7, "null_value": 0.0,
          "certainty_direction": "very low"},
         "may be higher or lower (35% for the claim), but the evidence is very uncertain"),
        ({"direction": "mixed", "certainty_direction": "low"},
         "may be higher by some measures and lower by others"),
        ({"direction": "open", "prob_direction": None}, "it is not known which way"),
        ({"direction": "not claimed", "size": "contradicted", "prob_size": 0.01,
          "certainty_size": "high"}, "as much as claimed: no (1%)"),
        ({"direction": "not claimed", "size": "not claimed"},
         "nothing is claimed that can be measured by itself"),
    ],
)  # fmt: skip
def test_each_finding_has_the_verb_of_its_certainty(verdict, says) -> None:
    assert finding(verdict) == says


def test_the_second_audit_has_levels_of_its_own() -> None:
    found = rs.replicate(audit="examples/bcg.toml", draws=0).summary
    common = found[found["outcome"] == "cases where tuberculosis was common"].iloc[0]
    assert common["level"] == pytest.approx(248 / 12867 * 1000, rel=EXACT)
    assert common["absolute"] < 0
    slopes = found[found["scale"] == "difference"]
    assert slopes["absolute"].isna().all()  # a slope of a log ratio is no absolute effect


@pytest.mark.parametrize(
    ("change", "says"),
    [({"row_id": "no-such-row"}, "no printed row 'no-such-row'"),
     ({"column": "p_value_text"}, "holds no number that is not zero"),
     ({"column": "nothing"}, "column 'nothing' of row")],
)  # fmt: skip
def test_a_level_that_was_not_printed_is_refused(replication, change, says) -> None:
    levels = replication.audit.table("absolute").iloc[:1].assign(**change)
    with pytest.raises(InputError, match=says):
        summary_frame(
            replication.verdicts, replication.estimates, replication.audit.published, levels
        )
