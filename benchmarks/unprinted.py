"""What was not printed, claim by claim, and what 10,000 joint draws of it cost.

    python -m benchmarks.unprinted

Rewrites docs/unprinted.md: the limits of every measure that judges a claim, how often each label
comes out in the draws, the unknowns that move it most; times beside a loop of statsmodels fits.
"""

from __future__ import annotations

import re
from pathlib import Path
from time import process_time

import pandas as pd

import retrostats as rs
from retrostats.app.path import Replication
from retrostats.audit.analysis import Context, select
from retrostats.evidence.findings.cross_checks import _statsmodels_fit, _surrogate
from retrostats.evidence.findings.crossover import crossover_study
from retrostats.evidence.printed.pair import reference_correlation
from retrostats.evidence.unreported.influence import quasi_random
from retrostats.evidence.unreported.unknowns import Space

PAGE = Path("docs/unprinted.md")
DRAWS, TIMED, FITS, NAMED = 1_000, 10_000, 200, 3
LABELS = ("supported", "contradicted", "open")


def claims_table(found: Replication) -> str:
    """Limits at the middle, in the draws and searched; shares of labels; the leading unknowns."""
    heads = [
        "claim", "measure", "middle", "widest of the draws", "searched", "direction in the draws",
        "size in the draws", "most influential (share of variance)",
    ]  # fmt: skip
    rows = []
    searched = found.explorations[found.explorations["claim_id"] != ""]
    for row in searched.itertuples():
        mine = "claim_id == @row.claim_id and estimate_id == @row.estimate_id"
        draws, unknowns = found.draws.query(mine), found.unknowns.query(mine)
        rows.append((
            row.claim_id, row.measure, f"{row.estimate:.3f}",
            f"{draws['conf_low'].min():.3f} to {draws['conf_high'].max():.3f}",
            f"{row.conf_low:.3f} to {row.conf_high:.3f}",
            _shares(draws["direction"]), _shares(draws["size"]),
            "; ".join(f"{u} ({_share(t)})" for u, t in _leading(unknowns)),
        ))  # fmt: skip
    return _lines(heads, rows)


def _leading(unknowns: pd.DataFrame) -> list[tuple[str, float]]:
    table = unknowns.drop_duplicates("unknown").sort_values("total", ascending=False)
    top = table[table["total"] > 0][:NAMED]
    return list(zip(top["unknown"], top["total"], strict=True))


def _share(value: float) -> str:
    return f"{value:.2f}" if value >= 0.005 else "under 0.01"


def _shares(labels: pd.Series) -> str:
    shares = [(label, float((labels == label).mean())) for label in LABELS]
    shown = [f"{label} {100 * share:.0f}%" for label, share in shares if share > 0]
    return ", ".join(shown) or "not claimed"


def times() -> str:
    """CPU seconds of 10,000 joint draws of every measure, and of as many statsmodels fits."""
    audit = rs.load_audit()
    published = audit.published
    judged = every = 0.0
    count = [0, 0]
    for analysis in select(None, audit):
        rows = published[published["topic"] == analysis.topic].reset_index(drop=True)
        for measure in analysis.analyse(Context(rows, audit.claims, audit)).measures:
            space = Space.of(measure.unknowns)
            points = quasi_random(space.size, TIMED if space.size else 1, 1)
            estimate = measure.estimator(0.95)
            began = process_time()
            estimate(space.values(points))
            spent = process_time() - began
            every, count[1] = every + spent, count[1] + 1
            if measure.claim_id:
                judged, count[0] = judged + spent, count[0] + 1
    study = crossover_study(
        published, "mc", "Williford 1998", conditions=("backward", "forward"),
        where={"study_id": "williford1998", "outcome": "vo2_ml_kg_min", "gait": "run"},
        quantity="",
    )  # fmt: skip
    data = _surrogate(study, max(0.1, reference_correlation(study.pair)), 1)
    _statsmodels_fit(data, study.pair.conditions)
    began = process_time()
    for _ in range(FITS):
        _statsmodels_fit(data, study.pair.conditions)
    loop = (process_time() - began) * TIMED / FITS
    return _lines(
        [f"{TIMED:,} joint draws", "CPU s"],
        [
            (f"every measure that judges a claim ({count[0]})", f"{judged:.2f}"),
            (f"every measure ({count[1]})", f"{every:.2f}"),
            (f"statsmodels, one model of one printed pair, from {FITS} fits", f"{loop:.0f}"),
        ],
    )


def _lines(heads: list[str], rows: list) -> str:
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    return "\n".join(lines + [f"| {' | '.join(map(str, row))} |" for row in rows])


def renewed(page: str, name: str, table: str) -> str:
    """The page with the table after a mark renewed."""
    mark = rf"(<!-- {name} -->\n).*?(\n<!-- end -->)"
    return re.sub(mark, lambda m: m[1] + table + m[2], page, flags=re.DOTALL)


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8")
    page = renewed(page, "claims", claims_table(rs.replicate(draws=DRAWS)))
    page = renewed(page, "times", times())
    PAGE.write_text(page, encoding="utf-8")
