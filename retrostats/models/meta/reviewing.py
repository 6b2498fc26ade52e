"""What a reviewer asks of a pool, as its methods: moderators, small studies, order of studies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

from numpy.typing import ArrayLike

from retrostats.common.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from retrostats.models.meta.result import Pooled
    from retrostats.models.meta.small_study import TrimAndFill


class Reviewing:
    """Methods of `Pooled` beside its numbers."""

    __slots__ = ()

    if TYPE_CHECKING:
        terms: tuple[str, ...]
        level: float

    def predict(self, newdata: Any = None, *, level: float | None = None) -> pd.DataFrame:
        """The mean effect and that of a new study, with moderators at given values of them.

        Parameters
        ----------
        newdata
            DataFrame, or what makes one, with the columns of the formula (or of `moderators=`), a
            row a prediction. Not given: the mean of a pool without moderators.
        level
            Of the intervals; that of the pool unless given.

        Returns
        -------
        DataFrame
            estimate, std_error, (df,) conf_low, conf_high of the mean; pred_low, pred_high of the
            true effect in a new study; with the index of `newdata`, NaN where a value is missing.

        Raises
        ------
        InputError
            Moderators without values, a column that is missing, a level that was not pooled.

        Examples
        --------
        >>> import pandas as pd
        >>> from retrostats.models.meta.two_stage import pool
        >>> rows = pd.DataFrame({"yi": [0.1, 0.3, 0.5, 0.4, 0.8], "vi": [0.02] * 5,
        ...                      "weeks": [2, 4, 6, 8, 10]})
        >>> pool(rows, formula="~ weeks").predict({"weeks": [4, 12]})["estimate"].round(2).tolist()
        [0.27, 0.87]
        """
        from retrostats.models.meta.moderators import at_values

        if newdata is not None:
            at = self.level if level is None else level
            return at_values(cast("Pooled", self), newdata, at)
        import pandas as pd

        if len(self.terms) > 1:
            raise InputError(
                "predict: this pool has moderators; give their values, as "
                "predict({'year': [2000, 2020]}), or take coefficients"
            )
        if level is not None and level != self.level:
            raise InputError(f"predict: pool again with level={level}")
        names = ("estimate", "std_error", "conf_low", "conf_high", "pred_low", "pred_high")
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def anova(self) -> pd.DataFrame:
        """Joint tests of moderators (of subgroups: whether they differ).

        Returns
        -------
        DataFrame
            term, num_df, den_df, statistic, p_value: F tests of all coefficients but the intercept,
            then of each term where there are several, all others kept (metafor's ``QM`` and
            ``anova(res, btt = )``). With test "z" den_df is infinite and num_df times statistic is
            chi-square.

        Raises
        ------
        InputError
            No moderators, or cluster-robust errors.

        Examples
        --------
        >>> import pandas as pd
        >>> from retrostats.models.meta.two_stage import pool
        >>> rows = pd.DataFrame({"yi": [0.1, 0.3, 0.5, 0.4, 0.8, 0.7], "vi": [0.02] * 6,
        ...                      "sport": list("aabbcc")})
        >>> pool(rows, formula="~ sport").anova()[["term", "num_df", "den_df"]].values.tolist()
        [['all moderators', 2, 3.0]]
        """
        from retrostats.models.meta.moderators import omnibus

        return omnibus(cast("Pooled", self))

    def funnel(self) -> pd.DataFrame:
        """Numbers of a funnel plot, a row an estimate.

        Returns
        -------
        DataFrame
            label, estimate, std_error; expected_low and expected_high, between which estimates of
            that standard error lie if all share the mean (at the pool's level); inside.
        """
        from retrostats.models.meta.small_study import funnel

        return funnel(cast("Pooled", self))

    def radial(self) -> pd.DataFrame:
        """Numbers of a radial (Galbraith) plot, a row an estimate.

        Estimates of any precision have the same spread there, and the mean is the slope of a line
        through 0.

        Returns
        -------
        DataFrame
            label; precision, 1 / sqrt(v + tau2); standardised, estimate times precision;
            expected_low and expected_high, between which it lies around the mean (at the pool's
            level).

        References
        ----------
        Galbraith (1988), Technometrics 30:271.

        Examples
        --------
        >>> from retrostats.models.meta.two_stage import pool
        >>> p = pool([0.1, 0.2, 0.4, 0.9], [0.05, 0.1, 0.2, 0.4], method="common")
        >>> p.radial()[["precision", "standardised"]].round(2).values.tolist()
        [[20.0, 2.0], [10.0, 2.0], [5.0, 2.0], [2.5, 2.25]]
        """
        from retrostats.models.meta.small_study import radial

        return radial(cast("Pooled", self))

    def permutation_test(
        self, *, draws: int = 5000, seed: int | np.random.Generator = 1
    ) -> pd.DataFrame:
        """Tests of the coefficients that suppose no distribution, by the pool's own statistic.

        Of a mean the signs of the estimates are changed (it supposes that effects lie evenly about
        0 where it is true), with moderators the estimates change places. All ways are tried where
        they are at most `draws`; else a sample of them, the observed order among it.

        Parameters
        ----------
        draws
            At least 100. 12 studies have 4,096 ways of signs, 6 have 720 orders.
        seed
            Of the sample: a seed or Generator.

        Returns
        -------
        DataFrame
            term (coefficients, then "all moderators", whose statistic is F), statistic, p_value
            (two-sided), permutations, exact. A mean of k studies has no p-value below 2 / 2^k.

        Raises
        ------
        InputError
            Random terms, clusters, test "henmi-copas", too few estimates or draws.

        References
        ----------
        Higgins and Thompson (2004), Statistics in Medicine 23:1663; Follmann and Proschan (1999),
        Biometrics 55:732; Phipson and Smyth (2010), Statistical Applications in Genetics and
        Molecular Biology 9:39.

        Examples
        --------
        >>> from retrostats.models.meta.two_stage import pool
        >>> found = pool([0.1, 0.3, 0.5, 0.4, 0.8], [0.2] * 5).permutation_test()
        >>> found["p_value"].tolist(), found["permutations"].tolist()
        ([0.0625], [32])
        """
        from retrostats.models.meta.permutation import permutation_test

        return permutation_test(cast("Pooled", self), draws=draws, seed=seed)

    def profile(self, *, points: int = 41) -> pd.DataFrame:
        """Profile likelihood of each variance: whether it has one clear top, and how flat that is.

        Parameters
        ----------
        points
            A variance, at least 3: from 0 past its upper limit, and the estimate.

        Returns
        -------
        DataFrame
            term, value (a variance), loglik (restricted where the pool is by REML; all else at
            its best), inside (whether the pool's level allows the value).

        Raises
        ------
        InputError
            A method without a likelihood (not "reml" or "ml"), one estimate, too few points.

        References
        ----------
        Hardy and Thompson (1996), Statistics in Medicine 15:619.

        Examples
        --------
        >>> from retrostats.models.meta.two_stage import pool
        >>> found = pool([0.1, 0.3, 0.5, 0.4, 1.8], [0.2] * 5).profile()
        >>> found.loc[found["loglik"].idxmax(), ["term", "value"]].tolist()[0]
        'tau2'
        """
        from retrostats.models.meta.profile import likelihood_profile

        return likelihood_profile(cast("Pooled", self), points)

    def egger(
        self,
        *,
        model: Literal["multiplicative", "random-effects"] = "multiplicative",
        predictor: Literal["std_error", "variance"] = "std_error",
    ) -> pd.DataFrame:
        """Regression test for funnel asymmetry: do small studies show other effects?

        Parameters
        ----------
        model
            "multiplicative" is Egger's: least squares weighted by 1 / v (metafor's
            ``regtest(res, model = "lm")``). "random-effects" adds the pool's own variance between
            studies, by its method and test (``regtest(res)``).
        predictor
            "std_error" or "variance".

        Returns
        -------
        DataFrame
            One row: model, predictor; estimate (the slope), std_error, statistic, df, p_value;
            limit, limit_low, limit_high: the effect where the standard error goes to 0.

        Raises
        ------
        InputError
            Fewer than three estimates, one size of all, moderators, random terms or clusters.

        References
        ----------
        Egger, Davey Smith, Schneider and Minder (1997), BMJ 315:629; Sterne and Egger (2005), in
        Publication Bias in Meta-Analysis, chapter 6. With ratios of counts the test finds too much
        where effects are large (Sterne and others 2011, BMJ 343:d4002).

        Examples
        --------
        >>> from retrostats.models.meta.two_stage import pool
        >>> p = pool([0.1, 0.2, 0.4, 0.9], [0.05, 0.1, 0.2, 0.4])
        >>> p.egger()[["estimate", "df", "limit"]].round(2).values.tolist()
        [[2.15, 2.0, -0.01]]
        """
        from retrostats.models.meta.small_study import egger

        return egger(cast("Pooled", self), model=model, predictor=predictor)

    def rank_test(self) -> pd.DataFrame:
        """Rank correlation of effects and variances: tau, p_value, p_from.

        Exact p-values where there are no ties, as metafor's ``ranktest``.

        References
        ----------
        Begg and Mazumdar (1994), Biometrics 50:1088.
        """
        from retrostats.models.meta.small_study import rank_test

        return rank_test(cast("Pooled", self))

    def trim_and_fill(
        self,
        *,
        estimator: Literal["L0", "R0", "Q0"] = "L0",
        side: Literal["left", "right"] | None = None,
    ) -> TrimAndFill:
        """The pool as it would be if the funnel were symmetric: a sensitivity, no correction.

        Parameters
        ----------
        estimator
            Of the number missing; Duval and Tweedie's L0, R0 or Q0.
        side
            Where estimates are missing; None takes the side against the slope on the standard
            error, as metafor's ``trimfill``.

        Returns
        -------
        TrimAndFill
            missing, missing_se, side; estimate, std_error, df, conf_low, conf_high, p_value, tau2
            with the mirrored estimates; filled, the table of all for `pool`.

        Raises
        ------
        InputError
            Fewer than three estimates, moderators, random terms or clusters.

        References
        ----------
        Duval and Tweedie (2000), Biometrics 56:455 and Journal of the American Statistical
        Association 95:89.

        Examples
        --------
        >>> from retrostats.models.meta.two_stage import pool
        >>> p = pool([0.1, 0.15, 0.2, 0.4, 0.9], [0.05, 0.05, 0.1, 0.2, 0.4], method="dl")
        >>> p.trim_and_fill().missing
        2
        """
        from retrostats.models.meta.small_study import trim_and_fill

        return trim_and_fill(cast("Pooled", self), estimator=estimator, side=side)

    def cumulative(self, by: ArrayLike | None = None) -> pd.DataFrame:
        """The pool of the first study, the first two, and so on.

        Parameters
        ----------
        by : (k,) numbers or texts, optional
            What estimates are sorted by first, as years; else they are taken as they came.

        Returns
        -------
        DataFrame
            added, k, estimate, std_error, df, conf_low, conf_high, p_value, tau2, each pool by the
            same method and test.

        Examples
        --------
        >>> from retrostats.models.meta.two_stage import pool
        >>> p = pool([0.14, 0.25, 0.30], [0.05, 0.04, 0.05])
        >>> p.cumulative([2003, 2001, 2002])["estimate"].round(2).tolist()
        [0.25, 0.27, 0.23]
        """
        from retrostats.models.meta.small_study import cumulative

        return cumulative(cast("Pooled", self), by)
