"""A lab's own table as a normalised cohort: columns recognised, units converted, all listed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from retrostats.common.arrays import path_of
from retrostats.common.errors import InputError
from retrostats.common.readable import as_html
from retrostats.common.values import values
from retrostats.io.cohort.arms import with_arms
from retrostats.io.cohort.folder import read_folder, sheets_together
from retrostats.io.cohort.labs import with_labs
from retrostats.io.cohort.normalise import Part, normalise, reads
from retrostats.io.cohort.own_words import in_audit_words, own_words
from retrostats.io.cohort.periods import factor_rows, with_periods
from retrostats.io.cohort.rows import (
    blank_people,
    complete_rows,
    rows_of,
    rows_without_a_value,
)
from retrostats.io.cohort.shape import IN_HEADERS
from retrostats.io.cohort.spec import Spec, read_spec
from retrostats.io.cohort.speeds import shared_speeds, with_nominal_speed
from retrostats.io.published.audit_toml import vocabulary_of
from retrostats.io.tables.distinct import CodedColumns, spelled_out
from retrostats.io.tables.files import shown_name
from retrostats.io.tables.tabular import read_tables, table_of_frame
from retrostats.io.validation.account import grouped
from retrostats.io.validation.examples import without_examples
from retrostats.io.validation.plausible import doubtful_values
from retrostats.io.validation.possible import impossible_values
from retrostats.io.validation.problem import Problem
from retrostats.io.validation.reading import reading_of
from retrostats.io.validation.relevant import needed_errors, wanted_errors
from retrostats.io.validation.requirements import design_problems, outcome_column, topic_for
from retrostats.io.validation.understood import (
    column_rows,
    design_lines,
    not_shown,
    understood_lines,
)

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.common.vocabulary import Topic, Vocabulary

#: Rows of times and gases from which a table of no known device is a recording.
CART_ROWS = 20
#: Suffixes of recordings of a watch, which are no table of people.
RECORDINGS = (".fit", ".tcx")
#: Problems shown in one message.
SHOWN = 20


@values("frame", "problems")
@dataclass(frozen=True, slots=True, repr=False)
class Cohort:
    """A checked cohort.

    Attributes
    ----------
    frame
        One row an observation, standard units in the column names, `source_file` and
        `source_row` on every row; columns that were not recognised keep their header.
    spec
        What each used column was read as: header, column, unit.
    problems
        Columns level, file, row, column, found, allowed, action: repairs, guesses, warnings.
    provenance
        name, sha256, people, allocation (of a comparison between people), rows_in, rows_used,
        rows_explained; `explained`: rows by reason; `columns`: header, meaning, unit, first value
        and basis (stated or guessed) of each; `design`: who is compared, when, how often, in words;
        `reading`: what these do not say, as lines, those that repeat put together.
    analysis
        The analysis its columns fit; "" for a table that a spec keeps out of the analyses.
    """

    frame: pd.DataFrame
    spec: dict[str, dict[str, str]]
    problems: pd.DataFrame
    provenance: dict[str, Any]
    analysis: str

    def _lines(self) -> list[str]:
        """What it is, a line a column as it was understood, and who is compared."""
        counts, levels = self.provenance, self.problems["level"].value_counts()
        found = ", ".join(f"{n} {level}" for level, n in levels.items())
        name = shorten(str(counts.get("name", "without a name")), 40, placeholder="...")
        used = counts.get("rows_used", len(self.frame))
        title = (
            f"Cohort {name} of {self.n_subjects} people: {used} of "
            f"{counts.get('rows_in', len(self.frame))} rows; analysis: {self.analysis or 'none'}"
        )
        return [title + (f"; .problems: {found}" if found else ""), *understood_lines(counts)]

    def __repr__(self) -> str:
        """A title, a line a column, a line on the design."""
        return "\n".join(self._lines())

    def _repr_html_(self) -> str:
        """The same, for notebooks."""
        return as_html(self._lines(), ())

    @property
    def n_subjects(self) -> int:
        """Number of people."""
        return int(self.frame["subject"].nunique())


def load_cohort(
    path_or_frame: str | Path | pd.DataFrame,
    *,
    spec: str | Path | Mapping[str, Any] | None = None,
    audit: Vocabulary | str | Path | None = None,
) -> Cohort:
    """Read and check a cohort.

    Parameters
    ----------
    path_or_frame
        Delimited text (common delimiters, encodings, decimal commas), an .xlsx spreadsheet,
        Parquet, a file of SPSS, Stata or SAS, a folder of such files or of metabolic-cart exports
        with a plan, or a DataFrame. Wide or long; headers in five languages; units in the header,
        in a row below it, or in the spec.
    spec
        TOML file or mapping that says what cannot be guessed; see
        `retrostats template ANALYSIS --spec`. Without one, a .toml file of the same name beside
        the table is used.
    audit
        Whose conditions and topics the table is read for: an `Audit`, its folder, or None for the
        one that ships.

    Returns
    -------
    Cohort

    Raises
    ------
    InputError
        One message with every problem: file, row, column, found, allowed, next step.

    Examples
    --------
    >>> import io, pandas as pd
    >>> from retrostats.io.validation.templates import templates
    >>> name, text = next(iter(templates().items()))
    >>> measured = text.replace("EXAMPLE-", "p")  # example people are never data
    >>> cohort = load_cohort(pd.read_csv(io.StringIO(measured), dtype=str))
    >>> cohort.analysis == name, cohort.n_subjects, cohort.provenance["rows_used"]
    (True, 6, 12)
    """
    words = vocabulary_of(audit)
    with own_words(words.topics):
        return _load(path_or_frame, spec, words)


def _load(path_or_frame: Any, spec: Any, words: Vocabulary) -> Cohort:
    """A cohort, where the audit's own words are known."""
    import pandas as pd

    problems: list[Problem] = []
    if isinstance(path_or_frame, pd.DataFrame):
        options = read_spec(spec)
        part = normalise(table_of_frame(path_or_frame), options, problems, words)
        return cohort_of(part, options, Source("cohort", "cohort", ""), problems, words)
    path = path_of(path_or_frame, "cohort")
    options = read_spec(spec if spec is not None else _beside(path, problems))
    if path.is_dir():
        part, digest = read_folder(path, options, problems, words)
        source = Source(shown_name(path), shown_name(path.resolve()), digest)
        return cohort_of(part, options, source, problems, words)
    try:
        tables, data = read_tables(path, options, *reads(options, words))
        part = (
            normalise(tables[0], options, problems, words)
            if len(tables) == 1
            else sheets_together(tables, shown_name(path), options, problems, words)
        )
        name = shown_name(path)
        source = Source(name, Path(name).stem, hashlib.sha256(data).hexdigest())
        return cohort_of(part, options, source, problems, words)
    except InputError as error:
        raise InputError(_as_cart(path, str(error)) or str(error)) from None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a cohort comes from: file, the cohort's name unless a spec gives one, digest."""

    file: str
    name: str
    sha256: str


