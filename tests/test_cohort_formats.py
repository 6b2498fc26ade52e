"""Own cohorts in every format and shape: the same numbers as the plain template."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from cohort_tables import METABOLIC, plain, same_as_template
from doors.app import main
from doors.common import suggestion
from doors.io import parse_spreadsheetml

import retrostats as rs
from retrostats import InputError, load_cohort

#: Formats that store single precision round at 6e-8 relative; all others keep every digit.
SINGLE = 1e-6


def spreadsheet(path: Path) -> Path:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    book.active.append(["Measured in Graz"])
    sheet = book.create_sheet("Data")
    sheet.append(["Study", "backward running"])
    sheet.append([])
    sheet.append(["subject", "direction", "speed", "VO2"])
    sheet.append([None, None, "m/s", "ml/kg/min"])
    for row in plain().itertuples(index=False):
        sheet.append(list(row))
    book.save(path)
    return path


def test_spreadsheet_with_title_units_and_a_second_sheet(tmp_path) -> None:
    cohort = load_cohort(spreadsheet(tmp_path / "lab.xlsx"))
    same_as_template(cohort)
    assert cohort.frame["source_row"].iloc[0] == 5
    counts = cohort.provenance
    assert counts["explained"] == {"above the header": [1], "units": [4]}
    assert counts["rows_in"] == counts["rows_used"] + counts["rows_explained"] == 14
    assert "sheet 'Data' used, not Notes" in set(cohort.problems["found"])
    with pytest.raises(InputError, match="no sheet 'Daten'; it has 'Notes', 'Data'"):
        load_cohort(tmp_path / "lab.xlsx", spec={"file": {"sheet": "Daten"}})


def test_formulas_in_a_spreadsheet_are_not_run(tmp_path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.load_workbook(spreadsheet(tmp_path / "lab.xlsx"))
    book["Data"]["D6"] = '=HYPERLINK("http://example.invalid")'
    book.save(tmp_path / "lab.xlsx")
    cohort = load_cohort(tmp_path / "lab.xlsx")
    assert any("none was run" in text for text in cohort.problems["found"])
    assert cohort.provenance["rows_used"] == 11  # never stored a value, so the row is left out


def test_cells_shown_as_a_percent_are_read_as_shown(tmp_path) -> None:
    """A gradient shown as 5% is stored as 0.05: it is 5; a literal percent sign scales nothing."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append([*plain().columns, "gradient", "fat_pct"])
    for row in plain().itertuples(index=False):
        book.active.append([*row, 0.05, 25.5])
        book.active.cell(book.active.max_row, plain().shape[1] + 1).number_format = "0.0%"
        book.active.cell(book.active.max_row, plain().shape[1] + 2).number_format = '0.0"%"'
    book.save(tmp_path / "lab.xlsx")
    cohort = load_cohort(tmp_path / "lab.xlsx")
    same_as_template(cohort)
    assert set(cohort.frame["gradient_pct"]) == {5.0}
    assert set(cohort.frame["body_fat_pct"]) == {25.5}
    assert any("shown as a percent: read as shown" in text for text in cohort.problems["found"])
    book.active.merge_cells("H20:I20")  # read by another way
    book.save(tmp_path / "lab.xlsx")
    assert set(load_cohort(tmp_path / "lab.xlsx").frame["gradient_pct"]) == {5.0}


def test_parquet(tmp_path) -> None:
    pytest.importorskip("pyarrow")
    plain().to_parquet(tmp_path / "lab.parquet")
    same_as_template(load_cohort(tmp_path / "lab.parquet"))


@pytest.mark.parametrize("suffix", ["sav", "zsav", "dta", "xpt"])
def test_statistical_packages_with_labels_and_coded_words(suffix, tmp_path) -> None:
    package = pytest.importorskip("pyreadstat")
    path = tmp_path / f"lab.{suffix}"
    frame = plain().rename(columns={"vo2_ml_kg_min": "v4", "speed_m_s": "v3"})
    labels = {"v4": "VO2 (ml/kg/min)", "v3": "Speed (m/s)"}
    columns = [labels.get(c, c) for c in frame]
    if suffix == "xpt":
        package.write_xport(frame, str(path), column_labels=columns)
    else:
        frame["direction"] = frame["direction"].map({"forward": 1, "backward": 2})
        words = {"direction": {1: "forward", 2: "backward"}}
        write = package.write_dta if suffix == "dta" else package.write_sav
        options = {"row_compress": True} if suffix == "zsav" else {}
        write(frame, str(path), column_labels=columns, variable_value_labels=words, **options)
    same_as_template(load_cohort(path), SINGLE)


