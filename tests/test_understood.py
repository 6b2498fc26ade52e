"""What a file was understood to be is shown, its questions can be answered, causes come first."""

from __future__ import annotations

import shutil
import sys

import pandas as pd
import pytest
from doors.app import main
from doors.io import ask, questions_of
from test_lab_files import HEADER, every_other, lab, people_over_time, rows, values

import retrostats as rs


def columns_of(cohort: rs.Cohort) -> dict[str, list[str]]:
    rows = cohort.provenance["columns"]
    return {row["header"]: [row[k] for k in ("meaning", "unit", "first", "basis")] for row in rows}


def test_what_was_understood_is_one_table(capsys, tmp_path) -> None:
    path = tmp_path / "lab.csv"
    frame = lab(HR=every_other(141, 160)).replace({"forward": "Fwd"})
    frame.to_csv(path, index=False)
    cohort = rs.load_cohort(path)
    assert columns_of(cohort) == {
        "subject": ["subject", "", "P00", "stated"],
        "direction": ["direction", "", "Fwd", "stated"],
        "speed (km/h)": ["speed", "km/h to m/s", "6.0 -> 1.667", "stated"],
        "VO2 (ml/kg/min)": ["VO2", "ml/kg/min", "31.0", "stated"],
        "HR": ["heart rate", "bpm", "141", "guess: no unit given, taken as bpm; not used"],
    }
    (line,) = cohort.provenance["design"]
    assert "backward with forward ('Fwd'); 8 of 8 people in both, 2 speeds, 1 row each" in line
    assert main(["validate", str(path)]) == 0
    said = capsys.readouterr().out
    for text in (line, "guess: no unit given", "6.0 -> 1.667"):
        assert text in said
        assert text in repr(cohort)


@pytest.mark.parametrize("kind", ["direction", "arm"])
def test_a_clean_file_is_six_lines(kind: str, capsys, tmp_path) -> None:
    clean = {"direction": lab(), "arm": people_over_time().drop(columns="weight (kg)")}[kind]
    clean = clean.rename(columns={"fat mass (kg)": "body fat (%)"})
    clean.to_csv(tmp_path / "lab.csv", index=False)
    (tmp_path / "lab.toml").write_text('allocation = "by lot"\n')
    assert main(["validate", str(tmp_path / "lab.csv")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if "lab.toml beside it" not in line]) == 6


def test_arms_times_and_wide_headers_are_said_in_words() -> None:
    long = people_over_time().rename(columns={"fat mass (kg)": "Fat"})
    wide = long.pivot(index=["id", "group"], columns="time", values="Fat").reset_index()
    wide = wide.rename(columns={"pre": "Fat pre (%)", "post": "Fat post (%)"})
    cohort = rs.load_cohort(wide)
    assert columns_of(cohort)["Fat post (%), Fat pre (%)"][0] == "body fat"
    (line,) = cohort.provenance["design"]
    assert line == "arms: backward (6 people), control (6 people); times: pre < post; 1 row each"


def test_rows_left_out_are_said_with_the_reason_and_repeats_are_counted() -> None:
    frame = lab().astype({"VO2 (ml/kg/min)": object})
    frame.loc[3, "VO2 (ml/kg/min)"] = None
    design = rs.load_cohort(frame).provenance["design"]
    assert design[1] == "left out or joined: no value (1 row: 5)"
    again = pd.concat([lab(), lab().iloc[:2].assign(**{HEADER[-1]: [30.11, 40.22]})])
    assert "1 to 2 rows each" in rs.load_cohort(again).provenance["design"][0]


def test_what_follows_from_a_first_error_is_not_said() -> None:
    with pytest.raises(rs.InputError) as found:
        rs.load_cohort(lab(**{HEADER[-1]: "x"}))
    assert len(str(found.value).splitlines()) == 1
    assert "a number" in str(found.value)


