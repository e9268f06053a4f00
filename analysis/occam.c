#include "analysis/occam.h"

#include <math.h>

#include "analysis/choose.h"
#include "analysis/special.h"

double moe_occam_disagreements(double sites, double disagreements, double ln_choices)
{
    return isnan(sites + disagreements) ? NAN
                                        : log(sites + 1) + (double)moe_ln_binomial(sites, disagreements) +
                                              disagreements * ln_choices;
}

double moe_occam_gap(double code, double ln_nets, double n, double failure)
{
    return sqrt(2 * (code + ln_nets - log(failure)) / n);
}

double moe_occam_kt(const int64_t *fof, int64_t rows, double alphabet)
{
    long double n = 0, length = 0;
    for (int64_t i = 0; i < rows; i++) {
        const long double count = fof[2 * i], patterns = fof[2 * i + 1];
        n += count * patterns;
        length -= patterns * moe_ln_gamma_step(0.5L, count);
    }
    return n == 0 ? 0 : (double)(length + moe_ln_gamma_step(alphabet / 2, n));
}

/* P(X <= hits) for X binomial with p above hits / trials: the terms fall from hits downwards. */
static double tail(double hits, double trials, double p)
{
    double term = 1, sum = 1;
    for (double i = hits; i > 0 && term > 1e-17 * sum; i--) {
        term *= i * (1 - p) / ((trials - i + 1) * p);
        sum += term;
    }
    return sum * exp((double)moe_ln_binomial(trials, hits) + hits * log(p) + (trials - hits) * log1p(-p));
}

double moe_occam_upper(double hits, double trials, double failure)
{
    double low = hits / trials, high = 1;
    if (hits >= trials)
        return 1;
    if (hits == 0)
        return -expm1(log(failure) / trials);
    for (int i = 0; i < 80; i++) {
        const double middle = (low + high) / 2;
        if (tail(hits, trials, middle) > failure)
            low = middle;
        else
            high = middle;
    }
    return high;
}

static double divergence(double mean, double p)
{
    return (mean > 0 ? mean * log(mean / p) : 0) + (mean < 1 ? (1 - mean) * (log1p(-mean) - log1p(-p)) : 0);
}

double moe_occam_mean_upper(double mean, double trials, double failure)
{
    double low = mean, high = 1;
    if (isnan(mean + trials) || mean >= 1)
        return mean + 0 * trials;
    for (int i = 0; i < 80; i++) {
        const double middle = (low + high) / 2;
        if (trials * divergence(mean, middle) < -log(failure))
            low = middle;
        else
            high = middle;
    }
    return high;
}

double moe_occam_no_collision(double n, double failure)
{
    const double goal = log(2 / failure);
    double x = goal + sqrt(2 * goal);
    for (int i = 0; i < 100; i++) /* contracts: the slope is 1 / (1 + x) */
        x = goal + log1p(x);
    return 2 * log(n / x);
}

double moe_occam_no_collision_limit(double n, double failure)
{
    return log(n * n / (-2 * log(failure)));
}

double moe_occam_plugin_lower(double plugin, double samples, double n, double failure)
{
    return plugin - log(samples) * sqrt(-2 * log(failure) / n);
}

double moe_occam_load_entropy(const double *load, int experts, double tokens)
{
    double sum = 0;
    for (int e = 0; e < experts; e++) {
        const double p = load[e] / tokens;
        sum -= (p > 0 ? p * log(p) : 0) + (p < 1 ? (1 - p) * log1p(-p) : 0);
    }
    return sum;
}
