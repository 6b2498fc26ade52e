"""Figures by their artists: marks stand where the frame says, and files come out the same."""

from __future__ import annotations

import base64
import io
import re
import zlib
from html import unescape
from pathlib import Path

import example_frames as ex
import pandas as pd
import pytest
from doors.audit import select
from doors.report import LAYOUT, drawn_in, figures, file_of, theme
from doors.report import LIGHT_LOOK as LIGHT
from fontTools.ttLib import TTFont
from matplotlib.text import Text
from numpy.testing import assert_allclose

from retrostats import load_audit

COMMON_WORD = "standard"  # a study is called so
MM_ATOL = 0.05  # a figure's size is set in mm; only the division by 25.4 rounds


def artists(figure, gid):
    return [a for axes in figure.axes for a in axes.findobj(lambda o: o.get_gid() == gid)]


ANALYSES = select(None)


def drawings(estimates=None, sensitivity=None, retellings=None) -> dict[str, figures.Drawing]:
    """What the analyses of the audit that ships draw from constructed frames."""
    frames = {
        "estimates": ex.estimates() if estimates is None else estimates,
        "sensitivity": ex.sensitivity() if sensitivity is None else sensitivity,
        "retellings": ex.retellings() if retellings is None else retellings,
    }
    return {k: d for analysis in ANALYSES for k, d in analysis.draw(frames, ex.claims()).items()}


def forest_cost(estimates):
    (cost,) = (analysis for analysis in ANALYSES if analysis.name == "metabolic-cost")
    frames = {"estimates": estimates, "sensitivity": ex.sensitivity()}
    return cost.draw(frames, ex.claims())["metabolic_cost_forest"].figure


def _narrow() -> dict[str, object]:
    """The forest of the cost for one column, and in the dark."""
    found = {}
    for name, look in (("cost_85mm", ("light", 85.0)), ("cost_dark", ("dark", 180.0))):
        with drawn_in(*look):
            found[name] = forest_cost(ex.estimates())
    return found


@pytest.fixture(scope="module")
def drawn():
    return figures_by_name()


def figures_by_name():
    by_name = drawings()
    return {
        "cost": by_name["metabolic_cost_forest"].figure,
        "load": by_name["joint_load_impact"].figure,
        "rates": by_name["injury_rate_ratios"].figure,
        "fat": by_name["body_fat_change"].figure,
        "sensitivity": figures.sensitivity(ex.sensitivity(), ex.claims()),
        **_narrow(),
        "words": figures.sensitivity(ex.sensitivity_in_words(), {}),
        "verdicts": figures.verdict_overview(ex.verdicts()),
        "chain": by_name["retelling_chain"].figure,
    }


def test_marks_and_intervals_stand_at_the_frames_values(drawn):
    rows = ex.estimates()
    rows = rows[
        (rows["quantity"] == "metabolic_rate_ratio") & ~rows["role"].isin(["pooled", "one-stage"])
    ]
    marks = artists(drawn["cost"], "estimate")
    assert_allclose([m.get_xdata()[0] for m in marks], rows["estimate"], equal_nan=True)
    lines = artists(drawn["cost"], "confidence")
    known = rows.dropna(subset="conf_low")
    assert_allclose([line.get_xdata() for line in lines], known[["conf_low", "conf_high"]])
    ranges = artists(drawn["cost"], "range")
    assert [1.02, 1.31] in [list(line.get_xdata()[:2]) for line in ranges]
    assert max(r.get_linewidth() for r in ranges) < min(c.get_linewidth() for c in lines) / 2


def test_pool_is_a_diamond_over_its_interval_and_prediction_is_dotted(drawn):
    pool = artists(drawn["cost"], "diamond")[0].get_xy()
    assert (pool[:, 0].min(), pool[:, 0].max()) == (1.02, 1.52)
    (prediction,) = artists(drawn["cost"], "prediction")
    assert list(prediction.get_xdata()) == [0.84, 1.85]
    assert prediction.get_linestyle() != "-"


