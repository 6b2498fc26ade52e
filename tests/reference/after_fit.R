# What is asked of a fitted lmm (after_fit.json): run in tests/reference, prints JSON.
suppressMessages({library(lmerTest); library(emmeans); library(splines); library(jsonlite)})
d <- read.csv(file.path("data", "sleepstudy.csv"))
# A third of the subjects in each arm, half of them of each sex, six rows gone, weights and offsets
# that a formula gives: nothing drawn at random.
id <- as.integer(factor(d$Subject))
d$arm <- factor(c("a", "b", "c")[id %% 3 + 1])
d$sex <- factor(c("f", "m")[id %% 2 + 1])
d$w <- 0.5 + ((seq_len(nrow(d)) * 7) %% 11) / 4
d$o <- ((seq_len(nrow(d)) * 5) %% 13) - 6
d <- d[-c(3, 17, 20, 55, 56, 90), ]
tight <- lmerControl(optCtrl = list(ftol_abs = 1e-14, xtol_abs = 1e-12, maxeval = 10000),
                     optimizer = "nloptwrap")
w <- lmer(Reaction ~ Days * arm + sex + offset(o) + (Days | Subject), d, weights = w, control = tight)
new <- data.frame(Days = c(2.5, 11), arm = "b", sex = "f", Subject = c(308, 309), o = c(1, 2))
modes <- as.data.frame(ranef(w, condVar = TRUE))
modes <- modes[order(as.character(modes$grp), modes$term), ]
s <- lmer(Reaction ~ ns(Days, 3) + C(arm, contr.sum) + (1 | Subject), d, control = tight)
h <- lmer(Reaction ~ bs(Days, 4) * sex + C(arm, contr.helmert) + (1 | Subject), d, control = tight)
p <- lmer(Reaction ~ poly(Days, 3) + (Days | Subject), d, control = tight)
m <- lmer(Reaction ~ Days * arm + sex + (Days | Subject), d, control = tight)
x <- lmer(Reaction ~ sex * arm + Days + (1 | Subject), d, control = tight)
g <- lmer(log(Reaction) ~ Days * arm + sex + (1 | Subject), d, control = tight)
table <- function(fit, type) {
  a <- as.data.frame(anova(fit, type = type, ddf = "Kenward-Roger"))
  list(term = rownames(a), num_df = a$NumDF, den_df = a$DenDF, statistic = a[["F value"]],
       p_value = a[["Pr(>F)"]])
}
means <- function(e) { e <- as.data.frame(e); lapply(e, function(v) if (is.factor(v)) as.character(v) else v) }
coefs <- function(fit) list(term = names(fixef(fit)), estimate = unname(fixef(fit)),
                            loglik = as.numeric(logLik(fit)))
at3 <- emmeans(g, "arm", at = list(Days = 3), type = "response")
cat(toJSON(list(
  weighted = c(coefs(w), list(sigma = sigma(w),
    modes = list(level = as.character(modes$grp), term = as.character(modes$term),
                 estimate = modes$condval, std_error = modes$condsd),
    fitted = unname(fitted(w)), pearson = unname(resid(w, type = "pearson")),
    leverage = unname(hatvalues(w)), conditional = unname(predict(w, new)),
    population = unname(predict(w, new, re.form = NA)))),
  sum_coded = coefs(s), helmert = coefs(h), polynomial = coefs(p),
  anova_slopes = list(I = table(m, 1), II = table(m, 2), III = table(m, 3)),
  anova_factors = list(I = table(x, 1), II = table(x, 2), III = table(x, 3)),
  means_response = means(at3), ratios = means(confint(pairs(at3))),
  sidak = means(confint(pairs(emmeans(g, "arm", at = list(Days = c(1, 7))), adjust = "sidak"))),
  grid = means(emmeans(g, c("Days", "arm"), at = list(Days = c(1, 7), arm = c("a", "c"))))
), digits = NA, auto_unbox = TRUE, pretty = TRUE))
