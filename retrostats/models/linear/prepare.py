"""A formula and its data, rows or moments, reduced to a model that can be fitted."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from retrostats.common.errors import InputError, NotIdentified
from retrostats.models.linear.blocks.above import groups_above, subject_rows
from retrostats.models.linear.blocks.gram import Gram, build_gram
from retrostats.models.linear.blocks.rotated import cell_rows
from retrostats.models.linear.blocks.rows import Rows, level_count
from retrostats.models.linear.blocks.weights import (
    WEIGHT,
    positive_weights,
    weighted_rows,
    with_weights,
)
from retrostats.models.linear.crossed.layout import Crossed, build_crossed, is_wide
from retrostats.models.linear.formula.columns import (
    Column,
    Factor,
    FloatArray,
    IntArray,
    complete_columns,
    numeric,
)
from retrostats.models.linear.formula.design import (
    fixed_design,
    offset_values,
    random_design,
    refuse_offsets,
)
from retrostats.models.linear.formula.expressions import columns_of, evaluate
from retrostats.models.linear.formula.formula import Formula, RandomTerm, parse_formula
from retrostats.models.linear.formula.linked import find_blocks
from retrostats.models.linear.formula.quoted import name_of
from retrostats.models.linear.heteroscedastic.blocks import Strata
from retrostats.models.linear.heteroscedastic.factor import (
    STRATUM,
    Labelled,
    residual_columns,
    strata_of,
    with_stratum,
)
from retrostats.models.linear.heteroscedastic.studies.rows import Studies, reduce_strata
from retrostats.models.linear.model import Model
from retrostats.models.linear.moments.moments import CellMoments, Moments
from retrostats.models.linear.moments.shape import printed_negative
from retrostats.models.linear.streamed.moments import StreamedMoments

if TYPE_CHECKING:
    from retrostats.models.linear.streamed.source import Source


def prepare(
    formula: str,
    data: object,
    *,
    signed: bool | None = None,
    residual: str | None = None,
    weights: object = None,
) -> Model:
    """Read the columns a formula names and reduce them.

    Parameters
    ----------
    formula : str
    data : DataFrame, Moments, rows to be streamed, or an object with a DataFrame ``.frame``
    signed : bool, optional
        Signed compound symmetry instead of a random intercept; by default where printed
        correlations are negative.
    residual : str, optional
        Factor or interaction ("study:arm") whose levels have residual variances of their own.
    weights : str or (n,) array, optional
        A column or numbers above 0: the residual variance of a row is sigma^2 / weight.

    Raises
    ------
    InputError, NotIdentified
    """
    parsed = parse_formula(formula)
    names = residual_columns(residual)
    if not parsed.random and names:  # no effects by group: rows are independent, variances differ
        parsed = replace(parsed, random=(RandomTerm((), names),))
    if not parsed.random:
        raise InputError(
            f"formula {formula!r} has no random term; a mixed model needs one, as (1 | subject), "
            "or residual variances that differ, as residual='arm'"
        )
    if signed and (len(parsed.random) != 1 or parsed.random[0].terms != ((),)):
        raise InputError('covariance="signed-cs" needs exactly one random term, (1 | subject)')
    if signed and residual is not None:
        raise InputError('covariance="signed-cs" takes one residual variance; leave residual= out')
    names = residual_columns(residual)
    frame = data if isinstance(data, pd.DataFrame) else getattr(data, "frame", None)
    in_memory = isinstance(frame, pd.DataFrame)
    source = None if in_memory or isinstance(data, Moments) else _streamed(data)
    if weights is not None and not (in_memory or source):
        raise InputError("weights= needs rows; moments hold none")
    if isinstance(data, CellMoments):
        model = _from_cells(parsed, data, names)
    elif isinstance(data, StreamedMoments):
        model = _from_streamed(parsed, data, names)
    elif isinstance(data, Moments):
        negative = printed_negative(parsed, data)
        model = _from_moments(parsed, data, names)
        if signed is None and negative and residual is None:
            signed, model = True, replace(model, signed_by_print=True)
    elif source is not None:
        from retrostats.models.linear.streamed.reading import streamed_moments

        if not (weights is None or isinstance(weights, str)):
            raise InputError("weights= of rows that are streamed is the name of a column")
        model = _from_streamed(parsed, streamed_moments(parsed, source, weights, names), names)
    elif isinstance(frame, pd.DataFrame):
        model = _from_frame(parsed, frame, names, weights)
    else:
        from retrostats.models.linear.streamed.source import ALLOWED

        raise InputError(
            f"data is a {type(data).__name__}; a DataFrame, a cohort, Moments, {ALLOWED} is needed"
        )
    if isinstance(weights, str):
        model = replace(model, weights=weights)
    if signed:
        model = replace(model, gram=replace(model.gram, signed=True))
    return model


def _streamed(data: object) -> Source | None:
    """Rows that are read in pieces; None where `data` is nothing of the kind."""
    from retrostats.models.linear.streamed.source import open_source

    return open_source(data)


def prepare_repeated(formula: str, data: object) -> tuple[Model, tuple[str, ...]]:
    """As `prepare`, where residuals of a subject have a covariance and no effect is random.

    Returns
    -------
    model : Model
        With an intercept of subjects in its formula, which says whose measurements they are.
    named : tuple of str
        Columns of ``(0 + visit | subject)``; none for ``(1 | subject)``.

    Raises
    ------
    InputError, NotIdentified
    """
    parsed = parse_formula(formula)
    terms = [term.terms for term in parsed.random]
    if len(terms) != 1 or len(terms[0]) != 1 or (terms[0][0] and not _columns(terms[0][0])):
        raise InputError(
            f"formula {formula!r}: a covariance of repeated measurements takes one random term, "
            "(1 | subject) or (0 + visit | subject), whose group is the subject"
        )
    named = _columns(terms[0][0])
    parsed = replace(parsed, random=(RandomTerm(((),), parsed.random[0].factors),))
    frame = data if isinstance(data, pd.DataFrame) else getattr(data, "frame", None)
    if isinstance(data, Moments) and not isinstance(data, CellMoments | StreamedMoments):
        absent = [name for name in named if name not in data.columns]
        if absent:
            raise NotIdentified(
                f"the moments of {data.outcome!r} were taken without {absent[0]}; reduce the rows "
                "with it in the formula"
            )
        return _from_moments(parsed, data, ()), named
    if not isinstance(frame, pd.DataFrame):
        raise InputError(
            f"data is a {type(data).__name__}; a covariance of repeated measurements needs a "
            "DataFrame, a cohort, or moments of subjects"
        )
    return _from_frame(parsed, frame, (), None, named), named


def _columns(term: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of a term that holds nothing else; none where it holds functions."""
    names = tuple(map(name_of, term))
    return names if all(columns_of(c) == (n,) for c, n in zip(term, names, strict=True)) else ()


