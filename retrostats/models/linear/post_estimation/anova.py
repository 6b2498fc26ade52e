"""F tests of the terms of a model: type I, II and III."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from retrostats.common.errors import InputError
from retrostats.models.linear.formula.columns import FloatArray, IntArray
from retrostats.models.linear.formula.design import is_factor, model_blocks
from retrostats.models.linear.formula.formula import Term
from retrostats.models.linear.post_estimation.contrasts import contrast

if TYPE_CHECKING:
    from retrostats.models.linear.linear_fit import LinearFit

_ZERO = 1e-10  # weights of a hypothesis below this share of the largest are rounding


def anova(fit: LinearFit, kind: str = "III") -> pd.DataFrame:
    """F test of every term of the fixed effects.

    Parameters
    ----------
    fit : LinearFit
    kind : {"I", "II", "III"}
        Each term after those before it; after all that do not contain it; or all others kept, with
        factors coded to sum to zero whatever the coding of the fit (a factor beside an interaction
        with a number is then tested where the number is 0).

    Returns
    -------
    DataFrame
        term, num_df, den_df, statistic, p_value, scaling.

    Raises
    ------
    InputError
        Another kind, or a model with nothing but an intercept.

    References
    ----------
    Kuznetsova, Brockhoff and Christensen (2017), Journal of Statistical Software 82(13), section 2;
    Kenward and Roger (1997), Biometrics 53:983, for the F.

    Examples
    --------
    >>> from retrostats.models.linear.fit import lmm
    >>> rows = pd.DataFrame({"subject": list("aabbccdd"), "time": ["pre", "post"] * 4,
    ...                      "y": [5.0, 6.0, 4.0, 5.5, 6.0, 6.2, 5.1, 5.9]})
    >>> anova(lmm("y ~ time + (1 | subject)", rows)).round(3)[["term", "num_df", "den_df"]]
       term  num_df  den_df
    0  time       1     3.0
    """
    if not isinstance(kind, str) or kind not in ("I", "II", "III"):
        shown = repr(kind) if isinstance(kind, str) else f"a {type(kind).__name__}"
        raise InputError(f"kind={shown}; allowed: I, II, III")
    terms = [term for term in fit.model.formula.fixed if term]
    if not terms:
        raise InputError(f"{fit.formula!r} has an intercept only; there is no term to test")
    parts = []
    for term in terms:
        if kind == "III":
            hypothesis = _sum_to_zero(fit, term)
        else:
            hypothesis = _adjusted(fit, term, marginal=kind == "II")
        parts.append(contrast(fit, hypothesis))
    out = pd.concat(parts, ignore_index=True)
    out.insert(0, "term", [":".join(term) for term in terms])
    return out


def places_of(fit: LinearFit) -> dict[Term, IntArray]:
    """The coefficients of each term."""
    sizes = [block.shape[1] for block in _blocks(fit)]
    ends = np.cumsum([0, *sizes])
    terms = fit.model.formula.fixed
    return {term: np.arange(ends[i], ends[i + 1]) for i, term in enumerate(terms)}


def _blocks(fit: LinearFit, coding: str | None = None) -> list[FloatArray]:
    """The columns of each term, rows weighted by what they stand for."""
    weight = fit.model.weight if fit.model.precision is None else fit.model.precision
    root = np.sqrt(weight)[:, None]
    terms, columns = fit.model.formula.fixed, fit.model.columns
    blocks = model_blocks(terms, columns, len(weight), coding=coding)
    return [root * matrix for matrix, _ in blocks]


def _sum_to_zero(fit: LinearFit, term: Term) -> FloatArray:
    """The term's coefficients were factors coded to sum to zero, as combinations of the fit's."""
    terms = fit.model.formula.fixed
    coded = _blocks(fit, "sum")
    x, other = np.hstack(_blocks(fit)), np.hstack(coded)
    change = np.linalg.lstsq(other, x, rcond=None)[0]
    ends = np.cumsum([0, *(block.shape[1] for block in coded)])
    at = terms.index(term)
    rows = change[ends[at] : ends[at + 1]]
    return np.where(np.abs(rows) > _ZERO * np.abs(change).max(), rows, 0.0)


def _adjusted(fit: LinearFit, term: Term, *, marginal: bool) -> FloatArray:
    """The term after those before it, or after all that do not contain it.

    Rows of the triangular factor of X'X, its columns in the order of adjustment.
    """
    terms = fit.model.formula.fixed
    at = terms.index(term)
    order = list(range(len(terms)))
    if marginal:
        containing = [i for i in order if _contains(fit, terms[i], term)]
        rest = [i for i in order if i not in containing and i != at]
        order = [*rest, at, *containing]
    blocks = _blocks(fit)
    ends = np.cumsum([0, *(block.shape[1] for block in blocks)])
    places = [np.arange(ends[i], ends[i + 1]) for i in order]
    moved = np.concatenate(places)
    upper = np.linalg.qr(np.hstack(blocks)[:, moved], mode="r")
    first = int(sum(len(p) for p in places[: order.index(at)]))
    out = np.zeros((blocks[at].shape[1], int(ends[-1])))
    out[:, moved] = upper[first : first + blocks[at].shape[1]]
    return np.where(np.abs(out) > _ZERO * np.abs(out).max(), out, 0.0)


def _contains(fit: LinearFit, larger: Term, smaller: Term) -> bool:
    """Whether a term has the same numbers as another and its factors among more."""
    columns = fit.model.columns
    parts = [
        ({c for c in t if is_factor(c, columns)}, {c for c in t if not is_factor(c, columns)})
        for t in (larger, smaller)
    ]
    return parts[0][1] == parts[1][1] and parts[0][0] > parts[1][0]
