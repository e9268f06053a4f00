#include <math.h>
#include <string.h>

#include "mpi/calibrate.h"
#include "src/census.h"
#include "src/clock.h"
#include "src/data.h"
#include "src/kernels.h"
#include "src/loss.h"
#include "src/matmul.h"
#include "src/pool.h"
#include "src/random.h"
#include "src/router.h"

enum { ROWS = 64, TRIALS = 7, SWEEPS = 3, SIDE = 512, MOST_ROWS = 4096, SEQUENCES = 2048 };

/* What bodies work on: a few blocks of numbers in cache, and their shape. */
struct bench {
    moe_real *a, *b, *c, *d; /* [MOST_ROWS, SIDE] */
    int rows, n;
    int16_t *choice;         /* [ROWS, 2] */
    int64_t *load;
    double *sums;
    const struct moe_data *data;
    struct moe_batch *batch;
    enum moe_product product;
};

typedef void body(struct bench *bench);

/* Seconds of one call of body: the least of some trials of a millisecond and more. */
static double seconds_of(body *run, struct bench *bench)
{
    double best = 1e9;
    int calls = 1;
    run(bench);
    for (int trial = 0; trial < TRIALS; trial++) {
        double start = moe_clock(), spent;
        for (int i = 0; i < calls; i++)
            run(bench);
        spent = moe_clock() - start;
        if (spent < 1e-3) {
            calls *= 2;
            trial--;
        } else if (spent / calls < best) {
            best = spent / calls;
        }
    }
    return best;
}

/* A call and an element, from calls of two lengths; a body makes ROWS calls of n elements. */
static struct moe_rate rate_of(body *run, struct bench *bench, int few, int many)
{
    bench->n = few;
    const double low = seconds_of(run, bench) / ROWS;
    bench->n = many;
    const double high = seconds_of(run, bench) / ROWS;
    const double element = high > low ? (high - low) / (many - few) : high / many;
    const double call = low - few * element;
    return (struct moe_rate){call > 0 ? call : 0, element};
}

static void copy(struct bench *b)
{
    for (int i = 0; i < ROWS; i++)
        moe_add(b->a + i * SIDE, b->b + i * SIDE, b->n);
}

/* The same for two long vectors of which b->n elements are used. */
static void stream(struct bench *b)
{
    moe_add(b->a, b->b, b->n);
}

static void norm(struct bench *b)
{
    moe_norm(b->a, b->c, b->b, b->d, b->d, ROWS, b->n);
}

static void norm_backward(struct bench *b)
{
    moe_norm_backward(b->a, b->d, b->d + SIDE, b->b, b->b, b->c, b->d + 2 * SIDE, ROWS, b->n);
}

/* A causal mask makes rows of all lengths up to twice their mean; what is left over from full vectors costs more. */
static int mixed_length(const struct bench *b, int row)
{
    return 1 + 2 * (b->n - 1) * row / (ROWS - 1);
}

static void softmax(struct bench *b)
{
    for (int i = 0; i < ROWS; i++)
        moe_softmax(b->a + i * SIDE, b->b + i * SIDE, mixed_length(b, i));
}

static void softmax_backward(struct bench *b)
{
    for (int i = 0; i < ROWS; i++)
        moe_softmax_backward(b->a + i * SIDE, b->b + i * SIDE, b->c, mixed_length(b, i));
}

static void loss(struct bench *b)
{
    static const int32_t target[ROWS];
    moe_loss_cross_entropy(b->a, b->b, target, ROWS, b->n, 1);
    moe_count_correct(b->b, target, ROWS, b->n);
}

static void gelu(struct bench *b)
{
    for (int i = 0; i < ROWS; i++)
        moe_gelu(b->a + i * SIDE, b->b + i * SIDE, b->n);
}

static void gelu_backward(struct bench *b)
{
    memcpy(b->c, b->b, (size_t)(ROWS * SIDE) * sizeof *b->c);
    for (int i = 0; i < ROWS; i++)
        moe_gelu_backward(b->c + i * SIDE, b->a + i * SIDE, b->b + i * SIDE, b->n);
}

static void route(struct bench *b)
{
    const struct moe_routing routing = {b->n, 2, MOE_TOPK_SOFTMAX};
    moe_route(&routing, b->choice, b->a, b->c, b->load, b->sums, b->b, ROWS, NULL, b->d);
}

