"""The report: one self-contained HTML page with verdicts, figures, tables and every source row."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
from markupsafe import Markup

from retrostats.audit.plain_words import plain_words_of, story_of
from retrostats.common.arrays import records_of
from retrostats.common.resources import data_dir
from retrostats.common.rounding import BOUNDS
from retrostats.io.published.study_names import study_labels
from retrostats.report.page.amounts import claimed, ends_of
from retrostats.report.page.answers_picture import answers_picture
from retrostats.report.page.bands import legend
from retrostats.report.page.cards import answers, cards_of
from retrostats.report.page.claim_review import claim_reviews
from retrostats.report.page.environment import environment_of
from retrostats.report.page.evidence import (
    AGREES,
    by_speaker,
    described_claims,
    row_labels,
    studies_of,
    uses_of,
)
from retrostats.report.page.explore import explorers_of
from retrostats.report.page.figures import NARROW, PageFigure, by_claim, owned, page_figures
from retrostats.report.page.glossary import explained
from retrostats.report.page.head import head_of
from retrostats.report.page.overview import overview_of, stories_of
from retrostats.report.page.pictures import pictures_of
from retrostats.report.page.policy import POLICY, with_policy
from retrostats.report.page.reuse import bibliography, methods_paragraph
from retrostats.report.page.sentences import finding
from retrostats.report.page.shades import page_style
from retrostats.report.page.verdict_words import SYMBOLS
from retrostats.report.tables.contents import bias_text, step_words, summary_text
from retrostats.report.user_cohort import USER_COHORT

#: Frames that the page reads as rows.
FRAMES = (
    *(
        "verdicts",
        "answers",
        "estimates",
        "explorations",
        "certainty",
        "claims",
        "sources",
        "cohorts",
    ),
    *("checks", "assumptions", "studies", "fidelity", "evidence", "summary"),
)
#: Columns of the retellings that the page shows in a place of their own, or not at all.
PLACED = ("order", "source", "year", "url", "changed", "parent", "parent_status")


def write_report(
    replication: Any,
    path: Path,
    svgs: Mapping[str, str] = MappingProxyType({}),
    formats: Sequence[str] = (),
    narrow: Mapping[str, str] = MappingProxyType({}),
) -> Path:
    """Write the page to `path`; see `render_report`."""
    Path(path).write_text(render_report(replication, svgs, formats, narrow), encoding="utf-8")
    return Path(path)


def render_report(
    replication: Any,
    svgs: Mapping[str, str] = MappingProxyType({}),
    formats: Sequence[str] = (),
    narrow: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """HTML of the page.

    Parameters
    ----------
    replication
        Anything with the attributes of `Replication`.
    svgs
        SVG texts of figures that are already written, by name; the others are drawn.
    formats
        In which figures are written beside the page; none if it stands alone.
    narrow
        SVG texts of figures at the width of a phone, by name; the others are scrolled there.
    """
    records = {name: _records(getattr(replication, name)) for name in FRAMES}
    study = study_labels(records["studies"])
    rows = row_labels(records["sources"], study)
    ends = dict.fromkeys(b for claim in records["claims"] for b in ends_of(claim))
    bounds = tuple(ends) or BOUNDS
    environment = environment_of({**study, **rows}, bounds)
    descriptions = {
        name: finding(drawing, records["estimates"], bounds)
        for name, drawing in replication.drawings.items()
    }
    files = {
        name: svgs.get(name) or _drawn(drawing.figure)
        for name, drawing in replication.drawings.items()
        if drawing.analysis
    }
    phone = {f"{name}{NARROW}": svg for name, svg in narrow.items() if name in descriptions}
    words = {**descriptions, **{key: descriptions[key.removesuffix(NARROW)] for key in phone}}
    pictures = pictures_of({**files, **phone}, words)
    figures = page_figures(replication, pictures.svgs, descriptions, formats)
    retellings = _records(replication.retellings)
    titles = {analysis["name"]: analysis["title"] for analysis in replication.analyses}
    uses = uses_of(records)
    studies = studies_of(records, study, _topics(replication.audit, titles), uses)
    plain = plain_words_of(replication.audit)
    described = described_claims(records, _ranges(records), study, plain)
    cards = cards_of(records, plain, _sources_of(replication.grids, records["verdicts"]))
    overview, sentences = overview_of(cards), answers(records, plain)
    cited = _references(records["studies"], records["sources"], replication.audit.post)
    html = environment.get_template("template.html.j2").render(
        audit=replication.audit,
        policy=POLICY,
        cards=cards,
        legend=legend([b for card in cards for b in card.bands], [c.line for c in cards]),
        overview=overview,
        head=head_of(replication.audit, overview),
        stories=stories_of(story_of(replication.audit), cards),
        findings=_findings(replication.summary, records["summary"]),
        reviews=claim_reviews(
            records["verdicts"],
            sentences,
            replication.audit,
            page=getattr(replication.audit, "address", "") or "report.html",
            without={row["claim_id"] for row in records["cohorts"]},
        ),
        methods_text=methods_paragraph(replication),
        bibtex_text=bibliography(replication, cited),
        described=described,
        explorers=explorers_of(replication.grids, records, plain),
        speakers=by_speaker(described),
        plan_of=_plan_of(replication.audit),
        slopes=_slopes(replication.audit),
        agrees=AGREES,
        titles=titles,
        post_kind=f"the {getattr(replication.audit.post, 'kind', 'post')}",
        retold_text=_retold(replication),
        study=study,
        estimate_label={row["estimate_id"]: row["label"] for row in records["estimates"]},
        assumed={row["assumption_id"]: row["statement"] for row in records["assumptions"]},
        statement={row["claim_id"]: row["statement"] for row in records["verdicts"]},
        symbols=SYMBOLS,
        letters=pictures.letters,
        shades=Markup(page_style(pictures.colours)),
        sections=_sections(replication, figures),
        step_words=step_words,
        studies=studies,
        study_ids={entry.study_id for entry in studies},
        topics=list(dict.fromkeys(t for entry in studies for t in entry.topics)),
        directness=sorted({d for entry in studies for d in entry.directness}),
        uses=uses,
        row_label=rows,
        row_number={
            row["row_id"]: number
            for number, row in enumerate((r for s in studies for r in s.rows), 1)
        },
        references=cited,
        cohorts=records["cohorts"],
        user_cohorts=replication.provenance.get("cohorts", []),
        user_cohort_figures=owned(figures, USER_COHORT),
        claim_figures=by_claim(figures),
        user_cohort_results=_records(replication.user_results),
        cohort_shares=_records(replication.cohort_shares),
        retellings=retellings,
        retold=[name for name in (retellings[0] if retellings else ()) if name not in PLACED],
        provenance=_flat(replication.provenance),
    )
    return with_policy(explained(html))


def _sources_of(grids: Any, verdicts: Sequence[Mapping[str, Any]]) -> dict[str, list[set[str]]]:
    """The printed rows of each source of the measure that judges a claim, by the claim."""
    judged = {row["claim_id"]: row.get("estimate_id") for row in verdicts}
    return {
        claim.claim_id: [set(source.rows) for source in grid.entry.measure.sources]
        for claim, grid in grids
        if judged.get(claim.claim_id) == grid.entry.measure.estimate_id
    }


def draw_answers(replication: Any) -> str:
    """The answers to the core claims as one SVG that stands by itself.

    Parameters
    ----------
    replication
        Anything with the attributes of `Replication`.
    """
    records = {name: _records(getattr(replication, name)) for name in FRAMES}
    sources = _sources_of(replication.grids, records["verdicts"])
    cards = cards_of(records, plain_words_of(replication.audit), sources)
    return answers_picture(replication.audit.title, cards)


def _findings(summary: pd.DataFrame, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the summary of findings, each with its texts as a paper prints them."""
    texts = _records(summary_text(summary))
    return [
        {"number": number, "row": row, "texts": row_texts}
        for number, (row, row_texts) in enumerate(zip(rows, texts, strict=True), 1)
    ]


