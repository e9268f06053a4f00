#include "mpi/census.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "src/pool.h"
#include "src/share.h"
#include "src/status.h"

enum { CELLS_TAG = 1, COMBINE_FROM = 1024, HELD_WHILE_GROWING = 5 };

/* Elements that arrive in parts and are combined whenever they have doubled. */
struct list {
    void *value;
    size_t capacity;
    int64_t count, combined; /* the first `combined` of them were left by the last combining */
};

struct moe_census_merge {
    struct moe_counter *counter;
    const struct moe_census_shape *shape;
    const struct moe_scope *scope;
    int scopes;
    struct list *owned;           /* [scopes]: records of this rank's partitions */
    MPI_Comm comm;
    int rank, ranks;
    int64_t round_bytes;
    int64_t *bytes, *messages;    /* [ranks] or null */
    MPI_Datatype record_type, cell_type, sums_type;
    MPI_Op add_sums;
};

static MPI_Datatype type_of_bytes(size_t size)
{
    MPI_Datatype type;
    MPI_Type_contiguous((int)size, MPI_BYTE, &type);
    MPI_Type_commit(&type);
    return type;
}

static void add_sums(void *in, void *inout, int *count, MPI_Datatype *type)
{
    (void)type;
    for (int i = 0; i < *count; i++) {
        struct moe_group_sums more, sums; /* copies: the library's own buffers need not be aligned for 128 bits */
        memcpy(&more, (char *)in + (size_t)i * sizeof more, sizeof more);
        memcpy(&sums, (char *)inout + (size_t)i * sizeof sums, sizeof sums);
        sums.pairs += more.pairs;
        sums.sequences += more.sequences;
        sums.holds += more.holds;
        memcpy((char *)inout + (size_t)i * sizeof sums, &sums, sizeof sums);
    }
}

static void note(struct moe_census_merge *merge, int to, int64_t bytes)
{
    if (to == merge->rank || bytes == 0)
        return;
    if (merge->bytes)
        merge->bytes[to] += bytes;
    if (merge->messages)
        merge->messages[to]++;
}

struct moe_census_merge *moe_census_begin(struct moe_counter *counter, MPI_Comm comm, int64_t round_bytes,
                                          int64_t *bytes, int64_t *messages)
{
    MOE_CHECK(round_bytes >= 1 && round_bytes / (int64_t)sizeof(struct moe_cell) <= INT_MAX);
    struct moe_census_merge *merge = moe_pool_new(MOE_POOL_CENSUS, 1, sizeof *merge);
    merge->counter = counter;
    merge->shape = moe_counter_shape(counter);
    merge->scopes = moe_counter_scopes(counter, &merge->scope);
    merge->owned = moe_pool_new(MOE_POOL_CENSUS, (size_t)merge->scopes, sizeof *merge->owned);
    merge->comm = comm;
    MPI_Comm_rank(comm, &merge->rank);
    MPI_Comm_size(comm, &merge->ranks);
    merge->round_bytes = round_bytes;
    merge->bytes = bytes;
    merge->messages = messages;
    merge->record_type = type_of_bytes(sizeof(struct moe_record));
    merge->cell_type = type_of_bytes(sizeof(struct moe_cell));
    merge->sums_type = type_of_bytes(sizeof(struct moe_group_sums));
    MPI_Op_create(add_sums, 1, &merge->add_sums);
    return merge;
}

/* Room for `more` elements at the end, after combining where that is due. */
static void *make_room(struct list *list, int64_t more, size_t size, int64_t combine(void *, int64_t))
{
    if (list->count > COMBINE_FROM && list->count > 2 * list->combined)
        list->combined = list->count = combine(list->value, list->count);
    moe_pool_grow(MOE_POOL_CENSUS, &list->value, &list->capacity, (size_t)(list->count + more), size);
    return (char *)list->value + (size_t)list->count * size;
}

static int64_t combine_records(void *records, int64_t count)
{
    return moe_records_combine(records, count);
}

static int64_t combine_cells(void *cells, int64_t count)
{
    return moe_cells_combine(cells, count);
}

