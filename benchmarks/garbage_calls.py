"""Every public function with arguments that are right, and the kinds of garbage for each."""

from __future__ import annotations

import datetime as dt
import math
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

import retrostats as rs
from benchmarks.garbage_kinds import (
    FORMULA,
    MAY,
    MUST,
    NAME,
    NO_TABLE,
    PATH,
    SHARE,
    THING,
    WORD,
    Call,
    Garbage,
    gaps,
    no_array,
    no_count,
    no_number,
    open_end,
    spoilt,
)  # fmt: skip
from benchmarks.garbage_tables import (
    ARMS,
    CELLS,
    COUNTS,
    CROSSOVERS,
    DESIGN,
    EFFECTS,
    MEDIANS,
    PREPOST,
    PRINTED,
    ROWS,
    TRIALS,
    answer,
    bayes,
    breaths,
    claim,
    counts_fit,
    explored,
    fit,
    new_rows,
    of,
    pooled,
    pooled_counts,
    pooled_printed,
    printed_cells,
    saved,
    scratch,
)  # fmt: skip


@cache
def calls() -> dict[str, Call]:
    """Every public function, and the methods that take what users type."""
    v3 = dict.fromkeys(("n", "mean", "sd"), MUST)
    no_truth = [("number", 3, MUST), ("text", "yes", MUST)]
    optional = [g for g in WORD if g[0] != "None"]
    unknown = [("None", None, MUST), ("text", "abc", MUST), ("reversed", {"r": (1, 0)}, MUST),
               ("NaN", {"r": (math.nan, 1)}, MUST), ("words", {"r": ("a", "b")}, MUST),
               ("complex", {"r": (0j, 1j)}, MUST), ("number", 3, MUST), ("three", {"r": (0, 1,
                   2)}, MUST),
               ("dates", {"r": (dt.date(2020, 1, 1), dt.date(2021, 1, 1))}, MUST)]  # fmt: skip
    answers = [("None", None, MUST), ("text", "abc", MUST), ("NaN", lambda v: (math.nan,) * 3,
        MUST),
               ("reversed", lambda v: (0.0, 1.0, -1.0), MUST), ("one", lambda v: 1.0, MUST),
               ("nothing", lambda v: None, MUST), ("text of it", lambda v: "abc", MUST),
               ("complex of it", lambda v: (1j, 1j, 1j), MUST),
               ("dates of it", lambda v: (np.datetime64("2020-01-01"),) * 3, MUST)]  # fmt: skip
    numbers = no_number(below=False, at_zero=MAY)
    return {
        "load_audit": Call(rs.load_audit, {}, {"path": PATH}),
        "load_published": Call(rs.load_published, {}, {"topic": optional, "folder": PATH}),
        "load_claims": Call(rs.load_claims, {}, {}),
        "load_cohort": Call(
            rs.load_cohort, {"path_or_frame": pd.DataFrame({
                "subject": [1, 1, 2, 2, 3, 3], "direction": ["forward", "backward"] * 3,
                "vo2_ml_kg_min": [30.0, 40, 31, 42, 29, 37], "speed_m_s": 2.0})},
            {"path_or_frame": [*PATH, *NO_TABLE],
                "spec": [g for g in PATH if g[0] not in ("empty", "a device")],
             "audit": PATH}),
        "read_cart": Call(rs.read_cart, {"path": breaths()}, {"path": PATH}),
        "load_moments": Call(rs.load_moments, {"path": saved()}, {"path": PATH}),
        "steady_state": Call(
            rs.steady_state, {"cart": pd.DataFrame({
                "time_s": np.arange(0.0, 600, 10), "vo2_ml_min": 1000.0 + np.arange(60) % 3,
                "vco2_ml_min": 850.0})},
            {"cart": NO_TABLE, "window_s": no_number(), "max_change_pct": no_number(),
             "start_s": open_end(), "end_s": open_end(), "speed_m_s": open_end()}),
        "metabolic_rate_w": Call(
            rs.metabolic_rate_w, {"vo2_ml_min": [1000.0, 1100.0], "vco2_ml_min": [850.0, 900.0]},
            {"vo2_ml_min": no_array(2, missing=MAY), "vco2_ml_min": no_array(2, missing=MAY),
             "equation": WORD}),
        "Reported": Call(rs.Reported, {"text": "1.20"}, {"text": [
            (repr(v)[:12], v, MUST) for v in
            (None, 3, 1.5, "", "abc", "1e999", "-1e999", "nan", "inf", "1..2", b"1", [], THING,
                "1 to 2",
             "1,5", "0x10", "1_000", "--1", "1e", " ")]}),
        "Printed": Call(rs.Printed, {"text": "1.20"}, {"text": [
            (repr(v)[:12], v, MUST) for v in (None, 3, "", "abc", "1e999", b"1", [], THING)]}),
        "se_from_p": Call(rs.se_from_p, {"change": -2.4, "p": 0.01, "df": 12}, {
            "change": no_number(below=False), "p": no_number(), "df": [
                g for g in no_number() if g[0] != "inf"]}),
        "r_bounds_from_p": Call(
            rs.r_bounds_from_p,
            {"sd1": 5.8, "sd2": 2.5, "n": 13, "diff": 4.1, "p": 0.01},
            {"sd1": no_number(), "sd2": no_number(), "n": no_count(2), "diff": numbers,
             "p": no_number(at_zero=MAY), "operator": WORD}),
        "forensics": Call(rs.forensics, {"table": TRIALS}, {
            "table": [*NO_TABLE, *((n, t, MAY) for n, t, _ in spoilt(TRIALS, dict.fromkeys(("n",
                "mean", "spread"), MAY)))],
            "integers": [("number", 3, MUST), ("not there", ["nowhere"], MUST), ("text",
                {"rating": "x"}, MUST),
                         ("NaN", {"rating": math.nan}, MUST), ("parts", {"rating": 1.5}, MUST)],
            "binary": [("number", 3, MUST), ("not there", ["nowhere"], MUST)]}),
        "moments": Call(rs.moments, {"formula": "y ~ x + (1 | g)", "data": ROWS}, {
            "formula": FORMULA, "data": [*NO_TABLE, *spoilt(ROWS, {"y": MAY})], "residual": NAME}),
        "moments_from_summary": Call(
            rs.moments_from_summary, {"cells": CELLS, "correlation": 0.9}, {
                "cells": [*NO_TABLE, *spoilt(CELLS, v3)],
                "correlation": [
                    *no_number(below=False, at_zero=MAY), ("2", 2.0, MUST), *no_array(3)],
                "within": NAME, "between": NAME}),
        "moments_prepost": Call(rs.moments_prepost, {"table": PREPOST}, {
            "table": [*NO_TABLE, *spoilt(PREPOST, dict.fromkeys(PREPOST.columns[2:], MUST))]}),
        "moments_arms": Call(rs.moments_arms, {"table": ARMS}, {
            "table": [*NO_TABLE, *spoilt(ARMS, v3)]}),
        "Moments.save": Call(
            lambda **g: rs.moments_arms(ARMS).save(**g), {"path": scratch() / "m.json"},
            {"path": [g for g in PATH if g[0] != "a device"], "min_cell": no_count(1)}),
        "Estimate": Call(
            rs.Estimate, {"value": 0.3, "std_error": 0.1, "df": 3.0, "scale": "difference",
                "unit": "kg"},
            {"value": numbers, "std_error": no_number(),
                "df": [g for g in no_number() if g[0] != "inf"],
             "scale": WORD}),
        "Estimate.interval": Call(
            rs.Estimate(0.3, 0.1, 3.0, "difference", "kg").interval, {}, {"level": SHARE}),
        "lmm": Call(rs.lmm, {"formula": "y ~ x + (1 | g)", "data": ROWS}, {
            "formula": FORMULA, "data": [*NO_TABLE, *spoilt(ROWS, {"y": MAY})],
            "ddf": WORD, "covariance": WORD, "residual": NAME,
            "weights": gaps(10), "variances": gaps(10)}),
        "lmm.predict": Call(of(fit, "predict"), {"newdata": ROWS}, {
            "newdata": new_rows(),
            "level": SHARE}),
        "lmm.emmeans": Call(of(fit, "emmeans"), {"factors": "x", "at": {"x": [0.0]}}, {
            "factors": [g for g in NAME if g[0] != "empty"],
            "at": [("number", 3, MUST), ("words", {"x": "a"}, MUST), ("not there", {"q": 1}, MUST),
                   ("NaN", {"x": math.nan}, MUST), ("complex", {"x": 1j}, MUST),
                   ("None in it", {"x": None}, MUST)],
            "type": WORD, "level": SHARE}),
        "lmm.contrast": Call(of(fit, "contrast"), {"weights": {"x": 1.0}}, {
            "weights": [*no_array(2), ("not there", {"q": 1.0}, MUST), ("complex in it",
                {"x": 1j}, MUST),
                        ("NaN in it", {"x": math.nan}, MUST), ("words in it", {"x": "a"}, MUST)],
            "null": numbers, "level": SHARE}),
        "lmm.conf_int": Call(of(fit, "conf_int"), {"draws": 40}, {
            "method": WORD, "level": SHARE, "draws": [], "seed": []}),
        "lmm.bootstrap": Call(of(fit, "bootstrap"), {"draws": 20, "seed": 1}, {
            "draws": no_count(1), "seed": no_count(0), "jobs": no_count(1)}),
        "lmm.simulate": Call(of(fit, "simulate"), {"draws": 2}, {"draws": no_count(1),
            "seed": no_count(0)}),
        "lmm.refit": Call(of(fit, "refit"), {"data": ROWS["y"].to_numpy()}, {
            "data": [*no_array(10), *(g for g in NO_TABLE if g[0] not in ("None", "text",
                "a set"))]}),
        "lmm.compare": Call(of(fit, "compare"), {"other": rs.lmm("y ~ 1 + (1 | g)", ROWS)}, {
            "other": NO_TABLE}),
        "lmm.anova": Call(of(fit, "anova"), {}, {"other": NO_TABLE}),
        "lmm.standardised": Call(of(fit, "standardised"), {"term": "x"}, {
            "term": [(n, g, MUST) for n, g, _ in NAME], "by": WORD, "level": SHARE}),
        "lmm.icc": Call(of(fit, "icc"), {}, {"group": [(n, g, MUST) for n, g, _ in NAME],
            "level": SHARE}),
        "lmm.ranef": Call(of(fit, "ranef"), {}, {"level": SHARE}),
        "glmm": Call(rs.glmm, {"formula": "k ~ x + (1 | g)", "data": ROWS}, {
            "formula": [(n, v.replace("y", "k") if isinstance(v, str) else v, r) for n, v,
                r in FORMULA],
            "data": [*NO_TABLE, *spoilt(ROWS, {"k": MAY})], "family": WORD, "exposure": NAME,
            "trials": NAME, "n_agq": no_count(1), "overdispersion": WORD, "penalty": WORD}),
        "glmm, exposure": Call(
            rs.glmm, {"formula": "k ~ x + (1 | g)", "data": ROWS, "exposure": "w"},
            {"data": spoilt(ROWS, {"w": MAY})}),
        "glmm, trials": Call(
            rs.glmm, {"formula": "k ~ x + (1 | g)", "data": ROWS, "trials": "size",
                "family": "binomial"},
            {"data": spoilt(ROWS, {"size": MAY})}),
        "glmm.predict": Call(of(counts_fit, "predict"), {"newdata": ROWS}, {
            "newdata": new_rows(),
            "type": WORD, "level": SHARE}),
        "glmm.conf_int": Call(of(counts_fit, "conf_int"), {}, {
            "method": WORD, "level": [g for g in SHARE if g[0] != "None"]}),
        "glmm.emmeans": Call(of(counts_fit, "emmeans"), {"factors": "x", "at": {"x": [0.0]}}, {
            "factors": [g for g in NAME if g[0] != "empty"], "type": WORD, "level": SHARE}),
        "glmm.simulate": Call(of(counts_fit, "simulate"), {}, {"draws": no_count(1),
            "seed": no_count(0)}),
        "power": Call(
            rs.power, {
                "formula": "z ~ direction + (1 | subject)", "design": DESIGN, "n": 6, "draws": 20,
                "effects": {"directionforward": -0.1},
                "variance_components": {"subject": 0.01, "Residual": 0.005}},
            {"formula": FORMULA, "design": NO_TABLE, "n": no_count(2),
             "effects": [("None", None, MUST), ("number", 3, MUST), ("NaN",
                 {"directionforward": math.nan}, MUST),
                         ("words", {"directionforward": "a"}, MUST), ("not there", {"q": 1.0},
                             MUST),
                         ("truth", {"directionforward": True}, MUST), ("text",
                             {"directionforward": "1"}, MUST),
                         ("complex", {"directionforward": 1j}, MUST), ("list", [1.0], MUST),
                         ("date", {"directionforward": np.datetime64("2020-01-01")}, MUST)],
             "variance_components": [
                 ("None", None, MUST), ("number", 3, MUST), ("list", [1.0], MUST),
                 *((n, {"subject": g, "Residual": 0.005}, r) for n, g, r in no_number(at_zero=MAY)),
                 *((n, {"subject": 0.01, "Residual": g}, r) for n, g, r in no_number())],
             "term": NAME, "alpha": SHARE, "ddf": WORD, "draws": no_count(1), "seed": no_count(0),
             "jobs": no_count(1)}),
        "type_one_error": Call(
            rs.type_one_error, {
                "formula": "z ~ direction + (1 | subject)", "design": DESIGN, "n": 6, "draws": 20,
                "term": "directionforward", "variance_components": {"subject": 0.01,
                    "Residual": 0.005}},
            {"term": [(n, g, MUST) for n, g, _ in NAME], "alpha": SHARE, "n": no_count(2)}),
        "pool": Call(
            rs.pool,
            {"data": [0.14, 0.25, 0.3, 0.2], "std_errors": [0.05, 0.04, 0.05, 0.1]}, {
                "data": no_array(4), "std_errors": no_array(4), "method": WORD, "test": WORD,
                "cluster": [g for g in no_array(4) if g[0] in (
                    "text", "masked", "masked scalar", "Nones", "one None", "pd.NA", "NaT",
                        "NaN", "ragged",
                    "a set", "a mapping", "a function")],
                "prior": [("number", 3, MUST), ("text", "half", MUST), ("object", THING, MUST)],
                "moderators": [*(g for g in NO_TABLE if g[0] != "None"),
                               *spoilt(pd.DataFrame({"m": [1.0, 2.0, 4.0, 3.0]}), {"m": MUST})],
                "random": NAME, "formula": NAME, "level": SHARE}),
        "pool, variance": Call(
            rs.pool,
            {"data": [0.14, 0.25, 0.3, 0.2], "variance": [0.05, 0.04, 0.05, 0.1]}, {
                "variance": [*no_array(4), ("not symmetric", np.triu(np.ones((4, 4))), MUST),
                             ("singular", np.ones((4, 4)), MAY), ("negative", -np.eye(4), MUST)]}),
        "pool of a table": Call(rs.pool, {"data": EFFECTS}, {
            "data": [*NO_TABLE, *spoilt(EFFECTS, {"estimate": MUST, "std_error": MUST})]}),
        "pool, formula": Call(
            rs.pool, {
                "data": EFFECTS.assign(m=[1.0, 2.0, 4.0, 3.0]), "formula": "~ m"},
            {"data": spoilt(EFFECTS.assign(m=[1.0, 2.0, 4.0, 3.0]), {"m": MUST})}),
        "Pooled.influence": Call(of(pooled, "influence"), {}, {
            "by": [g for g in no_array(4) if g[0] in ("ragged", "NaN", "Nones", "masked",
                "a set", "text")]}),
        "Pooled.conf_int": Call(of(pooled, "conf_int"), {}, {"method": WORD}),
        "Pooled.egger": Call(of(pooled, "egger"), {}, {"model": WORD, "predictor": WORD}),
        "Pooled.trim_and_fill": Call(of(pooled, "trim_and_fill"), {}, {
            "estimator": WORD, "side": WORD}),
        "Pooled.cumulative": Call(of(pooled, "cumulative"), {"by": [4, 2, 3, 1]}, {
            "by": [g for g in no_array(4) if g[0] in ("ragged", "NaN", "Nones", "masked",
                "a set", "text")]}),
        "escalc": Call(
            rs.escalc, {"table": COUNTS, "measure": "OR", "add": 0.5}, {
                "table": [*NO_TABLE, *spoilt(COUNTS, dict.fromkeys(COUNTS.columns[1:], MAY)),
                          ("more events than people", COUNTS.assign(events_1=500), MUST)],
                "measure": WORD, "to": WORD, "vtype": WORD, "add": no_number(at_zero=MAY),
                "drop00": no_truth, "correct": no_truth, "convert_medians": no_truth}),
        "means_from_medians": Call(
            rs.means_from_medians, {"table": MEDIANS}, {
                "table": [*NO_TABLE, *spoilt(MEDIANS, dict.fromkeys(MEDIANS.columns, MUST))],
                "sd": WORD}),
        "HalfNormal": Call(rs.HalfNormal, {"scale": 0.3}, {"scale": no_number()}),
        "Posterior.probability": Call(of(bayes, "probability"), {"low": 0.0}, {
            "low": [g for g in numbers if "inf" not in g[0]],
            "high": [g for g in numbers if "inf" not in g[0]]}),
        "random_effects_batch": Call(
            rs.random_effects_batch, {"y": [[0.1, 0.2, 0.3]], "v": [[0.1, 0.1, 0.2]]}, {
                "y": no_array(3), "v": no_array(3), "method": WORD, "test": WORD,
                "mask": [("none", [[False] * 3], MUST), ("numbers", [[1.0] * 3], MUST), ("text",
                    "abc", MUST),
                         ("ragged", [[True], [True, False]], MUST), ("shape", [True] * 4, MUST),
                         ("masked", np.ma.masked_array([True] * 3, [True, False, False]), MUST)]}),
        "pool_counts": Call(
            rs.pool_counts, {"table": COUNTS, "measure": "odds_ratio"}, {
                "table": [*NO_TABLE, *spoilt(COUNTS, dict.fromkeys(COUNTS.columns[1:], MUST)),
                          ("more events than people", COUNTS.assign(events_1=500), MUST),
                          ("parts of events", COUNTS.assign(events_1=1.5), MUST)],
                "measure": WORD, "model": WORD, "nodes": [g for g in no_count(1) if g[0] != "None"],
                "double_zero": WORD, "level": SHARE}),
        "PooledCounts.conf_int": Call(of(pooled_counts, "conf_int"), {}, {
            "method": WORD, "level": [g for g in SHARE if g[0] != "None"]}),
        "PooledCounts.conf_int, bootstrap": Call(
            of(pooled_counts, "conf_int"), {"method": "bootstrap", "draws": 20},
            {"draws": no_count(20), "seed": no_count(0)}, slow=True),
        "pool_crossovers": Call(
            rs.pool_crossovers, {"table": CROSSOVERS, "draws": 8}, {
                "table": [*NO_TABLE, *_crossovers()], "measure": WORD, "method": WORD,
                "test": WORD, "level": SHARE, "draws": no_count(0), "seed": no_count(0),
                    "jobs": no_count(1)}),
        "pool_printed": Call(
            rs.pool_printed, {"table": PRINTED, "measure": "ratio of means"}, {
                "table": [*NO_TABLE, *printed_cells()], "measure": WORD,
                "prior": [("number", 3, MUST), ("text", "half", MUST), ("object", THING, MUST)],
                "correlation": [g for g in no_array(3) if g[0] != "None"],
                "sets": [g for g in no_array(2) if g[0] not in ("None", "a mapping")],
                "null": no_number(),
                "claimed": [g for g in no_array(3) if g[0] != "None"]}),
        "PooledPrinted.probability": Call(of(pooled_printed, "probability"), {"low": 1.0}, {
            "low": [g for g in numbers if "inf" not in g[0]],
            "high": [g for g in numbers if "inf" not in g[0] and g[0] != "0"]}),
        "Unknown": Call(rs.Unknown, {"name": "r", "low": 0.0, "high": 1.0}, {
            "low": [g for g in numbers if g[0] != "0"], "high": [g for g in numbers if g[0] != "0"],
            "name": [(n, g, MUST) for n, g, _ in NAME if n not in ("not there",)]}),
        "Choice": Call(rs.Choice, {"name": "c", "options": {"a": 1, "b": 2}}, {
            "options": [("None", None, MUST), ("empty", {}, MUST), ("number", 3, MUST), ("list",
                [1, 2], MUST),
                        ("text", "abc", MUST)]}),
        "explore": Call(
            rs.explore,
            {"estimate": answer, "unknowns": {"r": (0.0, 1.0)}, "draws": 8},
            {"estimate": answers, "unknowns": unknown, "draws": no_count(1), "seed": no_count(0),
                "jobs": no_count(1)}),
        "Exploration.along": Call(of(explored, "along"), {"name": "r"}, {
            "name": [(n, g, MUST) for n, g, _ in NAME]}),
        "Claim": Call(_claimed, {}, {
            "null_value": [g for g in numbers if g[0] != "NaN"],
                "range_low": [g for g in numbers if g[0] not in ("NaN", "inf", "-inf")],
            "range_high": [g for g in numbers if g[0] not in ("NaN", "inf", "-inf", "0")],
            "kind": WORD}),
        "judge": Call(lambda **g: rs.judge(**{"claim": claim(), "evidence": []} | g), {}, {
            "claim": NO_TABLE, "evidence": [g for g in NO_TABLE if g[0] not in ("empty",)],
            "fidelity": WORD}),
        "forest": Call(lambda **g: rs.forest(**{"result": pooled()} | g), {}, {
            "result": NO_TABLE, "order": WORD, "theme": WORD,
            "labels": [("number", 3, MUST), ("too few", ["a"], MUST), ("object", THING, MUST)],
            "band": [("one number", 3.0, MUST), ("words", ("a", "b"), MUST),
                     ("turned", (2.0, 1.0), MUST)],
            "width_mm": [g for g in no_number() if g[0] != "list"]}),
        "half_eye": Call(lambda **g: rs.half_eye(**{"result": pooled_printed()} | g), {}, {
            "result": NO_TABLE, "theme": WORD,
            "band": [("one number", 3.0, MUST), ("words", ("a", "b"), MUST),
                     ("turned", (2.0, 1.0), MUST)],
            "width_mm": [g for g in no_number() if g[0] != "list"]}),
        "plan": Call(
            lambda **g: rs.plan(**{"claim": _planned(), "draws": 100, "truth": 1.3,
                "spread": 0.2} | g), {}, {
                "claim": NO_TABLE, "audit": PATH, "truth": no_number(),
                "spread": [g for g in no_number() if g[0] != "list"], "design": WORD,
                "rate": [g for g in no_number() if g[0] != "list"], "exposure": no_number(),
                "people": [("number", 3, MUST), ("words", ["a"], MUST), ("one", [1], MAY),
                    ("NaN", [math.nan], MUST),
                           ("negative", [-3], MUST), ("parts", [3.5], MUST), ("empty", [], MUST)],
                "power": SHARE, "draws": no_count(1), "seed": no_count(0), "jobs": no_count(1)},
                    slow=True),
        "replicate": Call(
            lambda **g: rs.replicate(**{"draws": 0, "analyses": ["body-fat"]} | g), {}, {
                "analyses": [("number", 3, MUST), ("not there", ["nowhere"], MUST), ("object",
                    THING, MUST),
                             ("empty", [], MUST), ("numbers", [3], MUST)],
                "audit": PATH, "cohorts": [("number", 3, MUST), ("not there", ["/nowhere"], MUST),
                                           ("object", [THING], MUST), ("None in it", [None], MUST)],
                "draws": no_count(0), "seed": no_count(0), "jobs": no_count(1),
                "formats": [("another", ["docx"], MUST), ("number", 3, MUST), ("numbers", [3],
                    MUST)],
                "tables": [("another", ["odt"], MUST), ("number", 3, MUST)],
                "themes": [("another", ["neon"], MUST), ("number", 3, MUST)],
                    "claim_figures": WORD}, slow=True),
        "cite": Call(rs.cite, {}, {}),
    }  # fmt: skip


