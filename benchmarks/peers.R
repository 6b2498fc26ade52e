# One question of benchmarks/peers.py put to R.
#   Rscript peers.R data FOLDER                 writes lme4's own tables
#   Rscript peers.R CASE FOLDER REPEATS         times it: one line of JSON
arguments <- commandArgs(TRUE)
suppressMessages(library(lme4))
case <- arguments[1]
folder <- arguments[2]
if (case == "data") {
  for (name in c("sleepstudy", "Penicillin")) {
    data(list = name, package = "lme4", envir = environment())
    write.csv(get(name), file.path(folder, paste0(name, ".csv")), row.names = FALSE)
  }
  quit()
}
table <- function(name) read.csv(file.path(folder, paste0(name, ".csv")), stringsAsFactors = TRUE)
quietly <- function(x) suppressMessages(suppressWarnings(x))
tukey <- function(name) {
  fit <- lmerTest::lmer(y ~ cell + (1 | subject), table(name))
  function() {
    means <- emmeans::emmeans(fit, ~cell, lmer.df = "satterthwaite")
    as.data.frame(summary(pairs(means, adjust = "tukey")))$p.value[1]
  }
}
profiled <- function(name, formula) {
  fit <- lmer(formula, table(name), REML = FALSE)
  function() confint(fit, quiet = TRUE)["(Intercept)", 1]
}
packages <- "lme4"
run <- quietly(switch(case,
  tukey_6 = tukey("levels"), tukey_30 = tukey("cells"),
  profile_sleepstudy = profiled("sleepstudy", Reaction ~ Days + (Days | Subject)),
  profile_penicillin = profiled("Penicillin", diameter ~ 1 + (1 | plate) + (1 | sample)),
  pool = { d <- table("effects")
    function() coef(metafor::rma.uni(d$estimate, sei = d$std_error, test = "knha"))[[1]] },
  pool_nested = { d <- table("nested")
    function() coef(metafor::rma.mv(d$estimate, d$std_error^2, random = ~ 1 | cluster/study,
                                    data = d))[[1]] },
  pool_counts = { d <- table("counts")
    function() coef(metafor::rma.glmm(measure = "IRR", model = "UM.FS", x1i = events_1,
      t1i = total_1, x2i = events_2, t2i = total_2, data = d))[[1]] },
  refits = { fit <- lmer(y ~ x + (1 | subject) + (1 | item), table("ratings"))
    function() { set.seed(1); mean(bootMer(fit, function(f) fixef(f)[[2]], nsim = 50)$t) } }
))
used <- c(tukey = "emmeans", pool = "metafor")[sub("_.*", "", case)]
if (!is.na(used)) packages <- used
value <- quietly(run())
times <- replicate(as.integer(arguments[3]), {
  before <- proc.time()
  value <- quietly(run())
  spent <- proc.time() - before
  spent[["user.self"]] + spent[["sys.self"]]
})
peak <- tryCatch(as.numeric(gsub("[^0-9]", "", grep("^VmHWM", readLines("/proc/self/status"),
  value = TRUE))) / 1024, error = function(e) NA)
cat(sprintf('{"cpu": [%s], "value": %.12g, "peak_mib": %.0f, "with": "%s %s, %s"}\n',
  paste(times, collapse = ", "), value, peak, packages, packageVersion(packages),
  basename(extSoftVersion()[["BLAS"]])))
