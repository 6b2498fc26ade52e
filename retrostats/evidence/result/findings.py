"""What an analysis hands back: rows of the public frames, and the intervals to judge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from retrostats.common.deprecated import renamed_fields
from retrostats.evidence.result.estimate import Estimate

if TYPE_CHECKING:
    import pandas as pd

NAN = float("nan")
DISPLAY = {"log_ratio": "ratio", "log_rate_ratio": "rate_ratio", "difference": "difference"}


@dataclass(frozen=True, slots=True)
class EstimateRow:
    """One row of `Replication.estimates`; limits are on the display scale.

    `group` is the heading under which figures show the row; the analysis sets it. Of a pool: `k`
    estimates, `tau` the SD between studies on the scale of the model, `i2` its share in percent;
    `weight` is the share in percent of a row in the pool of its quantity.
    """

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
    group: str = ""
    pooled: bool = False
    excluded: bool = False
    k: float = NAN
    tau: float = NAN
    i2: float = NAN
    weight: float = NAN
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

    def over(self, low: float, high: float, unknown: str) -> EstimateRow:
        """The same row with the outermost limits over what was not printed."""
        return replace(self, sens_low=low, sens_high=high, unknown=unknown)


#: Circumstances that only some subjects have: a frame has their columns where a row does.
CIRCUMSTANCES = ("gait", "speed_m_s", "speed_printed", "gradient_pct", "gradient_printed")


def without_empty(frame: pd.DataFrame, columns: Sequence[str] = CIRCUMSTANCES) -> pd.DataFrame:
    """The frame without those of some columns that hold nothing.

    Examples
    --------
    >>> import pandas as pd
    >>> list(without_empty(pd.DataFrame({"n": [9], "gait": [""], "speed_m_s": [float("nan")]})))
    ['n']
    """
    there = [name for name in columns if name in frame]
    empty = [n for n in there if (frame[n].isna() | frame[n].astype(str).str.strip().eq("")).all()]
    return frame.drop(columns=empty)


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


@renamed_fields(own="user_cohorts", own_weights="user_cohort_weights", by_lot="randomised")
@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """One way of measuring something, as a function of everything that was not printed.

    Attributes
    ----------
    estimate_id
        The row it belongs to; that row's range comes from exploring this.
    name
        What was measured, for readers.
    estimator
        A confidence level to a vectorised function: arrays (n,) of the unknowns by name to
        estimate, conf_low and conf_high on the display scale.
    unknowns
        Declared once each, in an order in which ranges depend on earlier ones only.
    claim_id
        The claim it judges; empty if it only gives the row its range.
    comparison
        Whether results of a comparison group were printed; a causal claim needs one.
    randomised
        False for a comparison between people who were not allocated by lot, or not said to be: it
        supports no cause.
    cohorts_randomised
        False where an own cohort pooled with printed rows that support a cause compares people not
        allocated by lot, or not said to be: that costs certainty.
    follow
        Unknowns drawn one at a time.
    user_cohorts
        Whether a reader's own cohorts are in it; the same measure without them is beside it.
    unit
        Of its answers, where a followed unknown decides it and it is not the row's.
    unit_choice
        The unknown that decides the unit: an estimate is shown at its main option, and no mean
        is taken over two units.
    sources
        What is pooled, each with its effect and error over what it left open; a plan needs them.
    user_cohort_weights
        Percent that each own cohort weighs in an average that has no `sources`.
    posterior
        Its `PooledPrinted` where the analysis has pooled the likelihoods of its rows itself; else
        it is made of `sources`.
    """

    estimate_id: str
    name: str
    estimator: Callable[[float], Callable[[dict[str, Any]], Any]]
    unknowns: tuple[Any, ...] = ()
    claim_id: str = ""
    comparison: bool = True
    follow: tuple[str, ...] = ()
    user_cohorts: bool = False
    sources: tuple[Any, ...] = ()
    user_cohort_weights: tuple[tuple[str, float], ...] = ()
    randomised: bool = True
    unit: str = ""
    unit_choice: str = ""
    posterior: Any = None
    cohorts_randomised: bool = True


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """The same quantity from an independent program, on rows with exactly the printed moments.

    `given` are these moments, `version` that of the program that answered.
    """

    estimate_id: str
    given: str
    program: str
    version: str
    quantity: str
    ours: float
    theirs: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the two differ by no more than the stated tolerance (relative)."""
        return abs(self.ours - self.theirs) <= self.tolerance * max(1.0, abs(self.theirs))


@renamed_fields(witnesses="cross_checks")
@dataclass(frozen=True, slots=True)
class Findings:
    """All that one analysis found."""

    estimates: tuple[EstimateRow, ...]
    measures: tuple[Measure, ...] = ()
    judged: Mapping[str, str] = field(default_factory=dict)  # claim_id -> estimate_id
    without_cohorts: tuple[Measure, ...] = ()  # measures of the same claims, literature alone
    assumptions: tuple[Assumption, ...] = ()
    checks: tuple[Check, ...] = ()
    cross_checks: tuple[CrossCheck, ...] = ()


def frame_of(rows: Iterable[Any], kind: Any, **constant: str) -> pd.DataFrame:
    """Tidy frame of dataclass `rows` of one `kind`; tuples become "; "-joined text."""
    import pandas as pd

    names = [*constant, *kind.__dataclass_fields__]
    records = [{**constant, **_flat(asdict(row))} for row in rows]
    return pd.DataFrame.from_records(records, columns=names)


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    return {k: "; ".join(v) if isinstance(v, tuple) else v for k, v in record.items()}
