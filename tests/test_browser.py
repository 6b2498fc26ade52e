"""The page in a real browser: three widths, light and dark, on paper, by keyboard.

It needs the extra `browser` and a Chromium; where either is missing these tests say that they are
skipped. Nothing else needs them.
"""

from __future__ import annotations

import functools
import re
import shutil
from pathlib import Path

import pytest
from doors.common import NARROW
from doors.report import by_look, sheets_of, shown_of, write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("no chromium: apt-get install chromium", allow_module_level=True)
axe = pytest.importorskip("axe_playwright_python", reason="pip install -e .[browser]")
sync_api = pytest.importorskip("playwright.sync_api", reason="pip install -e .[browser]")

WIDTHS = (360, 820, 1280)
MAX_BYTES = 2_000_000
MAX_SHEETS = 12
#: Screens of 800 px that the page takes while it is folded, by width.
SCREENS = {360: 15, 820: 11, 1280: 11}
#: Milliseconds on the clock after which the browser counts as hanging, however busy the machine.
HANGS = 300_000
#: Every rule that axe has on by default, and the size of targets.
RULES = "axe.run({resultTypes: ['violations'], %s})"
ALL = "rules: {'target-size': {enabled: true}}"
CONTRAST = "runOnly: {type: 'rule', values: ['color-contrast']}"
#: A figure is one picture with a title: its thousands of lines are nothing to a screen reader.
EMPTY = """document.querySelectorAll("figure svg > :not(title)").forEach(part => part.remove())"""
#: Open what is folded: everything, or two of each kind, which are all made alike.
OPEN = """(most) => ["fold", "told", "study", "reuse", "figure-use", "corners"].forEach(kind =>
    [...document.querySelectorAll("details." + kind)].slice(0, most).forEach(d => d.open = true))"""
#: Fold what a test opened, and go back to the top.
AS_OPENED = """() => {
    const parts = [...document.querySelectorAll("details")];
    window.atFirst ??= parts.map(part => part.open);
    parts.forEach((part, place) => part.open = window.atFirst[place]);
    scrollTo(0, 0); }"""
#: Colours of the page by name.
PALETTE = """["grey", "pale", "ink", "paper", "band", "supported", "open"].map(name =>
    getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim())"""


@pytest.fixture(scope="module")
def file(whole, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    narrow = [sheet for sheet in sheets_of(whole.drawings, ["svg"], []) if sheet.look == NARROW]
    phone = by_look(narrow, [sheet.files() for sheet in narrow])[NARROW]
    return write_report(whole, path, narrow=shown_of(phone))


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as play:
        chromium = play.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"], timeout=HANGS
        )
        yield chromium
        chromium.close()


class Pages:
    """Opens the page in contexts of their own; what the browser complains of is kept."""

    def __init__(self, browser, file) -> None:
        self.browser, self.file = browser, file
        self.contexts = []

    def __call__(self, width: int = 1280, scheme: str = "light", **options):
        context = self.browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, **options
        )
        context.set_default_timeout(HANGS)
        self.contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda m: m.type == "error" and page.complaints.append(m.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda r: r.url.startswith("file:") or page.complaints.append(r.url))
        page.goto(self.file.as_uri())
        return page

    def close(self) -> None:
        for context in self.contexts:
            context.close()


@pytest.fixture
def opened(browser, file):
    """A page that one test alone has, which it may change."""
    pages = Pages(browser, file)
    yield pages
    pages.close()


@pytest.fixture(scope="module")
def _kept(browser, file):
    """The page by width and scheme, opened once."""
    pages = Pages(browser, file)
    yield functools.cache(pages)
    pages.close()


@pytest.fixture
def seen(_kept):
    """The page for tests that only look, fold and change the medium: each finds it as it opened."""

    def as_opened(width: int = 1280, scheme: str = "light"):
        page = _kept(width, scheme)
        page.emulate_media(media="screen")
        page.evaluate(AS_OPENED)
        return page

    return as_opened


