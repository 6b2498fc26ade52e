"""A formula met with data: names, groups and crossproducts, ready to be fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from retrostats.models.linear.blocks.gram import Gram
from retrostats.models.linear.blocks.rows import Rows
from retrostats.models.linear.crossed.layout import Crossed
from retrostats.models.linear.formula.columns import (
    Column,
    FloatArray,
)
from retrostats.models.linear.formula.formula import Formula
from retrostats.models.linear.heteroscedastic.blocks import Strata
from retrostats.models.linear.heteroscedastic.factor import (
    Labelled,
)
from retrostats.models.linear.heteroscedastic.study_rows import Studies
from retrostats.models.linear.moments.moments import Moments
from retrostats.models.linear.streamed.moments import StreamedMoments


@dataclass(frozen=True)
class Model:
    """What a fit needs to know about formula and data.

    Attributes
    ----------
    formula : Formula
    terms : tuple of str
        Names of the fixed effects.
    gram : Gram
    rows : Rows
        Design rows of all patterns, kept for simulation, marginal means and new outcomes.
    columns : dict
        The design columns the rows were made from.
    groups : tuple of (str, tuple of str)
        Group name and effect names of each random term, in the formula's order.
    n_groups : dict of str to int
        Levels of each group.
    n_obs, n_dropped : int
    moments : Moments or None
        The moments fitted, where the data were moments.
    frame : DataFrame or None
        The rows fitted, where the data were rows.
    strata : Strata, Studies or None
        Where residual variances differ: crossproducts by residual stratum, or rows by study.
    labelled : Labelled or None
        The stratum of each row.
    people : (C,) array or None
        People behind each entry of `columns`, where the data were cells of people.
    crossed : Crossed or None
        Sparse crossproducts, where random effects are connected across many levels.
    precision : (N,) array or None
        Weights of the rows (residual variance sigma^2 / weight), by whose roots `rows` are
        multiplied; None where all are 1.
    index : Index or None
        Labels of the rows fitted, where the data were rows.
    weights : str or None
        The column of weights, where they were given by its name.
    signed_by_print : bool
        Whether the covariance is signed because a printed correlation is negative, unasked.
    """

    formula: Formula
    terms: tuple[str, ...]
    gram: Gram
    rows: Rows
    columns: dict[str, Column]
    groups: tuple[tuple[str, tuple[str, ...]], ...]
    n_groups: dict[str, int]
    n_obs: int
    n_dropped: int
    moments: Moments | None
    frame: pd.DataFrame | None
    strata: Strata | Studies | None = None
    labelled: Labelled | None = None
    people: FloatArray | None = None
    precision: FloatArray | None = None
    index: pd.Index[Any] | None = None
    crossed: Crossed | None = None
    weights: str | None = None
    signed_by_print: bool = False

    @property
    def log_weight(self) -> float:
        """Half the sum of the logarithms of the weights: their part of the log-likelihood."""
        if isinstance(self.moments, StreamedMoments):
            return 0.5 * float(self.moments.sums.log_weight)
        return 0.0 if self.precision is None else 0.5 * float(np.log(self.precision).sum())

    @property
    def residual(self) -> str | None:
        """The factor or interaction whose levels are the residual strata."""
        return None if self.labelled is None else self.labelled.name

    @property
    def weight(self) -> FloatArray:
        """Observations behind each entry of `columns`."""
        return self.rows.n[self.rows.block] if self.people is None else self.people
