/* Special functions against closed forms and sums that can be written out. */
#include "analysis/special.h"

#include <gsl/gsl_cdf.h>

#include "tests/tap.h"

#define EULER 0.57721566490153286060651209008240243L

/* The product over the smaller of j and m. */
static double plain_miss(int64_t n, int64_t j, int64_t m)
{
    long double p = 1;
    for (int64_t i = 0; i < j; i++)
        p *= (long double)(n - m - i) / (n - i);
    return (double)logl(p);
}

/* sum over r of x^r / (n + r). */
static double plain_lerch(long double x, int n)
{
    long double sum = 0, power = 1;
    for (int r = 0; power > 1e-25L; r++, power *= x)
        sum += power / (n + r);
    return (double)logl(sum);
}

int main(void)
{
    is_close((double)moe_digamma(1), (double)-EULER, 1e-16, "psi(1) = -gamma");
    is_close((double)moe_digamma(0.5L), (double)(-EULER - 2 * logl(2)), 1e-16, "psi(1/2) = -gamma - 2 ln 2");
    is_close((double)(moe_digamma(101) - moe_digamma(100)), 0.01, 1e-16, "psi(101) - psi(100) = 1/100");
    is_close((double)(1e12L * moe_digamma_rest(1e12L)), -0.5, 1e-11, "psi(x) - ln(x) is -1/(2 x) at 1e12");
    is_close((double)(moe_digamma(20) - logl(20)), (double)moe_digamma_rest(20), 1e-16, "and psi(20) - ln(20)");

    is_close((double)moe_ln_gamma_step(1, 9), log(362880), 1e-16, "Gamma(10) = 9!");
    is_close((double)moe_ln_gamma_step(1e12L, 1), log(1e12), 1e-16, "Gamma(x + 1) = x Gamma(x) at 1e12");
    is_close((double)moe_ln_gamma_step(0.5L, 0.5L), -0.5 * log(M_PI), 1e-15, "Gamma(1/2) = sqrt(pi)");
    is_close((double)(moe_ln_gamma_step(3, 1e-12L) * 1e12L), (double)moe_digamma(3), 1e-11, "its slope is psi");
    is_close((double)moe_ln_gamma_step(20, -5), -log(15.0 * 16 * 17 * 18 * 19), 1e-15, "downwards too");

    is_close((double)moe_ln_miss(100, 3, 10), plain_miss(100, 3, 10), 1e-15, "3 of 100 missed by 10");
    is_close((double)moe_ln_miss(40, 15, 12), plain_miss(40, 15, 12), 1e-15, "few left over");
    is_close((double)moe_ln_miss(INT64_C(1000000000000), 7, INT64_C(300000000000)),
             plain_miss(INT64_C(1000000000000), 7, INT64_C(300000000000)), 1e-15, "of 1e12");
    is_close((double)moe_ln_miss(INT64_C(1000000000000), 50000, 40000000),
             plain_miss(INT64_C(1000000000000), 50000, 40000000), 1e-14, "many of 1e12");
    ok(moe_ln_miss(10, 6, 5) == -INFINITY && moe_ln_miss(10, 0, 5) == 0, "what must be hit, and what cannot be");

    is_close((double)moe_ln_tail_integral(1, 1, 0.25L), log(log(4) / 0.75), 1e-14, "q = 1, n = 1: -ln(1 - x) / x");
    is_close((double)moe_ln_tail_integral(7, 1, 0.01L), plain_lerch(0.99L, 7), 1e-13, "q = 1, n = 7: Lerch's sum");
    is_close((double)moe_ln_tail_integral(400, 1, 0.5L), plain_lerch(0.5L, 400), 1e-14, "q = 1, n = 400");
    is_close((double)expl(moe_ln_tail_integral(3, 0.5L, 1)), 5 * M_PI / 16, 1e-14, "x = 0: Beta(7/2, 1/2)");
    is_close((double)expl(moe_ln_tail_integral(2, 0.01L, 1)), exp(lgamma(2.99) + lgamma(0.01) - lgamma(3)), 1e-13,
             "a small order: Beta(2.99, 0.01)");

    is_close(moe_chi2_quantile(0.975, 2), -2 * log(0.025), 1e-14, "chi-squared of 2 degrees is exponential");
    const double p[] = {0.025, 0.5, 0.95, 0.9875}, df[] = {1, 2.4, 5, 40.7, 333, 5e4};
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 6; k++)
            is_close(gsl_cdf_chisq_P(moe_chi2_quantile(p[i], df[k]), df[k]), p[i], 1e-11, "quantile %g of %g", p[i],
                     df[k]);
    is_close(moe_chi2_quantile(0.95, 2.0000001e8) - 2.0000001e8, moe_chi2_quantile(0.95, 1.9999999e8) - 1.9999999e8,
             1e-7, "Newton and the expansion meet");
    is_close((moe_chi2_quantile(0.975, 1e20) - 1e20) / sqrt(2e20), 1.959963984540054, 1e-6, "normal at 1e20 degrees");
    is_close(moe_normal_quantile(0.05), 1.959963984540054, 1e-15, "normal quantile");
    return tap_done();
}
