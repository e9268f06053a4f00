/* Measuring the constants that predictions of time are made from. */
#ifndef MOE_CALIBRATE_H
#define MOE_CALIBRATE_H

#include "mpi/comm.h"
#include "src/machine.h"

/* Measures the machine that the ranks run on, in about ten seconds: products and other work on rank 0 while the others
 * wait, the exchange on 1, 2, 4, ... ranks of its node as far as they have a core each, a file in the folder of `path`,
 * and the network where there is more than one node. What cannot be measured keeps the program's own value, and the
 * origin says so.
 *
 * Ranks:  collective; the result is whole on rank 0
 * Errors: MOE_OUTPUT the file cannot be written, the same on all ranks
 */
enum moe_status moe_calibrate(struct moe_machine *machine, const struct moe_comm *comm, const char *path,
                              struct moe_error *err);

/* The part of it that one rank measures alone: products and work.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_calibrate_work(struct moe_machine *machine);

#endif
