"""The reader's own cohorts as a run takes them: read, named once each, of an analysis that runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from retrostats.audit.analysis import Analysis
from retrostats.audit.audit import Audit
from retrostats.common.errors import InputError


def load_cohorts(cohorts: Iterable[Any], audit: Audit) -> tuple[Any, ...]:
    """Cohorts as they are or read from files, each with a name of its own, in the order of these.

    Sums of them, and so the last digits of all that follows, do not hang on how they were given.

    Raises
    ------
    InputError
        No list, or two cohorts of one name; what `load_cohort` refuses.
    """
    if not isinstance(cohorts, Iterable) or isinstance(cohorts, str):
        raise InputError(f"cohorts: found {cohorts!r:.80}; a list of cohorts or files is needed")
    cohorts = tuple(cohorts)
    if not cohorts:
        return ()
    from retrostats.io.cohort.cohort import Cohort, load_cohort

    loaded = tuple(c if isinstance(c, Cohort) else load_cohort(c, audit=audit) for c in cohorts)
    names = [str(cohort.provenance["name"]) for cohort in loaded]
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"two cohorts are named {name!r}; give one another name: name = ... in its spec"
            )
    return tuple(sorted(loaded, key=lambda cohort: str(cohort.provenance["name"])))


def every_cohort_has_an_analysis(cohorts: Sequence[Any], chosen: Sequence[Analysis]) -> None:
    """Refuse a cohort that none of the chosen analyses is about."""
    names = [a.name for a in chosen]
    for cohort in cohorts:
        if cohort.analysis not in names:
            raise InputError(
                f"cohort {cohort.provenance['name']}: its columns fit "
                f"{cohort.analysis or 'no analysis'}, but this run does {', '.join(names)}. "
                "See `retrostats template ANALYSIS` for what each one needs."
            )
