"""`rs.forest` and `.plot()` of every result, by what is drawn: places, areas, limits, words."""

from __future__ import annotations

import math
from itertools import pairwise

import example_frames as ex
import numpy as np
import pandas as pd
import pytest
from doors.report import LIGHT_LOOK as LIGHT
from doors.report import Panel, forest, theme
from legibility import illegible
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

import retrostats as rs
from retrostats import InputError

#: Thirteen trials of a vaccine against tuberculosis: Colditz et al. (1994), JAMA 271:698.
TRIALS = pd.DataFrame(
    {
        "study": ["Aronson 1948", "Ferguson & Simes 1949", "Rosenthal 1960", "Hart 1977",
                  "Frimodt-Moller 1973", "Stein & Aronson 1953", "Vandiviere 1973", "Madras 1980",
                  "Coetzee & Berjak 1968", "Rosenthal 1961", "Comstock 1974", "Comstock 1969",
                  "Comstock 1976"],
        "events_1": [4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27],
        "total_1": [123, 306, 231, 13598, 5069, 1541, 2545, 88391, 7499, 1716, 50634, 2498, 16913],
        "events_2": [11, 29, 11, 248, 47, 372, 10, 499, 45, 65, 141, 3, 29],
        "total_2": [139, 303, 220, 12867, 5808, 1451, 629, 88391, 7277, 1665, 27338, 2341, 17854],
        "latitude": [44, 55, 42, 52, 13, 44, 19, 13, 27, 42, 18, 33, 33],
    }
)  # fmt: skip
EFFECTS = rs.escalc(TRIALS, "RR")
POOL = rs.pool(EFFECTS)
Z = 1.959964  # 97.5% point of the normal
SAME = 1e-6  # Z has seven digits
LEAST_PANEL_MM = 30  # less than that is no picture: a third of a column is left for words
MM = 0.6  # half a mm: the picture's half is of the page, whose edges are rounded to text widths


def people() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    arm = np.tile(["a", "b", "c"], 10)
    y = rng.normal(0, 1, 30) + (arm == "b") + np.repeat(rng.normal(0, 1, 10), 3)
    return pd.DataFrame({"y": y, "arm": arm, "who": np.repeat(np.arange(10), 3),
                         "falls": rng.poisson(5, 30)})  # fmt: skip


FIT = rs.lmm("y ~ arm + (1 | who)", people())
COUNTS = rs.pool_counts(TRIALS, measure="odds_ratio", model="conditional-approximate")
PRINTED = rs.pool_printed(
    {"study": ["A 2001", "B 2004"], "n": [12, 20], "first": ["31.0 SD 3.1", "33.0 SD 4.0"],
     "second": ["26.0 SD 2.9", "27.1 SD 3.0"], "design": ["crossover"] * 2},
    measure="ratio of means", claimed=(1.1, 1.4),
)  # fmt: skip
RESULTS = {
    "pool": (POOL, 14, 0.0),
    "moderators": (rs.pool(EFFECTS, formula="~ latitude"), 13, 0.0),
    "posterior": (rs.pool(EFFECTS, prior=rs.HalfNormal(0.5)), 1, 0.0),
    "counts": (COUNTS, 14, 1.0),
    "proportion": (rs.pool_counts({"study": ["a", "b"], "events": [3, 9], "total": [20, 30]},
                                  measure="proportion"), 3, None),
    "printed": (PRINTED, 3, 1.0),
    "glmm": (rs.glmm("falls ~ arm + (1 | who)", people()), 2, 1.0),
    "lmm": (FIT, 2, 0.0),
    "means": (FIT.emmeans("arm"), 3, None),
    "table": (EFFECTS, 13, 0.0),
}  # fmt: skip


def drawn(figure: Figure, gid: str) -> list:
    return [a for axes in figure.axes for a in axes.findobj(lambda o: o.get_gid() == gid)]


def words(figure: Figure) -> set[str]:
    return {text.get_text() for text in figure.texts}


@pytest.mark.parametrize("width", [180.0, 85.0])
@pytest.mark.parametrize("name", RESULTS)
def test_every_result_has_a_legible_forest_with_a_mark_a_row(name: str, width: float) -> None:
    result, rows, null = RESULTS[name]
    figure = rs.forest(result, width_mm=width)
    assert illegible(figure) == []
    assert len(drawn(figure, "estimate")) + len(drawn(figure, "diamond")) == rows
    assert theme.figure_mm(figure)[0] == pytest.approx(width)
    lines = drawn(figure, "null")
    assert [line.get_xdata()[0] for line in lines] == ([] if null is None else [null])


