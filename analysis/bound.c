#include "analysis/bound.h"

#include <math.h>

double moe_ln_choose(int n, int k)
{
    double sum = 0;
    for (int i = 1; i <= k; i++)
        sum += log((double)(n - k + i) / i);
    return sum;
}

struct moe_bound moe_bound_of(const struct moe_run *run, const struct moe_layout *layout, int tokens)
{
    const double sites = (double)run->model.layers * tokens, K = run->model.top_k, E = run->model.experts;
    const double n = run->data.n > 0 ? (double)run->data.n : (double)run->train.steps * run->train.batch;
    struct moe_bound bound = {.parameters = (double)moe_layout_counts(layout, run).active, .log_factor = log(n)};
    bound.parameter_term = bound.parameters * bound.log_factor;
    bound.routing_exact = sites * moe_ln_choose(run->model.experts, run->model.top_k);
    bound.routing_relaxed = sites * K * (1 + log(E / K));
    bound.share = bound.routing_relaxed / (bound.routing_relaxed + bound.parameter_term);
    return bound;
}
