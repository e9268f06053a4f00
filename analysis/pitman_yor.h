/* The Pitman-Yor process as model of the law: a discount d in [0, 1) gives tails like powers, d = 0 is Dirichlet. */
#ifndef MOE_PITMAN_YOR_H
#define MOE_PITMAN_YOR_H

#include "analysis/fof.h"
#include "analysis/sheet.h"

struct moe_pitman_yor {
    long double discount, strength; /* d and a, a > -d */
};

/* The most likely d and a. Returns 0 where there are none: every sample its own pattern, or one pattern only.
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: score equations of sum_{0 < l < S} ln(a + l d) + ln G(1+a) - ln G(a+n) + sum f_j (ln G(j-d) - ln G(1-d)),
 *          solved by bisection, a inside d
 */
int moe_pitman_yor_fit(const struct moe_fof *fof, struct moe_pitman_yor *fit);

/* Posterior mean entropy in nats; and patterns expected to be new among m more samples.
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: Archer, Park and Pillow 2014; Favaro and others 2009
 */
double moe_pitman_yor_entropy(const struct moe_fof *fof, struct moe_pitman_yor law);
double moe_pitman_yor_new(const struct moe_fof *fof, struct moe_pitman_yor law, int64_t m);

/* Adds H_py, hill_py_q1, py_discount, py_strength and py_new_m=n of the fitted law, and H_py_d0.5_a10 and
 * py_new_d0.5_a10_m=n of a fixed one.
 *
 * Ranks:  local
 * Errors: never fails; n >= 2
 */
void moe_add_pitman_yor(struct moe_sheet *sheet, const struct moe_fof *fof);

#endif
