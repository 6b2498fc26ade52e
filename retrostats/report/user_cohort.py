"""Figures of a reader's own rows: every person, the means, and the literature below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.evidence.findings.changes import arms_of, timed
from retrostats.evidence.findings.cohorts import CONDITIONS, Compared, outcome_of
from retrostats.evidence.findings.user_cohort import EVERYBODY, HOURS, poisson_limits
from retrostats.io.cohort.headers import column_words
from retrostats.report.figures import theme
from retrostats.report.figures.axis import Span
from retrostats.report.figures.drawing import Drawing
from retrostats.report.figures.forest import Lead, Panel, forest
from retrostats.report.figures.looks import narrow, now, page_mm
from retrostats.report.figures.panels import band_of, caption_of, panel_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from retrostats.audit.audit import Audit
    from retrostats.audit.claims import Claim
    from retrostats.common.vocabulary import Topic

#: Owner of these figures: the page shows them with the cohorts, not with an analysis.
USER_COHORT = "own data"
#: Panels of people and rows of the literature that have room, and panels in a line.
PANELS, ROWS = 4, 12
ACROSS, NARROW_ACROSS = 4, 2
HIGH_MM, NARROW_HIGH_MM = 40.0, 32.0
LEAST = 4  # different values of an arm whose distribution is drawn
#: People who are drawn by a line each; of more, so many are, with a band that holds 90% of all.
LINES = 200
BAND = (0.05, 0.95)
#: Levels that the panels of people are in the order of.
LEVELS = ("nominal_speed_m_s", "gradient_pct")
LEFT_MM, GAP_MM, HEAD_MM, FOOT_MM = 13.0, 4.0, 5.0, 8.0


def draw_user_cohorts(
    cohorts: Sequence[Any], audit: Audit, estimates: pd.DataFrame, claims: Mapping[str, Claim]
) -> dict[str, Drawing]:
    """One figure a cohort: its people in each condition, and its effect beside the literature.

    Parameters
    ----------
    estimates
        `Replication.estimates`; rows of the cohort's quantities stand below its people.
    claims
        By id, for the range that would make one true.
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
        number = people["subject"].nunique()
        each = "a line each" if number <= LINES else f"{LINES} of them by a line, 90% by a band,"
        alt = (
            f"{name}: {number} people, {what}, {each} and the mean; "
            f"below them {len(beside)} effect{'s' if len(beside) != 1 else ''} of it and of the "
            "literature"
        )
        found[f"own_data_{i}"] = Drawing(
            _figure(name, people, what, _panels_of(beside, cohort.analysis, claims)),
            alt,
            USER_COHORT,
            tuple(beside.loc[beside["role"] == "cohort", "estimate_id"]),
        )
    return found


def people_of(cohort: Any, topic: Topic, audit: Audit) -> tuple[pd.DataFrame, str]:
    """What is drawn of each person: subject, panel, x, y (means of trials), and y in words.

    Panels are speeds, arms, or kinds of events; `mean`, `low` and `high` are those of each x,
    limits only for rates.
    """
    topic = topic.fitting(cohort.frame)
    by = Compared(audit.conditions, topic.outcomes, "", "", gait=topic.gait)
    if topic.counted:
        return _rates(cohort, topic), f"events in {HOURS:,.0f} h"
    frame = cohort.frame
    if topic.compares == "arm":
        rows, arms = timed(cohort), arms_of(cohort, by)
        panel = rows["arm"].astype(str) if "arm" in rows and len(arms) else EVERYBODY
        shown = rows.assign(panel=panel, x=rows["time"].astype(str))
    else:
        names = [c for c in CONDITIONS if c in frame]
        levels = [name for name in LEVELS if name in names]
        frame = frame.sort_values(levels, kind="stable") if levels else frame
        panel = _names(frame, names) if names or topic.gait else EVERYBODY
        shown = frame.assign(panel=panel, x=frame["direction"].astype(str))
    y = outcome_of(cohort, by)
    keys = ["subject", "panel", "x"]
    found = shown.groupby(keys, sort=False, observed=True)[y].mean().dropna().reset_index(name="y")
    paired = found["y"].where(in_every_condition(found))
    found["mean"] = paired.groupby([found["panel"], found["x"]]).transform("mean")
    return found.assign(low=np.nan, high=np.nan), column_words(y)


