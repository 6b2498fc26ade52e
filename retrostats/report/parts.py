"""The figures of a run in parts: the overview, an analysis, a claim, the reader's own cohorts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from retrostats.audit.analysis import blamed
from retrostats.common.errors import InputError
from retrostats.report.claim_figures import ROLE, claim_figures

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.audit.analysis import Analysis
    from retrostats.audit.audit import Audit
    from retrostats.audit.claims import Claim
    from retrostats.report.figures import Drawing

OVERVIEW = "Matrix of the claims by fidelity, direction and size"
#: A table of retellings, where the audit has one.
RETELLINGS = "claim_drift"
#: Claims of an overview that fits a page in every width.
MOST_CLAIMS = 13

Draw = Callable[[], "dict[str, Drawing]"]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Figures that are drawn together, by their names, in the look of the moment.

    Attributes
    ----------
    draw
        Draws all of them.
    main
        Draws those of the estimates alone; what follows an unknown is left out, for time. None if
        there are none.
    """

    draw: Draw
    main: Draw | None = None


class Drawings(Mapping[str, "Drawing"]):
    """Figures by their names, drawn when first asked for: drawing is most of a run in memory.

    Parameters
    ----------
    parts
        Who draws them; of two figures of one name the later is kept.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = tuple(parts)
        self._drawn: dict[int, dict[str, Drawing]] = {}

    @classmethod
    def given(cls, drawings: Mapping[str, Drawing]) -> Drawings:
        """Those that are drawn already, or told in words; the same in every look."""
        return drawings if isinstance(drawings, cls) else cls([Part(lambda: dict(drawings))])

    def of_part(self, number: int) -> Mapping[str, Drawing]:
        """What a part draws in the look that is usual, whatever look is being drawn."""
        from retrostats.report.figures.looks import drawn_in

        if number not in self._drawn:
            with drawn_in("light"):
                self._drawn[number] = self.parts[number].draw()
        return self._drawn[number]

    def anew(
        self, theme: str, width_mm: float | None = None, *, main: bool = False
    ) -> dict[str, Drawing]:
        """Every figure once more in another look, or the main ones."""
        from retrostats.report.figures.looks import drawn_in

        with drawn_in(theme, width_mm):
            draws = [part.main if main else part.draw for part in self.parts]
            return _together(draw() for draw in draws if draw is not None)

    def _all(self) -> dict[str, Drawing]:
        return _together(self.of_part(number) for number in range(len(self.parts)))

    def __getitem__(self, name: str) -> Drawing:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


def _together(drawn: Iterator[Mapping[str, Drawing]]) -> dict[str, Drawing]:
    return {name: drawing for part in drawn for name, drawing in part.items()}


def parts_of(
    audit: Audit,
    analyses: Sequence[Analysis],
    frames: Mapping[str, pd.DataFrame],
    claims: Mapping[str, Claim],
    cohorts: Sequence[Any] = (),
    *,
    every_claim: bool = False,
) -> tuple[Part, ...]:
    """Overview, what each analysis draws, what core claims get, and the reader's own cohorts.

    An analysis gets its own rows of `frames`, and every retelling of the audit. `every_claim`
    adds the figures of the other claims.
    """
    parts = [Part(partial(_overview, audit, frames))]
    for analysis in analyses:
        mine = {
            name: frame[frame["analysis"] == analysis.name] if len(frame) else frame
            for name, frame in frames.items()
        }
        short = {**mine, "sensitivity": mine["sensitivity"].iloc[:0]}
        every, main = (partial(_of_analysis, audit, analysis, f, claims) for f in (mine, short))
        parts.append(Part(every, main))
    for key, claim in claims.items():
        if every_claim or claim.role == ROLE:
            parts.append(Part(partial(claim_figures, frames, {key: claim}, every=every_claim)))
    if cohorts:
        parts.append(Part(partial(_of_cohorts, cohorts, audit, frames["estimates"], claims)))
    return tuple(parts)


def _overview(audit: Audit, frames: Mapping[str, pd.DataFrame]) -> dict[str, Drawing]:
    from retrostats.report.figures import Drawing, verdict_overview
    from retrostats.report.figures.drawing import drawings_of
    from retrostats.report.figures.verdicts import CLAIMS, caption_of_claims

    own = len(frames["estimates"]) and (frames["estimates"]["role"] == "cohort").any()
    said = audit.page.file.name if audit.page is not None else CLAIMS
    caption = caption_of_claims(said, own=bool(own))
    shown, rest = overview_claims(frames["verdicts"])
    figure = verdict_overview(shown, caption=rest + caption, source=audit.post.kind)
    return drawings_of({"verdict_overview": Drawing(figure, OVERVIEW)})


def overview_claims(verdicts: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The claims that the overview shows, and a sentence on the others.

    Of many claims: the main ones, and those that printed effects with their errors answer.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = [{"role": "audit", "prob_direction": float("nan"), "direction": "open"}] * 20
    >>> shown, said = overview_claims(pd.DataFrame([{**rows[0], "role": "core"}, *rows]))
    >>> len(shown), said
    (1, 'Shown are 1 of 21 claims: the main ones, and those on which an effect was printed. ')
    """
    if len(verdicts) <= MOST_CLAIMS:
        return verdicts, ""
    measured = verdicts["prob_direction"].notna() | (verdicts["direction"] == "mixed")
    shown = verdicts[measured | (verdicts["role"] == "core")]
    return shown, (
        f"Shown are {len(shown)} of {len(verdicts)} claims: the main ones, and those on which an "
        "effect was printed. "
    )


