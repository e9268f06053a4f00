#include "analysis/null.h"

#include <math.h>
#include <string.h>

#include "src/pool.h"

/* Beyond LARGEST states of the recursions the model is not fitted; CLOSE_ENOUGH decides when weights stand. */
enum { LARGEST = 1 << 25, MOST_ITERATIONS = 20000 };
#define CLOSE_ENOUGH 1e-14
#define STILL_USABLE 1e-9

/* Experts that are sometimes chosen and sometimes not, and how many of them a token takes. With more than half taken,
 * the ones left out are modelled instead: their law has the same entropy, and the iteration then takes few steps. */
struct problem {
    int experts, top_k;
    double *target; /* [experts] inclusion probabilities */
    double *odds;   /* [experts] the weights, scaled so that sum of odds / (1 + odds) = top_k */
    double *ratio;  /* [experts] inclusion probability wanted over the one that the weights give */
    double *below;  /* [experts + 1, top_k + 1]: P(j of the first i are in), for independent ones */
    double *above;  /* the same of the experts from i on */
};

static void problem_init(struct problem *p, const int64_t *load, int experts, int top_k)
{
    int64_t sum = 0;
    for (int e = 0; e < experts; e++)
        sum += load[e];
    const double tokens = (double)sum / top_k;
    memset(p, 0, sizeof *p);
    p->target = moe_pool_new(MOE_POOL_FILES, (size_t)experts, sizeof *p->target);
    p->odds = moe_pool_new(MOE_POOL_FILES, (size_t)experts, sizeof *p->odds);
    p->ratio = moe_pool_new(MOE_POOL_FILES, (size_t)experts, sizeof *p->ratio);
    p->top_k = top_k;
    for (int e = 0; e < experts; e++) {
        if ((double)load[e] >= tokens)
            p->top_k--;
        else if (load[e] > 0)
            p->target[p->experts++] = (double)load[e] / tokens;
    }
    if (2 * p->top_k > p->experts) {
        p->top_k = p->experts - p->top_k;
        for (int e = 0; e < p->experts; e++)
            p->target[e] = 1 - p->target[e];
    }
}

static void problem_clear(struct problem *p)
{
    moe_pool_free(p->target);
    moe_pool_free(p->odds);
    moe_pool_free(p->ratio);
    moe_pool_free(p->below);
    moe_pool_free(p->above);
}

/* One more independent expert with probability p: row becomes the law of the number that is in, up to top_k. */
static void add_expert(const double *before, double *row, int top_k, double p)
{
    row[0] = before[0] * (1 - p);
    for (int j = 1; j <= top_k; j++)
        row[j] = before[j] * (1 - p) + before[j - 1] * p;
}

static void fill_laws(struct problem *p)
{
    const int E = p->experts, width = p->top_k + 1;
    p->below[0] = 1;
    p->above[(int64_t)E * width] = 1;
    for (int e = 0; e < E; e++)
        add_expert(p->below + (int64_t)e * width, p->below + (int64_t)(e + 1) * width, p->top_k,
                   p->odds[e] / (1 + p->odds[e]));
    for (int e = E - 1; e >= 0; e--)
        add_expert(p->above + (int64_t)(e + 1) * width, p->above + (int64_t)e * width, p->top_k,
                   p->odds[e] / (1 + p->odds[e]));
}

/* P(e is in | top_k are in), from laws that fill_laws made. */
static double inclusion(const struct problem *p, int e)
{
    const int width = p->top_k + 1;
    const double *before = p->below + (int64_t)e * width, *after = p->above + (int64_t)(e + 1) * width;
    double others = 0;
    for (int j = 0; j < p->top_k; j++)
        others += before[j] * after[p->top_k - 1 - j];
    return p->odds[e] / (1 + p->odds[e]) * others / p->below[(int64_t)p->experts * width + p->top_k];
}

/* Scales all odds by one factor so that independent experts would be top_k on average: P(S) stays as it is, and the
 * numbers stay where double is exact. */
