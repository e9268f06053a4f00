#include "analysis/sampling.h"

#include <math.h>

#include "analysis/special.h"

static double invert_binomial(struct moe_random *random, double n, double p)
{
    const double odds = p / (1 - p), u = moe_random_uniform(random);
    double term = exp(n * log1p(-p)), sum = term, k = 0;
    while (u > sum && k < n && (term > 1e-18 || k < n * p)) {
        term *= odds * (n - k) / (k + 1);
        sum += term;
        k++;
    }
    return k;
}

double moe_draw_binomial(struct moe_random *random, double n, double p)
{
    if (p > 0.5)
        return n - moe_draw_binomial(random, n, 1 - p);
    if (n <= 0 || p <= 0)
        return 0;
    if (n * p < 10)
        return invert_binomial(random, n, p);
    const double spread = sqrt(n * p * (1 - p)), b = 1.15 + 2.53 * spread, a = -0.0873 + 0.0248 * b + 0.01 * p;
    const double squeeze = 0.92 - 4.2 / b, alpha = (2.83 + 5.1 / b) * spread, ln_odds = log(p / (1 - p));
    const double mode = floor((n + 1) * p);
    for (;;) {
        const double v = moe_random_uniform(random), u = moe_random_uniform(random) - 0.5, us = 0.5 - fabs(u);
        const double k = floor((2 * a / us + b) * u + n * p + 0.5);
        if (us >= 0.07 && v <= squeeze)
            return k;
        if (k < 0 || k > n)
            continue;
        const long double ratio = (k - mode) * ln_odds - moe_ln_gamma_step(mode + 1, k - mode) -
                                  moe_ln_gamma_step(n - mode + 1, mode - k);
        if (log(v * alpha / (a / (us * us) + b)) <= (double)ratio)
            return k;
    }
}

static int64_t invert_poisson(struct moe_random *random, double mu)
{
    const double u = moe_random_uniform(random);
    double term = exp(-mu), sum = term;
    int64_t k = 0;
    while (u > sum && (term > 1e-18 || (double)k < mu)) {
        k++;
        term *= mu / (double)k;
        sum += term;
    }
    return k;
}

int64_t moe_draw_poisson(struct moe_random *random, double mu)
{
    if (mu < 10)
        return invert_poisson(random, mu);
    const double b = 0.931 + 2.53 * sqrt(mu), a = -0.059 + 0.02483 * b, ln_mu = log(mu), mode = floor(mu);
    const double inverse = 1.1239 + 1.1328 / (b - 3.4), squeeze = 0.9277 - 3.6224 / (b - 2);
    const double at_mode = (double)(-(long double)mu + mode * logl(mu) - lgammal(mode + 1));
    for (;;) {
        const double u = moe_random_uniform(random) - 0.5, v = moe_random_uniform(random), us = 0.5 - fabs(u);
        const double k = floor((2 * a / us + b) * u + mu + 0.43);
        if (us >= 0.07 && v <= squeeze)
            return (int64_t)k;
        if (k < 0 || (us < 0.013 && v > us))
            continue;
        const double ln = at_mode + (k - mode) * ln_mu - (double)moe_ln_gamma_step(mode + 1, k - mode);
        if (log(v * inverse / (a / (us * us) + b)) <= ln)
            return (int64_t)k;
    }
}
