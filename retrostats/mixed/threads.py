"""One thread of linear algebra, for products of a few rows that gain nothing by two.

On a busy machine two threads wait for one another in a loop: ten times the processor time was seen.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any


def one_thread() -> AbstractContextManager[Any]:
    """A context in which numpy's linear algebra keeps to the thread that calls it."""
    limit: AbstractContextManager[Any] = _controller().limit(limits=1, user_api="blas")
    return limit


@lru_cache(maxsize=1)
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()  # looks through the libraries that are loaded: once is enough
