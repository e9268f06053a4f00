#include "analysis/singular.h"

#include <math.h>
#include <string.h>

#include "analysis/scalapack.h"
#include "src/pool.h"

static enum moe_status solve(struct moe_block_matrix *matrix, struct moe_block_matrix *u, struct moe_block_matrix *vt,
                             double *value, struct moe_error *err)
{
    const int one = 1, query = -1;
    int info = 0;
    double answer = 0;
    pdgesvd_("V", "V", &matrix->m, &matrix->n, matrix->local, &one, &one, matrix->desc, value, u->local, &one, &one,
             u->desc, vt->local, &one, &one, vt->desc, &answer, &query, &info, 1, 1);
    if (moe_grid_info(matrix->grid, "PDGESVD", info, err))
        return err->code;
    const int lwork = moe_grid_work(answer);
    double *work = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)lwork, sizeof *work);
    pdgesvd_("V", "V", &matrix->m, &matrix->n, matrix->local, &one, &one, matrix->desc, value, u->local, &one, &one,
             u->desc, vt->local, &one, &one, vt->desc, work, &lwork, &info, 1, 1);
    moe_pool_free(work);
    return moe_grid_info(matrix->grid, "PDGESVD", info, err);
}

/* U D V' against the matrix, which becomes their difference. */
static enum moe_status check(struct moe_block_matrix *matrix, struct moe_block_matrix *u,
                             const struct moe_block_matrix *vt, struct moe_singular *singular, struct moe_error *err)
{
    const int one = 1;
    const double plus = 1, minus = -1, norm = moe_matrix_norm(matrix);
    double rows;
    if (moe_matrix_orthogonality(u, 0, &singular->orthogonality, err) ||
        moe_matrix_orthogonality(vt, 1, &rows, err))
        return err->code;
    singular->orthogonality = fmax(singular->orthogonality, rows);
    for (int j = 0; j < u->local_n; j++)
        for (int i = 0; i < u->local_m; i++)
            u->local[(int64_t)j * u->lead + i] *= singular->value[moe_matrix_col(u, j)];
    pdgemm_("N", "N", &matrix->m, &matrix->n, &singular->n, &minus, u->local, &one, &one, u->desc, vt->local, &one,
            &one, vt->desc, &plus, matrix->local, &one, &one, matrix->desc);
    singular->residual = moe_matrix_norm(matrix) / (norm == 0 ? 1 : norm);
    if (!(singular->residual <= MOE_RESIDUAL_MAX && singular->orthogonality <= MOE_RESIDUAL_MAX))
        moe_fail(err, MOE_NUMERIC,
                 "singular values of a %d x %d matrix: residual %.3g, orthogonality %.3g (above %.3g: not finite, or a "
                 "faulty ScaLAPACK)", matrix->m, matrix->n, singular->residual, singular->orthogonality,
                 MOE_RESIDUAL_MAX);
    return moe_grid_agree(matrix->grid, err);
}

enum moe_status moe_singular_of(struct moe_block_matrix *matrix, struct moe_singular *singular, struct moe_error *err)
{
    const struct moe_grid *grid = matrix->grid;
    struct moe_block_matrix copy, u = {.m = 0}, vt = {.m = 0};
    MOE_CHECK(matrix->m > 0 && matrix->n > 0);
    *singular = (struct moe_singular){.n = matrix->m < matrix->n ? matrix->m : matrix->n};
    singular->value = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)singular->n, sizeof(double));
    if (!moe_matrix_new(&copy, grid, matrix->m, matrix->n, err) &&
        !moe_matrix_new(&u, grid, matrix->m, singular->n, err) &&
        !moe_matrix_new(&vt, grid, singular->n, matrix->n, err)) {
        memcpy(copy.local, matrix->local, (size_t)copy.lead * (size_t)copy.local_n * sizeof(double));
        if (!solve(&copy, &u, &vt, singular->value, err))
            check(matrix, &u, &vt, singular, err);
    }
    moe_matrix_clear(&copy);
    moe_matrix_clear(&u);
    moe_matrix_clear(&vt);
    return err->code;
}

void moe_singular_clear(struct moe_singular *singular)
{
    moe_pool_free(singular->value);
    memset(singular, 0, sizeof *singular);
}

/* Rows first .. first + count - 1 of a tensor whose leading dimensions count as one: rows [count, last]. */
static enum moe_status read_rows(struct moe_reader *reader, const char *path, int dims, const int64_t *shape, int first,
                                 int count, float *rows, struct moe_error *err)
{
    if (dims == 2)
        return moe_reader_slab(reader, path, MOE_REAL32, 2, shape, (const int64_t[]){first, 0},
                               (const int64_t[]){count, shape[1]}, rows, err);
    for (int done = 0, piece; done < count && !err->code; done += piece) {
        const int64_t at = (first + done) % shape[1];
        piece = shape[1] - at < count - done ? (int)(shape[1] - at) : count - done;
        moe_reader_slab(reader, path, MOE_REAL32, 3, shape, (const int64_t[]){(first + done) / shape[1], at, 0},
                        (const int64_t[]){1, piece, shape[2]}, rows + done * shape[2], err);
    }
    return err->code;
}

static enum moe_status fill(struct moe_block_matrix *matrix, struct moe_reader *reader, const char *path, int dims,
                            const int64_t *shape, struct moe_error *err)
{
    const int width = matrix->m;
    float *rows = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)matrix->grid->block * (size_t)width, sizeof *rows);
    for (int j = 0, count; j < matrix->local_n && !err->code; j += count) {
        count = moe_matrix_block_cols(matrix, j);
        if (read_rows(reader, path, dims, shape, moe_matrix_col(matrix, j), count, rows, err))
            break;
        for (int64_t i = 0; i < (int64_t)count * width; i++)
            if (!isfinite(rows[i])) {
                moe_fail(err, MOE_NUMERIC, "%s has a weight that is not finite", path);
                break;
            }
        for (int c = 0; c < count; c++)
            for (int i = 0; i < matrix->local_m; i++)
                matrix->local[(int64_t)(j + c) * matrix->lead + i] =
                    (double)rows[(int64_t)c * width + moe_matrix_row(matrix, i)];
    }
    moe_pool_free(rows);
    return err->code;
}

enum moe_status moe_singular_fill(const struct moe_grid *grid, struct moe_reader *reader, const char *path, int dims,
                                  struct moe_block_matrix *matrix, struct moe_error *err)
{
    int64_t shape[3] = {0};
    memset(matrix, 0, sizeof *matrix);
    moe_reader_shape(reader, path, dims, shape, err);
    if (moe_grid_agree(grid, err))
        return err->code;
    if (shape[0] < 1 || shape[1] < 1 || (dims == 3 && shape[2] < 1))
        return moe_fail(err, MOE_INPUT, "%s is empty", path);
    if (moe_matrix_new(matrix, grid, shape[dims - 1], dims == 3 ? shape[0] * shape[1] : shape[0], err))
        return err->code;
    fill(matrix, reader, path, dims, shape, err);
    return moe_grid_agree(grid, err);
}
