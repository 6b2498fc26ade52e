"""Any table with a header: the reader for carts that are not known by name."""

from __future__ import annotations

from retrostats.io.carts.base import Reader

READER = Reader(
    device="unknown",
    looks_for="any table with a header of time and VO2, VCO2 or VE and their units",
    sniff=lambda source: True,
)
