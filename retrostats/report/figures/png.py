"""PNG files of drawn pixels: what is deflated is the pixels themselves.

A figure is mostly paper, and rows of one colour deflate best as they are: the filters of the PNG
specification (section 9), which libraries try on every row, take twice the time and give larger
files.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

#: Level of deflate: the next ones take longer and save little.
_LEVEL = 3
_INCH_M = 0.0254
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGBA = (8, 6, 0, 0, 0)  # bits a sample, colour type, deflate, filters by row, not interlaced


def png(pixels: NDArray[np.uint8], dpi: float, words: Mapping[str, str]) -> bytes:
    """The file of an image.

    Parameters
    ----------
    pixels
        (height, width, 4): red, green, blue and opacity.
    dpi
        Pixels an inch.
    words
        What the file says of itself, by keyword.

    Examples
    --------
    >>> png(np.zeros((1, 2, 4), np.uint8), 300, {"Title": "Two pixels"})[:8]
    b'\\x89PNG\\r\\n\\x1a\\n'
    """
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 4 * width), np.uint8)  # a row begins with its filter: none
    rows[:, 1:] = pixels.reshape(height, -1)
    a_metre = int(dpi / _INCH_M + 0.5)
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, *_RGBA))]
    parts += [_text(keyword, text) for keyword, text in words.items()]
    parts += [
        (b"pHYs", struct.pack(">IIB", a_metre, a_metre, 1)),
        (b"IDAT", zlib.compress(rows.data, _LEVEL)),
        (b"IEND", b""),
    ]
    return _SIGNATURE + b"".join(_chunk(*part) for part in parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(content, zlib.crc32(kind))
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def _text(keyword: str, text: str) -> tuple[bytes, bytes]:
    """A chunk of text: in Latin-1 where it can be, which every program reads, else in UTF-8."""
    name = keyword.encode("latin-1") + b"\0"
    try:
        return b"tEXt", name + text.encode("latin-1")
    except UnicodeEncodeError:
        return b"iTXt", name + b"\0\0\0\0" + text.encode("utf-8")
