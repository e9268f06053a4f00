/* Halves of a sample, one to learn from and one to test on. */
#ifndef MOE_SPLIT_H
#define MOE_SPLIT_H

#include "analysis/counts.h"
#include "analysis/fof.h"

/* Deals each sample of a table to one of two halves by a fair coin: rows as in `split` of a results file, (count in the
 * first half, patterns, samples in the second), but in no order, and a count can stand in several. From moe_pool_new;
 * the caller frees rows->value. Returns 0, and no rows, where there would be more than 4e6. The coins are a function of
 * the table.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
int moe_split_by_coin(struct moe_rows *rows, const struct moe_fof *fof);

#endif
