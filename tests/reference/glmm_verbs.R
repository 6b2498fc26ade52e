# Verbs of a model of counts (glmm_verbs.json): run in tests/reference, prints JSON.
suppressMessages({library(lme4); library(car); library(performance); library(jsonlite)})
b <- read.csv(file.path("data", "cbpp.csv"))
b$period <- factor(b$period)
b$half <- factor(ifelse(as.integer(factor(b$herd)) %% 2 == 0, "x", "y"))
i <- read.csv(file.path("data", "injuries_simulated.csv"))
i$direction <- factor(i$direction, levels = c("backward", "forward"))
ctl <- glmerControl(optimizer = "bobyqa", optCtrl = list(maxfun = 1e6, rhoend = 1e-9), tolPwrss = 1e-13)
m <- glmer(cbind(incidence, size - incidence) ~ period * half + (1 | herd), b, family = binomial, control = ctl)
s <- glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), b, family = binomial, control = ctl)
p <- glmer(injuries ~ direction + offset(log(hours)) + (1 | team), i, family = poisson, control = ctl)
m3 <- glmer(cbind(incidence, size - incidence) ~ period * half + (1 | herd), b, family = binomial, control = ctl,
            contrasts = list(period = "contr.sum", half = "contr.sum"))
terms_of <- function(a) list(term = rownames(a), chisq = a$Chisq, df = a$Df, p = a[["Pr(>Chisq)"]])
set.seed(1)
lr <- anova(s, m)
cs <- confint(s, method = "profile", quiet = TRUE)
cp <- confint(p, method = "profile", quiet = TRUE)
cat(toJSON(list(
  III = terms_of(Anova(m3, type = 3)), II = terms_of(Anova(m, type = 2)),
  lr = list(statistic = lr$Chisq[2], df = lr$Df[2], p = lr[["Pr(>Chisq)"]][2]),
  profile_binomial = list(low = unname(cs[, 1]), high = unname(cs[, 2])),
  profile_poisson = list(low = unname(cp[, 1]), high = unname(cp[, 2])),
  icc_binomial = icc(s)$ICC_adjusted, r2_binomial = c(r2_nakagawa(s)$R2_marginal, r2_nakagawa(s)$R2_conditional)
), digits = NA, auto_unbox = TRUE, pretty = TRUE))
