"""An audit is one folder: what was claimed, what was printed, and the analyses that judge it.

`data/` is a Frictionless data package (claims, fidelity, evidence, studies, published tables) with
`audit.toml`; `analyses/` holds one Python file an analysis. The audit that ships with the package
is the default; any other folder of that shape runs the same way.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrostats.errors import InputError
from retrostats.resources import analyses_dir, data_dir

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.judge.claims import Claim

#: What separates the two conditions of a cohort.
COMPARES = ("direction", "arm")


@dataclass(frozen=True, slots=True)
class Topic:
    """One table of printed numbers, its analysis, and what a reader's own cohort needs for it.

    Attributes
    ----------
    name, analysis
        Table in `published/`; name of the analysis on the command line.
    compares
        "direction": a column that every row has; "arm": people in groups, at several times.
    paired, gait
        Whether people are measured in both conditions; whether running and walking are told apart.
    needs, outcomes
        Columns that every row needs; outcomes by preference, the first one present is used.
    outcome_words
        What an outcome is, in words.
    template
        A CSV with invented people that passes as it stands.
    """

    name: str
    analysis: str
    compares: str = "direction"
    paired: bool = False
    gait: bool = False
    needs: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    outcome_words: str = ""
    template: str = ""


@dataclass(frozen=True, slots=True)
class Conditions:
    """The two conditions compared (first against second), the untrained arm, and their words."""

    first: str = ""
    second: str = ""
    control: str = "control"
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def compared(self) -> tuple[str, ...]:
        """Both conditions, the reference (second) first, as a model's factor orders them."""
        return (self.second, self.first)


@dataclass(frozen=True, slots=True)
class Post:
    """The text whose claims are checked; empty where a fact about it is not known."""

    name: str = ""
    date: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Audit:
    """A folder with everything one audit needs; tables are read when asked for.

    Attributes
    ----------
    title, subject, post
        For the reader.
    conditions, topics
        What is compared, and one `Topic` a published table, by name.
    data, scripts
        Folder of the data package; folder of the analyses.
    """

    title: str
    subject: str
    post: Post
    conditions: Conditions
    topics: Mapping[str, Topic]
    data: Path
    scripts: Path

    @property
    def claims(self) -> dict[str, Claim]:
        """Claims by id, in file order."""
        from retrostats.judge.claims import claims_from_frame

        return claims_from_frame(self.table("claims"))

    @property
    def studies(self) -> pd.DataFrame:
        """Every study, one row each."""
        return self.table("studies")

    @property
    def published(self) -> pd.DataFrame:
        """Printed numbers of every topic, normalised; see `load_published`."""
        from retrostats.read.published import load_published

        return load_published(folder=self.data)

    @property
    def analyses(self) -> dict[str, Path]:
        """Analysis files by name: the topics' own in their order, then the others."""
        order = [topic.analysis for topic in self.topics.values()]
        found = {
            path.stem.replace("_", "-"): path for path in sorted(self.scripts.glob("[!_]*.py"))
        }
        first = [name for name in order if name in found]
        return {name: found[name] for name in dict.fromkeys([*first, *found])}

    def table(self, name: str) -> pd.DataFrame:
        """A table of the data package, checked against its schema."""
        from retrostats.read.published import load_table

        return load_table(name, folder=self.data)

    def has_table(self, name: str) -> bool:
        """Whether the data package lists a table of that name."""
        from retrostats.read.table_schema import descriptor

        return name in descriptor(self.data)

    def topic_of(self, analysis: str) -> Topic | None:
        """The topic of an analysis, None if it has none in this audit."""
        return next((t for t in self.topics.values() if t.analysis == analysis), None)

    def __repr__(self) -> str:
        return f"<Audit {self.title!r}: {', '.join(self.topics) or 'no topics'}>"


