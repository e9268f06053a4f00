/* The torus source against a second, plain computation, and the properties that the theory leans on. */
#include "src/torus.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/pool.h"
#include "src/random.h"
#include "tests/tap.h"

enum { DIM_MAX = 8, ROW = MOE_TORUS_WIDTH + 1 };

#ifdef MOE_DOUBLE
#define REAL_TOLERANCE 1e-11
#else
#define REAL_TOLERANCE 1e-6
#endif

/* The larger of the two, and beyond all bounds for a NaN, which fmax would lose. */
static double worse(double worst, double error)
{
    return isnan(error) ? INFINITY : fmax(worst, error);
}

static struct moe_run settings(int dim, double beta, int tokens)
{
    struct moe_run run = {0};
    run.data.source = MOE_TORUS;
    run.data.n = 100;
    run.data.test_n = 50;
    run.data.seed = 7;
    run.data.tokens = tokens;
    run.data.dim = dim;
    run.data.beta = beta;
    run.data.scale = 1;
    run.data.noise = 0.1;
    run.data.clip = 4;
    run.train.batch = 16;
    run.train.loss = MOE_SQUARED;
    return run;
}

static struct moe_data *must_open(struct moe_run *run)
{
    struct moe_data *data;
    struct moe_error err = {0};
    if (moe_data_open(&data, run, NULL, &err))
        bail("cannot open: %s", err.text);
    return data;
}

/* The plain twin, straight from the definition: all 512 terms, one cosine each. The quantile of the chi-square law with
 * 2 or 4 degrees of freedom is found by bisection of its closed form. */
static double plain_quantile(double p, double freedom)
{
    double low = 0, high = 1e3;
    for (int i = 0; i < 200; i++) {
        double q = (low + high) / 2, cdf = 1 - exp(-q / 2) * (freedom == 4 ? 1 + q / 2 : 1);
        if (cdf < p)
            low = q;
        else
            high = q;
    }
    return low;
}

struct plain {
    double inner[2 * DIM_MAX][MOE_TORUS_HIDDEN], shift[MOE_TORUS_HIDDEN], outer[MOE_TORUS_HIDDEN][MOE_TORUS_WIDTH];
    double c[MOE_TORUS_TERMS], phase[MOE_TORUS_TERMS], w[MOE_TORUS_TERMS][DIM_MAX];
};

static void plain_draw(struct plain *plain, const struct moe_run *run)
{
    struct moe_random random;
    int d = run->data.dim;
    moe_random_init(&random, run->data.seed, MOE_STREAM_TARGET, 0, 0);
    for (int i = 0; i < 2 * d; i++)
        for (int j = 0; j < MOE_TORUS_HIDDEN; j++)
            plain->inner[i][j] = sqrt(1.0 / (2 * d)) * moe_random_normal(&random);
    moe_random_init(&random, run->data.seed, MOE_STREAM_TARGET, 1, 0);
    for (int j = 0; j < MOE_TORUS_HIDDEN; j++)
        plain->shift[j] = -1 + 2 * moe_random_uniform(&random);
    moe_random_init(&random, run->data.seed, MOE_STREAM_TARGET, 2, 0);
    for (int j = 0; j < MOE_TORUS_HIDDEN; j++)
        for (int i = 0; i < MOE_TORUS_WIDTH; i++)
            plain->outer[j][i] = sqrt(1.0 / MOE_TORUS_HIDDEN) * moe_random_normal(&random);
    for (int j = 0; j < MOE_TORUS_TERMS; j++) {
        moe_random_init(&random, run->data.seed, MOE_STREAM_TARGET, 3, (uint32_t)j);
        plain->c[j] = moe_random_normal(&random);
        plain->phase[j] = 2 * M_PI * moe_random_uniform(&random);
        for (int i = 0; i < d; i++)
            plain->w[j][i] = moe_random_normal(&random);
        double freedom = 2 * run->data.beta, quantile = plain_quantile(moe_random_uniform(&random), freedom);
        int zero = 1;
        for (int i = 0; i < d; i++) {
            plain->w[j][i] = round(run->data.scale * plain->w[j][i] * sqrt(freedom / quantile));
            zero = zero && plain->w[j][i] == 0;
        }
        if (zero)
            plain->c[j] = 0;
    }
}

