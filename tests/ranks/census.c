/* The census merged over ranks equals that of one counter which was fed with everything. */
#include "mpi/census.h"

#include <mpi.h>

#include "src/pool.h"
#include "src/share.h"
#include "tests/routes.h"
#include "tests/tap.h"

/* What the library really asks MPI to send to other ranks, seen by these wrappers. */
static struct {
    int rank, ranks;
    int64_t bytes, messages, largest_round;
} seen;

static void see(int to, int64_t bytes)
{
    seen.bytes += to == seen.rank ? 0 : bytes;
    seen.messages += to != seen.rank && bytes > 0;
}

int MPI_Alltoallv(const void *send, const int *counts, const int *offsets, MPI_Datatype type, void *receive,
                  const int *receive_counts, const int *receive_offsets, MPI_Datatype receive_type, MPI_Comm comm)
{
    int size;
    int64_t round = 0;
    MPI_Type_size(type, &size);
    for (int p = 0; p < seen.ranks; p++) {
        see(p, (int64_t)counts[p] * size);
        round += (int64_t)counts[p] * size;
    }
    if (round > seen.largest_round)
        seen.largest_round = round;
    return PMPI_Alltoallv(send, counts, offsets, type, receive, receive_counts, receive_offsets, receive_type, comm);
}

int MPI_Alltoall(const void *send, int count, MPI_Datatype type, void *receive, int receive_count,
                 MPI_Datatype receive_type, MPI_Comm comm)
{
    int size;
    MPI_Type_size(type, &size);
    for (int p = 0; p < seen.ranks; p++)
        see(p, (int64_t)count * size);
    return PMPI_Alltoall(send, count, type, receive, receive_count, receive_type, comm);
}

int MPI_Gather(const void *send, int count, MPI_Datatype type, void *receive, int receive_count,
               MPI_Datatype receive_type, int root, MPI_Comm comm)
{
    int size;
    MPI_Type_size(type, &size);
    see(root, (int64_t)count * size);
    return PMPI_Gather(send, count, type, receive, receive_count, receive_type, root, comm);
}

int MPI_Send(const void *send, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm)
{
    int size;
    MPI_Type_size(type, &size);
    see(to, (int64_t)count * size);
    return PMPI_Send(send, count, type, to, tag, comm);
}

/* The census of everything by one counter, without messages. */
struct alone {
    int scopes, parts_all;
    const struct moe_scope *scope;
    struct moe_counter *counter;
    struct moe_record *records[64];
    int64_t count[64];
    struct moe_scope_tables *tables[64];
    int parts[64];
};

static void feed(struct moe_counter *counter, const struct moe_census_shape *shape, int64_t first, int64_t count)
{
    int16_t *choices = calloc((size_t)(shape->tokens * shape->layers * shape->top_k), sizeof *choices);
    for (int64_t i = 0; i < count; i++) {
        routes_of(shape, shape->first + first + i, choices);
        moe_counter_add(counter, shape->first + first + i, choices);
    }
    free(choices);
}

static void count_alone(const struct moe_census_shape *shape, struct alone *alone)
{
    *alone = (struct alone){.counter = moe_counter_new(shape)};
    alone->scopes = moe_counter_scopes(alone->counter, &alone->scope);
    feed(alone->counter, shape, 0, shape->sequences);
    for (int s = 0; s < alone->scopes; s++) {
        struct moe_group_sums sums[MOE_GROUPS] = {0};
        struct moe_cell *cells;
        int64_t count = moe_counter_take(alone->counter, s, &alone->records[s]);
        alone->count[s] = moe_records_combine(alone->records[s], count);
        count = moe_records_cells(shape, &alone->scope[s], alone->records[s], alone->count[s], &cells);
        moe_counter_sums(alone->counter, s, sums);
        alone->parts[s] = moe_cells_tables(shape, &alone->scope[s], cells, count, sums, &alone->tables[s]);
        alone->parts_all += alone->parts[s];
        moe_pool_free(cells);
    }
}

static void free_alone(struct alone *alone)
{
    for (int s = 0; s < alone->scopes; s++) {
        moe_tables_free(alone->tables[s], alone->parts[s]);
        moe_pool_free(alone->records[s]);
    }
    moe_counter_free(alone->counter);
}

