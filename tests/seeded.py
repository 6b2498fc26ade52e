"""Every seeded function of the package, run small: what `test_kernels.py` compares.

Run as a program in a process of its own, whose linear algebra the environment chose, it prints
the kernel it really has and the numbers that came out, without the entries named after the kernel.
With `--elsewhere` each has several threads and gets its cohorts in another order, and it prints
which seeded functions no entry called so.
"""

from __future__ import annotations

import importlib
import inspect
import io
import json
import pkgutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import threadpoolctl
from cohort_tables import measured
from doors.audit import Context
from doors.evidence import PrintedBuilders, SlopeSearch, asked, exploration, run_search
from doors.models import Binomial, batch_chunks, surrogate_rows
from doors.models import separation as separation

import retrostats
import retrostats as rs
from retrostats import InputError

#: Threads of what takes them, and the order of cohorts: neither is to change a byte.
ELSEWHERE = "--elsewhere" in sys.argv
JOBS = 3 if ELSEWHERE else 1
#: Few draws are several tasks, so that threads have what to share; of the program alone.
FEW = 32
TRIAL = "y ~ arm * time + (1 | subject)"
PARALLEL = pd.DataFrame({"subject": [0, 0, 1, 1], "arm": [0, 0, 1, 1], "time": [0, 1, 0, 1]})
SPREAD = {"subject": 1.0, "Residual": 1.0}
SLOPES = {"s": np.array([[1.0, 0.3], [0.3, 0.5]]), "Residual": 1.0}


def _rows() -> pd.DataFrame:
    """Ten people, four times twice, five items: slopes, crossed groups, unequal counts."""
    rng = np.random.default_rng(3)
    s, t, item = np.repeat(np.arange(10), 8), np.tile([0, 1, 2, 3], 20), np.arange(80) % 5
    y = 5 + rng.normal(size=10)[s] + (0.5 + rng.normal(size=10))[s] * t + rng.normal(size=5)[item]
    frame = pd.DataFrame({"s": s, "t": t, "arm": s % 2, "item": item})
    frame["y"] = y + 0.5 * rng.normal(size=80)
    return frame.iloc[np.r_[0:50, 53:80]]


