"""The guard of the public surface: what stands for plain real numbers, and what is refused."""

from __future__ import annotations

import mmap
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrostats.common.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

#: Kinds of numpy that are no real numbers, in words.
_KINDS = {
    "b": "truth values", "c": "complex numbers", "M": "dates", "m": "durations", "S": "bytes",
    "U": "text", "V": "records",
}  # fmt: skip
#: No file system takes a longer name; no double holds a larger number.
_PATH, _LARGEST = 4096, 1 << 1023
#: Bytes of an array from which numpy asks for large pages.
_LARGE = 2**22


def real_array(values: Any, name: str, *, missing: bool = False) -> NDArray[np.float64]:
    """An array of real numbers; what is masked, empty of meaning or no number is refused.

    NaN and infinity pass: whether they may stand is for the caller, who knows what they mean.
    With `missing` None and NA within an array are NaN.

    Raises
    ------
    InputError
        None, text, dates, durations, truth values, complex numbers, masked values, ragged lists.

    Examples
    --------
    >>> real_array([1, 2.5], "y")
    array([1. , 2.5])
    >>> real_array([1 + 2j], "y")
    Traceback (most recent call last):
    retrostats.common.errors.InputError: y: found complex numbers; allowed are real numbers
    """
    refuse_masked(values, name)
    try:
        found = np.asarray(values)
    except (TypeError, ValueError):
        raise InputError(
            f"{name}: found rows of unequal length or no array; allowed are real numbers"
        ) from None
    if found.dtype.kind == "O":
        return _objects(found, name, missing=missing)
    if found.dtype.kind not in "iuf":
        kind = _KINDS.get(found.dtype.kind, str(found.dtype))
        raise InputError(f"{name}: found {kind}; allowed are real numbers")
    return np.asarray(found, dtype=float)


def finite_array(values: Any, name: str) -> NDArray[np.float64]:
    """As `real_array`, and every number finite.

    Examples
    --------
    >>> finite_array([1.0, float("nan")], "y")
    Traceback (most recent call last):
    retrostats.common.errors.InputError: y: found nan; allowed are finite numbers
    """
    found = real_array(values, name)
    bad = ~np.isfinite(found)
    if bad.any():
        raise InputError(f"{name}: found {found[bad].flat[0]}; allowed are finite numbers")
    return found


def real_number(value: Any, name: str) -> float:
    """One finite real number.

    Examples
    --------
    >>> real_number(3, "change")
    3.0
    """
    found = real_array(value, name)
    if found.ndim or not np.isfinite(found):
        raise InputError(f"{name}: found {value!r}; allowed is one finite number")
    return float(found)


def single(value: Any, name: str) -> float:
    """One real number, which may be NaN or infinite.

    Examples
    --------
    >>> single(float("inf"), "df")
    inf
    """
    found = real_array(value, name)
    if found.ndim:
        raise InputError(f"{name}: found {value!r}; allowed is one number")
    return float(found)


