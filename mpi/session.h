/* What train and census have in common: from a checked configuration to a model on real data, and the census of it. */
#ifndef MOE_SESSION_H
#define MOE_SESSION_H

#include "mpi/claim.h"
#include "mpi/comm.h"
#include "mpi/results.h"
#include "src/config.h"
#include "src/data.h"
#include "src/model.h"

/* Everything a verb works with. Zero it, fill comm, verb and run, then open it. */
struct moe_session {
    const struct moe_comm *comm;
    const char *verb; /* "train" or "census" */
    struct moe_run run;
    struct moe_input input;
    struct moe_data *data;
    struct moe_exchange ex;
    struct moe_model model;
    char *config;     /* text of record; from moe_pool_new */
    char command[1024];
    int is_open;
};

/* Opens inputs and source and makes the model with its initial weights.
 *
 * Ranks:  collective, same run on all
 * Errors: MOE_USAGE, MOE_INPUT, the same on all ranks
 */
enum moe_status moe_session_open(struct moe_session *session, struct moe_error *err);
void moe_session_close(struct moe_session *session);

/* Whether the file `name` may be written: there is none of that name unless overwrite. *same is set where there is one
 * with the session's own config.
 *
 * Ranks:  collective
 * Errors: MOE_USAGE a file of another config or verb is there; MOE_OUTPUT something there is not a file
 */
enum moe_status moe_session_output(const struct moe_session *session, const char *name, int overwrite, int *same,
                                   struct moe_error *err);

/* Counts the routes of the session's model after `step` steps and adds the finding to results. Shows progress on
 * standard error.
 *
 * Ranks:  collective
 * Errors: MOE_NUMERIC a logit is not finite; MOE_STOPPED a stop was asked for (mpi/stop.h): results are as before
 */
enum moe_status moe_session_census(struct moe_session *session, struct moe_results *results, int step,
                                   struct moe_error *err);

/* Checks once, before the work begins, that the run's censuses can be taken. The memory asked for is an upper bound: as
 * many patterns as there can be.
 *
 * Ranks:  collective
 * Errors: MOE_USAGE the source has too few sequences; MOE_INPUT the patterns may not fit in memory
 */
enum moe_status moe_session_can_count(const struct moe_session *session, struct moe_error *err);

#endif
