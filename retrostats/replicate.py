"""The main path: read, reduce, estimate, pool, judge, draw.

Run it with `python -m retrostats.replicate`, or call `retrostats.replicate()`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrostats.analysis import Analysis, Context, select
from retrostats.assembly import cohort_effects, draw, frames_of, provenance, read_again
from retrostats.defaults import DRAWS, FORMATS, SEED
from retrostats.errors import InputError
from retrostats.judge.claims import load_claims

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Replication:
    """Everything the path produced, as tidy frames and figures.

    Attributes
    ----------
    verdicts, estimates, assumptions, sensitivity, checks, witnesses
        Tidy DataFrames; `docs/outputs.md` lists their columns.
    figures
        Name of each figure and the matplotlib Figure.
    """

    verdicts: pd.DataFrame
    estimates: pd.DataFrame
    assumptions: pd.DataFrame
    sensitivity: pd.DataFrame
    checks: pd.DataFrame
    witnesses: pd.DataFrame
    figures: dict[str, Figure]
    sources: pd.DataFrame
    studies: pd.DataFrame
    claims: pd.DataFrame
    retellings: pd.DataFrame
    cohorts: pd.DataFrame
    analyses: list[dict[str, Any]]
    provenance: dict[str, Any]

    def save(self, directory: str | Path, formats: Sequence[str] = FORMATS) -> Path:
        """Write tables, figures, report and provenance; the previous results stay whole until
        the new ones are complete.
        """
        from retrostats.draw.output import save

        return save(self, Path(directory), formats)

    def show(self, name: str) -> Any:
        """One figure, to be displayed by a notebook.

        Raises
        ------
        InputError
            If there is no figure of that name; the message lists them.
        """
        from retrostats.draw.figures.picture import Picture

        if name not in self.figures:
            raise InputError(f"no figure {name!r}; this run drew {', '.join(self.figures)}")
        return Picture(self.figures[name])


def replicate(
    analyses: Iterable[str] | None = None,
    *,
    cohorts: Iterable[Any] = (),
    out: str | Path | None = None,
    seed: int = SEED,
    draws: int = DRAWS,
    jobs: int = 1,
    scheduler: str | None = None,
    formats: Sequence[str] = FORMATS,
    progress: Progress | None = None,
) -> Replication:
    """Replicate the cited studies and judge the post's claims.

    Parameters
    ----------
    analyses
        Names ("metabolic-cost", "ligament-injury", "body-fat") or paths of analysis files; all
        of them if None.
    cohorts
        Paths, DataFrames or loaded cohorts, analysed beside and together with the literature.
    out
        Folder to write to; nothing is written if None.
    seed, draws, jobs, scheduler
        Seed and number of the draws that move printed numbers inside their rounding, and who
        does the work. The same seed gives the same numbers whatever `jobs`.
    formats
        Of the figures: "svg", "pdf", "png".
    progress
        Called with a line before each step.

    Raises
    ------
    InputError
        For an unknown analysis or format, a bad cohort, or an unusable `out`.

    Examples
    --------
    >>> import retrostats as rs
    >>> r = rs.replicate(["body-fat"], draws=0)
    >>> "body_fat_6wk" in set(r.verdicts["claim_id"])
    True
    """
    _check_options(seed, draws, jobs, formats)
    tell = progress or (lambda line: None)
    chosen = select(analyses)
    tell("Reading the published numbers")
    claims = load_claims()
    loaded = _load_cohorts(cohorts)
    _every_cohort_has_an_analysis(loaded, chosen)
    findings = {}
    for analysis in chosen:
        tell(f"Estimating: {analysis.title}")
        fitting = tuple(c for c in loaded if c.analysis == analysis.name)
        findings[analysis.name] = analysis.analyse(
            Context(_published(analysis), claims, fitting, seed, draws, jobs, scheduler)
        )
    tell("Judging the claims")
    frames = frames_of(findings, claims)
    tell("Drawing the figures")
    figures = draw(chosen, frames, claims)
    replication = Replication(
        **frames,
        figures=figures,
        **read_again(frames, [a.topic for a in chosen]),
        cohorts=cohort_effects(chosen, findings, claims, loaded),
        analyses=[
            {"name": a.name, "title": a.title, "question": a.question, "methods": list(a.methods)}
            for a in chosen
        ],
        provenance=provenance(chosen, loaded, seed=seed, draws=draws),
    )
    if out is not None:
        tell("Writing the results")
        replication.save(out, formats)
    return replication


def _check_options(seed: int, draws: int, jobs: int, formats: Sequence[str]) -> None:
    for name, value, least in (("seed", seed, 0), ("draws", draws, 0), ("jobs", jobs, 1)):
        if value < least:
            raise InputError(f"{name} must be {least} or more, found {value}")
    wrong = [f for f in formats if f not in FORMATS]
    if wrong or not formats:
        raise InputError(
            f"formats: found {', '.join(wrong) or 'nothing'}; choose from {', '.join(FORMATS)}"
        )


def _load_cohorts(cohorts: Iterable[Any]) -> tuple[Any, ...]:
    cohorts = tuple(cohorts)
    if not cohorts:
        return ()
    from retrostats.read.cohort import Cohort, load_cohort

    loaded = tuple(c if isinstance(c, Cohort) else load_cohort(c) for c in cohorts)
    names = [str(cohort.provenance["name"]) for cohort in loaded]
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"two cohorts are named {name!r}; give one another name: name = ... in its spec"
            )
    return loaded


def _every_cohort_has_an_analysis(cohorts: Sequence[Any], chosen: Sequence[Analysis]) -> None:
    names = [a.name for a in chosen]
    for cohort in cohorts:
        if cohort.analysis not in names:
            raise InputError(
                f"cohort {cohort.provenance['name']}: its columns fit "
                f"{cohort.analysis or 'no analysis'}, but this run does {', '.join(names)}. "
                "See `retrostats template ANALYSIS` for what each one needs."
            )


def _published(analysis: Analysis) -> pd.DataFrame:
    from retrostats.read.published import load_published

    return load_published(analysis.topic)


if __name__ == "__main__":
    from retrostats.cli import main

    sys.exit(main(["replicate", *sys.argv[1:]]))
