"""Figures of a reader's own rows: every person, the means, and the literature beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.draw.figures import theme
from retrostats.draw.figures.axis import display_limits, set_ticks
from retrostats.draw.figures.drawing import Drawing
from retrostats.draw.figures.looks import now, page_mm
from retrostats.findings.cohorts import CONDITIONS, Compared, arms_of, outcome_of, timed
from retrostats.findings.own import HOURS, poisson_limits
from retrostats.read.headers import column_words

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.audit import Audit
    from retrostats.vocabulary import Topic

#: Owner of these figures: the page shows them with the cohorts, not with an analysis.
OWN = "own data"
#: Panels and rows that have room.
PANELS, ROWS = 4, 12
PANEL_MM, HIGH_MM, LABELS_MM, ROW_MM = 31.0, 52.0, 54.0, 5.0


def draw_own(cohorts: Sequence[Any], audit: Audit, estimates: pd.DataFrame) -> dict[str, Drawing]:
    """One figure a cohort: its people in each condition, and its effect beside the literature.

    Parameters
    ----------
    estimates
        `Replication.estimates`; rows of the cohort's quantity stand at the right.
    """
    found = {}
    for i, cohort in enumerate(cohorts, start=1):
        topic = next((t for t in audit.topics.values() if t.analysis == cohort.analysis), None)
        if topic is None:
            continue
        people, what = people_of(cohort, topic, audit)
        if not len(people):
            continue
        name = str(cohort.provenance["name"])
        beside = literature_beside(estimates, cohort.analysis, name)
        alt = (
            f"{name}: {people['subject'].nunique()} people, {what}, a line each and the mean; "
            f"beside them {len(beside)} effects"
        )
        found[f"own_data_{i}"] = Drawing(
            _figure(name, people, what, beside),
            alt,
            OWN,
            tuple(beside.loc[beside["role"] == "cohort", "estimate_id"]),
        )
    return found


def people_of(cohort: Any, topic: Topic, audit: Audit) -> tuple[pd.DataFrame, str]:
    """What is drawn of each person: subject, panel, x, y (means of trials), and y in words.

    Panels are speeds, arms, or kinds of events; `mean`, `low` and `high` are those of each x,
    limits only for rates.
    """
    by = Compared(audit.conditions, topic.outcomes, "", "")
    if topic.counted:
        return _rates(cohort, topic), f"events in {HOURS:,.0f} h"
    frame = cohort.frame
    if topic.compares == "arm":
        rows, arms = timed(cohort), arms_of(cohort, by)
        panel = rows["arm"].astype(str) if "arm" in rows and len(arms) else "everybody"
        shown = rows.assign(panel=panel, x=rows["time"].astype(str))
    else:
        names = [c for c in CONDITIONS if c in frame]
        panel = _panels(frame, names)
        shown = frame.assign(panel=panel, x=frame["direction"].astype(str))
    y = outcome_of(cohort, by)
    keys = ["subject", "panel", "x"]
    found = shown.groupby(keys, sort=False, observed=True)[y].mean().dropna().reset_index(name="y")
    found["mean"] = found.groupby(["panel", "x"])["y"].transform("mean")
    return found.assign(low=np.nan, high=np.nan), column_words(y)


def _panels(frame: pd.DataFrame, names: Sequence[str]) -> Any:
    """Words of the speed and slope of each row; gaits are told apart."""
    parts = []
    if "nominal_speed_m_s" in names:
        speed = frame["nominal_speed_m_s"]
        parts.append([f"{v * 3.6:.3g} km/h" if np.isfinite(v) else "no speed" for v in speed])
    if "gradient_pct" in names:
        parts.append([f"{v:g}% grade" if np.isfinite(v) else "" for v in frame["gradient_pct"]])
    if "gait" in frame and frame["gait"].nunique() > 1:
        parts.append(frame["gait"].fillna("run").astype(str).tolist())
    joined = [", ".join(filter(None, each)) for each in zip(*parts, strict=True)]
    return joined or "all speeds"


def _rates(cohort: Any, topic: Topic) -> pd.DataFrame:
    import pandas as pd

    parts = []
    for outcome in (o for o in topic.outcomes if o in cohort.frame):
        rows = cohort.frame[cohort.frame[outcome].notna()]
        sums = rows.groupby(["subject", "direction"], observed=True)[[outcome, "exposure_h"]].sum()
        each = sums.reset_index().rename(columns={"direction": "x"})
        each = each.assign(y=HOURS * each[outcome] / each["exposure_h"], panel=outcome)
        total = each.groupby("x", observed=True)[[outcome, "exposure_h"]].sum()
        per = HOURS / total["exposure_h"]
        ends = np.array([poisson_limits(events) for events in total[outcome]])
        told = {"mean": total[outcome] * per, "low": ends[:, 0] * per, "high": ends[:, 1] * per}
        each = each.assign(**{k: each["x"].map(v).astype(float) for k, v in told.items()})
        parts.append(each.assign(panel=column_words(outcome), x=each["x"].astype(str)))
    keys = ["subject", "panel", "x", "y", "mean", "low", "high"]
    return pd.concat(parts)[keys] if parts else pd.DataFrame(columns=keys)


def literature_beside(estimates: pd.DataFrame, analysis: str, name: str) -> pd.DataFrame:
    """Rows under the cohort's heading, of its quantities in its unit: print, pools, its own."""
    mine = estimates[estimates["analysis"] == analysis]
    own = mine[(mine["role"] == "cohort") & (mine["study_id"] == name)]
    asked = mine["quantity"].isin(own["quantity"]) & mine["scale"].isin(own["scale"])
    asked &= mine["group"].isin(own["group"]) & mine["unit"].isin(own["unit"].iloc[:1])
    whole = np.isfinite(mine["conf_low"]) & np.isfinite(mine["conf_high"])
    judged = ~mine["hollow"].astype(bool) | (mine["study_id"] == name)
    shown: pd.DataFrame = mine[asked & whole & judged].iloc[:ROWS]
    if shown["quantity"].nunique() > 1:
        said = shown["quantity"].str.replace("_", " ")
        shown = shown.assign(label=shown["label"] + ", " + said)
    return shown


