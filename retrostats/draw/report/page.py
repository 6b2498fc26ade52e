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

#: Figure name -> what the picture shows, for those who cannot see it.
ALT = {
    "verdict_overview": "Matrix of the claims by fidelity, direction and size",
    "metabolic_cost_forest": "Forest plot of the backward / forward ratio of metabolic rate",
    "metabolic_cost_sensitivity": "Cost ratio as a function of the unprinted correlations",
    "joint_load_impact": "Joint load, impact and heart rate, backward / forward",
    "injury_rate_ratios": "Injury rate ratios of warm-up programmes",
    "joint_load_sensitivity": "Joint load ratio as a function of the unprinted correlation",
    "body_fat_change": "Change in body fat under each reading, beside forward running",
    "body_fat_sensitivity": "Body fat difference as a function of what was not printed",
    "retelling_chain": "Chain of retellings of the six-week study and what each changed",
}
FILTERS = (
    *("text", "number", "short", "interval", "estimate"),
    *("safe_url", "doi_url", "anchor", "split"),
)
_KEYWORDS = {
    "metabolic-cost": ("metabolic",),
    "ligament-injury": ("joint", "injury", "ligament"),
    "body-fat": ("body_fat", "retelling"),
}


def write_report(
    replication: Any, path: Path, drawings: Mapping[str, str] = MappingProxyType({})
) -> Path:
    """Write the page to `path`; see `render_report`."""
    Path(path).write_text(render_report(replication, drawings), encoding="utf-8")
    return Path(path)


def render_report(replication: Any, drawings: Mapping[str, str] = MappingProxyType({})) -> str:
    """HTML of the page.

    Parameters
    ----------
    replication
        Anything with the attributes of `Replication`.
    drawings
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
    figures = {
        name: _inline(drawings.get(name) or _drawn(figure), f"f{i}", name)
        for i, (name, figure) in enumerate(replication.figures.items())
    }
    return environment.get_template("template.html.j2").render(
        verdicts=_records(replication.verdicts),
        overview=figures.pop("verdict_overview", ""),
        sections=_sections(replication, figures),
        sources=sources,
        known={source["row_id"] for source in sources},
        references=_references(replication.studies, sources),
        bases={
            row["claim_id"]: fmt.text(row.get("range_basis"))
            for row in _records(replication.claims)
        },
        cohorts=_records(replication.cohorts),
        retellings=_records(replication.retellings),
        provenance=_flat(replication.provenance),
    )


def _records(frame: pd.DataFrame | None) -> list[dict[str, Any]]:
    return (
        []
        if frame is None
        else [{str(k): v for k, v in r.items()} for r in frame.to_dict("records")]
    )


def _sections(replication: Any, figures: dict[str, Markup]) -> list[dict[str, Any]]:
    """One section an analysis, with the figures and rows that belong to it."""
    left = dict(figures)
    sections = []
    for analysis in replication.analyses:
        name = analysis["name"]
        words = _KEYWORDS.get(name, (name.replace("-", "_"),))
        mine = [key for key in left if key.startswith(words)]
        sections.append(
            {
                **analysis,
                "figures": [
                    (key, ALT.get(key, key.replace("_", " ")), left.pop(key)) for key in mine
                ],
                "estimates": _mine(replication.estimates, name),
                "checks": _mine(replication.checks, name),
                "assumptions": _mine(replication.assumptions, name),
                "verdicts": _mine(replication.verdicts, name),
            }
        )
    if sections and left:  # a figure no analysis claims by name still has to be seen
        sections[-1]["figures"] += [
            (k, ALT.get(k, k.replace("_", " ")), v) for k, v in left.items()
        ]
    return sections


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


def _inline(svg: str, prefix: str, name: str) -> Markup:
    """Inline SVG with ids of its own and a title; matplotlib has escaped the figure's texts."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)  # the words that outlines stand for
    used = set(re.findall(r'(?:xlink:href="|url\()#([^")]+)', svg))
    svg = re.sub(r' id="([^"]*)"', lambda m: f' id="{prefix}-{m[1]}"' if m[1] in used else "", svg)
    svg = re.sub(r'(xlink:href="|url\()#', rf"\1#{prefix}-", svg)
    title = Markup("<title id='{}-title'>{}</title>").format(prefix, ALT.get(name, name))
    head, rest = svg.split(">", 1)
    return Markup(f'{head} role="img" aria-labelledby="{prefix}-title">{title}{rest}')
