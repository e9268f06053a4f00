/* Prints the rate of one 512 x 512 x 256 product, the best of many calls, in GFLOP/s: the yardstick of a step. */
#include <stdio.h>

#include "src/clock.h"
#include "src/matmul.h"
#include "src/pool.h"

enum { M = 512, N = 512, K = 256, CALLS = 400 };

int main(void)
{
    moe_real *a = moe_pool_new(MOE_POOL_DATA, M * K, sizeof *a), *b = moe_pool_new(MOE_POOL_DATA, N * K, sizeof *b),
             *c = moe_pool_new(MOE_POOL_DATA, M * N, sizeof *c);
    double best = 1e9;
    moe_matmul_one_thread();
    for (int call = 0; call < CALLS; call++) {
        double start = moe_clock();
        moe_matmul(c, N, M, N, K, 1, moe_plain(a, K), moe_transposed(b, K), 0);
        double seconds = moe_clock() - start;
        best = seconds < best ? seconds : best;
    }
    printf("%.3f\n", 2.0 * M * N * K / best * 1e-9);
    moe_pool_free(a);
    moe_pool_free(b);
    moe_pool_free(c);
    return 0;
}
