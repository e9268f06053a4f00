#include "mpi/h5file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mpi/h5plan.h"
#include "mpi/h5util.h"
#include "src/pool.h"

enum { PIECE_BYTES = 1 << 24 };

/* The lowest rank that failed tells all what happened. */
static enum moe_status agree(MPI_Comm comm, struct moe_error *err, int *speaker)
{
    int rank, ranks, first;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &ranks);
    int mine = err->code ? rank : ranks;
    MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, comm);
    *speaker = first;
    if (first < ranks)
        MPI_Bcast(err, (int)sizeof *err, MPI_BYTE, first, comm);
    return err->code;
}

/* Ends the job from one rank, with its line; the others only wait to be ended. */
static _Noreturn void give_up(MPI_Comm comm, int speaker, const char *part, const struct moe_error *err)
{
    int rank;
    MPI_Comm_rank(comm, &rank);
    while (rank != speaker)
        pause();
    unlink(part);
    const char *place = moe_place_name();
    fprintf(stderr, "moecensus: %s%srank %d: %s\n", place, place[0] ? ": " : "", rank, err->text);
    fflush(stderr);
    MPI_Abort(comm, MOE_OUTPUT);
    abort();
}

/* Every element of the datasets that were not written on creation must come from some rank's slab. */
static int64_t check_cover(const struct moe_file *file, const char *part, MPI_Comm comm)
{
    int rank;
    int64_t mine = 0, all, planned = 0;
    MPI_Comm_rank(comm, &rank);
    for (size_t i = 0; i < file->slab_count; i++)
        mine += moe_plan_elements(file->slabs[i].rank, file->slabs[i].count);
    MPI_Allreduce(&mine, &all, 1, MPI_INT64_T, MPI_SUM, comm);
    for (size_t i = 0; rank == 0 && i < file->dataset_count; i++)
        if (!file->datasets[i].whole)
            planned += moe_plan_elements(file->datasets[i].rank, file->datasets[i].shape);
    if (rank == 0 && planned != all) {
        unlink(part);
        moe_fatal(MOE_BUG, "%s: the ranks hold %lld elements of the %lld planned (please report it)", part,
                  (long long)all, (long long)planned);
    }
    return all;
}

static enum moe_status refuse(struct moe_error *err, const char *part, const char *what, const char *path)
{
    char cause[512];
    moe_h5_cause(cause, sizeof cause);
    return moe_fail(err, MOE_OUTPUT, "%s: cannot %s%s%s: %s (is the disk full, or faulty?)", part, what,
                    path[0] ? " " : "", path, cause);
}

