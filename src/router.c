#include "src/router.h"

#include <math.h>
#include <string.h>

#include "src/kernels.h"

/* Keeps the best K of E in best [K], by falling logit, ties to the lower expert; returns the best logit left out. */
static moe_real choose(int16_t *best, const moe_real *logit, int experts, int top_k)
{
    moe_real next = -INFINITY;
    int held = 0;
    for (int e = 0; e < experts; e++) {
        if (held == top_k && !(logit[e] > logit[best[held - 1]])) {
            next = logit[e] > next ? logit[e] : next;
            continue;
        }
        if (held == top_k)
            next = logit[best[--held]] > next ? logit[best[held]] : next;
        int at = held++;
        for (; at > 0 && logit[e] > logit[best[at - 1]]; at--)
            best[at] = best[at - 1];
        best[at] = (int16_t)e;
    }
    return next;
}

/* The planted set by falling logit. */
static void order(int16_t *best, const int16_t *set, const moe_real *logit, int top_k)
{
    for (int k = 0; k < top_k; k++) {
        int at = k;
        for (; at > 0 && logit[set[k]] > logit[best[at - 1]]; at--)
            best[at] = best[at - 1];
        best[at] = set[k];
    }
}

void moe_route(const struct moe_routing *routing, int16_t *choice, moe_real *gate, moe_real *margin, int64_t *load,
               double *p_sum, const moe_real *logits, int64_t n, const int16_t *planted, moe_real *scratch)
{
    const int E = routing->experts, K = routing->top_k;
    for (int64_t i = 0; i < n; i++, choice += K, gate += K, logits += E) {
        moe_real next = choose(choice, logits, E, K);
        margin[i] = K < E ? logits[choice[K - 1]] - next : (moe_real)NAN;
        if (planted) {
            order(choice, planted + i * K, logits, K);
            margin[i] = (moe_real)NAN;
        }
        moe_softmax(scratch, logits, E);
        for (int e = 0; e < E; e++)
            p_sum[e] += (double)scratch[e];
        for (int k = 0; k < K; k++) {
            load[choice[k]]++;
            gate[k] = routing->gate == MOE_SOFTMAX_TOPK ? scratch[choice[k]] : logits[choice[k]];
        }
        if (routing->gate == MOE_TOPK_SOFTMAX)
            moe_softmax(gate, gate, K);
    }
}

/* Gradient through softmax-topk, and of the balance loss, both through p = softmax over all E. */
static void through_all(const struct moe_routing *routing, moe_real *dlogit, const moe_real *dgate,
                        const int16_t *choice, const double *f, double balance, const moe_real *p)
{
    const int E = routing->experts, K = routing->top_k;
    double mean = 0;
    for (int e = 0; e < E; e++)
        mean += balance * f[e] * (double)p[e];
    if (routing->gate == MOE_SOFTMAX_TOPK)
        for (int k = 0; k < K; k++) {
            mean += (double)dgate[k] * (double)p[choice[k]];
            dlogit[choice[k]] += p[choice[k]] * dgate[k];
        }
    for (int e = 0; e < E; e++)
        dlogit[e] += p[e] * (moe_real)(balance * f[e] - mean);
}

void moe_route_backward(const struct moe_routing *routing, moe_real *dlogits, const moe_real *dgate,
                        const moe_real *gate, const int16_t *choice, const moe_real *logits, int64_t n,
                        const double *f, double balance, int64_t tokens, moe_real *scratch)
{
    const int E = routing->experts, K = routing->top_k;
    const double weight = balance * E / (double)tokens;
    memset(dlogits, 0, (size_t)(n * E) * sizeof *dlogits);
    for (int64_t i = 0; i < n; i++, dlogits += E, logits += E, dgate += K, gate += K, choice += K) {
        if (routing->gate == MOE_TOPK_SOFTMAX) {
            double mean = 0;
            for (int k = 0; k < K; k++)
                mean += (double)gate[k] * (double)dgate[k];
            for (int k = 0; k < K; k++)
                dlogits[choice[k]] = (moe_real)((double)gate[k] * ((double)dgate[k] - mean));
        }
        if (routing->gate == MOE_SOFTMAX_TOPK || weight > 0) {
            moe_softmax(scratch, logits, E);
            through_all(routing, dlogits, dgate, choice, f, weight, scratch);
        }
    }
}
