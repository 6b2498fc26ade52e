# Marginal means by groups, their contrasts, adjustments, weights, slopes and nesting (emmeans.json):
# run in tests/reference, prints JSON. Rows are those of after_fit.R, in three phases.
suppressMessages({library(lme4); library(emmeans); library(jsonlite)})
emm_options(lmer.df = "kenward-roger", msg.interaction = FALSE, msg.nesting = FALSE)
d <- read.csv(file.path("data", "sleepstudy.csv"))
id <- as.integer(factor(d$Subject))
d$arm <- factor(c("a", "b", "c")[id %% 3 + 1])
d$sex <- factor(c("f", "m")[(id %% 5 > 2) + 1])
d$phase <- factor(ifelse(d$Days < 3, "p1", ifelse(d$Days < 7, "p2", "p3")))
d$night <- factor(c("n1", "n2")[d$Days %% 2 + 1])
d$count <- round(d$Reaction / 10)
d <- d[-c(3, 17, 20, 55, 56, 90), ]
t <- read.csv(file.path("data", "trial_prepost.csv"))
m <- lmer(Reaction ~ arm * phase + sex + (1 | Subject), d)
s <- lmer(Reaction ~ Days * arm + sex + (Days | Subject), d)
q <- lmer(Reaction ~ poly(Days, 2) * arm + (1 | Subject), d)
g <- lmer(log(Reaction) ~ arm * phase + sex + (1 | Subject), d)
n <- lmer(Reaction ~ phase + phase:night + (1 | Subject), d)
k <- glmer(count ~ arm * phase + (1 | Subject), d, family = poisson)
two <- lmer(y ~ arm * time + (1 | subject), t)
plain <- function(e) {
  e <- as.data.frame(e)
  lapply(e, function(v) if (is.factor(v)) as.character(v) else v)
}
both <- function(e) { a <- as.data.frame(e); b <- as.data.frame(confint(e))
  list(estimate = a[[which(names(a) %in% c("estimate", "ratio"))]], std_error = a$SE, df = a$df,
       statistic = if (is.null(a$t.ratio)) a$z.ratio else a$t.ratio, p_value = a$p.value,
       conf_low = b[[ncol(b) - 1]], conf_high = b[[ncol(b)]]) }
by <- emmeans(m, ~ phase | arm)
set.seed(1)
adjust <- function(e, how) both(contrast(e, "pairwise", adjust = how))
cat(toJSON(list(
  simple = both(pairs(emmeans(two, ~ time | arm))),
  by = plain(by), by_tukey = both(pairs(by)), by_holm = adjust(by, "holm"),
  by_bonferroni = adjust(by, "bonferroni"), by_sidak = adjust(by, "sidak"),
  by_fdr = adjust(by, "fdr"), by_mvt = adjust(by, "mvt"),
  control = both(contrast(by, "trt.vs.ctrl", adjust = "mvt")),
  control_last = both(contrast(by, "trt.vs.ctrl", ref = 3, adjust = "mvt")),
  consecutive = both(contrast(by, "consec", adjust = "none")),
  effects = both(contrast(by, "eff", adjust = "none")),
  polynomial = both(contrast(by, "poly")),
  custom = both(contrast(by, list("late" = c(-0.5, -0.5, 1), "end" = c(-1, 0, 1)))),
  interaction = both(contrast(emmeans(m, ~ arm * phase), interaction = "pairwise")),
  proportional = plain(emmeans(m, ~ arm, weights = "proportional")),
  cells = plain(emmeans(m, ~ arm, weights = "cells")),
  equal = plain(emmeans(m, ~ arm)),
  trends = plain(emtrends(s, ~ arm, var = "Days")),
  trend_pairs = both(pairs(emtrends(s, ~ arm, var = "Days"))),
  curved = plain(emtrends(q, ~ arm, var = "Days", at = list(Days = 2), delta.var = 1e-5)),
  ratios = both(pairs(emmeans(g, ~ phase | arm, type = "response"))),
  rates = both(pairs(emmeans(k, ~ phase | arm, type = "response"))),
  nested = plain(emmeans(n, ~ night)), nested_over = plain(emmeans(n, ~ phase)),
  nested_pairs = both(pairs(emmeans(n, ~ night)))
), digits = NA, auto_unbox = TRUE, pretty = TRUE))