def in_every_condition(people: pd.DataFrame) -> Any:
    """Rows of people met in every condition of their panel: a line of means is of the same people.

    All rows of a panel in which nobody was.

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({"subject": ["a", "a", "b"], "panel": 1, "x": ["f", "b", "f"]})
    >>> in_every_condition(people).tolist()
    [True, True, False]
    """
    met = people.groupby(["panel", "subject"], observed=True)["x"].transform("nunique")
    whole = met == people.groupby("panel", observed=True)["x"].transform("nunique")
    return whole | ~whole.groupby(people["panel"]).transform("any")


def _names(frame: pd.DataFrame, names: Sequence[str]) -> Any:
    """Words of the speed and slope of each row, made once a condition; gaits are told apart."""
    keys = [*names, "gait"] if "gait" in frame and frame["gait"].nunique() > 1 else list(names)
    if not keys:
        return "all speeds"
    apart = frame.groupby(keys, dropna=False, sort=False, observed=True)
    words = np.array(_words_of(frame[keys].drop_duplicates()), dtype=object)
    return words[apart.ngroup().to_numpy()]


def _words_of(frame: pd.DataFrame) -> list[str]:
    parts = []
    names = list(frame)
    if "nominal_speed_m_s" in names:
        speed = frame["nominal_speed_m_s"]
        parts.append([f"{v * 3.6:.3g} km/h" if np.isfinite(v) else "no speed" for v in speed])
    if "gradient_pct" in names:
        parts.append([f"{v:g}% grade" if np.isfinite(v) else "" for v in frame["gradient_pct"]])
    if "gait" in names:
        parts.append(frame["gait"].fillna("run").astype(str).tolist())
    return [", ".join(filter(None, each)) for each in zip(*parts, strict=True)]


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
        columns = {"mean": total[outcome] * per, "low": ends[:, 0] * per, "high": ends[:, 1] * per}
        each = each.assign(**{k: each["x"].map(v).astype(float) for k, v in columns.items()})
        parts.append(each.assign(panel=column_words(outcome), x=each["x"].astype(str)))
    keys = ["subject", "panel", "x", "y", "mean", "low", "high"]
    return pd.concat(parts)[keys] if parts else pd.DataFrame(columns=keys)


def literature_beside(estimates: pd.DataFrame, analysis: str, name: str) -> pd.DataFrame:
    """Rows under the cohort's heading, of its quantities in its unit: print, pools, its own."""
    mine = estimates[estimates["analysis"] == analysis]
    cohort = mine[(mine["role"] == "cohort") & (mine["study_id"] == name)]
    asked = mine["quantity"].isin(cohort["quantity"]) & mine["scale"].isin(cohort["scale"])
    asked &= mine["group"].isin(cohort["group"]) & mine["unit"].isin(cohort["unit"].iloc[:1])
    whole = np.isfinite(mine["conf_low"]) & np.isfinite(mine["conf_high"])
    judged = ~mine["excluded"].astype(bool) | (mine["study_id"] == name)
    shown: pd.DataFrame = mine[asked & whole & judged].iloc[:ROWS]
    return shown


