/* Taking a training up again from its newest whole checkpoint. */
#ifndef MOE_RESUME_H
#define MOE_RESUME_H

#include "mpi/results.h"
#include "src/train.h"

enum moe_resume { MOE_RESUME_NO, MOE_RESUME_AUTO, MOE_RESUME_ANY_CPU };

enum { MOE_RESUMED_TEXT = 4096 };

/* Puts the training back to the newest checkpoint of `name` that is whole, and says on standard error from which step
 * it goes on and which checkpoints it passed over, and why. Without any checkpoint it stays at its beginning. *step is
 * where it stands, -1 at the beginning. With MOE_RESUME_ANY_CPU another CPU or BLAS library will do; what comes out may
 * then differ in its last bits.
 *   resumed   where trainings behind this one were taken up, in words, for /provenance; grows by one   out
 *
 * Ranks:  collective
 * Errors: the same on all ranks. MOE_USAGE: the ranks run on several kinds of CPU or BLAS kernel; or the checkpoint is
 *         whole, but its settings, program, CPU or BLAS library are not this run's, with what differs. MOE_INPUT: there
 *         are checkpoints, and none is whole.
 */
enum moe_status moe_resume(struct moe_results *results, struct moe_training *training, const char *name,
                           enum moe_resume how, char resumed[MOE_RESUMED_TEXT], int *step, struct moe_error *err);

#endif
