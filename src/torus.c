#include "src/torus.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <math.h>
#include <string.h>

#include "src/pool.h"
#include "src/random.h"

enum { WIDTH = MOE_TORUS_WIDTH, HIDDEN = MOE_TORUS_HIDDEN, DIM_MAX = 64 };

/* Beyond this a frequency times a double in [0, 2 pi) keeps too few digits of its phase. */
#define FREQUENCY_MAX 0x1p30

struct moe_torus {
    uint64_t seed;
    int dim, terms;
    double noise, clip;
    double *inner;                              /* G1 [2 dim, HIDDEN] */
    double *shift;                              /* [HIDDEN] */
    double *outer;                              /* G2 [HIDDEN, WIDTH] */
    double *frequency;                          /* [terms, dim], whole numbers */
    double *amplitude, *phase;                  /* [terms] */
    double mean[WIDTH + 1], deviation[WIDTH + 1]; /* of the coordinates, then of the target */
};

static const enum moe_stream streams[MOE_SPLITS] = {MOE_STREAM_TRAIN, MOE_STREAM_TEST, MOE_STREAM_CENSUS};

static void draw_point(const struct moe_torus *torus, enum moe_stream stream, int64_t index, double *z)
{
    struct moe_random random;
    moe_random_init(&random, torus->seed, stream, (uint64_t)index, 0);
    for (int i = 0; i < torus->dim; i++)
        z[i] = 2 * M_PI * moe_random_uniform(&random);
}

static void embed(const struct moe_torus *torus, const double *z, double *x)
{
    double hidden[HIDDEN];
    memcpy(hidden, torus->shift, sizeof hidden);
    for (int i = 0; i < 2 * torus->dim; i++) {
        double u = i < torus->dim ? cos(z[i]) : sin(z[i - torus->dim]);
        for (int j = 0; j < HIDDEN; j++)
            hidden[j] += u * torus->inner[i * HIDDEN + j];
    }
    memset(x, 0, WIDTH * sizeof *x);
    for (int j = 0; j < HIDDEN; j++) {
        double h = tanh(hidden[j]);
        for (int i = 0; i < WIDTH; i++)
            x[i] += h * torus->outer[j * WIDTH + i];
    }
}

static double target(const struct moe_torus *torus, const double *z)
{
    double sum = 0;
    for (int j = 0; j < torus->terms; j++) {
        double angle = torus->phase[j];
        for (int i = 0; i < torus->dim; i++)
            angle += torus->frequency[j * torus->dim + i] * z[i];
        sum += torus->amplitude[j] * cos(angle);
    }
    return sum;
}

static void draw_embedding(struct moe_torus *torus)
{
    struct moe_random random;
    int rows = 2 * torus->dim;
    torus->inner = moe_pool_new(MOE_POOL_DATA, (size_t)rows * HIDDEN, sizeof(double));
    torus->shift = moe_pool_new(MOE_POOL_DATA, HIDDEN, sizeof(double));
    torus->outer = moe_pool_new(MOE_POOL_DATA, HIDDEN * WIDTH, sizeof(double));
    moe_random_init(&random, torus->seed, MOE_STREAM_TARGET, 0, 0);
    for (int i = 0; i < rows * HIDDEN; i++)
        torus->inner[i] = moe_random_normal(&random) / sqrt(rows);
    moe_random_init(&random, torus->seed, MOE_STREAM_TARGET, 1, 0);
    for (int i = 0; i < HIDDEN; i++)
        torus->shift[i] = 2 * moe_random_uniform(&random) - 1;
    moe_random_init(&random, torus->seed, MOE_STREAM_TARGET, 2, 0);
    for (int i = 0; i < HIDDEN * WIDTH; i++)
        torus->outer[i] = moe_random_normal(&random) / sqrt(HIDDEN);
}

/* GSL ends the process when its quantile does not converge, unless its handler is off; it then returns NaN. */
static double chi_square_quantile(double p, double freedom)
{
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    double quantile = gsl_cdf_chisq_Pinv(p, freedom);
    gsl_set_error_handler(handler);
    return quantile;
}

