"""TeX to MathML, which a browser sets without a script."""

from __future__ import annotations

import re

from latex2mathml.converter import convert

_TAG = re.compile(r"\\tag\{(\w+)\}")


def mathml(tex: str, display: str = "inline") -> str:
    """One formula as MathML; what the converter does not know ends the build.

    Examples
    --------
    >>> mathml("a_1")[:33], "eq-7" in mathml(r"a=b \\tag{7}", "block")
    ('<math xmlns="http://www.w3.org/19', True)
    """
    number = _TAG.search(tex)
    plain = _TAG.sub("", tex).replace("{aligned}", "{align*}").strip()
    made: str = convert(plain, display=display)
    if "\\" in made or "$" in made or "&</" in made or "<mi>&" in made.replace("<mi>&#", ""):
        raise ValueError(f"no MathML for the formula {tex[:200]!r}; write it in other commands")
    if display == "inline":
        return made
    shown = f'<span class="equation-number">({number[1]})</span>' if number else ""
    place = f' id="eq-{number[1]}"' if number else ""
    return f'<div class="equation"{place}>{made}{shown}</div>'
