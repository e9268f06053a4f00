/* The exchange over MPI: contents of every message, sums with the bits of the serial tree, and its own count of what it
 * sent. */
#include <mpi.h>

#include "mpi/exchange_mpi.h"
#include "src/pool.h"
#include "src/share.h"
#include "tests/tap.h"

enum { PAIRS = 64 };

static struct moe_comm comm;
static struct moe_exchange ex;

/* How many things rank `from` sends to rank `to`; 0 for some. */
static int amount(int from, int to)
{
    return (from + 2 * to) % 4;
}

static int64_t sent(enum moe_phase phase, int to)
{
    return moe_exchange_traffic(&ex)->bytes[phase * comm.ranks + to];
}

/* Whether the phase has the bytes and messages of `times` exchanges of `bytes` a thing. */
static int counted(enum moe_phase phase, int64_t bytes, int times)
{
    const struct moe_traffic *traffic = moe_exchange_traffic(&ex);
    int good = 1;
    for (int p = 0; p < comm.ranks; p++) {
        const int things = p == comm.rank ? 0 : amount(comm.rank, p);
        good &= sent(phase, p) == times * things * bytes;
        good &= traffic->messages[phase * comm.ranks + p] == (things > 0 ? times : 0);
    }
    return good;
}

static void test_sizes(void)
{
    int send_count[PAIRS], receive_count[PAIRS], n = 0, good = 1;
    int32_t send[4 * PAIRS], receive[4 * PAIRS];
    for (int p = 0; p < comm.ranks; p++) {
        send_count[p] = amount(comm.rank, p);
        receive_count[p] = amount(p, comm.rank);
        for (int i = 0; i < send_count[p]; i++)
            send[n++] = 1000 * comm.rank + 10 * p + i;
    }
    ex.sizes(&ex, send, send_count, receive, receive_count);
    n = 0;
    for (int p = 0; p < comm.ranks; p++)
        for (int i = 0; i < receive_count[p]; i++)
            good &= receive[n++] == 1000 * p + 10 * comm.rank + i;
    ok(good, "sizes arrive, packed by rank");
    ok(counted(MOE_PHASE_SIZES, 4, 1), "their bytes and messages are counted");
}

static void test_rows(int width, enum moe_phase phase)
{
    int send_rows[PAIRS], receive_rows[PAIRS], n = 0, good = 1;
    moe_real send[4 * PAIRS * 8], receive[4 * PAIRS * 8];
    for (int p = 0; p < comm.ranks; p++) {
        send_rows[p] = amount(comm.rank, p);
        receive_rows[p] = amount(p, comm.rank);
        for (int i = 0; i < send_rows[p] * width; i++)
            send[n++] = (moe_real)(1000 * comm.rank + 100 * p + i);
    }
    for (int time = 0; time < 2; time++)
        ex.rows(&ex, send, send_rows, receive, receive_rows, width, phase);
    n = 0;
    for (int p = 0; p < comm.ranks; p++)
        for (int i = 0; i < receive_rows[p] * width; i++)
            good &= receive[n++] == (moe_real)(1000 * p + 100 * comm.rank + i);
    ok(good, "rows of %d arrive, packed by rank", width);
    ok(counted(phase, 4 * width, 2), "their bytes and messages are counted");
}

/* Numbers of very different size, so that another order of additions shows. */
static double term(int shard, int64_t i)
{
    uint32_t x = (uint32_t)shard * 2654435761u + (uint32_t)i * 2246822519u;
    x = (x ^ x >> 15) * 2246822519u;
    x ^= x >> 13;
    return ((double)x - 2147483648.0) * (double)(1 << x % 16);
}

static void leaf(void *context, int shard, moe_real *out)
{
    for (int64_t i = 0; i < *(const int64_t *)context; i++)
        out[i] = (moe_real)term(shard, i);
}

static void leaf_double(void *context, int shard, double *out)
{
    for (int64_t i = 0; i < *(const int64_t *)context; i++)
        out[i] = term(shard, i) / 3;
}

static void test_fold(int shards, int64_t n, int in_place)
{
    struct moe_tree tree;
    moe_tree_init(&tree, shards, comm.ranks, comm.rank);
    const int mine = tree.mine;
    moe_real *nodes = calloc((size_t)(n * mine), sizeof *nodes), *want = calloc((size_t)n, sizeof *want),
             *scratch = calloc((size_t)(n * moe_tree_depth(shards)), sizeof *scratch),
             *other = calloc((size_t)n, sizeof *other), *out = in_place ? nodes : other;
    moe_tree_fold(0, shards, leaf, &n, n, want, scratch);
    for (int i = 0; i < mine; i++) {
        const struct moe_node node = tree.node[tree.start[comm.rank] + i];
        moe_tree_fold(node.first, node.size, leaf, &n, n, nodes + i * n, scratch);
    }
    ex.fold(&ex, &tree, nodes, n, out);
    ok(!memcmp(out, want, (size_t)n * sizeof *out), "%d shards of %lld: a sum with the bits of the serial tree%s",
       shards, (long long)n, in_place ? ", in place" : "");
    free(nodes);
    free(want);
    free(scratch);
    free(other);
    moe_tree_clear(&tree);
}

