/* The co-activation of all experts of all layers as one L E x L E matrix, spread over the grid from a results file or
 * from its loads alone.
 *
 * Expert e of layer l is row l E + e. Experts a and b share N_ab of N tokens; N_aa = N_a is the load. */
#ifndef MOE_COACTIVATION_H
#define MOE_COACTIVATION_H

#include <stdint.h>

#include "analysis/grid.h"
#include "mpi/h5read.h"
#include "src/status.h"

enum moe_form {
    MOE_FORM_PAIRS,       /* N_ab over the sum of all N_a: trace 1 */
    MOE_FORM_CORRELATION  /* of the 0/1 choices; rows of experts that all or no tokens chose are 0 */
};

enum moe_origin {
    MOE_ORIGIN_FILE,        /* as counted */
    MOE_ORIGIN_INDEPENDENT  /* layers independent, in each the law of analysis/independent.h */
};

struct moe_coactivation {
    struct moe_reader *reader; /* the file, open on every rank */
    char path[128];     /* of the dataset */
    int layers, experts;
    int64_t tokens;
    int64_t *load;      /* [L, E], on all ranks */
    int adjacent;       /* only pairs in one layer and in adjacent layers are known; others are taken as 0 */
    int constant;       /* experts that all or no tokens chose */
    int whole_choices;  /* each layer's loads are a whole number of choices a token, as ORIGIN_INDEPENDENT needs */
};

/* Looks up sizes, tokens and loads of /routing/SNAPSHOT. moe_coactivation_clear gives back what it holds, also after a
 * failure.
 *
 * Ranks:  collective
 * Errors: MOE_INPUT, on all ranks: not one of our files, the snapshot is missing or has no pairs, loads that contradict
 *         the number of tokens
 */
enum moe_status moe_coactivation_open(struct moe_coactivation *pairs, const struct moe_grid *grid, const char *file,
                                      const char *snapshot, struct moe_error *err);
void moe_coactivation_clear(struct moe_coactivation *pairs);

/* Makes the matrix; moe_matrix_clear gives it back, also after a failure. Every rank reads the rows of the file that
 * its columns are, in pieces of one block.
 *
 * Ranks:  collective
 * Errors: MOE_INPUT, on all ranks: not readable, too large for these ranks, counts that contradict the loads
 */
enum moe_status moe_coactivation_fill(const struct moe_coactivation *pairs, const struct moe_grid *grid,
                                      enum moe_form form, enum moe_origin origin, struct moe_block_matrix *matrix,
                                      struct moe_error *err);

#endif
