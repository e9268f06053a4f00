/* How many patterns there are in all: estimators of a lower bound. No sample gives an upper one without assumptions. */
#ifndef MOE_SUPPORT_H
#define MOE_SUPPORT_H

#include "analysis/fof.h"
#include "analysis/sheet.h"

/* Chao's estimate of the patterns seen and unseen, with what its interval is made from. */
struct moe_chao {
    double estimate;
    double unseen;    /* f0 */
    double variance;  /* NAN where nothing speaks for unseen patterns */
    double low, high; /* 95 %, NAN likewise */
};

/* Chao1 for counts, Chao2 for incidence.
 *
 * Ranks:  local
 * Errors: never fails; n >= 1
 * Formula: S + k f1^2 / (2 f2), k = (n - 1) / n; with f2 = 0, S + k f1 (f1 - 1) / 2. Log-normal interval, Chao 1987
 */
struct moe_chao moe_chao(const struct moe_fof *fof);

/* Adds chao1 with its interval, chao1_se, chao1_ci95_lo, chao1_ci95_hi, chao1_bc, chao1_bc_nofactor, ichao1, ace, ace1,
 * jack1 and jack2. The interval of chao1 begins at a whole number.
 *
 * Ranks:  local
 * Errors: never fails; n >= 2
 */
void moe_add_support(struct moe_sheet *sheet, const struct moe_fof *fof);

/* Adds the same for incidence: chao2, chao2_se, chao2_ci95_lo, chao2_ci95_hi, chao2_bc, ichao2, jack1_inc, jack2_inc.
 *
 * Ranks:  local
 * Errors: never fails; n >= 2 sampling units
 */
void moe_add_support_incidence(struct moe_sheet *sheet, const struct moe_fof *fof);

#endif
