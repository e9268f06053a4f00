/* Files that one rank writes a dataset at a time: a new one, or an old one with a group replaced, by a copy that takes
 * its place at the end. */
#ifndef MOE_H5APPEND_H
#define MOE_H5APPEND_H

#include <stdint.h>

#include "src/status.h"

struct moe_append;

/* Copies `name` to NAME.part, with room for about `bytes` more, and takes `group` (such as "/analysis") out of it.
 * *append is null on error. The old file is not touched before moe_append_commit.
 *
 * Ranks:  local; one rank
 * Errors: MOE_INPUT name cannot be read; MOE_OUTPUT the copy cannot be made, for want of space for one
 */
enum moe_status moe_append_open(const char *name, const char *group, int64_t bytes, struct moe_append **append,
                                struct moe_error *err);

/* Makes NAME.part, a file of this program of the given kind (such as "sweep"), with room for about `bytes`. *append is
 * null on error. A file `name` is not touched before moe_append_commit.
 *
 * Ranks:  local; one rank
 * Errors: MOE_OUTPUT
 */
enum moe_status moe_append_create(const char *name, const char *kind, int64_t bytes, struct moe_append **append,
                                  struct moe_error *err);

/* Writes an attribute of something that is there already, "/" for the file itself.
 *
 * Ranks:  local
 * Errors: MOE_OUTPUT; then only moe_append_drop is left
 */
enum moe_status moe_append_attribute(struct moe_append *append, const char *path, const char *name, const char *value,
                                     struct moe_error *err);

/* Write one-dimensional datasets; groups above are made as needed. `scale` is the path of a dataset written before that
 * names the dimension, or null: then this one does.
 *
 * Ranks:  local
 * Errors: MOE_OUTPUT; then only moe_append_drop is left
 */
enum moe_status moe_append_doubles(struct moe_append *append, const char *path, int64_t count, const double *values,
                                   const char *scale, struct moe_error *err);
enum moe_status moe_append_texts(struct moe_append *append, const char *path, int64_t count, const char *const *values,
                                 const char *scale, struct moe_error *err);

/* Closes, syncs and renames NAME.part over the old file, if any; or removes it. Both give append back.
 *
 * Ranks:  local
 * Errors: MOE_OUTPUT, the old file as it was
 */
enum moe_status moe_append_commit(struct moe_append *append, struct moe_error *err);
void moe_append_drop(struct moe_append *append);

#endif
