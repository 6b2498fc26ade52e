"""One seed gives the same numbers whatever the kernel of linear algebra.

And the same bytes whatever the threads, hash seed, locale, time zone and order of cohorts.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import seeded
from doors.common import forward, lower_factor
from doors.models import CellDesign, batch_chunks

PROGRAM = Path(__file__).with_name("seeded.py")
#: As OPENBLAS_CORETYPE says them; a library or processor without one takes another, and says so.
KERNELS = ("Haswell", "SkylakeX", "Zen", "Nehalem")
#: Kernels differ by 3e-10 at most (a limit near zero); other draws differ by 0.01 and more.
KERNELS_RTOL = 1e-6
#: Below this a number is a zero that rounding left: the quantities compared are 1e-3 and above.
KERNELS_ATOL = 1e-9
#: The same root multiplied out; entries are of order one.
ROOT_ATOL = 1e-12


#: An entry that asks about the surroundings alone; a run under another kernel leaves it out.
OF_SURROUNDINGS = "replicate, cohorts"
#: What `make thorough` runs: the path of the published results alone, beside the one with cohorts,
#: a plan with less to draw than the other, and refits of counts that other families simulate.
REPEATED = ("replicate", "plan, a given spread", "glmm, other families")
#: The whole path, which rests on all other entries: run under the kernels that differ most.
PATH = (*REPEATED, "plan")
MOST_APART = ("SkylakeX", "Nehalem")


def _run(kernel: str, threads: int, *options: str, **surroundings: str) -> dict[str, Any]:
    """What `seeded.py` prints in a process of its own, with a kernel ("": its own choice)."""
    env = {**os.environ, "OPENBLAS_NUM_THREADS": str(threads), "PYTHONHASHSEED": "0"}
    env.pop("OPENBLAS_CORETYPE", None)
    if kernel:
        env["OPENBLAS_CORETYPE"] = kernel
    done = subprocess.run(
        [sys.executable, str(PROGRAM), kernel, *options],
        env={**env, **surroundings}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode == -signal.SIGILL:  # a kernel whose instructions the processor lacks
        return {"kernels": []}
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def here() -> dict[str, Any]:
    """What the seeded functions give in these surroundings, with one thread."""
    return _run("", 1, *REPEATED)


@pytest.fixture(scope="module")
def whole_here() -> dict[str, Any]:
    """The same of every entry."""
    return _run("", 1)


def _differences(where: str, one: Any, two: Any) -> Iterator[str]:
    """Places in which two results are not the same: words and counts exactly, floats nearly."""
    if isinstance(one, dict) and isinstance(two, dict) and one.keys() == two.keys():
        for name in one:
            yield from _differences(f"{where}: {name}".lstrip(": "), one[name], two[name])
    elif isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        for i, pair in enumerate(zip(one, two, strict=True)):
            yield from _differences(f"{where}[{i}]", *pair)
    elif isinstance(one, float) and isinstance(two, float):
        exact = where.startswith(("power", "type_one_error"))
        near = math.isclose(one, two, rel_tol=KERNELS_RTOL, abs_tol=KERNELS_ATOL)
        if not (one == two or (math.isnan(one) and math.isnan(two)) or (near and not exact)):
            yield f"{where}: {one!r} and {two!r}"
    elif one != two:
        yield f"{where}: {one!r} and {two!r}"


def test_every_seeded_function_gives_the_same_bytes_in_other_surroundings(here) -> None:
    """A function with a parameter seed or rng that `seeded.ENTRIES` does not run fails as well, and
    one with a parameter jobs that is not run with several."""
    elsewhere = _elsewhere(*REPEATED)
    assert not elsewhere["never"], "no entry of tests/seeded.py calls these: add one"
    assert here["kernels"] == elsewhere["kernels"]
    assert not _unlike(here, elsewhere)


def _elsewhere(*skipped: str) -> dict[str, Any]:
    """What the program gives with threads, another order of cohorts and other surroundings."""
    return _run(
        "", 1, "--elsewhere", *skipped,
        PYTHONHASHSEED="7", LC_ALL="C", PYTHONUTF8="0", TZ="Asia/Tokyo",
    )  # fmt: skip


def _unlike(one: dict[str, Any], two: dict[str, Any]) -> list[str]:
    """Entries whose bytes differ."""
    assert one["found"].keys() == two["found"].keys()
    return [name for name, found in one["found"].items()
            if json.dumps(found) != json.dumps(two["found"][name])]  # fmt: skip


@pytest.mark.thorough
def test_what_repeats_other_entries_gives_the_same_bytes_in_other_surroundings(
    whole_here,
) -> None:
    assert whole_here["found"].keys() >= set(REPEATED)
    assert not _unlike(whole_here, _elsewhere())


def test_every_seeded_function_gives_the_same_under_another_kernel(here) -> None:
    """The one without wide vectors, which every x86 processor has."""
    other = _run(KERNELS[-1], 1, OF_SURROUNDINGS, *PATH)
    if other["kernels"] in ([], here["kernels"]) or "found" not in other:
        pytest.skip("no other kernel: another library or processor")
    differences = [
        place
        for name, values in other["found"].items()
        for place in _differences(name, here["found"][name], values)
    ]
    assert not differences, "\n".join(differences[:20])


@pytest.mark.thorough
def test_every_seeded_function_and_the_path_give_the_same_under_every_kernel(
    whole_here,
) -> None:
    here = whole_here
    with ThreadPoolExecutor(2) as pool:
        others = {
            k: pool.submit(_run, k, 1, OF_SURROUNDINGS, *(() if k in MOST_APART else PATH))
            for k in KERNELS if here["kernels"] != [k]
        }  # fmt: skip
        others["two threads"] = pool.submit(_run, "", 2, OF_SURROUNDINGS, *PATH)
    found = {name: run.result() for name, run in others.items()}
    taken = {name: run["found"] for name, run in found.items() if "found" in run}
    differences = [
        f"{kernel}: {place}"
        for kernel, values in taken.items()
        for name in values
        for place in _differences(name, here["found"][name], values[name])
    ]
    assert not differences, "\n".join(differences[:20])
    if len(set(taken) | set(KERNELS) & set(here["kernels"])) < 3:
        pytest.skip(f"only {', '.join(taken)} could be compared: another library or processor")


def test_reading_the_program_leaves_the_size_of_tasks() -> None:
    """Found by a simulation that took 47 s in the suite and 2 s alone: pytest reads every file."""
    assert seeded.FEW < batch_chunks._MAX_CHUNK


#: Every way in which a function can draw, and some that do not.
DRAWING = """
import functools, numpy as np