@pytest.mark.parametrize(
    "result", [POOL, COUNTS, PRINTED, FIT, RESULTS["glmm"][0], RESULTS["means"][0]],
    ids=lambda r: type(r).__name__,
)  # fmt: skip
def test_every_result_draws_itself(result) -> None:
    assert isinstance(result.plot(), Figure)


def test_an_exploration_and_a_plan_draw_themselves() -> None:
    explored = rs.explore(lambda v: (v["x"], v["x"] - 1, v["x"] + 1), {"x": (0.0, 1.0)}, draws=64)
    assert isinstance(explored.plot(), Figure)
    assert rs.Plan.plot is not None


def test_studies_stand_at_their_effects_with_the_pool_as_a_diamond() -> None:
    figure = rs.forest(POOL, exponentiate=True)
    assert_allclose([m.get_xdata()[0] for m in drawn(figure, "estimate")], np.exp(EFFECTS["yi"]))
    half = Z * np.sqrt(EFFECTS["vi"])
    ends = np.exp(np.column_stack([EFFECTS["yi"] - half, EFFECTS["yi"] + half]))
    assert_allclose([line.get_xdata() for line in drawn(figure, "confidence")], ends, rtol=SAME)
    pool = drawn(figure, "diamond")[0].get_xy()[:, 0]
    assert_allclose([pool.min(), pool.max()], np.exp([POOL.conf_low, POOL.conf_high]))
    (new,) = drawn(figure, "prediction")
    assert_allclose(new.get_xdata(), np.exp([POOL.pred_low, POOL.pred_high]))


def test_areas_of_marks_are_in_proportion_to_weights() -> None:
    marks = drawn(rs.forest(POOL), "estimate")
    areas = np.array([mark.get_markersize() ** 2 for mark in marks])
    weights = np.array(POOL.weights)
    assert_allclose(areas / areas.max(), weights / weights.max())


def test_with_moderators_the_model_is_drawn_behind_each_study_and_no_mean() -> None:
    pooled = rs.pool(EFFECTS, formula="~ latitude")
    figure = rs.forest(pooled)
    assert drawn(figure, "diamond") == []
    expected = pooled.predict(EFFECTS)
    fitted = [patch.get_xy()[:, 0] for patch in drawn(figure, "fitted")]
    assert_allclose([xs.min() for xs in fitted], expected["conf_low"])
    assert_allclose([xs.max() for xs in fitted], expected["conf_high"])


@pytest.mark.parametrize("width", [180.0, 120.0, 85.0])
def test_half_of_the_width_is_the_picture_whatever_the_labels(width: float) -> None:
    labels = [f"{name}, a trial with a long name in several centres" for name in TRIALS["study"]]
    figure = rs.forest(POOL, labels=labels, width_mm=width)
    assert figure.axes[0].get_position().width * width >= width / 2 - MM


def test_in_one_column_words_stand_above_their_mark_and_numbers_at_the_end_of_a_line() -> None:
    name = "Aronson 1948, a trial with a long name in several centres of more than one state"
    figure = rs.forest(POOL, labels=[name, *TRIALS["study"][1:]], width_mm=85.0)
    axes, (_, tall) = figure.axes[0], theme.figure_mm(figure)
    place = {text.get_text(): tall * text.get_position()[1] for text in figure.texts}
    marks = [axes.transData.transform((0.0, mark.get_ydata()[0]))[1] for mark in
             drawn(figure, "estimate")]  # fmt: skip
    points = theme.PT_MM * 72 / figure.dpi
    for study, mark, after in zip(TRIALS["study"][1:], marks[1:], marks[2:], strict=False):
        above = place[study] - mark * points
        assert 0 < above < (mark - after) * points / 2, study  # nearer to its own than to the next
    assert name not in place  # two lines of the whole width
    assert sum(text.startswith("Aronson") for text in place) == 1
    ends = [t for t in figure.texts if t.get_ha() == "right" and "[" in t.get_text()]
    assert len(ends) == len(TRIALS) + 1
    levels = {round(at, 3) for text, at in place.items() if text in set(TRIALS["study"])}
    assert sum(round(tall * t.get_position()[1], 3) in levels for t in ends) == len(TRIALS) - 1


@pytest.mark.parametrize("width", [180.0, 85.0])
def test_line_and_band_are_one_piece_from_top_to_bottom(width: float) -> None:
    figure = rs.forest(COUNTS, band=(None, 0.5), width_mm=width)
    high, low = figure.axes[0].get_ylim()
    (band,), (null,) = drawn(figure, "claim-band"), drawn(figure, "null")
    assert (band.get_y(), band.get_y() + band.get_height()) == (low, high)
    assert list(null.get_ydata()) == [low, high]
    left, right = figure.axes[0].get_xlim()
    assert left < null.get_xdata()[0] < right


