/* How the model reaches other ranks: one small table of functions.
 *
 * Its one-process version (moe_exchange_serial) makes the whole of src run without MPI and is the oracle that the MPI
 * version is tested against. Every function is collective over the table's ranks. */
#ifndef MOE_EXCHANGE_H
#define MOE_EXCHANGE_H

#include <stdint.h>

#include "src/real.h"
#include "src/tree.h"

/* Elements of a vector that a fold between ranks takes in one round: bounds its buffers, and keeps counts in range. */
enum { MOE_FOLD_ROUND = 1 << 20 };

/* What a message is for; /traffic counts by these. */
enum moe_phase {
    MOE_PHASE_SIZES,            /* how many rows come, before each dispatch */
    MOE_PHASE_DISPATCH,         /* forward: tokens to experts */
    MOE_PHASE_COMBINE,          /* forward: results back */
    MOE_PHASE_COMBINE_BACKWARD, /* gradients of the results to experts */
    MOE_PHASE_DISPATCH_BACKWARD,/* gradients of the tokens back */
    MOE_PHASE_GRADIENTS,        /* folding dense gradients */
    MOE_PHASE_SCALARS,          /* losses, loads, norms */
    MOE_PHASE_CENSUS,
    MOE_PHASES
};

struct moe_exchange {
    int rank, ranks;
    void *state; /* the implementation's */

    /* Sends send[first_p .. first_p + send_count[p]) to every rank p and receives likewise, both packed by rank.
     *   send, receive  int32   counts in elements, [ranks] each */
    void (*sizes)(struct moe_exchange *ex, const int32_t *send, const int *send_count, int32_t *receive,
                  const int *receive_count);

    /* The same for rows of `width` reals; counts in rows. */
    void (*rows)(struct moe_exchange *ex, const moe_real *send, const int *send_rows, moe_real *receive,
                 const int *receive_rows, int width, enum moe_phase phase);

    /* Folds one vector a shard into its sum by the fixed tree. nodes [tree->mine, n] holds the sums over this rank's
     * own nodes and may be changed; out [n] is the same on all ranks afterwards, and may be nodes. */
    void (*fold)(struct moe_exchange *ex, const struct moe_tree *tree, moe_real *nodes, int64_t n, moe_real *out);

    /* The same in double, for scalars. */
    void (*fold_double)(struct moe_exchange *ex, const struct moe_tree *tree, double *nodes, int64_t n, double *out);

    /* values [n] becomes its sum over ranks on all ranks. */
    void (*sum)(struct moe_exchange *ex, int64_t *values, int64_t n);

    /* Concatenates each rank's mine [counts[rank]] into all [sum of counts] on all ranks, in rank order. */
    void (*gather)(struct moe_exchange *ex, const double *mine, const int *counts, double *all);
};

/* The table for one process: messages are copies.
 *
 * Ranks:  local
 * Errors: never fails
 */
struct moe_exchange moe_exchange_serial(void);

#endif
