"""Lines of text as outlines, for pixels: each letter is read from its font once.

matplotlib places every letter of a PNG as a picture of its own, rendered anew; a line as one path
takes half the time and looks the same where letters are not fitted to the dots, as here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.path import Path
from matplotlib.textpath import text_to_path

#: Letters that were read, by font and glyph.
_letters: dict[str, tuple[Any, Any]] = {}


def outline_of(words: str, font: FontProperties) -> Path:
    """The outline of one line of text, in units of a hundredth of the size of its font.

    Examples
    --------
    >>> outline_of("a b", FontProperties(size=7)).vertices.shape[1]
    2
    """
    shape = font.copy()
    shape.set_size(text_to_path.FONT_SCALE)
    return _outline(words, shape)


@lru_cache(maxsize=4096)
def _outline(words: str, shape: FontProperties) -> Path:
    font: Any = get_font(findfont(shape))
    if not all(font.get_char_index(ord(c)) for c in words):  # letters of other fonts stand in
        points, codes = text_to_path.get_text_path(shape, words)
        return Path(points, codes)
    font.set_size(text_to_path.FONT_SCALE, text_to_path.DPI)
    placed, _, _ = text_to_path.get_glyphs_with_font(font, words, _letters)
    if not placed:
        return Path(np.empty((0, 2)))
    places = [_letters[key][0] + (x, y) for key, x, y, _ in placed]
    return Path(np.concatenate(places), np.concatenate([_letters[key][1] for key, *_ in placed]))
