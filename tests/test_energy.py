"""Metabolic rate: worked by hand, one equation against another, and where they do not hold."""

from __future__ import annotations

import dataclasses
import re
from itertools import combinations

import numpy as np
import pytest
from doors.io import EQUATIONS, outside_validity
from hypothesis import given
from hypothesis import strategies as st

from retrostats import InputError, metabolic_rate_w

#: A few products and sums of doubles.
ROUNDING = 1e-12
NAMES = ("brockway", "weir", "peronnet-massicotte", "lusk")

names = st.sampled_from(NAMES)
flows = st.floats(0, 8000)
steps = st.floats(1, 1000)


@pytest.mark.parametrize(
    ("equation", "vco2", "watts"),
    [
        # 1000 ml/min of oxygen; J/min over 60.
        # (16580 + 4.51 * 707 = 3188.57) / 60 = 19768.57 / 60
        ("brockway", 707.0, 329.476167),
        # (16580 + 4.51 * 850 = 3833.5) / 60 = 20413.5 / 60
        ("brockway", 850.0, 340.225),
        # (16580 + 4510) / 60 = 21090 / 60
        ("brockway", 1000.0, 351.5),
        # 3.941 + 1.106 * 0.707 = 4.722942 kcal; * 4184 = 19760.789 J; / 60
        ("weir", 707.0, 329.346489),
        # 3.941 + 1.106 * 0.85 = 4.8811 kcal; * 4184 = 20422.5224 J; / 60
        ("weir", 850.0, 340.375373),
        # 3.941 + 1.106 = 5.047 kcal; * 4184 = 21116.648 J; / 60
        ("weir", 1000.0, 351.944133),
        # (16890 + 4.84 * 707 = 3421.88) / 60 = 20311.88 / 60
        ("peronnet-massicotte", 707.0, 338.531333),
        # (16890 + 4.84 * 850 = 4114) / 60 = 21004 / 60
        ("peronnet-massicotte", 850.0, 350.066667),
        # (16890 + 4840) / 60 = 21730 / 60
        ("peronnet-massicotte", 1000.0, 362.166667),
        # 4.686 kcal * 4184 = 19606.224 J; / 60
        ("lusk", 707.0, 326.7704),
        # 4.686 + 0.361 * 0.143 / 0.293 = 4.686 + 0.1761877 = 4.8621877 kcal; * 4184 / 60
        ("lusk", 850.0, 339.056557),
        # 5.047 kcal * 4184 = 21116.648 J; / 60
        ("lusk", 1000.0, 351.944133),
    ],
)
def test_worked_by_hand(equation: str, vco2: float, watts: float) -> None:
    # The values above have six decimals.
    assert metabolic_rate_w(1000.0, vco2, equation=equation) == pytest.approx(watts, abs=5e-7)


def test_brockway_is_the_default() -> None:
    assert metabolic_rate_w(1000.0, 850.0) == metabolic_rate_w(1000.0, 850.0, equation="brockway")


@pytest.mark.parametrize(
    ("rer", "kcal"),
    # 0.76 is a row of Lusk's table between its ends; the line has another source's rounded
    # coefficients: 3.815 + 1.232 RER.
    [(0.76, 4.751), (0.80, 3.815 + 1.232 * 0.80), (0.95, 3.815 + 1.232 * 0.95)],
)
def test_lusk_between_the_ends_of_the_table(rer: float, kcal: float) -> None:
    per_litre = metabolic_rate_w(1000.0, 1000.0 * rer, equation="lusk") * 60 / 4184
    assert per_litre == pytest.approx(kcal, abs=5e-4)


@pytest.mark.parametrize("rer", [0.7036, 0.85, 0.9961])
def test_peronnet_massicotte_is_the_line_of_its_table(rer: float) -> None:
    # Another implementation takes 16.8835 + 4.8353 RER kJ/l and 4.0372 + 1.1563 RER kcal/l from
    # the table, at 0.9961 its 5.189 kcal/l of pure carbohydrate. The linear form is 0.05% above.
    per_litre = metabolic_rate_w(1000.0, 1000.0 * rer, equation="peronnet-massicotte") * 0.06
    assert per_litre == pytest.approx(16.8835 + 4.8353 * rer, rel=6e-4)
    assert per_litre / 4.184 == pytest.approx(4.0372 + 1.1563 * rer, rel=6e-4)


@pytest.mark.parametrize(
    ("one", "other", "largest", "where"),
    # Measured over RER 0.75 to 1: the largest |one / other - 1| in percent, and at which end.
    [
        ("brockway", "weir", 0.126, 1.0),
        ("brockway", "lusk", 0.679, 0.75),
        ("weir", "lusk", 0.665, 0.75),
        ("peronnet-massicotte", "brockway", 3.035, 1.0),
        ("peronnet-massicotte", "weir", 2.905, 1.0),
        ("peronnet-massicotte", "lusk", 3.491, 0.75),
    ],
)
def test_agreement_between_equations(one: str, other: str, largest: float, where: float) -> None:
    rer = np.linspace(0.75, 1.0, 251)
    rates = [metabolic_rate_w(1000.0, 1000.0 * rer, equation=name) for name in (one, other)]
    apart = 100 * np.abs(rates[0] / rates[1] - 1)
    assert apart.max() == pytest.approx(largest, abs=5e-4)
    assert rer[apart.argmax()] == where


