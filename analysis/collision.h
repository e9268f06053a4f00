/* Order 2: how often two samples fall on the same pattern. The one order that is safe when undersampled. */
#ifndef MOE_COLLISION_H
#define MOE_COLLISION_H

#include "analysis/fof.h"
#include "analysis/sheet.h"

struct moe_collision {
    double colliding;  /* K2, pairs of samples with the same pattern */
    double s2;         /* unbiased for sum p^2 */
    double se;         /* of s2: exact variance of the U-statistic with plug-in moments */
    double dispersion; /* phi = max(1, var(K2) / K2); 1 without a colliding pair */
};

/* Sums in whole numbers, the difference s3 - s2^2 in 256 bits.
 *
 * Ranks:  local
 * Errors: never fails; n >= 2
 * Formula: s2 = 2 K2 / (n (n-1)); var = (4 (n-2) max(s3 - s2^2, 0) + 2 (s2 - s2^2)) / (n (n-1))
 */
struct moe_collision moe_collision_of(const struct moe_fof *fof);

/* The one-sided lower limit of 2D that fails with probability alpha.
 *
 * Ranks:  local
 * Errors: never fails; n >= 2
 * Formula: C(n,2) / (phi U), U = chi2(1 - alpha; 2 K2/phi + 2)/2: Poisson, widened by phi
 */
double moe_collision_lower(const struct moe_fof *fof, double alpha);

/* Adds simpson_unbiased, simpson_se, hill2_ci95_lo, hill2_ci95_hi, collision_phi, hill2_lower95_collision and
 * hill2_lower975_no_collision (iid says that the samples are independent).
 *
 * Ranks:  local
 * Errors: never fails; n >= 2
 */
void moe_add_collision(struct moe_sheet *sheet, const struct moe_fof *fof, int iid);

#endif
