/* What a run took: seconds by phase, memory by pool, bytes and messages, all by rank. Differs from run to run. */
#ifndef MOE_MEASUREMENTS_H
#define MOE_MEASUREMENTS_H

#include <stdint.h>

#include "mpi/h5file.h"
#include "mpi/results.h"
#include "src/clock.h"
#include "src/pool.h"

/* All ranks' figures; whole on rank 0 only. */
struct moe_measurements {
    double *seconds;      /* [P, MOE_TIMES] */
    int64_t *pool;        /* [P, MOE_POOLS] bytes now */
    int64_t *pool_peak;   /* [P, MOE_POOLS] */
    int64_t *resident;    /* [P] largest resident set, bytes */
    int64_t *growths;     /* [P] dispatch buffers that grew after the first training step */
    int64_t *allocations; /* [P] allocations in training steps after the first */
    int64_t *bytes, *messages; /* [MOE_PHASES, P, P] from, to */
    int64_t *rows, *row_messages; /* [MOE_PURPOSES, V, E] as in struct moe_sent; null where V E >
                                     MOE_SENT_MAX, and where nothing was run */
};

/* Above this many pairs of shards and experts what each shard sent to each expert is not stored. */
enum { MOE_SENT_MAX = 1 << 22 };

/* Gathers the figures of all ranks.
 *
 * Ranks:  collective
 * Errors: never returns without memory
 */
void moe_measurements_take(struct moe_measurements *measurements, const struct moe_results *results);
void moe_measurements_clear(struct moe_measurements *measurements);

/* Plans /timing and /traffic.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_measurements_plan(struct moe_file *file, const struct moe_measurements *measurements,
                           const struct moe_results *results);

#endif
