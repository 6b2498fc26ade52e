"""COSMED (Omnia, K5, Quark): xlsx, person in columns A to H, breaths or averages from column J."""

from __future__ import annotations

from retrostats.io.carts.base import Reader, Source

#: Columns that COSMED names the same way in every language of its software.
_OWN = ("cosmed", "eekc", "vo2/kg%", "mark. speed", "gps dist.", "eetot")


def _sniff(source: Source) -> bool:
    words = source.words()
    return any(word in words for word in _OWN)


READER = Reader(
    device="COSMED",
    looks_for="the word COSMED, or its columns EEkc, EEtot, GPS Dist.",
    sniff=_sniff,
)