static void route_backward(struct bench *b)
{
    const struct moe_routing routing = {b->n, 2, MOE_TOPK_SOFTMAX};
    for (int i = 0; i < 2 * ROWS; i++)
        b->choice[i] = (int16_t)(i % 2);
    moe_route_backward(&routing, b->a, b->b, b->b, b->choice, b->b, ROWS, b->sums, 0.01, ROWS, b->d);
}

static void adamw(struct bench *b)
{
    const struct moe_adamw step = {1e-3, 0.01, 0.9, 0.999, 1e-8, 0.5, 0.5};
    for (int i = 0; i < ROWS; i++)
        moe_adamw(b->a + i * SIDE, b->b + i * SIDE, b->c + i * SIDE, b->d + i * SIDE, b->n, &step);
}

static void product(struct bench *b)
{
    if (b->product == MOE_PRODUCT_MAP)
        moe_matmul(b->a, b->n, b->rows, b->n, b->n, 1, moe_plain(b->b, b->n), moe_transposed(b->c, b->n), 0);
    else
        moe_matmul(b->a, b->n, b->n, b->n, b->rows, 1, moe_transposed(b->b, b->n), moe_plain(b->c, b->n), 0);
}

/* The best of several sweeps, as another program may take the core for a while. */
static void products(struct moe_machine *machine, struct bench *bench)
{
    memset(machine->rate, 0, sizeof machine->rate);
    for (int i = 0; i < SWEEPS * MOE_PRODUCTS * MOE_RATE_SIDES * MOE_RATE_ROWS; i++) {
        const int r = i % MOE_RATE_ROWS, s = i / MOE_RATE_ROWS % MOE_RATE_SIDES;
        double *rate = &machine->rate[i / MOE_RATE_ROWS / MOE_RATE_SIDES % MOE_PRODUCTS][s][r];
        bench->product = (enum moe_product)(i / MOE_RATE_ROWS / MOE_RATE_SIDES % MOE_PRODUCTS);
        bench->rows = (int)moe_machine_rows(r);
        bench->n = (int)moe_machine_side(s);
        const double now = 2.0 * bench->rows * bench->n * bench->n / seconds_of(product, bench);
        *rate = now > *rate ? now : *rate;
    }
}

static void fetch(struct bench *b)
{
    for (int i = 0; i < ROWS; i++)
        moe_data_fetch(b->data, MOE_SPLIT_TRAIN, i, b->batch, i);
}

/* Seconds of one sequence of a source; with targets, or without. Tells the cosines of a torus' target. */
static double fetch_seconds(const struct moe_run *settings, const struct moe_input *input, int targets, int *cosines)
{
    struct moe_run run = *settings;
    struct moe_error err = {0};
    struct moe_data *data;
    struct moe_batch batch;
    if (moe_data_open(&data, &run, input, &err) != MOE_OK)
        moe_fatal(MOE_BUG, "calibrate: %s", err.text);
    if (targets)
        moe_batch_new(&batch, data, ROWS);
    else
        moe_batch_new_inputs(&batch, data, ROWS);
    *cosines = moe_data_cosines(data);
    struct bench bench = {.data = data, .batch = &batch};
    const double seconds = seconds_of(fetch, &bench) / ROWS;
    moe_batch_free(&batch);
    moe_data_free(data);
    return seconds;
}

static struct moe_rate line(double few, double low, double many, double high)
{
    const double element = high > low ? (high - low) / (many - few) : high / many;
    return (struct moe_rate){low > few * element ? low - few * element : 0, element};
}

static void torus(struct moe_machine *machine)
{
    enum { FEW = 2, MANY = 6 };
    struct moe_run run;
    double point[2], whole[2];
    int cosines[2];
    const struct moe_input none = {0};
    moe_config_default(&run);
    for (int i = 0; i < 2; i++) {
        run.data.dim = i ? MANY : FEW;
        point[i] = fetch_seconds(&run, &none, 0, &cosines[i]);
        whole[i] = fetch_seconds(&run, &none, 1, &cosines[i]);
    }
    machine->work[MOE_WORK_POINT] = line(FEW, point[0], MANY, point[1]);
    machine->work[MOE_WORK_TARGET] = line(cosines[0], whole[0] - point[0], cosines[1], whole[1] - point[1]);
}

