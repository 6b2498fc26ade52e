"""No module of the package needs another that needs it back, lazily or not."""

from __future__ import annotations

from pathlib import Path

from imports import cycles, import_graph

PACKAGE = Path(__file__).parents[1] / "retrostats"
MODELS = "retrostats.models."
#: A value whose arithmetic stands in files of its own, which name its type.
VALUES = [
    [f"{MODELS}linear.moments.{name}" for name in ("cells", "moments", "release")],
]


def _package(folder: Path, **modules: str) -> Path:
    folder = folder / "toy"
    folder.mkdir()
    for name, text in {"__init__": "", **modules}.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return folder


def test_no_cycle() -> None:
    assert cycles(import_graph(PACKAGE)) == []


def test_a_lazy_cycle_is_found(tmp_path: Path) -> None:
    lazy = "def f():\n    from . import a\n    return a\n"
    folder = _package(tmp_path, a="from toy.b import f\n", b=lazy)
    assert cycles(import_graph(folder)) == [["toy.a", "toy.b"]]


def test_imports_for_types_alone_make_no_cycle(tmp_path: Path) -> None:
    typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import toy.a\n"
    folder = _package(tmp_path, a="import toy.b\n", b=typed)
    assert import_graph(folder)["toy.a"] == {"toy.b"}
    assert cycles(import_graph(folder)) == []
    assert cycles(import_graph(folder, types=True)) == [["toy.a", "toy.b"]]


def test_what_is_asked_of_a_fit_does_not_need_the_fit_that_asks_it() -> None:
    """Not even for its type: a fit can be read without what is asked of it, and the other way."""
    found = cycles(import_graph(PACKAGE, types=True))
    fits = [
        c for c in found if any(n.startswith((f"{MODELS}linear", f"{MODELS}counts")) for n in c)
    ]
    assert fits == VALUES
