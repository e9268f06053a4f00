/* What the verb `plan` found out about a job, before it is printed. */
#ifndef MOE_PLAN_H
#define MOE_PLAN_H

#include <stdio.h>

#include "src/cost.h"
#include "src/flow.h"
#include "src/footprint.h"

/* The job on another number of ranks. */
struct moe_plan_row {
    int ranks, shards, batch;   /* of the settings that so many ranks would need */
    int changed;                /* shards or batch had to grow */
    int extrapolated;           /* beyond the ranks, the node or the products that were calibrated */
    double step, efficiency;    /* of one rank's step, divided by ranks; batches of unequal size by sequence */
    double memory;              /* of a rank */
    int fits;                   /* into what its node has for it */
    enum moe_term largest;
    enum moe_term excess;       /* what lies most above its share of one rank's step */
};

enum { MOE_PLAN_ROWS = 17 };

struct moe_plan {
    struct moe_job job;
    struct moe_routes routes;
    struct moe_machine machine;
    struct moe_cost cost;
    const char *from;           /* the file of measured routes, or null */
    struct moe_census_flow census;
    double peak[MOE_POOLS];     /* the most over ranks */
    double memory, limit;       /* of a rank: all pools and the process; what the node has for it */
    double asked;               /* bytes that a rank must have to begin with, or the run is refused */
    struct moe_flow step[MOE_PHASES], whole[MOE_PHASES]; /* all ranks; of a step and the job */
    struct moe_flow most[MOE_PHASES];  /* of a step, the rank that sends most */
    int knows_messages[MOE_PHASES];    /* between all ranks */
    struct moe_plan_row row[MOE_PLAN_ROWS];
    int rows;
    int bottleneck;             /* first row whose efficiency is below a half, or -1 */
    int suggested;              /* row of the most ranks above it that fit and are allowed as things stand, or -1 */
};

/* Everything above the row `job`, from job, routes, machine and from.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
void moe_plan_make(struct moe_plan *plan, const struct moe_data *data);
void moe_plan_clear(struct moe_plan *plan);

/* The grade of the bytes that a phase sends: DERIVED from the settings, COUNT from measured routes, or MODEL.
 *
 * Ranks:  local
 * Errors: never fails
 */
const char *moe_plan_grade(const struct moe_plan *plan, enum moe_phase phase);

/* Whether a node has what its ranks take, and what they must have to begin with.
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_plan_fits(const struct moe_plan *plan);

/* The lines for a batch script: nodes, tasks of a node, memory of a node, time.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_plan_sbatch(const struct moe_plan *plan, char *text, size_t size);

/* For people, and as one JSON object.
 *
 * Ranks:  local
 * Errors: never fails; look at ferror(out)
 */
void moe_plan_print(const struct moe_plan *plan, FILE *out);
void moe_plan_json(const struct moe_plan *plan, FILE *out);

#endif
