"""Fuzz guided by coverage: python tests/fuzz/guided.py TARGET [SECONDS [INPUTS]] (atheris, Linux).

Targets are those of targets.py, or "all"; each ends after so many seconds (60) or inputs. What
reached new code is kept in corpus/TARGET, the smallest input of each kind, and is tried again by
the tests; a crash is printed with the bytes that caused it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

#: Files of a corpus, and bytes of one, that are kept in the repository.
MOST, LARGEST = 60, 4000
#: As many inputs as the seconds allow, in the words of libFuzzer.
ANY = -1


def fuzz(name: str, seconds: int, inputs: int, folder: str) -> None:
    """The loop of libFuzzer; does not return."""
    import atheris

    with atheris.instrument_imports(include=["retrostats", "formulae"]):
        from fuzz import targets

        target = targets.TARGETS[name]
        for path in sorted(Path(folder).iterdir()):  # what is imported late is seen into too
            target(path.read_bytes())
    warnings.simplefilter("ignore")

    def one(data: bytes) -> None:
        if data:
            target(data)

    atheris.Setup(
        [sys.argv[0], f"-max_total_time={seconds}", f"-runs={inputs}", "-max_len=20000",
         "-timeout=20", "-rss_limit_mb=3000", "-print_final_stats=1", "-reload=0", folder],
        one,
    )  # fmt: skip
    atheris.Fuzz()


def first_inputs(name: str, folder: Path) -> None:
    """What the loop starts from: the seeds of the readers and pages, and the kept corpus."""
    from fuzz import fuzz_readers, targets

    for path in targets.kept(name):
        shutil.copy(path, folder)
    for i, path in enumerate(targets.PAGES):
        written = {"tables": b"", "pages": path.read_bytes() + b"\0"}
        if name in written:
            table = path.with_suffix(".csv").read_bytes()
            (folder / f"seed-page-{i}").write_bytes(written[name] + table)
    formats = sorted({(kind, path.suffix) for kind, path in fuzz_readers.seeds()})
    for i, (kind, path) in enumerate(fuzz_readers.seeds()):
        known = targets.kind_of(path.suffix)
        if name == "readers":
            first = formats.index((kind, path.suffix))
        elif name == "parsers" and known is not None:
            first = known
        else:
            continue
        (folder / f"seed-{i}").write_bytes(bytes([first]) + path.read_bytes())


def keep(name: str, folder: Path) -> int:
    """The smallest inputs of the run, spread over their order, into the kept corpus."""
    from fuzz import targets

    new = sorted((p for p in folder.iterdir() if not p.name.startswith("seed-")),
                 key=lambda p: (p.stat().st_size, p.name))  # fmt: skip
    small = [p for p in new if p.stat().st_size <= LARGEST]
    step = max(1, -(-len(small) // MOST))
    place = targets.CORPUS / name
    place.mkdir(parents=True, exist_ok=True)
    for path in place.iterdir():
        if not path.name.startswith("seed-"):
            path.unlink()
    for path in small[::step]:
        shutil.copy(path, place / path.name)
    return len(list(place.iterdir()))


def main(name: str, seconds: int, inputs: int) -> int:
    """One target in a process of its own; its exit code."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "corpus"
        folder.mkdir()
        first_inputs(name, folder)
        run = subprocess.run(
            [sys.executable, __file__, "--loop", name, str(seconds), str(inputs), str(folder)],
            cwd=place, stderr=subprocess.PIPE, text=True, errors="replace", check=False,
        )  # fmt: skip
        lines = [line for line in run.stderr.splitlines() if line.startswith("stat::number_of")]
        print(name, *(lines or run.stderr.splitlines()[-30:]), sep="\n  ")
        for crash in Path(place).glob("crash-*"):
            print(f"  crash: {crash.read_bytes()[:300]!r}")
        print(f"  kept {keep(name, folder)} inputs", flush=True)
        return run.returncode


if __name__ == "__main__":
    if sys.argv[1] == "--loop":
        fuzz(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
    else:
        from fuzz import targets

        chosen = list(targets.TARGETS) if sys.argv[1] == "all" else [sys.argv[1]]
        time_each, most = (*map(int, sys.argv[2:4]), *(60, ANY)[len(sys.argv[2:4]) :])
        sys.exit(max(main(name, time_each, most) for name in chosen))
