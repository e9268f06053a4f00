/* What a job sends: bytes and messages from rank to rank, by the phases that /traffic counts.
 *
 * What does not depend on routes (sizes, gradients, scalars) follows exactly from the settings; rows and censuses do
 * where a file has what is needed (struct moe_routes), and are expected values else. */
#ifndef MOE_FLOW_H
#define MOE_FLOW_H

#include "src/exchange.h"
#include "src/job.h"
#include "src/routes.h"

struct moe_flow {
    double bytes, messages; /* whole numbers where they are exact */
};

/* The most ranks whose censuses are taken apart pair by pair, and whose predicted pairs are stored. */
enum { MOE_FLOW_CENSUS_RANKS = 256, MOE_FLOW_PREDICTED_RANKS = 1024 };

/* What the censuses of a job send. */
struct moe_census_flow {
    struct moe_flow *pair;         /* [P, P] from all choices of the job, or null */
    struct moe_flow first, other;  /* expected else: from any rank to rank 0, and to each other one */
};

/* Finds out what the censuses of a job send: pair by pair where the choices of routes tell (moe_routes_know_census) and
 * there are no more than MOE_FLOW_CENSUS_RANKS ranks. moe_flow_census_clear gives it back.
 *
 * Ranks:  local; takes the memory of all ranks' counters
 * Errors: never returns without memory
 */
void moe_flow_census(struct moe_census_flow *census, const struct moe_job *job, const struct moe_routes *routes);
void moe_flow_census_clear(struct moe_census_flow *census);

/* What rank `from` sends to another rank `to` in the whole job, and in one step (the mean of all).
 *   flow [MOE_PHASES]   0 where from = to
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_flow_job(const struct moe_job *job, const struct moe_routes *routes, const struct moe_census_flow *census,
                  int from, int to, struct moe_flow *flow);
void moe_flow_step(const struct moe_job *job, const struct moe_routes *routes, int from, int to,
                   struct moe_flow *flow);

/* Whether bytes, and messages, of a phase of moe_flow_job are exact between two ranks. Messages of rows are where the
 * file shows that every pass had one, or none had: a message without rows is none.
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_flow_knows_bytes(const struct moe_job *job, const struct moe_routes *routes,
                         const struct moe_census_flow *census, enum moe_phase phase);
int moe_flow_knows_messages(const struct moe_job *job, const struct moe_routes *routes,
                            const struct moe_census_flow *census, enum moe_phase phase, int from, int to);

#endif
