#include "mpi/h5read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mpi/h5util.h"
#include "src/options.h"
#include "src/pool.h"

struct moe_reader {
    hid_t h5;
    char *shown; /* the name as error texts have it */
};

/* What the library says about an object; only right after the call that failed. */
static enum moe_status refuse(struct moe_error *err, const struct moe_reader *reader, const char *path)
{
    char cause[512];
    moe_h5_cause(cause, sizeof cause);
    return moe_fail(err, MOE_INPUT, "%s: cannot read %s: %s", reader->shown, path, cause);
}

/* Plain reasons first: what the system says is clearer than what the library makes of it. */
static enum moe_status open_file(struct moe_reader *reader, const char *name, struct moe_error *err)
{
    int fd = open(name, O_RDONLY);
    if (fd < 0)
        return moe_fail(err, MOE_INPUT, "cannot open %s: %s", reader->shown, strerror(errno));
    close(fd);
    if (H5Fis_hdf5(name) <= 0)
        return moe_fail(err, MOE_INPUT, "%s is not an HDF5 file (results and models end in .h5)", reader->shown);
    hid_t access = moe_h5_plain_access();
    reader->h5 = H5Fopen(name, H5F_ACC_RDONLY, access);
    if (reader->h5 < 0) {
        char cause[512];
        moe_h5_cause(cause, sizeof cause);
        moe_fail(err, MOE_INPUT, "cannot open %s: %s (damaged, cut short, or still being written)", reader->shown,
                 cause);
    }
    H5Pclose(access);
    return err->code;
}

static enum moe_status check_format(struct moe_reader *reader, struct moe_error *err)
{
    char *format = NULL;
    if (moe_reader_text(reader, "/", "format", &format, err) || strcmp(format, MOE_FILE_FORMAT))
        moe_fail(err, MOE_INPUT, "%s is not a moecensus file (its attribute \"format\" is %s)", reader->shown,
                 format ? "another" : "missing");
    moe_pool_free(format);
    return err->code;
}

enum moe_status moe_reader_open(const char *name, struct moe_reader **reader, struct moe_error *err)
{
    moe_h5_quiet();
    *err = (struct moe_error){.code = MOE_OK};
    *reader = moe_pool_new(MOE_POOL_FILES, 1, sizeof **reader);
    (*reader)->h5 = H5I_INVALID_HID;
    const size_t size = strlen(name) + 4;
    (*reader)->shown = moe_pool_new(MOE_POOL_FILES, size, 1);
    moe_visible((*reader)->shown, size, name);
    if (open_file(*reader, name, err) || check_format(*reader, err)) {
        moe_reader_close(*reader);
        *reader = NULL;
    }
    return err->code;
}

void moe_reader_close(struct moe_reader *reader)
{
    if (!reader)
        return;
    if (reader->h5 >= 0)
        H5Fclose(reader->h5);
    moe_pool_free(reader->shown);
    moe_pool_free(reader);
}

int moe_reader_has(const struct moe_reader *reader, const char *path)
{
    hid_t object = H5Oopen(reader->h5, path, H5P_DEFAULT);
    if (object < 0)
        return 0;
    H5Oclose(object);
    return 1;
}

int moe_reader_is_group(const struct moe_reader *reader, const char *path)
{
    hid_t object = H5Oopen(reader->h5, path, H5P_DEFAULT);
    if (object < 0)
        return 0;
    int is_group = H5Iget_type(object) == H5I_GROUP;
    H5Oclose(object);
    return is_group;
}

int moe_reader_children(const struct moe_reader *reader, const char *path)
{
    H5G_info_t info;
    if (!moe_reader_is_group(reader, path) || H5Gget_info_by_name(reader->h5, path, &info, H5P_DEFAULT) < 0)
        return 0;
    return (int)info.nlinks;
}

void moe_reader_child(const struct moe_reader *reader, const char *path, int index, char name[64])
{
    name[0] = '\0';
    H5Lget_name_by_idx(reader->h5, path, H5_INDEX_NAME, H5_ITER_INC, (hsize_t)index, name, 64, H5P_DEFAULT);
}

/* A scalar attribute of the class wanted, open together with its type. */
static hid_t open_attribute(struct moe_reader *reader, const char *path, const char *name, H5T_class_t class,
                            hid_t *type, struct moe_error *err)
{
    if (!moe_reader_has(reader, path)) {
        moe_fail(err, MOE_INPUT, "%s: there is no %s", reader->shown, path);
        return H5I_INVALID_HID;
    }
    hid_t attribute = H5Aopen_by_name(reader->h5, path, name, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0) {
        moe_fail(err, MOE_INPUT, "%s: %s has no attribute %s", reader->shown, path, name);
        return H5I_INVALID_HID;
    }
    hid_t space = H5Aget_space(attribute);
    *type = H5Aget_type(attribute);
    int fits = H5Sget_simple_extent_type(space) == H5S_SCALAR && H5Tget_class(*type) == class &&
               (class != H5T_STRING || !H5Tis_variable_str(*type));
    H5Sclose(space);
    if (fits)
        return attribute;
    moe_fail(err, MOE_INPUT, "%s: the attribute %s of %s is of another type than expected", reader->shown, name, path);
    H5Tclose(*type);
    H5Aclose(attribute);
    return H5I_INVALID_HID;
}

static enum moe_status read_attribute(struct moe_reader *reader, const char *path, hid_t attribute, hid_t type,
                                      hid_t memory, void *value, struct moe_error *err)
{
    if (H5Aread(attribute, memory, value) < 0)
        refuse(err, reader, path);
    H5Tclose(type);
    H5Aclose(attribute);
    return err->code;
}

