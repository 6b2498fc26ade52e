"""Fuzz the cohort readers: any bytes give a Cohort or an InputError, never another exception.

python tests/fuzz/fuzz_cohort.py [SECONDS] mutates the seeds at random (seeded) and prints every
kind of exception that is not an InputError, with the bytes that caused the first one.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from retrostats.errors import InputError
from retrostats.readers.cohort import load_cohort

SEEDS = Path(__file__).parent / "seeds"
#: Bytes that decide how a table is read.
TOKENS = (b",", b";", b"\t", b'"', b"\n", b"\r", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"1e300",
          b"nan", b"-inf", b"=cmd()", b"<b>", b"subject", b"direction", b"vo2_ml_kg_min",
          b"min/km", b"0", b"1,5", b"2024-01-01", b"\xe9", b"backward")  # fmt: skip


def run(data: bytes, suffix: str, folder: Path) -> bool:
    """True when the bytes made a cohort, False when they were refused."""
    path = folder / f"input{suffix}"
    path.write_bytes(data)
    try:
        load_cohort(path)
    except InputError:
        return False
    return True


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """One to six insertions, deletions, replacements or repeats."""
    out = bytearray(data)
    for _ in range(rng.integers(1, 7)):
        at, length = int(rng.integers(0, len(out) + 1)), int(rng.integers(0, 12))
        choice = rng.integers(0, 4)
        if choice == 0:
            out[at:at] = TOKENS[rng.integers(len(TOKENS))]
        elif choice == 1:
            del out[at : at + length]
        elif choice == 2:
            out[at : at + length] = rng.bytes(length)
        else:
            out[at:at] = out[max(0, at - 4 * length) : at]
    return bytes(out)


def main(seconds: float = 60.0, seed: int = 0) -> int:
    """Number of kinds of exception found that are not an InputError."""
    rng = np.random.default_rng(seed)
    seeds = [(p.read_bytes(), p.suffix) for p in sorted(SEEDS.iterdir())]
    found: dict[str, bytes] = {}
    executions = accepted = 0
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while time.monotonic() < end:
            data, suffix = seeds[rng.integers(len(seeds))]
            data = mutate(data, rng)
            executions += 1
            try:
                accepted += run(data, suffix, Path(name))
            except Exception as error:
                found.setdefault(f"{suffix} {type(error).__name__}: {str(error)[:80]}", data)
    print(f"{executions} executions, {accepted} accepted, {len(found)} kinds of exception")
    for kind, data in found.items():
        print(kind, data[:400], sep="\n  ")
    return len(found)


if __name__ == "__main__":
    sys.exit(bool(main(*map(float, sys.argv[1:2]))))