static void text(struct moe_machine *machine)
{
    enum { BYTES = 1 << 16, FEW = 16, MANY = 256 };
    struct moe_run run;
    struct moe_input input = {.count = 1, .size = {BYTES}};
    double seconds[2];
    int none;
    moe_config_default(&run);
    run.data.source = MOE_TEXT;
    run.train.loss = MOE_CROSS_ENTROPY;
    run.data.test_n = 1;
    input.bytes[0] = moe_pool_new(MOE_POOL_DATA, BYTES, 1);
    for (int i = 0; i < 2; i++) {
        run.data.tokens = i ? MANY : FEW;
        seconds[i] = fetch_seconds(&run, &input, 1, &none);
    }
    moe_pool_free(input.bytes[0]);
    machine->work[MOE_WORK_TEXT] = line(FEW, seconds[0], MANY, seconds[1]);
}

/* Writes a big-endian number. */
static void put(unsigned char *at, unsigned value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (24 - 8 * i));
}

static void images(struct moe_machine *machine)
{
    enum { SMALL = 14, LARGE = 28, HEAD = 16, LABEL_HEAD = 8 };
    struct moe_run run;
    double seconds[2];
    int none;
    moe_config_default(&run);
    run.data.source = MOE_IDX;
    run.train.loss = MOE_CROSS_ENTROPY;
    run.data.n = run.data.test_n = ROWS;
    for (int i = 0; i < 2; i++) {
        const unsigned side = i ? LARGE : SMALL;
        struct moe_input input = {.count = MOE_INPUTS};
        for (int f = 0; f < MOE_INPUTS; f++) {
            const int labels = f % 2;
            input.size[f] = labels ? LABEL_HEAD + ROWS : HEAD + ROWS * side * side;
            input.bytes[f] = moe_pool_new(MOE_POOL_DATA, input.size[f], 1);
            put(input.bytes[f], 0x800 | (labels ? 1 : 3));
            put(input.bytes[f] + 4, ROWS);
            if (!labels) {
                put(input.bytes[f] + 8, side);
                put(input.bytes[f] + 12, side);
            }
        }
        seconds[i] = fetch_seconds(&run, &input, 1, &none);
        moe_input_clear(&input);
    }
    machine->work[MOE_WORK_IMAGE] = line(SMALL * SMALL, seconds[0], LARGE * LARGE, seconds[1]);
}

/* What an element costs more where it is not near, and where that begins: half way between both. */
static void far_work(struct moe_machine *machine)
{
    enum { NEAR = 1 << 15, FAR = 1 << 25 };
    struct bench bench = {.a = moe_pool_new(MOE_POOL_DATA, FAR, sizeof *bench.a),
                          .b = moe_pool_new(MOE_POOL_DATA, FAR, sizeof *bench.b)};
    double element[32];
    int sizes = 0;
    for (int n = NEAR; n <= FAR; n *= 2) {
        bench.n = n;
        element[sizes++] = seconds_of(stream, &bench) / n;
    }
    const double more = element[sizes - 1] - element[0];
    int near = 0;
    while (near + 1 < sizes && element[near + 1] < element[0] + more / 2)
        near++;
    machine->work[MOE_WORK_FAR] = (struct moe_rate){0, more > 0 ? more : 0};
    machine->cache = 2 * (double)sizeof(moe_real) * ldexp(NEAR, near);
    moe_pool_free(bench.a);
    moe_pool_free(bench.b);
}