def _streamed() -> rs.LmmFit:
    """Crossed groups of which only sums of combinations are known."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        pd.concat([_rows().assign(y=lambda d, i=i: d["y"] + 0.1 * i * d["t"])
                   for i in range(3)]).to_parquet(path)  # fmt: skip
        return rs.lmm("y ~ t + (t | s) + (1 | item)", str(path))


def _repeated() -> rs.LmmFit:
    """Measurements whose covariance falls with the days between them."""
    rows = _rows().assign(day=lambda d: "d" + d["t"].astype(str)).drop_duplicates(["s", "day"])
    return rs.lmm("y ~ arm + day + (1 | s)", rows, covariance="ar1")


def _refused(ask: Callable[[], Any]) -> str:
    """The message of what is not here."""
    try:
        ask()
    except InputError as error:
        return str(error)
    raise AssertionError("this was to be refused")


def _counts(family: str) -> rs.GlmmFit:
    rng = np.random.default_rng(5)
    rows = pd.DataFrame({"team": np.repeat(np.arange(8), 4), "x": np.tile([0, 0, 1, 1], 8)})
    mean = np.exp(1.0 + 0.4 * rng.normal(size=8)[rows["team"]] + 0.3 * rows["x"])
    rows["events"] = rng.negative_binomial(3, 3 / (3 + mean))
    if family == "binomial":
        rows["events"] = (rows["events"] > 1).astype(int)
    return rs.glmm("events ~ x + (1 | team)", rows, family=family)


FAMILIES = ("negative-binomial", "poisson", "binomial")


def _drawn_counts(family: str) -> list[Any]:
    """What refits simulated counts: the family is in what it simulates."""
    fit = _counts(family)
    return [fit.conf_int(which="all", method="bootstrap", draws=20, seed=1),
            fit.bootstrap(20, seed=1), fit.check(draws=100, seed=1).table]  # fmt: skip


def _counted(**how: str) -> rs.PooledCounts:
    columns = ["study", "events_1", "total_1", "events_2", "total_2"]
    rows = [("a", 1, 90, 4, 88), ("b", 0, 40, 3, 41), ("c", 5, 210, 9, 205), ("d", 3, 60, 2, 66)]
    return rs.pool_counts(pd.DataFrame(rows, columns=columns), **how)  # type: ignore[arg-type]


def _separated() -> list[Any]:
    """Which way estimates diverge; rows with interior counts leave a subspace, not axes."""
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = np.column_stack([np.ones(12), rng.integers(-1, 2, (12, 4))])
        x[1] = x[0]
        y = np.where(x @ rng.normal(size=5) > 0, 4.0, 0.0)
        y[:2] = 2.0
        gone = separation(Binomial(y, np.full(12, 4.0)), x)
        found.append([gone.keep, np.sign(gone.direction)])
    return found


def _surrogates() -> pd.DataFrame:
    """A pattern whose second condition follows from the first, beside one of full rank."""
    cells = pd.DataFrame({
        "arm": [0, 0, 0, 1, 1, 1], "time": [0, 1, 2] * 2, "n": [9] * 3 + [12] * 3,
        "mean": [5.0, 6.0, 7.0, 5.0, 5.5, 5.0], "sd": [1.0, 1.2, 0.9, 1.1, 1.1, 1.1],
    })  # fmt: skip
    exact = np.array([[1.0, 1.0, 0.5], [1.0, 1.0, 0.5], [0.5, 0.5, 1.0]])
    moments = rs.moments_from_summary(cells, correlation={0: exact, 1: 0.4}, between="arm")
    return surrogate_rows(moments, np.random.default_rng(1))


def _asked() -> Any:
    """Answers of other programs on rows with the moments of a printed crossover."""
    audit = rs.load_audit()
    build = PrintedBuilders.of(Context(audit.published, audit.claims, audit), "metabolic_cost")
    return [[a.program, a.quantity, a.theirs] for a in asked(build.crossover("mc-bws"), seed=1)]


def _mean_of_two(v: Any) -> tuple[Any, Any, Any]:
    error = np.sqrt((2 - 2 * v["r"]) / 20) * v["s"]
    return v["d"], v["d"] - 2 * error, v["d"] + 2 * error


def _explore() -> rs.Exploration:
    """In several tasks too; the search for outermost limits would be slow in as many."""
    with mock.patch.object(exploration, "CHUNK", FEW):
        return rs.explore(
            _mean_of_two, {"d": rs.Printed("1.5"), "r": (-0.9, 0.9), "s": (0.8, 1.1)}, draws=64,
            jobs=JOBS,
        )  # fmt: skip


def _explored(found: rs.Exploration) -> list[Any]:
    return [found.estimate, found.conf_low, found.conf_high, found.draws, found.influence]


def _crossovers() -> rs.Exploration:
    table = pd.DataFrame({
        "study": ["a", "b"], "n": [10, 9], "mean_1": ["31.3", "33.1"], "sd_1": ["4.1", "5.0"],
        "mean_2": ["28.0", "30.2"], "sd_2": ["3.8", "4.6"], "p": ["<0.05", "= 0.03"],
    })  # fmt: skip
    return rs.pool_crossovers(table, draws=64, jobs=JOBS)


def _smooth_end() -> bool:
    """A corner that slopes point to, looked at in random directions."""
    slope = np.linspace(1, 2, 8)
    slopes = SlopeSearch(lambda points: np.tile(slope, (len(points), 1)))
    return bool(run_search(slopes.is_minimum(np.zeros(8), 0.0), lambda points: points @ slope))


def _power(function: Any, formula: str, design: pd.DataFrame, **plan: Any) -> Any:
    return function(formula, design, draws=500, seed=1, jobs=JOBS, **plan)


def _planned(people: list[int], **how: Any) -> list[Any]:
    found = rs.plan("energy_30", people=people, draws=100, jobs=JOBS, **how)
    return [found.needed, found.curve, found.added, list(found.kept_open_by)]


def _replicated(analysis: str, cohorts: Sequence[Any] = ()) -> list[Any]:
    found = rs.replicate([analysis], cohorts=cohorts, draws=32, jobs=JOBS)
    return [found.verdicts, found.summary, found.estimates, found.cross_checks, found.cohorts,
            found.draws]  # fmt: skip


def _cohorts() -> list[rs.Cohort]:
    """Three labs: a sum of three in another order has other last digits."""
    rows = pd.read_csv(io.StringIO(measured("body-fat")))
    outcome = rows.columns[-1]
    cohorts = [
        rs.load_cohort(rows.assign(**{outcome: rows[outcome] * share}), spec={"name": name})
        for name, share in (("first", 1.0), ("second", 1.03), ("third", 0.98))
    ]
    return cohorts[::-1] if ELSEWHERE else cohorts


#: What is run, by name: seeded, or resting on a basis that nothing determines. Each returns frames,
#: numbers and words, in any nesting.
ENTRIES: dict[str, Callable[[], Any]] = {
    "power": lambda: [
        _power(rs.power, TRIAL, PARALLEL, effects={"arm:time": 0.3}, variance_components=SPREAD,
               n=[8, 13]),
        _power(rs.power, "y ~ d + (d | s)", pd.DataFrame({"d": [0, 0, 0, 1, 1, 1]}),
               effects={"d": 0.5}, variance_components=SLOPES, n=13, ddf="satterthwaite"),
        _power(rs.power, "y ~ c + (1 | s)", pd.DataFrame({"c": list("abc") * 2}),
               effects={"cb": 0.5}, variance_components={"s": 1.0, "Residual": 1.0}, n=13),
    ],
    "type_one_error": lambda: _power(
        rs.type_one_error, TRIAL, PARALLEL, term="arm:time", variance_components=SPREAD, n=13),
    "bootstrap": lambda: rs.lmm("y ~ arm * t + (1 | s)", _rows()).bootstrap(
        200, seed=1, jobs=JOBS),
    "bootstrap of slopes": lambda: rs.lmm("y ~ t + (t | s)", _rows()).bootstrap(
        100, seed=1, jobs=JOBS),
    "bootstrap, signed": lambda: rs.lmm(
        "y ~ arm * t + (1 | s)", _rows(), covariance="signed-cs").bootstrap(100, seed=1, jobs=JOBS),
    "bootstrap, crossed": lambda: rs.lmm(
        "y ~ t + (1 | s) + (1 | item)", _rows()).bootstrap(20, seed=1, jobs=JOBS),
    "bootstrap, streamed": lambda: _streamed().bootstrap(20, seed=1, jobs=JOBS),
    "confint, the old name": lambda: rs.lmm(
        "y ~ arm * t + (1 | s)", _rows()).confint("bootstrap", n=200, seed=1, jobs=JOBS),
    "conf_int": lambda: [
        rs.lmm("y ~ arm * t + (1 | s)", _rows()).conf_int(
            which="all", method=method, draws=200, seed=1, jobs=JOBS)
        for method in ("bootstrap", "bootstrap-t")
    ],
    "simulate": lambda: [
        rs.lmm("y ~ t + (t | s)", _rows()).simulate(3, seed=1),
        _repeated().simulate(3, seed=1),
    ],
    "bootstrap, repeated": lambda: _refused(
        lambda: _repeated().engine.refits(_repeated(), 20, np.random.SeedSequence(1), JOBS, None)),
    "glmm": lambda: [
        *[_counts(family).simulate(3, seed=1) for family in FAMILIES], _drawn_counts(FAMILIES[0])],
    "glmm, other families": lambda: [_drawn_counts(family) for family in FAMILIES[1:]],
    "permutation_test": lambda: [
        rs.pool([0.2, 0.5, 0.1, 0.9, 0.3, 0.6, 0.4, 0.8], [0.2] * 8, moderators=moderators,
                method=method).permutation_test(draws=100, seed=1)
        for moderators, method in ((None, "reml"), (pd.DataFrame({"dose": np.arange(8.0)}), "dl"))
    ],
    "pool_counts": lambda: [
        _counted(measure="rate_ratio", model="conditional").conf_int(
            method="bootstrap", draws=30, seed=1),
        _counted(measure="odds_ratio", model="conditional").conf_int(
            method="bootstrap", draws=30, seed=1),
    ],
    "separation": _separated,
    "surrogate_rows": _surrogates,
    "cross-checks": _asked,
    "explore": lambda: _explored(_explore()),
    "pool_crossovers": lambda: _explored(_crossovers()),
    "the end of a search": _smooth_end,
    "means_from_medians": lambda: rs.means_from_medians({
        "n": [25, 40], "median": [10.0, 11.0], "q1": [8.0, 9.5], "q3": [13.0, 12.0],
    }),
    "plan": lambda: _planned([300]),
    "plan, a given spread": lambda: _planned([30], spread=0.09),
    "replicate": lambda: _replicated("metabolic-cost"),
    "replicate, cohorts": lambda: _replicated("body-fat", _cohorts()),
}  # fmt: skip


#: Parameters, and types of them, by which a function is given its random numbers.
GIVEN, TYPES = {"seed", "rng", "random_state", "generator"}, ("Generator", "SeedSequence")
#: What a function calls that makes random numbers of its own, be it with a fixed seed.
MAKERS = {"default_rng", "SeedSequence", "RandomState", "Sobol", "Halton", "LatinHypercube"}


def seeded() -> dict[CodeType, str]:
    """Functions and methods of the package that draw, by their code."""
    found: dict[CodeType, str] = {}
    for module in pkgutil.walk_packages(retrostats.__path__, "retrostats."):
        if not module.name.endswith("__main__"):
            found.update(seeded_of(importlib.import_module(module.name)))
    return found


def seeded_of(module: ModuleType) -> dict[CodeType, str]:
    """Those of a module: public ones that are given a seed, and all that make their own numbers."""
    found: dict[CodeType, str] = {}
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) == module.__name__:
            found.update(_of(f"{module.__name__}.{name}", value))
    return found


def _of(name: str, value: Any) -> Iterator[tuple[CodeType, str]]:
    members = vars(value).items() if inspect.isclass(value) else [("", value)]
    protocol = getattr(value, "_is_protocol", False)
    for member, held in members:
        function = inspect.unwrap(_function_of(held))
        full = f"{name}.{member}".rstrip(".")
        if inspect.isclass(function) and member:
            yield from _of(full, function)
        abstract = getattr(function, "__isabstractmethod__", False)
        if protocol or abstract or not inspect.isfunction(function):
            continue
        own = any(part.startswith("_") and part[:2] != "__" for part in full.split(".")[-2:])
        if makes(function.__code__) or (not own and _is_given(function)):
            yield function.__code__, full


def _function_of(held: Any) -> Any:
    """The function behind a method of a class, a property or what was computed once."""
    for name in ("__func__", "fget", "func"):
        held = getattr(held, name, held)
    return held


def _is_given(function: Any) -> bool:
    types = [str(one) for one in getattr(function, "__annotations__", {}).values()]
    typed = any(word in said for said in types for word in TYPES)
    return typed or bool(GIVEN & set(inspect.signature(function).parameters))


def makes(code: CodeType) -> bool:
    """Whether code, or a function inside it, makes random numbers."""
    inside = (part for part in code.co_consts if isinstance(part, CodeType))
    return bool(MAKERS & set(code.co_names)) or any(map(makes, inside))


def plain(value: Any) -> Any:
    """Frames, arrays and numbers as JSON holds them; a float keeps its digits."""
    if isinstance(value, pd.DataFrame):
        return {str(name): plain(value[name].tolist()) for name in value}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, bool | int | float) else str(value)


def main(wanted: str, skipped: Sequence[str]) -> None:
    """Print what this process has, called and found; only the kernel where it is another."""
    kernels = {i["architecture"] for i in threadpoolctl.threadpool_info()
               if i["internal_api"] == "openblas"}  # fmt: skip
    if wanted and kernels != {wanted}:
        print(json.dumps({"kernels": sorted(kernels)}))
        return
    batch_chunks._MAX_CHUNK = FEW
    codes, called = seeded() if ELSEWHERE else {}, set()

    def note(frame: Any, event: str, _: Any) -> None:
        if event == "call" and frame.f_code in codes and frame.f_locals.get("jobs", JOBS) == JOBS:
            called.add(codes[frame.f_code])
            if len(called) == len(codes):  # nothing is left to be looked for
                threading.setprofile(None)
                sys.setprofile(None)

    if ELSEWHERE:
        threading.setprofile(note)
        sys.setprofile(note)
    found = {name: plain(run()) for name, run in ENTRIES.items() if name not in skipped}
    sys.setprofile(None)
    record = {"kernels": sorted(kernels), "found": found,
            "never": sorted(set(codes.values()) - called)}  # fmt: skip
    print(json.dumps(record))


if __name__ == "__main__":
    main(sys.argv[1], [name for name in sys.argv[2:] if name in ENTRIES])