def test_points_that_may_separate_thousands_are_asked_about(tmp_path) -> None:
    """A table of German numbers gives 2.219 for 2219 ml/min."""
    uptake = (lab()[HEADER[-1]] * 70).round().astype(int)
    german = [f"{value // 1000}.{value % 1000:03d}" for value in uptake]
    frame = lab(mass=70, **{HEADER[2]: [int(row[2]) for row in rows()]})
    frame = frame.drop(columns=HEADER[-1]).assign(**{"VO2 (ml/min)": german})
    path = tmp_path / "lab.csv"
    frame.to_csv(path, sep=";", index=False)
    with pytest.raises(rs.InputError, match="separate thousands") as found:
        rs.load_cohort(path)
    assert "vo2_ml_kg_min" not in str(found.value)  # follows from the first
    (tmp_path / "lab.toml").write_text('[file]\ndecimal = ","\n')
    assert sorted(rs.load_cohort(path).frame["vo2_ml_min"]) == sorted(uptake)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_recording_of_no_known_device_points_at_read_cart(encoding, shared, tmp_path) -> None:
    text = (shared / "cases" / "cohorts" / "cart_quoted_decimal_commas.csv").read_text()
    (tmp_path / "test.csv").write_text(text, encoding=encoding)
    with pytest.raises(rs.InputError, match="read it with read_cart"):
        rs.load_cohort(tmp_path / "test.csv")


def test_a_suggestion_is_the_one_thing_that_lacks_or_none() -> None:
    with pytest.raises(rs.InputError, match='as "way" = "direction"'):
        rs.load_cohort(lab().rename(columns={"direction": "way"}))
    with pytest.raises(rs.InputError) as found:
        rs.load_cohort(lab(other=1).rename(columns={"direction": "way"}))
    assert '" = "' not in str(found.value)


ASKED = {
    "method_rows.csv": (["2", "1"], {"filter": {"method": "DXA"}, "allocation": "by lot"}),
    "tm_twoback.csv": (
        ["1", "3"],
        {"filter": {"group": ["backward low", "forward"]}, "allocation": "not told"},
    ),
    "typo_dir.csv": (["1"], {"levels": {"bacward": "backward"}}),
    "vo2_net.csv": (["1"], {"columns": {"VO2 net (ml/kg/min)": "vo2"}}),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_a_spec_is_written_by_answering(name, shared, tmp_path) -> None:
    import tomllib

    file = tmp_path / name
    shutil.copy(shared / "cases" / "cohorts" / name, file)
    answers, wanted = ASKED[name]
    said: list[str] = []
    cohort, written = ask(file, answer=lambda _: answers.pop(0), show=said.append)
    assert not answers
    assert written == file.with_suffix(".toml")
    assert tomllib.loads(written.read_text()) == wanted
    again = rs.load_cohort(file)  # the spec beside the file is what was answered
    pd.testing.assert_frame_equal(again.frame, cohort.frame)
    with pytest.raises(rs.InputError, match="is there already"):
        ask(file)


def test_another_value_can_be_given_and_nothing_leaves_it_open(tmp_path) -> None:
    path = tmp_path / "lab.csv"
    frame = lab().rename(columns={HEADER[-1]: "VO2"})
    frame.assign(VO2=frame["VO2"] / 1000).to_csv(path, index=False)
    with pytest.raises(rs.InputError, match="no unit"):
        ask(path, answer=lambda _: "", show=lambda _: None)
    assert not path.with_suffix(".toml").exists()
    cohort, _ = ask(path, answer=lambda _: "l/kg/min", show=lambda _: None)
    assert sorted(cohort.frame["vo2_ml_kg_min"]) == pytest.approx(values(lab()), rel=1e-12)


def test_the_command_asks_and_says_what_it_wrote(tmp_path, monkeypatch, capsys, shared) -> None:
    import io

    file = tmp_path / "typo_dir.csv"
    shutil.copy(shared / "cases" / "cohorts" / "typo_dir.csv", file)
    monkeypatch.setattr(sys, "stdin", io.StringIO("1\n"))
    assert main(["validate", str(file), "--ask"]) == 0
    said = capsys.readouterr().out
    assert "typo_dir.toml: written" in said
    assert "usable for metabolic-cost" in said


def test_every_entry_that_a_message_proposes_is_an_option() -> None:
    line = 'a.csv, x: found 1.200; thousands? write decimal = "." or "," under [file] in a spec'
    (asked,) = questions_of(line)
    assert asked.options == (("file", 'decimal = "."'), ("file", 'decimal = ","'))
    (times,) = questions_of('a: which? say it in the spec: [times] order = ["the first", "last"]')
    assert times.options == (("times", 'order = ["the first", "last"]'),)


def test_the_one_strange_word_is_the_condition_that_is_missing() -> None:
    coded = lab().replace({"backward": "R"})
    with pytest.raises(rs.InputError, match=r'what it is: "R" = "backward"$'):
        rs.load_cohort(coded)
    both = lab().replace({"backward": "R", "forward": "X"})
    with pytest.raises(rs.InputError, match='"R" = "forward" or "R" = "backward"'):
        rs.load_cohort(both)
