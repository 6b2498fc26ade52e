"""Data inside the page: JSON that no parser of HTML takes for markup."""

from __future__ import annotations

import json
from typing import Any

#: What could end a block of data in a page, or a line of a script, and how JSON writes it.
ESCAPED = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}


def json_text(data: Any) -> str:
    """JSON that nothing in a page can end or misread.

    Examples
    --------
    >>> print(json_text({"a": "</script>&"}))
    {"a":"\\u003c/script\\u003e\\u0026"}
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character, written in ESCAPED.items():
        text = text.replace(character, written)
    return text
