"""Own cohorts: what is read, what is repaired and listed, what is refused and how."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pandas as pd
import pytest
from cohort_tables import METABOLIC, measured
from doors.app import main
from doors.report import print_cohorts
from hypothesis import given
from hypothesis import strategies as st

import retrostats as rs
from retrostats import InputError, RetrostatsError, load_cohort


def write(tmp_path, text: str, name: str = "lab.csv", encoding: str = "utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("text", "encoding", "name"),
    [
        (METABOLIC.replace(",", ";"), "utf-8", "a.csv"),
        (METABOLIC.replace(",", "\t"), "utf-8", "a.tsv"),
        (METABOLIC, "utf-16", "a.csv"),
        ("\ufeff" + METABOLIC, "utf-8", "a.csv"),
        (METABOLIC.replace(",", ";").replace(".", ","), "utf-8", "a.csv"),
        (METABOLIC.replace("person1", "Zoë"), "cp1252", "a.csv"),
    ],
    ids=["semicolon", "tab", "utf-16", "bom", "decimal commas", "cp1252"],
)
def test_dialects_give_the_same_numbers(text, encoding, name, tmp_path) -> None:
    plain = load_cohort(write(tmp_path, METABOLIC, "plain.csv")).frame
    read = load_cohort(write(tmp_path, text, name, encoding)).frame
    for column in ("speed_m_s", "vo2_ml_kg_min"):
        np.testing.assert_array_equal(read[column], plain[column])


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("Probandin;Richtung;Geschwindigkeit (km/h);Sauerstoffaufnahme (ml/min/kg)", "rückwärts"),
        ("sujet;sens;vitesse (km/h);VO2 (ml/kg/min)", "arrière"),
        ("soggetto;direzione;velocità (km/h);consumo di ossigeno (ml/kg/min)", "indietro"),
        ("sujeto;dirección;velocidad (km/h);consumo de oxígeno (ml/kg/min)", "atrás"),
    ],
    ids=["German", "French", "Italian", "Spanish"],
)
def test_headers_in_four_more_languages(header, values, tmp_path) -> None:
    rows = "".join(f"p{i};forward;9;{27 + i}\np{i};{values};9;{33 + i}\n" for i in range(6))
    cohort = load_cohort(write(tmp_path, f"{header}\n{rows}"))
    assert cohort.analysis == "metabolic-cost"
    assert cohort.frame["speed_m_s"].iloc[0] == 2.5
    assert set(cohort.frame["direction"]) == {"forward", "backward"}
    assert "guess" in set(cohort.problems["level"])


def test_litres_with_body_mass_become_per_kilogram() -> None:
    rows = pd.DataFrame(
        {"subject": list("aabb"), "direction": ["forward", "backward"] * 2,
         "VO2 (l/min)": ["1.8", "2.4", "2.1", "2.7"], "body mass (kg)": ["60", "60", "70", "70"]}
    )  # fmt: skip
    frame = load_cohort(rows).frame
    assert frame["vo2_ml_kg_min"].tolist() == pytest.approx([30, 40, 30, 2700 / 70])


def test_missing_values_are_listed_and_counted(tmp_path) -> None:
    text = METABOLIC.replace("backward,2.5,33.0", "backward,2.5,NA", 1)
    cohort = load_cohort(write(tmp_path, text))
    counts = cohort.provenance
    assert (counts["rows_in"], counts["rows_used"], counts["rows_explained"]) == (12, 11, 1)
    left_out = cohort.problems[cohort.problems["action"] == "row left out"]
    assert left_out["row"].tolist() == ["3"]


def test_row_numbers_are_those_of_the_file(tmp_path) -> None:
    """A blank row is skipped, a line break inside quotes stays in its cell."""
    lines = METABOLIC.splitlines()
    named = [line.replace("person1", '"per\nson1"') for line in lines[1:]]
    text = "\n".join([lines[0], "", *named])
    frame = load_cohort(write(tmp_path, text)).frame
    assert frame["source_row"].tolist()[:2] == [3, 4]
    assert frame["subject"].iloc[0] == "per\nson1"
    with pytest.raises(InputError, match="row 3, vo2_ml_kg_min"):
        load_cohort(write(tmp_path, text.replace("27.1", "-27.1", 1)))


def change(old: str, new: str, count: int = 1) -> str:
    assert old in METABOLIC
    return METABOLIC.replace(old, new, count)


FAT = measured("body-fat")
GARBAGE = {
    "empty": ("", "empty"),
    "only a header": (METABOLIC.splitlines()[0], "row"),
    "binary": ("\x00\x01\x02\x00", "text table"),
    "one column": ("a\n1\n2\n", "one column"),
    "duplicate columns": (change("speed_m_s", "direction"), "occurs twice"),
    "ragged row": (change("2.5,27.1", "2.5,27.1,9"), "row 2: 5 cells"),
    "open quote": (change("person1", '"person1'), "not a delimited table"),
    "unknown unit": (change("vo2_ml_kg_min", "VO2 (furlongs)"), "furlongs"),
    "no unit": (change("vo2_ml_kg_min", "VO2"), "no unit"),
    "wrong unit": (change("vo2_ml_kg_min", "VO2 (km/h)"), "measures speed"),
    "missing outcome": (change("vo2_ml_kg_min", "comment"), "columns subject, direction"),
    "negative": (change("27.1", "-27.1"), "row 2, vo2_ml_kg_min: found -27.1"),
    "mixed units": (change("27.1", "2710"), "found 2710"),
    "huge": (change("27.1", "1e300"), "a number"),
    "infinite": (change("27.1", "inf"), "a number"),
    "date": (change("27.1", "2026-01-02"), "a number"),
    "formula": (change("27.1", "=cmd('x')"), "a number"),
    "direction": (change("backward", "sideways"), "'sideways'"),
    "no backward": (METABOLIC.replace("backward", "forward"), "no backward row"),
    "one subject": ("".join(METABOLIC.splitlines(True)[:3]), "1 subject"),
    "repeated": (METABOLIC + METABOLIC.splitlines(True)[1], "the same measurement twice"),
    "all equal": (
        METABOLIC.splitlines(True)[0]
        + "".join(f"p{i},{d},2.5,30\n" for i in range(4) for d in ("forward", "backward")),
        "all values equal",
    ),
    "body fat over 75": (FAT.replace("24.1", "84.1", 1), "found 84.1"),
    "two arms": (FAT.replace("person1,backward,post", "person1,control,post"), "in 2 arms"),
}


@pytest.mark.parametrize("kind", sorted(GARBAGE))
def test_garbage_is_refused_with_what_and_where(kind, tmp_path, capsys) -> None:
    text, says = GARBAGE[kind]
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=says.replace("(", r"\(")):
        load_cohort(path)
    assert main(["validate", str(path)]) == 2
    error = capsys.readouterr().err
    assert "lab.csv" in error
    assert "Traceback" not in error


def test_all_problems_come_in_one_go(tmp_path) -> None:
    text = METABOLIC.replace("27.1", "-1", 1).replace("31.9", "abc", 1).replace("28.8", "999", 1)
    with pytest.raises(InputError) as refusal:
        load_cohort(write(tmp_path, text))
    said = str(refusal.value).splitlines()
    assert len(said) == 2  # what repeats is one line
    assert any("rows 2, 6, vo2_ml_kg_min: found -1, 999;" in line for line in said)
    assert any("'abc'" in line for line in said)


def test_a_zip_bomb_and_a_fake_spreadsheet_are_refused(tmp_path) -> None:
    pytest.importorskip("openpyxl")
    fake = tmp_path / "fake.xlsx"
    fake.write_bytes(b"PK\x03\x04 not a workbook")
    with pytest.raises(InputError, match="not a readable spreadsheet"):
        load_cohort(fake)
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        zeros = b"0" * 100_000_000
        for i in range(6):
            archive.writestr(f"xl/worksheets/sheet{i}.xml", zeros, compresslevel=1)
    with pytest.raises(InputError, match="refused as unsafe"):
        load_cohort(bomb)


def test_spreadsheet_reads_like_csv_and_merged_measurements_are_refused(tmp_path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for line in METABOLIC.splitlines():
        book.active.append(line.split(","))
    path = tmp_path / "lab.xlsx"
    book.save(path)
    plain = load_cohort(write(tmp_path, METABOLIC)).frame
    np.testing.assert_array_equal(load_cohort(path).frame["vo2_ml_kg_min"], plain["vo2_ml_kg_min"])
    book.active.merge_cells("D2:D3")
    book.save(path)
    with pytest.raises(InputError, match="merged cells at D2:D3"):
        load_cohort(path)


def test_spec_maps_what_cannot_be_guessed(tmp_path) -> None:
    text = METABOLIC.replace("vo2_ml_kg_min", "gas").replace("backward", "R")
    spec = '[columns]\ngas = "vo2"\n[units]\ngas = "ml/kg/min"\n[levels]\nR = "backward"\n'
    cohort = load_cohort(write(tmp_path, text), spec=write(tmp_path, spec, "spec.toml"))
    assert cohort.spec["gas"] == {"column": "vo2_ml_kg_min", "unit": "ml/kg/min"}


@pytest.mark.parametrize(
    ("spec", "says"),
    [("[colums]\n", "unknown section 'colums'"), ("not toml", "not valid TOML"),
     ('[columns]\nnothing = "vo2"\n', "no column 'nothing'"), ("[units]\na = 3\n", "text")],
)  # fmt: skip
def test_bad_spec(spec, says, tmp_path) -> None:
    with pytest.raises(InputError, match=says):
        load_cohort(write(tmp_path, METABOLIC), spec=write(tmp_path, spec, "spec.toml"))


@given(st.binary(max_size=400))
def test_any_bytes_give_a_cohort_or_one_message(tmp_path_factory, raw) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "lab.csv"
    path.write_bytes(raw)
    with pytest.raises(RetrostatsError):
        load_cohort(path)


cells = st.sampled_from(["", "NA", "1", "2,5", "-3", "=1+1", "forward", "rück", "<b>", "1e9", "p1"])


@given(st.lists(st.lists(cells, min_size=4, max_size=4), min_size=1, max_size=8))
def test_any_cells_give_a_cohort_or_one_message_and_every_row_is_accounted_for(rows) -> None:
    frame = pd.DataFrame(rows, columns=METABOLIC.splitlines()[0].split(","))
    try:
        counts = load_cohort(frame).provenance
    except RetrostatsError:
        return
    assert counts["rows_in"] == counts["rows_used"] + counts["rows_explained"]


@pytest.mark.parametrize(
    ("analysis", "claim", "terms"),
    [("body-fat", "body_fat_6wk", ()),
     *(pytest.param(*rest, marks=pytest.mark.thorough)
       for rest in (("metabolic-cost", "energy_30", ("mc-pool", "mc-one-stage")),
                    ("ligament-injury", "ligament_tears", ())))],
)  # fmt: skip
def test_a_cohort_enters_the_analysis_and_the_report_says_what_it_changes(
    analysis, claim, terms, whole
) -> None:
    cohort = load_cohort(pd.read_csv(io.StringIO(measured(analysis)), dtype=str))
    joined = rs.replicate([analysis], cohorts=[cohort], draws=0)
    rows = joined.estimates.set_index("estimate_id")
    assert (rows["role"] == "cohort").sum() == (1 if analysis == "metabolic-cost" else 2)
    assert claim in set(joined.cohorts["claim_id"])
    moved = joined.cohorts.set_index("claim_id").loc[claim]
    assert moved["conf_low_with"] < moved["estimate_with"] < moved["conf_high_with"]
    printed = io.StringIO()
    print_cohorts(joined.cohorts, joined.verdicts, printed)
    statement = joined.verdicts.set_index("claim_id").at[claim, "statement"]
    assert statement in " ".join(printed.getvalue().split())
    assert claim not in printed.getvalue()
    assert max(map(len, printed.getvalue().splitlines())) <= 80
    for term in terms:
        before = whole.estimates.set_index("estimate_id").at[term, "std_error"]
        assert rows.at[term, "std_error"] != before


def test_a_cohort_that_fits_no_chosen_analysis_is_refused() -> None:
    cohort = load_cohort(pd.read_csv(io.StringIO(METABOLIC), dtype=str))
    with pytest.raises(InputError, match="fit metabolic-cost, but this run does body-fat"):
        rs.replicate(["body-fat"], cohorts=[cohort])


def test_the_six_week_dxa_trial_runs_as_a_body_fat_cohort(shared) -> None:
    """Resistance training, three arms: its columns need one line of spec."""
    path = shared / "cohorts" / "exscidata" / "hypertrophy_bodycomp_long.csv"
    spec = {"units": {"fat_pct_dxa": "%"}}
    cohort = load_cohort(path, spec=spec)
    assert cohort.analysis == "body-fat"
    assert cohort.frame["subject"].nunique() in (30, 31)
    found = rs.replicate(["body-fat"], cohorts=[cohort], draws=0).estimates
    row = found[found["role"] == "cohort"].iloc[0]
    raw = pd.read_csv(path)
    change = raw.pivot(index="participant", columns="time", values="fat_pct_dxa")
    assert abs(row["estimate"]) < (change["T3"] - change["T1"]).abs().max()
