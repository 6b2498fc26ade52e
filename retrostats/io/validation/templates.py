"""Templates: a CSV to fill in, with example people who are never data; a commented spec."""

from __future__ import annotations

from pathlib import Path

from retrostats.common.errors import InputError
from retrostats.common.nearest import suggestion
from retrostats.common.vocabulary import Vocabulary
from retrostats.io.energy import EQUATIONS
from retrostats.io.published.audit_toml import vocabulary_of

_SPEC = """\
# What retrostats cannot guess about a table for {analysis}. Every entry is optional.
# Save it beside the table under the same name (lab.csv, lab.toml), or name it with --spec.

# analysis = "{analysis}"   # or "none": for a table that is only meant for a model of your own
# name = "Our lab"          # in figures and tables
# allocation = "by lot"   # how people came into their groups: by lot, by choice or not told
# speeds = ["8 km/h", "10 km/h"]   # nominal ones, where measured speeds scatter around them

[file]      # how to read it
# sheet = "Data"
# header_row = 4
# delimiter = ";"
# decimal = ","
# missing = ["999", "-99"]    # codes that stand for no value

[columns]   # header in the file = column of the template
# "Sauerstoff" = "vo2_ml_kg_min"
# columns of the template: {columns}

[units]     # header in the file = its unit
# "Sauerstoff" = "ml/min/kg"

[levels]    # value in a direction or arm column = {arms}
# "A" = "{first}"

[times]     # the times of the table, the first one first
# order = ["initial", "final"]

[constants] # column of the template = value that holds for the whole file
# speed = "9 km/h"

[filter]    # header in the file = value, or list of values, of the rows to use
# "include" = ["yes", "1"]
# "method" = "DXA"    # which of several rows of a person: they are never averaged over a method

[energy]    # metabolic rate from VO2 and VCO2: {equations}
# equation = "brockway"

[wide]      # a column for each direction, time or speed
# "VO2 A 8" = {{ column = "vo2", unit = "ml/kg/min", direction = "{first}", speed = "8 km/h" }}
"""


def template(analysis: str, audit: Vocabulary | str | Path | None = None) -> str:
    """CSV with example people, to be replaced by one's own: their codes keep them out of a cohort.

    Parameters
    ----------
    analysis
        Name of an analysis whose topic has a template.
    audit
        Or its folder; None for the one that ships.

    Raises
    ------
    InputError
        No such topic in the audit.

    Examples
    --------
    >>> template(next(iter(templates()))).splitlines()[0].split(",")[0]
    'subject'
    """
    known = templates(audit)
    if analysis not in known:
        raise InputError(
            f"no template for {analysis!r}{suggestion(str(analysis), list(known))}; choose from "
            f"{', '.join(known) or 'none'}, or make one: "
            'cohort = { outcome = "column" } under the claim of a page, template under [topics] in '
            "the audit.toml of a folder"
        )
    return known[analysis]


def template_spec(analysis: str, audit: Vocabulary | str | Path | None = None) -> str:
    """Commented TOML spec for an analysis; arguments as of `template`."""
    columns = template(analysis, audit).splitlines()[0].replace(",", ", ")
    conditions = vocabulary_of(audit).conditions
    *others, last = (f'"{name}"' for name in conditions.arms)
    return _SPEC.format(
        analysis=analysis,
        columns=columns,
        equations=", ".join(EQUATIONS),
        arms=f"{', '.join(others)} or {last}" if others else last,
        first=conditions.first or conditions.control,
    )


def templates(audit: Vocabulary | str | Path | None = None) -> dict[str, str]:
    """Every template of an audit, by analysis."""
    topics = vocabulary_of(audit).topics.values()
    return {topic.analysis: topic.template for topic in topics if topic.template}
