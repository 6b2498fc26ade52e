"""The guard of the public surface: what stands for plain real numbers, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrostats.errors import InputError

#: Kinds of numpy that are no real numbers, in words.
_KINDS = {
    "b": "truth values", "c": "complex numbers", "M": "dates", "m": "durations", "S": "bytes",
    "U": "text", "V": "records",
}  # fmt: skip


def real_array(values: Any, name: str) -> NDArray[np.float64]:
    """An array of real numbers; what is masked, empty of meaning or no number is refused.

    NaN and infinity pass: whether they may stand is for the caller, who knows what they mean.

    Raises
    ------
    InputError
        None, text, dates, durations, truth values, complex numbers, masked values, ragged lists.

    Examples
    --------
    >>> real_array([1, 2.5], "y")
    array([1. , 2.5])
    >>> real_array([1 + 2j], "y")
    Traceback (most recent call last):
    retrostats.errors.InputError: y: found complex numbers; allowed are real numbers
    """
    refuse_masked(values, name)
    try:
        found = np.asarray(values)
    except (TypeError, ValueError):
        raise InputError(
            f"{name}: found rows of unequal length or no array; allowed are real numbers"
        ) from None
    if found.dtype.kind == "O":
        return _objects(found, name)
    if found.dtype.kind not in "iuf":
        kind = _KINDS.get(found.dtype.kind, str(found.dtype))
        raise InputError(f"{name}: found {kind}; allowed are real numbers")
    return np.asarray(found, dtype=float)


def real_number(value: Any, name: str) -> float:
    """One finite real number.

    Examples
    --------
    >>> real_number(3, "change")
    3.0
    """
    found = real_array(value, name)
    if found.ndim or not np.isfinite(found):
        raise InputError(f"{name}: found {value!r}; allowed is one finite number")
    return float(found)


def refuse_masked(values: Any, name: str) -> None:
    """Refuse masked values: what lies under a mask is missing, as NaN is.

    Examples
    --------
    >>> refuse_masked([1.0, 2.0], "y")
    """
    parts = values if isinstance(values, list | tuple) else [values]
    for part in parts:
        if part is np.ma.masked or np.ma.is_masked(part):
            raise InputError(
                f"{name}: values are masked, that is missing; leave them out (.compressed(), and "
                "the same places of what stands beside them)"
            )


def _objects(found: NDArray[Any], name: str) -> NDArray[np.float64]:
    """Python objects: numbers as decimals and fractions pass, whatever else is named."""
    from numbers import Number

    for value in found.ravel():
        if isinstance(value, bool | np.bool_ | complex) or not isinstance(value, Number):
            raise InputError(f"{name}: found {value!r}; allowed are real numbers")
    try:
        return found.astype(float)
    except (OverflowError, TypeError, ValueError):
        raise InputError(f"{name}: a value is no number that a computer holds") from None
