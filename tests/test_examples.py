"""The template's example people: never data, wherever they are left, and always said."""

from __future__ import annotations

import io
import json
import re

import pandas as pd
import pytest
from cohort_tables import METABOLIC, measured
from doors.app import main
from doors.io import template, templates

import retrostats as rs
from retrostats import InputError

LAB = "".join(
    f"lab{i},forward,2.5,{27.3 + i / 3:.1f}\nlab{i},backward,2.5,{34.1 + i / 2:.1f}\n"
    for i in range(8)
)
#: Of a topic whose run takes a second.
FAT = "".join(
    f"lab{i},backward,pre,0,{24.1 + i / 3:.1f}\nlab{i},backward,post,6,{22.3 + i / 2:.1f}\n"
    for i in range(8)
)


@pytest.mark.parametrize("analysis", sorted(templates()))
def test_a_template_as_it_is_is_refused_by_every_command(analysis, tmp_path, capsys) -> None:
    """Found in use: its invented people entered the pool, and nothing said so."""
    assert main(["template", analysis]) == 0
    path = tmp_path / "lab.csv"
    path.write_text(capsys.readouterr().out)
    assert main(["validate", str(path)]) == 2
    said = "".join(capsys.readouterr())
    assert "example people of the template" in said
    assert "and nobody else" in said
    assert len(said.strip().splitlines()) == 1
    out = tmp_path / "results"
    assert main(["replicate", "--cohort", str(path), "--out", str(out), "--draws", "0"]) == 2
    assert "examples are never data" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("analysis", sorted(templates()))
def test_a_template_with_people_of_a_lab_is_usable_whole(analysis, tmp_path, capsys) -> None:
    path = tmp_path / "lab.csv"
    path.write_text(measured(analysis))
    assert main(["validate", str(path)]) == 0
    cohort = rs.load_cohort(path)
    assert cohort.analysis == analysis
    assert cohort.n_subjects >= 6
    assert cohort.provenance["rows_in"] == cohort.provenance["rows_used"]
    capsys.readouterr()
    assert main(["template", analysis, "--spec"]) == 0
    (tmp_path / "spec.toml").write_text(capsys.readouterr().out)
    assert rs.load_cohort(path, spec=tmp_path / "spec.toml").frame.equals(cohort.frame)


@pytest.mark.parametrize("code", ["EXAMPLE-{}", "example{}", "Example {}", " EXAMPLE_{} "])
def test_examples_left_below_ones_own_people_are_left_out(code, tmp_path) -> None:
    head, *rest = template("metabolic-cost").splitlines(keepends=True)
    text = head + LAB + re.sub(r"EXAMPLE-(\d+)", lambda m: code.format(m[1]), "".join(rest[4:]))
    path = tmp_path / "lab.csv"
    path.write_text(text)
    cohort = rs.load_cohort(path)
    assert sorted(cohort.frame["subject"].unique()) == [f"lab{i}" for i in range(8)]
    assert len(cohort.provenance["explained"]["an example of the template"]) == 8
    assert cohort.problems["found"].str.contains("4 example people").any()


def test_terminal_page_and_record_say_what_is_from_own_data(tmp_path, capsys) -> None:
    head, *rest = template("body-fat").splitlines(keepends=True)
    path = tmp_path / "lab.csv"
    path.write_text(head + FAT + "".join(rest))
    out = tmp_path / "results"
    options = ["--out", str(out), "--draws", "0", "--formats", "svg", "--tables", "csv,html"]
    assert main(["replicate", "body-fat", "--cohort", str(path), *options]) == 0
    assert "12 example people of the template" in " ".join(capsys.readouterr().out.split())
    page = " ".join((out / "report.html").read_text().split())
    assert "that the cited sources print and from own data: lab (8 people, 16 rows)." in page
    assert "12 example people of the template" in page
    assert (
        "Computed from printed numbers and own data: lab."
        in (out / "tables" / "body-fat.html").read_text()
    )
    (record,) = json.loads((out / "provenance.json").read_text())["cohorts"]
    assert record["people"] == 8
    assert len(record["explained"]["an example of the template"]) == 24
    assert any("12 example people" in line for line in record["reading"])


def test_a_template_of_another_audit_must_mark_its_people(tmp_path) -> None:
    (tmp_path / "data").mkdir()
    audit_toml = """title = "Grip"
[conditions]
compared = ["left", "right"]
[topics.grip]
needs = ["subject", "direction", "grip_kg"]
outcomes = ["grip_kg"]
template = "subject,direction,grip_kg\\np1,left,40\\n"
"""
    (tmp_path / "data" / "audit.toml").write_text(audit_toml)
    with pytest.raises(InputError, match=r"person 'p1', who would count.*EXAMPLE-1"):
        template("grip", tmp_path)
    (tmp_path / "data" / "audit.toml").write_text(audit_toml.replace("p1", "EXAMPLE-1"))
    assert "EXAMPLE-1" in template("grip", tmp_path)


def test_people_with_other_codes_are_people() -> None:
    text = METABOLIC.replace("person1,", "exam1,").replace("person2,", "example,")
    frame = pd.read_csv(io.StringIO(text), dtype=str)
    assert rs.load_cohort(frame).n_subjects == 6
