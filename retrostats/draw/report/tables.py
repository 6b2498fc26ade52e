"""Publication tables: the estimates of each analysis as CSV and HTML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from retrostats.draw.neutral import write_csv
from retrostats.draw.report import format as fmt


def publication_table(estimates: pd.DataFrame) -> pd.DataFrame:
    """Estimates as a paper prints them: rounded text, one row an estimate."""
    records = estimates.to_dict("records")
    return pd.DataFrame(
        {
            "Study": [fmt.text(r["label"]) for r in records],
            "Reading": [fmt.text(r["reading"]) for r in records],
            "Kind": [fmt.text(r["role"]) for r in records],
            "n": [fmt.number(r["n"], 0) for r in records],
            "Estimate [95% CI]": [fmt.estimate(r) for r in records],
            "Unit": [fmt.text(r["unit"]) for r in records],
            "95% prediction": [fmt.interval(r["pred_low"], r["pred_high"]) for r in records],
            "Range over the unprinted": [
                fmt.interval(r["sens_low"], r["sens_high"]) for r in records
            ],
            "Directness": [fmt.text(r["directness"]) for r in records],
        }
    )


def write_tables(replication: Any, folder: Path) -> list[Path]:
    """Write `<analysis>.csv` and `<analysis>.html` to `folder` for each analysis."""
    from great_tables import GT

    paths = []
    for analysis in replication.analyses:
        name, frame = analysis["name"], replication.estimates
        table = publication_table(frame[frame["analysis"] == name])
        csv, html = Path(folder) / f"{name}.csv", Path(folder) / f"{name}.html"
        write_csv(table, csv)
        built = (
            GT(table, id=f"t-{name}")
            .tab_header(title=analysis["title"], subtitle=analysis["question"])
            .tab_source_note("Computed from printed numbers.")
        )
        html.write_text(built.as_raw_html(), encoding="utf-8")
        paths += [csv, html]
    return paths
