"""The controls of the page: every answer they can show is the package's, and nothing else is."""

from __future__ import annotations

import json
import re
import shutil
from html import unescape

import numpy as np
import pytest
from doors.audit import direction_of, size_of
from doors.report import SIDE_WORDS, SIZE_WORDS, WIDTHS, explorers_of

import retrostats as rs
from retrostats import HalfNormal, Interval

#: The page holds twelve digits.
PAGE_RTOL = 1e-9
#: Milliseconds on the clock after which the browser counts as hanging, however busy the machine.
HANGS = 300_000
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def replication(whole: rs.Replication) -> rs.Replication:
    return whole


@pytest.fixture(scope="module")
def html(whole_page: str) -> str:
    return whole_page


@pytest.fixture(scope="module")
def explorers(replication: rs.Replication) -> dict:
    names = ("verdicts", "estimates", "claims", "sources")
    records = {name: getattr(replication, name).to_dict("records") for name in names}
    return explorers_of(replication.grids, records)


def test_every_claim_with_a_judged_measure_has_controls(replication, explorers) -> None:
    judged = set(replication.explorations.query("claim_id != ''")["claim_id"])
    assert judged
    assert judged <= set(explorers)
    for mine in explorers.values():
        assert all(x.controls and x.corners for x in mine)


def test_a_value_that_has_a_unit_is_told_with_it(explorers) -> None:
    ends = [end for mine in explorers.values() for x in mine for end in x.ends.values()]
    peaks = [line for end in ends for line in end.how if line.startswith("peak oxygen uptake")]
    assert len(peaks) > 1
    assert all(re.fullmatch(r".*: \d+ ml/kg/min", line) for line in peaks)


def test_answers_of_the_page_are_those_of_the_package_at_every_point(replication, html) -> None:
    blocks = [
        json.loads(text)
        for text in re.findall(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)
    ]
    grids = [b for b in blocks if b["said"] and b["words"] != [""]]
    assert len(grids) == len(replication.grids)
    by_claim: dict = {}
    for claim, grid in replication.grids:
        by_claim.setdefault(claim.claim_id, []).append((claim, grid))
    order = [pair for key in replication.verdicts["claim_id"] for pair in by_claim.get(key, ())]
    for block, (claim, grid) in zip(grids, order, strict=True):
        now = grid.entry.at95.answers(grid.points)  # the package's estimator, asked again
        narrow = grid.entry.at90.answers(grid.points)
        shown = np.array(block["answers"], dtype=float)
        np.testing.assert_allclose(shown, now, rtol=PAGE_RTOL)
        for i, (low, high) in enumerate(now[:, 1:]):
            at95, at90 = Interval(now[i, 0], low, high), Interval(narrow[i, 0], *narrow[i, 1:])
            words = block["words"][block["said"][i]]
            if claim.has_direction:
                assert SIDE_WORDS[direction_of(at95, claim)] in words
            if claim.has_size:
                assert SIZE_WORDS[size_of(at95, claim, at90)] in words


def test_the_lowest_and_the_highest_are_the_outermost_limits(replication, html) -> None:
    blocks = [json.loads(t) for t in re.findall(r"application/json\">(.*?)</script>", html)]
    every = [b for b in blocks if b["words"] != [""]]
    order = [
        grid
        for key in replication.verdicts["claim_id"]
        for claim, grid in replication.grids
        if claim.claim_id == key
    ]
    told = 0
    for block, grid in zip(every, order, strict=True):
        explored = grid.entry.at95
        for name, extreme in (("lowest", explored.low), ("highest", explored.high)):
            end = block["ends"][name]
            limits = explored.answers(extreme.point[None, :])[0]
            wanted = explored.conf_low if name == "lowest" else explored.conf_high
            assert limits[1 if name == "lowest" else 2] == pytest.approx(wanted, rel=PAGE_RTOL)
            assert all(0 <= s < n for s, n in zip(end["settings"], block["settings"], strict=True))
            open_ = [u for u in explored.space.unknowns if not getattr(u, "cell", "")]
            assert sum(line.startswith(tuple(u.name for u in open_)) for line in end["how"]) == len(
                open_
            )
            told += end["answer"] in html
    assert told == 2 * len(every)  # without a script they stand in the table of ends


def test_the_prior_of_the_page_is_the_pool_under_that_prior(replication, html) -> None:
    blocks = [json.loads(t) for t in re.findall(r"application/json\">(.*?)</script>", html)]
    (prior,) = [b for b in blocks if b["words"] == [""]]
    rows = replication.estimates.query("pooled and quantity == 'metabolic_rate_ratio'")
    for width, shown in zip(WIDTHS, prior["answers"], strict=True):
        pooled = rs.pool(np.log(rows["estimate"]), rows["std_error"], prior=HalfNormal(width))
        np.testing.assert_allclose(np.log(shown[1:]), [pooled.conf_low, pooled.conf_high])
    few = replication.estimates.set_index("estimate_id").loc["mc-pool-half-normal-0.5"]
    assert prior["answers"][WIDTHS.index(0.5)] == pytest.approx(
        few[["estimate", "conf_low", "conf_high"]].tolist(), rel=PAGE_RTOL
    )