def _figure(name: str, people: pd.DataFrame, what: str, beside: pd.DataFrame) -> Any:

    with theme.styled():
        return _drawn(name, people, what, beside)


def _drawn(name: str, people: pd.DataFrame, what: str, beside: pd.DataFrame) -> Any:
    panels = list(dict.fromkeys(people["panel"]))[:PANELS]
    left, gap = theme.EDGE_MM + 13.0, 4.0
    more = len(set(people["panel"])) - len(panels)
    width = page_mm()
    rates = bool(np.isfinite(people["low"]).any())
    caption = theme.caption_lines(
        "Thin lines: a person each; diamonds: "
        + ("rate of all with its exact 95% Poisson interval" if rates else "mean")
        + (f"; {more} more speeds are in the table. " if more > 0 else ". ")
        + "Right: estimates with 95% intervals; triangles: own data, dots: printed studies, "
        "diamonds: pools.",
        width,
    )
    title = theme.wrap(f"{name}: {people['subject'].nunique()} people, {what}",
                       width - 2 * theme.EDGE_MM, bold=True)  # fmt: skip
    top = theme.TOP_MM + theme.LINE_MM * len(title) + 6.0
    side_by_side = len(panels) <= 2
    across = PANEL_MM if side_by_side else (width - left - gap * 3 - theme.EDGE_MM) / PANELS
    below = HIGH_MM + 9.0
    list_mm = ROW_MM * max(len(beside), 1) + 8.0
    tall = max(below, list_mm) if side_by_side else below + 6.0 + list_mm
    figure = theme.new_figure(width, top + tall + theme.LINE_MM * len(caption) + theme.EDGE_MM + 2)
    for i, line in enumerate(title):
        theme.add_text(figure, theme.EDGE_MM, theme.TOP_MM + theme.LINE_MM * (i + 0.5), line,
                       fontweight="bold")  # fmt: skip
    limits = (people[["y", "low"]].min().min(), people[["y", "high"]].max().max())
    pad = 0.06 * (limits[1] - limits[0] or 1.0)
    for i, panel in enumerate(panels):
        axes = theme.add_axes(figure, left + i * (across + gap), top, across, HIGH_MM)
        _people(axes, people[people["panel"] == panel], panel, across)
        axes.set_ylim(min(0.0, limits[0]) if rates else limits[0] - pad, limits[1] + pad)
        axes.set_ylabel(what if i == 0 else "")
        axes.tick_params(labelleft=i == 0)
    if len(beside):
        start = left + len(panels) * (across + gap) + 4 if side_by_side else theme.EDGE_MM
        place = top if side_by_side else top + below + 6.0
        _effects(figure, beside, start, place, width)
    theme.draw_caption(figure, caption)
    return figure