def test_in_one_column_the_line_of_no_effect_is_pale_behind_words_and_dark_beside_marks() -> None:
    figure = rs.forest(POOL, width_mm=85.0)
    axes = figure.axes[0]
    tall = axes.get_ylim()[0]
    (null,), (dark,) = drawn(figure, "null"), drawn(figure, "null-at-marks")
    assert null.get_color() == LIGHT.pale
    assert to_hex(dark.get_color()[0]) == LIGHT.grey
    zones = [(ends[0][1], ends[1][1]) for ends in dark.get_segments()]
    marks = [m.get_ydata()[0] for m in drawn(figure, "estimate")]
    assert all(any(low < mark < high for low, high in zones) for mark in marks)
    page = theme.figure_mm(figure)[1]
    top = page * (1 - axes.get_position().y1)
    spoken = [page * (1 - text.get_position()[1]) - top for text in figure.texts]
    inside = [at for at in spoken if 0 < at < tall]
    assert len(inside) > len(marks)
    assert not any(low < at < high for at in inside for low, high in zones)
    wide = rs.forest(POOL)
    assert drawn(wide, "null-at-marks") == []
    assert drawn(wide, "null")[0].get_color() == LIGHT.grey


@pytest.mark.parametrize(
    "width", [85.0, *(pytest.param(width, marks=pytest.mark.thorough) for width in (120.0, 180.0))]
)
@pytest.mark.parametrize("name", ["glmm", "lmm", "means"])
def test_what_a_fit_draws_of_itself_takes_a_width(name: str, width: float) -> None:
    figure = RESULTS[name][0].plot(width_mm=width)
    assert theme.figure_mm(figure)[0] == pytest.approx(width)
    figure.draw_without_rendering()
    boxes = [axes.get_window_extent() for axes in figure.axes if axes.axison]
    assert min(box.width for box in boxes) * 25.4 / figure.dpi > LEAST_PANEL_MM
    for bad in (10, 1000, "wide"):
        with pytest.raises(InputError, match="width_mm"):
            RESULTS[name][0].plot(width_mm=bad)


@pytest.mark.parametrize("y", [(0.2, 0.4), (-3.0, 3.0), (5.0, 9.0)])
def test_a_pool_is_never_cut_and_no_effect_is_a_tick(y: tuple[float, float]) -> None:
    for exponentiate in (False, True):
        figure = rs.forest(rs.pool(y, [0.3, 0.3]), exponentiate=exponentiate)
        axes = figure.axes[0]
        low, high = axes.get_xlim()
        pool = drawn(figure, "diamond")[0].get_xy()[:, 0]
        pooled = rs.pool(y, [0.3, 0.3])
        ends = np.array([pooled.conf_low, pooled.conf_high])
        assert_allclose([pool.min(), pool.max()], np.exp(ends) if exponentiate else ends)
        assert low < pool.min()
        assert pool.max() < high
        ticks = [t for t in axes.get_xticks() if low <= t <= high]
        assert float(exponentiate) in [round(t, 9) for t in ticks]
        assert len(ticks) >= 2
        for tick in ticks:  # a round number: at most two digits before zeros
            digits = f"{abs(tick):.6e}".split("e")[0].replace(".", "").rstrip("0")
            assert len(digits) <= 3, tick
        assert all(b > a for a, b in pairwise(ticks))


def test_the_key_names_what_is_there_and_nothing_else() -> None:
    def keys(figure: Figure) -> str:
        return " ".join(t.get_text() for t in figure.texts if t.get_gid() == "key")

    assert "area of a mark" in keys(rs.forest(POOL))
    assert "area of a mark" not in keys(rs.forest(COUNTS))
    assert "pool" not in keys(rs.forest(FIT))
    assert "prediction" not in keys(rs.forest(EFFECTS))
    assert "95% credible interval" in keys(rs.forest(PRINTED))
    narrower = rs.pool(EFFECTS, level=0.9)
    assert "90% confidence interval" in keys(rs.forest(narrower))
    assert "Estimate [90% CI]" in words(rs.forest(narrower))


def test_rows_are_ordered_and_named_as_asked_with_the_pool_last() -> None:
    by_effect = [m.get_xdata()[0] for m in drawn(rs.forest(POOL, order="estimate"), "estimate")]
    assert by_effect == sorted(by_effect)
    figure = rs.forest(POOL, order="weight", labels=[f"Trial {i}" for i in range(13)])
    sizes = [m.get_markersize() for m in drawn(figure, "estimate")]
    assert sizes == sorted(sizes, reverse=True)
    assert {f"Trial {i}" for i in range(13)} | {"Pooled effect"} <= words(figure)