def test_agreement_covers_every_pair_within_the_range_that_the_docstring_states() -> None:
    rer = np.linspace(0.75, 1.0, 251)
    rate = {name: metabolic_rate_w(1000.0, 1000.0 * rer, equation=name) for name in NAMES}
    high = rate.pop("peronnet-massicotte")
    ratios = np.array([100 * (high / other - 1) for other in rate.values()])
    assert (round(ratios.min(), 1), round(ratios.max(), 1)) == (2.8, 3.5)
    assert max(np.abs(a / b - 1).max() for a, b in combinations(rate.values(), 2)) < 0.007


@given(names, flows, flows, steps)
def test_more_of_either_gas_is_more_power(name: str, vo2: float, vco2: float, step: float) -> None:
    rate = metabolic_rate_w(vo2, vco2, equation=name)
    assert metabolic_rate_w(vo2 + step, vco2, equation=name) > rate
    assert metabolic_rate_w(vo2, vco2 + step, equation=name) > rate


@given(names, flows, flows, st.floats(0.01, 100))
def test_proportional_so_per_kilogram_works(
    name: str, vo2: float, vco2: float, mass: float
) -> None:
    whole = metabolic_rate_w(vo2, vco2, equation=name)
    per_kg = metabolic_rate_w(vo2 / mass, vco2 / mass, equation=name)
    assert per_kg * mass == pytest.approx(whole, rel=ROUNDING)


@pytest.mark.parametrize("name", NAMES)
def test_shapes_broadcast(name: str) -> None:
    vo2, vco2 = np.full((3, 1), 1000.0), np.array([700.0, 850.0, 900.0, 1000.0])
    rate = metabolic_rate_w(vo2, vco2, equation=name)
    assert rate.shape == (3, 4)
    assert rate.dtype == np.float64
    assert rate[1, 2] == metabolic_rate_w(1000, 900, equation=name)
    scalar = metabolic_rate_w(1000, 850, equation=name)
    assert isinstance(scalar, np.ndarray)
    assert scalar.shape == ()
    assert metabolic_rate_w([], [], equation=name).shape == (0,)


def test_inputs_are_left_alone() -> None:
    vo2, vco2 = np.array([1000.0, 2000.0]), np.array([850.0, 1800.0])
    metabolic_rate_w(vo2, vco2)
    assert vo2.tolist() == [1000.0, 2000.0]
    assert vco2.tolist() == [850.0, 1800.0]


@pytest.mark.parametrize("name", NAMES)
def test_nan_stays_nan(name: str) -> None:
    rate = metabolic_rate_w([1000.0, np.nan, 1000.0], [850.0, 850.0, np.nan], equation=name)
    assert np.isnan(rate).tolist() == [False, True, True]


def test_no_gas_is_no_power() -> None:
    assert [metabolic_rate_w(0, 0, equation=name).item() for name in NAMES] == [0.0] * 4


def test_shapes_that_do_not_broadcast() -> None:
    with pytest.raises(InputError, match=r"\(2,\).*\(3,\)"):
        metabolic_rate_w([1.0, 2.0], [1.0, 2.0, 3.0])


@pytest.mark.parametrize("name", ["zuntz", "", "Brockway", None, ["weir"]])
def test_unknown_equation_lists_the_allowed_ones(name) -> None:
    with pytest.raises(InputError, match="brockway, weir, peronnet-massicotte, lusk"):
        metabolic_rate_w(1000.0, 850.0, equation=name)
    with pytest.raises(InputError, match="brockway, weir, peronnet-massicotte, lusk"):
        outside_validity(0.85, equation=name)


@pytest.mark.parametrize("name", NAMES)
def test_mask_at_the_limits(name: str) -> None:
    low, high = EQUATIONS[name].rer_low, EQUATIONS[name].rer_high
    edges = [np.nextafter(low, 0), low, 0.85, high, np.nextafter(high, 2)]
    assert outside_validity(edges, equation=name).tolist() == [True, False, False, False, True]


def test_mask_of_a_ratio_measured_in_exercise() -> None:
    rer = np.array([[0.65, 0.85], [1.12, np.nan]])
    mask = outside_validity(rer)
    assert mask.dtype == np.bool_
    assert mask.tolist() == [[True, False], [True, False]]
    assert outside_validity(1.0).shape == ()


def test_mask_differs_between_equations() -> None:
    assert [bool(outside_validity(0.705, equation=n)) for n in NAMES] == [False, False, False, True]
    assert [bool(outside_validity(0.998, equation=n)) for n in NAMES] == [False, False, True, False]


def test_table_is_complete_and_frozen() -> None:
    assert tuple(EQUATIONS) == NAMES
    for name, equation in EQUATIONS.items():
        assert equation.name == name
        assert equation.formula
        assert re.fullmatch(r"\D+ \d{4}, \D+ \w+:\d+-\d+(\. doi:10\.\S+)?", equation.citation)
        assert 0.69 < equation.rer_low < 0.71 < 0.99 < equation.rer_high <= 1
        with pytest.raises(dataclasses.FrozenInstanceError):
            equation.o2_j_ml = 20.9  # type: ignore[misc]
    assert EQUATIONS["weir"].citation == (
        "Weir JBdeV 1949, J Physiol 109:1-9. doi:10.1113/jphysiol.1949.sp004363"
    )
    assert EQUATIONS["brockway"].citation.endswith("Hum Nutr Clin Nutr 41C:463-471")
