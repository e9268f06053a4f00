/* What writing and comparing checksums share: where data stand in a file, and how their bytes are summed up. */
#ifndef MOE_H5FRAME_H
#define MOE_H5FRAME_H

#include <stdint.h>
#include <stdio.h>

#include "mpi/h5sum.h"

/* The data of one dataset, in one piece of the file. */
struct moe_extent {
    int64_t offset, rows, row_bytes;
    char sum[MOE_SUM_TEXT];
    const char *path; /* borrowed */
};

/* The last line of a file with checksums: length and sum of the lines before it. */
#define MOE_LAST_LINE "checksums %013" PRId64 " %s\n"
enum { MOE_LAST_BYTES = 57 };

/* What rows first, first + 1, ... of a dataset add to its checksum.
 *   data [rows, row_bytes]
 *
 * Ranks:  local
 * Errors: never fails
 */
unsigned __int128 moe_sum_rows(const void *data, int64_t first, int64_t rows, size_t row_bytes);

/* XXH3-128 of bytes in one piece.
 *
 * Ranks:  local
 * Errors: never fails
 */
unsigned __int128 moe_sum_bytes(const void *data, size_t size);

/* The checksum of the first `size` bytes of a file outside of extents [count], which rise and do not overlap.
 *
 * Ranks:  local
 * Errors: returns errno, EIO when the file is shorter
 */
int moe_sum_frame(FILE *file, int64_t size, const struct moe_extent *extents, int count, char sum[MOE_SUM_TEXT]);

#endif
