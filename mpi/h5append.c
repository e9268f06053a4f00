#include "mpi/h5append.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5_hl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mpi/h5util.h"
#include "src/pool.h"

enum { PIECE = 1 << 20 };

struct moe_append {
    hid_t h5;
    char *name, *part;
};

static char *join(const char *name, const char *tail)
{
    size_t size = strlen(name) + strlen(tail) + 1;
    char *text = moe_pool_new(MOE_POOL_FILES, size, 1);
    snprintf(text, size, "%s%s", name, tail);
    return text;
}

static enum moe_status system_failed(struct moe_error *err, enum moe_status code, const char *what, const char *path)
{
    return moe_fail(err, code, "cannot %s %s: %s", what, path, strerror(errno));
}

static enum moe_status library_failed(struct moe_error *err, const char *what, const char *path)
{
    char cause[512];
    moe_h5_cause(cause, sizeof cause);
    return moe_fail(err, MOE_OUTPUT, "cannot %s %s: %s", what, path, cause);
}

static enum moe_status copy_bytes(int from, int to, const struct moe_append *append, struct moe_error *err)
{
    char *buffer = moe_pool_new(MOE_POOL_FILES, PIECE, 1);
    ssize_t got = 1;
    while (err->code == MOE_OK && got > 0) {
        got = read(from, buffer, PIECE);
        if (got < 0)
            system_failed(err, MOE_INPUT, "read", append->name);
        for (ssize_t at = 0, put; at < got && err->code == MOE_OK; at += put) {
            put = write(to, buffer + at, (size_t)(got - at));
            if (put < 0) {
                system_failed(err, MOE_OUTPUT, "write", append->part);
                break;
            }
        }
    }
    moe_pool_free(buffer);
    return err->code;
}

/* The copy, with space reserved behind it so that the library meets no full disk; closing cuts it off again. */
static enum moe_status copy_file(const struct moe_append *append, int64_t bytes, struct moe_error *err)
{
    int from = open(append->name, O_RDONLY);
    if (from < 0)
        return system_failed(err, MOE_INPUT, "open", append->name);
    int to = open(append->part, O_RDWR | O_CREAT | O_TRUNC, 0666);
    if (to < 0) {
        system_failed(err, MOE_OUTPUT, "write", append->part);
        close(from);
        return err->code;
    }
    copy_bytes(from, to, append, err);
    off_t end = lseek(to, 0, SEEK_END);
    if (err->code == MOE_OK && (errno = posix_fallocate(to, end, bytes)) != 0)
        system_failed(err, MOE_OUTPUT, "write", append->part);
    close(from);
    close(to);
    return err->code;
}

enum moe_status moe_append_open(const char *name, const char *group, int64_t bytes, struct moe_append **append,
                                struct moe_error *err)
{
    moe_h5_quiet();
    struct moe_append *new = moe_pool_new(MOE_POOL_FILES, 1, sizeof *new);
    *append = NULL;
    new->h5 = H5I_INVALID_HID;
    new->name = join(name, "");
    new->part = join(name, ".part");
    if (copy_file(new, bytes, err) == MOE_OK) {
        hid_t access = moe_h5_plain_access();
        new->h5 = H5Fopen(new->part, H5F_ACC_RDWR, access);
        H5Pclose(access);
        if (new->h5 < 0)
            library_failed(err, "open", new->part);
        else if (H5Lexists(new->h5, group, H5P_DEFAULT) > 0 && H5Ldelete(new->h5, group, H5P_DEFAULT) < 0)
            library_failed(err, "replace", group);
    }
    if (err->code != MOE_OK)
        moe_append_drop(new);
    else
        *append = new;
    return err->code;
}

/* Makes a dataset with the groups above it and its dimension, and writes it. */
static enum moe_status write_dataset(struct moe_append *append, const char *path, hid_t type, int64_t count,
                                     const void *values, const char *scale, struct moe_error *err)
{
    hid_t links = H5Pcreate(H5P_LINK_CREATE), space = H5Screate_simple(1, (const hsize_t[]){(hsize_t)count}, NULL);
    H5Pset_create_intermediate_group(links, 1);
    hid_t dataset = H5Dcreate2(append->h5, path, type, space, links, H5P_DEFAULT, H5P_DEFAULT);
    int holds = dataset >= 0 && H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
    if (holds && !scale) {
        holds = H5DSset_scale(dataset, "figure") >= 0;
    } else if (holds) {
        hid_t dimension = H5Dopen2(append->h5, scale, H5P_DEFAULT);
        holds = dimension >= 0 && H5DSattach_scale(dataset, dimension, 0) >= 0;
        H5Dclose(dimension);
    }
    if (!holds)
        library_failed(err, "write", path);
    if (dataset >= 0)
        H5Dclose(dataset);
    H5Sclose(space);
    H5Pclose(links);
    return err->code;
}

enum moe_status moe_append_doubles(struct moe_append *append, const char *path, int64_t count, const double *values,
                                   const char *scale, struct moe_error *err)
{
    return write_dataset(append, path, H5T_NATIVE_DOUBLE, count, values, scale, err);
}

enum moe_status moe_append_texts(struct moe_append *append, const char *path, int64_t count,
                                 const char *const *values, const char *scale, struct moe_error *err)
{
    size_t width = 1;
    for (int64_t i = 0; i < count; i++)
        width = values[i] && strlen(values[i]) >= width ? strlen(values[i]) + 1 : width;
    char *packed = moe_pool_new(MOE_POOL_FILES, (size_t)count, width);
    for (int64_t i = 0; i < count; i++)
        if (values[i])
            memcpy(packed + (size_t)i * width, values[i], strlen(values[i]));
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, width);
    H5Tset_cset(type, H5T_CSET_UTF8);
    write_dataset(append, path, type, count, packed, scale, err);
    H5Tclose(type);
    moe_pool_free(packed);
    return err->code;
}

static enum moe_status sync_path(const char *path, int flags, struct moe_error *err)
{
    int fd = open(path, flags);
    if (fd < 0 || fsync(fd) != 0)
        system_failed(err, MOE_OUTPUT, "sync", path);
    if (fd >= 0)
        close(fd);
    return err->code;
}

enum moe_status moe_append_commit(struct moe_append *append, struct moe_error *err)
{
    herr_t closed = H5Fclose(append->h5);
    append->h5 = H5I_INVALID_HID;
    if (closed < 0)
        library_failed(err, "close", append->part);
    else if (sync_path(append->part, O_RDONLY, err) == MOE_OK && rename(append->part, append->name) != 0)
        system_failed(err, MOE_OUTPUT, "rename", append->part);
    if (err->code == MOE_OK) {
        char *copy = join(append->name, "");
        sync_path(dirname(copy), O_RDONLY | O_DIRECTORY, err);
        moe_pool_free(copy);
    }
    moe_append_drop(append);
    return err->code;
}

void moe_append_drop(struct moe_append *append)
{
    if (append->h5 >= 0)
        H5Fclose(append->h5);
    unlink(append->part);
    moe_pool_free(append->name);
    moe_pool_free(append->part);
    moe_pool_free(append);
}