@pytest.mark.parametrize("suffix", ["xlsx", "xls", "ods", "parquet", "sav", "dta", "sas7bdat"])
def test_damaged_files_of_every_format_are_refused(suffix, tmp_path, capfd) -> None:
    path = tmp_path / f"lab.{suffix}"
    for data in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0" + b"x" * 4000, b"PAR1xxPAR1", b"$FL2@(#)" * 9):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"lab\."):
            load_cohort(path)


WIDE = {
    "brackets": ("VO2 forward (ml/kg/min),VO2 backward (ml/kg/min)", ","),
    "snake": ("vo2_fw_ml_kg_min;vo2_bw_ml_kg_min", ";"),
    "German": ("VO2 vorwärts [ml/min/kg]\tVO2 rückwärts [ml/min/kg]", "\t"),
    "French": ("VO2 avant (ml/kg/min)|VO2 arrière (ml/kg/min)", "|"),
}


@pytest.mark.parametrize("kind", sorted(WIDE))
def test_wide_tables_by_direction(kind, tmp_path) -> None:
    header, mark = WIDE[kind]
    wide = plain().pivot(index="subject", columns="direction", values="vo2_ml_kg_min")
    rows = [f"{s}{mark}{r.forward}{mark}{r.backward}" for s, r in wide.iterrows()]
    path = tmp_path / "wide.csv"
    path.write_text("\n".join([f"subject{mark}{header}", *rows]), encoding="utf-8")
    cohort = load_cohort(path)
    same_as_template(cohort)
    counts = cohort.provenance
    assert (counts["rows_in"], counts["rows_used"], len(cohort.frame)) == (6, 6, 12)


def test_wide_by_speed_with_a_unit_row(tmp_path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text(
        "ID;VO2_fw_8kmh;VO2_bw_8kmh;VO2_fw_10kmh;VO2_bw_10kmh\n;l/min;l/min;l/min;l/min\n"
        + "".join(f"{i:03d};2,{i};2,{i + 3};2,{i + 4};3,{i}\n" for i in range(6))
    )
    frame = load_cohort(path, spec={"constants": {"mass": "50 kg"}}).frame
    assert len(frame) == 24
    assert set(frame["subject"]) == {f"{i:03d}" for i in range(6)}  # zeros in front stay
    assert sorted(frame["speed_m_s"].unique()) == pytest.approx([8 / 3.6, 10 / 3.6])
    assert frame["vo2_ml_kg_min"].max() == pytest.approx(3500 / 50)


def test_wide_by_time_is_a_body_fat_cohort(tmp_path) -> None:
    path = tmp_path / "fat.csv"
    rows = "".join(f"p{i},{'backward' if i < 3 else 'control'},{25 + i},{24 + 0.9 * i}\n"
                   for i in range(6))  # fmt: skip
    path.write_text("participant,group,body_fat_pct_pre,body_fat_pct_post\n" + rows)
    cohort = load_cohort(path)
    assert cohort.analysis == "body-fat"
    assert list(dict.fromkeys(cohort.frame["time"])) == ["pre", "post"]


def test_wide_in_two_units_is_refused(tmp_path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("subject,VO2 forward (l/min),VO2 backward (ml/min)\na,2,2500\nb,2.1,2600\n")
    with pytest.raises(InputError, match="give one unit"):
        load_cohort(path)


def test_spec_constants_filter_levels_and_name(tmp_path) -> None:
    text = METABOLIC.replace("speed_m_s,", "use,").replace(",2.5,", ",yes,").replace(
        "person6,forward,yes", "person6,forward,no"
    )  # fmt: skip
    path = tmp_path / "lab.csv"
    path.write_text(text.replace("backward", "R"))
    (tmp_path / "lab.toml").write_text(
        'name = "Our lab"\n[constants]\nspeed = "9 km/h"\n[filter]\nuse = ["yes"]\n'
        '[levels]\nR = "backward"\n'
    )
    cohort = load_cohort(path)  # the spec of the same name is found beside it
    assert cohort.provenance["name"] == "Our lab"
    assert cohort.provenance["explained"] == {"left out by the spec": [12]}
    assert cohort.frame["speed_m_s"].unique() == pytest.approx([2.5])
    assert len(cohort.frame) == 11


MERGED = {
    "uptake over direction": (
        [["subject", "VO2 (ml/kg/min)", None], [None, "forward", "backward"]],
        ["B1:C1", "A1:A2"], [1, 2]),
    "direction over quantities": (
        [["subject", "Forward", None, "Backward", None],
         [None, "VO2 (ml/kg/min)", "HR (bpm)", "VO2 (ml/kg/min)", "HR (bpm)"]],
        ["B1:C1", "D1:E1"], [1, 3]),
    "title, units": (
        [["Our study", None, None], ["subject", "VO2 forward", "VO2 backward"],
         [None, "ml/kg/min", "ml/kg/min"]],
        ["A1:C1"], [1, 2]),
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(MERGED))
def test_merged_headers_are_joined(kind, tmp_path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    header, merged, at = MERGED[kind]
    book = openpyxl.Workbook()
    for row in header:
        book.active.append(row)
    wide = plain().pivot(index="subject", columns="direction", values="vo2_ml_kg_min")
    for subject, row in wide.iterrows():
        cells = [subject] + [150] * (len(header[-1]) - 1)
        cells[at[0]], cells[at[1]] = row["forward"], row["backward"]
        book.active.append(cells)
    last = book.active.max_row + 1
    book.active.append(["Measured in 2020"])
    for cells in (*merged, f"A{last}:C{last}"):
        book.active.merge_cells(cells)
    book.save(tmp_path / "lab.xlsx")
    cohort = load_cohort(tmp_path / "lab.xlsx")
    same_as_template(cohort)
    assert cohort.provenance["explained"]["below the table"] == [last]
    book.active.merge_cells("A4:B4")
    book.save(tmp_path / "lab.xlsx")
    with pytest.raises(InputError, match="merged cells at A4:B4"):
        load_cohort(tmp_path / "lab.xlsx")


def test_pace_in_minutes_and_seconds() -> None:
    frame = plain().rename(columns={"speed_m_s": "pace (min/km)"}).astype(str)
    frame["pace (min/km)"] = "6:40"
    assert load_cohort(frame).frame["speed_m_s"].unique() == pytest.approx([2.5])


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"%PDF-1.4 ...", "a PDF"), (b"<html><table></table></html>", "a web page"),
     (b'{"a": [1, 2]}', "JSON")],
)  # fmt: skip
def test_files_of_another_kind_are_named(data, says, tmp_path) -> None:
    for suffix in ("csv", "xls"):
        path = tmp_path / f"lab.{suffix}"
        path.write_bytes(data)
        with pytest.raises(InputError, match=says):
            load_cohort(path)


def test_labels_of_people_stay_out(tmp_path) -> None:
    package = pytest.importorskip("pyreadstat")
    frame = plain()
    frame["subject"] = frame["subject"].str[-1].astype(int)
    labels = {"subject": {i: f"Ms Example {i}" for i in range(1, 7)}}
    package.write_sav(frame, str(tmp_path / "lab.sav"), variable_value_labels=labels)
    assert set(load_cohort(tmp_path / "lab.sav").frame["subject"]) == set("123456")


def test_a_folder_of_tables_named_by_person_and_direction(tmp_path) -> None:
    for (subject, way), part in plain().groupby(["subject", "direction"]):
        part[["speed_m_s", "vo2_ml_kg_min"]].to_csv(tmp_path / f"{subject}_{way}.csv", index=False)
    (tmp_path / "~$lock.xlsx").write_bytes(b"lock")
    same_as_template(load_cohort(tmp_path))


def test_a_folder_with_a_table_of_people(tmp_path) -> None:
    frame = plain().rename(columns={"vo2_ml_kg_min": "VO2 (ml/min)"})
    frame["VO2 (ml/min)"] *= 60
    for way, part in frame.groupby("direction"):
        part.drop(columns="direction").to_csv(tmp_path / f"{way}.csv", index=False)
    people = pd.DataFrame({"subject": frame["subject"].unique(), "mass (kg)": 60, "sex": "f"})
    people.to_csv(tmp_path / "people.csv", index=False)
    (tmp_path / "readme.txt").write_text("Measured in 2024, with care.")
    cohort = load_cohort(tmp_path)
    same_as_template(cohort)
    counts = cohort.provenance
    assert counts["rows_in"] == counts["rows_used"] + counts["rows_explained"] == 18
    assert counts["explained"]["people, joined by subject"] == list(range(2, 8))


GASES = "subject,direction,VO2 (ml/min),VCO2 (ml/min),mass (kg)\n" + "".join(
    f"p{i},{way},{2000 * f + 10 * i},{1800 * f * (1.2 if i == 0 and f > 1 else 1)},70\n"
    for i in range(4)
    for way, f in (("forward", 1.0), ("backward", 1.3))
)


@pytest.mark.parametrize("equation", ["brockway", "weir", "peronnet-massicotte", "lusk"])
def test_metabolic_rate_by_a_chosen_equation(equation, tmp_path) -> None:
    path = tmp_path / "gases.csv"
    path.write_text(GASES)
    cohort = load_cohort(path, spec={"energy": {"equation": equation}})
    expected = rs.metabolic_rate_w(2010.0, 1800.0, equation=equation) / 70
    row = cohort.frame[(cohort.frame["subject"] == "p1") & (cohort.frame["direction"] == "forward")]
    assert row["metabolic_rate_w_kg"].iloc[0] == pytest.approx(float(expected))
    flagged = cohort.problems[cohort.problems["column"] == "rer"]
    assert flagged["row"].tolist() == ["3"]  # above 1, flagged and kept
    assert cohort.provenance["rows_used"] == 8


def test_unknown_equation_lists_the_known(tmp_path) -> None:
    path = tmp_path / "gases.csv"
    path.write_text(GASES)
    with pytest.raises(InputError, match="allowed: brockway"):
        load_cohort(path, spec={"energy": {"equation": "guess"}})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (METABOLIC.replace("subject", "subjet"), "did you mean 'subject'"),
        (METABOLIC.replace("vo2_ml_kg_min", "VO2 (furlong)"), "furlong"),
        (METABOLIC.replace("27.1", "12.34.56"), "'12.34.56'"),
    ],
    ids=["near miss", "unknown unit", "two points"],
)
def test_refusals_name_what_was_found(text, says, tmp_path) -> None:
    path = tmp_path / "lab.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=says):
        load_cohort(path)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"columns": {"vo2_ml_kg_mn": "vo2"}}, "did you mean 'vo2_ml_kg_min'"),
        ({"colums": {}}, "did you mean 'columns'"),
        ({"file": {"header": 1}}, "unknown entry 'header'"),
        ({"file": {"header_row": 99}}, "no filled row 99"),
        ({"filter": {"subject": "nobody"}}, "leaves no row"),
        ({"wide": {"vo2": {"direction": "forward"}}}, "column = "),
        ({"analysis": "cooking"}, "'cooking'"),
        ({"constants": {"direction": "forward"}}, "is a column of"),
    ],
)
def test_bad_specs_say_what_is_allowed(spec, says, tmp_path) -> None:
    path = tmp_path / "lab.csv"
    path.write_text(METABOLIC)
    with pytest.raises(InputError, match=says):
        load_cohort(path, spec=spec)


