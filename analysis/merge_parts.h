/* The files that are merged: opened, checked against each other and put in order; and their stored patterns. */
#ifndef MOE_MERGE_PARTS_H
#define MOE_MERGE_PARTS_H

#include <stdint.h>

#include "mpi/h5read.h"
#include "src/census.h"
#include "src/config.h"
#include "src/data.h"
#include "src/snapshot.h"

/* One file, open. */
struct moe_part {
    const char *name;            /* borrowed */
    struct moe_reader *reader;
    struct moe_run run;          /* its settings */
    char *settings;              /* those of record without the range of sequences; from moe_pool_new */
    char *checksum;              /* of the inputs; from moe_pool_new */
    char snapshot[32];           /* step-00000600 */
    int64_t first, sequences;
};

/* All of them by first sequence. */
struct moe_parts {
    int count;
    struct moe_part *part;       /* [count] */
    int step;
    struct moe_run run;          /* settings of the whole */
    struct moe_task task;
    struct moe_census_shape shape; /* of the whole */
    int64_t by_group[MOE_GROUPS]; /* sequences of the whole; filled by moe_parts_groups */
};

/* Opens the files, checks that they are neighbouring ranges of one model's census and sorts them. moe_parts_close gives
 * everything back, also after an error.
 *
 * Ranks:  local
 * Errors: as moe_merge_files
 */
enum moe_status moe_parts_open(struct moe_parts *parts, const char *const *names, int count, struct moe_error *err);
void moe_parts_close(struct moe_parts *parts);

/* Counts the sequences by group, from the rows of the scope `sequence`, where each stands once.
 *
 * Ranks:  local
 * Errors: MOE_INPUT
 */
enum moe_status moe_parts_groups(struct moe_parts *parts, struct moe_error *err);

/* Reads a whole table of whole numbers at path [*rows, width]; *value is from moe_pool_new, null on error. type is
 * MOE_I64 or MOE_U64.
 *
 * Ranks:  local
 * Errors: MOE_INPUT
 */
enum moe_status moe_part_table(const struct moe_part *part, const char *path, enum moe_type type, int width,
                               int64_t *rows, void **value, struct moe_error *err);

/* Adds the records of one part's scope to *records [*count, room *capacity] and its sums to sums [MOE_GROUPS]. Tags
 * hold the group only: levels are not stored.
 *
 * Ranks:  local
 * Errors: MOE_INPUT rows that contradict themselves or the number of sequences
 */
enum moe_status moe_part_records(const struct moe_parts *parts, int part, const struct moe_scope *scope,
                                 struct moe_record **records, size_t *capacity, int64_t *count,
                                 struct moe_group_sums *sums, struct moe_error *err);

/* Adds the records of one part's paths by position to *records [*count, room *capacity]; their tags are the positions.
 *
 * Ranks:  local
 * Errors: MOE_INPUT rows that contradict themselves, the scope `path` or the number of sequences
 */
enum moe_status moe_part_positions(const struct moe_parts *parts, int part, struct moe_record **records,
                                   size_t *capacity, int64_t *count, struct moe_error *err);

/* Adds up what the parts counted beside patterns, and puts their choices one after the other. The snapshot has no
 * counter; moe_snapshot_clear gives back the rest.
 *
 * Ranks:  local
 * Errors: MOE_INPUT
 */
enum moe_status moe_parts_snapshot(const struct moe_parts *parts, struct moe_snapshot *snapshot, struct moe_error *err);

#endif
