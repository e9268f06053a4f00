#include "mpi/h5sum.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "mpi/h5frame.h"
#include "mpi/h5util.h"
#include "src/pool.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "data are summed as they stand in memory");

/* The part of a dataset's checksum that one slab makes. */
struct part {
    uint64_t dataset; /* XXH3-64 of its path */
    uint64_t low, high;
};

void moe_sum_text(unsigned __int128 sum, char text[MOE_SUM_TEXT])
{
    snprintf(text, MOE_SUM_TEXT, "%016" PRIx64 "%016" PRIx64, (uint64_t)(sum >> 64), (uint64_t)sum);
}

unsigned __int128 moe_sum_rows(const void *data, int64_t first, int64_t rows, size_t row_bytes)
{
    unsigned __int128 sum = 0;
    for (int64_t i = 0; i < rows; i++) {
        const XXH128_hash_t hash =
            XXH3_128bits_withSeed((const char *)data + (size_t)i * row_bytes, row_bytes, (XXH64_hash_t)(first + i));
        sum += (unsigned __int128)hash.high64 << 64 | hash.low64;
    }
    return sum;
}

static size_t row_size(enum moe_type type, int rank, const int64_t *count)
{
    return (size_t)moe_plan_elements(rank - 1, count + 1) * moe_type_size(type);
}

static uint64_t path_hash(const char *path)
{
    return XXH3_64bits(path, strlen(path));
}

static struct part part_of(const struct moe_plan_slab *slab)
{
    const unsigned __int128 sum = moe_sum_rows(slab->data, slab->start[0], slab->count[0],
                                               row_size(slab->type, slab->rank, slab->count));
    return (struct part){path_hash(slab->path), (uint64_t)sum, (uint64_t)(sum >> 64)};
}

/* All ranks' parts on rank 0. */
static struct part *gather_parts(const struct moe_file *file, MPI_Comm comm, int *all)
{
    int rank, ranks, mine = (int)file->slab_count;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &ranks);
    struct part *own = moe_pool_new(MOE_POOL_FILES, (size_t)mine, sizeof *own), *parts = NULL;
    int *count = moe_pool_new(MOE_POOL_FILES, (size_t)ranks, sizeof *count);
    int *start = moe_pool_new(MOE_POOL_FILES, (size_t)ranks + 1, sizeof *start);
    for (int i = 0; i < mine; i++)
        own[i] = part_of(&file->slabs[i]);
    MPI_Gather(&mine, 1, MPI_INT, count, 1, MPI_INT, 0, comm);
    for (int p = 0; p < ranks; p++)
        start[p + 1] = start[p] + count[p];
    *all = start[ranks];
    MPI_Datatype type;
    MPI_Type_contiguous(3, MPI_UINT64_T, &type);
    MPI_Type_commit(&type);
    if (rank == 0)
        parts = moe_pool_new(MOE_POOL_FILES, (size_t)*all, sizeof *parts);
    MPI_Gatherv(own, mine, type, parts, count, start, type, 0, comm);
    MPI_Type_free(&type);
    moe_pool_free(own);
    moe_pool_free(count);
    moe_pool_free(start);
    return parts;
}

static int by_dataset(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    return (x->dataset > y->dataset) - (x->dataset < y->dataset);
}

/* The sum of the sorted parts of one dataset; *used counts them. */
static unsigned __int128 fold_parts(const struct part *parts, int count, const char *path, int *used)
{
    const struct part key = {.dataset = path_hash(path)};
    unsigned __int128 sum = 0;
    const struct part *found = count ? bsearch(&key, parts, (size_t)count, sizeof *parts, by_dataset) : NULL;
    if (!found)
        return 0;
    while (found > parts && found[-1].dataset == key.dataset)
        found--;
    for (; found < parts + count && found->dataset == key.dataset; found++, ++*used)
        sum += (unsigned __int128)found->high << 64 | found->low;
    return sum;
}