static herr_t write_piece(hid_t dataset, hid_t type, int rank, const hsize_t *start, const hsize_t *count,
                          const void *data)
{
    hid_t there = H5Dget_space(dataset), here = H5Screate_simple(rank, count, NULL);
    if (H5Sget_simple_extent_ndims(there) != rank ||
        H5Sselect_hyperslab(there, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
        H5Dwrite(dataset, type, here, there, H5P_DEFAULT, data) < 0)
        return -1;
    H5Sclose(here);
    H5Sclose(there);
    return 0;
}

/* The library cannot write 2 GiB or more at once in parallel. Blocks are halved along their first dimension that can be
 * cut, so that either half is one piece of memory. */
static herr_t write_block(hid_t dataset, enum moe_type type, int rank, const hsize_t *start, const hsize_t *count,
                          const char *data)
{
    hsize_t bytes = moe_type_size(type), from[MOE_FILE_DIMS], many[MOE_FILE_DIMS];
    int cut = -1;
    for (int i = rank - 1; i >= 0; i--) {
        bytes *= count[i];
        if (count[i] > 1)
            cut = i;
    }
    if (bytes <= PIECE_BYTES)
        return write_piece(dataset, moe_type_in_memory(type), rank, start, count, data);
    memcpy(from, start, sizeof from);
    memcpy(many, count, sizeof many);
    many[cut] = count[cut] / 2;
    if (write_block(dataset, type, rank, from, many, data) < 0)
        return -1;
    data += bytes / count[cut] * many[cut];
    from[cut] += many[cut];
    many[cut] = count[cut] - many[cut];
    return write_block(dataset, type, rank, from, many, data);
}

static herr_t write_slab(hid_t dataset, const struct moe_plan_slab *slab)
{
    hsize_t start[MOE_FILE_DIMS] = {0}, count[MOE_FILE_DIMS] = {0};
    for (int i = 0; i < slab->rank; i++) {
        start[i] = (hsize_t)slab->start[i];
        count[i] = (hsize_t)slab->count[i];
    }
    return write_block(dataset, slab->type, slab->rank, start, count, slab->data);
}

/* Each rank on its own; what is open after an error stays open, as the job ends. */
static enum moe_status write_slabs(const struct moe_file *file, hid_t h5, const char *part, struct moe_error *err)
{
    for (size_t i = 0; i < file->slab_count; i++) {
        const struct moe_plan_slab *slab = &file->slabs[i];
        hid_t dataset = H5Dopen2(h5, slab->path, H5P_DEFAULT);
        if (dataset < 0)
            return refuse(err, part, "open dataset", slab->path);
        if (write_slab(dataset, slab) < 0)
            return refuse(err, part, "write dataset", slab->path);
        if (H5Dclose(dataset) < 0)
            return refuse(err, part, "close dataset", slab->path);
    }
    return MOE_OK;
}

static void write_together(const struct moe_file *file, const char *part, MPI_Comm comm, struct moe_error *err)
{
    int speaker;
    moe_h5_quiet();
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    MOE_CHECK(access >= 0 && H5Pset_fapl_mpio(access, comm, MPI_INFO_NULL) >= 0);
    hid_t h5 = H5Fopen(part, H5F_ACC_RDWR, access);
    if (h5 < 0)
        refuse(err, part, "open", "");
    else
        write_slabs(file, h5, part, err);
    if (agree(comm, err, &speaker))
        give_up(comm, speaker, part, err);
    if (H5Fclose(h5) < 0)
        refuse(err, part, "close", "");
    if (agree(comm, err, &speaker))
        give_up(comm, speaker, part, err);
    H5Pclose(access);
}

/* Opens, syncs and closes; 0 or errno. */
static int sync_path(const char *path, int flags)
{
    int fd = open(path, flags);
    if (fd < 0)
        return errno;
    int cause = fsync(fd) ? errno : 0;
    if (close(fd) && !cause)
        cause = errno;
    return cause;
}

/* Only file systems that cannot sync directories say EINVAL or ENOTSUP; then there is nothing more to do. */
static int sync_directory_of(const char *name)
{
    const char *slash = strrchr(name, '/');
    size_t length = slash ? (size_t)(slash - name) + 1 : 1;
    char *directory = moe_pool_new(MOE_POOL_FILES, length + 1, 1);
    memcpy(directory, slash ? name : ".", length);
    int cause = sync_path(directory, O_RDONLY | O_DIRECTORY);
    moe_pool_free(directory);
    return cause == EINVAL || cause == ENOTSUP ? 0 : cause;
}

static void publish(const char *part, const char *name, int wrote, MPI_Comm comm, struct moe_error *err)
{
    int rank, speaker;
    MPI_Comm_rank(comm, &rank);
    int cause = wrote ? sync_path(part, O_RDWR) : 0;
    if (cause)
        moe_fail(err, MOE_OUTPUT, "cannot sync %s: %s", part, strerror(cause));
    if (!agree(comm, err, &speaker) && rank == 0) {
        if (rename(part, name))
            moe_fail(err, MOE_OUTPUT, "cannot rename %s to %s: %s", part, name, strerror(errno));
        else if ((cause = sync_directory_of(name)))
            moe_fail(err, MOE_OUTPUT, "%s is written, but its directory cannot be synced: %s", name, strerror(cause));
    }
    if (agree(comm, err, &speaker) && rank == 0)
        unlink(part);
}

static void create(struct moe_file *file, const char *name, const char *part, MPI_Comm comm, struct moe_error *err)
{
    struct stat now;
    int reserved = 0;
    moe_plan_settle(file);
    if (!stat(name, &now) && !S_ISREG(now.st_mode)) {
        moe_fail(err, MOE_OUTPUT, "cannot write %s: it is there and not a file (choose another output.name)", name);
    } else {
        unlink(part); /* of a run that was killed; what hinders this hinders creating it too, which says so */
        moe_plan_create(file, part, &reserved, err);
    }
    if (err->code && reserved)
        give_up(comm, 0, part, err);
    if (err->code)
        unlink(part);
}

enum moe_status moe_file_write(struct moe_file *file, const char *name, MPI_Comm comm, struct moe_error *err)
{
    int rank, speaker, size = (int)strlen(name) + 1;
    MPI_Comm_rank(comm, &rank);
    MPI_Bcast(&size, 1, MPI_INT, 0, comm);
    char *whole = moe_pool_new(MOE_POOL_FILES, (size_t)size, 1);
    char *part = moe_pool_new(MOE_POOL_FILES, (size_t)size + strlen(".part"), 1);
    if (rank == 0)
        strcpy(whole, name);
    MPI_Bcast(whole, size, MPI_CHAR, 0, comm);
    sprintf(part, "%s.part", whole);
    *err = (struct moe_error){.code = MOE_OK};
    if (rank == 0)
        create(file, whole, part, comm, err);
    if (!agree(comm, err, &speaker)) {
        if (check_cover(file, part, comm) > 0)
            write_together(file, part, comm, err);
        publish(part, whole, rank == 0 || file->slab_count > 0, comm, err);
    }
    moe_pool_free(part);
    moe_pool_free(whole);
    return err->code;
}
