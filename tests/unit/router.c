/* The router: choices, ties, gates, margins, loads, planted sets. Gradients are in gradients_double.c. */
#include "src/router.h"

#include <math.h>
#include <string.h>

#include "src/random.h"
#include "tests/tap.h"

enum { E_MAX = 40, N = 50 };

static struct {
    int16_t choice[N * E_MAX];
    moe_real gate[N * E_MAX], margin[N], logits[N * E_MAX], scratch[E_MAX];
    int64_t load[E_MAX];
    double p_sum[E_MAX];
} r;

static void route(int gate, int experts, int top_k, int n, const int16_t *planted)
{
    const struct moe_routing routing = {experts, top_k, gate};
    memset(r.load, 0, sizeof r.load);
    memset(r.p_sum, 0, sizeof r.p_sum);
    moe_route(&routing, r.choice, r.gate, r.margin, r.load, r.p_sum, r.logits, n, planted, r.scratch);
}

/* Few different values, so that ties are common. */
static void draw_logits(int experts, int values)
{
    struct moe_random random;
    moe_random_init(&random, (uint64_t)experts, MOE_STREAM_NOISE, (uint64_t)values, 0);
    for (int i = 0; i < N * experts; i++)
        r.logits[i] = (moe_real)moe_random_below(&random, (uint64_t)values) / 4 - 1;
}

/* Whether `choice` is the plain ranking of one token: by falling logit, then by rising expert. */
static int is_ranking(const moe_real *logit, const int16_t *choice, int experts, int top_k)
{
    for (int k = 0; k < top_k; k++) {
        int place = 0;
        for (int e = 0; e < experts; e++)
            place += logit[e] > logit[choice[k]] || (logit[e] == logit[choice[k]] && e < choice[k]);
        if (place != k)
            return 0;
    }
    return 1;
}

/* The smallest chosen logit less the largest that was not chosen. */
static double plain_margin(const moe_real *logit, const int16_t *choice, int experts, int top_k)
{
    double next = -INFINITY;
    for (int e = 0; e < experts; e++) {
        int chosen = 0;
        for (int k = 0; k < top_k; k++)
            chosen |= choice[k] == e;
        if (!chosen)
            next = fmax(next, (double)logit[e]);
    }
    return (double)logit[choice[top_k - 1]] - next;
}

static void test_choices(int gate, int experts, int top_k, int values)
{
    int ranked = 1, margins = 1, loads = 1;
    int64_t load[E_MAX] = {0};
    double worst = 0, p_sum[E_MAX] = {0};
    draw_logits(experts, values);
    route(gate, experts, top_k, N, NULL);
    for (int i = 0; i < N; i++) {
        const moe_real *logit = r.logits + i * experts;
        const int16_t *choice = r.choice + i * top_k;
        double all = 0, chosen = 0;
        ranked &= is_ranking(logit, choice, experts, top_k);
        margins &= top_k == experts ? isnan(r.margin[i]) != 0
                                    : (double)r.margin[i] == plain_margin(logit, choice, experts, top_k);
        for (int e = 0; e < experts; e++)
            all += exp((double)logit[e]);
        for (int k = 0; k < top_k; k++)
            chosen += exp((double)logit[choice[k]]);
        for (int k = 0; k < top_k; k++) {
            double want = exp((double)logit[choice[k]]) / (gate == MOE_TOPK_SOFTMAX ? chosen : all);
            worst = fmax(worst, fabs((double)r.gate[i * top_k + k] - want));
            load[choice[k]]++;
        }
        for (int e = 0; e < experts; e++)
            p_sum[e] += exp((double)logit[e]) / all;
    }
    for (int e = 0; e < experts; e++)
        loads &= load[e] == r.load[e];
    const char *name = gate == MOE_TOPK_SOFTMAX ? "topk-softmax" : "softmax-topk";
    ok(ranked, "%s, K %d of %d: choices by falling logit, ties to the lower expert", name, top_k, experts);
    ok(margins, "%s, K %d of %d: margins", name, top_k, experts);
    ok(worst < 1e-6, "%s, K %d of %d: gates", name, top_k, experts);
    ok(loads, "%s, K %d of %d: loads", name, top_k, experts);
    all_close(r.p_sum, p_sum, experts, 1e-6, "%s, K %d of %d: sums of probabilities", name, top_k, experts);
}

