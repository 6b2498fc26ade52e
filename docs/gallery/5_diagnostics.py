"""Whether a mixed model fits: residuals, quantiles, random effects, leverage."""

import numpy as np
import pandas as pd

import retrostats as rs

rng = np.random.default_rng(1)
rows = pd.DataFrame({"person": np.repeat(range(20), 3), "arm": ["usual", "slow", "fast"] * 20})
rows["watts"] = 200 + rng.normal(0, 2, 20)[rows["person"]] + rng.normal(0, 3, 60)
figure = rs.lmm("watts ~ arm + (1 | person)", rows).plot()
