"""Marginal means of a mixed model with their intervals."""

import numpy as np
import pandas as pd

import retrostats as rs

rng = np.random.default_rng(1)
rows = pd.DataFrame({"person": np.repeat(range(20), 3), "arm": ["usual", "slow", "fast"] * 20})
person = rng.normal(0, 2, 20)[rows["person"]]
rows["watts"] = 200 + person + 8 * (rows["arm"] == "fast") + rng.normal(0, 3, 60)
fit = rs.lmm("watts ~ arm + (1 | person)", rows)
figure = rs.forest(fit.emmeans("arm"), xlabel="Power (W)")
