/* Element-wise loops and short reductions against the mathematical library in double. */
#include "src/kernels.h"

#include <math.h>
#include <string.h>

#include "src/random.h"
#include "tests/tap.h"

enum { MANY = 4001, SMALL = 80 };

static void fill(moe_real *x, int n, uint64_t seed, double scale)
{
    struct moe_random random;
    moe_random_init(&random, seed, MOE_STREAM_NOISE, 0, 0);
    for (int i = 0; i < n; i++)
        x[i] = (moe_real)(scale * moe_random_normal(&random));
}

static double normal_cdf(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

static void test_gelu(void)
{
    static moe_real h[MANY], a[MANY], again[MANY], d[MANY];
    double value = 0, slope = 0;
    int same = 1;
    for (int i = 0; i < MANY; i++) {
        h[i] = (moe_real)(-10 + 20.0 * i / (MANY - 1));
        d[i] = 2;
    }
    moe_gelu(a, h, MANY);
    moe_gelu_backward(d, again, h, MANY);
    for (int i = 0; i < MANY; i++) {
        const double x = (double)h[i], size = fmax(1, fabs(x));
        const double density = exp(-x * x / 2) / sqrt(2 * M_PI);
        value = fmax(value, fabs((double)a[i] - x * normal_cdf(x)) / size);
        slope = fmax(slope, fabs((double)d[i] / 2 - normal_cdf(x) - x * density) / size);
        same &= again[i] == a[i];
    }
    ok(value < 2.5e-7, "gelu from -10 to 10 is off by %.2g", value);
    ok(slope < 2.5e-7, "its slope is off by %.2g", slope);
    ok(same, "the backward pass makes the same values once more");
    const moe_real far[] = {-1000, 1000, 0}, want[] = {0, 1000, 0};
    moe_gelu(a, far, 3);
    all_close(a, want, 3, 1e-30, "gelu far out, and at 0");
}

static void test_softmax(void)
{
    moe_real x[SMALL], p[SMALL];
    double want[SMALL];
    for (int n = 1; n <= SMALL; n += n < 20 ? 1 : 13) {
        double most = -INFINITY, sum = 0;
        fill(x, n, (uint64_t)n, 4);
        for (int i = 0; i < n; i++)
            most = fmax(most, (double)x[i]);
        for (int i = 0; i < n; i++)
            sum += want[i] = exp((double)x[i] - most);
        for (int i = 0; i < n; i++)
            want[i] /= sum;
        moe_softmax(p, x, n);
        all_close(p, want, n, 5e-7, "softmax of %d numbers", n);
        moe_softmax(x, x, n);
        ok(!memcmp(x, p, (size_t)n * sizeof *x), "softmax of %d numbers in place", n);
    }
    const moe_real wide[] = {1e4f, -1e4f, 1e4f}, halves[] = {0.5f, 0, 0.5f};
    moe_softmax(p, wide, 3);
    all_close(p, halves, 3, 1e-30, "softmax of numbers far apart");
    const moe_real bad[] = {1, NAN, 2};
    moe_softmax(p, bad, 3);
    ok(!isfinite(p[0] + p[1] + p[2]), "softmax of what is not a number is not finite");
}

static void test_norm(void)
{
    enum { ROWS = 3 };
    moe_real x[ROWS * SMALL], y[ROWS * SMALL], gain[SMALL], bias[SMALL], stats[2 * ROWS];
    double want[ROWS * SMALL];
    for (int n = 2; n <= SMALL; n += 13) {
        fill(x, ROWS * n, 1, 3);
        fill(gain, n, 2, 1);
        fill(bias, n, 3, 1);
        for (int row = 0; row < ROWS; row++) {
            double mean = 0, square = 0;
            for (int i = 0; i < n; i++)
                mean += (double)x[row * n + i] / n;
            for (int i = 0; i < n; i++)
                square += pow((double)x[row * n + i] - mean, 2) / n;
            for (int i = 0; i < n; i++)
                want[row * n + i] = ((double)x[row * n + i] - mean) / sqrt(square + 1e-5) * (double)gain[i] +
                                    (double)bias[i];
        }
        moe_norm(y, stats, x, gain, bias, ROWS, n);
        all_close(y, want, ROWS * n, 2e-6, "norm of rows of %d", n);
    }
    for (int i = 0; i < 16; i++)
        x[i] = 7;
    moe_norm(y, stats, x, gain, bias, 1, 16);
    all_close(y, bias, 16, 0, "the norm of a constant row is the bias");
}

/* Three steps, straight from the paper: moments, their correction, and decay beside the gradient. */
static void test_adamw(void)
{
    enum { N = 37, STEPS = 3 };
    moe_real p[N], g[N], m[N] = {0}, v[N] = {0};
    double want[N], want_m[N] = {0}, want_v[N] = {0}, square, want_square;
    fill(p, N, 1, 1);
    for (int i = 0; i < N; i++)
        want[i] = (double)p[i];
    for (int step = 1; step <= STEPS; step++) {
        const struct moe_adamw settings = {0.01, 0.1, 0.9, 0.999, 1e-8, 1 - pow(0.9, step), 1 - pow(0.999, step)};
        fill(g, N, (uint64_t)(10 + step), 0.3);
        square = moe_adamw(p, g, m, v, N, &settings);
        want_square = 0;
        for (int i = 0; i < N; i++) {
            const double one = (double)g[i];
            want_square += one * one;
            want_m[i] = 0.9 * want_m[i] + 0.1 * one;
            want_v[i] = 0.999 * want_v[i] + 0.001 * one * one;
            const double first = want_m[i] / (1 - pow(0.9, step)), second = want_v[i] / (1 - pow(0.999, step));
            want[i] -= 0.01 * (first / (sqrt(second) + 1e-8) + 0.1 * want[i]);
        }
        is_close(square, want_square, 1e-14, "AdamW, step %d: sum of squares", step);
    }
    all_close(p, want, N, 5e-7, "AdamW: parameters after %d steps", STEPS);
    all_close(m, want_m, N, 1e-6, "AdamW: first moments");
    all_close(v, want_v, N, 1e-6, "AdamW: second moments");
    const struct moe_adamw idle = {0.01, 0.1, 0.9, 0.999, 1e-8, 0.1, 0.001};
    memset(g, 0, sizeof g);
    memset(m, 0, sizeof m);
    memset(v, 0, sizeof v);
    for (int i = 0; i < N; i++)
        want[i] = (double)p[i] * 0.999;
    moe_adamw(p, g, m, v, N, &idle);
    all_close(p, want, N, 2e-7, "AdamW: without gradient only decay is left");
}

static void test_sums(void)
{
    moe_real x[3 * SMALL], y[SMALL], z[SMALL];
    fill(x, 3 * SMALL, 1, 1);
    fill(y, SMALL, 2, 1);
    for (int n = 0; n <= SMALL; n += 11) {
        double dot = 0, want[SMALL];
        for (int i = 0; i < n; i++)
            dot += (double)x[i] * (double)y[i];
        ok(fabs((double)moe_dot(x, y, n) - dot) < 1e-5, "inner product of %d", n);
        memcpy(z, y, sizeof z);
        moe_rows_add(z, x, 3, n);
        for (int i = 0; i < n; i++)
            want[i] = (double)y[i] + (double)x[i] + (double)x[n + i] + (double)x[2 * n + i];
        all_close(z, want, n, 1e-6, "three rows of %d added", n);
        memcpy(z, y, sizeof z);
        moe_add_scaled(z, 3, x, n);
        moe_add(z, x, n);
        moe_scale(z, 0.5f, z, n);
        for (int i = 0; i < n; i++)
            want[i] = ((double)y[i] + 4 * (double)x[i]) / 2;
        all_close(z, want, n, 1e-6, "sums and multiples of %d", n);
        ok(!memcmp(z + n, y + n, (size_t)(SMALL - n) * sizeof *z), "nothing behind %d is touched", n);
    }
    moe_rows_fill(x, y, 3, 7);
    ok(!memcmp(x, y, 7 * sizeof *x) && !memcmp(x + 7, y, 7 * sizeof *x) && !memcmp(x + 14, y, 7 * sizeof *x),
       "a row is copied three times");
}

/* All reductions of the same n numbers at one place of memory. */
struct at_place {
    moe_real dot, softmax[SMALL], back[SMALL], norm[SMALL], dx[SMALL], gelu[SMALL], p[SMALL];
    double square;
};

static void compute_at(struct at_place *out, int offset, int n)
{
    static _Alignas(64) moe_real room[7][SMALL + 32];
    moe_real *x[7], stats[2], dgain[SMALL] = {0}, dbias[SMALL] = {0};
    const struct moe_adamw settings = {0.01, 0.1, 0.9, 0.999, 1e-8, 0.1, 0.001};
    memset(out, 0, sizeof *out);
    for (int i = 0; i < 7; i++) {
        x[i] = room[i] + (offset + 3 * i) % 32;
        fill(x[i], n, (uint64_t)i, 1);
    }
    out->dot = moe_dot(x[0], x[1], n);
    moe_norm(x[2], stats, x[0], x[3], x[4], 1, n);
    memcpy(out->norm, x[2], (size_t)n * sizeof *x[2]);
    moe_norm_backward(x[5], dgain, dbias, x[1], x[0], stats, x[3], 1, n);
    memcpy(out->dx, x[5], (size_t)n * sizeof *x[5]);
    moe_softmax(x[2], x[0], n);
    memcpy(out->softmax, x[2], (size_t)n * sizeof *x[2]);
    moe_softmax_backward(x[5], x[2], x[1], n);
    memcpy(out->back, x[5], (size_t)n * sizeof *x[5]);
    moe_gelu(x[2], x[0], n);
    memcpy(out->gelu, x[2], (size_t)n * sizeof *x[2]);
    memset(x[5], 0, (size_t)n * sizeof *x[5]);
    memset(x[6], 0, (size_t)n * sizeof *x[6]);
    out->square = moe_adamw(x[3], x[1], x[5], x[6], n, &settings);
    memcpy(out->p, x[3], (size_t)n * sizeof *x[3]);
}

static void test_places(void)
{
    int same = 1;
    for (int n = 1; n <= SMALL; n++) {
        struct at_place first, other;
        compute_at(&first, 0, n);
        for (int offset = 1; offset < 32; offset++) {
            compute_at(&other, offset, n);
            same &= !memcmp(&first, &other, sizeof first);
        }
    }
    ok(same, "results are the same bits at every address, for 1 to %d numbers", SMALL);
}

int main(void)
{
    test_gelu();
    test_softmax();
    test_norm();
    test_adamw();
    test_sums();
    test_places();
    return tap_done();
}
