"""The measures of `escalc`: their codes and words, the columns they need, what computes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from retrostats.common.errors import InputError
from retrostats.common.nearest import suggestion
from retrostats.models.meta import effect_counts as counts
from retrostats.models.meta import effect_means as means
from retrostats.models.meta.effect_means import Columns, Effect, Options

TWO_MEANS = ("n_1", "mean_1", "sd_1", "n_2", "mean_2", "sd_2")
_PAIR = ("n", "mean_1", "sd_1", "mean_2", "sd_2", "r")
_EVENTS = ("events_1", "total_1", "events_2", "total_2")
ONE_MEAN = ("n", "mean", "sd")
_CHANGES = (
    "n_1", "mean_pre_1", "sd_pre_1", "mean_post_1", "sd_post_1", "r_1",
    "n_2", "mean_pre_2", "sd_pre_2", "mean_post_2", "sd_post_2", "r_2",
)  # fmt: skip
_MEANS = ("mean_1", "mean_2")
_CHANGE = {"mean_change": _MEANS}
_CHANGE_SD = _CHANGE | {"sd_change": ("sd_1", "sd_2", "r")}
_ARMS_CHANGE = {f"mean_change{a}": (f"mean_pre{a}", f"mean_post{a}") for a in ("_1", "_2")}
_ARMS_SD = {f"sd_change{a}": (f"sd_pre{a}", f"sd_post{a}", f"r{a}") for a in ("_1", "_2")}
_PLAIN = ("LS",)


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure: its names, what computes it, the columns it needs and what they must be.

    `kind` is "people", "exposure", or "" for no counts; `scale` how the effect is printed: "plain",
    "log" for ratios, "fisher" for a correlation; `one_sign` names means whose ratio is taken;
    `least` columns of people with the fewest that do.
    """

    names: tuple[str, ...]
    compute: Callable[[Columns, Options], Effect] | None
    needs: tuple[str, ...]
    instead: Mapping[str, tuple[str, ...]] | None = None
    kind: str = ""
    scale: str = "plain"
    one_sign: tuple[str, ...] = ()
    least: tuple[tuple[str, ...], float] | None = None
    vtypes: tuple[str, ...] = _PLAIN


def _m(names: str, *rest: Any, **options: Any) -> Measure:
    return Measure(tuple(names.split("; ")), *rest, **options)