/* Adds amplitude cos(frequency . z + phase) to the sum. Cosines of the same frequency, up to its sign, are one cosine:
 * merging them makes the sum short in low dimension, where a fetch spends most of its time here. */
static void add_term(struct moe_torus *torus, const double *frequency, double amplitude, double phase)
{
    int dim = torus->dim, j;
    double sign = 0;
    for (int i = 0; i < dim && sign == 0; i++)
        sign = frequency[i] > 0 ? 1 : frequency[i] < 0 ? -1 : 0;
    if (sign == 0)
        return;
    double canonical[DIM_MAX];
    for (int i = 0; i < dim; i++)
        canonical[i] = sign * frequency[i] + 0.0; /* + 0.0 turns -0 into 0, for memcmp */
    for (j = 0; j < torus->terms; j++)
        if (!memcmp(torus->frequency + j * dim, canonical, dim * sizeof *canonical))
            break;
    if (j == torus->terms) {
        memcpy(torus->frequency + j * dim, canonical, dim * sizeof *canonical);
        torus->terms++;
    }
    double real = torus->amplitude[j] * cos(torus->phase[j]) + amplitude * cos(phase);
    double imaginary = torus->amplitude[j] * sin(torus->phase[j]) + sign * amplitude * sin(phase);
    torus->amplitude[j] = hypot(real, imaginary);
    torus->phase[j] = atan2(imaginary, real);
}

static enum moe_status draw_target(struct moe_torus *torus, double beta, double scale, struct moe_error *err)
{
    int dim = torus->dim;
    torus->frequency = moe_pool_new(MOE_POOL_DATA, (size_t)MOE_TORUS_TERMS * dim, sizeof(double));
    torus->amplitude = moe_pool_new(MOE_POOL_DATA, MOE_TORUS_TERMS, sizeof(double));
    torus->phase = moe_pool_new(MOE_POOL_DATA, MOE_TORUS_TERMS, sizeof(double));
    for (int j = 0; j < MOE_TORUS_TERMS; j++) {
        struct moe_random random;
        double frequency[DIM_MAX];
        moe_random_init(&random, torus->seed, MOE_STREAM_TARGET, 3, (uint32_t)j);
        double amplitude = moe_random_normal(&random);
        double phase = 2 * M_PI * moe_random_uniform(&random);
        for (int i = 0; i < dim; i++)
            frequency[i] = moe_random_normal(&random);
        double spread = sqrt(chi_square_quantile(moe_random_uniform(&random), 2 * beta) / (2 * beta));
        for (int i = 0; i < dim; i++) {
            frequency[i] = round(scale * frequency[i] / spread);
            if (!(fabs(frequency[i]) <= FREQUENCY_MAX))
                return moe_fail(err, MOE_USAGE, "data.beta=%g with data.scale=%g makes target frequencies beyond %g "
                                "(raise data.beta or lower data.scale)", beta, scale, FREQUENCY_MAX);
        }
        add_term(torus, frequency, amplitude, phase);
    }
    if (torus->terms == 0)
        return moe_fail(err, MOE_USAGE, "data.scale=%g rounds every target frequency to zero (raise data.scale)",
                        scale);
    return MOE_OK;
}

static void standardise(struct moe_torus *torus)
{
    enum { ROW = WIDTH + 1 };
    double *value = moe_pool_new(MOE_POOL_DATA, (size_t)MOE_TORUS_POINTS * ROW, sizeof *value);
    for (int p = 0; p < MOE_TORUS_POINTS; p++) {
        double z[DIM_MAX];
        draw_point(torus, MOE_STREAM_SCALE, p, z);
        embed(torus, z, value + p * ROW);
        value[p * ROW + WIDTH] = target(torus, z);
    }
    for (int i = 0; i < ROW; i++) {
        double sum = 0, squares = 0;
        for (int p = 0; p < MOE_TORUS_POINTS; p++)
            sum += value[p * ROW + i];
        torus->mean[i] = sum / MOE_TORUS_POINTS;
        for (int p = 0; p < MOE_TORUS_POINTS; p++)
            squares += pow(value[p * ROW + i] - torus->mean[i], 2);
        torus->deviation[i] = sqrt(squares / MOE_TORUS_POINTS);
    }
    moe_pool_free(value);
}

