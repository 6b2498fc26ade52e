"""Tables that the cohort tests share."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from doors.io import template

import retrostats as rs


def measured(analysis: str, audit: object = None) -> str:
    """A template whose example people are made people, who count."""
    return template(analysis, audit).replace("EXAMPLE-", "person")


METABOLIC = measured("metabolic-cost")


def plain() -> pd.DataFrame:
    return pd.read_csv(io.StringIO(METABOLIC))


def same_as_template(cohort: rs.Cohort, rel: float = 1e-12) -> None:
    wanted = plain().set_index(["subject", "direction"])["vo2_ml_kg_min"]
    found = cohort.frame.set_index(["subject", "direction"])["vo2_ml_kg_min"]
    assert found.to_dict() == pytest.approx(wanted.to_dict(), rel=rel)
