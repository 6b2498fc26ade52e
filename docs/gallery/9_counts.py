"""Whether a model of counts fits: simulated residuals, dispersion, zeros, influence."""

import numpy as np
import pandas as pd

import retrostats as rs

rng = np.random.default_rng(3)
rows = pd.DataFrame({"team": np.repeat(range(15), 4), "week": [1, 2, 3, 4] * 15})
team = rng.normal(0, 0.4, 15)[rows["team"]]
rows["falls"] = rng.poisson(np.exp(1.2 - 0.15 * rows["week"] + team))
figure = rs.glmm("falls ~ week + (1 | team)", rows).plot()
