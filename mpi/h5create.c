/* The part of moe_file_prepare that rank 0 does alone: everything in the file but the slabs. */
#include <errno.h>
#include <fcntl.h>
#include <hdf5_hl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mpi/h5plan.h"
#include "mpi/h5util.h"
#include "src/pool.h"

/* Records what the library says; only right after the call that failed. */
static int refuse(struct moe_error *err, const char *part, const char *what, const char *path)
{
    char cause[512];
    moe_h5_cause(cause, sizeof cause);
    moe_fail(err, MOE_OUTPUT, "%s: cannot %s %s: %s (is the disk full, or faulty?)", part, what, path, cause);
    return -1;
}

static int create_group(hid_t h5, const char *part, const char *path, hid_t untimed, struct moe_error *err)
{
    hid_t group = H5Gcreate2(h5, path, H5P_DEFAULT, untimed, H5P_DEFAULT);
    if (group < 0 || H5Gclose(group) < 0)
        return refuse(err, part, "create group", path);
    return 0;
}

/* Allocated at once and never filled: the data that comes later is all that is written. */
static hid_t create_dataset(hid_t h5, const char *path, hid_t type, int rank, const int64_t *shape, hid_t list)
{
    hsize_t dims[MOE_FILE_DIMS];
    for (int i = 0; i < rank; i++)
        dims[i] = (hsize_t)shape[i];
    hid_t space = H5Screate_simple(rank, dims, NULL);
    hid_t dataset = H5Dcreate2(h5, path, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    if (dataset >= 0)
        H5Sclose(space);
    return dataset;
}

static int write_scale(hid_t dataset, const struct moe_plan_scale *scale)
{
    if (scale->length == 0)
        return 0;
    if (scale->values)
        return H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, scale->values);
    int64_t *counts = moe_pool_new(MOE_POOL_FILES, (size_t)scale->length, sizeof *counts);
    for (int64_t i = 0; i < scale->length; i++)
        counts[i] = i;
    int failed = H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, counts);
    moe_pool_free(counts);
    return failed;
}

static int create_scales(const struct moe_file *file, hid_t h5, const char *part, hid_t list, hid_t *scales,
                         struct moe_error *err)
{
    for (size_t i = 0; i < file->scale_count; i++) {
        const struct moe_plan_scale *scale = &file->scales[i];
        scales[i] = create_dataset(h5, scale->path, H5T_STD_I64LE, 1, &scale->length, list);
        if (scales[i] < 0)
            return refuse(err, part, "create dimension", scale->path);
        if (write_scale(scales[i], scale) < 0)
            return refuse(err, part, "write dimension", scale->path);
        if (H5DSset_scale(scales[i], strrchr(scale->path, '/') + 1) < 0)
            return refuse(err, part, "name dimension", scale->path);
    }
    return 0;
}

static int create_planned(const struct moe_file *file, struct moe_plan_dataset *planned, hid_t h5,
                          const char *part, hid_t list, const hid_t *scales, struct moe_error *err)
{
    hid_t dataset = create_dataset(h5, planned->path, moe_type_in_file(planned->type), planned->rank, planned->shape,
                                   list);
    if (dataset < 0)
        return refuse(err, part, "create dataset", planned->path);
    for (int i = 0; i < planned->rank; i++)
        if (H5DSattach_scale(dataset, scales[moe_plan_find_scale(file, planned->scale[i])], (unsigned)i) < 0)
            return refuse(err, part, "attach dimensions to", planned->path);
    if (planned->whole && moe_plan_elements(planned->rank, planned->shape) > 0 &&
        H5Dwrite(dataset, moe_type_in_memory(planned->type), H5S_ALL, H5S_ALL, H5P_DEFAULT, planned->data) < 0)
        return refuse(err, part, "write dataset", planned->path);
    planned->offset = (int64_t)H5Dget_offset(dataset);
    if (H5Dclose(dataset) < 0)
        return refuse(err, part, "close dataset", planned->path);
    return 0;
}

static hid_t text_type(const char *text)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    MOE_CHECK(type >= 0 && H5Tset_size(type, strlen(text) + 1) >= 0 && H5Tset_strpad(type, H5T_STR_NULLTERM) >= 0 &&
              H5Tset_cset(type, H5T_CSET_UTF8) >= 0);
    return type;
}

static int create_attribute(const struct moe_plan_attribute *planned, hid_t h5, hid_t scalar)
{
    hid_t text = planned->kind == MOE_PLAN_TEXT ? text_type(planned->text) : H5I_INVALID_HID;
    hid_t type[] = {text, H5T_STD_I64LE, H5T_STD_U64LE, H5T_IEEE_F64LE};
    hid_t memory[] = {text, H5T_NATIVE_INT64, H5T_NATIVE_UINT64, H5T_NATIVE_DOUBLE};
    const void *value[] = {planned->text, &planned->integer, &planned->natural, &planned->real};
    hid_t attribute = H5Acreate_by_name(h5, planned->path, planned->name, type[planned->kind], scalar, H5P_DEFAULT,
                                        H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0 || H5Awrite(attribute, memory[planned->kind], value[planned->kind]) < 0 ||
        H5Aclose(attribute) < 0)
        return -1;
    if (text >= 0)
        H5Tclose(text);
    return 0;
}

static int create_attributes(const struct moe_file *file, hid_t h5, const char *part, struct moe_error *err)
{
    hid_t scalar = H5Screate(H5S_SCALAR);
    for (size_t i = 0; i < file->attribute_count; i++) {
        const struct moe_plan_attribute *planned = &file->attributes[i];
        if (create_attribute(planned, h5, scalar) < 0) {
            char label[256];
            snprintf(label, sizeof label, "%s of %s", planned->name, planned->path);
            return refuse(err, part, "write attribute", label);
        }
    }
    H5Sclose(scalar);
    return 0;
}

