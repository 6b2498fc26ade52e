"""Vyntus (SentrySuite): tab-separated text; an identifier, a header with V'O2, a unit row."""

from __future__ import annotations

import re

from retrostats.io.carts.base import Reader, Source

_HEADER = re.compile(r"^[^\t\n]+\t[^\n]*\bv['’]o2(/kg)?\t", re.MULTILINE)


def _sniff(source: Source) -> bool:
    words = source.words()
    named = any(word in words for word in ("vyntus", "sentrysuite", "jaeger", "oxycon"))
    return named or (source.kind == "text" and bool(_HEADER.search(words)))


READER = Reader(
    device="Vyntus",
    looks_for="the words Vyntus, SentrySuite, Jaeger or Oxycon, or tabs with a column V'O2",
    sniff=_sniff,
)
