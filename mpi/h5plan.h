/* Inside of struct moe_file: what the planning calls collect and moe_file_prepare works off. */
#ifndef MOE_H5PLAN_H
#define MOE_H5PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "mpi/h5file.h"
#include "src/status.h"

enum moe_plan_kind { MOE_PLAN_TEXT, MOE_PLAN_INT, MOE_PLAN_UNSIGNED, MOE_PLAN_DOUBLE };

struct moe_plan_attribute {
    const char *path, *name;
    enum moe_plan_kind kind;
    const char *text;
    int64_t integer;
    uint64_t natural;
    double real;
};

struct moe_plan_dataset {
    const char *path;
    enum moe_type type;
    int rank;
    int64_t shape[MOE_FILE_DIMS];
    const char *scale[MOE_FILE_DIMS]; /* paths of the dimension scales */
    int whole;                        /* data is all of it, written on creation */
    const void *data;
    unsigned __int128 sum;            /* of a file with checksums, on rank 0 */
    int64_t offset;                   /* of the data in the file, once it is created; only where there is data */
};

struct moe_plan_scale {
    const char *path;
    int64_t length;
    const int64_t *values; /* null: 0, 1, 2, ... */
};

struct moe_plan_slab {
    const char *path;
    enum moe_type type;
    int rank;
    int64_t start[MOE_FILE_DIMS], count[MOE_FILE_DIMS];
    const void *data;
};

struct moe_plan_block; /* a piece of memory that strings and values are copied into */

struct moe_file {
    int checked; /* checksums are stored */
    struct moe_plan_block *blocks;
    const char **groups;
    struct moe_plan_attribute *attributes;
    struct moe_plan_dataset *datasets;
    struct moe_plan_scale *scales;
    struct moe_plan_slab *slabs;
    size_t group_count, attribute_count, dataset_count, scale_count, slab_count;
    size_t group_room, attribute_room, dataset_room, scale_room, slab_room;
};

/* The product of counts, 1 for rank 0; ends the job when it overflows.
 *
 * Ranks:  local
 * Errors: ends the job with MOE_BUG
 */
int64_t moe_plan_elements(int rank, const int64_t *counts);

/* Plans the groups above all objects too, and sorts groups and scales by path, each once, so that they can be made in
 * this order.
 *
 * Ranks:  local
 * Errors: ends the job with MOE_BUG when two lengths of a scale disagree
 */
void moe_plan_settle(struct moe_file *file);

/* The scale at a path, after moe_plan_settle; it must exist.
 *
 * Ranks:  local
 * Errors: ends the job with MOE_BUG
 */
size_t moe_plan_find_scale(const struct moe_file *file, const char *path);

/* Bytes that the whole file will surely fit into, metadata included, after moe_plan_settle.
 *
 * Ranks:  local
 * Errors: never fails
 */
int64_t moe_plan_bytes(const struct moe_file *file);

/* Creates the settled plan's file at `part`, which must not exist, with everything in it but the slabs. *reserved tells
 * whether the space was held when an error came: before, nothing is left open, afterwards the library may not be able
 * to close the file any more.
 *
 * Ranks:  local
 * Errors: MOE_OUTPUT; the file is left to the caller to remove
 */
enum moe_status moe_plan_create(struct moe_file *file, const char *part, int *reserved, struct moe_error *err);

#endif