def _of_analysis(
    audit: Audit,
    analysis: Analysis,
    frames: Mapping[str, pd.DataFrame],
    claims: Mapping[str, Claim],
) -> dict[str, Drawing]:
    from retrostats.report.figures.drawing import drawings_of
    from retrostats.report.page_figures import page_drawings

    mine = {**frames, "estimates": _of_several(frames["estimates"])}
    if analysis.draw is None:
        return drawings_of(page_drawings(audit, analysis, mine, claims), analysis.name)
    with blamed(analysis, "draw"):
        drawn = analysis.draw({**mine, "retellings": retellings_of(audit)}, claims)
    _check_drawn(drawn, analysis)
    return drawings_of(drawn, analysis.name)


def _of_several(estimates: pd.DataFrame) -> pd.DataFrame:
    """Without the posteriors of one study, which stand where the study itself does."""
    if not len(estimates):
        return estimates
    return estimates[~((estimates["role"] == "posterior") & (estimates["k"] < 2))]


def _check_drawn(drawn: Any, analysis: Analysis) -> None:
    """Refuse what is no mapping of names to drawings."""
    from matplotlib.figure import Figure

    from retrostats.report.figures import Drawing

    wanted = "return a dictionary of names to Drawing, matplotlib Figure or None"
    place = f"analysis {analysis.path.name}, draw()"
    if not isinstance(drawn, Mapping):
        raise InputError(f"{place}: returned {type(drawn).__name__}; {wanted}")
    for name, figure in drawn.items():
        if not isinstance(name, str) or not isinstance(figure, Drawing | Figure | None):
            raise InputError(f"{place}: {name!r} is {type(figure).__name__}; {wanted}")


def _of_cohorts(
    cohorts: Sequence[Any], audit: Audit, estimates: pd.DataFrame, claims: Mapping[str, Claim]
) -> dict[str, Drawing]:
    from retrostats.report.user_cohort import draw_user_cohorts

    return draw_user_cohorts(cohorts, audit, estimates, claims)


def retellings_of(audit: Audit) -> pd.DataFrame:
    """How the claim was retold, row by row; empty where the audit has no such table."""
    import pandas as pd

    return audit.table(RETELLINGS) if audit.has_table(RETELLINGS) else pd.DataFrame()
