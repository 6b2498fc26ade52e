"""One column of a journal: counts pooled without a correction, with a range of interest."""

import retrostats as rs

injuries = {
    "study": ["A 2011", "B 2014", "C 2019"],
    "events_1": [12, 3, 31], "total_1": [4100.0, 900.0, 8800.0],
    "events_2": [25, 9, 40], "total_2": [4000.0, 950.0, 8500.0],
}  # fmt: skip
pooled = rs.pool_counts(injuries, measure="rate_ratio", model="fixed-study")
figure = pooled.plot(band=(None, 0.8), width_mm=85)