def whole_number(value: Any, name: str, least: int) -> int:
    """A whole number from `least` on.

    Examples
    --------
    >>> whole_number(0, "draws", 1)
    Traceback (most recent call last):
    retrostats.common.errors.InputError: draws must be 1 or more, found 0
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise InputError(f"{name}: found {value!r}; a whole number is needed, {least} or more")
    if value < least:
        raise InputError(f"{name} must be {least} or more, found {value}")
    return int(value)


def check_seed(seed: Any) -> None:
    """Refuse a seed that is neither a whole number nor a generator: results must come again.

    Examples
    --------
    >>> check_seed(1)
    """
    if not isinstance(seed, np.random.Generator):
        whole_number(seed, "seed", 0)


def share(value: Any, name: str = "level") -> float:
    """A number between 0 and 1, both excluded: a level of confidence, an error rate, a power.

    Examples
    --------
    >>> share(95)
    Traceback (most recent call last):
    retrostats.common.errors.InputError: level=95; allowed: between 0 and 1, as 0.95
    """
    plain = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not plain or isinstance(value, np.complexfloating) or not 0 < value < 1:
        raise InputError(f"{name}={value!r}; allowed: between 0 and 1, as 0.95")
    return float(value)


def one_of(value: Any, name: str, allowed: Iterable[str]) -> None:
    """Refuse an option that is none of the allowed words.

    Examples
    --------
    >>> one_of("b", "side", ("left", "right"))
    Traceback (most recent call last):
    retrostats.common.errors.InputError: side='b'; allowed: left, right
    """
    words = tuple(allowed)
    if not isinstance(value, str) or value not in words:
        raise InputError(f"{name}={value!r}; allowed: {', '.join(words)}")


def instances_of(values: Any, name: str, *kinds: type) -> None:
    """Refuse what is no list of objects of the allowed kinds.

    Examples
    --------
    >>> instances_of(["a"], "cells", float)
    Traceback (most recent call last):
    retrostats.common.errors.InputError: cells: found 'a'; allowed: float
    """
    listed = values if isinstance(values, list | tuple) else [values]
    for value in listed:
        if not isinstance(value, kinds):
            allowed = " or ".join(kind.__name__ for kind in kinds)
            raise InputError(f"{name}: found {value!r:.80}; allowed: {allowed}")


def path_of(value: Any, name: str) -> Path:
    """A path, from text or a path.

    Examples
    --------
    >>> path_of(3, "path")
    Traceback (most recent call last):
    retrostats.common.errors.InputError: path: found 3; allowed is the name of a file or folder
    """
    text = str(value) if isinstance(value, Path) else value
    if not isinstance(text, str) or not text or "\0" in text or len(text) > _PATH:
        shown = repr(value)[:80]
        raise InputError(f"{name}: found {shown}; allowed is the name of a file or folder")
    return Path(value)


def table_of(value: Any, name: str) -> pd.DataFrame:
    """A table: a DataFrame, or a mapping of columns.

    Examples
    --------
    >>> table_of({"n": [3]}, "table").shape
    (1, 1)
    """
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        return value
    try:
        if not isinstance(value, dict | list | tuple) or not value:
            raise TypeError
        return pd.DataFrame(value)
    except (TypeError, ValueError):
        raise InputError(
            f"{name}: found {type(value).__name__}; a DataFrame with a row each is needed"
        ) from None


def table_column(table: pd.DataFrame, column: str, where: str) -> NDArray[np.float64]:
    """A column of a table as numbers, NaN where there is none; what is no number is refused.

    Examples
    --------
    >>> import pandas as pd
    >>> table_column(pd.DataFrame({"n": ["12", None]}), "n", "table")
    array([12., nan])
    """
    import pandas as pd

    series = table[column]
    if isinstance(series, pd.DataFrame):
        raise InputError(f"{where}: column {column!r} appears {series.shape[1]} times; keep one")
    kind = series.dtype.kind
    found = _KINDS.get(kind) if kind in "bcMm" else None
    if kind == "O":
        found = next((what for v in series if (what := _no_number(v))), None)
    if found:
        raise InputError(f"{where}: column {column!r} holds {found}; allowed are real numbers")
    return pd.to_numeric(series, errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def _no_number(value: Any) -> str | None:
    """What a Python object is that is no number and would be taken for one, in words."""
    from datetime import date, timedelta

    if isinstance(value, bool | np.bool_):
        return "truth values"
    if isinstance(value, complex | np.complexfloating):
        return "complex numbers"
    if isinstance(value, date | np.datetime64) and value == value:
        return "dates"
    if isinstance(value, timedelta | np.timedelta64) and value == value:
        return "durations"
    if isinstance(value, int) and abs(value) > _LARGEST:
        return "a whole number too large for a computation"
    if isinstance(value, bytes):
        return "bytes"
    return None


def refuse_masked(values: Any, name: str) -> None:
    """Refuse masked values: what lies under a mask is missing, as NaN is.

    Examples
    --------
    >>> refuse_masked([1.0, 2.0], "y")
    """
    parts = values if isinstance(values, list | tuple) else [values]
    for part in parts:
        if part is np.ma.masked or np.ma.is_masked(part):
            raise InputError(
                f"{name}: values are masked, that is missing; leave them out (.compressed(), and "
                "the same places of what stands beside them)"
            )


def label_array(labels: Any, name: str, k: int) -> NDArray[Any]:
    """A label for each of k estimates; none may be missing.

    Examples
    --------
    >>> label_array(["a", "b"], "cluster", 3)
    Traceback (most recent call last):
    retrostats.common.errors.InputError: cluster: 2 labels for 3 estimates; give each its label
    """
    import pandas as pd

    refuse_masked(labels, name)
    try:
        found = np.asarray(labels)
    except ValueError:
        raise InputError(f"{name}: rows of unequal length; give each estimate its label") from None
    if found.shape != (k,):
        raise InputError(f"{name}: {found.size} labels for {k} estimates; give each its label")
    empty = np.flatnonzero(pd.isna(found))
    if empty.size:
        raise InputError(f"{name}: estimate {empty[0]} has no label; give each its label")
    return found


def unset_array(count: int, dtype: Any) -> NDArray[Any]:
    """A long array (count,) of any values, to be written: in small pages, where a system has both.

    numpy asks Linux for large pages, which a virtual machine has often given back to its host and
    has to fetch and clear anew; that took five times as long.
    """
    size = count * np.dtype(dtype).itemsize
    if sys.platform != "linux" or size < _LARGE:
        return np.empty(count, dtype=dtype)
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
    memory = mmap.mmap(-1, size, flags=flags)  # cleared at once, in two thirds of the time
    return np.frombuffer(memory, dtype=dtype)


def floats_of(column: pd.Series) -> NDArray[np.float64]:
    """The numbers of a column (n,), NaN where there is none; its own memory where it holds them.

    Examples
    --------
    >>> import pandas as pd
    >>> floats_of(pd.Series([1, None], dtype="Int64"))
    array([ 1., nan])
    """
    if not isinstance(column.dtype, np.dtype) or column.dtype.kind not in "iuf":
        return column.to_numpy(dtype=float, na_value=np.nan)
    values = column.to_numpy()
    if values.dtype == np.float64:
        return values
    found = unset_array(len(values), np.float64)
    found[:] = values
    return found


def records_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table by the names of its columns, in Python's own types.

    As `DataFrame.to_dict("records")`, read column by column: half the time, and none of it by cell.

    Examples
    --------
    >>> import pandas as pd
    >>> records_of(pd.DataFrame({"n": [1, 2], "label": ["a", None]}))
    [{'n': 1, 'label': 'a'}, {'n': 2, 'label': nan}]
    """
    names = [str(name) for name in frame.columns]
    columns = [_values(column) for _, column in frame.items()]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _values(column: pd.Series) -> list[Any]:
    """The values of a column; of one of objects, those of numpy as Python's, and None for NA."""
    import pandas as pd

    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufb":
        return column.tolist()
    cells = column.to_numpy(dtype=object).tolist()
    return [
        cell.item() if isinstance(cell, np.generic) else None if cell is pd.NA else cell
        for cell in cells
    ]


def _objects(found: NDArray[Any], name: str, *, missing: bool) -> NDArray[np.float64]:
    """Python objects: numbers as decimals and fractions pass, whatever else is named."""
    from numbers import Number

    import pandas as pd

    if missing and found.ndim:
        empty = [v is None or v is pd.NA for v in found.ravel()]
        found = found.copy()
        found.flat[np.flatnonzero(empty)] = np.nan
    for value in found.ravel():
        if isinstance(value, bool | np.bool_ | complex) or not isinstance(value, Number):
            raise InputError(f"{name}: found {value!r}; allowed are real numbers")
    try:
        return found.astype(float)
    except (OverflowError, TypeError, ValueError):
        raise InputError(f"{name}: a value is no number that a computer holds") from None
