# The two log ratios of means of effect_sizes.json need the printed pairs of the test that reads it:
# Rscript effect_sizes.R m1 sd1 m2 sd2 n r   prints ROM and ROMC for one pair as JSON.
suppressMessages({library(metafor); library(jsonlite)})
x <- as.numeric(commandArgs(trailingOnly = TRUE))
rom <- escalc("ROM", m1i = x[1], sd1i = x[2], n1i = x[5], m2i = x[3], sd2i = x[4], n2i = x[5])
romc <- escalc("ROMC", m1i = x[1], sd1i = x[2], m2i = x[3], sd2i = x[4], ni = x[5], ri = x[6])
pair <- function(e) list(yi = c(e$yi), vi = c(e$vi))
cat(toJSON(list(rom = pair(rom), romc = pair(romc)), digits = NA, auto_unbox = TRUE))
