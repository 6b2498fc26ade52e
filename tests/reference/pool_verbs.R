# Radial plots, permutation tests and profile likelihoods of pools (pool_verbs.json): run in
# tests/reference, prints JSON. Rows are those of small_study.json.
suppressMessages({library(metafor); library(jsonlite)})
rows <- as.data.frame(fromJSON("small_study.json")$rows)
rows$id <- seq_len(nrow(rows))
few <- rows[1:8, ]
some <- rows[c(1, 3, 5, 7, 9, 11), ]
pdf(NULL)
signs <- function(method, test) {
  res <- rma(yi, vi, data = few, method = method, test = test)
  p <- permutest(res, exact = TRUE, progbar = FALSE)
  list(statistic = c(res$zval), p = c(p$pval))
}
orders <- function(method, test) {
  res <- rma(yi, vi, mods = ~ ablat + year, data = some, method = method, test = test)
  p <- permutest(res, exact = TRUE, progbar = FALSE)
  list(statistic = c(res$zval), p = c(p$pval), joint = c(res$QM), joint_p = c(p$QMp))
}
dl <- rma(yi, vi, data = rows, method = "DL")
r <- radial(dl)
reml <- rma(yi, vi, data = rows, method = "REML", control = list(threshold = 1e-12, maxiter = 1000))
at <- seq(0.05, 1.2, by = 0.15)
simple <- sapply(at, function(t) c(logLik(rma(yi, vi, data = rows, method = "REML", tau2 = t))))
fit <- function(...) rma.mv(yi, vi, random = ~ 1 | alloc/id, data = rows, ...,
                            control = list(optimizer = "optim", optmethod = "BFGS", reltol = 1e-15))
multilevel <- fit()
outer <- sapply(at, function(t) c(logLik(fit(sigma2 = c(t, NA)))))
inner <- sapply(at, function(t) c(logLik(fit(sigma2 = c(NA, t)))))
test <- list()
for (method in c("DL", "EE", "REML")) for (how in c("z", "knha"))
  test[[paste(method, how)]] <- signs(method, how)
moved <- list("DL z" = orders("DL", "z"), "DL knha" = orders("DL", "knha"), "EE z" = orders("EE", "z"))
cat(toJSON(list(
  radial = list(x = r$x, y = r$y), signs = test, orders = moved,
  profile = list(at = at, simple = simple, simple_best = c(logLik(reml)), outer = outer, inner = inner,
                 multilevel_best = c(logLik(multilevel)))
), digits = NA, auto_unbox = TRUE, pretty = TRUE))
