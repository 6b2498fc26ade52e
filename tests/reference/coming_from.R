# Each call of docs/coming_from_r.md (coming_from.json): run in tests/reference, prints JSON. Rows
# and studies are those of the pinned file; a name is the call as it stands on the page.
suppressMessages({library(lmerTest); library(emmeans); library(car); library(nlme); library(splines)
  library(afex); library(performance); library(metafor); library(jsonlite)})
emm_options(lmer.df = "kenward-roger", msg.interaction = FALSE, msg.nesting = FALSE)
pdf(NULL)
old <- fromJSON("coming_from.json")
rows <- as.data.frame(old$rows)
studies <- as.data.frame(old$studies)
for (name in c("subject", "arm", "visit")) rows[[name]] <- factor(rows[[name]])
rows$k <- rows$time + 1
new <- data.frame(arm = c("a", "b"), time = 1.5, subject = c("0", "1"), hours = 100)
strangers <- transform(new, subject = c("98", "99"))
with_control <- function(fun, control) function(...) {
  call <- match.call(expand.dots = TRUE)
  call[[1]] <- fun
  call$control <- control
  eval(call, parent.frame())
}
lmer <- with_control(quote(lmerTest::lmer), lmerControl(
  optimizer = "nloptwrap", optCtrl = list(ftol_abs = 1e-14, xtol_abs = 1e-12, maxeval = 10000)))
glmer <- with_control(quote(lme4::glmer), glmerControl(
  optimizer = "bobyqa", optCtrl = list(maxfun = 1e6, rhoend = 1e-9), tolPwrss = 1e-13))
rma <- with_control(quote(metafor::rma), list(threshold = 1e-12, maxiter = 1000))
fit <- lmer(y ~ arm * time + (1 | subject), rows)
smaller <- lmer(y ~ arm + time + (1 | subject), rows)
visits <- lmer(y ~ arm * visit + (1 | subject), rows)
logged <- lmer(log(y) ~ arm * time + (1 | subject), rows)
counts <- glmer(n ~ arm * time + offset(log(hours)) + (1 | subject), rows, family = poisson)
fewer <- glmer(n ~ arm + time + offset(log(hours)) + (1 | subject), rows, family = poisson)
pooled <- rma(yi, vi, data = studies, test = "knha")
dosed <- rma(yi, vi, mods = ~ dose, data = studies, test = "knha")

column <- function(x, ...) unlist(lapply(c(...), function(name) as.data.frame(x)[[name]]))
model <- function(x) unname(c(fixef(x), logLik(x)))
marginal <- function(x) { x <- as.data.frame(x)
  unname(unlist(x[!sapply(x, function(v) is.factor(v) || is.character(v))])) }
means <- function(x) { x <- as.data.frame(x)
  first <- intersect(c("emmean", "time.trend", "response", "rate"), names(x))
  column(x, first, "SE", grep("LCL|lower.CL", names(x), value = TRUE),
         grep("UCL|upper.CL", names(x), value = TRUE)) }
tests <- function(x) column(x, intersect(c("estimate", "ratio"), names(as.data.frame(x))), "SE", "p.value")
terms_of <- function(x) column(x, "NumDF", "DenDF", "F value", "Pr(>F)")
gls_of <- function(x) unname(c(coef(x), logLik(x)))
effect <- function(x) c(x$beta, x$se, x$pval, x$ci.lb, x$ci.ub)
predicted <- function(x) c(x$pred, x$se, x$ci.lb, x$ci.ub)

