# Variance inflation of a mixed model (checks.json): run in tests/reference, prints JSON.
suppressMessages({library(lme4); library(performance); library(jsonlite)})
d <- read.csv(file.path("data", "sleepstudy.csv"))
id <- as.integer(factor(d$Subject))
d$arm <- factor(c("a", "b", "c")[id %% 3 + 1])
d$x <- d$Days + ((seq_len(nrow(d)) * 7) %% 11) / 3
m <- lmer(Reaction ~ arm + Days + x + (1 | Subject), d)
v <- as.data.frame(check_collinearity(m))
cat(toJSON(list(term = as.character(v$Term), vif = v$VIF), digits = NA, auto_unbox = TRUE, pretty = TRUE))
