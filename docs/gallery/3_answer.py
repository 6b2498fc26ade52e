"""An answer: the posterior with the claimed range and its probability, each source beneath."""

import retrostats as rs

printed = {
    "study": ["A 2001", "B 2004", "C 2010"],
    "n": [12, 20, 9],
    "first": ["31.0 SD 3.1", "33.0 SD 4.0", "30.1 SD 2.8"],
    "second": ["26.0 SD 2.9", "27.1 SD 3.0", "23.9 SD 3.3"],
    "design": ["crossover"] * 3,
}
pooled = rs.pool_printed(printed, measure="ratio of means", claimed=(1.15, 1.25))
figure = pooled.plot(xlabel="Oxygen uptake, first / second (log axis)")
