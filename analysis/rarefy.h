/* What a smaller or larger sample would show: rarefaction, extrapolation, and new patterns to come. */
#ifndef MOE_RAREFY_H
#define MOE_RAREFY_H

#include "analysis/fof.h"
#include "analysis/sheet.h"

/* Patterns expected in m samples: below n by rarefaction, above by extrapolation (to be trusted up to 2 n).
 *
 * Ranks:  local
 * Errors: never fails; m >= 1, n >= 2
 * Formula: sum f_j (1 - C(n-j,m)/C(n,m)), Hurlbert 1971; S + f0 (1 - (1 - f1/(n f0 + f1))^(m-n)), Colwell and others
 *          2012
 */
double moe_patterns_at(const struct moe_fof *fof, int64_t m);

/* Plug-in entropy expected in m samples, to 1e-9; above n between plug-in and Chao, Wang and Jost.
 *
 * Ranks:  local
 * Errors: never fails; m >= 1, n >= 2
 * Formula: Chao and others 2014; the hypergeometric sum is cut at 12 standard deviations, and expanded in moments from
 *          a variance of 400 on
 */
double moe_entropy_at(const struct moe_fof *fof, int64_t m);

/* The Hill number of order 2 expected in m samples; exact for any m. INFINITY never: at most m.
 *
 * Ranks:  local
 * Errors: never fails; m >= 1, n >= 2
 * Formula: 1 / (1/m + (1 - 1/m) s2)
 */
double moe_hill2_at(const struct moe_fof *fof, int64_t m);

/* Adds rare_S_, rare_C_ and rare_hill2_ for m=n/10 and m=n/2, extrap_S_, extrap_C_ and extrap_hill2_m=2n,
 * good_toulmin_t1, sgt_binomial_t2 and sgt_binomial_t2_k.
 *
 * Ranks:  local
 * Errors: never fails; n >= 2
 * Formula: Good and Toulmin 1956; Orlitsky, Suresh and Wu 2016
 */
void moe_add_rarefaction(struct moe_sheet *sheet, const struct moe_fof *fof);

#endif
