"""Loader of published numbers: text kept, units converted, bad packages refused by name."""

from __future__ import annotations

import csv
import json
import math
import shutil

import pytest
from doors.common import data_dir
from doors.io import KEPT_AS_PRINTED, load_studies
from doors.io import PUBLISHED_COLUMNS as COLUMNS

from retrostats import InputError, load_published

UNIT_RTOL = 1e-12  # one multiplication

TABLE = "published/metabolic_cost.csv"


@pytest.fixture(scope="module")
def published():
    return load_published()


@pytest.fixture
def package(tmp_path):
    """A copy of the data package, and a function that edits one of its tables."""
    folder = tmp_path / "data"
    shutil.copytree(data_dir(), folder)

    def edit(change, table=TABLE):
        path = folder / table
        with path.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.reader(handle))
        change(rows)
        with path.open("w", encoding="utf-8", newline="") as handle:
            csv.writer(handle, lineterminator="\n").writerows(rows)
        return folder

    return edit


def put(row, column, value):
    """Change of one cell; `row` as an editor counts, the header is row 1."""

    def change(rows):
        rows[row - 1][rows[0].index(column)] = value

    return change


def test_columns_are_the_promised_ones_in_order(published):
    assert list(published.columns) == COLUMNS
    numbers = ("mean", "spread", "n", "p_value", "year", "speed_m_s", "gradient_pct", "weeks")
    assert {str(published[name].dtype) for name in numbers} == {"float64"}
    assert published["poolable"].dtype == bool


def test_one_topic_is_its_part_of_all(published):
    part = load_published("body_fat")
    whole = published[published["topic"] == "body_fat"].reset_index(drop=True)
    assert part.equals(whole)


def test_printed_text_round_trips(published):
    for topic in ("metabolic_cost", "ligament_injury", "body_fat"):
        with (data_dir() / f"published/{topic}.csv").open(encoding="utf-8", newline="") as handle:
            printed = {row["row_id"]: row for row in csv.DictReader(handle)}
        for row in published[published["topic"] == topic].to_dict("records"):
            for name in KEPT_AS_PRINTED:
                assert row[f"{name}_text"] == printed[row["row_id"]][name]
                assert math.isnan(row[name]) == (row[f"{name}_text"] == "")


@pytest.mark.parametrize(
    ("row_id", "column", "value"),
    [
        ("mc-williford1998-vo2-run-backward", "speed_m_s", 134.08 / 60),
        ("mc-chen2013-vo2-walk-backward", "speed_m_s", 2 * 0.44704),
        ("mc-wegner-case-vo2-pct-difference-run-backward", "speed_m_s", 10 / 3.6),
        ("bf-heath2001-vo2-backward-walk-practice-post", "mean", 1660.0),
        ("bf-heath2001-vo2-backward-walk-practice-post", "spread", 280.0),
    ],
)
def test_units_are_converted(published, row_id, column, value):
    found = published.set_index("row_id").loc[row_id, column]
    assert math.isclose(found, value, rel_tol=UNIT_RTOL)


def test_converted_rows_name_the_standard_unit_and_keep_the_text(published):
    row = published.set_index("row_id").loc["bf-heath2001-vo2-backward-walk-practice-post"]
    assert (row["unit"], row["mean_text"], row["spread_text"]) == ("ml/min", "1.66", "0.28")


def test_a_range_of_speeds_has_text_and_no_number(published):
    rows = published[published["speed_printed"].str.contains("-|and")]
    assert len(rows) >= 6
    assert rows["speed_m_s"].isna().all()


@pytest.mark.parametrize(
    ("row_id", "poolable"),
    [
        ("mc-williford1998-vo2-run-forward", True),  # mean, SD, n
        ("mc-wright2001-metabolic-rate-pct-difference-measured-run-backward", True),  # with SE
        ("bf-terblanche2005-body-fat-pct-backward-walk-run", True),  # change with exact p
        ("mc-rasica2020-metabolic-cost-pct-difference-run-backward", False),  # percentage alone
        ("mc-kimchoi2001-vo2-walk-backward", False),  # mean alone
        ("mc-flynn1994-vo2-run-backward", False),  # p < 0.001 alone
        ("mc-heath2001-vo2-walk-backward-post", False),  # listed in another table
    ],
)
def test_poolable_rule(published, row_id, poolable):
    assert published.set_index("row_id").loc[row_id, "poolable"] == poolable


def test_unknown_topic_lists_the_allowed_ones():
    with pytest.raises(InputError, match="metabolic_cost, ligament_injury, body_fat"):
        load_published("cost")