/* The first record, of those sorted by partition, that rank `owner` or a later one owns. */
static int64_t first_of_owner(const struct moe_record *records, int64_t count, int ranks, int owner)
{
    int64_t low = 0, high = count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        int partition = moe_key_partition(records[middle].key);
        if (moe_share_owner(MOE_PARTITIONS, ranks, partition) >= owner)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static int clamp(int64_t value, int64_t most)
{
    return (int)(value < 0 ? 0 : value > most ? most : value);
}

/* How the records of one scope travel: [ranks] each. */
struct route {
    int64_t *start;                 /* [ranks + 1]: what goes to rank p is start[p] .. start[p + 1] of mine */
    int64_t *send, *receive;        /* totals */
    int *counts, *offsets;          /* of one round */
    int *receive_counts, *receive_offsets;
};

/* One round: no more than `slice` records from any rank to any other. */
static void exchange_round(struct moe_census_merge *merge, struct list *owned, const struct moe_record *records,
                           const struct route *route, int64_t done, int64_t slice)
{
    int incoming = 0;
    for (int p = 0; p < merge->ranks; p++) {
        route->counts[p] = clamp(route->send[p] - done, slice);
        route->offsets[p] = route->counts[p] ? (int)(route->start[p] + done) : 0;
        route->receive_counts[p] = clamp(route->receive[p] - done, slice);
        route->receive_offsets[p] = incoming;
        incoming += route->receive_counts[p];
        note(merge, p, route->counts[p] * (int64_t)sizeof *records);
    }
    struct moe_record *room = make_room(owned, incoming, sizeof *records, combine_records);
    MPI_Alltoallv(records, route->counts, route->offsets, merge->record_type, room, route->receive_counts,
                  route->receive_offsets, merge->record_type, merge->comm);
    owned->count += incoming;
}

static void move_records(struct moe_census_merge *merge, int scope, const struct route *route)
{
    struct moe_record *records;
    int64_t count = moe_counter_take(merge->counter, scope, &records);
    MOE_CHECK(count <= INT_MAX);
    count = moe_records_combine(records, count);
    int ranks = merge->ranks;
    int64_t most = 0;
    for (int p = 0; p <= ranks; p++)
        route->start[p] = first_of_owner(records, count, ranks, p);
    for (int p = 0; p < ranks; p++) {
        route->send[p] = route->start[p + 1] - route->start[p];
        most = route->send[p] > most ? route->send[p] : most;
        note(merge, p, sizeof *route->send);
    }
    MPI_Alltoall(route->send, 1, MPI_INT64_T, route->receive, 1, MPI_INT64_T, merge->comm);
    MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_INT64_T, MPI_MAX, merge->comm);
    int64_t slice = merge->round_bytes / (int64_t)sizeof *records / ranks;
    if (slice == 0)
        slice = 1;
    for (int64_t done = 0; done < most; done += slice)
        exchange_round(merge, &merge->owned[scope], records, route, done, slice);
    moe_pool_free(records);
}

static void move_all(struct moe_census_merge *merge)
{
    size_t ranks = (size_t)merge->ranks;
    int64_t *totals = moe_pool_new(MOE_POOL_CENSUS, 3 * ranks + 1, sizeof *totals);
    int *rounds = moe_pool_new(MOE_POOL_CENSUS, 4 * ranks, sizeof *rounds);
    struct route route = {totals, totals + ranks + 1, totals + 2 * ranks + 1, rounds, rounds + ranks,
                          rounds + 2 * ranks, rounds + 3 * ranks};
    for (int scope = 0; scope < merge->scopes; scope++)
        move_records(merge, scope, &route);
    moe_pool_free(rounds);
    moe_pool_free(totals);
}

int moe_census_flush(struct moe_census_merge *merge, int64_t budget)
{
    int full = moe_counter_bytes(merge->counter) > budget;
    MPI_Allreduce(MPI_IN_PLACE, &full, 1, MPI_INT, MPI_MAX, merge->comm);
    if (full)
        move_all(merge);
    return full;
}

/* Where this rank's elements begin among those of all ranks, *all of them. */
static int64_t place_of(struct moe_census_merge *merge, int64_t mine, int64_t *all)
{
    int64_t end;
    MPI_Scan(&mine, &end, 1, MPI_INT64_T, MPI_SUM, merge->comm);
    MPI_Allreduce(&mine, all, 1, MPI_INT64_T, MPI_SUM, merge->comm);
    return end - mine;
}