def _panels_of(beside: pd.DataFrame, analysis: str, claims: Mapping[str, Claim]) -> list[Panel]:
    """A panel a quantity, with the range of the one claim about it."""
    found = []
    for quantity, rows in beside.groupby("quantity", sort=False):
        asked = [
            claim for claim in claims.values()
            if claim.analysis == analysis and claim.quantity == quantity
        ]  # fmt: skip
        bands: list[Span] = [band for claim in asked if (band := band_of(claim)) is not None]
        title = str(quantity).replace("_", " ")
        log = " (log axis)" if rows["scale"].iloc[0] != "difference" else ""
        panel = panel_of(
            rows.drop(columns="group"),
            f"{rows['unit'].iloc[0]}{log}",
            title=f"{title[:1].upper()}{title[1:]}, beside the literature",
            band=bands[0] if len(bands) == 1 else None,
        )
        found += [panel] if panel is not None else []
    return found


def _figure(name: str, people: pd.DataFrame, what: str, panels: list[Panel]) -> Figure:
    import pandas as pd

    panel_names = list(people["panel"].unique())
    shown = panel_names[:PANELS]
    more = len(panel_names) - len(shown)
    every = people["subject"].nunique()
    rates = bool(np.isfinite(people["low"]).any())
    letter = "a: " if panels else ""
    whole = people[in_every_condition(people)]["subject"].nunique()
    those = "all" if whole == every else f"the {whole} of {every} people met in each condition"
    said = (
        f"{letter}{_marks_in_words(people, every)}"
        + ("rate of all with its exact 95% Poisson interval" if rates else f"mean of {those}")
        + (f"; {more} more panels are in the table of own results" if more > 0 else "")
        + "."
    )
    with theme.styled():
        title = f"{letter[:1]} {name}: {every} people, {what}".strip()
        lead = _lead(title, people, what, shown)
        if panels:
            rows = pd.concat([panel.rows for panel in panels])
            text = f"{said} {caption_of(f'the table of {name} and data/published', rows)}"
            return forest(panels, text, lead=lead)
        caption = theme.caption_lines(said, page_mm())
        height = theme.TOP_MM + lead.height + theme.LINE_MM * len(caption) + theme.EDGE_MM + 1
        figure = theme.new_figure(page_mm(), height)
        lead.draw(figure, theme.TOP_MM)
        theme.draw_caption(figure, caption)
    return figure


def _marks_in_words(people: pd.DataFrame, every: int) -> str:
    """What is drawn of people: lines where some were met in two conditions, else points."""
    if any(_paired(part) for _, part in people.groupby("panel", sort=False)):
        return f"thin lines: {_lines_in_words(every)}; heavy line: "
    return "points: the people of each group, shape: how they are spread; diamond: "


def _lines_in_words(people: int) -> str:
    if people <= LINES:
        return "a person each"
    return f"{LINES} of {people:,} people, evenly spaced in the table; band: 90% of all"


