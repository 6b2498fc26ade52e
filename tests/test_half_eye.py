"""`rs.half_eye`: densities stand where the posterior, the likelihoods and the draws are."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from legibility import illegible
from numpy.testing import assert_allclose

import retrostats as rs

ROWS = {
    "study": ["A 2001", "B 2004"], "n": [12, 20], "first": ["31.0 SD 3.1", "33.0 SD 4.0"],
    "second": ["26.0 SD 2.9", "27.1 SD 3.0"], "design": ["crossover"] * 2,
}  # fmt: skip
ANSWER = rs.pool_printed(ROWS, measure="ratio of means", claimed=(1.1, 1.2))
#: The estimate is even over 2 to 4, its limits are 1 away.
DRAWN = rs.explore(lambda v: (v["x"], v["x"] - 1, v["x"] + 1), {"x": (2.0, 4.0)}, draws=256)
HALF_PERCENT = 0.005  # what is printed in whole percent is rounded by at most that


def marks(figure: Any, gid: str) -> list[Any]:
    return [a for axes in figure.axes for a in axes.findobj(lambda o: o.get_gid() == gid)]


def words(figure: Any) -> str:
    return " ".join(text.get_text() for text in figure.texts)


@pytest.mark.parametrize("width", [180.0, 85.0])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("result", [ANSWER, DRAWN], ids=["answer", "draws"])
def test_every_half_eye_is_legible(result: Any, theme: str, width: float) -> None:
    assert illegible(rs.half_eye(result, theme=theme, width_mm=width)) == []


def test_the_posterior_stands_at_its_numbers_over_a_likelihood_a_source() -> None:
    figure = rs.half_eye(ANSWER)
    assert len(marks(figure, "posterior")) == 1
    assert len(marks(figure, "likelihood")) == len(ROWS["study"])
    answer, *sources = [line.get_xdata() for line in marks(figure, "interval")]
    assert_allclose(answer, [ANSWER.conf_low, ANSWER.conf_high])
    own = ANSWER.sources
    assert_allclose(sources, own[["conf_low", "conf_high"]])
    assert_allclose(
        [point.get_xdata()[0] for point in marks(figure, "median")],
        [ANSWER.estimate, *own["estimate"]],
    )


def test_the_claimed_range_is_shaded_with_its_probability() -> None:
    figure = rs.half_eye(ANSWER)
    held = ANSWER.probability(1.1, 1.2)
    assert f"{100 * held:.0f}% in the claimed range, 1.1 to 1.2" in words(figure)
    (shaded,), (whole,) = marks(figure, "claimed"), marks(figure, "posterior")
    assert_allclose([shaded.get_datalim(shaded.axes.transData).x0,
                     shaded.get_datalim(shaded.axes.transData).x1], [1.1, 1.2])  # fmt: skip
    x, y = whole.get_paths()[0].vertices.T
    upper = y > 0
    order = np.argsort(x[upper])
    x, y = np.log(x[upper][order]), y[upper][order]  # on the axis that is drawn
    inside = np.linspace(np.log(1.1), np.log(1.2), 500)
    area = np.trapezoid(np.interp(inside, x, y), inside) / np.trapezoid(y, x)
    assert area == pytest.approx(held, abs=HALF_PERCENT)


def test_a_range_with_an_open_end_and_none() -> None:
    above = rs.half_eye(ANSWER, band=(1.15, None))
    assert f"{100 * ANSWER.probability(1.15, np.inf):.0f}% in the claimed range, above 1.15" in (
        words(above)
    )
    unclaimed = rs.half_eye(rs.pool_printed(ROWS, measure="ratio of means"))
    assert marks(unclaimed, "claim-band") == marks(unclaimed, "claimed") == []
    assert "claimed" not in words(unclaimed)


def test_draws_have_a_density_with_an_axis_and_no_null_that_nobody_named() -> None:
    figure = rs.half_eye(DRAWN)
    (axes,) = figure.axes
    assert axes.get_ylabel() == "density"
    assert len(axes.get_yticks()) >= 2
    assert marks(figure, "null") == []
    assert "no difference" not in words(figure)
    (median,) = marks(figure, "median")
    assert median.get_xdata()[0] == pytest.approx(DRAWN.draws["estimate"].median())


def test_what_has_no_density_is_refused() -> None:
    with pytest.raises(rs.InputError, match=r"found Pooled; allowed: what rs\.pool_printed or"):
        rs.half_eye(rs.pool([0.1, 0.2], [0.1, 0.1]))
    still = rs.explore(lambda v: (1 + 0 * v["x"], 0 * v["x"], 2 + 0 * v["x"]), {"x": (0.0, 1.0)},
                       draws=32)  # fmt: skip
    with pytest.raises(rs.InputError, match="nothing moves over these draws"):
        rs.half_eye(still)


def test_the_package_of_pictures_of_data_is_loaded_only_for_them() -> None:
    code = (
        "import sys, retrostats as rs; rs.forest(rs.pool([0.1, 0.2], [0.1, 0.1])); "
        "rs.half_eye(rs.explore(lambda v: (v['x'], v['x'] - 1, v['x'] + 1), {'x': (0.0, 1.0)}, "
        "draws=32)); assert 'seaborn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
