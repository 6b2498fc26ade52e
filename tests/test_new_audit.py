"""A new audit runs as it stands, holds no word of another subject, and never touches a file."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pandas as pd
import pytest
from doors.app import INVENTED, STEPS, main, new_audit
from doors.common import data_dir

import retrostats as rs
from retrostats import InputError, load_audit

DRAWS = 50
#: Columns of the audit that ships that another subject has no use for.
OF_ONE_SUBJECT = {"gait", "direction", "speed_printed", "speed_unit", "gradient_printed"}
FILES = {
    "README.md",
    "analyses/example.py",
    "data/audit.toml",
    "data/claim_evidence.csv",
    "data/claim_fidelity.csv",
    "data/claims.csv",
    "data/datapackage.json",
    "data/published/example.csv",
    "data/references.bib",
    "data/studies.csv",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return new_audit(tmp_path_factory.mktemp("new") / "deeper" / "audit")


def test_it_holds_every_file(folder) -> None:
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert {name for name in found if "__pycache__" not in name} == FILES


def test_the_command_makes_a_folder_that_the_command_runs(tmp_path, capsys) -> None:
    made, out = tmp_path / "audit", tmp_path / "results"
    assert main(["new-audit", str(made), "--folder"]) == 0
    said = capsys.readouterr().out
    readme = (made / "README.md").read_text(encoding="utf-8")
    for step in STEPS:
        assert step in said
        assert step in readme
    arguments = ["replicate", "--audit", str(made), "--out", str(out), "--draws", str(DRAWS)]
    assert main([*arguments, "--formats", "svg"]) == 0
    ran = capsys.readouterr()
    assert "supported" in ran.out
    assert ran.err.startswith(f"Runs the Python in {made / 'analyses'}")  # before anything of it
    assert INVENTED in (out / "report.html").read_text(encoding="utf-8")
    assert (out / "figures" / "example.svg").is_file()


def test_its_verdicts_show_an_estimate_and_a_bare_sign(folder) -> None:
    replication = rs.replicate(audit=folder, draws=DRAWS)
    verdicts = replication.verdicts.set_index("claim_id")
    assert verdicts.loc["lowers", ["fidelity", "direction", "size"]].tolist() == [
        "faithful", "supported", "compatible",
    ]  # fmt: skip
    assert verdicts.loc["lasts", ["fidelity", "direction", "size"]].tolist() == [
        "unverified", "open", "not claimed",
    ]  # fmt: skip
    assert replication.analyses[0]["name"] == "example"
    assert (~replication.audit.published["poolable"]).sum() == 1


def test_the_pool_is_that_of_the_rows(folder) -> None:
    """By hand from the table's text, not by the analysis."""
    rows = pd.read_csv(folder / "data" / "published" / "example.csv").query("time == 'post'")
    cells = rows.pivot(index="study_id", columns="arm", values=["mean", "spread", "n"])
    part = cells["spread"] ** 2 / cells["n"]
    effect = cells["mean"]["treated"] - cells["mean"]["untreated"]
    errors = (part.sum(axis=1) ** 0.5).tolist()
    pooled = rs.pool(effect.tolist(), errors, test="knapp-hartung-adhoc")
    found = rs.replicate(audit=folder, draws=0).estimates.set_index("estimate_id").loc["ex-pool"]
    assert found["estimate"] == pytest.approx(pooled.estimate)
    assert found["conf_high"] == pytest.approx(pooled.conf_high)


def test_layout_and_rules_are_those_of_the_shipping_audit(folder) -> None:
    """All but subject words, the row ids' prefix and the names of analyses."""
    own = {"row_id", "analysis"}
    ours, theirs = (_schemas(place) for place in (folder / "data", data_dir()))
    theirs["example"] = next(v for k, v in theirs.items() if "outcome_printed" in v)
    for table, fields in ours.items():
        absent = OF_ONE_SUBJECT if table == "example" else set()
        assert list(fields) == [name for name in theirs[table] if name not in absent]
        for name in set(fields) - own:
            assert fields[name] == theirs[table][name], (table, name)


def _schemas(data: Path) -> dict[str, dict[str, tuple[str, object]]]:
    package = json.loads((data / "datapackage.json").read_text(encoding="utf-8"))
    return {
        r["name"]: {f["name"]: (f["type"], f.get("constraints")) for f in r["schema"]["fields"]}
        for r in package["resources"]
    }


def test_no_word_of_the_shipping_audit_is_in_it(folder) -> None:
    shipped = load_audit()
    words = [*shipped.conditions.compared, *shipped.topics, *shipped.claims]
    words += [topic.analysis for topic in shipped.topics.values()]
    words += [str(name) for name in shipped.studies["study_id"]]
    words += ["gait", "gradient", "speed_"]
    for name in FILES:
        text = (folder / name).read_text(encoding="utf-8").lower()
        assert [word for word in words if word in text] == [], name


def test_every_example_row_is_marked(folder) -> None:
    for name in ("claims", "studies", "published/example"):
        with (folder / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
            for row in csv.DictReader(handle):
                assert any(INVENTED in cell for cell in row.values()), row


@pytest.mark.filterwarnings("ignore")  # the validator's own dependencies warn
def test_frictionless_finds_the_package_valid(folder) -> None:
    frictionless = pytest.importorskip("frictionless")
    report = frictionless.validate(str(folder / "data" / "datapackage.json"))
    assert report.valid, [e.message for t in report.tasks for e in t.errors]


def test_a_folder_that_holds_something_is_refused_untouched(tmp_path, capsys) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    assert main(["new-audit", str(tmp_path), "--folder"]) == 2
    assert "not empty" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_refused(tmp_path) -> None:
    path = tmp_path / "audit"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="a file of that name"):
        new_audit(path)
    assert path.read_text(encoding="utf-8") == "mine"
    with pytest.raises(InputError, match="give a folder that can be written"):
        new_audit(path / "inside")


def test_an_empty_folder_is_filled(tmp_path) -> None:
    assert new_audit(tmp_path) == tmp_path
    assert load_audit(tmp_path).topics["example"].compares == "arm"


def test_what_is_filled_in_wrongly_is_named(tmp_path) -> None:
    claims = new_audit(tmp_path) / "data" / "claims.csv"
    text = claims.read_text(encoding="utf-8")
    claims.write_text(text.replace(",causal", ",maybe", 1), encoding="utf-8")
    os.utime(claims, ns=(1, 1))  # a table is read again when its time changes
    with pytest.raises(InputError, match=r"claims\.csv, row 2, column kind: found 'maybe'"):
        rs.replicate(audit=tmp_path, draws=0)
