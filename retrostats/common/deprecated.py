"""Names that have changed: the old one works for one version and says the new one.

docs/versions.md says how long; nothing else in the package warns of a name.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


def warn_renamed(old: str, new: str, *, above: int = 1) -> None:
    """Say that a name has changed, at the line of the caller `above` functions up."""
    text = f"{old} is now {new}; the old name goes with the next version"
    warnings.warn(text, DeprecationWarning, stacklevel=above + 2)


def renamed_arguments(**names: str) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Let a function take arguments under their old names, given as old="new".

    Examples
    --------
    >>> import warnings
    >>> @renamed_arguments(n_sim="draws")
    ... def size(*, draws=10):
    ...     return draws
    >>> with warnings.catch_warnings(record=True) as told:
    ...     warnings.simplefilter("always")
    ...     size(n_sim=3)
    3
    >>> str(told[0].message)
    'size(n_sim=) is now size(draws=); the old name goes with the next version'
    """

    def wrap(function: Callable[_P, _T]) -> Callable[_P, _T]:
        name = function.__name__

        @wraps(function)
        def call(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            given: dict[str, Any] = dict(kwargs)
            for old, new in names.items():
                if old in given and new not in given:
                    warn_renamed(f"{name}({old}=)", f"{name}({new}=)")
                    given[new] = given.pop(old)
            return function(*args, **given)

        return call

    return wrap
