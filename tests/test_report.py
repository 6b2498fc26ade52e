"""The report page, the tables and the terminal summary."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import example_frames as ex
import pandas as pd
import pytest
from doors.common import Post
from doors.report import Drawing, figures, print_verdicts, render_report


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.headings: list[int] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.attributes += attrs
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in ("href", "xlink:href", "src"):
                self.links.append(value)


def picture(quantity: str):
    rows = figures.rows_of(ex.estimates(), quantity)
    return figures.stack([figures.panel_of(rows, "ratio")], "data")


def drawn() -> dict[str, Drawing]:
    """Names that say nothing about the owner, on purpose."""
    overview = Drawing(figures.verdict_overview(ex.verdicts()), "All claims")
    return {
        "verdict_overview": overview,
        "body_fat_looks": Drawing(
            picture("metabolic_rate_ratio"), "Cost <ratio>", "metabolic-cost", ("mc-pool",)
        ),
        "other": Drawing(picture("patellofemoral_force_ratio"), "Joint load", "ligament-injury"),
    }


@pytest.fixture(scope="module")
def html() -> str:
    return render_report(ex.replication(drawn()))


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)


def test_every_anchor_resolves_and_ids_are_unique(page):
    assert len(page.ids) == len(set(page.ids))
    inside = {link[1:] for link in page.links if link.startswith("#")}
    assert inside
    assert inside <= set(page.ids)


def test_page_needs_nothing_from_outside(html, page):
    assert not {"img", "iframe", "object"} & set(page.tags)
    assert re.findall(r"<link ([^ ]+)", html) == ['rel="icon"']  # its picture is in the page
    assert "src" not in {name for name, _ in page.attributes if name.endswith("src")}
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)
    inside = ("#", "data:image/svg+xml,")
    assert all(link.startswith((*inside, "https://", "http://")) for link in page.links)


def test_every_estimate_links_to_its_rows(html):
    for key in ex.estimates()["estimate_id"]:
        row = html.split(f'id="e-{key}"')[1].split("</tr>")[0]
        assert 'href="#row-r1"' in row
        assert 'href="#row-r2"' in row


def test_source_rows_show_print_and_doi(html):
    row = html.split('id="row-r1"')[1].split("</tr>")[0]
    assert "31.33" in row
    assert "unlabelled" in row
    assert 'href="https://doi.org/10.1097/00005768-199809000-00011"' in row
    assert "a=1&amp;b=2" in row


def test_only_web_addresses_become_links(html):
    assert "javascript:" not in html


def test_markup_in_data_is_shown_not_obeyed():
    replication = ex.replication()
    attack = "<script>alert(1)</script>{{ 7*7 }}"
    for frame, column in (("estimates", "label"), ("verdicts", "statement"), ("sources", "note")):
        getattr(replication, frame)[column] = attack
    html = render_report(replication)
    assert html.count("<script") == render_report(ex.replication()).count("<script")
    assert "<script>alert" not in html
    assert "&lt;script&gt;" in html
    assert "{{ 7*7 }}" in html


def test_headings_descend_one_level_at_a_time(page):
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    steps = zip(page.headings, page.headings[1:], strict=False)
    assert all(after - before <= 1 for before, after in steps)


def test_figures_stand_where_the_analysis_that_drew_them_stands(html):
    sections = dict(re.findall(r'<section id="([^"]+)">(.*?)</section>', html, re.DOTALL))
    placed = {name: re.findall(r'<figure id="fig-([^"]+)"', s) for name, s in sections.items()}
    assert "verdict_overview" not in str(placed)  # it is HTML on the page
    assert placed["a-metabolic-cost"] == ["body_fat_looks"]
    assert placed["a-ligament-injury"] == ["other"]
    assert placed["a-body-fat"] == []
    alt = "Cost &lt;ratio&gt;. Pool, running: 1.246 [1.020, 1.520] ratio backward / forward, over"
    assert html.count(f"<figcaption>{alt}") == 1
    assert html.count("-title'>Cost &lt;ratio&gt;. Pool, running: 1.246") == 1
    assert html.count("<figcaption>Joint load.</figcaption>") == 1


def test_the_page_is_about_the_audit_it_is_given():
    replication = ex.replication()
    post = Post(name="A leaflet", address="https://example.org/leaflet", kind="leaflet")
    replication.audit = SimpleNamespace(title="Vaccine & trials", subject="tuberculosis", post=post)
    replication.claims["said_by"] = ""
    replication.retellings = replication.retellings.rename(columns={"what_lost": "of_which"})
    html = render_report(replication)
    assert "<title>Vaccine &amp; trials</title>" in html
    assert "<h1>Vaccine &amp; trials</h1>" in html
    assert 'href="https://example.org/leaflet"' in html
    assert "those of the leaflet" in html
    assert "the post" not in html
    assert '<th scope="col">Of which</th>' in html
    replication.retellings = None
    assert "Retellings</h2>" not in render_report(replication)


def test_page_is_the_same_twice(html):
    assert 'lang="en"' in html
    assert render_report(ex.replication()) == render_report(ex.replication())


def test_a_cohorts_effect_is_listed():
    replication = ex.replication()
    import pandas as pd

    replication.cohorts = pd.DataFrame(
        [{"claim_id": "energy_30", "cohort": "mine", "without": "size open",
          "with_": "size supported", "note": "changed"}]
    )  # fmt: skip
    assert "What your cohort changes" in render_report(replication)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_terminal_table_fits_80_columns_in_any_encoding(monkeypatch, encoding):
    monkeypatch.setenv("COLUMNS", "80")
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    print_verdicts(ex.verdicts(), stream)
    stream.flush()
    lines = raw.getvalue().decode(encoding).splitlines()
    assert max(map(len, lines)) <= 80
    mark = "x" if encoding == "ascii" else "\N{MULTIPLICATION SIGN}"  # that of the page
    assert any(f"{mark} contradicted" in line for line in lines)
    assert not any("\x1b" in line for line in lines)


def test_what_was_read_of_a_cohort_is_told_in_words():
    given = ex.replication()
    given.provenance["cohorts"] = [
        {"name": "lab", "people": 5, "rows_in": 12, "rows_used": 10, "rows_explained": 2,
         "explained": {"blank": [3, 4]}, "reading": []}
    ]  # fmt: skip
    page = render_report(given)
    assert "<dt>cohorts: rows in</dt><dd>12</dd>" in page
    assert "<dt>cohorts: explained: blank</dt><dd>3, 4</dd>" in page
    assert "{&#39;" not in page


def test_print_leaves_out_the_source_table_and_says_where_it_is(html):
    paper = html[html.index("@media print") : html.index("</style>")]
    assert re.search(r"[^{}]*\.study[^{}]*\{display:none\}", paper)
    assert re.search(r'<div id="sources">.*?<p class="paper">The printed rows', html, re.S)
    assert ".paper{display:none}" in html


def test_marks_are_never_broken_within_a_word(html):
    marks = re.search(r"\n\.v\{([^}]*)\}", html)
    cells = re.search(r"th,td\{([^}]*)\}", html)
    assert "white-space:nowrap" in marks[1]
    assert "overflow-wrap:anywhere" not in cells[1]


def test_reasons_have_true_minus_signs():
    given = ex.replication(drawn())
    given.verdicts["size_reason"] = "-4.38 to -0.5 (one-sided)"
    page = render_report(given)
    assert "\u22124.38 to \u22120.5 (one-sided)" in page
    assert "-4.38 to" not in page


def test_a_card_counts_own_cohorts_apart() -> None:
    replication = ex.replication()
    before = render_report(replication)
    rows = replication.estimates
    own = rows[rows["estimate_id"] == "mc-wright"].assign(
        estimate_id="cohort-mine", role="cohort", claim_id="energy_30", source_rows=""
    )
    replication.estimates = pd.concat([rows, own], ignore_index=True)
    after = render_report(replication)
    assert "own cohort" not in before
    assert "From one study, 1 own cohort" in after
