"""Results are values: the tables they hand out are copies, their arrays cannot be written to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import numpy as np

if TYPE_CHECKING:
    from typing import Self

_T = TypeVar("_T")
_C = TypeVar("_C", bound=type)


def value_of(held: _T) -> _T:
    """What may be handed out of something held: a copy of a table, a view of an array to read."""
    found: Any = held
    if isinstance(held, np.ndarray):
        found = held.view()
        found.flags.writeable = False
    elif type(held).__module__.split(".")[0] == "pandas":
        import pandas as pd

        if isinstance(held, pd.DataFrame | pd.Series):
            # From pandas 3 a shallow copy takes its own memory when it is written to.
            found = held.copy(deep=int(pd.__version__.split(".")[0]) < 3)
    kept: _T = found
    return kept


class cached_value(Generic[_T]):
    """A property that is computed once and handed out as a value."""

    def __init__(self, make: Callable[[Any], _T]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        """Learn the name under which the result is kept."""
        self._name = name

    @overload
    def __get__(self, held: None, owner: Any = None) -> Self: ...

    @overload
    def __get__(self, held: object, owner: Any = None) -> _T: ...

    def __get__(self, held: object | None, owner: Any = None) -> _T | Self:
        """Compute it on first use."""
        if held is None:
            return self
        kept = held.__dict__
        if self._name not in kept:
            kept[self._name] = self._make(held)
        value: _T = kept[self._name]
        return value_of(value)

    def __set__(self, held: object, value: _T) -> None:
        """Refuse to replace it."""
        raise AttributeError(f"{self._name} of a {type(held).__name__} cannot be replaced")


class _Field:
    """A field of a dataclass that is handed out as a value."""

    def __init__(self, name: str, slot: Any) -> None:
        self._name = name
        self._slot = slot

    def __get__(self, held: Any, owner: Any = None) -> Any:
        """The value, or the descriptor where the class is asked."""
        if held is None:
            return self
        if self._slot is not None:
            return value_of(self._slot.__get__(held, owner))
        try:
            return value_of(held.__dict__[self._name])
        except KeyError:  # not yet set
            raise AttributeError(self._name) from None

    def __set__(self, held: Any, value: Any) -> None:
        """Keep what the constructor was given; a frozen class refuses all else."""
        if self._slot is not None:
            self._slot.__set__(held, value)
        else:
            held.__dict__[self._name] = value


def values(*names: str) -> Callable[[_C], _C]:
    """Hand out fields of a frozen dataclass, with slots or without, as values: those named, or
    every field that is declared a DataFrame.
    """

    def wrap(owner: _C) -> _C:
        fields: dict[str, Any] = owner.__dict__["__dataclass_fields__"]
        tables = [name for name, kept in fields.items() if kept.type == "pd.DataFrame"]
        for name in names or tables:
            setattr(owner, name, _Field(name, owner.__dict__.get(name)))
        return owner

    return wrap
