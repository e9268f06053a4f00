/* Logarithms of numbers of choices. */
#ifndef MOE_CHOOSE_H
#define MOE_CHOOSE_H

/* ln C(n, k) for whole numbers up to 2^53, 0 <= k <= n, in long double because millions of sites multiply it; and the
 * relaxation k ln(e n / k), which is never below it (0 at k = 0). NAN for NAN.
 *
 * Ranks:  local
 * Errors: never fails
 */
long double moe_ln_binomial(double n, double k);
double moe_ln_binomial_relaxed(double n, double k);

/* ln(e^a + e^b).
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_ln_sum(double a, double b);

/* ln of C(n, 0) + ... + C(n, last) for whole numbers, last >= 0. From last = n on it is n ln 2.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_ln_binomial_sum(double n, double last);

#endif
