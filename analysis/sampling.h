/* Draws from the binomial and the Poisson law, for any size of count. */
#ifndef MOE_SAMPLING_H
#define MOE_SAMPLING_H

#include "src/random.h"

/* A draw from the binomial law of n trials, a whole number; beyond 2^53 results are rounded as doubles are.
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: inversion for n p < 10, else transformed rejection, Hoermann 1993 (BTRS)
 */
double moe_draw_binomial(struct moe_random *random, double n, double p);

/* A draw from the Poisson law of mean mu, 0 <= mu <= 1e9.
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: inversion for mu < 10, else transformed rejection, Hoermann 1993 (PTRS)
 */
int64_t moe_draw_poisson(struct moe_random *random, double mu);

#endif
