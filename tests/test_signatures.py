"""Few parameters, and no long row of places that only counting tells apart."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CODE = ("retrostats", "analyses", "examples")
#: Parameters of a function; positional arguments of a call.
MOST = 8
#: What users call; their options stand behind a star and are said by name.
PUBLIC = {"lmm", "pool", "plan", "power", "type_one_error", "replicate"}


def _trees(folder: Path, names: tuple[str, ...]) -> Iterator[tuple[str, ast.Module]]:
    for name in names:
        for path in sorted((folder / name).rglob("*.py")):
            yield str(path.relative_to(folder)), ast.parse(path.read_text(encoding="utf-8"))


def too_long(folder: Path, names: tuple[str, ...]) -> list[str]:
    """Functions with too many parameters and calls with too many places."""
    found = []
    for path, tree in _trees(folder, names):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                given = node.args
                places = [a.arg for a in [*given.posonlyargs, *given.args]]
                places = places[1:] if places[:1] in (["self"], ["cls"]) else places
                options = 0 if node.name in PUBLIC else len(given.kwonlyargs)
                if len(places) + options > MOST:
                    found.append(f"{path}: {node.name} has {len(places) + options} parameters")
            elif isinstance(node, ast.Call) and len(node.args) > MOST:
                found.append(f"{path}:{node.lineno}: {len(node.args)} places in a call")
    return found


def test_no_function_has_more_than_eight_parameters_and_no_call_more_places() -> None:
    assert too_long(ROOT, CODE) == []


def test_what_is_too_long_is_found(tmp_path: Path) -> None:
    many = ", ".join(f"a{i}" for i in range(9))
    code = tmp_path / "code"
    code.mkdir()
    (code / "toy.py").write_text(
        f"def f({many}): ...\ndef g(*, {many}): ...\ndef pool(*, {many}): ...\nf({many})\n"
    )
    listed = too_long(tmp_path, ("code",))
    assert listed == [
        "code/toy.py: f has 9 parameters",
        "code/toy.py: g has 9 parameters",
        "code/toy.py:4: 9 places in a call",
    ]
