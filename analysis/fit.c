#include "analysis/fit.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

double moe_fit_half(double error, int freedom, double level)
{
    return freedom < 1 ? NAN : gsl_cdf_tdist_Pinv((1 + level) / 2, freedom) * error;
}

double moe_fit_mean(const double *value, int n, double level, double *low, double *high)
{
    double mean = 0, squares = 0;
    for (int i = 0; i < n; i++)
        mean += value[i] / n;
    for (int i = 0; i < n; i++)
        squares += (value[i] - mean) * (value[i] - mean);
    const double half = n < 2 ? NAN : moe_fit_half(sqrt(squares / (n - 1) / n), n - 1, level);
    *low = mean - half;
    *high = mean + half;
    return mean;
}

static struct moe_line no_line(int n, const char *why)
{
    return (struct moe_line){NAN, NAN, NAN, NAN, NAN, NAN, n, n - 2, why};
}

struct moe_line moe_fit_line(const double *x, const double *y, int n, double level)
{
    double mean_x = 0, mean_y = 0, xx = 0, xy = 0, squares = 0;
    if (n < 2)
        return no_line(n, "a line needs two points");
    for (int i = 0; i < n; i++) {
        if (!isfinite(x[i]) || !isfinite(y[i]))
            return no_line(n, "a point is not finite");
        mean_x += x[i] / n;
        mean_y += y[i] / n;
    }
    for (int i = 0; i < n; i++) {
        xx += (x[i] - mean_x) * (x[i] - mean_x);
        xy += (x[i] - mean_x) * (y[i] - mean_y);
    }
    if (!(xx > 1e-24 * n * (mean_x * mean_x + 1)))
        return no_line(n, "all points are at one place");
    struct moe_line line = {.slope = xy / xx, .intercept = mean_y - xy / xx * mean_x, .points = n, .freedom = n - 2};
    for (int i = 0; i < n; i++) {
        const double off = y[i] - line.intercept - line.slope * x[i];
        squares += off * off;
        line.residual = fmax(line.residual, fabs(off));
    }
    line.error = n > 2 ? sqrt(squares / (n - 2) / xx) : NAN;
    const double half = moe_fit_half(line.error, n - 2, level);
    line.low = line.slope - half;
    line.high = line.slope + half;
    return line;
}
