/* What censuses hold: counters, records on their way to owners, cells, and the tables that stay. */
#include <limits.h>
#include <math.h>

#include "src/footprint.h"
#include "src/share.h"
#include "src/snapshot.h"
#include "src/tally.h"

/* Times, as parts of a census' sequences, at which counting tables are looked at: 1, and down by a fourth root of 2. */
enum { TIMES = 7 };

/* One scope of one census on one rank, in bytes. */
struct load {
    double tally[TIMES];           /* of the counting table, from the end of the census backwards */
    double records, owned;         /* to owners, and of what came */
    double cells, gathered, tables;
    double keys;                   /* that are kept, with their counts */
};

/* The counting table of so many entries: a power of two, less than two thirds full. */
static double tally_bytes(double entries)
{
    double capacity = entries > 0 ? 64 : 0;
    while (3 * (entries - 1) >= 2 * capacity && capacity > 0)
        capacity *= 2;
    return capacity * (double)sizeof(struct moe_entry);
}

/* A hash table of cells, at most half full. */
static double cells_bytes(double cells)
{
    double capacity = 256;
    while (2 * cells >= capacity)
        capacity *= 2;
    return capacity * (double)sizeof(struct moe_cell);
}

/* What cells take on rank 0 while those of other ranks come in: their list, and the one that it grew out of. */
static double gathered_bytes(const struct moe_job *job, double cells)
{
    const double lists = job->ranks == 1 ? 0 : job->ranks == 2 ? 2 : 5;
    return lists * cells * (double)sizeof(struct moe_cell);
}

/* Kept keys and their rows, by group and not by level too, or by position. */
static double keys_bytes(const struct moe_job *job, const struct moe_routes *routes, int snapshot, int s,
                         const struct moe_scope *scope)
{
    struct moe_job one_level = *job;
    one_level.run.census.batch = (int)fmin(INT_MAX, (double)job->run.census.sequences);
    const double rows = moe_routes_records(routes, &one_level, snapshot, s, scope, 1.0 / job->ranks);
    const int by_token = scope->kind == MOE_SCOPE_TOKEN_PATH;
    return rows * (by_token ? 3 : 5) * (double)sizeof(int64_t) + (by_token ? 0 : rows * (double)sizeof(struct moe_key));
}

static struct load load_of(const struct moe_job *job, const struct moe_routes *routes, int snapshot, int s,
                           const struct moe_scope *scope, int rank)
{
    const double part = moe_job_local(job, MOE_COUNTING, rank) / moe_job_sequences(job, MOE_COUNTING);
    const double owned = moe_routes_records(routes, job, snapshot, s, scope, 1.0 / job->ranks);
    const double tables = moe_routes_table_bytes(routes, job, snapshot, s, scope);
    const double cells = fmin(4 * owned, tables / (double)sizeof(struct moe_cell));
    struct load load = {.owned = owned * (double)sizeof(struct moe_record),
                        .cells = cells_bytes(cells),
                        .gathered = rank == 0 ? gathered_bytes(job, cells) : 0,
                        .tables = rank == 0 ? 1.2 * tables : 0}; /* they grow by halves */
    struct moe_job sooner = *job;
    if (job->run.census.keep_keys)
        load.keys = keys_bytes(job, routes, snapshot, s, scope);
    for (int i = 0; i < TIMES; i++) {
        sooner.run.census.sequences = (int64_t)ceil((double)job->run.census.sequences * pow(2, -i / 4.0));
        const double entries = moe_routes_records(routes, &sooner, snapshot, s, scope, part);
        load.tally[i] = tally_bytes(entries);
        if (i == 0)
            load.records = entries * (double)sizeof(struct moe_record);
    }
    return load;
}

/* Loads, pairs and margins: the same on all ranks. */
static double arrays(const struct moe_job *job)
{
    const double L = job->run.model.layers, E = job->run.model.experts;
    const double pairs = L * E > MOE_COACTIVATION_MAX ? 2 * L * E * E : L * E * L * E;
    return 8 * (L * E * (2 + job->task.labels) + pairs + L * MOE_MARGIN_BINS);
}

/* The choices that so many shards keep one by one. */
static double choices(const struct moe_job *job, int shards)
{
    const struct moe_run *run = &job->run;
    const double keep = fmin((double)run->census.keep_choices, (double)run->census.sequences);
    const double batch = moe_job_batch(job, MOE_COUNTING), sites = (double)job->task.tokens * run->model.layers;
    const double sequences = ceil(keep / batch) * ceil(batch / run->parallel.shards) * shards;
    return sequences * sites * run->model.top_k * (double)sizeof(int16_t);
}

