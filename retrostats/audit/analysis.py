"""An analysis is one Python file; here is what it must define, and how it is found."""

from __future__ import annotations

import ast
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from retrostats.audit.audit import Audit, load_audit
from retrostats.audit.claims import Claim
from retrostats.audit.returned import check_findings
from retrostats.common.errors import InputError, RetrostatsError, no_memory
from retrostats.common.nearest import suggestion
from retrostats.evidence.result.findings import Findings

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from retrostats.report.figures import Drawing

REQUIRED = ("NAME", "TITLE", "QUESTION", "METHODS", "TOPIC", "analyse", "draw")
TEXTS = ("NAME", "TITLE", "QUESTION", "TOPIC")
#: Largest file that is listed [bytes]; an analysis is a page or two.
MAX_SOURCE = 1_000_000


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
    """One analysis: its names for the reader, `analyse` and `draw`.

    Made from a page it has no `draw`: the report draws it; `path` is then the page.
    """

    name: str
    title: str
    question: str
    methods: tuple[str, ...]
    topic: str
    analyse: Callable[[Context], Findings]
    draw: (
        Callable[
            [Mapping[str, pd.DataFrame], Mapping[str, Claim]], Mapping[str, Drawing | Figure | None]
        ]
        | None
    )
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
    _check_names(module, path)
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


def _check_names(module: ModuleType, path: Path) -> None:
    """Refuse a name of the wrong kind: a text as METHODS would be taken letter by letter."""
    for name in TEXTS:
        if not (isinstance(getattr(module, name), str) and getattr(module, name).strip()):
            raise InputError(
                f"analysis {path.name}: {name} is {getattr(module, name)!r}; it needs a text"
            )
    methods = module.METHODS
    listed = isinstance(methods, tuple | list) and all(isinstance(m, str) for m in methods)
    if not listed:
        raise InputError(
            f"analysis {path.name}: METHODS is {methods!r}; it needs a tuple of sentences, "
            'as ("One sentence.",)'
        )
    for name in ("analyse", "draw"):
        if not callable(getattr(module, name)):
            raise InputError(
                f"analysis {path.name}: {name} is {getattr(module, name)!r}; it needs a function"
            )


def question_of(path: Path) -> str:
    """What an analysis asks, read from its source: nothing in the file is run.

    Raises
    ------
    InputError
        If the file cannot be read, is no Python, or does not write QUESTION as a plain text.
    """
    start = start_of(path)
    try:
        if not start.is_file() or start.stat().st_size > MAX_SOURCE:
            raise InputError(
                f"analysis {_at(path, str(start))}: no file of at most {MAX_SOURCE} bytes; give a "
                "Python file"
            )
        tree = ast.parse(start.read_bytes())
    except OSError as error:
        raise InputError(f"analysis {start}: {error.strerror or error}; check the path") from None
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        said = error.msg if isinstance(error, SyntaxError) else str(error) or "nested too deeply"
        raise InputError(
            f"analysis {_at(path, str(start))}{line}: {said}; it must be a Python file"
        ) from None
    found = _literals(tree).get("QUESTION")
    if not isinstance(found, str):
        raise InputError(
            f'analysis {_at(path, str(start))}: no plain text QUESTION; write QUESTION = "..." '
            "at its top level: a list runs no file"
        )
    return found


def _literals(tree: ast.Module) -> dict[str, Any]:
    """Names that a module assigns literals to, at its top level; the last assignment counts."""
    found: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            targets, value = [node.target], node.value
        else:
            continue
        try:
            literal = ast.literal_eval(value)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            literal = None
        found |= {target.id: literal for target in targets if isinstance(target, ast.Name)}
    return found


def analysed(analysis: Analysis, context: Context) -> Findings:
    """What an analysis finds, checked.

    Raises
    ------
    InputError
        If `analyse` raises (file and line), or returns what cannot be judged or shown.
    """
    with blamed(analysis, "analyse"):
        found = analysis.analyse(context)
    check_findings(found, context.claims, f"analysis {_at_start(analysis)}, analyse()")
    return found


