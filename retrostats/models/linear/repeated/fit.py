"""`RepeatedFit`: a linear model whose residuals of one subject have a covariance of their own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd
from numpy.linalg import LinAlgError

from retrostats.common.arrays import check_seed, whole_number
from retrostats.common.errors import InputError, NotConverged, NotIdentified
from retrostats.common.values import cached_value
from retrostats.common.whole import whole
from retrostats.models.linear.blocks.basis import substitute
from retrostats.models.linear.estimates import Ddf, defined_ddf
from retrostats.models.linear.fitted import LmmFit
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.formula.design import offset_values
from retrostats.models.linear.homoscedastic.criterion import Point
from retrostats.models.linear.homoscedastic.optimise import Optimum
from retrostats.models.linear.model import Model
from retrostats.models.linear.newton import descend, newton_step
from retrostats.models.linear.post_estimation.modes import require_rows
from retrostats.models.linear.prepare import prepare_repeated
from retrostats.models.linear.repeated.criterion import State, evaluate
from retrostats.models.linear.repeated.engine import RepeatedEngine
from retrostats.models.linear.repeated.structures import Shape, shape_of
from retrostats.models.linear.repeated.sums import Repeated, repeated_levels, repeated_sums

if TYPE_CHECKING:
    from typing import Self

    from retrostats.models.linear.post_estimation.residuals import RSquared

_DEGENERATE = 1e-7  # smallest eigenvalue of the correlations, below which they are not determined


def fit_repeated(
    formula: str, data: object, structure: str, *, reml: bool = True, ddf: Ddf = "kenward-roger"
) -> RepeatedFit:
    """Fit a linear model with a covariance of repeated measurements.

    Parameters
    ----------
    formula : str
        ``"y ~ arm * visit + (0 + visit | subject)"``; with ``(1 | subject)`` the repeated factor is
        the column, or combination of factors, of the fixed effects that tells a subject's
        measurements apart.
    data : DataFrame, cohort or Moments
    structure : str
        One of `structures.STRUCTURES`.
    reml : bool
    ddf : str

    Raises
    ------
    InputError, NotIdentified, NotConverged

    References
    ----------
    Mallinckrodt, Lane, Schnell, Peng and Mancuso (2008), Drug Information Journal 42:303 (mmrm).
    """
    model, named = prepare_repeated(formula, data)
    return fit_structure(model, structure=structure, named=named, reml=reml, ddf=ddf)


def fit_structure(
    model: Model,
    *,
    structure: str,
    named: tuple[str, ...] = (),
    reml: bool = True,
    ddf: Ddf = "kenward-roger",
) -> RepeatedFit:
    """Fit a prepared model; `named` are the columns of its repeated factor, if they were given."""
    levels = repeated_levels(model, named)
    if len(levels.labels) < 2:
        raise NotIdentified(
            f"{levels.name} has one level ({levels.labels[0]}); repeated measurements are needed"
        )
    data = repeated_sums(model, levels)
    shape = shape_of(structure, len(levels.labels))
    theta, state, steps, converged = _minimum(data, shape, model, structure, reml)
    nu = data.reduced.n_obs - (len(state.delta) if reml else 0)
    unit = data.scale**2
    point = Point(
        state.deviance, state.gradient, state.hessian, data.scale * state.delta, state.xvx,
        unit * nu, unit,
    )  # fmt: skip
    optimum = Optimum(theta, point, False, converged, steps, model.gram, theta)
    beta = data.reduced.start + substitute(data.reduced.basis, point.delta)
    engine = RepeatedEngine(structure, shape, data, state)
    return RepeatedFit(
        model, reml, defined_ddf(ddf, reml=reml), optimum, beta, engine,
        again=partial(fit_structure, structure=structure, named=named),
    )  # fmt: skip


def _minimum(
    data: Repeated, shape: Shape, model: Model, structure: str, reml: bool
) -> tuple[FloatArray, State, int, bool]:
    """Newton's method from crude moments; Fisher's scoring where the deviance is not convex."""

    def criterion(theta: FloatArray) -> State:
        return evaluate(data, shape, theta, reml=reml)

    def direction(point: State, x: FloatArray) -> tuple[FloatArray, float]:
        convex = np.linalg.eigvalsh(point.hessian).min() > 0
        return newton_step(point.gradient, point.hessian if convex else point.expected, x)

    m = len(data.levels.labels)
    crude = data.moments() if structure == "unstructured" else _seen_moments(data)
    if structure == "unstructured" and data.subjects <= m:
        raise NotIdentified(_too_few(data, m))
    try:
        found = descend(criterion, shape.start(crude), direction, ())
    except LinAlgError as error:
        raise NotConverged(
            f"{model.formula.text!r} with covariance={structure!r}: {error}"
        ) from None
    v = found.point.v
    sd = np.sqrt(np.diag(v))
    if np.linalg.eigvalsh(v / np.outer(sd, sd)).min() < _DEGENERATE:
        raise NotIdentified(_too_few(data, m))
    return found.x, found.point, found.steps, found.converged


def _seen_moments(data: Repeated) -> FloatArray:
    """Crude covariances; those of pairs that no subject has are of no correlation."""
    try:
        return data.moments()
    except NotIdentified:
        m = len(data.levels.labels)
        total, count = np.zeros(m), np.zeros(m)
        for s in data.seen:
            total[s.levels] += np.diag(s.cross[:, :, -1, -1])
            count[s.levels] += s.count
        return np.diag(total / count)


def _too_few(data: Repeated, m: int) -> str:
    return (
        f"{data.subjects:g} subjects do not determine the covariance of {m} levels of "
        f"{data.levels.name} ({m * (m + 1) // 2} numbers); take covariance='compound-symmetry' or "
        "'ar1', or more subjects"
    )


def _no_random_effects(structure: str) -> NoReturn:
    raise InputError(
        f"covariance={structure!r} has no random effects; the covariance of a subject's "
        "measurements is .covariance. Fit with a random term and without covariance= for them"
    )


@dataclass(frozen=True, eq=False, repr=False)
class RepeatedFit(LmmFit):
    """A fitted linear model with a covariance of repeated measurements, as mmrm and nlme's `gls`.

    What is asked of it is what is asked of an `LmmFit`, less what needs random effects.
    """

    engine: RepeatedEngine

    @property
    def structure(self) -> str:
        """Of the covariance."""
        return self.engine.structure

    @property
    def n_parameters(self) -> int:
        """Fixed effects and parameters of the covariance."""
        return len(self.beta) + len(self.engine.shape.names)

    @cached_value
    def covariance(self) -> pd.DataFrame:
        """Covariance matrix of one subject's measurements, by the levels of the repeated factor."""
        labels = pd.Index(self.engine.data.levels.labels, name=self.engine.data.levels.name)
        return pd.DataFrame(self.engine.v, index=labels, columns=labels)

    @property
    def modes(self) -> NoReturn:
        """There are none."""
        _no_random_effects(self.structure)

    def ranef(self, *, level: float = 0.95) -> NoReturn:
        """There are none."""
        _no_random_effects(self.structure)

    def predict(
        self,
        newdata: pd.DataFrame | None = None,
        *,
        random: bool = True,
        allow_new_levels: bool = False,
        level: float = 0.95,
        weights: Any = None,
    ) -> pd.DataFrame:
        """Expected outcomes with intervals; there are no random effects to add.

        Columns are estimate, std_error, df, conf_low, conf_high; see `predict.predict_fixed`.
        """
        from retrostats.models.linear.repeated.rows import predict_fixed

        return predict_fixed(self, newdata, level)

    @cached_value
    def residual_table(self) -> pd.DataFrame:
        """Each row: fitted, response, pearson, scaled (independent of each other), leverage."""
        from retrostats.models.linear.repeated.rows import residual_rows

        return residual_rows(self)

    @property
    def r_squared(self) -> RSquared:
        """Marginal R squared, which is the conditional one too: there are no random effects."""
        from retrostats.models.linear.post_estimation.residuals import RSquared

        require_rows(self, "R squared")
        fixed = float(np.var(self.model.rows.x @ self.beta, ddof=1))
        codes = self.engine.data.levels.codes
        part = fixed / (fixed + float(np.diag(self.engine.v)[codes].mean()))
        return RSquared(part, part)

    def simulate(self, draws: int = 1, *, seed: int | np.random.Generator = 1) -> pd.DataFrame:
        """Outcomes drawn from the fitted model, a column a data set."""
        require_rows(self, "simulated outcomes")
        whole_number(draws, "draws", 1)
        check_seed(seed)
        rng, rows, codes = (
            np.random.default_rng(seed),
            self.model.rows,
            self.engine.data.levels.codes,
        )
        root = np.linalg.cholesky(self.engine.v)
        noise = rng.standard_normal((draws, len(rows.n), len(root))) @ root.T
        offset = offset_values(self.model.formula, self.model.columns, len(rows.y))
        centre = rows.x @ self.beta + (0.0 if offset is None else offset)
        out = centre[:, None] + noise[:, rows.block, codes].T
        names = pd.Index([f"sim_{i + 1}" for i in range(draws)])
        return pd.DataFrame(out, index=self.model.index, columns=names)

    def sphericity(self) -> pd.DataFrame:
        """Mauchly's test and corrected F tests of each repeated term; see `sphericity`."""
        from retrostats.models.linear.repeated.sphericity import sphericity

        return whole(sphericity(self))

    def compare(self, other: LmmFit, *, refit: bool = True) -> pd.DataFrame:
        """Likelihood-ratio test against another structure or other fixed effects."""
        from retrostats.models.linear.repeated.rows import compare_structures

        return whole(compare_structures(self, other, refit=refit))

    def refit(self, data: object) -> Self:
        """The same model on other data: rows or moments."""
        if not (
            isinstance(data, pd.DataFrame) or hasattr(data, "frame") or hasattr(data, "patterns")
        ):
            raise InputError("refit of repeated measurements takes rows or moments")
        model, named = prepare_repeated(self.formula, data)
        assert self.again is not None
        fit: Self = self.again(model, named=named, reml=self.reml, ddf=self.ddf)
        return fit

    def _header(self) -> str:
        how = "REML" if self.reml else "maximum likelihood"
        state = "" if self.converged else f"; NOT CONVERGED: {self.message}"
        data = self.engine.data
        return (
            f"Linear model of repeated measurements by {how}: {self.formula}\n"
            f"covariance of {data.levels.name} within {data.subject}: {self.structure}"
            f"{self.engine.note}\n"
            f"observations {self.n_obs} ({self.n_dropped} dropped), {data.subject}: "
            f"{data.subjects:g}\n"
            f"log-likelihood {self.loglik:.4f}{state}"
        )