static void plain_raw(const struct plain *plain, const struct moe_run *run, enum moe_stream stream, uint64_t index,
                      double *row)
{
    double z[DIM_MAX];
    struct moe_random random;
    int d = run->data.dim;
    moe_random_init(&random, run->data.seed, stream, index, 0);
    for (int i = 0; i < d; i++)
        z[i] = 2 * M_PI * moe_random_uniform(&random);
    memset(row, 0, ROW * sizeof *row);
    for (int j = 0; j < MOE_TORUS_HIDDEN; j++) {
        double sum = plain->shift[j];
        for (int i = 0; i < d; i++)
            sum += cos(z[i]) * plain->inner[i][j] + sin(z[i]) * plain->inner[d + i][j];
        for (int i = 0; i < MOE_TORUS_WIDTH; i++)
            row[i] += tanh(sum) * plain->outer[j][i];
    }
    for (int j = 0; j < MOE_TORUS_TERMS; j++) {
        double angle = plain->phase[j];
        for (int i = 0; i < d; i++)
            angle += plain->w[j][i] * z[i];
        row[MOE_TORUS_WIDTH] += plain->c[j] * cos(angle);
    }
}

/* Means and deviations [ROW] of the raw rows over the points of stream scale. */
static void plain_moments(const struct plain *plain, const struct moe_run *run, double *mean, double *deviation)
{
    static double rows[MOE_TORUS_POINTS][ROW];
    for (int p = 0; p < MOE_TORUS_POINTS; p++)
        plain_raw(plain, run, MOE_STREAM_SCALE, (uint64_t)p, rows[p]);
    for (int i = 0; i < ROW; i++) {
        mean[i] = deviation[i] = 0;
        for (int p = 0; p < MOE_TORUS_POINTS; p++)
            mean[i] += rows[p][i] / MOE_TORUS_POINTS;
        for (int p = 0; p < MOE_TORUS_POINTS; p++)
            deviation[i] += (rows[p][i] - mean[i]) * (rows[p][i] - mean[i]) / MOE_TORUS_POINTS;
        deviation[i] = sqrt(deviation[i]);
    }
}

static void test_against_plain(int dim, double beta)
{
    static const enum moe_stream streams[MOE_SPLITS] = {MOE_STREAM_TRAIN, MOE_STREAM_TEST, MOE_STREAM_CENSUS};
    static const int64_t index[MOE_SPLITS][2] = {{0, 99}, {0, 49}, {3, INT64_C(5000000000)}};
    struct moe_run run = settings(dim, beta, 4);
    struct moe_data *data = must_open(&run);
    struct moe_batch batch;
    double mean[ROW], deviation[ROW], row[ROW], worst_x = 0, worst_clean = 0, worst_y = 0;
    static struct plain plain;
    plain_draw(&plain, &run);
    plain_moments(&plain, &run, mean, deviation);
    moe_batch_new(&batch, data, 2);
    for (int split = 0; split < MOE_SPLITS; split++)
        for (int i = 0; i < 2; i++) {
            struct moe_random random;
            moe_data_fetch(data, split, index[split][i], &batch, 1);
            plain_raw(&plain, &run, streams[split], (uint64_t)index[split][i], row);
            for (int j = 0; j < MOE_TORUS_WIDTH; j++)
                worst_x = worse(worst_x, fabs(batch.x[MOE_TORUS_WIDTH + j] - (row[j] - mean[j]) / deviation[j]));
            double clean = (row[MOE_TORUS_WIDTH] - mean[MOE_TORUS_WIDTH]) / deviation[MOE_TORUS_WIDTH];
            moe_random_init(&random, run.data.seed, MOE_STREAM_NOISE, (uint64_t)index[split][i], (uint32_t)split);
            worst_clean = worse(worst_clean, fabs(batch.clean[1] - clean));
            worst_y = worse(worst_y, fabs(batch.y[1] - clean - 0.1 * moe_random_normal(&random)));
        }
    ok(worst_x < REAL_TOLERANCE, "d=%d beta=%g: inputs as computed plainly (off by %.1e)", dim, beta, worst_x);
    ok(worst_clean < 1e-10, "d=%d beta=%g: clean target as computed plainly (off by %.1e)", dim, beta, worst_clean);
    double bound = fabs(mean[MOE_TORUS_WIDTH]);
    for (int j = 0; j < MOE_TORUS_TERMS; j++)
        bound += fabs(plain.c[j]);
    bound = bound / deviation[MOE_TORUS_WIDTH] + 0.1 * 4;
    ok(moe_data_task(data)->bound < bound, "d=%d beta=%g: merged terms make the bound %.1f, below %.1f", dim, beta,
       moe_data_task(data)->bound, bound);
    ok(worst_y < REAL_TOLERANCE, "d=%d beta=%g: target with noise as computed plainly (off by %.1e)", dim, beta,
       worst_y);
    moe_batch_free(&batch);
    moe_data_free(data);
}