def by_seed(x, *, seed=1): return x
def by_other_name(x, random_state=1): return x
def by_type(x, source: 'int | np.random.Generator' = 1): return x
def by_stream(x, stream: 'np.random.SeedSequence'): return x
def of_its_own(x): return np.random.default_rng(1).normal()
def deep_inside(x): return [(lambda: np.random.default_rng(i)) for i in x]
def _private_of_its_own(): return np.random.default_rng(1)
@functools.lru_cache
def kept(seed): return seed
class Fit:
    def __init__(self, seed): self.seed = seed
    def __call__(self, rng): return rng
    def draw(self, rng): return rng
    @staticmethod
    def apart(rng): return rng
    @classmethod
    def of_class(cls, rng): return rng
    @property
    def drawn(self): return np.random.default_rng(self.seed).normal()
    @functools.cached_property
    def drawn_once(self): return np.random.default_rng(self.seed).normal()
    class Inside:
        def nested(self, seed): return seed
def no_draw(x): return x
def _private_given(seed): return seed
"""


def test_every_way_to_draw_is_found() -> None:
    module = ModuleType("drawing")
    exec(DRAWING, vars(module))  # noqa: S102
    found = {name.removeprefix("drawing.") for name in seeded.seeded_of(module).values()}
    of_class = ("__init__", "__call__", "draw", "apart", "of_class", "drawn", "drawn_once",
                "Inside.nested")  # fmt: skip
    assert found == {"by_seed", "by_other_name", "by_type", "by_stream", "of_its_own",
                     "deep_inside", "_private_of_its_own", "kept",
                     *(f"Fit.{name}" for name in of_class)}  # fmt: skip


def test_what_differs_is_found() -> None:
    one = {"power": {"power": [0.1]}, "other": [1.0, 2, "a", math.nan, True]}
    assert not list(_differences("", one, json.loads(json.dumps(one))))
    two = {"power": {"power": [0.1 + 1e-12]}, "other": [1.0 + 1e-12, 3, "b", 0.0, False]}
    assert len(list(_differences("", one["other"], two["other"]))) == 4
    assert list(_differences("power", one["power"]["power"], two["power"]["power"]))


def _semidefinite(rank: int) -> np.ndarray:
    half = np.random.default_rng(2).normal(size=(3, 4, rank))
    return half @ np.swapaxes(half, 1, 2)


@pytest.mark.parametrize("rank", [0, 1, 2, 4])
def test_the_root_is_lower_triangular_and_multiplies_out(rank: int) -> None:
    matrices = _semidefinite(rank)
    lower, kept = lower_factor(matrices)
    assert kept.sum(axis=1).tolist() == [rank] * 3
    assert not np.triu(lower, 1).any()
    np.testing.assert_allclose(lower @ np.swapaxes(lower, 1, 2), matrices, atol=ROOT_ATOL)
    there = lower @ np.ones((3, 4, 2))
    np.testing.assert_allclose(lower @ forward(lower, kept, there), there, atol=ROOT_ATOL)


def test_no_draw_moves_with_the_basis_of_equal_eigenvalues() -> None:
    """Z'Z of a level is a multiple of the identity: every rotation of it has eigenvectors."""
    zz, zx = np.repeat(4.0 * np.eye(2)[None], 2, axis=0), np.zeros((2, 2, 1))
    zz[1, 0, 1] = zz[1, 1, 0] = 1e-16  # a last digit, which turns the eigenvectors by 45 degrees
    columns = [np.arange(4).reshape(2, 2)]
    design = CellDesign(zz, zx, columns, [np.arange(2)], [np.eye(2)], 4, 40)
    with_z, _, _ = design.noise(np.tile([1.0, -0.5], (2, 1)), np.zeros(1))
    np.testing.assert_allclose(with_z[:2], with_z[2:], atol=ROOT_ATOL)
