/* Reading files of this program: every rank opens the file itself, for reading only, and takes what it needs. */
#ifndef MOE_H5READ_H
#define MOE_H5READ_H

#include <stdint.h>

#include "mpi/h5file.h"
#include "src/status.h"

struct moe_reader;

/* Opens a file whose root attribute "format" is MOE_FILE_FORMAT; *reader is null on error. Locks are asked for where
 * the file system has them; HDF5_USE_FILE_LOCKING=FALSE in the environment switches them off.
 *
 * Ranks:  local
 * Errors: MOE_INPUT: missing, not readable, not HDF5, cut short, not of this program
 */
enum moe_status moe_reader_open(const char *name, struct moe_reader **reader, struct moe_error *err);

/* Closes; null is allowed.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_reader_close(struct moe_reader *reader);

/* Whether there is a group or dataset at path.
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_reader_has(const struct moe_reader *reader, const char *path);

/* Read a scalar attribute of the object at path ("/" for the file itself). *value of text is from moe_pool_new, the
 * caller's, and null on error.
 *
 * Ranks:  local
 * Errors: MOE_INPUT: object or attribute missing, or of another type
 */
enum moe_status moe_reader_text(struct moe_reader *reader, const char *path, const char *name, char **value,
                                struct moe_error *err);
enum moe_status moe_reader_int(struct moe_reader *reader, const char *path, const char *name, int64_t *value,
                               struct moe_error *err);
enum moe_status moe_reader_double(struct moe_reader *reader, const char *path, const char *name, double *value,
                                  struct moe_error *err);

/* The lengths of a dataset of `rank` dimensions.
 *
 * Ranks:  local
 * Errors: MOE_INPUT: missing, not a dataset, another number of dimensions
 */
enum moe_status moe_reader_shape(struct moe_reader *reader, const char *path, int rank, int64_t *shape,
                                 struct moe_error *err);

/* Reads the block at `start` of `count` of a dataset that must have the type and the whole shape given. Nothing is read
 * when the block is empty, but type and shape are looked at.
 *   data [count]   in C order, of the type   out
 *
 * Ranks:  local
 * Errors: MOE_INPUT: missing, of another type or shape, not readable
 */
enum moe_status moe_reader_slab(struct moe_reader *reader, const char *path, enum moe_type type, int rank,
                                const int64_t *shape, const int64_t *start, const int64_t *count, void *data,
                                struct moe_error *err);

/* How many groups and datasets stand in a group, 0 where there is no such group; and the name of one, by rising name.
 * name takes up to 63 bytes.
 *
 * Ranks:  local
 * Errors: never fails; 0 <= index < count
 */
int moe_reader_children(const struct moe_reader *reader, const char *path);
void moe_reader_child(const struct moe_reader *reader, const char *path, int index, char name[64]);

/* Whether the object at path is a group.
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_reader_is_group(const struct moe_reader *reader, const char *path);

#endif
