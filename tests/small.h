/* Small runs for tests: settings as words over those of a small model, inputs made in memory. */
#ifndef MOE_TESTS_SMALL_H
#define MOE_TESTS_SMALL_H

#include <string.h>

#include "src/config.h"
#include "src/data.h"
#include "src/model.h"
#include "src/pool.h"
#include "src/random.h"
#include "tests/tap.h"

struct small {
    struct moe_run run;
    struct moe_input input;
    struct moe_data *data;
};

static const char small_settings[] =
    "data.path=memory data.n=40 data.test_n=16 data.tokens=4 data.patch=2 data.holdout=0.3 "
    "model.width=8 model.heads=2 model.layers=2 model.experts=5 model.top_k=3 model.expert_width=6 "
    "train.steps=10 train.warmup=2 train.batch=10 train.eval_batch=8 parallel.shards=4 parallel.units=2 "
    "census.sequences=20 census.batch=8 census.keep_choices=20";

static inline void small_set(struct moe_run *run, const char *settings)
{
    char text[1024], *rest = text;
    struct moe_error err = {0};
    snprintf(text, sizeof text, "%s", settings);
    for (char *word; (word = strtok_r(rest, " ", &rest)); )
        if (moe_config_set(run, word, &err))
            bail("%s", err.text);
}

/* One IDX file of `count` images of 4 x 4 pixels, or of their labels, of 3 classes. */
static inline void small_idx(struct moe_input *input, int which, int count)
{
    const int images = which % 2 == 0;
    const unsigned char head[16] = {0, 0, 8, images ? 3 : 1, 0, 0, 0, (unsigned char)count, 0, 0, 0, 4, 0, 0, 0, 4};
    const size_t start = images ? 16 : 8, size = start + (size_t)count * (images ? 16 : 1);
    struct moe_random random;
    moe_random_init(&random, 5, MOE_STREAM_TRAIN, (uint64_t)which, 0);
    input->bytes[which] = moe_pool_new(MOE_POOL_DATA, size, 1);
    input->size[which] = size;
    memcpy(input->bytes[which], head, start);
    for (size_t i = start; i < size; i++)
        input->bytes[which][i] = (unsigned char)moe_random_below(&random, images ? 256 : 3);
}

static inline void small_text(struct moe_input *input)
{
    const size_t size = 600;
    struct moe_random random;
    moe_random_init(&random, 6, MOE_STREAM_TRAIN, 0, 0);
    input->bytes[0] = moe_pool_new(MOE_POOL_DATA, size, 1);
    input->size[0] = size;
    for (size_t i = 0; i < size; i++)
        input->bytes[0][i] = (unsigned char)('a' + moe_random_below(&random, 9));
}

/* Opens the source of the settings, blank-separated words section.key=value. */
static inline void small_open(struct small *small, const char *settings)
{
    struct moe_error err = {0};
    memset(small, 0, sizeof *small);
    moe_config_default(&small->run);
    small_set(&small->run, small_settings);
    small_set(&small->run, settings);
    if (moe_config_check(&small->run, 1, NULL, &err))
        bail("%s", err.text);
    if (small->run.data.source == MOE_IDX) {
        small->input.count = MOE_INPUTS;
        for (int which = 0; which < MOE_INPUTS; which++)
            small_idx(&small->input, which, which < 2 ? 40 : 24);
    } else if (small->run.data.source == MOE_TEXT) {
        small->input.count = 1;
        small_text(&small->input);
    }
    if (moe_data_open(&small->data, &small->run, &small->input, &err))
        bail("%s", err.text);
}

static inline void small_close(struct small *small)
{
    moe_data_free(small->data);
    moe_input_clear(&small->input);
}

/* x [n] += scale x normal deviates, the same for the same seed. */
static inline void small_shake(moe_real *x, int64_t n, uint64_t seed, double scale)
{
    struct moe_random random;
    moe_random_init(&random, seed, MOE_STREAM_INIT, 0, 0);
    for (int64_t i = 0; i < n; i++)
        x[i] += (moe_real)(scale * moe_random_normal(&random));
}

/* The batch of training step `step` into the pass. */
static inline void small_batch(const struct small *small, const struct moe_model *model, struct moe_pass *pass,
                               int step)
{
    moe_pass_begin(pass, model, MOE_SPLIT_TRAIN, small->run.train.batch);
    for (int s = 0; s < pass->sequences; s++)
        pass->index[s] = moe_data_draw(small->data, step, pass->first + s);
    moe_pass_fetch(pass, small->data);
}

#endif
