/* Being asked to stop: by USR1 or TERM on any rank, or because the job's time runs out. */
#ifndef MOE_STOP_H
#define MOE_STOP_H

#include "mpi/comm.h"

/* From now on USR1 and TERM ask to stop instead of ending the process.
 *
 * Ranks:  every rank
 * Errors: never fails
 */
void moe_stop_listen(void);

/* Why to stop, as far as any rank knows: "USR1", "TERM", "the time limit"; null to go on. SLURM_JOB_END_TIME in the
 * environment of rank 0 (seconds since 1970) says when the job's time ends; without it there is no limit.
 *   before_s   seconds before that end
 *
 * Ranks:  collective, same answer on all
 * Errors: never fails
 */
const char *moe_stop_asked(const struct moe_comm *comm, double before_s);

#endif
