#include "analysis/independent.h"

#include <math.h>
#include <string.h>

#include "src/pool.h"

/* Beyond LARGEST states of the recursions no law is fitted. */
enum { LARGEST = 1 << 25, STEPS = 2000 };
#define CLOSE_ENOUGH 1e-12
#define STILL_USABLE 1e-9

static const char no_tokens[] = "no token was counted";
static const char no_choices[] = "the loads are not those of tokens with K different experts each";
static const char too_many[] = "too many experts for a law of their sets";
static const char unsettled[] = "the weights of the law did not settle";

/* One more expert, in with the odds w whatever the others do: row becomes the law of how many are in. */
static void add_expert(const double *before, double *row, int draws, double w)
{
    const double in = w / (1 + w), out = 1 / (1 + w);
    row[0] = before[0] * out;
    for (int k = 1; k <= draws; k++)
        row[k] = before[k] * out + before[k - 1] * in;
}

/* How many experts are in, of those before each place and of those from it on, when each is in by itself with the odds
 * weight [free]; the one at place `out` never (-1: none). Only positive terms are added, so no digits are lost. */
static void make_laws(struct moe_independent *law, const double *weight, int out)
{
    const int n = law->free, width = law->draws + 1;
    memset(law->before, 0, (size_t)width * sizeof(double));
    memset(law->after + (int64_t)n * width, 0, (size_t)width * sizeof(double));
    law->before[0] = law->after[(int64_t)n * width] = 1;
    for (int i = 0; i < n; i++)
        add_expert(law->before + (int64_t)i * width, law->before + (int64_t)(i + 1) * width, law->draws,
                   i == out ? 0 : weight[i]);
    for (int i = n - 1; i >= 0; i--)
        add_expert(law->after + (int64_t)(i + 1) * width, law->after + (int64_t)i * width, law->draws,
                   i == out ? 0 : weight[i]);
}

/* P(k are in, without the expert at place i), from the last make_laws. */
static double others_in(const struct moe_independent *law, int i, int k)
{
    const int width = law->draws + 1;
    double sum = 0;
    for (int j = 0; j <= k; j++)
        sum += law->before[(int64_t)i * width + j] * law->after[(int64_t)(i + 1) * width + k - j];
    return sum;
}

/* Scales all weights by one factor so that `draws` experts would be in on average: the law of sets stays as it is, and
 * the numbers stay where double is exact. */
static void rescale(struct moe_independent *law)
{
    double low = 1e-300, high = 1e300, scale = 1;
    for (int step = 0; step < 200 && high > low * (1 + 1e-9); step++) {
        double sum = 0;
        for (int i = 0; i < law->free; i++)
            sum += scale * law->weight[i] / (1 + scale * law->weight[i]);
        *(sum > law->draws ? &high : &low) = scale;
        if (fabs(sum - law->draws) < 1e-6 * law->draws)
            break;
        scale = low > 1e-300 && high < 1e300 ? sqrt(low) * sqrt(high) : sum > law->draws ? scale / 8 : scale * 8;
    }
    for (int i = 0; i < law->free; i++)
        law->weight[i] *= scale;
}

/* Halved steps in the logits of the shares: whole ones would swing for ever with two experts. */
static int fit_weights(struct moe_independent *law, const double *target)
{
    double last = INFINITY;
    for (int step = 0; step < STEPS; step++) {
        double error = 0;
        rescale(law);
        make_laws(law, law->weight, -1);
        for (int i = 0; i < law->free; i++) {
            const double with = law->weight[i] * others_in(law, i, law->draws - 1);
            const double without = others_in(law, i, law->draws);
            error = fmax(error, fabs(with / (with + without) / target[i] - 1));
            law->ratio[i] = sqrt(target[i] / (1 - target[i]) * without / with);
        }
        if (!isfinite(error))
            return 0;
        if (error < CLOSE_ENOUGH || (error < STILL_USABLE && error >= last))
            return 1;
        last = error;
        for (int i = 0; i < law->free; i++)
            law->weight[i] *= law->ratio[i];
    }
    return 0;
}

