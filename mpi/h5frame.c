#include "mpi/h5frame.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

#include "mpi/comm.h"
#include "src/pool.h"
#include "src/share.h"

enum { PIECE_BYTES = 1 << 22 };

unsigned __int128 moe_sum_bytes(const void *data, size_t size)
{
    const XXH128_hash_t hash = XXH3_128bits(data, size);
    return (unsigned __int128)hash.high64 << 64 | hash.low64;
}

/* The library leaves errno alone at the end of a file. */
static int read_at(FILE *file, int64_t offset, void *data, size_t size)
{
    errno = 0;
    if (fseeko(file, offset, SEEK_SET) == 0 && fread(data, 1, size, file) == size)
        return 0;
    return errno ? errno : EIO;
}

static int add_range(XXH3_state_t *state, FILE *file, int64_t from, int64_t to, char *piece)
{
    int cause = 0;
    while (from < to && !cause) {
        const size_t size = (size_t)(to - from < PIECE_BYTES ? to - from : PIECE_BYTES);
        cause = read_at(file, from, piece, size);
        if (!cause)
            XXH3_128bits_update(state, piece, size);
        from += (int64_t)size;
    }
    return cause;
}

int moe_sum_frame(FILE *file, int64_t size, const struct moe_extent *extents, int count, char sum[MOE_SUM_TEXT])
{
    XXH3_state_t *state = XXH3_createState();
    MOE_CHECK(state && XXH3_128bits_reset(state) == XXH_OK);
    char *piece = moe_pool_new(MOE_POOL_FILES, PIECE_BYTES, 1);
    int64_t at = 0;
    int cause = 0;
    for (int i = 0; i < count && !cause; i++) {
        cause = add_range(state, file, at, extents[i].offset, piece);
        at = extents[i].offset + extents[i].rows * extents[i].row_bytes;
    }
    if (!cause)
        cause = add_range(state, file, at, size, piece);
    const XXH128_hash_t hash = XXH3_128bits_digest(state);
    moe_sum_text((unsigned __int128)hash.high64 << 64 | hash.low64, sum);
    XXH3_freeState(state);
    moe_pool_free(piece);
    return cause;
}

/* What the text behind a file says. */
struct sums {
    char *text; /* owned */
    int64_t size;
    char frame[MOE_SUM_TEXT];
    int count;
    struct moe_extent *extents; /* [count] owned, paths in text */
};

static enum moe_status no_sums(const char *name, struct moe_error *err)
{
    return moe_fail(err, MOE_INPUT, "%s: no checksums at its end (cut short, or changed)", name);
}

/* The lines of an intact text. */
static int parse_lines(struct sums *sums)
{
    char *line = sums->text, *rest;
    int lines = 0, used = 0;
    for (const char *c = line; *c; c++)
        lines += *c == '\n';
    sums->extents = moe_pool_new(MOE_POOL_FILES, (size_t)lines, sizeof *sums->extents);
    if (sscanf(line, "frame %" SCNd64 " %32s\n", &sums->size, sums->frame) != 2)
        return 0;
    strtok_r(line, "\n", &rest);
    while ((line = strtok_r(NULL, "\n", &rest))) {
        struct moe_extent *extent = &sums->extents[sums->count++];
        if (sscanf(line, "data %" SCNd64 " %" SCNd64 " %" SCNd64 " %32s %n", &extent->offset, &extent->rows,
                   &extent->row_bytes, extent->sum, &used) != 4)
            return 0;
        extent->path = line + used;
    }
    return 1;
}

static enum moe_status read_sums(FILE *file, const char *name, struct sums *sums, struct moe_error *err)
{
    char last[MOE_LAST_BYTES + 1] = "", wanted[MOE_SUM_TEXT], found[MOE_SUM_TEXT];
    int64_t length;
    if (fseeko(file, 0, SEEK_END))
        return moe_fail(err, MOE_INPUT, "cannot read %s: %s", name, strerror(errno));
    const int64_t end = ftello(file);
    if (end < MOE_LAST_BYTES || read_at(file, end - MOE_LAST_BYTES, last, MOE_LAST_BYTES) ||
        sscanf(last, "checksums %" SCNd64 " %32s", &length, wanted) != 2 || length < 1 ||
        length > end - MOE_LAST_BYTES)
        return no_sums(name, err);
    sums->text = moe_pool_new(MOE_POOL_FILES, (size_t)length + 1, 1);
    if (read_at(file, end - MOE_LAST_BYTES - length, sums->text, (size_t)length))
        return no_sums(name, err);
    moe_sum_text(moe_sum_bytes(sums->text, (size_t)length), found);
    if (strcmp(found, wanted) != 0 || !parse_lines(sums) || sums->size != end - MOE_LAST_BYTES - length)
        return no_sums(name, err);
    return MOE_OK;
}

