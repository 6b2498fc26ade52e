"""The report: one self-contained HTML page with verdicts, figures, tables and every source row."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from retrostats.draw.report import format as fmt
from retrostats.draw.report.sentences import SYMBOLS, answer, claimed

FILTERS = (
    *("text", "said", "number", "short", "interval", "estimate"),
    *("safe_url", "doi_url", "anchor", "split"),
)
#: Columns of the retellings that the page shows in a place of their own, or not at all.
PLACED = ("order", "source", "year", "url", "changed", "parent", "parent_status")


def write_report(
    replication: Any, path: Path, svgs: Mapping[str, str] = MappingProxyType({})
) -> Path:
    """Write the page to `path`; see `render_report`."""
    Path(path).write_text(render_report(replication, svgs), encoding="utf-8")
    return Path(path)


def render_report(replication: Any, svgs: Mapping[str, str] = MappingProxyType({})) -> str:
    """HTML of the page.

    Parameters
    ----------
    replication
        Anything with the attributes of `Replication`.
    svgs
        SVG texts of figures that are already written, by name; the others are drawn.
    """
    environment = Environment(
        loader=PackageLoader("retrostats.draw.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in FILTERS:
        environment.filters[name] = getattr(fmt, name)
    sources = _records(replication.sources)
    shown = {
        name: _inline(svgs.get(name) or _drawn(drawing.figure), f"f{i}", drawing.alt)
        for i, (name, drawing) in enumerate(replication.drawings.items())
    }
    retellings = _records(replication.retellings)
    return environment.get_template("template.html.j2").render(
        audit=replication.audit,
        verdicts=_records(replication.verdicts),
        answers=_answers(replication),
        symbols=SYMBOLS,
        overview=_figures(replication, shown, ""),
        sections=_sections(replication, shown),
        sources=sources,
        known={source["row_id"] for source in sources},
        references=_references(replication.studies, sources),
        bases={
            row["claim_id"]: fmt.text(row.get("range_basis"))
            for row in _records(replication.claims)
        },
        cohorts=_records(replication.cohorts),
        retellings=retellings,
        retold=[name for name in (retellings[0] if retellings else ()) if name not in PLACED],
        provenance=_flat(replication.provenance),
    )


def _records(frame: pd.DataFrame | None) -> list[dict[str, Any]]:
    return (
        []
        if frame is None
        else [{str(k): v for k, v in r.items()} for r in frame.to_dict("records")]
    )


def _answers(replication: Any) -> list[dict[str, Any]]:
    """Core claims with their answers, and the people and studies behind each."""
    rows = {row["estimate_id"]: row for row in _records(replication.estimates)}
    study = {row["row_id"]: row["study_id"] for row in _records(replication.sources)}
    own = [row for row in rows.values() if row["role"] == "cohort" and row["pooled"]]
    told = []
    for verdict in _records(replication.verdicts):
        if verdict["role"] != "core":
            continue
        estimate = rows.get(verdict["estimate_id"], {})
        used = {study[r] for r in fmt.split(estimate.get("source_rows")) if r in study}
        told.append(
            {
                "verdict": verdict,
                "answer": answer(verdict, estimate),
                "claimed": claimed(verdict),
                "people": fmt.number(estimate.get("n"), 0),
                "studies": len(used),
                "own": sum(row["claim_id"] == verdict["claim_id"] for row in own),
            }
        )
    return told


def _sections(replication: Any, shown: Mapping[str, Markup]) -> list[dict[str, Any]]:
    """One section an analysis, with the figures and rows that belong to it."""
    return [
        {
            **analysis,
            "figures": _figures(replication, shown, analysis["name"]),
            "estimates": _mine(replication.estimates, analysis["name"]),
            "checks": _mine(replication.checks, analysis["name"]),
            "assumptions": _mine(replication.assumptions, analysis["name"]),
            "verdicts": _mine(replication.verdicts, analysis["name"]),
        }
        for analysis in replication.analyses
    ]


def _figures(
    replication: Any, shown: Mapping[str, Markup], analysis: str
) -> list[tuple[str, str, Markup]]:
    """Name, words and picture of what one analysis drew; of the overview for ""."""
    return [
        (name, drawing.alt, shown[name])
        for name, drawing in replication.drawings.items()
        if drawing.analysis == analysis
    ]


def _mine(frame: pd.DataFrame, analysis: str) -> list[dict[str, Any]]:
    return _records(frame[frame["analysis"] == analysis]) if len(frame) else []


def _references(studies: pd.DataFrame, sources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Studies whose rows were used, in the order of their names."""
    used = {source["study_id"] for source in sources}
    return sorted(
        (s for s in _records(studies) if s["study_id"] in used), key=lambda s: s["study_id"]
    )


def _flat(mapping: Any, prefix: str = "") -> Iterable[tuple[str, str]]:
    """Nested provenance as name and value pairs."""
    items: list[tuple[str, str]] = []
    for key, value in mapping.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            items += _flat(value, f"{name}: ")
        else:
            items.append(
                (name, ", ".join(map(str, value)) if isinstance(value, list) else str(value))
            )
    return items


def _drawn(figure: Any) -> str:
    from retrostats.draw.figures.theme import write

    buffer = io.BytesIO()
    write(figure, buffer, "svg")
    return buffer.getvalue().decode("utf-8")


def _inline(svg: str, prefix: str, alt: str) -> Markup:
    """Inline SVG with ids of its own and a title; matplotlib has escaped the figure's texts."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)  # the words that outlines stand for
    used = set(re.findall(r'(?:xlink:href="|url\()#([^")]+)', svg))
    svg = re.sub(r' id="([^"]*)"', lambda m: f' id="{prefix}-{m[1]}"' if m[1] in used else "", svg)
    svg = re.sub(r'(xlink:href="|url\()#', rf"\1#{prefix}-", svg)
    title = Markup("<title id='{}-title'>{}</title>").format(prefix, alt)
    head, rest = svg.split(">", 1)
    return Markup(f'{head} role="img" aria-labelledby="{prefix}-title">{title}{rest}')
