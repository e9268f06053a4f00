#include "analysis/bound.h"

#include <math.h>

#include "analysis/choose.h"

struct moe_bound moe_bound_of(const struct moe_run *run, const struct moe_layout *layout, int tokens)
{
    const double sites = (double)run->model.layers * tokens, K = run->model.top_k, E = run->model.experts;
    const double n = run->data.n > 0 ? (double)run->data.n : (double)run->train.steps * run->train.batch;
    struct moe_bound bound = {.parameters = (double)moe_layout_counts(layout, run).active, .log_factor = log(n)};
    bound.parameter_term = bound.parameters * bound.log_factor;
    bound.routing_exact = sites * (double)moe_ln_binomial(E, K);
    bound.routing_relaxed = sites * moe_ln_binomial_relaxed(E, K);
    bound.share = bound.routing_relaxed / (bound.routing_relaxed + bound.parameter_term);
    return bound;
}
