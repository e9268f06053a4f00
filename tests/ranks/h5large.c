/* Files of many objects, and of more data than is written at once. */
#include <mpi.h>
#include <stdint.h>
#include <unistd.h>

#include "mpi/h5file.h"
#include "mpi/h5read.h"
#include "src/pool.h"
#include "src/share.h"
#include "tests/tap.h"

static int rank, ranks;

/* A dimension that 1,500 datasets share, and metadata in plenty. */
static void test_many(void)
{
    static const char *const dims[] = {"count", "/group"};
    const char *name = "h5file-many.h5";
    struct moe_file *file = moe_file_new();
    struct moe_error err;
    struct moe_reader *reader;
    int64_t table[2][3] = {{1, 2, 3}, {4, 5, 6}}, got[2][3] = {{0}}, shape[] = {2, 3}, zero[] = {0, 0};
    char path[64];
    for (int i = 0; i < 1500; i++) {
        sprintf(path, "/census/scope-%03d/table-%02d", i / 12, i % 12);
        moe_file_whole(file, path, MOE_I64, 2, shape, dims, "patterns", table);
    }
    moe_file_text(file, "/", "format", MOE_FILE_FORMAT);
    is_int(moe_file_write(file, name, MPI_COMM_WORLD, &err), MOE_OK, "1,500 tables are written %s", err.text);
    moe_file_free(file);
    if (moe_reader_open(name, &reader, &err))
        bail("%s", err.text);
    moe_reader_slab(reader, path, MOE_I64, 2, shape, zero, shape, got, &err);
    ok(!memcmp(got, table, sizeof got), "the last of them is right");
    moe_reader_close(reader);
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0)
        unlink(name);
}

/* More than is written at once: 20 MB in one row, and in three. */
static void test_large(void)
{
    const char *name = "h5file-large.h5";
    const int64_t shape[2][2] = {{ranks, 5000001}, {3, 1700001}};
    static const char *const paths[] = {"/row", "/rows"}, *const dims[2][2] = {{"a", "b"}, {"c", "d"}};
    int32_t *data[2];
    struct moe_file *file = moe_file_new();
    struct moe_error err;
    struct moe_reader *reader;
    moe_file_text(file, "/", "format", MOE_FILE_FORMAT);
    for (int i = 0; i < 2; i++) {
        int64_t first = moe_share_first(shape[i][0], ranks, rank), rows = moe_share_count(shape[i][0], ranks, rank);
        data[i] = moe_pool_new(MOE_POOL_DATA, (size_t)(rows * shape[i][1]) + 1, sizeof *data[i]);
        for (int64_t j = 0; j < rows * shape[i][1]; j++)
            data[i][j] = (int32_t)(first * shape[i][1] + j);
        moe_file_dataset(file, paths[i], MOE_I32, 2, shape[i], dims[i], NULL);
        moe_file_slab(file, paths[i], MOE_I32, 2, (int64_t[]){first, 0}, (int64_t[]){rows, shape[i][1]}, data[i]);
    }
    is_int(moe_file_write(file, name, MPI_COMM_WORLD, &err), MOE_OK, "large slabs are written %s", err.text);
    moe_file_free(file);
    if (moe_reader_open(name, &reader, &err))
        bail("%s", err.text);
    for (int i = 0; i < 2; i++) {
        int64_t first = moe_share_first(shape[i][0], ranks, rank), rows = moe_share_count(shape[i][0], ranks, rank);
        memset(data[i], 0, (size_t)(rows * shape[i][1]) * sizeof *data[i]);
        moe_reader_slab(reader, paths[i], MOE_I32, 2, shape[i], (int64_t[]){first, 0},
                        (int64_t[]){rows, shape[i][1]}, data[i], &err);
        int64_t wrong = err.code;
        for (int64_t j = 0; j < rows * shape[i][1]; j++)
            wrong += data[i][j] != first * shape[i][1] + j;
        is_int(wrong, 0, "%s is right everywhere", paths[i]);
        moe_pool_free(data[i]);
    }
    moe_reader_close(reader);
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0)
        unlink(name);
}

int main(int count, char **argument)
{
    MPI_Init(&count, &argument);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    test_many();
    test_large();
    int failed = tap_done();
    MPI_Finalize();
    return failed;
}
