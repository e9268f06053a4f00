/* Files written from all ranks and read back by each. With arguments the program writes one file for other tests:
 *
 *   h5file.ranks small NAME
 *   h5file.ranks fill NAME BYTES [create|slabs|open|close]
 *
 * The last word makes something fail: on rank 0 what it writes while the file is created, or on the last rank its slab,
 * or its part in opening or closing the file together. */
#include "mpi/h5file.h"

#include <errno.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mpi/comm.h"
#include "mpi/h5read.h"
#include "src/pool.h"
#include "src/share.h"
#include "tests/tap.h"

static size_t failing_size; /* writes to files of so many bytes or more fail; 0: none */

/* Takes the C library's place for the HDF5 and MPI libraries too. */
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    if (failing_size && size >= failing_size) {
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset)
{
    return pwrite(fd, data, size, offset);
}

static int failing_open, failing_close; /* these calls of MPI-IO fail here, and only here */

int MPI_File_open(MPI_Comm comm, const char *name, int mode, MPI_Info info, MPI_File *file)
{
    return failing_open ? MPI_ERR_IO : PMPI_File_open(comm, name, mode, info, file);
}

int MPI_File_close(MPI_File *file)
{
    return failing_close ? MPI_ERR_IO : PMPI_File_close(file);
}

static int rank, ranks;

struct planned {
    const char *path;
    enum moe_type type;
    int dims;
    int64_t shape[MOE_FILE_DIMS];
    const char *name[MOE_FILE_DIMS];
    int cut; /* the dimension that the slabs are cut along; -1: rank 0 holds it whole */
};

static const struct planned cases[] = {
    {"/one", MOE_I32, 1, {7}, {"place"}, 0},
    {"/a/b/two", MOE_REAL32, 2, {5, 3}, {"row", "/column"}, 0},
    {"/a/b/across", MOE_I16, 2, {3, 5}, {"/column", "row"}, 1},
    {"/a/three", MOE_I64, 3, {4, 1, 6}, {"x", "y", "z"}, 2},
    {"/a/four", MOE_REAL64, 4, {2, 3, 1, 4}, {"t", "u", "v", "x"}, 0},
    {"/few", MOE_U64, 1, {1}, {"single"}, 0},
    {"/none", MOE_REAL32, 2, {0, 3}, {"nothing", "/column"}, 0},
    {"/whole", MOE_U64, 2, {2, 3}, {"pair", "/column"}, -1},
    {"/whole_none", MOE_I16, 1, {0}, {"nothing"}, -1},
    {"/train/loss", MOE_REAL64, 1, {4}, {"step"}, -1},
};

enum { CASES = sizeof cases / sizeof cases[0], BYTES_MAX = 512 };

static const int64_t steps[] = {0, 50, 100, 150};
static const double loss[] = {1.5, -0.0, 1e-300, 3};

static int64_t elements(int dims, const int64_t *count)
{
    int64_t product = 1;
    for (int i = 0; i < dims; i++)
        product *= count[i];
    return product;
}

static void put(enum moe_type type, void *data, int64_t i, int64_t value)
{
    switch (type) {
    case MOE_I16: ((int16_t *)data)[i] = (int16_t)-value; break;
    case MOE_I32: ((int32_t *)data)[i] = (int32_t)(value * 1000003); break;
    case MOE_I64: ((int64_t *)data)[i] = INT64_MIN + value; break;
    case MOE_U64: ((uint64_t *)data)[i] = UINT64_MAX - (uint64_t)value; break;
    case MOE_REAL32: ((float *)data)[i] = (float)value / 7; break;
    case MOE_REAL64: ((double *)data)[i] = (double)value / 7; break;
    }
}

/* The block's values in C order, each made from its place in the whole dataset. */
static void fill(const struct planned *c, const int64_t *start, const int64_t *count, void *data)
{
    for (int64_t i = 0; i < elements(c->dims, count); i++) {
        int64_t rest = i, place = 0, stride = 1;
        for (int d = c->dims - 1; d >= 0; d--) {
            place += (start[d] + rest % count[d]) * stride;
            rest /= count[d];
            stride *= c->shape[d];
        }
        put(c->type, data, i, 1000 * (c - cases) + place);
    }
}

static void block(const struct planned *c, int part, int parts, int64_t *start, int64_t *count)
{
    for (int d = 0; d < c->dims; d++) {
        start[d] = d == c->cut ? moe_share_first(c->shape[d], parts, part) : 0;
        count[d] = d == c->cut ? moe_share_count(c->shape[d], parts, part) : c->shape[d];
    }
}

