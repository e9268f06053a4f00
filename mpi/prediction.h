/* What the planner would have said of a run before it began, stored beside what was measured. */
#ifndef MOE_PREDICTION_H
#define MOE_PREDICTION_H

#include <stdint.h>

#include "mpi/h5file.h"
#include "mpi/results.h"
#include "src/clock.h"
#include "src/cost.h"
#include "src/pool.h"

/* All on rank 0, null elsewhere; and where nothing was run, such as of merged files. */
struct moe_prediction {
    double *seconds;           /* [P, MOE_TIMES] */
    int64_t *pool_peak;        /* [P, MOE_POOLS] */
    int64_t *bytes, *messages; /* [MOE_PHASES, P, P] from, to; null above MOE_FLOW_PREDICTED_RANKS */
    struct moe_cost cost;
    char origin[MOE_ORIGIN_MAX];
};

/* Predicts the run of results from its settings and a uniform router, on rank 0. A file of constants that cannot be
 * read any more gives way to the program's own.
 *
 * Ranks:  every rank
 * Errors: never returns without memory
 */
void moe_prediction_make(struct moe_prediction *prediction, const struct moe_results *results);
void moe_prediction_clear(struct moe_prediction *prediction);

/* Plans the datasets predicted_* of /timing and /traffic.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_prediction_plan(struct moe_file *file, const struct moe_prediction *prediction,
                         const struct moe_results *results);

#endif
