#include "src/kernels.h"

#include <math.h>
#include <string.h>

/* One version a CPU level, picked by the loader. Sanitizers instrument the resolver before they are ready for it. */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) && __GNUC__ >= 12 && \
    !defined(__SANITIZE_ADDRESS__)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define HAS_LEVEL(name) __builtin_cpu_supports(name)
#else
#define CLONES
#define HAS_LEVEL(name) 0
#endif
#define INLINE static inline __attribute__((always_inline))

enum { LANES = 16 };

const char *moe_kernels_level(void)
{
    return HAS_LEVEL("x86-64-v4") ? "x86-64-v4" : HAS_LEVEL("x86-64-v3") ? "x86-64-v3" : "baseline";
}

INLINE moe_real fold_lanes(moe_real *lane)
{
    for (int width = LANES / 2; width > 0; width /= 2)
        for (int j = 0; j < width; j++)
            lane[j] += lane[j + width];
    return lane[0];
}

/* Sums `term` of x[i] for i in 0..n-1; `term` may use i. */
#define LANE_SUM(result, n, term)                   \
    do {                                            \
        moe_real lane[LANES] = {0};                 \
        int base = 0;                               \
        for (; base + LANES <= (n); base += LANES)  \
            for (int j = 0; j < LANES; j++) {       \
                int i = base + j;                   \
                lane[j] += (term);                  \
            }                                       \
        for (int i = base; i < (n); i++)            \
            lane[i - base] += (term);               \
        (result) = fold_lanes(lane);                \
    } while (0)

#ifdef MOE_DOUBLE

INLINE double exponential(double x)
{
    return exp(x);
}

INLINE double normal_cdf(double x, double half_square_exp)
{
    (void)half_square_exp;
    return 0.5 * erfc(-x * M_SQRT1_2);
}

#else

/* exp by x = n ln 2 + r, |r| <= ln 2 / 2, and the Taylor series of exp(r) to r^7 (error 5e-9); arguments are clamped to
 * where the result is a normal number. */
INLINE float exponential(float x)
{
    const float magic = 0x1.8p23f; /* adding it rounds to a whole number */
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    float n = (x * 1.44269504f + magic) - magic;
    float r = (x - n * 0.693145752f) - n * 1.42860677e-6f;
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    uint32_t bits = (uint32_t)((int32_t)n + 127) << 23; /* unsigned: n may be no number */
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

INLINE float normal_cdf(float x, float half_square_exp)
{
    float t = 1.0f / (1.0f + 0.3275911f * 0.707106781f * fabsf(x));
    float tail = 1.061405429f;
    tail = tail * t - 1.453152027f;
    tail = tail * t + 1.421413741f;
    tail = tail * t - 0.284496736f;
    tail = tail * t + 0.254829592f;
    tail = 0.5f * tail * t * half_square_exp;
    return x < 0 ? tail : 1 - tail;
}

#endif

CLONES void moe_add(moe_real *restrict y, const moe_real *restrict x, int64_t n)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        y[i] += x[i];
}

CLONES void moe_add_scaled(moe_real *restrict y, moe_real a, const moe_real *restrict x, int64_t n)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        y[i] += a * x[i];
}

CLONES void moe_scale(moe_real *y, moe_real a, const moe_real *x, int64_t n)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        y[i] = a * x[i];
}

void moe_rows_fill(moe_real *restrict y, const moe_real *restrict x, int64_t rows, int n)
{
    for (int64_t row = 0; row < rows; row++)
        memcpy(y + row * n, x, (size_t)n * sizeof *y);
}

CLONES void moe_rows_add(moe_real *restrict y, const moe_real *restrict x, int64_t rows, int n)
{
    for (int64_t row = 0; row < rows; row++)
#pragma omp simd
        for (int i = 0; i < n; i++)
            y[i] += x[row * n + i];
}

CLONES moe_real moe_dot(const moe_real *x, const moe_real *y, int n)
{
    moe_real sum;
    LANE_SUM(sum, n, x[i] * y[i]);
    return sum;
}

CLONES void moe_softmax(moe_real *p, const moe_real *x, int n)
{
    moe_real most = x[0], sum;
#pragma omp simd reduction(max : most)
    for (int i = 0; i < n; i++)
        most = x[i] > most ? x[i] : most;
#pragma omp simd
    for (int i = 0; i < n; i++)
        p[i] = exponential(x[i] - most);
    LANE_SUM(sum, n, p[i]);
    moe_real scale = 1 / sum;
#pragma omp simd
    for (int i = 0; i < n; i++)
        p[i] *= scale;
}

