/* All ranks as a grid of rows x cols processes, and matrices spread over it block-cyclically: block (I, J) stands on
 * process (I mod rows, J mod cols), so every process holds about mn / P elements. */
#ifndef MOE_GRID_H
#define MOE_GRID_H

#include <stdint.h>

#include "mpi/comm.h"
#include "src/status.h"

/* Rows and columns of a block where nothing asks for another size. */
enum { MOE_GRID_BLOCK = 32 };

/* A residual or a loss of orthogonality above this is a failure, whatever INFO says. */
#define MOE_RESIDUAL_MAX 1e-10

struct moe_grid {
    const struct moe_comm *comm;
    int rows, cols, block;
    int row, col;            /* of this rank */
    int handle, context;     /* of the BLACS */
};

/* A matrix; indices count from 0 here. */
struct moe_block_matrix {
    const struct moe_grid *grid;
    int m, n;                /* of the whole */
    int local_m, local_n;    /* of this rank's part */
    int lead;                /* distance of its columns */
    int desc[9];
    double *local;           /* [local_n][lead]: by columns; zeroed at first; owned */
};

/* The shape nearest to a square: rows <= cols, rows cols = ranks.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_grid_shape(int ranks, int *rows, int *cols);

/* Makes the grid, one rank after the other along its rows. comm must outlive it.
 *
 * Ranks:  collective on comm
 * Errors: ends the job with MOE_BUG when rows cols is not the number of ranks
 */
void moe_grid_open(struct moe_grid *grid, const struct moe_comm *comm, int rows, int cols, int block);
void moe_grid_close(struct moe_grid *grid);

/* Makes the first failing rank's status and text that of all ranks, and returns it. err->code is MOE_OK on ranks that
 * did not fail.
 *
 * Ranks:  collective
 * Errors: what the first failing rank found
 */
enum moe_status moe_grid_agree(const struct moe_grid *grid, struct moe_error *err);

/* Turns what a routine returned as INFO into a status that all ranks share.
 *
 * Ranks:  collective
 * Errors: MOE_NUMERIC when info is not 0 on any rank
 */
enum moe_status moe_grid_info(const struct moe_grid *grid, const char *routine, int info, struct moe_error *err);

/* The length of a workspace from the answer to a query, which is a double.
 *
 * Ranks:  local
 * Errors: ends the job with MOE_INPUT above 2^31 - 1
 */
int moe_grid_work(double answer);

/* Makes room for this rank's part of an m x n matrix in pool "analysis". moe_matrix_clear gives it back and is allowed
 * after a failure.
 *
 * Ranks:  local, with the same answer on all
 * Errors: MOE_INPUT when a part has 2^31 elements or more (use more ranks)
 */
enum moe_status moe_matrix_new(struct moe_block_matrix *matrix, const struct moe_grid *grid, int64_t m, int64_t n,
                               struct moe_error *err);
void moe_matrix_clear(struct moe_block_matrix *matrix);

/* The row or column of the whole that a local one is.
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_matrix_row(const struct moe_block_matrix *matrix, int local);
int moe_matrix_col(const struct moe_block_matrix *matrix, int local);

/* The local row or column of one of the whole; -1 where another rank has it.
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_matrix_local_row(const struct moe_block_matrix *matrix, int row);
int moe_matrix_local_col(const struct moe_block_matrix *matrix, int col);

/* The columns of the local block that starts at local column `local`: consecutive ones of the whole.
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_matrix_block_cols(const struct moe_block_matrix *matrix, int local);

/* The Frobenius norm.
 *
 * Ranks:  collective
 * Errors: never fails
 */
double moe_matrix_norm(const struct moe_block_matrix *matrix);

/* How far the columns (by_rows: the rows) are from orthonormal: the Frobenius norm of Z'Z - I over that of I.
 *
 * Ranks:  collective
 * Errors: as moe_matrix_new
 */
enum moe_status moe_matrix_orthogonality(const struct moe_block_matrix *matrix, int by_rows, double *loss,
                                         struct moe_error *err);

#endif
