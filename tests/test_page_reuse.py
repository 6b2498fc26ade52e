"""What a reader or a search engine takes from the page: reviews, methods, a bibliography."""

from __future__ import annotations

import json
import re

import example_frames as ex
import pytest
from doors.report import rating, render_report

#: Properties that schema.org gives these types (their own, or of the types above them).
SCHEMA = {
    "ClaimReview": {
        "url", "claimReviewed", "reviewBody", "reviewRating", "itemReviewed", "author",
    },
    "Rating": {"alternateName", "bestRating", "worstRating", "ratingValue"},
    "Claim": {"text", "appearance", "author"},
    "CreativeWork": {"name", "datePublished", "url"},
    "Organization": {"name"},
}  # fmt: skip
#: What each property may hold there.
HOLDS = {
    "reviewRating": "Rating", "itemReviewed": "Claim", "appearance": "CreativeWork",
    "author": "Organization",
}  # fmt: skip


def reviews(html: str) -> list[dict]:
    (block,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)
    data = json.loads(block)
    assert data["@context"] == "https://schema.org"
    return data["@graph"]


def refused(thing: dict) -> list[str]:
    """What schema.org does not know of a thing."""
    kind = thing["@type"]
    found = [f"{kind}.{name}" for name in set(thing) - {"@type"} - SCHEMA[kind]]
    for name, value in thing.items():
        if name in HOLDS:
            assert value["@type"] == HOLDS[name]
            found += refused(value)
        elif name not in ("@type", "bestRating", "worstRating", "ratingValue"):
            assert isinstance(value, str), name
            assert value, name
    return found


@pytest.fixture(scope="module")
def html(whole_page) -> str:
    return whole_page


def test_every_claim_has_a_review_that_schema_org_knows(whole, html):
    graph = reviews(html)
    assert [r["claimReviewed"] for r in graph] == list(whole.verdicts["statement"])
    assert [finding for review in graph for finding in refused(review)] == []
    for review in graph:
        assert f'id="{review["url"].removeprefix("report.html#")}"' in html
        assert review["itemReviewed"]["appearance"]["name"] == whole.audit.post.name


def test_a_verdict_that_decides_nothing_has_no_number():
    labels = ("supported", "contradicted", "open", "compatible", "no evidence", "not claimed")
    rated = {
        (d, s): rating({"direction": d, "size": s}).get("ratingValue")
        for d in labels
        for s in labels
    }
    assert rated["supported", "supported"] == rated["supported", "not claimed"] == 5
    assert rated["contradicted", "not claimed"] == rated["supported", "contradicted"] == 1
    assert all(rated["supported", size] is None for size in ("open", "compatible"))
    assert rated["open", "open"] is rated["no evidence", "not claimed"] is None
    assert rated["not claimed", "not claimed"] is None


@pytest.mark.parametrize("attack", ["</script><script>alert(1)</script>", "<!--", "\u2028", "&lt;"])
def test_nothing_in_a_claim_ends_the_block(attack):
    replication = ex.replication()
    replication.verdicts["statement"] = attack
    html = render_report(replication)
    assert reviews(html)[0]["claimReviewed"] == attack
    block = html[html.index("ld+json") : html.index("</head>")]
    assert block.count("</script>") == 1
    assert "\u2028" not in block
    assert "<!--" not in block


def test_the_policy_names_every_script_that_runs(whole, html):
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1]
    assert "default-src 'none'" in policy.replace("&#39;", "'")
    running = re.findall(r"<script(?![^>]*type=)[^>]*>", html)
    assert policy.count("sha256-") == len(running) >= 1
    assert all(tag == "<script>" for tag in running)


def test_a_methods_paragraph_and_a_bibliography_can_be_copied(whole, html):
    methods = re.search(r'<pre id="methods-text"[^>]*>(.*?)</pre>', html, re.DOTALL)[1]
    assert f"{len(whole.verdicts)} claims of the post" in methods
    assert f"{len(whole.sources)} printed results" in methods
    assert all(a["title"] in methods for a in whole.analyses)
    # docs/verdicts.md: the limits "decide nothing"; a label is a word for a probability
    assert "only if it holds at those limits" not in methods
    assert "decide nothing" in methods
    assert "A verdict is the probability" in methods
    bibtex = re.search(r'<pre id="bibtex-text"[^>]*>(.*?)</pre>', html, re.DOTALL)[1]
    assert "@software{retrostats," in bibtex
    keys = re.findall(r"^@\w+\{([^,]+),", bibtex, re.MULTILINE)
    assert len(keys) == len(set(keys)) > 20
    assert set(keys) - {"retrostats", whole.audit.post.retells} <= set(whole.sources["study_id"])
    assert bibtex.count("{") == bibtex.count("}")
    for name in ("methods-text", "bibtex-text"):
        assert f'data-copy="{name}" hidden>' in html
