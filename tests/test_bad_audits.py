"""A folder audit with one mistake is refused in one message; nothing is run that need not be."""

# ruff: noqa: E501  (one mistake a line reads as a table)

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from doors.app import main, new_audit

ANALYSIS = "analyses/example.py"
Break = Callable[[Path], object]


def swap(name: str, old: str, new: str) -> Break:
    """Replace text that must be there."""

    def do(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")

    return do


def analysis(old: str, new: str) -> Break:
    return swap(ANALYSIS, old, new)


def instead_of(function: str, body: str) -> Break:
    """Another body of `analyse` or `draw`."""
    head = {"analyse": "def analyse(context):", "draw": "def draw(frames, claims):"}[function]
    return analysis(head, f"{head}\n    {body}")


def cells(table: str, row: int, **values: str) -> Break:
    """Other cells in one row of a table."""

    def do(folder: Path) -> None:
        path = folder / "data" / table
        with path.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
        rows[row].update(values)
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    return do


def resource(**entry: object) -> Break:
    """Another entry of the first table in `datapackage.json`."""

    def do(folder: Path) -> None:
        path = folder / "data" / "datapackage.json"
        package = json.loads(path.read_text(encoding="utf-8"))
        package["resources"][0].update(entry)
        path.write_text(json.dumps(package), encoding="utf-8")

    return do


def linked(folder: Path) -> None:
    """The published table is a link to a file beside the audit."""
    path = folder / "data" / "published" / "example.csv"
    path.rename(folder.parent / "elsewhere.csv")
    path.symlink_to(folder.parent / "elsewhere.csv")


BAD: dict[str, tuple[Break, tuple[str, ...]]] = {
    "claim id of a measure": (
        analysis('log=False,\n                             claim_id="lowers"', 'log=False, claim_id="lower"'),
        ("example.py", "claim_id 'lower'", "choose from lowers, lasts"),
    ),
    "claim id of an estimate": (
        analysis('quantity=QUANTITY,\n                         claim_id="lowers"', 'quantity=QUANTITY, claim_id="low"'),
        ("estimate 'ex-pool'", "claim_id 'low'"),
    ),
    "estimate id of a measure": (
        analysis('pooled_measure(sources, "ex-pool"', 'pooled_measure(sources, "ex-pol"'),
        ("estimate_id 'ex-pol'", "ex-pool"),
    ),
    "judged claim": (analysis('{"lowers": "ex-pool"}', '{"lower": "ex-pool"}'), ("claim 'lower'",)),
    "judged row": (analysis('{"lowers": "ex-pool"}', '{"lowers": "pool"}'), ("'pool'",)),
    "judged is a list": (analysis('{"lowers": "ex-pool"}', '["lowers"]'), ("judged is list",)),
    "none": (instead_of("analyse", "return None"), ("returned NoneType", "return Findings")),
    "a dictionary": (instead_of("analyse", "return {}"), ("returned dict",)),
    "raises": (instead_of("analyse", "return 1 / 0"), ("example.py, line 35", "ZeroDivisionError")),
    "exits": (instead_of("analyse", "raise SystemExit(0)"), ("example.py, line 35", "SystemExit")),
    "raises when imported": (analysis('NAME = "example"', "NAME = nobody"), ("line 13", "NameError")),
    "estimates is one row": (analysis("estimates=(*shown, pool)", "estimates=pool"), ("estimates is EstimateRow",)),
    "estimates hold a number": (analysis("(*shown, pool)", "(*shown, pool, 1.0)"), ("estimates: found float",)),
    "estimates hold none": (analysis("(*shown, pool)", "(*shown, pool, None)"), ("estimates: found NoneType",)),
    "duplicate ids": (analysis("(*shown, pool)", "(*shown, pool, pool)"), ("two rows", "'ex-pool'")),
    "no name": (analysis('NAME = "example"', ""), ("NAME missing",)),
    "a name that is a number": (analysis('NAME = "example"', "NAME = 3"), ("NAME is 3", "needs a text")),
    "another name than its file": (analysis('NAME = "example"', 'NAME = "other"'), ('NAME = "example"',)),
    "methods in one text": (analysis('Knapp-Hartung).",)', 'Knapp-Hartung).")'), ("METHODS is",)),
    "analyse is a text": (analysis("def draw(", 'analyse = "me"\n\n\ndef draw('), ("analyse is 'me'",)),
    "draw returns none": (instead_of("draw", "return None"), ("draw(): returned NoneType",)),
    "draw returns a number": (instead_of("draw", 'return {"a": 1}'), ("'a' is int",)),
    "draw raises": (instead_of("draw", 'raise KeyError("x")'), ("draw() raised KeyError", "line 54")),
    "no analyses": (lambda folder: (folder / ANALYSIS).unlink(), ("no analysis in its analyses/",)),
    "a ratio against 0": (cells("claims.csv", 0, scale="ratio"), ("null_value: found 0", "a ratio is above 0")),
    "a claim on a ratio, a difference": (
        cells("claims.csv", 0, scale="ratio", null_value="1", range_low="", range_high=""),
        ("claim lowers", "scale ratio", "is a difference"),
    ),
    "a range on the other side": (
        cells("claims.csv", 0, claimed_direction="above"), ("claimed_direction: found above 0",),
    ),
    "limits in the wrong order": (
        cells("published/example.csv", 0, ci_low="3.0", ci_high="-1"),
        ("example.csv, row 2, column ci_low: found 3.0, above ci_high -1",),
    ),
    "another unit in one row": (
        cells("published/example.csv", 1, unit="kg"),
        ("example.csv, row 3, column unit: found 'kg'", "'units'"),
    ),
    "measures mixed in one outcome": (
        lambda folder: [cells("published/example.csv", i, unit=u)(folder) for i, u in ((0, "odds ratio"), (1, "relative risk"))],
        ("row 3, column unit: found 'relative risk'", "'odds ratio'"),
    ),
    "a condition that no row has": (
        swap("data/audit.toml", '"untreated"]', '"placebo"]'),
        ("audit.toml, [conditions]", "'placebo'", "untreated"),
    ),
    "more people with an event than people": (
        cells("published/example.csv", 0, events="12", exposure="10", exposure_unit="people"),
        ("row 2, column events: found 12 of 10 people",),
    ),
    "a table at an absolute path": (resource(path="/etc/passwd"), ("'/etc/passwd' leads out",)),
    "a table in a parent": (resource(path="published/../../../x.csv"), ("leads out",)),
    "a table at an address": (resource(path="https://example.org/x.csv"), ("leads out", "no address")),
    "a linked table": (linked, ("leads out", "no link")),
    "a table without a schema": (resource(schema=None), ("no schema",)),
    "a table without a name": (resource(name=None), ("name is None",)),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_one_mistake_is_one_message(name, tmp_path, capsys) -> None:
    folder, out = new_audit(tmp_path / "audit"), tmp_path / "results"
    spoil, says = BAD[name]
    spoil(folder)
    arguments = ["replicate", "--audit", str(folder), "--out", str(out), "--draws", "10"]
    assert main([*arguments, "--formats", "svg"]) == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert said.count("retrostats: ") == 1
    for words in says:
        assert words in said
    assert not out.exists()


MARKED = 'from pathlib import Path\nPath("{mark}").write_text("run")\n'


@pytest.mark.parametrize("command", ["replicate", "template", "validate"])
def test_what_only_reads_runs_no_analysis(command, tmp_path, capsys) -> None:
    folder, mark = new_audit(tmp_path / "audit"), tmp_path / "was_run"
    path = folder / ANALYSIS
    path.write_text(MARKED.format(mark=mark) + path.read_text(encoding="utf-8"), encoding="utf-8")
    table = tmp_path / "own.csv"
    table.write_text("a,b\n1,2\n", encoding="utf-8")
    rest = {"replicate": ["--list"], "template": ["example"], "validate": [str(table)]}[command]
    main([command, "--audit", str(folder), *rest])
    said = capsys.readouterr().out
    assert command != "replicate" or "Does the invented treatment lower" in said
    assert not mark.exists()


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def (", "line 1"),
        ("QUESTION = 'a' + str(1)", "no plain text QUESTION"),
        ("", "no plain text QUESTION"),
        ("\0", "must be a Python file"),
        ("x = " + "(" * 5000 + ")" * 5000, "must be a Python file"),
    ],
)
def test_a_file_that_cannot_be_listed_is_one_message(source, says, tmp_path, capsys) -> None:
    folder = new_audit(tmp_path / "audit")
    (folder / ANALYSIS).write_text(source, encoding="utf-8")
    assert main(["replicate", "--audit", str(folder), "--list"]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert "example.py" in said
