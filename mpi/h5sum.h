/* Checksums of a file, behind its end, where the HDF5 library does not look: one for each dataset and one over all.
 *
 * They let a damaged file be told from a whole one before the library touches it, which a damaged file can make fail in
 * any way. The text begins after the last byte of the HDF5 file:
 *
 *     frame SIZE SUM                      all bytes 0 .. SIZE - 1 that belong to no dataset below
 *     data OFFSET ROWS BYTES SUM PATH     a dataset: rows of its first dimension, BYTES each, one after the other
 *     ...                                 by rising offset
 *     checksums LENGTH SUM                the last line, 57 bytes: of the LENGTH bytes of all lines above
 *
 * Every SUM has 32 hexadecimal digits. That of a dataset is the sum, modulo 2^128, of XXH3-128 over each row, seeded
 * with the row's number, so that ranks can make it in parts; the others are XXH3-128. The bytes are those of the file,
 * little endian. */
#ifndef MOE_H5SUM_H
#define MOE_H5SUM_H

#include <mpi.h>

#include "mpi/h5plan.h"
#include "src/status.h"

enum { MOE_SUM_TEXT = 33 };

/* A checksum as text.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_sum_text(unsigned __int128 sum, char text[MOE_SUM_TEXT]);

/* Sums up the data of every planned dataset, as it stands in memory. The slabs must be cut along the first dimension
 * only.
 *
 * Ranks:  collective on comm; the sums are on rank 0
 * Errors: ends the job with MOE_BUG when a slab belongs to no planned dataset
 */
void moe_sum_data(struct moe_file *file, MPI_Comm comm);

/* Appends the checksums to the file at `part`, which is complete and closed.
 *
 * Ranks:  local, where moe_sum_data left the sums
 * Errors: MOE_OUTPUT; the file is left to the caller to remove
 */
enum moe_status moe_sum_append(const struct moe_file *file, const char *part, struct moe_error *err);

/* Reads all of a file and compares it with its checksums; the ranks share the work.
 *
 * Ranks:  collective on comm, same name on all
 * Errors: MOE_INPUT, the same on all ranks: not readable, without checksums, or which part differs
 */
enum moe_status moe_sum_verify(const char *name, MPI_Comm comm, struct moe_error *err);

#endif