enum moe_status moe_reader_text(struct moe_reader *reader, const char *path, const char *name, char **value,
                                struct moe_error *err)
{
    *value = NULL;
    *err = (struct moe_error){.code = MOE_OK};
    hid_t type, attribute = open_attribute(reader, path, name, H5T_STRING, &type, err);
    if (attribute < 0)
        return err->code;
    *value = moe_pool_new(MOE_POOL_FILES, H5Tget_size(type) + 1, 1);
    if (read_attribute(reader, path, attribute, type, type, *value, err)) {
        moe_pool_free(*value);
        *value = NULL;
    }
    return err->code;
}

enum moe_status moe_reader_int(struct moe_reader *reader, const char *path, const char *name, int64_t *value,
                               struct moe_error *err)
{
    *err = (struct moe_error){.code = MOE_OK};
    hid_t type, attribute = open_attribute(reader, path, name, H5T_INTEGER, &type, err);
    return attribute < 0 ? err->code
                         : read_attribute(reader, path, attribute, type, H5T_NATIVE_INT64, value, err);
}

enum moe_status moe_reader_double(struct moe_reader *reader, const char *path, const char *name, double *value,
                                  struct moe_error *err)
{
    *err = (struct moe_error){.code = MOE_OK};
    hid_t type, attribute = open_attribute(reader, path, name, H5T_FLOAT, &type, err);
    return attribute < 0 ? err->code
                         : read_attribute(reader, path, attribute, type, H5T_NATIVE_DOUBLE, value, err);
}

/* The dataset at path with its lengths, which must be `rank` many. */
static hid_t open_dataset(struct moe_reader *reader, const char *path, int rank, int64_t *shape,
                          struct moe_error *err)
{
    MOE_CHECK(rank >= 1 && rank <= MOE_FILE_DIMS);
    hsize_t dims[MOE_FILE_DIMS];
    hid_t dataset = H5Dopen2(reader->h5, path, H5P_DEFAULT);
    if (dataset < 0) {
        moe_fail(err, MOE_INPUT, "%s: there is no dataset %s", reader->shown, path);
        return H5I_INVALID_HID;
    }
    hid_t space = H5Dget_space(dataset);
    int found = H5Sget_simple_extent_ndims(space);
    if (found == rank)
        H5Sget_simple_extent_dims(space, dims, NULL);
    H5Sclose(space);
    if (found != rank) {
        moe_fail(err, MOE_INPUT, "%s: %s has %d dimensions, not %d", reader->shown, path, found, rank);
        H5Dclose(dataset);
        return H5I_INVALID_HID;
    }
    for (int i = 0; i < rank; i++)
        shape[i] = (int64_t)dims[i];
    return dataset;
}

enum moe_status moe_reader_shape(struct moe_reader *reader, const char *path, int rank, int64_t *shape,
                                 struct moe_error *err)
{
    *err = (struct moe_error){.code = MOE_OK};
    hid_t dataset = open_dataset(reader, path, rank, shape, err);
    if (dataset >= 0)
        H5Dclose(dataset);
    return err->code;
}

static void shape_text(char *text, size_t size, int rank, const int64_t *shape)
{
    size_t used = 0;
    for (int i = 0; i < rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%lld", i ? " x " : "", (long long)shape[i]);
}

static enum moe_status check_dataset(const struct moe_reader *reader, hid_t dataset, const char *path,
                                     enum moe_type type, int rank, const int64_t *found, const int64_t *shape,
                                     struct moe_error *err)
{
    hid_t stored = H5Dget_type(dataset);
    int equal = H5Tequal(stored, moe_type_in_file(type)) > 0;
    H5Tclose(stored);
    if (!equal)
        return moe_fail(err, MOE_INPUT, "%s: %s is of another type than expected", reader->shown, path);
    if (memcmp(found, shape, (size_t)rank * sizeof *shape)) {
        char is[96], wanted[96];
        shape_text(is, sizeof is, rank, found);
        shape_text(wanted, sizeof wanted, rank, shape);
        return moe_fail(err, MOE_INPUT, "%s: %s is %s, not %s", reader->shown, path, is, wanted);
    }
    return MOE_OK;
}

static enum moe_status read_block(const struct moe_reader *reader, hid_t dataset, const char *path,
                                  enum moe_type type, int rank, const int64_t *start, const int64_t *count,
                                  void *data, struct moe_error *err)
{
    hsize_t from[MOE_FILE_DIMS], many[MOE_FILE_DIMS];
    for (int i = 0; i < rank; i++) {
        from[i] = (hsize_t)start[i];
        many[i] = (hsize_t)count[i];
    }
    hid_t there = H5Dget_space(dataset), here = H5Screate_simple(rank, many, NULL);
    if (H5Sselect_hyperslab(there, H5S_SELECT_SET, from, NULL, many, NULL) < 0 ||
        H5Dread(dataset, moe_type_in_memory(type), here, there, H5P_DEFAULT, data) < 0)
        refuse(err, reader, path);
    H5Sclose(here);
    H5Sclose(there);
    return err->code;
}

enum moe_status moe_reader_slab(struct moe_reader *reader, const char *path, enum moe_type type, int rank,
                                const int64_t *shape, const int64_t *start, const int64_t *count, void *data,
                                struct moe_error *err)
{
    int64_t found[MOE_FILE_DIMS], elements = 1;
    *err = (struct moe_error){.code = MOE_OK};
    hid_t dataset = open_dataset(reader, path, rank, found, err);
    if (dataset < 0)
        return err->code;
    for (int i = 0; i < rank; i++)
        elements *= count[i];
    if (!check_dataset(reader, dataset, path, type, rank, found, shape, err) && elements > 0)
        read_block(reader, dataset, path, type, rank, start, count, data, err);
    H5Dclose(dataset);
    return err->code;
}