/* Counts SEQUENCES sequences of T tokens under a uniform router, then merges the records as one rank does. */
static double census_seconds(int tokens, double *patterns, double *merge, double *records)
{
    const struct moe_census_shape shape = {
        .tokens = tokens, .layers = 2, .experts = 8, .top_k = 2, .sequences = SEQUENCES, .batch = 1024, .seed = 1};
    struct moe_counter *counter = moe_counter_new(&shape);
    const struct moe_scope *scope;
    const int scopes = moe_counter_scopes(counter, &scope), sites = tokens * shape.layers;
    int16_t *choices = moe_pool_new(MOE_POOL_CENSUS, (size_t)(SEQUENCES * sites * 2), sizeof *choices);
    struct moe_random random;
    moe_random_init(&random, 1, MOE_STREAM_TRAIN, 0, 0);
    for (int i = 0; i < SEQUENCES * sites; i++) {
        choices[2 * i] = (int16_t)moe_random_below(&random, 8);
        choices[2 * i + 1] = (int16_t)((choices[2 * i] + 1 + (int)moe_random_below(&random, 7)) % 8);
    }
    double start = moe_clock();
    for (int i = 0; i < SEQUENCES; i++)
        moe_counter_add(counter, i, choices + 2 * i * sites);
    const double seconds = (moe_clock() - start) / SEQUENCES;
    *patterns = *records = 0;
    start = moe_clock();
    for (int s = 0; s < scopes; s++) {
        struct moe_record *record;
        struct moe_cell *cells;
        int64_t count = moe_counter_take(counter, s, &record);
        *patterns += (double)scope[s].samples;
        *records += (double)count;
        count = moe_records_combine(record, count);
        moe_records_cells(&shape, &scope[s], record, count, &cells);
        moe_pool_free(cells);
        moe_pool_free(record);
    }
    *merge = moe_clock() - start;
    moe_pool_free(choices);
    moe_counter_free(counter);
    return seconds;
}

static void census(struct moe_machine *machine)
{
    double patterns[2], merge, records, seconds[2] = {1e9, 1e9}, by_record = 1e9;
    for (int trial = 0; trial < TRIALS; trial++)
        for (int i = 0; i < 2; i++) {
            const double spent = census_seconds(i ? 32 : 8, &patterns[i], &merge, &records);
            seconds[i] = spent < seconds[i] ? spent : seconds[i];
            by_record = merge / records < by_record ? merge / records : by_record;
        }
    machine->work[MOE_WORK_COUNT] = line(patterns[0], seconds[0], patterns[1], seconds[1]);
    machine->work[MOE_WORK_MERGE] = (struct moe_rate){0, by_record};
}

void moe_calibrate_work(struct moe_machine *machine)
{
    const size_t size = MOST_ROWS * SIDE;
    struct bench bench = {.choice = moe_pool_new(MOE_POOL_DATA, 2 * ROWS, sizeof(int16_t)),
                          .load = moe_pool_new(MOE_POOL_DATA, SIDE, sizeof(int64_t)),
                          .sums = moe_pool_new(MOE_POOL_DATA, SIDE, sizeof(double))};
    moe_real **const block[] = {&bench.a, &bench.b, &bench.c, &bench.d};
    for (int i = 0; i < 4; i++) {
        *block[i] = moe_pool_new(MOE_POOL_DATA, size, sizeof(moe_real));
        for (size_t j = 0; j < size; j++)
            (*block[i])[j] = (moe_real)(0.25 + 0.001 * (double)(j * 7919 % 1000));
    }
    const struct {
        enum moe_work work;
        body *run;
        int few, many;
    } kinds[] = {{MOE_WORK_COPY, copy, 32, 512},
                 {MOE_WORK_NORM, norm, 32, 512},
                 {MOE_WORK_NORM_BACKWARD, norm_backward, 32, 512},
                 {MOE_WORK_SOFTMAX, softmax, 16, 128},
                 {MOE_WORK_SOFTMAX_BACKWARD, softmax_backward, 16, 128},
                 {MOE_WORK_LOSS, loss, 16, 256},
                 {MOE_WORK_GELU, gelu, 32, 512},
                 {MOE_WORK_GELU_BACKWARD, gelu_backward, 32, 512},
                 {MOE_WORK_ROUTE, route, 8, 64},
                 {MOE_WORK_ROUTE_BACKWARD, route_backward, 8, 64},
                 {MOE_WORK_ADAMW, adamw, 32, 512}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        machine->work[kinds[i].work] = rate_of(kinds[i].run, &bench, kinds[i].few, kinds[i].many);
    products(machine, &bench);
    for (int i = 0; i < 4; i++)
        moe_pool_free(*block[i]);
    moe_pool_free(bench.choice);
    moe_pool_free(bench.load);
    moe_pool_free(bench.sums);
    far_work(machine);
    torus(machine);
    text(machine);
    images(machine);
    census(machine);
}
