/* What one census of a run found, and its place in a file: /routing/SNAPSHOT and /census/SNAPSHOT. */
#ifndef MOE_FINDINGS_H
#define MOE_FINDINGS_H

#include "mpi/census.h"
#include "mpi/comm.h"
#include "mpi/h5file.h"
#include "mpi/h5read.h"
#include "src/snapshot.h"

/* One census of the model, at some step of its training. */
struct moe_finding {
    int step;
    struct moe_snapshot snapshot;
    struct moe_census census;
};

/* Plans all of a finding. The plan borrows it.
 *
 * Ranks:  every rank, for its own slabs
 * Errors: never fails
 */
void moe_finding_plan(struct moe_file *file, const struct moe_run *run, const struct moe_task *task,
                      const struct moe_finding *finding);

/* Reads a finding back, ready to be planned again by any number of ranks: rank 0 gets the tables, every rank a share of
 * the choices and keys. finding->step says which; the rest must be zero. Nothing can be counted any more.
 *
 * Ranks:  every rank, no communication: agree on the status
 * Errors: MOE_INPUT something is missing or of another shape
 */
enum moe_status moe_finding_read(struct moe_reader *reader, const struct moe_comm *comm, const struct moe_run *run,
                                 const struct moe_task *task, struct moe_finding *finding, struct moe_error *err);

#endif
