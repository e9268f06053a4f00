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

enum { MOE_BUILD_TEXT = 33 };

/* XXH3-128 of the program's own file, as 32 hexadecimal digits; "" where the system does not show it.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_program_build(char text[MOE_BUILD_TEXT]);

#endif
