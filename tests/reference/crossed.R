# Reference answers for crossed and nested factors of many levels: Rscript crossed.R > crossed.json
# The rows are drawn by a Park-Miller generator, exact in double precision, so that no file of them
# is needed (tests/test_crossed.py draws the same).
suppressMessages({library(lme4); library(lmerTest); library(pbkrtest)})
state <- 42
uniform <- function(n) {
  out <- numeric(n)
  for (i in seq_len(n)) { state <<- (16807 * state) %% 2147483647; out[i] <- state / 2147483647 }
  out
}
normal <- function(n) rowSums(matrix(uniform(12 * n), n, 12, byrow = TRUE)) - 6
n <- 900
a <- floor(150 * uniform(n)); b <- floor(40 * uniform(n)^2); x <- normal(n)
ea <- normal(150); eb <- normal(40); sa <- normal(150); ec <- normal(15); noise <- normal(n)
y <- 3 + 0.25 * x + 0.8 * ea[a + 1] + 0.5 * eb[b + 1] + 0.3 * sa[a + 1] * x +
  0.6 * ec[a %/% 10 + 1] + noise
rows <- data.frame(y, x, a = factor(a), b = factor(b), c = factor(a %/% 10))
control <- lmerControl(optimizer = "bobyqa", calc.derivs = FALSE,
  optCtrl = list(rhobeg = 0.1, rhoend = 1e-11, maxfun = 1e5))
formulas <- list(crossed = y ~ x + (1 | a) + (1 | b), slopes = y ~ x + (1 + x | a) + (1 | b),
  nested = y ~ x + (1 | c / a) + (1 | b))
show <- function(v) paste0("[", paste(sprintf("%.15g", v), collapse = ", "), "]")
parts <- character()
for (name in names(formulas)) {
  fit <- lmerTest::lmer(formulas[[name]], rows, control = control)
  ml <- lme4::lmer(formulas[[name]], rows, REML = FALSE, control = control)
  adjusted <- vcovAdj(fit)
  unit <- function(j) { l <- numeric(2); l[j] <- 1; l }
  kr <- sapply(1:2, function(j) get_Lb_ddf(fit, unit(j)))
  effects <- as.data.frame(VarCorr(fit))
  parts <- c(parts, sprintf(
    paste0('"%s": {"formula": "%s", "loglik": %.15g, "loglik_ml": %.15g, "estimate": %s, ',
      '"std_error": %s, "std_error_kr": %s, "df_kr": %s, "df_satterthwaite": %s, "sdcor": %s}'),
    name, paste(deparse(formulas[[name]]), collapse = ""), logLik(fit), logLik(ml),
    show(fixef(fit)), show(sqrt(diag(as.matrix(vcov(fit))))), show(sqrt(diag(as.matrix(adjusted)))),
    show(kr), show(coef(summary(fit))[, "df"]), show(effects$sdcor)))
}
cat("{\n ", paste(parts, collapse = ",\n  "), "\n}\n", sep = "")
