"""The one place where a unit is converted: spellings, factors, and what each quantity needs.

A plain table instead of a units library: it is all there is to read, loads at once, and a test
compares every factor with `pint`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retrostats.common.errors import InputError


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of a quantity; a value times `factor` is in the quantity's standard unit.

    `absolute` marks a unit that needs body mass to become a per-kilogram one, `reciprocal` a pace
    (time per distance): there the factor is divided by the value.
    """

    symbol: str
    quantity: str
    factor: float
    absolute: bool = False
    reciprocal: bool = False


#: One calorie (thermochemical) in joules.
J_PER_CAL = 4.184
#: One pound and one mile, exact by definition.
KG_PER_LB = 0.45359237
M_PER_MILE = 1609.344

_UNITS = (
    Unit("ml/kg/min", "oxygen_uptake", 1.0),
    Unit("l/kg/min", "oxygen_uptake", 1000.0),
    Unit("MET", "oxygen_uptake", 3.5),
    Unit("ml/min", "gas_flow", 1.0, absolute=True),
    Unit("l/min", "gas_flow", 1000.0, absolute=True),
    Unit("l/h", "gas_flow", 1000.0 / 60, absolute=True),
    Unit("l/s", "gas_flow", 60000.0, absolute=True),
    Unit("J/kg/m", "energy_cost", 1.0),
    Unit("kJ/kg/km", "energy_cost", 1.0),
    Unit("kcal/kg/km", "energy_cost", J_PER_CAL),
    Unit("cal/kg/m", "energy_cost", J_PER_CAL),
    Unit("ml/kg/m", "oxygen_cost", 1.0),
    Unit("ml/kg/km", "oxygen_cost", 1e-3),
    Unit("W", "power", 1.0, absolute=True),
    Unit("kW", "power", 1000.0, absolute=True),
    Unit("kcal/min", "power", 1000 * J_PER_CAL / 60, absolute=True),
    Unit("kJ/min", "power", 1000.0 / 60, absolute=True),
    Unit("W/kg", "specific_power", 1.0),
    Unit("kcal/kg/h", "specific_power", 1000 * J_PER_CAL / 3600),
    Unit("m/s", "speed", 1.0),
    Unit("km/h", "speed", 1 / 3.6),
    Unit("m/min", "speed", 1 / 60),
    Unit("m/h", "speed", 1 / 3600),
    Unit("mph", "speed", M_PER_MILE / 3600),
    Unit("min/km", "speed", 1000 / 60, reciprocal=True),
    Unit("min/mile", "speed", M_PER_MILE / 60, reciprocal=True),
    Unit("s/km", "speed", 1000.0, reciprocal=True),
    Unit("kg", "mass", 1.0),
    Unit("g", "mass", 1e-3),
    Unit("lb", "mass", KG_PER_LB),
    Unit("st", "mass", 14 * KG_PER_LB),
    Unit("cm", "length", 1.0),
    Unit("m", "length", 100.0),
    Unit("mm", "length", 0.1),
    Unit("in", "length", 2.54),
    Unit("ft", "length", 30.48),
    Unit("s", "time", 1.0),
    Unit("min", "time", 60.0),
    Unit("h", "time", 3600.0),
    Unit("%", "percent", 1.0),
    Unit("fraction", "percent", 100.0),
    Unit("deg", "angle", 1.0),
    Unit("bpm", "heart_rate", 1.0),
)
_BY_SYMBOL = {unit.symbol.lower(): unit for unit in _UNITS}

#: Words that papers, labs and devices print for the same parts of a unit.
_WORDS = {
    "milliliter": "ml", "millilitre": "ml", "liter": "l", "litre": "l", "lit": "l",
    "minute": "min", "minutes": "min", "mn": "min", "minuten": "min", "hour": "h", "hours": "h",
    "hr": "h", "std": "h", "sec": "s", "seconds": "s", "second": "s", "sek": "s",
    "kph": "km/h", "kmh": "km/h", "kmph": "km/h", "mi/h": "mph", "mile/h": "mph", "miles/h": "mph",
    "mi": "mile", "lbs": "lb", "pound": "lb", "pounds": "lb", "kilogram": "kg", "inch": "in",
    "inches": "in", "watt": "w", "watts": "w", "beats": "beat", "percent": "%", "pct": "%",
    "b/min": "bpm", "beat/min": "bpm", "1/min": "bpm", "/min": "bpm", "s/min": "bpm",
    "batt/min": "bpm", "bat/min": "bpm", "lpm": "bpm", "spm": "bpm", "min/mi": "min/mile",
    "prozent": "%", "°": "deg", "degree": "deg", "degrees": "deg", "grad": "deg", "mets": "met",
    "stone": "st", "stones": "st",
    "mlkgmin": "ml/kg/min", "mlminkg": "ml/kg/min", "mlmin": "ml/min",
    "lmin": "l/min",
}  # fmt: skip
_SUPERSCRIPT = str.maketrans("⁻¹²·⋅×∙", "-12    ")


