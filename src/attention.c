#include "src/attention.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "src/kernels.h"
#include "src/matmul.h"

/* Scores of one head become weights, row by row. */
static void weigh(const struct moe_attention *shape, moe_real *weight, const moe_real *bias)
{
    const int T = shape->tokens;
    for (int i = 0; i < T; i++) {
        moe_real *row = weight + (int64_t)i * T;
        int seen = shape->causal ? i + 1 : T;
        moe_add(row, bias + T - 1 - i, seen);
        moe_softmax(row, row, seen);
        memset(row + seen, 0, (size_t)(T - seen) * sizeof *row);
    }
}

void moe_attention_forward(const struct moe_attention *shape, moe_real *mixed, moe_real *weight, const moe_real *qkv,
                           const moe_real *bias)
{
    const int T = shape->tokens, C = shape->width, H = shape->heads, d = C / H;
    const double scale = 1 / sqrt((double)d);
    for (int s = 0; s < shape->sequences; s++)
        for (int h = 0; h < H; h++) {
            const moe_real *q = qkv + (int64_t)s * T * 3 * C + h * d, *k = q + C, *v = q + 2 * C;
            moe_real *w = weight + ((int64_t)s * H + h) * T * T;
            moe_matmul(w, T, T, T, d, scale, moe_plain(q, 3 * C), moe_transposed(k, 3 * C), 0);
            weigh(shape, w, bias + (int64_t)h * (2 * T - 1));
            moe_matmul(mixed + (int64_t)s * T * C + h * d, C, T, d, T, 1, moe_plain(w, T), moe_plain(v, 3 * C), 0);
        }
}

/* Gradients of the weights of one head become those of the scores, and are added to the bias. */
static void weigh_backward(const struct moe_attention *shape, moe_real *dscore, moe_real *dbias, const moe_real *weight,
                           const moe_real *dweight)
{
    const int T = shape->tokens;
    for (int i = 0; i < T; i++) {
        int64_t row = (int64_t)i * T;
        int seen = shape->causal ? i + 1 : T;
        moe_softmax_backward(dscore + row, weight + row, dweight + row, seen);
        moe_add(dbias + T - 1 - i, dscore + row, seen);
        memset(dscore + row + seen, 0, (size_t)(T - seen) * sizeof *dscore);
    }
}

void moe_attention_backward(const struct moe_attention *shape, moe_real *dqkv, moe_real *dbias, const moe_real *dmixed,
                            const moe_real *weight, const moe_real *qkv, moe_real *scratch)
{
    const int T = shape->tokens, C = shape->width, H = shape->heads, d = C / H;
    const double scale = 1 / sqrt((double)d);
    moe_real *dweight = scratch, *dscore = scratch + (int64_t)T * T;
    for (int s = 0; s < shape->sequences; s++)
        for (int h = 0; h < H; h++) {
            const int64_t at = (int64_t)s * T * 3 * C + h * d;
            const moe_real *q = qkv + at, *k = q + C, *v = q + 2 * C;
            const moe_real *w = weight + ((int64_t)s * H + h) * T * T;
            const moe_real *dm = dmixed + (int64_t)s * T * C + h * d;
            moe_matmul(dqkv + at + 2 * C, 3 * C, T, d, T, 1, moe_transposed(w, T), moe_plain(dm, C), 0);
            moe_matmul(dweight, T, T, T, d, 1, moe_plain(dm, C), moe_transposed(v, 3 * C), 0);
            weigh_backward(shape, dscore, dbias + (int64_t)h * (2 * T - 1), w, dweight);
            moe_matmul(dqkv + at, 3 * C, T, d, T, scale, moe_plain(dscore, T), moe_plain(k, 3 * C), 0);
            moe_matmul(dqkv + at + C, 3 * C, T, d, T, scale, moe_transposed(dscore, T), moe_plain(q, 3 * C), 0);
        }
}
