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
#include "mpi/results.h"
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

static hid_t text_type(size_t width)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, width);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

/* Returns below 0 where the library fails. */
static int write_attribute(const struct moe_append *append, const char *path, const char *name, hid_t type,
                           const void *value)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate_by_name(append->h5, path, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    int failed = attribute < 0 || H5Awrite(attribute, type, value) < 0;
    if (attribute >= 0)
        H5Aclose(attribute);
    H5Sclose(space);
    return failed ? -1 : 0;
}

static struct moe_append *begin(const char *name)
{
    moe_h5_quiet();
    struct moe_append *append = moe_pool_new(MOE_POOL_FILES, 1, sizeof *append);
    append->h5 = H5I_INVALID_HID;
    append->name = join(name, "");
    append->part = join(name, ".part");
    return append;
}

static enum moe_status open_part(struct moe_append *append, struct moe_error *err)
{
    hid_t access = moe_h5_plain_access();
    append->h5 = H5Fopen(append->part, H5F_ACC_RDWR, access);
    if (append->h5 < 0)
        library_failed(err, "open", append->part);
    H5Pclose(access);
    return err->code;
}

static enum moe_status end_opening(struct moe_append *new, struct moe_append **append, struct moe_error *err)
{
    *append = err->code == MOE_OK ? new : NULL;
    if (err->code != MOE_OK)
        moe_append_drop(new);
    return err->code;
}

enum moe_status moe_append_open(const char *name, const char *group, int64_t bytes, struct moe_append **append,
                                struct moe_error *err)
{
    struct moe_append *new = begin(name);
    if (copy_file(new, bytes, err) == MOE_OK && open_part(new, err) == MOE_OK &&
        H5Lexists(new->h5, group, H5P_DEFAULT) > 0 && H5Ldelete(new->h5, group, H5P_DEFAULT) < 0)
        library_failed(err, "replace", group);
    return end_opening(new, append, err);
}

/* An empty file, and space behind it. */
static enum moe_status create_part(const struct moe_append *append, int64_t bytes, struct moe_error *err)
{
    int to = open(append->part, O_RDWR | O_CREAT | O_TRUNC, 0666);
    if (to < 0)
        return system_failed(err, MOE_OUTPUT, "write", append->part);
    hid_t access = moe_h5_plain_access(), h5 = H5Fcreate(append->part, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    if (h5 < 0 || H5Fclose(h5) < 0)
        library_failed(err, "write", append->part);
    else if ((errno = posix_fallocate(to, lseek(to, 0, SEEK_END), bytes)) != 0)
        system_failed(err, MOE_OUTPUT, "write", append->part);
    H5Pclose(access);
    close(to);
    return err->code;
}

enum moe_status moe_append_create(const char *name, const char *kind, int64_t bytes, struct moe_append **append,
                                  struct moe_error *err)
{
    const int64_t version = MOE_SCHEMA_VERSION;
    struct moe_append *new = begin(name);
    if (create_part(new, bytes, err) == MOE_OK && open_part(new, err) == MOE_OK &&
        moe_append_attribute(new, "/", "format", MOE_FILE_FORMAT, err) == MOE_OK &&
        moe_append_attribute(new, "/", "kind", kind, err) == MOE_OK &&
        write_attribute(new, "/", "schema_version", H5T_NATIVE_INT64, &version) < 0)
        library_failed(err, "write", new->part);
    return end_opening(new, append, err);
}

enum moe_status moe_append_attribute(struct moe_append *append, const char *path, const char *name, const char *value,
                                     struct moe_error *err)
{
    hid_t type = text_type(strlen(value) + 1);
    if (write_attribute(append, path, name, type, value) < 0)
        library_failed(err, "write", name);
    H5Tclose(type);
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
        holds = H5DSset_scale(dataset, strrchr(path, '/') + 1) >= 0;
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
    hid_t type = text_type(width);
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
