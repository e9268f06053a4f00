/* The one interface over the sources: shapes, counts, batches and draws. Text stands for the finite sources here. */
#include "src/data.h"

#include <math.h>
#include <string.h>

#include "src/pool.h"
#include "tests/tap.h"

static struct moe_run settings(int source)
{
    struct moe_run run = {0};
    run.data.source = source;
    run.data.n = 10;
    run.data.test_n = 3;
    run.data.seed = 3;
    run.data.tokens = 8;
    run.data.dim = 2;
    run.data.beta = 2;
    run.data.scale = 1;
    run.data.clip = 4;
    run.data.holdout = 0.5;
    run.train.batch = 16;
    run.train.loss = source == MOE_TEXT ? MOE_CROSS_ENTROPY : MOE_SQUARED;
    return run;
}

static struct moe_data *must_open(struct moe_run *run, const struct moe_input *input)
{
    struct moe_data *data;
    struct moe_error err = {0};
    if (moe_data_open(&data, run, input, &err))
        bail("cannot open: %s", err.text);
    return data;
}

static void test_torus_shape(void)
{
    struct moe_run run = settings(MOE_TORUS);
    struct moe_data *data = must_open(&run, NULL);
    const struct moe_task *task = moe_data_task(data);
    struct moe_batch batch;
    ok(task->tokens == 8 && task->features == 4 && task->symbols == 0 && task->outputs == 1 && task->per_token == 0
       && task->labels == 0 && task->independent == 1 && task->bound > 1, "shape of the torus task");
    is_int(moe_data_count(data, MOE_SPLIT_TRAIN), 10, "torus: data.n training sequences");
    is_int(moe_data_count(data, MOE_SPLIT_TEST), 3, "torus: data.test_n test sequences");
    is_int(moe_data_count(data, MOE_SPLIT_CENSUS), INT64_MAX, "torus: an endless census");
    size_t before = moe_pool_bytes(MOE_POOL_DATA);
    moe_batch_new(&batch, data, 5);
    ok(batch.capacity == 5 && batch.x && batch.y && batch.clean && !batch.symbol && !batch.target && !batch.label,
       "torus: arrays of a batch");
    is_int((int64_t)(moe_pool_bytes(MOE_POOL_DATA) - before), (int64_t)(5 * (33 * sizeof(moe_real) + sizeof(double))),
           "torus: bytes of a batch");
    moe_batch_free(&batch);
    ok(!batch.x && !batch.y && batch.capacity == 0, "a freed batch is empty");
    moe_data_free(data);
    run.data.n = 0;
    data = must_open(&run, NULL);
    is_int(moe_data_count(data, MOE_SPLIT_TRAIN), INT64_MAX, "torus: n = 0 is endless training");
    moe_data_free(data);
}

static void test_text_shape(const struct moe_input *input)
{
    struct moe_run run = settings(MOE_TEXT);
    struct moe_data *data = must_open(&run, input);
    const struct moe_task *task = moe_data_task(data);
    struct moe_batch batch;
    ok(task->tokens == 8 && task->features == 0 && task->symbols == 256 && task->outputs == 256 && task->per_token == 1
       && task->labels == 256 && task->independent == 0 && isnan(task->bound), "shape of the text task");
    size_t before = moe_pool_bytes(MOE_POOL_DATA);
    moe_batch_new(&batch, data, 5);
    ok(!batch.x && !batch.y && !batch.clean && batch.symbol && batch.target && batch.label,
       "text: arrays of a batch");
    is_int((int64_t)(moe_pool_bytes(MOE_POOL_DATA) - before), 5 * 8 * 3 * 4, "text: bytes of a batch");
    moe_batch_free(&batch);
    moe_batch_new_inputs(&batch, data, 5);
    ok(batch.symbol && batch.label && !batch.target, "text: arrays of a batch of inputs");
    moe_batch_free(&batch);
    moe_data_free(data);
}

static void test_finite_draws(void)
{
    enum { STEPS = 2000 };
    struct moe_run run = settings(MOE_TORUS);
    struct moe_data *data = must_open(&run, NULL);
    int seen[10] = {0}, repeats = 0, outside = 0;
    for (int step = 0; step < STEPS; step++)
        for (int place = 0; place < 16; place++) {
            int64_t drawn = moe_data_draw(data, step, place);
            if (drawn < 0 || drawn >= 10) {
                outside++;
                continue;
            }
            seen[drawn]++;
            repeats += drawn == moe_data_draw(data, step + 1, place);
        }
    double expected = STEPS * 16 / 10.0, chi_square = 0;
    for (int i = 0; i < 10; i++)
        chi_square += pow(seen[i] - expected, 2) / expected;
    is_int(outside, 0, "draws lie in 0..n-1");
    ok(chi_square < 44.8, "draws are uniform (chi-square %.1f at 9 degrees, one in a million beyond 44.8)", chi_square);
    ok(fabs(repeats - expected) < 5 * sqrt(expected), "steps draw independently (%d repeats, %.0f expected)", repeats,
       expected);
    is_int(moe_data_draw(data, 77, 5), moe_data_draw(data, 77, 5), "a draw has no memory");
    struct moe_run other = settings(MOE_TORUS);
    other.data.seed = 4;
    struct moe_data *reseeded = must_open(&other, NULL);
    int same = 0;
    for (int place = 0; place < 100; place++)
        same += moe_data_draw(data, 1, place) == moe_data_draw(reseeded, 1, place);
    ok(same < 40, "another seed draws otherwise (%d of 100 equal)", same);
    moe_data_free(reseeded);
    moe_data_free(data);
}

static void test_endless_draws(void)
{
    struct moe_run run = settings(MOE_TORUS);
    run.data.n = 0;
    struct moe_data *data = must_open(&run, NULL);
    is_int(moe_data_draw(data, 0, 3), 3, "endless: the first step takes the first sequences");
    is_int(moe_data_draw(data, 5, 3), 83, "endless: step x batch + place");
    is_int(moe_data_draw(data, INT64_C(1000000000), 15), INT64_C(16000000015), "endless: beyond 32 bits");
    moe_data_free(data);
}

static void test_input(void)
{
    struct moe_run run = settings(MOE_TORUS);
    struct moe_input input;
    struct moe_error err = {0};
    ok(moe_input_read(&input, &run, &err) == MOE_OK && input.count == 0, "the torus needs no input");
    is_str(input.checksum, "", "and has no checksum");
    moe_input_clear(&input);
    for (int source = MOE_IDX; source <= MOE_TEXT; source++) {
        run.data.source = source;
        is_int(moe_input_read(&input, &run, &err), MOE_USAGE, "source %d without data.path is refused", source);
        ok(strstr(err.text, "data.path") && input.count == 0, "it says: %s", err.text);
    }
    moe_data_free(NULL);
}

int main(void)
{
    unsigned char content[200] = {0};
    struct moe_input input = {.count = 1, .bytes = {content}, .size = {sizeof content}};
    size_t before = moe_pool_bytes(MOE_POOL_DATA);
    test_torus_shape();
    test_text_shape(&input);
    test_finite_draws();
    test_endless_draws();
    test_input();
    is_int((int64_t)moe_pool_bytes(MOE_POOL_DATA), (int64_t)before, "all memory was given back");
    return tap_done();
}
