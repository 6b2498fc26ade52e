# Poisson and binomial mixed models of glmm.json: run in tests/reference, prints JSON.
suppressMessages({library(lme4); library(jsonlite)})
old <- fromJSON("glmm.json", simplifyVector = FALSE)
fit_one <- function(case) {
  rows <- read.csv(file.path("data", paste0(case$name, ".csv")))
  for (f in names(case$levels)) rows[[f]] <- factor(rows[[f]], levels = unlist(case$levels[[f]]))
  fit <- glmer(as.formula(case$formula), rows, family = case$family, nAGQ = case$nAGQ)
  list(name = case$name, formula = case$formula, family = case$family, nAGQ = case$nAGQ,
       n = nobs(fit), terms = names(fixef(fit)), estimate = unname(fixef(fit)),
       std_error = unname(sqrt(diag(as.matrix(vcov(fit))))),
       vc = as.data.frame(VarCorr(fit)), loglik = as.numeric(logLik(fit)), levels = case$levels)
}
cat(toJSON(lapply(old, fit_one), digits = NA, auto_unbox = TRUE, pretty = TRUE))
