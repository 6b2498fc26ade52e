"""Means on the scale of the outcome, where numbers are held, and predictions with weights."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from doors.models import evaluate_expression as evaluate
from doors.models import scale_of

import retrostats as rs
from retrostats import InputError

#: The inverse of an expression gives its argument back but for rounding.
ROUNDING = 1e-9
#: Central differences with a step of 1e-6.
DIFFERENCE = 1e-4

Y = {"y": np.array([0.7, 1.3, 2.0, 5.0])}
#: Expressions, and whether differences are logarithms of ratios of y.
INVERTED = {
    "log(y)": True, "log2(y)": True, "log10(2*y)": True, "log(2*y)": True, "log(3/y)": True,
    "I(log(y) + 1)": True, "I(2*log(y) - 1)": True, "I(1 - log(y))": True, "log(sqrt(y))": True,
    "log2(y**3)": True, "log(y/1000)": True, "log(exp(1)*y)": True, "I(log(y)/log(2))": True,
    "log(y+1)": False, "log(y + 10)": False, "log(10 - y)": False, "log(log(y+1))": False,
    "sqrt(y+0.5)": False, "sqrt(2*y)": False, "sqrt(log(y+1))": False, "exp(-y/10)": False,
    "I(y**2)": False, "I(y^3)": False, "I((y-9)**2)": False, "I((y-2.5)**3)": False,
    "I(1/y)": False, "I(1/(y-9))": False, "I(-2/(y+1))": False, "I(100*y)": False, "I(-y)": False,
    "I(3-y)": False, "I(-(1-2*y))": False,
}  # fmt: skip


@pytest.mark.parametrize(("outcome", "ratio"), INVERTED.items())
def test_the_whole_expression_is_inverted(outcome: str, ratio: bool) -> None:
    outcome = outcome.replace("^", "**")
    scale, value, h = scale_of(outcome, "response", Y), evaluate(outcome, Y), 1e-6
    np.testing.assert_allclose(scale.inverse(value), Y["y"], rtol=ROUNDING)
    change = (scale.inverse(value + h) - scale.inverse(value - h)) / (2 * h)
    np.testing.assert_allclose(scale.slope(value), change, rtol=DIFFERENCE)
    assert scale.logarithm == ratio
    if ratio:
        difference = pd.DataFrame({"estimate": [value[1] - value[0]], "std_error": 0.1})
        both = difference.assign(conf_low=difference["estimate"], conf_high=difference["estimate"])
        assert scale.ratios(both)["estimate"].item() == pytest.approx(Y["y"][1] / Y["y"][0])


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        ("center(y)", r"no way back from center\(\)"), ("scale(log(y))", "scale"),
        ("log(y/z)", "y, z in 2 places"), ("I(y*y)", "in 2 places"), ("log(y + y)", "in 2 places"),
        ("I((y-1)**2)", "both signs"), ("I(1/(y-1))", "both signs"), ("I(0*y)", "is 0"),
        ("I(1/w)", "does not hold rows"), ("log(log(1))", "0 places"),
    ],
)  # fmt: skip
def test_without_a_way_back_it_is_refused(outcome: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        scale_of(outcome, "response", {**Y, "z": Y["y"]})
    assert not scale_of(outcome, "link").back


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng, n = np.random.default_rng(1), 120
    frame = pd.DataFrame({"g": np.repeat(np.arange(15), 8), "arm": np.tile(list("ab"), 60)})
    frame["x"], frame["smoker"] = rng.normal(size=n), rng.integers(0, 2, n)
    frame["w"] = rng.uniform(0.5, 4, n)
    level = 20 + rng.normal(size=15)[frame["g"]]
    return frame.assign(y=level + frame["x"] + rng.normal(size=n) / np.sqrt(frame["w"]))


@pytest.mark.parametrize(
    ("outcome", "inverse"),
    [
        ("log(y + 10)", lambda v: np.exp(v) - 10), ("sqrt(y + 0.5)", lambda v: v**2 - 0.5),
        ("log(2 * y)", lambda v: np.exp(v) / 2), ("I(log(y) + 1)", lambda v: np.exp(v - 1)),
        ("I(1 / y)", lambda v: 1 / v), ("I(y^2)", np.sqrt), ("y", lambda v: v),
    ],
)  # fmt: skip
def test_marginal_means_of_a_transformed_outcome(rows, outcome: str, inverse) -> None:
    fit = rs.lmm(f"{outcome} ~ arm + x + (1 | g)", rows)
    link, means = (fit.emmeans("arm", type=t).table for t in ("link", "response"))
    np.testing.assert_allclose(means["estimate"], inverse(link["estimate"]), rtol=ROUNDING)
    assert means["estimate"].between(19, 22).all()
    ends = np.sort(inverse(link[["conf_low", "conf_high"]].to_numpy()), axis=1)
    np.testing.assert_allclose(means[["conf_low", "conf_high"]], ends, rtol=ROUNDING)
    assert (means["p_value"] == link["p_value"]).all()


def test_pairs_are_ratios_after_a_logarithm_alone(rows: pd.DataFrame) -> None:
    for outcome in ("log(y)", "log(2 * y)", "log10(y)", "I(3 * log(y) + 1)"):
        pairs = rs.lmm(f"{outcome} ~ arm + (1 | g)", rows).emmeans("arm", type="response").pairs()
        plain = rs.lmm("log(y) ~ arm + (1 | g)", rows).emmeans("arm", type="response").pairs()
        assert pairs["term"].item() == "a / b"
        np.testing.assert_allclose(pairs["conf_low"], plain["conf_low"], rtol=1e-6)
    pairs = rs.lmm("log(y + 1) ~ arm + (1 | g)", rows).emmeans("arm", type="response").pairs()
    assert pairs["term"].item() == "a - b"


def test_where_numbers_stand_is_said(rows: pd.DataFrame) -> None:
    fit = rs.lmm("y ~ arm + x + smoker + (1 | g)", rows)
    means = fit.emmeans("arm")
    share = rows["smoker"].mean()
    assert means.held == {"x": pytest.approx(rows["x"].mean()), "smoker": pytest.approx(share)}
    assert means.mixed == ("smoker",)
    for text in (repr(means), means._repr_html_()):
        assert f"smoker = {share:.4g}" in text
        assert "smoker is 0 or 1 in the data" in text
    at = fit.emmeans("arm", at={"smoker": 1})
    assert at.held["smoker"] == 1
    assert at.mixed == ()
    assert "0 or 1" not in repr(at)
    assert fit.emmeans(["arm", "smoker"], at={"smoker": [0, 1], "x": 0}).held == {"x": 0.0}
    counts = rs.glmm("n ~ arm + smoker + (1 | g)", rows.assign(n=np.arange(120) % 7))
    assert "smoker is 0 or 1 in the data" in repr(counts.emmeans("arm"))


@pytest.mark.parametrize("residual", [None, "arm"])
def test_rows_predicted_anew_are_as_fitted(rows: pd.DataFrame, residual: str | None) -> None:
    """The interval of a new observation took weight 1 where the fitted row had its own."""
    formula = "y ~ arm + x + (x | g)"
    named = rs.lmm(formula, rows, weights="w", residual=residual)
    listed = rs.lmm(formula, rows, weights=rows["w"].to_numpy(), residual=residual)
    for new in (named.predict(rows), listed.predict(rows, weights="w"),
                listed.predict(rows, weights=rows["w"])):  # fmt: skip
        np.testing.assert_allclose(new, named.predict(), rtol=1e-8)
    one = named.predict(rows.drop(columns="w"))
    pd.testing.assert_frame_equal(one, named.predict(rows.assign(w=1.0)))
    pd.testing.assert_frame_equal(one, named.predict(rows, weights=np.ones(len(rows))))
    gone = named.predict(rows.assign(w=rows["w"].where(rows.index > 0)))
    assert gone["pred_low"].isna().tolist() == [True, *[False] * 119]


def test_weights_of_new_rows_are_checked(rows: pd.DataFrame) -> None:
    fit = rs.lmm("y ~ arm + (1 | g)", rows, weights="w")
    with pytest.raises(InputError, match="weight in row 0 is 0"):
        fit.predict(rows.assign(w=0.0))
    with pytest.raises(InputError, match="one number a row"):
        fit.predict(rows, weights=[1.0])
    with pytest.raises(InputError, match="those of newdata"):
        fit.predict(weights="w")
