/* Writing one HDF5 file from all ranks so that it is whole or absent.
 *
 * A file is first planned in memory: groups, attributes, datasets with their shapes, and the data that this rank holds.
 * moe_file_write then works in three phases:
 *
 *   create   rank 0 alone: NAME.part is made, the space for everything is reserved before the first object, then come
 *            all groups, attributes, dimension scales and datasets (contiguous, allocated at once) and the data that
 *            rank 0 holds whole. A full disk is met here, where one rank can tell the others.
 *   slabs    all ranks: NAME.part is opened in parallel and every rank writes its slabs, each on its own. Left out when
 *            no rank has a slab.
 *   publish  every rank syncs, all agree, rank 0 renames NAME.part to NAME and syncs the directory.
 *
 * The program has to select a parallel file layer that reports a full disk on the rank that meets it: with Open MPI
 * that is OMPI_MCA_io=romio321, set before MPI_Init. */
#ifndef MOE_H5FILE_H
#define MOE_H5FILE_H

#include <mpi.h>
#include <stdint.h>

#include "src/status.h"

/* Value of the root attribute "format" in every file of this program; the reader asks for it. */
#define MOE_FILE_FORMAT "moecensus"

enum { MOE_FILE_DIMS = 4 };

enum moe_type { MOE_I16, MOE_I32, MOE_I64, MOE_U64, MOE_REAL32, MOE_REAL64 };

struct moe_file;

/* An empty plan. Attributes, groups and dataset shapes matter on rank 0 only; slabs on the rank that adds them. All
 * strings and scale values are copied, data is borrowed.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
struct moe_file *moe_file_new(void);

/* Gives a plan back; null is allowed. A plan that was written can only be freed.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_file_free(struct moe_file *file);

/* Plans a group. Paths start with "/" and have no "/" at the end. Groups above any planned object are made as needed,
 * and planning a group twice is allowed.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_file_group(struct moe_file *file, const char *path);

/* Plans an attribute of a group, dataset or scale, "/" for the file itself: a scalar, each name once per object. Text
 * is stored as UTF-8 of fixed length.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_file_text(struct moe_file *file, const char *path, const char *name, const char *value);
void moe_file_int(struct moe_file *file, const char *path, const char *name, int64_t value);
void moe_file_double(struct moe_file *file, const char *path, const char *name, double value);

/* Plans a dataset of `rank` dimensions 1..4 that slabs will fill. dims [rank] are the names of its dimensions: each
 * becomes a dimension scale of that name, in the dataset's own group unless the name starts with "/" (then at that
 * path, shared); a scale is made once and its length must agree. A dataset must not stand where a scale stands: plan
 * moe_file_scale instead. No name twice in one dataset, or xarray refuses it. unit becomes the attribute "units" and
 * may be null; write "s" rather than "seconds", which xarray would turn into times. Zero lengths are allowed.
 *
 * Ranks:  local
 * Errors: never fails; moe_file_write ends the job with MOE_BUG when lengths of a scale disagree
 */
void moe_file_dataset(struct moe_file *file, const char *path, enum moe_type type, int rank, const int64_t *shape,
                      const char *const *dims, const char *unit);

/* Gives a dimension scale values (otherwise it counts 0, 1, 2, ...): int64 [length], copied.
 *
 * Ranks:  local
 * Errors: as moe_file_dataset
 */
void moe_file_scale(struct moe_file *file, const char *path, int64_t length, const int64_t *values);

/* Adds a slab of data that this rank writes to a dataset: the block at `start` of `count`, in memory in C order, of the
 * dataset's type. data is borrowed until moe_file_write returns. Slabs of different ranks must not overlap and together
 * cover the dataset; empty ones are allowed. Ranks other than 0 need not have planned the dataset. Fast when a slab is
 * one piece of the file, so cut along the first dimension.
 *
 * Ranks:  local
 * Errors: never fails; moe_file_write ends the job with MOE_BUG when the slabs leave something out
 */
void moe_file_slab(struct moe_file *file, const char *path, enum moe_type type, int rank, const int64_t *start,
                   const int64_t *count, const void *data);

/* Plans a dataset that rank 0 holds whole; it is written while the file is created. This is the way for the many small
 * tables. Other ranks may call it too: their data is not looked at.
 *
 * Ranks:  local (rank 0 counts)
 * Errors: as moe_file_dataset
 */
void moe_file_whole(struct moe_file *file, const char *path, enum moe_type type, int rank, const int64_t *shape,
                    const char *const *dims, const char *unit, const void *data);

/* Writes the planned file to `name`, replacing an older one only at the final rename.
 *
 * Ranks:  collective on comm; rank 0's name counts
 * Errors: MOE_OUTPUT with cause and place, the same on all ranks, no part file left and an older file untouched, when
 *         the directory is missing or read-only or the space does not suffice. When writing fails after the space was
 *         reserved, one rank prints the line, removes the part file and ends the job with 74, for ranks can no longer
 *         agree inside the library then.
 */
enum moe_status moe_file_write(struct moe_file *file, const char *name, MPI_Comm comm, struct moe_error *err);

#endif
