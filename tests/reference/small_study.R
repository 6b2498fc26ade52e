# Funnel tests, trim and fill, cumulation and moderators of small_study.json: run in tests/reference.
suppressMessages({library(metafor); library(jsonlite)})
old <- fromJSON("small_study.json")
rows <- as.data.frame(old$rows)
slope <- function(r) list(statistic = c(r$zval), p = r$pval, df = r$dfs, limit = c(r$est),
                          low = c(r$ci.lb), high = c(r$ci.ub))
one <- function(method, test) {
  res <- rma(yi, vi, data = rows, method = method, test = test)
  egger <- list()
  for (predictor in c("sei", "vi")) for (model in c("lm", "rma"))
    egger[[paste(model, predictor)]] <- slope(regtest(res, model = model, predictor = predictor))
  rank <- ranktest(res)
  fill <- function(estimator, side) {
    t <- trimfill(res, estimator = estimator, side = side)
    list(missing = t$k0, se = t$se.k0, side = t$side, estimate = c(t$beta), std_error = t$se)
  }
  fills <- list()
  for (estimator in c("L0", "R0", "Q0")) for (side in c("left", "right"))
    fills[[paste(estimator, side)]] <- fill(estimator, side)
  chosen <- trimfill(res)
  sums <- cumul(res, order = rows$year)
  list(egger = egger, rank = list(tau = c(rank$tau), p = rank$pval), fill = fills,
       chosen = list(side = chosen$side, missing = chosen$k0),
       cumulative = list(estimate = sums$estimate, std_error = sums$se, p = sums$pval,
                         low = sums$ci.lb, high = sums$ci.ub, tau2 = sums$tau2))
}
moderated <- function(test) {
  res <- rma(yi, vi, mods = ~ ablat + alloc, data = rows, method = "DL", test = test)
  new <- predict(res, newmods = rbind(c(30, 1, 0), c(13, 0, 0), c(50, 0, 1)))
  part <- anova(res, btt = 3:4)
  list(qm = c(res$QM), qm_p = res$QMp, part = c(part$QM), part_p = part$QMp,
       predict = list(estimate = new$pred, std_error = new$se, low = new$ci.lb, high = new$ci.ub,
                      pi_low = new$pi.lb, pi_high = new$pi.ub))
}
fits <- list()
for (method in c("DL", "EE", "REML")) for (test in c("z", "knha"))
  fits[[paste(method, test)]] <- one(method, test)
few <- ranktest(old$few$yi, old$few$vi)
ties <- suppressWarnings(ranktest(old$ties$yi, old$ties$vi))
cat(toJSON(list(
  rows = old$rows, few = old$few, ties = old$ties, fits = fits,
  few_rank = list(tau = c(few$tau), p = few$pval), ties_rank = list(tau = c(ties$tau), p = ties$pval),
  moderated = list(z = moderated("z"), knha = moderated("knha"))
), digits = NA, auto_unbox = TRUE, na = "null", null = "null", pretty = TRUE))