/* What stays of a census until the results are written, the counter without its tables too. */
static double kept(const struct moe_job *job, int scopes, int rank)
{
    const double L = job->run.model.layers, K = job->run.model.top_k, T = job->task.tokens;
    return arrays(job) + choices(job, moe_job_shards(job, rank)) +
           scopes * MOE_GROUPS * (double)sizeof(struct moe_group_sums) +
           (rank == 0 ? (scopes + T) * (double)sizeof(struct moe_scope_tables) : 0) + 16 * T * (L * (K + 2) + 3) +
           T * L * (2 * K + 16);
}

/* Buffers of one census' passes. */
static double work(const struct moe_job *job, int rank)
{
    const double width = (double)job->run.model.layers * job->run.model.experts;
    const double product = width > MOE_COACTIVATION_MAX ? job->run.model.experts : width;
    const double sums = moe_job_shards(job, rank) + moe_job_nodes(job, rank) + moe_tree_depth(job->run.parallel.shards);
    return (double)sizeof(moe_real) * (MOE_PAIRS_BLOCK * width + product * product) + 8 * sums * width;
}

/* The most that the counting tables take: when one doubles, its old half is still there. */
static double most_tallies(const struct load *load, int scopes)
{
    double most = 0;
    for (int i = 0; i < TIMES; i++) {
        double sum = 0, old = 0;
        for (int s = 0; s < scopes; s++) {
            const double before = i + 1 < TIMES ? load[s].tally[i + 1] : load[s].tally[i];
            sum += load[s].tally[i];
            old = fmax(old, load[s].tally[i] > before ? load[s].tally[i] / 2 : 0);
        }
        most = fmax(most, sum + old);
    }
    return fmin(most, MOE_CENSUS_BUDGET);
}

/* The most that one census takes beside what stays: while counting, while records move, while tables are made. */
static double most(const struct load *load, int scopes, double working)
{
    double tallies = 0, owned = 0, tables = 0, peak = most_tallies(load, scopes) + working;
    for (int s = 0; s < scopes; s++)
        tallies += load[s].tally[0];
    for (int s = 0; s < scopes; s++) {
        peak = fmax(peak, tallies + owned + load[s].records);
        tallies -= load[s].tally[0];
        owned += load[s].owned;
        peak = fmax(peak, tallies + owned + load[s].records);
    }
    for (int s = 0; s < scopes; s++) {
        peak = fmax(peak, owned + tables + 1.5 * load[s].cells + load[s].keys);
        owned -= load[s].owned;
        tables += load[s].keys;
        peak = fmax(peak, owned + tables + fmax(load[s].cells, load[s].gathered));
        tables += load[s].tables;
        peak = fmax(peak, owned + tables + fmax(load[s].cells, load[s].gathered * 3 / 5));
    }
    return peak;
}

double moe_footprint_snapshot(const struct moe_job *job, const struct moe_routes *routes)
{
    const struct moe_census_shape shape = moe_job_census(job);
    struct moe_pattern pattern;
    struct moe_scope *scope;
    moe_pattern_init(&pattern, shape.experts, shape.top_k);
    const int scopes = moe_scopes(&shape, &pattern, &scope);
    double bytes = arrays(job) + choices(job, job->run.parallel.shards);
    for (int s = 0; s < scopes; s++)
        bytes += moe_routes_table_bytes(routes, job, routes->snapshots - 1, s, &scope[s]);
    moe_pool_free(scope);
    moe_pattern_clear(&pattern);
    return bytes;
}

double moe_footprint_census(const struct moe_job *job, const struct moe_routes *routes, int rank)
{
    const struct moe_census_shape shape = moe_job_census(job);
    struct moe_pattern pattern;
    struct moe_scope *scope;
    double before = 0, peak = 0;
    moe_pattern_init(&pattern, shape.experts, shape.top_k);
    const int scopes = moe_scopes(&shape, &pattern, &scope), censuses = moe_job_censuses(job);
    struct load *load = moe_pool_new(MOE_POOL_CENSUS, (size_t)scopes, sizeof *load);
    for (int i = 0; i < censuses; i++) {
        const int snapshot = i < routes->snapshots ? i : routes->snapshots - 1;
        double stays = kept(job, scopes, rank);
        for (int s = 0; s < scopes; s++)
            load[s] = load_of(job, routes, snapshot, s, &scope[s], rank);
        peak = fmax(peak, before + stays + most(load, scopes, work(job, rank)));
        for (int s = 0; s < scopes; s++)
            stays += load[s].tables + load[s].keys;
        before += stays;
    }
    moe_pool_free(load);
    moe_pool_free(scope);
    moe_pattern_clear(&pattern);
    return peak;
}