def test_only_what_is_pooled_is_filled(drawn):
    """Every mark of every panel, by its value, against the column that says what entered a pool."""
    rows = ex.estimates().dropna(subset="estimate")
    known = set(zip(rows["estimate"], rows["pooled"], strict=True))
    for name in ("cost", "load", "rates", "fat"):
        marks = {
            (float(mark.get_xdata()[0]), mark.get_markerfacecolor() not in ("none", LIGHT.paper))
            for mark in artists(drawn[name], "estimate")
        }
        assert {mark for mark in marks if mark[0] == mark[0]} <= known, name


def test_a_result_in_words_has_a_range_and_no_mark(drawn):
    ranges = [list(line.get_xdata()[:2]) for line in artists(drawn["cost"], "range")]
    assert [0.65, 1.54] in ranges
    assert "printed in words" in {text.get_text() for text in drawn["cost"].texts}


def test_band_spans_the_claims_range(drawn):
    (band,) = artists(drawn["cost"], "claim-band")
    box = band.get_path().get_extents()
    xs = (
        [band.get_x(), band.get_x() + band.get_width()]
        if hasattr(band, "get_x")
        else [box.x0, box.x1]
    )
    assert_allclose(xs, [1.25, 1.35])


@pytest.mark.parametrize("name", ["cost", "load", "rates", "fat"])
def test_axes_name_unit_and_n(drawn, name):
    for axes in drawn[name].axes:
        label = axes.get_xlabel()
        assert re.search(r"ratio|percentage points|%", label)
        assert re.search(r"n = |n not printed", label)


def test_sizes_are_journal_columns(drawn):
    for name, figure in drawn.items():
        expected = theme.SINGLE_MM if name in ("words", "cost_85mm") else theme.DOUBLE_MM
        assert_allclose(theme.figure_mm(figure)[0], expected, atol=MM_ATOL)


def test_text_is_at_least_seven_points_and_inside_the_page(drawn):
    for figure in drawn.values():
        page = figure.bbox
        for text in figure.findobj(lambda o: hasattr(o, "get_fontsize") and o.get_text()):
            assert text.get_fontsize() >= 7
            if text.get_visible() and text in figure.texts:
                box = text.get_window_extent()
                assert box.x0 >= page.x0 - 1
                assert box.x1 <= page.x1 + 1
                assert box.y0 >= page.y0 - 1


def test_sensitivity_strip_follows_the_verdicts(drawn):
    frame = ex.sensitivity()
    first = frame[frame["estimate_id"] == "mc-williford"]
    figure = drawn["sensitivity"]
    box, (low, high) = figure.axes[0].get_position(), figure.axes[0].get_xlim()
    line = max(p.get_y() for p in figure.artists if p.get_gid())
    spans = {
        p.get_gid(): low + (p.get_x() - box.x0) / box.width * (high - low)
        for p in figure.artists
        if p.get_gid() and p.get_y() == line and p.get_x() < box.x1
    }
    assert set(spans) == set(first["verdict_direction"])
    flips = first.loc[first["verdict_direction"] == "supported", "unknown_value"].min()
    before = first.loc[first["verdict_direction"] == "open", "unknown_value"].max()
    assert spans["supported"] == pytest.approx((flips + before) / 2)


def test_strips_of_one_kind_stand_in_one_line_and_letters_are_those_drawn(drawn):
    """A panel that judges a direction alone has it where the others have theirs."""
    frame = ex.sensitivity().query("claim_id == 'energy_30'")
    alone = frame["estimate_id"] == "mc-pool"
    frame.loc[alone, "verdict_size"] = ""
    figure = figures.sensitivity(frame, ex.claims())
    panels: dict[float, set[int]] = {}
    for strip in (box for box in figure.artists if box.get_gid()):
        (panel,) = (
            i
            for i, axes in enumerate(figure.axes)
            if axes.get_position().x0 - 1e-9 <= strip.get_x() < axes.get_position().x1
        )
        panels.setdefault(round(strip.get_y(), 6), set()).add(panel)
    assert [len(found) for found in panels.values()] == [2, 1]
    texts = [text.get_text() for text in figure.texts]
    said = " ".join(text for text in texts if len(text) > 1)
    shown = set(texts)
    assert {letter for letter in "SCO" if f"{letter} " in said.partition("(")[2]} == (
        shown & {"S", "C", "O"}
    )


