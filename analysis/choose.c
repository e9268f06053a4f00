#include "analysis/choose.h"

#include <math.h>

#include "analysis/special.h"

long double moe_ln_binomial(double n, double k)
{
    if (isnan(n + k))
        return NAN;
    k = fmin(k, n - k);
    if (k > 64)
        return moe_ln_gamma_step((long double)n - k + 1, k) - lgammal((long double)k + 1);
    long double sum = 0;
    for (int i = 1; i <= k; i++)
        sum += logl(((long double)n - k + i) / i);
    return sum;
}

double moe_ln_binomial_relaxed(double n, double k)
{
    return k == 0 ? 0 : k * (1 + log(n / k));
}

double moe_ln_sum(double a, double b)
{
    const double large = fmax(a, b), small = fmin(a, b);
    return isinf(large) ? large : large + log1p(exp(small - large));
}

/* The sum up to last <= n / 2, largest term first: the terms then fall at least as fast as those of a normal law. */
static double lower_sum(double n, double last)
{
    double term = 1, sum = 1;
    for (double i = last; i > 0 && term > 1e-18 * sum; i--) {
        term *= i / (n - i + 1);
        sum += term;
    }
    return (double)moe_ln_binomial(n, last) + log(sum);
}

double moe_ln_binomial_sum(double n, double last)
{
    if (last >= n)
        return n * M_LN2;
    if (last <= n / 2)
        return lower_sum(n, last);
    return n * M_LN2 + log1p(-exp(lower_sum(n, n - last - 1) - n * M_LN2));
}
