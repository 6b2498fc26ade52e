"""What a user must hand to a public function is public itself."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

import retrostats as rs


def _named(module: Any, name: str) -> Any:
    """What a name of an annotation stands for, whether imported for running or for types only."""
    if hasattr(module, name):
        return getattr(module, name)
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return getattr(import_module(node.module), alias.name, None)
    return None


def _functions(public: Any) -> Iterator[Any]:
    """A function, or the constructor and the public methods of a class that users call."""
    if inspect.isfunction(public):
        yield public
    elif inspect.isclass(public):
        yield from (
            member
            for name, member in vars(public).items()
            if inspect.isfunction(member) and not name.startswith("_")
        )


def not_public(public: Any, names: set[str]) -> set[str]:
    """Classes of the package in the parameters of a public name that are not among `names`."""
    found = set()
    for function in _functions(public):
        module = sys.modules[inspect.unwrap(function).__module__]
        for parameter in inspect.signature(function).parameters.values():
            annotation = parameter.annotation
            for name in re.findall(r"[A-Z]\w+", annotation if isinstance(annotation, str) else ""):
                kind = _named(module, name)
                ours = inspect.isclass(kind) and kind.__module__.startswith("retrostats")
                if ours and not getattr(kind, "_is_protocol", False) and name not in names:
                    found.add(f"{function.__qualname__}({parameter.name}=): {name}")
    return found


@pytest.mark.parametrize("name", [n for n in rs.__all__ if n != "__version__"])
def test_what_a_public_name_takes_is_public(name: str) -> None:
    assert not_public(getattr(rs, name), set(rs.__all__)) == set()


def test_what_is_not_public_is_found() -> None:
    names = set(rs.__all__) - {"Evidence", "Claim"}
    found = not_public(rs.judge, names)
    assert found == {"judge(claim=): Claim", "judge(evidence=): Evidence"}


def test_a_verdict_is_reached_with_public_names_alone() -> None:
    claim = rs.Claim(
        "e", "about 30% more", "post", "core", "a", "s", "q", "ratio", "ratio",
        1.0, "above", 1.25, 1.35, "rounds to 30", "",
    )  # fmt: skip
    explored = rs.explore(lambda v: (v["m"], v["m"] - 0.02, v["m"] + 0.02), {"m": (1.28, 1.32)},
                          draws=64)  # fmt: skip
    by_measure = rs.judge(claim, [rs.Evidence("oxygen uptake", explored, explored)])
    by_choice = rs.judge(claim, [rs.Candidate(rs.Interval(1.3, 1.27, 1.33), {"r": 0.5})])
    assert by_measure.direction.label == by_choice.direction.label == "supported"
