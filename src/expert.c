#include "src/expert.h"

#include <string.h>

#include "src/kernels.h"
#include "src/matmul.h"

struct moe_expert_parts moe_expert_parts(int width, int hidden)
{
    long matrix = (long)width * hidden;
    return (struct moe_expert_parts){matrix, matrix + hidden, 2 * matrix + hidden, 2 * matrix + hidden + width};
}

long moe_expert_size(int width, int hidden)
{
    return moe_expert_parts(width, hidden).size;
}

void moe_expert_forward(const struct moe_expert *expert, moe_real *out, moe_real *hidden, moe_real *act,
                        const moe_real *rows, int n)
{
    const int C = expert->width, F = expert->hidden;
    const struct moe_expert_parts at = moe_expert_parts(C, F);
    const moe_real *block = expert->block;
    moe_rows_fill(hidden, block + at.in_bias, n, F);
    moe_matmul(hidden, F, n, F, C, 1, moe_plain(rows, C), moe_transposed(block, C), 1);
    moe_gelu(act, hidden, (long)n * F);
    moe_rows_fill(out, block + at.out_bias, n, C);
    moe_matmul(out, C, n, C, F, 1, moe_plain(act, F), moe_transposed(block + at.out_weight, F), 1);
}

void moe_expert_backward(const struct moe_expert *expert, moe_real *dblock, moe_real *d, moe_real *act, moe_real *dact,
                         const moe_real *hidden, const moe_real *rows, int n)
{
    const int C = expert->width, F = expert->hidden;
    const struct moe_expert_parts at = moe_expert_parts(C, F);
    memset(dblock, 0, (size_t)at.size * sizeof *dblock);
    moe_matmul(dact, F, n, F, C, 1, moe_plain(d, C), moe_plain(expert->block + at.out_weight, F), 0);
    moe_gelu_backward(dact, act, hidden, (long)n * F);
    moe_matmul(dblock + at.out_weight, F, C, F, n, 1, moe_transposed(d, C), moe_plain(act, F), 1);
    moe_rows_add(dblock + at.out_bias, d, n, C);
    moe_matmul(dblock, C, F, C, n, 1, moe_transposed(dact, F), moe_plain(rows, C), 1);
    moe_rows_add(dblock + at.in_bias, dact, n, F);
    moe_matmul(d, C, n, C, F, 1, moe_plain(dact, F), moe_plain(expert->block, C), 0);
}