def _ranges(records: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, str]:
    """The claimed range of each claim in words."""
    units = {row["claim_id"]: row.get("unit") for row in records["claims"]}
    return {
        row["claim_id"]: claimed({**row, "unit": units.get(row["claim_id"], row["unit"])})
        for row in records["verdicts"]
    }


def _topics(audit: Any, titles: Mapping[str, str]) -> dict[str, str]:
    """Title of the section of each topic."""
    topics = getattr(audit, "topics", {})
    return {name: titles.get(topic.analysis, topic.analysis) for name, topic in topics.items()}


def _records(frame: pd.DataFrame | None) -> list[dict[str, Any]]:
    return [] if frame is None else records_of(frame)


def _plan_of(audit: Any) -> str:
    """How a plan is told which audit is meant: its page by name, or a folder; "" of this one."""
    page = getattr(audit, "page", None)
    if page is not None:
        return f" --audit {page.file.name}"
    return "" if getattr(audit, "data", None) == data_dir() else " --audit DIR"


def _slopes(audit: Any) -> set[str]:
    """Claims on a slope between studies, which no study of people settles."""
    page = getattr(audit, "page", None)
    return set() if page is None else {c.claim_id for c in page.claims if c.moderator}


def _retold(replication: Any) -> dict[str, Any] | None:
    """The text that the audited one retells, if the audit names it."""
    wanted = getattr(replication.audit.post, "retells", "")
    return next((s for s in _records(replication.studies) if s["study_id"] == wanted), None)


