#include "mpi/h5file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mpi/comm.h"
#include "mpi/h5plan.h"
#include "mpi/h5sum.h"
#include "mpi/h5util.h"
#include "src/pool.h"

enum { PIECE_BYTES = 1 << 24 };

static void remove_parts(const struct moe_file_set *set)
{
    for (int i = 0; i < set->count; i++)
        unlink(set->part[i]);
}

static void clear_set(struct moe_file_set *set)
{
    for (int i = 0; i < set->count; i++) {
        moe_pool_free(set->name[i]);
        moe_pool_free(set->part[i]);
    }
    set->count = 0;
}

/* Ends the job from the rank that failed: others may be inside the library, where nothing can be told to them. */
static _Noreturn void give_up(const struct moe_file_set *set, const struct moe_error *err)
{
    remove_parts(set);
    moe_fatal(err->code, "%s", err->text);
}

/* Every element of the datasets that were not written on creation must come from some rank's slab. */
static int64_t check_cover(const struct moe_file *file, const struct moe_file_set *set, const char *name)
{
    int rank;
    int64_t mine = 0, all, planned = 0;
    MPI_Comm_rank(set->comm, &rank);
    for (size_t i = 0; i < file->slab_count; i++)
        mine += moe_plan_elements(file->slabs[i].rank, file->slabs[i].count);
    MPI_Allreduce(&mine, &all, 1, MPI_INT64_T, MPI_SUM, set->comm);
    for (size_t i = 0; rank == 0 && i < file->dataset_count; i++)
        if (!file->datasets[i].whole)
            planned += moe_plan_elements(file->datasets[i].rank, file->datasets[i].shape);
    if (rank == 0 && planned != all) {
        remove_parts(set);
        moe_fatal(MOE_BUG, "%s: the ranks hold %lld elements of the %lld planned (please report it)", name,
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

static void write_together(const struct moe_file *file, const struct moe_file_set *set, const char *part,
                           struct moe_error *err)
{
    moe_h5_quiet();
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    MOE_CHECK(access >= 0 && H5Pset_fapl_mpio(access, set->comm, MPI_INFO_NULL) >= 0);
    hid_t h5 = H5Fopen(part, H5F_ACC_RDWR, access);
    if (h5 < 0)
        refuse(err, part, "open", "");
    else if (write_slabs(file, h5, part, err) == MOE_OK && H5Fclose(h5) < 0)
        refuse(err, part, "close", "");
    if (err->code)
        give_up(set, err);
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

static void create(struct moe_file *file, const struct moe_file_set *set, const char *name, const char *part,
                   struct moe_error *err)
{
    struct stat now;
    int reserved = 0;
    moe_plan_settle(file);
    if (!stat(name, &now) && !S_ISREG(now.st_mode)) {
        moe_fail(err, MOE_OUTPUT, "cannot write %s: it is there and not a file (choose another output.name)", name);
        return;
    }
    unlink(part); /* of a run that was killed; what hinders this hinders creating it too, which says so */
    if (moe_plan_create(file, part, &reserved, err) != MOE_OK && reserved)
        give_up(set, err);
}

/* Takes rank 0's name into the set on all ranks, and returns its place there. */
static int add_to_set(struct moe_file_set *set, const char *name, int rank)
{
    MOE_CHECK(set->count < MOE_FILE_SET_MAX);
    const int at = set->count++;
    int size = (int)strlen(name) + 1;
    MPI_Bcast(&size, 1, MPI_INT, 0, set->comm);
    set->name[at] = moe_pool_new(MOE_POOL_FILES, (size_t)size, 1);
    set->part[at] = moe_pool_new(MOE_POOL_FILES, (size_t)size + strlen(".part"), 1);
    if (rank == 0)
        strcpy(set->name[at], name);
    MPI_Bcast(set->name[at], size, MPI_CHAR, 0, set->comm);
    sprintf(set->part[at], "%s.part", set->name[at]);
    return at;
}

enum moe_status moe_file_prepare(struct moe_file *file, const char *name, struct moe_file_set *set,
                                 struct moe_error *err)
{
    int rank, cause;
    MPI_Comm_rank(set->comm, &rank);
    const int at = add_to_set(set, name, rank);
    const char *part = set->part[at];
    *err = (struct moe_error){.code = MOE_OK};
    if (rank == 0)
        create(file, set, set->name[at], part, err);
    if (moe_comm_agree(set->comm, err) == MOE_OK) {
        if (file->checked)
            moe_sum_data(file, set->comm);
        if (check_cover(file, set, set->name[at]) > 0)
            write_together(file, set, part, err);
        if (rank == 0 && file->checked)
            moe_sum_append(file, part, err);
        if ((rank == 0 || file->slab_count > 0) && err->code == MOE_OK && (cause = sync_path(part, O_RDWR)))
            moe_fail(err, MOE_OUTPUT, "cannot sync %s: %s", part, strerror(cause));
        moe_comm_agree(set->comm, err);
    }
    if (err->code) {
        if (rank == 0)
            remove_parts(set);
        clear_set(set);
    }
    return err->code;
}

static enum moe_status rename_all(const struct moe_file_set *set, struct moe_error *err)
{
    int cause;
    for (int i = 0; i < set->count; i++)
        if (rename(set->part[i], set->name[i]))
            return moe_fail(err, MOE_OUTPUT, "cannot rename %s to %s: %s", set->part[i], set->name[i],
                            strerror(errno));
    for (int i = 0; i < set->count; i++)
        if ((cause = sync_directory_of(set->name[i])))
            return moe_fail(err, MOE_OUTPUT, "%s is written, but its directory cannot be synced: %s", set->name[i],
                            strerror(cause));
    return MOE_OK;
}

enum moe_status moe_file_publish(struct moe_file_set *set, struct moe_error *err)
{
    int rank;
    MPI_Comm_rank(set->comm, &rank);
    *err = (struct moe_error){.code = MOE_OK};
    if (rank == 0 && rename_all(set, err) != MOE_OK)
        remove_parts(set);
    moe_comm_agree(set->comm, err);
    clear_set(set);
    return err->code;
}

enum moe_status moe_file_write(struct moe_file *file, const char *name, MPI_Comm comm, struct moe_error *err)
{
    struct moe_file_set set = {.comm = comm};
    if (moe_file_prepare(file, name, &set, err) == MOE_OK)
        moe_file_publish(&set, err);
    return err->code;
}
