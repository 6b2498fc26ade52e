"""Sobol' points, as `scipy.stats.qmc` gives them, without what its import takes.

A run needs a few thousand points and nothing else of `scipy.stats`. A test compares every
dimension here, plain and scrambled, with scipy, bit by bit; beyond them scipy is asked.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Bits = NDArray[np.uint32]
#: Bits of a coordinate.
BITS = 30
#: Of each dimension after the first its primitive polynomial, as bits, and the first direction
#: numbers: Joe and Kuo (2008), SIAM Journal on Scientific Computing 30:2635, their list D6.
_NUMBERS = """
    3 1, 7 1 3, 11 1 3 1, 13 1 1 1, 19 1 1 3 3, 25 1 3 5 13, 37 1 1 5 5 17, 41 1 1 5 5 5,
    47 1 1 7 11 19, 55 1 1 5 1 1, 59 1 1 1 3 11, 61 1 3 5 5 31, 67 1 3 3 9 7 49,
    91 1 1 1 15 21 21, 97 1 3 1 13 27 49, 103 1 1 1 15 7 5, 109 1 3 1 15 13 25, 115 1 1 5 5 19 61,
    131 1 3 7 11 23 15 103, 137 1 3 7 13 13 15 69, 143 1 1 3 13 7 35 63, 145 1 3 5 9 1 25 53,
    157 1 3 1 13 9 35 107, 167 1 3 1 5 27 61 31, 171 1 1 5 11 19 41 61, 185 1 3 5 3 3 13 69,
    191 1 1 7 13 1 19 1, 193 1 3 7 5 13 19 59, 203 1 1 3 9 25 29 41, 211 1 3 5 13 23 1 55,
    213 1 3 7 3 13 59 17, 229 1 3 1 3 5 53 69, 239 1 1 5 5 23 33 13, 241 1 1 7 7 1 61 123,
    247 1 1 7 9 13 61 49, 253 1 3 3 5 3 55 33, 285 1 3 1 15 31 13 49 245,
    299 1 3 5 15 31 59 63 97, 301 1 3 1 11 11 11 77 249, 333 1 3 1 11 27 43 71 9,
    351 1 1 7 15 21 11 81 45, 355 1 3 7 3 25 31 65 79, 357 1 3 1 1 19 11 3 205,
    361 1 1 5 9 19 21 29 157, 369 1 3 7 11 1 33 89 185, 391 1 3 3 3 15 9 79 71,
    397 1 3 7 11 15 39 119 27, 425 1 1 3 1 11 31 97 225, 451 1 1 1 3 23 43 57 177,
    463 1 3 7 7 17 17 37 71, 487 1 3 1 5 27 63 123 213, 501 1 1 3 5 11 43 53 133,
    529 1 3 5 5 29 17 47 173 479, 539 1 3 3 11 3 1 109 9 69, 545 1 1 1 5 17 39 23 5 343,
    557 1 3 1 5 25 15 31 103 499, 563 1 1 1 11 11 17 63 105 183, 601 1 1 5 11 9 29 97 231 363,
    607 1 1 5 15 19 45 41 7 383, 617 1 3 7 7 31 19 83 137 221, 623 1 1 1 3 23 15 111 223 83,
    631 1 1 5 13 31 15 55 25 161, 637 1 1 3 13 25 47 39 87 257
"""
#: Dimensions known here.
KNOWN = _NUMBERS.count(",") + 2


def sobol(d: int, n: int, rng: np.random.Generator | None = None) -> Array:
    """The first n points of a Sobol' sequence (n, d), in the unit box without its upper ends.

    Parameters
    ----------
    d, n
        Dimensions, and points; only a power of two of them is balanced.
    rng
        Scrambles the sequence by a random matrix and a random shift of its bits (Matousek 1998,
        Journal of Complexity 14:527); None: the sequence itself, which begins at 0.

    Examples
    --------
    >>> sobol(2, 4).tolist()
    [[0.0, 0.0], [0.5, 0.5], [0.75, 0.25], [0.25, 0.75]]
    """
    if d == 0:
        return np.empty((n, 0))
    doublings = max(n - 1, 0).bit_length()
    if d > KNOWN:
        from scipy.stats import qmc

        engine = qmc.Sobol(d, scramble=rng is not None, bits=BITS, rng=rng)
        return np.asarray(engine.random_base2(doublings)[:n])
    directions, points = _directions()[:d], np.zeros((1, d), np.uint32)
    if rng is not None:
        rng = rng.spawn(1)[0]  # as scipy: what is given stays as it was
        points[0] = rng.integers(2, size=(d, BITS), dtype=np.uint32) @ _PLACES
        directions = _scrambled(directions, rng)
    for k in range(doublings):  # in Gray's order the next half is the last one, read backwards
        points = np.vstack([points, points[::-1] ^ directions[:, k]])
    return np.asarray(points[:n] * 2.0**-BITS, dtype=np.float64)


_PLACES = np.left_shift(np.uint32(1), np.arange(BITS, dtype=np.uint32))


@lru_cache(maxsize=1)
def _directions() -> Bits:
    """Direction numbers (KNOWN, BITS) by Bratley and Fox (1988), ACM TOMS 14:88, eq. 2.

    m_j = 2 a_1 m_(j-1) ^ 4 a_2 m_(j-2) ^ ... ^ 2^s m_(j-s) ^ m_(j-s), of a polynomial of degree s.
    """
    found = [[1] * BITS]
    for entry in _NUMBERS.split(","):
        polynomial, *m = map(int, entry.split())
        s = len(m)
        for j in range(s, BITS):
            new = m[j - s]
            for i in range(1, s + 1):
                if polynomial >> (s - i) & 1:
                    new ^= m[j - i] << i
            m.append(new)
        found.append(m)
    return np.array(found, np.uint32) << np.arange(BITS - 1, -1, -1, dtype=np.uint32)


def _scrambled(directions: Bits, rng: np.random.Generator) -> Bits:
    """Bits of each direction number times a random lower triangular matrix a dimension, mod 2."""
    d = len(directions)
    lower = np.tril(rng.integers(2, size=(d, BITS, BITS), dtype=np.uint32))
    lower[:, np.arange(BITS), np.arange(BITS)] = 1
    first = _PLACES[::-1]  # the leading bit first
    bits = (directions[:, None, :] & first[:, None]) != 0
    mixed = (lower.astype(float) @ bits.astype(float)).astype(np.uint32) & 1
    return np.asarray((mixed * first[:, None]).sum(axis=1, dtype=np.uint32))
