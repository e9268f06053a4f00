#include "src/tree.h"

#include <string.h>

#include "src/pool.h"
#include "src/share.h"
#include "src/status.h"

/* The largest power of two below size, size > 1: where a tree over size leaves splits. */
static int split_at(int size)
{
    int half = 1;
    while (half * 2 < size)
        half *= 2;
    return half;
}

int moe_tree_depth(int size)
{
    int depth = 0;
    while (1 << depth < size)
        depth++;
    return depth;
}

/* Appends the largest subtrees of tree(first, size) that lie inside [begin, end), in shard order. */
static void add_nodes(struct moe_tree *tree, int *count, int first, int size, int begin, int end)
{
    if (first >= end || first + size <= begin)
        return;
    if (first >= begin && first + size <= end) {
        tree->node[(*count)++] = (struct moe_node){first, size};
        return;
    }
    int half = split_at(size);
    add_nodes(tree, count, first, half, begin, end);
    add_nodes(tree, count, first + half, size - half, begin, end);
}

void moe_tree_init(struct moe_tree *tree, int shards, int ranks, int rank)
{
    MOE_CHECK(ranks <= shards);
    tree->shards = shards;
    tree->ranks = ranks;
    tree->rank = rank;
    tree->node = moe_pool_new(MOE_POOL_REDUCE, (size_t)shards, sizeof *tree->node);
    tree->start = moe_pool_new(MOE_POOL_REDUCE, (size_t)ranks + 1, sizeof *tree->start);
    int count = 0;
    for (int r = 0; r < ranks; r++) {
        tree->start[r] = count;
        add_nodes(tree, &count, 0, shards, (int)moe_share_first(shards, ranks, r),
                  (int)moe_share_first(shards, ranks, r + 1));
    }
    tree->start[ranks] = count;
    tree->mine = tree->start[rank + 1] - tree->start[rank];
}

void moe_tree_clear(struct moe_tree *tree)
{
    moe_pool_free(tree->node);
    moe_pool_free(tree->start);
    memset(tree, 0, sizeof *tree);
}

/* The two number types take the same path, so it is written once. */
#define DEFINE_FOLD(type, leaf_type, add, fold, finish_part, finish)                                                   \
    static void add(type *restrict sum, const type *restrict more, int64_t n)                                          \
    {                                                                                                                  \
        for (int64_t i = 0; i < n; i++)                                                                                \
            sum[i] += more[i];                                                                                         \
    }                                                                                                                  \
                                                                                                                       \
    void fold(int first, int size, leaf_type *leaf, void *context, int64_t n, type *out, type *scratch)                \
    {                                                                                                                  \
        if (size == 1) {                                                                                               \
            leaf(context, first, out);                                                                                 \
            return;                                                                                                    \
        }                                                                                                              \
        int half = split_at(size);                                                                                     \
        fold(first, half, leaf, context, n, out, scratch);                                                             \
        fold(first + half, size - half, leaf, context, n, scratch, scratch + n);                                       \
        add(out, scratch, n);                                                                                          \
    }                                                                                                                  \
                                                                                                                       \
    /* Sums the parts of tree(first, size) into its first part; *next runs through the nodes. */                       \
    static int finish_part(const struct moe_tree *tree, int *next, int first, int size, type *const *part, int64_t n)  \
    {                                                                                                                  \
        if (tree->node[*next].first == first && tree->node[*next].size == size)                                        \
            return (*next)++;                                                                                          \
        int half = split_at(size);                                                                                     \
        int left = finish_part(tree, next, first, half, part, n);                                                      \
        int right = finish_part(tree, next, first + half, size - half, part, n);                                       \
        add(part[left], part[right], n);                                                                               \
        return left;                                                                                                   \
    }                                                                                                                  \
                                                                                                                       \
    void finish(const struct moe_tree *tree, type *const *part, int64_t n)                                             \
    {                                                                                                                  \
        int next = 0;                                                                                                  \
        finish_part(tree, &next, 0, tree->shards, part, n);                                                            \
    }

DEFINE_FOLD(moe_real, moe_leaf, add_real, moe_tree_fold, finish_part_real, moe_tree_finish)
#ifndef MOE_DOUBLE
DEFINE_FOLD(double, moe_leaf_double, add_double, moe_tree_fold_double, finish_part_double, moe_tree_finish_double)
#else
void moe_tree_fold_double(int first, int size, moe_leaf_double *leaf, void *context, int64_t n, double *out,
                          double *scratch)
{
    moe_tree_fold(first, size, leaf, context, n, out, scratch);
}

void moe_tree_finish_double(const struct moe_tree *tree, double *const *part, int64_t n)
{
    moe_tree_finish(tree, part, n);
}
#endif
