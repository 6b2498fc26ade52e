"""Garbage into every public function: python -m benchmarks.garbage [--all].

One argument of a right call (`garbage_calls`) is replaced at a time. A call *holds* (a finite
answer), is *refused* (an error of retrostats) or is *wrong*: another exception, a warning, an
answer that is not finite, or an answer where garbage must be refused.
"""

from __future__ import annotations

import argparse
import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import retrostats as rs
from benchmarks.garbage_calls import calls
from benchmarks.garbage_kinds import MUST

#: Function, what was put where, the call, and whether it must be refused.
Case = tuple[str, str, Callable[[], Any], str]
HELD, REFUSED, WRONG = "held", "refused", "wrong"


def cases(*, slow: bool = True, only: str = "") -> Iterator[Case]:
    """Function, what was put where, the call, and whether it must be refused."""
    for name, call in calls().items():
        if (call.slow and not slow) or only not in ("", name):
            continue
        for argument, garbage in call.garbage.items():
            for what, value, rule in garbage:
                given = {**call.right, argument: value}
                yield name, f"{argument}={what}", (lambda c=call, g=given: c.function(**g)), rule


def outcome(call: Callable[[], Any], rule: str) -> tuple[str, str]:
    """How a call ended, and why where it is wrong."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = call()
        except rs.RetrostatsError as error:
            return REFUSED, str(error)
        except Exception as error:
            return WRONG, f"{type(error).__name__}: {error}"
    if rule == MUST:
        return WRONG, f"took it: {found!r:.80}"
    return (HELD, "") if finite(found) else (WRONG, f"not finite: {found!r:.80}")


def finite(found: Any) -> bool:
    """Whether the headline of an answer is finite; a table's columns may lack what is not there."""
    for name in ("estimate", "std_error"):
        value = getattr(found, name, None)
        if isinstance(value, float | np.ndarray) and not np.isfinite(value).all():
            return False
    if hasattr(found, "beta"):
        return bool(np.isfinite(found.beta).all())
    if isinstance(found, float):
        return math.isfinite(found)
    if isinstance(found, np.ndarray):
        return found.dtype.kind != "f" or not np.isinf(found).any()
    return True


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.garbage")
    parser.add_argument("--all", action="store_true", help="every call, also those that simulate")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    for name, what, call, rule in cases(slow=options.all):
        ended, why = outcome(call, rule)
        counts[ended] += 1
        if ended == WRONG:
            print(f"{name}({what}): {' '.join(why.split())[:160]}")
    print(
        f"{counts.total()} calls: " + ", ".join(f"{counts[e]} {e}" for e in (HELD, REFUSED, WRONG))
    )
    return 1 if counts[WRONG] else 0


if __name__ == "__main__":
    raise SystemExit(main())
