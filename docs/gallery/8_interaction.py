"""Marginal means of two factors, a line for each level of the second."""

import numpy as np
import pandas as pd

import retrostats as rs

rng = np.random.default_rng(2)
grade = ["level", "slope", "steep"] * 24
rows = pd.DataFrame({"person": np.repeat(range(24), 3), "grade": grade})
rows["arm"] = np.where(rows["person"] < 12, "trained", "usual")
steep = rows["grade"].map({"level": 0.0, "slope": 6.0, "steep": 15.0})
person = rng.normal(0, 2, 24)[rows["person"]]
rows["watts"] = 200 + person + steep * np.where(rows["arm"] == "trained", 0.5, 1.0)
rows["watts"] += rng.normal(0, 2, 72)
fit = rs.lmm("watts ~ grade * arm + (1 | person)", rows)
figure = fit.emmeans("grade", by="arm").plot()
