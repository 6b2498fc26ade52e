"""Metabolic rate from gas exchange: named, cited equations, and where each of them holds.

All four are linear in oxygen uptake and carbon dioxide output, so one line of code serves them all
and nothing is divided by an oxygen uptake that may be zero. None corrects for protein: urinary
nitrogen is hardly ever printed, and leaving it out costs about 1% at a usual share of protein.
The constants are those that later, independent works reproduce; the originals were not at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retrostats.common.arrays import real_array
from retrostats.common.errors import InputError
from retrostats.common.units import J_PER_CAL


@dataclass(frozen=True, slots=True)
class EnergyEquation:
    """A published equation: metabolic rate in W = (o2_j_ml VO2 + co2_j_ml VCO2) / 60.

    VO2 and VCO2 are in ml/min (STPD), the coefficients in J/ml. `rer_low` and `rer_high` are the
    respiratory exchange ratios, VCO2 / VO2, between which the equation holds; both still count as
    valid. `citation` is author, year, journal, volume, pages and, where known, the DOI;
    `formula` is the equation in the units it was published in.
    """

    name: str
    citation: str
    formula: str
    o2_j_ml: float
    co2_j_ml: float
    rer_low: float
    rer_high: float


#: Ends of Lusk's table: kcal per litre of oxygen at the ratio of pure fat and of pure carbohydrate.
#: A straight line through both gives the other rows too, such as 4.751 at 0.76.
_LUSK_FAT_RER, _LUSK_FAT, _LUSK_CARBOHYDRATE = 0.707, 4.686, 5.047
_LUSK_SLOPE = (_LUSK_CARBOHYDRATE - _LUSK_FAT) / (1 - _LUSK_FAT_RER)

#: Lower limit for Brockway and Weir, for whom none is reported: the ratio of pure fat oxidation,
#: rounded as textbooks print it. Above 1, more carbon dioxide leaves than any fuel can make.
_FAT_RER = 0.7

_TABLE = (
    EnergyEquation(
        name="brockway",
        citation="Brockway JM 1987, Hum Nutr Clin Nutr 41C:463-471",
        formula="16.58 J/ml O2 + 4.51 J/ml CO2 (nitrogen term left out)",
        o2_j_ml=16.58,
        co2_j_ml=4.51,
        rer_low=_FAT_RER,
        rer_high=1.0,
    ),
    EnergyEquation(
        name="weir",
        citation="Weir JBdeV 1949, J Physiol 109:1-9. doi:10.1113/jphysiol.1949.sp004363",
        formula="3.941 kcal/l O2 + 1.106 kcal/l CO2 (nitrogen term left out)",
        o2_j_ml=3.941 * J_PER_CAL,
        co2_j_ml=1.106 * J_PER_CAL,
        rer_low=_FAT_RER,
        rer_high=1.0,
    ),
    # The linear form printed by Kipp, Byrnes & Kram 2018 ("... the equation matters"), not the rows
    # of the table: at the table's ends, RER 0.7036 and 0.9961, it gives 20.30 and 21.71 kJ/l, the
    # table 21.71 (5.189 kcal/l) for pure carbohydrate, and it needs no look-up. The limits are
    # those ends: above the upper one the authors' own equations make fat oxidation negative
    # (1.695 VO2 - 1.701 VCO2, to rounding), below the lower one carbohydrate oxidation
    # (4.585 VCO2 - 3.226 VO2; g/min from l/min).
    EnergyEquation(
        name="peronnet-massicotte",
        citation="Péronnet F, Massicotte D 1991, Can J Sport Sci 16:23-29",
        formula="16.89 kJ/l O2 + 4.84 kJ/l CO2 (linear form of the table, Kipp et al. 2018)",
        o2_j_ml=16.89,
        co2_j_ml=4.84,
        rer_low=0.7036,
        rer_high=0.9961,
    ),
    EnergyEquation(
        name="lusk",
        citation="Lusk G 1924, J Biol Chem 59:41-42",
        formula="4.686 kcal/l O2 at RER 0.707 to 5.047 kcal/l O2 at RER 1.00, linear in between",
        o2_j_ml=(_LUSK_CARBOHYDRATE - _LUSK_SLOPE) * J_PER_CAL,
        co2_j_ml=_LUSK_SLOPE * J_PER_CAL,
        rer_low=_LUSK_FAT_RER,
        rer_high=1.0,
    ),
)

#: The equations by name.
EQUATIONS: Mapping[str, EnergyEquation] = {equation.name: equation for equation in _TABLE}


def metabolic_rate_w(
    vo2_ml_min: ArrayLike, vco2_ml_min: ArrayLike, *, equation: str = "brockway"
) -> NDArray[np.float64]:
    """Metabolic rate in watts: (a VO2 + b VCO2) / 60, with a and b in J/ml from `EQUATIONS`.

    Péronnet & Massicotte lie 2.8 to 3.5% above the other three between RER 0.75 and 1; those agree
    within 0.7%. Compare rates only if the same equation gave them.

    Parameters
    ----------
    vo2_ml_min, vco2_ml_min
        Oxygen uptake and carbon dioxide output in ml/min, dry gas at 0 °C and 760 mmHg (STPD).
        Any shapes that broadcast. Per kilogram of body mass in, watts per kilogram out.
    equation
        A key of `EQUATIONS`, which also holds the sources.

    Returns
    -------
    ndarray
        Watts, of the broadcast shape; NaN where either gas is NaN. Computed outside the validity
        of the equation as well: `outside_validity` says where.

    Raises
    ------
    InputError
        Unknown equation, or shapes that do not broadcast.

    Examples
    --------
    >>> metabolic_rate_w(1000.0, 850.0).item()
    340.225
    >>> metabolic_rate_w([1000.0, 2000.0], [850.0, float("nan")], equation="weir").round(2)
    array([340.38,    nan])
    """
    chosen = _equation(equation)
    vo2, vco2 = real_array(vo2_ml_min, "oxygen uptake"), real_array(vco2_ml_min, "carbon dioxide")
    if np.isinf(vo2).any() or np.isinf(vco2).any():
        raise InputError("metabolic rate: found an infinite uptake or output; check the table")
    try:
        vo2, vco2 = np.broadcast_arrays(vo2, vco2)
    except ValueError:
        raise InputError(
            f"metabolic rate: found oxygen uptake of shape {vo2.shape} and carbon dioxide output "
            f"of shape {vco2.shape}; they must be equal or broadcast. Pass values in pairs."
        ) from None
    return np.asarray((chosen.o2_j_ml * vo2 + chosen.co2_j_ml * vco2) / 60)


def outside_validity(rer: ArrayLike, *, equation: str = "brockway") -> NDArray[np.bool_]:
    """Where a respiratory exchange ratio lies outside the validity of an equation.

    Above the upper limit carbon dioxide comes from bicarbonate that buffers lactic acid, or from
    hyperventilation, and part of the energy comes without oxygen: the rate is not measured by gas
    exchange. Below the lower one the ratio is less than that of fat: a leak, a drift of an
    analyser, carbon dioxide being stored, or ketosis.

    Parameters
    ----------
    rer
        VCO2 / VO2, any shape.
    equation
        A key of `EQUATIONS`; its `rer_low` and `rer_high` themselves are valid.

    Returns
    -------
    ndarray of bool
        Shape of `rer`. False where it is NaN: unknown is not outside.

    Raises
    ------
    InputError
        Unknown equation.

    Examples
    --------
    >>> outside_validity([0.65, 0.7, 0.85, 1.0, 1.08])
    array([ True, False, False, False,  True])
    """
    chosen = _equation(equation)
    ratio = real_array(rer, "respiratory exchange ratio")
    return np.asarray((ratio < chosen.rer_low) | (ratio > chosen.rer_high))


def _equation(name: str) -> EnergyEquation:
    try:
        return EQUATIONS[name]
    except (KeyError, TypeError):
        raise InputError(
            f"energy equation: found {name!r}; allowed: {', '.join(EQUATIONS)}."
        ) from None
