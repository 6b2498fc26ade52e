"""lme4's formula language: what a model says, before any data are seen.

The fixed side and each random term's left side are expanded by `formulae`; random terms are cut
out first, because `formulae` drops which effects of a group are correlated. A formula is untrusted
text: it is checked against an alphabet before parsing, and Python evaluates nothing in it.
"""

from __future__ import annotations

import ast
import logging
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise

from retrostats.common.errors import InputError
from retrostats.models.linear.formula.expressions import columns_of, offset_of
from retrostats.models.linear.formula.grammar import require_grammar
from retrostats.models.linear.formula.quoted import (
    hidden,
    name_of,
    shown,
    with_calls,
    without_calls,
)

_TOKEN = re.compile(
    r"\s*(?:(?P<name>[^\W\d_][\w.]*)|(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})?)"
    r"|(?P<text>'[\w .%/-]{0,80}'|\"[\w .%/-]{0,80}\")|(?P<op>\|\||\*\*|\^|[-+*/:|~(),=]))"
)
_REFERENCE = re.compile(r"[Tt]reatment\(\s*(?:reference\s*=\s*)?(?:'[^']*'|\"[^\"]*\")\s*\)")
_BAR = "\N{SECTION SIGN}"  # stands for a random term while the fixed side is read
_ONE = (ast.Name, ast.Attribute, ast.Call)  # what an outcome may be
_MAX_LENGTH = 2000
_MAX_PRODUCTS = 12  # a*b*...: terms double with each factor
_ALLOWED = (
    "names, numbers, + - * / ^ : | || ( ), and the functions log, log10, log2, exp, sqrt, center, "
    "scale, poly, bs, ns, offset, I, C and factor"
)

Term = tuple[str, ...]
"""The component expressions whose product is the term; () is the intercept."""


@dataclass(frozen=True, slots=True)
class RandomTerm:
    """Effects of one group that share one unstructured covariance matrix.

    Attributes
    ----------
    terms : tuple of Term
        The effects, () for the intercept, in the order of the formula.
    factors : tuple of str
        Columns whose combination names the group: ("subject",) or ("class", "school").
    """

    terms: tuple[Term, ...]
    factors: tuple[str, ...]

    @property
    def group(self) -> str:
        """The group's name as lme4 prints it, for example ``class:school``."""
        return ":".join(self.factors)


@dataclass(frozen=True, slots=True)
class Formula:
    """A parsed formula: outcome expression, fixed terms, random terms, offsets.

    An offset is an expression whose coefficient is 1.
    """

    text: str
    outcome: str
    fixed: tuple[Term, ...]
    random: tuple[RandomTerm, ...]
    offsets: tuple[str, ...] = ()

    @property
    def outcome_name(self) -> str:
        """The column that is the outcome, without backticks; else its expression."""
        name = name_of(self.outcome)
        return name if columns_of(self.outcome) == (name,) else self.outcome

    @property
    def grouping_columns(self) -> tuple[str, ...]:
        """Columns that name groups, each once."""
        return tuple(dict.fromkeys(f for term in self.random for f in term.factors))


def parse_formula(text: str) -> Formula:
    """Parse an lme4 formula.

    Parameters
    ----------
    text : str
        For example ``"y ~ arm * time + (1 + time || subject)"``.

    Raises
    ------
    InputError
        The text is not a formula of the allowed alphabet, or has no outcome.

    Examples
    --------
    >>> parse_formula("y ~ x + (x || g)").random
    (RandomTerm(terms=((),), factors=('g',)), RandomTerm(terms=(('x',),), factors=('g',)))
    """
    if not isinstance(text, str) or len(text) > _MAX_LENGTH:
        raise InputError(f"a formula is a text of at most {_MAX_LENGTH} characters")
    return _parsed(text)


