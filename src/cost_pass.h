/* The work of one pass, call by call in the order of the program, each call priced by the machine's constants. */
#ifndef MOE_COST_PASS_H
#define MOE_COST_PASS_H

#include "src/cost.h"

/* One pass on the rank with most shards while its terms are added up. */
struct moe_pass_cost {
    const struct moe_job *job;
    const struct moe_routes *routes;
    const struct moe_machine *machine;
    enum moe_purpose purpose;
    double sequences, shards, rows; /* of the rank */
    double shard_rows;              /* of one shard, the mean */
    double far;                     /* the part of its memory that is not near */
    double *term;                   /* [MOE_TERMS] seconds */
    int beyond;                     /* a product had more rows, or a larger matrix, than the machine's grid */
};

/* A pass of a full batch; term is zeroed, and borrowed.
 *
 * Ranks:  local
 * Errors: never fails
 */
struct moe_pass_cost moe_pass_cost(const struct moe_job *job, const struct moe_routes *routes,
                                   const struct moe_machine *machine, enum moe_purpose purpose, double *term);

/* Add what the parts of a pass take: making the batch, through the model, back, the update.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_cost_fetch(struct moe_pass_cost *pass);
void moe_cost_forward(struct moe_pass_cost *pass);
void moe_cost_backward(struct moe_pass_cost *pass);
void moe_cost_optimise(struct moe_pass_cost *pass);

/* Add so many calls of so many elements; so many products; a fold of so many numbers of `size` bytes over the ranks.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_cost_work(struct moe_pass_cost *pass, enum moe_term term, enum moe_work work, double calls, double elements);
void moe_cost_products(struct moe_pass_cost *pass, enum moe_term term, enum moe_product product, double calls,
                       double rows, double inner, double outer);
void moe_cost_fold(struct moe_pass_cost *pass, enum moe_term term, double numbers, double size);

#endif