take <- list(
  "lmer(y ~ arm * time + (1 | subject), rows)" = model,
  "summary(fit, ddf = \"Kenward-Roger\")" = function(x) c(unname(x$coefficients)),
  "VarCorr(fit)" = function(x) column(x, "vcov"),
  "ranef(fit)" = function(x) column(x, "condval", "condsd"),
  "fitted(fit)" = unname, "resid(fit)" = unname, "hatvalues(fit)" = unname,
  "resid(fit, type = \"pearson\", scaled = TRUE)" = unname,
  "predict(fit, new)" = unname, "predict(fit, new, re.form = NA)" = unname,
  "predict(fit, strangers, allow.new.levels = TRUE)" = unname,
  "anova(fit, type = 2, ddf = \"Kenward-Roger\")" = terms_of,
  "anova(fit, type = 3, ddf = \"Kenward-Roger\")" = terms_of,
  "anova(fit, smaller)" = function(x) c(x$logLik, x$Chisq[2], x[["Pr(>Chisq)"]][2]),
  "confint(fit, \"theta_\")" = function(x) c(unname(x)),
  "confint(fit, \"beta_\")" = function(x) c(unname(x)),
  "AIC(fit)" = c, "BIC(fit)" = c, "logLik(fit)" = c, "fixef(fit)" = unname, "nobs(fit)" = c,
  "ngrps(fit)" = unname, "sigma(fit)" = c,
  "fixef(refit(fit, 2 * rows$y))" = unname,
  "lmer(y ~ arm + (1 | subject), rows, weights = w)" = model,
  "lmer(y ~ arm + offset(time) + (1 | subject), rows)" = model,
  "lmer(y ~ poly(time, 2) + (1 | subject), rows)" = model,
  "lmer(y ~ ns(time, df = 2) + (1 | subject), rows)" = model,
  "lmer(y ~ C(arm, contr.sum) + (1 | subject), rows)" = model,
  "lmer(y ~ relevel(arm, \"b\") + (1 | subject), rows)" = model,
  "lme(y ~ arm * time, rows, ~ 1 | subject, weights = varIdent(form = ~ 1 | arm))" =
    function(x) unname(c(nlme::fixef(x), logLik(x))),
  "gls(y ~ arm * visit, rows, corSymm(form = ~ k | subject), varIdent(form = ~ 1 | visit))" = gls_of,
  "gls(y ~ arm * visit, rows, corAR1(form = ~ k | subject))" = gls_of,
  "gls(y ~ arm * visit, rows, corCompSymm(form = ~ 1 | subject))" = gls_of,
  "summary(aov_ez(\"subject\", \"y\", rows, between = \"arm\", within = \"visit\"))" = function(x)
    unname(c(x$univariate.tests[3:4, "F value"], x$sphericity.tests[, 1], x$pval.adjustments[, 1],
             x$pval.adjustments[, 2], x$pval.adjustments[, 4])),
  "performance::icc(fit)" = function(x) x$ICC_adjusted,
  "performance::check_collinearity(smaller)" = function(x) max(x$VIF),
  "glmer(n ~ arm * time + offset(log(hours)) + (1 | subject), rows, family = poisson)" = model,
  "summary(counts)" = function(x) c(unname(x$coefficients)),
  "confint(counts)" = function(x) c(unname(x)),
  "anova(counts, fewer)" = function(x) c(x$logLik, x$Chisq[2], x[["Pr(>Chisq)"]][2]),
  "Anova(counts, type = 2)" = function(x) column(x, "Df", "Chisq", "Pr(>Chisq)"),
  "predict(counts, new, re.form = NA, type = \"response\")" = unname,
  "residuals(counts)" = unname,
  "ranef(counts)" = function(x) column(x, "condval"),
  "emmeans(visits, ~ arm)" = means,
  "pairs(emmeans(visits, ~ visit | arm))" = tests,
  "pairs(emmeans(visits, ~ visit), adjust = \"holm\")" = tests,
  "contrast(emmeans(visits, ~ visit | arm), \"consec\", adjust = \"none\")" = tests,
  "contrast(emmeans(visits, ~ arm * visit), interaction = \"pairwise\")" = tests,
  "contrast(emmeans(visits, ~ visit), list(late = c(-0.5, -0.5, 1)))" = tests,
  "emmeans(visits, ~ arm, weights = \"proportional\")" = means,
  "emmeans(fit, ~ arm | time, at = list(time = 0:2))" = means,
  "emtrends(fit, ~ arm, var = \"time\")" = means,
  "emmeans(logged, ~ arm, type = \"response\")" = means,
  "pairs(emmeans(logged, ~ arm, type = \"response\"))" = tests,
  "emmeans(counts, ~ arm, offset = 0, type = \"response\")" = means,
  "pairs(emmeans(counts, ~ arm, offset = 0, type = \"response\"))" = tests,
  "rma(yi, vi, data = studies, test = \"knha\")" = effect,
  "rma(yi, vi, mods = ~ dose, data = studies, test = \"knha\")" = effect,
  "rma.mv(yi, vi, random = ~ 1 | district/study, data = studies)" = function(x) c(x$beta, x$sigma2, logLik(x)),
  "rma(yi, vi, data = studies, method = \"DL\")" = effect,
  "hc(pooled)" = function(x) c(x$beta, x$ci.lb, x$ci.ub),
  "confint(pooled)" = function(x) unname(x$random[2, 2:3]),
  "profile(pooled)" = function(x) approx(x$tau2, x$ll, c(0.03, 0.06, 0.12))$y,
  "anova(dosed)" = function(x) c(x$QM, x$QMp),
  "predict(pooled)" = predicted,
  "predict(dosed, newmods = c(1, 2))" = predicted,
  "leave1out(pooled)" = function(x) c(x$estimate, x$ci.lb, x$ci.ub, x$tau2),
  "influence(rma(yi, vi, data = studies))" = function(x) c(x$inf$rstudent, x$inf$cook.d, x$inf$hat),
  "cumul(pooled, order = year)" = function(x) c(x$estimate[-1], x$tau2[-1]),
  "regtest(pooled, model = \"lm\")" = function(x) c(x$zval, x$pval),
  "regtest(pooled)" = function(x) c(x$zval, x$pval),
  "ranktest(pooled)" = function(x) c(x$tau, x$pval),
  "trimfill(pooled)" = function(x) c(x$k0, x$beta),
  "radial(pooled)" = function(x) c(x$x, x$y),
  "permutest(dosed, exact = FALSE, iter = 1000)" = function(x) c(x$zval),
  "funnel(pooled)" = function(x) c(x$x, x$y)
)
cumul <- function(x, order) metafor::cumul(x, order = studies$year)
set.seed(1)
answers <- lapply(names(take), function(call) {
  invisible(capture.output(found <- eval(parse(text = call))))
  take[[call]](found)
})
names(answers) <- names(take)
cat(toJSON(list(rows = old$rows, studies = old$studies, answers = answers),
           digits = NA, auto_unbox = TRUE, na = "null", pretty = TRUE))