def test_data_of_a_stranger_cannot_leave_its_block() -> None:
    from doors.report import Shown, Telling, _data

    hostile = "</script><script>alert(1)</script>&"
    control = Shown("x", "", False, (hostile,), 0)
    telling = Telling("ratio", hostile, {}, (1.0,))
    text = _data([[1.0, 0.5, 2.0]], [("", "")], [[hostile]], (control,), telling, null=1.0)
    assert "<" not in text
    assert json.loads(text)["values"] == [[hostile]]


def test_an_unknown_is_told_in_the_unit_of_what_was_measured(replication, html) -> None:
    """Never as the log ratio of the model, nor as a bare number where its cell has a unit."""
    blocks = [json.loads(t) for t in re.findall(r"application/json\">(.*?)</script>", html)]
    every = [b for b in blocks if b["words"] != [""]]
    seen = {"effect": 0, "spread": 0, "cell": 0}
    order = [
        grid
        for key in replication.verdicts["claim_id"]
        for claim, grid in replication.grids
        if claim.claim_id == key
    ]
    for block, grid in zip(every, order, strict=True):
        assert block["unit"]
        for control, values in zip(grid.controls, block["values"], strict=True):
            if control.kind == "effect":
                pattern = (
                    r"% (higher|lower|more|less)|no difference|times as high|percentage points|% of"
                )
            elif control.kind == "spread":
                pattern = r"SD .*(%|percentage points)"
            elif control.cell and not control.cell.endswith("p_value"):
                pattern = r"\d ?[^\d ]+"
            else:
                continue
            seen[control.kind or "cell"] += 1
            assert all(re.search(pattern, value) for value in values), (control.name, values[:2])
    assert all(seen.values()), seen


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")
def test_moving_a_control_shows_what_the_package_says(replication, html, tmp_path) -> None:
    api = pytest.importorskip("playwright.sync_api", reason="pip install -e .[browser]")
    page_file = tmp_path / "report.html"
    page_file.write_text(html, encoding="utf-8")
    _, grid = replication.grids[0]
    with api.sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"], timeout=HANGS
        )
        page = browser.new_page()
        page.set_default_timeout(HANGS)
        page.goto(page_file.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        box = page.locator("#x-g0")
        written = re.findall(r'class="explore-answer".*?</p>', page_file.read_text("utf-8"))
        static = [unescape(re.sub("^[^>]*>|<[^>]*>", "", text)) for text in written]
        assert page.locator(".explore-answer").all_inner_texts() == static  # script as package
        assert box.is_visible()
        sizes = [c.settings for c in grid.controls]
        rng = np.random.default_rng(4)
        for _ in range(12):
            wanted = [int(rng.integers(n)) for n in sizes]
            for place, setting in enumerate(wanted):
                page.evaluate(
                    "([id, v]) => { const c = document.getElementById(id); c.value = v; "
                    "c.dispatchEvent(new Event('input', {bubbles: true})); }",
                    [f"x-g0-{place}", str(setting)],
                )
            at = int(np.ravel_multi_index(wanted, sizes))
            names = ("data-estimate", "data-low", "data-high")
            numbers = [float(box.get_attribute(name)) for name in names]
            assert numbers == pytest.approx(grid.at95[at].tolist(), rel=PAGE_RTOL)
        # the lowest of all, by a button, with how it comes about; moving on leaves it
        page.locator("button[data-end=lowest][data-box=x-g0]").first.click()
        assert page.locator("#x-g0 .explore-answer").inner_text().startswith("The lowest: ")
        how = page.locator("#x-g0 .explore-how li").all_inner_texts()
        assert len(how) > 3
        outputs = page.locator("#x-g0 output").all_inner_texts()  # what it is, between two settings
        assert len(outputs) == 2
        assert all(any(line.endswith(f": {value}") for line in how) for value in outputs)
        assert page.locator("#x-g0 .band").is_visible()
        first = page.locator("#x-g0 select").first
        first.select_option("0")
        assert not page.locator("#x-g0 .explore-how").is_visible()
        # with only what prints an error, results in words change nothing: their controls are grey
        grey = page.locator("#x-g0 input[type=range]:disabled").count()
        assert grey == page.locator("#x-g0 .idle:visible").count() == 2
        first.select_option(str(sizes[0] - 1))
        assert page.locator("#x-g0 input[type=range]:disabled").count() == 0
        # by keyboard: the arrow keys move a range by one setting
        slider = box.locator("input[type=range]").first
        slider.focus()
        before = slider.input_value()
        page.keyboard.press("ArrowLeft" if int(before) else "ArrowRight")
        assert slider.input_value() != before
        assert box.locator(".explore-answer").get_attribute("aria-live") == "polite"
        browser.close()