static void make_keys(struct moe_census_merge *merge, const struct moe_scope *scope, const struct list *records,
                      struct moe_census_keys *keys)
{
    *keys = (struct moe_census_keys){0};
    moe_scope_path(scope, 0, keys->path);
    moe_records_rows(records->value, records->count, &keys->patterns, &keys->key, &keys->rows, &keys->row);
    keys->first_pattern = place_of(merge, keys->patterns, &keys->all_patterns);
    keys->first_row = place_of(merge, keys->rows, &keys->all_rows);
    for (int64_t i = 0; i < keys->rows; i++)
        keys->row[5 * i] += keys->first_pattern;
}

/* The paths by token stand beside the keys of `path`, which the scope before them made: a key has one owner, whatever
 * the scope, so both have the same patterns. */
static void add_positions(struct moe_census_merge *merge, const struct list *records, struct moe_census_keys *path)
{
    path->positions = moe_records_positions(records->value, records->count, &path->position);
    MOE_CHECK(path->positions == 0 || path->position[3 * (path->positions - 1)] == path->patterns - 1);
    path->first_position = place_of(merge, path->positions, &path->all_positions);
    for (int64_t i = 0; i < path->positions; i++)
        path->position[3 * i] += path->first_pattern;
}

static void receive_cells(struct moe_census_merge *merge, int from, int64_t count, int64_t slice, struct list *all)
{
    while (count > 0) {
        int incoming = clamp(count, slice);
        void *room = make_room(all, incoming, sizeof(struct moe_cell), combine_cells);
        MPI_Recv(room, incoming, merge->cell_type, from, CELLS_TAG, merge->comm, MPI_STATUS_IGNORE);
        all->count += incoming;
        count -= incoming;
    }
}

static void send_cells(struct moe_census_merge *merge, const struct moe_cell *cells, int64_t count, int64_t slice)
{
    for (int64_t done = 0; done < count; done += slice) {
        int outgoing = clamp(count - done, slice);
        note(merge, 0, outgoing * (int64_t)sizeof *cells);
        MPI_Send(cells + done, outgoing, merge->cell_type, 0, CELLS_TAG, merge->comm);
    }
}

/* Brings all ranks' cells of a scope together on rank 0, one rank after the other; `mine` is given up. */
static struct list gather_cells(struct moe_census_merge *merge, struct moe_cell *mine, int64_t count)
{
    int64_t *counts = moe_pool_new(MOE_POOL_CENSUS, (size_t)merge->ranks, sizeof *counts);
    MPI_Gather(&count, 1, MPI_INT64_T, counts, 1, MPI_INT64_T, 0, merge->comm);
    note(merge, 0, sizeof count);
    struct list all = {mine, (size_t)count, count, count};
    int64_t slice = merge->round_bytes / (int64_t)sizeof *mine;
    slice = slice ? slice : 1;
    if (merge->rank > 0)
        send_cells(merge, mine, count, slice);
    else
        for (int p = 1; p < merge->ranks; p++)
            receive_cells(merge, p, counts[p], slice, &all);
    moe_pool_free(counts);
    if (merge->rank == 0)
        all.count = moe_cells_combine(all.value, all.count);
    return all;
}

static void finish_scope(struct moe_census_merge *merge, int s, const struct moe_group_sums *sums,
                         struct moe_census *census)
{
    const struct moe_scope *scope = &merge->scope[s];
    struct list *records = &merge->owned[s];
    records->count = moe_records_combine(records->value, records->count);
    if (merge->shape->keep_keys && scope->kind == MOE_SCOPE_TOKEN_PATH)
        add_positions(merge, records, &census->keys[census->keys_count - 1]);
    else if (merge->shape->keep_keys)
        make_keys(merge, scope, records, &census->keys[census->keys_count++]);
    struct moe_cell *mine;
    int64_t count = moe_records_cells(merge->shape, scope, records->value, records->count, &mine);
    moe_pool_free(records->value);
    records->value = NULL;
    struct list cells = gather_cells(merge, mine, count);
    if (merge->rank == 0) {
        struct moe_scope_tables *made;
        int parts = moe_cells_tables(merge->shape, scope, cells.value, cells.count, sums + s * MOE_GROUPS, &made);
        for (int part = 0; part < parts; part++)
            census->tables[census->tables_count++] = made[part];
        moe_pool_free(made); /* the tables themselves live on in census */
    }
    moe_pool_free(cells.value);
}

