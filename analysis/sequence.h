/* The sequence as sampling unit: tokens of one sequence resemble each other, so what is computed as if tokens were
 * independent claims too much. */
#ifndef MOE_SEQUENCE_H
#define MOE_SEQUENCE_H

#include "analysis/counts.h"
#include "analysis/fof.h"
#include "analysis/sheet.h"

/* Fewer sequences, or groups that hold any, give no interval. */
enum { MOE_LEAST_SEQUENCES = 10 };

/* Standard errors by leaving out one group of sequences at a time. */
struct moe_group_errors {
    int groups;         /* that hold samples */
    double quantile;    /* t, two-sided 95 % */
    double plugin, cwj; /* of H_plugin and H_cwj, nats */
    double s2;          /* of simpson_unbiased */
    double ln_cross;    /* of the logarithm of the cross-sequence sum p^2; NAN where unknown */
    double loso;        /* of the leave-one-sequence-out coverage; NAN where unknown */
    double chao2;       /* NAN where unknown */
};

/* Whether samples come in sequences of several, so that they need not be independent of each other.
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_is_clustered(const struct moe_counts *counts);

/* Delete-a-group jackknife. Returns null, or why there is none.
 *
 * Ranks:  local
 * Errors: ends the job where a table breaks the rules of moe_counts_check
 * Formula: se^2 = (G-1)/G sum (t_g - mean)^2, t_g without group g, G - 1 degrees of freedom
 */
const char *moe_group_errors_of(const struct moe_counts *counts, struct moe_group_errors *errors);

/* Leave-one-sequence-out coverage, 1 - U1/n with U1 the samples whose pattern stands in one sequence only; NAN unknown.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_coverage_loso(const struct moe_counts *counts);

/* The sum p^2 from pairs of samples of different sequences: unbiased whatever the dependence inside. NAN unknown.
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: (sum c^2 - sum over sequences of c_s^2) / (n^2 - sum over sequences of l_s^2)
 */
double moe_cross_collision(const struct moe_counts *counts, const struct moe_fof *fof);

/* Adds coverage_loso, simpson_cross, hill2_cross, the standard errors by groups (group_se_...), n_eff, hill2_thinned
 * and sequence_disagrees: whether token-level figures contradict those by sequence.
 *
 * Ranks:  local
 * Errors: as moe_group_errors_of
 */
void moe_add_sequence(struct moe_sheet *sheet, const struct moe_counts *counts, const struct moe_fof *fof);

#endif
