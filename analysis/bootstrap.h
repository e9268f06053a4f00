/* Standard errors for independent samples, by redrawing tables from an estimate of the law. */
#ifndef MOE_BOOTSTRAP_H
#define MOE_BOOTSTRAP_H

#include "analysis/fof.h"
#include "analysis/sheet.h"

enum { MOE_BOOTSTRAP_REPLICATES = 200 };

/* The estimated law: a pattern seen j times has p_j = (j/n)(1 - lambda (1 - j/n)^n), and `unseen` patterns share what
 * coverage leaves.
 *
 * Formula: Chao and Jost 2015
 */
struct moe_community {
    long double unseen; /* f0, rounded up; can be beyond 64 bits */
    long double lambda;
    long double unseen_p; /* of each; 0 without any */
};

/* The estimated law of a table.
 *
 * Ranks:  local
 * Errors: never fails; n >= 2
 */
struct moe_community moe_community_of(const struct moe_fof *fof);

/* Adds boot_f0, boot_lambda, boot_p_unseen, and boot_se_ of H_plugin, H_cwj, hill_asy_q1, simpson_unbiased, chao1 and
 * coverage_chao_jost over 200 replicates. The same table gives the same figures: replicate r is a function of r alone.
 *
 * Every pattern's new count is Poisson. Classes of patterns of mean below 50 are drawn as tables of counts; the sums
 * over all others by their normal limit, so that the work does not grow with n or S.
 *
 * Ranks:  local
 * Errors: never fails; n >= 2
 */
void moe_add_bootstrap(struct moe_sheet *sheet, const struct moe_fof *fof);

#endif