def _from_frame(
    formula: Formula,
    frame: pd.DataFrame,
    residual: tuple[str, ...],
    weights: object,
    also: tuple[str, ...] = (),
) -> Model:
    if residual:
        frame = with_stratum(frame, residual)
        also = (*also, STRATUM)
    if weights is not None:
        frame, also = with_weights(frame, weights), (*also, WEIGHT)
    columns, kept = complete_columns(frame, formula, also)
    n = _length(columns)
    y = evaluate(formula.outcome, numeric(columns))
    block, count = find_blocks(formula, columns, n)
    strata = None
    if residual:
        strata = strata_of({STRATUM: columns.pop(STRATUM)}, (STRATUM,), residual)
    precision = None if weights is None else positive_weights(columns.pop(WEIGHT))
    subjects = Subjects(columns, y, block, np.ones(count), {}, precision)
    model = _assemble(formula, subjects, strata, n_dropped=len(frame) - n, frame=frame)
    return replace(model, index=frame.index if kept is None else frame.index[kept])


def _length(columns: dict[str, Column]) -> int:
    first = next(iter(columns.values()))
    return len(first.codes) if isinstance(first, Factor) else len(first)


def _from_cells(formula: Formula, moments: CellMoments, residual: tuple[str, ...]) -> Model:
    refuse_offsets(formula, "with moments of cells of people")
    made = cell_rows(moments, formula, find_blocks)
    strata = None
    if residual:
        strata = strata_of(made.columns, residual, residual).of(made.cell, made.n)
    model = _finish(formula, made.rows, made.columns, strata, moments=moments)
    return replace(model, people=made.n)


def _from_streamed(formula: Formula, moments: StreamedMoments, residual: tuple[str, ...]) -> Model:
    from retrostats.models.linear.streamed.model import streamed_model

    found = streamed_model(formula, moments, residual)
    rows, labelled = found.rows, None
    if found.strata is not None:
        none = np.empty(0, dtype=np.intp)
        labelled = Labelled(none, found.strata.labels, found.strata.name)
    groups = tuple((term.group, term.effects) for term in rows.random)
    n_groups = {term.group: level_count(rows, term) for term in rows.random}
    return Model(
        formula=formula,
        terms=rows.names,
        gram=found.gram,
        rows=rows,
        columns=found.columns,
        groups=groups,
        n_groups=n_groups,
        n_obs=moments.n_obs,
        n_dropped=moments.n_dropped,
        moments=moments,
        frame=None,
        people=np.array([float(moments.n_obs)]),
        strata=found.strata,
        labelled=labelled,
        crossed=found.crossed,
    )


