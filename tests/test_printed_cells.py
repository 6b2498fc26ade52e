"""Every printed number that an estimate feels moves inside its rounding, or is exact for a reason.

All other numeric cells of the tables are changed at once: nothing may move. So no cell is used that
is not counted.
"""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from doors.audit import Context, select
from doors.common import analyses_dir, data_dir
from doors.evidence import Space, cell_of, quasi_random

import retrostats as rs
from retrostats import InputError, Reported, Unknown

NUMERIC = (
    "n", "mean", "spread", "change", "change_spread", "pct_change", "events", "exposure",
    "ci_low", "ci_high", "ci_level", "p_value",
)  # fmt: skip
#: Shown at the printed numbers alone, beside a pool that has a range: no claim rests on them.
AT_THE_PRINTED_NUMBERS = {"few-studies"}
COUNTS = "li-counts"


@pytest.fixture(autouse=True)
def read_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers moved one by one contradict one another, which is refused where they are read."""
    for check in ("_check_limits", "check_printed"):
        monkeypatch.setattr(f"retrostats.io.published.published.{check}", lambda *_: None)


def findings_of(audit):
    """What every analysis of an audit finds before anything is explored."""
    rows = audit.published
    return {
        analysis.name: analysis.analyse(
            Context(
                rows[rows["topic"] == analysis.topic].reset_index(drop=True), audit.claims, audit
            )
        )
        for analysis in select(None, audit)
    }


def answers_of(found) -> dict[str, np.ndarray]:
    """Every row, and every measure at places of its space."""
    got = {}
    for findings in found.values():
        for row in findings.estimates:
            got[row.estimate_id] = np.array(
                [row.estimate, row.std_error, row.df, row.conf_low, row.conf_high, row.pred_low,
                 row.pred_high, row.n]
            )  # fmt: skip
        for i, measure in enumerate(findings.measures):
            space = Space.of(measure.unknowns)
            points = np.vstack([space.reference_point, quasi_random(space.size, 16, 1)])
            values = space.values(points)
            answer = measure.estimator(0.95)(values)
            got[f"measure {i} of {measure.estimate_id}"] = np.array(
                [np.broadcast_to(a, len(points)) for a in answer]
                + [values[u.name] for u in space.unknowns if isinstance(u, Unknown)]
            )
    return got


def moved(before, after) -> set[str]:
    assert set(before) == set(after)
    return {
        name for name, was in before.items()
        if not np.allclose(was, after[name], rtol=1e-12, atol=0, equal_nan=True)
    }  # fmt: skip


def another(text: str) -> str:
    """The number with its last digit changed by one."""
    plain = text.strip().rstrip("%").translate(str.maketrans("−–", "--"))
    number = Decimal(plain)
    step = Decimal(1).scaleb(int(number.as_tuple().exponent))
    return str(number - step if plain.endswith("9") else number + step)


def changed(folder: Path, keep) -> rs.Audit:
    """The audit in `folder` with every numeric cell changed but those that `keep` names."""
    data = copytree(data_dir(), folder / "data")
    copytree(analyses_dir(), folder / "analyses")
    for path in sorted((data / "published").glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            for column in NUMERIC:
                if row[column] and not keep(row, column):
                    row[column] = another(row[column])
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return rs.load_audit(folder)


@pytest.fixture(scope="module")
def audit():
    return rs.load_audit()


@pytest.fixture(scope="module")
def found(audit):
    return findings_of(audit)


@pytest.fixture(scope="module")
def rounded(found) -> dict[str, Unknown]:
    """Unknowns that are the rounding of a printed cell, by the cell."""
    unknowns = (u for f in found.values() for m in f.measures for u in m.unknowns)
    return {cell: u for u in unknowns if isinstance(u, Unknown) for cell in [u.cell] if cell}


@pytest.fixture(scope="module")
def exact(audit) -> set[tuple[str, str]]:
    table = audit.table("exact")
    assert (table["why"].str.len() > 20).all()
    return set(zip(table["column"], table["row_id"], strict=True))


def is_exact(row, column: str, exact) -> bool:
    inequality = column == "p_value" and row["p_operator"] != "="
    column = "threshold" if inequality else column
    return (column, "") in exact or (column, row["row_id"]) in exact


def test_no_cell_is_used_that_is_neither_rounded_nor_exact(tmp_path, found, rounded, exact) -> None:
    """Every numeric cell but the declared ones is changed, in every row of every table."""

    def declared(row, column: str) -> bool:
        return cell_of(row["row_id"], column) in rounded or is_exact(row, column, exact)

    after = findings_of(changed(tmp_path, declared))
    assert moved(answers_of(found), answers_of(after)) == set()


def test_every_row_that_an_estimate_feels_is_named_by_one(tmp_path, found) -> None:
    named = {row for f in found.values() for e in f.estimates for row in e.source_rows}
    after = findings_of(changed(tmp_path, lambda row, column: row["row_id"] in named))
    assert moved(answers_of(found), answers_of(after)) == set()


@pytest.mark.parametrize(
    "column",
    ["n", "mean", *(pytest.param(name, marks=pytest.mark.thorough)
                    for name in ("spread", "pct_change", "ci_low"))],
)  # fmt: skip
def test_a_cell_without_its_declaration_would_be_found(
    tmp_path, found, rounded, exact, column
) -> None:
    """The same with one column of declared cells changed too: something moves."""

    def declared(row, name: str) -> bool:
        cell = cell_of(row["row_id"], name)
        return name != column and (cell in rounded or is_exact(row, name, exact))

    try:
        after = findings_of(changed(tmp_path, declared))
    except InputError:
        return  # what is left contradicts itself: felt, too
    assert moved(answers_of(found), answers_of(after))


def test_every_rounding_is_that_of_the_text_in_its_cell(audit, rounded) -> None:
    rows = audit.published.set_index("row_id")
    for cell, unknown in rounded.items():
        row_id, column = cell.split(": ")
        assert (unknown.low, unknown.high) == Reported(rows.at[row_id, f"{column}_text"]).interval
    assert len(rounded) >= 80


def test_every_row_that_feels_a_rounding_has_a_range_of_its_own(found, rounded) -> None:
    """A row whose printed rows hold a rounded cell is a measure too, which moves with it."""
    for findings in found.values():
        mine = {}
        for measure in findings.measures:
            cells = {u.cell for u in measure.unknowns if isinstance(u, Unknown)}
            mine.setdefault(measure.estimate_id, set()).update(cells - {""})
        for row in findings.estimates:
            open_ = {c for c in rounded if c.split(": ")[0] in row.source_rows}
            if open_ and row.role not in AT_THE_PRINTED_NUMBERS and row.estimate_id != COUNTS:
                assert mine.get(row.estimate_id, set()) & open_, row.estimate_id


def test_another_number_is_another_number() -> None:
    assert [another(t) for t in ("0.05", "-2.4", "35%", "1.9e-6", "109")] == [
        "0.06", "-2.3", "36", "0.0000020", "108"
    ]  # fmt: skip


def test_every_range_of_judgement_stands_in_the_data_with_reason_and_source(audit, found) -> None:
    """What is neither a rounding nor follows from printed numbers; whole correlations apart."""
    table = audit.table("unprinted")
    written = {(row.low, row.high) for row in table.itertuples() if row.why and row.source}
    judged = set()
    for unknown in (u for f in found.values() for m in f.measures for u in m.unknowns):
        assert unknown.why, unknown.name
        if not isinstance(unknown, Unknown) or unknown.cell or callable(unknown.low):
            continue
        if (unknown.low, unknown.high) == (-1, 1):
            assert "correlation" in unknown.name
            continue
        judged.add(unknown.name)
        assert (unknown.low, unknown.high) in written
        assert unknown.why in set(table["why"])
        assert unknown.source in set(table["source"])
    assert len(judged) >= 6
