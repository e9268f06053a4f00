#include "mpi/h5util.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

size_t moe_type_size(enum moe_type type)
{
    static const size_t size[] = {[MOE_I16] = 2, [MOE_I32] = 4,    [MOE_I64] = 8,
                                  [MOE_U64] = 8, [MOE_REAL32] = 4, [MOE_REAL64] = 8};
    return size[type];
}

hid_t moe_type_in_file(enum moe_type type)
{
    switch (type) {
    case MOE_I16: return H5T_STD_I16LE;
    case MOE_I32: return H5T_STD_I32LE;
    case MOE_I64: return H5T_STD_I64LE;
    case MOE_U64: return H5T_STD_U64LE;
    case MOE_REAL32: return H5T_IEEE_F32LE;
    case MOE_REAL64: return H5T_IEEE_F64LE;
    }
    moe_fatal(MOE_BUG, "no element type %d (please report it)", (int)type);
}

hid_t moe_type_in_memory(enum moe_type type)
{
    switch (type) {
    case MOE_I16: return H5T_NATIVE_INT16;
    case MOE_I32: return H5T_NATIVE_INT32;
    case MOE_I64: return H5T_NATIVE_INT64;
    case MOE_U64: return H5T_NATIVE_UINT64;
    case MOE_REAL32: return H5T_NATIVE_FLOAT;
    case MOE_REAL64: return H5T_NATIVE_DOUBLE;
    }
    moe_fatal(MOE_BUG, "no element type %d (please report it)", (int)type);
}

void moe_h5_quiet(void)
{
    H5open();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

hid_t moe_h5_plain_access(void)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    MOE_CHECK(access >= 0 && H5Pset_file_locking(access, 1, 1) >= 0 &&
              H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18) >= 0);
    return access;
}

struct cause {
    char *text;
    size_t size;
};

/* What the system said stands amid addresses and times in texts about files; it alone is of use. */
static herr_t first_cause(unsigned depth, const H5E_error2_t *error, void *data)
{
    static const char mark[] = "error message = '";
    struct cause *cause = data;
    if (depth != 0 || !error->desc)
        return 0;
    const char *system = strstr(error->desc, mark), *text = system ? system + strlen(mark) : error->desc;
    snprintf(cause->text, cause->size, "%.*s", (int)(system ? strcspn(text, "'") : strlen(text)), text);
    return 0;
}

void moe_h5_cause(char *text, size_t size)
{
    struct cause cause = {text, size};
    snprintf(text, size, "the HDF5 library gives no cause");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_cause, &cause);
    for (char *at = text; *at; at++)
        *at = iscntrl((unsigned char)*at) ? ' ' : *at;
}
