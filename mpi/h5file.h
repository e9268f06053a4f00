/* Writing HDF5 files from all ranks so that each is whole or absent.
 *
 * A file is first planned in memory: groups, attributes, datasets with their shapes, and the data that this rank holds.
 * Writing then works in three phases, of which moe_file_prepare does the first two:
 *
 *   create   rank 0 alone: NAME.part is made, the space for everything is reserved before the first object, then come
 *            all groups, attributes, dimension scales and datasets (contiguous, allocated at once) and the data that
 *            rank 0 holds whole. A full disk is met here, where one rank can tell the others.
 *   slabs    all ranks: NAME.part is opened in parallel and every rank writes its slabs, each on its own. Left out when
 *            no rank has a slab. At the end every rank syncs, and all agree.
 *   publish  rank 0 renames NAME.part to NAME and syncs the directory. Files that belong together are all prepared
 *            before the first is renamed.
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

enum { MOE_FILE_DIMS = 4, MOE_FILE_SET_MAX = 2 };

enum moe_type { MOE_I16, MOE_I32, MOE_I64, MOE_U64, MOE_REAL32, MOE_REAL64 };

struct moe_file;

/* Files that appear together; at first only comm is set. */
struct moe_file_set {
    MPI_Comm comm;
    int count;
    char *name[MOE_FILE_SET_MAX], *part[MOE_FILE_SET_MAX]; /* owned */
};

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

/* Asks for checksums of all that the file holds (mpi/h5sum.h). Slabs must then be cut along the first dimension only.
 *
 * Ranks:  every rank
 * Errors: never fails
 */
void moe_file_checked(struct moe_file *file);

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
void moe_file_unsigned(struct moe_file *file, const char *path, const char *name, uint64_t value);
void moe_file_double(struct moe_file *file, const char *path, const char *name, double value);

/* Plans a dataset of `rank` dimensions 1..4 that slabs will fill. dims [rank] are the names of its dimensions: each
 * becomes a dimension scale of that name, in the dataset's own group unless the name starts with "/" (then at that
 * path, shared); a scale is made once and its length must agree. A dataset must not stand where a scale stands: plan
 * moe_file_scale instead. No name twice in one dataset, or xarray refuses it. unit becomes the attribute "units" and
 * may be null; write "s" rather than "seconds", which xarray would turn into times. Zero lengths are allowed.
 *
 * Ranks:  local
 * Errors: never fails; moe_file_prepare ends the job with MOE_BUG when lengths of a scale disagree
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
 * dataset's type. data is borrowed until moe_file_prepare returns. Slabs of different ranks must not overlap and
 * together cover the dataset; empty ones are allowed. Ranks other than 0 need not have planned the dataset. Fast when a
 * slab is one piece of the file, so cut along the first dimension.
 *
 * Ranks:  local
 * Errors: never fails; moe_file_prepare ends the job with MOE_BUG when the slabs leave something out
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

/* Writes the planned file to NAME.part, whole and synced, and adds it to the set. The plan can then be freed.
 *
 * Ranks:  collective on the set's comm; rank 0's name counts
 * Errors: MOE_OUTPUT with cause and place, the same on all ranks, the part files of the whole set removed and the set
 *         empty, when the directory is missing or read-only or the space does not suffice. When writing fails after the
 *         space was reserved, ranks can no longer agree inside the library: the rank that fails removes the part files,
 *         prints the line and ends the job with 74.
 */
enum moe_status moe_file_prepare(struct moe_file *file, const char *name, struct moe_file_set *set,
                                 struct moe_error *err);

/* Gives every file of the set its name, in the order they were prepared, replacing older ones; the set is empty then.
 *
 * Ranks:  collective on the set's comm
 * Errors: MOE_OUTPUT, the same on all ranks; what has not got its name is removed
 */
enum moe_status moe_file_publish(struct moe_file_set *set, struct moe_error *err);

/* Writes one file: prepare and publish.
 *
 * Ranks:  collective on comm; rank 0's name counts
 * Errors: as moe_file_prepare and moe_file_publish
 */
enum moe_status moe_file_write(struct moe_file *file, const char *name, MPI_Comm comm, struct moe_error *err);

#endif
