#include "analysis/leastsq.h"

#include <float.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/scalapack.h"
#include "src/pool.h"

/* Columns of very different size would look dependent, so each is scaled to length 1: scale [columns], the same on all
 * ranks. */
static void find_scales(const struct moe_comm *comm, const struct moe_leastsq *fit, const double *x, double *scale)
{
    const int p = fit->columns;
    for (int64_t i = 0; comm->rank == 0 && i < (int64_t)fit->rows * p; i++)
        scale[i % p] = hypot(scale[i % p], x[i]);
    moe_comm_broadcast(comm, scale, p * (int64_t)sizeof *scale);
    for (int j = 0; j < p; j++)
        scale[j] = scale[j] > 0 ? scale[j] : 1;
}

/* Rank 0's rows to all, one block at a time; each keeps what is its own. */
static void spread_rows(struct moe_block_matrix *X, struct moe_block_matrix *Y, const double *x, const double *y,
                        const double *scale)
{
    const struct moe_grid *grid = X->grid;
    const int p = X->n, block = grid->block;
    double *piece = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)block * (size_t)(p + 1), sizeof *piece);
    for (int first = 0; first < X->m; first += block) {
        const int count = X->m - first < block ? X->m - first : block;
        if (grid->comm->rank == 0) {
            memcpy(piece, x + (int64_t)first * p, (size_t)count * (size_t)p * sizeof *piece);
            memcpy(piece + (int64_t)count * p, y + first, (size_t)count * sizeof *piece);
        }
        moe_comm_broadcast(grid->comm, piece, (int64_t)count * (p + 1) * (int64_t)sizeof *piece);
        const int row = moe_matrix_local_row(X, first);
        for (int i = 0; i < count && row >= 0; i++) {
            for (int j = 0; j < X->local_n; j++)
                X->local[(int64_t)j * X->lead + row + i] =
                    piece[(int64_t)i * p + moe_matrix_col(X, j)] / scale[moe_matrix_col(X, j)];
            if (Y->local_n)
                Y->local[row + i] = piece[(int64_t)count * p + i];
        }
    }
    moe_pool_free(piece);
}

/* Elements [0, rows) x [0, cols) of the matrix, to all ranks: out [rows, cols]. */
static void collect(const struct moe_block_matrix *matrix, int rows, int cols, double *out)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++) {
            const int row = moe_matrix_local_row(matrix, i), col = moe_matrix_local_col(matrix, j);
            out[(int64_t)i * cols + j] = row < 0 || col < 0 ? 0 : matrix->local[(int64_t)col * matrix->lead + row];
        }
    MPI_Allreduce(MPI_IN_PLACE, out, rows * cols, MPI_DOUBLE, MPI_SUM, matrix->grid->comm->world);
}

/* R into the upper triangle of X, the coefficients on top of Y. */
static enum moe_status solve(struct moe_block_matrix *X, struct moe_block_matrix *Y, struct moe_error *err)
{
    const int one = 1, query = -1;
    int info = 0;
    double answer = 0;
    pdgels_("N", &X->m, &X->n, &one, X->local, &one, &one, X->desc, Y->local, &one, &one, Y->desc, &answer, &query,
            &info, 1);
    if (moe_grid_info(X->grid, "PDGELS", info, err))
        return err->code;
    const int lwork = moe_grid_work(answer);
    double *work = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)lwork, sizeof *work);
    pdgels_("N", &X->m, &X->n, &one, X->local, &one, &one, X->desc, Y->local, &one, &one, Y->desc, work, &lwork, &info,
            1);
    moe_pool_free(work);
    return moe_grid_info(X->grid, "PDGELS", info, err);
}

