"""The table of thirteen trials: its counts give the reference and the published answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import retrostats as rs

TABLE = Path(__file__).resolve().parent.parent / "examples" / "bcg.csv"
REFERENCE = json.loads((Path(__file__).parent / "reference" / "meta.json").read_text())
#: The reference prints 15 digits of a closed form.
COUNT_RTOL = 1e-12
#: Half of the last digit printed.
PRINTED = 5e-5


@pytest.fixture(scope="module")
def trials() -> pd.DataFrame:
    """One row a trial in file order: log risk ratio, its variance, latitude and year."""
    rows = pd.read_csv(TABLE)
    made = rs.escalc(rows, measure="RR")
    return made[["yi", "vi"]].assign(latitude=rows["x_latitude"], year=rows["x_year"])


def test_each_trial_equals_the_reference_log_risk_ratio(trials) -> None:
    reference = next(entry for entry in REFERENCE if entry["name"] == "bcg")
    np.testing.assert_allclose(trials["yi"], reference["yi"], rtol=COUNT_RTOL)
    np.testing.assert_allclose(trials["vi"], reference["vi"], rtol=COUNT_RTOL)


def test_pool_is_the_published_one(trials) -> None:
    pooled = rs.pool(trials["yi"], np.sqrt(trials["vi"]), test="z")
    assert pooled.estimate == pytest.approx(-0.7145, abs=PRINTED)
    assert pooled.std_error == pytest.approx(0.1798, abs=PRINTED)


def test_moderators_bear_on_the_claims(trials) -> None:
    """Latitude: -0.0291 (SE 0.0072) a degree, the answer Berkey 1995's data are known for."""
    fit = rs.pool(
        trials["yi"].to_numpy(),
        np.sqrt(trials["vi"].to_numpy()),
        test="z",
        moderators=trials[["latitude"]],
    )
    assert fit.terms == ("(Intercept)", "latitude")
    assert fit.params.iloc[1] == pytest.approx(-0.0291, abs=PRINTED)
    assert fit.std_errors[1] == pytest.approx(0.0072, abs=PRINTED)