/* Sorts the experts into those never, sometimes and always chosen; returns what is wrong with the loads, or null. */
static const char *sort_experts(struct moe_independent *law, const int64_t *load, int64_t tokens)
{
    int64_t choices = 0;
    if (tokens < 1)
        return no_tokens;
    for (int e = 0; e < law->experts; e++) {
        if (load[e] < 0 || load[e] > tokens)
            return no_choices;
        choices += load[e];
        law->share[e] = (double)load[e] / (double)tokens;
        law->place[e] = load[e] == 0 ? -1 : load[e] == tokens ? -2 : law->free++;
        law->fixed += load[e] == tokens;
    }
    law->top_k = (int)(choices / tokens);
    law->draws = law->top_k - law->fixed;
    if (choices == 0)
        return no_tokens;
    return choices % tokens != 0 ? no_choices : NULL;
}

const char *moe_independent_init(struct moe_independent *law, const int64_t *load, int experts, int64_t tokens)
{
    *law = (struct moe_independent){.experts = experts};
    law->place = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)experts, sizeof *law->place);
    law->share = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)experts, sizeof *law->share);
    const char *reason = sort_experts(law, load, tokens);
    const size_t n = (size_t)law->free, states = (n + 1) * (size_t)(law->draws + 1);
    if (!reason && states > LARGEST)
        reason = too_many;
    if (reason)
        return reason;
    law->weight = moe_pool_new(MOE_POOL_ANALYSIS, n, sizeof(double));
    law->ratio = moe_pool_new(MOE_POOL_ANALYSIS, n, sizeof(double));
    law->before = moe_pool_new(MOE_POOL_ANALYSIS, states, sizeof(double));
    law->after = moe_pool_new(MOE_POOL_ANALYSIS, states, sizeof(double));
    double *target = moe_pool_new(MOE_POOL_ANALYSIS, n, sizeof(double));
    for (int e = 0; e < experts; e++)
        if (law->place[e] >= 0) {
            target[law->place[e]] = law->share[e];
            law->weight[law->place[e]] = law->share[e] / (1 - law->share[e]);
        }
    reason = law->free == 0 || fit_weights(law, target) ? NULL : unsettled;
    moe_pool_free(target);
    return reason;
}

void moe_independent_clear(struct moe_independent *law)
{
    moe_pool_free(law->place);
    moe_pool_free(law->share);
    moe_pool_free(law->weight);
    moe_pool_free(law->ratio);
    moe_pool_free(law->before);
    moe_pool_free(law->after);
    memset(law, 0, sizeof *law);
}

void moe_independent_pairs(struct moe_independent *law, int a, double *pair)
{
    const int at = law->place[a], width = law->draws + 1;
    double all = 0;
    if (at >= 0) {
        make_laws(law, law->weight, at);
        /* of the tokens that choose a: draws - 1 among the others */
        all = law->before[(int64_t)law->free * width + law->draws - 1];
    }
    for (int b = 0; b < law->experts; b++) {
        const int other = law->place[b];
        if (b == a || at == -2 || other == -2)
            pair[b] = b == a ? law->share[a] : law->share[a] * law->share[b];
        else if (at == -1 || other == -1 || law->draws < 2)
            pair[b] = 0;
        else
            pair[b] = law->share[a] * law->weight[other] / (1 + law->weight[other]) *
                      others_in(law, other, law->draws - 2) / all;
    }
}

/* ln of the sum over all sets of the product of their weights; spends the laws of the last make_laws. */
static double ln_sum_over_sets(struct moe_independent *law, const double *weight)
{
    double ln_out = 0;
    make_laws(law, weight, -1);
    for (int i = 0; i < law->free; i++)
        ln_out += log1p(weight[i]);
    return log(law->before[(int64_t)law->free * (law->draws + 1) + law->draws]) + ln_out;
}

double moe_independent_entropy(struct moe_independent *law)
{
    if (law->free == 0)
        return 0;
    double entropy = ln_sum_over_sets(law, law->weight);
    for (int e = 0; e < law->experts; e++)
        if (law->place[e] >= 0)
            entropy -= law->share[e] * log(law->weight[law->place[e]]);
    return entropy;
}

/* Squares are divided by the mean weight, which keeps about as many experts in as the weights do. */
double moe_independent_collision(struct moe_independent *law)
{
    if (law->free == 0)
        return 1;
    const double ln_all = ln_sum_over_sets(law, law->weight);
    double mean = 0;
    for (int i = 0; i < law->free; i++)
        mean += law->weight[i] / law->free;
    for (int i = 0; i < law->free; i++)
        law->ratio[i] = law->weight[i] * (law->weight[i] / mean);
    return exp(2 * ln_all - ln_sum_over_sets(law, law->ratio) - law->draws * log(mean));
}
