/* AdamW over the dense parameters, replicated, and the rank's own experts (Loshchilov and Hutter 2019; beta 0.9 and
 * 0.999, epsilon 1e-8, decay on matrices only). A frozen router is left as it is. */
#ifndef MOE_OPTIM_H
#define MOE_OPTIM_H

#include "src/model.h"

struct moe_optim {
    moe_real *dense_m, *dense_v;     /* [dense_size] */
    moe_real *experts_m, *experts_v; /* as moe_model.experts */
    int expert_tensors;              /* tensors of the layout that belong to experts */
    double *squares;                 /* [layout.count] sums of squared gradients of dense tensors */
    double *own_squares;             /* [expert tensors, own experts] */
    double *all_squares;             /* the same of all ranks, by rank */
    int *counts;                     /* [P] how many each rank contributes */
};

/* Zero moments for a model.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
void moe_optim_init(struct moe_optim *optim, const struct moe_model *model);
void moe_optim_clear(struct moe_optim *optim);

/* The learning rate of step 0, 1, ...: linear warm-up, then a cosine that reaches 10 % of train.rate
 * after the last step.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_learning_rate(const struct moe_run *run, int step);

/* One update with the gradients of step `step`; returns the norm of the whole gradient, summed tensor by tensor and
 * expert by expert in the order of the layout.
 *
 * Ranks:  collective on model->ex, same result on all
 * Errors: never fails; the norm is not finite when a gradient is not
 */
double moe_optim_step(struct moe_optim *optim, struct moe_model *model, const struct moe_gradients *gradients,
                      int step);

#endif
