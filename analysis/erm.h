/* From covering numbers and code lengths to losses: inequalities with explicit constants.
 *
 * n independent sequences, eta the probability with which a line may be wrong. Gaps are in units of the loss range:
 * beyond 1 they say nothing. */
#ifndef MOE_ERM_H
#define MOE_ERM_H

/* Squared error of an exact empirical minimiser, |y|, |f|, |f0| <= magnitude: with probability 1 - 2 eta
 *     |f - f0|^2 <= 3 inf + 12 B delta + 112 B^2 / (3 n) (ln N(delta) + 2 ln(1 / eta)),
 * N of a cover in the sup norm, inf the squared error of the best of the class. Trivial from 4 B^2 on.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_erm_squared(double best, double magnitude, double radius, double ln_cover, double n, double failure);

/* Finitely many patterns that no input changes, finite nets: sqrt((ln patterns + ln nets + ln(1 / eta)) / (2 n)), to
 * which the error of the nets comes.
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: Hoeffding 1963 and the union bound
 */
double moe_erm_union_gap(double ln_patterns, double ln_nets, double n, double failure);

/* A cover on the sample, in mean: sqrt(128 (ln N_1 + ln(8 / eta)) / n), N_1 at an eighth of the result.
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: Pollard 1984, as Theorem 9.1 of Gyorfi et al. 2002
 */
double moe_erm_sample_gap(double ln_cover, double n, double failure);

/* A distribution over routers at divergence KL from one fixed without the sample:
 * sqrt((KL + ln(2 sqrt(n) / eta)) / (2 n)).
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: Maurer 2004
 */
double moe_erm_pac_bayes_gap(double divergence, double n, double failure);

#endif
