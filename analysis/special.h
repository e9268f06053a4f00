/* Special functions in long double, for counts up to 4e12: where two large values would be subtracted, the difference
 * is computed instead. */
#ifndef MOE_SPECIAL_H
#define MOE_SPECIAL_H

#include <stdint.h>

/* psi(x), the derivative of ln Gamma, x > 0; and psi(x) - ln(x) for x >= 16, which needs no logarithm.
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: recurrence up to 16, then the asymptotic series
 */
long double moe_digamma(long double x);
long double moe_digamma_rest(long double x);

/* ln Gamma(x + step) - ln Gamma(x) for x > 0 and x + step > 0, to the relative accuracy of long double also for small
 * steps and for x beyond 1e11.
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: recurrence up to 16, then the difference of two Stirling series
 */
long double moe_ln_gamma_step(long double x, long double step);

/* ln of the probability that m items drawn from n without replacement miss all j marked ones: C(n - j, m) / C(n, m);
 * -INFINITY where they cannot. 0 <= j, m <= n.
 *
 * Ranks:  local
 * Errors: never fails
 */
long double moe_ln_miss(int64_t n, int64_t j, int64_t m);

/* ln of the integral over t in 0..1 of t^(n - q) (1 - t)^(q - 1) / (1 - (1 - a) t), for 0 < q < n + 1 and 0 < a <= 1.
 * At q = 1 it is Lerch's Phi(1 - a, 1, n).
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: trapezoids in ln((1 - t) / t), in which the integrand is analytic in a strip: the error falls as exp(-1/h)
 */
long double moe_ln_tail_integral(int64_t n, long double q, long double a);

/* The p-quantile of chi-squared with df degrees of freedom, df > 0, 0 < p < 1, to 1e-13 for any df.
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: Newton on the incomplete gamma function; Cornish and Fisher's expansion beyond 2e8 degrees
 */
double moe_chi2_quantile(double p, double df);

/* The two-sided normal quantile of level 1 - alpha: 1.959963984540054 for 0.05.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_normal_quantile(double alpha);

#endif