def _planned() -> str:
    return next(c.claim_id for c in rs.load_claims().values() if c.scale == "ratio")


def _claimed(**given: Any) -> Any:
    right = {f: getattr(claim(), f) for f in claim().__dataclass_fields__}
    return rs.Claim(**(right | given))


def _crossovers() -> list[Garbage]:
    """Printed cells of crossovers that are none; `p` and `r` may be left empty."""
    out: list[Garbage] = []
    for name in ("n", "mean_1", "sd_1", "mean_2", "sd_2", "p", "r"):
        for what in (
            "abc",
            "1e999",
            1j,
            dt.date(2020, 1, 1),
            [1.0],
            THING,
            -5.0,
            math.inf,
            True,
            pd.NaT,
        ):
            values = CROSSOVERS[name].astype(object).tolist()
            rule = MAY if what is pd.NaT or (what == -5.0 and name.startswith("mean")) else MUST
            out.append(
                (
                    f"{name}: {what!r}"[:30],
                    CROSSOVERS.assign(**{name: pd.Series([what, *values[1:]], dtype=object)}),
                    rule,
                )
            )
    contradicted = CROSSOVERS.assign(p=["<0.0001", ""], r=["-0.9", "0.9"])
    out.append(("r against p", contradicted, MUST))
    return out
