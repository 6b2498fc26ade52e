# One engine of R, one task: prints times and memory as one line of JSON.
# Arguments: engine, task, formula, refits made, refits asked, repeats, folder with the data.
args <- commandArgs(trailingOnly = TRUE)
engine <- args[1]; task <- args[2]; formula <- as.formula(args[3])
made <- as.integer(args[4]); asked <- as.integer(args[5]); repeats <- as.integer(args[6])
folder <- args[7]
needed <- if (engine == "lme4") "lme4" else c("lmerTest", "pbkrtest")
if (!all(sapply(needed, requireNamespace, quietly = TRUE))) {
  cat('{"absent": true}\n')
  quit()
}
options(warn = -1)
suppressMessages(library(lme4))
suppressMessages(if (engine != "lme4") library(lmerTest))
peak <- function() {
  status <- tryCatch(readLines("/proc/self/status"), error = function(e) character())
  line <- grep("^VmHWM", status, value = TRUE)
  if (length(line)) as.numeric(gsub("[^0-9]", "", line)) / 1024 else NA
}
if (task == "big") {
  read <- function(name) {
    path <- file.path(folder, paste0("big_", name, ".bin"))
    readBin(path, "double", file.size(path) / 8)
  }
  data <- data.frame(subject = as.integer(read("subject")), x = read("x"), y = read("y"))
} else {
  data <- read.csv(file.path(folder, paste0(task, ".csv")))
}
if (made > 0) {
  fit <- lme4::lmer(formula, data)
  set.seed(1)
  outcomes <- simulate(fit, made)
  run <- function() mean(sapply(outcomes, function(y) tail(fixef(refit(fit, y)), 1)))
} else if (engine == "lme4") {
  run <- function(rows = data) tail(fixef(lme4::lmer(formula, rows)), 1)
} else {
  run <- function() tail(coef(summary(lmerTest::lmer(formula, data), ddf = "Kenward-Roger"))[, 1], 1)
}
value <- suppressMessages(if (task == "big") run(data[1:2000, ]) else run())
before <- peak()
times <- numeric(repeats)
for (i in seq_len(repeats)) {
  times[i] <- system.time(value <- suppressMessages(run()))[["elapsed"]]
}
if (made > 0) times <- times * asked / made
versions <- paste(sapply(needed, function(p) paste(p, packageVersion(p))), collapse = ", ")
versions <- sprintf("%s (%s)", versions, basename(extSoftVersion()[["BLAS"]]))
number <- function(x) if (is.na(x)) "null" else format(x, digits = 15)
cat(sprintf(
  '{"times": [%s], "made": %d, "value": %s, "peak_mib": %s, "above_mib": %s, "version": "%s"}\n',
  paste(sapply(times, number), collapse = ", "), made, number(value), number(peak()),
  number(peak() - before), versions
))
