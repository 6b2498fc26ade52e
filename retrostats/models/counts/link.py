"""From the linear predictor to the scale of the outcome."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit

from retrostats.common.errors import InputError

TYPES = ("link", "response")


def checked(type: str) -> bool:
    """Whether `type` asks for the outcome's scale.

    Raises
    ------
    InputError
        Neither "link" nor "response".
    """
    if type not in TYPES:
        raise InputError(f"type={type!r}; allowed: {', '.join(TYPES)}")
    return type == "response"


def inverse(family: str, eta: Any) -> Any:
    """Probability of an event, or rate.

    Examples
    --------
    >>> float(inverse("binomial", 0.0)), float(inverse("poisson", 0.0))
    (0.5, 1.0)
    """
    return expit(eta) if family == "binomial" else np.exp(eta)


def slope(family: str, eta: Any) -> Any:
    """Derivative of `inverse`, for errors by the delta method."""
    p = inverse(family, eta)
    return p * (1 - p) if family == "binomial" else p
