# One-stage models of onestage.json: rows that have exactly the printed moments, fitted by nlme.
suppressMessages({library(nlme); library(jsonlite)})
printed <- read.csv("data/apnea_printed.csv")
standard <- function(n) {  # two columns, mean 0, SD 1, uncorrelated, exactly
  q <- qr.Q(qr(cbind(1, seq_len(n), seq_len(n)^2)))[, 2:3]
  q * sqrt(n - 1)
}
rows <- do.call(rbind, lapply(seq_len(nrow(printed)), function(i) {
  p <- printed[i, ]; z <- standard(p$n); r <- p$correlation
  data.frame(study = p$study, arm = p$arm, pre = p$mean_pre + p$sd_pre * z[, 1],
             post = p$mean_post + p$sd_post * (r * z[, 1] + sqrt(1 - r^2) * z[, 2]))
}))
rows$s <- factor(rows$study)
rows$pre_c <- rows$pre - ave(rows$pre, rows$study)
rows$cell <- paste(rows$study, rows$arm)
rows$armf <- factor(rows$arm)
weights <- list("study:arm" = varIdent(form = ~ 1 | cell), study = varIdent(form = ~ 1 | s),
                arm = varIdent(form = ~ 1 | armf), one = NULL)
rows$arm_c <- rows$arm - 0.5
rows$change <- rows$post - rows$pre
# Fixed part, random part, the same model in the package's words, and the effect that is compared.
models <- list(
  list(post ~ pre_c + arm + s + pre_c:s, ~ 0 + arm | study,
       "post ~ pre_c + arm + study + pre_c:study + (0 + arm | study)", "arm"),
  list(post ~ pre_c * arm, list(study = pdDiag(~ 1 + pre_c)),
       "post ~ pre_c*arm + (1 | study) + (0 + pre_c | study)", "arm"),
  list(post ~ pre + arm_c, list(study = pdDiag(~ 1 + arm_c)),
       "post ~ pre + arm_c + (1 | study) + (0 + arm_c | study)", "arm_c"),
  list(change ~ arm, ~ 1 | study, "I(post - pre) ~ arm + (1 | study)", "arm"))
fit_one <- function(model, residual) {
  try_one <- function(how) tryCatch(suppressWarnings(lme(
    model[[1]], random = model[[2]], data = rows, weights = weights[[residual]], method = "REML",
    control = do.call(lmeControl, c(list(maxIter = 500, msMaxIter = 500), how)))),
    error = function(e) NULL)
  hows <- list(list(opt = "nlminb", tolerance = 1e-10, msTol = 1e-12), list(opt = "nlminb"),
               list(opt = "optim", tolerance = 1e-10, msTol = 1e-14), list(opt = "optim"))
  found <- Filter(Negate(is.null), lapply(hows, try_one))  # some stop in error; the highest counts
  fit <- found[[which.max(sapply(found, function(f) as.numeric(logLik(f))))]]
  t <- summary(fit)$tTable[model[[4]], ]
  sd <- if (is.null(weights[[residual]])) c(all = fit$sigma)
        else fit$sigma * coef(fit$modelStruct$varStruct, unconstrained = FALSE, allCoef = TRUE)
  list(set = "apnea", model = model[[3]], residual = residual, term = model[[4]],
    estimate = t[["Value"]], std_error = t[["Std.Error"]], df_nlme = t[["DF"]],
    tau2 = diag(as.matrix(getVarCov(fit)))[[1]], loglik_reml = as.numeric(logLik(fit)),
    sigma = as.list(sd))
}
cases <- unlist(lapply(models, function(m) lapply(names(weights), function(w) fit_one(m, w))), FALSE)
cat(toJSON(cases, digits = NA, auto_unbox = TRUE, pretty = TRUE))
