"""Each step of a kernel names its equation, and docs/mathematics.md has it."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "retrostats" / "models"
TAG = re.compile(r"\\tag\{(\w+)\}")
NAMED = re.compile(r"\beqs?\. ((?:P?\d+[a-z]?(?:-| and |, )?)+)")
#: Where numbers are made. A file here that names no equation has lost its comments.
KERNELS = (
    "linear/homoscedastic/criterion.py",
    "linear/homoscedastic/block_sums.py",
    "linear/homoscedastic/pair_sums.py",
    "linear/homoscedastic/scalar.py",
    "linear/homoscedastic/kenward_roger.py",
    "linear/homoscedastic/residual_sums.py",
    "linear/homoscedastic/satterthwaite.py",
    "linear/heteroscedastic/criterion.py",
    "linear/heteroscedastic/inference.py",
    "linear/heteroscedastic/low_rank.py",
    "linear/known_variance/criterion.py",
    "linear/known_variance/sandwich.py",
    "linear/crossed/criterion.py",
    "linear/crossed/inference.py",
    "linear/batch/criterion.py",
    "linear/batch/draws.py",
    "linear/batch/inference.py",
    "linear/moments/patterns.py",
    "counts/laplace.py",
    "counts/pirls.py",
    "counts/quadrature.py",
    "counts/study_levels.py",
)


def tags(text: str) -> list[str]:
    """Numbers of equations in their order."""
    return TAG.findall(text)


def named(source: str) -> Iterator[str]:
    """Numbers that comments name, both ends of a range."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            for numbers in NAMED.findall(token.string):
                yield from re.findall(r"P?\d+[a-z]?", numbers)


KNOWN = tags((ROOT / "docs" / "mathematics.md").read_text(encoding="utf-8"))


def test_every_equation_that_a_comment_names_exists() -> None:
    wrong = {
        str(path.relative_to(MODELS)): missing
        for path in sorted(MODELS.rglob("*.py"))
        if (missing := sorted(set(named(path.read_text(encoding="utf-8"))) - set(KNOWN)))
    }
    assert wrong == {}


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_names_its_equations(name: str) -> None:
    assert list(named((MODELS / name).read_text(encoding="utf-8")))


def test_numbers_are_read_from_comments_alone() -> None:
    source = 'x = 1  # eqs. 3-5, and eq. P1a\n"""Kenward and Roger, eq. 99"""\n# eqs. 24b and 7\n'
    assert list(named(source)) == ["3", "5", "P1a", "24b", "7"]