static void rescale(struct problem *p)
{
    double low = 1e-300, high = 1e300, scale = 1;
    for (int step = 0; step < 200 && high > low * (1 + 1e-9); step++) {
        double sum = 0;
        for (int e = 0; e < p->experts; e++)
            sum += scale * p->odds[e] / (1 + scale * p->odds[e]);
        *(sum > p->top_k ? &high : &low) = scale;
        if (fabs(sum - p->top_k) < 1e-6 * p->top_k)
            break;
        scale = low > 1e-300 && high < 1e300 ? sqrt(low) * sqrt(high) : sum > p->top_k ? scale / 8 : scale * 8;
    }
    for (int e = 0; e < p->experts; e++)
        p->odds[e] *= scale;
}

static void fit_weights(struct problem *p, struct moe_null *null)
{
    for (int e = 0; e < p->experts; e++)
        p->odds[e] = p->target[e] / (1 - p->target[e]);
    double last = INFINITY;
    for (null->iterations = 0; null->iterations < MOST_ITERATIONS; null->iterations++) {
        fill_laws(p);
        null->error = 0;
        for (int e = 0; e < p->experts; e++) {
            const double now = inclusion(p, e);
            p->ratio[e] = p->target[e] / now;
            null->error = fmax(null->error, fabs(now - p->target[e]));
        }
        if (null->error < CLOSE_ENOUGH || (null->error < STILL_USABLE && null->error >= last))
            return;
        last = null->error;
        for (int e = 0; e < p->experts; e++)
            p->odds[e] *= p->ratio[e];
        rescale(p);
    }
}

/* ln Z_K of the weights, or of their squares. Squares are divided by the mean weight, which keeps independent experts
 * near top_k on average as the weights do. */
static double ln_z(const struct problem *p, int squared)
{
    const int K = p->top_k;
    double ln_out = 0, mean = 0, *law = p->below, *next = p->below + K + 1;
    for (int e = 0; e < p->experts; e++)
        mean += p->odds[e] / p->experts;
    memset(law, 0, (size_t)(K + 1) * sizeof *law);
    law[0] = 1;
    for (int e = 0; e < p->experts; e++) {
        const double w = squared ? p->odds[e] * (p->odds[e] / mean) : p->odds[e];
        double *done = law;
        add_expert(law, next, K, w / (1 + w));
        ln_out += log1p(w);
        law = next;
        next = done;
    }
    return log(law[K]) + ln_out + (squared ? K * log(mean) : 0);
}

static void solve(struct problem *p, struct moe_null *null)
{
    const size_t states = (size_t)(p->experts + 1) * (size_t)(p->top_k + 1);
    p->below = moe_pool_new(MOE_POOL_FILES, states, sizeof *p->below);
    p->above = moe_pool_new(MOE_POOL_FILES, states, sizeof *p->above);
    fit_weights(p, null);
    const double ln_all = ln_z(p, 0);
    null->entropy = ln_all;
    for (int e = 0; e < p->experts; e++)
        null->entropy -= p->target[e] * log(p->odds[e]);
    null->collision = exp(2 * ln_all - ln_z(p, 1));
}

const char *moe_null_fit(const int64_t *load, int experts, int top_k, struct moe_null *null)
{
    *null = (struct moe_null){.entropy = NAN, .collision = NAN};
    int64_t sum = 0, most = 0;
    for (int e = 0; e < experts; e++) {
        sum += load[e];
        most = load[e] > most ? load[e] : most;
    }
    if (sum == 0)
        return "no token was counted";
    if (sum % top_k != 0 || most > sum / top_k)
        return "the loads are not those of tokens with K different experts each";
    struct problem p;
    problem_init(&p, load, experts, top_k);
    const char *reason = NULL;
    if (p.top_k == 0) {
        *null = (struct moe_null){.entropy = 0, .collision = 1};
    } else if ((int64_t)(p.experts + 1) * (p.top_k + 1) > LARGEST) {
        reason = "too many experts for the null model";
    } else {
        solve(&p, null);
        if (!(null->error <= STILL_USABLE))
            reason = "the weights of the null model did not settle";
    }
    problem_clear(&p);
    return reason;
}