def _sections(replication: Any, figures: Sequence[PageFigure]) -> list[dict[str, Any]]:
    """One section an analysis, with the figures and rows that belong to it."""
    return [
        {
            **analysis,
            "figures": owned(figures, analysis["name"]),
            "estimates": _mine(replication.estimates, analysis["name"]),
            "checks": _mine(replication.checks, analysis["name"]),
            "assumptions": _mine(replication.assumptions, analysis["name"]),
            "verdicts": _mine(replication.verdicts, analysis["name"]),
            "flow": _steps(replication.flow, analysis["name"]),
            "bias": _bias(replication.risk_of_bias, analysis["name"]),
        }
        for analysis in replication.analyses
    ]


def _steps(flow: pd.DataFrame | None, analysis: str) -> list[dict[str, Any]]:
    """Steps of the flow of rows through the pool of an analysis."""
    return [] if flow is None else _mine(flow, analysis)


def _bias(bias: pd.DataFrame | None, analysis: str) -> dict[str, Any] | None:
    """Judgements of the risk of bias behind an analysis: domains, and a row a study."""
    if bias is None or not len(bias):
        return None
    text = bias_text(bias[bias["analysis"] == analysis])
    domains = [name for name in text.columns if name != "Study"]
    return {"domains": domains, "rows": records_of(text)} if domains else None


def _mine(frame: pd.DataFrame, analysis: str) -> list[dict[str, Any]]:
    return _records(frame[frame["analysis"] == analysis]) if len(frame) else []


def _references(
    studies: Sequence[Mapping[str, Any]], sources: Sequence[Mapping[str, Any]], post: Any
) -> list[Mapping[str, Any]]:
    """Studies whose rows were used, and the text retold, in the order of their names."""
    used = {source["study_id"] for source in sources} | {getattr(post, "retells", "")}
    return sorted((s for s in studies if s["study_id"] in used), key=lambda s: s["study_id"])


def _flat(mapping: Any, prefix: str = "") -> Iterable[tuple[str, str]]:
    """Nested provenance as name and value pairs, in words."""
    items: list[tuple[str, str]] = []
    for key, value in mapping.items():
        name = f"{prefix}{key}".replace("_", " ")
        parts = value if isinstance(value, list) else [value]
        nested = [part for part in parts if isinstance(part, dict)]
        for number, part in enumerate(nested, 1):
            items += _flat(part, f"{name} {number}: " if len(nested) > 1 else f"{name}: ")
        if not nested:
            items.append((name, ", ".join(map(str, parts)) or "none"))
    return items


def _drawn(figure: Any) -> str:
    from retrostats.report.figures.theme import write

    buffer = io.BytesIO()
    write(figure, buffer, "svg")
    return buffer.getvalue().decode("utf-8")
