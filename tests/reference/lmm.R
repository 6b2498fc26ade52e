# Linear mixed models of lmm.json: run in tests/reference, prints JSON.
suppressMessages({library(lmerTest); library(pbkrtest); library(jsonlite)})
old <- fromJSON("lmm.json", simplifyVector = FALSE)
fit_one <- function(case) {
  rows <- read.csv(file.path("data", paste0(case$name, ".csv")))
  if (!is.null(case$drop_rows_1based)) rows <- rows[-unlist(case$drop_rows_1based), ]
  for (f in names(case$levels)) rows[[f]] <- factor(rows[[f]], levels = unlist(case$levels[[f]]))
  fit <- lmer(as.formula(case$formula), rows, REML = case$reml)
  sat <- coef(summary(fit, ddf = "Satterthwaite"))
  out <- list(name = case$name, formula = case$formula, reml = case$reml, n = nobs(fit),
              terms = rownames(sat), estimate = unname(sat[, 1]), std_error = unname(sat[, 2]),
              df_satterthwaite = unname(sat[, 3]), p_satterthwaite = unname(sat[, 5]))
  out[c("std_error_kr", "df_kr", "p_kr")] <- list(NULL)  # Kenward-Roger is defined for REML
  if (case$reml) {
    kr <- coef(summary(fit, ddf = "Kenward-Roger"))
    out$std_error_kr <- unname(kr[, 2]); out$df_kr <- unname(kr[, 3]); out$p_kr <- unname(kr[, 5])
  }
  if (!is.null(case$drop_rows_1based)) out$drop_rows_1based <- unlist(case$drop_rows_1based)
  c(out, list(levels = case$levels, loglik = as.numeric(logLik(fit)),
              vc = as.data.frame(VarCorr(fit)), sigma = sigma(fit)))
}
cat(toJSON(lapply(old, fit_one), digits = NA, auto_unbox = TRUE, pretty = TRUE))
