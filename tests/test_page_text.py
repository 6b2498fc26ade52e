"""What stands on the page of the audit that ships, word by word."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from html import unescape

import pytest
from doors.audit import plain_words_of, story_of
from doors.report import (
    print_answers,
    print_cohorts,
    print_user_cohorts,
    print_verdicts,
    render_report,
)
from matplotlib.text import Text
from page_text import Blocks, defects

import retrostats as rs

# The run with own measurements is made once too, where the other one is.
pytestmark = pytest.mark.usefixtures("whole")


@pytest.fixture(scope="module")
def html(whole_page) -> str:
    return whole_page


@pytest.fixture(scope="module")
def names(whole) -> set[str]:
    """Identifiers, which no reader should meet."""
    return {
        str(name).lower()
        for frame, column in (
            (whole.sources, "row_id"),
            (whole.estimates, "estimate_id"),
            (whole.studies, "study_id"),
            (whole.claims, "claim_id"),
            (whole.assumptions, "assumption_id"),
        )
        for name in frame[column]
    } - {"balance", "pounding", "hiit", "calf"}  # fmt: skip  (words of their own)


def test_no_reader_meets_a_defect(html, names):
    assert defects(Blocks(html).blocks, names) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("in 2005.0", "a year with a decimal"), ("from inf", "a number that is none"),
        ("from -3", "a hyphen for a minus"), ("30% %", "a unit twice"),
        ("0.01 to 0.01", "ends that look the same"), ("mc_pool", "a raw name"),
        ("; 95%", "an empty start"), ("n ()", "an empty bracket"), ("end..", "two stops"),
        ("Mc-pool", "an identifier"), ("of of", "a word that stands twice"),
    ],
)  # fmt: skip
def test_every_defect_would_be_seen(text, name):
    assert [f for f in defects(Blocks(f"<p>{text}</p>").blocks, {"mc-pool"}) if f.startswith(name)]


@pytest.fixture(scope="module")
def own(every) -> rs.Replication:
    """A run with own measurements of three labs beside the printed ones."""
    return every.own


def test_what_reads_well_is_no_defect():
    fine = "<p>−0.01 to 0.01 (2001-02, p < 0.05); 10 to 100, open-ended</p>"
    assert defects(Blocks(fine).blocks, {"mc-pool"}) == []


def test_no_reader_of_terminal_tables_or_captions_meets_a_defect(whole, own, names):
    """The same eyes on what stands beside the page."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="utf-8")
    print_answers(whole, stream)
    print_verdicts(whole.verdicts, stream)
    print_cohorts(own.cohorts, own.verdicts, stream)
    print_user_cohorts(own.user_results, own.cohort_shares, own.verdicts, stream)
    stream.flush()
    assert defects(raw.getvalue().decode().splitlines(), names) == []
    for name in ("findings", *(a["name"] for a in whole.analyses)):
        assert defects(Blocks(whole.table(name).html()).blocks, names) == [], name
    for run in (whole, own):
        for name, drawing in run.drawings.items():
            texts = [t.get_text().replace("\n", " ") for t in drawing.figure.findobj(Text)]
            texts_shown = [re.sub(r"\S+/\S+|\S+\.csv", "a file", t) for t in texts if t.strip()]
            assert defects([drawing.alt, *texts_shown], names) == [], name


def test_captions_say_that_own_data_are_in(own):
    few = {n: own.drawings[n] for n in ("metabolic_cost_sensitivity", "energy_30_choices")}
    for name, drawing in few.items():
        caption = " ".join(t.get_text() for t in drawing.figure.findobj(Text)).replace("\n", " ")
        assert "computed from printed numbers and own data" in caption.lower(), name
    page = render_report(replace(own, drawings=few))
    assert "Computed from printed numbers and own data" in page


