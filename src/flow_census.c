/* What censuses send, by doing on one process what mpi/census.c does on all: each rank's counter, its records to the
 * owners of their keys, the owners' cells to rank 0. */
#include "src/flow.h"

#include <math.h>
#include <string.h>

#include "src/pool.h"
#include "src/share.h"

/* Records of one scope that came to one owner. */
struct owned {
    struct moe_record *record;
    size_t capacity;
    int64_t count;
};

struct merge {
    const struct moe_job *job;
    struct moe_counter **counter; /* [P] */
    int scopes;
    const struct moe_scope *scope;
    struct owned *owned;          /* [P, scopes] */
    int64_t *send;                /* [P] */
    struct moe_flow *flow;        /* [P, P] */
};

static void note(struct merge *merge, int from, int to, int64_t bytes)
{
    struct moe_flow *flow = &merge->flow[(int64_t)from * merge->job->ranks + to];
    if (from == to || bytes == 0)
        return;
    flow->bytes += (double)bytes;
    flow->messages++;
}

/* `count` elements of `size` bytes in rounds of at most `slice` elements. */
static void note_rounds(struct merge *merge, int from, int to, int64_t count, int64_t slice, size_t size)
{
    slice = slice ? slice : 1;
    for (int64_t done = 0; done < count; done += slice)
        note(merge, from, to, (count - done < slice ? count - done : slice) * (int64_t)size);
}

static void move_records(struct merge *merge, int from, int scope)
{
    const int P = merge->job->ranks;
    struct moe_record *records;
    int64_t count = moe_counter_take(merge->counter[from], scope, &records);
    count = moe_records_combine(records, count);
    for (int p = 0; p < P; p++)
        merge->send[p] = 0;
    for (int64_t i = 0; i < count; i++) {
        const int owner = (int)moe_share_owner(MOE_PARTITIONS, P, moe_key_partition(records[i].key));
        struct owned *owned = &merge->owned[owner * merge->scopes + scope];
        moe_pool_grow(MOE_POOL_CENSUS, (void **)&owned->record, &owned->capacity, (size_t)owned->count + 1,
                      sizeof *records);
        owned->record[owned->count++] = records[i];
        merge->send[owner]++;
    }
    for (int p = 0; p < P; p++) {
        note(merge, from, p, sizeof(int64_t));
        note_rounds(merge, from, p, merge->send[p], MOE_CENSUS_ROUND / (int64_t)sizeof *records / P, sizeof *records);
    }
    moe_pool_free(records);
}

static void move_all(struct merge *merge)
{
    for (int from = 0; from < merge->job->ranks; from++)
        for (int scope = 0; scope < merge->scopes; scope++)
            move_records(merge, from, scope);
}

/* Counts one batch on every rank, and moves the records where a rank's tables are over the budget. */
static void count_batch(struct merge *merge, const int16_t *choices, int64_t done, int64_t batch)
{
    const struct moe_job *job = merge->job;
    const struct moe_census_shape shape = moe_job_census(job);
    const int V = job->run.parallel.shards, P = job->ranks;
    const int64_t sites = (int64_t)shape.tokens * shape.layers * shape.top_k;
    int full = 0;
    for (int p = 0; p < P; p++) {
        const int64_t end = moe_share_first(batch, V, moe_share_first(V, P, p + 1));
        for (int64_t i = moe_share_first(batch, V, moe_share_first(V, P, p)); i < end; i++)
            moe_counter_add(merge->counter[p], shape.first + done + i, choices + (done + i) * sites);
        full |= moe_counter_bytes(merge->counter[p]) > MOE_CENSUS_BUDGET;
    }
    if (full)
        move_all(merge);
}

static void gather_cells(struct merge *merge)
{
    const struct moe_census_shape shape = moe_job_census(merge->job);
    for (int i = 0; i < merge->job->ranks * merge->scopes; i++) {
        struct owned *owned = &merge->owned[i];
        struct moe_cell *cells;
        const int from = i / merge->scopes;
        owned->count = moe_records_combine(owned->record, owned->count);
        const struct moe_scope *scope = &merge->scope[i % merge->scopes];
        int64_t count = moe_records_cells(&shape, scope, owned->record, owned->count, &cells);
        note(merge, from, 0, sizeof count);
        note_rounds(merge, from, 0, count, MOE_CENSUS_ROUND / (int64_t)sizeof *cells, sizeof *cells);
        moe_pool_free(cells);
        moe_pool_free(owned->record);
    }
}

