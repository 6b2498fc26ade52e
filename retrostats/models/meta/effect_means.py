"""Effect sizes of means, standard deviations and correlations, with their sampling variances.

Formulas as in the documentation of metafor's `escalc` and its sources: Borenstein (2009) in the
Handbook of Research Synthesis and Meta-Analysis; Hedges (1981), Journal of Educational Statistics
6:107; Hedges, Gurevitch and Curtis (1999), Ecology 80:1150; Becker (1988), British Journal of
Mathematical and Statistical Psychology 41:257; Bonett (2008), Psychological Methods 13:99;
Cousineau (2020), The Quantitative Methods for Psychology 16:418; Lajeunesse (2011), Ecology
92:2049, and (2015), Ecology 96:2056; Nakagawa and others (2015), Methods in Ecology and Evolution
6:143; Senior, Viechtbauer and Nakagawa (2020), Research Synthesis Methods 11:553.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from retrostats.models.meta.heterogeneity import Array

Columns = Mapping[str, Array]
Effect = tuple[Array, Array]


@dataclass(frozen=True, slots=True)
class Options:
    """How an effect size is computed; see `escalc`."""

    add: float | None = None
    to: str = "only0"
    drop00: bool = False
    vtype: str = "LS"
    correct: bool | None = None

    @property
    def corrected(self) -> bool:
        """Whether standardised effects are corrected for their bias."""
        return self.correct is not False


def bias_factor(df: Array) -> Array:
    """Hedges' (1981) exact factor of a standardised difference on df degrees of freedom.

    Examples
    --------
    >>> bias_factor(np.array([18.0])).round(4)
    array([0.9576])
    """
    from scipy.special import gammaln

    safe = np.where(df > 1, df, np.nan)
    return np.asarray(np.exp(gammaln(safe / 2) - np.log(safe / 2) / 2 - gammaln((safe - 1) / 2)))


def _factor(df: Array, o: Options) -> Array:
    return bias_factor(df) if o.corrected else np.ones_like(df)


def _mean_variance(c: Columns, arm: str) -> Array:
    """Sampling variance of a mean; of one converted from a median that of the conversion."""
    plain = c[f"sd{arm}"] ** 2 / c[f"n{arm}"]
    error = c.get(f"mean_se{arm}")
    return plain if error is None else np.where(np.isnan(error), plain, error**2)


def pooled_sd(c: Columns) -> Array:
    """Standard deviation within two groups, weighted by their degrees of freedom."""
    df_1, df_2 = c["n_1"] - 1, c["n_2"] - 1
    total = df_1 * c["sd_1"] ** 2 + df_2 * c["sd_2"] ** 2
    return np.asarray(np.sqrt(total / (df_1 + df_2)))


def mean_difference(c: Columns, o: Options) -> Effect:
    """MD. Borenstein (2009), equations 12.5 (LS) and 12.3 (HO)."""
    if o.vtype == "HO":
        v = pooled_sd(c) ** 2 * (1 / c["n_1"] + 1 / c["n_2"])
    else:
        v = _mean_variance(c, "_1") + _mean_variance(c, "_2")
    return c["mean_1"] - c["mean_2"], v


def standardized(c: Columns, o: Options) -> Effect:
    """SMD, Hedges' g with the exact factor; Hedges (1982), equation 8, for its variance (LS)."""
    n_1, n_2 = c["n_1"], c["n_2"]
    df = n_1 + n_2 - 2
    factor = _factor(df, o)
    g = factor * (c["mean_1"] - c["mean_2"]) / pooled_sd(c)
    null = 1 / n_1 + 1 / n_2
    if o.vtype == "LS2":  # Borenstein (2009), equation 12.17
        return g, factor**2 * (null + (g / factor) ** 2 / (2 * (n_1 + n_2)))
    if o.vtype == "UB":  # Hedges (1983), equation 9
        return g, null + (1 - (df - 2) / (df * bias_factor(df) ** 2)) * g**2
    square = g**2
    if o.vtype == "AV":
        known = ~np.isnan(g)
        weights = (n_1 + n_2)[known]
        square = np.full_like(g, np.sum(weights * g[known]) / np.sum(weights)) ** 2
    plain = null + square / (2 * (n_1 + n_2))
    return g, _with_conversion(c, g, plain)


def _with_conversion(c: Columns, g: Array, plain: Array) -> Array:
    """Variance of g where means and SDs were converted from medians: delta method.

    var g = (var m1 + var m2) / s^2 + g^2 var(s) / s^2, with var(s) / s^2 of the pooled SD the
    squares of each arm's share of the pooled variance times its own.
    """
    if "mean_se_1" not in c and "mean_se_2" not in c:
        return plain
    pooled = pooled_sd(c)
    means, spread, converted = np.zeros_like(g), np.zeros_like(g), np.zeros(g.shape, dtype=bool)
    for arm in ("_1", "_2"):
        df, sd = c[f"n{arm}"] - 1, c[f"sd{arm}"]
        share = df * sd**2 / ((c["n_1"] + c["n_2"] - 2) * pooled**2)
        error = c.get(f"sd_se{arm}", np.full_like(g, np.nan))
        relative = np.where(np.isnan(error), 1 / (2 * df), (error / sd) ** 2)
        means += _mean_variance(c, arm)
        spread += share**2 * relative
        converted |= ~np.isnan(error)
    return np.where(converted, means / pooled**2 + g**2 * spread, plain)