def load_audit(path: str | Path | None = None) -> Audit:
    """The audit in a folder with `data/` and `analyses/`; the one that ships if `path` is None.

    Raises
    ------
    InputError
        If the folder, its `audit.toml` or an entry of it is missing or malformed.

    Examples
    --------
    >>> audit = load_audit()
    >>> audit.conditions.first, list(audit.topics)[0]
    ('backward', 'metabolic_cost')
    """
    if path is None:
        data, scripts = data_dir(), analyses_dir()
    else:
        root = Path(path)
        if not root.is_dir():
            raise InputError(
                f"audit {path}: no such folder; give one with data/ and analyses/, or make one "
                "with: retrostats new-audit DIR"
            )
        data, scripts = root / "data", root / "analyses"
    toml = data / "audit.toml"
    if not toml.is_file():
        raise InputError(
            f"audit {path}: no {toml.name} in its data/; make a folder that has one with: "
            "retrostats new-audit DIR"
        )
    return _audit_of(data, scripts, toml.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _audit_of(data: Path, scripts: Path, stamp: int) -> Audit:
    """One reading of `audit.toml` while it does not change (`stamp`)."""
    file = data / "audit.toml"
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: not a TOML file ({error}); correct it") from None
    _only(told, ("title", "subject", "post", "conditions", "topics"), file, "the top level")
    title = told.get("title", "")
    if not (isinstance(title, str) and title.strip()):
        raise InputError(f'{file}: no title; write title = "..." on its first line')
    return Audit(
        title,
        str(told.get("subject", "")),
        _made(Post, told.get("post", {}), file, "post"),
        _conditions(told.get("conditions", {}), file),
        {name: _topic(name, entry, file) for name, entry in told.get("topics", {}).items()},
        data,
        scripts,
    )


def _conditions(told: Any, file: Path) -> Conditions:
    _only(told, ("compared", "control", "synonyms"), file, "[conditions]")
    compared = told.get("compared", [])
    if len(compared) not in (0, 2) or not all(isinstance(c, str) for c in compared):
        raise InputError(
            f"{file}, [conditions]: compared = {compared!r}; give two names, the first against "
            'the second, as ["backward", "forward"]'
        )
    first, second = compared or ("", "")
    words = {str(k): tuple(map(str, v)) for k, v in told.get("synonyms", {}).items()}
    return Conditions(first, second, str(told.get("control", "control")), words)


def _topic(name: str, told: Any, file: Path) -> Topic:
    entry = {"analysis": name.replace("_", "-"), **told, "name": name}
    made: Topic = _made(Topic, entry, file, f"topics.{name}")
    if made.compares not in COMPARES:
        raise InputError(
            f"{file}, [topics.{name}]: compares = {made.compares!r}; allowed: {', '.join(COMPARES)}"
        )
    return made


def _made(kind: Any, told: Any, file: Path, section: str) -> Any:
    """A dataclass of one section; lists become tuples, other types than its own are refused."""
    fields = kind.__dataclass_fields__
    _only(told, tuple(fields), file, f"[{section}]")
    plain = {k: tuple(map(str, v)) if isinstance(v, list) else v for k, v in told.items()}
    wanted = {"str": str, "bool": bool, "tuple[str, ...]": tuple}
    for key, value in plain.items():
        if not isinstance(value, wanted[str(fields[key].type)]):
            raise InputError(
                f"{file}, [{section}]: {key} = {value!r}; it needs a {fields[key].type}"
            )
    return kind(**{k: v.lstrip("\n") if isinstance(v, str) else v for k, v in plain.items()})


def _only(told: Any, allowed: tuple[str, ...], file: Path, where: str) -> None:
    if not isinstance(told, dict):
        raise InputError(f"{file}: {where} is {told!r}; it must be a section")
    unknown = [key for key in told if key not in allowed]
    if unknown:
        raise InputError(
            f"{file}, {where}: unknown entry {', '.join(unknown)}; allowed: {', '.join(allowed)}"
        )
