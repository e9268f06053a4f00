/* Attention against its definition in double, element by element. */
#include "src/attention.h"

#include <math.h>
#include <string.h>

#include "src/matmul.h"
#include "src/random.h"
#include "tests/tap.h"

enum { N = 3, T = 7, C = 12, H = 3, D = C / H, SIZE = N * T * C, WEIGHTS = N * H * T * T };

static void fill(moe_real *x, int n, uint64_t seed)
{
    struct moe_random random;
    moe_random_init(&random, seed, MOE_STREAM_NOISE, 0, 0);
    for (int i = 0; i < n; i++)
        x[i] = (moe_real)moe_random_normal(&random);
}

/* Weights and mixed values of token i of sequence s in head h. */
static void plain(int causal, int s, int h, int i, const moe_real *qkv, const moe_real *bias, double *weight,
                  double *mixed)
{
    const moe_real *token = qkv + s * T * 3 * C + h * D;
    double sum = 0;
    for (int j = 0; j < T; j++) {
        double score = (double)bias[h * (2 * T - 1) + j - i + T - 1];
        for (int c = 0; c < D; c++)
            score += (double)token[i * 3 * C + c] * (double)token[j * 3 * C + C + c] / sqrt(D);
        sum += weight[j] = causal && j > i ? 0 : exp(score);
    }
    memset(mixed, 0, D * sizeof *mixed);
    for (int j = 0; j < T; j++) {
        weight[j] /= sum;
        for (int c = 0; c < D; c++)
            mixed[c] += weight[j] * (double)token[j * 3 * C + 2 * C + c];
    }
}

static void test(int causal)
{
    static moe_real qkv[3 * SIZE], bias[H * (2 * T - 1)], mixed[SIZE], weight[WEIGHTS], changed[SIZE];
    static double want_mixed[SIZE], want_weight[WEIGHTS];
    const struct moe_attention shape = {N, T, C, H, causal};
    const char *kind = causal ? "causal" : "full";
    fill(qkv, 3 * SIZE, 1);
    fill(bias, H * (2 * T - 1), 2);
    for (int i = 0; i < WEIGHTS; i++)
        weight[i] = 99;
    moe_attention_forward(&shape, mixed, weight, qkv, bias);
    for (int s = 0; s < N; s++)
        for (int h = 0; h < H; h++)
            for (int i = 0; i < T; i++)
                plain(causal, s, h, i, qkv, bias, want_weight + ((s * H + h) * T + i) * T,
                      want_mixed + (s * T + i) * C + h * D);
    all_close(weight, want_weight, WEIGHTS, 2e-6, "%s: weights", kind);
    all_close(mixed, want_mixed, SIZE, 2e-6, "%s: mixed values", kind);

    int zero = 1;
    for (int i = 0; i < WEIGHTS; i++)
        zero &= i % T <= i / T % T || weight[i] == 0;
    ok(zero == causal, "%s: later tokens have weight 0: %s", kind, causal ? "yes" : "no");

    for (int i = 0; i < 3 * C; i++) /* the last token of the middle sequence */
        qkv[(2 * T - 1) * 3 * C + i] += 1;
    moe_attention_forward(&shape, changed, weight, qkv, bias);
    ok(!memcmp(changed, mixed, T * C * sizeof *mixed) &&
           !memcmp(changed + 2 * T * C, mixed + 2 * T * C, T * C * sizeof *mixed),
       "%s: other sequences do not see a token", kind);
    is_int(!memcmp(changed + T * C, mixed + T * C, (T - 1) * C * sizeof *mixed), causal,
           "%s: tokens before it see it: %s", kind, causal ? "no" : "yes");
    ok(memcmp(changed + (2 * T - 1) * C, mixed + (2 * T - 1) * C, C * sizeof *mixed) != 0,
       "%s: the token sees itself", kind);
}

int main(void)
{
    moe_matmul_one_thread();
    test(0);
    test(1);
    return tap_done();
}
