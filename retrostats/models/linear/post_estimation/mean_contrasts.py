"""Which contrasts of some means: all pairs, against a control, consecutive, or given by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Literal, get_args

import numpy as np

from retrostats.common.arrays import real_array
from retrostats.common.errors import InputError
from retrostats.models.linear.formula.columns import FloatArray

Method = Literal["pairwise", "reverse-pairwise", "control", "consecutive", "effects", "polynomial"]
#: Names of emmeans and of other habits, and the name here.
_ELSEWHERE = {
    "revpairwise": "reverse-pairwise",
    "trt.vs.ctrl": "control",
    "dunnett": "control",
    "consec": "consecutive",
    "eff": "effects",
    "poly": "polynomial",
    "pairs": "pairwise",
}
_DEGREES = ("linear", "quadratic", "cubic", "quartic")
_ROUND = 1e-9  # a polynomial contrast is multiplied up to whole numbers of at most this error
_MOST = 2000  # the largest of those


def contrast_rows(
    method: Any, labels: Sequence[str], *, reference: Any = None, ratio: bool = False
) -> tuple[tuple[str, ...], FloatArray]:
    """Names and weights (c, k) of contrasts of k means.

    Parameters
    ----------
    method : str or mapping of name to weights
        Weights are a sequence of k, or a mapping of a mean's label to its weight.
    labels : sequence of str
        Of the k means.
    reference : optional
        Label of the control; the first mean if None.
    ratio : bool
        Whether names of differences read "a / b".

    Raises
    ------
    InputError
        Another method, too few means, an unknown label or weights of another length.

    Examples
    --------
    >>> contrast_rows("control", ["usual", "new", "newer"])[0]
    ('new - usual', 'newer - usual')
    >>> contrast_rows({"mean of two": {"new": 0.5, "newer": 0.5}}, ["usual", "new", "newer"])[1]
    array([[0. , 0.5, 0.5]])
    """
    if isinstance(method, Mapping):
        return _given(method, labels)
    if not isinstance(method, str) or method not in get_args(Method):
        meant = _ELSEWHERE.get(method) if isinstance(method, str) else None
        hint = f"; {method!r} is {meant!r} here" if meant else ""
        raise InputError(
            f"contrast method={method!r}; allowed: {', '.join(get_args(Method))}, or a mapping of "
            f"names to weights{hint}"
        )
    count = len(labels)
    if count < 2:
        raise InputError("one cell has no pairs; name a factor with two levels or more")
    if method == "effects":
        return tuple(f"{a} effect" for a in labels), np.eye(count) - 1.0 / count
    if method == "polynomial":
        return _polynomial(count)
    if method == "pairwise":
        ends = list(combinations(range(count), 2))
    elif method == "reverse-pairwise":
        ends = [(j, i) for i, j in sorted(combinations(range(count), 2), key=lambda e: e[::-1])]
    elif method == "consecutive":
        ends = [(i + 1, i) for i in range(count - 1)]
    else:
        at = _place(reference, labels)
        ends = [(i, at) for i in range(count) if i != at]
    sign = "/" if ratio else "-"
    names = tuple(f"{labels[i]} {sign} {labels[j]}" for i, j in ends)
    unit = np.eye(count)
    return names, np.stack([unit[i] - unit[j] for i, j in ends])


def _place(reference: Any, labels: Sequence[str]) -> int:
    if reference is None:
        return 0
    if str(reference) not in labels:
        raise InputError(f"reference={reference!r} is none of the means: {', '.join(labels)}")
    return list(labels).index(str(reference))


def _polynomial(count: int) -> tuple[tuple[str, ...], FloatArray]:
    """Orthogonal polynomials over equally spaced levels, in the smallest whole numbers."""
    most = min(count - 1, len(_DEGREES))
    powers = np.vander(np.arange(count) - (count - 1) / 2.0, most + 1, increasing=True)
    basis = np.linalg.qr(powers)[0][:, 1:].T
    rows = []
    for row in basis * np.sign(basis[:, -1:]):
        first = row / np.abs(row[np.abs(row) > _ROUND]).min()
        scale = next(
            (
                m
                for m in range(1, _MOST)
                if np.abs(m * first - np.round(m * first)).max() < _ROUND * m
            ),
            1,
        )
        rows.append(np.round(scale * first))
    return _DEGREES[:most], np.array(rows)


def _given(weights: Mapping[Any, Any], labels: Sequence[str]) -> tuple[tuple[str, ...], FloatArray]:
    if not weights:
        raise InputError("contrast: the mapping is empty; give a name and its weights")
    rows = []
    for name, given in weights.items():
        if isinstance(given, Mapping):
            strange = [str(label) for label in given if str(label) not in labels]
            if strange:
                raise InputError(
                    f"contrast {name!r}: no mean {', '.join(strange)}; there are: "
                    f"{', '.join(labels)}"
                )
            found = {str(label): weight for label, weight in given.items()}
            row = real_array([found.get(label, 0.0) for label in labels], f"contrast {name!r}")
        else:
            row = real_array(given, f"contrast {name!r}")
        if row.shape != (len(labels),) or not row.any():
            raise InputError(
                f"contrast {name!r}: found {row.tolist()}; {len(labels)} weights are needed, not "
                f"all 0, for {', '.join(labels)}"
            )
        rows.append(row)
    return tuple(map(str, weights)), np.stack(rows)
