/* Inside a pass: where a shard's rows are, and the places of the batch sums. */
#ifndef MOE_PASS_H
#define MOE_PASS_H

#include "src/model.h"
#include "src/share.h"

/* Places in shard_sums, before the [L, E] sums of p. */
enum { SUM_LOSS, SUM_CLEAN, SUM_NOISE, SUMS };

/* Places in counts, before the [L, E] loads. */
enum { COUNT_CORRECT, COUNTS };

/* One shard's part of a pass: local sequences and rows. */
struct span {
    int sequence, sequences; /* first and number */
    int64_t row, rows;       /* first token and number */
};

/* How many shards the rank owns.
 *
 * Ranks:  local
 * Errors: never fails
 */
static inline int own_shards(const struct moe_model *model)
{
    return (int)moe_share_count(model->tree.shards, model->ex->ranks, model->ex->rank);
}

/* The first shard that the rank owns.
 *
 * Ranks:  local
 * Errors: never fails
 */
static inline int first_shard(const struct moe_model *model)
{
    return (int)moe_share_first(model->tree.shards, model->ex->ranks, model->ex->rank);
}

/* Where global shard `shard`, one of the rank's own, stands in the pass.
 *
 * Ranks:  local
 * Errors: never fails
 */
static inline struct span span_of(const struct moe_model *model, const struct moe_pass *pass, int shard)
{
    int64_t first = moe_share_first(pass->batch, model->tree.shards, shard) - pass->first;
    int64_t count = moe_share_count(pass->batch, model->tree.shards, shard);
    const int T = model->task->tokens;
    return (struct span){(int)first, (int)count, first * T, count * T};
}

/* How many predictions a span has: one a token, or one a sequence.
 *
 * Ranks:  local
 * Errors: never fails
 */
static inline int64_t predictions(const struct moe_model *model, struct span span)
{
    return model->task->per_token ? span.rows : span.sequences;
}

/* What one summand of the loss weighs: 1 / B, or 1 / (B T).
 *
 * Ranks:  local
 * Errors: never fails
 */
static inline double loss_scale(const struct moe_model *model, const struct moe_pass *pass)
{
    return 1.0 / ((double)pass->batch * (model->task->per_token ? model->task->tokens : 1));
}

#endif
