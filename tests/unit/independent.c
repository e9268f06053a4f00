/* Independent routing with given loads: against every K-set of a law that is known. */
#include "analysis/independent.h"

#include "src/pool.h"
#include "tests/tap.h"

enum { E = 6 };

/* Tokens = sum over all K-sets of the product of the weights, so that every load and pair is a whole number. */
static int64_t enumerate(const int *weight, int K, int64_t *pairs)
{
    int64_t tokens = 0;
    memset(pairs, 0, E * E * sizeof *pairs);
    for (int set = 0; set < 1 << E; set++) {
        int64_t product = 1;
        for (int e = 0; e < E; e++)
            product *= set >> e & 1 ? weight[e] : 1;
        if (__builtin_popcount((unsigned)set) != K)
            continue;
        tokens += product;
        for (int a = 0; a < E; a++)
            for (int b = 0; b < E; b++)
                pairs[a * E + b] += (set >> a & 1) && (set >> b & 1) ? product : 0;
    }
    return tokens;
}

static void test_law(const char *name, const int *weight, int K)
{
    int64_t pairs[E * E], load[E];
    double got[E * E], want[E * E];
    const int64_t tokens = enumerate(weight, K, pairs);
    struct moe_independent law;
    for (int e = 0; e < E; e++)
        load[e] = pairs[e * E + e];
    ok(!moe_independent_init(&law, load, E, tokens), "%s, K = %d: there is a law", name, K);
    is_int(law.top_k, K, "of that many choices");
    for (int a = 0; a < E; a++)
        moe_independent_pairs(&law, a, got + a * E);
    for (int i = 0; i < E * E; i++)
        want[i] = (double)pairs[i] / (double)tokens;
    all_close(got, want, E * E, 1e-11, "with the pairs of all sets");
    moe_independent_clear(&law);
}

static void test_fixed(void)
{
    const int64_t load[] = {10, 4, 6, 0, 10, 0};
    double pair[E];
    struct moe_independent law;
    ok(!moe_independent_init(&law, load, E, 10), "some experts are chosen always or never");
    moe_independent_pairs(&law, 0, pair);
    all_close(pair, ((double[]){1, .4, .6, 0, 1, 0}), E, 1e-12, "one that is always chosen has the others' shares");
    moe_independent_pairs(&law, 1, pair);
    all_close(pair, ((double[]){.4, .4, 0, 0, .4, 0}), E, 1e-12, "two that share one choice never meet");
    moe_independent_pairs(&law, 3, pair);
    all_close(pair, ((double[E]){0}), E, 0, "one that is never chosen meets nobody");
    moe_independent_clear(&law);
    ok(!moe_independent_init(&law, (int64_t[]){7, 7}, 2, 7), "K = E has a law");
    moe_independent_pairs(&law, 0, pair);
    all_close(pair, ((double[]){1, 1}), 2, 0, "of certain pairs");
    moe_independent_clear(&law);
}

static void test_none(void)
{
    static const struct {
        const char *name;
        int64_t load[3], tokens;
    } bad[] = {{"a fraction of a choice a token", {3, 3, 1}, 3},
               {"more than all tokens", {4, 1, 1}, 3},
               {"less than none", {-1, 2, 2}, 3},
               {"no tokens", {0, 0, 0}, 0}};
    for (int i = 0; i < 4; i++) {
        struct moe_independent law;
        ok(moe_independent_init(&law, bad[i].load, 3, bad[i].tokens) != NULL, "no law for %s", bad[i].name);
        moe_independent_clear(&law);
    }
}

/* Many experts with loads far apart: the shares come back. */
static void test_large(void)
{
    enum { MANY = 256, K = 8 };
    static int64_t load[MANY];
    static double pair[MANY];
    const int64_t tokens = 1000000;
    int64_t left = K * tokens;
    for (int e = 0; e < MANY; e++) {
        int64_t part = 980000 / (1 + e) + 100;
        load[e] = part < left ? part : left;
        left -= load[e];
    }
    for (int e = MANY - 1; left > 0; e--) {
        const int64_t part = left < 20000 ? left : 20000;
        load[e] += part;
        left -= part;
    }
    struct moe_independent law;
    ok(!moe_independent_init(&law, load, MANY, tokens), "256 experts of very different loads");
    double worst = 0;
    for (int a = 0; a < MANY; a += 51) {
        double sum = 0;
        moe_independent_pairs(&law, a, pair);
        for (int b = 0; b < MANY; b++)
            sum += pair[b];
        worst = fmax(worst, fabs(sum / (K * pair[a]) - 1));
    }
    ok(worst < 1e-10, "each meets K - 1 others for each of its tokens (worst %.2g)", worst);
    moe_independent_clear(&law);
}

int main(void)
{
    for (int K = 1; K < E; K++) {
        test_law("equal loads", (const int[]){1, 1, 1, 1, 1, 1}, K);
        test_law("rising loads", (const int[]){1, 2, 3, 4, 5, 6}, K);
        test_law("loads far apart", (const int[]){1, 1000, 1, 30, 1, 200}, K);
    }
    test_law("an expert never chosen", (const int[]){1, 2, 0, 3, 4, 5}, 3);
    test_fixed();
    test_none();
    test_large();
    is_int((long long)moe_pool_bytes(MOE_POOL_ANALYSIS), 0, "no memory is kept");
    return tap_done();
}
