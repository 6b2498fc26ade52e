"""A table of text in HTML and in LaTeX: cells as they are, numbers to the right, nothing else."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from html import escape

Rows = Sequence[Sequence[str]]
#: Cells of a column of numbers; a cell may be empty.
_NUMBER = re.compile(r"(?:[\u2212+-]?[\d.,]+%?)?")
_STYLE = """\
#{id} {{ overflow-x: auto; background: #fff; color: #333; padding: 10px 0; }}
#{id} table {{ border-collapse: collapse; margin: auto; font: 16px sans-serif; }}
#{id} table, #{id} thead, #{id} tbody {{ border: 0 solid #a8a8a8; border-width: 2px 0; }}
#{id} caption {{ font-size: 125%; padding: 4px 5px 8px; }}
#{id} tr {{ background: none; }}
#{id} th, #{id} td {{ border: 0; padding: 8px 5px; text-align: left; font-weight: normal; }}
#{id} th {{ padding: 5px; vertical-align: bottom; }}
#{id} tbody td {{ border-top: 1px solid #d3d3d3; }}
#{id} .number {{ text-align: right; font-variant-numeric: tabular-nums; }}"""
#: What TeX takes for a command, and characters for which pdfTeX has no glyph.
_TEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
        "%": r"\%", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
        "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "\n": " ", "\r": " ",
        "\N{MINUS SIGN}": "$-$",
        "\N{MULTIPLICATION SIGN}": r"$\times$",
        "\N{ALMOST EQUAL TO}": r"$\approx$",
        "\N{LESS-THAN OR EQUAL TO}": r"$\leq$",
        "\N{GREATER-THAN OR EQUAL TO}": r"$\geq$",
        "\N{LEFT DOUBLE QUOTATION MARK}": "``",
        "\N{RIGHT DOUBLE QUOTATION MARK}": "''",
        "\N{EN DASH}": "--",
    }
)  # fmt: skip
#: Room of a printed column, in characters, for each root of its longest cell, and beside a word.
_ROOT, _BESIDE = 2.2, 3


def html_table(name: str, title: str, note: str, heads: Sequence[str], rows: Rows) -> str:
    """An element with its style, that holds the table; `name` is the end of its id.

    Examples
    --------
    >>> "<td>&lt;b&gt;</td>" in html_table("x", "", "", ["A"], [["<b>"]])
    True
    """
    where = "t-" + re.sub(r"[^\w-]", "-", name)
    kinds = [' class="number"' if number else "" for number in _numbers(heads, rows)]
    lines = [
        f'<div id="{where}">',
        f"<style>\n{_STYLE.format(id=where)}\n</style>",
        f"<table>\n<caption>{escape(title)}</caption>\n<thead>",
        *_row("th", [f' scope="col"{kind}' for kind in kinds], heads),
        "</thead>\n<tbody>",
        *(line for row in rows for line in _row("td", kinds, row)),
        "</tbody>",
        f'<tfoot><tr><td colspan="{len(heads)}">{escape(note)}</td></tr></tfoot>',
        "</table>\n</div>",
    ]
    return "\n".join(lines) + "\n"


def latex_table(title: str, note: str, heads: Sequence[str], rows: Rows) -> str:
    r"""A table as wide as a line, over pages; needs array, booktabs, caption and longtable.

    Examples
    --------
    >>> print(latex_table("T", "N", ["A", "n"], [["50% more", "2"]]))
    {\footnotesize
    \begin{longtable}{
      >{\raggedright\arraybackslash}p{\dimexpr 0.636\linewidth-2\tabcolsep}
      >{\raggedleft\arraybackslash}p{\dimexpr 0.364\linewidth-2\tabcolsep}
    }
    \caption*{T} \\
    \toprule
    A & n \\
    \midrule
    \endhead
    50\% more & 2 \\
    \bottomrule
    \multicolumn{2}{p{\dimexpr\linewidth-2\tabcolsep}}{N} \\
    \end{longtable}}
    """
    lines = [
        r"{\footnotesize",
        r"\begin{longtable}{",
        *(
            rf"  >{{\ragged{'left' if number else 'right'}\arraybackslash}}"
            rf"p{{\dimexpr {share:.3f}\linewidth-2\tabcolsep}}"
            for share, number in zip(_shares(heads, rows), _numbers(heads, rows), strict=True)
        ),
        "}",
        rf"\caption*{{{_tex(title)}}} \\",
        r"\toprule",
        _line(heads),
        r"\midrule",
        r"\endhead",
        *map(_line, rows),
        r"\bottomrule",
        rf"\multicolumn{{{len(heads)}}}{{p{{\dimexpr\linewidth-2\tabcolsep}}}}{{{_tex(note)}}} \\",
        r"\end{longtable}}",
    ]
    return "\n".join(lines)


def _shares(heads: Sequence[str], rows: Rows) -> list[float]:
    """Part of a line that each column takes: its longest word, or more for long cells."""
    needed = []
    for i, head in enumerate(heads):
        cells = [head, *(row[i] for row in rows)]
        word = max(len(w) for cell in cells for w in cell.split() or [""])
        needed.append(max(word + _BESIDE, _ROOT * math.sqrt(max(map(len, cells)))))
    return [room / sum(needed) for room in needed]


def _numbers(heads: Sequence[str], rows: Rows) -> list[bool]:
    """Which columns hold numbers: some, and nothing else."""
    columns = [[row[i] for row in rows] for i in range(len(heads))]
    return [any(cells) and all(map(_NUMBER.fullmatch, cells)) for cells in columns]


def _row(tag: str, kinds: Sequence[str], cells: Sequence[str]) -> list[str]:
    inside = (
        f"<{tag}{kind}>{escape(cell)}</{tag}>" for kind, cell in zip(kinds, cells, strict=True)
    )
    return ["<tr>", *inside, "</tr>"]


def _line(cells: Sequence[str]) -> str:
    return " & ".join(map(_tex, cells)) + r" \\"


def _tex(text: str) -> str:
    # after the end of a row TeX would read a bracket as the room to leave
    return ("{}" if text.startswith(("[", "*")) else "") + text.translate(_TEX)
