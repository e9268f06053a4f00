#include "src/routes.h"

#include <math.h>
#include <string.h>

#include "src/pool.h"

void moe_routes_clear(struct moe_routes *routes)
{
    for (int i = 0; routes->spread && i < routes->snapshots * routes->scopes; i++)
        moe_pool_free(routes->spread[i].value);
    for (int i = 0; routes->choices && i < routes->snapshots; i++)
        moe_pool_free(routes->choices[i]);
    void *const buffers[] = {routes->share, routes->rows,        routes->messages, routes->all,
                             routes->first, routes->most,        routes->room,     routes->room_before,
                             routes->spread, routes->table_bytes, routes->choices};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        moe_pool_free(buffers[i]);
    memset(routes, 0, sizeof *routes);
}

double moe_routes_share(const struct moe_routes *routes, const struct moe_job *job, enum moe_purpose purpose,
                        int layer, int first, int count)
{
    const int E = job->run.model.experts, L = job->run.model.layers;
    double part = 0, whole = 0;
    if (routes->snapshots == 0)
        return (double)count / E;
    for (int s = 0; s < routes->snapshots; s++)
        for (int e = first; e < first + count; e++)
            part += routes->share[((int64_t)s * L + layer) * E + e] / routes->snapshots;
    if (!routes->all || routes->passes[purpose] == 0)
        return part;
    part = 0;
    for (int e = 0; e < E; e++) {
        const double rows = (double)routes->all[((int64_t)purpose * L + layer) * E + e];
        part += e >= first && e < first + count ? rows : 0;
        whole += rows;
    }
    return part / whole;
}

int moe_routes_know_rows(const struct moe_routes *routes, const struct moe_job *job)
{
    if (!routes->same || !routes->rows)
        return 0;
    for (enum moe_purpose purpose = 0; purpose < MOE_PURPOSES; purpose++)
        if ((double)routes->passes[purpose] != moe_job_passes(job, purpose))
            return 0;
    return 1;
}

int moe_routes_know_census(const struct moe_routes *routes, const struct moe_job *job)
{
    int known = routes->same && routes->choices && routes->snapshots == moe_job_censuses(job);
    for (int i = 0; known && i < routes->snapshots; i++)
        known = routes->choices[i] != NULL;
    return known;
}

/* The share of a census' sequences that has a level, of levels counted from 0. */
static double level_share(const struct moe_census_shape *shape, int level)
{
    const double n = (double)shape->sequences;
    const double first = level ? ldexp(shape->batch, level - 1) : 0, end = ldexp(shape->batch, level);
    return (fmin(end, n) - fmin(first, n)) / n;
}

/* Every sequence holds a pattern with the same probability; a token's choices are different experts. */
static double uniform_records(const struct moe_census_shape *shape, const struct moe_scope *what, double part)
{
    const double patterns = exp(what->ln_worst), n = (double)shape->sequences, samples = (double)what->samples;
    const double at_once = what->kind == MOE_SCOPE_EXPERT ? shape->top_k : 1;
    const int levels = moe_census_level(shape->batch, shape->sequences - 1) + 1;
    double sum = 0;
    if (isinf(patterns))
        return n * samples * part;
    if (what->kind == MOE_SCOPE_TOKEN_PATH)
        return -expm1(n * log1p(-part / patterns)) * patterns * shape->tokens;
    const double holds = at_once < patterns ? -expm1(samples / at_once * log1p(-at_once / patterns)) : 1;
    for (int level = 0; level < levels; level++) {
        const double tag = level_share(shape, level) / MOE_GROUPS * part;
        sum += MOE_GROUPS * patterns * -expm1(n * log1p(-fmin(tag * holds, 1 - 1e-16)));
    }
    return sum;
}

static double measured_records(const struct moe_spread *spread, const struct moe_census_shape *shape,
                               const struct moe_scope *what, double part, double scale)
{
    const int by_token = what->kind == MOE_SCOPE_TOKEN_PATH;
    const int levels = by_token ? 1 : moe_census_level(shape->batch, shape->sequences - 1) + 1;
    const double groups = by_token ? 1 : MOE_GROUPS;
    double sum = 0;
    for (int level = 0; level < levels; level++) {
        const double share = (by_token ? 1 : level_share(shape, level)) / groups * part;
        for (int64_t i = 0; i < spread->rows; i++) {
            const double times = (double)spread->value[2 * i] * scale, patterns = (double)spread->value[2 * i + 1];
            sum += patterns * groups * (share < 1 ? -expm1(times * log1p(-share)) : 1);
        }
    }
    return sum;
}

double moe_routes_records(const struct moe_routes *routes, const struct moe_job *job, int snapshot, int scope,
                          const struct moe_scope *what, double part)
{
    const struct moe_census_shape shape = moe_job_census(job);
    if (routes->snapshots == 0)
        return uniform_records(&shape, what, part);
    const double scale = (double)shape.sequences / (double)routes->sequences;
    return measured_records(&routes->spread[snapshot * routes->scopes + scope], &shape, what, part, scale);
}

double moe_routes_table_bytes(const struct moe_routes *routes, const struct moe_job *job, int snapshot, int scope,
                              const struct moe_scope *what)
{
    const struct moe_census_shape shape = moe_job_census(job);
    if (routes->snapshots)
        return (double)routes->table_bytes[snapshot * routes->scopes + scope];
    /* Counts of a pattern vary by a few times the square root of their mean, and patterns are no more than that. */
    const double samples = (double)shape.sequences * (double)what->samples, patterns = exp(what->ln_worst);
    const double counts = fmin(fmin(patterns, samples), 6 * sqrt(samples / patterns) + 2);
    if (what->kind == MOE_SCOPE_TOKEN_PATH)
        return counts * shape.tokens * 2 * (double)sizeof(int64_t);
    const double by_group = 3 * MOE_GROUPS * 3, once = 2 + 2 + 3 + 2, growth = 3 * moe_census_cuts(&shape);
    return counts * (by_group + once + growth) * (double)sizeof(int64_t);
}
