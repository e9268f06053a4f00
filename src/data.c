#include "src/data.h"

#include <math.h>

#include "src/idx.h"
#include "src/pool.h"
#include "src/random.h"
#include "src/text.h"
#include "src/torus.h"

struct moe_data {
    struct moe_task task;
    int64_t count[MOE_SPLITS];
    uint64_t seed;
    int source, loss, batch;
    int64_t bytes, peak;     /* of the pool, after opening */
    int64_t received;        /* as bytes, on a rank that got the inputs from another */
    struct moe_torus *torus; /* the source's own; the other two are null */
    struct moe_idx *idx;
    struct moe_text *text;
};

enum moe_status moe_data_open(struct moe_data **data, struct moe_run *run, const struct moe_input *input,
                              struct moe_error *err)
{
    const int64_t before = (int64_t)moe_pool_bytes(MOE_POOL_DATA);
    struct moe_data *made = moe_pool_new(MOE_POOL_DATA, 1, sizeof *made);
    enum moe_status status = MOE_OK;
    made->source = run->data.source;
    made->loss = run->train.loss;
    made->batch = run->train.batch;
    made->seed = run->data.seed;
    made->task.bound = NAN;
    switch (run->data.source) {
    case MOE_TORUS:
        status = moe_torus_open(&made->torus, run, &made->task, made->count, err);
        break;
    case MOE_IDX:
        status = moe_idx_open(&made->idx, run, input, &made->task, made->count, err);
        break;
    case MOE_TEXT:
        status = moe_text_open(&made->text, run, input, &made->task, made->count, err);
        break;
    }
    if (status == MOE_OK) {
        run->data.tokens = made->task.tokens;
        made->bytes = (int64_t)moe_pool_bytes(MOE_POOL_DATA);
        made->peak = (int64_t)moe_pool_peak(MOE_POOL_DATA);
        made->received = made->bytes - before;
        for (int i = 0; input && i < input->count; i++)
            made->received += (int64_t)input->size[i];
    } else {
        moe_data_free(made);
        made = NULL;
    }
    *data = made;
    return status;
}

void moe_data_free(struct moe_data *data)
{
    if (!data)
        return;
    moe_torus_free(data->torus);
    moe_idx_free(data->idx);
    moe_text_free(data->text);
    moe_pool_free(data);
}

const struct moe_task *moe_data_task(const struct moe_data *data)
{
    return &data->task;
}

int64_t moe_data_count(const struct moe_data *data, enum moe_split split)
{
    return data->count[split];
}

int64_t moe_data_bytes(const struct moe_data *data, int64_t *peak, int64_t *received)
{
    *peak = data->peak;
    *received = data->received;
    return data->bytes;
}

int moe_data_cosines(const struct moe_data *data)
{
    return data->torus ? moe_torus_cosines(data->torus) : 0;
}

void moe_batch_new_inputs(struct moe_batch *batch, const struct moe_data *data, int capacity)
{
    const struct moe_task *task = &data->task;
    size_t sequences = capacity, tokens = sequences * task->tokens;
    *batch = (struct moe_batch){.capacity = capacity};
    if (task->features)
        batch->x = moe_pool_new(MOE_POOL_DATA, tokens * task->features, sizeof *batch->x);
    if (task->symbols)
        batch->symbol = moe_pool_new(MOE_POOL_DATA, tokens, sizeof *batch->symbol);
    if (task->labels)
        batch->label = moe_pool_new(MOE_POOL_DATA, task->per_token ? tokens : sequences, sizeof *batch->label);
}

void moe_batch_new(struct moe_batch *batch, const struct moe_data *data, int capacity)
{
    const struct moe_task *task = &data->task;
    size_t sequences = capacity, predictions = task->per_token ? sequences * task->tokens : sequences;
    moe_batch_new_inputs(batch, data, capacity);
    if (data->loss == MOE_SQUARED)
        batch->y = moe_pool_new(MOE_POOL_DATA, predictions * task->outputs, sizeof *batch->y);
    else
        batch->target = moe_pool_new(MOE_POOL_DATA, predictions, sizeof *batch->target);
    if (data->source == MOE_TORUS)
        batch->clean = moe_pool_new(MOE_POOL_DATA, sequences, sizeof *batch->clean);
}

void moe_batch_free(struct moe_batch *batch)
{
    moe_pool_free(batch->x);
    moe_pool_free(batch->symbol);
    moe_pool_free(batch->y);
    moe_pool_free(batch->target);
    moe_pool_free(batch->label);
    moe_pool_free(batch->clean);
    *batch = (struct moe_batch){0};
}

void moe_data_fetch(const struct moe_data *data, enum moe_split split, int64_t index, struct moe_batch *batch,
                    int slot)
{
    MOE_CHECK(index >= 0 && index < data->count[split] && slot >= 0 && slot < batch->capacity);
    switch (data->source) {
    case MOE_TORUS:
        moe_torus_fetch(data->torus, split, index, batch, slot);
        break;
    case MOE_IDX:
        moe_idx_fetch(data->idx, split, index, batch, slot);
        break;
    case MOE_TEXT:
        moe_text_fetch(data->text, split, index, batch, slot);
        break;
    }
}

int64_t moe_data_draw(const struct moe_data *data, int64_t step, int place)
{
    int64_t n = data->count[MOE_SPLIT_TRAIN];
    if (n == INT64_MAX)
        return step * data->batch + place;
    struct moe_random random;
    moe_random_init(&random, data->seed, MOE_STREAM_BATCH, (uint64_t)step, (uint32_t)place);
    return (int64_t)moe_random_below(&random, (uint64_t)n);
}
