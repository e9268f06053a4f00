/* Prints what the whole spectrum of a random symmetric matrix of n rows (first argument, default 3000) costs: ranks,
 * grid, seconds, residual, orthogonality, and the most bytes that any rank held. */
#include <mpi.h>

#include <stdio.h>
#include <stdlib.h>

#include "analysis/spectrum.h"
#include "src/clock.h"
#include "src/pool.h"

/* A fixed number in -1 .. 1 for every pair. */
static double element(int i, int j)
{
    uint64_t x = (uint64_t)(i < j ? i : j) << 32 | (uint64_t)(i < j ? j : i);
    x = (x ^ x >> 31) * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9u;
    return (double)(int64_t)(x ^ x >> 32) / 9.3e18;
}

int main(int count, char **argument)
{
    struct moe_comm comm;
    struct moe_grid grid;
    struct moe_block_matrix matrix;
    struct moe_spectrum spectrum = {.n = 0};
    struct moe_error err;
    int rows, cols;
    moe_comm_start(&comm, &count, &argument);
    moe_grid_shape(comm.ranks, &rows, &cols);
    moe_grid_open(&grid, &comm, rows, cols, MOE_GRID_BLOCK);
    const int n = count > 1 ? atoi(argument[1]) : 3000;
    double start = 0;
    if (!moe_matrix_new(&matrix, &grid, n, n, &err)) {
        for (int j = 0; j < matrix.local_n; j++)
            for (int i = 0; i < matrix.local_m; i++)
                matrix.local[(int64_t)j * matrix.lead + i] =
                    element(moe_matrix_row(&matrix, i), moe_matrix_col(&matrix, j));
        MPI_Barrier(comm.world);
        start = moe_clock();
        moe_spectrum_of(&matrix, &spectrum, &err);
    }
    double seconds = moe_clock() - start;
    int64_t most = (int64_t)moe_pool_peak(MOE_POOL_ANALYSIS);
    MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_INT64_T, MPI_MAX, comm.world);
    if (comm.rank == 0 && err.code)
        fprintf(stderr, "%s\n", err.text);
    else if (comm.rank == 0)
        printf("n %d ranks %d grid %dx%d seconds %.2f residual %.2g orthogonality %.2g bytes %lld\n", n, comm.ranks,
               rows, cols, seconds, spectrum.residual, spectrum.orthogonality, (long long)most);
    moe_spectrum_clear(&spectrum);
    moe_matrix_clear(&matrix);
    moe_grid_close(&grid);
    moe_comm_end(&comm);
    return (int)err.code;
}