def test_a_study_without_events_is_hollow_and_an_infinite_pool_ends_in_an_arrow() -> None:
    table = {"study": ["a", "b"], "events_1": [0, 0], "total_1": [50, 60], "events_2": [4, 0],
             "total_2": [50, 60]}  # fmt: skip
    pooled = rs.pool_counts(table, measure="odds_ratio", model="conditional")
    assert math.isinf(pooled.estimate)
    figure = rs.forest(pooled)
    filled = [m.get_markerfacecolor() != "#ffffff" for m in drawn(figure, "estimate")]
    assert filled == [True, False]
    assert drawn(figure, "beyond") != []
    assert illegible(figure) == []


def test_own_effects_of_counts_are_those_of_the_two_by_two_tables() -> None:
    expected = rs.escalc(TRIALS, "OR")
    assert_allclose(COUNTS.studies["estimate"], expected["yi"])
    assert_allclose(COUNTS.studies["std_error"] ** 2, expected["vi"])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"labels": ["one"]}, "found 1 for 13 rows"),
        ({"order": "size"}, "order='size'; allowed: given, estimate, weight"),
        ({"theme": "sepia"}, "theme: found 'sepia'"),
        ({"width_mm": 10}, "width_mm: found 10"),
        ({"band": (2, 1)}, "the first end is above the second"),
        ({"band": ("a", 1)}, "allowed: .low, high."),
    ],
)
def test_a_bad_option_is_named(options: dict, says: str) -> None:
    with pytest.raises(rs.InputError, match=says):
        rs.forest(POOL, **options)


@pytest.mark.parametrize(
    ("result", "says"),
    [
        (3, "found int, which holds no estimates"),
        (pd.DataFrame({"estimate": [1.0]}), "no column 'conf_low'; it has estimate"),
        (EFFECTS.iloc[:0], "no row to draw"),
        (pd.DataFrame({"yi": ["x"], "vi": [1]}), "column 'yi', row 1: found 'x'"),
    ],
)
def test_what_holds_no_estimates_is_refused(result, says: str) -> None:
    with pytest.raises(rs.InputError, match=says):
        rs.forest(result)


def test_estimates_and_their_brackets_stand_below_one_another() -> None:
    figure = rs.forest(POOL, exponentiate=True)
    texts = {text.get_text(): text for text in figure.texts}
    brackets = [text for said, text in texts.items() if said.startswith("[")]
    assert len(brackets) == 14
    assert len({text.get_position()[0] for text in brackets}) == 1
    width = theme.figure_mm(figure)[0]
    points = set()
    for said, text in texts.items():
        if said.replace(".", "").isdigit():
            bold = text.get_fontweight() == "bold"
            before = theme.width_mm(said.partition(".")[0], bold=bold)
            points.add(round(text.get_position()[0] * width + before, 6))
    assert len(points) == 1


def test_a_key_has_hollow_marks_where_no_mark_is_filled() -> None:
    rows = ex.estimates().head(2).assign(pooled=False)
    alone, mixed = (
        forest([Panel(rows.assign(pooled=pooled), "x", 1.0, log=True)], "")
        for pooled in ([False, False], [True, False])
    )
    said = "hollow: not pooled"
    for figure, face, named in ((alone, "none", False), (mixed, LIGHT.blue, True)):
        words = [text.get_text() for text in figure.texts if text.get_gid() == "key"]
        handles = [mark for mark in figure.artists if mark.get_gid() == "key-mark"]
        keys = dict(zip(words, handles, strict=True))
        assert (said in keys) == named
        marks = [k for t, k in keys.items() if t.startswith(("printed by", "mixed model"))]
        assert marks
        assert all(mark.get_markerfacecolor() == face for mark in marks)


def test_a_pool_without_differences_between_studies_says_so_in_one_digit() -> None:
    counts = {"study": ["a", "b", "c"], "events_1": [12, 3, 31], "total_1": [4100, 900, 8800],
              "events_2": [25, 9, 40], "total_2": [4000, 950, 8500]}  # fmt: skip
    pooled = rs.pool_counts(counts, measure="rate_ratio", model="fixed-study")
    (said,) = [text for text in words(pooled.plot()) if "τ" in text]
    assert said.replace("\N{NO-BREAK SPACE}", " ") == "k = 3, τ = 0"
