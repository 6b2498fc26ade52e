"""How often `rs.forensics` raises a question about honest tables: 100,000 of them, simulated.

    python -m benchmarks.forensics [TABLES]

An honest table is a study of whole-number scores of the same people twice, with means and SDs
rounded half up or half to even, p of the paired t-test, the percentage of the two means, the
change with its SD (or SE, so labelled), a second arm with Student's or Welch's test between the
changes, and zeros and ones with their SD.
"""

from __future__ import annotations

import sys
from time import process_time

import numpy as np
import pandas as pd
from scipy.special import stdtr

_CHUNK = 10_000
_PEOPLE = (4, 40)
#: lowest and highest score: a rating, Borg's scale, heart rate
_SCALES = np.array([[1, 7], [6, 20], [60, 200]])


def honest_tables(count: int, rng: np.random.Generator) -> pd.DataFrame:
    """`count` honest tables of eight rows each, as `load_published` would return them."""
    n = rng.integers(*_PEOPLE, endpoint=True, size=(2, count))
    scale = _SCALES[rng.integers(len(_SCALES), size=count)]
    half_up = rng.random(count) < 0.5
    places = {k: rng.integers(0, 3, size=count) for k in ("mean", "sd", "change", "spread")}
    as_se = rng.random(count) < 0.3
    label = np.where(rng.random(count) < 0.5, np.where(as_se, "SE", "SD"), "unlabelled")
    # an SE without a label is honest too, but then SD or SE is a question with an answer
    as_se &= label == "SE"
    ids = np.arange(count).astype(str)
    arms = [_scores(n[a], scale, rng) for a in range(2)]
    rows = []
    for a, (pre, post, here) in enumerate(arms):
        m = n[a]
        cells = [_moments(x, here, m) for x in (pre, post, post - pre)]
        sums, sds = zip(*cells, strict=True)
        spreads = [sd / np.where(as_se, np.sqrt(m), 1.0) for sd in sds]
        p = _paired_p(sums[2] / m, sds[2], m)
        p_text, operator = _print_p(p, rng)
        shared = {"study_id": ids, "arm": str(a), "n": m, "outcome": "score"}
        texts = [_mean_text(s, m, places["mean"], half_up) for s in sums[:2]]
        for t, time in enumerate(("pre", "post")):
            rows.append(
                pd.DataFrame(shared).assign(
                    time=time, mean_text=texts[t], spread_type=label,
                    spread_text=_text(spreads[t], places["sd"], half_up),
                    p_value_text=p_text if t else "", p_operator=operator if t else "",
                )
            )  # fmt: skip
        change = pd.DataFrame(shared).assign(
            time="change", outcome="change",
            change_text=_mean_text(sums[2], m, places["change"], half_up),
            change_spread_text=_text(spreads[2], places["spread"], half_up),
            change_spread_type=label, p_value_text=p_text, p_operator=operator,
        )  # fmt: skip
        percent = 100 * (sums[1] / sums[0] - 1)
        rows.append(change)
        pct = pd.DataFrame(shared).assign(time="percent")
        rows.append(pct.assign(pct_change_text=_text(percent, places["mean"], half_up)))
    rows += _between(arms, n, ids, places, half_up, rng)
    rows.append(_binary(n[0], ids, half_up, rng))
    table = pd.concat(rows, ignore_index=True)
    table["row_id"] = table.index.astype(str)
    return table


def false_alarms(count: int, *, seed: int = 1) -> pd.DataFrame:
    """Findings of `count` honest tables: test, consistent, question, does not apply."""
    from retrostats import forensics

    rng = np.random.default_rng(seed)
    parts = []
    for start in range(0, count, _CHUNK):
        table = honest_tables(min(_CHUNK, count - start), rng)
        found = forensics(table, integers=["score"], binary=["share"])
        parts.append(found.groupby(["test", "finding"]).size())
    total = pd.concat(parts).groupby(level=[0, 1]).sum().unstack(fill_value=0)
    columns = ["consistent", "question", "does not apply"]
    return total.reindex(columns=columns, fill_value=0).reset_index()


def _scores(n: np.ndarray, scale: np.ndarray, rng: np.random.Generator) -> tuple:
    """Whole-number scores (count, 40) before and after, correlated, and which people exist."""
    here = np.arange(_PEOPLE[1]) < n[:, None]
    low, high = scale.T[:, :, None]
    r = rng.uniform(0.0, 0.99, size=(len(n), 1))
    z = rng.standard_normal((2, *here.shape))
    person = z[0]
    again = r * z[0] + np.sqrt(1 - r**2) * z[1]
    centre, spread = (low + high) / 2, (high - low) / rng.uniform(3, 10, size=(len(n), 1))
    shift = spread * rng.normal(0, 0.7, size=(len(n), 1))
    scores = [np.clip(np.rint(centre + spread * x), low, high) for x in (person, again + 0.0)]
    scores[1] = np.clip(np.rint(centre + shift + spread * again), low, high)
    return (*(np.where(here, s, 0.0) for s in scores), here)


