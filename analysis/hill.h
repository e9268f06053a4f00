/* Hill numbers qD = (sum p^q)^(1/(1 - q)): effective numbers of patterns of order q. */
#ifndef MOE_HILL_H
#define MOE_HILL_H

#include "analysis/entropy.h"
#include "analysis/fof.h"
#include "analysis/sheet.h"

/* The Hill number of the sample itself, any q but 1 (the exponential of the plug-in entropy), also INFINITY; from
 * j / total.
 *
 * Ranks:  local
 * Errors: never fails; total >= 1
 */
double moe_hill_observed(const struct moe_fof *fof, double q);

/* Chao and Jost's estimate for the law, any q >= 0 but 1 (exp of Chao, Wang and Jost's entropy). NAN where it does not
 * exist: q >= n + 1, or a sum of powers that is not positive (no pattern was seen q times). Order 0 is Chao1, 2 is 1 /
 * the unbiased sum p^2. Both alternating sums are in closed form: O(rows) work, whatever n is.
 *
 * Ranks:  local
 * Errors: never fails; n >= 2
 * Formula: M_q = sum f_j G(j+1) G(n+1-q) / (G(j+1-q) G(n+1)) + (f1/n) x (sin(pi q)/pi) integral of
 *          t^(n-q) (1-t)^(q-1) / (1 - x t); qD = M_q^(1/(1-q)). Chao and Jost 2015, reduced by Chu and Vandermonde
 */
double moe_hill_asymptotic(const struct moe_fof *fof, double q);

/* Adds hill_obs_q0, 0.5, 1, 1.5, 2, 3, inf, hill_asy_q0 .. 3 and both for the extra orders, and whether the asymptotic
 * profile falls with q as every true one does (hill_profile_monotone). Returns that: 1 or 0.
 *
 * Ranks:  local
 * Errors: never fails; n >= 2
 */
int moe_add_hill(struct moe_sheet *sheet, const struct moe_fof *fof, const struct moe_entropy *entropy,
                 const double *extra, int extra_count);

#endif