static void test_fold_double(int shards, int64_t n)
{
    struct moe_tree tree;
    moe_tree_init(&tree, shards, comm.ranks, comm.rank);
    double *nodes = calloc((size_t)(n * tree.mine), sizeof *nodes), *want = calloc((size_t)n, sizeof *want),
           *scratch = calloc((size_t)(n * moe_tree_depth(shards)), sizeof *scratch);
    moe_tree_fold_double(0, shards, leaf_double, &n, n, want, scratch);
    for (int i = 0; i < tree.mine; i++) {
        const struct moe_node node = tree.node[tree.start[comm.rank] + i];
        moe_tree_fold_double(node.first, node.size, leaf_double, &n, n, nodes + i * n, scratch);
    }
    ex.fold_double(&ex, &tree, nodes, n, nodes);
    ok(!memcmp(nodes, want, (size_t)n * sizeof *want), "%d shards of %lld doubles: the bits of the serial tree", shards,
       (long long)n);
    free(nodes);
    free(want);
    free(scratch);
    moe_tree_clear(&tree);
}

/* What a fold sends from this rank to another: its nodes' part of that rank's slice, and its own slice. */
static void test_fold_traffic(int shards, int64_t n)
{
    struct moe_tree tree;
    moe_tree_init(&tree, shards, comm.ranks, comm.rank);
    double *nodes = calloc((size_t)(n * tree.mine), sizeof *nodes);
    int64_t before[PAIRS];
    int good = 1;
    for (int p = 0; p < comm.ranks; p++)
        before[p] = sent(MOE_PHASE_SCALARS, p);
    ex.fold_double(&ex, &tree, nodes, n, nodes);
    for (int p = 0; p < comm.ranks; p++) {
        const int64_t there = tree.mine * moe_share_count(n, comm.ranks, p);
        const int64_t back = moe_share_count(n, comm.ranks, comm.rank);
        good &= sent(MOE_PHASE_SCALARS, p) - before[p] == (p == comm.rank ? 0 : 8 * (there + back));
    }
    ok(good, "%d shards of %lld doubles: bytes sent are counted", shards, (long long)n);
    free(nodes);
    moe_tree_clear(&tree);
}

static void test_sum_and_gather(void)
{
    int64_t values[3] = {comm.rank, INT64_C(1) << 40, -1};
    const int64_t P = comm.ranks;
    ex.sum(&ex, values, 3);
    ok(values[0] == P * (P - 1) / 2 && values[1] == P << 40 && values[2] == -P, "whole numbers are summed over ranks");
    double mine[3], all[3 * PAIRS];
    int counts[PAIRS], n = 0, good = 1;
    for (int p = 0; p < P; p++)
        counts[p] = (p + 2) % 3;
    for (int i = 0; i < counts[comm.rank]; i++)
        mine[i] = comm.rank + 0.1 * i;
    ex.gather(&ex, mine, counts, all);
    for (int p = 0; p < P; p++)
        for (int i = 0; i < counts[p]; i++)
            good &= all[n++] == p + 0.1 * i;
    ok(good, "doubles are gathered in rank order, none from some");
}

int main(int argc, char **argv)
{
    moe_comm_start(&comm, &argc, &argv);
    if (comm.ranks > 16)
        bail("this test has shards for 16 ranks");
    ex = moe_exchange_mpi(&comm);
    ok(ex.rank == comm.rank && ex.ranks == comm.ranks, "the table knows its rank");
    test_sizes();
    test_rows(3, MOE_PHASE_DISPATCH);
    test_rows(8, MOE_PHASE_COMBINE);
    test_rows(1, MOE_PHASE_COMBINE_BACKWARD);
    test_fold(16, 1000, 0);
    test_fold(16, 1, 1);
    test_fold(16, (1 << 20) + 12345, 1);
    test_fold_double(16, 17);
    if (comm.ranks <= 7) {
        test_fold(7, 1000, 1);
        test_fold(7, 2, 0);
        test_fold_double(7, 100);
        test_fold_traffic(7, 101);
    }
    test_fold_traffic(16, 20);
    test_sum_and_gather();
    moe_exchange_mpi_free(&ex);
    is_int((long long)moe_pool_bytes(MOE_POOL_REDUCE), 0, "all memory was given back");
    int failed = tap_done();
    moe_comm_end(&comm);
    return failed;
}
