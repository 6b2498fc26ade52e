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
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     size(n_sim=3)
    3
    >>> str(caught[0].message)
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


def renamed_fields(**names: str) -> Callable[[type[_T]], type[_T]]:
    """Let a class take and show fields and properties under their old names, given as old="new".

    Examples
    --------
    >>> import warnings
    >>> from dataclasses import dataclass
    >>> @renamed_fields(length="height")
    ... @dataclass(frozen=True)
    ... class Box:
    ...     height: float
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     Box(length=2.0).length
    2.0
    >>> [str(w.message).partition(";")[0] for w in caught]
    ['Box(length=) is now Box(height=)', 'Box.length is now Box.height']
    """

    def change(kind: type[_T]) -> type[_T]:
        named: Any = kind
        build = named.__init__

        @wraps(build)
        def made(self: Any, *args: Any, **given: Any) -> None:
            for old, new in names.items():
                if old in given and new not in given:
                    warn_renamed(f"{kind.__name__}({old}=)", f"{kind.__name__}({new}=)")
                    given[new] = given.pop(old)
            build(self, *args, **given)

        named.__init__ = made
        for old, new in names.items():
            setattr(kind, old, _renamed_property(f"{kind.__name__}.{old}", kind.__name__, new))
        return kind

    return change


def _renamed_property(old: str, owner: str, new: str) -> property:
    """What an old name of an attribute gives: a warning, then what the new one gives."""

    def value(self: Any) -> Any:
        warn_renamed(old, f"{owner}.{new}")
        return getattr(self, new)

    value.__doc__ = f"Now `{new}`."
    return property(value)