def _lead(title: str, people: pd.DataFrame, what: str, panels: Sequence[str]) -> Lead:
    """The people, a panel a speed, arm or kind of event, in lines of as many as fit."""
    width = page_mm()
    lines = theme.wrap(title, width - 2 * theme.EDGE_MM, theme.SIZE, bold=True)
    across = min(NARROW_ACROSS if narrow() else ACROSS, len(panels))
    room = (width - 2 * theme.EDGE_MM - LEFT_MM - GAP_MM * (across - 1)) / across
    inner, high = room, NARROW_HIGH_MM if narrow() else HIGH_MM
    deep = HEAD_MM + high + FOOT_MM
    count = -(-len(panels) // across)
    ends = _ends(people)
    order = list(people["x"].unique())

    def draw(figure: Figure, top: float) -> None:
        for i, line in enumerate(lines):
            theme.add_text(figure, theme.EDGE_MM, top + 2 + theme.LINE_MM * i, line,
                           fontweight="bold", fontsize=theme.SIZE)  # fmt: skip
        first = top + theme.LINE_MM * len(lines) + 1.5
        for i, panel in enumerate(panels):
            row, column = divmod(i, across)
            left = theme.EDGE_MM + LEFT_MM + column * (inner + GAP_MM)
            place = first + row * deep + HEAD_MM
            axes = theme.add_axes(figure, left, place, inner, high)
            _people(axes, people[people["panel"] == panel], order, inner)
            axes.set_title("\n".join(theme.wrap(panel, inner)), fontsize=theme.SMALL)
            axes.set_ylim(*ends)
            axes.set_ylabel("\n".join(theme.wrap(what, high, theme.SIZE)) if not column else "")
            axes.tick_params(labelleft=not column)

    return Lead(theme.LINE_MM * len(lines) + 1.5 + deep * count + 1.0, draw)


def _ends(people: pd.DataFrame) -> tuple[float, float]:
    """Ends of the shared upright axis; a rate begins at zero."""
    low, high = people[["y", "low"]].min().min(), people[["y", "high"]].max().max()
    pad = 0.06 * (high - low or 1.0)
    rates = bool(np.isfinite(people["low"]).any())
    return (min(0.0, low) if rates else low - pad), high + pad


def _people(axes: Any, part: pd.DataFrame, order: Sequence[str], inner: float) -> None:
    """Lines of people between the conditions, and the means."""
    at = part["x"].map({x: i for i, x in enumerate(order)})
    places = part.assign(at=at).sort_values("at", kind="stable")
    if _paired(places):
        _pairs(axes, places)
    else:
        _apart(axes, places)
    means = places.drop_duplicates("at")
    axes.plot(means["at"], means["mean"], "D-" if _paired(places) else "D", color=now().orange,
              ms=4, lw=1.4, zorder=4, gid="mean")  # fmt: skip
    rates = means[means["low"].notna()]
    axes.vlines(rates["at"], rates["low"], rates["high"], color=now().orange, lw=1.2, zorder=4)
    axes.set_xlim(-0.35, len(order) - 0.65)
    slot = inner / max(len(order), 1) - 1
    axes.set_xticks(range(len(order)), ["\n".join(theme.wrap(x, slot)) for x in order])
    axes.set_xlabel("")


def _paired(people: pd.DataFrame) -> bool:
    """Whether any person was met in more than one condition."""
    return bool(people["subject"].duplicated().any())


def _pairs(axes: Any, places: pd.DataFrame) -> None:
    """A line a person between the conditions; of many a band and evenly spaced ones."""
    import seaborn as sns  # only where such a picture is drawn

    lines = drawn_people(places)
    if len(lines) < len(places):
        low, high = (places.groupby("at")["y"].quantile(share) for share in BAND)
        axes.fill_between(low.index, low, high, color=now().grey, alpha=0.25, lw=0, gid="band")
    sns.lineplot(lines, x="at", y="y", units="subject", estimator=None, ax=axes, legend=False,
                 color=now().grey, lw=0.6, marker="o", ms=2.6, mew=0, alpha=0.7, sort=False,
                 mec=now().grey, gid="person")  # fmt: skip


def _apart(axes: Any, places: pd.DataFrame) -> None:
    """Arms of different people: their distributions and a point a person, no line between them."""
    import seaborn as sns

    held = places.groupby("at")["y"].transform("nunique") > LEAST
    if held.any():
        sns.violinplot(
            places[held], x="at", y="y", ax=axes, inner=None, cut=0, density_norm="width",
            native_scale=True, width=0.6, linewidth=0, color=now().wash,
            saturation=1,
        )  # fmt: skip
    points = drawn_people(places)
    axes.plot(points["at"], points["y"], "o", color=now().grey, ms=2.6, mew=0, alpha=0.7,
              gid="person")  # fmt: skip


def drawn_people(people: pd.DataFrame) -> pd.DataFrame:
    """Rows of all people, or of `LINES` evenly spaced ones where there are more.

    Examples
    --------
    >>> import pandas as pd
    >>> len(drawn_people(pd.DataFrame({"subject": range(10_000)})))
    200
    """
    names = people["subject"].unique()
    if len(names) <= LINES:
        return people
    at = np.linspace(0, len(names) - 1, LINES).round().astype(int)
    return people[people["subject"].isin(names[at])]
