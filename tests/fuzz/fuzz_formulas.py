"""Fuzz the formula language: any text gives a fit or a refusal, never another exception.

python tests/fuzz/fuzz_formulas.py [SECONDS]    random texts of the language and beside it, seeded
"""

from __future__ import annotations

import sys
import time
import warnings

import numpy as np
import pandas as pd

import retrostats as rs

#: Pieces of formulas, right and wrong ones.
PIECES = (
    "y", "x", "arm", "time", "subject", "1", "0", "2", "-1", " + ", " - ", " * ", ":", " / ", "^2",
    "**3", "|", "||", "~", "(", ")", ",", "=", "I(", "log(", "exp(", "sqrt(", "center(", "scale(",
    "poly(x, 2)", "poly(", "bs(x, df=4)", "bs(", "ns(x, 3)", "ns(", "C(arm, Sum)", "C(", "factor(",
    "C(arm, Treatment('v'))", "Treatment('", "'", "offset(x)", "offset(", "1e9", "0.5", ".", "_",
    "__import__", "lambda", "{", "[", "\x00", "\n", "%", "(1 | subject)", "(x | subject)",
    "(1 | subject:arm)", "x.y", "None", "True", "if", "\u0435", "\u200b",
)  # fmt: skip


def rows() -> pd.DataFrame:
    """Eight people, two arms, four times."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "subject": np.repeat(list("abcdefgh"), 4), "arm": np.repeat(["u", "v"], 16),
            "time": np.tile([1.0, 2.0, 3.0, 4.0], 8), "x": rng.normal(size=32) + 5,
        }
    )  # fmt: skip
    return frame.assign(y=rng.normal(size=32) + np.repeat(rng.normal(size=8), 4) + 10)


def formula(rng: np.random.Generator) -> str:
    """Half of them begin and end as a formula does, so that what is between is reached."""
    inside = "".join(rng.choice(PIECES, rng.integers(1, 9)))
    return f"y ~ {inside} + (1 | subject)" if rng.random() < 0.6 else inside


def run(text: str, data: pd.DataFrame) -> bool:
    """True when the formula was fitted, False when it was refused."""
    try:
        rs.lmm(text, data).coefficients  # noqa: B018
    except rs.RetrostatsError:
        return False
    return True


if __name__ == "__main__":
    end = time.monotonic() + float(sys.argv[1] if len(sys.argv) > 1 else 60)
    generator, table = np.random.default_rng(20261128), rows()
    fitted = tried = 0
    warnings.simplefilter("error")
    while time.monotonic() < end:
        text = formula(generator)
        tried += 1
        try:
            fitted += run(text, table)
        except Exception as error:
            print(f"{type(error).__name__}: {error} <- {text!r}", flush=True)
    print(f"{tried} formulas, {fitted} fitted")
