"""The templates: what they may call, with the names and the boundaries of an audit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from retrostats.draw.report import format as fmt
from retrostats.draw.report.printed import circumstances, outcome, printed

FILTERS = (
    *("text", "short", "capital", "clause", "year", "degrees", "exact", "exact_range"),
    *("safe_url", "doi_url", "anchor", "split", "recomputed"),
)
#: Filters that keep clear of every boundary of the audit's claims.
BOUNDED = ("number", "interval", "estimate")
#: What may be an identifier of a study within a sentence.
IDENTIFIER = re.compile(r"\b[a-z][a-z_]*\d{4}\w*\b|\b[a-z]+_[a-z_]+\b")


def environment_of(studies: Mapping[str, str], bounds: Iterable[float]) -> Environment:
    """Templates that escape everything, and fail on a name they do not know.

    Parameters
    ----------
    studies
        Name of each study by its identifier.
    bounds
        What no number may be rounded onto or across.
    """
    environment = Environment(
        loader=PackageLoader("retrostats.draw.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in FILTERS:
        environment.filters[name] = getattr(fmt, name)
    for name in BOUNDED:
        environment.filters[name] = partial(getattr(fmt, name), bounds=tuple(bounds))
    for words in (printed, outcome, circumstances):
        environment.filters[words.__name__] = words
    environment.filters["said"] = partial(said, studies=studies)
    return environment


def said(value: Any, studies: Mapping[str, str]) -> str:
    """A sentence with true minus signs, and the names of studies for their identifiers.

    Examples
    --------
    >>> said("as in smith2001, -3", {"smith2001": "Smith 2001"})
    'as in Smith 2001, −3'
    """
    return fmt.said(IDENTIFIER.sub(lambda m: studies.get(m[0], m[0]), fmt.text(value)))
