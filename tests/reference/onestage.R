# One-stage models of onestage.json: rows that have exactly the printed moments, fitted by nlme.
# The formula of the model is the file's own; the arm effect is random by study.
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
old <- fromJSON("onestage.json", simplifyVector = FALSE)
fit_one <- function(case) {
  fit <- lme(post ~ pre_c + arm + s + pre_c:s, random = ~ 0 + arm | study, data = rows,
             weights = weights[[case$residual]], method = "REML",
             control = lmeControl(maxIter = 500, msMaxIter = 500, opt = "optim"))
  t <- summary(fit)$tTable["arm", ]
  sd <- if (is.null(weights[[case$residual]])) c(all = fit$sigma)
        else fit$sigma * coef(fit$modelStruct$varStruct, unconstrained = FALSE, allCoef = TRUE)
  modifyList(case, list(estimate = t[["Value"]], std_error = t[["Std.Error"]],
    tau2 = as.numeric(VarCorr(fit)["arm", "Variance"]), loglik_reml = as.numeric(logLik(fit)),
    sigma = as.list(sd)))
}
cat(toJSON(lapply(old, fit_one), digits = NA, auto_unbox = TRUE, pretty = TRUE))