def cohort_of(
    part: Part, spec: Spec, source: Source, problems: list[Problem], audit: Vocabulary
) -> Cohort:
    """The cohort of a normalised table.

    Raises
    ------
    InputError
        Every error in one message.
    """
    import pandas as pd

    frame, conditions = part.frame, audit.conditions
    files = CodedColumns(frame).held("source_file")
    file = str(files[0]) if len(files) == 1 else source.file  # with the sheet, where it is one
    of_columns = {*problems}
    topic = topic_for(frame, audit.topics, spec.analysis, file, problems, conditions)
    if topic is None and not spec.analysis:
        problems[:] = wanted_errors(problems, audit.topics.values(), spec.named)
    frame, left = without_examples(frame, file, problems)
    frame = with_labs(frame, file, problems)
    frame = with_arms(frame, file, problems) if topic and topic.compares == "arm" else frame
    coded = CodedColumns(complete_rows(frame, topic, problems, spec.times))
    if topic and topic.paired:
        coded = with_nominal_speed(coded, spec.speeds, file, problems)
        timed = with_periods(coded.frame, conditions, file, problems)
        coded = coded if timed is coded.frame else CodedColumns(timed)
    used = coded.frame
    problems += blank_people(frame, file)
    level = "error" if topic else "warning"  # outside the analyses a column may mean anything
    impossible = impossible_values(used, level)
    problems += impossible
    if topic:
        problems[:] = needed_errors(
            problems, part, topic, used, cells=of_columns.union(impossible), wanted=spec.named
        )
    whole = not any(p.level == "error" for p in problems)
    named = {m.column: m.header if m.shown in ("", IN_HEADERS) else m.shown for m in part.meanings}
    problems += design_problems(coded, topic, conditions, file, whole=whole, headers=named)
    if topic:
        problems += reading_of(
            coded, topic, conditions, file, allocation=spec.allocation, named=named
        )
        problems += shared_speeds(coded, file)
        counts = topic.outcomes if topic.counted else ()
        problems += doubtful_values(used, outcome_column(used, topic), file, counts)
    rows = column_rows(part.meanings, problems, _unused(problems))
    problems[:] = [in_audit_words(problem, audit.topics) for problem in problems]
    _stop_on_errors(problems)
    if "direction" in used:  # the reference first, so that a model's effect is that of the other
        way = pd.Categorical(used["direction"], list(conditions.compared))
        used = used.assign(direction=way)
    rows_used = rows_of(coded)
    lost = rows_without_a_value(frame, used)
    explained = {
        **part.explained,
        **({"an example of the template": left} if left else {}),
        **({"no value": lost} if lost else {}),
    }
    people = len(coded.held("subject")) if "subject" in used else 0
    words = {str(c): spelled_out(used[c]) for c in used if c not in ("direction", "source_file")}
    return Cohort(
        used.assign(**words).reset_index(drop=True),
        {
            m.header: {"column": m.column, "unit": m.unit.symbol if m.unit else ""}
            for m in part.meanings
        },
        pd.DataFrame(problems, columns=list(Problem.__dataclass_fields__)),
        {
            "name": spec.name or source.name,
            "sha256": source.sha256,
            "people": people,
            "allocation": spec.allocation or "not told",
            "rows_in": part.rows_in,
            "rows_used": rows_used,
            "rows_explained": part.rows_in - rows_used,
            "explained": {reason: list(rows) for reason, rows in explained.items()},
            "columns": [
                *({**row, "meaning": _meaning(row, topic)} for row in rows),
                *factor_rows(part.frame, {*named, *named.values()}, problems),
            ],
            "design": design_lines(coded, topic, conditions, part.meanings, explained),
            "reading": [problem.line for problem in grouped(not_shown(problems))],
        },
        topic.analysis if topic else "",
    )


