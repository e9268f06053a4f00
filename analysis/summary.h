/* The table a person reads after a run. */
#ifndef MOE_SUMMARY_H
#define MOE_SUMMARY_H

#include <stdio.h>

#include "mpi/results.h"

/* Prints what a run found: how well the model does, the patterns of every scope before and after training beside the
 * worst case, and the two terms of the union bound, each line with its grade.
 *
 * Ranks:  local (rank 0, which holds the tables)
 * Errors: never fails
 */
void moe_summary_print(const struct moe_results *results, FILE *out);

#endif
