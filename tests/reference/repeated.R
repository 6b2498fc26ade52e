# Covariances of repeated measurements (repeated.json): run in tests/reference, prints JSON. The rows
# are the first six days of the sleep study, with an arm, some gone, and whole for sphericity.
suppressMessages({library(nlme); library(jsonlite); library(lme4); library(pbkrtest); library(afex)})
d <- read.csv(file.path("data", "sleepstudy.csv"))
id <- as.integer(factor(d$Subject))
d$arm <- factor(c("a", "b")[id %% 2 + 1])
d <- d[d$Days < 4, ]
d$day <- factor(d$Days)
whole <- d
d <- d[-c(3, 18, 20, 55, 56), ]
d$position <- d$Days + 1
ctl <- glsControl(tolerance = 1e-10, msTol = 1e-12, maxIter = 500, msMaxIter = 1000, opt = "nlminb")
fits <- function(how) list(
  "unstructured" = gls(Reaction ~ arm * day, d, correlation = corSymm(form = ~ position | Subject),
                       weights = varIdent(form = ~ 1 | day), method = how, control = ctl),
  "compound-symmetry" = gls(Reaction ~ arm * day, d, method = how, control = ctl,
                            correlation = corCompSymm(form = ~ 1 | Subject)),
  "heterogeneous-compound-symmetry" = gls(Reaction ~ arm * day, d, method = how, control = ctl,
                       correlation = corCompSymm(form = ~ 1 | Subject),
                       weights = varIdent(form = ~ 1 | day)),
  "ar1" = gls(Reaction ~ arm * day, d, correlation = corAR1(form = ~ position | Subject),
              method = how, control = ctl),
  "heterogeneous-ar1" = gls(Reaction ~ arm * day, d, correlation = corAR1(form = ~ position | Subject),
                       weights = varIdent(form = ~ 1 | day), method = how, control = ctl))
told <- function(f) {
  full <- names(which(table(d$Subject) == 4))[1]
  list(estimate = unname(coef(f)), std_error = unname(sqrt(diag(f$varBeta))),
       loglik = as.numeric(logLik(f)), covariance = unclass(getVarCov(f, individual = full))[, ])
}
kr <- lmer(Reaction ~ arm * day + (1 | Subject), d)
mixed <- suppressWarnings(suppressMessages(aov_ez("Subject", "Reaction", whole, between = "arm", within = "day",
                 anova_table = list(correction = "GG", es = "none"))))
s <- summary(mixed)
cat(toJSON(list(
  reml = lapply(fits("REML"), told), ml = lapply(fits("ML"), told),
  kenward_roger = list(std_error = unname(sqrt(diag(as.matrix(vcovAdj(kr))))),
                       df = sapply(1:8, function(i) get_Lb_ddf(kr, diag(8)[i, ]))),
  univariate = list(term = rownames(s$univariate.tests), F = unname(s$univariate.tests[, "F value"])),
  mauchly = list(w = unname(s$sphericity.tests[, 1]), p = unname(s$sphericity.tests[, 2])),
  corrections = list(term = rownames(s$pval.adjustments), gg = unname(s$pval.adjustments[, 1]),
                     p_gg = unname(s$pval.adjustments[, 2]), hf = unname(s$pval.adjustments[, 3]),
                     p_hf = unname(s$pval.adjustments[, 4]))
), digits = NA, auto_unbox = TRUE, pretty = TRUE))