def test_another_folder_with_more_rows_is_read(package):
    def more(rows):
        new = list(rows[1])
        new[0] = "mc-williford1998-another"
        rows.append(new)

    folder = package(more)
    ours = load_published("metabolic_cost")
    assert len(load_published("metabolic_cost", folder=folder)) == len(ours) + 1


def test_rows_are_read_again_where_a_file_changed_and_are_the_callers_own(package):
    folder = package(lambda rows: None)
    first = load_published("metabolic_cost", folder=folder)
    kept = first.copy()
    first.loc[:, "mean"] = 0.0
    again = load_published("metabolic_cost", folder=folder)
    assert again.equals(kept)
    study = again["study_id"][0]
    cited = "Doe. Example 2031"

    def renamed(rows):
        row = next(i for i, cells in enumerate(rows, 1) if cells[0] == study)
        put(row, "citation", cited)(rows)

    folder = package(renamed, "studies.csv")
    assert load_published(folder=folder)["citation"][0] == cited


def spoil_header(rows):
    rows[0][3] = "activity"


def drop_column(rows):
    at = rows[0].index("locator")
    for row in rows:
        del row[at]


def repeat_row(rows):
    rows.append(list(rows[4]))


def cut_row(rows):
    rows[6] = rows[6][:5]


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (put(5, "mean", "27,15"), ["row 5", "column mean", "'27,15'", "plain number"]),
        (put(5, "mean", "nan"), ["row 5", "column mean", "'nan'"]),
        (put(5, "mean", "=1+1"), ["row 5", "column mean", "'=1+1'"]),
        (put(7, "n", "12.5"), ["row 7", "column n", "'12.5'", "integer"]),
        (put(3, "spread", "-2"), ["row 3", "column spread", "minimum 0"]),
        (put(3, "spread_type", "sd"), ["row 3", "column spread_type", "SD, SE, unlabelled"]),
        (put(2, "p_value", "1.5"), ["row 2", "column p_value", "maximum 1"]),
        (put(9, "locator", ""), ["row 9", "column locator", "may not be empty"]),
        (put(9, "source_url", "javascript:x"), ["row 9", "column source_url", "javascript:x"]),
        (
            put(4, "study_id", "nobody1999"),
            ["row 4", "column study_id", "nobody1999", "studies.csv"],
        ),
        (
            spoil_header,
            ["row 1", "unknown column(s) activity", "missing column(s) outcome_printed"],
        ),
        (drop_column, ["row 1", "missing column(s) locator"]),
        (repeat_row, ["column row_id", "mc-williford1998-vo2-run-forward", "no other row"]),
        (cut_row, ["row 7", "found 5 cells"]),
        (lambda rows: rows.clear(), ["empty"]),
    ],
)
def test_a_corrupted_table_is_refused_by_file_row_and_column(package, change, parts):
    folder = package(change)
    with pytest.raises(InputError) as caught:
        load_published("metabolic_cost", folder=folder)
    message = str(caught.value)
    for part in ["metabolic_cost.csv", *parts]:
        assert part in message, message


def test_a_repeated_id_in_studies_is_refused(package):
    folder = package(lambda rows: rows.append(list(rows[1])), "studies.csv")
    with pytest.raises(InputError, match=r"studies\.csv.*column study_id.*no other row"):
        load_studies(folder=folder)


def test_missing_descriptor_table_or_folder_is_named(package, tmp_path):
    with pytest.raises(InputError, match=r"datapackage\.json"):
        load_published(folder=tmp_path / "nowhere")
    folder = package(lambda rows: None)
    (folder / TABLE).unlink()
    with pytest.raises(InputError, match="no such file"):
        load_published("metabolic_cost", folder=folder)
    (folder / "datapackage.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="not a JSON descriptor"):
        load_published("metabolic_cost", folder=folder)


def test_another_encoding_is_named(package):
    folder = package(lambda rows: None)
    text = (folder / TABLE).read_text(encoding="utf-8")
    (folder / TABLE).write_text(text + "é", encoding="latin-1", errors="replace")
    with pytest.raises(InputError, match="UTF-8"):
        load_published("metabolic_cost", folder=folder)


def test_schema_in_the_descriptor_is_what_is_enforced(package):
    folder = package(lambda rows: None)
    path = folder / "datapackage.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    n = next(f for f in content["resources"][0]["schema"]["fields"] if f["name"] == "n")
    n["constraints"] = {"minimum": 1, "maximum": 12}
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match="column n: found '13'; allowed: a number of maximum 12"):
        load_published("metabolic_cost", folder=folder)
