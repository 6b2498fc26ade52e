# Multilevel, multivariate and count pools of synthesis.json: run in tests/reference, prints JSON.
suppressMessages({library(metafor); library(jsonlite)})
old <- fromJSON("synthesis.json", simplifyVector = FALSE)
v <- function(x) unlist(x)
multilevel <- function(case) {
  rows <- data.frame(yi = v(case$yi), vi = v(case$vi), outer = v(case$outer), inner = v(case$inner))
  fit <- rma.mv(yi, vi, random = ~ 1 | outer/inner, data = rows, method = case$method)
  p <- predict(fit)
  profile <- confint(fit, sigma2 = 1)$random[1, 2:3]
  list(estimate = c(fit$beta), std_error = fit$se, sigma2 = fit$sigma2,
       loglik = as.numeric(logLik(fit)), ci_z = c(fit$ci.lb, fit$ci.ub),
       pi_z = c(p$pi.lb, p$pi.ub), df_contain = length(unique(rows$outer)) - 1,
       sigma2_outer_ci = unname(profile))
}
multivariate <- function(case) {
  rows <- data.frame(yi = v(case$yi), outcome = v(case$outcome), trial = v(case$trial))
  V <- do.call(rbind, lapply(case$V, v))
  fit <- rma.mv(yi, V, mods = ~ outcome - 1, random = ~ outcome | trial, struct = "UN",
                data = rows, method = case$method)
  list(terms = rownames(fit$beta), estimate = c(fit$beta), std_error = fit$se,
       tau2 = fit$tau2, rho = fit$rho, loglik = as.numeric(logLik(fit)))
}
counts <- function(case) {
  fit <- if (case$measure == "PLO") rma.glmm(measure = "PLO", xi = v(case$xi), ni = v(case$ni))
         else rma.glmm(measure = case$measure, ai = v(case$ai), n1i = v(case$n1i),
                       ci = v(case$ci), n2i = v(case$n2i), model = case$model)
  list(estimate = c(fit$beta), std_error = fit$se, tau2 = fit$tau2,
       loglik = as.numeric(logLik(fit)))
}
run <- list(multilevel = multilevel, multivariate = multivariate, glmm_pool = counts)
cat(toJSON(lapply(old, function(case) modifyList(case, run[[case$kind]](case))),
           digits = NA, auto_unbox = TRUE, pretty = TRUE))
