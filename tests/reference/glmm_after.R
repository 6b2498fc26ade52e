# Predictions, residuals, modes and means of the models of glmm.json with quadrature, as
# glmm_after.json holds them: run in tests/reference, prints JSON.
suppressMessages({library(lme4); library(emmeans); library(jsonlite)})
cases <- Filter(function(case) case$nAGQ > 1, fromJSON("glmm.json", simplifyVector = FALSE))
one <- function(case) {
  rows <- read.csv(file.path("data", paste0(case$name, ".csv")))
  for (f in names(case$levels)) rows[[f]] <- factor(rows[[f]], levels = unlist(case$levels[[f]]))
  fit <- glmer(as.formula(case$formula), rows, family = case$family, nAGQ = case$nAGQ,
               control = glmerControl(optCtrl = list(maxfun = 1e5)))
  modes <- as.data.frame(ranef(fit, condVar = TRUE))
  factor_name <- setdiff(names(case$levels), as.character(modes$grpvar[1]))
  means <- emmeans(fit, factor_name, offset = 0)
  table <- as.data.frame(summary(means, type = "response"))
  pairs <- as.data.frame(summary(pairs(means), type = "response", infer = TRUE))
  names(table)[2] <- "estimate"; names(pairs)[2] <- "estimate"
  list(name = case$name, nAGQ = case$nAGQ,
       conditional = unname(predict(fit, type = "response")),
       population = unname(predict(fit, re.form = NA)),
       deviance = unname(residuals(fit, "deviance")), pearson = unname(residuals(fit, "pearson")),
       response = unname(residuals(fit, "response")),
       modes = list(level = as.character(modes$grp), estimate = modes$condval,
                    std_error = modes$condsd),
       factor = factor_name,
       means = list(estimate = table$estimate, std_error = table$SE, conf_low = table$asymp.LCL,
                    conf_high = table$asymp.UCL),
       pairs = list(estimate = pairs$estimate, std_error = pairs$SE, conf_low = pairs$asymp.LCL,
                    conf_high = pairs$asymp.UCL, p_value = pairs$p.value))
}
cat(toJSON(lapply(cases, one), digits = 10, auto_unbox = TRUE, pretty = TRUE))
