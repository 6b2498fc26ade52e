"""What others show of the page before it is opened: description, title and icon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from retrostats.report.page import format as fmt
from retrostats.report.page.overview import Line

#: Letters of a description that search engines and messengers show.
LONGEST = 300
#: An estimate with its interval and the line of no difference.
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    '<rect width="16" height="16" rx="3" fill="#fff"/>'
    '<path d="M5 2v12" stroke="#666" stroke-dasharray="2 1"/>'
    '<path d="M3 8h11" stroke="#0b4f8a" stroke-width="2"/>'
    '<circle cx="9.500" cy="8" r="2.500" fill="#0b4f8a"/></svg>'
)


def head_of(audit: Any, overview: Sequence[Line]) -> Markup:
    """Tags of the head: description, Open Graph, icon; the address only where it is known.

    Parameters
    ----------
    audit
        Its title and, if it is published, its address.
    overview
        What is true and what is not known; without it the title describes the page.
    """
    said = description(audit, overview)
    address = fmt.safe_url(getattr(audit, "address", ""))
    pairs = {"type": "article", "title": audit.title, "description": said, "url": address}
    tags = [Markup('<meta name="description" content="{}">').format(said)]
    tags += [
        Markup('<meta property="og:{}" content="{}">').format(name, value)
        for name, value in pairs.items()
        if value
    ]
    if address:
        tags.append(Markup('<link rel="canonical" href="{}">').format(address))
    tags.append(Markup('<link rel="icon" href="data:image/svg+xml,{}">').format(quote(ICON)))
    return Markup("\n").join(tags)


def description(audit: Any, overview: Sequence[Line]) -> str:
    """The overview as running text, without the sentences that make it too long.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> description(SimpleNamespace(title="A"), [Line("True", ("that b is c",))])
    'True: that b is c.'
    """
    sentences = [f"{line.heading}: {'; '.join(line.clauses)}." for line in overview]
    said = ""
    for sentence in sentences:
        if len(said) + len(sentence) >= LONGEST:
            continue
        said = f"{said} {sentence}".strip()
    return said or str(audit.title)
