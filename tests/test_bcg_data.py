"""The second audit's data: same layout as data/, counts that give the published pooled answer."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retrostats.common.resources import data_dir
from retrostats.io.published.published import (
    is_poolable,
    load_claims_table,
    load_studies,
    load_table,
)
from retrostats.models.meta.two_stage import pool

FOLDER = Path(__file__).resolve().parent.parent / "examples" / "bcg" / "data"
REFERENCE = json.loads((Path(__file__).parent / "reference" / "meta.json").read_text())
#: The reference prints 15 digits of a closed form.
COUNT_RTOL = 1e-12
#: Half of the last digit printed.
PRINTED = 5e-5


@pytest.fixture(scope="module")
def trials() -> pd.DataFrame:
    """One row a trial in file order: log risk ratio, its variance, latitude and year."""
    rows = load_table("tuberculosis", folder=FOLDER)
    rows["risk"] = rows["events"] / rows["exposure"]
    rows["part"] = 1 / rows["events"] - 1 / rows["exposure"]
    order = rows["study_id"].drop_duplicates()
    arms = {name: arm.set_index("study_id").loc[order] for name, arm in rows.groupby("arm")}
    treated, control = arms["vaccinated"], arms["not vaccinated"]
    studies = load_studies(folder=FOLDER).set_index("study_id").loc[order]
    return pd.DataFrame(
        {
            "yi": np.log(treated["risk"] / control["risk"]),
            "vi": treated["part"] + control["part"],
            "latitude": studies["latitude_deg"],
            "year": studies["year"],
        }
    )


def _bcg() -> dict:
    return next(entry for entry in REFERENCE if entry["name"] == "bcg")


def test_each_trial_equals_the_reference_log_risk_ratio(trials) -> None:
    reference = _bcg()
    np.testing.assert_allclose(trials["yi"], reference["yi"], rtol=COUNT_RTOL)
    np.testing.assert_allclose(trials["vi"], reference["vi"], rtol=COUNT_RTOL)


def test_pool_is_the_published_one(trials) -> None:
    pooled = pool(trials["yi"], np.sqrt(trials["vi"]), test="z")
    assert pooled.estimate == pytest.approx(-0.7145, abs=PRINTED)
    assert pooled.std_error == pytest.approx(0.1798, abs=PRINTED)


def test_moderators_bear_on_the_claims(trials) -> None:
    """Latitude: -0.0291 (SE 0.0072) a degree, the answer Berkey 1995's data are known for."""
    fit = pool(
        trials["yi"].to_numpy(),
        np.sqrt(trials["vi"].to_numpy()),
        test="z",
        moderators=trials[["latitude"]].reset_index(drop=True),
    )
    assert fit.terms == ("(Intercept)", "latitude")
    assert fit.params.iloc[1] == pytest.approx(-0.0291, abs=PRINTED)
    assert fit.std_errors[1] == pytest.approx(0.0072, abs=PRINTED)


def test_layout_is_that_of_the_first_audit() -> None:
    """Same columns in the same order; studies alone has the two moderators on top."""
    for name, twin in (
        ("claims.csv", "claims.csv"),
        ("claim_fidelity.csv", "claim_fidelity.csv"),
        ("claim_evidence.csv", "claim_evidence.csv"),
        ("published/tuberculosis.csv", "published/ligament_injury.csv"),
    ):
        assert _header(FOLDER / name) == _header(data_dir() / twin)
    own = set(_header(FOLDER / "studies.csv"))
    assert own - set(_header(data_dir() / "studies.csv")) == {"latitude_deg", "allocation"}


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as handle:
        return next(csv.reader(handle))


def test_every_arm_can_be_pooled_and_every_table_loads() -> None:
    rows = load_table("tuberculosis", folder=FOLDER)
    assert len(rows) == 26
    assert is_poolable(rows).all()
    package = json.loads((FOLDER / "datapackage.json").read_text(encoding="utf-8"))
    for resource in package["resources"]:
        assert len(load_table(resource["name"], folder=FOLDER)) > 0
    known = set(rows["row_id"])
    for joined in load_table("claim_evidence", folder=FOLDER)["row_id"]:
        assert set(joined.split("; ")) <= known


@pytest.mark.filterwarnings("ignore")  # the validator's own dependencies warn
def test_frictionless_finds_the_package_valid() -> None:
    frictionless = pytest.importorskip("frictionless")
    report = frictionless.validate(str(FOLDER / "datapackage.json"))
    assert report.valid, [e.message for t in report.tasks for e in t.errors]


def test_claims_are_one_sided_directed_and_one_is_uncited() -> None:
    claims = load_claims_table(folder=FOLDER).set_index("claim_id")
    assert math.isnan(claims.loc["halves", "range_low"])
    assert claims.loc["halves", "range_high"] == 0.5
    assert list(claims.index[claims["cited_study"] == ""]) == ["fades"]
    assert set(claims["claimed_direction"]) == {"below", "above"}