void moe_census_abandon(struct moe_census_merge *merge)
{
    if (!merge)
        return;
    for (int scope = 0; scope < merge->scopes; scope++)
        moe_pool_free(merge->owned[scope].value);
    MPI_Op_free(&merge->add_sums);
    MPI_Type_free(&merge->sums_type);
    MPI_Type_free(&merge->cell_type);
    MPI_Type_free(&merge->record_type);
    moe_pool_free(merge->owned);
    moe_pool_free(merge);
}

void moe_census_finish(struct moe_census_merge *merge, struct moe_census *census)
{
    *census = (struct moe_census){0};
    move_all(merge);
    size_t groups = (size_t)merge->scopes * MOE_GROUPS;
    struct moe_group_sums *mine = moe_pool_new(MOE_POOL_CENSUS, groups, sizeof *mine);
    struct moe_group_sums *sums = moe_pool_new(MOE_POOL_CENSUS, groups, sizeof *sums);
    for (int scope = 0; scope < merge->scopes; scope++)
        moe_counter_sums(merge->counter, scope, mine + scope * MOE_GROUPS);
    MPI_Reduce(mine, sums, (int)groups, merge->sums_type, merge->add_sums, 0, merge->comm);
    if (merge->rank == 0)
        census->tables = moe_pool_new(MOE_POOL_CENSUS, (size_t)(merge->scopes + merge->shape->tokens),
                                      sizeof *census->tables);
    if (merge->shape->keep_keys)
        census->keys = moe_pool_new(MOE_POOL_CENSUS, (size_t)merge->scopes, sizeof *census->keys);
    for (int scope = 0; scope < merge->scopes; scope++)
        finish_scope(merge, scope, sums, census);
    moe_pool_free(sums);
    moe_pool_free(mine);
    moe_census_abandon(merge);
}

void moe_census_clear(struct moe_census *census)
{
    moe_tables_free(census->tables, census->tables_count);
    for (int i = 0; i < census->keys_count; i++) {
        moe_pool_free(census->keys[i].row);
        moe_pool_free(census->keys[i].position);
        moe_pool_free(census->keys[i].key);
    }
    moe_pool_free(census->keys);
    *census = (struct moe_census){0};
}

int64_t moe_census_estimate_bytes(const struct moe_census_shape *shape, int ranks, int64_t round_bytes)
{
    struct moe_pattern pattern;
    struct moe_scope *scope;
    moe_pattern_init(&pattern, shape->experts, shape->top_k);
    int scopes = moe_scopes(shape, &pattern, &scope);
    double levels = shape->sequences > 0 ? moe_census_level(shape->batch, shape->sequences - 1) + 1 : 1;
    double records = 0, rows = 0, positions = 0;
    for (int s = 0; s < scopes; s++) {
        int by_token = scope[s].kind == MOE_SCOPE_TOKEN_PATH;
        double tags = by_token ? shape->tokens : MOE_GROUPS * levels;
        double most = fmin(exp(scope[s].ln_worst) * tags, (double)scope[s].samples * (double)shape->sequences);
        records += most;
        rows += by_token ? 0 : most;
        positions += by_token ? most : 0;
    }
    moe_pool_free(scope);
    moe_pattern_clear(&pattern);
    double share = (double)moe_share_count(MOE_PARTITIONS, ranks, 0) / MOE_PARTITIONS;
    double bytes = share * records * HELD_WHILE_GROWING * sizeof(struct moe_record) + 3 * (double)round_bytes;
    if (shape->keep_keys)
        bytes += share * (rows * (2 * sizeof(uint64_t) + 5 * sizeof(int64_t)) + positions * 3 * sizeof(int64_t));
    return bytes < 0x1p63 ? (int64_t)bytes : INT64_MAX;
}