def parse_unit(text: str) -> Unit:
    """The unit that a text such as "mL x kg(-1) x min(-1)" or "(mL/min)/kg" stands for.

    Raises
    ------
    InputError
        If no unit is recognised; the message lists the allowed ones.

    Examples
    --------
    >>> parse_unit("ml.kg-1.min-1").symbol, parse_unit("km·h⁻¹").symbol
    ('ml/kg/min', 'km/h')
    """
    plain = _plain(text)
    for candidate in (plain, _reordered(plain)):
        if candidate in _BY_SYMBOL:
            return _BY_SYMBOL[candidate]
    raise InputError(f"unit {text!r}: not known; allowed: {', '.join(u.symbol for u in _UNITS)}")


def convert(
    value: ArrayLike,
    unit: str,
    to: str,
    *,
    quantity: str | None = None,
    mass_kg: ArrayLike | None = None,
    oxygen_j_ml: float | None = None,
) -> NDArray[np.float64]:
    """Values in another unit.

    Parameters
    ----------
    value
        Any shape.
    unit, to
        Spellings that `parse_unit` knows.
    quantity
        If given, the unit must measure it.
    mass_kg
        Body mass, needed between an absolute unit and its per-kilogram form.
    oxygen_j_ml
        Energy of a millilitre of oxygen, needed between oxygen and energy; no default.

    Raises
    ------
    InputError
        Unknown unit, different quantities, or a missing mass or energy equivalent.

    Examples
    --------
    >>> convert(134.08, "m/min", "m/s").round(4).item()
    2.2347
    >>> convert(3.0, "l/min", "ml/kg/min", mass_kg=60.0).item()
    50.0
    """
    source, target = parse_unit(unit), parse_unit(to)
    if quantity is not None and source.quantity != quantity:
        raise InputError(f"unit {unit!r} measures {source.quantity}, not {quantity}")
    numbers = np.asarray(value, dtype=float)
    standard = source.factor / numbers if source.reciprocal else numbers * source.factor
    standard = _across(standard, source, target, mass_kg, oxygen_j_ml)
    if target.reciprocal:
        return target.factor / standard
    return standard if target.factor == 1 else standard / target.factor


_PER_MASS = {"gas_flow": "oxygen_uptake", "power": "specific_power"}


def _across(
    standard: NDArray[np.float64], source: Unit, target: Unit, mass_kg: Any, oxygen_j_ml: Any
) -> NDArray[np.float64]:
    """From the standard unit of one quantity to that of another, where physics allows it."""
    have, want = source.quantity, target.quantity
    same = {have, want} <= {"gas_flow", "ventilation"}
    if have == want or same:
        return standard
    for absolute, specific in _PER_MASS.items():
        if {have, want} == {absolute, specific}:
            if mass_kg is None:
                raise InputError(f"{source.symbol} to {target.symbol}: body mass in kg is needed")
            mass = np.asarray(mass_kg, dtype=float)
            return np.asarray(standard / mass if have == absolute else standard * mass)
    if (have, want) == ("angle", "percent"):  # rise over run of a slope
        return np.asarray(100 * np.tan(np.radians(standard)))
    if {have, want} == {"energy_cost", "oxygen_cost"}:
        if oxygen_j_ml is None:
            raise InputError(
                f"{source.symbol} to {target.symbol}: the energy of a millilitre of oxygen is "
                "needed (oxygen_j_ml, about 20.9 J at a respiratory exchange ratio near 0.95)"
            )
        return np.asarray(
            standard * oxygen_j_ml if have == "oxygen_cost" else standard / oxygen_j_ml
        )
    raise InputError(f"{source.symbol} measures {have}, {target.symbol} measures {want}")


@lru_cache(maxsize=1024)
def _plain(text: str) -> str:
    """Lower case, one slash a divisor, no exponents, brackets or reference conditions."""
    plain = text.strip().strip("[]").lower().translate(_SUPERSCRIPT).replace("−", "-")
    plain = re.sub(r"\b(stpd|btps|atps)\b", "", plain)
    plain = re.sub(  # ml/(kg min): everything in the brackets divides
        r"/\s*\(([^()/]*)\)",
        lambda m: "/" + "/".join(filter(None, re.split(r"[\s*_]+|\bx\b", m[1]))),
        plain,
    )
    plain = re.sub(r"\s+x\s+", " ", plain).replace("*", " ").replace("_", " ")
    plain = re.sub(r"([a-zµ]+)\s*(?:\(\s*-1\s*\)|\^\s*-1|-1)", r"/\1", plain)
    plain = plain.replace("(", "").replace(")", "").replace(".", " ")
    plain = re.sub(r"\s*/\s*", "/", plain.strip())
    plain = re.sub(r"\s+", "/" if "/" not in plain else "", plain)
    plain = "/".join(_WORDS.get(part, part) for part in plain.split("/"))
    return _WORDS.get(plain, plain)


def _reordered(plain: str) -> str:
    """Divisors in the order of the table: per kilogram first."""
    top, *below = plain.split("/")
    rank = {"kg": 0, "min": 2, "m": 1, "km": 1, "h": 2, "s": 2}
    return "/".join([top, *sorted(below, key=lambda part: rank.get(part, 3))])
