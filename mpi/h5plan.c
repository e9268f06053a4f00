#include "mpi/h5plan.h"

#include <stdlib.h>
#include <string.h>

#include "mpi/h5util.h"
#include "src/pool.h"

enum { BLOCK_BYTES = 1 << 16 };

struct moe_plan_block {
    struct moe_plan_block *next;
    size_t used, size;
    _Alignas(16) char data[];
};

/* There are thousands of short strings, so many of them share a block of the pool. */
static void *room_for(struct moe_file *file, size_t size)
{
    struct moe_plan_block *block = file->blocks;
    size = (size + 15) / 16 * 16;
    if (!block || block->size - block->used < size) {
        size_t bytes = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        block = moe_pool_new(MOE_POOL_FILES, 1, sizeof *block + bytes);
        block->size = bytes;
        block->next = file->blocks;
        file->blocks = block;
    }
    void *room = block->data + block->used;
    block->used += size;
    return room;
}

static const char *keep(struct moe_file *file, const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(room_for(file, size), text, size);
}

struct moe_file *moe_file_new(void)
{
    return moe_pool_new(MOE_POOL_FILES, 1, sizeof(struct moe_file));
}

void moe_file_free(struct moe_file *file)
{
    if (!file)
        return;
    for (struct moe_plan_block *block = file->blocks, *next; block; block = next) {
        next = block->next;
        moe_pool_free(block);
    }
    moe_pool_free(file->groups);
    moe_pool_free(file->attributes);
    moe_pool_free(file->datasets);
    moe_pool_free(file->scales);
    moe_pool_free(file->slabs);
    moe_pool_free(file);
}

void moe_file_checked(struct moe_file *file)
{
    file->checked = 1;
}

static void add_group(struct moe_file *file, const char *kept)
{
    moe_pool_grow(MOE_POOL_FILES, (void **)&file->groups, &file->group_room, file->group_count + 1,
                  sizeof *file->groups);
    file->groups[file->group_count++] = kept;
}

void moe_file_group(struct moe_file *file, const char *path)
{
    add_group(file, keep(file, path));
}

static struct moe_plan_attribute *add_attribute(struct moe_file *file, const char *path, const char *name,
                                                enum moe_plan_kind kind)
{
    moe_pool_grow(MOE_POOL_FILES, (void **)&file->attributes, &file->attribute_room, file->attribute_count + 1,
                  sizeof *file->attributes);
    struct moe_plan_attribute *attribute = &file->attributes[file->attribute_count++];
    *attribute = (struct moe_plan_attribute){.path = keep(file, path), .name = keep(file, name), .kind = kind};
    return attribute;
}

void moe_file_text(struct moe_file *file, const char *path, const char *name, const char *value)
{
    add_attribute(file, path, name, MOE_PLAN_TEXT)->text = keep(file, value);
}

void moe_file_int(struct moe_file *file, const char *path, const char *name, int64_t value)
{
    add_attribute(file, path, name, MOE_PLAN_INT)->integer = value;
}

void moe_file_unsigned(struct moe_file *file, const char *path, const char *name, uint64_t value)
{
    add_attribute(file, path, name, MOE_PLAN_UNSIGNED)->natural = value;
}

void moe_file_double(struct moe_file *file, const char *path, const char *name, double value)
{
    add_attribute(file, path, name, MOE_PLAN_DOUBLE)->real = value;
}

static void add_scale(struct moe_file *file, const char *kept, int64_t length, const int64_t *values)
{
    moe_pool_grow(MOE_POOL_FILES, (void **)&file->scales, &file->scale_room, file->scale_count + 1,
                  sizeof *file->scales);
    file->scales[file->scale_count++] = (struct moe_plan_scale){kept, length, values};
}

void moe_file_scale(struct moe_file *file, const char *path, int64_t length, const int64_t *values)
{
    size_t size = (size_t)moe_plan_elements(1, &length) * sizeof *values;
    add_scale(file, keep(file, path), length, memcpy(room_for(file, size), values, size));
}

/* Where the scale of a dimension called `dim` of the dataset at `path` stands. */
static const char *scale_path(struct moe_file *file, const char *path, const char *dim)
{
    if (dim[0] == '/')
        return keep(file, dim);
    size_t group = (size_t)(strrchr(path, '/') - path) + 1;
    char *joined = room_for(file, group + strlen(dim) + 1);
    memcpy(joined, path, group);
    strcpy(joined + group, dim);
    return joined;
}

static struct moe_plan_dataset *add_dataset(struct moe_file *file, const char *path, enum moe_type type, int rank,
                                            const int64_t *shape, const char *const *dims, const char *unit)
{
    MOE_CHECK(rank >= 1 && rank <= MOE_FILE_DIMS && path[0] == '/');
    moe_pool_grow(MOE_POOL_FILES, (void **)&file->datasets, &file->dataset_room, file->dataset_count + 1,
                  sizeof *file->datasets);
    struct moe_plan_dataset *dataset = &file->datasets[file->dataset_count++];
    *dataset = (struct moe_plan_dataset){.path = keep(file, path), .type = type, .rank = rank};
    for (int i = 0; i < rank; i++) {
        dataset->shape[i] = shape[i];
        dataset->scale[i] = scale_path(file, path, dims[i]);
        add_scale(file, dataset->scale[i], shape[i], NULL);
    }
    moe_plan_elements(rank, shape);
    if (unit)
        moe_file_text(file, path, "units", unit);
    return dataset;
}