CLONES void moe_softmax_backward(moe_real *dx, const moe_real *p, const moe_real *dp, int n)
{
    moe_real mean;
    LANE_SUM(mean, n, p[i] * dp[i]);
#pragma omp simd
    for (int i = 0; i < n; i++)
        dx[i] = p[i] * (dp[i] - mean);
}

CLONES void moe_gelu(moe_real *restrict a, const moe_real *restrict h, int64_t n)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        a[i] = h[i] * normal_cdf(h[i], exponential(-0.5f * h[i] * h[i]));
}

CLONES void moe_gelu_backward(moe_real *restrict d, moe_real *restrict a, const moe_real *restrict h, int64_t n)
{
    const moe_real density = (moe_real)0.39894228040143267794; /* 1 / sqrt(2 pi) */
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        moe_real e = exponential(-0.5f * h[i] * h[i]);
        moe_real cdf = normal_cdf(h[i], e);
        a[i] = h[i] * cdf;
        d[i] *= cdf + h[i] * density * e;
    }
}

CLONES void moe_norm(moe_real *restrict y, moe_real *restrict stats, const moe_real *restrict x, const moe_real *gain,
                     const moe_real *bias, int64_t rows, int n)
{
    for (int64_t row = 0; row < rows; row++, x += n, y += n, stats += 2) {
        moe_real mean, square;
        LANE_SUM(mean, n, x[i]);
        mean /= (moe_real)n;
        LANE_SUM(square, n, (x[i] - mean) * (x[i] - mean));
        moe_real inverse = 1 / (moe_real)sqrt(square / (moe_real)n + (moe_real)1e-5);
#pragma omp simd
        for (int i = 0; i < n; i++)
            y[i] = (x[i] - mean) * inverse * gain[i] + bias[i];
        stats[0] = mean;
        stats[1] = inverse;
    }
}

CLONES void moe_norm_backward(moe_real *restrict dx, moe_real *restrict dgain, moe_real *restrict dbias,
                              const moe_real *restrict dy, const moe_real *restrict x, const moe_real *restrict stats,
                              const moe_real *gain, int64_t rows, int n)
{
    for (int64_t row = 0; row < rows; row++, dx += n, dy += n, x += n, stats += 2) {
        const moe_real mean = stats[0], inverse = stats[1];
        moe_real sum, sum_x;
        LANE_SUM(sum, n, dy[i] * gain[i]);
        LANE_SUM(sum_x, n, dy[i] * gain[i] * ((x[i] - mean) * inverse));
        sum /= (moe_real)n;
        sum_x /= (moe_real)n;
#pragma omp simd
        for (int i = 0; i < n; i++) {
            moe_real normal = (x[i] - mean) * inverse;
            dgain[i] += dy[i] * normal;
            dbias[i] += dy[i];
            dx[i] += inverse * (dy[i] * gain[i] - sum - normal * sum_x);
        }
    }
}

CLONES double moe_adamw(moe_real *restrict p, const moe_real *restrict g, moe_real *restrict m, moe_real *restrict v,
                        int64_t n, const struct moe_adamw *step)
{
    const moe_real beta1 = (moe_real)step->beta1, beta2 = (moe_real)step->beta2;
    const moe_real rest1 = (moe_real)(1 - step->beta1), rest2 = (moe_real)(1 - step->beta2);
    const moe_real keep = (moe_real)(1 - step->rate * step->decay);
    const moe_real rate = (moe_real)(step->rate / step->correction1);
    const moe_real scale = (moe_real)(1 / sqrt(step->correction2)), epsilon = (moe_real)step->epsilon;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        m[i] = beta1 * m[i] + rest1 * g[i];
        v[i] = beta2 * v[i] + rest2 * g[i] * g[i];
#ifdef MOE_DOUBLE
        p[i] = keep * p[i] - rate * m[i] / (sqrt(v[i]) * scale + epsilon);
#else
        p[i] = keep * p[i] - rate * m[i] / (sqrtf(v[i]) * scale + epsilon);
#endif
    }
    double lane[LANES] = {0}, square = 0;
    int64_t base = 0;
    for (; base + LANES <= n; base += LANES)
        for (int j = 0; j < LANES; j++)
            lane[j] += (double)g[base + j] * (double)g[base + j];
    for (int64_t i = base; i < n; i++)
        lane[i - base] += (double)g[i] * (double)g[i];
    for (int j = 0; j < LANES; j++)
        square += lane[j];
    return square;
}
