/* What stands at the root of every file: format, config, seeds, and how it came about. */
#ifndef MOE_PROVENANCE_H
#define MOE_PROVENANCE_H

#include "mpi/h5file.h"
#include "mpi/results.h"

/* Plans what stands at the root of every file, and /provenance.
 *
 * Ranks:  collective (hosts are gathered)
 * Errors: never fails
 */
void moe_file_common(struct moe_file *file, const struct moe_results *results, const char *kind);

#endif
