"""Moments of rows that were read in pieces: crossproducts of each subject for one design."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import pandas as pd

from retrostats.common.errors import InputError
from retrostats.models.linear.moments.moments import Moments


@dataclass(frozen=True, slots=True, eq=False)
class StreamedMoments(Moments):
    """Crossproducts of each subject, for the columns of one formula.

    They fit that formula and any other with the same outcome and group whose columns of X and Z
    are among these; they do not merge and are not written to a file, because a number in them may
    belong to a single person.

    Attributes
    ----------
    sums : Sums
    design : Design
    """

    sums: Any = None
    design: Any = None

    @property
    def n_obs(self) -> int:
        """Observations."""
        return int(self.sums.n_rows)

    @property
    def n_subjects(self) -> int:
        """Independent blocks."""
        return int(self.sums.coder.count)

    def _label(self) -> str:
        return (
            f"Moments of {self.outcome}: {self.n_subjects} {self.subject}(s), {self.n_obs} "
            f"observations, crossproducts of {', '.join(self.design.fixed)}"
        )

    def __repr__(self) -> str:
        return self._label()

    def save(self, path: str | os.PathLike[str], *, min_cell: int = 5) -> None:
        """Refuse: the sums are of single subjects.

        Raises
        ------
        InputError
        """
        raise InputError(
            f"{path}: these moments hold sums of each single {self.subject}, so they are not "
            "written to a file; reduce a DataFrame of the rows that may leave instead"
        )

    def disclosure(self, *, min_cell: int = 5) -> pd.DataFrame:
        """Refuse, as `save`.

        Raises
        ------
        InputError
        """
        raise InputError(f"these moments hold sums of each single {self.subject}: all of them")

    def __add__(self, other: Moments) -> Moments:
        """Refuse: give all files at once.

        Raises
        ------
        InputError
        """
        raise InputError(
            "moments of rows read in pieces do not merge; give all files at once, as a glob or a "
            "Dataset"
        )