static void test_moments(int dim)
{
    enum { N = 20000 };
    struct moe_run run = settings(dim, 2, 8);
    struct moe_data *data = must_open(&run);
    struct moe_batch batch;
    double sum[ROW] = {0}, squares[ROW] = {0}, noise = 0, largest = 0, worst_mean = 0, worst_square = 0;
    moe_batch_new(&batch, data, 1);
    for (int64_t i = 0; i < N; i++) {
        moe_data_fetch(data, MOE_SPLIT_CENSUS, i, &batch, 0);
        for (int j = 0; j < ROW; j++) {
            double value = j < MOE_TORUS_WIDTH ? batch.x[j] : batch.clean[0];
            sum[j] += value / N;
            squares[j] += value * value / N;
        }
        noise += pow(batch.y[0] - batch.clean[0], 2) / N;
        largest = worse(largest, fabs((double)batch.y[0]));
    }
    for (int j = 0; j < ROW; j++) {
        worst_mean = worse(worst_mean, fabs(sum[j]));
        worst_square = worse(worst_square, fabs(squares[j] - 1));
    }
    /* Two samples err: these N points and the 4096 that fixed the moments; five deviations of their difference. */
    ok(worst_mean < 5 * sqrt(1.0 / N + 1.0 / MOE_TORUS_POINTS), "d=%d: means are 0 (worst %.3f)", dim, worst_mean);
    ok(worst_square < 0.2, "d=%d: deviations are 1 (worst mean square off by %.3f)", dim, worst_square);
    ok(fabs(sqrt(noise) - 0.1) < 0.1 * 5 / sqrt(2.0 * N), "d=%d: noise has deviation 0.1 (%.4f)", dim, sqrt(noise));
    ok(largest <= moe_data_task(data)->bound, "d=%d: |y| <= %.2f (largest %.2f)", dim, moe_data_task(data)->bound,
       largest);
    moe_batch_free(&batch);
    moe_data_free(data);
}

static void test_clip(void)
{
    struct moe_run run = settings(2, 2, 8);
    run.data.clip = 0.5;
    run.data.noise = 0.25;
    struct moe_data *data = must_open(&run);
    struct moe_batch batch;
    int at_clip = 0, beyond = 0;
    moe_batch_new(&batch, data, 1);
    for (int64_t i = 0; i < 1000; i++) {
        moe_data_fetch(data, MOE_SPLIT_CENSUS, i, &batch, 0);
        double size = fabs(batch.y[0] - batch.clean[0]);
        at_clip += fabs(size - 0.125) < 1e-6;
        beyond += size > 0.125 + 1e-6;
    }
    is_int(beyond, 0, "no noise beyond clip deviations");
    ok(abs(at_clip - 617) < 80, "61.7 %% of the noise stands at half a deviation (%d of 1000)", at_clip);
    double bound = moe_data_task(data)->bound;
    moe_batch_free(&batch);
    moe_data_free(data);
    run.data.noise = 0;
    data = must_open(&run);
    is_close(moe_data_task(data)->bound + 0.125, bound, 1e-12, "the bound holds noise x clip");
    moe_batch_new(&batch, data, 1);
    moe_data_fetch(data, MOE_SPLIT_TRAIN, 1, &batch, 0);
    ok(batch.y[0] == (moe_real)batch.clean[0], "without noise y is the clean target");
    moe_batch_free(&batch);
    moe_data_free(data);
}