@contextmanager
def blamed(analysis: Analysis, doing: str) -> Iterator[None]:
    """Turn whatever an analysis file raises into one message that names its file and line."""
    try:
        yield
    except RetrostatsError:
        raise
    except (Exception, SystemExit) as error:
        if no_memory(error):
            raise
        place = _place(analysis.path, error)
        raise InputError(
            f"analysis {place}: {doing}() raised {type(error).__name__}: {error}; correct it there"
        ) from error


def _at_start(analysis: Analysis) -> str:
    """The file that an analysis begins with, as a reader knows it."""
    return _at(analysis.path, str(start_of(analysis.path)))


def start_of(path: Path) -> Path:
    """The file that an analysis begins with."""
    return path / "__init__.py" if path.is_dir() else path


def files_of(path: Path) -> list[Path]:
    """Every Python file of an analysis."""
    return sorted(path.glob("*.py")) if path.is_dir() else [path]


def select(names: Iterable[str] | None, audit: Audit | None = None) -> list[Analysis]:
    """Analyses by name or by path of a Python file; all of an audit if `names` is None."""
    about = audit or load_audit()
    found = about.analyses
    if not (names is None or isinstance(names, Iterable)):
        raise InputError(f"analyses: found {names!r}; a list of names is needed")
    chosen = list(dict.fromkeys(found if names is None else names))
    if names is not None and not chosen:
        raise InputError(
            f"analyses: found an empty list; name some of {', '.join(found)}, or leave it out for "
            "all"
        )
    if not chosen:
        raise InputError(
            f"audit {about.scripts.parent}: no analysis in its analyses/; write one Python file "
            "there (see CONTRIBUTING.md), or give the path of one"
        )
    unknown = [
        str(name)
        for name in chosen
        if not isinstance(name, str | Path)
        or (name not in found and start_of(Path(name)).suffix != ".py")
    ]
    if unknown:
        raise InputError(
            f"unknown analysis {', '.join(unknown)}{suggestion(unknown[0], list(found))}; choose "
            f"from {', '.join(found)} or give the path of a Python file"
        )
    loaded = [
        _generated(about, name)
        if name in about.generated
        else load_analysis(found[name] if name in found else Path(name))
        for name in chosen
    ]
    _names_agree(loaded, chosen, found)
    return loaded


def _generated(audit: Audit, name: str) -> Analysis:
    """The analysis that was made from a page, which has no file and no drawing of its own."""
    made = audit.generated[name]
    return Analysis(
        made.name, made.title, made.question, made.methods, made.topic, made.analyse, None,
        made.path,
    )  # fmt: skip


def _names_agree(loaded: list[Analysis], chosen: list[str], found: Mapping[str, Path]) -> None:
    """Refuse two analyses of one name, and a NAME that is not that of its file in the audit."""
    for name, analysis in zip(chosen, loaded, strict=True):
        if name in found and analysis.name != name:
            raise InputError(
                f'analysis {analysis.path.name}: NAME is {analysis.name!r}; write NAME = "{name}", '
                "the name of its file, which claims and topics go by"
            )
    names = [analysis.name for analysis in loaded]
    for analysis in loaded:
        if names.count(analysis.name) > 1:
            files = ", ".join(a.path.name for a in loaded if a.name == analysis.name)
            raise InputError(f"two analyses have NAME {analysis.name!r} ({files}); rename one")


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
    except (Exception, SystemExit) as error:
        if no_memory(error):
            raise
        raise InputError(
            f"analysis {_place(path, error)}: {type(error).__name__}: {error}"
        ) from error
    return module


def _place(path: Path, error: BaseException) -> str:
    """File and line of an analysis from which an error came."""
    own = {str(file) for file in files_of(path)}
    at = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in own]
    return f"{_at(path, at[-1].filename)}, line {at[-1].lineno}" if at else path.name


def _at(path: Path, filename: str | None) -> str:
    """The file a message is about, as a reader knows it."""
    if path.is_dir() and filename is not None:
        return f"{path.name}/{Path(filename).name}"
    return path.name