def test_panels_of_one_line_are_of_one_width():
    words = ex.sensitivity_in_words()
    number = ex.sensitivity().query("estimate_id == 'bf-more-points'")
    frames = [words, number, number.assign(unknown="another"), words.assign(unknown="last")]
    figure = figures.sensitivity(pd.concat(frames, ignore_index=True), {})
    widths: dict[float, list[float]] = {}
    for box in (axes.get_position() for axes in figure.axes if axes.get_xlabel()):
        widths.setdefault(round(box.y0, 6), []).append(round(box.width, 6))
    assert sum(map(len, widths.values())) == len(frames)
    assert max(map(len, widths.values())) > 1
    assert all(len(set(line)) == 1 for line in widths.values())


def test_verdict_cells_say_the_word(drawn):
    words = " ".join(t.get_text().replace("\n", " ") for t in drawn["verdicts"].axes[0].texts)
    for row in ex.verdicts().to_dict("records"):
        assert row["fidelity"] in words
    assert len(artists(drawn["verdicts"], "contradicted")) == 1


def test_retelling_marks_each_change_and_survives_a_cycle(drawn):
    assert len(artists(drawn["chain"], "changed")) == 5
    assert len(artists(drawn["chain"], "kept")) == 1
    assert len(artists(drawn["chain"], "link")) == 5
    loop = ex.retellings()
    loop.loc[0, "parent"] = loop.loc[5, "source"]
    assert len(artists(drawings(retellings=loop)["retelling_chain"].figure, "changed")) == 5


def test_nothing_to_draw_is_none():
    nothing = (frame.iloc[:0] for frame in (ex.estimates(), ex.sensitivity(), ex.retellings()))
    for name, drawing in drawings(*nothing).items():
        assert drawing.figure is None, name
    assert figures.verdict_overview(ex.verdicts().iloc[:0]) is None
    assert figures.stack([None], "data") is None


def test_the_group_of_a_row_decides_where_it_stands_and_no_wording_does():
    def svg(rows) -> bytes:
        buffer = io.BytesIO()
        theme.write(forest_cost(rows), buffer, "svg")
        return buffer.getvalue()

    rows = ex.estimates()
    worded = rows.assign(directness="walking, forward running, not backward")
    assert svg(worded) == svg(rows)
    rows.loc[0, "group"] = rows["group"][rows["estimate_id"] == "mc-kimchoi"].item()
    marks = artists(forest_cost(rows), "estimate")
    assert marks[0].get_xdata()[0] == rows["estimate"][0]  # its group now comes first
    assert marks[1].get_xdata()[0] == 1.284  # the other walking rows follow it


def test_a_bare_figure_is_described_by_its_name_and_an_empty_one_is_left_out():
    found = figures.drawing.drawings_of(
        {"heart_rate": theme.new_figure(10, 10), "none": None, "empty": figures.Drawing(None, "x")},
        "pulse",
    )
    assert list(found) == ["heart_rate"]
    assert (found["heart_rate"].alt, found["heart_rate"].analysis) == ("heart rate", "pulse")


def test_the_drawing_code_names_nothing_of_the_audit():
    audit = load_audit()
    studies = {re.sub(r"\d.*|_.*", "", study) for study in audit.studies["study_id"]}
    words = {*audit.conditions.compared, *audit.topics, "ligament", "walking"}
    words |= {study for study in studies if len(study) > 6 and study != COMMON_WORD}
    any_word = re.compile(rf"\b({'|'.join(map(re.escape, sorted(words)))})\b", re.IGNORECASE)
    for path in Path(figures.__file__).parents[1].rglob("*"):
        if path.suffix in (".py", ".j2"):
            assert not any_word.findall(path.read_text(encoding="utf-8")), path.name


@pytest.mark.parametrize("kind", ["svg", "pdf", pytest.param("png", marks=pytest.mark.thorough)])
def test_same_frames_give_the_same_bytes(kind):
    def once() -> bytes:
        buffer = io.BytesIO()
        theme.write(forest_cost(ex.estimates()), buffer, kind)
        return buffer.getvalue()

    assert once() == once()


