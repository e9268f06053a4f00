/* One snapshot of the routing: what a model does with the sequences of a census, counted in every way the files need.
 *
 * The passes are collective and their batches fixed, so choices do not depend on the number of ranks. Each rank counts
 * its own sequences; sums over ranks are made here, the merge of patterns in mpi/census.h. */
#ifndef MOE_SNAPSHOT_H
#define MOE_SNAPSHOT_H

#include <stdint.h>

#include "src/census.h"
#include "src/data.h"
#include "src/model.h"

/* Margins are counted in quarter decades from 1e-7 to 100, with everything below in the first bin and everything above
 * in the last. */
enum { MOE_MARGIN_BINS = 38 };

/* Above this many experts in all layers together only pairs in one layer and in adjacent layers are counted. */
enum { MOE_COACTIVATION_MAX = 4096 };

/* Rows of a 0/1 block of pairs; far below 2^24, so that float counts are exact. */
enum { MOE_PAIRS_BLOCK = 4096 };

/* Kept choices of consecutive sequences. */
struct moe_slab {
    int64_t first, count; /* sequences of the census, from 0 */
};

struct moe_snapshot {
    enum moe_split split;
    struct moe_census_shape shape;
    int labels;
    /* the same on all ranks */
    int64_t *load;          /* [L, E] */
    int64_t *load_by_label; /* [L, E, labels]; null without labels */
    double *gate_energy;    /* [L, E] sum of squared gates */
    int64_t *coactivation;  /* [L, E, L, E], or [L, 2, E, E] (layer l with l, and with l + 1) above the limit */
    int64_t *margin;        /* [L, MOE_MARGIN_BINS]; 0 where K = E or the router is planted */
    /* this rank's own */
    struct moe_counter *counter; /* null in a snapshot that was read */
    int16_t *choices;       /* [kept, T, L, K] in score order, by slab */
    int64_t kept;
    struct moe_slab *slab;  /* [slabs] */
    int slabs;
};

/* The census of a model: run's census settings on the sequences of split. Fills snapshot; moe_snapshot_clear gives it
 * back, also after a failure.
 *   between   called on every rank after each batch with the number of sequences counted; may be null. What it
 *             returns beside MOE_OK, the same on all ranks, ends the census
 *
 * Ranks:  collective on model->ex
 * Errors: MOE_NUMERIC a logit is not finite, the same on all ranks; what between returns; the sequences must exist
 */
enum moe_status moe_snapshot_count(struct moe_snapshot *snapshot, const struct moe_model *model,
                                   const struct moe_data *data,
                                   enum moe_status (*between)(void *context, struct moe_snapshot *snapshot,
                                                              int64_t sequences, struct moe_error *err),
                                   void *context, struct moe_error *err);
void moe_snapshot_clear(struct moe_snapshot *snapshot);

/* A snapshot of a run with nothing counted and nothing kept: room for what is the same on all ranks.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
void moe_snapshot_init(struct moe_snapshot *snapshot, const struct moe_run *run, const struct moe_task *task);

/* How many sequences have their choices kept, over all ranks.
 *
 * Ranks:  local
 * Errors: never fails
 */
int64_t moe_kept_choices(const struct moe_run *run);

/* What a run's census counts. data.tokens must be the source's, as moe_data_open leaves it.
 *
 * Ranks:  local
 * Errors: never fails
 */
struct moe_census_shape moe_census_shape_of(const struct moe_run *run);

/* The bin of a margin, and the lower edge of a bin (bins + 1 edges, the first 0, the last infinite).
 *
 * Ranks:  local
 * Errors: never fails; margin >= 0
 */
int moe_margin_bin(double margin);
double moe_margin_edge(int bin);

#endif