/* This rank's share of the rows of one dataset. */
static int sum_share(FILE *file, const struct moe_extent *extent, int rank, int ranks, char *piece,
                     unsigned __int128 *sum)
{
    int64_t row = moe_share_first(extent->rows, ranks, rank);
    const int64_t end = row + moe_share_count(extent->rows, ranks, rank);
    const int64_t most = extent->row_bytes < PIECE_BYTES ? PIECE_BYTES / extent->row_bytes : 1;
    char *large = extent->row_bytes > PIECE_BYTES ? moe_pool_new(MOE_POOL_FILES, (size_t)extent->row_bytes, 1) : NULL;
    char *data = large ? large : piece;
    int cause = 0;
    while (row < end && !cause) {
        const int64_t rows = end - row < most ? end - row : most;
        cause = read_at(file, extent->offset + row * extent->row_bytes, data, (size_t)(rows * extent->row_bytes));
        if (!cause)
            *sum += moe_sum_rows(data, row, rows, (size_t)extent->row_bytes);
        row += rows;
    }
    moe_pool_free(large);
    return cause;
}

/* Adds up 128-bit numbers over the ranks, in quarters that leave room for the carry. */
static void sum_over_ranks(unsigned __int128 *sum, int count, MPI_Comm comm)
{
    uint64_t *quarter = moe_pool_new(MOE_POOL_FILES, (size_t)count, 4 * sizeof *quarter);
    for (int i = 0; i < 4 * count; i++)
        quarter[i] = (uint32_t)(sum[i / 4] >> 32 * (i % 4));
    MPI_Allreduce(MPI_IN_PLACE, quarter, 4 * count, MPI_UINT64_T, MPI_SUM, comm);
    for (int i = 0; i < count; i++) {
        sum[i] = 0;
        for (int j = 0; j < 4; j++)
            sum[i] += (unsigned __int128)quarter[4 * i + j] << 32 * j;
    }
    moe_pool_free(quarter);
}

static void compare_data(FILE *file, const char *name, const struct sums *sums, MPI_Comm comm, struct moe_error *err)
{
    int rank, ranks, cause = 0;
    char found[MOE_SUM_TEXT];
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &ranks);
    unsigned __int128 *sum = moe_pool_new(MOE_POOL_FILES, (size_t)sums->count, sizeof *sum);
    char *piece = moe_pool_new(MOE_POOL_FILES, PIECE_BYTES, 1);
    for (int i = 0; i < sums->count && !cause; i++)
        cause = sum_share(file, &sums->extents[i], rank, ranks, piece, &sum[i]);
    moe_pool_free(piece);
    if (cause)
        moe_fail(err, MOE_INPUT, "cannot read %s: %s", name, strerror(cause));
    sum_over_ranks(sum, sums->count, comm);
    moe_comm_agree(comm, err);
    for (int i = 0; i < sums->count && err->code == MOE_OK; i++) {
        moe_sum_text(sum[i], found);
        if (strcmp(found, sums->extents[i].sum) != 0)
            moe_fail(err, MOE_INPUT, "%s: %s differs from its checksum", name, sums->extents[i].path);
    }
    moe_pool_free(sum);
}

static void compare_frame(FILE *file, const char *name, const struct sums *sums, MPI_Comm comm, struct moe_error *err)
{
    int rank;
    char found[MOE_SUM_TEXT];
    MPI_Comm_rank(comm, &rank);
    if (rank != 0)
        return;
    const int cause = moe_sum_frame(file, sums->size, sums->extents, sums->count, found);
    if (cause)
        moe_fail(err, MOE_INPUT, "cannot read %s: %s", name, strerror(cause));
    else if (strcmp(found, sums->frame) != 0)
        moe_fail(err, MOE_INPUT, "%s: what is not data differs from its checksum", name);
}

enum moe_status moe_sum_verify(const char *name, MPI_Comm comm, struct moe_error *err)
{
    struct sums sums = {0};
    FILE *file = fopen(name, "rb");
    if (!file)
        moe_fail(err, MOE_INPUT, "cannot open %s: %s", name, strerror(errno));
    else
        read_sums(file, name, &sums, err);
    if (err->code == MOE_OK)
        compare_frame(file, name, &sums, comm, err);
    if (moe_comm_agree(comm, err) == MOE_OK)
        compare_data(file, name, &sums, comm, err);
    if (file)
        fclose(file);
    moe_pool_free(sums.text);
    moe_pool_free(sums.extents);
    return err->code;
}
