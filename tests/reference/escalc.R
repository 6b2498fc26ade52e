# Effect sizes of escalc.json from its own data: run in tests/reference with metafor 4.6.0.
suppressMessages({library(metafor); library(jsonlite)})
old <- fromJSON("escalc.json", simplifyVector = FALSE)
numbers <- function(x) vapply(x, function(v) if (is.null(v)) NA_real_ else as.numeric(v), 0)
tables <- lapply(old$data, function(table) lapply(table, numbers))
answer <- function(case) {
  call <- c(list(measure = case$measure), tables[[case$data]], case$options)
  found <- suppressWarnings(do.call(escalc, call))
  list(measure = case$measure, data = case$data, options = case$options,
       yi = c(found$yi), vi = c(found$vi))
}
converted <- function(method) {
  found <- suppressWarnings(conv.fivenum(min = min, q1 = q1, median = median, q3 = q3, max = max,
    n = n, data = as.data.frame(tables$five), method = method, test = FALSE))
  list(mean = found$mean, sd = found$sd)
}
kept <- suppressWarnings(conv.fivenum(min = min, q1 = q1, median = median, q3 = q3, max = max,
  n = n, data = as.data.frame(tables$five), test = TRUE))
printed <- tables$printed
wald <- conv.wald(out = estimate, ci.lb = low, ci.ub = high, transf = log,
                  data = as.data.frame(printed))
from_p <- conv.wald(out = estimate, pval = p, data = as.data.frame(printed))
cat(toJSON(list(
  metafor = "4.6.0", data = old$data, escalc = lapply(old$escalc, answer),
  fivenum = list(shi = converted("default"), wan = converted(c("luo2016", "wan2014"))),
  skewed = is.na(kept$mean),
  wald = list(yi = c(wald$yi), vi = c(wald$vi)),
  wald_p = list(yi = c(from_p$yi), vi = c(from_p$vi))
), digits = NA, auto_unbox = TRUE, na = "null", null = "null", pretty = TRUE))