static int same_tables(const struct moe_scope_tables *a, const struct moe_scope_tables *b)
{
    int same = !strcmp(a->path, b->path) && a->samples == b->samples && a->patterns == b->patterns &&
               a->count == b->count && a->scope.kind == b->scope.kind;
    for (int t = 0; same && t < a->count; t++)
        same = !strcmp(a->table[t].name, b->table[t].name) && a->table[t].rows == b->table[t].rows &&
               !memcmp(a->table[t].value, b->table[t].value,
                       (size_t)(a->table[t].rows * a->table[t].width) * sizeof *a->table[t].value);
    return same;
}

/* Whether this rank's part is the cut-out of the lone counter's keys and rows that its offsets say. */
static int same_keys(const struct moe_census_keys *mine, const struct alone *alone, int s)
{
    int64_t patterns, rows, *row;
    uint64_t *key;
    moe_records_rows(alone->records[s], alone->count[s], &patterns, &key, &rows, &row);
    int64_t end[2] = {0, 0}, part[2] = {mine->patterns, mine->rows};
    MPI_Exscan(part, end, 2, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    int same = !strcmp(mine->path, alone->tables[s]->path) && mine->all_patterns == patterns &&
               mine->all_rows == rows && mine->first_pattern == end[0] && mine->first_row == end[1];
    same = same && mine->first_pattern + mine->patterns <= patterns && mine->first_row + mine->rows <= rows;
    same = same && !memcmp(mine->key, key + 2 * mine->first_pattern, (size_t)(2 * mine->patterns) * sizeof *key);
    same = same && !memcmp(mine->row, row + 5 * mine->first_row, (size_t)(5 * mine->rows) * sizeof *row);
    MPI_Allreduce(MPI_IN_PLACE, part, 2, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    same = same && part[0] == patterns && part[1] == rows;
    moe_pool_free(row);
    moe_pool_free(key);
    return same;
}

/* The same of the positions of paths, whose records scope s of the lone counter has. */
static int same_positions(const struct moe_census_keys *mine, const struct alone *alone, int s)
{
    int64_t *row, before = 0, all, count = moe_records_positions(alone->records[s], alone->count[s], &row);
    MPI_Exscan(&mine->positions, &before, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    MPI_Allreduce(&mine->positions, &all, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    int same = all == count && mine->all_positions == count && mine->first_position == before &&
               before + mine->positions <= count &&
               !memcmp(mine->position, row + 3 * before, (size_t)(3 * mine->positions) * sizeof *row);
    moe_pool_free(row);
    return same;
}

static void check_census(const struct moe_census *census, const struct alone *alone, int keep_keys)
{
    int good = 1, next = 0;
    for (int s = 0; s < alone->scopes && seen.rank == 0; s++)
        for (int part = 0; part < alone->parts[s]; part++)
            good = good && next < census->tables_count && same_tables(&census->tables[next++], &alone->tables[s][part]);
    is_int(census->tables_count, seen.rank == 0 ? alone->parts_all : 0, "groups of tables, on rank 0 only");
    ok(good, "all tables as one counter has them");
    is_int(census->keys_count, keep_keys ? alone->scopes - 1 : 0, "scopes with keys");
    next = 0;
    good = 1;
    for (int s = 0; s < alone->scopes && keep_keys; s++)
        if (alone->scope[s].kind != MOE_SCOPE_TOKEN_PATH)
            good &= same_keys(&census->keys[next++], alone, s);
        else
            good &= same_positions(&census->keys[next - 1], alone, s);
    ok(good, "keys, rows and positions as one counter has them, cut in rank order");
}

/* Counts in blocks, and asks for a flush after each. */
static void test_merge(const struct moe_census_shape *shape, const struct alone *alone, int64_t budget,
                       int64_t round_bytes)
{
    int64_t mine[2 * 64] = {0}, total[2] = {0, 0};
    int64_t first = moe_share_first(shape->sequences, seen.ranks, seen.rank);
    int64_t count = moe_share_count(shape->sequences, seen.ranks, seen.rank), flushes = 0;
    struct moe_counter *counter = moe_counter_new(shape);
    struct moe_census_merge *merge =
        moe_census_begin(counter, MPI_COMM_WORLD, round_bytes, mine, mine + seen.ranks);
    struct moe_census census;
    seen.bytes = seen.messages = seen.largest_round = 0;
    for (int block = 0; block < 5; block++) {
        int64_t from = moe_share_first(count, 5, block);
        feed(counter, shape, first + from, moe_share_count(count, 5, block));
        flushes += moe_census_flush(merge, budget);
    }
    moe_census_finish(merge, &census);
    ok(budget == 0 ? flushes >= 1 : flushes == 0, "E %d, K %d, budget %lld, rounds of %lld bytes: flushed as told",
       shape->experts, shape->top_k, (long long)budget, (long long)round_bytes);
    check_census(&census, alone, shape->keep_keys);
    int64_t bound = round_bytes / 48 > seen.ranks ? round_bytes : 48 * seen.ranks;
    ok(seen.largest_round <= bound, "no round is larger than allowed");
    for (int p = 0; p < seen.ranks; p++) {
        total[0] += mine[p];
        total[1] += mine[seen.ranks + p];
    }
    is_int(total[0], seen.bytes, "bytes to other ranks as MPI saw them");
    is_int(total[1], seen.messages, "messages to other ranks as MPI saw them");
    is_int(mine[seen.rank] + mine[seen.ranks + seen.rank], 0, "nothing noted for the own rank");
    is_int(moe_counter_bytes(counter), 0, "counters are empty");
    moe_census_clear(&census);
    moe_counter_free(counter);
}

static void test_estimate(void)
{
    struct moe_census_shape shape = {.tokens = 1, .layers = 1, .experts = 2, .top_k = 1, .sequences = 10, .batch = 16};
    /* 10 records in each of expert, subset, path, sequence; 2 paths at the only position */
    is_int(moe_census_estimate_bytes(&shape, 1, 0), 42 * 48 * 5, "estimate where the samples are few");
    is_int(moe_census_estimate_bytes(&shape, 2, 0), 21 * 48 * 5, "two ranks share");
    is_int(moe_census_estimate_bytes(&shape, 1, 100), 42 * 48 * 5 + 300, "message rounds take room");
    shape.keep_keys = 1;
    is_int(moe_census_estimate_bytes(&shape, 1, 0), 42 * 48 * 5 + 40 * 56 + 2 * 24, "kept keys take room");
    shape.keep_keys = 0;
    shape.sequences = 1 << 20; /* 17 levels x 40 groups x 2 patterns in four scopes, 2 in the fifth */
    is_int(moe_census_estimate_bytes(&shape, 1, 0), (17 * 40 * 2 * 4 + 2) * 48 * 5, "estimate where patterns are few");
    shape = (struct moe_census_shape){.tokens = 4096, .layers = 58, .experts = 256, .top_k = 8, .batch = 1024};
    shape.sequences = INT64_MAX / 8192;
    ok(moe_census_estimate_bytes(&shape, 1, 0) == INT64_MAX, "an estimate beyond 64 bits is the largest number");
}

int main(int argc, char **argv)
{
    static const struct moe_census_shape shapes[] = {
        /* T, L, E, K, sequences, first, batch, seed, keep_keys */
        {6, 2, 5, 3, 150, 7, 8, 11, 1},
        {3, 3, 8, 2, 100, 1000, 16, 13, 0},
        {2, 2, 1, 1, 20, 0, 4, 12, 1},
        {24, 2, 8, 2, 301, 0, 64, 15, 1},
        {2, 1, 300, 100, 2, 0, 1, 16, 1}, /* with three ranks, one has no sequence */
    };
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &seen.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &seen.ranks);
    if (seen.ranks > 64)
        bail("this test has room for 64 ranks");
    test_estimate();
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct alone alone;
        count_alone(&shapes[i], &alone);
        test_merge(&shapes[i], &alone, INT64_MAX, MOE_CENSUS_ROUND);
        test_merge(&shapes[i], &alone, 0, 500);
        test_merge(&shapes[i], &alone, 0, 1);
        free_alone(&alone);
    }
    is_int((long long)moe_pool_bytes(MOE_POOL_CENSUS), 0, "all memory was given back");
    int failed = tap_done();
    MPI_Finalize();
    return failed;
}
