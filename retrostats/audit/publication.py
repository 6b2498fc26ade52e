"""Results that were never published: looked for where enough studies are pooled, else said so.

Small studies that show other effects than large ones are what is left to see of results that stayed
in drawers (Sterne and others 2011, BMJ 343:d4002, who ask for ten studies or more).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from retrostats.common.errors import InputError
from retrostats.models.meta.two_stage import pool

#: Fewest studies among which a test of a funnel's asymmetry can see anything (Sterne 2011).
LEAST_STUDIES = 10
#: Two-sided p of the test below which it is taken as seen (Egger and others 1997, BMJ 315:629).
ASYMMETRIC = 0.10


def publication_bias(effects: Sequence[float], std_errors: Sequence[float]) -> tuple[int, str]:
    """Levels of certainty lost, and the sentence that says why.

    Parameters
    ----------
    effects, std_errors
        Of the pooled studies (k,), on the model's scale; those without an error are not looked at.

    Returns
    -------
    levels, why
        1 where Egger's regression, with a variance between studies, has a two-sided p below 0.10;
        0 otherwise, and with fewer than ten studies, where it says that nobody could see it.

    Examples
    --------
    >>> publication_bias([0.2, 0.3], [0.1, 0.1])
    (0, '2 studies: results that were never published can be looked for among 10 or more')
    """
    both = [(y, e) for y, e in zip(effects, std_errors, strict=True)
            if math.isfinite(y) and math.isfinite(e) and e > 0]  # fmt: skip
    k = len(both)
    if k < LEAST_STUDIES:
        studies = "1 study" if k == 1 else f"{k} studies"
        least = f"among {LEAST_STUDIES} or more"
        return 0, f"{studies}: results that were never published can be looked for {least}"
    found = pool([y for y, _ in both], [e for _, e in both])
    try:
        p = float(found.egger(model="random-effects")["p_value"].iloc[0])
    except InputError:  # all errors are the same: none is of a small study
        return 0, f"{k} studies of one size: results that were never published cannot be looked for"
    shown = f"Egger's test among {k} studies, p {'< 0.001' if p < 0.001 else f'= {p:.2g}'}"
    if p < ASYMMETRIC:
        return 1, f"small studies show other effects than large ones ({shown})"
    return 0, f"small studies show no other effects than large ones ({shown})"
