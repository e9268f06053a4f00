/* Being asked to stop: by USR1 or TERM on any rank, or because the job's time runs out. */
#ifndef MOE_STOP_H
#define MOE_STOP_H

#include "mpi/comm.h"

/* From now on USR1 and TERM ask to stop instead of ending the process, and so does the end of the job's time when it
 * comes near: SLURM_JOB_END_TIME in the environment of rank 0 (seconds since 1970); without it there is no limit.
 *   before_s   seconds before that end; at most three quarters of what is left now, so that short jobs get on too
 *
 * Ranks:  every rank
 * Errors: never fails
 */
void moe_stop_listen(double before_s);

/* Why to stop, as far as any rank knows: "USR1", "TERM", "the time limit"; null to go on, and before moe_stop_listen.
 *
 * Ranks:  collective, same answer on all
 * Errors: never fails
 */
const char *moe_stop_asked(const struct moe_comm *comm);

#endif
