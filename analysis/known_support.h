/* Entropy where the number K of possible patterns is known and small. */
#ifndef MOE_KNOWN_SUPPORT_H
#define MOE_KNOWN_SUPPORT_H

#include "analysis/fof.h"
#include "analysis/sheet.h"

enum { MOE_KNOWN_SUPPORT_MAX = 65536 };

/* Posterior mean entropy in nats under the mixture of symmetric Dirichlet laws whose prior entropy is nearly flat.
 * S <= K <= MOE_KNOWN_SUPPORT_MAX, K >= 2.
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: Nemenman, Shafee and Bialek 2001; trapezoids in ln(beta), halved until 1e-12
 */
double moe_entropy_nsb(const struct moe_fof *fof, int64_t support);

/* Adds H_shrink_K, lambda_shrink_K (James-Stein towards 1/K) and H_nsb_K; all missing where support is 0 (not known)
 * or cannot be.
 *
 * Ranks:  local
 * Errors: never fails; n >= 2
 * Formula: Hausser and Strimmer 2009
 */
void moe_add_known_support(struct moe_sheet *sheet, const struct moe_fof *fof, int64_t support);

#endif
