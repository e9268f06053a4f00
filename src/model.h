/* The MoE Transformer: parameters, the forward pass over a batch, and its gradient.
 *
 * A batch is cut into V shards of whole sequences, shards are shared out over ranks, and every product on dense
 * parameters runs shard by shard. The steps between ranks are the two of src/moe.h in every layer, and the sums. */
#ifndef MOE_MODEL_H
#define MOE_MODEL_H

#include <stdint.h>

#include "src/config.h"
#include "src/data.h"
#include "src/exchange.h"
#include "src/layout.h"
#include "src/moe.h"
#include "src/planted.h"
#include "src/tree.h"

/* What a pass is for: counting routes stops after the last layer, training keeps what the gradient needs. */
enum moe_purpose { MOE_COUNTING, MOE_EVALUATING, MOE_TRAINING, MOE_PURPOSES };

/* What was sent to experts in all forward passes so far, by purpose. Does not depend on the number of ranks: what any
 * other number would send, and the buffers it would need, follow from it. */
struct moe_sent {
    int64_t passes[MOE_PURPOSES];
    int inits[MOE_PURPOSES]; /* by moe_pass_init */
    int64_t *rows;     /* [MOE_PURPOSES, own shards, E] by the rank's own shards, summed over layers */
    int64_t *messages; /* the same: how many (pass, layer) had at least one row */
    int64_t *all;      /* [MOE_PURPOSES, L, E] rows of all ranks */
    int64_t *first;    /* the same: of the first pass */
    int64_t *most;     /* the same: of the pass that had most */
    /* [MOE_PURPOSES, L + 1, E, E] rows of a buffer for those that experts first .. last receive: of a layer, or (at L)
     * of all layers in turn. Null where there are more than MOE_ROOM_EXPERTS. */
    int64_t *room;        /* the most it grew to, of any moe_pass_init but the first if there are more: the census
                             before training has its memory to itself */
    int64_t *room_before; /* what it had before it grew to that */
    int64_t *room_now;    /* what it has, in the pass that moe_pass_init made last */
};

/* The most experts whose ranges, one by one, are followed by struct moe_sent. */
enum { MOE_ROOM_EXPERTS = 64 };

struct moe_model {
    const struct moe_run *run;        /* borrowed */
    const struct moe_task *task;      /* borrowed */
    struct moe_exchange *ex;          /* borrowed */
    struct moe_layout layout;
    struct moe_tree tree;
    struct moe_placement placement;
    struct moe_planted *planted;      /* null unless the router is planted */
    moe_real *dense;                  /* [layout.dense_size], the same on all ranks */
    moe_real *experts;                /* [L, own experts, layout.expert_size] */
    struct moe_sent *sent;            /* owned; forward passes add to it; null where no pass can be run */
};

/* A model of run on task with its initial weights. run, task and ex must outlive it.
 *
 * Ranks:  every rank of ex, no communication
 * Errors: never returns without memory
 */
void moe_model_init(struct moe_model *model, const struct moe_run *run, const struct moe_task *task,
                    struct moe_exchange *ex);
void moe_model_clear(struct moe_model *model);

/* The block of one of the rank's own experts; e counts from 0 within the rank.
 *
 * Ranks:  local
 * Errors: never fails
 */
moe_real *moe_model_expert(const struct moe_model *model, int layer, int e);

/* What a layer keeps from forward to backward. Rows are the rank's tokens, N of them. */
struct moe_layer_pass {
    moe_real *x, *norm1, *stats1;     /* [N, C], [N, C], [N, 2] */
    moe_real *qkv, *weight, *mixed;   /* [N, 3 C], [n, H, T, T], [N, C] */
    moe_real *x2, *norm2, *stats2;    /* [N, C], [N, C], [N, 2] */
    moe_real *logits;                 /* [N, E] */
    int16_t *choice;                  /* [N, K] */
    moe_real *gate, *margin;          /* [N, K], [N] */
    moe_real *returned;               /* [N K, C], by slot */
    struct moe_dispatch *dispatch;
};