static int create_objects(struct moe_file *file, hid_t h5, const char *part, struct moe_error *err)
{
    hid_t group_list = H5Pcreate(H5P_GROUP_CREATE), list = H5Pcreate(H5P_DATASET_CREATE);
    hid_t *scales = moe_pool_new(MOE_POOL_FILES, file->scale_count, sizeof *scales);
    MOE_CHECK(H5Pset_obj_track_times(group_list, 0) >= 0 && H5Pset_obj_track_times(list, 0) >= 0 &&
              H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY) >= 0 && H5Pset_fill_time(list, H5D_FILL_TIME_NEVER) >= 0);
    int failed = 0;
    for (size_t i = 0; i < file->group_count && !failed; i++)
        failed = create_group(h5, part, file->groups[i], group_list, err);
    failed = failed || create_scales(file, h5, part, list, scales, err);
    for (size_t i = 0; i < file->dataset_count && !failed; i++)
        failed = create_planned(file, &file->datasets[i], h5, part, list, scales, err);
    failed = failed || create_attributes(file, h5, part, err);
    for (size_t i = 0; i < file->scale_count && !failed; i++)
        if (H5Dclose(scales[i]) < 0)
            failed = refuse(err, part, "close dimension", file->scales[i].path);
    H5Pclose(group_list);
    H5Pclose(list);
    moe_pool_free(scales);
    return failed;
}

/* The bytes of a file without objects, made in memory. They are taken from the driver's own buffer, because the image
 * that H5Fget_file_image of HDF5 1.10.8 gives has a wrong checksum and cannot be opened. */
static void *empty_file(size_t *size)
{
    void **buffer;
    hsize_t bytes;
    hid_t access = moe_h5_plain_access(), list = H5Pcreate(H5P_FILE_CREATE);
    MOE_CHECK(H5Pset_fapl_core(access, 4096, 0) >= 0 && H5Pset_obj_track_times(list, 0) >= 0);
    hid_t h5 = H5Fcreate("empty", H5F_ACC_TRUNC, list, access);
    MOE_CHECK(h5 >= 0 && H5Fflush(h5, H5F_SCOPE_LOCAL) >= 0 && H5Fget_filesize(h5, &bytes) >= 0);
    MOE_CHECK(H5Fget_vfd_handle(h5, H5P_DEFAULT, (void **)&buffer) >= 0);
    void *image = memcpy(moe_pool_new(MOE_POOL_FILES, (size_t)bytes, 1), *buffer, (size_t)bytes);
    MOE_CHECK(H5Fclose(h5) >= 0);
    H5Pclose(list);
    H5Pclose(access);
    *size = (size_t)bytes;
    return image;
}

static const char *hint(int cause)
{
    switch (cause) {
    case ENOSPC:
    case EDQUOT: return "free as much there, or name another place with output.name";
    case ENOENT: return "make the directory, or name another place with output.name";
    default: return "name another place with output.name";
    }
}

static int write_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t written = write(fd, data, size);
        if (written < 0 && errno != EINTR)
            return errno;
        data += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
    return 0;
}

/* The descriptor must be for reading too: where the file system cannot reserve, the C library reads what is there. */
static int reserve(int fd, int64_t bytes)
{
    int cause;
    do
        cause = posix_fallocate(fd, 0, bytes);
    while (cause == EINTR);
    return cause;
}

/* Puts an empty HDF5 file on disk that already holds the space for all that will come. The library is kept out of it:
 * once it has created a file it must close it, and on a full disk it cannot. */
static enum moe_status reserve_file(const char *part, int64_t bytes, struct moe_error *err)
{
    int fd = open(part, O_RDWR | O_CREAT | O_EXCL, 0666);
    if (fd < 0)
        return moe_fail(err, MOE_OUTPUT, "cannot create %s: %s (%s)", part, strerror(errno), hint(errno));
    size_t size;
    void *image = empty_file(&size);
    int cause = write_all(fd, image, size);
    if (!cause)
        cause = reserve(fd, bytes);
    moe_pool_free(image);
    if (close(fd) && !cause)
        cause = errno;
    if (cause)
        return moe_fail(err, MOE_OUTPUT, "cannot reserve %.1f MB for %s: %s (%s)", (double)bytes / 1e6, part,
                        strerror(cause), hint(cause));
    return MOE_OK;
}

/* The library has cut the file to what it uses. Should that be more than was reserved, the rest is reserved now. */
static enum moe_status reserve_rest(const char *part, struct moe_error *err)
{
    struct stat now;
    int fd = open(part, O_RDWR), cause = 0;
    if (fd < 0 || fstat(fd, &now))
        cause = errno;
    else
        cause = reserve(fd, now.st_size);
    if (fd >= 0 && close(fd) && !cause)
        cause = errno;
    if (cause)
        return moe_fail(err, MOE_OUTPUT, "cannot reserve %s: %s (%s)", part, strerror(cause), hint(cause));
    return MOE_OK;
}

enum moe_status moe_plan_create(struct moe_file *file, const char *part, int *reserved, struct moe_error *err)
{
    *reserved = 0;
    moe_h5_quiet();
    if (reserve_file(part, moe_plan_bytes(file), err))
        return err->code;
    *reserved = 1;
    hid_t access = moe_h5_plain_access();
    hid_t h5 = H5Fopen(part, H5F_ACC_RDWR, access);
    if (h5 < 0)
        refuse(err, part, "open", "it again");
    else if (!create_objects(file, h5, part, err) && H5Fclose(h5) < 0)
        refuse(err, part, "close", "it");
    if (err->code)
        return err->code;
    H5Pclose(access);
    *reserved = 0;
    return reserve_rest(part, err);
}
