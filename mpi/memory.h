/* How much memory a rank may count on. */
#ifndef MOE_MEMORY_H
#define MOE_MEMORY_H

#include <stdint.h>

#include "mpi/comm.h"

/* Bytes that each rank may still take, the smallest over all ranks: what the machine has available, no more than a
 * control group or Slurm grants, shared by the ranks of the node.
 *
 * Ranks:  collective, same result on all
 * Errors: never fails
 */
int64_t moe_memory_of_rank(const struct moe_comm *comm);

#endif