def _moments(x: np.ndarray, here: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    total, squares = x.sum(1), (x**2 * here).sum(1)
    return total, np.sqrt(np.maximum(squares - total**2 / n, 0.0) / (n - 1))


def _mean_text(
    total: np.ndarray, n: np.ndarray, places: np.ndarray, half_up: np.ndarray
) -> list[str]:
    """Means of whole numbers, rounded without error: in whole numbers."""
    unit = 10**places
    twice = 2 * total.astype(np.int64) * unit
    down, rest = np.divmod(twice, 2 * n)
    up = (rest > n) | ((rest == n) & (half_up | (down % 2 == 1)))
    return _decimal(down + up, places)


def _text(x: np.ndarray, places: np.ndarray, half_up: np.ndarray) -> list[str]:
    scaled = x * 10.0**places
    whole = np.where(half_up, np.floor(scaled + 0.5), np.rint(scaled))
    return _decimal(whole, places)


def _decimal(whole: np.ndarray, places: np.ndarray) -> list[str]:
    return [
        f"{w / 10**d:.{d}f}" if np.isfinite(w) else "" for w, d in zip(whole, places, strict=True)
    ]


def _paired_p(mean: np.ndarray, sd: np.ndarray, n: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sd > 0, 2 * stdtr(n - 1, -np.abs(mean) * np.sqrt(n) / sd), np.nan)


def _print_p(p: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Exact to two to four places, or as a threshold: whichever a journal asked for."""
    places = rng.integers(2, 5, size=len(p))
    unit = 10.0**-places
    threshold = rng.random(len(p)) < 0.4
    level = np.select([p < 0.001, p < 0.01, p < 0.05], ["0.001", "0.01", "0.05"], "0.05")
    tiny = p < unit / 2
    exact = np.array(_text(np.nan_to_num(p), places, p > 2))
    floor = np.array(_decimal(np.ones(len(p)), places))
    text = np.where(threshold, level, np.where(tiny, floor, exact))
    operator = np.where(threshold, np.where(p < 0.05, "<", ">"), np.where(tiny, "<", "="))
    known = np.isfinite(p)
    return np.where(known, text, ""), np.where(known, operator, "")


def _between(arms, n, ids, places, half_up, rng) -> list[pd.DataFrame]:  # type: ignore[no-untyped-def]
    """The two arms' scores afterwards, with Student's or Welch's test between them."""
    cells = [_moments(post, here, m) for (_, post, here), m in zip(arms, n, strict=True)]
    (t1, s1), (t2, s2) = cells
    n1, n2 = n
    variances = s1**2 / n1, s2**2 / n2
    pooled = ((n1 - 1) * s1**2 + (n2 - 1) * s2**2) / (n1 + n2 - 2) * (1 / n1 + 1 / n2)
    student = rng.random(len(n1)) < 0.5
    with np.errstate(divide="ignore", invalid="ignore"):
        welch_df = sum(variances) ** 2 / sum(
            v**2 / (m - 1) for v, m in zip(variances, n, strict=True)
        )
        error = np.sqrt(np.where(student, pooled, sum(variances)))
        t = np.abs(t1 / n1 - t2 / n2) / error
        p = 2 * stdtr(np.where(student, n1 + n2 - 2, welch_df), -t)
    text, operator = _print_p(np.where(error > 0, p, np.nan), rng)
    return [
        pd.DataFrame({"study_id": ids, "arm": str(a), "n": n[a], "outcome": "after"}).assign(
            time="post", p_refers_to="between groups", p_value_text=text, p_operator=operator,
            mean_text=_mean_text(cells[a][0], n[a], places["mean"], half_up),
            spread_text=_text(cells[a][1], places["sd"], half_up), spread_type="SD",
        )
        for a in range(2)
    ]  # fmt: skip


def _binary(
    n: np.ndarray, ids: np.ndarray, half_up: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    ones = rng.binomial(n, rng.uniform(0.05, 0.95, size=len(n)))
    sd = np.sqrt(ones * (n - ones) / (n * (n - 1)))
    two = np.full(len(n), 2)
    return pd.DataFrame({"study_id": ids, "n": n, "outcome": "share", "arm": "all"}).assign(
        mean_text=_mean_text(ones, n, two, half_up), spread_text=_text(sd, two, half_up)
    )


def main(count: int) -> None:
    """Print the table that docs/calibration.md shows."""
    began = process_time()
    table = false_alarms(count)
    print("| test | consistent | question | does not apply |")
    print("|---|--:|--:|--:|")
    for r in table.itertuples(index=False):
        print(f"| {r[0]} | {r[1]:,} | {r[2]:,} | {r[3]:,} |")
    print(f"\n{count:,} honest tables, {process_time() - began:.0f} s of one core.")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