@pytest.mark.parametrize(
    ("width", "scheme", "most"),
    [
        (360, "light", 2),
        (1280, "dark", 2),
        *(
            pytest.param(*more, marks=pytest.mark.thorough)
            for more in [
                (360, "light", 1000), (360, "dark", 2), (820, "light", 2), (820, "dark", 2),
                (1280, "light", 2),
            ]
        ),
    ],
)  # fmt: skip
def test_axe_finds_nothing(opened, width, scheme, most):
    page = opened(width, scheme, bypass_csp=True)  # axe itself comes from outside the page
    page.evaluate(OPEN, most)
    page.evaluate(EMPTY)
    page.evaluate(Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate(RULES % (ALL if scheme == "light" else CONTRAST))["violations"]
    assert [(v["id"], [n["html"][:200] for n in v["nodes"][:3]]) for v in found] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_cut_off_and_nothing_complains(seen, width):
    page = seen(width)
    page.evaluate(OPEN, 1000)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.complaints == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_first_screen_holds_an_answer_with_a_number(seen, width):
    page = seen(width)
    yes, amount = (page.locator("#answers .said").nth(place) for place in (0, 1))
    assert re.search(r"Yes, almost certainly \(\d+ chances in", yes.inner_text())
    assert amount.bounding_box()["y"] + amount.bounding_box()["height"] < 800
    assert re.search(r"\d+% more at equal speed, very likely \d+% to", amount.inner_text())


def test_no_letter_of_a_figure_is_black_in_the_dark(seen):
    page = seen(scheme="dark")
    fills = page.evaluate(
        "[...new Set([...document.querySelectorAll('figure svg use')]"
        ".map(letter => getComputedStyle(letter).fill))]"
    )
    assert fills
    assert "rgb(0, 0, 0)" not in fills


def test_a_word_is_explained_by_keyboard(opened):
    page = opened()
    word = page.locator("#answers .term").first
    note = page.locator(f"#{word.get_attribute('popovertarget')}")
    assert not note.is_visible()
    word.focus()
    page.keyboard.press("Enter")
    assert note.is_visible()
    page.keyboard.press("Escape")
    assert not note.is_visible()


def test_the_first_key_leads_past_the_head(opened):
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#answers"


@pytest.mark.parametrize("script", [True, False])
def test_a_link_opens_what_is_folded(opened, script):
    page = opened(java_script_enabled=script)
    row = page.locator("tr[id^='row-']").first
    assert not row.is_visible()
    page.goto(f"{page.url}#{row.get_attribute('id')}")
    assert row.is_visible()


@pytest.mark.parametrize(
    "width",
    [360, *(pytest.param(wide, marks=pytest.mark.thorough) for wide in WIDTHS[1:])],
)
def test_it_scrolls_little_and_everything_opens_and_folds(seen, width):
    page = seen(width)
    tall = "document.documentElement.scrollHeight"
    folded = page.evaluate(tall)
    assert folded < SCREENS[width] * 800
    page.locator("#unfold").click()
    assert page.locator("details:not(.figure-use):not([open])").count() == 0
    assert page.evaluate(tall) > 2 * folded
    page.locator("#unfold").click()
    assert page.evaluate(tall) == folded


def test_a_phone_leaves_out_what_is_not_claimed(seen):
    empty = "#verdicts td.none"
    wide, phone = seen(1280), seen(360)
    assert wide.locator(empty).first.is_visible()
    assert "not claimed" in wide.locator(empty).first.inner_text()
    assert phone.locator(empty).count() > 10
    assert phone.locator(f"{empty}:visible").count() == 0


def test_the_main_figure_fits_a_phone_and_paper_has_the_wide_one(seen, whole):
    """Seven points are nine pixels there; a wide figure would be scrolled sideways."""
    phone = seen(360)
    for analysis in whole.analyses:
        figure = phone.locator(f"#a-{analysis['name']} figure").first
        assert figure.locator(".narrow svg").is_visible()
        assert not figure.locator(".wide svg").is_visible()
        assert figure.evaluate("f => f.scrollWidth <= f.clientWidth")
        tall = "f => [...f.querySelectorAll('.narrow text')].map(t => t.getBBox().height)"
        assert min(filter(None, figure.evaluate(tall))) >= 8  # points; the column is 241 wide
    phone.emulate_media(media="print")
    assert phone.locator("section[id^=a-] figure .wide svg").first.is_visible()
    assert not phone.locator("section[id^=a-] figure .narrow svg").first.is_visible()
    assert seen(820).locator("section[id^=a-] figure .wide svg").first.is_visible()


def test_what_is_folded_has_a_heading_and_is_seen_by_keyboard(seen):
    page = seen(360)
    parts = page.locator("details.fold > summary")
    assert parts.count() > 12
    assert page.locator("details.fold > summary > :is(h2, h3)").count() == parts.count()
    parts.first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details.fold").first.get_attribute("open") is not None


@pytest.mark.parametrize("script", [True, pytest.param(False, marks=pytest.mark.thorough)])
def test_every_link_of_the_contents_leads_to_what_can_be_seen(opened, script):
    page = opened(java_script_enabled=script)
    for link in page.locator("nav a").all():
        link.click()
        name = link.get_attribute("href").lstrip("#")
        assert page.locator(f"#{name}").is_visible(), name


def test_paper_shows_what_the_screen_folds(seen):
    page = seen()
    wanted = ("tr[id^='e-']", "tr[id^='sof-']", "#retellings tr", "#references li", ".methods p")
    seen = "s => document.querySelector(s).checkVisibility({contentVisibilityAuto: true})"
    assert [page.evaluate(seen, s) for s in wanted] == [False] * len(wanted)
    page.emulate_media(media="print")
    for one in wanted:  # the browser lays the paper out in a frame of its own
        page.wait_for_function(seen, arg=one)
    assert [page.evaluate(seen, s) for s in wanted] == [True] * len(wanted)
    assert not page.evaluate(seen, "tr[id^='row-']")  # in the files beside the page


def test_studies_are_filtered_with_the_script_and_all_shown_without(opened):
    plain = opened(java_script_enabled=False)
    plain.locator("nav a[href='#sources']").click()
    every = plain.locator("details.study").count()
    assert not plain.locator("#filter").is_visible()
    assert plain.locator("details.study:visible").count() == every
    page = opened()
    page.locator("nav a[href='#sources']").click()
    topic = page.locator("#filter select[name=topic] option").nth(1).inner_text()
    page.select_option("#filter select[name=topic]", topic)
    shown = page.locator("details.study:visible")
    assert 0 < shown.count() < every
    assert topic in (shown.first.get_attribute("data-topic") or "")
    assert f"{shown.count()} of {every} studies" in page.locator("#filter output").inner_text()


def test_on_paper_it_is_a_dozen_sheets_in_light_colours(opened, seen, tmp_path):
    page = opened(scheme="dark")
    page.emulate_media(media="print")
    colours = page.evaluate(PALETTE)
    light = seen(scheme="light")
    light.emulate_media(media="print")
    assert colours == light.evaluate(PALETTE)
    page.pdf(path=tmp_path / "page.pdf", format="A4", print_background=False)
    sheets = len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "page.pdf").read_bytes()))
    assert 3 <= sheets <= MAX_SHEETS


