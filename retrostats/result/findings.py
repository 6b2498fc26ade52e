"""What an analysis hands back: rows of the public frames, and the intervals to judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from retrostats.judge.verdict import Candidate
from retrostats.result.estimate import Estimate

if TYPE_CHECKING:
    import pandas as pd

NAN = float("nan")
DISPLAY = {"log_ratio": "ratio", "log_rate_ratio": "rate_ratio", "difference": "difference"}


@dataclass(frozen=True, slots=True)
class EstimateRow:
    """One row of `Replication.estimates`; limits are on the display scale."""

    estimate_id: str
    label: str
    quantity: str
    role: str
    scale: str
    unit: str
    estimate: float = NAN
    std_error: float = NAN
    df: float = NAN
    conf_low: float = NAN
    conf_high: float = NAN
    pred_low: float = NAN
    pred_high: float = NAN
    claim_id: str = ""
    study_id: str = ""
    directness: str = ""
    n: float = NAN
    gait: str = ""
    speed_m_s: float = NAN
    gradient_pct: float = NAN
    reading: str = ""
    pooled: bool = False
    hollow: bool = False
    sens_low: float = NAN
    sens_high: float = NAN
    unknown: str = ""
    assumptions: tuple[str, ...] = ()
    source_rows: tuple[str, ...] = ()
    note: str = ""

    @classmethod
    def of(cls, estimate: Estimate, estimate_id: str, label: str, **extra: Any) -> EstimateRow:
        """Row of an `Estimate`, with its t interval."""
        shown = estimate.interval()
        return cls(
            estimate_id=estimate_id,
            label=label,
            scale=DISPLAY[estimate.scale],
            unit=estimate.unit,
            estimate=shown.estimate,
            std_error=estimate.std_error,
            df=estimate.df,
            conf_low=shown.low,
            conf_high=shown.high,
            assumptions=estimate.assumptions,
            source_rows=estimate.source,
            **extra,
        )

    def over(self, candidates: Sequence[Candidate], unknown: str) -> EstimateRow:
        """The same row with the outermost limits over the range of what was not printed."""
        return replace(
            self,
            sens_low=min(c.interval.low for c in candidates),
            sens_high=max(c.interval.high for c in candidates),
            unknown=unknown,
        )


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something the sources did not print and what was put in its place."""

    assumption_id: str
    kind: str
    statement: str
    why: str
    study_id: str = ""
    low: float = NAN
    high: float = NAN


@dataclass(frozen=True, slots=True)
class Check:
    """A printed number recomputed from other printed numbers, within their rounding."""

    check_id: str
    study_id: str
    quantity: str
    printed: str
    recomputed: float
    low: float
    high: float
    agrees: bool
    source_rows: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Sweep:
    """An estimate followed along one unknown."""

    estimate_id: str
    label: str
    scale: str
    candidates: tuple[Candidate, ...]
    claim_id: str = ""
    unit: str = ""
    n: float = NAN


@dataclass(frozen=True, slots=True)
class Witness:
    """The same quantity from an independent program, on rows with exactly the printed moments."""

    estimate_id: str
    witness: str
    quantity: str
    ours: float
    theirs: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the two differ by no more than the stated tolerance (relative)."""
        return abs(self.ours - self.theirs) <= self.tolerance * max(1.0, abs(self.theirs))


@dataclass(frozen=True, slots=True)
class Findings:
    """All that one analysis found."""

    estimates: tuple[EstimateRow, ...]
    candidates: Mapping[str, tuple[Candidate, ...]]  # by claim_id
    judged: Mapping[str, str] = field(default_factory=dict)  # claim_id -> estimate_id
    without_cohorts: Mapping[str, tuple[Candidate, ...]] = field(default_factory=dict)
    assumptions: tuple[Assumption, ...] = ()
    checks: tuple[Check, ...] = ()
    sweeps: tuple[Sweep, ...] = ()
    witnesses: tuple[Witness, ...] = ()


def frame_of(rows: Iterable[Any], kind: Any, **constant: str) -> pd.DataFrame:
    """Tidy frame of dataclass `rows` of one `kind`; tuples become "; "-joined text."""
    import pandas as pd

    names = [*constant, *kind.__dataclass_fields__]
    records = [{**constant, **_flat(asdict(row))} for row in rows]
    return pd.DataFrame.from_records(records, columns=names)


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    return {k: "; ".join(v) if isinstance(v, tuple) else v for k, v in record.items()}
