/* Everything that estimators say about the counts of one scope. */
#ifndef MOE_ESTIMATE_H
#define MOE_ESTIMATE_H

#include "analysis/counts.h"
#include "analysis/sheet.h"

struct moe_estimate_options {
    int64_t known_support; /* possible patterns, for H_shrink_K and H_nsb_K; 0 not known */
    const double *order;   /* further orders of Hill numbers; null none */
    int order_count;
    double eta;                    /* failure probability of the certified bracket: 0.05 */
    const struct moe_counts *path; /* counts of paths, for a scope of whole sequences; null none */
};

/* Adds every figure, under the names of the modules. Counts of samples give all but the *_inc ones, incidence those.
 * What undersampling or a degenerate table makes meaningless keeps its value and is suppressed with the reason; with
 * fewer than 2 samples only counts have values.
 *
 * Ranks:  local (rank 0, which holds the tables)
 * Errors: ends the job where the counts break the rules of moe_counts_check, which a caller asks first
 */
void moe_estimate(struct moe_sheet *sheet, const struct moe_counts *counts, const struct moe_estimate_options *options);

#endif
