"""Tables that show all of their columns, however narrow the page."""

from __future__ import annotations

import pandas as pd

from retrostats.common.readable import readable, wrapped


class WholeTable(pd.DataFrame):
    """A DataFrame that printing never cuts by width; what is taken of it is a plain one.

    Examples
    --------
    >>> wide = pd.DataFrame({f"a_long_name_{i}": [0.5] for i in range(12)})
    >>> "a_long_name_6" in repr(WholeTable(wide)), WholeTable(wide).equals(wide)
    (True, True)
    >>> type(WholeTable(wide).head()).__name__
    'DataFrame'
    """

    def __repr__(self) -> str:
        """Every column; those that do not fit a line stand below it. Then what `attrs` notes."""
        return "\n".join([wrapped(self), *self.attrs.get("notes", ())])

    def _repr_html_(self) -> str:
        from html import escape

        lines = "".join(f"<p>{escape(line)}</p>" for line in self.attrs.get("notes", ()))
        return str(readable(self).to_html(index=False, border=0)) + lines


def whole(table: pd.DataFrame) -> pd.DataFrame:
    """The same table, shown whole."""
    found = WholeTable(table)
    found.attrs.update(table.attrs)
    return found