def standardized_unequal(c: Columns, o: Options) -> Effect:
    """SMDH, by the root of the mean of both variances; Bonett (2008), equation 8."""
    one, two = c["sd_1"] ** 2, c["sd_2"] ** 2
    df_1, df_2 = c["n_1"] - 1, c["n_2"] - 1
    mean = (one + two) / 2
    g = _factor(df_1 + df_2, o) * (c["mean_1"] - c["mean_2"]) / np.sqrt(mean)
    v = g**2 * (one**2 / df_1 + two**2 / df_2) / (8 * mean**2) + (one / df_1 + two / df_2) / mean
    return g, v


def standardized_by_second(c: Columns, o: Options) -> Effect:
    """SMD1, Glass's delta: by the standard deviation of the second group."""
    g = _factor(c["n_2"] - 1, o) * (c["mean_1"] - c["mean_2"]) / c["sd_2"]
    return g, 1 / c["n_1"] + 1 / c["n_2"] + g**2 / (2 * c["n_2"])


def ratio_of_means(c: Columns, o: Options) -> Effect:
    """ROM, the log ratio; Hedges and others (1999), equation 1. Correction: Lajeunesse (2015)."""
    y = np.log(c["mean_1"] / c["mean_2"])
    square_1 = _mean_variance(c, "_1") / c["mean_1"] ** 2
    square_2 = _mean_variance(c, "_2") / c["mean_2"] ** 2
    if o.correct:  # equation 8
        y = y + (square_1 - square_2) / 2
    if o.vtype == "HO":
        scaled = 1 / (c["n_1"] * c["mean_1"] ** 2) + 1 / (c["n_2"] * c["mean_2"] ** 2)
        return y, pooled_sd(c) ** 2 * scaled
    return y, square_1 + square_2


def ratio_of_sds(c: Columns, _: Options) -> Effect:
    """VR, the log ratio of standard deviations; Nakagawa and others (2015)."""
    half_1, half_2 = 1 / (2 * (c["n_1"] - 1)), 1 / (2 * (c["n_2"] - 1))
    return np.log(c["sd_1"] / c["sd_2"]) + half_1 - half_2, half_1 + half_2


def ratio_of_cvs(c: Columns, o: Options) -> Effect:
    """CVR, the log ratio of coefficients of variation; Nakagawa and others (2015)."""
    spread, v = ratio_of_sds(c, o)
    plain = Options()
    level, v_level = ratio_of_means(c, plain)
    return spread - level, v + v_level


def _change_sd(c: Columns) -> Array:
    given = c.get("sd_change")
    one, two = c["sd_1"], c["sd_2"]
    made = np.sqrt(one**2 + two**2 - 2 * c["r"] * one * two)
    return made if given is None else np.where(np.isnan(given), made, given)


def _change(c: Columns) -> Array:
    given, made = c.get("mean_change"), c["mean_1"] - c["mean_2"]
    return made if given is None else np.where(np.isnan(given), made, given)


def mean_change(c: Columns, _: Options) -> Effect:
    """MC, of pairs; Borenstein (2009)."""
    return _change(c), _change_sd(c) ** 2 / c["n"]


def change_by_change_sd(c: Columns, o: Options) -> Effect:
    """SMCC, by the standard deviation of changes; Gibbons, Hedeker and Davis (1993)."""
    factor = _factor(c["n"] - 1, o)
    d = _change(c) / _change_sd(c)
    if o.vtype == "LS2":
        return factor * d, factor**2 * (1 / c["n"] + d**2 / (2 * c["n"]))
    return factor * d, 1 / c["n"] + (factor * d) ** 2 / (2 * c["n"])


def change_by_first_sd(c: Columns, o: Options) -> Effect:
    """SMCR, by the standard deviation of the first occasion; Becker (1988)."""
    n = c["n"]
    factor = _factor(n - 1, o)
    d = _change(c) / c["sd_1"]
    null = 2 * (1 - c["r"]) / n
    if o.vtype == "LS2":
        return factor * d, factor**2 * (null + d**2 / (2 * n))
    return factor * d, null + (factor * d) ** 2 / (2 * n)


def change_by_first_sd_unequal(c: Columns, o: Options) -> Effect:
    """SMCRH, the same with unequal variances; Bonett (2008), equation 13."""
    n = c["n"] if o.vtype == "LS2" else c["n"] - 1
    g = _factor(c["n"] - 1, o) * _change(c) / c["sd_1"]
    return g, _change_sd(c) ** 2 / (c["sd_1"] ** 2 * n) + g**2 / (2 * n)