def _from_moments(formula: Formula, moments: Moments, residual: tuple[str, ...]) -> Model:
    if groups_above(moments, formula):
        refuse_offsets(formula, "with a group above the subjects of moments")
        made = subject_rows(moments, formula, find_blocks)
        labelled = _held(made.columns, moments, residual)
        if labelled is not None:
            labelled = replace(labelled, codes=labelled.codes[made.origin])
        model = _finish(formula, made.rows, made.columns, labelled, moments=moments)
        return replace(model, people=made.n)
    subjects = Subjects(*moments._rows(formula))
    if np.ptp(subjects.n) > 0 and re.search(r"\b(center|scale|poly|bs|ns)\(", formula.text):
        raise InputError(
            "center(), scale(), poly(), bs() and ns() depend on how many subjects share a design; "
            "with moments, transform the column before reducing"
        )
    strata = _held(subjects.columns, moments, residual)
    return _assemble(formula, subjects, strata, moments=moments)


def _held(
    columns: dict[str, Column], moments: Moments, residual: tuple[str, ...]
) -> Labelled | None:
    """Residual strata by the columns whose codes mean the same in all blocks."""
    if not residual:
        return None
    held = {name: columns[name] for name in moments.columns if name not in moments.groups}
    return strata_of(held, residual, residual)


@dataclass(frozen=True, slots=True, eq=False)
class Subjects:
    """Rows of subjects by design: columns and outcome (rows,), the design of each row.

    `n` subjects share a design; `scatter` is that of their outcomes about its mean; `precision` are
    known weights of the rows.
    """

    columns: dict[str, Column]
    y: np.ndarray
    block: IntArray
    n: np.ndarray
    scatter: dict[int, np.ndarray]
    precision: FloatArray | None = None


def _assemble(
    formula: Formula,
    subjects: Subjects,
    strata: Labelled | None,
    *,
    n_dropped: int = 0,
    moments: Moments | None = None,
    frame: pd.DataFrame | None = None,
) -> Model:
    columns, y = subjects.columns, subjects.y
    x, terms = fixed_design(formula, columns, len(y))
    random = tuple(random_design(term, columns, len(y)) for term in formula.random)
    offset = offset_values(formula, columns, len(y))
    y = y if offset is None else y - offset
    rows = Rows(x, terms, y, random, subjects.block, subjects.n, subjects.scatter)
    if subjects.precision is not None:
        rows = weighted_rows(rows, np.sqrt(subjects.precision))
    model = _finish(
        formula, rows, columns, strata, n_dropped=n_dropped, moments=moments, frame=frame
    )
    return replace(model, precision=subjects.precision)


def _finish(
    formula: Formula,
    rows: Rows,
    columns: dict[str, Column],
    labelled: Labelled | None,
    *,
    n_dropped: int = 0,
    moments: Moments | None = None,
    frame: pd.DataFrame | None = None,
) -> Model:
    strata = None if labelled is None else reduce_strata(labelled.stratify(rows))
    crossed = build_crossed(rows) if strata is None and is_wide(rows) else None
    gram = _gram(rows, strata, crossed)
    n_groups = {term.group: level_count(rows, term) for term in rows.random}
    groups = tuple((term.group, term.effects) for term in rows.random)
    return Model(
        formula=formula,
        terms=rows.names,
        gram=gram,
        rows=rows,
        columns=columns,
        groups=groups,
        n_groups=n_groups,
        n_obs=gram.n_obs,
        n_dropped=n_dropped if moments is None else moments.n_dropped,
        moments=moments,
        frame=frame,
        strata=strata,
        labelled=labelled,
        crossed=crossed,
    )


def _gram(rows: Rows, strata: Strata | Studies | None, crossed: Crossed | None) -> Gram:
    """Crossproducts of each block; where another engine has its own, what is common to all."""
    if strata is not None:
        return strata.frame_gram()
    return build_gram(rows) if crossed is None else crossed.frame_gram()


def with_outcome(model: Model, y: np.ndarray) -> Model:
    """The same design with another outcome (N,), in the order of the fitted rows.

    Raises
    ------
    InputError
        The length differs, a value is not finite, or the model was fitted from moments.
    """
    if model.moments is not None:
        raise InputError("a fit from moments is refitted with moments, not with an outcome vector")
    if y.shape != model.rows.y.shape or not np.isfinite(y).all():
        raise InputError(f"the new outcome needs {len(model.rows.y)} finite values")
    offset = offset_values(model.formula, model.columns, len(y))
    y = y if offset is None else y - offset
    y = y if model.precision is None else y * np.sqrt(model.precision)
    rows = replace(model.rows, y=y)
    if model.labelled is not None:
        strata = reduce_strata(model.labelled.stratify(rows))
        return replace(model, rows=rows, gram=strata.frame_gram(), strata=strata, frame=None)
    if model.crossed is not None:
        crossed = build_crossed(rows)
        return replace(model, rows=rows, gram=crossed.frame_gram(), crossed=crossed, frame=None)
    return replace(
        model, rows=rows, gram=replace(build_gram(rows), signed=model.gram.signed), frame=None
    )