/* One census. */
static void count(struct merge *merge, const int16_t *choices)
{
    const struct moe_job *job = merge->job;
    const struct moe_census_shape shape = moe_job_census(job);
    const int64_t batch = moe_job_batch(job, MOE_COUNTING);
    for (int p = 0; p < job->ranks; p++)
        merge->counter[p] = moe_counter_new(&shape);
    merge->scopes = moe_counter_scopes(merge->counter[0], &merge->scope);
    merge->owned = moe_pool_new(MOE_POOL_CENSUS, (size_t)(job->ranks * merge->scopes), sizeof *merge->owned);
    for (int64_t done = 0; done < shape.sequences; done += batch)
        count_batch(merge, choices, done, shape.sequences - done < batch ? shape.sequences - done : batch);
    move_all(merge);
    gather_cells(merge);
    moe_pool_free(merge->owned);
    for (int p = 0; p < job->ranks; p++)
        moe_counter_free(merge->counter[p]);
}

/* Pair by pair, from the choices. */
static struct moe_flow *exact(const struct moe_job *job, const struct moe_routes *routes)
{
    const size_t P = (size_t)job->ranks;
    struct merge merge = {.job = job,
                          .counter = moe_pool_new(MOE_POOL_CENSUS, P, sizeof *merge.counter),
                          .send = moe_pool_new(MOE_POOL_CENSUS, P, sizeof *merge.send),
                          .flow = moe_pool_new(MOE_POOL_CENSUS, P * P, sizeof *merge.flow)};
    for (int i = 0; i < routes->snapshots; i++)
        count(&merge, routes->choices[i]);
    moe_pool_free(merge.counter);
    moe_pool_free(merge.send);
    return merge.flow;
}

/* Adds what a rank sends of one scope of one census: an even part of its records to every owner, cells to rank 0. */
static void add_expected(struct moe_census_flow *census, const struct moe_job *job, double records, double table_bytes)
{
    const double P = job->ranks, sent = round(records / P);
    const double slice = fmax(1, floor(MOE_CENSUS_ROUND / (double)sizeof(struct moe_record) / P));
    const double cells = round(fmin(4 * records, table_bytes / (double)sizeof(struct moe_cell)));
    const struct moe_flow even = {sizeof(int64_t) + sent * (double)sizeof(struct moe_record), 1 + ceil(sent / slice)};
    census->other.bytes += even.bytes;
    census->other.messages += even.messages;
    census->first.bytes += even.bytes + sizeof(int64_t) + cells * (double)sizeof(struct moe_cell);
    census->first.messages += even.messages + 1 + (cells > 0);
}

void moe_flow_census(struct moe_census_flow *census, const struct moe_job *job, const struct moe_routes *routes)
{
    const struct moe_census_shape shape = moe_job_census(job);
    struct moe_pattern pattern;
    struct moe_scope *scope;
    memset(census, 0, sizeof *census);
    if (moe_routes_know_census(routes, job) && job->ranks <= MOE_FLOW_CENSUS_RANKS) {
        census->pair = exact(job, routes);
        return;
    }
    moe_pattern_init(&pattern, shape.experts, shape.top_k);
    const int scopes = moe_scopes(&shape, &pattern, &scope), censuses = moe_job_censuses(job);
    for (int i = 0; i < censuses; i++)
        for (int s = 0; s < scopes; s++) {
            const int snapshot = i < routes->snapshots ? i : routes->snapshots - 1;
            add_expected(census, job, moe_routes_records(routes, job, snapshot, s, &scope[s], 1.0 / job->ranks),
                         moe_routes_table_bytes(routes, job, snapshot, s, &scope[s]));
        }
    moe_pool_free(scope);
    moe_pattern_clear(&pattern);
}

void moe_flow_census_clear(struct moe_census_flow *census)
{
    moe_pool_free(census->pair);
    memset(census, 0, sizeof *census);
}
