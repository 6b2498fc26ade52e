# Log ratios of means of effect_sizes.json, independent (ROM) and paired (ROMC): prints JSON.
suppressMessages({library(metafor); library(jsonlite)})
old <- fromJSON("effect_sizes.json", simplifyVector = FALSE)
answer <- function(e) list(yi = c(e$yi), vi = c(e$vi))
ratios <- function(pair) with(pair, c(pair[c("name", "m1", "sd1", "m2", "sd2", "n", "r")], list(
  rom = answer(escalc("ROM", m1i = m1, sd1i = sd1, n1i = n, m2i = m2, sd2i = sd2, n2i = n)),
  romc = answer(escalc("ROMC", m1i = m1, sd1i = sd1, m2i = m2, sd2i = sd2, ni = n, ri = r)))))
cat(toJSON(lapply(old, ratios), digits = NA, auto_unbox = TRUE, pretty = TRUE))
