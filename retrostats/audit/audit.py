"""An audit: what was claimed, what was printed, and the analyses that judge it.

One page and one table (`NAME.toml`, `NAME.csv`, docs/audits.md), or a folder: `data/` is a
Frictionless data package (claims, fidelity, evidence, studies, published tables) with `audit.toml`;
`analyses/` holds one Python file, or a folder of them, an analysis. The audit that ships with the
package is the default; any other of either form runs the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrostats.common.arrays import path_of, records_of
from retrostats.common.errors import InputError
from retrostats.common.resources import analyses_dir, is_page
from retrostats.common.vocabulary import Conditions, Post, Topic
from retrostats.io.published.audit_toml import audit_data, read_audit_toml

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.audit.claims import Claim
    from retrostats.audit.pages.page_audit import PageAnalysis
    from retrostats.evidence.unreported.unknowns import Unknown
    from retrostats.io.pages.page import Page

#: Table of every printed row of an audit from a page.
PUBLISHED = "published"
#: Table of prior distributions, and its name of correlations.
PRIORS, CORRELATION = "priors", "fisher_z_correlation"

__all__ = ["Audit", "Conditions", "Post", "Topic", "load_audit"]


@dataclass(frozen=True, slots=True)
class Audit:
    """Everything one audit needs; the tables of a folder are read when asked for.

    Attributes
    ----------
    title, subject, post
        For the reader.
    conditions, topics
        What is compared, and one `Topic` a published table, by name.
    data, scripts
        Folder of the data package; folder of the analyses.
    made, generated, page
        Of an audit from a page: its tables, its analyses, and the page; else None, empty, None.
    address
        Where its report is published; empty if it is not.
    """

    title: str
    subject: str
    post: Post
    conditions: Conditions
    topics: Mapping[str, Topic]
    data: Path
    scripts: Path
    made: Mapping[str, pd.DataFrame] | None = field(default=None, repr=False, compare=False)
    generated: Mapping[str, PageAnalysis] = field(default_factory=dict, repr=False, compare=False)
    page: Page | None = field(default=None, repr=False, compare=False)
    address: str = ""

    @property
    def claims(self) -> dict[str, Claim]:
        """Claims by id, in file order."""
        from retrostats.audit.claims import claims_from_frame

        return claims_from_frame(self.table("claims"))

    @property
    def studies(self) -> pd.DataFrame:
        """Every study, one row each."""
        return self.table("studies")

    @property
    def published(self) -> pd.DataFrame:
        """Printed numbers of every topic, normalised; see `load_published`."""
        from retrostats.io.published.published import load_published

        if self.made is not None:
            return self.made[PUBLISHED].copy()
        return load_published(folder=self.data)

    @property
    def analyses(self) -> dict[str, Path]:
        """Analysis files by name: the topics' own in their order, then the others."""
        if self.generated:
            return {name: analysis.path for name, analysis in self.generated.items()}
        order = [topic.analysis for topic in self.topics.values()]
        found = {
            path.stem.replace("_", "-"): path
            for path in sorted(self.scripts.glob("[!_]*"))
            if path.suffix == ".py" or (path / "__init__.py").is_file()
        }
        first = [name for name in order if name in found]
        return {name: found[name] for name in dict.fromkeys([*first, *found])}

    def table(self, name: str) -> pd.DataFrame:
        """A table of the data package, checked against its schema."""
        from retrostats.io.published.published import load_table

        if self.made is not None:
            if name not in self.made:
                raise InputError(f"audit {self.title}: no table {name!r}; it has "
                                 f"{', '.join(self.made)}")  # fmt: skip
            return self.made[name].copy()
        return load_table(name, folder=self.data)

    def range_of(self, row_id: str, unknown: str, name: str, unit: str = "") -> Unknown:
        """What a printed row lacks, under `name`, over the range that `unprinted.csv` gives it.

        One whose unknown begins with "sd_" is a spread on the scale of the model; `unit` is told
        with each value of another.

        Raises
        ------
        InputError
            If the table has no such range.
        """
        from retrostats.evidence.unreported.unknowns import Unknown

        table = self.table("unprinted")
        found = table[(table["row_id"] == row_id) & (table["unknown"] == unknown)]
        if len(found) != 1:
            raise InputError(
                f"unprinted.csv: {len(found)} ranges of {unknown} for row {row_id}; give one, with "
                "a reason and a source"
            )
        row: Any = found.iloc[0]
        return Unknown(name, float(row["low"]), float(row["high"]), row["why"], row["source"],
                       kind="spread" if unknown.startswith("sd_") else "", unit=unit)  # fmt: skip

    def correlation_prior(self, claim_id: str) -> tuple[float, float] | None:
        """Mean and SD of Fisher's z that `priors.csv` states for a claim; None: uniform on -1 to 1.

        Raises
        ------
        InputError
            A standard deviation that is not above 0, or no reason.
        """
        if self.page is not None:
            prior = self.page.open.get("correlation")
            return None if prior is None else (prior.numbers["mean"], prior.numbers["sd"])
        if not self.has_table(PRIORS):
            return None
        asked = (claim_id, CORRELATION)
        rows = records_of(self.table(PRIORS))
        row = next((r for r in rows if (r["claim_id"], r["quantity"]) == asked), None)
        if row is None:
            return None
        if not (row["sd"] > 0 and row["why"]):
            raise InputError(
                f"priors.csv, claim {claim_id}: sd is {row['sd']!r} with the reason "
                f"{row['why']!r}; give an SD above 0 and a reason"
            )
        return float(row["mean"]), float(row["sd"])

    @property
    def highest_cv(self) -> dict[str, float]:
        """Largest standard deviation that people have, as a share of the mean, by outcome.

        Raises
        ------
        InputError
            If two rows of `plausible_spread.csv` bound one outcome.
        """
        if not self.has_table("plausible_spread"):
            return {}
        found: dict[str, float] = {}
        table = self.table("plausible_spread")
        for outcomes, percent in zip(table["outcomes"], table["highest_cv_pct"], strict=True):
            for outcome in str(outcomes).split("; "):
                if outcome in found:
                    raise InputError(
                        f"plausible_spread.csv, column outcomes: found {outcome} in two rows; "
                        "an outcome has one bound: remove it from one of them"
                    )
                found[outcome] = float(percent) / 100
        return found

    def has_table(self, name: str) -> bool:
        """Whether the data package lists a table of that name."""
        from retrostats.io.published.table_schema import descriptor

        if self.made is not None:
            return name in self.made
        return name in descriptor(self.data)

    @property
    def inputs(self) -> dict[str, Path]:
        """Files that its tables come from, by the names under which results list them."""
        if self.page is not None:
            return {path.name: path for path in (self.page.file, self.page.table)}
        found = sorted(path for path in self.data.rglob("*") if path.is_file())
        return {f"data/{path.relative_to(self.data).as_posix()}": path for path in found}

    @property
    def pinned(self) -> Path:
        """Folder of its pinned answers, which need not be there; pages share a folder."""
        folder = self.data / "pinned"
        return folder if self.page is None else folder / self.page.file.stem

    def topic_of(self, analysis: str) -> Topic | None:
        """The topic of an analysis, None if it has none in this audit."""
        return next((t for t in self.topics.values() if t.analysis == analysis), None)

    def __repr__(self) -> str:
        return f"<Audit {self.title!r}: {', '.join(self.topics) or 'no topics'}>"


