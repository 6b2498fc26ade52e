"""`glmm`: mixed models of counts, by lme4's formula language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from retrostats.common.errors import InputError, NotIdentified
from retrostats.common.habits import MIXED, formula_first
from retrostats.models.counts.design import CountDesign
from retrostats.models.counts.estimates import estimated
from retrostats.models.counts.family import Array, Binomial, Family, NegativeBinomial, Poisson
from retrostats.models.counts.model import Model
from retrostats.models.counts.random_effects import RandomPart
from retrostats.models.counts.result import GlmmFit
from retrostats.models.linear.formula.quoted import name_of, quoted

_WORD = r"([^\W\d_][\w.]*|`[^`]+`)"
_CBIND = re.compile(rf"\s*cbind\(\s*{_WORD}\s*,\s*{_WORD}\s*(?:-\s*{_WORD}\s*)?\)\s*~")
#: What other packages call the options of `glmm`.
GENERALISED = {
    **{name: use for name, use in MIXED.items() if "reml" not in use and name != "family"},
    "nAGQ": "n_agq=",
    "offset": "exposure=, a column above 0, or offset(x) in the formula",
    "weights": "trials=, a column, or cbind(events, size - events) in the formula",
}
FAMILIES = ("poisson", "binomial", "negative-binomial")
_LARGEST = 1e7


@formula_first('glmm("events ~ arm + (1 | team)", rows, family="poisson")', GENERALISED)
def glmm(
    formula: str,
    data: Any,
    *,
    family: str = "poisson",
    exposure: str | None = None,
    trials: str | None = None,
    n_agq: int = 1,
    overdispersion: str | None = None,
    penalty: str | None = None,
) -> GlmmFit:
    """Fit a Poisson, binomial or negative-binomial mixed model by maximum likelihood.

    Parameters
    ----------
    formula
        lme4's language, as in `lmm`; binomial outcomes as "cbind(events, size - events) ~ ..."
        or the column of events with `trials`.
    data
        DataFrame, or a cohort.
    family
        "poisson" (log link), "binomial" (logit link) or "negative-binomial" (log link, variance
        mu + alpha mu^2 with alpha estimated).
    exposure
        Column of exposure above 0; its logarithm is added with coefficient 1.
    trials
        Column with the number of trials.
    n_agq
        1 for Laplace; more nodes of adaptive Gauss-Hermite with one scalar random term.
    overdispersion
        "observation" adds a random intercept of every row (Poisson and binomial); see also
        `GlmmFit.overdispersion` and the negative binomial.
    penalty
        "firth" adds half the log determinant of the information of the fixed effects (Poisson and
        binomial): estimates are finite where counts separate.

    Raises
    ------
    InputError
        Counts that are negative or not whole, exposure not above 0, an unusable formula.
    NotIdentified
        More crossed levels than memory holds.
    NotConverged
        No stationary point was found.

    References
    ----------
    Bates, Maechler, Bolker and Walker (2015), Journal of Statistical Software 67(1);
    docs/mathematics.md, section 12.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"team": list("aabbccdd"), "arm": ["usual", "warm-up"] * 4,
    ...                      "injuries": [9, 5, 12, 7, 6, 2, 15, 9], "hours": [100.0] * 8})
    >>> fit = glmm("injuries ~ arm + (1 | team)", rows, exposure="hours")
    >>> round(float(fit.ratios()["ratio"].iloc[0]), 3)
    0.548
    """
    import pandas as pd

    from retrostats.models.linear.formula.columns import complete_columns, numeric
    from retrostats.models.linear.formula.design import fixed_design, offset_values, random_design
    from retrostats.models.linear.formula.expressions import evaluate
    from retrostats.models.linear.formula.formula import parse_formula

    frame = getattr(data, "frame", data)
    if not isinstance(frame, pd.DataFrame):
        raise InputError(f"data is a {type(frame).__name__}; a DataFrame or a cohort is needed")
    for option, name in (("exposure", exposure), ("trials", trials)):
        if not (name is None or isinstance(name, str)):
            raise InputError(f"{option}={name!r}; the name of a column is needed")
    if isinstance(n_agq, bool) or not isinstance(n_agq, int) or not 1 <= n_agq <= 100:
        raise InputError(f"n_agq={n_agq!r}; allowed: 1 (Laplace) to 100 nodes")
    text, trials, complement = _outcome(formula, family, trials)
    parsed = parse_formula(text)
    beside = tuple((quoted(name),) for name in (exposure, trials, complement) if name)
    columns, kept = complete_columns(frame, replace(parsed, fixed=(*parsed.fixed, *beside)))
    dropped = 0 if kept is None else int((~kept).sum())
    y = np.asarray(evaluate(parsed.outcome, numeric(columns)), dtype=float)
    _whole(y, parsed.outcome)
    if not y.any() and penalty is None:
        raise NotIdentified(
            f"column {parsed.outcome!r}: no event in any row, so the rate is 0 and its log "
            "cannot be estimated; penalty='firth' gives a finite estimate"
        )
    n = len(y)
    matrix, terms = fixed_design(parsed, columns, n)
    x = np.asarray(matrix, dtype=np.float64)
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise InputError(f"formula {formula!r}: a fixed effect repeats others; leave one out")
    designs = [random_design(term, columns, n) for term in parsed.random]
    parts = tuple(
        RandomPart(d.group, d.effects, np.asarray(d.values, float), d.levels, d.n_levels)
        for d in designs
    )
    if overdispersion is not None:
        parts = (*parts, _observation(overdispersion, family, n))
    if n_agq > 1 and (len(parts) != 1 or len(parts[0].effects) != 1):
        raise InputError(
            f"n_agq={n_agq} needs one scalar random term, as (1 | group); use n_agq=1 (Laplace)"
        )
    given = offset_values(parsed, columns, n)
    offset = np.zeros(n) if given is None else np.asarray(given, float)
    if exposure:
        amount = _number_column(columns, exposure)
        if not (amount > 0).all():
            raise InputError(f"column {exposure!r}: exposure must be above 0 in every row")
        offset = offset + np.log(amount)
    size = None
    if trials:
        size = _number_column(columns, trials)
    elif complement:
        size = y + _number_column(columns, complement)
    if penalty not in (None, "firth") or (penalty and family == "negative-binomial"):
        raise InputError(
            f"penalty={penalty!r} with family={family!r}; allowed: 'firth' with poisson or binomial"
        )
    counts = _family(family, y, size)
    model = Model(counts, x, offset, parts, n_agq, x if penalty else None)
    index = frame.index if kept is None else frame.index[kept]
    design = CountDesign(parsed, columns, tuple(designs), exposure or "", size, index)
    return GlmmFit(
        formula=formula,
        family=family,
        terms=terms,
        n_dropped=dropped,
        design=design,
        **estimated(formula, model, terms),
    )


def _family(name: str, y: Array, size: Array | None) -> Family:
    if name == "poisson":
        return Poisson(y)
    if name == "negative-binomial":
        if y.max(initial=0.0) > _LARGEST:
            raise InputError(
                f"a count of {y.max():g} is too large for the negative binomial (at most "
                f"{_LARGEST:g}); model its logarithm with lmm"
            )
        return NegativeBinomial(y)
    if name != "binomial":
        raise InputError(f"family={name!r}; allowed: {', '.join(FAMILIES)}")
    size = np.ones_like(y) if size is None else size
    _whole(size, "trials")
    if (y > size).any():
        row = int(np.argmax(y > size))
        raise InputError(
            f"row {row}: {y[row]:g} events in {size[row]:g} trials; check both columns"
        )
    return Binomial(y, size)


def _observation(kind: str, family: str, n: int) -> RandomPart:
    """A random intercept of every row."""
    if kind != "observation" or family == "negative-binomial":
        raise InputError(
            f"overdispersion={kind!r} with family={family!r}; allowed: 'observation' with poisson "
            "or binomial (the negative binomial has a dispersion already)"
        )
    return RandomPart("observation", ("(Intercept)",), np.ones((n, 1)), np.arange(n), n)


def _number_column(columns: Mapping[str, Any], name: str) -> Array:
    """A column beside those of the formula, as numbers."""
    from retrostats.models.linear.formula.columns import numeric

    found = numeric(columns)
    if name not in found:
        raise InputError(f"column {name!r} holds no numbers; exposure and trials are numbers")
    return np.asarray(found[name], float)


def _whole(y: Array, name: str) -> None:
    bad = np.flatnonzero((y < 0) | (y != np.round(y)))
    if bad.size:
        raise InputError(
            f"column {name!r}, row {bad[0]}: found {y[bad[0]]:g}; counts are whole and not negative"
        )


def _outcome(formula: str, family: str, trials: str | None) -> tuple[str, str | None, str | None]:
    """The formula with plain events on its left, and the columns of trials or non-events."""
    match = _CBIND.match(formula) if isinstance(formula, str) else None
    if not match:
        return formula, trials, None
    events, second, subtracted = match.groups()
    if family != "binomial" or trials or (subtracted and subtracted != events):
        raise InputError(
            f"formula {formula!r}: cbind(events, size - events) is for family='binomial' "
            "without trials="
        )
    rest = f"{events} ~" + formula[match.end() :]
    second = name_of(second)
    return (rest, second, None) if subtracted else (rest, None, second)
