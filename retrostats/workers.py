"""A cluster that does the work where one is named."""

from __future__ import annotations

from typing import Any

from retrostats.errors import InputError


def dask_client(address: str) -> Any:
    """A client of the Dask scheduler at `address`.

    Raises
    ------
    InputError
        If Dask is not installed or nothing answers there.
    """
    try:
        import distributed
    except ImportError:
        raise InputError(
            "--scheduler needs Dask; install it with: pip install 'retrostats[scale]'"
        ) from None
    try:
        client: Any = distributed.Client
        return client(address, timeout="10s")
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(
            f"--scheduler {address}: no Dask scheduler answers there ({error}); "
            "start one with 'dask scheduler' and give its address, as tcp://HOST:8786"
        ) from None
