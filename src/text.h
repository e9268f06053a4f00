/* Any file as text: its bytes are tokens, and each predicts the next.
 *
 * The last floor(data.holdout x size) bytes are held out. Training sequence i starts at a byte drawn uniformly by
 * counter (stream window, a = i) such that its inputs and targets lie before the held-out part; held-out sequence w
 * starts at byte w T of that part, so that windows do not overlap but are neighbours. */
#ifndef MOE_TEXT_H
#define MOE_TEXT_H

#include <stdint.h>

#include "src/data.h"

struct moe_text;

/* Borrows the text in input, fills *task and count [MOE_SPLITS].
 *
 * Ranks:  local, same result on all
 * Errors: MOE_USAGE a text too short for one sequence in either part, more test sequences than there are, a loss other
 *         than cross-entropy; *text is then null
 */
enum moe_status moe_text_open(struct moe_text **text, const struct moe_run *run, const struct moe_input *input,
                              struct moe_task *task, int64_t *count, struct moe_error *err);
void moe_text_free(struct moe_text *text);

/* moe_data_fetch of this source.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_text_fetch(const struct moe_text *text, enum moe_split split, int64_t index, struct moe_batch *batch,
                    int slot);

#endif
