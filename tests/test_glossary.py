"""Every word of the method is explained where it stands."""

from __future__ import annotations

import re

import pytest
from doors.report import explained, terms, terms_in
from page_text import Blocks

#: What a reader may not know, whoever writes it next on the page.
METHOD = (
    "supported", "compatible", "contradicted", "open", "no evidence", "faithful", "drifted",
    "unverified", "certainty", "imprecision", "inconsistency", "indirectness", "directness",
    "confidence interval", "95% interval", "95% CI", "prediction", "draws", "estimand", "pooled",
    "random effects", "mixed model", "mixed-effects", "one stage", "one-stage", "REML",
    "Knapp-Hartung",
    "Kenward-Roger", "Satterthwaite", "Henmi-Copas", "half-normal", "Bayes", "I2",
    "tau", "standard error", "SE", "SD", "df", "variance", "covariance", "correlation", "p-value",
    "log scale", "log ratio", "log risk ratio", "rate ratio", "odds ratio", "moments", "likelihood",
    "design effect", "cluster", "residual", "identified", "effect size", "heterogeneity", "Poisson",
    "moderators", "regression", "hollow", "recomputed", "few-studies", "quadrature", "sandwich",
)  # fmt: skip


@pytest.fixture(scope="module")
def html(whole_page) -> str:
    return whole_page


def test_every_method_word_on_the_page_has_a_meaning(html):
    text = " ".join(Blocks(html).blocks)
    met = [word for word in METHOD if re.search(rf"\b{word}\b", text, re.IGNORECASE)]
    assert len(met) > 40
    assert [word for word in met if not terms_in(word)] == []


def test_it_is_explained_in_the_section_where_it_stands(html):
    sections = re.findall(r"<section.*?</section>", html, re.DOTALL)
    assert len(sections) >= 7
    for section in sections:
        plain_text = re.sub(
            r"<(svg|thead|summary|a|h[1-4]|figcaption|dl|select|pre)\b.*?</\1>",
            "<p>",
            section,
            flags=re.S,
        )
        words = " ".join(Blocks(plain_text).blocks)
        names = {re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") for name in terms_in(words)}
        buttons = set(re.findall(r'popovertarget="g-([^"]+)"', section))
        assert names <= buttons, section[:60]


def test_words_in_the_head_of_a_table_stand_below_it_too(html):
    """Where the head is not shown, on a small screen, nothing is lost."""
    for section in re.findall(r"<section.*?</section>", html, re.DOTALL):
        heads = " ".join(re.findall(r"<thead.*?</thead>", section, re.DOTALL))
        names = terms_in(" ".join(Blocks(heads).blocks))
        rest = re.sub(r"<thead.*?</thead>|<summary.*?</summary>", "", section, flags=re.DOTALL)
        assert names <= terms_in(" ".join(Blocks(rest).blocks)), section[:60]


def test_every_button_has_its_note_and_stands_in_no_other_control(html):
    wanted = set(re.findall(r'popovertarget="([^"]+)"', html))
    notes = re.findall(
        r'<div popover id="([^"]+)" class="note"><b>[^<]+</b>: [^<]{15,}</div>', html
    )
    assert sorted(wanted) == sorted(notes)
    for control in ("a", "summary", "h2", "h3", "svg"):
        assert not re.search(rf"<{control}\b(?:(?!</{control}>).)*<button", html, re.DOTALL)


def test_terms_are_told_apart_and_told_once_a_section():
    explained_html = explained("<section><p>A rate ratio is a ratio; ratios.</p></section></body>")
    assert explained_html.count('popovertarget="g-rate-ratio">rate ratio</button>') == 1
    assert explained_html.count('popovertarget="g-ratio">ratio</button>') == 1
    twice = explained("<section>SD</section><section>SD, SD</section></body>")
    assert twice.count("popovertarget") == 2
    assert "popovertarget" not in explained("<p>SD</p><section><a href='#'>SD</a></section></body>")


def test_what_holds_no_button_is_passed_over_with_all_that_lies_in_it():
    held = "<dl><dt>SD</dt><dl><dd>SD</dd></dl>SD</dl>"
    page = explained(f"<section>{held}<svg><text>SD</text></svg><p>SD, SD</p></section></body>")
    assert page.startswith(f"<section>{held}<svg><text>SD</text></svg><p><button")
    assert page.count("popovertarget") == 1
    assert explained("<section><p>SD</p><a href='#'>SD").endswith("<a href='#'>SD")


def test_names_are_unique_and_meanings_are_plain():
    assert len({term.key for term in terms()}) == len(terms())
    assert all(len(term.meaning) < 240 and term.meaning.endswith(".") for term in terms())
