#include "analysis/independent.h"

#include <math.h>
#include <string.h>

#include "src/pool.h"

/* Symmetric sums of orders 0 .. draws over the weights, without the one at place `out` (-1: all), from the left and
 * from the right. Only positive terms are added, so no digits are lost. */
static void make_sums(struct moe_independent *law, int out)
{
    const int n = law->free, width = law->draws + 1;
    memset(law->before, 0, (size_t)width * sizeof(double));
    memset(law->after + (int64_t)n * width, 0, (size_t)width * sizeof(double));
    law->before[0] = law->after[(int64_t)n * width] = 1;
    for (int i = 0; i < n; i++) {
        const double *old = law->before + (int64_t)i * width, w = i == out ? 0 : law->weight[i];
        for (int k = 0; k < width; k++)
            law->before[(int64_t)(i + 1) * width + k] = old[k] + (k ? w * old[k - 1] : 0);
    }
    for (int i = n - 1; i >= 0; i--) {
        const double *old = law->after + (int64_t)(i + 1) * width, w = i == out ? 0 : law->weight[i];
        for (int k = 0; k < width; k++)
            law->after[(int64_t)i * width + k] = old[k] + (k ? w * old[k - 1] : 0);
    }
}

/* The sum of order k over the weights of the last make_sums, less the one at place i. */
static double sum_without(const struct moe_independent *law, int i, int k)
{
    const int width = law->draws + 1;
    double sum = 0;
    for (int j = 0; j <= k; j++)
        sum += law->before[(int64_t)i * width + j] * law->after[(int64_t)(i + 1) * width + k - j];
    return sum;
}

/* Halved steps in the logits of the shares: whole ones would swing for ever with two experts. */
static int fit_weights(struct moe_independent *law, const double *target)
{
    enum { STEPS = 2000 };
    const int n = law->free, width = law->draws + 1;
    for (int step = 0; step < STEPS; step++) {
        double sum = 0, error = 0;
        for (int i = 0; i < n; i++)
            sum += law->weight[i];
        for (int i = 0; i < n; i++)
            law->weight[i] *= law->draws / sum;
        make_sums(law, -1);
        const double all = law->before[(int64_t)n * width + law->draws];
        for (int i = 0; i < n; i++) {
            const double with = law->weight[i] * sum_without(law, i, law->draws - 1) / all;
            const double without = sum_without(law, i, law->draws) / all;
            error = fmax(error, fabs(with / target[i] - 1));
            law->weight[i] *= sqrt(target[i] / (1 - target[i]) * without / with);
        }
        if (!isfinite(error))
            return 0;
        if (error < 1e-12)
            return 1;
    }
    return 0;
}

/* Sorts the experts into those never, sometimes and always chosen; 0 when the loads belong to no law. */
static int sort_experts(struct moe_independent *law, const int64_t *load, int64_t tokens)
{
    int64_t choices = 0;
    for (int e = 0; e < law->experts; e++) {
        if (tokens < 1 || load[e] < 0 || load[e] > tokens)
            return 0;
        choices += load[e];
        law->share[e] = (double)load[e] / (double)tokens;
        law->place[e] = load[e] == 0 ? -1 : load[e] == tokens ? -2 : law->free++;
        law->fixed += load[e] == tokens;
    }
    law->top_k = (int)(choices / tokens);
    law->draws = law->top_k - law->fixed;
    return choices % tokens == 0;
}

int moe_independent_init(struct moe_independent *law, const int64_t *load, int experts, int64_t tokens)
{
    *law = (struct moe_independent){.experts = experts};
    law->place = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)experts, sizeof *law->place);
    law->share = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)experts, sizeof *law->share);
    if (!sort_experts(law, load, tokens))
        return 0;
    const size_t n = (size_t)law->free, sums = (n + 1) * (size_t)(law->draws + 1);
    law->weight = moe_pool_new(MOE_POOL_ANALYSIS, n, sizeof(double));
    law->before = moe_pool_new(MOE_POOL_ANALYSIS, sums, sizeof(double));
    law->after = moe_pool_new(MOE_POOL_ANALYSIS, sums, sizeof(double));
    double *target = moe_pool_new(MOE_POOL_ANALYSIS, n, sizeof(double));
    for (int e = 0; e < experts; e++)
        if (law->place[e] >= 0) {
            target[law->place[e]] = law->share[e];
            law->weight[law->place[e]] = law->share[e] / (1 - law->share[e]);
        }
    int found = law->free == 0 || fit_weights(law, target);
    moe_pool_free(target);
    return found;
}

void moe_independent_clear(struct moe_independent *law)
{
    moe_pool_free(law->place);
    moe_pool_free(law->share);
    moe_pool_free(law->weight);
    moe_pool_free(law->before);
    moe_pool_free(law->after);
    memset(law, 0, sizeof *law);
}

void moe_independent_pairs(struct moe_independent *law, int a, double *pair)
{
    const int at = law->place[a], width = law->draws + 1;
    double all = 0;
    if (at >= 0) {
        make_sums(law, at);
        /* of the tokens that choose a: order draws - 1 among the others */
        all = law->before[(int64_t)law->free * width + law->draws - 1];
    }
    for (int b = 0; b < law->experts; b++) {
        const int other = law->place[b];
        if (b == a || at == -2 || other == -2)
            pair[b] = b == a ? law->share[a] : law->share[a] * law->share[b];
        else if (at == -1 || other == -1 || law->draws < 2)
            pair[b] = 0;
        else
            pair[b] = law->share[a] * law->weight[other] * sum_without(law, other, law->draws - 2) / all;
    }
}