static enum moe_status condition(const struct moe_block_matrix *X, double *value, struct moe_error *err)
{
    const int one = 1, query = -1;
    int info = 0, int_answer = 1;
    double answer = 0;
    pdtrcon_("1", "U", "N", &X->n, X->local, &one, &one, X->desc, value, &answer, &query, &int_answer, &query, &info, 1,
             1, 1);
    if (moe_grid_info(X->grid, "PDTRCON", info, err))
        return err->code;
    const int lwork = moe_grid_work(answer), liwork = int_answer;
    double *work = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)lwork, sizeof *work);
    int *iwork = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)liwork, sizeof *iwork);
    pdtrcon_("1", "U", "N", &X->n, X->local, &one, &one, X->desc, value, work, &lwork, iwork, &liwork, &info, 1, 1, 1);
    moe_pool_free(work);
    moe_pool_free(iwork);
    return moe_grid_info(X->grid, "PDTRCON", info, err);
}

/* What rank 0's rows say of the solution: sum of squares left, and how far it is from the minimum. */
static double judge(const struct moe_leastsq *fit, const double *x, const double *y, double *squares)
{
    const int p = fit->columns;
    double *along = moe_pool_new(MOE_POOL_ANALYSIS, 2 * (size_t)p, sizeof *along), length = 0, worst = 0;
    *squares = 0;
    for (int i = 0; i < fit->rows; i++) {
        double rest = y[i];
        for (int j = 0; j < p; j++)
            rest -= x[(int64_t)i * p + j] * fit->coefficient[j];
        for (int j = 0; j < p; j++) {
            along[j] += x[(int64_t)i * p + j] * rest;
            along[p + j] += x[(int64_t)i * p + j] * x[(int64_t)i * p + j];
        }
        *squares += rest * rest;
        length += y[i] * y[i];
    }
    for (int j = 0; j < p && length > 0; j++)
        worst = fmax(worst, fabs(along[j]) / sqrt(along[p + j] * length));
    moe_pool_free(along);
    return worst;
}

static enum moe_status check_input(int rows, int columns, const double *x, const double *y, struct moe_error *err)
{
    if (columns < 1 || rows < columns)
        return moe_fail(err, MOE_INPUT, "least squares of %d columns needs at least as many rows, not %d", columns,
                        rows);
    for (int64_t i = 0; i < (int64_t)rows * columns; i++)
        if (!isfinite(x[i]) || !isfinite(y[i / columns]))
            return moe_fail(err, MOE_INPUT, "least squares: row %lld has a number that is not finite",
                            (long long)(i / columns));
    return MOE_OK;
}

/* Covariance and intervals from R. */
static enum moe_status add_intervals(struct moe_block_matrix *X, double squares, const double *scale,
                                     struct moe_leastsq *fit, struct moe_error *err)
{
    const int one = 1, p = fit->columns;
    int info = 0;
    pdpotri_("U", &p, X->local, &one, &one, X->desc, &info, 1);
    if (moe_grid_info(X->grid, "PDPOTRI", info, err))
        return err->code;
    collect(X, p, p, fit->covariance);
    fit->variance = fit->freedom > 0 ? squares / fit->freedom : NAN;
    const double quantile = fit->freedom > 0 ? gsl_cdf_tdist_Pinv((1 + fit->level) / 2, fit->freedom) : NAN;
    for (int i = 0; i < p; i++) {
        for (int j = i; j < p; j++) {
            fit->covariance[(int64_t)i * p + j] *= fit->variance / (scale[i] * scale[j]);
            fit->covariance[(int64_t)j * p + i] = fit->covariance[(int64_t)i * p + j];
        }
        const double half = quantile * sqrt(fit->covariance[(int64_t)i * p + i]);
        fit->low[i] = fit->coefficient[i] - half;
        fit->high[i] = fit->coefficient[i] + half;
    }
    return MOE_OK;
}

