"""Fuzz every reader: any bytes give a result or an InputError, never another exception.

python tests/fuzz/fuzz_readers.py [SECONDS]     mutates the seeds at random, seeded

Prints each kind of exception that is not an InputError, with the bytes that caused the first.
guided.py does the same guided by coverage.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from retrostats.common.errors import InputError

SEEDS = Path(__file__).parent / "seeds"
#: Bytes that decide how a table is read.
TOKENS = (b",", b";", b"\t", b'"', b"\n", b"\r", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"1e300",
          b"nan", b"-inf", b"=cmd()", b"<b>", b"subject", b"direction", b"vo2_ml_kg_min",
          b"min/km", b"0", b"1,5", b"2024-01-01", b"\xe9", b"backward", b"VO2", b"L/min", b"0:10",
          b"[Data]", b"<!ENTITY", b"sep=;", b"km/h")  # fmt: skip


def seeds() -> list[tuple[str, Path]]:
    """Reader and seed file of every format."""
    cohorts = [("cohort", p) for p in sorted(SEEDS.iterdir()) if p.is_file()]
    return cohorts + [("cart", p) for p in sorted((SEEDS / "carts").iterdir())]


def reader(kind: str) -> Callable[[Path], object]:
    """The function under test."""
    from retrostats.io.carts import read_cart
    from retrostats.io.cohort.cohort import load_cohort

    return read_cart if kind == "cart" else load_cohort


def run(kind: str, data: bytes, suffix: str, folder: Path) -> bool:
    """True when the bytes were read, False when they were refused."""
    path = folder / f"input{suffix}"
    path.write_bytes(data)
    try:
        reader(kind)(path)
    except InputError:
        return False
    return True


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """One to six insertions, deletions, replacements or repeats; often inside an archive."""
    if data.startswith(b"PK") and rng.random() < 0.8:
        return inside(data, rng)
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


def inside(data: bytes, rng: np.random.Generator) -> bytes:
    """The archive with one part mutated."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {item.filename: archive.read(item) for item in archive.infolist()}
    name = list(parts)[rng.integers(len(parts))]
    parts[name] = mutate(parts[name], rng)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, text in parts.items():
            archive.writestr(part, text)
    return buffer.getvalue()


def at_random(seconds: float = 60.0, seed: int = 0) -> int:
    """Number of kinds of exception found that are not an InputError."""
    rng = np.random.default_rng(seed)
    corpus = [(kind, path.read_bytes(), path.suffix) for kind, path in seeds()]
    found: dict[str, bytes] = {}
    executions = accepted = 0
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while time.monotonic() < end:
            kind, data, suffix = corpus[rng.integers(len(corpus))]
            data = mutate(data, rng)
            executions += 1
            try:
                accepted += run(kind, data, suffix, Path(name))
            except Exception as error:
                what = f"{kind} {suffix} {type(error).__name__}: {str(error)[:80]}"
                found.setdefault(what, data)
    print(f"{executions} executions, {accepted} accepted, {len(found)} kinds of exception")
    for kind, data in found.items():
        print(kind, data[:400], sep="\n  ")
    return len(found)


if __name__ == "__main__":
    sys.exit(bool(at_random(*map(float, sys.argv[1:2]))))
