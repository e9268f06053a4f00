#include "analysis/covering.h"

#include <math.h>

#include "analysis/choose.h"
#include "src/pool.h"

double moe_covering_patterns(const struct moe_covering_sizes *sizes)
{
    return (double)(sizes->layers * sizes->tokens * moe_ln_binomial(sizes->experts, sizes->top_k));
}

double moe_covering_patterns_relaxed(const struct moe_covering_sizes *sizes)
{
    return sizes->layers * sizes->tokens * moe_ln_binomial_relaxed(sizes->experts, sizes->top_k);
}

static struct moe_covering covering(double parameters, double log_factor, double routing_term)
{
    struct moe_covering c = {.parameters = parameters,
                             .parameter_term = parameters * log_factor,
                             .routing_term = routing_term};
    c.total = c.parameter_term + c.routing_term;
    c.share = c.total == 0 ? 0 : c.routing_term / c.total;
    return c;
}

struct moe_covering moe_covering_quoted(const struct moe_covering_sizes *sizes, double log_factor)
{
    return covering(sizes->dense + sizes->layers * sizes->top_k * sizes->expert, log_factor,
                    moe_covering_patterns_relaxed(sizes));
}

/* All that moves while the labels stay: the dense part, the routers, and the experts within reach of `choices` a
 * layer. fmin would hide an unknown number of choices. */
static double moving(const struct moe_covering_sizes *sizes, double choices)
{
    const double reach = choices < sizes->experts ? choices : sizes->experts + 0 * choices;
    return sizes->dense + sizes->layers * (reach * sizes->expert + sizes->router);
}

struct moe_covering moe_covering_table(const struct moe_covering_sizes *sizes, double log_factor)
{
    return covering(moving(sizes, sizes->tokens * sizes->top_k), log_factor, moe_covering_patterns(sizes));
}

struct moe_covering moe_covering_sample(const struct moe_covering_sizes *sizes, double log_factor, double n,
                                        double ln_growth)
{
    return covering(moving(sizes, n * sizes->tokens * sizes->top_k), log_factor, ln_growth);
}

struct moe_covering_growth moe_covering_growth_of(double sites, double experts, double top_k, double width)
{
    struct moe_covering_growth g = {.hyperplanes = sites * experts * (experts - 1) / 2,
                                    .dimension = (experts - 1) * width,
                                    .trivial = (double)(sites * moe_ln_binomial(experts, top_k))};
    if (isnan(g.hyperplanes + g.dimension))
        g.cells = NAN;
    else if (g.hyperplanes == 0 || g.dimension == 0)
        g.cells = 0;
    else
        g.cells = M_LN2 + moe_ln_binomial_sum(g.hyperplanes - 1, g.dimension - 1);
    g.ln = g.cells < g.trivial ? g.cells : g.trivial + 0 * g.cells;
    return g;
}

double moe_covering_orders(double experts, double width, double stop)
{
    if (experts < 2)
        return 0;
    const int most = (int)fmin(width, experts - 1);
    double *q = moe_pool_new(MOE_POOL_FILES, (size_t)most + 1, sizeof *q);
    for (int d = 1; d <= most; d++)
        q[d] = M_LN2;
    for (double e = 3; e <= experts && q[most] < stop; e++)
        for (int d = most; d > 1; d--)
            q[d] = moe_ln_sum(q[d], log(e - 1) + q[d - 1]);
    const double ln = fmin(q[most], stop);
    moe_pool_free(q);
    return ln;
}
