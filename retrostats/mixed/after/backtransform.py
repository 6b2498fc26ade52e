"""From the scale of a transformed outcome back to that of the outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from retrostats.errors import InputError

_LOGS = {"log(": 1.0, "log2(": np.log(2.0), "log10(": np.log(10.0)}


@dataclass(frozen=True, slots=True)
class Scale:
    """The outcome's transformation: `inverse` and its `slope`, functions of the fitted value.

    `back` says whether results are on the scale of the outcome itself.
    """

    back: bool
    logarithm: bool
    inverse: Callable[[Any], Any]
    slope: Callable[[Any], Any]

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Estimates and limits transformed back, errors by the delta method."""
        out = table.copy()
        out["std_error"] = np.abs(self.slope(table["estimate"])) * table["std_error"]
        for name in ("estimate", "conf_low", "conf_high"):
            out[name] = self.inverse(table[name])
        return out


def scale_of(outcome: str, type: str) -> Scale:
    """The transformation an outcome's expression states.

    Raises
    ------
    InputError
        `type` is neither "link" nor "response", or there is no way back from the expression.

    Examples
    --------
    >>> float(scale_of("log2(y)", "response").inverse(3.0).round(9))
    8.0
    """
    if type not in ("link", "response"):
        raise InputError(f"type={type!r}; allowed: link, response")
    back = type == "response"
    for start, unit in _LOGS.items():
        if outcome.startswith(start):
            return Scale(back, True, partial(_power, unit, 1.0), partial(_power, unit, unit))
    if outcome.startswith("sqrt("):
        return Scale(back, False, lambda v: np.maximum(v, 0.0) ** 2, lambda v: 2 * np.maximum(v, 0))
    if back and "(" in outcome:
        raise InputError(
            f"the outcome {outcome!r} is not transformed back; that is done for log, log2, log10 "
            "and sqrt"
        )
    return Scale(False, False, np.asarray, np.ones_like)


def _power(unit: float, factor: float, value: Any) -> Any:
    return factor * np.exp(unit * value)
