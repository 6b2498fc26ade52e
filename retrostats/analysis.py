"""An analysis is one Python file; here is what it must define, and how it is found."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from retrostats.audit import Audit, load_audit
from retrostats.errors import InputError
from retrostats.judge.claims import Claim
from retrostats.result.findings import Findings

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from retrostats.draw.figures import Drawing

REQUIRED = ("NAME", "TITLE", "QUESTION", "METHODS", "TOPIC", "analyse", "draw")


@dataclass(frozen=True, slots=True)
class Context:
    """What an analysis may read: printed rows, claims fixed beforehand, cohorts, and a seed."""

    published: pd.DataFrame
    claims: Mapping[str, Claim]
    audit: Audit = field(default_factory=load_audit)
    cohorts: tuple[Any, ...] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Analysis:
    """One analysis file: its names for the reader, `analyse` and `draw`."""

    name: str
    title: str
    question: str
    methods: tuple[str, ...]
    topic: str
    analyse: Callable[[Context], Findings]
    draw: Callable[
        [Mapping[str, pd.DataFrame], Mapping[str, Claim]], Mapping[str, Drawing | Figure | None]
    ]
    path: Path


def load_analysis(path: Path) -> Analysis:
    """Import one analysis file.

    Raises
    ------
    InputError
        If the file is missing or lacks one of the names an analysis defines.
    """
    if not path.is_file():
        raise InputError(f"analysis {path}: no such file; give a name of --list or a Python file")
    module = _import(path)
    missing = [name for name in REQUIRED if not hasattr(module, name)]
    if missing:
        raise InputError(
            f"analysis {path.name}: {', '.join(missing)} missing; an analysis file defines "
            f"{', '.join(REQUIRED)} (see CONTRIBUTING.md)"
        )
    return Analysis(
        module.NAME,
        module.TITLE,
        module.QUESTION,
        tuple(module.METHODS),
        module.TOPIC,
        module.analyse,
        module.draw,
        path,
    )


def select(names: Iterable[str] | None, audit: Audit | None = None) -> list[Analysis]:
    """Analyses by name or by path of a Python file; all of an audit if `names` is None or empty."""
    found = (audit or load_audit()).analyses
    chosen = list(dict.fromkeys(names or found))
    unknown = [name for name in chosen if name not in found and not name.endswith(".py")]
    if unknown:
        raise InputError(
            f"unknown analysis {', '.join(unknown)}; choose from {', '.join(found)} "
            "or give the path of a Python file"
        )
    return [load_analysis(found[name] if name in found else Path(name)) for name in chosen]


def _import(path: Path) -> ModuleType:
    name = f"retrostats_analyses_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"analysis {path}: not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses in the file look their module up
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise InputError(
            f"analysis {path.name}, line {error.lineno}: {error.msg}; it must be a Python file"
        ) from None
    except InputError:
        raise
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        at = [f.lineno for f in frames if Path(f.filename).name == path.name]
        raise InputError(
            f"analysis {path.name}, line {at[-1] if at else '?'}: {type(error).__name__}: {error}"
        ) from error
    return module
