# Kenward-Roger with weights: the rows times the roots of their weights are an unweighted model with
# the same likelihood, of which pbkrtest gives the df. Run in tests/reference, prints JSON.
suppressMessages({library(lme4); library(pbkrtest); library(jsonlite)})
d <- read.csv("data/sleepstudy.csv")
d$w <- rep(c(1, 2, 4, 0.5, 3), length.out = nrow(d))
s <- sqrt(d$w)
d$y <- s * d$Reaction; d$i <- s; d$x <- s * d$Days; d$z <- s
ddf <- function(fit) sapply(1:2, function(j) {
  l <- matrix(0, 1, 2); l[j] <- 1; KRmodcomp(fit, l)$stats$ddf })
weighted <- lmer(Reaction ~ Days + (1 | Subject), d, weights = w)
plain <- lmer(y ~ 0 + i + x + (0 + z | Subject), d)
cat(toJSON(list(weights = c(1, 2, 4, 0.5, 3), terms = c("(Intercept)", "Days"),
  estimate = unname(fixef(plain)), std_error = unname(sqrt(diag(as.matrix(vcovAdj(plain))))),
  df = ddf(plain), df_of_pbkrtest_with_weights = ddf(weighted)), digits = NA, auto_unbox = TRUE,
  pretty = TRUE))
