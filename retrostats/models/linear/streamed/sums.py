"""Sums over the rows of each subject, and over all rows, of products of the design.

What is summed is not W (the columns of Z and X) and y but W A and y - W b, with A and b from the
first rows: nearly an orthonormal basis and nearly the residual, so that neither a large mean nor a
covariate far from zero costs digits, and one pass is enough. A is upper triangular and Z comes
first, so that the first q columns of W A span Z.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrostats.models.linear.formula.columns import FloatArray, IntArray
from retrostats.models.linear.streamed.labels import Keys
from retrostats.models.linear.streamed.piece import Design, Piece

_HEAD = 20_000  # rows of the first piece that give A and b
_BLOCK = 1 << 15  # rows whose products are in the processor's second cache at once
_FLAT = 1e-4  # relative diagonal of R below which a column of the head says nothing of its own


@dataclass(frozen=True, slots=True)
class Pilot:
    """A (P, P), upper triangular, and b (P,) of the first rows, zero but for the columns of X."""

    a: FloatArray
    b: FloatArray


def pilot_of(piece: Piece, fixed: list[int]) -> Pilot:
    """A rough basis and rough coefficients from the head of the first piece; `fixed` is X in W."""
    w, y = piece.w[:, :_HEAD].T, piece.y[:_HEAD]
    size = np.sqrt((w**2).mean(axis=0))
    size[size == 0] = 1.0
    scaled = w / size
    r = np.zeros((w.shape[1], w.shape[1]))
    rows = np.linalg.qr(scaled / np.sqrt(len(w)), mode="r")
    r[: len(rows)] = rows
    flat = np.abs(np.diag(r)) < _FLAT
    r[flat] = np.eye(len(r))[flat]
    b = np.zeros(len(size))
    b[fixed] = np.linalg.lstsq(scaled[:, fixed], y, rcond=1e-10)[0] / size[fixed]
    return Pilot(np.triu(np.linalg.inv(r * size)), b)


def empty_sums(pilot: Pilot, design: Design) -> Sums:
    """Sums of no rows yet."""
    strata = design.strata if design.needs.residual else 0
    keys = len(design.needs.groups) + bool(design.needs.residual)
    return Sums(pilot, len(design.effects), keys, strata)


class Sums:
    """Running sums; `add` takes a piece, `merge` the sums of other rows.

    Attributes
    ----------
    n_rows, n_dropped : int
        Complete rows, and the others.
    largest : float
        Largest absolute outcome.
    log_weight : float
        Sum of the logarithms of the weights.
    coder : Keys
        Of the subjects: combinations of labels, where there are several groups.
    totals, used : dict
        As in `Piece`.
    total : (P + 1, P + 1) array
        Crossproducts of all rows of (W A, y - W b).
    pairs : list of (int, int)
        Which two of these columns each row of `by_subject` is the product of; the first spans Z.
    by_stratum : (T, P + 1, P + 1) array, of_stratum : (T,) array
        As `total`, and the rows, of each residual stratum (a combination of levels).
    by_subject : (k, S) array
        Sums over the rows of each subject.
    """

    def __init__(self, pilot: Pilot, q: int, groups: int = 1, strata: int = 0) -> None:
        size = len(pilot.b)
        self.pilot, self.q = pilot, q
        self.total = np.zeros((size + 1, size + 1))
        self.coder = Keys(groups)
        self.n_rows, self.n_dropped, self.largest, self.log_weight = 0, 0, 0.0, 0.0
        self.totals: dict[str, float] = {}
        self.used: dict[str, np.ndarray] = {}
        self.pairs = [(a, b) for a in range(q) for b in range(a, size + 1)]
        self._sums = np.zeros((len(self.pairs), 0))
        self.by_stratum = np.zeros((strata, size + 1, size + 1))
        self.of_stratum = np.zeros(strata)

    @property
    def by_subject(self) -> FloatArray:
        """See the class."""
        return self._sums[:, : self.coder.count]

    def add(self, piece: Piece) -> None:
        """Add the rows of one piece."""
        codes = self.coder.codes(piece.group)
        self._room()
        work, product = np.empty((len(self.total), _BLOCK)), np.empty(_BLOCK)
        for start in range(0, len(codes), _BLOCK):
            here = slice(start, start + _BLOCK)
            count = len(codes[here])
            self._add(piece, codes, here, work[:, :count], product[:count])
        self.n_rows += len(codes)
        self.largest = max(self.largest, float(piece.y.max()), -float(piece.y.min()))
        self._note(piece)

    def _add(
        self, piece: Piece, codes: IntArray, here: slice, work: FloatArray, product: FloatArray
    ) -> None:
        """Add the rows `here`; `work` (P + 1, n) and `product` (n,) are written over."""
        w, codes = piece.w[:, here], codes[here]
        np.matmul(self.pilot.a.T, w, out=work[:-1])
        np.subtract(piece.y[here], self.pilot.b @ w, out=work[-1])
        for i, column in enumerate(work):
            for j in range(i + 1):
                self.total[i, j] += column @ work[j]
                self.total[j, i] = self.total[i, j]
        for row, (a, b) in zip(self._sums, self.pairs, strict=True):
            np.multiply(work[a], work[b], out=product)
            np.add.at(row, codes, product)  # in place: the time is that of the rows alone
        if piece.stratum is None:
            return
        stratum, strata = piece.stratum[here], len(self.of_stratum)
        self.of_stratum += np.bincount(stratum, minlength=strata)
        for i, column in enumerate(work):
            for j in range(i + 1):
                self.by_stratum[:, i, j] += np.bincount(stratum, column * work[j], strata)
                self.by_stratum[:, j, i] = self.by_stratum[:, i, j]

    def merge(self, other: Sums) -> None:
        """Add the sums of other rows, taken with the same pilot."""
        place = self.coder.codes(other.coder.labels)
        self._room()
        self._sums[:, place] += other.by_subject
        self.total += other.total
        self.by_stratum += other.by_stratum
        self.of_stratum += other.of_stratum
        self.n_rows += other.n_rows
        self.largest = max(self.largest, other.largest)
        self._note(other)

    def _note(self, other: Piece | Sums) -> None:
        self.n_dropped += other.n_dropped
        self.log_weight += other.log_weight
        for name, total in other.totals.items():
            self.totals[name] = total + self.totals.get(name, 0.0)
        for name, seen in other.used.items():
            self.used[name] = seen | self.used.get(name, np.zeros(len(seen), dtype=bool))

    def _room(self) -> None:
        """At least as many columns as there are subjects."""
        k, room = self._sums.shape
        if self.coder.count > room:
            grown = np.zeros((k, max(self.coder.count, min(2 * room, room + (1 << 20)))))
            grown[:, :room] = self._sums
            self._sums = grown

    def trim(self) -> None:
        """Give back room for subjects that did not come, before the sums travel."""
        if self._sums.shape[1] > self.coder.count:
            self._sums = np.array(self._sums[:, : self.coder.count])

    def products(self, sums: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Z'Z (S, q, q), Z'W A (S, q, P) and Z'r (S, q) of sums (k, S), Z as its columns are.

        They are linear in the sums: those of the unit sums say how any are turned into them.
        """
        q, size = self.q, len(self.pilot.b)
        work = np.empty((sums.shape[1], q, size + 1))
        for row, (a, b) in zip(sums, self.pairs, strict=True):
            work[:, a, b] = row
            if b < q:
                work[:, b, a] = row
        back = np.linalg.inv(self.pilot.a[:q, :q])  # Z = (W A)[:q] back
        zw = np.matmul(back.T, work)
        return zw[:, :, :q] @ back, zw[:, :, :size], zw[:, :, size]
