/* Products by BLAS against three plain loops, over shapes, transposes, strides and factors. */
#include "src/matmul.h"

#include <math.h>
#include <string.h>

#include "src/random.h"
#include "tests/tap.h"

enum { ROOM = 64 * 64 };

static void fill(moe_real *x, int n, uint64_t seed)
{
    struct moe_random random;
    moe_random_init(&random, seed, MOE_STREAM_NOISE, 0, 0);
    for (int i = 0; i < n; i++)
        x[i] = (moe_real)moe_random_normal(&random);
}

/* The worst difference over all four pairs of orientations; what lies between the rows of c must stay. */
static double worst_difference(int m, int n, int k, int gap, double alpha, double beta)
{
    static moe_real a[ROOM], b[ROOM], c[ROOM], want[ROOM];
    double worst = 0;
    for (int turn = 0; turn < 4; turn++) {
        const int turn_a = turn & 1, turn_b = turn >> 1, stride = n + gap;
        fill(a, ROOM, 1);
        fill(b, ROOM, 2);
        fill(c, ROOM, 3);
        memcpy(want, c, sizeof c);
        const struct moe_matrix x = turn_a ? moe_transposed(a, m + gap) : moe_plain(a, k + gap);
        const struct moe_matrix y = turn_b ? moe_transposed(b, k + gap) : moe_plain(b, n + gap);
        moe_matmul(c, stride, m, n, k, alpha, x, y, beta);
        moe_matmul_plain(want, stride, m, n, k, alpha, x, y, beta);
        for (int i = 0; i < ROOM; i++) {
            const int inside = i / stride < m && i % stride < n;
            const double error = fabs((double)c[i] - (double)want[i]);
            if (!(inside ? error <= worst : error == 0))
                worst = inside && isfinite(error) ? error : INFINITY;
        }
    }
    return worst;
}

static void test_plain(void)
{
    const moe_real a[] = {1, 2, 3, 4, 5, 6}, b[] = {1, 0, 2, -1, 0, 3};
    moe_real c[] = {100, 100, 100, 100};
    const moe_real product[] = {5, 7, 14, 13}, sum[] = {60, 64, 78, 76};
    moe_matmul_plain(c, 2, 2, 2, 3, 1, moe_plain(a, 3), moe_plain(b, 2), 0);
    all_close(c, product, 4, 0, "plain loops: 2 x 3 by 3 x 2, by hand");
    for (int i = 0; i < 4; i++)
        c[i] = 100;
    moe_matmul_plain(c, 2, 2, 2, 3, 2, moe_plain(a, 3), moe_plain(b, 2), 0.5);
    all_close(c, sum, 4, 0, "plain loops: twice that and half of what was there, by hand");
    const moe_real turned[] = {1, 4, 2, 5, 3, 6};
    moe_matmul_plain(c, 2, 2, 2, 3, 1, moe_transposed(turned, 2), moe_plain(b, 2), 0);
    all_close(c, product, 4, 0, "plain loops: transposed left operand, by hand");
}

int main(void)
{
    static const int shapes[][3] = {{1, 1, 1}, {1, 7, 5}, {7, 1, 5}, {4, 4, 4}, {5, 3, 8}, {16, 16, 16}, {17, 33, 9},
                                    {40, 8, 32}, {31, 47, 1}, {3, 3, 61}};
    static const double factors[][2] = {{1, 0}, {1, 1}, {0.25, 0}, {-2, 0.5}};
    moe_matmul_one_thread();
    test_plain();
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t f = 0; f < sizeof factors / sizeof *factors; f++) {
            const int m = shapes[s][0], n = shapes[s][1], k = shapes[s][2];
            const double worst = fmax(worst_difference(m, n, k, 0, factors[f][0], factors[f][1]),
                                      worst_difference(m, n, k, 3, factors[f][0], factors[f][1]));
            ok(worst < 1e-4, "%d x %d x %d, factors %g and %g: off by %.2g", m, n, k, factors[f][0], factors[f][1],
               worst);
        }
    moe_real c[4] = {1, 2, 3, 4}, x[4] = {9, 9, 9, 9};
    const moe_real untouched[4] = {1, 2, 3, 4}, doubled[4] = {2, 4, 6, 8};
    moe_matmul(c, 2, 0, 2, 2, 1, moe_plain(x, 2), moe_plain(x, 2), 0);
    moe_matmul(c, 2, 2, 0, 2, 1, moe_plain(x, 2), moe_plain(x, 2), 0);
    all_close(c, untouched, 4, 0, "no rows or no columns: nothing happens");
    moe_matmul(c, 2, 2, 2, 0, 1, moe_plain(x, 2), moe_transposed(x, 2), 2);
    all_close(c, doubled, 4, 0, "an empty sum leaves beta times what was there");
    ok(moe_matmul_library()[0] != '\0', "the library has a name: %s", moe_matmul_library());
    return tap_done();
}
