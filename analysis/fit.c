#include "analysis/fit.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_multifit.h>
#include <math.h>
#include <string.h>

/* Columns whose singular values fall below this share of the largest are not told apart. */
#define SINGULAR 1e-10

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

/* Rows times the root of their weights, columns scaled to length 1. */
static void fill(gsl_matrix *a, gsl_vector *b, const double *x, const double *y, const double *weights, double *length)
{
    for (size_t j = 0; j < a->size2; j++)
        length[j] = 0;
    for (size_t i = 0; i < a->size1; i++) {
        const double root = weights ? sqrt(weights[i]) : 1;
        gsl_vector_set(b, i, root * y[i]);
        for (size_t j = 0; j < a->size2; j++) {
            const double value = root * x[i * a->size2 + j];
            gsl_matrix_set(a, i, j, value);
            length[j] += value * value;
        }
    }
    for (size_t j = 0; j < a->size2; j++) {
        length[j] = sqrt(length[j]);
        for (size_t i = 0; i < a->size1 && length[j] > 0; i++)
            gsl_matrix_set(a, i, j, gsl_matrix_get(a, i, j) / length[j]);
    }
}

static int all_finite(const double *value, int n)
{
    for (int i = 0; i < n; i++)
        if (!isfinite(value[i]))
            return 0;
    return 1;
}

static void solve(const double *x, const double *y, const double *weights, int rows, int columns,
                  struct moe_linear *fit)
{
    const size_t n = (size_t)rows, p = (size_t)columns;
    gsl_matrix *a = gsl_matrix_alloc(n, p), *covariance = gsl_matrix_alloc(p, p);
    gsl_vector *b = gsl_vector_alloc(n), *c = gsl_vector_alloc(p);
    gsl_multifit_linear_workspace *work = gsl_multifit_linear_alloc(n, p);
    double length[MOE_FIT_COLUMNS], squares;
    fill(a, b, x, y, weights, length);
    gsl_multifit_linear(a, b, c, covariance, &squares, work);
    fit->condition = gsl_multifit_linear_rcond(work);
    if (!(fit->condition > SINGULAR))
        fit->missing = "the columns cannot be told apart";
    fit->variance = fit->freedom > 0 ? squares / fit->freedom : NAN;
    for (size_t j = 0; j < p; j++) {
        fit->coefficient[j] = fit->missing ? NAN : gsl_vector_get(c, j) / length[j];
        for (size_t k = 0; k < p; k++)
            fit->covariance[j * p + k] =
                fit->missing || fit->freedom < 1 ? NAN : gsl_matrix_get(covariance, j, k) / length[j] / length[k];
    }
    gsl_multifit_linear_free(work);
    gsl_vector_free(c);
    gsl_vector_free(b);
    gsl_matrix_free(covariance);
    gsl_matrix_free(a);
}

void moe_fit_linear(const double *x, const double *y, const double *weights, int rows, int columns,
                    struct moe_linear *fit)
{
    memset(fit, 0, sizeof *fit);
    fit->columns = columns;
    fit->freedom = rows - columns;
    if (rows < columns)
        fit->missing = "fewer rows than coefficients";
    else if (!all_finite(x, rows * columns) || !all_finite(y, rows) || (weights && !all_finite(weights, rows)))
        fit->missing = "a value is not finite";
    if (!fit->missing) {
        solve(x, y, weights, rows, columns, fit);
        return;
    }
    fit->variance = fit->condition = NAN;
    for (int i = 0; i < columns * columns; i++)
        fit->coefficient[i / columns] = fit->covariance[i] = NAN;
}