void moe_file_dataset(struct moe_file *file, const char *path, enum moe_type type, int rank, const int64_t *shape,
                      const char *const *dims, const char *unit)
{
    add_dataset(file, path, type, rank, shape, dims, unit);
}

void moe_file_whole(struct moe_file *file, const char *path, enum moe_type type, int rank, const int64_t *shape,
                    const char *const *dims, const char *unit, const void *data)
{
    struct moe_plan_dataset *dataset = add_dataset(file, path, type, rank, shape, dims, unit);
    dataset->whole = 1;
    dataset->data = data;
}

void moe_file_slab(struct moe_file *file, const char *path, enum moe_type type, int rank, const int64_t *start,
                   const int64_t *count, const void *data)
{
    MOE_CHECK(rank >= 1 && rank <= MOE_FILE_DIMS);
    if (moe_plan_elements(rank, count) == 0)
        return;
    moe_pool_grow(MOE_POOL_FILES, (void **)&file->slabs, &file->slab_room, file->slab_count + 1, sizeof *file->slabs);
    struct moe_plan_slab *slab = &file->slabs[file->slab_count++];
    *slab = (struct moe_plan_slab){.path = keep(file, path), .type = type, .rank = rank, .data = data};
    memcpy(slab->start, start, (size_t)rank * sizeof *start);
    memcpy(slab->count, count, (size_t)rank * sizeof *count);
}

int64_t moe_plan_elements(int rank, const int64_t *counts)
{
    int64_t product = 1;
    for (int i = 0; i < rank; i++)
        MOE_CHECK(counts[i] >= 0 && !__builtin_mul_overflow(product, counts[i], &product));
    return product;
}

static void add_groups_above(struct moe_file *file, const char *path)
{
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t length = (size_t)(slash - path);
        char *group = room_for(file, length + 1);
        memcpy(group, path, length);
        group[length] = '\0';
        add_group(file, group);
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Of scales at one path the one with values comes first, and is kept. */
static int by_path(const void *a, const void *b)
{
    const struct moe_plan_scale *x = a, *y = b;
    int order = strcmp(x->path, y->path);
    return order ? order : !x->values - !y->values;
}

static void settle_scales(struct moe_file *file)
{
    size_t kept = 0;
    if (file->scale_count)
        qsort(file->scales, file->scale_count, sizeof *file->scales, by_path);
    for (size_t i = 0; i < file->scale_count; i++) {
        const struct moe_plan_scale *scale = &file->scales[i], *last = kept ? &file->scales[kept - 1] : NULL;
        if (!last || strcmp(last->path, scale->path))
            file->scales[kept++] = *scale;
        else if (last->length != scale->length)
            moe_fatal(MOE_BUG, "the dimension %s has both %lld and %lld entries (please report it)", scale->path,
                      (long long)last->length, (long long)scale->length);
    }
    file->scale_count = kept;
}

void moe_plan_settle(struct moe_file *file)
{
    size_t planned = file->group_count, kept = 0;
    for (size_t i = 0; i < planned; i++)
        add_groups_above(file, file->groups[i]);
    for (size_t i = 0; i < file->dataset_count; i++)
        add_groups_above(file, file->datasets[i].path);
    settle_scales(file);
    for (size_t i = 0; i < file->scale_count; i++)
        add_groups_above(file, file->scales[i].path);
    if (file->group_count)
        qsort(file->groups, file->group_count, sizeof *file->groups, by_text);
    for (size_t i = 0; i < file->group_count; i++)
        if (strcmp(file->groups[i], "/") && (!kept || strcmp(file->groups[kept - 1], file->groups[i])))
            file->groups[kept++] = file->groups[i];
    file->group_count = kept;
}

size_t moe_plan_find_scale(const struct moe_file *file, const char *path)
{
    size_t low = 0, high = file->scale_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(file->scales[middle].path, path);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    moe_fatal(MOE_BUG, "no dimension scale %s was planned (please report it)", path);
}

/* A dataset with its scales takes about 800 bytes of metadata, a group less, attributes little more than their size. */
int64_t moe_plan_bytes(const struct moe_file *file)
{
    enum { FILE_BYTES = 65536, OBJECT_BYTES = 1024, ATTRIBUTE_BYTES = 256 };
    int64_t bytes = 0, metadata = FILE_BYTES;
    for (size_t i = 0; i < file->dataset_count; i++) {
        const struct moe_plan_dataset *dataset = &file->datasets[i];
        bytes += moe_plan_elements(dataset->rank, dataset->shape) * (int64_t)moe_type_size(dataset->type);
        metadata += OBJECT_BYTES * (1 + dataset->rank);
    }
    for (size_t i = 0; i < file->scale_count; i++)
        bytes += file->scales[i].length * (int64_t)sizeof(int64_t);
    for (size_t i = 0; i < file->attribute_count; i++) {
        const struct moe_plan_attribute *attribute = &file->attributes[i];
        metadata += ATTRIBUTE_BYTES + (attribute->text ? 2 * (int64_t)strlen(attribute->text) : 0);
    }
    metadata += OBJECT_BYTES * (int64_t)(file->scale_count + file->group_count);
    return bytes + bytes / 100 + metadata;
}
