"""What a model of counts remembers of its formula and rows, for predictions and means."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retrostats.models.counts.family import Array

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.models.linear.formula.columns import Column, FloatArray
    from retrostats.models.linear.formula.design import RandomDesign
    from retrostats.models.linear.formula.formula import Formula


@dataclass(frozen=True, slots=True, eq=False)
class CountDesign:
    """Formula, columns and random designs of a fit.

    Attributes
    ----------
    exposure
        Column of exposure, "" where there is none.
    trials
        Trials of each row (N,), None for rates.
    index
        Labels of the rows fitted.
    """

    formula: Formula
    columns: Mapping[str, Column]
    random: tuple[RandomDesign, ...]
    exposure: str
    trials: Array | None
    index: pd.Index[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """The linear predictor of a fit, as marginal means of mixed models ask for it."""

    model: Any
    beta: Array
    cov_beta: Array

    def df_of(self, contrast: FloatArray) -> tuple[float, float]:
        """Infinite, and no scaling: tests of counts are asymptotic."""
        return math.inf, 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Formulated:
    """A formula and its columns under the names that designs use."""

    formula: Formula
    columns: Mapping[str, Column]
    weight: Any = None
    precision: None = None
