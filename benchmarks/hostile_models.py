"""Formulas and tables that once broke `lmm` or `glmm`, each a script of its own."""

from __future__ import annotations

_HEAD = """
import numpy as np, pandas as pd, retrostats as rs
from retrostats.common.exit_codes import ended
rng = np.random.default_rng(1)
n = 200
d = pd.DataFrame({{"g": np.arange(n) % 20, "x": rng.normal(size=n)}})
d["y"] = d.x + rng.normal(size=20)[d.g] + rng.normal(size=n)
d["k"] = rng.poisson(2.0, n)
def lmm(formula, data=None):
    rs.lmm(formula, d if data is None else data).coefficients
    return 0
def glmm(formula):
    rs.glmm(formula, d, family="poisson").coefficients
    return 0
def work():
{body}
raise SystemExit(ended(work))
"""


def _script(*lines: str) -> str:
    return _HEAD.format(body="\n".join(f"    {line}" for line in lines))


_COPIES = " + ".join(f"x{i}" for i in range(20))
EITHER, REFUSED, RIGHT = (0, 2), (2,), (0,)

#: What it is: what happened before, how it may end now, and the script.
MODELS: dict[str, tuple[str, tuple[int, ...], str]] = {
    f"{call}: {term}": ("traceback", REFUSED, _script(f"return {call}('{y} ~ {term} + (1 | g)')"))
    for call, y in (("lmm", "y"), ("glmm", "k"))
    for term in ("I(1)", "log(1)", "x^2")
} | {
    "cells that are lists": ("traceback", REFUSED, _script(
        "d['x'] = [[1]] * n", "return lmm('y ~ x + (1 | g)')")),
    "integers of 400 digits": ("traceback", REFUSED, _script(
        "d['x'] = [10**400 + i for i in range(n)]", "return lmm('y ~ x + (1 | g)')")),
    "a million levels in the fixed part": ("memory", REFUSED, _script(
        "m = 10**6", "f = pd.DataFrame({'g': np.arange(m) % 20, 'y': rng.normal(size=m)})",
        "f['a'] = np.arange(m).astype(str)", "return lmm('y ~ a + (1 | g)', f)")),
    "twenty copies of one slope": ("211 s", EITHER, _script(
        "for i in range(20): d[f'x{i}'] = d.x", f"return lmm('y ~ x + ({_COPIES} | g)')")),
    "an outcome at 1e-160": ("silent NaN", EITHER, _script(
        "d['y'] *= 1e-160", "f = rs.lmm('y ~ x + (1 | g)', d)",
        "assert np.isfinite(f.coefficients.select_dtypes(float).to_numpy()).all()", "return 0")),
    "a covariate at 1e-160": ("silent NaN", EITHER, _script(
        "d['x'] *= 1e-160", "f = rs.lmm('y ~ x + (1 | g)', d)",
        "assert np.isfinite(f.coefficients.select_dtypes(float).to_numpy()).all()", "return 0")),
    "an interaction of groups beyond 64 bits": ("a wrong number", EITHER, _script(
        "m = 2000", "f = pd.DataFrame({c: rng.permutation(m) for c in 'abcdefg'})",
        "f = pd.concat([f, f], ignore_index=True)",
        "f['y'] = rng.normal(size=m)[np.arange(2 * m) % m] + rng.normal(size=2 * m)",
        "a = rs.lmm('y ~ 1 + (1 | a:b:c:d:e:f:g)', f).coefficients.std_error.iloc[0]",
        "b = rs.lmm('y ~ 1 + (1 | a)', f).coefficients.std_error.iloc[0]",
        "assert abs(a / b - 1) < 1e-9, (a, b)", "return 0")),
}  # fmt: skip
