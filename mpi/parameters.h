/* The model's tensors in files: one dataset each, by name and global shape, whatever ranks hold the experts. */
#ifndef MOE_PARAMETERS_H
#define MOE_PARAMETERS_H

#include "mpi/h5file.h"
#include "mpi/h5read.h"
#include "mpi/results.h"
#include "src/model.h"

/* Plans one number for every parameter of the model, such as its value or a moment, under `group`.
 *   dense [dense_size], experts [L, own experts, expert_size]    as the model's own, borrowed
 *
 * Ranks:  every rank, for its own slabs
 * Errors: never fails
 */
void moe_tensors_plan(struct moe_file *file, const struct moe_model *model, const char *group, const moe_real *dense,
                      const moe_real *experts);

/* Reads them back: every rank the dense tensors and its own experts.
 *
 * Ranks:  every rank, no communication: agree on the status
 * Errors: MOE_INPUT a tensor is missing or has another shape
 */
enum moe_status moe_tensors_read(struct moe_reader *reader, const struct moe_model *model, const char *group,
                                 moe_real *dense, moe_real *experts, struct moe_error *err);

/* Prepares the file `name` of the model's parameters after `step` steps as one of a set.
 *
 * Ranks:  collective
 * Errors: as moe_file_prepare
 */
enum moe_status moe_parameters_prepare(const struct moe_results *results, int step, const char *name,
                                       struct moe_file_set *set, struct moe_error *err);

/* Reads a model's parameters from `name`, a model file or a checkpoint, over its initial ones.
 *
 * Ranks:  collective
 * Errors: MOE_INPUT, the same on all ranks: a tensor is missing or has another shape
 */
enum moe_status moe_parameters_read(struct moe_model *model, const char *name, MPI_Comm comm, struct moe_error *err);

#endif
