/* The series of a training in a file: /train and /eval. */
#ifndef MOE_SERIES_H
#define MOE_SERIES_H

#include "mpi/h5file.h"
#include "mpi/h5read.h"
#include "src/train.h"

/* Plans the series of the steps done so far.
 *   buffer [3, history->evals]   room for what the plan borrows   out
 *
 * Ranks:  local (rank 0 counts)
 * Errors: never fails
 */
void moe_series_plan(struct moe_file *file, const struct moe_run *run, const struct moe_history *history,
                     double *buffer);

/* Reads them back into a history with room for run.train.steps. The noise of test targets is not stored: NAN.
 *
 * Ranks:  local
 * Errors: MOE_INPUT something is missing, of another shape, or more than the run has
 */
enum moe_status moe_series_read(struct moe_reader *reader, const struct moe_run *run, struct moe_history *history,
                                struct moe_error *err);

#endif