static void plan_attributes(struct moe_file *file)
{
    moe_file_text(file, "/", "format", MOE_FILE_FORMAT);
    moe_file_text(file, "/", "kind", "results");
    moe_file_text(file, "/a/b/two", "note", "\xc3\xa9t\xc3\xa9");
    moe_file_text(file, "/a", "empty", "");
    moe_file_int(file, "/", "least", INT64_MIN);
    moe_file_unsigned(file, "/", "most", UINT64_MAX);
    moe_file_double(file, "/train", "third", 1.0 / 3);
    moe_file_int(file, "/train/step", "every", 50);
}

static enum moe_status write_cases(const char *name, struct moe_error *err)
{
    _Alignas(8) char data[CASES][BYTES_MAX];
    struct moe_file *file = moe_file_new();
    for (int i = 0; i < CASES; i++) {
        const struct planned *c = &cases[i];
        int64_t start[MOE_FILE_DIMS], count[MOE_FILE_DIMS];
        block(c, rank, ranks, start, count);
        fill(c, start, count, data[i]);
        const void *held = strcmp(c->path, "/train/loss") ? (const void *)data[i] : loss;
        if (c->cut < 0)
            moe_file_whole(file, c->path, c->type, c->dims, c->shape, c->name, NULL, held);
        else if (rank == 0)
            moe_file_dataset(file, c->path, c->type, c->dims, c->shape, c->name, i == 0 ? "nats" : NULL);
        if (c->cut >= 0)
            moe_file_slab(file, c->path, c->type, c->dims, start, count, data[i]);
    }
    if (rank == 0) {
        plan_attributes(file);
        moe_file_group(file, "/provenance/here");
        moe_file_group(file, "/a");
        moe_file_scale(file, "/train/step", 4, steps);
    }
    moe_file_write(file, name, MPI_COMM_WORLD, err);
    moe_file_free(file);
    return err->code;
}

static void read_cases(struct moe_reader *reader)
{
    _Alignas(8) char got[BYTES_MAX], want[BYTES_MAX];
    struct moe_error err;
    for (int i = 0; i < CASES; i++) {
        const struct planned *c = &cases[i];
        int64_t shape[MOE_FILE_DIMS], start[MOE_FILE_DIMS], count[MOE_FILE_DIMS];
        block(c, 0, 1, start, count);
        memset(got, 99, sizeof got);
        memset(want, 99, sizeof want);
        fill(c, start, count, want);
        if (!strcmp(c->path, "/train/loss"))
            memcpy(want, loss, sizeof loss);
        ok(!moe_reader_shape(reader, c->path, c->dims, shape, &err) &&
               !memcmp(shape, c->shape, (size_t)c->dims * sizeof *shape), "%s has its shape", c->path);
        is_int(moe_reader_slab(reader, c->path, c->type, c->dims, c->shape, start, count, got, &err), MOE_OK,
               "%s can be read", c->path);
        ok(!memcmp(got, want, sizeof got), "%s has all %lld values and nothing more", c->path,
           (long long)elements(c->dims, count));
    }
    int16_t one = 0;
    moe_reader_slab(reader, "/a/b/across", MOE_I16, 2, cases[2].shape, (int64_t[]){2, 3}, (int64_t[]){1, 1}, &one,
                    &err);
    is_int(one, -(2000 + 2 * 5 + 3), "a block inside a dataset is read from its place");
}

static void read_scales(struct moe_reader *reader)
{
    int64_t got[4] = {-1, -1, -1, -1}, length;
    struct moe_error err;
    moe_reader_slab(reader, "/train/step", MOE_I64, 1, (int64_t[]){4}, (int64_t[]){0}, (int64_t[]){4}, got, &err);
    ok(!memcmp(got, steps, sizeof steps), "a dimension has the values it was given");
    moe_reader_slab(reader, "/column", MOE_I64, 1, (int64_t[]){3}, (int64_t[]){0}, (int64_t[]){3}, got, &err);
    ok(got[0] == 0 && got[1] == 1 && got[2] == 2, "a dimension without values counts");
    ok(!moe_reader_shape(reader, "/a/b/row", 1, &length, &err) && length == 5, "a dimension stands by its dataset");
    ok(!moe_reader_has(reader, "/a/b/column") && !moe_reader_has(reader, "/row"), "and nowhere else");
    ok(!moe_reader_shape(reader, "/nothing", 1, &length, &err) && length == 0, "a dimension of length 0 is there");
}

