"""What tests use of the room `models` that is not public."""

from __future__ import annotations

from retrostats.models.counts import separation as separation_module
from retrostats.models.counts.checks import simulated_residuals as simulated_residuals
from retrostats.models.counts.family import Binomial as Binomial
from retrostats.models.counts.family import NegativeBinomial as NegativeBinomial
from retrostats.models.counts.family import Poisson as Poisson
from retrostats.models.counts.hypergeometric import (
    NoncentralHypergeometric as NoncentralHypergeometric,
)
from retrostats.models.counts.model import Model as Model
from retrostats.models.counts.optimise import hessian as hessian
from retrostats.models.counts.problem import Problem as Problem
from retrostats.models.counts.random_effects import RandomPart as RandomPart
from retrostats.models.counts.random_effects import split as split
from retrostats.models.counts.separation import overlap_is_proved as overlap_is_proved
from retrostats.models.counts.separation import separation as separation
from retrostats.models.linear import newton as newton
from retrostats.models.linear.batch import design as batch_chunks
from retrostats.models.linear.batch import inference as batch_inference
from retrostats.models.linear.batch.design import Draws as Draws
from retrostats.models.linear.batch.design import batch_design as batch_design
from retrostats.models.linear.batch.draws import draw as draw
from retrostats.models.linear.batch.draws import single as single
from retrostats.models.linear.batch.newton import _newton_step as _newton_step
from retrostats.models.linear.batch.newton import fit_batch as fit_batch
from retrostats.models.linear.blocks.basis import substitute as substitute
from retrostats.models.linear.blocks.directions import theta_directions as theta_directions
from retrostats.models.linear.crossed import factor as factor
from retrostats.models.linear.crossed import inference as crossed_inference
from retrostats.models.linear.crossed import intervals as crossed_intervals
from retrostats.models.linear.crossed import layout as layout
from retrostats.models.linear.crossed.cell_draws import CellDesign as CellDesign
from retrostats.models.linear.crossed.criterion import evaluate as evaluate_crossed
from retrostats.models.linear.crossed.factor import inner_outer as inner_outer
from retrostats.models.linear.crossed.factor import mirrored as mirrored
from retrostats.models.linear.crossed.factor import subtract_outer as subtract_outer
from retrostats.models.linear.crossed.intervals import ml_deviance as ml_deviance
from retrostats.models.linear.crossed.layout import build_crossed as build_crossed
from retrostats.models.linear.crossed.optimise import minimise_crossed as minimise_crossed
from retrostats.models.linear.crossed.optimise import moment_start as moment_start
from retrostats.models.linear.formula.columns import numeric as numeric
from retrostats.models.linear.formula.columns import read_columns as read_columns
from retrostats.models.linear.formula.expressions import (
    evaluate as evaluate_expression,
)
from retrostats.models.linear.formula.formula import parse_formula as parse_formula
from retrostats.models.linear.formula.quoted import hidden as hidden
from retrostats.models.linear.formula.quoted import quoted as quoted
from retrostats.models.linear.formula.quoted import shown as shown
from retrostats.models.linear.heteroscedastic import components as components
from retrostats.models.linear.heteroscedastic.bordered import Bordered as Bordered
from retrostats.models.linear.heteroscedastic.bordered import Order as Order
from retrostats.models.linear.heteroscedastic.components import (
    find_components as find_components,
)
from retrostats.models.linear.homoscedastic import many as many
from retrostats.models.linear.homoscedastic import pair_sums as pair_sums
from retrostats.models.linear.homoscedastic.criterion import (
    evaluate as evaluate_homoscedastic,
)
from retrostats.models.linear.homoscedastic.criterion import level_at as level_at
from retrostats.models.linear.homoscedastic.criterion import sums_at as sums_at
from retrostats.models.linear.homoscedastic.optimise import minimise as minimise
from retrostats.models.linear.known_variance.components import profile_at as profile_at
from retrostats.models.linear.known_variance.criterion import deviance as deviance
from retrostats.models.linear.known_variance.criterion import (
    evaluate as evaluate_known_variance,
)
from retrostats.models.linear.known_variance.fit import fit_known as fit_known
from retrostats.models.linear.known_variance.model import known_model as known_model
from retrostats.models.linear.known_variance.model import without as without
from retrostats.models.linear.moments.correlation import Correlation as Correlation
from retrostats.models.linear.moments.summary import surrogate_rows as surrogate_rows
from retrostats.models.linear.newton import along_hessian as along_hessian
from retrostats.models.linear.newton import descend as descend
from retrostats.models.linear.newton import descend_all as descend_all
from retrostats.models.linear.newton import newton_step as newton_step
from retrostats.models.linear.post_estimation.backtransform import scale_of as scale_of
from retrostats.models.linear.post_estimation.checks import heteroscedasticity as heteroscedasticity
from retrostats.models.linear.post_estimation.checks import inflations as inflations
from retrostats.models.linear.post_estimation.checks import normality as normality
from retrostats.models.linear.post_estimation.deviance_limits import region_of as region_of
from retrostats.models.linear.post_estimation.deviance_limits import with_one_more as with_one_more
from retrostats.models.linear.post_estimation.influential import cook_of_groups as cook_of_groups
from retrostats.models.linear.post_estimation.marginal_means import MarginalMeans as MarginalMeans
from retrostats.models.linear.post_estimation.multivariate_t import max_t_ppf as max_t_ppf
from retrostats.models.linear.post_estimation.multivariate_t import max_t_sf as max_t_sf
from retrostats.models.linear.post_estimation.profile_limits import Covariance as Covariance
from retrostats.models.linear.post_estimation.simulate import bootstrap as bootstrap
from retrostats.models.linear.post_estimation.small_sample import bootstrap_t as bootstrap_t
from retrostats.models.linear.post_estimation.small_sample import exact_sigma as exact_sigma
from retrostats.models.linear.post_estimation.studentized_range import (
    studentized_range_ppf as studentized_range_ppf,
)
from retrostats.models.linear.post_estimation.studentized_range import (
    studentized_range_sf as studentized_range_sf,
)
from retrostats.models.linear.post_estimation.tables import t_table as t_table
from retrostats.models.linear.prepare import prepare as prepare
from retrostats.models.linear.repeated.criterion import (
    evaluate as evaluate_repeated,
)
from retrostats.models.linear.repeated.structures import STRUCTURES as STRUCTURES
from retrostats.models.linear.repeated.structures import shape_of as shape_of
from retrostats.models.linear.streamed import reading as reading
from retrostats.models.linear.streamed import source as source
from retrostats.models.linear.streamed.labels import Coder as Coder
from retrostats.models.linear.streamed.labels import Keys as Keys
from retrostats.models.linear.streamed.prefetch import prefetched as prefetched
from retrostats.models.meta import one_stage as one_stage
from retrostats.models.meta.batch import BATCH_METHODS as BATCH_METHODS
from retrostats.models.meta.batch import BATCH_TESTS as BATCH_TESTS
from retrostats.models.meta.batch_slopes import SLOPED_TESTS as SLOPED_TESTS
from retrostats.models.meta.bayes import posterior as posterior
from retrostats.models.meta.effect_measures import MEASURES as MEASURES
from retrostats.models.meta.grid_density import GridDensity as GridDensity
from retrostats.models.meta.grid_posterior import grid_posterior as grid_posterior
from retrostats.models.meta.grid_posterior import log_weights as log_weights
from retrostats.models.meta.grid_posterior import marginals as marginals
from retrostats.models.meta.grid_posterior import tau_nodes as tau_nodes
from retrostats.models.meta.grid_posterior import theta_grid as theta_grid
from retrostats.models.meta.grid_posteriors import posteriors as posteriors
from retrostats.models.meta.grid_predictive import LEAST_STEPS as LEAST_STEPS
from retrostats.models.meta.grid_predictive import convolved as convolved
from retrostats.models.meta.grid_predictive import kernel as kernel
from retrostats.models.meta.grid_predictive import predictive as predictive
from retrostats.models.meta.henmi_copas import henmi_copas as henmi_copas
from retrostats.models.meta.heterogeneity import ESTIMATORS as ESTIMATORS
from retrostats.models.meta.heterogeneity import weighted_fit as weighted_fit
from retrostats.models.meta.moment import moment as moment
from retrostats.models.meta.one_stage import one_stage_batch as one_stage_batch
from retrostats.models.meta.prediction import prediction_limits as prediction_limits
from retrostats.models.meta.prediction import tau2_at as tau2_at
from retrostats.models.meta.two_stage import leave_one_out as leave_one_out
