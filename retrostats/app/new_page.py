"""A new audit as one page and one table: invented rows that run as they stand, commented."""

from __future__ import annotations

from pathlib import Path

from retrostats.common.errors import InputError
from retrostats.io.pages.page_table import row_name

INVENTED = "INVENTED EXAMPLE, replace"
STEPS = (
    "the page: title, source, the two conditions with what else a table may call them",
    "one section [claims.NAME] a claim: what it says, its measure, and the range that would make "
    "it true, fixed before any result is computed",
    "the table: one row a printed comparison, every cell as printed, with where it stands and the "
    "DOI; what is not printed stays empty",
    "[open...] where there is a reason for a prior of something that was not printed",
)


def new_page(name: str | Path) -> tuple[Path, Path]:
    """Make a page and a table that run as they stand.

    Parameters
    ----------
    name
        Path without or with the ending .toml; neither file may exist.

    Returns
    -------
    tuple
        Page (TOML) and table (CSV).

    Raises
    ------
    InputError
        A file is there already, or the place cannot be written to.

    Examples
    --------
    >>> import tempfile, retrostats as rs
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page, table = new_page(f"{folder}/mine")
    ...     verdicts = rs.replicate(audit=page, draws=50).verdicts
    >>> page.name, table.name, list(verdicts["direction"])
    ('mine.toml', 'mine.csv', ['very likely', 'open'])
    """
    given = Path(name)
    page = given if given.suffix.lower() == ".toml" else given.with_name(f"{given.name}.toml")
    table = page.with_suffix(".csv")
    if not row_name(page.stem):
        raise InputError(f"new audit {name}: allowed is a name with letters or digits, as mine")
    try:
        there = [path for path in (page, table) if path.exists()]
        if there:
            raise InputError(
                f"new audit {name}: {there[0]} exists, and nothing was touched; give another name"
            )
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(PAGE, encoding="utf-8")
        table.write_text(TABLE, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"new audit {name}: {error.strerror or error}; give a place that can be written to"
        ) from None
    return page, table


def page_steps(page: Path, table: Path) -> str:
    """What to do next, for the terminal."""
    steps = "\n".join(f"  {i}. {step}" for i, step in enumerate(STEPS, 1))
    return (
        f"Made {page} and {table}. Every number and study in them is invented. They run as they "
        f"stand:\n  retrostats check-audit {page}\n  retrostats replicate --audit {page} --out "
        f"results\nFill in, in this order:\n{steps}"
    )


PAGE = """\
# An audit is this page and the table beside it (same name, .csv or .xlsx).
# Every line is invented: replace it. docs/audits.md explains every entry and column.
#   retrostats check-audit THIS     what each row became, before anything is computed
#   retrostats replicate --audit THIS --out results

title   = "INVENTED EXAMPLE, replace: what was claimed, what was printed"
subject = "an invented training"
# The text whose claims are checked; leave out what is not known.
source  = { kind = "post", name = "an invented post", date = "2031", url = "" }

# Effects are the first against the second.
compared = ["trained", "untrained"]
# What else a table of people may call them.
also = { trained = ["intervention"], untrained = ["control"] }

# One section a claim. In the table, column "claim" says on which claim a row bears. The table may
# have more columns: x_year or another x_NAME is a moderator, a number of each study (a claim with
# moderator = "year" is then on the slope); rob_randomisation or another rob_NAME is a domain of the
# risk of bias, judged low, some concerns or high: the page shows studies by domains.
[claims.faster]
says    = "INVENTED EXAMPLE, replace: the training makes people 5% faster"
by      = "whom the post credits"
# true: the training brings it about; false: it is what was seen.
cause   = true
# mean difference, ratio of means, percent, SMD, risk ratio, odds ratio, risk difference,
# rate ratio, hazard ratio, correlation, proportion (of one group: first alone, "12 / 80")
measure = "percent"
# In the measure: "-6 to -4", "below 0", "at most -5". Fix it before any result is computed.
true_if = "-6 to -4"
because = "'5%' to one digit, in time"
# Labels of figures only.
better  = "lower"
# A reader's own table of people may have the outcome in this column.
cohort  = { outcome = "finish_s" }
# Several rows of one study are refused unless this says how they combine:
# "mean", "first", or the correlation of their errors.
# within_study = "mean"
# Other measures of events that are taken as if they were this one:
# mixing = ["odds ratio"]

# What the post says against what its source says, element by element.
[claims.faster.fidelity]
"the figure" = { claimed = "5% faster", source = "4.9% (invented)", agrees = true }

[claims.lasts]
says    = "INVENTED EXAMPLE, replace: the effect lasts for a year"
by      = "no source is given"
cause   = false
measure = "percent"
true_if = "below 0"
because = "no size is named"

# A prior of something that was not printed, with a reason and where that comes from. Without one
# every correlation from -1 to 1 is taken as equally probable.
[open.correlation]
mean   = 1.5
sd     = 0.5
why    = "INVENTED EXAMPLE: times of one person repeat well; Fisher's z"
source = "INVENTED EXAMPLE"
"""

TABLE = """\
claim,study,design,allocation,n,first,second,p,r,estimate,low,high,level,pool,where,doi
faster,Invented 2001,crossover,by lot,13,38.1 SD 2.2 min,40.2 SD 2.5 min,<0.01,,,,,,yes,table 2,
faster,Invented 2002,crossover,by lot,10,61.2 SD 3.9 min,64.0 SD 4.2 min,,0.9,,,,,yes,table 1,
faster,Invented 2003,parallel,by lot,21 / 20,,,,,-4.1,-7.5,-0.6,95,yes,abstract,
faster,Invented 2004,crossover,not told,12,,,,,-6.0,,,,yes,abstract,
faster,Invented 2005,crossover,by lot,9,,,,,lower,,,,yes,abstract,
faster,Invented 2006,crossover,by lot,14,41 SD 3 min,42 SD 3 min,,,,,,,no: an hour later,table 3,
lasts,Invented 2003,parallel,by lot,21 / 20,,,,,,,,,sign: for,abstract,
"""
