"""From printed rows of one study to a row of the public frame, with everything it rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retrostats.errors import InputError
from retrostats.judge.verdict import Candidate
from retrostats.pool.two_stage import Pooled, pool
from retrostats.reduce.pair import (
    PrintedPair,
    correlation_grid,
    correlation_range,
    one_row,
    printed_pair,
    ratio_estimate,
)
from retrostats.reduce.reported import Reported, r_bounds_from_p
from retrostats.result.estimate import Estimate
from retrostats.result.findings import DISPLAY, Assumption, EstimateRow, Sweep
from retrostats.unprinted.sensitivity import sweep_pair, unknown_r

if TYPE_CHECKING:
    import pandas as pd

#: Columns of a printed row that the row of an estimate repeats.
MODERATORS = ("gait", "speed_m_s", "gradient_pct")


@dataclass(frozen=True, slots=True)
class CrossoverStudy:
    """A printed crossover: its pair, its row at the middle of the correlations left open."""

    pair: PrintedPair
    row: EstimateRow
    candidates: tuple[Candidate, ...]
    assumptions: tuple[Assumption, ...]
    digits: Mapping[str, tuple[float, float]]

    @property
    def middle(self) -> Estimate:
        """The estimate at the middle of the range of correlations; the verdict uses the range."""
        return ratio_estimate(self.pair, self.middle_correlation, self.row.assumptions)

    @property
    def middle_correlation(self) -> float:
        """Middle of the correlations that the printed p-value leaves possible."""
        return sum(correlation_range(self.pair)) / 2

    @property
    def sweep(self) -> Sweep:
        """The ratio followed along the correlation."""
        return Sweep(
            self.row.estimate_id,
            self.row.label,
            "ratio",
            self.candidates,
            self.row.claim_id,
            unit=self.row.unit,
            n=float(self.pair.n),
        )


def crossover_study(
    published: pd.DataFrame, estimate_id: str, label: str, *, where: Mapping[str, Any], **extra: Any
) -> CrossoverStudy:
    """Mixed model of the forward and backward rows that share the conditions of `where`."""
    pair = printed_pair(published, label, **where)
    printed = published.set_index("row_id").loc[list(pair.rows)]
    assumptions = _pair_assumptions(pair)
    middle = float(correlation_grid(correlation_range(pair)).mean())
    estimate = ratio_estimate(pair, middle, [a.assumption_id for a in assumptions])
    candidates = sweep_pair(pair)
    row = EstimateRow.of(
        estimate,
        estimate_id,
        label,
        role="model",
        study_id=pair.study_id,
        n=pair.n,
        **{name: printed[name].iloc[0] for name in MODERATORS},
        **extra,
    ).over(candidates, unknown_r(pair))
    forward: Any = printed.loc[pair.rows[0]]
    backward: Any = printed.loc[pair.rows[1]]
    digits = {
        "forward": Reported(forward["mean_text"]).interval,
        "backward": Reported(backward["mean_text"]).interval,
        "sd_forward": Reported(forward["spread_text"]).interval,
        "sd_backward": Reported(backward["spread_text"]).interval,
    }
    return CrossoverStudy(pair, row, candidates, assumptions, digits)


def percentage_estimate(printed: pd.Series) -> Estimate:
    """Ratio from a printed "x% more, SE y": delta method, SE of the log ratio = SE / ratio."""
    ratio = 1 + float(printed["mean"]) / 100
    return Estimate(
        math.log(ratio),
        float(printed["spread"]) / 100 / ratio,
        float(printed["n"]) - 1,
        "log_ratio",
        "ratio backward / forward",
        (str(printed["row_id"]),),
    )


def hollow_row(
    printed: Sequence[pd.Series], estimate: float, estimate_id: str, label: str, **extra: Any
) -> EstimateRow:
    """A printed result without what a pool needs: shown hollow, never pooled."""
    first = printed[0]
    return EstimateRow(
        estimate_id=estimate_id,
        label=label,
        estimate=estimate,
        role="printed",
        study_id=str(first["study_id"]),
        n=float(first["n"]),
        hollow=True,
        source_rows=tuple(str(row["row_id"]) for row in printed),
        **{name: first[name] for name in MODERATORS},
        **extra,
    )


def hollow_ratio(
    published: pd.DataFrame, estimate_id: str, label: str, *, where: Mapping[str, Any], **extra: Any
) -> EstimateRow:
    """Backward / forward of two printed means that came without spread."""
    forward = one_row(published, direction="forward", **where)
    backward = one_row(published, direction="backward", **where)
    return hollow_row(
        [forward, backward],
        float(backward["mean"]) / float(forward["mean"]),
        estimate_id,
        label,
        scale="ratio",
        unit="ratio backward / forward",
        **extra,
    )


def pooled_row(
    estimates: Sequence[Estimate],
    estimate_id: str,
    label: str,
    candidates: Sequence[Candidate] = (),
    unknown: str = "",
    **extra: Any,
) -> tuple[EstimateRow, Pooled]:
    """Random-effects pool as a row, with its prediction interval and sensitivity range."""
    pooled = pool(list(estimates))
    scale = DISPLAY[estimates[0].scale]
    show = float if scale == "difference" else math.exp
    row = EstimateRow(
        estimate_id=estimate_id,
        label=label,
        role="pooled",
        scale=scale,
        unit=estimates[0].unit,
        estimate=show(pooled.estimate),
        std_error=pooled.std_error,
        df=pooled.df,
        conf_low=show(pooled.conf_low),
        conf_high=show(pooled.conf_high),
        pred_low=show(pooled.pred_low),
        pred_high=show(pooled.pred_high),
        assumptions=tuple(dict.fromkeys(a for e in estimates for a in e.assumptions)),
        source_rows=tuple(dict.fromkeys(s for e in estimates for s in e.source)),
        **extra,
    )
    return (row.over(candidates, unknown) if candidates else row), pooled


def _pair_assumptions(pair: PrintedPair) -> tuple[Assumption, ...]:
    low, high = correlation_range(pair)
    printed_p = f"p {pair.p_operator} {pair.p_value:g}"
    bounds = (
        f"the source prints {printed_p}; read as a paired t-test on {pair.n} people it leaves "
        "this range"
        if pair.p_value == pair.p_value
        else "the source prints no p-value for this contrast, so nothing bounds it"
    )
    outcome = pair.rows[0]
    found = [
        Assumption(
            f"r-{outcome}",
            "unknown correlation",
            f"correlation between forward and backward values of the same person, {pair.name}",
            bounds,
            pair.study_id,
            low,
            high,
        )
    ]
    if pair.spread_type == "unlabelled":
        cv = 100 * pair.sd_forward / pair.forward
        found.append(
            Assumption(
                f"sd-{outcome}",
                "unlabelled spread",
                f"the unlabelled plus-minus of {pair.name} is a standard deviation",
                f"as an SD it is {cv:.0f}% of the forward mean; {_as_standard_error(pair, cv)}",
                pair.study_id,
            )
        )
    return tuple(found)


def _as_standard_error(pair: PrintedPair, cv: float) -> str:
    """What the printed p-value says to an unlabelled spread read as a standard error.

    The SDs would then be root n times larger; a paired t-test that gives the printed p with them
    needs a correlation that may be extreme, or that no correlation can be.
    """
    root = math.sqrt(pair.n)
    usual = f"a usual spread between people; as a standard error the SD would be {cv * root:.0f}%"
    if not math.isfinite(pair.p_value):
        return usual
    printed_p = f"p {pair.p_operator} {pair.p_value:g}"
    try:
        low, _ = r_bounds_from_p(
            root * pair.sd_forward,
            root * pair.sd_backward,
            pair.n,
            pair.backward - pair.forward,
            pair.p_value,
            pair.p_operator,
        )
    except InputError:
        return (
            f"a standard error is impossible: no correlation between -1 and 1 gives the printed "
            f"{printed_p} with it"
        )
    if low <= -1:
        return usual
    bound = "above" if pair.p_operator.startswith("<") else "of"
    digits = math.floor(1000 * low) / 1000
    return f"as a standard error it needs a correlation {bound} {digits:g} to give {printed_p}"
