"""Judgements of the risk of bias: the words of the usual tools, and their marks.

RoB 2 (Sterne and others 2019, BMJ 366:l4898) judges low, some concerns or high; ROBINS-I (2016, BMJ
355:i4919) low, moderate, serious, critical or no information; the first Cochrane tool (2011, BMJ
343:d5928) low, unclear or high. Each word stays as it was judged.
"""

from __future__ import annotations

from collections.abc import Mapping

from retrostats.common.errors import InputError
from retrostats.common.nearest import suggestion
from retrostats.io.pages.page import RISK_OF_BIAS

#: What a cell may hold, with the mark beside the word: it says the same, without colour.
MARKS: Mapping[str, str] = {
    "low": "+", "some concerns": "~", "moderate": "~", "unclear": "?", "no information": "?",
    "high": "\N{MULTIPLICATION SIGN}", "serious": "\N{MULTIPLICATION SIGN}",
    "critical": "\N{MULTIPLICATION SIGN}",
}  # fmt: skip
#: In a table of judgements: nobody judged this row in this domain.
NOT_JUDGED = "not judged"
_ALSO = {"some": "some concerns", "ni": "no information", "+": "low", "?": "unclear"}
#: The mark of a high risk in the first Cochrane tool, and of an empty cell elsewhere.
DASHES = ("-", "\N{EN DASH}", "\N{EM DASH}", "\N{MINUS SIGN}")
#: Words after a judgement that say nothing more: "low risk", "high risk of bias".
_AFTER = (" risk of bias", " risk")


def judgement(text: str, where: str) -> str:
    """The judgement that a cell holds, in the word of its tool.

    Raises
    ------
    InputError
        A word of no tool.

    Examples
    --------
    >>> judgement("Some", "a.csv"), judgement("High risk", "a.csv")
    ('some concerns', 'high')
    """
    said = " ".join(text.lower().split())
    for after in _AFTER:
        said = said.removesuffix(after)
    word = _ALSO.get(said, said)
    if word in MARKS:
        return word
    if text in DASHES:
        raise InputError(
            f"{where}: found {text!r}, which may be a high risk or nothing; write high, or leave "
            "it empty where nobody judged it"
        )
    raise InputError(
        f"{where}: found {text!r}{suggestion(said, MARKS)}; allowed: {', '.join(MARKS)}; leave it "
        "empty where nobody judged it"
    )


def domain_name(column: str) -> str:
    """A domain as it is shown, from its column.

    Examples
    --------
    >>> domain_name("rob_missing_data")
    'missing data'
    """
    return column.removeprefix(RISK_OF_BIAS).replace("_", " ").strip()
