"""Defaults of a replication; the pinned answers were made with them."""

from __future__ import annotations

#: Seed of the draws: the month the six-week study appeared in print.
SEED = 20050301
#: Draws of the printed numbers inside their rounding.
DRAWS = 1000
#: Draws that fit in the memory of an ordinary machine.
MAX_DRAWS = 1_000_000
FORMATS = ("svg", "pdf", "png")
