/* The summation tree: the same bits for every number of ranks, and those of a plain recursive sum. */
#include "src/tree.h"

#include <string.h>

#include "src/pool.h"
#include "src/random.h"
#include "tests/tap.h"

enum { N = 5, SHARDS_MAX = 40 };

/* Numbers of very different size, so that another order of additions shows. */
static moe_real term(int shard, int64_t i)
{
    struct moe_random random;
    moe_random_init(&random, 1, MOE_STREAM_NOISE, (uint64_t)shard, (uint32_t)i);
    double size = (double)(1 << moe_random_below(&random, 20));
    return (moe_real)(size * moe_random_normal(&random));
}

static void leaf(void *context, int shard, moe_real *out)
{
    int *seen = context;
    seen[shard]++;
    for (int64_t i = 0; i < N; i++)
        out[i] = term(shard, i);
}

static void leaf_double(void *context, int shard, double *out)
{
    (void)context;
    for (int64_t i = 0; i < N; i++)
        out[i] = (double)term(shard, i) / 3;
}

/* The definition, one element at a time. */
static moe_real plain(int first, int size, int64_t i)
{
    if (size == 1)
        return term(first, i);
    int half = 1;
    while (2 * half < size)
        half *= 2;
    moe_real left = plain(first, half, i), right = plain(first + half, size - half, i);
    return left + right;
}

static double plain_double(int first, int size, int64_t i)
{
    if (size == 1)
        return (double)term(first, i) / 3;
    int half = 1;
    while (2 * half < size)
        half *= 2;
    double left = plain_double(first, half, i), right = plain_double(first + half, size - half, i);
    return left + right;
}

static void plain_sums(int shards, moe_real *sum, double *sum_double)
{
    for (int64_t i = 0; i < N; i++) {
        sum[i] = plain(0, shards, i);
        sum_double[i] = plain_double(0, shards, i);
    }
}

/* All ranks' nodes in one process: each folds its own, then the tree is finished from all of them. */
static int same_on_ranks(int shards, int ranks, const moe_real *want, const double *want_double)
{
    struct moe_tree tree;
    moe_real part[SHARDS_MAX][N], scratch[8 * N], *parts[SHARDS_MAX];
    double part_double[SHARDS_MAX][N], scratch_double[8 * N], *parts_double[SHARDS_MAX];
    int seen[SHARDS_MAX] = {0}, good = 1, nodes = 0;
    for (int rank = 0; rank < ranks; rank++) {
        moe_tree_init(&tree, shards, ranks, rank);
        for (int i = 0; i < tree.mine; i++, nodes++) {
            struct moe_node node = tree.node[tree.start[rank] + i];
            good &= tree.start[rank] + i == nodes && moe_tree_depth(node.size) <= 8;
            moe_tree_fold(node.first, node.size, leaf, seen, N, part[nodes], scratch);
            moe_tree_fold_double(node.first, node.size, leaf_double, NULL, N, part_double[nodes], scratch_double);
            parts[nodes] = part[nodes];
            parts_double[nodes] = part_double[nodes];
        }
        if (rank < ranks - 1)
            moe_tree_clear(&tree);
    }
    good &= tree.start[ranks] == nodes;
    moe_tree_finish(&tree, parts, N);
    moe_tree_finish_double(&tree, parts_double, N);
    moe_tree_clear(&tree);
    for (int s = 0; s < shards; s++)
        good &= seen[s] == 1;
    return good && !memcmp(part[0], want, sizeof part[0]) &&
           !memcmp(part_double[0], want_double, sizeof part_double[0]);
}

int main(void)
{
    int orders = 0;
    for (int shards = 1; shards <= SHARDS_MAX; shards++) {
        moe_real want[N], in_order[N] = {0};
        double want_double[N];
        int same = 1;
        plain_sums(shards, want, want_double);
        for (int s = 0; s < shards; s++)
            for (int64_t i = 0; i < N; i++)
                in_order[i] += term(s, i);
        orders += memcmp(in_order, want, sizeof want) != 0;
        for (int ranks = 1; ranks <= shards; ranks++)
            same &= same_on_ranks(shards, ranks, want, want_double);
        ok(same, "%d shards: every number of ranks has the bits of the plain recursive sum", shards);
    }
    ok(orders > 20, "the numbers show the order of additions (%d of %d sums)", orders, SHARDS_MAX);

    static const int sizes[][2] = {{1, 0}, {2, 1}, {3, 2}, {4, 2}, {5, 3}, {8, 3}, {9, 4}, {16, 4}, {17, 5}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        is_int(moe_tree_depth(sizes[i][0]), sizes[i][1], "scratch vectors of %d leaves", sizes[i][0]);

    struct moe_tree tree;
    moe_tree_init(&tree, 7, 3, 1); /* ranks have shards 0-2, 3-4, 5-6; the tree is ((01)(23))((45)6) */
    const struct moe_node want[] = {{0, 2}, {2, 1}, {3, 1}, {4, 1}, {5, 1}, {6, 1}};
    ok(tree.start[3] == 6 && !memcmp(tree.node, want, sizeof want), "7 shards on 3 ranks: six nodes");
    is_int(tree.mine, 2, "7 shards on 3 ranks: the middle one has two of them");
    moe_tree_clear(&tree);
    is_int((long long)moe_pool_bytes(MOE_POOL_REDUCE), 0, "all memory was given back");
    return tap_done();
}