@lru_cache(maxsize=256)
def _parsed(text: str) -> Formula:
    read = hidden(text)
    _check_alphabet(read, text)
    read = _TOKEN.sub(_decimal, read)
    if re.search(r"(\*\*|\^)(?!\s*[234](?![\d.]))", read):
        raise InputError(f"formula {text!r}: a power is 2, 3 or 4")
    outcome, tilde, right = read.replace("^", "**").partition("~")
    if not tilde or not outcome.strip() or "~" in right or "|" in outcome:
        raise InputError(f"formula {text!r}: expected one outcome, then ~, then terms")
    require_grammar(text, [(m.lastgroup or "", m[0].strip()) for m in _TOKEN.finditer(read)])
    fixed_text, bars = _cut_bars(right, text)
    for side in (fixed_text, *(left for left, _, _ in bars)):
        _refuse_absent(side, text)
    terms, offsets = _without_offsets(_expand(fixed_text or "1", text), text)
    random = tuple(r for left, double, group in bars for r in _random(left, double, group, text))
    return Formula(text, _outcome(outcome.strip(), text), terms, random, offsets)


def _decimal(token: re.Match[str]) -> str:
    """A token as the parser of terms reads it: numbers without exponent."""
    if token.lastgroup != "number":
        return token[0]
    return token[0].replace(token["number"], f"{Decimal(token['number']):f}")


def _outcome(left: str, text: str) -> str:
    """The left side: one column or a call; signs outside a call would be read as those of terms."""
    try:
        tree: ast.AST | None = ast.parse(left, mode="eval").body
    except SyntaxError:
        tree = None
    found = _expand(f"0 + {left}", text) if isinstance(tree, _ONE) else ()
    if len(found) != 1 or len(found[0]) != 1 or not columns_of(found[0][0]):
        raise InputError(
            f"formula {text!r}: the outcome must be one column or one function of it, found "
            f"{shown(left)!r}; arithmetic of columns stands in I(), as I(y - baseline)"
        )
    return found[0][0]


def _refuse_absent(side: str, text: str) -> None:
    """A term that is taken away must be there, or a slip of the pen would pass."""
    side = without_calls(side)
    depth, start, signs = 0, 0, []
    for i, character in enumerate(side):
        if character == "(" and depth == 0:
            start = i + 1
        depth += (character == "(") - (character == ")")
        if character == ")" and depth == 0:
            _refuse_absent(side[start:i], text)
        if depth == 0 and character in "+-":
            signs.append(i)
    for sign, end in pairwise([*signs, len(side)]):
        removed = side[sign + 1 : end].strip()
        if side[sign] == "+" or removed in ("", "0", "1"):
            continue
        before = side[:sign].strip() or "1"
        kept = {frozenset(term) for term in _expand(before, text)}
        left_over = {frozenset(term) for term in _expand(side[:end], text)}
        if {frozenset(term) for term in _expand(f"0 + {removed}", text)} - (kept - left_over):
            raise InputError(
                f"formula {text!r}: {with_calls(removed)!r} is taken away and is not among the "
                f"terms before it, {with_calls(before)!r}"
            )


def _without_offsets(
    terms: tuple[Term, ...], text: str
) -> tuple[tuple[Term, ...], tuple[str, ...]]:
    """Fixed terms, and what stands in the offsets among them."""
    found: dict[Term, str | None] = {t: offset_of(t[0]) for t in terms if len(t) == 1}
    offsets = tuple(inner for inner in found.values() if inner is not None)
    kept = tuple(term for term in terms if found.get(term) is None)
    if any(offset_of(c) is not None for term in kept for c in term):
        raise InputError(f"formula {text!r}: an offset stands alone, it has no interactions")
    return kept, offsets


def _check_alphabet(read: str, text: str) -> None:
    position = 0
    products = 0
    while read[position:].strip():
        match = _TOKEN.match(read, position)
        if match is None:
            bad = read[position:].strip()[0]
            raise InputError(
                f"formula {text!r}: {bad!r} is not allowed; a formula holds {_ALLOWED}; a column "
                "of another name stands in backticks: `1RM (kg)`"
            )
        if match["op"] in ("*", "**", "^", "/"):
            products += 1
        position = match.end()
    if products > _MAX_PRODUCTS:
        raise InputError(f"formula {text!r}: more than {_MAX_PRODUCTS} products")
    if read.count("'") + read.count('"') != 2 * len(_REFERENCE.findall(read)):
        raise InputError(
            f"formula {text!r}: a text stands only as a reference level, C(arm, Treatment('level'))"
        )


