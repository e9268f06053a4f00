#include "analysis/twonn.h"

#include <cblas.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/pool.h"

enum { BLOCK = 256 };
#define DISCARDED 0.1
#define LEVEL 0.95

static int compare(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static struct moe_twonn nothing(int64_t points, int64_t duplicates, const char *why)
{
    return (struct moe_twonn){NAN, NAN, NAN, NAN, NAN, points, duplicates, why};
}

struct moe_twonn moe_twonn_ratios(double *mu, int64_t n)
{
    double sum = 0, xy = 0, xx = 0;
    qsort(mu, (size_t)n, sizeof *mu, compare);
    for (int64_t i = 0; i < n; i++)
        sum += log(mu[i]);
    if (n < 2 || !(sum > 0) || !isfinite(sum))
        return nothing(n, 0, n < 2 ? "fewer than two points with two neighbours" : "the ratios do not tell");
    const double count = (double)n;
    const int64_t kept = n - (int64_t)ceil(DISCARDED * count);
    for (int64_t i = 0; i < kept; i++) {
        const double x = log(mu[i]), y = -log1p(-(double)(i + 1) / count);
        xy += x * y;
        xx += x * x;
    }
    return (struct moe_twonn){.likelihood = count / sum,
                              .unbiased = (count - 1) / sum,
                              .low = gsl_cdf_chisq_Pinv((1 - LEVEL) / 2, 2 * count) / (2 * sum),
                              .high = gsl_cdf_chisq_Pinv((1 + LEVEL) / 2, 2 * count) / (2 * sum),
                              .regression = xx > 0 ? xy / xx : NAN,
                              .points = n};
}

/* The two nearest so far of one point. */
struct nearest {
    double squared[2];
    int64_t index[2];
};

static void offer(struct nearest *nearest, double squared, int64_t index)
{
    if (squared >= nearest->squared[1])
        return;
    const int first = squared < nearest->squared[0];
    if (first) {
        nearest->squared[1] = nearest->squared[0];
        nearest->index[1] = nearest->index[0];
    }
    nearest->squared[!first] = squared;
    nearest->index[!first] = index;
}

static double distance(const double *a, const double *b, int dimension)
{
    double sum = 0;
    for (int i = 0; i < dimension; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(sum);
}

/* Points with their mean taken off, which keeps the products below small. */
static double *centred(const double *points, int64_t n, int dimension)
{
    double *moved = moe_pool_new(MOE_POOL_DATA, (size_t)n * (size_t)dimension, sizeof *moved);
    for (int j = 0; j < dimension; j++) {
        double mean = 0;
        for (int64_t i = 0; i < n; i++)
            mean += points[i * dimension + j] / (double)n;
        for (int64_t i = 0; i < n; i++)
            moved[i * dimension + j] = points[i * dimension + j] - mean;
    }
    return moved;
}

/* The two nearest of the points first .. first + count, by |a|^2 + |b|^2 - 2 a.b. In double: in float the difference
 * would lose the distances of close points, which are the ones that count here. */
static void search_block(const double *points, const double *norm, int64_t n, int dimension, int64_t first, int count,
                         double *product, struct nearest *nearest)
{
    for (int64_t start = 0; start < n; start += BLOCK) {
        const int others = (int)(n - start < BLOCK ? n - start : BLOCK);
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, count, others, dimension, 1, points + first * dimension,
                    dimension, points + start * dimension, dimension, 0, product, BLOCK);
        for (int i = 0; i < count; i++)
            for (int j = 0; j < others; j++)
                if (first + i != start + j)
                    offer(&nearest[i], norm[first + i] + norm[start + j] - 2 * product[i * BLOCK + j], start + j);
    }
}

/* mu of a point, 0 where another one stands at the same place. The distances are taken anew from the coordinates. */
static double ratio(const double *points, int dimension, int64_t i, const struct nearest *nearest)
{
    const double *here = points + i * dimension;
    const double a = distance(here, points + nearest->index[0] * dimension, dimension);
    const double b = distance(here, points + nearest->index[1] * dimension, dimension);
    const double least = fmin(a, b);
    return least > 0 ? fmax(a, b) / least : 0;
}

struct moe_twonn moe_twonn_points(const double *points, int64_t n, int dimension)
{
    struct nearest nearest[BLOCK];
    if (n < 3)
        return nothing(n, 0, "fewer than three points");
    double *moved = centred(points, n, dimension);
    double *norm = moe_pool_new(MOE_POOL_DATA, (size_t)n, sizeof *norm);
    double *mu = moe_pool_new(MOE_POOL_DATA, (size_t)n, sizeof *mu);
    double *product = moe_pool_new(MOE_POOL_DATA, BLOCK * BLOCK, sizeof *product);
    int64_t used = 0;
    for (int64_t i = 0; i < n; i++)
        norm[i] = cblas_ddot(dimension, moved + i * dimension, 1, moved + i * dimension, 1);
    for (int64_t first = 0; first < n; first += BLOCK) {
        const int count = (int)(n - first < BLOCK ? n - first : BLOCK);
        for (int i = 0; i < count; i++)
            nearest[i] = (struct nearest){{INFINITY, INFINITY}, {first + i, first + i}};
        search_block(moved, norm, n, dimension, first, count, product, nearest);
        for (int i = 0; i < count; i++) {
            mu[used] = ratio(points, dimension, first + i, &nearest[i]);
            used += mu[used] > 0;
        }
    }
    struct moe_twonn twonn = moe_twonn_ratios(mu, used);
    twonn.duplicates = n - used;
    moe_pool_free(product);
    moe_pool_free(mu);
    moe_pool_free(norm);
    moe_pool_free(moved);
    return twonn;
}

struct moe_twonn moe_twonn_source(const struct moe_data *data, int64_t n)
{
    const struct moe_task *task = moe_data_task(data);
    const int64_t there = moe_data_count(data, MOE_SPLIT_CENSUS);
    const int dimension = task->tokens * task->features;
    struct moe_batch batch;
    if (task->features == 0)
        return nothing(0, 0, "tokens are symbols: there is no distance");
    n = n < there ? n : there;
    n = n < MOE_TWONN_MOST ? n : MOE_TWONN_MOST;
    double *points = moe_pool_new(MOE_POOL_DATA, (size_t)n * (size_t)dimension, sizeof *points);
    moe_batch_new_inputs(&batch, data, 1);
    for (int64_t i = 0; i < n; i++) {
        moe_data_fetch(data, MOE_SPLIT_CENSUS, i, &batch, 0);
        for (int j = 0; j < dimension; j++)
            points[i * dimension + j] = (double)batch.x[j];
    }
    moe_batch_free(&batch);
    struct moe_twonn twonn = moe_twonn_points(points, n, dimension);
    moe_pool_free(points);
    return twonn;
}

void moe_twonn_sheet(const struct moe_twonn *twonn, const char *source, struct moe_sheet *sheet)
{
    static const char formula[] = "TwoNN (Facco et al. 2017)";
    const struct {
        const char *name, *note;
        double value;
    } estimates[] = {{"twonn_dimension", "(n - 1) / sum ln mu, interval as if all independent", twonn->unbiased},
                     {"twonn_likelihood", "maximum likelihood, n / sum ln mu", twonn->likelihood},
                     {"twonn_regression", "line through the origin, a tenth discarded at the top", twonn->regression}};
    for (int i = 0; i < 3; i++) {
        struct moe_figure *figure =
            twonn->missing ? moe_sheet_missing(sheet, estimates[i].name, twonn->missing, MOE_ESTIMATE, formula)
                           : moe_sheet_add(sheet, estimates[i].name, estimates[i].value, MOE_ESTIMATE, formula);
        figure->note = i ? estimates[i].note : moe_sheet_text(sheet, "%s; %s", source, estimates[i].note);
        figure->in_table = i == 0;
        if (i == 0 && !twonn->missing)
            moe_figure_interval(figure, twonn->low, twonn->high, LEVEL);
    }
    moe_sheet_add(sheet, "twonn_points", (double)twonn->points, MOE_COUNT, formula)->unit = "points";
    moe_sheet_add(sheet, "twonn_duplicates", (double)twonn->duplicates, MOE_COUNT, formula)->unit = "points";
}
