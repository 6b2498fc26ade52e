"""The unit table against `pint`, spellings seen in papers and on devices, and what needs a mass."""

from __future__ import annotations

import numpy as np
import pint
import pytest
from doors.common import _UNITS, _WORDS, convert, parse_unit
from hypothesis import given
from hypothesis import strategies as st

from retrostats import InputError

#: Both are products of a few exact decimal factors; only rounding in binary separates them.
EXACT_RTOL = 1e-12

#: Quantity: its standard unit, as in column names.
STANDARD = {
    "oxygen_uptake": "ml/kg/min",
    "gas_flow": "ml/min",
    "ventilation": "l/min",
    "energy_cost": "J/kg/m",
    "oxygen_cost": "ml/kg/m",
    "power": "W",
    "specific_power": "W/kg",
    "speed": "m/s",
    "mass": "kg",
    "length": "cm",
    "time": "s",
    "percent": "%",
    "angle": "deg",
    "heart_rate": "bpm",
}

registry = pint.UnitRegistry()
SPELLED = {"%": "percent", "fraction": "", "bpm": "1/min", "in": "inch", "ft": "foot",
           "lb": "pound", "deg": "degree", "st": "stone", "MET": "3.5 ml/kg/min", "l": "liter",
           "g": "gram", "h": "hour", "min": "minute"}  # fmt: skip


def in_pint(symbol: str) -> pint.Quantity:
    words = SPELLED.get(symbol, symbol).replace("kcal", "kilocalorie").replace("cal/", "calorie/")
    number, _, rest = words.rpartition(" ")
    return registry.Quantity(float(number or 1), rest.replace("ml", "milliliter"))


@pytest.mark.parametrize("unit", _UNITS, ids=lambda u: u.symbol)
def test_every_factor_against_pint(unit) -> None:
    standard = in_pint(STANDARD[unit.quantity])
    if unit.quantity in ("gas_flow", "ventilation"):
        standard = in_pint("ml/min")
    quantity = 1 / in_pint(unit.symbol) if unit.reciprocal else in_pint(unit.symbol)
    assert quantity.to(standard.units).magnitude == pytest.approx(unit.factor, rel=EXACT_RTOL)


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("mL x kg(-1) x min(-1)", "ml/kg/min"),
        ("ml.kg-1.min-1", "ml/kg/min"),
        ("(mL/min)/kg", "ml/kg/min"),
        ("mL/min/kg", "ml/kg/min"),
        ("L.min-1", "l/min"),
        ("km·h⁻¹", "km/h"),
        ("m s-1", "m/s"),
        ("m x min(-1)", "m/min"),
        ("mile/hr", "mph"),
        ("kph", "km/h"),
        ("beats x min(-1)", "bpm"),
        ("lbs", "lb"),
        ("W·kg-1", "W/kg"),
        ("[ml/kg/min]", "ml/kg/min"),
        ("METs", "MET"),
        ("°", "deg"),
    ],
)
def test_spellings(text, symbol) -> None:
    assert parse_unit(text).symbol == symbol


#: Each alias of a part of a unit, in a unit: what labs of several languages and devices print.
ALIASES = {
    "milliliter": "milliliter/min", "millilitre": "millilitre/min", "liter": "liter/min",
    "litre": "litre/min", "lit": "lit/min", "mi": "min/mi", "beats": "beats/min",
}  # fmt: skip
STANDS_FOR = {
    "ml/min": "milliliter millilitre mlmin", "l/min": "liter litre lit lmin",
    "min": "minute minutes mn minuten", "h": "hour hours hr std", "s": "sec seconds second sek",
    "km/h": "kph kmh kmph", "mph": "mi/h mile/h miles/h", "min/mile": "mi min/mi",
    "lb": "lbs pound pounds", "kg": "kilogram", "in": "inch inches", "W": "watt watts",
    "bpm": "beats b/min beat/min 1/min /min s/min batt/min bat/min lpm spm",
    "%": "percent pct prozent", "deg": "° degree degrees grad", "st": "stone stones",
    "ml/kg/min": "mlkgmin mlminkg", "MET": "mets",
}  # fmt: skip


@pytest.mark.parametrize(
    ("alias", "symbol"), [(word, s) for s, words in STANDS_FOR.items() for word in words.split()]
)
def test_each_alias_stands_for_its_unit(alias, symbol) -> None:
    assert parse_unit(ALIASES.get(alias, alias)).symbol == symbol


def test_no_alias_is_without_a_test() -> None:
    assert set(_WORDS) == {word for words in STANDS_FOR.values() for word in words.split()}


@pytest.mark.parametrize("text", ["", "furlong", "ml", "kg/ml", "=cmd()", "m/s; rm"])
def test_unknown_units_are_refused_with_the_allowed_ones(text) -> None:
    with pytest.raises(InputError, match="allowed: ml/kg/min"):
        parse_unit(text)


def test_traps() -> None:
    """A factor of 3.6 too much or too little turns a walk into a sprint."""
    assert convert(7.2, "km/h", "m/s") == pytest.approx(2.0, rel=EXACT_RTOL)
    assert convert(7200, "m/h", "m/s") == pytest.approx(2.0, rel=EXACT_RTOL)
    assert convert(5.0, "min/km", "m/s") == pytest.approx(1000 / 300, rel=EXACT_RTOL)
    assert convert(1.0, "kcal/kg/km", "J/kg/m") == pytest.approx(4.184, rel=EXACT_RTOL)
    assert convert(4.0, "kJ/kg/km", "J/kg/m") == pytest.approx(4.0, rel=EXACT_RTOL)


def test_a_slope_in_degrees_becomes_percent() -> None:
    assert convert(45.0, "deg", "%") == pytest.approx(100.0, rel=EXACT_RTOL)
    assert convert(3.0, "degrees", "%") == pytest.approx(5.2407779283, rel=1e-10)  # ten digits


def test_mass_and_energy_equivalent_are_never_guessed() -> None:
    assert convert(3.0, "l/min", "ml/kg/min", mass_kg=60).item() == pytest.approx(50)
    assert convert(0.2, "ml/kg/m", "J/kg/m", oxygen_j_ml=20.9).item() == pytest.approx(4.18)
    with pytest.raises(InputError, match="body mass"):
        convert(3.0, "l/min", "ml/kg/min")
    with pytest.raises(InputError, match="oxygen_j_ml"):
        convert(0.2, "ml/kg/m", "J/kg/m")
    with pytest.raises(InputError, match="measures"):
        convert(3.0, "kg", "m/s")


same = [(a, b) for a in _UNITS for b in _UNITS if a.quantity == b.quantity]


@given(st.sampled_from(same), st.floats(0.01, 1e4))
def test_there_and_back(pair, value) -> None:
    a, b = pair
    back = convert(convert(value, a.symbol, b.symbol), b.symbol, a.symbol)
    assert back == pytest.approx(value, rel=EXACT_RTOL)


def test_shape_is_kept() -> None:
    assert convert(np.ones((2, 3)), "km/h", "m/s").shape == (2, 3)
