# Pools of counts: dat.nielweise2007 by metafor's rma.glmm in its four models.
# The exact conditional model (CM.EL) also needs the package BiasedUrn.
suppressMessages({library(metafor); library(jsonlite)})
d <- dat.nielweise2007
one <- function(model) {
  fit <- suppressWarnings(rma.glmm(measure = "OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i,
                                   data = d, model = model))
  list(kind = "glmm_pool", name = "dat.nielweise2007", measure = "OR", model = model,
       ai = d$ai, n1i = d$n1i, ci = d$ci, n2i = d$n2i, estimate = as.numeric(fit$beta),
       std_error = fit$se, tau2 = fit$tau2, loglik = as.numeric(logLik(fit)))
}
group <- function(xi, ni) {
  fit <- rma.glmm(measure = "PLO", xi = xi, ni = ni)
  list(kind = "glmm_pool", name = "dat.nielweise2007", measure = "PLO", xi = xi, ni = ni,
       estimate = as.numeric(fit$beta), std_error = fit$se, tau2 = fit$tau2,
       loglik = as.numeric(logLik(fit)))
}
cases <- c(lapply(c("UM.FS", "UM.RS", "CM.AL"), one), list(group(d$ci, d$n2i)), list(one("CM.EL")))
cat(toJSON(cases, digits = NA, auto_unbox = TRUE))