def _meaning(row: Mapping[str, str], topic: Topic | None) -> str:
    """What a column was read as; the condition of an audit that names its own columns."""
    own = topic is not None and topic.own and row["meaning"] == "direction"
    return "condition" if own else row["meaning"]


def _unused(problems: list[Problem]) -> set[str]:
    """Columns, or their headers, that were understood and enter nothing."""
    described = ("describes people or the test", "a further outcome")
    return {p.column for p in problems
            if p.found in described or "; not used by " in p.action}  # fmt: skip


def _as_cart(path: Path, message: str) -> str:
    """What to do with a file that is no cohort but the export of a metabolic cart.

    Of an unknown device it is one where its columns are times and gases, and none says who or
    which way.
    """
    from retrostats.io.carts import read_cart

    try:
        cart = read_cart(path)
    except InputError as error:  # of a recording: what it holds, or what is needed to read it
        return str(error) if path.suffix.lower() in RECORDINGS else ""
    columns = re.search(r"found columns (.*?); allowed", message)
    said = set(columns[1].split(", ")) if columns else {"subject"}
    bare = {"time_s"} <= set(cart) and not said & {"subject", "direction", "arm"}
    if cart.attrs["device"] == "unknown" and not (bare and len(cart) >= CART_ROWS):
        return ""
    return (
        f"{shown_name(path)}: this is one test of a metabolic cart "
        f"({cart.attrs['device']}, {len(cart)} "
        "rows), no cohort; read it with read_cart, or put the exports of all people into a folder "
        "with a plan: a table with the columns file, subject, direction (and speed, mass)"
    )


def _beside(path: Path, problems: list[Problem]) -> Path | None:
    """The spec of the same name beside a table, or inside a folder."""
    spec = path / "cohort.toml" if path.is_dir() else path.with_suffix(".toml")
    if spec == path or not spec.is_file():
        return None
    problems.append(
        Problem("guess", shown_name(path), "", "", f"{spec.name} beside it", "", "used as spec")
    )
    return spec


def _stop_on_errors(problems: list[Problem]) -> None:
    errors = [p for p in problems if p.level == "error"]
    if errors:
        listed = grouped(errors)
        more = f"\n... and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
        lost = [p for p in problems if p.action == "row left out"]
        if lost and not all(p.row for p in errors):
            why = ", ".join(dict.fromkeys(p.column for p in lost))
            more += f"\n({len(lost)} row(s) were left out before that, for want of {why})"
        raise InputError("\n".join(map(str, listed[:SHOWN])) + more)