def _people(axes: Any, part: pd.DataFrame, panel: str, across: float) -> None:
    """Lines of people between the conditions, and the means, in the order of the rows."""
    import seaborn as sns

    order = list(dict.fromkeys(part["x"]))
    places = part.assign(at=[order.index(x) for x in part["x"]])
    sns.lineplot(places, x="at", y="y", units="subject", estimator=None, ax=axes,
                 color=now().grey, lw=0.6, alpha=0.6)  # fmt: skip
    sns.scatterplot(places, x="at", y="y", ax=axes, color=now().grey, s=9, alpha=0.7, legend=False)
    means = places.drop_duplicates("at").sort_values("at")
    axes.plot(means["at"], means["mean"], "D-", color=now().orange, ms=4, lw=1.4, zorder=4)
    rates = means[means["low"].notna()]
    axes.vlines(rates["at"], rates["low"], rates["high"], color=now().orange, lw=1.2, zorder=4)
    axes.set_xlim(-0.35, len(order) - 0.65)
    axes.set_xticks(
        range(len(order)), [theme.wrap(x, across / max(len(order), 1))[0] for x in order]
    )
    axes.set_xlabel("")
    axes.set_title(theme.wrap(panel, across)[0], fontsize=theme.SMALL)


def _effects(figure: Any, beside: pd.DataFrame, start: float, top: float, width: float) -> None:
    """A row an estimate: printed studies and pools, then the own cohorts."""
    inner = width - start - LABELS_MM - theme.EDGE_MM - 4
    axes = theme.add_axes(figure, start + LABELS_MM, top, inner, ROW_MM * len(beside))
    log = bool((beside["scale"] != "difference").all())
    null = 1.0 if log else 0.0
    low, high = display_limits(
        beside[["estimate", "conf_low", "conf_high"]], null, None, log=log
    )  # fmt: skip
    axes.set_xlim(low, high)
    if log:
        axes.set_xscale("log")
    set_ticks(axes, low, high, log=log, room_mm=inner)
    axes.axvline(null, color=now().grey, lw=0.6, ls="--")
    for i, row in enumerate(beside.to_dict("records")):
        colour = now().orange if row["role"] == "cohort" else now().blue
        mark = "D" if row["role"] == "pooled" else "^" if row["role"] == "cohort" else "o"
        axes.plot([row["conf_low"], row["conf_high"]], [i, i], color=colour, lw=1.2)
        axes.plot(row["estimate"], i, mark, color=colour, ms=4)
        label = theme.wrap(row["label"], LABELS_MM - 4)
        cut = label[0] + ("…" if label[1:] else "")
        theme.add_text(figure, start, top + ROW_MM * (i + 0.5), cut)
    axes.set_ylim(len(beside) - 0.5, -0.5)
    axes.yaxis.set_visible(False)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("\n".join(theme.wrap(str(beside["unit"].iloc[0]), inner + 6)))
