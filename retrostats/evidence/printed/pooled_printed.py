"""What `pool_printed` returns: a posterior, its probabilities, and how far choices move them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from retrostats.common.habits import ESCALC, reviewed_by
from retrostats.common.readable import as_html
from retrostats.common.rounding import rounded, with_limits
from retrostats.common.values import cached_value
from retrostats.common.verbs import Substitutes
from retrostats.evidence.printed.answer import (
    LEVEL,
    Densities,
    StudyLikelihood,
    adverb,
    density_of,
    mean_densities,
    mean_density,
    model_ends,
    no_effect,
    no_size,
)
from retrostats.evidence.printed.disagreement import Disagreement, disagreement
from retrostats.evidence.printed.measures import Measure
from retrostats.evidence.printed.printed_choices import STATED, Choice, Synthesis, sign_test
from retrostats.evidence.printed.sources import PrintedSource
from retrostats.models.meta.grid_density import GridDensity
from retrostats.models.meta.grid_posterior import GridPosterior

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

NAN = float("nan")
#: What is shown of a posterior, and the probability below each.
_SHOWN = {"estimate": 0.5, "conf_low": (1 - LEVEL) / 2, "conf_high": (1 + LEVEL) / 2}


@dataclass(frozen=True, repr=False, eq=False)
class PooledPrinted(Substitutes):
    """A pool of printed rows: a posterior over studies, printed scale (ratio 1 is no effect).

    Attributes
    ----------
    measure, null, claimed, k
        What is pooled, no effect, the claimed range (or None), number of sources pooled.
    estimate, conf_low, conf_high
        Posterior median and 95% interval of the mean effect over studies; NaN where no source is
        bounded on both sides: words alone have signs and no size.
    tau
        Of the effect between studies, on the model's scale: median, conf_low, conf_high.
    prior_scale, correlation
        Scale of the half-normal prior on tau; the stated prior of correlations in words.
    """

    measure: Measure
    null: float
    claimed: tuple[float, float] | None
    prior_scale: float
    correlation: str
    read: tuple[PrintedSource, ...] = field(repr=False)
    pooled: tuple[PrintedSource, ...] = field(repr=False)
    declared: tuple[Choice, ...] = field(repr=False)
    synthesis: Synthesis | None = field(repr=False)

    _instead: ClassVar[Mapping[str, str]] = reviewed_by(ESCALC, ".leave_one_out()")

    @property
    def k(self) -> int:
        """Sources pooled."""
        return len(self.pooled) if self.synthesis is not None else 0

    @property
    def posterior(self) -> GridPosterior | None:
        """Main posterior on the model's scale: all sources, main scale, stated correlation."""
        return self._posteriors[0][1] if self._posteriors else None

    @property
    def estimate(self) -> float:
        """Posterior median of the mean effect."""
        return self._shown(self._mean, 0.5)

    @property
    def conf_low(self) -> float:
        """Lower end of its 95% interval."""
        return self._shown(self._mean, (1 - LEVEL) / 2)

    @property
    def conf_high(self) -> float:
        """Upper end of its 95% interval."""
        return self._shown(self._mean, (1 + LEVEL) / 2)

    @property
    def tau(self) -> pd.Series[float]:
        """Standard deviation between studies, model's scale: median, conf_low, conf_high."""
        import pandas as pd

        if self.posterior is None:
            return pd.Series([NAN] * 3, index=["median", "conf_low", "conf_high"], name="tau")
        return self.posterior.tau

    def prob_above(self, x: float | None = None) -> float:
        """Posterior probability that the mean effect is above x (default: no effect)."""
        return self.probability(no_effect(self.measure, self.null) if x is None else x, math.inf)

    def probability(self, low: float = -math.inf, high: float = math.inf) -> float:
        """Posterior probability that the mean effect lies from low to high, printed scale."""
        return self._probability(self._mean, low, high)

    def prob_new_study(self, low: float = -math.inf, high: float = math.inf) -> float:
        """Probability that the true effect of a new study lies from low to high."""
        ends = model_ends(self.measure, low, high)
        found = self.posterior
        return NAN if found is None else found.probability(*ends, new_study=True)

    def lowest(self, low: float = -math.inf, high: float = math.inf) -> float:
        """Lowest `probability(low, high)` over the declared choices."""
        return min(self._counted(low, high), default=NAN)

    def highest(self, low: float = -math.inf, high: float = math.inf) -> float:
        """Highest `probability(low, high)` over the declared choices."""
        return max(self._counted(low, high), default=NAN)

    @cached_value
    def choices(self) -> pd.DataFrame:
        """Every declared choice with its numbers, the main one first.

        scale, tau_scale, correlation, sources, k, counted (whether lowest and highest look at it),
        estimate, conf_low, conf_high, prob_above, and prob_inside where a range is claimed.
        """
        import pandas as pd

        rows = []
        columns: dict[str, Any] = {
            name: self.measure.to_printed(self._densities.quantile(p)) for name, p in _SHOWN.items()
        }
        if not math.isnan(self.null):
            columns["prob_above"] = self._over_choices(self.null, math.inf)
        if self.claimed is not None:
            columns["prob_inside"] = self._over_choices(*self.claimed)
        for i, (choice, _) in enumerate(self._posteriors):
            row: dict[str, Any] = {
                "scale": choice.scale, "tau_scale": choice.tau_scale,
                "correlation": choice.correlation, "sources": choice.sources,
                "k": sum(choice.members), "counted": choice.counted,
            }  # fmt: skip
            rows.append(row | {name: float(values[i]) for name, values in columns.items()})
        return pd.DataFrame(rows)

    @cached_value
    def sources(self) -> pd.DataFrame:
        """Every row of the table: study, row, kind, became, pooled, why, and its own interval."""
        import pandas as pd

        rows = []
        places = {source.row: i for i, source in enumerate(self.pooled)}
        for source in self.read:
            held = source.row in places and self.synthesis is not None
            own = self._own(places[source.row]) if held and source.bounded else None
            rows.append({
                "study": source.study, "row": source.row, "kind": source.kind,
                "became": source.became, "pooled": held, "why": self._why(source),
                "estimate": own.estimate if own else NAN,
                "conf_low": own.conf_low if own else NAN,
                "conf_high": own.conf_high if own else NAN,
            })  # fmt: skip
        return pd.DataFrame(rows)

    @property
    def in_that_study(self) -> StudyLikelihood | None:
        """Where one source is pooled, its own likelihood; it says nothing of other studies."""
        return self._own(0) if self.k == 1 else None

    @property
    def likelihoods(self) -> tuple[StudyLikelihood, ...]:
        """Each pooled source's own likelihood, as a density of its effect."""
        return tuple(self._own(i) for i in range(self.k))

    @property
    def density(self) -> GridDensity | None:
        """Posterior density of the mean over studies on the model's scale; None without a size."""
        return self._mean

    @property
    def signs(self) -> pd.Series[float]:
        """Rows above and below no effect, and the two-sided p of a sign test."""
        import pandas as pd

        above, below = (sum(s.sign == side for s in self.read) for side in (1, -1))
        values = [float(above), float(below), sign_test(above, below)]
        return pd.Series(values, index=["above", "below", "p_value"], name="signs")

    def leave_one_out(self) -> pd.DataFrame:
        """The main answer without each source in turn, a row a source.

        left_out, estimate, conf_low, conf_high, prob_above, prob_inside where a range is claimed,
        tau (median); NaN where nothing that is left is bounded on both sides.
        """
        import pandas as pd

        if self.synthesis is None:
            return pd.DataFrame(columns=["left_out", "estimate", "conf_low", "conf_high"])
        rows, total = [], self.synthesis.marginal[STATED].sum(axis=0)
        for i, source in enumerate(self.pooled):
            found = self.synthesis.without(i, total)
            tau = NAN if found is None else float(found.tau["median"])
            mean = None if found is None else mean_density(found)
            rows.append({"left_out": source.study} | self._numbers(mean) | {"tau": tau})
        return pd.DataFrame(rows)

    @cached_value
    def _disagreement(self) -> Disagreement | None:
        if self.synthesis is None or math.isnan(self.null):
            return None
        return disagreement(self.synthesis, float(self.measure.to_model(self.null)))

    @property
    def disagreement(self) -> str:
        """That a source far from the others lowers the probability of its own side; else "".

        With tau and the probability as they are, and with that source at the mean of the others.
        """
        found = self._disagreement
        return "" if found is None else found.said(self.pooled[found.place].study)

    @property
    def coefficients(self) -> pd.DataFrame:
        """The mean effect as one row: term, estimate, conf_low, conf_high, prob_above."""
        import pandas as pd

        return pd.DataFrame([{"term": "(Intercept)"} | self._numbers(self._mean)])

    def tidy(self) -> pd.DataFrame:
        """`coefficients`."""
        return self.coefficients

    def glance(self) -> pd.DataFrame:
        """One row about the whole: measure, k, tau, probabilities with lowest and highest."""
        import pandas as pd

        row: dict[str, Any] = {
            "measure": self.measure.name, "k": self.k, "prior_scale": self.prior_scale,
            "tau": float(self.tau["median"]),
        }  # fmt: skip
        if not math.isnan(self.null):
            row |= {
                "prob_above": self.prob_above(), "prob_above_min": self.lowest(self.null),
                "prob_above_max": self.highest(self.null),
                "prob_new_study": self.prob_new_study(self.null),
            }  # fmt: skip
        if self.claimed is not None:
            row |= {
                "prob_inside": self.probability(*self.claimed),
                "prob_inside_min": self.lowest(*self.claimed),
                "prob_inside_max": self.highest(*self.claimed),
            }
        return pd.DataFrame([row])

    def plot(self, **options: Any) -> Figure:
        """The posterior with the claimed range, sources beneath: `rs.half_eye(self, **options)`.

        `rs.forest(self)` shows the same as a forest plot.

        Returns
        -------
        matplotlib Figure, 180 mm wide unless `width_mm` says otherwise
        """
        from retrostats import half_eye

        return half_eye(self, **options)

    def summary(self) -> str:
        """All that `print` shows, and every source with what it became."""
        table = self.sources
        lines = [
            f"  {row['study']}: {row['became']}"
            + (f" (left out: {row['why']})" if row["why"] else "")
            for row in table.to_dict("records")
        ]
        return "\n".join([repr(self), *lines])

    def __repr__(self) -> str:
        """The answer in one sentence, then what it rests on."""
        return "\n".join(self._lines())

    def _repr_html_(self) -> str:
        """The same with the sources, for notebooks."""
        return as_html(self._lines(), (self.sources,))

    def _lines(self) -> list[str]:
        if self.posterior is None:
            return [no_size(self.signs, len(self.read), self.null)]
        shown, low, high = with_limits(self.estimate, self.conf_low, self.conf_high)
        lines, new_study = [f"{shown} [{low}, {high}]"], ""
        if not math.isnan(self.null):
            lines, new_study = self._direction(lines[0])
        if self.claimed is not None:
            a, b = (rounded(x) for x in self.claimed)
            lines.append(
                f"from {a} to {b}: P = {self.probability(*self.claimed):.3f} "
                f"({self.lowest(*self.claimed):.3f} to {self.highest(*self.claimed):.3f})"
            )
        if self.in_that_study is not None:
            lines.append(f"{self.in_that_study!r}; over studies as above")
        tau = self.tau
        lines.append(
            f"{new_study}tau {tau['median']:.3g} [{tau['conf_low']:.3g}, {tau['conf_high']:.3g}] "
            f"(half-normal, scale {self.prior_scale:.3g})"
        )
        lines += [self.disagreement] if self.disagreement else []
        out = len(self.read) - self.k
        lines.append(
            f"{self.measure.name}, {self.k} source{'s' * (self.k != 1)} pooled"
            + (f", {out} left out (.sources says why)" if out else "")
            + (f"; correlation {self.correlation}" if self._correlation_counts else "")
        )
        return lines

    def _direction(self, shown: str) -> tuple[list[str], str]:
        """On which side of no effect the mean lies, and a new study, in words."""
        side = "above" if self.prob_above() >= 0.5 else "below"
        ends = (self.null, math.inf) if side == "above" else (-math.inf, self.null)
        p = self.probability(*ends)
        counted = [choice for choice, _ in self._posteriors if choice.counted]
        least, choice = min(zip(self._counted(*ends), counted, strict=True), key=lambda x: x[0])
        line = (
            f"{adverb(p, side, self.null, one_study=self.k == 1)}: {shown}, P = {p:.3f}; lowest "
            f"over declared choices {least:.3f} ({choice.beside(self.declared[0])})"
        )
        new_study = self.prob_new_study(*ends)
        return [line], f"a new study {side} {self.null:g}: P = {new_study:.3f}; "

    @property
    def _posteriors(self) -> list[tuple[Choice, GridPosterior]]:
        """Posterior of every choice that has one, computed once."""
        kept: dict[str, Any] = self.__dict__
        if "_held" not in kept:
            held = () if self.synthesis is None else self.synthesis.posteriors(self.declared)
            kept["_held"] = list(held)
        found: list[tuple[Choice, GridPosterior]] = kept["_held"]
        return found

    @property
    def _densities(self) -> Densities:
        """Densities of the mean effect of `_posteriors`, computed once."""
        kept: dict[str, Any] = self.__dict__
        if "_asked" not in kept:
            kept["_asked"] = mean_densities([found for _, found in self._posteriors])
        found: Densities = kept["_asked"]
        return found

    def _over_choices(self, low: float, high: float) -> Any:
        """Probability from low to high, printed scale, under every choice (n,)."""
        return self._densities.probability(*model_ends(self.measure, low, high))

    def _counted(self, low: float, high: float) -> list[float]:
        """The same under the choices that lowest and highest look at."""
        found = zip(self._posteriors, self._over_choices(low, high), strict=True)
        return [float(p) for (choice, _), p in found if choice.counted]

    @property
    def _correlation_counts(self) -> bool:
        return any(source.depends_on_correlation for source in self.pooled)

    @property
    def _mean(self) -> GridDensity | None:
        return self._densities.each[0] if self._posteriors else None

    def _probability(self, found: GridDensity | None, low: float, high: float) -> float:
        ends = model_ends(self.measure, low, high)
        return NAN if found is None else float(found.probability(*ends))

    def _numbers(self, found: GridDensity | None) -> dict[str, float]:
        row = {name: self._shown(found, p) for name, p in _SHOWN.items()}
        if not math.isnan(self.null):
            row["prob_above"] = self._probability(found, self.null, math.inf)
        if self.claimed is not None:
            row["prob_inside"] = self._probability(found, *self.claimed)
        return row

    def _shown(self, found: GridDensity | None, p: float) -> float:
        return NAN if found is None else float(self.measure.to_printed(float(found.quantile(p))))

    def _own(self, i: int) -> StudyLikelihood:
        assert self.synthesis is not None
        log = self.synthesis.likelihoods[STATED][i]
        return StudyLikelihood(
            self.pooled[i].study, self.measure, density_of(self.synthesis.theta, log)
        )

    def _why(self, source: PrintedSource) -> str:
        if source.left_out or self.synthesis is not None:
            return source.left_out
        return "no source is bounded on both sides: words alone have no size"