def _by_mean_variance(c: Columns, o: Options) -> tuple[Array, Array]:
    """The change by the root of the mean of both variances, and that mean."""
    mean = (c["sd_1"] ** 2 + c["sd_2"] ** 2) / 2
    df = 2 * (c["n"] - 1) / (1 + c["r"] ** 2)
    return _factor(df, o) * _change(c) / np.sqrt(mean), mean


def change_by_pooled_sd(c: Columns, o: Options) -> Effect:
    """SMCRP; Cousineau (2020)."""
    g, _ = _by_mean_variance(c, o)
    return g, 2 * (1 - c["r"]) / c["n"] + g**2 * (1 + c["r"] ** 2) / (4 * c["n"])


def change_by_pooled_sd_unequal(c: Columns, o: Options) -> Effect:
    """SMCRPH, the same with unequal variances; Bonett (2008), equation 10."""
    g, mean = _by_mean_variance(c, o)
    n = c["n"] if o.vtype == "LS2" else c["n"] - 1
    one, two = c["sd_1"] ** 2, c["sd_2"] ** 2
    fourth = one**2 + two**2 + 2 * c["r"] ** 2 * one * two
    return g, g**2 * fourth / (8 * mean**2 * n) + _change_sd(c) ** 2 / (mean * n)


def paired_ratio_of_means(c: Columns, o: Options) -> Effect:
    """ROMC, the log ratio of pairs; Lajeunesse (2011). Correction: Lajeunesse (2015)."""
    one, two = c["sd_1"] / c["mean_1"], c["sd_2"] / c["mean_2"]
    y = np.log(c["mean_1"] / c["mean_2"])
    if o.correct:
        y = y + (one**2 - two**2) / (2 * c["n"])
    return y, (one**2 + two**2 - 2 * c["r"] * one * two) / c["n"]


def paired_ratio_of_sds(c: Columns, _: Options) -> Effect:
    """VRC, of pairs; Senior and others (2020)."""
    return np.log(c["sd_1"] / c["sd_2"]), (1 - c["r"] ** 2) / (c["n"] - 1)


def paired_ratio_of_cvs(c: Columns, o: Options) -> Effect:
    """CVRC, of pairs; Senior and others (2020)."""
    spread, v = paired_ratio_of_sds(c, o)
    level, v_level = paired_ratio_of_means(c, Options())
    return spread - level, v + v_level


def _arm_change(c: Columns, arm: str) -> dict[str, Array]:
    """An arm's columns as those of pairs, after against before: 1 is before, 2 is after."""
    from_to = {"n": "n", "mean_1": "mean_pre", "sd_1": "sd_pre", "mean_2": "mean_post",
               "sd_2": "sd_post", "r": "r", "sd_change": "sd_change"}  # fmt: skip
    found = {new: c[f"{old}{arm}"] for new, old in from_to.items() if f"{old}{arm}" in c}
    if f"mean_change{arm}" in c:
        found["mean_change"] = -c[f"mean_change{arm}"]
    return found


def difference_in_change(c: Columns, o: Options) -> Effect:
    """MCD: the change (after less before) of the first arm less that of the second."""
    (y_1, v_1), (y_2, v_2) = (mean_change(_arm_change(c, arm), o) for arm in ("_1", "_2"))
    return y_2 - y_1, v_1 + v_2


def standardized_difference_in_change(c: Columns, o: Options) -> Effect:
    """SMCD: the same of changes by each arm's own SD before; Becker (1988)."""
    (y_1, v_1), (y_2, v_2) = (change_by_first_sd(_arm_change(c, arm), o) for arm in ("_1", "_2"))
    return y_2 - y_1, v_1 + v_2


def mean(c: Columns, _: Options) -> Effect:
    """MN."""
    return c["mean"], _mean_variance(c, "")


def log_mean(c: Columns, _: Options) -> Effect:
    """MNLN."""
    return np.log(c["mean"]), _mean_variance(c, "") / c["mean"] ** 2


def log_sd(c: Columns, _: Options) -> Effect:
    """SDLN; Nakagawa and others (2015)."""
    half = 1 / (2 * (c["n"] - 1))
    return np.log(c["sd"]) + half, half


def log_cv(c: Columns, _: Options) -> Effect:
    """CVLN; Nakagawa and others (2015), equation 27 without its last term."""
    half = 1 / (2 * (c["n"] - 1))
    return np.log(c["sd"] / c["mean"]) + half, half + c["sd"] ** 2 / (c["n"] * c["mean"] ** 2)


def correlation(c: Columns, _: Options) -> Effect:
    """COR; Borenstein (2009), equation 12.27."""
    return c["r"], (1 - c["r"] ** 2) ** 2 / (c["n"] - 1)


def fisher_z(c: Columns, _: Options) -> Effect:
    """ZCOR; Fisher (1921), Borenstein (2009), equations 12.28 and 12.29."""
    return np.arctanh(c["r"]), 1 / (c["n"] - 3)
