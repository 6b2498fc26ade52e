"""CORTEX MetaSoft Studio: SpreadsheetML 2003 or xlsx; person, summary table, then the breaths."""

from __future__ import annotations

from retrostats.io.carts.base import Reader, Source

_OWN = ("metasoft", "metalyzer", "metamax", "metacontrol", "cortex biophysik")


def _sniff(source: Source) -> bool:
    words = source.words()
    return any(word in words for word in _OWN)


READER = Reader(
    device="CORTEX",
    looks_for="MetaSoft, MetaLyzer or MetaMax in the sheet name or the head of the file",
    sniff=_sniff,
)
