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
    """Import one analysis: a Python file, or a folder of them that begins with `__init__.py`.

    Raises
    ------
    InputError
        If the file is missing or lacks one of the names an analysis defines.
    """
    if not start_of(path).is_file():
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


def start_of(path: Path) -> Path:
    """The file that an analysis begins with."""
    return path / "__init__.py" if path.is_dir() else path


def files_of(path: Path) -> list[Path]:
    """Every Python file of an analysis."""
    return sorted(path.glob("*.py")) if path.is_dir() else [path]


def select(names: Iterable[str] | None, audit: Audit | None = None) -> list[Analysis]:
    """Analyses by name or by path of a Python file; all of an audit if `names` is None or empty."""
    found = (audit or load_audit()).analyses
    if not (names is None or isinstance(names, Iterable)):
        raise InputError(f"analyses: found {names!r}; a list of names is needed")
    chosen = list(dict.fromkeys(names or found))
    unknown = [
        str(name)
        for name in chosen
        if not isinstance(name, str | Path)
        or (name not in found and start_of(Path(name)).suffix != ".py")
    ]
    if unknown:
        raise InputError(
            f"unknown analysis {', '.join(unknown)}; choose from {', '.join(found)} "
            "or give the path of a Python file"
        )
    return [load_analysis(found[name] if name in found else Path(name)) for name in chosen]


def _import(path: Path) -> ModuleType:
    name = f"retrostats_analyses_{path.stem}"
    for part in [n for n in sys.modules if n.startswith(f"{name}.")]:
        del sys.modules[part]  # of a folder of the same name that was loaded before
    folder = [str(path)] if path.is_dir() else None
    spec = importlib.util.spec_from_file_location(
        name, start_of(path), submodule_search_locations=folder
    )
    if spec is None or spec.loader is None:
        raise InputError(f"analysis {path}: not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses in the file look their module up
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise InputError(
            f"analysis {_at(path, error.filename)}, line {error.lineno}: {error.msg}; it must be a "
            "Python file"
        ) from None
    except InputError:
        raise
    except Exception as error:
        own = {str(file) for file in files_of(path)}
        at = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in own]
        file, line = (_at(path, at[-1].filename), at[-1].lineno) if at else (path.name, "?")
        raise InputError(
            f"analysis {file}, line {line}: {type(error).__name__}: {error}"
        ) from error
    return module


def _at(path: Path, filename: str | None) -> str:
    """The file a message is about, as a reader knows it."""
    if path.is_dir() and filename is not None:
        return f"{path.name}/{Path(filename).name}"
    return path.name
