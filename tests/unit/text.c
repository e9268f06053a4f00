/* The text source: which bytes a window holds, what is held out, what is refused. */
#include "src/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "src/pool.h"
#include "src/random.h"
#include "tests/tap.h"

enum { SIZE = 1000, TRAIN = 900, TOKENS = 7 };

static unsigned char content[SIZE];

static struct moe_run settings(void)
{
    struct moe_run run = {0};
    run.data.source = MOE_TEXT;
    run.data.test_n = 5;
    run.data.seed = 11;
    run.data.tokens = TOKENS;
    run.data.holdout = 0.1;
    run.train.batch = 4;
    run.train.loss = MOE_CROSS_ENTROPY;
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

/* Whether place 1 of the batch holds the window that starts at byte `start`. */
static int holds(const struct moe_batch *batch, int64_t start)
{
    for (int t = 0; t < TOKENS; t++)
        if (batch->symbol[TOKENS + t] != content[start + t] || batch->label[TOKENS + t] != content[start + t]
            || (batch->target && batch->target[TOKENS + t] != content[start + t + 1]))
            return 0;
    return 1;
}

static void test_held_out(const struct moe_input *input)
{
    struct moe_run run = settings();
    struct moe_data *data = must_open(&run, input);
    struct moe_batch batch, inputs;
    moe_batch_new(&batch, data, 2);
    moe_batch_new_inputs(&inputs, data, 2);
    is_int(moe_data_count(data, MOE_SPLIT_CENSUS), (SIZE - TRAIN - 1) / TOKENS, "all whole held-out windows");
    is_int(moe_data_count(data, MOE_SPLIT_TEST), 5, "the test split is data.test_n of them");
    is_int(moe_data_count(data, MOE_SPLIT_TRAIN), INT64_MAX, "n = 0 is endless");
    int right = 0;
    for (int64_t w = 0; w < 14; w++) {
        moe_data_fetch(data, MOE_SPLIT_CENSUS, w, &batch, 1);
        moe_data_fetch(data, MOE_SPLIT_CENSUS, w, &inputs, 1);
        right += holds(&batch, TRAIN + w * TOKENS) && holds(&inputs, TRAIN + w * TOKENS);
    }
    is_int(right, 14, "held-out window w is bytes [w T, w T + T), targets one further");
    moe_data_fetch(data, MOE_SPLIT_TEST, 4, &batch, 1);
    ok(holds(&batch, TRAIN + 4 * TOKENS), "test windows are the first held-out ones");
    is_int(batch.symbol[0], 0, "the other place of the batch is untouched");
    moe_batch_free(&batch);
    moe_batch_free(&inputs);
    moe_data_free(data);
}

static void test_training_windows(const struct moe_input *input)
{
    enum { N = 20000, STARTS = TRAIN - TOKENS };
    static int seen[STARTS];
    struct moe_run run = settings();
    struct moe_data *data = must_open(&run, input);
    struct moe_batch batch;
    struct moe_random random;
    int wrong = 0, missing = 0;
    double chi_square = 0, expected = (double)N / STARTS;
    moe_batch_new(&batch, data, 2);
    for (int i = 0; i < N; i++) {
        moe_random_init(&random, 11, MOE_STREAM_WINDOW, (uint64_t)i, 0);
        int start = (int)((double)moe_random_u64(&random) / 0x1p64 * STARTS);
        moe_data_fetch(data, MOE_SPLIT_TRAIN, i, &batch, 1);
        wrong += !holds(&batch, start);
        seen[start]++;
    }
    for (int i = 0; i < STARTS; i++) {
        chi_square += (seen[i] - expected) * (seen[i] - expected) / expected;
        missing += seen[i] == 0;
    }
    is_int(wrong, 0, "training window i starts where its counter says");
    is_int(missing, 0, "every start occurs, the last included (its last target is the last training byte)");
    ok(chi_square < 1107, "starts are uniform (chi-square %.0f at 892 degrees, one in a million beyond 1107)",
       chi_square);
    moe_batch_free(&batch);
    moe_data_free(data);
}

static void test_smallest(void)
{
    struct moe_input input = {.count = 1, .bytes = {content}, .size = {2 * TOKENS + 2}};
    struct moe_run run = settings();
    run.data.holdout = 0.5;
    run.data.test_n = 1;
    struct moe_data *data = must_open(&run, &input);
    struct moe_batch batch;
    moe_batch_new(&batch, data, 2);
    is_int(moe_data_count(data, MOE_SPLIT_CENSUS), 1, "the smallest text has one held-out window");
    moe_data_fetch(data, MOE_SPLIT_CENSUS, 0, &batch, 1);
    ok(holds(&batch, TOKENS + 1), "it is the second half");
    moe_data_fetch(data, MOE_SPLIT_TRAIN, 12345, &batch, 1);
    ok(holds(&batch, 0), "the one training window is the first half");
    moe_batch_free(&batch);
    moe_data_free(data);
}

static void refused(struct moe_run run, size_t size, const char *part, const char *what)
{
    struct moe_input input = {.count = 1, .bytes = {content}, .size = {size}};
    struct moe_error err = {0};
    struct moe_data *data;
    is_int(moe_data_open(&data, &run, &input, &err), MOE_USAGE, "refused: %s", what);
    ok(!data && strstr(err.text, part), "it says: %s", err.text);
}

static void test_refused(void)
{
    struct moe_run run = settings();
    run.data.test_n = 15;
    refused(run, SIZE, "14 held-out", "more test sequences than there are");
    run.data.test_n = 1;
    refused(run, 79, "too short", "a held-out part without room for one sequence");
    run.data.holdout = 0.5;
    refused(run, 2 * TOKENS + 1, "too short", "one byte short");
    run.data.holdout = 0;
    refused(run, SIZE, "too short", "nothing held out");
    run = settings();
    run.train.loss = MOE_SQUARED;
    refused(run, SIZE, "cross-entropy", "squared loss");
}

/* Reads `size` bytes written to a file of its own back through moe_input_read. */
static enum moe_status read_back(struct moe_input *input, size_t size, struct moe_error *err)
{
    struct moe_run run = settings();
    snprintf(run.data.path, sizeof run.data.path, "text-unit-XXXXXX");
    int descriptor = mkstemp(run.data.path);
    if (descriptor < 0 || write(descriptor, content, size) != (ssize_t)size || close(descriptor))
        bail("cannot write %s", run.data.path);
    enum moe_status status = moe_input_read(input, &run, err);
    unlink(run.data.path);
    return status;
}

static void test_reading(void)
{
    struct moe_input input, again;
    struct moe_error err = {0};
    is_int(read_back(&input, SIZE, &err), MOE_OK, "a text is read");
    ok(input.count == 1 && input.size[0] == SIZE && !memcmp(input.bytes[0], content, SIZE), "byte by byte");
    unsigned char sized[8 + SIZE] = {SIZE & 255, SIZE >> 8};
    char wanted[MOE_WORD_MAX];
    memcpy(sized + 8, content, SIZE);
    XXH128_hash_t hash = XXH3_128bits(sized, sizeof sized);
    snprintf(wanted, sizeof wanted, "xxh3:%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
    is_str(input.checksum, wanted, "the checksum is XXH3-128 of size and content: %s", wanted);
    read_back(&again, SIZE, &err);
    is_str(again.checksum, input.checksum, "the same content has the same checksum");
    moe_input_clear(&again);
    read_back(&again, SIZE - 1, &err);
    ok(strcmp(again.checksum, input.checksum) != 0, "other content has another checksum");
    moe_input_clear(&again);
    moe_input_clear(&input);
    ok(!input.bytes[0] && !input.count && !input.checksum[0], "a cleared input is empty");
    is_int(read_back(&input, 0, &err), MOE_INPUT, "an empty text is refused");
    ok(strstr(err.text, "empty") && !input.bytes[0], "it says: %s", err.text);
    struct moe_run run = settings();
    snprintf(run.data.path, sizeof run.data.path, "no/such/text");
    is_int(moe_input_read(&input, &run, &err), MOE_INPUT, "a missing text is refused");
    ok(strstr(err.text, "no/such/text: cannot be opened: No such file") != NULL, "it says: %s", err.text);
    snprintf(run.data.path, sizeof run.data.path, ".");
    is_int(moe_input_read(&input, &run, &err), MOE_INPUT, "a folder is refused");
    ok(strstr(err.text, "cannot be read") != NULL, "it says: %s", err.text);
}

int main(void)
{
    struct moe_input input = {.count = 1, .bytes = {content}, .size = {SIZE}};
    size_t before = moe_pool_bytes(MOE_POOL_DATA);
    for (int i = 0; i < SIZE; i++)
        content[i] = (unsigned char)(i * 37 + i / 256 * 5 + 1);
    test_held_out(&input);
    test_training_windows(&input);
    test_smallest();
    test_refused();
    test_reading();
    is_int((int64_t)moe_pool_bytes(MOE_POOL_DATA), (int64_t)before, "all memory was given back");
    return tap_done();
}
