/* Sample coverage: the share of the law that the patterns seen make up. */
#ifndef MOE_COVERAGE_H
#define MOE_COVERAGE_H

#include "analysis/fof.h"
#include "analysis/sheet.h"

/* Chao and Jost's x = 1 - a: how likely a new sample is to be unseen still after the first singletons are. a is
 * computed without a subtraction.
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: a = 2 f2 / ((n - 1) f1 + 2 f2); with f2 = 0, 2 / ((n - 1) (f1 - 1) + 2); 1 without singletons
 */
long double moe_coverage_a(const struct moe_fof *fof);

/* Coverage with one more sample: Chao and Jost 2012, 1 - (f1 / total) x; and 1 - f1 / total of Good 1953.
 *
 * Ranks:  local
 * Errors: never fails; total >= 1
 */
double moe_coverage_chao_jost(const struct moe_fof *fof);
double moe_coverage_turing(const struct moe_fof *fof);

/* Coverage of m samples, below n by rarefaction, above by extrapolation; m >= 0.
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: Chao and Jost 2012
 */
double moe_coverage_at(const struct moe_fof *fof, int64_t m);

/* Adds coverage_good_turing with its interval, coverage_chao_jost, coverage_zhang_huang, coverage_esty_se and
 * missing_mass_upper95_mcdiarmid. iid says that the samples are known to be independent of each other.
 *
 * Ranks:  local
 * Errors: never fails; n >= 2
 * Formula: the interval is exact Poisson for fewer than 25 singletons, or for fewer than 25 pairs where there is
 *          nothing else, and Esty's 1983 else. The bound: E M0 <= E f1/n, McDiarmid for f1/n and McAllester and
 *          Ortiz 2003 for M0
 */
void moe_add_coverage(struct moe_sheet *sheet, const struct moe_fof *fof, int iid);

#endif