@pytest.mark.parametrize(
    ("typo", "advice"),
    [
        ("bacward", '"bacward" = "backward"'),
        ("forwrad", '"forwrad" = "forward"'),
        ("sideways", '"sideways" = "forward" or "sideways" = "backward"'),
        ("fackward", '"fackward" = "backward"'),
    ],
)
def test_a_typo_is_advised_into_the_nearest_condition_alone(typo, advice, tmp_path) -> None:
    path = tmp_path / "lab.csv"
    path.write_text(METABOLIC.replace("backward", typo, 1))
    with pytest.raises(InputError) as refused:
        load_cohort(path)
    assert advice in str(refused.value)


def test_no_suggestion_where_two_are_equally_near() -> None:
    assert suggestion("lefd", ["left", "lefs"]) == ""
    assert suggestion("lefd", ["left", "right"]) == " (did you mean 'left'?)"


def test_validate_prints_the_account(tmp_path, capsys) -> None:
    path = spreadsheet(tmp_path / "lab.xlsx")
    assert main(["validate", str(path)]) == 0
    said = capsys.readouterr().out
    assert "14 rows in, 12 used, 2 explained below; 6 subjects" in said
    assert "guess: lab.xlsx, sheet 'Data', row 4: units; row not used" in said


def test_percent_cells_of_cart_xml_are_read_as_shown() -> None:
    pytest.importorskip("defusedxml")
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    data = "".join(
        f'<ss:Cell ss:StyleID="{style}"><ss:Data ss:Type="Number">0.05</ss:Data></ss:Cell>'
        for style in ("p", "q", "n")
    )
    formats = {"p": "Percent", "q": "0.0%", "n": "0.00"}
    styles = "".join(
        f'<ss:Style ss:ID="{name}"><ss:NumberFormat ss:Format="{shown}"/></ss:Style>'
        for name, shown in formats.items()
    )
    text = (
        f'<ss:Workbook xmlns:ss="{space}"><ss:Styles>{styles}</ss:Styles><ss:Worksheet '
        f'ss:Name="a"><ss:Table><ss:Row>{data}</ss:Row></ss:Table></ss:Worksheet></ss:Workbook>'
    )
    (sheet,) = parse_spreadsheetml("cart.xml", text.encode())
    assert sheet.rows[0].cells == (5.0, 5.0, 0.05)
