"""The templates: what they may call, with the names and the boundaries of an audit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from retrostats.report.page import format as fmt
from retrostats.report.page.cards import cause_words, certainty_words
from retrostats.report.page.console import certainty_moves, tau_moves
from retrostats.report.page.printed import circumstances, outcome, printed

FILTERS = (
    *("text", "short", "capital", "year", "degrees", "exact", "exact_range"),
    *("safe_url", "doi_url", "anchor", "split", "recomputed"),
)
#: Filters that keep clear of every boundary of the audit's claims.
BOUNDED = ("number", "interval", "estimate", "with_interval")
#: What may be an identifier within a sentence.
IDENTIFIER = re.compile(r"\b[a-z]\w*(?:[-_]\w+)+\b|\b[a-z]+\d{4}\w*\b")
#: Columns of the published tables, in words.
COLUMNS = {"pct_change": "percentage", "mean": "mean", "change": "change"}


def environment_of(names: Mapping[str, str], bounds: Iterable[float]) -> Environment:
    """Templates that escape everything, and fail on a name they do not know.

    Parameters
    ----------
    names
        What studies and rows are called, by identifier.
    bounds
        What no number may be rounded onto or across.
    """
    environment = Environment(
        loader=PackageLoader("retrostats.report.page", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        optimized=False,  # a page is rendered once: what is constant is not worth a search
    )
    for name in FILTERS:
        environment.filters[name] = getattr(fmt, name)
    for name in BOUNDED:
        environment.filters[name] = partial(getattr(fmt, name), bounds=tuple(bounds))
    for words in (printed, outcome, circumstances):
        environment.filters[words.__name__] = words
    environment.filters["certainty_words"] = certainty_words
    for moves in (certainty_moves, tau_moves):
        environment.filters[moves.__name__] = moves
    environment.filters["cause_words"] = cause_words
    environment.filters["in_words"] = fmt.in_words
    environment.filters["said"] = partial(said, names={**COLUMNS, **names})
    return environment


def said(value: Any, names: Mapping[str, str]) -> str:
    """A sentence with true minus signs, and names for identifiers.

    Examples
    --------
    >>> said("as in smith2001, -3", {"smith2001": "Smith 2001"})
    'as in Smith 2001, −3'
    """
    return fmt.said(IDENTIFIER.sub(lambda m: names.get(m[0], m[0]), fmt.text(value)))
