"""What several test files share."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from jinja2 import BytecodeCache, Environment, PackageLoader, Template
from jinja2.bccache import Bucket

# Two shared cores make single examples slow at times, and drawing them (half a minute on the clock
# is where Hypothesis gives up); what counts is that they hold.
settings.register_profile(
    "project", deadline=None, derandomize=True, max_examples=30,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
settings.register_profile("thorough", settings.get_profile("project"), max_examples=180)
settings.load_profile("project")

os.environ.setdefault("MPLBACKEND", "Agg")
# A process for each core runs the tests; threads of linear algebra would only wait for one another.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Frames and figures make many small objects and few cycles: to look for those less often takes a
# tenth of the time off what draws.
gc.set_threshold(50_000, 20, 20)

ROOT = Path(__file__).resolve().parent.parent
#: What takes longest is begun first, so that no worker waits for another at the end.
LONGEST = ("test_kernels", "test_notebooks", "test_cluster", "test_lost_cluster")


#: A test or fixture that asks for the whole audit, its figures or its page.
ASKS = re.compile(r"def \w+\([^)]*\b(?:whole|every|whole_page)\b|usefixtures\(.whole")
WHOLE = {
    path.name for path in Path(__file__).parent.rglob("test_*.py")
    if ASKS.search(text := path.read_text(encoding="utf-8")) and "def whole(" not in text
}  # fmt: skip


def _group(nodeid: str) -> str:
    name = nodeid.partition("::")[0]
    return "whole" if Path(name).name in WHOLE else name


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """Each worker begins at another file: what one has compiled, the others only read."""
    report = yield
    worker, workers = (os.environ.get(f"PYTEST_XDIST_WORKER{of}") for of in ("", "_COUNT"))
    if worker and workers and isinstance(collector, pytest.Dir | pytest.Package):
        first = len(report.result) * int(worker.removeprefix("gw")) // int(workers)
        report.result = [*report.result[first:], *report.result[:first]]
    return report


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path) -> Iterator[None]:
    """Examples are looked for where there are some: else every test file is gone through twice."""
    found = yield
    if not found or ">>> " in file_path.read_text(encoding="utf-8"):
        return found
    return [one for one in found if type(one) is pytest.Module]


def _place(item: pytest.Item) -> tuple[bool, Path, bool]:
    """Tests before the examples of the package, by file, wherever collecting them began."""
    return "tests" not in item.path.parts, item.path, isinstance(item, pytest.Function)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """The whole audit, then what takes longest; the order within a file stays."""
    items.sort(key=_place)  # before others shuffle them
    yield
    items.sort(key=lambda item: (_group(item.nodeid) != "whole", item.path.stem not in LONGEST))
    gc.freeze()  # modules and tests stay to the end: the collector need not look at them again


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Workers share nothing: one has the tests of the whole audit, and a file stays with one."""
    from xdist.scheduler import LoadScopeScheduling

    class Files(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid)

    return Files(config, log)


@pytest.fixture(scope="session", autouse=True)
def read_once() -> Iterator[None]:
    """Printed tables of the same bytes are checked and converted once.

    What is kept is kept for the bytes of the tables and for the functions of the module as they
    are, so that a test that replaces one of these sees its own; a refusal is not kept.
    """
    from doors.io import published

    real, kept = published._published, {}

    def remembered(folder: Path, topic: str, studies: Any) -> Any:
        package = folder / "datapackage.json"
        table = folder / published.descriptor(folder)[topic]["path"]
        if not table.is_file():
            return real(folder, topic, studies)
        functions = tuple(f for f in vars(published).values() if callable(f))
        key = (topic, package.read_bytes(), table.read_bytes(), studies.to_csv(), functions)
        if key not in kept:
            kept[key] = real(folder, topic, studies)
        return kept[key].copy()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(published, "_published", remembered)
        yield


_TODAY: dict[tuple[Any, ...], Any] = {}


@pytest.fixture(scope="module")
def evidence_once() -> Iterator[None]:
    """For tests of plans: what the audit that ships says of a claim today is computed once.

    Plans differ in what they draw; what was measured and its answer are kept for the claim, the
    seed, and the measure itself, of which no test of these files replaces a function.
    """
    from doors.planning import assumed, today

    def once(module: Any, name: str, key: Callable[..., Any]) -> tuple[Any, str, Any]:
        real = getattr(module, name)

        def remembered(*args: Any, **named: Any) -> Any:
            known = key(*args)
            if known is None:
                return real(*args, **named)
            at = (name, *known, repr(named))
            if at not in _TODAY:
                _TODAY[at] = real(*args, **named), args  # what a key names by its id stays
            return _TODAY[at][0]

        return module, name, remembered

    def measure(claim: Any, audit: Any, seed: int) -> tuple[Any, ...] | None:
        return None if audit.made is not None else (repr(claim), audit.data, audit.scripts, seed)

    with pytest.MonkeyPatch.context() as patch:
        for replaced in (
            once(assumed, "_measure", measure),
            once(today, "posterior_of", lambda measure, scale: (id(measure), scale)),
            once(today, "answer_of", lambda claim, pooled, name: (repr(claim), id(pooled), name)),
        ):
            patch.setattr(*replaced)
        yield


class _Templates(BytecodeCache):
    """What templates of the same text were compiled to."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if (bucket.key, bucket.checksum) in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key, bucket.checksum])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.kept[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> Iterator[None]:
    """Templates of pages: each page has an environment of its own, which compiles them anew."""
    real, templates = PackageLoader.load, _Templates()

    def load(self: PackageLoader, environment: Environment, *args: Any, **named: Any) -> Template:
        environment.bytecode_cache = templates
        return real(self, environment, *args, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PackageLoader, "load", load)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_cache_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Notes on results go into a folder of this session, and none is found there at its start."""
    os.environ["RETROSTATS_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session", autouse=True)
def _patient() -> Iterator[None]:
    """A file may take an hour on the clock to be read: only the processor's seconds count here."""
    from doors.io import parent

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parent, "PATIENCE", 900)
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real cohorts and cart exports beside the checkout; not part of the project."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("real trials and cart exports are not beside this checkout (../shared)")
    return folder


@pytest.fixture(scope="session")
def whole():
    """The audit that ships, replicated once for every test that only looks at it."""
    import retrostats as rs

    return rs.replicate(draws=256)


@pytest.fixture(scope="session")
def whole_page(whole) -> str:
    """Its page, alone: HTML."""
    from doors.report import render_report

    return render_report(whole)


@pytest.fixture(scope="session")
def every(whole):
    """Every figure by look and width: `every[("dark", 180.0)]["own.own_data_1"]`."""
    from drawn_figures import Every

    return Every(whole)
