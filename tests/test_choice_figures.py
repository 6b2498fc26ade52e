"""Specification curve, influence and half-eyes: marks stand where the frames say."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from doors.common import limits
from doors.report import MOST, _density, half_eyes, influence_bars, specification_curve, theme

import retrostats as rs
from retrostats import load_audit

CLAIMS = load_audit().claims
ENERGY = CLAIMS["energy_30"]
ROUGH = 0.1  # a histogram of 4000 normal draws is that near to the normal's highest value
PEAK = 0.4  # and its highest place that near to 0


def artists(figure, gid: str):
    return [a for axes in figure.axes for a in axes.findobj(lambda o: o.get_gid() == gid)]


@pytest.fixture(scope="module")
def replication(whole):
    return whole


@pytest.fixture(scope="module")
def specified(replication) -> pd.DataFrame:
    return replication.specifications.query("estimate_id == 'mc-pool'").reset_index(drop=True)


def pool_unknowns(replication) -> pd.DataFrame:
    return replication.unknowns.query("estimate_id == 'mc-pool'")


@pytest.fixture(scope="module")
def drawn(replication, specified):
    return {
        "curve": specification_curve(specified, ENERGY),
        "bars": influence_bars(pool_unknowns(replication), ENERGY.statement),
        "eyes": half_eyes(
            replication.draws.query("claim_id == 'energy_30'"), replication.explorations, ENERGY
        ),
        "many eyes": half_eyes(
            replication.draws.query("claim_id == 'pounding'"),
            replication.explorations,
            CLAIMS["pounding"],
        ),
    }


def test_the_curve_has_a_mark_a_combination_by_its_own_label(specified) -> None:
    rest = len(specified) - 2
    labelled = specified.assign(size=["supported", "contradicted", *["open"] * rest])
    figure = specification_curve(labelled, ENERGY)
    (line,) = artists(figure, "estimate-supported")
    assert list(line.get_xdata()) == [1]
    assert list(line.get_ydata()) == [specified["estimate"][0]]
    (line,) = artists(figure, "estimate-open")
    assert list(line.get_xdata()) == list(range(3, 3 + rest))
    (limits,) = artists(figure, "confidence")
    ends = np.array([segment[:, 1] for segment in limits.get_segments()])
    assert np.allclose(ends, specified[["conf_low", "conf_high"]])


def test_every_combination_takes_one_option_of_each_choice(drawn, specified) -> None:
    taken = [x for line in artists(drawn["curve"], "option") for x in line.get_xdata()]
    assert sorted(taken) == sorted([*range(1, 1 + len(specified))] * 2)


def test_direction_is_marked_where_no_size_is_claimed(specified) -> None:
    claim = replace(ENERGY, range_low=float("nan"), range_high=float("nan"))
    figure = specification_curve(specified, claim)
    marks = {a.get_gid() for axes in figure.axes for a in axes.lines}
    assert marks >= {f"estimate-{label}" for label in set(specified["direction"])}
    assert artists(figure, "claim-band") == []


def test_bars_are_the_shares_of_the_frame(drawn, replication) -> None:
    table = pool_unknowns(replication).sort_values("total", ascending=False)
    bars = artists(drawn["bars"], "total")
    assert 1 < len(bars) <= MOST
    assert np.allclose([b.get_width() for b in bars], table["total"].head(len(bars)))
    alone = artists(drawn["bars"], "first")
    assert all(a.get_width() <= b.get_width() for a, b in zip(alone, bars, strict=True))
    texts = [t.get_text() for t in drawn["bars"].texts]
    assert " to ".join(limits(table["low"].iloc[0], table["high"].iloc[0])) in texts


def test_eyes_hold_the_draws_and_the_outermost_limits(drawn, replication) -> None:
    draws = replication.draws.query("claim_id == 'energy_30'")
    (median,) = artists(drawn["eyes"], "median")
    assert median.get_xdata()[0] == pytest.approx(draws["estimate"].median())
    outer = replication.explorations.query("estimate_id == 'mc-pool'").iloc[0]
    ends = [line.get_xdata()[0] for line in artists(drawn["eyes"], "outermost")]
    assert ends == [outer["conf_low"], outer["conf_high"]]
    for name in ("estimate", "conf_low", "conf_high"):
        (shape,) = artists(drawn["eyes"], f"density-{name}")
        _, x, _ = shape.get_data()
        assert x.min() == pytest.approx(draws[name].min())
        assert x.max() == pytest.approx(draws[name].max())
    measures = replication.draws.query("claim_id == 'pounding'")["measure"].nunique()
    assert len(artists(drawn["many eyes"], "median")) == measures > 1


def test_a_value_that_never_moves_is_an_upright_line_and_one_that_does_a_density() -> None:
    rng = np.random.default_rng(1)
    explored = rs.explore(lambda v: (v["x"], np.full_like(v["x"], 0.5), v["x"] + 4),
                          {"x": (1.0, 2.0)}, draws=512)  # fmt: skip
    figure = rs.half_eye(explored)
    (still,) = artists(figure, "density-conf_low")
    assert set(still.get_xdata()) == {0.5}
    values = np.sort(rng.normal(size=4000))
    axes = theme.new_figure(100, 50).add_axes((0, 0, 1, 1))
    _density(axes, values, "#000000", "density", log=False)
    y, x, _ = axes.patches[0].get_data()
    assert y.max() == pytest.approx(1 / math.sqrt(2 * math.pi), rel=ROUGH)
    assert abs(x[y.argmax()]) < PEAK
    assert np.sum(y * np.diff(x)) == pytest.approx(1)


def test_nothing_to_choose_nothing_open_and_no_draws_are_none(replication, specified) -> None:
    assert specification_curve(specified.head(1), ENERGY) is None
    assert influence_bars(pool_unknowns(replication).assign(total=0.0), "x") is None
    assert half_eyes(replication.draws.iloc[:0], replication.explorations, ENERGY) is None


def test_text_is_legible_inside_the_page_and_bytes_repeat(drawn) -> None:
    for figure in drawn.values():
        buffers = [io.BytesIO(), io.BytesIO()]
        for buffer in buffers:
            theme.write(figure, buffer, "svg")
        assert buffers[0].getvalue() == buffers[1].getvalue()
        assert theme.figure_mm(figure)[0] == pytest.approx(theme.DOUBLE_MM, abs=0.05)
        for text in figure.findobj(lambda o: hasattr(o, "get_fontsize") and o.get_text()):
            assert text.get_fontsize() >= 7
        for text in figure.texts:
            box = text.get_window_extent()
            assert figure.bbox.x0 - 1 <= box.x0
            assert box.x1 <= figure.bbox.x1 + 1
            assert box.y0 >= figure.bbox.y0 - 1
