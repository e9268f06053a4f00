/* The fixed binary tree over V shards that every floating-point sum follows, whatever the number of ranks.
 *
 * tree(first, size) for size > 1 is tree(first, h) + tree(first + h, size - h), h the largest power of two below size.
 * A rank that owns a range of shards can finish those subtrees that lie inside its range (its nodes); their sums meet
 * where the tree is finished. So the order of additions is the same for every P. */
#ifndef MOE_TREE_H
#define MOE_TREE_H

#include <stdint.h>

#include "src/real.h"

struct moe_node {
    int first, size; /* shards */
};

struct moe_tree {
    int shards;            /* V */
    int ranks, rank;
    struct moe_node *node; /* all ranks' nodes in shard order; owned */
    int *start;            /* [ranks + 1]: rank p's nodes are node[start[p] .. start[p + 1]) */
    int mine;              /* how many this rank has: start[rank + 1] - start[rank] */
};

/* The tree over `shards` leaves on `ranks` ranks, shards shared out as moe_share says; ranks <= shards.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
void moe_tree_init(struct moe_tree *tree, int shards, int ranks, int rank);
void moe_tree_clear(struct moe_tree *tree);

/* Makes one leaf: writes (not adds) the n values of shard `leaf` to out. */
typedef void moe_leaf(void *context, int leaf, moe_real *out);
typedef void moe_leaf_double(void *context, int leaf, double *out);

/* Writes the sum over leaves first .. first + size - 1 to out [n], in tree order.
 *   scratch [moe_tree_depth(size), n]   caller's
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_tree_fold(int first, int size, moe_leaf *leaf, void *context, int64_t n, moe_real *out, moe_real *scratch);
void moe_tree_fold_double(int first, int size, moe_leaf_double *leaf, void *context, int64_t n, double *out,
                          double *scratch);

/* Scratch vectors that folding `size` leaves needs: ceil(log2(size)).
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_tree_depth(int size);

/* Finishes the tree from all nodes' sums: part[i] [n] belongs to tree->node[i] and is overwritten; the result stands in
 * part[0].
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_tree_finish(const struct moe_tree *tree, moe_real *const *part, int64_t n);
void moe_tree_finish_double(const struct moe_tree *tree, double *const *part, int64_t n);

#endif
