"""Mutation score of judge, reduce, pool and unprinted: does a test fail when a line is wrong?

python -m benchmarks.mutation [--sample N] [--seed S] [--only judge] [--out FILE]

Each mutant changes one place of one file of a copy of the tree, and the tests of its package run
until the first failure. Operators: a comparison becomes its neighbour (< <=, > >=, == !=, in not
in, is is not); + and - change places, * and / change places, ** becomes *; `and` and `or` change
places; `not x` becomes x; a number becomes itself + 1; True and False change places; the argument
of return becomes None where the function returns something; min and max, any and all change places.
Places in docstrings, annotations, messages of errors and `if TYPE_CHECKING` are left out. The score
is killed / all tried; a run longer than the limit counts as killed. A small sample says only that
most mutants are killed, not which part of a package is badly tested.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: What is mutated, and the tests that must notice.
TESTS = {
    "judge": (
        "test_verdict",
        "test_verdict_measures",
        "test_certainty",
        "test_measures",
        "test_paper_tables",
        "test_cohort",
    ),
    "reduce": ("test_reported", "test_sources", "studies"),
    "pool": (
        "test_pooling",
        "test_pool_small",
        "test_pool_batch",
        "test_few_studies",
        "test_known_variances",
        "test_one_stage_people",
    ),
    "unprinted": (
        "test_measures",
        "test_exploration",
        "test_exploration_draws",
        "test_unknowns",
        "test_extremes",
        "test_sources",
    ),
}
LIMIT_S = 150.0
COMPARE = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
ARITHMETIC = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
}  # fmt: skip
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed place: file, line, what it was and what it became, and the whole new text."""

    path: Path
    line: int
    was: str
    became: str
    text: str


def mutants(path: Path) -> Iterator[Mutant]:
    """Every mutant of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for number, node in enumerate(places(tree)):
        for variant in range(len(changes(node))):
            other = copy.deepcopy(tree)
            target = list(places(other))[number]
            before = ast.unparse(target)
            changes(target)[variant]()
            yield Mutant(path, target.lineno, before, ast.unparse(target), ast.unparse(other))


def places(tree: ast.AST) -> Iterator[ast.AST]:
    """Nodes that run and decide something, in the order of the text."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Raise | ast.ImportFrom | ast.Import):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.JoinedStr):
            continue
        if isinstance(node, ast.FunctionDef):
            yield from places(ast.Module(body=node.body, type_ignores=[]))
            continue
        if isinstance(node, ast.AnnAssign):
            if node.value is not None:
                yield from places(ast.Module(body=[ast.Expr(node.value)], type_ignores=[]))
            continue
        if hasattr(node, "lineno") and changes(node):
            yield node
        yield from places(node)


def changes(node: ast.AST) -> list:
    """What can be done to a node, as functions that do it."""

    def put(name: str, value: object):
        return lambda: setattr(node, name, value)

    match node:
        case ast.Compare(ops=[op]) if type(op) in COMPARE:
            return [put("ops", [COMPARE[type(op)]()])]
        case ast.BinOp(op=op) if type(op) in ARITHMETIC and not _text(node):
            return [put("op", ARITHMETIC[type(op)]())]
        case ast.BoolOp(op=op):
            return [put("op", ast.Or() if isinstance(op, ast.And) else ast.And())]
        case ast.UnaryOp(op=ast.Not()):
            return [put("op", ast.UAdd())]  # +x of a truth value is as true as x
        case ast.Constant(value=bool() as value):
            return [put("value", not value)]
        case ast.Constant(value=int() | float() as value):
            return [put("value", value + 1)]
        case ast.Call(func=ast.Name(id=name)) if name in CALLS:
            return [put("func", ast.Name(CALLS[name], ast.Load()))]
        case ast.Return(value=ast.expr()):
            return [put("value", ast.Constant(None))]
    return []


def _text(node: ast.BinOp) -> bool:
    return any(isinstance(part, ast.JoinedStr) for part in ast.walk(node)) or any(
        isinstance(part, ast.Constant) and isinstance(part.value, str) for part in ast.walk(node)
    )


def killed(mutant: Mutant, tree: Path, tests: list[str]) -> bool:
    """Whether a test fails with the mutant in the copy of the tree."""
    target = tree / mutant.path.relative_to(ROOT)
    original = target.read_text(encoding="utf-8")
    target.write_text(mutant.text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command, cwd=tree, capture_output=True, timeout=LIMIT_S, env=environment, check=False
        )
        return done.returncode != 0
    except subprocess.TimeoutExpired:
        return True
    finally:
        target.write_text(original, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutation")
    parser.add_argument("--sample", type=int, default=20, help="mutants a package (all: 0)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=TESTS, action="append")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="a package at most")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", "results", "site")
        shutil.copytree(ROOT, tree, ignore=ignored)
        for package in options.only or TESTS:
            run(package, tree, options)
    return 0


def run(package: str, tree: Path, options: argparse.Namespace) -> None:
    """Try the mutants of one package and print the survivors and the score."""
    files = sorted((ROOT / "retrostats" / package).glob("*.py"))
    every = [m for path in files for m in mutants(path)]
    chosen = list(every)
    random.Random(options.seed).shuffle(chosen)
    chosen = chosen[: options.sample or None]
    names = (f"tests/{n}" if (ROOT / "tests" / n).is_dir() else f"tests/{n}.py"
             for n in TESTS[package])  # fmt: skip
    tests = [*(n for n in names if (ROOT / n).exists()), f"retrostats/{package}"]
    untouched = Mutant(files[0], 0, "", "", files[0].read_text(encoding="utf-8"))
    if killed(untouched, tree, tests):
        raise SystemExit(f"{package}: its tests fail or take too long without any mutant")
    began, dead, tried = time.monotonic(), 0, 0
    for mutant in chosen:
        if time.monotonic() - began > options.seconds:
            break
        tried += 1
        if killed(mutant, tree, tests):
            dead += 1
        else:
            where = f"{mutant.path.relative_to(ROOT)}:{mutant.line}"
            print(f"  survived  {where}  {mutant.was}  ->  {mutant.became}", flush=True)
    print(f"{package}: {dead} of {tried} killed; {len(every)} mutants in all", flush=True)


if __name__ == "__main__":
    sys.exit(main())
