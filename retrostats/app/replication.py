"""`Replication`: what the path produced, and how it is shown, saved and drawn anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrostats.audit.audit import Audit
from retrostats.common.defaults import FORMATS, TABLES
from retrostats.common.deprecated import renamed_fields
from retrostats.common.errors import InputError
from retrostats.common.values import values
from retrostats.report.parts import Drawings

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from retrostats.audit.claims import Claim
    from retrostats.evidence.unreported.grids import Grid
    from retrostats.report.figures import Drawing
    from retrostats.report.tables import PaperTable


@renamed_fields(witnesses="cross_checks", own_results="user_results")
@values()
@dataclass(frozen=True, slots=True, repr=False)
class Replication:
    """Everything the path produced, as tidy frames and figures.

    Attributes
    ----------
    verdicts, answers, certainty, summary, estimates, assumptions, sensitivity, explorations,
    unknowns, specifications, draws, checks, cross_checks, questions, flow, risk_of_bias
        Tidy DataFrames; `docs/outputs.md` lists their columns.
    drawings
        Each figure by its name, with what it shows in words and the analysis that drew it; drawn
        when first asked for.
    grids
        Each measure of a claim at a few settings of the unknowns that matter most; the report's
        controls show them.
    audit
        What this is a replication of: title, subject, the post.
    """

    verdicts: pd.DataFrame
    certainty: pd.DataFrame
    answers: pd.DataFrame
    summary: pd.DataFrame
    estimates: pd.DataFrame
    assumptions: pd.DataFrame
    sensitivity: pd.DataFrame
    explorations: pd.DataFrame
    unknowns: pd.DataFrame
    specifications: pd.DataFrame
    draws: pd.DataFrame
    checks: pd.DataFrame
    cross_checks: pd.DataFrame
    questions: pd.DataFrame
    drawings: Mapping[str, Drawing]
    sources: pd.DataFrame
    studies: pd.DataFrame
    claims: pd.DataFrame
    fidelity: pd.DataFrame
    evidence: pd.DataFrame
    retellings: pd.DataFrame
    flow: pd.DataFrame
    risk_of_bias: pd.DataFrame
    cohorts: pd.DataFrame
    cohort_shares: pd.DataFrame
    user_results: pd.DataFrame
    grids: tuple[tuple[Claim, Grid], ...]
    analyses: list[dict[str, Any]]
    provenance: dict[str, Any]
    audit: Audit

    @property
    def figures(self) -> dict[str, Figure]:
        """Each matplotlib Figure by its name."""
        return {name: d.figure for name, d in self.drawings.items() if d.figure is not None}

    def save(
        self,
        directory: str | Path,
        formats: Sequence[str] = FORMATS,
        tables: Sequence[str] = TABLES,
        themes: Sequence[str] = (),
    ) -> Path:
        """Write tables, figures, report and provenance; the previous results stay whole until
        the new ones are complete.

        `themes` ("85mm", "dark", "slide") are further versions of every figure, in `figures/` in a
        folder of that name each.
        """
        from retrostats.report.output import save

        return save(self, Path(directory), formats, tables, themes)

    def table(self, name: str) -> PaperTable:
        """A table for a paper: "findings" (the summary of findings) or that of an analysis.

        It shows itself in a notebook; `.html()`, `.latex()`, `.markdown()` and `.docx()` give it
        in a format, `.frame` its text.

        Raises
        ------
        InputError
            For another name; the message lists those there are.
        """
        from retrostats.report.tables import paper_table

        return paper_table(self, name)

    def drawn(
        self, theme: str = "light", width_mm: float | None = None, *, main: bool = False
    ) -> dict[str, Drawing]:
        """Every figure anew, in another look or at another width.

        Parameters
        ----------
        theme
            "light" (paper), "dark", or "slide" (120 mm wide: text of 14.8 pt over a whole slide).
        width_mm
            85 for one column of a journal, 180 for two, or between; that of the theme if None.
        main
            Only what each analysis draws of its estimates.

        Raises
        ------
        InputError
            For an unknown theme or a width that no figure can be drawn at.

        Examples
        --------
        >>> import retrostats as rs
        >>> *_, last = rs.load_audit().analyses
        >>> r = rs.replicate([last], draws=64)
        >>> drawn = r.drawn("dark", width_mm=85, main=True)
        >>> {round(float(d.figure.get_size_inches()[0] * 25.4)) for d in drawn.values() if d.figure}
        {85}
        """
        return Drawings.given(self.drawings).anew(theme, width_mm, main=main)

    def show(self, name: str) -> Any:
        """One figure, to be displayed by a notebook.

        Raises
        ------
        InputError
            If there is no figure of that name; the message lists them.
        """
        from retrostats.report.figures.picture import Picture

        if name not in self.figures:
            raise InputError(f"no figure {name!r}; this run drew {', '.join(self.figures)}")
        return Picture(self.figures[name])

    def __repr__(self) -> str:
        """The verdicts, and what else is here."""
        return f"{self._head()}\n{self._verdicts().to_string(index=False)}\n{self._rest()}"

    def _repr_html_(self) -> str:
        """The same, for notebooks."""
        table = self._verdicts().to_html(index=False, border=0)
        head = "<br>".join(map(escape, self._head().splitlines()))
        return f"<p>{head}</p>{table}<p>{escape(self._rest())}</p>"

    def _head(self) -> str:
        names = ", ".join(str(a["name"]) for a in self.analyses)
        return f"Replication of {self.audit.title}\nanalyses: {names}"

    def _verdicts(self) -> pd.DataFrame:
        names = ["claim_id", "fidelity", "direction", "prob_direction", "size", "prob_size"]
        return self.verdicts[names].round(3)

    def _rest(self) -> str:
        return (
            f"{len(self.estimates)} estimates from {len(self.sources)} printed rows, "
            f"{len(self.assumptions)} assumptions, {len(self.figures)} figures; .save(folder) "
            "writes a report"
        )