def test_svg_text_is_text_as_wide_as_it_was_measured_with_a_title_and_a_description(drawn):
    buffer = io.BytesIO()
    theme.write(drawn["cost"], buffer, "svg", "The cost", "What it shows: a < b")
    svg = buffer.getvalue().decode()
    assert "<title>The cost</title>" in svg
    assert "<desc>What it shows: a &lt; b</desc>" in svg
    lines = re.findall(r'<text [^>]*textLength="([\d.]+)"[^>]*>([^<]+)</text>', svg)
    assert len(lines) == svg.count("<text ") > 40
    said = {words: float(width) for width, words in lines}
    for words in ("Body-weight-support study, 0%", "printed in words"):
        expected = theme.width_mm(words) / theme.PT_MM
        assert said[words] == pytest.approx(expected, abs=0.01)


def test_svg_embeds_a_font_of_just_its_own_letters(drawn):
    buffer = io.BytesIO()
    theme.write(drawn["cost"], buffer, "svg")
    svg = buffer.getvalue().decode()
    faces = dict(re.findall(r"@font-face\{[^}]*font-weight:(\w+);src:url\(data:font/ttf;base64,"
                            r"([^)]+)\)\}", svg))  # fmt: skip
    texts = re.findall(r'<text style="([^"]*)"[^>]*>([^<]+)</text>', svg)
    assert set(faces) == {"normal", "bold"}
    for weight, encoded in faces.items():
        font = TTFont(io.BytesIO(base64.b64decode(encoded)))
        words = {
            w for style, w in texts if ("700" in style or "bold" in style) == (weight == "bold")
        }
        assert set(font.getBestCmap()) == {ord(c) for c in unescape("".join(words))}
        assert {"cmap", "head", "hhea", "hmtx", "maxp", "name", "OS/2", "post"} <= set(font.keys())


def test_pdf_and_png_say_what_they_show(drawn):
    for kind in ("pdf", "png"):
        buffer = io.BytesIO()
        theme.write(drawn["cost"], buffer, kind, "The cost", "What it shows")
        written = buffer.getvalue()
        assert b"The cost" in written
        assert b"What it shows" in written


def test_pdf_embeds_truetype_and_no_type_3(drawn):
    buffer = io.BytesIO()
    theme.write(drawn["cost"], buffer, "pdf")
    raw = buffer.getvalue()
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", raw, re.DOTALL):
        try:
            raw += zlib.decompress(stream.strip(b"\r\n"))
        except zlib.error:
            continue
    assert b"/FontFile2" in raw
    assert b"/Type3" not in raw
    assert b"/CreationDate" not in raw


def test_pdf_fonts_come_without_layout_tables_and_matplotlib_is_left_as_it_was(drawn):
    from matplotlib.backends import _backend_pdf_ps as home

    before, kept = home.subset, []
    original = home.font_as_file

    def look(font):
        kept.append(set(font.keys()))
        return original(font)

    home.font_as_file = look
    try:
        theme.write(drawn["cost"], io.BytesIO(), "pdf")
    finally:
        home.font_as_file = original
    assert kept
    assert all({"glyf", "cmap", "hmtx"} <= tables for tables in kept)
    assert all(tables.isdisjoint(LAYOUT) for tables in kept)
    assert home.subset is before


def test_fonts_are_held_in_memory_while_files_are_made_and_matplotlib_is_left_as_it_was(drawn):
    from matplotlib import font_manager

    before, opened = font_manager.ft2font, []
    original = font_manager.ft2font.FT2Font

    class Watched:
        def __getattr__(self, name):
            return getattr(before, name)

        def FT2Font(self, file, **options):
            opened.append(file)
            return original(file, **options)

    font_manager._get_font.cache_clear()
    font_manager.ft2font = watched = Watched()
    try:
        theme.write(drawn["cost"], io.BytesIO(), "pdf")
        assert font_manager.ft2font is watched
    finally:
        font_manager.ft2font = before
    assert opened
    assert all(isinstance(file, io.BytesIO) for file in opened)
    assert any("DejaVuSans" in str(file) for file in opened)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("Здравко", "svg"), ("Łukasiewicz 2031", "pdf"),
     *(pytest.param(*rest, marks=pytest.mark.thorough)
       for rest in (("Здравко", "pdf"), ("Łukasiewicz 2031", "svg"),
                    ("Dvořák", "svg"), ("Dvořák", "pdf")))],
)  # fmt: skip
def test_letters_of_any_script_that_the_typeface_has_are_embedded(name, kind):
    rows = ex.estimates()
    rows["label"] = name
    buffer = io.BytesIO()
    theme.write(forest_cost(rows), buffer, kind)
    if kind == "svg":
        fonts = re.findall(r"font/ttf;base64,([^)]+)\)", buffer.getvalue().decode())
        streams = [base64.b64decode(font) for font in fonts]
    else:
        streams = [s for s in _streams(buffer.getvalue()) if s[:4] == b"\0\1\0\0"]
    glyphs = set().union(*(_letters(stream) for stream in streams))
    assert {ord(c) for c in name} <= glyphs


