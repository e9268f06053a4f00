/* What writing and reading HDF5 files share: types and error texts. */
#ifndef MOE_H5UTIL_H
#define MOE_H5UTIL_H

#include <hdf5.h>
#include <stddef.h>

#include "mpi/h5file.h"

/* Bytes of one element.
 *
 * Ranks:  local
 * Errors: never fails
 */
size_t moe_type_size(enum moe_type type);

/* The library's name of a type in files (little endian) and in memory; not to be closed.
 *
 * Ranks:  local
 * Errors: never fails
 */
hid_t moe_type_in_file(enum moe_type type);
hid_t moe_type_in_memory(enum moe_type type);

/* Starts the library if need be and stops it from printing errors by itself.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_h5_quiet(void);

/* An access list for the plain driver of one process: format as of HDF5 1.8, locks only where the file system has them.
 *
 * Ranks:  local
 * Errors: ends the job with MOE_BUG
 */
hid_t moe_h5_plain_access(void);

/* The first cause of the library call that failed last, in one line. Ask before the next library call.
 *
 * Ranks:  local
 * Errors: never fails; longer texts are cut
 */
void moe_h5_cause(char *text, size_t size);

#endif
