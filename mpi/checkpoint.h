/* Checkpoints: all that a training needs to go on to the same bits, on any number of ranks.
 *
 * NAME.ckpt-STEP.h5 (8 digits) has kind `checkpoint`, the root and /provenance of every file, `step`, the tensors of
 * /parameters and, by the same names, of /moments/first and /moments/second, the series and the findings so far.
 * Behind its end stand checksums of it all (mpi/h5sum.h). Nothing in it knows the number of ranks. */
#ifndef MOE_CHECKPOINT_H
#define MOE_CHECKPOINT_H

#include "mpi/results.h"
#include "src/train.h"

/* Writes the checkpoint of a training as it stands, and then removes every checkpoint of that name but this one and the
 * one of step `before` (-1: none).
 *
 * Ranks:  collective
 * Errors: as moe_file_write; then no other checkpoint is touched
 */
enum moe_status moe_checkpoint_write(const struct moe_results *results, const struct moe_training *training,
                                     const char *name, int before, struct moe_error *err);

/* Puts a training, its model and the findings back to where the checkpoint in `file` stands.
 *
 * Ranks:  collective
 * Errors: MOE_INPUT, the same on all ranks: something is missing or has another shape
 */
enum moe_status moe_checkpoint_read(struct moe_results *results, struct moe_training *training, const char *file,
                                    struct moe_error *err);

enum { MOE_CHECKPOINT_PATH = MOE_PATH_MAX + 32 };

/* The file of a checkpoint.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_checkpoint_file(char file[MOE_CHECKPOINT_PATH], const char *name, int step);

/* The steps of the checkpoints of a name, newest first; *steps is from moe_pool_new and the caller's.
 *
 * Ranks:  local
 * Errors: never fails; a folder that cannot be read has none
 */
int moe_checkpoint_list(const char *name, int **steps);

/* Removes the halves of checkpoints of a name that killed jobs have left. Only who holds the name may.
 *
 * Ranks:  local
 * Errors: never fails; what cannot be removed stays
 */
void moe_checkpoint_clean(const char *name);

/* Removes every checkpoint of a name but those of two steps (-1: none).
 *
 * Ranks:  local
 * Errors: never fails; what cannot be removed stays
 */
void moe_checkpoint_keep(const char *name, int one, int other);

#endif
