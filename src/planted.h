/* Planted routes: K-sets drawn by counter from a stated law, so that a census has a known answer.
 *
 * Each (sequence, token, layer) draws one colex rank from the law over the C(E, K) sets, independently: uniform, or
 * Zipf with p_i proportional to 1 / (i + 1)^s over ranks i. */
#ifndef MOE_PLANTED_H
#define MOE_PLANTED_H

#include <stdint.h>

#include "src/config.h"
#include "src/data.h"

struct moe_planted;

/* Prepares the law of run->model. A Zipf law takes 8 bytes a K-set.
 *
 * Ranks:  local, same on all
 * Errors: never returns without memory
 */
struct moe_planted *moe_planted_new(const struct moe_run *run);
void moe_planted_free(struct moe_planted *planted);

/* Draws the set of one site.
 *   set [K] int16   ascending experts   out
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_planted_draw(const struct moe_planted *planted, enum moe_split split, int64_t sequence, int token, int layer,
                      int16_t *set);

#endif
