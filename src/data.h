/* Where sequences come from: one interface over three sources.
 *
 * A sequence is a pure function of (settings, input bytes, split, index), so every rank can make any of them and none
 * holds state. Raw inputs are read and checked on one rank (moe_input_read) and handed to the others as bytes. */
#ifndef MOE_DATA_H
#define MOE_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "src/config.h"
#include "src/real.h"
#include "src/status.h"

enum moe_split { MOE_SPLIT_TRAIN, MOE_SPLIT_TEST, MOE_SPLIT_CENSUS, MOE_SPLITS };

enum { MOE_INPUTS = 4 };

/* Raw inputs: for idx train images, train labels, test images, test labels (decompressed IDX files, header included);
 * for text the file's bytes; for torus none. */
struct moe_input {
    int count;
    unsigned char *bytes[MOE_INPUTS]; /* from moe_pool_new, MOE_POOL_DATA */
    size_t size[MOE_INPUTS];
    char checksum[MOE_WORD_MAX];      /* "xxh3:" and 32 hex digits over all content, "" without inputs */
};

/* What the model must know of a source. */
struct moe_task {
    int tokens;         /* T */
    int features;       /* numbers a token; 0: tokens are symbols */
    int symbols;        /* alphabet of the tokens, 256 for text; 0 without */
    int outputs;        /* width of the head: 1 (torus), classes (idx), 256 (text) */
    int per_token;      /* 1: a prediction at every token; 0: one from the mean over tokens */
    int labels;         /* classes by which routing is broken down: idx classes, 256 (text: the token's own byte), 0 */
    int independent;    /* 1: sequences are independent draws */
    double bound;       /* B with |y| <= B, y the regression target with noise; NAN for cross-entropy */
};

/* Sequences side by side. All arrays are the caller's, from moe_batch_new. */
struct moe_batch {
    int capacity;       /* sequences */
    moe_real *x;        /* [capacity, T, features]; null when tokens are symbols */
    int32_t *symbol;    /* [capacity, T]; null when tokens are vectors */
    moe_real *y;        /* [capacity, outputs] regression targets, noise included; null under cross-entropy */
    int32_t *target;    /* [capacity] or [capacity, T] class targets; null under squared loss */
    int32_t *label;     /* [capacity] or [capacity, T] (text); null when labels == 0 */
    double *clean;      /* [capacity] noise-free target; null where unknown (all but torus) */
};

struct moe_data;

/* Reads, decompresses and validates the raw inputs of run.
 *
 * Ranks:  local; call on one rank
 * Errors: MOE_USAGE no data.path where the source needs one; MOE_INPUT missing, damaged, truncated or inconsistent
 *         files, each named with the reason; input is then empty
 */
enum moe_status moe_input_read(struct moe_input *input, const struct moe_run *run, struct moe_error *err);
void moe_input_clear(struct moe_input *input);

/* Makes a source from its raw inputs, which it borrows until moe_data_free. Sets run->data.tokens where the source
 * decides it (idx).
 *
 * Ranks:  local, same result on all
 * Errors: MOE_USAGE settings that this input cannot serve (more sequences than there are, patch does not divide the
 *         image, a loss that does not fit); *data is then null
 */
enum moe_status moe_data_open(struct moe_data **data, struct moe_run *run, const struct moe_input *input,
                              struct moe_error *err);
void moe_data_free(struct moe_data *data);

/* The source's shape. Borrowed until moe_data_free.
 *
 * Ranks:  local
 * Errors: never fails
 */
const struct moe_task *moe_data_task(const struct moe_data *data);

/* How many sequences a split has; INT64_MAX where endless. The census split of a finite source is its held-out part,
 * of which the test split is the beginning.
 *
 * Ranks:  local
 * Errors: never fails
 */
int64_t moe_data_count(const struct moe_data *data, enum moe_split split);

/* Bytes of pool data when the source was opened, raw inputs included; *peak is the most there were until then,
 * *received what there is on a rank that did not read the inputs but got them.
 *
 * Ranks:  local
 * Errors: never fails
 */
int64_t moe_data_bytes(const struct moe_data *data, int64_t *peak, int64_t *received);

/* Cosines in the target of a torus; 0 for the other sources.
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_data_cosines(const struct moe_data *data);

/* Room for `capacity` sequences of the task, zeroed. The second form has inputs and labels only (y, target and clean
 * are null), for passes without a loss: targets are then not computed at all.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
void moe_batch_new(struct moe_batch *batch, const struct moe_data *data, int capacity);
void moe_batch_new_inputs(struct moe_batch *batch, const struct moe_data *data, int capacity);
void moe_batch_free(struct moe_batch *batch);

/* Writes sequence `index` of a split into place `slot` of the batch, into those of its arrays that are not null.
 *
 * Ranks:  local
 * Errors: never fails; 0 <= index < moe_data_count, 0 <= slot < capacity
 */
void moe_data_fetch(const struct moe_data *data, enum moe_split split, int64_t index, struct moe_batch *batch,
                    int slot);

/* The training sequence at place `place` of step `step`: drawn with replacement by counter, or a fresh one where the
 * source is endless.
 *
 * Ranks:  local
 * Errors: never fails
 */
int64_t moe_data_draw(const struct moe_data *data, int64_t step, int place);

#endif