def test_a_claim_that_is_not_settled_says_how_a_study_is_planned(html, whole):
    commands = set(re.findall(r"<code>retrostats plan (\w+) --figure plan.svg</code>", html))
    core = whole.verdicts.query("role == 'core' and estimate_id != ''")
    settled = ("supported", "contradicted", "not claimed")
    open_ = core[~core["direction"].isin(settled) | ~core["size"].isin(settled)]
    assert commands == set(open_["claim_id"]) != set()


def test_both_readings_and_the_cause_stand_on_the_first_screen(html):
    first = html[html.index('<section id="answers"') : html.index("<nav")]
    assert "−0.65" in first
    assert "4.63% of the body fat" in first
    assert "against the claim" in first
    assert "Was the backward running the cause?" in first
    assert "a group of women who did not train, but never printed that group’s results" in first


#: Words of one core claim on the first screen, at most: under 60.
MOST_WORDS = 59
#: A claim on the cause stands on the card of what was seen.
CAUSE = r'<p class="said cause">.*?</p>'
#: What a lay reader would have to look up, or would take for a way to run.
TECHNICAL = (
    "direction", "interval", "estimate", "ratio", "pool", "posterior", "prior", "SD", "null",
    "undecided", "drifted", "compatible", "supported", "reading", "not printed",
)  # fmt: skip


def first_screen(html: str) -> list[str]:
    """Text of each card as it is folded, pictures aside; then of each cause."""
    first = html[html.index('<div class="cards">') : html.index("How to read the pictures")]
    cards = re.findall(r"<article.*?</article>", first, re.DOTALL)
    folded = (re.sub(r"<details.*?</details>", "", card, flags=re.DOTALL) for card in cards)
    bare = [re.sub(r"<svg.*?</svg>", "", card, flags=re.DOTALL) for card in folded]
    causes = [cause for card in bare for cause in re.findall(CAUSE, card, re.DOTALL)]
    said = [re.sub(CAUSE, "", card, flags=re.DOTALL) for card in bare] + causes
    return [" ".join(unescape(re.sub(r"<[^>]*>", " ", part)).split()) for part in said]


def test_a_core_claim_takes_few_words_that_nobody_has_to_look_up(html, whole):
    cards = first_screen(html)
    assert len(cards) == (whole.verdicts["role"] == "core").sum() + 1
    for card in cards:
        assert len(re.findall(r"[^\W_][^\s]*", card)) <= MOST_WORDS, card
        assert [w for w in TECHNICAL if re.search(rf"\b{w}", card)] == [], card
        assert re.search(r"\? (. )?(Yes|No|Not known|Nobody)", card), card


def test_the_overview_places_every_core_claim_by_its_label(html, whole):
    lines = dict(re.findall(r"<dt>([^<]+):</dt> <dd>(.*?)</dd>", html))
    core = whole.verdicts[whole.verdicts["role"] == "core"]
    assert len(core) == 4
    plain = plain_words_of(whole.audit)
    for name, label in zip(core["claim_id"], core["direction"], strict=True):
        heads = [h for h, said in lines.items() if plain[name].holds in said]
        assert len(heads) == 1
        assert (heads[0] == "Never measured") == (label == "no evidence")
        assert (heads[0] == "Almost certainly true") == (label == "supported")


def test_the_story_of_the_number_leads_to_rows_that_print_what_it_says(html, whole):
    story = html[html.index('id="story"') : html.index("<nav")]
    steps = re.findall(r"<li>(.*?)</li>", story, re.DOTALL)
    assert len(steps) == 6
    rows = whole.sources.set_index("row_id")
    cited = 0
    for step in story_of(whole.audit):
        told = re.findall(r"(\d+)%", step.said)
        for row in filter(None, step.source_rows.split("; ")):
            printed = {f"{v:g}" for v in rows.loc[row, ["mean", "pct_change"]].dropna()}
            assert set(told) <= printed, step
            cited += 1
    assert cited == 5
    assert story.count('class="row"') == 5