def load_audit(path: str | Path | None = None) -> Audit:
    """The audit of a page, or of a folder; the one that ships if `path` is None.

    Parameters
    ----------
    path
        `NAME.toml` with the table `NAME.csv` (or .xlsx) beside it, of which no Python runs; or a
        folder with `data/` and `analyses/`.

    Raises
    ------
    InputError
        If a file or an entry of it is missing or malformed; of a page all of them at once.

    Examples
    --------
    >>> audit = load_audit()
    >>> all(topic.template for topic in audit.topics.values())
    True
    """
    path = None if path is None else path_of(path, "audit")
    if path is not None and is_page(path):
        return _of_page(path)
    data = audit_data(path)
    scripts = analyses_dir() if path is None else Path(path) / "analyses"
    parsed = read_audit_toml(data)
    return Audit(
        title=parsed.title,
        subject=parsed.subject,
        post=parsed.post,
        conditions=parsed.conditions,
        topics=parsed.topics,
        data=data,
        scripts=scripts,
        address=parsed.address,
    )


def _of_page(path: str | Path) -> Audit:
    """The audit of a page and its table: everything that a folder holds is made of them."""
    from retrostats.audit.pages.page_audit import page_analyses, page_tables, read_audit_page
    from retrostats.io.pages.topics import topics_of_page

    read = read_audit_page(path)
    page = read.page
    return Audit(
        title=page.title,
        subject=page.subject,
        post=page.source,
        conditions=page.conditions,
        topics=topics_of_page(page),
        data=page.file.parent,
        scripts=page.file.parent,
        made=page_tables(read),
        generated=page_analyses(read),
        page=page,
    )
