/* One job at a time writes under a name. NAME.status, held by a record lock of rank 0 while the job lives, says who it
 * is and, in the end, how it went: lines key=value, which a shell can read.
 *
 *     code=75          exit status of the program, or "running"
 *     step=300         steps done and stored: of the newest checkpoint that is used, or of the results
 *     steps=600        steps there are; both 0 for a census
 *     verb=train       who it is: verb, host, process, Slurm job ("" outside Slurm)
 *     host=n1
 *     pid=4711
 *     job=42
 *     time=2026-03-01T12:00:00Z */
#ifndef MOE_CLAIM_H
#define MOE_CLAIM_H

#include "mpi/comm.h"
#include "src/config.h"

enum { MOE_STATUS_TEXT = 1024 };

struct moe_claim {
    const struct moe_comm *comm;
    const char *verb;
    int fd;       /* on rank 0; -1 where nothing is held */
    int step, steps; /* as told last */
    char name[MOE_PATH_MAX + 16]; /* NAME.status */
    char before[MOE_STATUS_TEXT]; /* what stood there; "" where there was none */
};

enum { MOE_RUNNING = -1 };

/* Takes a name: its folder takes files, and no other job works under it. Release it with moe_claim_release.
 *   step    of the newest checkpoint, 0 without; looked at on rank 0
 *   steps   what the job will do
 *
 * Ranks:  collective
 * Errors: the same on all ranks: MOE_OUTPUT the folder is missing or takes no file; MOE_USAGE another job holds it, or
 *         the name has a colon
 */
enum moe_status moe_claim_take(struct moe_claim *claim, const struct moe_comm *comm, const char *verb,
                               const char *name, int step, int steps, struct moe_error *err);

/* Writes what is known now: code MOE_RUNNING, or the exit status. What cannot be written is not told.
 *
 * Ranks:  every rank (rank 0 writes)
 * Errors: never fails
 */
void moe_claim_tell(struct moe_claim *claim, int code, int step);

/* Says that the job is refused, and has done nothing: what stood in the file before stands there again, or the code
 * where nothing did.
 *
 * Ranks:  every rank (rank 0 writes)
 * Errors: never fails
 */
void moe_claim_refuse(struct moe_claim *claim, int code);

/* Gives the name back, the file stays. A claim that was not taken is allowed.
 *
 * Ranks:  every rank
 * Errors: never fails
 */
void moe_claim_release(struct moe_claim *claim);

#endif
