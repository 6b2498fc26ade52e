"""Fonts cut to a few of their characters: the TrueType tables that a PDF and a browser read.

Only what the OpenType specification asks for is written: the outlines (`glyf`, `loca`), widths
(`hmtx`), and the characters they stand for (`cmap`), cut; the rest as the font has it. A font is
read once a process, and a cut copies bytes of it: a millisecond, where a library that understands
every table takes thirty. Outlines, widths and hints are those of the font.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

#: Bits of a component of a composite glyph (OpenType, glyf table).
_WORDS, _SCALE, _MORE, _TWO_SCALES, _MATRIX, _INSTRUCTIONS = 1, 8, 0x20, 0x40, 0x80, 0x100
#: Bits of a point: its flags repeat; its x, its y takes one byte; it takes none, or is positive.
_REPEAT, _X_SHORT, _Y_SHORT, _X_SAME, _Y_SAME = 8, 2, 4, 0x10, 0x20
#: Tables that hints are in; without hints none of them is read.
_HINTS = ("cvt ", "fpgm", "prep")
#: Names kept for a browser: copyright, family, style, id, full name, version, PostScript name.
_NAMES = range(7)
_WINDOWS, _ENGLISH = 3, 0x409
#: What the sum of a font's words and `checkSumAdjustment` comes to.
_WHOLE = 0xB1B0AFBA
#: Bytes of `glyf` up to which `loca` holds half offsets in two bytes each.
_SHORT = 0x20000
#: Fields of `maxp` on hints, from `maxZones` to `maxSizeOfInstructions`, where there are none.
_NO_HINTS = struct.pack(">7H", 1, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True, eq=False)
class TrueType:
    """A font as it was read: its tables, the places of its glyphs, and the widths of each."""

    tables: Mapping[str, bytes]
    places: Sequence[int]
    metrics: Sequence[tuple[int, int]]

    def outline(self, glyph: int) -> bytes:
        """The bytes of a glyph; none where it is empty, as a space."""
        return self.tables["glyf"][self.places[glyph] : self.places[glyph + 1]]

    def parts(self, glyphs: Iterable[int]) -> list[int]:
        """Glyphs with those they are composed of and the one for what is missing, in order."""
        found: set[int] = set()
        waiting = [0, *glyphs]
        while waiting:
            glyph = waiting.pop()
            if glyph not in found:
                found.add(glyph)
                waiting += [part for _, part in _components(self.outline(glyph))]
        return sorted(found)


@lru_cache(maxsize=8)
def read(file: str) -> TrueType | None:
    """The font in a file; None where it is a collection or has no TrueType outlines."""
    font = Path(file).read_bytes()
    if font[:4] != b"\0\1\0\0":
        return None
    tables = {}
    for i in range(struct.unpack_from(">H", font, 4)[0]):
        tag, _, offset, length = struct.unpack_from(">4sIII", font, 12 + 16 * i)
        tables[tag.decode("latin-1")] = font[offset : offset + length]
    if not {"glyf", "loca", "head", "hhea", "hmtx", "maxp"} <= set(tables):
        return None
    count = struct.unpack_from(">H", tables["maxp"], 4)[0]
    long = struct.unpack_from(">h", tables["head"], 50)[0]
    loca = struct.unpack_from(f">{count + 1}{'I' if long else 'H'}", tables["loca"])
    return TrueType(tables, loca if long else [2 * at for at in loca], _metrics(tables, count))


def _metrics(tables: Mapping[str, bytes], count: int) -> list[tuple[int, int]]:
    """Width and left side of each glyph; the last width holds for all after it."""
    wide = struct.unpack_from(">H", tables["hhea"], 34)[0]
    pairs = struct.unpack_from(">" + "Hh" * wide, tables["hmtx"])
    found = list(zip(pairs[::2], pairs[1::2], strict=True))
    rest = struct.unpack_from(f">{count - wide}h", tables["hmtx"], 4 * wide)
    return [*found, *((found[-1][0], side) for side in rest)]


def cut(font: TrueType, glyphs: Collection[int]) -> tuple[bytes, dict[int, int]]:
    """A font of these glyphs with their hints, and the number of each in it, as a PDF embeds it.

    A PDF addresses glyphs by number (ISO 32000-1, 9.7.4.2), so that no characters are named.
    """
    order = font.parts(glyphs)
    kept = {name: font.tables[name] for name in _HINTS if name in font.tables}
    kept |= {"cmap": _cmap({}), "post": _post(font)}
    return _built(font, order, kept, hints=True), {glyph: i for i, glyph in enumerate(order)}


def cut_for_browser(font: TrueType, characters: Mapping[int, int]) -> bytes:
    """A font of these characters, glyphs by code, without hints, as a browser takes it."""
    order = font.parts(characters.values())
    numbers = {glyph: i for i, glyph in enumerate(order)}
    kept = {
        "cmap": _cmap({code: numbers[glyph] for code, glyph in characters.items()}),
        "name": _name(font.tables.get("name", b"")),
        "OS/2": font.tables["OS/2"],
        "post": _post(font),
    }
    return _built(font, order, kept, hints=False)


def _built(
    font: TrueType, order: Sequence[int], kept: Mapping[str, bytes], *, hints: bool
) -> bytes:
    """A font file of glyphs in order, with tables that are ready."""
    numbers = {glyph: i for i, glyph in enumerate(order)}
    glyphs = [_renumbered(_outline(font, glyph, hints), numbers) for glyph in order]
    ends = [0]
    for glyph in glyphs:
        ends.append(ends[-1] + len(glyph))
    short = ends[-1] < _SHORT
    places = [end // 2 for end in ends] if short else ends
    head, hhea, maxp = (bytearray(font.tables[name]) for name in ("head", "hhea", "maxp"))
    head[8:12] = bytes(4)  # `checkSumAdjustment` is of the whole file
    struct.pack_into(">h", head, 50, 0 if short else 1)
    struct.pack_into(">H", hhea, 34, len(order))
    struct.pack_into(">H", maxp, 4, len(order))
    if not hints:
        maxp[14:28] = _NO_HINTS
    widths = b"".join(struct.pack(">Hh", *font.metrics[glyph]) for glyph in order)
    tables = {
        **kept,
        "glyf": b"".join(glyphs) or b"\0",  # browsers refuse a table without a byte
        "head": bytes(head),
        "hhea": bytes(hhea),
        "hmtx": widths,
        "loca": struct.pack(f">{len(places)}{'H' if short else 'I'}", *places),
        "maxp": bytes(maxp),
    }
    return _file(tables)


def _file(tables: Mapping[str, bytes]) -> bytes:
    """Tables with their directory and checksums (OpenType, organization of a font)."""
    count = len(tables)
    power = count.bit_length() - 1
    start = struct.pack(">IHHHH", 0x10000, count, 16 << power, power, 16 * (count - (1 << power)))
    at = 12 + 16 * count
    entries, bodies, head_at = [], [], 0
    for tag in sorted(tables):
        body = tables[tag] + bytes(-len(tables[tag]) % 4)
        head_at = at if tag == "head" else head_at
        entries.append(struct.pack(">4sIII", tag.encode(), _sum(body), at, len(tables[tag])))
        bodies.append(body)
        at += len(body)
    font = bytearray(start + b"".join(entries) + b"".join(bodies))
    struct.pack_into(">I", font, head_at + 8, (_WHOLE - _sum(bytes(font))) & 0xFFFFFFFF)
    return bytes(font)


def _sum(body: bytes) -> int:
    words: tuple[int, ...] = struct.unpack(f">{len(body) // 4}I", body)
    return sum(words) & 0xFFFFFFFF


@lru_cache(maxsize=4096)
def _outline(font: TrueType, glyph: int, hints: bool) -> bytes:
    """The bytes of a glyph to an even length, its instructions taken out where asked."""
    outline = font.outline(glyph)
    if outline and not hints:
        simple = struct.unpack_from(">h", outline)[0] >= 0
        outline = _simple_unhinted(outline) if simple else _composite_unhinted(outline)
    return outline + bytes(len(outline) % 2)


def _simple_unhinted(outline: bytes) -> bytes:
    """A glyph of contours without its instructions, and without what pads it."""
    contours = struct.unpack_from(">h", outline)[0]
    if contours == 0:
        return outline[:10]
    at = 10 + 2 * contours
    points = struct.unpack_from(">H", outline, at - 2)[0] + 1
    begin = end = at + 2 + struct.unpack_from(">H", outline, at)[0]
    bytes_of_places = 0
    while points > 0:
        flag, repeats = outline[end], 1
        end += 1
        if flag & _REPEAT:
            repeats += outline[end]
            end += 1
        wide = 1 if flag & _X_SHORT else 0 if flag & _X_SAME else 2
        high = 1 if flag & _Y_SHORT else 0 if flag & _Y_SAME else 2
        bytes_of_places += repeats * (wide + high)
        points -= repeats
    return outline[:at] + b"\0\0" + outline[begin : end + bytes_of_places]


def _composite_unhinted(outline: bytes) -> bytes:
    """A glyph of glyphs without its instructions."""
    made, last = bytearray(outline), 0
    for at, _ in _components(outline):
        flags = struct.unpack_from(">H", outline, at)[0]
        struct.pack_into(">H", made, at, flags & ~_INSTRUCTIONS)
        last = at + _component_length(flags)
    return bytes(made[:last])


def _components(outline: bytes) -> list[tuple[int, int]]:
    """Place and glyph of each component; none of a glyph of contours."""
    if not outline or struct.unpack_from(">h", outline)[0] >= 0:
        return []
    found, at, flags = [], 10, _MORE
    while flags & _MORE:
        flags, part = struct.unpack_from(">HH", outline, at)
        found.append((at, part))
        at += _component_length(flags)
    return found


def _component_length(flags: int) -> int:
    scale = 2 if flags & _SCALE else 4 if flags & _TWO_SCALES else 8 if flags & _MATRIX else 0
    return 4 + (4 if flags & _WORDS else 2) + scale


def _renumbered(outline: bytes, numbers: Mapping[int, int]) -> bytes:
    """A composite glyph whose components have the numbers of the cut font."""
    components = _components(outline)
    if not components:
        return outline
    made = bytearray(outline)
    for at, part in components:
        struct.pack_into(">H", made, at + 2, numbers[part])
    return bytes(made)


def _cmap(glyphs: Mapping[int, int]) -> bytes:
    """Characters to glyphs: format 4 for two bytes, format 12 for all (OpenType, cmap)."""
    runs: list[list[int]] = []  # first code, last code, first glyph
    for code, glyph in sorted(glyphs.items()):
        if runs and code == runs[-1][1] + 1 and glyph - code == runs[-1][2] - runs[-1][0]:
            runs[-1][1] = code
        else:
            runs.append([code, code, glyph])
    low = [run for run in runs if run[1] < 0xFFFF] + [[0xFFFF, 0xFFFF, 0]]
    count = len(low)
    power = count.bit_length() - 1
    words = [4, 16 + 8 * count, 0, 2 * count, 2 << power, power, 2 * count - (2 << power)]
    words += [*(last for _, last, _ in low), 0, *(first for first, _, _ in low)]
    words += [*((glyph - first) & 0xFFFF for first, _, glyph in low), *([0] * count)]
    four = struct.pack(f">{len(words)}H", *words)
    twelve = struct.pack(">HHIII", 12, 0, 16 + 12 * len(runs), 0, len(runs))
    twelve += b"".join(struct.pack(">III", *run) for run in runs)
    head = struct.pack(">HH", 0, 3)
    for platform, encoding, at in ((0, 3, 28), (0, 4, 28 + len(four)), (3, 1, 28)):
        head += struct.pack(">HHI", platform, encoding, at)
    return head + four + twelve


def _post(font: TrueType) -> bytes:
    """Slant and underline of the font, without names of glyphs (version 3)."""
    return struct.pack(">I", 0x30000) + font.tables.get("post", bytes(32))[4:32]


def _name(table: bytes) -> bytes:
    """The font's own names and copyright in English, as Windows and browsers read them."""
    count, strings = struct.unpack_from(">HH", table, 2) if table else (0, 0)
    records, texts = b"", b""
    for i in range(count):
        record = struct.unpack_from(">6H", table, 6 + 12 * i)
        platform, encoding, language, name, length, offset = record
        if platform == _WINDOWS and language == _ENGLISH and name in _NAMES:
            text = table[strings + offset : strings + offset + length]
            records += struct.pack(
                ">6H", platform, encoding, language, name, length, len(texts)
            )  # fmt: skip
            texts += text
    return struct.pack(">HHH", 0, len(records) // 12, 6 + len(records)) + records + texts