static enum moe_status fit_spread(struct moe_block_matrix *X, struct moe_block_matrix *Y, const double *x,
                                  const double *y, double *scale, struct moe_leastsq *fit, struct moe_error *err)
{
    const struct moe_comm *comm = X->grid->comm;
    double judged[2] = {0};
    find_scales(comm, fit, x, scale);
    spread_rows(X, Y, x, y, scale);
    if (solve(X, Y, err) || condition(X, &fit->condition, err))
        return err->code;
    if (!(fit->condition > 10 * DBL_EPSILON))
        return moe_fail(err, MOE_INPUT, "least squares: the columns depend on each other (reciprocal condition %.3g)",
                        fit->condition);
    collect(Y, fit->columns, 1, fit->coefficient);
    for (int j = 0; j < fit->columns; j++)
        fit->coefficient[j] /= scale[j];
    if (comm->rank == 0)
        judged[0] = judge(fit, x, y, &judged[1]);
    moe_comm_broadcast(comm, judged, sizeof judged);
    fit->residual = judged[0];
    if (!(fit->residual <= MOE_RESIDUAL_MAX))
        return moe_fail(err, MOE_NUMERIC, "least squares: residual %.3g (above %.3g: a faulty ScaLAPACK)",
                        fit->residual, MOE_RESIDUAL_MAX);
    return add_intervals(X, judged[1], scale, fit, err);
}

enum moe_status moe_leastsq_fit(const struct moe_grid *grid, int rows, int columns, const double *x, const double *y,
                                double level, struct moe_leastsq *fit, struct moe_error *err)
{
    *fit = (struct moe_leastsq){.rows = rows, .columns = columns, .freedom = rows - columns, .level = level};
    *err = (struct moe_error){.code = MOE_OK};
    if (grid->comm->rank == 0)
        check_input(rows, columns, x, y, err);
    if (moe_comm_share(grid->comm, err))
        return err->code;
    const size_t p = (size_t)columns;
    fit->coefficient = moe_pool_new(MOE_POOL_ANALYSIS, p, sizeof(double));
    fit->covariance = moe_pool_new(MOE_POOL_ANALYSIS, p * p, sizeof(double));
    fit->low = moe_pool_new(MOE_POOL_ANALYSIS, p, sizeof(double));
    fit->high = moe_pool_new(MOE_POOL_ANALYSIS, p, sizeof(double));
    double *scale = moe_pool_new(MOE_POOL_ANALYSIS, p, sizeof *scale);
    struct moe_block_matrix X, Y = {.m = 0};
    if (!moe_matrix_new(&X, grid, rows, columns, err) && !moe_matrix_new(&Y, grid, rows, 1, err))
        fit_spread(&X, &Y, x, y, scale, fit, err);
    moe_pool_free(scale);
    moe_matrix_clear(&X);
    moe_matrix_clear(&Y);
    return err->code;
}

void moe_leastsq_clear(struct moe_leastsq *fit)
{
    moe_pool_free(fit->coefficient);
    moe_pool_free(fit->covariance);
    moe_pool_free(fit->low);
    moe_pool_free(fit->high);
    memset(fit, 0, sizeof *fit);
}

void moe_leastsq_checks(const struct moe_leastsq *fit, const char *prefix, struct moe_sheet *sheet)
{
    char name[64];
    snprintf(name, sizeof name, "%s_residual", prefix);
    moe_sheet_add(sheet, name, fit->residual, MOE_MEASURED, "max |x_j'(y - X b)| / (|x_j| |y|)")->in_table = 1;
    snprintf(name, sizeof name, "%s_condition", prefix);
    moe_sheet_add(sheet, name, fit->condition, MOE_MEASURED, "reciprocal 1-norm condition of R");
}

void moe_leastsq_say(const struct moe_leastsq *fit, const char *const *names, const char *prefix,
                     struct moe_sheet *sheet)
{
    for (int j = 0; j < fit->columns; j++) {
        struct moe_figure *figure = moe_sheet_add(sheet, names[j], fit->coefficient[j], MOE_ESTIMATE,
                                                  "least squares, t interval");
        figure->in_table = 1;
        figure->note = "noise of equal variance, independent rows";
        if (fit->freedom > 0)
            moe_figure_interval(figure, fit->low[j], fit->high[j], fit->level);
    }
    moe_leastsq_checks(fit, prefix, sheet);
}