static void test_ties(void)
{
    static const moe_real equal[5] = {1, 1, 1, 1, 1}, pair[5] = {0, 2, 1, 2, 1};
    static const int16_t first[3] = {0, 1, 2}, mixed[3] = {1, 3, 2};
    memcpy(r.logits, equal, sizeof equal);
    route(MOE_TOPK_SOFTMAX, 5, 3, 1, NULL);
    ok(!memcmp(r.choice, first, sizeof first) && r.margin[0] == 0, "all logits equal: the first three, margin 0");
    memcpy(r.logits, pair, sizeof pair);
    route(MOE_TOPK_SOFTMAX, 5, 3, 1, NULL);
    ok(!memcmp(r.choice, mixed, sizeof mixed) && r.margin[0] == 0, "two pairs of equal logits: 1, 3, 2");
}

static void test_planted(void)
{
    static const moe_real logits[5] = {0.5f, 3, -1, 2, 0.25f};
    static const int16_t set[3] = {0, 2, 3}, order[3] = {3, 0, 2};
    memcpy(r.logits, logits, sizeof logits);
    route(MOE_TOPK_SOFTMAX, 5, 3, 1, set);
    ok(!memcmp(r.choice, order, sizeof order), "a planted set is sorted by falling logit");
    const double sum = exp(2) + exp(0.5) + exp(-1), want[3] = {exp(2) / sum, exp(0.5) / sum, exp(-1) / sum};
    all_close(r.gate, want, 3, 1e-6, "its gates are the softmax over the set");
    ok(r.load[3] == 1 && r.load[0] == 1 && r.load[2] == 1 && r.load[1] == 0, "its experts are the loaded ones");
    ok(isnan((double)r.margin[0]), "it has no margin");
    route(MOE_SOFTMAX_TOPK, 5, 3, 1, set);
    is_close((double)r.gate[0], exp(2) / (sum + exp(3) + exp(0.25)), 1e-6, "softmax-topk: a gate over all experts");
}

static void test_added(void)
{
    draw_logits(5, 9);
    route(MOE_TOPK_SOFTMAX, 5, 2, N, NULL);
    const struct moe_routing routing = {5, 2, MOE_TOPK_SOFTMAX};
    const int64_t load = r.load[1];
    const double p_sum = r.p_sum[1];
    moe_route(&routing, r.choice, r.gate, r.margin, r.load, r.p_sum, r.logits, N, NULL, r.scratch);
    ok(r.load[1] == 2 * load && fabs(r.p_sum[1] - 2 * p_sum) < 1e-9, "loads and probabilities are added to");
    r.logits[7] = NAN;
    route(MOE_TOPK_SOFTMAX, 5, 2, N, NULL);
    double sum = 0;
    for (int e = 0; e < 5; e++)
        sum += r.p_sum[e];
    ok(!isfinite(sum), "a logit that is not a number shows in the probabilities");
}

/* One token by hand: K = 2 of 3, gates g and 1 - g, so the gradient of the first logit is g (1 - g) (d0 - d1). */
static void test_backward(void)
{
    static const moe_real logits[3] = {2, -1, 1}, dgate[2] = {0.75f, 0.25f};
    static const double f[3] = {0.5, 0.25, 0.25};
    const struct moe_routing routing = {3, 2, MOE_TOPK_SOFTMAX};
    moe_real dlogits[3], scratch[3];
    memcpy(r.logits, logits, sizeof logits);
    route(MOE_TOPK_SOFTMAX, 3, 2, 1, NULL);
    moe_route_backward(&routing, dlogits, dgate, r.gate, r.choice, logits, 1, f, 0, 4, scratch);
    const double g = 1 / (1 + exp(-1)), slope = g * (1 - g) * 0.5, want[3] = {slope, 0, -slope};
    all_close(dlogits, want, 3, 1e-6, "gradient of two gates by hand");
    const struct moe_routing one = {3, 1, MOE_TOPK_SOFTMAX};
    route(MOE_TOPK_SOFTMAX, 3, 1, 1, NULL);
    moe_route_backward(&one, dlogits, dgate, r.gate, r.choice, logits, 1, f, 0, 4, scratch);
    ok(dlogits[0] == 0 && dlogits[1] == 0 && dlogits[2] == 0, "a single gate of topk-softmax has no gradient at all");
}

int main(void)
{
    for (int gate = MOE_TOPK_SOFTMAX; gate <= MOE_SOFTMAX_TOPK; gate++) {
        test_choices(gate, 8, 2, 6);
        test_choices(gate, 5, 3, 9);
        test_choices(gate, 5, 1, 4);
        test_choices(gate, 40, 8, 30);
        test_choices(gate, 4, 4, 5);
        test_choices(gate, 1, 1, 5);
    }
    test_ties();
    test_planted();
    test_added();
    test_backward();
    return tap_done();
}
