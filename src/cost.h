/* How long a job takes: seconds of a step by term, and of the whole job by the phases that /timing counts.
 *
 * A model, grade MODEL: amounts of work follow from the settings, as the program does it; what a unit of work takes
 * comes from struct moe_machine. Ranks meet at every exchange, so each term is that of the slowest rank. */
#ifndef MOE_COST_H
#define MOE_COST_H

#include "src/clock.h"
#include "src/job.h"
#include "src/machine.h"
#include "src/routes.h"

enum moe_term {
    MOE_TERM_DATA,      /* making the batch */
    MOE_TERM_DENSE,     /* products with parameters that every rank holds */
    MOE_TERM_ATTENTION, /* scores, softmax, mixing */
    MOE_TERM_ROUTER,    /* logits, choices, their gradient */
    MOE_TERM_EXPERTS,   /* products of the experts, of the rank that has most */
    MOE_TERM_ROWS,      /* norms, and copying rows to and from the wire */
    MOE_TERM_FOLD,      /* adding up gradients on the rank */
    MOE_TERM_OPTIMISER,
    MOE_TERM_EXCHANGE,  /* messages of tokens, and of how many come */
    MOE_TERM_GRADIENTS, /* messages of dense gradients */
    MOE_TERM_SCALARS,   /* messages of losses, loads and norms */
    MOE_TERMS
};

/* The term's name. Static storage.
 *
 * Ranks:  local
 * Errors: never fails
 */
const char *moe_term_name(enum moe_term term);

struct moe_cost {
    double term[MOE_TERMS];    /* of one training step */
    double step;               /* their sum */
    int beyond;                /* the step has products beyond the grid of struct moe_machine */
    double phase[MOE_TIMES];   /* of the job; messages are inside the others */
    double total;              /* of the job */
    double checkpoint_bytes, checkpoint; /* bytes and seconds of one checkpoint */
};

/* The cost of a job.
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: step = sum of terms; term = sum over calls of (seconds a call + elements x seconds an element), products by
 *          2 rows inner outer / rate(rows, side), all times the ranks of a node over its cores where those are fewer
 */
void moe_cost(struct moe_cost *cost, const struct moe_job *job, const struct moe_routes *routes,
              const struct moe_machine *machine);

#endif