_BY_G = ("LS", "LS2", "UB", "AV")
_TWICE = ("LS", "LS2")
#: By metafor's codes; MCD, SMCD and HR have none there.
MEASURES: Mapping[str, Measure] = {
    "MD": _m("mean difference", means.mean_difference, TWO_MEANS, vtypes=("LS", "HO")),
    "SMD": _m("standardized mean difference; hedges g", means.standardized, TWO_MEANS,
              vtypes=_BY_G),
    "SMDH": _m("standardized mean difference, unequal variances", means.standardized_unequal,
               TWO_MEANS),
    "SMD1": _m("glass delta", means.standardized_by_second, TWO_MEANS),
    "ROM": _m("ratio of means; log ratio of means; log ratio; percent", means.ratio_of_means,
              TWO_MEANS, scale="log", one_sign=_MEANS, vtypes=("LS", "HO")),
    "VR": _m("ratio of standard deviations", means.ratio_of_sds,
             ("n_1", "sd_1", "n_2", "sd_2"), scale="log"),
    "CVR": _m("ratio of coefficients of variation", means.ratio_of_cvs, TWO_MEANS, scale="log",
              one_sign=_MEANS),
    "MC": _m("mean change; paired mean difference", means.mean_change, _PAIR, _CHANGE_SD),
    "SMCC": _m("standardized mean change", means.change_by_change_sd, _PAIR, _CHANGE_SD,
               least=(("n",), 3), vtypes=_TWICE),
    "SMCR": _m("standardized mean change, raw score", means.change_by_first_sd,
               ("n", "mean_1", "sd_1", "mean_2", "r"), _CHANGE, least=(("n",), 3), vtypes=_TWICE),
    "SMCRH": _m("standardized mean change, raw score, unequal variances",
                means.change_by_first_sd_unequal, _PAIR,
                _CHANGE | {"sd_change": ("sd_2", "r")}, least=(("n",), 3), vtypes=_TWICE),
    "SMCRP": _m("standardized mean change, pooled; paired standardized mean difference",
                means.change_by_pooled_sd, _PAIR, _CHANGE, least=(("n",), 3)),
    "SMCRPH": _m("standardized mean change, pooled, unequal variances",
                 means.change_by_pooled_sd_unequal, _PAIR, _CHANGE, least=(("n",), 3),
                 vtypes=_TWICE),
    "ROMC": _m("paired ratio of means", means.paired_ratio_of_means, _PAIR, scale="log",
               one_sign=_MEANS),
    "VRC": _m("paired ratio of standard deviations", means.paired_ratio_of_sds,
              ("n", "sd_1", "sd_2", "r"), scale="log"),
    "CVRC": _m("paired ratio of coefficients of variation", means.paired_ratio_of_cvs, _PAIR,
               scale="log", one_sign=_MEANS),
    "MN": _m("mean", means.mean, ONE_MEAN),
    "MNLN": _m("log mean", means.log_mean, ONE_MEAN, one_sign=("mean",), scale="log"),
    "SDLN": _m("log standard deviation", means.log_sd, ("n", "sd"), scale="log"),
    "CVLN": _m("log coefficient of variation", means.log_cv, ONE_MEAN, one_sign=("mean",),
               scale="log"),
    "COR": _m("correlation", means.correlation, ("n", "r")),
    "ZCOR": _m("fisher z; correlation, fisher z", means.fisher_z, ("n", "r"), least=(("n",), 4),
               scale="fisher"),
    "RR": _m("risk ratio; relative risk", counts.risk_ratio, _EVENTS, kind="people", scale="log"),
    "OR": _m("odds ratio", counts.odds_ratio, _EVENTS, kind="people", scale="log"),
    "RD": _m("risk difference", counts.risk_difference, _EVENTS, kind="people",
             vtypes=("LS", "UB")),
    "AS": _m("arcsine difference", counts.arcsine_difference, _EVENTS, kind="people"),
    "PETO": _m("peto odds ratio", counts.peto, _EVENTS, kind="people", scale="log"),
    "IRR": _m("rate ratio; incidence rate ratio", counts.rate_ratio, _EVENTS, kind="exposure",
              scale="log"),
    "IRD": _m("rate difference; incidence rate difference", counts.rate_difference, _EVENTS,
              kind="exposure"),
    "IRSD": _m("square root rate difference", counts.root_rate_difference, _EVENTS,
               kind="exposure"),
    "PR": _m("proportion", counts.proportion, ("events", "total"), kind="people",
             vtypes=("LS", "UB")),
    "PLN": _m("log proportion", counts.log_proportion, ("events", "total"), kind="people"),
    "PLO": _m("logit proportion; log odds", counts.logit_proportion, ("events", "total"),
              kind="people"),
    "PAS": _m("arcsine proportion", counts.arcsine_proportion, ("events", "total"), kind="people"),
    "PFT": _m("double arcsine; double arcsine proportion", counts.double_arcsine,
              ("events", "total"), kind="people"),
    "IR": _m("rate; incidence rate", counts.rate, ("events", "total"), kind="exposure"),
    "IRLN": _m("log rate", counts.log_rate, ("events", "total"), kind="exposure", scale="log"),
    "IRS": _m("square root rate", counts.root_rate, ("events", "total"), kind="exposure"),
    "IRFT": _m("double square root rate", counts.freeman_tukey_rate, ("events", "total"),
               kind="exposure"),
    "MCD": _m("difference in change", means.difference_in_change, _CHANGES,
              _ARMS_CHANGE | _ARMS_SD),
    "SMCD": _m("standardized difference in change", means.standardized_difference_in_change,
               tuple(name for name in _CHANGES if "sd_post" not in name), _ARMS_CHANGE,
               least=(("n_1", "n_2"), 3)),
    "HR": _m("hazard ratio", None, (), scale="log"),
}  # fmt: skip
_NAMES = {name: code for code, measure in MEASURES.items() for name in measure.names}


def measure_code(measure: Any) -> str:
    """The code of a measure from its code or its words.

    Examples
    --------
    >>> measure_code("rate_ratio"), measure_code("Standardised mean difference")
    ('IRR', 'SMD')
    """
    said = str(measure).strip()
    if said.upper() in MEASURES:
        return said.upper()
    words = said.lower().replace("_", " ").replace("standardis", "standardiz").replace("'", "")
    if words in _NAMES:
        return _NAMES[words]
    raise InputError(
        f"escalc: measure={measure!r}{suggestion(words, [*MEASURES, *_NAMES])}; allowed: "
        f"{', '.join(MEASURES)}, or words as 'mean difference', 'risk ratio', 'hedges g'"
    )
