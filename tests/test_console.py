"""What a terminal of 80 columns shows: answers with numbers, a tally, and where the report is."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from doors.audit import plain_words_of
from doors.report import LOOK, MARKS, print_answers, print_place, print_verdicts, tally


def printed(encoding: str, show, *given) -> list[str]:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    show(*given, stream)
    stream.flush()
    return raw.getvalue().decode(encoding).splitlines()


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_every_main_claim_has_its_answer_within_80_columns(whole, encoding) -> None:
    lines = printed(encoding, print_answers, whole)
    assert max(map(len, lines)) <= 80
    text = " ".join(line.strip() for line in lines)
    main = whole.verdicts[whole.verdicts["role"] == "core"]
    assert len(main) > 2
    plain = plain_words_of(whole.audit)
    for claim in main["claim_id"]:
        assert plain[claim].title in text
    assert "More energy? Yes, almost certainly (999 chances in 1,000)" in text
    assert "About 26% more at equal speed, very likely 13% to 40%" in text
    assert ("\N{CHECK MARK} Running backward" in text) == (encoding == "utf-8")
    assert ("+ Running backward" in text) == (encoding == "ascii")
    assert tally(whole.verdicts) in text


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_answers_keep_to_the_terminal(monkeypatch, whole, columns) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = printed("utf-8", print_answers, whole)
    assert columns - 20 < max(map(len, lines)) <= min(columns, 80) or columns > 80
    assert max(map(len, lines)) <= 80
    shown = printed("utf-8", print_verdicts, whole.verdicts)
    assert max(map(len, shown)) <= columns
    words = {w.strip(".,;:") for line in shown for w in line.split()}
    assert words >= {"strengthens", "muscles", "measured", "compatible"}  # none is broken


def test_the_tally_counts_every_claim_once_a_side(whole) -> None:
    said = tally(whole.verdicts)
    for side in ("Direction", "Size"):
        part = re.search(rf"{side}: ([^.]*)\.", said)
        assert part is not None
        assert sum(map(int, re.findall(r"\d+", part[1]))) == len(whole.verdicts)


def test_one_mark_stands_for_one_verdict_and_no_verdict_is_without() -> None:
    marks = [mark for mark, _ in MARKS.values()]
    assert len(set(marks)) == len(marks)
    assert set(MARKS) == set(LOOK)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_titles_in_the_table_are_short(monkeypatch, whole, encoding) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = printed(encoding, print_verdicts, whole.verdicts)
    assert max(map(len, lines)) <= 80
    # the heading with its rules, then at most three lines a claim
    assert len(lines) <= 5 + 3 * len(whole.verdicts)


def test_the_report_is_given_as_a_path_and_an_address_with_the_time(tmp_path: Path) -> None:
    lines = printed("utf-8", lambda file: print_place(tmp_path / "a b", 10.96, file))
    assert lines[1] == f"Report: {tmp_path / 'a b' / 'report.html'} (11.0 s)"
    assert lines[2].strip() == (tmp_path / "a b" / "report.html").as_uri()


def test_each_label_of_a_terminal_has_its_symbol_and_the_colour_of_its_stance() -> None:
    assert {symbol for symbol, _ in MARKS.values()} == set("+Pp~>?*<uUxo-=!#.")
    assert len({symbol for symbol, _ in MARKS.values()}) == len(MARKS)
    colours = {colour: {word for word, (_, c) in MARKS.items() if c == colour}
               for _, colour in MARKS.values()}  # fmt: skip
    assert colours == {
        "green": {"supported", "very likely", "likely", "compatible", "faithful"},
        "red": {
            "contradicted",
            "very unlikely",
            "unlikely",
            "drifted",
            "not measured by the source",
        },
        "yellow": {"leaning", "open", "mixed", "leaning against", "unverified"},
        "dim": {"no evidence", "not claimed"},
    }
    assert (MARKS["faithful"], MARKS["supported"]) == (("=", "green"), ("+", "green"))
