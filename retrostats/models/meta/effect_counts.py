"""Effect sizes of events: people who had one, or events in an exposure, and their variances.

Formulas as in the documentation of metafor's `escalc` and its sources: Fleiss and Berlin (2009)
in the Handbook of Research Synthesis and Meta-Analysis; Yusuf and others (1985), Progress in
Cardiovascular Diseases 27:335; Ruecker and others (2009), Statistics in Medicine 28:721; Bagos and
Nikolopoulos (2009), International Journal of Biostatistics 5(1); Freeman and Tukey (1950), Annals
of Mathematical Statistics 21:607.
"""

from __future__ import annotations

import numpy as np

from retrostats.models.meta.effect_columns import Mask
from retrostats.models.meta.effect_means import Columns, Effect, Options
from retrostats.models.meta.heterogeneity import Array

#: Added to cells without events unless told.
CONTINUITY = 0.5


def _adding(empty: Mask, o: Options, default: float) -> Array:
    """What is added in each row (k,), by `to`; `empty` marks rows with a zero."""
    add = default if o.add is None else o.add
    if o.to == "none":
        return np.zeros(empty.shape)
    if o.to == "all" or (o.to == "if0all" and empty.any()):
        return np.full(empty.shape, add)
    return np.where(empty & (o.to == "only0"), add, 0.0)


def _table(c: Columns, o: Options, default: float = CONTINUITY) -> tuple[Array, ...]:
    """Cells of two groups (a, b of the first, c, d of the second), corrected for zeros."""
    cells = [c["events_1"], c["total_1"] - c["events_1"], c["events_2"],
             c["total_2"] - c["events_2"]]  # fmt: skip
    first, other, second, rest = cells
    add = _adding(np.any([cell == 0 for cell in cells], axis=0), o, default)
    if o.drop00:
        silent = ((first == 0) & (second == 0)) | ((other == 0) & (rest == 0))
        add = np.where(silent, np.nan, add)
    return tuple(cell + add for cell in cells)


def risk_ratio(c: Columns, o: Options) -> Effect:
    """RR, the log."""
    a, b, e, d = _table(c, o)
    return np.log(a / (a + b)) - np.log(e / (e + d)), 1 / a - 1 / (a + b) + 1 / e - 1 / (e + d)


def odds_ratio(c: Columns, o: Options) -> Effect:
    """OR, the log; Woolf's variance."""
    a, b, e, d = _table(c, o)
    return np.log(a / b) - np.log(e / d), 1 / a + 1 / b + 1 / e + 1 / d


def risk_difference(c: Columns, o: Options) -> Effect:
    """RD; vtype UB divides by n - 1."""
    a, b, e, d = _table(c, o)
    less = 1.0 if o.vtype == "UB" else 0.0
    n_1, n_2 = a + b, e + d
    p_1, p_2 = a / n_1, e / n_2
    return p_1 - p_2, p_1 * (1 - p_1) / (n_1 - less) + p_2 * (1 - p_2) / (n_2 - less)


def arcsine_difference(c: Columns, o: Options) -> Effect:
    """AS, the difference of arcsine roots; Ruecker and others (2009)."""
    a, b, e, d = _table(c, o, 0.0)
    n_1, n_2 = a + b, e + d
    return np.arcsin(np.sqrt(a / n_1)) - np.arcsin(np.sqrt(e / n_2)), 1 / (4 * n_1) + 1 / (4 * n_2)


def peto(c: Columns, o: Options) -> Effect:
    """PETO, the log odds ratio by observed less expected events; Yusuf and others (1985)."""
    a, b, e, d = _table(c, o)
    n_1, n_2 = a + b, e + d
    total, events = n_1 + n_2, a + e
    v = events * (b + d) / total * (n_1 / total) * (n_2 / (total - 1))
    return (a - events * n_1 / total) / v, 1 / v


def _events(c: Columns, o: Options, default: float = CONTINUITY) -> tuple[Array, Array]:
    """Events of two groups with exposure, corrected for zeros."""
    one, two = c["events_1"], c["events_2"]
    add = _adding((one == 0) | (two == 0), o, default)
    if o.drop00:
        add = np.where((one == 0) & (two == 0), np.nan, add)
    return one + add, two + add


def rate_ratio(c: Columns, o: Options) -> Effect:
    """IRR, the log."""
    one, two = _events(c, o)
    return np.log(one / c["total_1"]) - np.log(two / c["total_2"]), 1 / one + 1 / two


def rate_difference(c: Columns, o: Options) -> Effect:
    """IRD."""
    one, two = _events(c, o)
    y = one / c["total_1"] - two / c["total_2"]
    return y, one / c["total_1"] ** 2 + two / c["total_2"] ** 2


def root_rate_difference(c: Columns, o: Options) -> Effect:
    """IRSD, of square roots; Bagos and Nikolopoulos (2009)."""
    one, two = _events(c, o, 0.0)
    y = np.sqrt(one / c["total_1"]) - np.sqrt(two / c["total_2"])
    return y, 1 / (4 * c["total_1"]) + 1 / (4 * c["total_2"])


def _group(c: Columns, o: Options, default: float = CONTINUITY) -> tuple[Array, Array]:
    """People with and without an event in one group, corrected for zeros."""
    with_, without = c["events"], c["total"] - c["events"]
    add = _adding((with_ == 0) | (without == 0), o, default)
    return with_ + add, without + add


def proportion(c: Columns, o: Options) -> Effect:
    """PR; vtype UB divides by n - 1."""
    x, m = _group(c, o)
    p = x / (x + m)
    return p, p * (1 - p) / (x + m - (1.0 if o.vtype == "UB" else 0.0))


def log_proportion(c: Columns, o: Options) -> Effect:
    """PLN."""
    x, m = _group(c, o)
    return np.log(x / (x + m)), 1 / x - 1 / (x + m)


def logit_proportion(c: Columns, o: Options) -> Effect:
    """PLO."""
    x, m = _group(c, o)
    return np.log(x / m), 1 / x + 1 / m


def arcsine_proportion(c: Columns, o: Options) -> Effect:
    """PAS."""
    x, m = _group(c, o, 0.0)
    return np.arcsin(np.sqrt(x / (x + m))), 1 / (4 * (x + m))


def double_arcsine(c: Columns, o: Options) -> Effect:
    """PFT; Freeman and Tukey (1950)."""
    x, m = _group(c, o, 0.0)
    n = x + m
    y = (np.arcsin(np.sqrt(x / (n + 1))) + np.arcsin(np.sqrt((x + 1) / (n + 1)))) / 2
    return y, 1 / (4 * n + 2)


def _rate_events(c: Columns, o: Options, default: float = CONTINUITY) -> Array:
    return c["events"] + _adding(c["events"] == 0, o, default)


def rate(c: Columns, o: Options) -> Effect:
    """IR."""
    x = _rate_events(c, o)
    return x / c["total"], x / c["total"] ** 2


def log_rate(c: Columns, o: Options) -> Effect:
    """IRLN."""
    x = _rate_events(c, o)
    return np.log(x / c["total"]), 1 / x


def root_rate(c: Columns, o: Options) -> Effect:
    """IRS."""
    x = _rate_events(c, o, 0.0)
    return np.sqrt(x / c["total"]), 1 / (4 * c["total"])


def freeman_tukey_rate(c: Columns, o: Options) -> Effect:
    """IRFT; Freeman and Tukey (1950)."""
    x = _rate_events(c, o, 0.0)
    return (np.sqrt(x / c["total"]) + np.sqrt((x + 1) / c["total"])) / 2, 1 / (4 * c["total"])
