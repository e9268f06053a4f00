# What vegan says of tables of counts: Rscript outside.R FILE... prints a line `file figure value` for each figure.
# Without files: the trees of the first plot of Barro Colorado Island, which come with vegan, as a table of counts.
suppressMessages(library(vegan))

files <- commandArgs(trailingOnly = TRUE)
if (length(files) == 0) {
    data(BCI)
    plot <- unlist(BCI[1, ])
    write.csv(data.frame(species = seq_along(plot), count = plot), row.names = FALSE, quote = FALSE)
}
for (file in files) {
    count <- read.csv(file)$count
    richness <- estimateR(count)
    figures <- c(S = richness[["S.obs"]], chao1 = richness[["S.chao1"]], ace = richness[["S.ACE"]],
                 shannon = diversity(count), simpson = diversity(count, "simpson"),
                 simpson_unbiased = simpson.unb(count), inverse_simpson = diversity(count, "invsimpson"),
                 rarefied_tenth = rarefy(count, sum(count) %/% 10), rarefied_half = rarefy(count, sum(count) %/% 2))
    cat(sprintf("%s %s %.17g\n", file, names(figures), figures), sep = "")
}