/* Sums over the whole batch, the same on all ranks. */
struct moe_totals {
    double loss;        /* mean over sequences, and tokens where every token predicts */
    double balance;     /* E sum_e f_e p_e, mean over layers */
    double clean;       /* mean squared distance from the noise-free target; NAN where unknown */
    double noise;       /* mean squared target noise; NAN where unknown */
    double correct;     /* share of predictions that hit; NAN without classes */
    const int64_t *load;/* [L, E] choices; borrowed from the pass */
};

/* Room for one batch on its way through the model. */
struct moe_pass {
    enum moe_purpose purpose;         /* in training layers keep their own buffers; otherwise they share one set */
    int capacity;                     /* global sequences it has room for */
    int batch, sequences;             /* global and local sequences of the batch in it */
    int first;                        /* place of the first local sequence in the batch */
    int64_t tokens;                   /* local: N */
    enum moe_split split;
    struct moe_batch data;
    int64_t *index;                   /* [n] sequence numbers in the split */
    int32_t *unit;                    /* [N] */
    struct moe_layer_pass *layer;     /* [L] */
    struct moe_dispatch *dispatch;    /* [L], or [1] */
    struct moe_wire wire;
    int16_t *planted;                 /* [N, K] sets of the layer at work, or null */
    moe_real *x, *norm, *stats, *pooled, *output, *doutput; /* after the last layer */
    moe_real *expert_scratch;         /* [E] */
    double *shard_sums;               /* [own shards, SUMS + L E] */
    double *sums;                     /* [own tree nodes + tree depth, SUMS + L E]; the first row is the total */
    int64_t *counts;                  /* [COUNTS + L E] */
    int64_t *shard_load;              /* [E] of the shard and layer at work */
    moe_real *dx, *dnorm, *dmixed, *dqkv, *dlogits, *dgate, *attention; /* training only */
    double *f;                        /* [L, E] shares of all choices */
};

/* Gradients of one step. */
struct moe_gradients {
    moe_real *dense;    /* [own tree nodes, dense_size]; the first row is the gradient after moe_model_backward */
    moe_real *experts;  /* as moe_model.experts */
    moe_real *scratch;
};

/* Buffers for batches of up to `capacity` global sequences.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
void moe_pass_init(struct moe_pass *pass, const struct moe_model *model, const struct moe_data *data, int capacity,
                   enum moe_purpose purpose);
void moe_pass_clear(struct moe_pass *pass, const struct moe_model *model);
void moe_gradients_init(struct moe_gradients *gradients, const struct moe_model *model);
void moe_gradients_clear(struct moe_gradients *gradients);

/* Says which batch comes: `batch` sequences of a split; fills pass->sequences and pass->first. The caller then fills
 * pass->index and pass->data for local sequences 0 .. pass->sequences - 1.
 *
 * Ranks:  every rank, no communication
 * Errors: never fails; 1 <= batch <= capacity
 */
void moe_pass_begin(struct moe_pass *pass, const struct moe_model *model, enum moe_split split, int batch);

/* Fills pass->data with the sequences named by pass->index.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_pass_fetch(struct moe_pass *pass, const struct moe_data *data);

/* The forward pass; routing, outputs and the gradient of the loss by output are in the pass afterwards. In a
 * counting pass the loss totals are 0 or NAN.
 *
 * Ranks:  collective on model->ex
 * Errors: never fails; a value that is not finite shows in the totals
 */
struct moe_totals moe_model_forward(const struct moe_model *model, struct moe_pass *pass);

/* Folds one vector of doubles a shard over all shards, by the tree.
 *   sums [own tree nodes + tree depth, width]   the first row is the total, on all ranks      out
 *   shard_sums [own shards, width]                                                            in
 *
 * Ranks:  collective on model->ex
 * Errors: never fails
 */
void moe_shards_total(const struct moe_model *model, double *sums, const double *shard_sums, int width);

/* The gradient of totals.loss + balance_weight x totals.balance for the batch that moe_model_forward just saw.
 *
 * Ranks:  collective on model->ex
 * Errors: never fails
 */
void moe_model_backward(const struct moe_model *model, struct moe_pass *pass, struct moe_gradients *gradients);

#endif
