/* How much memory a rank may count on, and what is refused without. */
#ifndef MOE_MEMORY_H
#define MOE_MEMORY_H

#include <stdint.h>

#include "mpi/comm.h"
#include "src/config.h"
#include "src/data.h"

/* The most of it that the censuses of a run may need, and its history. */
#define MOE_CENSUS_SHARE 0.85
#define MOE_HISTORY_SHARE 0.5

/* Bytes that each rank may still take, the smallest over all ranks: what the machine has available, no more than a
 * control group or Slurm grants, shared by the ranks of the node.
 *
 * Ranks:  collective, same result on all
 * Errors: never fails
 */
int64_t moe_memory_of_rank(const struct moe_comm *comm);

/* Bytes that the censuses of a training, or of the verb census, may need on one of so many ranks, at most: all patterns
 * different.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_memory_of_censuses(const struct moe_run *run, const struct moe_task *task, int ranks, int training);

#endif
