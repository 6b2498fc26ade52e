"""Every figure the package draws, once a session: of the audit, own cohorts, another audit, a plan.

A figure is named after its source, as "own.own_data_1"; a key is a look and a width.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pandas as pd
from cohort_tables import measured
from doors.audit import claims_from_frame
from doors.report import Drawing, describe, draw_user_cohorts, drawn_in
from test_own_answers import crossover

import retrostats as rs

Key = tuple[str, float]
KEYS: tuple[Key, ...] = (("light", 180.0), ("light", 85.0), ("dark", 180.0), ("slide", 120.0))
#: Where every figure of the run with own cohorts is drawn; elsewhere the figures of the cohorts.
WHOLE = KEYS[1:2]
OTHER_AUDIT = "examples/bcg.toml"

NONE: Mapping[str, Drawing] = {}


def _is_main(name: str, drawing: Drawing) -> bool:
    """Whether a figure is none of the audit's that stands under a claim or is of no analysis."""
    if name.startswith("own."):
        return name.startswith("own.own_data")
    return not name.startswith("audit.") or bool(drawing.analysis and not drawing.claim)


class Every:
    """Draws on demand and keeps what it drew."""

    def __init__(self, whole: rs.Replication) -> None:
        tables = (("ligament-injury", "club"), ("body-fat", "trial"))
        self.cohorts = [rs.load_cohort(crossover(), spec={"name": "lab"})]
        for analysis, name in tables:
            frame = pd.read_csv(io.StringIO(measured(analysis)), dtype=str)
            self.cohorts.append(rs.load_cohort(frame, spec={"name": name}))
        self.whole = whole
        self.own = rs.replicate(cohorts=self.cohorts, draws=64)
        self.other = rs.replicate(audit=OTHER_AUDIT, draws=64)
        self.plan = rs.plan("energy_30")
        self.found: dict[Key, dict[str, Drawing]] = {}

    def __getitem__(self, key: Key) -> dict[str, Drawing]:
        """Figures in a look, by name."""
        return self.shown(key)

    def shown(self, key: Key, *, audit: bool = True) -> dict[str, Drawing]:
        """The same; `audit=False`: of the audit that ships only what its analyses draw, and of
        the run with own cohorts only these.
        """
        if key not in self.found:
            # what a run draws by itself is in the first look
            drawn = self.whole.drawings if key == KEYS[0] else self.whole.drawn(*key)
            self.found[key] = self.anew(key, drawn)
        return {n: d for n, d in self.found[key].items() if audit or _is_main(n, d)}

    def anew(self, key: Key, drawn: Mapping[str, Drawing] = NONE) -> dict[str, Drawing]:
        """The same, drawn again but for what is `drawn` of the audit that ships."""
        sources: dict[str, Mapping[str, Any]] = {
            "audit": drawn,
            "own": self._own(key),
            "bcg": self.other.drawn(*key),
            "plan": {"plan": Drawing(self.plan.figure(*key), describe(self.plan))},
        }
        return {f"{s}.{name}": d for s, drawn in sources.items() for name, d in drawn.items()}

    def _own(self, key: Key) -> dict[str, Drawing]:
        if key in WHOLE:
            return self.own.drawn(*key)
        claims = claims_from_frame(self.own.claims)
        with drawn_in(*key):
            return draw_user_cohorts(self.cohorts, self.own.audit, self.own.estimates, claims)
