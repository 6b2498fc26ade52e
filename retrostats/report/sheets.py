"""What a run draws, in sheets: the figures of one part in one look, drawn and made into files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from retrostats.common.defaults import FORMATS, NARROW, THEMES
from retrostats.report.parts import Drawings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from retrostats.report.figures import Drawing
    from retrostats.report.figures.recording import Recording


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one figure.

    Attributes
    ----------
    drawing
        The figure in words, without itself.
    made
        Bytes by format.
    written
        Formats of those that are written beside the page.
    shown
        Whether the page shows the SVG.
    """

    drawing: Drawing
    made: Mapping[str, bytes]
    written: tuple[str, ...]
    shown: bool

    def write(self, folder: Path, name: str) -> None:
        """Write them to a folder that is there."""
        for kind in self.written:
            (folder / f"{name}.{kind}").write_bytes(self.made[kind])


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Figures that are drawn and made into files together.

    Attributes
    ----------
    look
        Folder of the look; "" for the usual one.
    draw
        Draws them in that look.
    formats
        Of the files.
    shown
        Names of those that the page shows, out of what was drawn.
    """

    look: str
    draw: Callable[[], Mapping[str, Drawing]]
    formats: tuple[str, ...]
    shown: Callable[[Mapping[str, Drawing]], Iterable[str]]

    def files(self) -> dict[str, Files]:
        """Files of every figure by its name; nothing is written."""
        drawn = self.draw()
        shown = set(self.shown(drawn))
        return {
            name: self._files(name, drawing, drawing.figure, name in shown)
            for name, drawing in drawn.items()
            if drawing.figure is not None
        }

    def _files(self, name: str, drawing: Drawing, figure: Figure, shown: bool) -> Files:
        from retrostats.report.figures.theme import record

        written = drawing.written(self.formats)
        kinds = [k for k in FORMATS if k in written or (shown and k == "svg")]
        once = record(figure)
        made = {kind: file_of(once, kind, name, drawing.alt) for kind in kinds}
        return Files(replace(drawing, figure=None), made, written, shown)


def prepare_to_draw() -> None:
    """Load what every file needs, once, before a process that makes files becomes two."""
    import matplotlib.backends.backend_agg
    import matplotlib.backends.backend_pdf
    import matplotlib.backends.backend_svg  # noqa: F401

    from retrostats.report.figures.svg_text import prepare_fonts

    prepare_fonts()


def by_look(
    sheets: Iterable[Sheet], made: Iterable[Mapping[str, Files]]
) -> dict[str, dict[str, Files]]:
    """Files of sheets by look and name; of two figures of one name the later is kept."""
    found: dict[str, dict[str, Files]] = {"": {}}
    for sheet, files in zip(sheets, made, strict=True):
        if files:
            found.setdefault(sheet.look, {}).update(files)
    return found


def shown_of(figures: Mapping[str, Files]) -> dict[str, str]:
    """The SVG of every figure that the page shows, by name."""
    return {name: f.made["svg"].decode("utf-8") for name, f in figures.items() if f.shown}


def in_words_of(figures: Mapping[str, Files]) -> Drawings:
    """Figures that are files by now, without themselves."""
    return Drawings.given({name: files.drawing for name, files in figures.items()})


def file_of(figure: Figure | Recording, kind: str, name: str, description: str) -> bytes:
    """The file of a figure in a format."""
    from retrostats.report.figures.theme import title_of, write

    file = BytesIO()
    write(figure, file, kind, title_of(name), description)
    return file.getvalue()


def sheets_of(
    given: Mapping[str, Drawing], formats: Sequence[str], themes: Sequence[str]
) -> list[Sheet]:
    """Every figure in the usual look, the main ones in that of one column, all in further ones."""
    drawings, kinds = Drawings.given(given), tuple(formats)
    sheets = [
        Sheet("", partial(drawings.of_part, number), kinds, list)
        for number in range(len(drawings.parts))
    ]
    for look in dict.fromkeys((NARROW, *themes)):
        shown = _of_phone if look == NARROW else _none
        draws = [part.draw if look in themes else part.main for part in drawings.parts]
        sheets += [Sheet(look, partial(_in_look, look, d), kinds, shown) for d in draws if d]
    return sheets


def _in_look(look: str, draw: Callable[[], Mapping[str, Drawing]]) -> Mapping[str, Drawing]:
    from retrostats.report.figures.looks import drawn_in

    with drawn_in(*THEMES[look]):
        return draw()


def _of_phone(drawings: Mapping[str, Drawing]) -> list[str]:
    """The first figure of an analysis: a phone is as wide as a column of a journal."""
    return [name for name, d in drawings.items() if d.analysis and not d.claim][:1]


def _none(drawings: Mapping[str, Drawing]) -> list[str]:
    return []
