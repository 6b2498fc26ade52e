# One task of benchmarks/crossed.py: `data FOLDER` writes the tables, `fit` times one fit.
suppressMessages(library(lme4))
arguments <- commandArgs(TRUE)
load_one <- function(name) {
  if (endsWith(name, ".csv")) return(transform(read.csv(name), u = factor(u), i = factor(i)))
  if (name == "epil") return(transform(MASS::epil, subject = factor(subject)))
  data(list = name, package = "lme4", envir = environment())
  get(name, envir = environment())
}
if (arguments[1] == "data") {
  for (name in c("InstEval", "Penicillin", "cbpp", "epil", "grouseticks"))
    write.csv(load_one(name), file.path(arguments[2], paste0(name, ".csv")), row.names = FALSE)
} else if (arguments[1] == "boot") {  # DATA FORMULA FAMILY DRAWS
  found <- glmer(as.formula(arguments[3]), load_one(arguments[2]), family = arguments[4])
  start <- proc.time()
  drawn <- suppressMessages(suppressWarnings(bootMer(found, fixef, nsim = as.integer(arguments[5]))))
  spent <- proc.time() - start
  cat(spent[["elapsed"]], spent[["user.self"]] + spent[["sys.self"]], "\n")
} else {
  rows <- load_one(arguments[2])
  formula <- as.formula(arguments[3])
  fit <- function() if (arguments[4] == "gaussian") lmer(formula, rows) else
    glmer(formula, rows, family = arguments[4])
  if (nrow(rows) < 1000) invisible(fit())  # the first call compiles
  start <- proc.time()
  found <- fit()
  spent <- proc.time() - start
  cat(spent[["elapsed"]], spent[["user.self"]] + spent[["sys.self"]], sprintf("%.10f", logLik(found)), "\n")
}
