/* TwoNN on ratios by hand, on clouds of known dimension, and against a plain search. */
#include "analysis/twonn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/random.h"
#include "tests/small.h"
#include "tests/tap.h"

static void ratios(void)
{
    double mu[] = {4, 2, 4, 2}, one[] = {3}, same[] = {1, 1, 1};
    struct moe_twonn t = moe_twonn_ratios(mu, 4);
    is_close(t.likelihood, .961796694, 5e-10, "maximum likelihood of 2, 2, 4, 4");
    is_close(t.unbiased, .721347520, 1e-9, "without bias");
    /* three of four points are kept: (ln 2, ln 4/3), (ln 2, ln 2), (ln 4, ln 4) */
    const double l = log(2);
    is_close(t.regression, (l * log(4.0 / 3) + l * l + 4 * l * l) / (6 * l * l), 1e-14, "line through the origin");
    ok(t.points == 4 && t.low < t.likelihood && t.likelihood < t.high, "its interval holds the estimate");
    ok(moe_twonn_ratios(one, 1).missing && isnan(moe_twonn_ratios(one, 1).likelihood), "one ratio is too few");
    ok(moe_twonn_ratios(same, 3).missing != NULL, "ratios of 1 do not tell");
}

/* The same by two plain loops. */
static double plain(const double *points, int64_t n, int dimension)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double first = INFINITY, second = INFINITY;
        for (int64_t j = 0; j < n; j++) {
            double squared = 0;
            for (int k = 0; k < dimension; k++)
                squared += pow(points[i * dimension + k] - points[j * dimension + k], 2);
            if (i != j && squared < first) {
                second = first;
                first = squared;
            } else if (i != j && squared < second) {
                second = squared;
            }
        }
        sum += log(second / first) / 2;
    }
    return (double)n / sum;
}

/* Uniform points of a cube inside a space of five dimensions, far from the origin. */
static double *cube(int64_t n, int d)
{
    struct moe_random random;
    moe_random_init(&random, 3, MOE_STREAM_CENSUS, (uint64_t)d, 0);
    double *points = calloc((size_t)n * 5, sizeof *points);
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < 5; k++)
            points[i * 5 + k] = 50 + (k < d ? moe_random_uniform(&random) : points[i * 5 + k - d] / 3);
    return points;
}

static void clouds(void)
{
    for (int d = 1; d <= 4; d++) {
        double *points = cube(1500, d);
        struct moe_twonn t = moe_twonn_points(points, 1500, 5);
        is_close(t.likelihood, plain(points, 1500, 5), 1e-9, "cube of dimension %d: neighbours as by plain search", d);
        ok(t.low <= d * 1.05 && t.high >= d * 0.9, "cube of dimension %d: %.3f in %.3f .. %.3f", d, t.unbiased, t.low,
           t.high);
        is_close(t.regression, d, 0.15, "cube of dimension %d: regression", d);
        free(points);
    }
    double *points = cube(300, 2);
    memcpy(points, points + 5 * 7, 5 * sizeof *points);
    struct moe_twonn t = moe_twonn_points(points, 300, 5);
    ok(t.duplicates == 2 && t.points == 298, "two points at one place are left out");
    ok(moe_twonn_points(points, 2, 5).missing != NULL, "two points are too few");
    free(points);
}

/* The source's own points, whose dimension is data.dim. */
static void torus(void)
{
    struct moe_run run;
    struct moe_input input = {0};
    struct moe_data *data;
    struct moe_error err = {0};
    moe_config_default(&run);
    if (moe_data_open(&data, &run, &input, &err) != MOE_OK)
        bail("%s", err.text);
    struct moe_twonn t = moe_twonn_source(data, 1000);
    ok(t.points == 1000 && t.unbiased > 1.8 && t.unbiased < 2.3, "torus of dimension 2: %.3f", t.unbiased);
    ok(t.regression > 1.8 && t.regression < 2.3, "by regression: %.3f", t.regression);
    struct moe_sheet sheet;
    moe_sheet_init(&sheet, "twonn");
    moe_twonn_sheet(&t, "points", &sheet);
    const struct moe_figure *figure = moe_sheet_find(&sheet, "twonn_dimension");
    ok(figure && figure->value == t.unbiased && figure->low == t.low && figure->level == 0.95, "it is on the sheet");
    moe_sheet_clear(&sheet);
    moe_data_free(data);
}

static void text(void)
{
    struct small small;
    struct moe_sheet sheet;
    small_open(&small, "data.source=text train.loss=cross-entropy");
    struct moe_twonn t = moe_twonn_source(small.data, 10);
    moe_sheet_init(&sheet, "twonn");
    moe_twonn_sheet(&t, "points", &sheet);
    const struct moe_figure *figure = moe_sheet_find(&sheet, "twonn_dimension");
    ok(t.missing && figure && figure->missing, "symbols have no distance: %s", t.missing ? t.missing : "");
    moe_sheet_clear(&sheet);
    small_close(&small);
}

int main(void)
{
    ratios();
    clouds();
    torus();
    text();
    return tap_done();
}