def test_the_file_stays_small(file):
    assert file.stat().st_size < MAX_BYTES


def test_a_figure_is_downloaded_whole_and_cited(opened, file):
    import xml.etree.ElementTree as ET

    page = opened(scheme="dark", accept_downloads=True)
    page.locator("section[id^=a-] figure + .figure-use summary").first.click()
    button = page.locator("button[data-svg]:visible").first
    with page.expect_download() as waiting:
        button.click()
    text = Path(waiting.value.path()).read_text(encoding="utf-8")
    assert waiting.value.suggested_filename == f"{button.get_attribute('data-name')}"
    ids = {element.get("id") for element in ET.fromstring(text).iter()}
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', text))
    assert used
    assert used <= ids
    assert "var(" not in text  # the colours of paper, whatever the page shows
    assert page.complaints == []


def test_figures_are_dark_in_the_dark(seen):
    ground = "getComputedStyle(document.querySelector('figure')).backgroundColor"
    assert seen(scheme="light").evaluate(ground) == "rgb(255, 255, 255)"
    assert seen(scheme="dark").evaluate(ground) == "rgb(22, 25, 29)"
    printed = seen(scheme="dark")
    printed.emulate_media(media="print")
    white = "getComputedStyle(document.documentElement).getPropertyValue('--cffffff').trim()"
    assert printed.evaluate(white) == "#ffffff"
