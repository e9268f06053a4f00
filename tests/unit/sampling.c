/* Draws have the mean, the variance and the shape of their law. */
#include "analysis/sampling.h"

#include "tests/tap.h"

enum { DRAWS = 40000 };

/* Mean and variance within five standard errors; skewness tells a law from its normal limit. */
static void check(const char *name, const double *draw, double mean, double variance, double skew)
{
    double m = 0, v = 0, s = 0;
    for (int i = 0; i < DRAWS; i++)
        m += draw[i] / DRAWS;
    for (int i = 0; i < DRAWS; i++) {
        v += (draw[i] - m) * (draw[i] - m) / DRAWS;
        s += pow((draw[i] - m) / sqrt(variance), 3) / DRAWS;
    }
    ok(fabs(m - mean) < 5 * sqrt(variance / DRAWS), "%s: mean %.6g of %.6g", name, m, mean);
    ok(fabs(v / variance - 1) < 5 * sqrt((2 + skew * skew * 3) / DRAWS), "%s: variance %.6g of %.6g", name, v,
       variance);
    ok(fabs(s - skew) < 5 * sqrt((15 + 40 * skew * skew) / DRAWS), "%s: skewness %.3g of %.3g", name, s, skew);
}

int main(void)
{
    static const double binomial[][2] = {{7, 0.3}, {60, 0.4}, {60, 0.97}, {1e6, 3e-6}, {3e9, 0.2}, {1e21, 4e-20}};
    static const double poisson[] = {0.02, 3, 9.99, 10.01, 49};
    static double draw[DRAWS];
    struct moe_random random;
    for (int k = 0; k < 6; k++) {
        const double n = binomial[k][0], p = binomial[k][1], v = n * p * (1 - p);
        char name[64];
        snprintf(name, sizeof name, "binomial %g of %g", p, n);
        int inside = 1;
        moe_random_init(&random, 1, MOE_STREAM_BOOTSTRAP, 0, (uint32_t)k);
        for (int i = 0; i < DRAWS; i++) {
            draw[i] = moe_draw_binomial(&random, n, p);
            inside &= draw[i] >= 0 && draw[i] <= n && draw[i] == floor(draw[i]);
        }
        ok(inside, "%s: whole numbers from 0 to n", name);
        check(name, draw, n * p, v, (1 - 2 * p) / sqrt(v));
    }
    for (int k = 0; k < 5; k++) {
        char name[64];
        snprintf(name, sizeof name, "Poisson %g", poisson[k]);
        moe_random_init(&random, 1, MOE_STREAM_BOOTSTRAP, 1, (uint32_t)k);
        for (int i = 0; i < DRAWS; i++)
            draw[i] = (double)moe_draw_poisson(&random, poisson[k]);
        check(name, draw, poisson[k], poisson[k], 1 / sqrt(poisson[k]));
    }
    moe_random_init(&random, 1, MOE_STREAM_BOOTSTRAP, 2, 0);
    ok(moe_draw_binomial(&random, 5, 1) == 5 && moe_draw_binomial(&random, 5, 0) == 0, "certain outcomes");
    return tap_done();
}
