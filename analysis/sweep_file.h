/* A sweep: rows of a table out of many results files. */
#ifndef MOE_SWEEP_FILE_H
#define MOE_SWEEP_FILE_H

#include "analysis/print.h"
#include "src/status.h"

/* Adds a sheet a file, and one "sweep" with the fits over all: exponents, frontier, and the regression of the gap.
 *
 * Ranks:  local; rank 0
 * Errors: MOE_INPUT a file is not the results of a training, or damaged
 */
enum moe_status moe_sweep_files(struct moe_report_file *report, const char *const *file, int count,
                                struct moe_error *err);

#endif