def _cut_bars(right: str, text: str) -> tuple[str, list[tuple[str, bool, str]]]:
    """Split 'a + (x | g)' into 'a' and [('x', False, 'g')]."""
    kept: list[str] = []
    bars: list[tuple[str, bool, str]] = []
    depth, start = 0, 0
    for i, character in enumerate(right):
        if character == "(":
            if depth == 0:
                start = i
            depth += 1
        elif character == ")":
            depth -= 1
            if depth < 0:
                raise InputError(f"formula {text!r}: a closing bracket too many")
            if depth == 0:
                inner = right[start + 1 : i]
                if "|" in inner:
                    left, double, group = inner.partition("||" if "||" in inner else "|")
                    if "|" in group or "(" in group or not group.strip() or not left.strip():
                        raise InputError(f"formula {text!r}: ({inner}) is not (effects | group)")
                    bars.append((left, double == "||", group))
                    kept.append(_BAR)
                else:
                    kept.append(right[start : i + 1])
                continue
        if depth == 0:
            kept.append(character)
    joined = "".join(kept)
    if depth or "|" in joined:
        raise InputError(f"formula {text!r}: write random terms as (effects | group)")
    fixed = re.sub(rf"(^|\+)\s*{_BAR}\s*(?=$|[+-])", "", joined)
    if _BAR in fixed:
        raise InputError(f"formula {text!r}: join random terms with +")
    return re.sub(r"^\s*\+", "", fixed).strip(), bars


def _random(left: str, double: bool, group: str, text: str) -> list[RandomTerm]:
    factors = _groups(group, text)
    terms = _expand(left, text)
    if not terms:
        raise InputError(f"formula {text!r}: ({left}|{group}) has no effects")
    blocks = [(t,) for t in terms] if double else [terms]
    return [RandomTerm(tuple(block), f) for f in factors for block in blocks]


def _groups(group: str, text: str) -> list[tuple[str, ...]]:
    """'a/b' -> b within a, then a (innermost first, named as lme4 names them)."""
    levels = [part.strip() for part in group.split("/")]
    found = [tuple(p.strip() for p in part.split(":")) for part in levels]
    for name in (n for part in found for n in part):
        if not re.fullmatch(r"[^\W\d_][\w.]*", name):
            raise InputError(f"formula {text!r}: {group.strip()!r} is not a grouping of columns")
    names = [tuple(map(name_of, part)) for part in found]
    nested: list[tuple[str, ...]] = []
    for depth in range(len(names), 0, -1):
        inner = [n for part in reversed(names[:depth]) for n in part]
        nested.append(tuple(dict.fromkeys(inner)))
    return nested


class _Notices(logging.Filter):
    """Keeps the library's remark on powers from the terminal; it advises what is refused here."""

    power = False

    def filter(self, record: logging.LogRecord) -> bool:
        self.power |= "Exponentiation" in record.getMessage()
        return False


def _expand(side: str, text: str) -> tuple[Term, ...]:
    """One side's terms, main effects before interactions as R orders them."""
    from formulae.model_description import model_description
    from formulae.terms.terms import Intercept

    notices = _Notices()
    log = logging.getLogger("formulae")
    log.addFilter(notices)
    try:
        # To the library calls are names: it would print I(1 / (x + 1)) without the inner brackets.
        model = model_description(without_calls(side))
        terms = [
            () if isinstance(t, Intercept) else tuple(with_calls(str(c.name)) for c in t.components)
            for t in model.common_terms
        ]
    except (InputError, MemoryError):
        raise
    except Exception as error:  # formulae raises bare exceptions of many kinds
        raise InputError(
            f"formula {text!r}: cannot read {shown(side.strip())!r} ({error})"
        ) from None
    finally:
        log.removeFilter(notices)
    if notices.power:
        raise InputError(
            f"formula {text!r}: a power of one column is written I(x^2), a power of a sum (a + b)^2"
        )
    for term in terms:
        if any(re.fullmatch(r"[\d.]+", component) for component in term):
            raise InputError(f"formula {text!r}: the only numbers that are terms are 0 and 1")
    # R writes an interaction's columns in the order in which they first appear in the formula.
    order = {c: i for i, c in enumerate(dict.fromkeys(c for term in terms for c in term))}
    ordered = (tuple(sorted(term, key=order.__getitem__)) for term in terms)
    return tuple(sorted(dict.fromkeys(ordered), key=len))


def all_terms(formula: Formula) -> list[Term]:
    """Fixed and random terms together."""
    return [*formula.fixed, *(t for r in formula.random for t in r.terms)]
