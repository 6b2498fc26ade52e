"""Bad audits of one page and one table: one message each, no traceback, exit 2, nothing written.

One line a case: what is changed in a page and a table that work, and what the message must say:
where, what was found, what is allowed or what to do next.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from doors.app import main

PAGE = """title = "Balance training: what was claimed, what was counted"
subject = "balance training"
source = { kind = "leaflet", name = "A leaflet", doi = "10.1000/xyz" }
compared = ["balance training", "usual training"]
also = { "usual training" = ["control"] }

[claims.halves]
says = "Balance training halves ankle injuries"
by = "A leaflet"
cause = true
measure = "rate ratio"
true_if = "0.45 to 0.55"
because = "halves: 0.5 to one digit"
mixing = ["risk ratio"]
better = "lower"

[claims.halves.fidelity]
"how much" = { claimed = "halves", source = "halves (title)", agrees = true }

[claims.stronger]
says = "It makes the grip stronger"
by = "A leaflet"
cause = true
measure = "mean difference"
true_if = "above 0"
because = "no size is named"

[open.correlation]
mean = 0.9
sd = 0.5
why = "scans of one person"
source = "Doe 2001"
"""
TABLE = """claim,study,design,allocation,measure,n,estimate,low,high,level,p,first,second,pool,doi,\
year
halves,Alpha 2001,parallel,by lot,rate ratio,942,0.51,0.31,0.84,95,,,,yes,10.1000/a,2001
halves,Beta 2005,parallel,by lot,rate ratio,,,,,,,15 / 461 h,52 / 481 h,yes,,2005
halves,Gamma 2007,parallel,by lot,risk ratio,,,,,,,3 / 15 people,10 / 15 people,yes,,
stronger,Delta 2010,parallel,by lot,,20 / 22,,,,,,31.2 SD 5.1 kg,29.0 SD 5.5 kg,,,2010
stronger,Epsilon 2011,crossover,by lot,,13,,,,,0.03,30.2 SD 5.1 kg,28.0 SD 5.5 kg,,,
"""
ALPHA = "halves,Alpha 2001,parallel,by lot,rate ratio,942,0.51,0.31,0.84,95,,,,yes,10.1000/a,2001"
BETA = "halves,Beta 2005,parallel,by lot,rate ratio,,,,,,,15 / 461 h,52 / 481 h,yes,,2005"
GAMMA = "halves,Gamma 2007,parallel,by lot,risk ratio,,,,,,,3 / 15 people,10 / 15 people,yes,,"
DELTA = "stronger,Delta 2010,parallel,by lot,,20 / 22,,,,,,31.2 SD 5.1 kg,29.0 SD 5.5 kg,,,2010"
EPSILON = "stronger,Epsilon 2011,crossover,by lot,,13,,,,,0.03,30.2 SD 5.1 kg,28.0 SD 5.5 kg,,,"


def with_unit(unit: str) -> tuple[str, str]:
    """The whole table, and the same with a column unit of one row."""
    lines = TABLE.splitlines()
    ends = [f",{unit}" if line == DELTA else "," for line in lines[1:]]
    rows = [line + end for line, end in zip(lines[1:], ends, strict=True)]
    return TABLE, "\n".join([f"{lines[0]},unit", *rows]) + "\n"


def with_cells(cells: str) -> str:
    """The table with the means and SDs of one row in columns of their own."""
    lines = TABLE.splitlines()
    rows = [
        DELTA.replace("31.2 SD 5.1 kg,29.0 SD 5.5 kg", ",") + f",{cells}"
        if line == DELTA
        else f"{line},,,,"
        for line in lines[1:]
    ]
    return "\n".join([f"{lines[0]},mean_1,sd_1,mean_2,sd_2", *rows]) + "\n"


def effect_row(estimate: str, low: str, high: str) -> str:
    """The last row with an effect instead of two means."""
    return f"stronger,Epsilon 2011,crossover,by lot,,13,{estimate},{low},{high},95,,,,,,"


CYCLE = """[[retold]]
source = "A post"
parent = "A book"

[[retold]]
source = "A book"
parent = "A post"

