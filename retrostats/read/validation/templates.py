"""Templates: a CSV to fill in that passes as it stands, and a spec with comments."""

from __future__ import annotations

from retrostats.errors import InputError
from retrostats.read.energy import EQUATIONS

_METABOLIC = "subject,direction,speed_m_s,vo2_ml_kg_min\n" + "".join(
    f"example{i},{direction},2.5,{value}\n"
    for i, pair in enumerate(
        [(27.1, 33.0), (25.4, 31.9), (28.8, 36.2), (26.0, 32.7), (29.3, 35.1), (24.9, 30.8)], 1
    )
    for direction, value in zip(("forward", "backward"), pair, strict=True)
)
_FAT = "subject,arm,time,time_weeks,body_fat_pct\n" + "".join(
    f"example{i},{'backward' if i <= 6 else 'control'},{time},{week},{value}\n"
    for i, pair in enumerate(
        [(24.1, 22.0), (27.3, 25.9), (22.8, 21.1), (30.2, 27.4), (25.5, 24.6), (28.0, 25.2),
         (26.1, 26.4), (23.9, 23.5), (29.4, 29.9), (24.8, 24.2), (27.7, 27.9), (25.0, 25.3)], 1
    )
    for time, week, value in zip(("pre", "post"), (0, 6), pair, strict=True)
)  # fmt: skip
_INJURY = "subject,direction,injuries,exposure_h\n" + "".join(
    f"example{i},{direction},{count},{hours}\n"
    for i, row in enumerate(
        [(2, 90, 0, 20), (1, 110, 1, 25), (0, 80, 0, 15), (3, 130, 1, 30), (1, 95, 0, 22),
         (2, 105, 1, 18)], 1
    )
    for direction, count, hours in (("forward", *row[:2]), ("backward", *row[2:]))
)  # fmt: skip
TEMPLATES = {"metabolic-cost": _METABOLIC, "body-fat": _FAT, "ligament-injury": _INJURY}

_SPEC = """\
# What retrostats cannot guess about a table for {analysis}. Every entry is optional.
# Save it beside the table under the same name (lab.csv, lab.toml), or name it with --spec.

# analysis = "{analysis}"   # or "none": for a table that is only meant for a model of your own
# name = "Our lab"          # in figures and tables

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

[levels]    # value in a direction or arm column = "forward", "backward" or "control"
# "R" = "backward"

[constants] # column of the template = value that holds for the whole file
# speed = "9 km/h"

[filter]    # header in the file = value, or list of values, of the rows to use
# "include" = ["yes", "1"]

[energy]    # metabolic rate from VO2 and VCO2: {equations}
# equation = "brockway"

[wide]      # a column for each direction, time or speed
# "VO2 rw 8" = {{ column = "vo2", unit = "ml/kg/min", direction = "backward", speed = "8 km/h" }}
"""


def template(analysis: str) -> str:
    """CSV with invented example people, to be replaced by one's own.

    Examples
    --------
    >>> template("body-fat").splitlines()[0]
    'subject,arm,time,time_weeks,body_fat_pct'
    """
    return TEMPLATES[_known(analysis)]


def template_spec(analysis: str) -> str:
    """Commented TOML spec for an analysis."""
    columns = TEMPLATES[_known(analysis)].splitlines()[0].replace(",", ", ")
    return _SPEC.format(analysis=analysis, columns=columns, equations=", ".join(EQUATIONS))


def _known(analysis: str) -> str:
    if analysis not in TEMPLATES:
        raise InputError(f"unknown analysis {analysis!r}; choose from {', '.join(TEMPLATES)}")
    return analysis
