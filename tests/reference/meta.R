# Random-effects pools of meta.json, from its yi and vi: run in tests/reference, prints JSON.
suppressMessages({library(metafor); library(jsonlite)})
old <- fromJSON("meta.json", simplifyVector = FALSE)
pool_one <- function(case) {
  yi <- unlist(case$yi); vi <- unlist(case$vi)
  if (is.null(case$fits)) {
    rows <- data.frame(yi, vi, district = unlist(case$cluster), study = unlist(case$obs))
    fit <- rma.mv(yi, vi, random = as.formula(case$random), data = rows, test = "t")
    new <- list(random = case$random, cluster = rows$district, obs = rows$study,
                estimate = c(fit$beta), std_error = fit$se, ci = c(fit$ci.lb, fit$ci.ub),
                sigma2 = fit$sigma2, loglik = as.numeric(logLik(fit)))
  } else {
    new <- list(fits = lapply(case$fits, function(f) {
      fit <- rma(yi, vi, method = f$method, test = f$test)
      p <- predict(fit)
      list(method = f$method, test = f$test, estimate = c(fit$beta), std_error = fit$se,
           p = fit$pval, ci = c(fit$ci.lb, fit$ci.ub), pi = c(p$pi.lb, p$pi.ub), tau2 = fit$tau2,
           I2 = fit$I2, H2 = fit$H2, Q = fit$QE, Q_p = fit$QEp)
    }))
  }
  c(list(name = case$name, k = length(yi), yi = yi, vi = vi), new)
}
cat(toJSON(lapply(old, pool_one), digits = NA, auto_unbox = TRUE, pretty = TRUE))
