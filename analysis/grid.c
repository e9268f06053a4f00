#include "analysis/grid.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/scalapack.h"
#include "src/pool.h"

/* Stands before the library's own in the order of linking. A call with an illegal argument is a bug, and ranks that
 * went on alone could hang or give wrong vectors with INFO 0. */
void pxerbla_(const int *context, const char *routine, const int *argument, size_t length)
{
    (void)context;
    moe_fatal(MOE_BUG, "ScaLAPACK: argument %d of %.*s is not legal (please report it)", abs(*argument),
              length < 16 ? (int)length : 6, routine);
}

void moe_grid_shape(int ranks, int *rows, int *cols)
{
    int side = 1;
    for (int i = 1; i * i <= ranks; i++)
        if (ranks % i == 0)
            side = i;
    *rows = side;
    *cols = ranks / side;
}

void moe_grid_open(struct moe_grid *grid, const struct moe_comm *comm, int rows, int cols, int block)
{
    MOE_CHECK(rows > 0 && cols > 0 && block > 0 && rows * cols == comm->ranks);
    *grid = (struct moe_grid){.comm = comm, .rows = rows, .cols = cols, .block = block};
    grid->handle = Csys2blacs_handle(comm->world);
    grid->context = grid->handle;
    Cblacs_gridinit(&grid->context, "Row", rows, cols);
    int seen_rows, seen_cols;
    Cblacs_gridinfo(grid->context, &seen_rows, &seen_cols, &grid->row, &grid->col);
    MOE_CHECK(seen_rows == rows && seen_cols == cols);
}

void moe_grid_close(struct moe_grid *grid)
{
    Cblacs_gridexit(grid->context);
    Cfree_blacs_system_handle(grid->handle);
    memset(grid, 0, sizeof *grid);
}

enum moe_status moe_grid_agree(const struct moe_grid *grid, struct moe_error *err)
{
    const struct moe_comm *comm = grid->comm;
    int first = err->code ? comm->rank : comm->ranks;
    MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, comm->world);
    if (first < comm->ranks)
        MPI_Bcast(err, (int)sizeof *err, MPI_BYTE, first, comm->world);
    return err->code;
}

enum moe_status moe_grid_info(const struct moe_grid *grid, const char *routine, int info, struct moe_error *err)
{
    *err = (struct moe_error){.code = MOE_OK};
    if (info)
        moe_fail(err, MOE_NUMERIC, "ScaLAPACK: %s gave up with INFO %d", routine, info);
    return moe_grid_agree(grid, err);
}

int moe_grid_work(double answer)
{
    if (!(answer < (double)INT_MAX))
        moe_fatal(MOE_INPUT, "ScaLAPACK wants a workspace of %.3g numbers on one rank (use more ranks)", answer);
    return answer < 1 ? 1 : (int)ceil(answer);
}

static int part(int n, int block, int process, int processes)
{
    const int source = 0;
    return numroc_(&n, &block, &process, &source, &processes);
}

enum moe_status moe_matrix_new(struct moe_block_matrix *matrix, const struct moe_grid *grid, int64_t m, int64_t n,
                               struct moe_error *err)
{
    *err = (struct moe_error){.code = MOE_OK};
    *matrix = (struct moe_block_matrix){.grid = grid};
    const int fits = m <= INT_MAX / 2 && n <= INT_MAX / 2;
    /* process (0, 0) has the largest part */
    if (!fits || (int64_t)part((int)m, grid->block, 0, grid->rows) * part((int)n, grid->block, 0, grid->cols) > INT_MAX)
        return moe_fail(err, MOE_INPUT, "a matrix of %lld x %lld is too large for %d ranks (use more)", (long long)m,
                        (long long)n, grid->comm->ranks);
    const int source = 0;
    int info;
    matrix->m = (int)m;
    matrix->n = (int)n;
    matrix->local_m = part(matrix->m, grid->block, grid->row, grid->rows);
    matrix->local_n = part(matrix->n, grid->block, grid->col, grid->cols);
    matrix->lead = matrix->local_m > 0 ? matrix->local_m : 1;
    descinit_(matrix->desc, &matrix->m, &matrix->n, &grid->block, &grid->block, &source, &source, &grid->context,
              &matrix->lead, &info);
    MOE_CHECK(info == 0);
    matrix->local = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)matrix->lead * (size_t)matrix->local_n, sizeof(double));
    return MOE_OK;
}

void moe_matrix_clear(struct moe_block_matrix *matrix)
{
    moe_pool_free(matrix->local);
    memset(matrix, 0, sizeof *matrix);
}

static int whole_of(int local, int block, int process, int processes)
{
    return (local / block * processes + process) * block + local % block;
}

static int local_of(int whole, int block, int process, int processes)
{
    const int at = whole / block;
    return at % processes == process ? at / processes * block + whole % block : -1;
}

int moe_matrix_row(const struct moe_block_matrix *matrix, int local)
{
    return whole_of(local, matrix->grid->block, matrix->grid->row, matrix->grid->rows);
}

int moe_matrix_col(const struct moe_block_matrix *matrix, int local)
{
    return whole_of(local, matrix->grid->block, matrix->grid->col, matrix->grid->cols);
}

int moe_matrix_local_row(const struct moe_block_matrix *matrix, int row)
{
    return local_of(row, matrix->grid->block, matrix->grid->row, matrix->grid->rows);
}

int moe_matrix_local_col(const struct moe_block_matrix *matrix, int col)
{
    return local_of(col, matrix->grid->block, matrix->grid->col, matrix->grid->cols);
}

int moe_matrix_block_cols(const struct moe_block_matrix *matrix, int local)
{
    const int left = matrix->local_n - local;
    return left < matrix->grid->block ? left : matrix->grid->block;
}

double moe_matrix_norm(const struct moe_block_matrix *matrix)
{
    const int one = 1;
    return pdlange_("F", &matrix->m, &matrix->n, matrix->local, &one, &one, matrix->desc, NULL, 1);
}

enum moe_status moe_matrix_orthogonality(const struct moe_block_matrix *matrix, int by_rows, double *loss,
                                         struct moe_error *err)
{
    const int one = 1, n = by_rows ? matrix->m : matrix->n, k = by_rows ? matrix->n : matrix->m;
    const double plus = 1, zero = 0;
    struct moe_block_matrix product;
    if (moe_matrix_new(&product, matrix->grid, n, n, err))
        return err->code;
    pdgemm_(by_rows ? "N" : "T", by_rows ? "T" : "N", &n, &n, &k, &plus, matrix->local, &one, &one, matrix->desc,
            matrix->local, &one, &one, matrix->desc, &zero, product.local, &one, &one, product.desc);
    for (int j = 0; j < product.local_n; j++) {
        const int i = moe_matrix_local_row(&product, moe_matrix_col(&product, j));
        if (i >= 0)
            product.local[(int64_t)j * product.lead + i] -= 1;
    }
    *loss = moe_matrix_norm(&product) / sqrt(n);
    moe_matrix_clear(&product);
    return MOE_OK;
}