[open.correlation]"""


class Bad(NamedTuple):
    """What is replaced by what, in the page or the table, and what the message must say."""

    name: str
    file: str
    old: str
    new: str
    said: tuple[str, ...]


def table(name: str, old: str, new: str, *said: str) -> Bad:
    return Bad(name, "table", old, new, said)


def page(name: str, old: str, new: str, *said: str) -> Bad:
    return Bad(name, "page", old, new, said)


CASES = (
    # the table as a file
    table("semicolons", ",", ";", "row 1", "semicolons", "commas"),
    table("tabs", ",", "\t", "row 1", "tabs", "commas"),
    table("header only", TABLE[TABLE.index("halves,Alpha"):], "", "no row", "add one row"),
    table("empty file", TABLE, "", "empty", "header"),
    table("binary file", TABLE, "\x00\x01\x02\x00", "bad.csv"),
    table("open quote", "Alpha 2001", '"Alpha 2001', "row 2", "quote"),
    table("missing column", "study,", "", "row 1", "study"),
    table("missing claim column", "claim,", "klaim,", "klaim", "claim"),
    table("unknown column", "level,", "levle,", "row 1", "levle", "level"),
    table("column twice", "year\n", "study\n", "row 1", "study", "twice"),
    table("column without a name", "doi,", ",", "row 1", "name"),
    table("extra cell", ALPHA, ALPHA + ",12", "row 2", "17 cells", "16 columns"),
    table("unquoted comma in a cell", "15 / 461 h", "1,5 / 461 h", "row 3", "17 cells"),
    table("missing cells", BETA, "halves,Beta 2005", "row 3", "2 cells"),
    # who and which claim
    table("study empty", "Beta 2005", "", "row 3", "study", "name the study"),
    table("claim mistyped", "halves,Beta", "halvs,Beta", "row 3", "halvs", "halves"),
    table("claim empty", "halves,Beta", ",Beta", "row 3", "claim", "halves"),
    table("row copied", BETA, f"{BETA}\n{BETA}", "rows 3 and 4", "Beta 2005",
          "within_study"),
    table("two rows of one people", "Gamma 2007", "Beta 2005", "rows 3 and 4", "Beta 2005",
          "within_study"),
    table("allocation mistyped", "parallel,by lot,rate ratio,942", "parallel,bylot,rate ratio,942",
          "row 2", "allocation", "bylot", "by lot"),
    table("design mistyped", "Beta 2005,parallel", "Beta 2005,paralel", "row 3", "design",
          "paralel", "parallel"),
    table("year in words", ",2005", ",two thousand", "row 3", "year", "two thousand", "2011"),
    table("pool mistyped", "52 / 481 h,yes", "52 / 481 h,maybe", "row 3", "pool", "maybe", "yes"),
    table("pool no without a reason", "52 / 481 h,yes", "52 / 481 h,no", "row 3", "pool", "reason"),
    # numbers
    table("range in a cell", "0.51,0.31", "0.45-0.55,0.31", "row 2", "estimate", "0.45-0.55"),
    table("decimal comma", "0.51,0.31", '"0,51",0.31', "row 2", "estimate", "0,51"),
    table("words in low", "0.51,0.31", "0.51,low", "row 2", "low", "'low'"),
    table("low above high", "0.31,0.84", "0.84,0.31", "row 2", "0.84", "0.31"),
    table("estimate outside", "0.51,0.31", "0.91,0.31", "row 2", "0.91", "0.84"),
    table("level empty", "0.84,95", "0.84,", "row 2", "level", "95"),
    table("level as a share", "0.84,95", "0.84,0.95", "row 2", "level", "0.95", "95"),
    table("level above 100", "0.84,95", "0.84,950", "row 2", "level", "950"),
    table("ratio below 0", "0.51,0.31", "0.51,-0.31", "row 2", "-0.31", "above 0"),
    table("ratio of 0", "0.51,0.31", "0,0.31", "row 2", "estimate"),
    table("p above 1", ",0.03,", ",3,", "row 6", "p", "3"),
    table("p in words", ",0.03,", ",small,", "row 6", "p", "small"),
    table("huge number", "31.2 SD", "1e300 SD", "row 5", "first", "1e300", "1e+150"),
    table("huge estimate", "0.51,0.31", "1e200,0.31", "row 2", "estimate", "1e200", "1e+150"),
    table("infinite number", "0.84,95", "inf,95", "row 2", "high", "inf"),
    table("SD empty", "31.2 SD 5.1 kg", "31.2 kg", "row 5", "first", "SD"),
    table("SD of zero", "31.2 SD 5.1 kg", "31.2 SD 0 kg", "row 5", "first", "above 0"),
    table("SD negative", "31.2 SD 5.1 kg", "31.2 SD -5.1 kg", "row 5", "first", "-5.1",
          "above 0"),
    table("spread without a label", "31.2 SD 5.1 kg", "31.2 5.1 kg", "row 5", "first", "SD"),
    table("unit changed", "29.0 SD 5.5 kg", "29.0 SD 5.5 lb", "row 5", "lb", "kg"),
    table("unit changed between rows", EPSILON, EPSILON.replace(" kg", " lb"), "row 6", "lb", "kg"),
    table("unit column of other units", *with_unit("lb"), "row 5", "column first", "kg", "lb"),
    table("spread in another unit", "31.2 SD 5.1 kg", "31.2 kg SD 5.1 lb", "row 5", "first", "kg",
          "lb"),
    table("spread in percent", "31.2 SD 5.1 kg", "31.2 kg SD 16%", "row 5", "first", "%", "kg"),
    table("percent of a difference", EPSILON, effect_row("4.1%", "0.6%", "7.6%"), "row 6",
          "column estimate", "4.1%", "mean difference", "percent"),
    table("percent of a limit alone", EPSILON, effect_row("4.1", "0.6", "7.6%"), "row 6",
          "column high", "7.6%"),
    table("percent of a ratio", "0.51,0.31", "51%,0.31", "row 2", "column estimate", "51%",
          "rate ratio"),
    table("spread in brackets", "31.2 SD 5.1 kg", "31.2 (5.1) kg", "row 5", "first",
          "'31.2 SD 5.1'", "'31.2 SE 5.1'"),
    table("spread in brackets of a change", "31.2 SD 5.1 kg", "31.2 (5.1) -> 33.0 (5.0) kg",
          "row 5", "first", "'31.2 SD 5.1'", "'31.2 SE 5.1'"),
    table("SD missing before the arrow", "31.2 SD 5.1 kg", "31.2 SD -> 33.0 SD 5.0 kg", "row 5",
          "first", "SD", "31.2 is missing"),
    table("range of an effect", "0.51,0.31", "0.4-0.6,0.31", "row 2", "estimate", "0.4-0.6",
          "columns low and high"),
    table("range of people", ",20 / 22,", ",20-22,", "row 5", "n", "20-22", "'13 / 12'"),
    table("SD of a cell of its own missing", TABLE, with_cells("31.2,,29.0,5.5"), "row 5",
          "column sd_1", "empty", "mean_1 is 31.2"),
    table("mean of a cell of its own missing", TABLE, with_cells("31.2,5.1,,"), "row 5",
          "column mean_2", "mean_1"),
    page("true_if by another name", "true_if = \"above 0\"", "true_when = \"above 0\"",
         "[claims.stronger]", "true_when", "did you mean 'true_if'"),
    table("range for a mean", "31.2 SD 5.1 kg", "30-32 SD 5.1 kg", "row 5", "first", "30-32"),
    table("range for an SD", "31.2 SD 5.1 kg", "31.2 SD 5-6 kg", "row 5", "first", "5-6",
          "one number"),
    table("comma in a count", "15 / 461 h", '"15 / 1,461 h"', "row 3", "first", "15 / 1,461 h"),
    table("SD without its number", "31.2 SD 5.1 kg", "31.2 SD kg", "row 5", "first", "SD 1.53"),
    table("one side only", "29.0 SD 5.5 kg", "", "row 5", "second"),
    table("n empty", ",20 / 22,", ",,", "row 5", "n "),
    table("n of one", ",20 / 22,", ",1 / 22,", "row 5", "n", "1"),
    table("n with a fraction", ",13,", ",13.5,", "row 6", "n", "13.5"),
    table("n of one group", ",20 / 22,", ",42,", "row 5", "n", "42"),
    table("n of two groups in a crossover", ",13,", ",13 / 12,", "row 6", "n", "13 / 12"),
    table("more events than people", "3 / 15 people", "30 / 15 people", "row 4", "30 / 15",
          "events"),
    table("half an event", "15 / 461 h", "15.5 / 461 h", "row 3", "first", "15.5",
          "whole numbers"),
    table("exposure of zero", "15 / 461 h", "15 / 0 h", "row 3", "first", "15 / 0 h",
          "above 0"),
    table("time units differ", "52 / 481 h", "52 / 481 days", "row 3", "days", "h"),
    table("people against hours", "52 / 481 h", "52 / 481 people", "row 3", "people", "h"),
    # measures
    table("measure mistyped", "parallel,by lot,risk ratio", "parallel,by lot,risc ratio", "row 4",
          "measure", "risc ratio", "risk ratio"),
    table("measures mixed", "parallel,by lot,risk ratio", "parallel,by lot,odds ratio", "row 4",
          "odds ratio", "mixing"),
    table("SMD in a pool of differences", EPSILON, EPSILON.replace("by lot,,", "by lot,SMD,"),
          "row 6", "SMD", "mean difference", "pool = 'no: reason'"),
    # hostile
    table("html in a column's name", "level,", "<b>level</b>,", "row 1", "level"),
    table("formula in a number", "0.51,0.31", "=1+1,0.31", "row 2", "estimate", "=1+1"),
    table("a very long cell", "Alpha 2001", "A" * 6000, "row 2", "study", "5000"),
    # the page
    page("syntax error", 'subject = "', "subject = ", "bad.toml", "line 2"),
    page("unknown entry", "because = \"halves", "becuase = \"halves", "[claims.halves]", "becuase",
         "because"),
    page("unknown section", "[open.correlation]", "[opne.correlation]", "opne", "open"),
    page("no claim", PAGE[PAGE.index("[claims.halves]"):PAGE.index("[open")], "", "no claim",
         "[claims.NAME]"),
    page("one condition", '["balance training", "usual training"]', '["balance training"]',
         "compared", "two names"),
    page("the same condition twice", '["balance training", "usual training"]',
         '["usual training", "Usual training"]', "compared", "two names"),
    page("synonym of a stranger", '"usual training" = ["control"]', '"usaul training" = ["x"]',
         "also", "usaul training", "usual training"),
    page("one synonym of both", '["control"] }', '["balance training"] }', "also",
         "balance training"),
    page("measure unknown", 'measure = "rate ratio"', 'measure = "rate"', "[claims.halves]",
         "measure", "rate", "rate ratio"),
    page("true_if in words", '"0.45 to 0.55"', '"about half"', "[claims.halves]", "about half",
         "0.45 to 0.55"),
    page("true_if turned", '"0.45 to 0.55"', '"0.55 to 0.45"', "[claims.halves]", "lower end"),
    page("claim on the wrong side", '"above 0"', '"below 1"', "[claims.stronger]", "true_if",
         "below 1", "no effect", "'below 0'"),
    page("claim that every ratio meets", '"0.45 to 0.55"', '"above 0"', "[claims.halves]",
         "true_if", "above 0", "no effect", "'above 1'"),
    page("ratio claimed below 0", '"0.45 to 0.55"', '"-0.5 to 0.5"', "[claims.halves]", "above 0"),
    page("true_if missing", 'true_if = "above 0"', "", "[claims.stronger]", "true_if"),
    page("cause in words", "cause = true\nmeasure = \"rate", "cause = \"yes\"\nmeasure = \"rate",
         "[claims.halves]", "cause", "true"),
    page("better mistyped", 'better = "lower"', 'better = "low"', "[claims.halves]", "better",
         "lower"),
    page("within_study mistyped", 'better = "lower"', 'within_study = "avrage"', "within_study",
         "avrage", "mean"),
    page("agrees mistyped", "agrees = true", 'agrees = "yse"', "fidelity", "yse", "true"),
    page("mixing what cannot be mixed", '["risk ratio"]', '["SMD"]', "mixing", "SMD"),
    page("open row unknown", "[open.correlation]", "[open.zeta]", "open.zeta", "zeta"),
    page("prior without a reason", 'why = "scans of one person"', "", "[open.correlation]", "why"),
    page("prior with a negative SD", "sd = 0.5", "sd = -0.5", "[open.correlation]", "sd"),
    page("cohort without an outcome", 'better = "lower"', 'cohort = { exposure = "hours" }',
         "cohort", "outcome"),
    page("absolute of a row that is not there", 'better = "lower"',
         'absolute = { x = { row = "Zeta", per = 1000 } }', "absolute", "Zeta"),
    page("retold in a cycle", "[open.correlation]", CYCLE, "[[retold]]", "A post", "cycle"),
    page("parent of a retelling mistyped", "[open.correlation]",
         CYCLE.replace('"A book"\n', '"A bok"\n', 1), "[[retold]]", "A bok", "A book"),
    page("claim id with blanks", "[claims.stronger]", '[claims."a b"]', "a b", "a-z"),
)  # fmt: skip


@pytest.fixture
def written(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    case: Bad = request.param
    text = PAGE if case.file == "page" else TABLE
    assert case.old in text, "the case changes nothing"
    changed = text.replace(case.old, case.new)
    (tmp_path / "bad.toml").write_text(changed if case.file == "page" else PAGE)
    (tmp_path / "bad.csv").write_text(TABLE if case.file == "page" else changed)
    return tmp_path / "bad.toml"


@pytest.mark.parametrize(
    ("written", "said"), [(c, c.said) for c in CASES], ids=[c.name for c in CASES],
    indirect=["written"],
)  # fmt: skip
def test_a_bad_audit_gets_one_message(written, said, capsys) -> None:
    out = written.parent / "out"
    for command in (["check-audit", str(written)],
                    ["replicate", "--audit", str(written), "--out", str(out)]):  # fmt: skip
        assert main(command) == 2
        message = capsys.readouterr().err
        assert "Traceback" not in message
        assert message.count("error:") <= 1
        for words in said:
            assert words in message, message
        assert re.search(r"bad\.(csv|toml)", message)
        assert len(message) < 3000
        assert not out.exists()


def test_the_page_and_table_that_the_cases_change_are_good(tmp_path, capsys) -> None:
    (tmp_path / "bad.toml").write_text(PAGE)
    (tmp_path / "bad.csv").write_text(TABLE)
    assert main(["check-audit", str(tmp_path / "bad.toml")]) == 0
    assert "Alpha 2001" in capsys.readouterr().out
    assert len(CASES) >= 50
    assert len({case.name for case in CASES}) == len(CASES)
