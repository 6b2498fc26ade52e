"""How many people settle a claim."""

import retrostats as rs

figure = rs.plan("energy_30").plot()