void moe_sum_data(struct moe_file *file, MPI_Comm comm)
{
    int rank, count, used = 0;
    MPI_Comm_rank(comm, &rank);
    struct part *parts = gather_parts(file, comm, &count);
    if (rank != 0)
        return;
    if (count)
        qsort(parts, (size_t)count, sizeof *parts, by_dataset);
    for (size_t i = 0; i < file->dataset_count; i++) {
        struct moe_plan_dataset *dataset = &file->datasets[i];
        dataset->sum = dataset->whole ? moe_sum_rows(dataset->data, 0, dataset->shape[0],
                                                     row_size(dataset->type, dataset->rank, dataset->shape))
                                      : fold_parts(parts, count, dataset->path, &used);
    }
    MOE_CHECK(used == count);
    moe_pool_free(parts);
}

static int by_offset(const void *a, const void *b)
{
    const struct moe_extent *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Where the data of all datasets that have any stand in the file. */
static struct moe_extent *list_extents(const struct moe_file *file, int *count)
{
    struct moe_extent *extents = moe_pool_new(MOE_POOL_FILES, file->dataset_count, sizeof *extents);
    *count = 0;
    for (size_t i = 0; i < file->dataset_count; i++) {
        const struct moe_plan_dataset *dataset = &file->datasets[i];
        if (moe_plan_elements(dataset->rank, dataset->shape) == 0)
            continue;
        struct moe_extent *extent = &extents[(*count)++];
        *extent = (struct moe_extent){.offset = dataset->offset,
                                      .rows = dataset->shape[0],
                                      .row_bytes = (int64_t)row_size(dataset->type, dataset->rank, dataset->shape),
                                      .path = dataset->path};
        moe_sum_text(dataset->sum, extent->sum);
    }
    qsort(extents, (size_t)*count, sizeof *extents, by_offset);
    return extents;
}

static void print_lines(FILE *out, int64_t size, const char *frame, const struct moe_extent *extents, int count)
{
    fprintf(out, "frame %" PRId64 " %s\n", size, frame);
    for (int i = 0; i < count; i++)
        fprintf(out, "data %" PRId64 " %" PRId64 " %" PRId64 " %s %s\n", extents[i].offset, extents[i].rows,
                extents[i].row_bytes, extents[i].sum, extents[i].path);
}

/* The lines, and the last one that sums them up, at the end of the file. */
static int write_text(FILE *file, int64_t size, const char *frame, const struct moe_extent *extents, int count)
{
    char *text = NULL, sum[MOE_SUM_TEXT];
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return ENOMEM;
    print_lines(out, size, frame, extents, count);
    fclose(out);
    moe_sum_text(moe_sum_bytes(text, length), sum);
    errno = 0;
    const int failed = fseeko(file, size, SEEK_SET) != 0 || fwrite(text, 1, length, file) != length ||
                       fprintf(file, MOE_LAST_LINE, (int64_t)length, sum) < 0 || fflush(file) != 0;
    const int cause = errno;
    free(text);
    return failed ? cause : 0;
}

enum moe_status moe_sum_append(const struct moe_file *file, const char *part, struct moe_error *err)
{
    int count, cause = 0;
    struct stat now;
    char frame[MOE_SUM_TEXT];
    FILE *out = fopen(part, "r+b");
    if (!out || fstat(fileno(out), &now))
        cause = errno;
    struct moe_extent *extents = list_extents(file, &count);
    if (!cause)
        cause = moe_sum_frame(out, now.st_size, extents, count, frame);
    if (!cause)
        cause = write_text(out, now.st_size, frame, extents, count);
    if (out && fclose(out) && !cause)
        cause = errno;
    moe_pool_free(extents);
    if (cause)
        moe_fail(err, MOE_OUTPUT, "cannot add checksums to %s: %s (is the disk full?)", part, strerror(cause));
    return err->code;
}
