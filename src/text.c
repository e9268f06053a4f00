#include "src/text.h"

#include <inttypes.h>
#include <math.h>

#include "src/pool.h"
#include "src/random.h"

enum { BYTES = 256 };

struct moe_text {
    const unsigned char *bytes; /* borrowed from the input */
    int64_t train;              /* bytes before the held-out part */
    int tokens;
    uint64_t seed;
};

enum moe_status moe_text_open(struct moe_text **text, const struct moe_run *run, const struct moe_input *input,
                              struct moe_task *task, int64_t *count, struct moe_error *err)
{
    *text = NULL;
    MOE_CHECK(input->count == 1);
    int tokens = run->data.tokens;
    int64_t size = (int64_t)input->size[0];
    int64_t held = (int64_t)floor(run->data.holdout * (double)size), train = size - held;
    if (run->train.loss != MOE_CROSS_ENTROPY)
        return moe_fail(err, MOE_USAGE, "the text source predicts bytes: train.loss must be cross-entropy");
    if (tokens < 1)
        return moe_fail(err, MOE_USAGE, "data.tokens=%d is not positive", tokens);
    if (train < tokens + 1 || held < tokens + 1)
        return moe_fail(err, MOE_USAGE, "the text is too short: with data.holdout=%g its parts have %" PRId64 " and %"
                        PRId64 " bytes, and a sequence with its targets takes data.tokens + 1 = %d", run->data.holdout,
                        train, held, tokens + 1);
    int64_t windows = (held - 1) / tokens;
    if (run->data.test_n > windows)
        return moe_fail(err, MOE_USAGE, "data.test_n=%" PRId64 " is more than the %" PRId64
                        " held-out sequences there are", run->data.test_n, windows);
    struct moe_text *made = moe_pool_new(MOE_POOL_DATA, 1, sizeof *made);
    made->bytes = input->bytes[0];
    made->train = train;
    made->tokens = task->tokens = tokens;
    made->seed = run->data.seed;
    task->symbols = task->outputs = task->labels = BYTES;
    task->per_token = 1;
    count[MOE_SPLIT_TRAIN] = run->data.n ? run->data.n : INT64_MAX;
    count[MOE_SPLIT_TEST] = run->data.test_n;
    count[MOE_SPLIT_CENSUS] = windows;
    *text = made;
    return MOE_OK;
}

void moe_text_free(struct moe_text *text)
{
    moe_pool_free(text);
}

void moe_text_fetch(const struct moe_text *text, enum moe_split split, int64_t index, struct moe_batch *batch,
                    int slot)
{
    int64_t start = text->train + index * text->tokens, first = (int64_t)slot * text->tokens;
    if (split == MOE_SPLIT_TRAIN) {
        struct moe_random random;
        moe_random_init(&random, text->seed, MOE_STREAM_WINDOW, (uint64_t)index, 0);
        start = (int64_t)moe_random_below(&random, (uint64_t)(text->train - text->tokens));
    }
    for (int t = 0; t < text->tokens; t++) {
        batch->symbol[first + t] = batch->label[first + t] = text->bytes[start + t];
        if (batch->target)
            batch->target[first + t] = text->bytes[start + t + 1];
    }
}