static void read_attributes(struct moe_reader *reader)
{
    struct moe_error err;
    char *text;
    int64_t integer = 0;
    double real = 0;
    moe_reader_text(reader, "/a/b/two", "note", &text, &err);
    is_str(text, "\xc3\xa9t\xc3\xa9", "text that is not ASCII");
    moe_pool_free(text);
    moe_reader_text(reader, "/a", "empty", &text, &err);
    is_str(text, "", "empty text");
    moe_pool_free(text);
    moe_reader_text(reader, "/one", "units", &text, &err);
    is_str(text, "nats", "a unit");
    moe_pool_free(text);
    moe_reader_int(reader, "/", "least", &integer, &err);
    ok(integer == INT64_MIN, "the smallest integer");
    moe_reader_int(reader, "/", "most", &integer, &err);
    ok(integer == INT64_MAX, "the largest without a sign is not negative");
    moe_reader_double(reader, "/train", "third", &real, &err);
    ok(real == 1.0 / 3, "a real number, to the last bit");
    moe_reader_int(reader, "/train/step", "every", &integer, &err);
    is_int(integer, 50, "an attribute of a dimension");
    ok(moe_reader_has(reader, "/provenance/here"), "an empty group, and the one above it");
}

static void read_wrongly(struct moe_reader *reader)
{
    struct moe_error err;
    int64_t shape[MOE_FILE_DIMS] = {0}, zero[MOE_FILE_DIMS] = {0}, integer;
    char *text, data[64];
    is_int(moe_reader_shape(reader, "/absent", 1, shape, &err), MOE_INPUT, "a missing dataset is an input error");
    ok(strstr(err.text, "/absent") && strstr(err.text, "h5file-test.h5"), "that names file and dataset: %s", err.text);
    is_int(moe_reader_shape(reader, "/a/three", 2, shape, &err), MOE_INPUT, "another number of dimensions: %s",
           err.text);
    moe_reader_slab(reader, "/one", MOE_I32, 1, (int64_t[]){8}, zero, (int64_t[]){1}, data, &err);
    ok(err.code == MOE_INPUT && strstr(err.text, "7, not 8"), "another length: %s", err.text);
    is_int(moe_reader_slab(reader, "/one", MOE_REAL32, 1, (int64_t[]){7}, zero, (int64_t[]){1}, data, &err), MOE_INPUT,
           "another type: %s", err.text);
    is_int(moe_reader_slab(reader, "/one", MOE_I32, 1, (int64_t[]){7}, (int64_t[]){6}, (int64_t[]){2}, data, &err),
           MOE_INPUT, "a block beyond the end: %s", err.text);
    is_int(moe_reader_text(reader, "/", "least", &text, &err), MOE_INPUT, "an integer is no text: %s", err.text);
    ok(!text, "and gives none");
    is_int(moe_reader_int(reader, "/a", "least", &integer, &err), MOE_INPUT, "a missing attribute: %s", err.text);
    is_int(moe_reader_double(reader, "/b", "x", &(double){0}, &err), MOE_INPUT, "a missing object: %s", err.text);
}

static void copy_start(const char *from, const char *to, double share)
{
    struct stat now;
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    if (!in || !out || stat(from, &now))
        bail("cannot copy %s to %s", from, to);
    for (long left = (long)((double)now.st_size * share); left > 0; left--)
        putc(getc(in), out);
    fclose(in);
    fclose(out);
}

/* Each rank has its own copies, so that all may make and remove them at once. */
static void open_wrongly(const char *name)
{
    static const double share[] = {0, 0.001, 0.5, 0.999};
    char copy[64];
    struct moe_reader *reader;
    struct moe_error err;
    snprintf(copy, sizeof copy, "h5file-cut-%d.h5", rank);
    for (int i = 0; i < 4; i++) {
        copy_start(name, copy, share[i]);
        is_int(moe_reader_open(copy, &reader, &err), MOE_INPUT, "a file cut to %g is refused", share[i]);
        ok(!reader && strstr(err.text, copy), "and named: %s", rank == 0 ? err.text : "");
    }
    unlink(copy);
    is_int(moe_reader_open("h5file-absent.h5", &reader, &err), MOE_INPUT, "so is a missing file: %s", err.text);
    is_int(moe_reader_open(".", &reader, &err), MOE_INPUT, "and a folder: %s", err.text);
    moe_reader_open("h5file-\033[1m\n.h5", &reader, &err);
    ok(strstr(err.text, "h5file-?[1m?.h5") != NULL, "control characters of a name are not printed: %s", err.text);
    struct moe_file *file = moe_file_new();
    moe_file_text(file, "/", "format", "other");
    moe_file_write(file, "h5file-other.h5", MPI_COMM_WORLD, &err);
    moe_file_free(file);
    moe_reader_open("h5file-other.h5", &reader, &err);
    ok(err.code == MOE_INPUT && strstr(err.text, "not a moecensus file"), "a file of others is refused: %s", err.text);
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0)
        unlink("h5file-other.h5");
}

