# ruff: noqa: E501  (one row of a constructed table a line)
"""Constructed frames with the columns of a replication, numbers in the ballpark of the real ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from doors.audit import summary_frame
from doors.common import Post

NAN = float("nan")
ESTIMATE = {
    "analysis": "", "estimate_id": "", "claim_id": "", "study_id": "", "label": "", "quantity": "",
    "role": "printed", "directness": "direct", "scale": "ratio", "unit": "ratio backward / forward",
    "estimate": NAN, "std_error": NAN, "df": NAN, "conf_low": NAN, "conf_high": NAN,
    "pred_low": NAN, "pred_high": NAN, "n": NAN, "gait": "", "speed_m_s": NAN, "gradient_pct": NAN,
    "reading": "", "group": "", "pooled": False, "excluded": False, "sens_low": NAN, "sens_high": NAN,
    "unknown": "", "assumptions": "", "source_rows": "", "note": "",
}  # fmt: skip


def _row(analysis: str, key: str, label: str, numbers: tuple[float, ...], **more: Any) -> dict:
    names = ("estimate", "conf_low", "conf_high", "sens_low", "sens_high", "n")
    values = dict(zip(names, numbers, strict=False))
    return {**ESTIMATE, "analysis": analysis, "estimate_id": key, "label": label,
            "source_rows": "r1; r2", **values, **more}  # fmt: skip


def estimates() -> pd.DataFrame:
    cost = {"quantity": "metabolic_rate_ratio", "claim_id": "energy_30", "group": "Running"}
    walk = {"quantity": "metabolic_rate_ratio", "group": "Walking (never pooled with running)"}
    load = {"quantity": "patellofemoral_force_ratio", "directness": "joint load, not ligament"}
    rate = {"quantity": "injury_rate_ratio", "scale": "rate_ratio", "unit": "rate ratio"}
    fat = {
        "quantity": "body_fat_change",
        "scale": "difference",
        "claim_id": "body_fat_6wk",
        "group": "Backward",
    }
    forward = {
        "quantity": "body_fat_change",
        "scale": "difference",
        "group": "Forward, other trials",
    }
    verified, other = (
        {"group": "Programmes documented to contain backward running"},
        {"group": "Programmes in which it was not verified"},
    )
    points, share = "percentage points of body mass", "% of the body fat"
    r = "correlation between directions"
    rows = [
        _row("metabolic-cost", "mc-williford", "Williford 1998, run 2.24 m/s",
             (1.154, 1.05, 1.27, 1.02, 1.31, 13), role="model", pooled=True, unknown=r, std_error=0.044, df=12.0,
             assumptions="r-williford", **cost),
        _row("metabolic-cost", "mc-bws", "Body-weight-support study, 0%",
             (1.289, 1.11, 1.49, 1.05, 1.58, 13), role="model", pooled=True, unknown=r, **cost),
        _row("metabolic-cost", "mc-wright", "Wright & Weyand 2001, run", (1.35, 1.16, 1.54, NAN, NAN, 4), pooled=True, **cost),
        _row("metabolic-cost", "mc-rasica", "Rasica 2020, run, mean of 6 grades", (1.35, NAN, NAN, NAN, NAN, 8), excluded=True, **cost),
        _row("metabolic-cost", "mc-wegner", "Record holder, one person, press", (1.2047, NAN, NAN, NAN, NAN, 1), excluded=True, **cost),
        _row("metabolic-cost", "mc-words", "Paes 2016, printed in words", (NAN, NAN, NAN, 0.65, 1.54, 10), excluded=True, **cost),
        _row("metabolic-cost", "mc-pool", "Pool, running", (1.246, 1.02, 1.52, 0.97, 1.60), role="pooled",
             pred_low=0.84, pred_high=1.85, **cost),
        _row("metabolic-cost", "mc-one-stage", "One stage, printed cells", (1.22, 1.12, 1.33, NAN, NAN, 26), role="one-stage", **cost),
        _row("metabolic-cost", "mc-williford-walk", "Williford 1998, walk 1.34 m/s", (1.284, 1.17, 1.41, 1.12, 1.47, 13), role="model", unknown=r, **walk),
        _row("metabolic-cost", "mc-kimchoi", "Kim & Choi 2001, walk", (1.484, NAN, NAN, NAN, NAN, 20), excluded=True, **walk),
        _row("ligament-injury", "li-roos", "Roos 2012, same speed", (0.756, 0.63, 0.91, 0.58, 0.98, 20), role="model", pooled=True, unknown=r, **load),
        _row("ligament-injury", "li-flynn", "Flynn 1995, own speed", (0.536, 0.38, 0.75, 0.33, 0.87, 5), role="model", pooled=True, unknown=r, **load),
        _row("ligament-injury", "li-odu", "Thesis 1998, 1.0 m/s", (1.029, NAN, NAN, NAN, NAN, 10), excluded=True, **load),
        _row("ligament-injury", "li-load-pool", "Pool, joint load", (0.66, 0.08, 5.4, 0.03, 16.0), role="pooled", unknown=r, **load),
        _row("ligament-injury", "li-acceleration", "Cavagna 2012, peak acceleration", (1.189, 1.14, 1.24, 1.12, 1.26, 9),
             quantity="peak_acceleration_ratio", directness="impact of the body, not ligament", unknown="df behind the printed p"),
        _row("ligament-injury", "li-heart-rate", "Williford 1998, heart rate, run", (1.13, 1.06, 1.2, 1.04, 1.22, 13), role="model",
             quantity="heart_rate_ratio", directness="heart rate", unknown=r),
        _row("ligament-injury", "li-silvers", "Silvers-Granelli 2015, 11+", (0.538, 0.45, 0.65, NAN, NAN, 1525), role="recomputed", pooled=True, **rate, **verified),
        _row("ligament-injury", "li-soligard", "Soligard 2008, 11+", (0.68, 0.48, 0.98, NAN, NAN, 1892), pooled=True, **rate, **verified),
        _row("ligament-injury", "li-sportsmetrics", "Sportsmetrics 2015, ACL", (0.128, 0.017, 0.98, NAN, NAN, 1500), role="recomputed", excluded=True, **rate, **other),
        _row("ligament-injury", "li-walden", "Walden 2012, ACL", (0.42, 0.17, 1.04, NAN, NAN, 4564), role="recomputed", excluded=True, **rate, **other),
        _row("ligament-injury", "li-programme-pool", "Pool, programmes with backward running", (0.57, 0.13, 2.5), role="pooled", **rate, group="Together"),
        _row("ligament-injury", "li-counts", "All counts over time, one model", (0.5, 0.31, 0.8), role="one-stage", **rate, group="Together"),
        _row("body-fat", "bf-points-within", "Terblanche 2005, backward, p within the training group", (-2.4, -4.11, -0.69, -4.5, -0.3, 13),
             role="model", unit=points, unknown="rounding of p", reading=f"2.4% as {points}", **fat),
        _row("body-fat", "bf-points-between", "Terblanche 2005, backward, p against the control", (-2.4, -4.17, -0.63, -4.4, -0.4, 26),
             role="model", unit=points, unknown="rounding of p", reading=f"2.4% as {points}", **fat),
        _row("body-fat", "bf-relative-within", "Terblanche 2005, backward, p within the training group", (-2.4, -4.11, -0.69, -4.5, -0.3, 13),
             role="model", unit=share, unknown="rounding of p", **fat),
        _row("body-fat", "bf-hazell-points", "Hazell 2014, forward sprints", (-1.7, -2.6, -0.8, -2.9, -0.5, 15), role="recomputed",
             unit=points, unknown="correlation of fat and lean changes", **forward),
        _row("body-fat", "bf-hazell-relative", "Hazell 2014, forward sprints", (-6.9, -10.5, -3.3, -11.7, -2.1, 15), role="recomputed",
             unit=share, **forward),
        _row("body-fat", "bf-macpherson", "Macpherson 2011, forward steady running", (-5.8, NAN, NAN, NAN, NAN, 10), excluded=True,
             unit=share, **forward),
        _row("body-fat", "bf-more-points", "Backward minus forward, indirect", (-0.7, -2.6, 1.2, -3.3, 1.9), role="model",
             quantity="body_fat_difference", scale="difference", unit=points, claim_id="more_than_forward", directness="indirect, two trials"),
        _row("body-fat", "bf-more-relative", "Backward minus forward, indirect", (4.5, 0.9, 8.1, -0.1, 9.0), role="model",
             quantity="body_fat_difference", scale="difference", unit=share, claim_id="more_than_forward", directness="indirect, two trials"),
    ]  # fmt: skip
    return pd.DataFrame(rows)


def sensitivity() -> pd.DataFrame:
    rows = []
    sweeps = (
        ("metabolic-cost", "mc-williford", "Williford 1998, run 2.24 m/s", "energy_30", 1.154, "ratio"),
        ("metabolic-cost", "mc-bws", "Body-weight-support study, 0%", "", 1.289, "ratio"),
        ("metabolic-cost", "mc-pool", "Pool, running", "energy_30", 1.246, "ratio"),
        ("body-fat", "bf-more-points", "Backward minus forward, points", "more_than_forward", -0.7, "difference"),
    )  # fmt: skip
    for analysis, key, label, claim, centre, scale in sweeps:
        for r in np.linspace(-0.4, 0.95, 13):
            half = 0.19 * np.sqrt(1 - r)
            low, high = (centre * np.exp(-half), centre * np.exp(half)) if scale == "ratio" else (
                centre - 8 * half, centre + 8 * half)  # fmt: skip
            null = 1.0 if scale == "ratio" else 0.0
            rows.append({
                "analysis": analysis, "estimate_id": key, "label": label, "claim_id": claim,
                "unknown": f"correlation between directions, {key}", "unknown_value": r,
                "unknown_text": f"{r:.2f}", "estimate": centre, "conf_low": low, "conf_high": high,
                "scale": scale, "unit": "Ratio backward / forward" if scale == "ratio" else "Difference",
                "verdict_direction": ("supported" if not low < null < high else "open") if claim else "",
                "verdict_size": ("contradicted" if high < 1.25 else "open") if claim == "energy_30" else "",
            })  # fmt: skip
    return pd.DataFrame(rows)


def sensitivity_in_words() -> pd.DataFrame:
    return pd.DataFrame({
        "analysis": "body-fat", "estimate_id": "bf", "label": "Terblanche 2005", "claim_id": "",
        "unknown": "what p = 0.01 tests", "unknown_value": NAN,
        "unknown_text": ["within the training group", "against the control"], "estimate": -2.4,
        "conf_low": [-4.1, -4.2], "conf_high": [-0.7, -0.6], "scale": "difference",
        "verdict_direction": "supported", "verdict_size": "open",
    })  # fmt: skip


def verdicts() -> pd.DataFrame:
    texts = (
        ("energy_30", "metabolic-cost", "core", "Running backward takes about 30% more energy than running forward.", "unverified", "supported", "compatible"),
        ("ligament_tears", "ligament-injury", "core", "Running forward tears more ligaments and causes more injuries than running backward.", "not measured by the source", "no evidence", "not claimed"),
        ("body_fat_6wk", "body-fat", "core", "Women students who jogged backward 15 to 45 minutes a day for six weeks lost almost 2.5% body fat.", "drifted", "supported", "compatible"),
        ("more_than_forward", "body-fat", "core", "That is more than they would have lost by running forward.", "not measured by the source", "open", "not claimed"),
        ("pounding", "ligament-injury", "audit", "Running backward means less pounding.", "drifted", "contradicted", "not claimed"),
        ("balance", "body-fat", "audit", "Running and walking backward sharpen balance.", "unverified", "no evidence", "not claimed"),
        ("quoted", "body-fat", "audit", "A claim repeated just as its source says it.", "faithful", "supported", "supported"),
    )  # fmt: skip
    rows = []
    for claim, analysis, role, statement, fidelity, direction, size in texts:
        rows.append({
            "claim_id": claim, "analysis": analysis, "role": role, "statement": statement,
            "attributed_to": "a Milan study, by way of a column", "cited_study": "cavagna2011",
            "fidelity": fidelity, "fidelity_reason": "The source could not be read in full.",
            "direction": direction, "direction_reason": "The interval lies above 1 throughout.",
            "size": size, "size_reason": "The interval overlaps the range and its outside.",
            "certainty_direction": "low", "certainty_direction_why": "imprecision, two levels: wide",
            "certainty_size": "very low" if claim == "energy_30" else "", "certainty_size_why": "",
            "overturned_by": "without Williford 1998, run: 93% instead of 98%" if claim == "energy_30" else "",
            "prob_direction": 0.98 if claim == "energy_30" else NAN, "prob_direction_min": 0.976 if claim == "energy_30" else NAN,
            "prob_direction_max": 0.99 if claim == "energy_30" else NAN, "prob_size": 0.46 if claim == "energy_30" else NAN,
            "prob_size_min": 0.4 if claim == "energy_30" else NAN, "prob_size_max": 0.7 if claim == "energy_30" else NAN,
            "prob_below": 0.45 if claim == "energy_30" else NAN, "prob_above": 0.09 if claim == "energy_30" else NAN,
            "prob_new_study": 0.95 if claim == "energy_30" else NAN,
            "estimate_id": "mc-pool" if claim == "energy_30" else "", "estimate": 1.246 if claim == "energy_30" else NAN,
            "conf_low": 1.02 if claim == "energy_30" else NAN, "conf_high": 1.52 if claim == "energy_30" else NAN,
            "scale": "ratio" if claim == "energy_30" else "none", "unit": "ratio backward / forward",
            "range_low": 1.25 if claim == "energy_30" else NAN, "range_high": 1.35 if claim == "energy_30" else NAN,
            "null_value": 1.0,
        })  # fmt: skip
    return pd.DataFrame(rows)


def claim(**change: Any) -> SimpleNamespace:
    values = {"claim_id": "energy_30", "range_low": 1.25, "range_high": 1.35, "null_value": 1.0,
              "claimed_direction": "above", "scale": "ratio", "unit": ""}  # fmt: skip
    return SimpleNamespace(**values | change)


def claims() -> dict[str, SimpleNamespace]:
    return {
        "energy_30": claim(),
        "more_than_forward": claim(claim_id="more_than_forward", range_low=NAN, range_high=NAN, null_value=0.0, scale="difference"),
    }  # fmt: skip


def claims_table() -> pd.DataFrame:
    base = {"unit": "", "null_value": 1.0, "claimed_direction": "above", "range_low": NAN,
            "range_high": NAN, "range_basis": "", "kind": "causal", "said_by": "the post"}  # fmt: skip
    own = {
        "energy_30": {"range_basis": "rounds to 30", "range_low": 1.25, "range_high": 1.35},
        "balance": {"said_by": "a commenter"},
    }
    return pd.DataFrame([{"claim_id": c, **base, **own.get(c, {})} for c in verdicts()["claim_id"]])


def fidelity() -> pd.DataFrame:
    row = {"claim_id": "energy_30", "element": "the figure", "post_says": "30%",
           "source_says": "no percentage", "agrees": "unknown", "source_rows": "r1"}  # fmt: skip
    return pd.DataFrame([row])


def evidence() -> pd.DataFrame:
    row = {"claim_id": "balance", "row_id": "r2", "bears": "for", "comparison": "a vs b",
           "why": "better in one arm", "direct": "yes"}  # fmt: skip
    return pd.DataFrame([row])


def explorations() -> pd.DataFrame:
    return pd.DataFrame([{
        "analysis": "metabolic-cost", "estimate_id": "mc-pool", "claim_id": "energy_30",
        "measure": "pool", "estimate": 1.246, "conf_low": 0.97, "conf_high": 1.60,
    }])  # fmt: skip


def answers() -> pd.DataFrame:
    row = {"analysis": "metabolic-cost", "claim_id": "energy_30", "measure": "pool",
           "estimate_id": "mc-pool", "estimate": 1.246, "conf_low": 1.02, "conf_high": 1.52,
           "prob_direction": 0.98, "studies": 1, "direction": "supported", "size": "compatible"}  # fmt: skip
    return pd.DataFrame([row])


def certainty() -> pd.DataFrame:
    rows = [
        ("metabolic-cost", "energy_30", "direction", "design", 0, "in the same people"),
        ("metabolic-cost", "energy_30", "direction", "imprecision", 1, "1.02 to 1.52 is wide"),
        ("metabolic-cost", "energy_30", "size", "imprecision", 2, "1.02 to 1.52 is wide"),
    ]
    columns = ["analysis", "claim_id", "side", "domain", "levels", "why"]
    return pd.DataFrame(rows, columns=columns)


def retellings() -> pd.DataFrame:
    none = ("", "")
    rows = [
        ("The abstract", "2005", *none, "control group with unchanged daily activities", "2.4", "percentage body fat", "", "", ""),
        ("Peak Performance", "", "3 a week, 18 sessions", "increased step by step", "control with normal daily activities", "2.4", "percentage body fat", "skinfold fall 19.6 instead of 19.7", "The abstract", "stated"),
        ("Dance Magazine", "2007", "18 sessions", "45", "", "3", "body fat", "2.4 became 3; every session 45 minutes", "Peak Performance", "inferred"),
        ("A newspaper", "2012", "3 a week", "15-45", "", "almost 2.5", "of their body fat", "points became a share", "The abstract", "stated"),
        ("jamalouki.net (لايف-ستايل) 跑步", "", "3 a week", "15-45", "women who kept running forward", "2.5", "of their weight", "comparator invented; fat became weight", "A newspaper", "inferred"),
        ("Lokmat Times", "2025", "each day", "15-45", "", "2.5", "body weight", "3 a week became daily", "A newspaper", "unknown"),
    ]  # fmt: skip
    columns = ["source", "year", "frequency", "minutes", "comparator", "figure_text", "what_lost",
               "changed", "parent", "parent_status"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    frame.insert(0, "order", range(1, len(frame) + 1))
    frame["url"] = "https://example.org/a?b=1&c=2"
    return frame


def sources() -> pd.DataFrame:
    base = {
        "topic": "metabolic_cost", "study_id": "williford1998", "outcome": "vo2_ml_kg_min",
        "outcome_printed": "VO2", "gait": "run", "n": 13.0, "mean": 31.33, "spread": 5.77,
        "spread_text": "5.77", "spread_type": "unlabelled", "unit": "ml/kg/min", "change_text": "",
        "pct_change_text": "", "p_value_text": "", "events": NAN, "exposure": NAN,
        "exposure_unit": "", "ci_low": NAN, "ci_high": NAN, "arm": "", "time": "", "condition": "",
        "independence": "independent", "reading": "printed", "locator": "abstract, Results",
        "source_url": "https://example.org/paper?a=1&b=2", "note": "", "citation": "Williford 1998",
        "year": 1998, "doi": "10.1097/00005768-199809000-00011", "pmid": "9741611",
    }  # fmt: skip
    return pd.DataFrame([
        {**base, "row_id": "r1", "direction": "backward", "mean_text": "31.33"},
        {**base, "row_id": "r2", "direction": "forward", "mean_text": "27.15",
         "source_url": "javascript:alert(1)"},
    ])  # fmt: skip


def replication(drawings: dict[str, Any] | None = None) -> SimpleNamespace:
    """What the report needs of a replication."""
    analyses = [
        {"name": "metabolic-cost", "title": "Metabolic cost", "question": "Is it 30%?", "methods": ["A ratio of rates.", "Pooled."]},
        {"name": "ligament-injury", "title": "Ligament injury", "question": "Does forward tear more?", "methods": ["No study counts them."]},
        {"name": "body-fat", "title": "Body fat in six weeks", "question": "Was it 2.5%?", "methods": ["Both readings."]},
    ]  # fmt: skip
    return SimpleNamespace(
        verdicts=verdicts(), estimates=estimates(), sensitivity=sensitivity(), drawings=drawings or {},
        assumptions=pd.DataFrame([{
            "analysis": "metabolic-cost", "assumption_id": "r-williford", "study_id": "williford1998",
            "kind": "unknown correlation", "statement": "correlation between directions",
            "low": -0.2, "high": 0.95, "why": "not printed; bounded by p", "used_by": "mc-williford",
        }]),
        checks=pd.DataFrame([{
            "analysis": "metabolic-cost", "study_id": "williford1998", "check_id": "c1",
            "quantity": "energy, % more backward", "printed": "21.22", "recomputed": 21.21,
            "low": 21.1, "high": 21.4, "agrees": True, "source_rows": "r1; r2", "note": "",
        }]),
        cross_checks=pd.DataFrame(), summary=summary_frame(verdicts(), estimates(), sources()), sources=sources(),
        studies=pd.DataFrame([{
            "study_id": "williford1998", "citation": "Williford et al. 1998. Title. Journal 30(9):1419",
            "year": 1998, "doi": "10.1097/00005768-199809000-00011", "pmid": "9741611", "design": "crossover",
        }]),
        claims=claims_table(), fidelity=fidelity(), evidence=evidence(), explorations=explorations(), answers=answers(), certainty=certainty(),
        retellings=retellings(), flow=None, risk_of_bias=None, cohorts=None, cohort_shares=None, user_results=None, grids=(), analyses=analyses,
        provenance={"retrostats": "0.1.0", "seed": 20050301, "packages": {"numpy": "2.0"}, "cohorts": []},
        audit=SimpleNamespace(title="Backward running: claimed, measured", subject="backward running",
                              post=Post(name="Should We Walk Backwards?", date="2013-01-02", address="javascript:alert(2)")),
    )  # fmt: skip
