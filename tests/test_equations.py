"""Each step of a kernel names its equation, and docs/mathematics.md has it."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "retrostats"
TAG = re.compile(r"\\tag\{(\w+)\}")
NAMED = re.compile(r"\beqs?\. ((?:P?\d+[a-z]?(?:-| and |, )?)+)")
#: Where numbers are made. A file here that names no equation has lost its comments.
KERNELS = (
    "models/linear/homoscedastic/criterion.py",
    "models/linear/homoscedastic/block_sums.py",
    "models/linear/homoscedastic/pair_sums.py",
    "models/linear/homoscedastic/scalar.py",
    "models/linear/homoscedastic/kenward_roger.py",
    "models/linear/homoscedastic/residual_sums.py",
    "models/linear/homoscedastic/satterthwaite.py",
    "models/linear/heteroscedastic/criterion.py",
    "models/linear/heteroscedastic/inference.py",
    "models/linear/heteroscedastic/low_rank.py",
    "models/linear/heteroscedastic/studies/bordered.py",
    "models/linear/heteroscedastic/studies/criterion.py",
    "models/linear/heteroscedastic/studies/inference.py",
    "models/linear/batch/wide.py",
    "models/linear/known_variance/criterion.py",
    "models/linear/known_variance/sandwich.py",
    "models/linear/crossed/criterion.py",
    "models/linear/crossed/inference.py",
    "models/linear/crossed/pairs.py",
    "models/linear/batch/criterion.py",
    "models/linear/batch/draws.py",
    "models/linear/batch/inference.py",
    "models/linear/moments/patterns.py",
    "models/counts/laplace.py",
    "models/counts/pirls.py",
    "models/counts/quadrature.py",
    "models/counts/study_levels.py",
    "models/counts/blocks.py",
    "models/counts/problem.py",
    "models/linear/crossed/factor.py",
    "models/linear/repeated/criterion.py",
    "models/linear/repeated/inference.py",
    "models/linear/streamed/crossproducts.py",
    "models/meta/batch.py",
    "models/meta/henmi_copas.py",
    "models/meta/heterogeneity.py",
    "models/meta/one_stage.py",
    "models/meta/prediction.py",
    "evidence/unreported/influence.py",
    "evidence/unreported/likelihood.py",
    "evidence/unreported/ridges.py",
    "evidence/unreported/unknowns.py",
)


def tags(text: str) -> list[str]:
    """Numbers of equations in their order."""
    return TAG.findall(text)


def named(source: str) -> Iterator[str]:
    """Numbers that comments name, both ends of a range."""
    if not NAMED.search(source):  # nor in a comment of it
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            for numbers in NAMED.findall(token.string):
                yield from re.findall(r"P?\d+[a-z]?", numbers)


KNOWN = tags((ROOT / "docs" / "mathematics.md").read_text(encoding="utf-8"))


def test_every_equation_that_a_comment_names_exists() -> None:
    wrong = {
        str(path.relative_to(PACKAGE)): missing
        for path in sorted(PACKAGE.rglob("*.py"))
        if (missing := sorted(set(named(path.read_text(encoding="utf-8"))) - set(KNOWN)))
    }
    assert wrong == {}


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_names_its_equations(name: str) -> None:
    assert list(named((PACKAGE / name).read_text(encoding="utf-8")))


def test_numbers_are_read_from_comments_alone() -> None:
    source = 'x = 1  # eqs. 3-5, and eq. P1a\n"""Kenward and Roger, eq. 99"""\n# eqs. 24b and 7\n'
    assert list(named(source)) == ["3", "5", "P1a", "24b", "7"]
