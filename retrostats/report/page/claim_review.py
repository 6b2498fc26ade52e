"""The verdicts for search engines: ClaimReview of schema.org, as JSON-LD.

A verdict gets a number on a scale of 1 to 5 only where it decides; a grade between is in the middle
of no scale, so it stands in words alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from markupsafe import Markup

from retrostats.common.citation import cite
from retrostats.report.page import format as fmt
from retrostats.report.page.embedded import json_text
from retrostats.report.page.verdict_words import SIZES, verdict_words

Row = Mapping[str, Any]
BEST, WORST = 5, 1


def claim_reviews(
    verdicts: Iterable[Row],
    sentences: Mapping[str, str],
    audit: Any,
    page: str = "report.html",
    without: Collection[str] = (),
) -> Markup:
    """A block of JSON-LD with one ClaimReview a claim.

    Parameters
    ----------
    verdicts
        Rows of the verdicts frame.
    sentences
        The answer to each claim in words, by `claim_id`.
    audit
        Names the text whose claims are reviewed.
    page
        Address of the page where it is known, else its name; the review is at an anchor in it.
    without
        Claims that a reader's own cohorts judge too: no rating is written from own data.
    """
    graph = [
        _review(row, sentences.get(row["claim_id"], ""), audit, page)
        for row in verdicts
        if row["claim_id"] not in without
    ]
    data = {"@context": "https://schema.org", "@graph": graph}
    return Markup('<script type="application/ld+json">{}</script>').format(Markup(json_text(data)))


def rating(verdict: Row) -> dict[str, Any]:
    """The verdict as a rating: always in words, a number only where direction and size decide.

    Examples
    --------
    >>> rating({"direction": "supported", "size": "not claimed"})["ratingValue"]
    5
    >>> "ratingValue" in rating({"direction": "supported", "size": "compatible"})
    False
    """
    labels = {verdict["direction"], verdict["size"]} - {"not claimed"}
    words = verdict_words(verdict)
    if verdict["size"] in SIZES:
        words += f"; as much as claimed: {SIZES[verdict['size']].lower()}"
    found = {"@type": "Rating", "alternateName": words, "bestRating": BEST, "worstRating": WORST}
    if labels == {"supported"}:
        return {**found, "ratingValue": BEST}
    return {**found, "ratingValue": WORST} if "contradicted" in labels else found


def _review(verdict: Row, sentence: str, audit: Any, page: str) -> dict[str, Any]:
    appearance = {
        "@type": "CreativeWork",
        "name": audit.post.name,
        "datePublished": audit.post.date,
        "url": fmt.safe_url(audit.post.address),
    }
    item = {
        "@type": "Claim",
        "text": fmt.text(verdict["statement"]),
        "appearance": {k: v for k, v in appearance.items() if v} if audit.post.name else "",
    }
    return {
        "@type": "ClaimReview",
        "url": f"{page}#claim-{fmt.anchor(verdict['claim_id'])}",
        "claimReviewed": fmt.text(verdict["statement"]),
        "reviewBody": sentence,
        "reviewRating": rating(verdict),
        "itemReviewed": {k: v for k, v in item.items() if v},
        "author": {"@type": "Organization", "name": cite().authors},
    }