static void write_wrongly(void)
{
    struct moe_error err;
    is_int(write_cases("h5file-absent/x.h5", &err), MOE_OUTPUT, "a missing folder is an output error on every rank");
    ok(strstr(err.text, "h5file-absent/x.h5") && strstr(err.text, strerror(ENOENT)), "that says so: %s", err.text);
    ok(access("h5file-absent", F_OK), "and is not made");
    is_int(write_cases("..", &err), MOE_OUTPUT, "a folder is not replaced: %s", err.text);
    ok(access("...part", F_OK), "and no part file is left");
    char name[400] = "";
    memset(name, 'n', 300);
    is_int(write_cases(name, &err), MOE_OUTPUT, "a name that is too long: %.40s...", err.text);
}

static void test_round(const char *name)
{
    struct moe_error err;
    struct moe_reader *reader;
    struct stat first, second;
    is_int(write_cases(name, &err), MOE_OK, "a file is written %s", err.text);
    ok(!stat(name, &first) && access("h5file-test.h5.part", F_OK), "and no part file is left");
    if (rank == 0)
        fclose(fopen("h5file-test.h5.part", "w"));
    MPI_Barrier(MPI_COMM_WORLD);
    is_int(write_cases(name, &err), MOE_OK, "a second one replaces it and an old part file %s", err.text);
    ok(!stat(name, &second) && first.st_ino != second.st_ino, "by another file");
    is_int(second.st_size, first.st_size, "of the same size");
    is_int(second.st_blocks * 512 >= second.st_size, 1, "that has all its space");
    if (moe_reader_open(name, &reader, &err))
        bail("%s", err.text);
    size_t bytes = moe_pool_bytes(MOE_POOL_FILES);
    read_cases(reader);
    read_scales(reader);
    read_attributes(reader);
    read_wrongly(reader);
    is_int((long long)moe_pool_bytes(MOE_POOL_FILES), (long long)bytes, "reading keeps no memory");
    moe_reader_close(reader);
}

static int fill_file(struct moe_comm *comm, int count, char **argument)
{
    int64_t rows = atoll(argument[3]) / 1024, shape[] = {rows, 256};
    int64_t start[] = {moe_share_first(rows, ranks, rank), 0}, mine[] = {moe_share_count(rows, ranks, rank), 256};
    static const char *const dims[] = {"row", "column"};
    int64_t table[32] = {0}, length = 32;
    float *data = moe_pool_new(MOE_POOL_DATA, (size_t)(mine[0] * mine[1]), sizeof *data);
    struct moe_file *file = moe_file_new();
    struct moe_error err;
    moe_place("fill");
    moe_file_dataset(file, "/data/rows", MOE_REAL32, 2, shape, dims, NULL);
    moe_file_slab(file, "/data/rows", MOE_REAL32, 2, start, mine, data);
    moe_file_whole(file, "/table", MOE_I64, 1, &length, (const char *const[]){"entry"}, NULL, table);
    if (count > 4 && !strcmp(argument[4], "slabs") && rank == ranks - 1)
        failing_size = 65536;
    if (count > 4 && !strcmp(argument[4], "create") && rank == 0)
        failing_size = 1;
    failing_open = count > 4 && !strcmp(argument[4], "open") && rank == ranks - 1;
    failing_close = count > 4 && !strcmp(argument[4], "close") && rank == ranks - 1;
    moe_file_write(file, argument[2], MPI_COMM_WORLD, &err);
    moe_file_free(file);
    moe_pool_free(data);
    if (err.code && rank == 0)
        fprintf(stderr, "moecensus: %s: %s\n", moe_place_name(), err.text);
    moe_comm_end(comm);
    return err.code;
}

int main(int count, char **argument)
{
    struct moe_comm comm;
    moe_comm_start(&comm, &count, &argument);
    rank = comm.rank;
    ranks = comm.ranks;
    if (count > 3 && !strcmp(argument[1], "fill"))
        return fill_file(&comm, count, argument);
    if (count > 2 && !strcmp(argument[1], "small")) {
        struct moe_error err;
        write_cases(argument[2], &err);
        moe_comm_end(&comm);
        return err.code;
    }
    const char *name = "h5file-test.h5";
    test_round(name);
    open_wrongly(name);
    write_wrongly();
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0)
        unlink(name);
    is_int((long long)moe_pool_bytes(MOE_POOL_FILES), 0, "no memory is kept");
    int failed = tap_done();
    moe_comm_end(&comm);
    return failed;
}
