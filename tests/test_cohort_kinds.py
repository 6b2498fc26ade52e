"""Every kind of file goes in with the right numbers, or with a clear word; validate and replicate
agree on each.
"""

from __future__ import annotations

from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from cohort_kinds import KINDS
from cohort_tables import plain
from doors.app import main
from doors.common import data_dir

import retrostats as rs
from retrostats import RetrostatsError

pytest.importorskip("openpyxl")


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_kind_of_file_goes_in_or_gets_a_clear_word(name: str, tmp_path: Path) -> None:
    build, outcome = KINDS[name]
    path, spec = build(tmp_path)
    if isinstance(outcome, str) and outcome != "template":
        with pytest.raises(rs.InputError, match=outcome):
            rs.load_cohort(path, spec=spec)
        return
    cohort = rs.load_cohort(path, spec=spec)
    if outcome != "template":
        outcome(cohort)
        return
    logs = np.log(cohort.frame["vo2_ml_kg_min"])
    means = np.exp(logs.groupby([cohort.frame["subject"], cohort.frame["direction"]],
                                observed=True).mean())  # fmt: skip
    wanted = plain().set_index(["subject", "direction"])["vo2_ml_kg_min"]
    assert means.to_dict() == pytest.approx(wanted.to_dict(), rel=1e-9)
    counts = cohort.provenance
    assert counts["rows_in"] == counts["rows_used"] + counts["rows_explained"]


#: Runs take their time: every third kind first, and all in `make thorough`.
RUN = [
    pytest.param(name, marks=[pytest.mark.thorough] * (i % 3 > 0))
    for i, name in enumerate(sorted(KINDS))
]


@pytest.mark.parametrize("name", RUN)
def test_validate_and_replicate_agree(name: str, small: Path, tmp_path: Path, capsys) -> None:
    """What one calls usable the other runs; the literature's part is left out, to be fast."""
    path, _ = KINDS[name][0](tmp_path)
    code = main(["validate", str(path), "--audit", str(small)])
    try:
        rs.replicate(audit=small, cohorts=[path], draws=0)
    except RetrostatsError:
        assert code == 2
    else:
        assert code == 0
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["VO2/kg", "#DIV/0! and n.a."])
def test_a_folder_is_written_only_where_both_agree(name: str, small, tmp_path: Path) -> None:
    path, _ = KINDS[name][0](tmp_path)
    code = main(["validate", str(path), "--audit", str(small)])
    out = tmp_path / "out"
    arguments = ["--audit", str(small), "--out", str(out), "--draws", "0", "--formats", "svg",
                 "--tables", "csv"]  # fmt: skip
    assert main(["replicate", "--cohort", str(path), *arguments]) == code
    assert out.exists() == (code == 0)


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> Path:
    """The audit that ships, with analyses of own cohorts alone."""
    folder = tmp_path_factory.mktemp("small")
    copytree(data_dir(), folder / "data")
    (folder / "analyses").mkdir()
    (folder / "analyses" / "metabolic_cost.py").write_text(COST)
    (folder / "analyses" / "ligament_injury.py").write_text(INJURIES)
    return folder


COST = """
from retrostats.evidence.findings.cohorts import cohort_ratios, compared
from retrostats.evidence.result.findings import Findings

NAME, TITLE, TOPIC, QUESTION, METHODS = "metabolic-cost", "Cost", "metabolic_cost", "?", ("own",)


def analyse(context):
    by = compared(context.audit, NAME, "metabolic_rate_ratio", "ratio")
    return Findings(tuple(c.row("energy_30") for c in cohort_ratios(context.cohorts, by)))


def draw(frames, claims):
    return {}
"""
INJURIES = (
    COST.replace("cohort_ratios", "cohort_rates")
    .replace("metabolic-cost", "ligament-injury")
    .replace("metabolic_cost", "ligament_injury")
    .replace("energy_30", "ligament_tears")
)


def test_validate_runs_the_model_of_the_cohort(tmp_path: Path, capsys) -> None:
    """Found here: a table that the model cannot fit was called usable, and replicate refused it."""
    ratio = {"forward": 1.0, "backward": 1.25}
    rows = [f"p{i},{way},{speed},{(25 + i) * f}" for i in range(5) for way, f in ratio.items()
            for speed in (8, 10)]  # fmt: skip
    path = tmp_path / "lab.csv"
    path.write_text("subject,direction,speed (km/h),VO2 (ml/kg/min)\n" + "\n".join(rows))
    assert main(["validate", str(path)]) == 2
    assert "variance is zero" in capsys.readouterr().err