def _streams(raw: bytes) -> list[bytes]:
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", raw, re.DOTALL):
        try:
            found.append(zlib.decompress(stream.strip(b"\r\n")))
        except zlib.error:
            continue
    return found


def _letters(font: bytes) -> set[int]:
    return set(TTFont(io.BytesIO(font)).getBestCmap())


@pytest.mark.parametrize(
    "width", [85.0, *(pytest.param(width, marks=pytest.mark.thorough) for width in (120.0, 180.0))]
)
def test_panels_of_sensitivity_have_one_width_in_even_rows_and_no_word_is_cut(width):
    words = ex.sensitivity_in_words()
    number = ex.sensitivity().query("estimate_id == 'bf-more-points'")
    frames = [number.assign(estimate_id=f"{i}") for i in range(5)]
    frames.insert(2, words)
    with drawn_in("light", width):
        figure = figures.sensitivity(pd.concat(frames, ignore_index=True), {})
    panels = [axes for axes in figure.axes if artists_of(axes, "estimate")]
    assert len(panels) == 6
    page = theme.figure_mm(figure)[0]
    widths = [axes.get_position().width * page for axes in panels]
    assert max(widths) - min(widths) < MM_ATOL
    tops = [round(axes.get_position().y1, 6) for axes in panels]
    rows = [tops.count(top) for top in dict.fromkeys(tops)]
    assert max(rows) - min(rows) <= 1
    figure.draw_without_rendering()  # words below an axis are written when it is drawn
    said = " ".join(text.get_text() for text in figure.findobj(Text)).split()
    assert {word for option in words["unknown_text"] for word in option.split()} <= set(said)


def artists_of(axes, gid):
    return axes.findobj(lambda artist: artist.get_gid() == gid)


def test_odd_labels_are_drawn_as_plain_text(tmp_path):
    rows = ex.estimates()
    rows["label"] = "<b>$\\frac{1}{2}$</b> 跑步 لايف " + "long " * 40
    figure = forest_cost(rows)
    path = tmp_path / "odd.png"
    path.write_bytes(file_of(figure, "png", "odd", ""))
    assert path.stat().st_size > 10_000
    assert [p.name for p in tmp_path.iterdir()] == ["odd.png"]


def test_an_interval_beyond_the_axis_ends_in_an_arrow():
    rows = ex.estimates()
    rows.loc[0, "conf_high"] = 1e6
    assert len(artists(forest_cost(rows), "beyond")) == 1


#: Root mean square of the pixel differences, of 255: glyphs move by a fraction of a pixel between
#: versions of FreeType; a mark in another place or colour moves it by several units.
RMS = 2.0
BASELINES = (
    "cost", "cost_85mm", "cost_dark", "load", "rates", "fat", "sensitivity", "verdicts", "chain",
)  # fmt: skip


@pytest.mark.parametrize("name", BASELINES)
def test_picture_looks_like_its_baseline(drawn, name, tmp_path):
    """To renew them on purpose: `python tests/test_figures.py`, and look at them."""
    from matplotlib.testing.compare import compare_images

    path = tmp_path / f"{name}.png"
    picture(drawn[name], path)
    assert compare_images(str(baseline_of(name)), str(path), tol=RMS) is None


def baseline_of(name):
    return Path(__file__).parent / "baselines" / f"{name}.png"


def picture(figure, path):
    figure.savefig(path, dpi=60, facecolor=figure.get_facecolor())


if __name__ == "__main__":
    made = figures_by_name()
    for one in BASELINES:
        picture(made[one], baseline_of(one))
