/* Singular values of a matrix on the grid, and of the weights in a model file. */
#ifndef MOE_SINGULAR_H
#define MOE_SINGULAR_H

#include "analysis/grid.h"
#include "mpi/h5read.h"

struct moe_singular {
    int n;                /* min(rows, columns) */
    double *value;        /* [n] falling, on all ranks; owned */
    double residual;      /* Frobenius norm of A - U D V' over that of A */
    double orthogonality; /* the larger one of U and V' */
};

/* All singular values, with vectors, so that the result can be checked. Overwrites the matrix. moe_singular_clear gives
 * back what it holds, also after a failure.
 *
 * Ranks:  collective
 * Errors: the same on all ranks: MOE_NUMERIC when the routine gives up, or residual or orthogonality are above
 *         MOE_RESIDUAL_MAX; MOE_INPUT when the matrix is too large
 */
enum moe_status moe_singular_of(struct moe_block_matrix *matrix, struct moe_singular *singular, struct moe_error *err);
void moe_singular_clear(struct moe_singular *singular);

/* Reads a tensor of /parameters of 2 dimensions, or of 3 with the first two taken together, into a matrix of its
 * transpose: [last dimension, rows]. Every rank reads the rows that its columns are. moe_matrix_clear gives it back,
 * also after a failure.
 *
 * Ranks:  collective
 * Errors: MOE_INPUT, on all ranks: not readable, too large for these ranks; MOE_NUMERIC: a weight is not finite
 */
enum moe_status moe_singular_fill(const struct moe_grid *grid, struct moe_reader *reader, const char *path, int dims,
                                  struct moe_block_matrix *matrix, struct moe_error *err);

#endif
