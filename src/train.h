/* The training loop: draw, forward, backward, update; evaluate now and then; let an observer count routes. */
#ifndef MOE_TRAIN_H
#define MOE_TRAIN_H

#include <stdint.h>

#include "src/data.h"
#include "src/model.h"
#include "src/optim.h"
#include "src/status.h"

/* The four imbalance metrics of a layer's load; `mean` is the mean over experts. */
enum moe_imbalance {
    MOE_OVERLOAD,      /* max / mean */
    MOE_MAX_VIOLATION, /* (max - mean) / mean */
    MOE_BALANCEDNESS,  /* mean / max */
    MOE_UTILISATION,   /* min / mean: the load of the least used expert over the ideal one */
    MOE_IMBALANCES
};

/* The four metrics of load [E].
 *
 * Ranks:  local
 * Errors: never fails; all choices on no expert give NAN
 */
void moe_imbalance(const int64_t *load, int experts, double *metric);

/* One evaluation of a split. */
struct moe_evaluation {
    double loss;    /* mean over sequences (and tokens), nats under cross-entropy */
    double clean;   /* mean squared distance from the noise-free target; NAN where unknown */
    double noise;   /* mean squared target noise; NAN where unknown */
    double correct; /* share of hits; NAN without classes */
};

/* What a run leaves behind, the same on all ranks. Rows of `eval` are eval_step's. */
struct moe_history {
    int steps, evals;
    double *loss, *balance, *rate, *norm; /* [steps] */
    double *imbalance;                    /* [steps, L, MOE_IMBALANCES] */
    int64_t *eval_step;                   /* [evals] steps done before */
    struct moe_evaluation *eval;          /* [evals] of the test split */
    struct moe_evaluation train;          /* of the whole training set at the end; NAN where endless */
    int64_t growths;                      /* dispatch buffers that grew after the first step */
    int64_t allocations;                  /* in training steps after the first: must equal growths */
};

/* Bytes that the history of a run takes on every rank.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_history_bytes(const struct moe_run *run);

/* How many evaluations of test data a training makes, and how many censuses it takes.
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_train_evaluations(const struct moe_run *run);
int moe_train_censuses(const struct moe_run *run);

/* A training under way: all that its next step depends on, beside the settings. */
struct moe_training {
    struct moe_model *model;     /* borrowed */
    const struct moe_data *data; /* borrowed */
    struct moe_optim optim;
    struct moe_history history;  /* with room for all steps; history.steps are done */
    int census_step;             /* of the newest census, -1 before the first */
};

/* A training of the model before its first step.
 *
 * Ranks:  every rank of model->ex, no communication
 * Errors: never returns without memory
 */
void moe_training_init(struct moe_training *training, struct moe_model *model, const struct moe_data *data);
void moe_training_clear(struct moe_training *training);

/* Called on every rank by the loop. Each may be null. */
struct moe_observer {
    void *context;
    /* Before the first step (step 0) and after `step` steps, whenever census.every asks or training ends. */
    enum moe_status (*census)(void *context, struct moe_model *model, int step, struct moe_error *err);
    /* After every step. */
    void (*progress)(void *context, int step, double loss);
    /* Before the first step and after every one, when all that belongs to it is done: the place to store the training.
     * Anything but MOE_OK ends it there. */
    enum moe_status (*between)(void *context, struct moe_training *training, struct moe_error *err);
    /* Between the batches of an evaluation: whether to leave it, the same on all ranks. `between` is called then, and
     * must end the training; who goes on from there evaluates again. */
    int (*asked)(void *context);
};

/* Trains from where the training stands until run.train.steps steps are done. What was stored by `between` and put back
 * goes on to the same bits.
 *
 * Ranks:  collective on the model's ex
 * Errors: MOE_NUMERIC when a loss or gradient is not finite, the same on all ranks; what the observer returns
 */
enum moe_status moe_train(struct moe_training *training, const struct moe_observer *observer, struct moe_error *err);

/* Evaluates the first `count` sequences of a split, in batches of train.eval_batch. Returns whether it came to its end:
 * an observer, which may be null, can be asked to leave.
 *
 * Ranks:  collective on model->ex, same result on all
 * Errors: never fails
 */
int moe_evaluate(const struct moe_model *model, const struct moe_data *data, struct moe_pass *pass,
                 enum moe_split split, int64_t count, const struct moe_observer *observer,
                 struct moe_evaluation *evaluation);

#endif