static void test_what_depends_on_what(void)
{
    enum { N = 20, WIDTH = MOE_TORUS_WIDTH };
    struct moe_run run = settings(2, 2, 8), other = settings(2, 1, 4), reseeded = settings(2, 2, 8);
    other.data.noise = 0.7;
    other.data.scale = 3;
    reseeded.data.seed = 8;
    struct moe_data *data = must_open(&run), *changed = must_open(&other), *fresh = must_open(&reseeded);
    struct moe_batch a, b, inputs;
    moe_batch_new(&a, data, N);
    moe_batch_new(&b, data, N);
    moe_batch_new_inputs(&inputs, data, 1);
    for (int i = 0; i < N; i++)
        moe_data_fetch(data, MOE_SPLIT_TRAIN, i, &a, i);
    for (int i = N - 1; i >= 0; i--)
        moe_data_fetch(data, MOE_SPLIT_TRAIN, i, &b, i);
    ok(!memcmp(a.x, b.x, N * WIDTH * sizeof *a.x) && !memcmp(a.y, b.y, N * sizeof *a.y)
       && !memcmp(a.clean, b.clean, N * sizeof *a.clean), "the order of fetches changes no bit");
    moe_data_fetch(changed, MOE_SPLIT_TRAIN, 5, &b, 0);
    ok(!memcmp(a.x + 5 * WIDTH, b.x, WIDTH * sizeof *a.x), "inputs do not depend on target, noise and tokens");
    ok(a.clean[5] != b.clean[0], "the target depends on beta and scale");
    moe_data_fetch(fresh, MOE_SPLIT_TRAIN, 5, &b, 0);
    ok(a.x[5 * WIDTH] != b.x[0] && a.clean[5] != b.clean[0], "another seed is another source");
    moe_data_fetch(data, MOE_SPLIT_TEST, 5, &b, 1);
    moe_data_fetch(data, MOE_SPLIT_CENSUS, 5, &b, 2);
    ok(a.x[5 * WIDTH] != b.x[WIDTH] && a.x[5 * WIDTH] != b.x[2 * WIDTH] && b.x[WIDTH] != b.x[2 * WIDTH],
       "splits hold different points");
    moe_data_fetch(data, MOE_SPLIT_TRAIN, 5, &inputs, 0);
    ok(!inputs.y && !inputs.clean && !inputs.target, "a batch of inputs has no targets");
    ok(!memcmp(a.x + 5 * WIDTH, inputs.x, WIDTH * sizeof *a.x), "a batch of inputs has the same inputs");
    moe_batch_free(&a);
    moe_batch_free(&b);
    moe_batch_free(&inputs);
    moe_data_free(data);
    moe_data_free(changed);
    moe_data_free(fresh);
}

static void refused(struct moe_run run, const char *part, const char *what)
{
    struct moe_error err = {0};
    struct moe_data *data;
    enum moe_status status = moe_data_open(&data, &run, NULL, &err);
    ok(status == MOE_USAGE && err.code == MOE_USAGE && !data, "refused: %s", what);
    ok(strstr(err.text, part) != NULL, "it says: %s", err.text);
}

static void test_refused(void)
{
    struct moe_run run = settings(2, 2, 5);
    refused(run, "data.tokens=5", "tokens that do not divide 32");
    run = settings(2, 2, 8);
    run.train.loss = MOE_CROSS_ENTROPY;
    refused(run, "squared", "cross-entropy");
    run = settings(2, 2, 8);
    run.data.scale = 1e-9;
    refused(run, "data.scale", "a scale that leaves no frequency");
    run = settings(2, 1e-3, 8);
    refused(run, "data.beta", "a beta that makes frequencies overflow");
    run = settings(1000, 2, 8);
    refused(run, "data.dim", "too many dimensions");
}

int main(void)
{
    size_t before = moe_pool_bytes(MOE_POOL_DATA);
    test_against_plain(2, 2);
    test_against_plain(3, 1);
    test_moments(1);
    test_moments(2);
    test_moments(4);
    test_clip();
    test_what_depends_on_what();
    test_refused();
    is_int((int64_t)moe_pool_bytes(MOE_POOL_DATA), (int64_t)before, "all memory was given back");
    return tap_done();
}