static void describe(const struct moe_torus *torus, const struct moe_run *run, struct moe_task *task, int64_t *count)
{
    double largest = fabs(torus->mean[WIDTH]);
    for (int j = 0; j < torus->terms; j++)
        largest += torus->amplitude[j];
    *task = (struct moe_task){.tokens = run->data.tokens,
                              .features = WIDTH / run->data.tokens,
                              .outputs = 1,
                              .independent = 1,
                              .bound = largest / torus->deviation[WIDTH] + torus->noise * torus->clip};
    count[MOE_SPLIT_TRAIN] = run->data.n ? run->data.n : INT64_MAX;
    count[MOE_SPLIT_TEST] = run->data.test_n;
    count[MOE_SPLIT_CENSUS] = INT64_MAX;
}

enum moe_status moe_torus_open(struct moe_torus **torus, const struct moe_run *run, struct moe_task *task,
                               int64_t *count, struct moe_error *err)
{
    *torus = NULL;
    if (run->train.loss != MOE_SQUARED)
        return moe_fail(err, MOE_USAGE, "the torus source has no classes: train.loss must be squared");
    if (run->data.tokens < 1 || WIDTH % run->data.tokens)
        return moe_fail(err, MOE_USAGE, "data.tokens=%d does not divide the torus source's %d numbers (1, 2, 4, 8, 16 "
                        "or 32 work)", run->data.tokens, WIDTH);
    if (run->data.dim < 1 || run->data.dim > DIM_MAX)
        return moe_fail(err, MOE_USAGE, "data.dim=%d is not in 1..%d", run->data.dim, DIM_MAX);
    struct moe_torus *made = moe_pool_new(MOE_POOL_DATA, 1, sizeof *made);
    made->seed = run->data.seed;
    made->dim = run->data.dim;
    made->noise = run->data.noise;
    made->clip = run->data.clip;
    draw_embedding(made);
    if (draw_target(made, run->data.beta, run->data.scale, err)) {
        moe_torus_free(made);
        return err->code;
    }
    standardise(made);
    describe(made, run, task, count);
    *torus = made;
    return MOE_OK;
}

void moe_torus_free(struct moe_torus *torus)
{
    if (!torus)
        return;
    moe_pool_free(torus->inner);
    moe_pool_free(torus->shift);
    moe_pool_free(torus->outer);
    moe_pool_free(torus->frequency);
    moe_pool_free(torus->amplitude);
    moe_pool_free(torus->phase);
    moe_pool_free(torus);
}

int moe_torus_cosines(const struct moe_torus *torus)
{
    return torus->terms;
}

static double draw_noise(const struct moe_torus *torus, enum moe_split split, int64_t index)
{
    struct moe_random random;
    moe_random_init(&random, torus->seed, MOE_STREAM_NOISE, (uint64_t)index, split);
    return torus->noise * fmax(-torus->clip, fmin(torus->clip, moe_random_normal(&random)));
}

void moe_torus_fetch(const struct moe_torus *torus, enum moe_split split, int64_t index, struct moe_batch *batch,
                     int slot)
{
    double z[DIM_MAX], x[WIDTH];
    draw_point(torus, streams[split], index, z);
    if (batch->x) {
        embed(torus, z, x);
        for (int i = 0; i < WIDTH; i++)
            batch->x[(size_t)slot * WIDTH + i] = (moe_real)((x[i] - torus->mean[i]) / torus->deviation[i]);
    }
    if (!batch->y && !batch->clean)
        return;
    double clean = (target(torus, z) - torus->mean[WIDTH]) / torus->deviation[WIDTH];
    if (batch->clean)
        batch->clean[slot] = clean;
    if (batch->y)
        batch->y[slot] = (moe_real)(clean + draw_noise(torus, split, index));
}
