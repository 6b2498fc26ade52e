"""Recordings of a sport watch or its app (TCX, FIT) that hold gases beside heart rate and speed."""

from __future__ import annotations

from retrostats.io.carts.base import Reader

READER = Reader(
    device="TCX or FIT",
    looks_for="the document of a Training Center Database, or the mark of a FIT file",
    sniff=lambda source: source.kind in ("tcx", "fit"),
)
